"""The bridge while Kafka is away, on real Mosquitto and Kafka: what it acknowledged is on disk, and comes out of it once, in order, whatever dies."""

import asyncio
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest

from deploy import prepare
from deploy.native import engine
from deploy.site import Site
from deploy.stages import another_bridge
from ingest.state_file import BridgeState
from tests.conftest import free_base, worker_number
from tests.system.conftest import Stages
from tests.system.ingest_traffic import AREA, Log, Talker, provide_accounts, state, until_state

pytestmark = [pytest.mark.services, pytest.mark.timeout(240)]

GATEWAY = "fleet"
DEVICE = "home-1.sos"


@pytest.fixture(scope="module")
def own() -> Iterator[Site]:
    """A site whose services may be broken, shared by the tests of this file."""
    data = Path(mkdtemp(prefix="shouwang-"))
    found = Site.load(data=data, port_base=free_base(26_000 + 700 * worker_number(), 7))
    try:
        prepare.services(found)
        provide_accounts(found, [DEVICE], GATEWAY)
        yield found
    finally:
        engine.down(found)
        shutil.rmtree(data)


@pytest.fixture
def running(own: Site) -> Iterator[Stages]:
    opened = Stages(own)
    try:
        yield opened
    finally:
        opened.close()


@pytest.fixture
def gateway(own: Site) -> Iterator[Talker]:
    talker = Talker(own, GATEWAY)
    limit = time.monotonic() + 30
    while not talker.client.is_connected():
        assert time.monotonic() < limit
        time.sleep(0.05)
    yield talker
    talker.close()


def say(gateway: Talker, source: str, numbers: range) -> None:
    """Motions of seven homes; a home's numbers rise in the order in which they are said."""
    now = time.time()
    for seq in numbers:
        reading = {"kind": "motion", "moving": True, "t": now, "sent": now, "boot": 1, "seq": seq}
        gateway.say(f"shouwang/v1/{AREA}/{source}-{seq % 7}.dev/telemetry", reading)


def in_order(log: Log) -> bool:
    """Whether each home's rows, repeats left out as every reader does, came in the order in which they were said."""
    highest: dict[str, int] = {}
    seen: set[tuple[str, int]] = set()
    for row in log.rows["bulk"]:
        one = (row["home_id"], row["seq"])
        if row["kind"] == "motion" and one not in seen:
            seen.add(one)
            if row["seq"] < highest.get(row["home_id"], -1):
                return False
            highest[row["home_id"]] = row["seq"]
    return True


async def start(running: Stages, source: str, **settings: str) -> None:
    given = {f"SHOUWANG_INGEST_{name.upper()}": value for name, value in settings.items()}
    running.start(another_bridge(source, given))
    await until_state(running.site, source, lambda s: s.state == "watching")


def waits(word: BridgeState) -> int:
    return sum(lane.records for lane in word.spool.values())


def folder(site: Site, source: str, lane: str = "bulk") -> Path:
    return site.data / "ingest" / "spool" / source / lane


async def until_empty(site: Site, source: str) -> BridgeState:
    return await until_state(
        site, source, lambda s: s.state == "watching" and not waits(s) and not any(s.in_flight.values()), within_s=60
    )


async def test_while_kafka_is_frozen_messages_are_acknowledged_from_disk_and_an_sos_hears_when_kafka_has_it(
    own: Site, running: Stages, gateway: Talker
) -> None:
    sos = Talker(own, DEVICE)
    topic = f"shouwang/v1/{AREA}/{DEVICE}"
    sos.listen(f"{topic}/receipt")
    async with Log(own, "frozen") as log:
        await start(running, "frozen")
        call: dict[str, Any] = {"kind": "call", "t": time.time(), "sent": time.time(), "boot": 5, "seq": 17}
        running.freeze("kafka")
        try:
            for begin in range(0, 3_000, 500):
                say(gateway, "frozen", range(begin, begin + 500))
                sos.say(f"{topic}/event", call)
                sos.say(f"{topic}/event", {**call, "sent": time.time()})  # as a device does until it hears
                await asyncio.sleep(0.5)
            gateway.say(f"shouwang/v1/{AREA}/frozen-1.dev/telemetry", b"hello")
            gateway.settle()
            word = await until_state(
                own,
                "frozen",
                lambda s: s.state == "spooling" and s.messages["bulk"] >= 3_000 and not any(s.in_flight.values()),
            )
            assert word.spool["bulk"].records > 16
            assert word.spool["bulk"].bytes > 0
            assert word.spool["urgent"].records > 0
            assert word.kafka_waits_s > 2
            assert list(folder(own, "frozen").glob("*.spool"))
            assert sos.heard == [], "only Kafka makes it safe: a receipt before would stop the device too early"
            later = await until_state(own, "frozen", lambda s: s.at_s > word.at_s + 1.5)
            assert later.watched_until_s is not None
            assert word.watched_until_s is not None
            assert later.watched_until_s > word.watched_until_s + 1, "it goes on watching"
        finally:
            running.thaw("kafka")
        (receipt,) = await asyncio.to_thread(sos.waits_for, 1)
        assert (receipt["code"], receipt["seq"]) == ("ok", 17)
        sos.say(f"{topic}/event", call)
        assert (await asyncio.to_thread(sos.waits_for, 2))[1]["code"] == "duplicate"
        await log.until(lambda: len(log.numbers()) == 3_001 and log.letters)
        assert in_order(log)
        assert {letter.reason for letter in log.letters} == {"not_json"}
        assert {row["seq"] for row in log.rows["urgent"]} == {17}
        back = await until_empty(own, "frozen")
        assert not list(folder(own, "frozen").glob("*.spool"))
        await log.until(lambda: min(log.watched().values()) >= (back.held_until_s or 0.0))
        assert all(len(gaps) == 1 for gaps in log.unwatched().values()), "none but the one before its start"
        say(gateway, "frozen", range(3_000, 3_100))
        await log.until(lambda: len(log.numbers()) == 3_101)
        assert in_order(log)
    sos.close()


