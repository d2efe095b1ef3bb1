"""MQTT to Kafka against peers: what a message costs the bridge, whether all come, whether each home's come in order. ``./shouwang bench bridge``.

Each has the broker and Kafka to itself in turn: QoS 1 in, acks=all out, a persistent session. Ours decodes each message, orders by home, writes frames and
acknowledges when Kafka holds them. Telegraf and mq-bridge pass the payload through; they do not compress, ours does. Messages name their home in the
payload too, so that all can be counted in the same way.

``steady``: a rate for a while, CPU of the process in that time. ``kills``: a higher rate, and the bridge killed three times while it lasts.
"""

import asyncio
import os
import re
import secrets
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from bench import kafka_log, peer
from bench.load import AREA_BENCH, Load, home_name
from bench.pipe import Pipe, publish_packet
from bench.watched import Ended, Watched
from contracts.admin import partitions
from contracts.frames import decode
from contracts.names import topic_of
from contracts.topics import READINGS
from deploy.native.packages import run as run_tool
from deploy.site import BRIDGE_ACCOUNT, LOOPBACK, REPOSITORY, Site
from deploy.stages import PYTHON
from deploy.steps import say, step
from storage import accounts
from storage.database import connect

RATE_PER_S = 12_000.0
SECONDS = 30.0
LOSS_MESSAGES = 90_000
LOSS_FASTER = 1.25
"""The kills come at this many times the rate: 15,000 a second at 12,000."""
KILLS = 3
"""As asked for: 90,000 messages at 15,000/s, three kills; more messages where it takes longer to come back, so that it never is killed while it does nothing."""
WORK_S = 1.0
"""So long it works between two kills, s."""
WARM_S = 5.0
CONNECTIONS = 4
TURN_S = 5.0
"""Each home says something so often, s: 60,000 homes at 12,000/s. Chosen: many homes, and each often enough to have an order."""
BEHIND_S = 1.5
"""CPU is read so long after the last acknowledgement, s; who then still has records to bring has not kept up, and its figure says so."""
READY_S, REST_S = 90.0, 20.0
"""Longest until the first message comes through, s; nothing moved for so long is the end, s: longer than any of the three needs to come back."""
PROBE = "probe"
"""Resident of messages that only show that the bridge is there."""
TELEGRAF_TAGS = "custom,inputs.mqtt_consumer,outputs.kafka,parsers.value,serializers.template"
"""Telegraf's own way to be built with nothing but what is used."""


class Seen:
    """Which numbers of which home came, and in which order each came first."""

    def __init__(self) -> None:
        self.numbers: dict[str, set[int]] = defaultdict(set)
        self.repeated = self.disordered = 0
        self.last_ms = 0
        self._last: dict[tuple[int, str], int] = {}
        self._partition: dict[str, int] = {}
        self._split: set[str] = set()

    def add(self, partition: int, home: str, seq: int, at_ms: int) -> None:
        """One message, in its place in the log."""
        if seq in self.numbers[home]:
            self.repeated += 1
            return
        self.numbers[home].add(seq)
        self.last_ms = max(self.last_ms, at_ms)
        last = self._last.get((partition, home), 0)
        self.disordered += seq < last
        self._last[partition, home] = max(seq, last)
        if self._partition.setdefault(home, partition) != partition:
            self._split.add(home)

    @property
    def count(self) -> int:
        """Different messages."""
        return sum(map(len, self.numbers.values()))

    @property
    def split(self) -> int:
        """Homes whose messages lie in several partitions, where no reader can know their order."""
        return len(self._split)


