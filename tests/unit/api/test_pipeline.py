"""The pipeline in one word: what stands still is said to stand still, and what nobody reports is unknown."""

from datetime import UTC, datetime, timedelta
from typing import Any

from alerts.coverage import standing_places
from api.pipeline import pipeline_of

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


def row(
    group: str = "stream", lane: str = "bulk", partition: int = 0, moved_ago_s: float = 1.0, **other: Any
) -> dict[str, Any]:
    return {
        "stream_group": group, "lane": lane, "partition": partition, "source": "main", "clock": "wall",
        "watched_until_at": NOW - timedelta(seconds=moved_ago_s), "moved_at": NOW - timedelta(seconds=moved_ago_s), "lag": 0, **other,
    }  # fmt: skip


def word(*rows: dict[str, Any]) -> str:
    return pipeline_of([*rows], NOW, standstill_s=15.0).state


def test_what_moves_is_running() -> None:
    assert word(row(), row(partition=1)) == "running"


def test_nobody_reporting_is_unknown_and_not_running() -> None:
    assert word() == "unknown"


def test_one_partition_that_stands_still_makes_the_pipeline_stand() -> None:
    rows = [row(), row(partition=1, moved_ago_s=15.001)]
    assert word(*rows) == "standing"
    assert list(standing_places(rows, NOW, 15.0)) == [("main", 1)]


def test_exactly_at_the_limit_it_still_moves() -> None:
    assert word(row(moved_ago_s=15.0, watched_until_at=NOW)) == "running"


def test_one_of_the_urgent_pair_standing_is_late_and_blinds_nobody() -> None:
    rows = [row("stream-urgent-1", "urgent"), row("stream-urgent-2", "urgent", moved_ago_s=60)]
    assert word(*rows) == "late"
    assert standing_places(rows, NOW, 15.0) == {}


def test_both_of_the_urgent_pair_standing_blinds_the_partition() -> None:
    rows = [row(), row("stream-urgent-1", "urgent", moved_ago_s=60), row("stream-urgent-2", "urgent", moved_ago_s=40)]
    assert word(*rows) == "standing"
    assert standing_places(rows, NOW, 15.0) == {("main", 0): NOW - timedelta(seconds=40)}


def test_it_was_seen_until_the_earlier_of_two_lanes() -> None:
    rows = [row(moved_ago_s=90), row("stream-urgent-1", "urgent", moved_ago_s=60)]
    assert standing_places(rows, NOW, 15.0) == {("main", 0): NOW - timedelta(seconds=90)}


def test_a_place_that_never_had_a_time_stands_without_one() -> None:
    assert standing_places([row(moved_ago_s=60, watched_until_at=None)], NOW, 15.0) == {("main", 0): None}


def test_far_behind_the_clock_is_late() -> None:
    assert word(row(watched_until_at=NOW - timedelta(seconds=11))) == "late"


def test_a_virtual_clock_is_not_compared_with_the_wall() -> None:
    assert word(row(clock="virtual", watched_until_at=NOW + timedelta(hours=5))) == "running"


def test_lag_and_ages_are_told_for_each_group() -> None:
    lanes = pipeline_of([row(lag=3), row(partition=1, lag=4, moved_ago_s=20)], NOW, 15.0).lanes
    assert [(lane.group, lane.partitions, lane.lag, lane.age_s, lane.standing) for lane in lanes] == [
        ("stream", 2, 7, 20.0, [1])
    ]


def test_what_moves_but_is_minutes_behind_sees_nobody() -> None:
    behind = NOW - timedelta(seconds=91)
    assert standing_places([row(watched_until_at=behind)], NOW, 15.0) == {("main", 0): behind}
    assert standing_places([row(watched_until_at=behind, clock="virtual")], NOW, 15.0) == {}
