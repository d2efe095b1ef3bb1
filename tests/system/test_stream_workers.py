"""Workers on a real Kafka: they join, leave, freeze and are killed; what they say is what the frames say without services."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import psutil
import pytest

from deploy.native import engine
from deploy.site import REPOSITORY, Site
from tests.conftest import free_base, worker_number
from tests.system.stream_traffic import Told, Traffic

pytestmark = pytest.mark.services
PARTITIONS = 4
LEAVES_S = 5.0
"""A worker leaves within this time of TERM, s."""


@pytest.fixture(scope="module")
def kafka_site() -> Iterator[Site]:
    """A Site with services and no topics."""
    data = Path(mkdtemp(prefix="shouwang-"))
    found = Site.load(data=data, port_base=free_base(29000 + 1500 * worker_number(), 15))
    try:
        engine.up(found)
        yield found
    finally:
        engine.down(found)
        shutil.rmtree(data)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder with one further detector, which notices every change of order."""
    made = Path(mkdtemp(prefix="shouwang-"))
    (made / "probe.py").write_text("from tests.unit.stream.probe import PROBE as DETECTOR\n")
    yield made
    shutil.rmtree(made)


class Workers:
    """Processes of the stream; whatever still runs is killed at the end."""

    def __init__(self, site: Site, folder: Path) -> None:
        self.kafka = site.kafka
        self.logs = site.data / "log"
        self._environment = site.environment() | {
            "SHOUWANG_STREAM_SNAPSHOT_S": "2",
            "SHOUWANG_STREAM_FLUSH_S": "0.2",
            "SHOUWANG_STREAM_DETECTORS": str(folder),
        }
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, lane: str, name: str, **settings: str) -> subprocess.Popen[bytes]:
        own = {f"SHOUWANG_STREAM_{key.upper()}": value for key, value in settings.items()}
        with (self.logs / f"{name}.log").open("ab") as out:
            worker = subprocess.Popen(
                [sys.executable, "-m", "stream", lane],
                cwd=REPOSITORY,
                env=os.environ | self._environment | {"SHOUWANG_STREAM_INSTANCE": name} | own,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        self._running[name] = worker
        return worker

    def __getitem__(self, name: str) -> subprocess.Popen[bytes]:
        return self._running[name]

    def close(self) -> None:
        for worker in self._running.values():
            if worker.poll() is None:
                worker.send_signal(signal.SIGCONT)
                worker.kill()
            worker.wait()


@pytest.fixture
def workers(kafka_site: Site, folder: Path) -> Iterator[Workers]:
    found = Workers(kafka_site, folder)
    try:
        yield found
    finally:
        found.close()


@pytest.fixture(scope="module")
def topics(kafka_site: Site) -> None:
    environment = os.environ | kafka_site.environment() | {"SHOUWANG_PARTITIONS": str(PARTITIONS)}
    subprocess.run([sys.executable, "-m", "contracts.admin"], cwd=REPOSITORY, env=environment, check=True)


@pytest.mark.parametrize("lane", ["bulk", "urgent"])
def test_a_worker_whose_topics_do_not_exist_refuses_to_start(lane: str, workers: Workers) -> None:
    worker = workers.start(lane, f"too-early-{lane}")
    assert worker.wait(30) == 2
    assert "Create the topics first" in (workers.logs / f"too-early-{lane}.log").read_text()


@pytest.mark.usefixtures("topics")
async def test_workers_come_and_go_and_the_group_says_what_the_frames_say(workers: Workers, folder: Path) -> None:
    traffic, told = Traffic("bulk", PARTITIONS, homes=40, seed=7), Told()
    reading = asyncio.create_task(told.read(workers.kafka, "bulk", PARTITIONS))
    flowing = asyncio.create_task(traffic.flow(workers.kafka, 34.0))
    try:
        workers.start("bulk", "stream-1")
        await asyncio.sleep(5)
        workers.start("bulk", "stream-2")  # joins
        await asyncio.sleep(6)
        workers["stream-1"].kill()  # dies, and comes back
        await asyncio.sleep(1)
        workers.start("bulk", "stream-1")
        await asyncio.sleep(9)
        workers["stream-2"].send_signal(signal.SIGSTOP)  # freezes for longer than its session, and wakes up a stranger
        await asyncio.sleep(8)
        workers["stream-2"].send_signal(signal.SIGCONT)
        await asyncio.sleep(3)
        assert await _leaves(workers["stream-1"])
        await flowing
        expected = traffic.offline(folder)
        await told.has(len(expected), within_s=30)
        await asyncio.sleep(1)  # time for one too many
    finally:
        flowing.cancel()
        reading.cancel()
        await asyncio.gather(flowing, reading, return_exceptions=True)
    assert len(expected) > 100, "the traffic says too little to prove anything"
    assert told.copies.keys() == expected.keys()
    assert {name: copies[0] for name, copies in told.copies.items()} == expected
    assert all(copy == copies[0] for copies in told.copies.values() for copy in copies), "copies differ"


@pytest.mark.usefixtures("topics")
async def test_a_worker_that_joins_before_the_first_snapshot_ends_nobody(workers: Workers) -> None:
    """What was read has to be read again from offset 0, to which Kafka's client does not go back by itself."""
    traffic = Traffic("bulk", PARTITIONS, homes=4, seed=9)
    await traffic.flow(workers.kafka, 2.0)
    first = workers.start("bulk", "newcomer-1", group="newcomers", snapshot_s="60")
    await _takes_part(workers, "newcomer-1")
    second = workers.start("bulk", "newcomer-2", group="newcomers", snapshot_s="60")
    await _takes_part(workers, "newcomer-2")
    said = "\n".join((workers.logs / f"newcomer-{number}.log").read_text()[-2000:] for number in (1, 2))
    assert (first.poll(), second.poll()) == (None, None), said
    assert await _leaves(first), (first.returncode, said)
    assert await _leaves(second), (second.returncode, (workers.logs / "newcomer-2.log").read_text()[-2000:])


@pytest.mark.usefixtures("topics")
async def test_when_one_of_the_urgent_pair_dies_nothing_waits(workers: Workers, folder: Path) -> None:
    traffic, told = Traffic("urgent", PARTITIONS, homes=1, seed=8), Told()
    reading = asyncio.create_task(told.read(workers.kafka, "urgent", PARTITIONS))
    for name in ("stream-urgent-1", "stream-urgent-2"):
        workers.start("urgent", name)
    try:
        await asyncio.sleep(4)
        flowing = asyncio.create_task(traffic.flow(workers.kafka, 16.0))
        await asyncio.sleep(4)
        workers["stream-urgent-1"].kill()
        await asyncio.sleep(8)
        workers.start("urgent", "stream-urgent-1")
        await flowing
        expected = traffic.offline(folder)
        await told.has(len(expected), within_s=10)
        await asyncio.sleep(2)
        listening = [c for name in ("stream-urgent-1", "stream-urgent-2") for c in _listening(workers[name].pid)]
        assert await _leaves(workers["stream-urgent-2"])
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    assert told.copies.keys() == expected.keys()
    assert all(copy == expected[name] for name, copies in told.copies.items() for copy in copies)
    assert all(len(copies) >= 2 for copies in told.copies.values()), "each of the pair says everything"
    pressed = [name for name, each in expected.items() if each.detector == "call"]
    waited = sorted(told.first_at_s[name] - traffic.sent_at_s[expected[name].home_id] for name in pressed)
    print(
        f"{len(waited)} calls, sent to detected: median {1000 * waited[len(waited) // 2]:.0f} ms, longest {1000 * waited[-1]:.0f} ms"
    )
    assert waited[-1] < 8.0, "a call waited for the dead one to come back"
    assert listening == []


@pytest.mark.usefixtures("topics")
async def test_a_bulk_worker_opens_no_port(workers: Workers) -> None:
    worker = workers.start("bulk", "stream-9")
    await asyncio.sleep(6)
    assert worker.poll() is None
    assert _listening(worker.pid) == []


def _listening(pid: int) -> list[object]:
    return [each for each in psutil.Process(pid).net_connections("inet") if each.status == psutil.CONN_LISTEN]


async def _takes_part(workers: Workers, name: str) -> None:
    """Until the worker has partitions, and three seconds more to read in them. On a busy machine its start alone takes many seconds."""
    limit_s = time.monotonic() + 60
    while f"{name} has partitions" not in (workers.logs / f"{name}.log").read_text():
        assert workers[name].poll() is None, (workers.logs / f"{name}.log").read_text()[-2000:]
        assert time.monotonic() < limit_s, "it has no partitions after a minute"
        await asyncio.sleep(0.2)
    await asyncio.sleep(3)


async def _leaves(worker: subprocess.Popen[bytes]) -> bool:
    """Whether it ends well and soon after TERM."""
    worker.send_signal(signal.SIGTERM)
    return await asyncio.wait_for(asyncio.to_thread(worker.wait), LEAVES_S) == 0
