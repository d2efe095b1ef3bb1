"""Inactivity on real homes, through frames and engine."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from cli._offline import detections_of
from contracts.detections import Detection
from simulators.recordings import open_recording
from stream.registry import discover

DATA = Path(__file__).parents[4] / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"needs the recordings in {DATA}")
ZONE = ZoneInfo("Asia/Shanghai")
LEFT = datetime(2016, 7, 13, 11, 8, tzinfo=ZONE).timestamp()
"""From here on the flat of ``tm000`` is empty for 79 hours, and stray motions fire in it all the same (the data's README)."""
BACK = LEFT + 79 * 3600


def said_of_the_empty_flat(away_until_s: float | None) -> list[Detection]:
    recording = open_recording(DATA / "tm000_week_absence.csv.xz")
    (home,) = recording.homes
    card = msgspec.structs.replace(home.card(), away_until_s=away_until_s)
    messages = ((message.topic, message.payload) for message in recording.messages())
    told = detections_of(messages, {home.home_id: card}, {"inactivity": discover()["inactivity"]}, partitions=1)
    return [each for each in told if LEFT <= each.decided_at_s < BACK]


@needs_data
@pytest.mark.recordings
def test_a_flat_that_is_known_to_be_empty_raises_nothing_whatever_stirs_in_it() -> None:
    assert said_of_the_empty_flat(BACK) == []


@needs_data
@pytest.mark.recordings
def test_strays_in_an_empty_flat_that_nobody_announced_bring_nobody_back_to_life() -> None:
    told = said_of_the_empty_flat(None)
    assert [(each.on, each.score) for each in told] == [(True, 1), (True, 2)]
    assert len({each.detection_id for each in told}) == 1