class HomeLoad(Load):
    """One device a home, homes in turn, each message naming its home."""

    def __init__(self, run: str, homes: int, rate_per_s: float) -> None:
        super().__init__(run, homes, rate_per_s, 0.0, 0.0, 0.0)
        self._place = 0
        self._names = [home_name(run, number) for number in range(homes)]
        self._topics_of = [topic_of(AREA_BENCH, name, "watch", "telemetry").encode() for name in self._names]

    async def keep(self, seconds: float) -> None:
        """The rate for so long, and until all is acknowledged."""
        await self._keep_the_rate(seconds, ())
        for pipe in self._pipes:
            if not await pipe.settled(120):
                raise ConnectionError("the broker did not acknowledge the load")

    def probe(self) -> None:
        """A message that is not counted."""
        self._pipes[0].publish(
            topic_of(AREA_BENCH, f"{self.run}-{PROBE}", "watch", "telemetry").encode(),
            self._payload(f"{self.run}-{PROBE}", 1),
        )

    def _payload(self, home: str, seq: int) -> bytes:
        now_s = time.time()
        words = (home.encode(), now_s, now_s, self.boot, seq)
        return b'{"kind":"vitals","resident":"%b","t":%.3f,"sent":%.3f,"boot":%d,"seq":%d,"heart_rate_bpm":71}' % words

    def _send_ordinary(self, count: int) -> None:
        packets: list[list[bytes]] = [[] for _ in self._pipes]
        for place in range(self._place, self._place + max(0, count)):
            turn, number = divmod(place, self.homes)
            connection = number % len(self._pipes)
            payload = self._payload(self._names[number], turn + 1)
            packet_id = int.from_bytes(self._pipes[connection].next_id(), "big")
            packets[connection].append(publish_packet(self._topics_of[number], payload, packet_id))
        for pipe, mine in zip(self._pipes, packets, strict=True):
            if mine:
                pipe.send(b"".join(mine))
        self._place += max(0, count)
        self.sent += max(0, count)


