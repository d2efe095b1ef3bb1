"""The writer: frames and dead letters from Kafka into TimescaleDB. ``python -m storage writer``.

Delivery: at least once, and each row once. Rows and how far they go are stored in one transaction; every few seconds, partition by partition, their
accounts and how far those go follow in another. Whatever goes wrong, the session ends and the next one reads again from where accounts end; what
is stored already it only counts. A frame that cannot be stored becomes a dead letter by itself. The database may be away for as
long as Kafka keeps.
"""

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

import psycopg
import pyarrow as pa
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from contracts import dead_letters, frames
from contracts.dead_letters import PAYLOAD_LIMIT, DeadLetter
from contracts.errors import FrameError
from contracts.metrics import make
from contracts.topics import DEAD_LETTERS, READINGS
from storage.consumers import put_down
from storage.counts import Counts
from storage.errors import BadRows, LogGone, NoLog
from storage.places import places_of
from storage.settings import WriterSettings
from storage.telemetry import ROWS, Batch, Letter, Statement, Stored, TelemetryStore, batch_of, tables_of

LOG = logging.getLogger("storage.writer")
Frames = tuple[Statement, Mapping[str, pa.RecordBatch]]

ACCOUNT_SHARE = 0.1
"""Share of the writer's time that accounts may take: with a city's devices a partition has its turn every few minutes, and as much is counted
again after a crash (counting a row costs a twentieth of storing it)."""
ACCOUNT_TURN_S = 0.5
"""Accounts of further partitions wait when those before them have taken so long, s: rows come first."""
LOOSE_ROWS = 20_000
"""Rows of a partition that wait in their frames before they are counted."""
_UNSTORABLE = (BadRows, psycopg.DataError, psycopg.IntegrityError, pa.ArrowException, UnicodeDecodeError, OverflowError)
"""Faults of the rows themselves; anything else is a fault of the way, and the same rows are tried again."""


class Record(Protocol):
    """What is needed of aiokafka's ConsumerRecord; ``timestamp`` is the broker's, in ms."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    value: bytes | None


@dataclass
class Reading:
    """What was read from Kafka in one go, decoded."""

    frames: list[tuple[Record, Frames]] = field(default_factory=list)
    letters: list[Letter] = field(default_factory=list)
    offsets: dict[tuple[str, int], int] = field(default_factory=dict)


def decode(records: Sequence[Record]) -> Reading:
    """Take records apart; one that is no frame becomes a dead letter."""
    reading = Reading()
    for record in records:
        reading.offsets[(record.topic, record.partition)] = record.offset + 1
        value = record.value or b""
        if record.topic == DEAD_LETTERS:
            reading.letters.append(_letter(record, value))
            continue
        try:
            frame = frames.decode(value)
        except FrameError as error:
            reading.letters.append(_refused(record, str(error)))
        else:
            statement = Statement(record.partition, record.timestamp / 1000, frame.meta)
            reading.frames.append((record, (statement, frame.batches)))
    return reading


def _partition(record: Record) -> tuple[str, int]:
    return record.topic, record.partition


def _place(record: Record) -> str:
    return f"{record.topic}/{record.partition}/{record.offset}"


def _letter(record: Record, value: bytes) -> Letter:
    try:
        return Letter(_place(record), dead_letters.decode(value))
    except ValueError as error:  # msgspec's errors are ValueErrors
        return _refused(record, f"this is no dead letter: {error}")


def _refused(record: Record, detail: str, source: str = "") -> Letter:
    """A dead letter of our own: about a Kafka record, at the broker's time, so that a repeat is the same letter."""
    value = record.value or b""
    return Letter(
        _place(record),
        DeadLetter(
            at_s=record.timestamp / 1000, stage="writer", source=source, topic=_place(record), account="",
            reason="bad_frame", detail=detail, size=len(value), payload=value[:PAYLOAD_LIMIT],
        ),
    )  # fmt: skip


class Metrics:
    """The writer's figures; made once a process."""

    def __init__(self) -> None:
        self.stored = make("shouwang_writer_rows_stored_total")
        self.repeated = make("shouwang_writer_rows_repeated_total")
        self.batch_s = make("shouwang_writer_batch_seconds")
        self.refused = make("shouwang_writer_frames_refused_total")
        self.missed = make("shouwang_writer_records_missed_total")
        self.lag = make("shouwang_writer_lag_records")


