"""What the other detectors must and must not say, where a case in the detector's file would not say it as clearly."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from contracts.detections import Detection
from contracts.kinds import Card
from stream.battery import run_story
from stream.detector import Story
from stream.detectors import call, carbon_monoxide, device_silent, fall_wearable, stove_unattended
from stream.detectors.fall_wearable import FALL, SIDE, still, worn
from stream.registry import discover

Row = tuple[float, str, str, Mapping[str, Any]]


def say(name: str, rows: Sequence[Row], ends_at_s: float, home: Card | None = None, **more: Any) -> list[Detection]:
    return run_story(name, discover()[name], Story(rows, ends_at_s, home, **more))


def test_a_call_names_the_message_that_asked_so_that_its_device_can_be_told() -> None:
    (told,) = say("call", [(10, "sos-1", "call", {"action": "press"})], 20, call.CARD)
    assert told.score == 4
    assert told.origin is not None
    assert (told.origin.device_id, told.room, told.test) == ("sos-1", "bathroom", False)


def test_a_test_press_stays_a_test() -> None:
    (told,) = say("call", [(10, "sos-1", "call", {"test": True})], 20, call.CARD)
    assert told.test


@pytest.mark.parametrize("kind", ["smoke_alarm", "gas_alarm", "co_alarm", "leak_alarm", "fall_alarm"])
def test_a_test_of_an_alarm_device_hides_no_real_alarm_behind_it(kind: str) -> None:
    name = {"smoke_alarm": "smoke", "gas_alarm": "gas", "co_alarm": "carbon_monoxide", "leak_alarm": "water_running",
            "fall_alarm": "fall_room"}[kind]  # fmt: skip
    told = say(name, [(10, "d-1", kind, {"alarm": True, "test": True}), (20, "d-1", kind, {"alarm": True})], 30)
    assert [each.test for each in told] == [True, False]


def test_alarms_of_danger_are_heard_on_the_urgent_lane_without_waiting_for_a_clock() -> None:
    for name, detector in discover().items():
        if "urgent" in detector.lanes:
            assert detector.tick is None, f"{name} has a tick, so every urgent row would wait for the clock"


def test_co_counts_no_more_of_a_gap_than_is_believed() -> None:
    rows: list[Row] = [(0, "co-1", "air", {"co_ppm": 110.0}), (3600, "co-1", "air", {"co_ppm": 110.0})]
    assert say("carbon_monoxide", rows, 3_700, carbon_monoxide.CARD) == []


def test_a_stove_that_nobody_can_watch_is_no_conclusion_and_leaving_by_the_door_is_one() -> None:
    rows: list[Row] = [stove_unattended.stove(100, True), *stove_unattended.door(200)]
    home = Card(version=1, residents=("r-1",), device_ids=("stove-1", "door-1"), device_roles=("stove", "entrance_door"),
                device_rooms=("kitchen", "entrance"), device_residents=("", ""))  # fmt: skip
    told = say("stove_unattended", rows, 900, home)
    assert [(each.reason, each.score) for each in told] == [("stove_unattended.nobody_home", 3)]


def test_what_a_hub_says_of_itself_does_not_speak_for_its_children() -> None:
    beats: list[Row] = [(30.0 * n, "hub-1", "status", {"online": True}) for n in range(1, 60)]
    told = say("device_silent", beats, 1_800, device_silent.CARD)
    assert {each.device_id for each in told} == {"stove-1"}, "ten minutes without a word of its own"


def test_an_outage_of_the_broker_makes_no_device_silent() -> None:
    rows: list[Row] = [(30.0 * n, "hub-1", "status", {"online": True}) for n in range(1, 10)]
    back: list[Row] = [(36_300.0, "hub-1", "status", {"online": True})]
    assert say("device_silent", [*rows, *back], 36_330, device_silent.ONE_HUB, unwatched=[(280, 36_250)]) == []


def told_of(rows: Sequence[fall_wearable.Row]) -> list[Detection]:
    story = fall_wearable._told(list(rows))
    return run_story("fall_wearable", discover()["fall_wearable"], story)


@pytest.mark.parametrize("range_g", [2.0, 4.0, 8.0, 16.0])
@pytest.mark.parametrize("block_s", [0.2, 1.0, 5.0, 14.0])
def test_a_fall_is_one_whatever_the_range_and_the_length_of_blocks(range_g: float, block_s: float) -> None:
    told = told_of(worn(*FALL, still(6, SIDE), range_g=range_g, block_s=block_s))
    assert len({each.detection_id for each in told}) == 1
    assert told[0].started_at_s == pytest.approx(108.3, abs=0.3)


def test_a_fall_is_decided_two_to_three_seconds_after_the_impact() -> None:
    told = told_of(worn(*FALL, still(6, SIDE), block_s=0.2))
    assert 2.0 <= told[0].decided_at_s - told[0].started_at_s <= 3.0


def test_walking_again_withdraws_and_lying_raises() -> None:
    walks = told_of(worn(*FALL, still(4, SIDE), still(30, shake_g=0.3)))
    lies = told_of(worn(*FALL, still(32, SIDE)))
    assert walks[-1].withdrawn
    assert walks[-1].score == 0
    assert lies[-1].score == lies[0].score + 1


def test_a_block_that_comes_twice_is_one_fall() -> None:
    rows = worn(*FALL, still(6, SIDE), block_s=20, triggered=True)
    assert len({each.detection_id for each in told_of([*rows, *rows])}) == 1


def test_both_lanes_give_a_triggered_fall_the_same_id() -> None:
    from dataclasses import replace

    rows = worn(*FALL, still(6, SIDE), block_s=20, triggered=True)
    detector = discover()["fall_wearable"]
    story = fall_wearable._told(list(rows))
    ids = [
        run_story("fall_wearable", replace(detector, lanes=(lane,)), story)[0].detection_id
        for lane in ("bulk", "urgent")
    ]  # type: ignore[arg-type]
    assert ids[0] == ids[1]
