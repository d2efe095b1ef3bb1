"""Devices: what they say is in order, well-formed, and explained by what the resident does."""

from collections import defaultdict
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from contracts.kinds import KINDS
from simulators.clock import midnight_s
from simulators.neighbourhood import Home, neighbourhood
from simulators.residents import Stay, live
from simulators.schedule import story
from simulators.sensing import BATTERY_BEAT_S, HUB_BEAT_S, MAINS_BEAT_S, PIR_CLEARS_S, Sensed, Senses

START_S = midnight_s(20_000)
HOMES = neighbourhood(12, seed=3)


def day_of(home: Home, days: float = 1.0) -> list[Sensed]:
    return list(story(home, START_S, START_S + days * 86_400).sensed)


def of(sensed: list[Sensed], device_id: str, **values: Any) -> list[Sensed]:
    return [s for s in sensed if s.device_id == device_id and all(s.values.get(k) == v for k, v in values.items())]


@pytest.mark.parametrize("home", HOMES, ids=lambda home: home.home_id)
def test_a_day_is_in_order_repeats_exactly_and_every_reading_is_of_a_known_kind(home: Home) -> None:
    sensed = day_of(home)
    assert sensed == day_of(home)
    assert all(before.at_s <= after.at_s for before, after in pairwise(sensed))
    for reading in sensed:
        kind: Any = KINDS[reading.kind]
        msgspec.convert({"kind": reading.kind, "t": reading.at_s, **reading.values}, kind)
    assert {reading.device_id for reading in sensed} <= {device.device_id for device in home.devices}


def test_every_device_of_a_home_is_heard_within_its_beat() -> None:
    home = HOMES[0]
    sensed = day_of(home)
    longest = {"hub": HUB_BEAT_S, "stove": MAINS_BEAT_S, "gas": MAINS_BEAT_S, "radar": MAINS_BEAT_S}
    for device in home.devices:
        times = [START_S, *(s.at_s for s in of(sensed, device.device_id)), START_S + 86_400]
        limit_s = longest.get(device.device_id, BATTERY_BEAT_S)
        assert max(after - before for before, after in pairwise(times)) <= 2 * limit_s + 60, device.device_id


def test_a_motion_sensor_clears_after_the_last_movement_and_says_so_once() -> None:
    home = HOMES[1]
    for device in home.devices:
        if device.role == "motion":
            moving = [
                (s.at_s, s.values["moving"])
                for s in day_of(home, 3)
                if s.device_id == device.device_id and s.kind == "motion"
            ]
            for (at_s, was), (next_s, now) in pairwise(moving):
                if was and not now:
                    assert next_s - at_s >= PIR_CLEARS_S - 1e-3


def test_nobody_at_home_means_no_motion_but_for_strays() -> None:
    home = HOMES[2]
    senses = Senses(home, START_S, beats=False)
    empty = Stay(START_S, START_S + 60 * 86_400, "outside", "out")
    moving = [s for s in senses.through(empty) if s.kind == "motion" and s.values["moving"]]
    assert 20 < len(moving) < 70  # one in six days of each of four sensors
    assert sum(after.at_s - before.at_s < 120 for before, after in pairwise(moving)) <= 2


def test_going_out_opens_and_closes_the_door_twice() -> None:
    home = HOMES[3]
    outings = [stay for stay in live(home.seed, START_S, START_S + 5 * 86_400) if stay.act == "out"]
    assert outings
    door = of(day_of(home, 5), "door")
    for outing in outings:
        during = [
            s.values["open"]
            for s in door
            if s.kind == "contact" and s.at_s > START_S + 60 and outing.start_s <= s.at_s <= outing.end_s + 30
        ]
        assert during[:4] == [True, False, True, False]


def test_the_stove_is_on_only_while_somebody_cooks() -> None:
    home = HOMES[4]
    cooks = [stay for stay in live(home.seed, START_S, START_S + 2 * 86_400) if stay.act == "cook"]
    heating = [s.at_s for s in of(day_of(home, 2), "stove", on=True)]
    assert heating
    assert all(any(stay.start_s <= at_s <= stay.end_s for stay in cooks) for at_s in heating)


def test_a_watch_that_is_off_measures_nothing_and_says_that_it_is_off() -> None:
    home = next(home for home in HOMES if home.device("watch"))
    worn = None
    for reading in day_of(home, 6):
        if reading.device_id == "watch":
            if reading.kind == "status":
                worn = reading.values["worn"]
            else:
                assert worn is not False


def test_what_is_not_measured_is_left_out_and_never_zero() -> None:
    vitals = [s.values for home in HOMES for s in day_of(home) if s.kind == "vitals"]
    assert any("heart_rate_bpm" not in values for values in vitals)
    assert all(values.get("heart_rate_bpm", 60) > 30 for values in vitals)


def test_water_is_metered_as_it_is_used() -> None:
    home = HOMES[5]
    by_day: dict[int, float] = defaultdict(float)
    for reading in of(day_of(home, 4), "water"):
        by_day[int((reading.at_s - START_S) // 86_400)] += reading.values["litres"]
    assert all(20 < litres < 400 for litres in by_day.values())
