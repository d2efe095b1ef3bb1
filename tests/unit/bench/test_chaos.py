"""How long a recovery is said to take, and when it is given up."""

import asyncio
import time

import pytest

from bench import chaos
from bench.chaos import Done, Havoc
from deploy.site import Site


class Standing:
    """Says what it is told to say; while a later fault holds nothing can stand."""

    def __init__(self, stands_after_s):
        self.stands_at_s = time.time() + stands_after_s

    async def lacks(self, since_wall_s):
        await asyncio.sleep(0)
        return "" if time.time() >= self.stands_at_s else "timescale: STOPPED"


def havoc_of(tmp_path, stands_after_s):
    return Havoc(Site.load(data=tmp_path / "s", port_base=29900), Standing(stands_after_s))


def a_kill():
    return Done(at_s=0.0, kind="kill", target="alerts-1", held_s=0.0, back_wall_s=time.time())


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(chaos, "LOOK_S", 0.02)
    monkeypatch.setattr(chaos, "GIVE_UP_S", 0.5)


async def test_a_recovery_is_timed_until_all_stands(tmp_path):
    havoc, done = havoc_of(tmp_path, 0.2), a_kill()
    await havoc._recovers(done, done.back_wall_s)
    assert done.recovery_s == pytest.approx(0.2, abs=0.15)
    assert havoc.held_wall_s == [(done.back_wall_s, pytest.approx(time.time(), abs=0.2))]


async def test_what_never_stands_is_given_up_and_says_what_was_missing(tmp_path):
    havoc, done = havoc_of(tmp_path, 1000.0), a_kill()
    await havoc._recovers(done, done.back_wall_s)
    assert (done.recovery_s, done.lacked) == (None, "timescale: STOPPED")


async def test_what_a_later_fault_holds_is_nobody_elses_time(tmp_path):
    havoc, done = havoc_of(tmp_path, 0.9), a_kill()
    havoc._holding = True
    asyncio.get_running_loop().call_later(0.8, setattr, havoc, "_holding", False)
    await havoc._recovers(done, done.back_wall_s)
    assert done.recovery_s is not None
    assert done.recovery_s < 0.5
