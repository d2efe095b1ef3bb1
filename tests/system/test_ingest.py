"""The bridge on real Mosquitto and Kafka: nothing acknowledged is lost, whatever dies, and what was not seen is said."""

import asyncio
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from contracts import alerts
from contracts.detections import Origin
from contracts.frames import decode
from contracts.names import AREA_REPLAY
from contracts.partitions import partition_of
from contracts.topics import ALERTS
from deploy import prepare
from deploy.native import engine
from deploy.site import REPOSITORY, Site
from deploy.stages import another_bridge
from ingest.offline import frames_of
from ingest.state_file import path_of
from tests.system.conftest import Stages
from tests.system.ingest_traffic import AREA, Log, Talker, provide_accounts, state, until_state

pytestmark = [pytest.mark.services, pytest.mark.timeout(240)]

GATEWAY = "fleet"
DEVICE = "home-1.sos"


def _free_base() -> int:
    for base in range(22_300, 22_900, 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", base + 92))
            except OSError:
                continue
            return base
    raise RuntimeError("no free port base between 22300 and 22800")


@pytest.fixture(scope="module")
def own() -> Iterator[Site]:
    """A site whose services may be broken, shared by the tests of this file."""
    data = Path(mkdtemp(prefix="shouwang-"))
    found = Site.load(data=data, port_base=_free_base())
    try:
        prepare.services(found)
        provide_accounts(found, [DEVICE, "home-2.thief"], GATEWAY)
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
    yield talker
    talker.close()


def telemetry(home: str) -> str:
    return f"shouwang/v1/{AREA}/{home}.dev/telemetry"


def motion(seq: int, boot: int) -> dict[str, Any]:
    now = time.time()
    return {"kind": "motion", "moving": True, "t": now, "sent": now, "boot": boot, "seq": seq}


async def start(running: Stages, source: str, **settings: str) -> None:
    """A bridge of its own name, connected and caught up. Sources are not used twice in this file."""
    given = {f"SHOUWANG_INGEST_{name.upper()}": value for name, value in settings.items()}
    running.start(another_bridge(source, given))
    await until_state(running.site, source, lambda s: s.state == "watching")


async def test_rows_come_out_in_the_partition_of_their_home_and_time_moves_in_all_of_them(
    own: Site, running: Stages, gateway: Talker
) -> None:
    async with Log(own, "plain") as log:
        await start(running, "plain")
        for seq in range(200):
            gateway.say(telemetry(f"plain-{seq % 20}"), motion(seq, 1))
        await log.until(lambda: len(log.numbers()) == 200)
        assert len(log.rows["bulk"]) == 200
        assert {row["clock"] for row in log.rows["bulk"]} == {0}
        before = log.watched()
        await log.until(
            lambda: log.watched().keys() == before.keys() and all(log.watched()[p] > before[p] for p in before)
        )
    assert len(before) == 32, "16 partitions in each of two lanes"
    homes = {partition_of(f"plain-{number}", 16) for number in range(20)}
    assert homes <= {partition for lane, partition in before if lane == "bulk"}


async def test_without_a_spool_nothing_is_acknowledged_while_kafka_is_away_and_a_bridge_killed_then_loses_nothing(
    own: Site, running: Stages, gateway: Talker
) -> None:
    async with Log(own, "kafkaless") as log:
        await start(running, "kafkaless", spool_bytes="0")
        running.freeze("kafka")
        try:
            for seq in range(300):
                gateway.say(telemetry(f"away-{seq % 7}"), motion(seq, 2))
            gateway.settle()
            found = await until_state(own, "kafkaless", lambda s: s.state == "kafka_away")
            assert found.in_flight["bulk"] == 300, "received, and not one of them acknowledged"
            running.kill("ingest-kafkaless")
        finally:
            running.thaw("kafka")
        await log.until(lambda: len(log.numbers()) == 300)
        await until_state(own, "kafkaless", lambda s: s.state == "watching" and not any(s.in_flight.values()))


async def test_what_the_bridge_still_holds_when_the_broker_dies_is_not_taken_twice_when_it_comes_again(
    own: Site, running: Stages, gateway: Talker
) -> None:
    async with Log(own, "again") as log:
        await start(running, "again", spool_bytes="0")
        running.freeze("kafka")
        try:
            for seq in range(60):
                gateway.say(telemetry("again-1"), motion(seq, 12))
            gateway.settle()
            held = await until_state(own, "again", lambda s: s.in_flight.get("bulk") == 60)
            await asyncio.sleep(
                6
            )  # the broker writes its sessions down every 5 s; what it forgot it could not send again
            running.kill("mosquitto")
            await until_state(own, "again", lambda s: s.messages["bulk"] >= held.messages["bulk"] + 60, within_s=60)
            gateway.is_back()
            gateway.say(telemetry("again-1"), motion(60, 12))
            gateway.settle()
        finally:
            running.thaw("kafka")
        await log.until(lambda: len(log.numbers()) == 61)
        await until_state(own, "again", lambda s: s.state == "watching" and not any(s.in_flight.values()))
        await log.read(1.0)
        assert len(log.rows["bulk"]) == 61
        # All of it is acknowledged on the new connection; a broker that dies before it has written that down sends it once more.
        running.kill("mosquitto")
        await until_state(own, "again", lambda s: s.state == "watching", within_s=60)
        await log.read(1.0)
        assert len(log.rows["bulk"]) == 61


async def test_a_bridge_killed_again_and_again_under_load_loses_nothing_that_the_broker_took(
    own: Site, running: Stages, gateway: Talker
) -> None:
    async with Log(own, "killed") as log:
        await start(running, "killed")
        stop = threading.Event()
        said = 0

        def talk() -> None:
            nonlocal said
            while not stop.is_set():
                for _ in range(25):
                    gateway.say(telemetry(f"killed-{said % 50}"), motion(said, 3))
                    said += 1
                time.sleep(0.05)

        talking = threading.Thread(target=talk)
        talking.start()
        try:
            for _ in range(2):
                await asyncio.sleep(1.5)
                running.kill("ingest-killed")
                await until_state(own, "killed", lambda s: s.state == "watching")
        finally:
            stop.set()
            talking.join()
        gateway.settle()
        await log.until(lambda: len(log.numbers()) == said)
        assert said > 1_000
        # Each start tells every partition of the time that nobody watched, without overlap.
        await log.until(lambda: all(len(gaps) == 3 for gaps in log.unwatched().values()))
        for gaps in log.unwatched().values():
            assert all(one[1] <= two[0] for one, two in pairwise(gaps))


async def test_without_a_broker_time_stands_still_and_afterwards_the_gap_is_told_to_every_partition(
    own: Site, running: Stages, gateway: Talker
) -> None:
    async with Log(own, "brokerless") as log:
        await start(running, "brokerless")
        for seq in range(100):
            gateway.say(telemetry(f"broker-{seq % 9}"), motion(seq, 4))
        gateway.settle()
        await log.until(lambda: len(log.numbers()) == 100)
        await until_state(own, "brokerless", lambda s: not any(s.in_flight.values()))
        running.stop("mosquitto")
        down = await until_state(own, "brokerless", lambda s: s.state == "disconnected")
        for seq in range(100, 150):
            gateway.say(telemetry(f"broker-{seq % 9}"), motion(seq, 4))  # kept by the device until its broker is back
        later = await until_state(own, "brokerless", lambda s: s.at_s > down.at_s + 1.5)
        assert later.watched_until_s == down.watched_until_s
        await log.until(lambda: min(log.watched().values()) == down.watched_until_s)
        await asyncio.to_thread(engine.up, own)
        back = await until_state(own, "brokerless", lambda s: s.state == "watching", within_s=60)
        assert back.watched_until_s is not None
        await log.until(lambda: len(log.numbers()) == 150)
        assert len(log.rows["bulk"]) == 150, (
            "acknowledgements of the old connection did not acknowledge the new one's messages"
        )
        await log.until(lambda: all(len(gaps) == 2 for gaps in log.unwatched().values()))
        gaps = {gaps[-1] for gaps in log.unwatched().values()}
        ((since, until),) = gaps
        assert since == down.watched_until_s
        assert since < until <= back.watched_until_s
        assert len(log.unwatched()) == 32


async def test_an_sos_hears_ok_then_duplicate_then_that_somebody_has_it(own: Site, running: Stages) -> None:
    await start(running, "receipts")
    device = Talker(own, DEVICE)
    topic = f"shouwang/v1/{AREA}/{DEVICE}"
    try:
        async with Log(own, "receipts") as log:
            device.listen(f"{topic}/receipt")
            call = {"kind": "call", "t": time.time(), "sent": time.time(), "boot": 5, "seq": 17}
            device.say(f"{topic}/event", call)
            (first,) = await asyncio.to_thread(device.waits_for, 1)
            assert {key: first[key] for key in ("code", "boot", "seq")} == {"code": "ok", "boot": 5, "seq": 17}
            await log.until(lambda: log.rows["urgent"])
            device.say(f"{topic}/event", {**call, "sent": time.time()})
            assert (await asyncio.to_thread(device.waits_for, 2))[1]["code"] == "duplicate"
            device.say(f"{topic}/event", {"kind": "vitals", "heart_rate_bpm": 70, "boot": 5, "seq": 18})
            refused = (await asyncio.to_thread(device.waits_for, 3))[2]
            assert (refused["code"], refused["seq"]) == ("invalid", 18)
            assert "telemetry" in refused["reason"]
            await _claim(own, Origin(device_id="sos", boot=5, seq=17))
            taken = (await asyncio.to_thread(device.waits_for, 4))[3]
            assert (taken["code"], taken["boot"], taken["seq"]) == ("taken", 5, 17)
            await log.until(lambda: log.rows["bulk"] and log.letters)
            assert [(row["kind"], row["seq"]) for row in log.rows["urgent"]] == [("call", 17)], (
                "the repeat was not forwarded"
            )
            assert [(row["kind"], row["seq"]) for row in log.rows["bulk"]] == [("call", 17)], (
                "and it stands in the bulk lane too"
            )
            assert log.rows["urgent"][0]["received_at_s"] == log.rows["bulk"][0]["received_at_s"]
    finally:
        device.close()


async def _claim(site: Site, origin: Origin) -> None:
    now = datetime.now(UTC)
    case = alerts.CaseSummary(
        case_id="c", version=2, home_id="home-1", area_code=f"{AREA}001", family="sos", priority=1, score=4, reasons=(), handling="CLAIMED",
        condition="latched", raised_at=now, queued_at=now, deadline_at=None,
    )  # fmt: skip
    event = alerts.AlertEvent(event_id="e", change="claimed", at=now, actor="desk-1", case=case, origins=(origin,))
    producer = AIOKafkaProducer(bootstrap_servers=site.kafka)
    await producer.start()
    try:
        await producer.send_and_wait(ALERTS, alerts.encode(event), key=b"c")
    finally:
        await producer.stop()


async def test_what_is_refused_can_be_read_with_its_reason_and_what_is_valid_beside_it_is_kept(
    own: Site, running: Stages, gateway: Talker
) -> None:
    good, now = motion(1, 6), time.time()
    bad: dict[str, tuple[bytes, str]] = {
        "not_json": (b"hello", "telemetry"),
        "out_of_range": (json.dumps([good, {"kind": "vitals", "heart_rate_bpm": 900}]).encode(), "telemetry"),
        "wrong_type": (json.dumps([{**good, "seq": 2}, {"kind": "status", "firmware": "a\0"}]).encode(), "telemetry"),
        "too_old": (
            json.dumps([{**good, "seq": 3}, {**good, "t": now - 365 * 86_400, "seq": 4}]).encode(),
            "telemetry",
        ),
        "oversize": (b" " * (1 << 20), "telemetry"),
        "unknown_channel": (b"{}", "telemetri"),
        "bad_block": (json.dumps({"rate_hz": 50, "range_g": 4, "samples": "AAAAAAAAAAA="}).encode(), "inertial"),
        "not_allowed": (b'{"t": 1}', "clock"),
        "bad_id": (b'{"occupancy": true}', "z2m/PIR Bath"),
    }
    async with Log(own, "refused") as log:
        await start(running, "refused")
        for payload, channel in bad.values():
            gateway.say(f"shouwang/v1/{AREA}/bad-1.dev/{channel}", payload)
        gateway.say(
            telemetry("bad-1"),
            b'[{"kind":"motion","moving":true,"boot":6,"seq":5},{"kind":"motion","moving":true,"t":NaN,"boot":6,"seq":6}]',
        )
        await log.until(lambda: len(log.letters) == len(bad) + 1 and len(log.numbers()) == 4)
        assert {letter.reason for letter in log.letters} == set(bad)
        assert all(letter.detail and letter.topic.startswith("shouwang/v1/") for letter in log.letters)
        assert {number[3] for number in log.numbers()} == {1, 2, 3, 5}
        sizes = {letter.reason: (letter.size, len(letter.payload)) for letter in log.letters}
        assert sizes["oversize"] == (1 << 20, 65_536)
        await until_state(own, "refused", lambda s: not any(s.in_flight.values()))


async def test_a_stranger_a_forger_and_an_eavesdropper_get_nothing_through(own: Site, running: Stages) -> None:
    async with Log(own, "doors") as log:
        await start(running, "doors")
        thief = Talker(own, "home-2.thief")
        anonymous = Talker(own, "nobody", "guess")
        try:
            thief.listen("shouwang/v1/#")
            thief.say(f"shouwang/v1/{AREA}/{DEVICE}/event", {"kind": "call"})
            anonymous.say(f"shouwang/v1/{AREA}/{DEVICE}/event", {"kind": "call"})
            thief.say(f"shouwang/v1/{AREA}/home-2.thief/telemetry", motion(1, 1))
            await log.until(lambda: log.rows["bulk"])
            await log.read(1.0)
        finally:
            thief.close()
            anonymous.close()
        assert {row["home_id"] for rows in log.rows.values() for row in rows} == {"home-2"}
        assert thief.heard == []


async def test_a_retained_status_is_no_news_when_the_bridge_comes_to_know_it(
    own: Site, running: Stages, gateway: Talker
) -> None:
    gateway.say(f"shouwang/v1/{AREA}/retained-1.dev/status", {"online": True}, retain=True)
    gateway.settle()
    async with Log(own, "retained") as log:
        await start(running, "retained")
        await log.until(lambda: [row for row in log.rows["bulk"] if row["home_id"] == "retained-1"])
        (row,) = [row for row in log.rows["bulk"] if row["home_id"] == "retained-1"]
        assert (row["kind"], row["clock"]) == ("status", 3), "unresolved: nobody knows when that was"
        gateway.say(f"shouwang/v1/{AREA}/retained-1.dev/status", b"", retain=True)
        gateway.settle()


async def test_told_to_stop_it_leaves_nothing_behind_and_writes_its_last_word(
    own: Site, running: Stages, gateway: Talker
) -> None:
    async with Log(own, "stopping") as log:
        await start(running, "stopping", flush_s="1.0")
        for seq in range(50):
            gateway.say(telemetry("stop-1"), motion(seq, 7))
        gateway.settle()
        await until_state(own, "stopping", lambda s: s.messages.get("bulk", 0) >= 50)
        running.stop("ingest-stopping")
        word = state(own, "stopping")
        assert (word.state, word.in_flight["bulk"]) == ("stopped", 0)
        await log.until(lambda: len(log.numbers()) == 50)
        assert word.held_until_s is not None
        assert word.held_until_s <= min(log.watched().values())
        running.start(another_bridge("stopping", {}))
        await until_state(own, "stopping", lambda s: s.state == "watching")
        await log.until(lambda: all(len(gaps) == 2 for gaps in log.unwatched().values()))
        assert {gaps[-1][0] for gaps in log.unwatched().values()} == {word.held_until_s}
        assert len(log.rows["bulk"]) == 50, "what was acknowledged did not come again"
        running.stop("ingest-stopping")
        stated = max(log.watched().values())
        path_of(own.data, "stopping").unlink()  # as on another machine
        running.start(another_bridge("stopping", {}))
        await log.until(lambda: all(len(gaps) == 3 for gaps in log.unwatched().values()))
        for gaps in log.unwatched().values():
            assert abs(stated - gaps[-1][0]) < 10, "read back from the log, to a few ticks"


async def test_told_to_stop_while_kafka_is_away_it_goes_within_five_seconds(
    own: Site, running: Stages, gateway: Talker
) -> None:
    async with Log(own, "leaving") as log:
        await start(running, "leaving", spool_bytes="0")
        running.freeze("kafka")
        try:
            gateway.say(telemetry("leave-1"), motion(1, 8))
            gateway.settle()
            await until_state(own, "leaving", lambda s: s.in_flight.get("bulk") == 1)
            began = time.monotonic()
            running.stop("ingest-leaving")
            assert time.monotonic() - began < 8, "the supervisor would kill it after 15 s"
            assert json.loads(path_of(own.data, "leaving").read_bytes())["state"] == "stopped"
        finally:
            running.thaw("kafka")
        running.start(another_bridge("leaving", {"SHOUWANG_INGEST_SPOOL_BYTES": "0"}))
        await log.until(lambda: len(log.numbers()) == 1)


async def test_a_recording_through_mqtt_gives_the_rows_that_it_gives_offline(own: Site, running: Stages) -> None:
    provide_accounts(own, [DEVICE, "home-2.thief", "replay-1.hub"], GATEWAY)
    base = 1_700_000_000.0
    story: list[tuple[str, bytes]] = []
    for minute in range(300):
        at = base + 60 * minute
        readings: list[tuple[str, Any]] = [("telemetry", {"kind": "motion", "moving": True, "t": at})]
        if minute % 50 == 20:
            readings.append(("event", {"kind": "call", "t": at + 1, "boot": 1, "seq": minute}))
            readings.append(("z2m/door", {"contact": False, "battery": 70, "last_seen": (at + 2) * 1000}))
        story += [
            (f"shouwang/v1/{AREA_REPLAY}/replay-1.hub/{channel}", json.dumps(payload).encode())
            for channel, payload in readings
        ]
    story.append((f"shouwang/v1/{AREA_REPLAY}/replay-1.hub/clock", json.dumps({"t": base + 90_000}).encode()))
    async with Log(own, "replay") as log:
        await start(running, "replay", clock="recorded", areas=AREA_REPLAY, homes_prefix="replay-1", flush_s="0.02")
        hub = Talker(own, "replay-1.hub")
        try:
            for topic, payload in story:
                hub.say(topic, payload)
            hub.settle()
            await log.until(lambda: min(log.watched().values(), default=0.0) > base + 89_999)
        finally:
            hub.close()
    expected: dict[str, list[dict[str, Any]]] = {"bulk": [], "urgent": []}
    offline = Log(own, "replay")
    for lane, partition, value in frames_of(story, "replay"):
        frame = decode(value)
        found = [{**row, "kind": kind} for kind, batch in frame.batches.items() for row in batch.to_pylist()]
        expected[lane] += sorted(found, key=lambda row: row["ordinal"])
        offline.statements.setdefault((lane, partition), []).append(frame.meta)
    for lane in expected:
        without = [
            [{k: v for k, v in row.items() if k != "ordinal"} for row in rows[lane]] for rows in (log.rows, expected)
        ]
        assert without[0] == without[1]
    assert log.watched().items() >= offline.watched().items()


async def test_the_example_of_the_device_makers_guide_works_as_it_stands(
    own: Site, running: Stages, tmp_path: Path
) -> None:
    guide = (REPOSITORY / "docs" / "device-makers.md").read_text()
    (example,) = re.findall(r"```python\n(.*?)```", guide, flags=re.DOTALL)
    program = tmp_path / "device.py"
    program.write_text(example)
    async with Log(own, "example") as log:
        await start(running, "example")
        words = ["localhost", str(own.ports.mqtts), str(own.ca), DEVICE, DEVICE, AREA]
        device = await asyncio.create_subprocess_exec(sys.executable, str(program), *words, stdout=subprocess.PIPE)
        try:
            assert device.stdout is not None
            async with asyncio.timeout(20):
                receipt = json.loads(await device.stdout.readline())
            await log.until(lambda: {row["kind"] for row in log.rows["bulk"]} >= {"call", "vitals", "status"})
        finally:
            device.kill()
            await device.wait()
        assert receipt["code"] == "ok"
        await log.until(lambda: [row for row in log.rows["bulk"] if row["kind"] == "status" and not row["online"]])
        assert log.letters == []


def test_a_bridge_told_another_number_of_partitions_refuses_to_start(own: Site) -> None:
    environment = {
        **os.environ,
        **own.environment(),
        "SHOUWANG_INGEST_SOURCE": "miscounted",
        "SHOUWANG_PARTITIONS": "12",
    }
    run = subprocess.run(
        [sys.executable, "-m", "ingest"], cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 2
    assert "16 partitions" in run.stderr
    assert "set it to 16" in run.stderr