class Bridge(NamedTuple):
    """One competitor: how it is started, where it writes, and how its records are read as (home, number)."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    topic: str
    read: Callable[[bytes], Iterator[tuple[str, int]]]
    clients: tuple[str, ...]
    """MQTT client ids; their sessions are ended after it, else the broker would keep for them all that others are sent."""


def read_frame(value: bytes) -> Iterator[tuple[str, int]]:
    """Rows of one of our frames, in order of arrival (they are all of one kind)."""
    for batch in decode(value).batches.values():
        yield from zip(batch.column("home_id").to_pylist(), batch.column("seq").to_pylist(), strict=True)


_NAMED = re.compile(rb'"resident":"([^"]+)".*?"seq":([0-9]+)')


def read_payload(value: bytes) -> Iterator[tuple[str, int]]:
    """A payload that was passed through, whatever stands around it."""
    if found := _NAMED.search(value):
        yield found[1].decode(), int(found[2])


async def measure(
    site: Site, rate_per_s: float, seconds: float, loss_messages: int, only: Sequence[str] = ()
) -> dict[str, Any]:
    """On a site whose services run and on which nothing else does; the figures."""
    run = f"m{secrets.token_hex(3)}"
    account = f"bench-{run}"
    connection = await connect(site.conninfo(), "bench")
    try:
        async with connection.transaction():
            passwords = await accounts.create(connection, [accounts.Account(account, "gateway", AREA_BENCH)])
        await accounts.install(connection, site)
        missing: dict[str, str] = {}
        found: dict[str, dict[str, Any]] = {"steady": {}, "kills": {}}
        for make in (_ours, *[_PEERS[name] for name in _PEERS if not only or name in only]):
            for part in ("steady", "kills") if loss_messages else ("steady",):
                try:
                    bridge = make(site, f"{run}-{part}")
                    found[part][bridge.name] = await _try(
                        site, bridge, account, passwords[account], part, rate_per_s, seconds, loss_messages
                    )
                except (peer.MissingPeer, Ended, TimeoutError) as error:
                    missing[make.__name__.strip("_")] = f"{part}: {error or type(error).__name__}"
                    say("bench", f"{part}: {error or type(error).__name__}")
                    break
        await kafka_log.remove_topics(site.kafka, run)
    finally:
        async with connection.transaction():
            await accounts.revoke(connection, account)
        await accounts.install(connection, site)
        await connection.close()
    return {
        "rate_per_s": rate_per_s,
        "partitions": partitions(),
        **found,
        "missing": missing,
        "machine": {"cores": os.cpu_count(), "load_1min": round(os.getloadavg()[0], 1)},
    }


async def _try(
    site: Site,
    bridge: Bridge,
    account: str,
    password: str,
    part: str,
    rate_per_s: float,
    seconds: float,
    loss_messages: int,
) -> dict[str, Any]:
    """One competitor through one part."""
    if bridge.topic != READINGS:
        await kafka_log.make_topics(site.kafka, {bridge.topic: partitions()})
    if part == "kills":
        rate_per_s *= LOSS_FASTER
        seconds = loss_messages / rate_per_s
    run = f"{bridge.name[0]}{secrets.token_hex(3)}"
    load = HomeLoad(run, max(10, int(rate_per_s * min(TURN_S, seconds / 2))), rate_per_s)
    await load.connect(LOOPBACK, site.ports.mqtt, account, password, CONNECTIONS)
    folder = site.data / "peers" / "state"
    folder.mkdir(parents=True, exist_ok=True)
    seen, back_s = Seen(), list[float]()
    try:
        async with kafka_log.following(site.kafka, [bridge.topic], earliest=False) as consumer:
            with (
                step("bench", f"{bridge.name}, {part}: {rate_per_s:g} messages/s for {seconds:g} s", long=True),
                Watched(
                    bridge.name, bridge.command, bridge.environment, REPOSITORY, site.log("bench-competitor")
                ) as process,
            ):
                await _until_ready(load, bridge, consumer, process)
                if part == "kills":
                    began_cpu_s, before = process.cpu_s(), load.sent
                    killing = asyncio.create_task(_kills(process, site, bridge.topic))
                    await load.keep(seconds)
                    while (
                        not killing.done()
                    ):  # slow to come back: the load goes on, so that each kill is in full flight
                        await load.keep(1.0)
                    back_s = await killing
                else:
                    await load.keep(WARM_S)
                    began_cpu_s, before = process.cpu_s(), load.sent
                    await load.keep(seconds)
                await asyncio.sleep(BEHIND_S)
                used_s, read_at_ms = process.cpu_s() - began_cpu_s, time.time() * 1000
                await _drain(bridge, consumer, seen, run, load.sent)
                process.check()
                rss_mb = process.rss_mb()
    finally:
        load.close()
        for client in bridge.clients:
            await _end_session(site, client)
    found = {
        "sent": load.sent,
        "came": seen.count,
        "lost": load.sent - seen.count,
        "repeated": seen.repeated,
        "disordered": seen.disordered,
        "homes_split": seen.split,
        "rss_mb": rss_mb,
    }
    if part == "kills":
        return found | {"back_s": back_s}
    return {
        **found,
        "cpu_us_per_message": round(used_s / (load.sent - before) * 1e6, 1),
        "kept_up": seen.last_ms <= read_at_ms,
    }


async def _until_ready(load: HomeLoad, bridge: Bridge, consumer: Any, process: Watched) -> None:
    """Messages that do not count, until one comes through. Raises TimeoutError, Ended."""
    async with asyncio.timeout(READY_S):
        while True:
            load.probe()
            process.check()
            for records in (await consumer.getmany(timeout_ms=500)).values():
                for record in records:
                    if any(home == f"{load.run}-{PROBE}" for home, _ in bridge.read(record.value)):
                        return


async def _end_session(site: Site, client_id: str) -> None:
    """A clean session under the same name takes the kept one away."""
    pipe = Pipe(lambda _count: None, limit=1)
    await pipe.open(LOOPBACK, site.ports.mqtt, client_id, BRIDGE_ACCOUNT, site.secrets.bridge_password)
    pipe.close()


async def _kills(process: Watched, site: Site, topic: str) -> list[float]:
    """Kill it, again and again while it works; seconds from each kill until it brought something to Kafka again."""
    back_s: list[float] = []
    for _ in range(KILLS):
        await asyncio.sleep(WORK_S)
        await asyncio.to_thread(process.kill_and_start_again)
        killed_s = time.monotonic()
        async with asyncio.timeout(READY_S):
            while not process.is_connected(site.ports.mqtt):
                process.check()
                await asyncio.sleep(0.05)
            # What the killed one had under way is in the log by now, or never will be.
            before = sum((await kafka_log.ends(site.kafka, topic)).values())
            while sum((await kafka_log.ends(site.kafka, topic)).values()) == before:
                process.check()
                await asyncio.sleep(0.1)
        back_s.append(round(time.monotonic() - killed_s, 1))
    return back_s


async def _drain(bridge: Bridge, consumer: Any, seen: Seen, run: str, wanted: int) -> None:
    """Count what came until all has, or nothing moves any more."""
    last_s = time.monotonic()
    while seen.count < wanted and time.monotonic() - last_s < REST_S:
        before = seen.count
        for place, records in (await consumer.getmany(timeout_ms=500)).items():
            for record in records:
                for home, seq in bridge.read(record.value):
                    if home.startswith(f"{run}-") and not home.endswith(PROBE):
                        seen.add(place.partition, home, seq, record.timestamp)
        if seen.count != before:
            last_s = time.monotonic()


def _ours(site: Site, run: str) -> Bridge:
    settings = {
        "SHOUWANG_INGEST_SOURCE": run,
        "SHOUWANG_INGEST_AREAS": AREA_BENCH,
        "SHOUWANG_PARTITIONS": str(partitions()),
    }
    environment = {**os.environ, **site.environment(run), **settings}
    clients = (f"shouwang-{run}-bulk", f"shouwang-{run}-urgent")
    return Bridge("ours", [PYTHON, "-m", "ingest"], environment, READINGS, read_frame, clients)


def _settings(site: Site, run: str) -> dict[str, str]:
    """What a peer's configuration is filled with."""
    return peer.environment(
        BENCH_KAFKA=site.kafka,
        BENCH_TOPIC=f"{run}-out",
        BENCH_MQTT=f"{LOOPBACK}:{site.ports.mqtt}",
        BENCH_FILTER=f"shouwang/v1/{AREA_BENCH}/#",
        BENCH_CLIENT=run,
        BENCH_USER=BRIDGE_ACCOUNT,
        BENCH_PASSWORD=site.secrets.bridge_password,
    )