@dataclass
class Part:
    """What was stored of one partition of a topic and is not accounted for yet."""

    accounted_at_s: float
    next_offset: int = 0
    frames: list[Frames] = field(default_factory=list)
    rows: int = 0
    counts: Counts = field(default_factory=Counts)
    statements: dict[tuple[str, int], Statement] = field(default_factory=dict)

    def add(self, frame: Frames) -> None:
        """A frame whose rows are stored."""
        statement, batches = frame
        self.frames.append(frame)
        self.rows += sum(batch.num_rows for batch in batches.values())
        if statement.meta.source:
            self.statements[(statement.meta.source, statement.partition)] = statement
        if self.rows > LOOSE_ROWS:
            self.count()

    def count(self) -> Counts:
        """The accounts of all of it."""
        self.counts.add(tables_of(self.frames))
        self.frames, self.rows = [], 0
        return self.counts


class Session:
    """One stretch of storing over one database connection, from the stored offsets on. Ends with whatever goes wrong."""

    def __init__(self, store: TelemetryStore, settings: WriterSettings, metrics: Metrics | None = None) -> None:
        self._store = store
        self._settings = settings
        self._metrics = metrics
        self._stored = store.offsets(ROWS)
        """Up to where rows are stored, by topic and partition: what lies before is only counted."""
        self._refused = store.refused_frames()
        self._parts: dict[tuple[str, int], Part] = {}
        self._account_again_at_s = time.monotonic() + settings.account_s

    def take(self, records: Sequence[Record]) -> None:
        """Store what these records hold, and account for what is due."""
        reading = decode(records)
        for place, next_offset in reading.offsets.items():
            self._part(place).next_offset = next_offset
        new = []
        for record, frame in reading.frames:
            if record.offset >= self._stored.get(_partition(record), 0):
                new.append((record, frame))
            elif _place(record) not in self._refused:
                self._part(_partition(record)).add(frame)
        reading.frames = new
        if reading.offsets:
            self._store_all(reading)
        if time.monotonic() >= self._account_again_at_s:
            self._account_due()

    def _part(self, place: tuple[str, int]) -> Part:
        if place not in self._parts:
            self._parts[place] = Part(time.monotonic())
        return self._parts[place]

    def _store_all(self, reading: Reading) -> None:
        try:
            batch = batch_of([each for _, each in reading.frames], reading.letters)
            self._keep(batch, reading.frames, reading.offsets)
        except _UNSTORABLE as error:
            LOG.warning("a batch of %d frames cannot be stored as a whole: %s", len(reading.frames), error)
            self._one_by_one(reading)

    def account(self) -> None:
        """Merge the accounts of all partitions and move their offsets."""
        for place in list(self._parts):
            self._account(place)

    def _account_due(self) -> None:
        """The partitions that have waited longest, within ACCOUNT_SHARE of the time."""
        began_s = now_s = time.monotonic()
        waited = sorted((part.accounted_at_s, place) for place, part in self._parts.items())
        for accounted_at_s, place in waited:
            if now_s - accounted_at_s < self._settings.account_s or now_s - began_s > ACCOUNT_TURN_S:
                break
            self._account(place)
            now_s = time.monotonic()
        self._account_again_at_s = now_s + (now_s - began_s) * (1 / ACCOUNT_SHARE - 1)

    def _account(self, place: tuple[str, int]) -> None:
        part = self._parts[place]
        self._store.account(part.count(), part.statements, {place: part.next_offset})
        self._parts[place] = Part(time.monotonic(), part.next_offset)

    def _one_by_one(self, reading: Reading) -> None:
        letters = list(reading.letters)
        for record, frame in reading.frames:
            try:
                self._keep(batch_of([frame]), [(record, frame)])
            except _UNSTORABLE as error:
                letters.append(_refused(record, str(error).strip(), frame[0].meta.source))
        self._keep(Batch({}, (), letters), (), reading.offsets)

    def _keep(
        self,
        batch: Batch,
        frames: Iterable[tuple[Record, Frames]],
        offsets: Mapping[tuple[str, int], int] = MappingProxyType({}),
    ) -> None:
        began_s = time.monotonic()
        stored = self._store.store(batch, offsets)
        for record, frame in frames:
            self._part(_partition(record)).add(frame)
        for letter in batch.letters:
            topic, partition, _ = letter.letter_id.rsplit("/", 2)
            self._part((topic, int(partition))).counts.add({}, [letter.letter])
        if self._metrics is not None:
            _count(self._metrics, stored, batch, time.monotonic() - began_s)


