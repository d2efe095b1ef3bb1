"""A day in which nobody watched costs nothing and declares nobody silent."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from stream.battery import random_cut, run_story
from stream.detector import Story
from stream.detectors import device_silent
from stream.detectors.device_silent import DETECTOR, ONE_HUB, _beats

DAY_S, GRACE_S = 86_400.0, 300.0
BEATS = _beats("hub-1", 30, 600)


def counted(story: Story, **how: Any) -> tuple[list[float], int]:
    """When the hub was called silent, and at how many grid points anybody was looked at."""
    ticks = 0

    def tick(params: Any, state: Any, subjects: Any, ctx: Any) -> None:
        nonlocal ticks
        ticks += 1
        device_silent.tick(params, state, subjects, ctx)

    told = run_story("device_silent", replace(DETECTOR, tick=tick), story, **how)
    return [each.decided_at_s for each in told if each.on], ticks


def test_no_grid_point_is_looked_at_while_watched_time_stands_still() -> None:
    story = Story(BEATS, DAY_S + 2000, ONE_HUB, unwatched=[(611.0, 611.0 + DAY_S)])
    said, ticks = counted(story)
    assert said == [np.ceil((600 + 90 + DAY_S + GRACE_S) / 10) * 10]
    _, ticks_watched = counted(Story(BEATS, 2000, ONE_HUB))
    assert ticks <= ticks_watched + 3


def test_a_limit_that_ends_as_the_outage_begins_is_said_once_however_the_frames_are_cut() -> None:
    outages: Sequence[tuple[float, float]] = [(625.3, 660.7), (690.0 + 335.4, DAY_S)]
    story = Story(BEATS, DAY_S + 2000, ONE_HUB, unwatched=list(outages))
    usual, _ = counted(story)
    assert len(usual) == 1
    for seed in range(5):
        assert counted(story, cut=random_cut(seed), statements=seed)[0] == usual