async def test_a_bridge_killed_in_mid_spool_goes_on_without_kafka_and_the_next_brings_what_it_left(
    own: Site, running: Stages, gateway: Talker
) -> None:
    async with Log(own, "orphan") as log:
        await start(running, "orphan")
        running.stop("kafka")
        for begin in range(0, 2_000, 500):
            say(gateway, "orphan", range(begin, begin + 500))
            await asyncio.sleep(0.5)
        gateway.settle()
        word = await until_state(
            own, "orphan", lambda s: s.state == "spooling" and s.messages["bulk"] >= 2_000 and not s.in_flight["bulk"]
        )
        say(gateway, "orphan", range(2_000, 2_300))
        running.kill("ingest-orphan")
        say(gateway, "orphan", range(2_300, 3_000))
        gateway.settle()
        second = await until_state(
            own, "orphan", lambda s: s.pid != word.pid and s.messages.get("bulk", 0) >= 700 and not any(s.in_flight.values())
        )  # fmt: skip
        assert second.state == "spooling", "Kafka is still away; it does not wait for it"
        assert waits(second) > waits(word)
        running.kill("ingest-orphan")
        third = await until_state(own, "orphan", lambda s: s.pid != second.pid and s.state == "spooling")
        assert waits(third) >= waits(second)
        await asyncio.to_thread(engine.up, own)
        await log.until(lambda: len(log.numbers()) == 3_000)
        assert in_order(log)
        await until_empty(own, "orphan")
        assert not list(folder(own, "orphan").glob("*.spool"))
        # Each of the three starts told every partition what nobody watched: from what was stated last, or the second before it that the
        # state file is old, and never later than that.
        await log.until(lambda: all(len(set(gaps)) == 3 for gaps in log.unwatched().values()))
        for metas in log.statements.values():
            stated = 0.0
            for meta in metas:
                for since, until in meta.unwatched:
                    assert since == 0.0 or until <= stated or stated - 3 < since <= stated
                stated = max(stated, meta.watched_until_s or 0.0)


async def test_a_bridge_told_to_stop_leaves_its_frames_on_disk_and_the_next_one_brings_them(
    own: Site, running: Stages, gateway: Talker
) -> None:
    async with Log(own, "left") as log:
        await start(running, "left")
        running.freeze("kafka")
        try:
            say(gateway, "left", range(200))
            gateway.settle()
            await until_state(own, "left", lambda s: s.messages["bulk"] >= 200)
            began = time.monotonic()
            running.stop("ingest-left")
            assert time.monotonic() - began < 8
            word = state(own, "left")
            assert (word.state, word.in_flight["bulk"]) == ("stopped", 0), "all of it is on disk"
        finally:
            running.thaw("kafka")
        running.start(another_bridge("left", {}))
        await log.until(lambda: len(log.numbers()) == 200)
        assert in_order(log)


async def test_a_full_spool_says_so_and_acknowledges_nothing_more_and_nothing_is_lost(
    own: Site, running: Stages, gateway: Talker
) -> None:
    async with Log(own, "full") as log:
        await start(running, "full", spool_bytes="60000")
        running.freeze("kafka")
        try:
            say(gateway, "full", range(500))
            gateway.settle()
            await until_state(own, "full", lambda s: s.spool["bulk"].trouble == "full", within_s=60)
            say(gateway, "full", range(500, 1_000))
            gateway.settle()
            word = await until_state(own, "full", lambda s: s.messages["bulk"] >= 1_000)
            later = await until_state(own, "full", lambda s: s.at_s > word.at_s + 2.0)
            assert later.state == "spool_full"
            assert later.in_flight["bulk"] >= 500
            assert sum(path.stat().st_size for path in folder(own, "full").glob("*.spool")) <= 60_000
            assert "is full" in running.log("ingest-full")
            running.kill("ingest-full")
            await until_state(own, "full", lambda s: s.pid != word.pid and s.state == "spool_full")
        finally:
            running.thaw("kafka")
        await log.until(lambda: len(log.numbers()) == 1_000)
        assert in_order(log)
        await until_empty(own, "full")


async def test_a_disk_that_fails_is_said_nothing_is_acknowledged_and_kafka_alone_is_enough_again(
    own: Site, running: Stages, gateway: Talker
) -> None:
    async with Log(own, "broken") as log:
        await start(running, "broken")
        folder(own, "broken").parent.rename(own.data / "elsewhere")
        running.freeze("kafka")
        try:
            say(gateway, "broken", range(300))
            gateway.settle()
            word = await until_state(own, "broken", lambda s: s.state == "spool_failing" and s.messages["bulk"] >= 300)
            assert word.in_flight["bulk"] == 300
            assert "the disk of" in running.log("ingest-broken")
        finally:
            running.thaw("kafka")
        await log.until(lambda: len(log.numbers()) == 300)
        await until_empty(own, "broken")
