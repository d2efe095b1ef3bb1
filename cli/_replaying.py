"""One replay: homes and an account for the run, a bridge on the recording's clock, the messages, and what was made of them."""

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts import admin, progress
from contracts import detections as wire
from contracts.detections import Detection
from contracts.errors import ShouwangError
from contracts.names import AREA_REPLAY
from contracts.partitions import partition_of
from contracts.topics import DETECTIONS, DETECTIONS_URGENT, PROGRESS
from deploy.site import LOOPBACK, Site
from deploy.stages import another_bridge, process
from deploy.steps import step
from deploy.supervise import Supervisor
from ingest import state_file
from simulators.mqtt import Address, Client
from simulators.recording import CLOSING_S, Part, RecordedHome, Recording
from simulators.recordings import open_recording
from simulators.replaying import Sent, send
from storage import accounts, people
from storage.database import Connection, connect
from storage.queries import fetch_all, fetch_one, query
from storage.records import Device, Home, Resident

AREA_LIVE = "999999998"
"""Area of recordings that are played as of now: the main bridge takes them."""
IN_FLIGHT = 2000
"""Messages that the broker has not acknowledged yet, at most."""
QUIET_S = 3.0
"""The database and the detections have come to rest when nothing was new for so long, s (wall)."""
_STORED = query("checker_stored")
_LETTERS = query("checker_dead_letters")
_CARDS = query("checker_cards_waiting")


class BridgeNotReady(ShouwangError):
    """The bridge {name} was not connected within {within_s} s. Its log: {log}"""


def new_run() -> str:
    """A run's id, the beginning of its homes' ids: when, and something that nobody else has."""
    return f"r{int(time.time()) % 1_000_000:06d}{secrets.token_hex(1)}"