def _telegraf(site: Site, run: str) -> Bridge:
    made = site.data / "peers" / "telegraf"
    peer.make_once("telegraf", peer.FOLDER / "telegraf", made, site.log("peer-telegraf"), _build_telegraf)
    command = [str(made / "telegraf"), "--config", str(peer.FOLDER / "telegraf" / "telegraf.conf"), "--quiet"]
    settings = _settings(site, f"{run}-telegraf")
    return Bridge("telegraf", command, settings, settings["BENCH_TOPIC"], read_payload, (settings["BENCH_CLIENT"],))


def _build_telegraf(source: Path, target: Path, log: Path) -> None:
    """From its own module, whose go.sum holds all others; ``MODULE`` pins the module itself."""
    (go,) = peer.program("telegraf", "go")
    path, version, wanted = (source / "MODULE").read_text().split()
    asked = subprocess.run([go, "mod", "download", "-json", f"{path}@{version}"], cwd=target, capture_output=True)
    found = msgspec.json.decode(asked.stdout or b"{}", type=dict[str, Any])
    if found.get("Sum") != wanted:
        detail = found.get("Error") or f"its sum is {found.get('Sum')}, not {wanted}"
        raise peer.MissingPeer(name="telegraf", detail=f"{path} {version}: {detail}")
    build = ["build", "-C", found["Dir"], "-mod=readonly", "-tags", TELEGRAF_TAGS, "-o", str(target / "telegraf")]
    run_tool([go, *build, "./cmd/telegraf"], log, "building Telegraf through Go's proxy")


def _mq_bridge(site: Site, run: str) -> Bridge:
    made = site.data / "peers" / "mq_bridge"
    peer.make_once("mq_bridge", peer.FOLDER / "mq_bridge", made, site.log("peer-mq-bridge"), _build_mq_bridge)
    settings = _settings(site, f"{run}-mq-bridge")
    command = [str(made / "release" / "bench-mq-bridge")]
    return Bridge("mq_bridge", command, settings, settings["BENCH_TOPIC"], read_payload, (settings["BENCH_CLIENT"],))


def _build_mq_bridge(source: Path, target: Path, log: Path) -> None:
    cargo = peer.program("mq_bridge", "cargo")
    build = [
        "build",
        "--release",
        "--locked",
        "--manifest-path",
        str(source / "Cargo.toml"),
        "--target-dir",
        str(target),
    ]
    run_tool([*cargo, *build], log, "building mq-bridge from crates.io")


_PEERS: dict[str, Callable[[Site, str], Bridge]] = {"telegraf": _telegraf, "mq_bridge": _mq_bridge}


def tell(found: Mapping[str, Any]) -> None:
    """The figures in words."""
    for part in ("steady", "kills"):
        for name, each in found[part].items():
            cost = (
                f"{each['cpu_us_per_message']} µs a message"
                if "cpu_us_per_message" in each
                else f"back after {', '.join(map(str, each['back_s']))} s"
            )
            print(f"  {part:<7} {name:<10} {cost:<20} sent {each['sent']:,}, lost {each['lost']}, repeated {each['repeated']},"
                  f" out of order {each['disordered']}, homes in several partitions {each['homes_split']}")  # fmt: skip
    for name, why in found["missing"].items():
        print(f"  {name:<18} missing: {why}")
