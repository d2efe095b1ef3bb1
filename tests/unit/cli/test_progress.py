"""What a running demonstration shows."""

import time

import pytest

from cli._progress import FAMILIES, Picture
from contracts import detections
from contracts.progress import Progress
from simulators.clock import VirtualClock


@pytest.fixture
def picture():
    return Picture(VirtualClock(time.time(), 1_795_485_600.0, 60.0), 50)


def progress(**changes):
    facts = {
        "group": "stream", "worker": "stream-1", "lane": "bulk", "partition": 0, "source": "demo", "watched_until_s": 0.0,
        "clock": "virtual", "offset": 1, "lag": 0, "frames": 10, "rows": 100, "at_wall_s": time.time(),
    }  # fmt: skip
    return Progress(**facts | changes)


def test_before_anything_was_heard_the_figures_are_nought(picture):
    figures = picture.figures()
    assert figures["homes"] == 50
    assert {name for name, value in figures.items() if value} == {"homes"}
    assert "homes 50" in picture.line()


def test_frames_are_those_of_the_bulk_lane_and_lag_is_everybodys(picture):
    picture.workers[("stream", "bulk", 0)] = progress(frames=10, lag=3)
    picture.workers[("stream", "bulk", 1)] = progress(partition=1, frames=20, lag=0)
    picture.workers[("stream-urgent-1", "urgent", 0)] = progress(lane="urgent", frames=99, lag=2)
    assert picture.figures()["frames"] == 30
    assert picture.figures()["lag"] == 5


def test_a_worker_that_fell_silent_is_not_counted(picture):
    picture.workers[("stream", "bulk", 0)] = progress(lag=500, at_wall_s=time.time() - 60)
    assert picture.figures()["lag"] == 0


def test_alerts_are_told_by_priority(picture):
    picture.cases.update({1: 2, 4: 1})
    assert "alerts 3 P1 2 P4 1" in picture.line()


def test_every_family_has_a_name_in_both_languages():
    assert set(FAMILIES) == set(detections.FAMILIES)
    assert all(any(ord(letter) > 0x2E80 for letter in name) and name.isascii() is False for name in FAMILIES.values())