def _count(metrics: Metrics, stored: Stored, batch: Batch, took_s: float) -> None:
    for kind, rows in stored.new.items():
        metrics.stored.labels(kind).inc(rows)
        metrics.repeated.labels(kind).inc(stored.repeated[kind])
    own = sum(each.letter.stage == "writer" for each in batch.letters)
    metrics.refused.inc(own)
    metrics.batch_s.observe(took_s)


class Writer:
    """Reads all partitions by itself (no group: the offsets stand in the database), for ever."""

    def __init__(self, settings: WriterSettings, metrics: Metrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self._stop = asyncio.Event()

    def stop(self) -> None:
        """Finish the batch in hand, account for it, and return from ``run``."""
        self._stop.set()

    async def run(self) -> None:
        """Until ``stop``. Never gives up on a database or a broker that is away; raises what is neither."""
        pause_s = 0.5
        while not self._stop.is_set():
            began_s = time.monotonic()
            try:
                await self._session()
            except (psycopg.OperationalError, KafkaError, ConnectionError, NoLog) as error:
                # After a good stretch the first attempt comes soon again.
                pause_s = 0.5 if time.monotonic() - began_s > 60 else min(pause_s * 2, self._settings.back_off_s)
                LOG.warning("storing stops for %.1f s: %s", pause_s, str(error).strip() or type(error).__name__)
                await self._pause(pause_s)

    async def _session(self) -> None:
        store = await asyncio.to_thread(TelemetryStore, self._settings.database)
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._settings.kafka, enable_auto_commit=False, auto_offset_reset="none",
            # Let the broker gather: a fetch a frame would cost more than the frame.
            fetch_min_bytes=65_536, fetch_max_wait_ms=200, max_partition_fetch_bytes=4 << 20,
        )  # fmt: skip
        try:
            await consumer.start()
            while not await asyncio.to_thread(store.lock):
                LOG.info("another writer is at work; waiting")
                if await self._pause(2.0):
                    return
            await self._seek(consumer, store)
            await self._read(consumer, Session(store, self._settings, self._metrics))
        finally:
            await put_down(consumer)
            await asyncio.to_thread(store.close)

    async def _read(self, consumer: AIOKafkaConsumer, session: Session) -> None:
        while not self._stop.is_set():
            began_s = time.monotonic()
            found = await consumer.getmany(timeout_ms=500, max_records=self._settings.batch_frames)
            records: list[Record] = [record for part in found.values() for record in part]
            await asyncio.to_thread(session.take, records)
            self._lag(consumer, found)
            if len(records) < self._settings.batch_frames:
                await self._pause(self._settings.linger_s - (time.monotonic() - began_s))
        await asyncio.to_thread(session.account)

    async def _seek(self, consumer: AIOKafkaConsumer, store: TelemetryStore) -> None:
        """To the stored offsets; where the log was emptied since, to its beginning; where it lost records, say so."""
        places = await places_of(self._settings.kafka, (READINGS, DEAD_LETTERS))
        consumer.assign(places)
        first, last = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
        stored = await asyncio.to_thread(store.offsets)
        for place in places:
            wanted = stored.get((place.topic, place.partition), first[place])
            if wanted > last[place]:
                LOG.warning("%s/%d ends before %d: it was emptied, so begin anew", place.topic, place.partition, wanted)
                await asyncio.to_thread(store.forget_offset, place.topic, place.partition)
                wanted = first[place]
            elif wanted < first[place]:
                gone = {"from_offset": wanted, "to_offset": first[place] - 1}
                LOG.error("%s", LogGone(topic=place.topic, partition=place.partition, **gone))
                self._metrics.missed.labels(place.topic).inc(first[place] - wanted)
                wanted = first[place]
            consumer.seek(place, wanted)

    def _lag(self, consumer: AIOKafkaConsumer, found: Mapping[Any, Sequence[Record]]) -> None:
        lag = {READINGS: 0, DEAD_LETTERS: 0}
        for place in consumer.assignment():
            end = consumer.highwater(place)
            part = found.get(place)
            if end is not None and part:
                lag[place.topic] += end - part[-1].offset - 1
        for topic, records in lag.items():
            self._metrics.lag.labels(topic).set(records)

    async def _pause(self, pause_s: float) -> bool:
        """Wait, but not longer than until ``stop``; True when that came."""
        if pause_s > 0:
            try:
                await asyncio.wait_for(self._stop.wait(), pause_s)
            except TimeoutError:
                pass
        return self._stop.is_set()
