"""Kitchen, water, air and food: the near misses that a case in a detector's file would not say as clearly."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from contracts.detections import Detection
from contracts.kinds import Card
from stream.battery import run_story
from stream.detector import Story
from stream.detectors import carbon_monoxide, cold_holding, freezer, heat, hood_off, stove_unattended, water_unused
from stream.registry import discover

Row = tuple[float, str, str, Mapping[str, Any]]
M, H = 60.0, 3600.0


def say(name: str, rows: Sequence[Row], ends_at_s: float, home: Card | None = None, **more: Any) -> list[Detection]:
    return run_story(name, discover()[name], Story(rows, ends_at_s, home, **more))


def air(field: str, values: Sequence[float], every_s: float, device: str) -> list[Row]:
    return [(every_s * n, device, "air", {field: value}) for n, value in enumerate(values)]


@pytest.mark.parametrize(
    ("ppm", "not_before_min", "not_after_min", "score"),
    [(30.0, 120, 125, 2), (50.0, 60, 90, 3), (100.0, 10, 40, 3), (300.0, 0, 3, 4)],
)
def test_each_dose_band_of_en_50291_is_met(ppm: float, not_before_min: float, not_after_min: float, score: int) -> None:
    told = say("carbon_monoxide", air("co_ppm", [ppm] * 500, 30.0, "co-1"), 500 * 30.0, carbon_monoxide.CARD)
    first = next(each for each in told if each.score == score)
    assert not_before_min * M <= first.decided_at_s <= not_after_min * M


@pytest.mark.parametrize(
    ("ppm", "minutes"),
    [(29.9, 600), (30.0, 119), (49.9, 119), (50.0, 59), (99.9, 59), (100.0, 9), (299.0, 9), (300.0, 1.5)],
)
def test_below_a_band_or_its_time_co_is_silent(ppm: float, minutes: float) -> None:
    values = [ppm] * (int(minutes * 2) + 1)
    assert (
        say(
            "carbon_monoxide",
            air("co_ppm", [*values, 0.0], 30.0, "co-1"),
            (len(values) + 2) * 30.0,
            carbon_monoxide.CARD,
        )
        == []
    )


@pytest.mark.parametrize("k_per_min", [10.0, 20.0, 30.0])
@pytest.mark.parametrize("every_s", [10.0, 30.0, 60.0])
def test_a_fire_is_felt_within_the_time_that_en_54_5_leaves(k_per_min: float, every_s: float) -> None:
    values = [25.0 + k_per_min * max(0.0, n * every_s - 600) / 60 for n in range(int(1200 / every_s))]
    told = say("heat", air("temperature_c", [min(each, 190.0) for each in values], every_s, "air-1"), 1_300, heat.CARD)
    assert told[0].decided_at_s - 600 <= {10.0: 260, 20.0: 140, 30.0: 100}[k_per_min] + 2 * every_s
    assert len({each.detection_id for each in told}) == 1


def test_one_degree_a_minute_is_no_fire_until_it_is_hot() -> None:
    told = say("heat", air("temperature_c", np.arange(20.0, 65.0, 0.5).tolist(), 30.0, "air-1"), 3_000, heat.CARD)
    assert [each.reason for each in told] == ["heat.hot"]


def test_smoke_and_heat_of_one_fire_are_one_family_and_two_signals() -> None:
    assert discover()["smoke"].family == discover()["heat"].family == "smoke"


def test_a_defrost_that_never_ends_is_one_no_longer() -> None:
    cabinet = [
        (600.0 * n, "freezer-1", "holding", {"temperature_c": -18.0 if n < 6 else 1.0, "mode": "frozen"})
        for n in range(40)
    ]
    told = say("freezer", cabinet, 40 * 600.0, freezer.CARD)
    assert [each.reason for each in told] == ["freezer.thawing"]
    assert told[0].decided_at_s == pytest.approx(6 * 600 + H, abs=1)


def test_what_a_logger_did_not_see_is_not_held_against_the_food() -> None:
    rows: list[Row] = [
        (n * 4 * H, "fridge-1", "holding", {"temperature_c": celsius})
        for n, celsius in enumerate((4.0, 12.0, 12.0, 12.0))
    ]
    told = say("cold_holding", rows, 13 * H, cold_holding.CARD)
    assert [each.reason for each in told] == ["cold_holding.warming"], (
        "twice half an hour is an hour, whatever the clock says"
    )


def test_a_forgotten_stove_warns_first_and_alerts_then() -> None:
    told = say("stove_unattended", stove_unattended.COOKING, stove_unattended.NOON + 60 * M, stove_unattended.CARD)
    assert [each.score for each in told] == [1, 2]
    assert told[1].decided_at_s - told[0].decided_at_s == pytest.approx(600, abs=20)


@pytest.mark.parametrize(
    ("home", "scores"),
    [(stove_unattended.CARD, [1, 2]), (stove_unattended.TOUCHED, [1, 2]), (stove_unattended.NO_EYES, [1])],
)
def test_what_is_missing_makes_a_stove_say_less_and_later_but_not_nothing(home: Card, scores: list[int]) -> None:
    noon = stove_unattended.NOON
    rows = [
        *stove_unattended.walks(noon, noon + 5 * M),
        *stove_unattended.touches(2, 4),
        stove_unattended.stove(noon + M, True),
    ]
    named = [row for row in rows if row[1] in home.device_ids]
    told = say("stove_unattended", sorted(named, key=lambda row: row[0]), noon + 5 * H, home)
    assert [each.score for each in told] == scores
    assert told[0].decided_at_s <= noon + 3 * H + M + 20


def test_a_flame_known_by_heat_alone_is_never_sure() -> None:
    noon = stove_unattended.NOON
    rows = [*stove_unattended.walks(noon, noon + 20 * M), *stove_unattended.flame(4, 240, 240)]
    told = say("stove_unattended", rows, noon + 4 * H, stove_unattended.CARD)
    assert {each.score for each in told} == {1}


def test_water_is_never_missed_in_a_home_that_is_known_to_be_empty() -> None:
    gone = [*water_unused.moves(*range(7, 18)), *water_unused.door(18)]
    rows = water_unused.day(water_unused.meter(24 * 14, 17.0), gone)
    assert say("water_unused", rows, 14 * 24 * H, water_unused.HOME) == []


def test_water_says_nothing_at_night() -> None:
    rows = water_unused.meter(24 * 4, 5.0)
    told = say("water_unused", rows, 4 * 24 * H, water_unused.METER)
    assert len(told) == 1
    assert 9 <= told[0].decided_at_s / H % 24 < 21


def test_the_hood_has_the_lowest_score_there_is() -> None:
    assert hood_off.Params().score == 0
    assert discover()["hood_off"].family == "technical"
