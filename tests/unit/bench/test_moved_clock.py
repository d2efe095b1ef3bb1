"""A process whose wall clock is moved under it: it sees the jump at once, its steady clock and its sleeps do not, and contracts/clocks.py stays."""

import json
import os
import subprocess
import sys
import time

import pytest

from bench.moved_clock import HOUR_S, MovedClock
from deploy.site import REPOSITORY

pytestmark = pytest.mark.skipif(bool(MovedClock.lacks()), reason="no C compiler here")

CHILD = """
import datetime, json, sys, time
from contracts.clocks import WallClock
clock = WallClock()
for line in sys.stdin:
    began = time.monotonic()
    time.sleep(0.05)
    print(json.dumps({"time": time.time(), "datetime": datetime.datetime.now().timestamp(), "steady": time.monotonic(), "slept": time.monotonic() - began,
                      "ours": clock.now_s(), "behind": clock.behind_s()}), flush=True)
"""


@pytest.fixture
def moved(tmp_path):
    clock = MovedClock(tmp_path)
    clock.make()
    return clock


@pytest.fixture
def ask(moved):
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD], cwd=REPOSITORY, env=os.environ | moved.settings, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip

    def asked():
        child.stdin.write("\n")
        child.stdin.flush()
        return json.loads(child.stdout.readline())

    yield asked
    child.stdin.close()
    child.wait(10)


@pytest.mark.parametrize("jump_s", [HOUR_S, -HOUR_S])
def test_a_running_process_sees_the_jump_and_our_clock_does_not_move(moved, ask, jump_s):
    assert ask()["time"] == pytest.approx(time.time(), abs=1)
    moved.move(jump_s)
    found = ask()
    assert found["time"] == pytest.approx(time.time() + jump_s, abs=1)
    assert found["datetime"] == pytest.approx(time.time() + jump_s, abs=1)
    assert found["steady"] == pytest.approx(time.monotonic(), abs=1)
    assert 0.05 <= found["slept"] < 2
    assert found["ours"] == pytest.approx(time.time(), abs=1)
    assert found["behind"] == pytest.approx(jump_s, abs=1)
    moved.move(0)
    assert ask()["time"] == pytest.approx(time.time(), abs=1)


def test_a_process_that_starts_after_the_jump_has_the_moved_time(moved):
    moved.move(HOUR_S)
    words = [sys.executable, "-c", "import time; print(time.time())"]
    said = subprocess.run(words, env=os.environ | moved.settings, capture_output=True, text=True, check=True).stdout
    assert float(said) == pytest.approx(time.time() + HOUR_S, abs=5)
