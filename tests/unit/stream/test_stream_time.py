"""Grid points, and time that somebody watched."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.stream_time import KEEP_S, WatchedTime, grid_before, grid_from


def test_a_row_at_a_grid_point_belongs_to_the_slot_that_it_ends() -> None:
    assert (grid_before(20.0, 10.0), grid_before(20.001, 10.0)) == (10.0, 20.0)
    assert (grid_from(20.0, 10.0), grid_from(20.001, 10.0)) == (20.0, 30.0)


def test_watched_time_stands_still_in_an_outage_and_in_the_grace_after_it() -> None:
    clock = WatchedTime(grace_s=300.0)
    clock.unwatched(1000.0, 2000.0)
    assert clock.watched_s(900.0) == pytest.approx(900.0)
    assert clock.watched_s(np.array([1000.0, 1500.0, 2300.0, 2310.0])) == pytest.approx(
        [1000.0, 1000.0, 1000.0, 1010.0]
    )


def test_an_outage_within_the_grace_of_another_is_one_stand() -> None:
    clock = WatchedTime(grace_s=300.0)
    clock.unwatched(1000.0, 1100.0)
    clock.unwatched(1200.0, 1300.0)
    assert clock.watched_s(1700.0) == pytest.approx(1100.0)


def test_stating_an_outage_twice_changes_nothing() -> None:
    clock = WatchedTime(grace_s=300.0)
    clock.unwatched(1000.0, 2000.0)
    clock.unwatched(1000.0, 2000.0)
    assert clock.watched_s(5000.0) == pytest.approx(3700.0)


def test_what_is_no_instant_stays_unknown() -> None:
    clock = WatchedTime(grace_s=300.0)
    clock.unwatched(1000.0, 2000.0)
    assert np.isnan(clock.watched_s(math.nan))
    assert np.isnan(clock.watched_s(np.array([math.nan]))).all()


def test_outages_long_ago_are_forgotten_without_a_jump() -> None:
    clock = WatchedTime(grace_s=0.0)
    clock.unwatched(1000.0, 2000.0)
    late_s = 3000.0 + KEEP_S
    before = clock.watched_s(late_s)
    clock.unwatched(late_s + 10.0, late_s + 20.0)
    assert clock.watched_s(late_s) == pytest.approx(before)


@given(st.lists(st.tuples(st.floats(0, 1e5), st.floats(0, 1e4)), max_size=20), st.floats(0, 2e5), st.floats(0, 1e4))
def test_watched_time_never_goes_back_and_never_outruns_time(
    outages: list[tuple[float, float]], at_s: float, more_s: float
) -> None:
    clock = WatchedTime(grace_s=300.0)
    for from_s, length_s in sorted(outages):
        clock.unwatched(from_s, from_s + length_s)
    gained = float(clock.watched_s(at_s + more_s) - clock.watched_s(at_s))
    assert -1e-6 <= gained <= more_s + 1e-6


@given(
    st.lists(st.tuples(st.floats(0, 1e5), st.floats(0, 1e4)), max_size=20),
    st.floats(0, 2e5),
    st.integers(1, 100_000),
)
def test_a_silence_comes_due_neither_late_nor_a_grid_point_early(
    outages: list[tuple[float, float]], heard_s: float, limit_s: int
) -> None:
    clock = WatchedTime(grace_s=300.0)
    for from_s, length_s in outages:
        clock.unwatched(from_s, from_s + length_s)
    due_s = float(clock.reaches_s(clock.watched_s(heard_s) + limit_s - 1e-3))

    def silent_s(at_s: float) -> float:
        return float(clock.watched_s(at_s) - clock.watched_s(heard_s))

    assert silent_s(due_s - 1e-3) < limit_s
    assert silent_s(due_s + 2e-3) >= limit_s or silent_s(due_s) == pytest.approx(limit_s, abs=2e-3)


def test_no_silence_comes_due_while_nobody_watches() -> None:
    clock = WatchedTime(grace_s=300.0)
    clock.unwatched(1000.0, 80_000.0)
    assert clock.reaches_s(np.array([990.0, 1000.0, 1010.0])) == pytest.approx([990.0, 1000.0, 80_310.0])
    assert np.isnan(clock.reaches_s(math.nan))


def test_what_is_watched_for_two_hours_a_day_is_not_silent_after_four_days() -> None:
    clock = WatchedTime(grace_s=300.0)
    day_s = 86_400.0
    for day in range(7):
        clock.unwatched(day * day_s + 7200.0, (day + 1) * day_s)
    assert float(clock.watched_s(7 * day_s + 7200.0) - clock.watched_s(60.0)) == pytest.approx(
        8 * 7200.0 - 7 * 300.0 - 60.0
    )
