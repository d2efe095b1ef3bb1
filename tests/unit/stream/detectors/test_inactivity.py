"""Silence: what ends it, what does not, and when nothing may be concluded."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from contracts.detections import Detection
from contracts.kinds import BED, LINES, PLACES, UNRESOLVED, Card
from stream.battery import run_story
from stream.detector import Story
from stream.detectors import inactivity
from stream.detectors.inactivity import DETECTOR, DEVICES, LAST_S, LIMIT_S, PLACED, UP, H, M, card, door, motion

Row = tuple[float, str, str, Mapping[str, Any]]
HOME, NO_DOOR = card(*DEVICES), card("pir-1", "pir-2", "tap-1")
DUE_S = LAST_S + LIMIT_S


def say(rows: Sequence[Row], ends_at_s: float, home: Card = HOME, **more: Any) -> list[Detection]:
    return run_story("inactivity", DETECTOR, Story(rows, ends_at_s, home, **more))


def test_a_long_bath_is_quiet_when_the_water_still_runs() -> None:
    bath: list[Row] = [(10.8 * H + n * 5 * M, "tap-1", "water", {"litres": 30.0, "duration_s": 300}) for n in range(6)]
    ends_at_s = 10.8 * H + 25 * M + LIMIT_S - 60
    assert say([*UP, *bath], ends_at_s, NO_DOOR) == []
    assert say(UP, ends_at_s, NO_DOOR) != [], "without the water it would have been too long"


def test_a_tap_left_open_does_not_live_for_the_one_who_opened_it() -> None:
    runs: list[Row] = [(10.8 * H + n * 5 * M, "tap-1", "water", {"litres": 30.0, "duration_s": 300}) for n in range(60)]
    told = say([*UP, *runs], 15.5 * H, NO_DOOR)
    assert told[0].decided_at_s < 10.8 * H + 30 * M + LIMIT_S + 30


def test_one_stray_motion_does_not_reset_the_clock_and_two_together_do() -> None:
    stray: list[Row] = [(12 * H, "pir-1", "motion", {"moving": True})]
    assert say([*UP, *stray], DUE_S + 60)[0].decided_at_s == pytest.approx(DUE_S, abs=20)
    assert say([*UP, *motion(12 * H)], DUE_S + 60) == []


def test_ten_hours_of_backlog_do_not_bring_a_fallen_man_to_life() -> None:
    kept = [*motion(11 * H), *motion(11.5 * H)]
    late = {len(UP) + n: 21.5 * H + n for n in range(len(kept))}
    told = say([*UP, *kept], 24 * H, late=late)
    assert told[0].on
    assert told[-1].on, "the alarm stands: the last sign is still ten hours old"
    assert not any(each.reason == "inactivity.moved" for each in told)


def test_a_backlog_that_reaches_to_now_ends_the_alarm() -> None:
    kept = [*motion(12 * H), *motion(13.4 * H)]
    told = say([*UP, *kept], 14 * H, late={len(UP) + n: 13.5 * H for n in range(len(kept))})
    assert [told[0].on, told[-1].on] == [True, False]
    assert told[-1].reason == "inactivity.moved"


def test_a_row_of_unknown_time_is_no_sign_of_life() -> None:
    unknown: list[Row] = [
        (at, device, kind, {**values, "clock": UNRESOLVED}) for at, device, kind, values in motion(12 * H)
    ]
    assert say([*UP, *unknown], DUE_S + 60)[0].decided_at_s == pytest.approx(DUE_S, abs=20)


def test_nobody_is_declared_silent_after_the_broker_was_away() -> None:
    assert say(UP, 22 * H, unwatched=[(10.9 * H, 21 * H)]) == []


def test_a_silence_goes_on_where_it_stood_when_nobody_watched() -> None:
    told = say(UP, 24 * H, unwatched=[(11 * H, 21 * H)])
    assert told[0].decided_at_s == pytest.approx(DUE_S + 10 * H + 300, abs=20), "ten hours and the grace do not count"


def test_a_hub_that_says_that_it_goes_makes_the_home_deaf() -> None:
    gone: list[Row] = [(11 * H, "hub-1", "status", {"online": False})]
    assert say([*UP, *gone], 20 * H) == []


def test_the_time_that_a_hub_was_away_is_no_silence_of_the_resident() -> None:
    away: list[Row] = [(11 * H, "hub-1", "status", {"online": False}), (15 * H, "hub-1", "status", {"online": True})]
    told = say([*UP, *away], 18 * H)
    assert told[0].decided_at_s == pytest.approx(DUE_S + 4 * H, abs=30)


def test_the_score_rises_with_time() -> None:
    told = say(UP, LAST_S + 2 * LIMIT_S + 30)
    assert [each.score for each in told] == [1, 2, 3]
    assert [(each.decided_at_s - LAST_S) / LIMIT_S for each in told] == pytest.approx([1.0, 1.5, 2.0], abs=0.01)
    assert len({each.detection_id for each in told}) == 1


def test_without_an_entrance_door_being_out_is_possible_and_the_score_stays_below_3() -> None:
    assert max(each.score for each in say(UP, 20 * H, NO_DOOR)) == 2


def test_a_door_excuses_three_hours_and_no_more() -> None:
    told = say([*UP, *door(10.8 * H)], 16 * H)
    left_s = 10.8 * H + 10
    assert told[0].reason == "inactivity.out_long"
    assert told[0].decided_at_s == pytest.approx(left_s + 3 * H + LIMIT_S, abs=30)


def test_who_comes_home_and_moves_is_at_home_again() -> None:
    told = say([*UP, *door(10.8 * H), *door(12 * H), *motion(12.1 * H)], 15 * H)
    assert told[0].reason == "inactivity.silent"
    assert told[0].decided_at_s == pytest.approx(12.1 * H + 30 + LIMIT_S, abs=20)


def test_a_home_without_an_entrance_door_on_its_card_is_never_away_by_door() -> None:
    inside = card("pir-1", "window-1")
    opened: list[Row] = [(10.8 * H + n, "window-1", "contact", {"open": n == 5}) for n in (0, 5, 10)]
    assert say([*UP, *opened], 13 * H, inside)[0].decided_at_s == pytest.approx(10.8 * H + 10 + LIMIT_S, abs=20)


def test_a_night_is_quiet_by_the_defaults() -> None:
    evening = motion(22 * H)
    assert (
        say([*UP, *motion(14 * H), *motion(18 * H), *evening, *motion(32 * H)], 33 * H, card("pir-1", learned=False))
        == []
    )


def test_a_switch_that_a_thermostat_moves_is_no_sign_of_life() -> None:
    home = Card(version=1, residents=("r-1",), device_ids=("pir-1", "stove-1"), device_roles=("motion", "stove"), learned_days=14,
                device_rooms=("living", "kitchen"), device_residents=("", ""), silence_min=(90,) * LINES)  # fmt: skip
    cycles: list[Row] = [(LAST_S + 60.0 * n, "stove-1", "power", {"on": n % 2 == 0}) for n in range(100)]
    told = say([*UP, *cycles], 13 * H, home)
    assert told[0].decided_at_s < DUE_S + 180


def test_a_clock_that_is_ahead_buys_nobody_time() -> None:
    moved = motion(12 * H)
    late = {len(UP) + n: 11 * H for n in range(len(moved))}
    told = say([*UP, *moved], 14 * H, late=late)
    assert told[0].decided_at_s == pytest.approx(11 * H + LIMIT_S, abs=20), "it happened when it came, at the latest"


def lines(**places: int) -> tuple[int, ...]:
    """The same line at all hours, min, by place: p0=..., else 120."""
    return tuple(places.get(f"p{place}", 120) for place in range(PLACES) for _ in range(24))


def test_a_device_that_nobody_learned_of_has_the_longest_line_of_all_places() -> None:
    home = card(*DEVICES, silence_min=lines(p0=60, p5=30), device_places=(-1,) * len(DEVICES))
    assert say(UP, 14 * H, home)[0].decided_at_s == pytest.approx(LAST_S + 120 * M, abs=20)
    without = card(*DEVICES, silence_min=lines(p0=60, p5=30))
    assert say(UP, 14 * H, without)[0].decided_at_s == pytest.approx(LAST_S + 120 * M, abs=20)


def test_a_line_runs_straight_from_the_middle_of_one_hour_to_that_of_the_next() -> None:
    rising = tuple(60 + 12 * (hour % 24) for _ in range(PLACES) for hour in range(24))
    home = card(*DEVICES, silence_min=rising, device_places=(BED,) * len(DEVICES))
    wanted_min = 60 + 12 * (LAST_S / H - 0.5)
    assert say(UP, 16 * H, home)[0].decided_at_s == pytest.approx(LAST_S + wanted_min * M, abs=20)


def test_who_stirs_in_bed_has_lines_of_their_own_until_they_have_been_elsewhere() -> None:
    home = card(*DEVICES, silence_min=lines(p0=90, p1=40), device_places=PLACED)
    stirs = motion(11.5 * H)
    assert say([*UP, *stirs], 13 * H, home)[0].decided_at_s == pytest.approx(11.5 * H + 30 + 40 * M, abs=20)
    elsewhere = [*motion(11.6 * H, "pir-2"), *motion(11.7 * H)]
    assert say([*UP, *stirs, *elsewhere], 14 * H, home)[0].decided_at_s == pytest.approx(11.7 * H + 30 + 90 * M, abs=20)


def test_the_look_comes_before_the_least_limit_that_can_be_learned() -> None:
    from stream.learning.silences import FLOOR_MIN

    assert inactivity.Params().look_s < FLOOR_MIN * 60