class Replay:
    """A replay of one file. ``live``: as of now, through the main bridge."""

    def __init__(self, site: Site, path: Path, part: Part, *, live: bool) -> None:
        self.site = site
        self.run = new_run()
        self.live = live
        self.area = AREA_LIVE if live else AREA_REPLAY
        self.recording: Recording = open_recording(path, self.run, part)
        self.sent = Sent()
        self.found: dict[str, Detection] = {}
        """What the stream said, by CloudEvents id: a worker that starts anew says some of it again."""
        self.source = "main" if live else f"replay-{self.run}"
        self._progress: dict[int, float] = {}
        self._partitions = {partition_of(home_id, admin.partitions()) for home_id in self.homes}

    @property
    def homes(self) -> list[str]:
        return [home.home_id for home in self.recording.homes]

    async def play(self, speed: float | None, settle_s: float, until: Callable[[], bool]) -> dict[str, Any]:
        """Do it; ``sent``, ``stored``, ``dead_letters``, ``judged`` (whether the stream has passed the last reading), ``detections``
        and what else the verb prints."""
        began_s = time.monotonic()
        connection = await connect(self.site.conninfo(), "replay", lock_s=10, idle_s=60)
        try:
            password = await self._register(connection)
            async with self._bridge(), self._listening():
                with step("replay", f"{self.recording.name} as {self.run}", long=True) as done:
                    await self._send(password, speed, until)
                    done.note = f"{self.sent.acknowledged} readings acknowledged"
                figures = await self._come_to_rest(connection, settle_s)
        finally:
            await self._revoke(connection)
            await connection.close()
        return {
            "run": self.run,
            "file": self.recording.name,
            "homes": len(self.homes),
            **figures,
            "seconds": round(time.monotonic() - began_s, 1),
        }

    async def _register(self, connection: Connection) -> str:
        """The run's homes and gateway account; returns its password once the stream can know the homes."""
        records = [record for home in self.recording.homes for record in _records(home, self.area)]
        account = accounts.Account(f"replay-{self.run}", "gateway", self.area)
        async with connection.transaction():
            await people.register(connection, records, actor="replay", reason=self.recording.name)
            passwords = await accounts.create(connection, [account])
        await accounts.install(connection, self.site)
        async with asyncio.timeout(60):
            while True:
                row = await fetch_one(connection, _CARDS, homes=self.homes)
                if row is not None and row["waiting"] == 0:
                    return passwords[account.name]
                await asyncio.sleep(0.1)

    async def _revoke(self, connection: Connection) -> None:
        if await accounts.revoke(connection, f"replay-{self.run}"):
            await accounts.install(connection, self.site)

    @contextlib.asynccontextmanager
    async def _bridge(self) -> AsyncIterator[None]:
        """The run's own bridge, for as long as it is needed; a live replay uses the main one."""
        if self.live:
            yield
            return
        settings = {
            "SHOUWANG_INGEST_AREAS": AREA_REPLAY,
            "SHOUWANG_INGEST_CLOCK": "recorded",
            "SHOUWANG_INGEST_HOMES_PREFIX": f"{self.run}-",
        }
        entry = process(self.site, another_bridge(self.source, settings))
        supervisor = Supervisor(self.site)
        await asyncio.to_thread(supervisor.start, entry)
        try:
            await self._connected(entry.name, 30.0)
            yield
        finally:
            await asyncio.to_thread(supervisor.remove, entry.name)
            state_file.path_of(self.site.data, self.source).unlink(missing_ok=True)

    async def _connected(self, name: str, within_s: float) -> None:
        limit_s = time.monotonic() + within_s
        while True:
            state = state_file.read(self.site.data, self.source)
            if state is not None and state.state == "watching":
                return
            if time.monotonic() > limit_s:
                raise BridgeNotReady(name=name, within_s=within_s, log=self.site.log(name))
            await asyncio.sleep(0.05)

    async def _send(self, password: str, speed: float | None, until: Callable[[], bool]) -> None:
        address = Address(LOOPBACK, self.site.ports.mqtts, str(self.site.ca))
        client = Client(
            address, f"replay-{self.run}", password, clean_session=True,  # the account ends with the run
            on_acknowledged=self.sent.on_acknowledged, limit=IN_FLIGHT,
        )  # fmt: skip
        await client.open()
        try:
            shift_s = 0.0
            messages = self.recording.messages(area=self.area)
            if self.live:
                shift_s = time.time() - next(iter(self.recording.messages())).at_s
                # On the wall clock a recording cannot say what time it is, so its clock messages stay out.
                messages = (
                    message for message in self.recording.messages(area=self.area, shift_s=shift_s) if message.readings
                )
            near = None if self.live else self._judged_until_s
            await send(messages, client, self.sent, speed=speed, until=until, judged_until_s=near)
        finally:
            await client.close()

    def _judged_until_s(self) -> float:
        """How far the stream is with the recording's homes."""
        return min(self._progress.get(number, 0.0) for number in self._partitions)

    @contextlib.asynccontextmanager
    async def _listening(self) -> AsyncIterator[None]:
        """Gather what the stream says about the run's homes, and how far it is."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.site.kafka, auto_offset_reset="latest", enable_auto_commit=False
        )
        await consumer.start()
        topics = (DETECTIONS, DETECTIONS_URGENT, PROGRESS)
        await consumer._client.force_metadata_update()
        places = [
            TopicPartition(topic, number)
            for topic in topics
            for number in sorted(consumer.partitions_for_topic(topic) or ())
        ]
        consumer.assign(places)
        await consumer.seek_to_end(*places)
        for place in places:
            await consumer.position(place)
        task = asyncio.create_task(self._listen(consumer))
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            await consumer.stop()

    async def _listen(self, consumer: AIOKafkaConsumer) -> None:
        async for record in consumer:
            if record.topic == PROGRESS:
                told = progress.decode(record.value)
                if told.source == self.source and told.lane == "bulk" and told.watched_until_s is not None:
                    self._progress[told.partition] = max(told.watched_until_s, self._progress.get(told.partition, 0.0))
            else:
                found = wire.decode(record.value)
                if found.home_id.startswith(f"{self.run}-"):
                    self.found.setdefault(f"{found.detection_id}/{found.lane}/{found.revision}", found)

    async def _come_to_rest(self, connection: Connection, settle_s: float) -> dict[str, Any]:
        """Wait until the database holds what was sent and the stream has passed the recording's end."""
        end_s = self.sent.at_s if self.live else self.sent.at_s - CLOSING_S / 2
        seen: tuple[float, ...] | None = None
        since_s = time.monotonic()
        with step("replay", "wait until everything is stored and judged", long=True) as done:
            while True:
                asked_s = time.monotonic()
                rows = await fetch_all(connection, _STORED, homes=self.homes, boot=0)
                letters = await fetch_one(connection, _LETTERS, prefix=f"{self.run}-")
                now = (sum(row["readings"] for row in rows), int(letters["letters"]) if letters else 0, len(self.found))
                # On the wall clock the stream gets on for ever, so only up to the end counts.
                far = (*now, min(self._judged_until_s(), end_s))
                if far != seen:
                    seen, since_s = far, time.monotonic()
                judged = self._judged_until_s() >= end_s
                whole = judged and now[0] + now[1] >= self.sent.acknowledged
                if time.monotonic() - since_s >= (QUIET_S if whole else settle_s):
                    break
                # Counting a million rows takes a second: no more than a fifth of the time goes into it.
                await asyncio.sleep(max(0.5, 4 * (time.monotonic() - asked_s)))
            done.note = f"{now[0]} stored, {now[1]} dead letters, {now[2]} detections"
        return {
            "sent": self.sent.acknowledged,
            "stored": now[0],
            "dead_letters": now[1],
            "judged": judged,
            "detections": now[2],
        }


def _records(home: RecordedHome, area: str) -> list[Home | Resident | Device]:
    found: list[Home | Resident | Device] = [
        Home(home.home_id, f"{area}001", address="录像回放 replay of a recording", zone=home.zone),
        Resident(home.resident_id, home.home_id, "录像住户 recorded resident"),
    ]
    for device in home.devices:
        found.append(Device(home.home_id, device.device_id, device.role, device.room, device.resident_id or None))
    return found
