"""The disk under the database is full for a while: what comes in waits in the log, and nothing of it is lost or shown twice."""

import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest

from bench import chaos
from cli._neighbourhood import cards_published
from deploy import prepare
from deploy.native import engine
from deploy.site import Site
from deploy.stages import STAGES
from tests.system.conftest import Stages

# Two minutes, and a disk of its own, which only root can have: by hand.
pytestmark = [
    pytest.mark.services,
    pytest.mark.long,
    pytest.mark.timeout(900),
    pytest.mark.skipif(os.geteuid() != 0, reason="a disk of its own under the database needs root (mount -t tmpfs)"),
]

DISK_MB = 900
SECONDS, RATE_PER_S = 90.0, 300.0
AT_S, FULL_S = 20.0, 25.0


@pytest.fixture
def small_site(free_port_base: int) -> Iterator[Site]:
    """A Site whose database has a small disk for itself."""
    data = Path(mkdtemp(prefix="shouwang-"))
    disk = data / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(disk)], check=True)
    for name in ("kafka", "mosquitto", "log", "ingest"):  # the disk is the database's alone
        (data / name).mkdir()
        (disk / name).symlink_to(data / name)
    found = Site.load(data=disk, port_base=free_port_base)
    try:
        prepare.everything(found, native=True)
        yield found
    finally:
        engine.down(found)
        subprocess.run(["umount", "-l", str(disk)], check=True)
        shutil.rmtree(data)


def _fill(folder: Path) -> Path:
    """A file that takes all that is left."""
    filler = folder / "filler"
    piece = bytes(1 << 20)
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12):
            try:
                while file.write(piece[:size]):
                    pass
            except OSError:
                continue
    return filler


@pytest.mark.alone
async def test_a_full_disk_under_the_database_loses_nothing(small_site: Site) -> None:
    stages: Any = Stages(small_site)
    stages.start(*STAGES)
    try:
        load = await chaos._load(small_site, SECONDS, 1, RATE_PER_S)
        await cards_published(small_site)
        publishing = asyncio.create_task(load.publish(SECONDS))
        await asyncio.sleep(AT_S)
        began_s = time.time()
        filler = await asyncio.to_thread(_fill, small_site.data)
        try:
            await asyncio.sleep(FULL_S)
            assert shutil.disk_usage(small_site.data).free < 1 << 20
            assert "No space left on device" in stages.log("timescale"), "the database did not notice"
        finally:
            filler.unlink()
        await publishing
        await load.settled(chaos.SETTLE_S)
        found = await chaos._judged(small_site, load, [(began_s, time.time())])
        await load.close()
        told = f"{found}\n{stages.log('timescale')[-2000:]}\n{stages.log('writer')[-2000:]}"
        assert found.expected > 50
        assert (found.missed, found.duplicated) == (0, 0), told
        assert (found.sent, found.gaps) == (found.stored, 0), told
    finally:
        stages.close()
