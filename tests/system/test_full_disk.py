"""The disk under the database is full for a while: what comes in waits in the log, and nothing of it is lost or shown twice."""

import asyncio
import shutil
import time
from collections.abc import Iterator
from typing import Any

import pytest

from bench import chaos
from bench.small_disk import LEAVE, SmallDisk
from cli._neighbourhood import cards_published
from deploy.native import engine
from deploy.site import Site
from deploy.stages import STAGES

# Two minutes, and a disk of its own, which only root can have: by hand.
pytestmark = [
    pytest.mark.services,
    pytest.mark.long,
    pytest.mark.timeout(900),
    pytest.mark.skipif(bool(SmallDisk.lacks()), reason=SmallDisk.lacks()),
]

SECONDS, RATE_PER_S = 90.0, 300.0
AT_S, FULL_S = 20.0, 25.0


@pytest.fixture
def disk(own_site: Site) -> Iterator[SmallDisk]:
    """Under the database of ``own_site``. Before ``own_stages``, so that its end comes after theirs."""
    with SmallDisk(own_site) as made:
        made.move_in()
        yield made
        engine.down(own_site)


@pytest.mark.alone
async def test_a_full_disk_under_the_database_loses_nothing(own_site: Site, disk: SmallDisk, own_stages: Any) -> None:
    own_stages.start(*STAGES)
    load = await chaos._load(own_site, SECONDS, 1, RATE_PER_S)
    await cards_published(own_site)
    publishing = asyncio.create_task(load.publish(SECONDS))
    await asyncio.sleep(AT_S)
    began_s = time.time()
    try:
        for _ in range(round(FULL_S)):
            await asyncio.to_thread(disk.fill)
            await asyncio.sleep(1.0)
        assert shutil.disk_usage(own_site.data / "disk").free < LEAVE
        assert "No space left on device" in own_stages.log("timescale"), "the database did not notice"
    finally:
        disk.empty()
    await publishing
    await load.settled(chaos.SETTLE_S)
    found = await chaos._judged(own_site, load, [(began_s, time.time())])
    await load.close()
    told = f"{found}\n{own_stages.log('timescale')[-2000:]}\n{own_stages.log('writer')[-2000:]}"
    assert found.expected > 50
    assert (found.missed, found.duplicated) == (0, 0), told
    assert (found.sent, found.gaps) == (found.stored, 0), told
