"""Four minutes of faults: something befalls every stage, every service, the clock and the disk, and nothing is lost, doubled or unaccounted for."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from bench import chaos
from bench.faults import ALONE, CLOCK, DISK
from bench.moved_clock import MovedClock
from bench.small_disk import SmallDisk
from deploy.native import engine
from deploy.services import SERVICES
from deploy.site import Site
from deploy.stages import STAGES

# test_whole_way.py kills everything once in every run; this takes the machine for six minutes more.
pytestmark = [pytest.mark.services, pytest.mark.long, pytest.mark.timeout(900)]

SECONDS, SEED, RATE_PER_S, HOMES = 240.0, 3, 300.0, 30
"""The load is a third of the command's own: this has to pass on a machine that does other things too."""


@pytest.fixture
def clock(own_site: Site) -> MovedClock | None:
    """None, and so left out, where there is no compiler."""
    if MovedClock.lacks():
        return None
    made = MovedClock(own_site.data / "run")
    made.make()
    return made


@pytest.fixture
def disk(own_site: Site) -> Iterator[SmallDisk | None]:
    """None, and so left out, where this is not root. Before ``own_stages``, so that its end comes after theirs."""
    if SmallDisk.lacks():
        yield None
        return
    with SmallDisk(own_site) as made:
        made.move_in()
        yield made
        engine.down(own_site)


@pytest.mark.alone
async def test_no_alert_is_lost_or_doubled_and_every_reading_is_accounted_for_whatever_dies(
    own_site: Site, clock: MovedClock | None, disk: SmallDisk | None, own_stages: Any
) -> None:
    own_stages.start(*STAGES, settings=clock.settings if clock else {})
    found = await chaos.measure(
        own_site,
        SECONDS,
        SEED,
        rate_per_s=RATE_PER_S,
        homes=HOMES,
        broker_kills=False,
        gone_s=None,
        clock=clock,
        disk=disk,
    )
    told = json.dumps(found, ensure_ascii=False, indent=1)
    touched = {fault["target"] for fault in found["by_fault"]}
    made = {CLOCK: clock is not None, DISK: disk is not None}
    alone = {target for target in ALONE if made.get(target, True)}
    assert touched >= {*(entry.name for entry in STAGES), *(entry.name for entry in SERVICES), *alone}
    assert found["left_out"] == [target for target in ALONE if target not in alone]
    assert found["expected"] > 100
    assert (found["lost"], found["duplicated"]) == (0, 0), told
    assert (found["sent"], found["gaps"]) == (found["stored"], 0), told
    assert found["presses_unanswered"] == 0, told
    assert found["not_back"] == [], told
