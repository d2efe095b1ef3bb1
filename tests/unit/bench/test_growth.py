"""What counts as growing."""

import os

import pytest

from bench.growth import Growth, Sample, held


def samples(*rss_mb, files=(30,), connections=(5,)):
    last = len(rss_mb) - 1
    return [
        Sample(60.0 * n, mb, files[-1] if n == last else files[0], connections[-1] if n == last else connections[0])
        for n, mb in enumerate(rss_mb)
    ]


def test_what_fills_first_and_stays_is_flat():
    found = held(samples(50, 120, 200, *[300 + n % 3 for n in range(17)]))
    assert found["flat"]
    assert found["rss_mb"] == [pytest.approx(301, abs=1), pytest.approx(301, abs=1)]


def test_a_slow_leak_is_not_flat_and_its_slope_is_said():
    found = held(samples(*[300 + 0.5 * n for n in range(60)]))
    assert not found["flat"]
    assert found["rss_mb_an_hour"] == pytest.approx(30, abs=0.1)


def test_one_bad_moment_decides_nothing():
    assert held(samples(*[300] * 19, 900))["flat"]


@pytest.mark.parametrize("more", [{"files": (30, 80)}, {"connections": (5, 40)}])
def test_files_and_connections_count_too(more):
    assert not held(samples(*[300] * 20, **more))["flat"]


def test_a_real_process_is_looked_at():
    growth = Growth({"me": os.getpid(), "nobody": 2**22 + 1})
    for _ in range(4):
        growth.look()
    found = growth.figures()
    assert set(found) == {"me"}
    assert found["me"]["rss_mb"][0] > 5
    assert found["me"]["files"][0] >= 3
