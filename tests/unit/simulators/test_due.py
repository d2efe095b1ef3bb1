"""Times by which something is due, held against the detectors that must be in time."""

from random import Random

import msgspec
import numpy as np
import pytest

from cli._offline import detections_of
from contracts.kinds import LINES, ROOM_GROUPS, Card
from simulators import due
from simulators.clock import midnight_s
from simulators.neighbourhood import neighbourhood
from simulators.scenarios import SCENARIOS
from simulators.sensing import MAINS_BEAT_S
from simulators.waveforms import IMPACT_AT_S, RANGE_DPS, RANGE_G, RATE_HZ, WINDOW_S, as_int16, fall
from stream.detectors import fall_wearable, night_door, stove_unattended, water_running
from stream.learning import silences
from stream.registry import discover


def test_the_limit_of_a_silence_is_the_detector_s() -> None:
    defaults = silences.defaults_min().reshape(len(ROOM_GROUPS), 24)
    for room, group in (("living", 0), ("kitchen", 1), ("bathroom", 2), ("bedroom", 3)):
        for hour in range(24):
            assert due.limit_s((), midnight_s(20_000) + hour * 3600 + 60, room) == defaults[group, hour] * 60
    assert due.limit_s(range(LINES), midnight_s(20_000) + 7.5 * 3600, "kitchen") == (LINES - 24 + 8) * 60, "the longest"


def test_a_home_without_lines_is_due_by_the_cautious_defaults() -> None:
    home = neighbourhood(1)[0]
    assert due.silent_due({})(home, midnight_s(20_000) + 9 * 3600, "kitchen") > 4 * 3600


def test_a_meter_that_tells_of_the_last_minutes_after_the_collapse_makes_the_silence_due_later() -> None:
    home, at_s = neighbourhood(1)[0], midnight_s(20_000) + 9.5 * 3600
    learned = {home.home_id: [60] * LINES}
    assert (
        due.silent_due(learned)(home, at_s, "living")
        >= due.limit_s(learned[home.home_id], at_s, "living") + MAINS_BEAT_S
    )


@pytest.mark.parametrize(
    ("scenario", "allows_s"),
    [
        ("stove", stove_unattended.Params().alert_s),
        ("tap", water_running.Params().running_s),
        ("wander", night_door.Params().wait_s),
    ],
)
def test_what_is_due_leaves_the_detector_the_time_that_it_takes(scenario: str, allows_s: float) -> None:
    assert allows_s + 60 < SCENARIOS[scenario].due_s < 2 * allows_s


def test_the_made_falls_are_falls_to_the_shipped_detector() -> None:
    card = Card(
        version=1, residents=("r-1",), device_ids=("watch",), device_roles=("wearable",), device_rooms=("other",), device_residents=("r-1",),
    )  # fmt: skip
    assert fall_wearable.DETECTOR.family == "fall"
    detectors = {"fall_wearable": discover()["fall_wearable"]}
    topic = "shouwang/v1/330282999/demo-001.watch"
    found = 0
    for number in range(12):
        samples = as_int16(fall(Random(number)))
        body = {
            "kind": "inertial", "t": 1.7e9, "rate_hz": RATE_HZ, "range_g": RANGE_G, "range_dps": RANGE_DPS, "channels": 6, "triggered": True,
            "samples": samples,
        }  # fmt: skip
        clock = [(f"{topic}/clock", b'{"t":%.1f}' % at_s) for at_s in (1.7e9 + WINDOW_S, 1.7e9 + 60)]
        messages = [clock[0], (f"{topic}/event", msgspec.json.encode(body)), clock[1]]
        said = detections_of(messages, {"demo-001": card}, detectors, partitions=1)
        found += any(d.on and abs(d.started_at_s - 1.7e9 - IMPACT_AT_S) < 2 for d in said)
    assert found == 12


def test_a_made_fall_loses_weight_hits_and_lies_still() -> None:
    samples = fall(Random(3))
    size = np.linalg.norm(samples[:, :3], axis=1)
    at = round(IMPACT_AT_S * RATE_HZ)
    assert np.median(size[at - 16 : at - 2]) < 0.9
    assert size[at - 2 : at + 10].max() > 3.5
    assert size[at + 80 :].std() < 0.03
