"""The feed: what changes in cases, from ``alerts.v1`` to every open console.

One consumer without a group reads all partitions from their end. Who subscribes does so first and reads his snapshot from the
database afterwards, so that nothing falls between: a change committed before the snapshot is in it, a change committed after it
still comes by. When the consumer had to begin anew, what happened meanwhile is unknown, so every subscriber is ended and comes
back for a new snapshot. A subscriber who does not keep up is ended too; he never holds up the others.
"""

import asyncio
import logging
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from alerts.cases import OPEN
from api.database import Database
from api.errors import DatabaseAway
from api.models.stages import Change
from api.reasons import Reasons, reasons_of
from api.rows import row_of_summary
from api.scope import OURSELVES
from contracts import alerts
from contracts.alerts import AlertEvent
from contracts.canaries import Word
from contracts.topics import ALERTS
from storage.consumers import put_down

_AGAIN_S = 1.0
_AT_ONCE = 100
"""Changes handed out before the consoles' own tasks get their turn."""
_REASONS_S = 0.5
"""Longest that a change waits for the numbers of its sentences, s; without the database it goes on without them."""
_LOG = logging.getLogger(__name__)


class Subscriber:
    """One open console. ``changes`` holds what it has not read yet; ``ended`` says why it gets no more."""

    def __init__(self, area_prefix: str, room: int, home_ids: frozenset[str] | None = None) -> None:
        self.area_prefix = area_prefix
        self.home_ids = home_ids
        """Only changes of these homes; None: of all in the area."""
        self.changes: asyncio.Queue[Change] = asyncio.Queue(room)
        self.ended: str | None = None

    def offer(self, change: Change) -> None:
        """Give it a change of its area, at once or not at all: one that is full is ended."""
        if self.home_ids is not None and change.case.home_id not in self.home_ids:
            return
        area = change.case.area_code
        if self.ended is not None or (area and not area.startswith(self.area_prefix)):
            return
        try:
            self.changes.put_nowait(change)
        except asyncio.QueueFull:
            self.ended = "slow"


class Feed:
    """Hands every change to every subscriber. ``ready``: the consumer stands at its place and reads."""

    def __init__(
        self,
        kafka: str,
        database: Database,
        room: int,
        topic: str = ALERTS,
        canary: Callable[[Word], None] = lambda word: None,
    ) -> None:
        """``canary``: told of each canary in the place of the consoles."""
        self._canary = canary
        self._kafka = kafka
        self._database = database
        self._room = room
        self._topic = topic
        self._subscribers: set[Subscriber] = set()
        self.ready = False
        self.heard_at: datetime | None = None
        """Kafka's time of the newest change read."""

    @property
    def open_streams(self) -> int:
        return len(self._subscribers)

    @contextmanager
    def subscribe(self, area_prefix: str, home_ids: frozenset[str] | None = None) -> Generator[Subscriber]:
        """From here on every change of the area, or of these homes, comes by."""
        subscriber = Subscriber(area_prefix, self._room, home_ids)
        self._subscribers.add(subscriber)
        try:
            yield subscriber
        finally:
            self._subscribers.discard(subscriber)

    async def run(self) -> None:
        """Read until cancelled. Kafka may be away at the start or go away: ``ready`` says so, and it comes back by itself."""
        while True:
            try:
                await self._read()
            except (KafkaError, OSError) as error:
                _LOG.warning("changes cannot be read from %s: %r; trying again", self._topic, error)
            self.ready = False
            await asyncio.sleep(_AGAIN_S)

    async def _read(self) -> None:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._kafka, group_id=None, enable_auto_commit=False, client_id="shouwang-api"
        )
        await consumer.start()
        try:
            places = await self._places(consumer)
            consumer.assign(places)
            await consumer.seek_to_end(*places)
            for place in places:
                # Only this fixes the place; until then "the end" would be wherever the end is at the first fetch.
                await consumer.position(place)
            self._end_all("restart")
            self.ready = True
            while True:
                batches = await consumer.getmany(timeout_ms=1_000, max_records=_AT_ONCE)
                if batches:
                    await self._publish(record for records in batches.values() for record in records)
                    await asyncio.sleep(0)
                else:
                    await self._still_there(consumer, places)
        finally:
            self.ready = False
            await put_down(consumer)

    async def _places(self, consumer: Any) -> list[TopicPartition]:
        partitions = consumer.partitions_for_topic(self._topic)
        if partitions is None:
            # Metadata of a topic that nobody has asked for is not there yet.
            await consumer._client.force_metadata_update()
            partitions = (await consumer._client.fetch_all_metadata()).partitions_for_topic(self._topic)
        if not partitions:
            raise KafkaError(f"topic {self._topic} does not exist; run python -m contracts.admin")
        return [TopicPartition(self._topic, partition) for partition in sorted(partitions)]

    async def _still_there(self, consumer: Any, places: list[TopicPartition]) -> None:
        """A silent topic and a broker that is away look alike to getmany; asking for an offset tells them apart."""
        try:
            async with asyncio.timeout(3):
                await consumer.end_offsets(places[:1])
        except (TimeoutError, KafkaError):
            self.ready = False
        else:
            self.ready = True

    async def _publish(self, records: Iterable[ConsumerRecord[Any, bytes]]) -> None:
        events: list[AlertEvent] = []
        for record in records:
            try:
                events.append(alerts.decode(record.value or b""))
            except msgspec.DecodeError as error:
                _LOG.error("%s/%d/%d is no alert event: %s", record.topic, record.partition, record.offset, error)
        reasons = await self._reasons({event.case.case_id for event in events if event.canary is None})
        for event in events:
            self.heard_at = event.at
            if event.canary is not None:
                self._canary(event.canary)
                continue
            change = Change(
                change=event.change,
                at=event.at,
                actor=event.actor,
                reason=event.reason,
                open=event.case.handling in OPEN,
                case=row_of_summary(event.case, reasons.get(event.case.case_id)),
            )
            for subscriber in tuple(self._subscribers):
                subscriber.offer(change)

    async def _reasons(self, case_ids: set[str]) -> Reasons:
        """Reasons with their numbers, which the events do not carry."""
        if not case_ids:
            return {}
        try:
            async with asyncio.timeout(_REASONS_S), self._database.connection(OURSELVES) as connection:
                return await reasons_of(connection, case_ids)
        except (TimeoutError, DatabaseAway):
            return {}

    def _end_all(self, why: str) -> None:
        for subscriber in self._subscribers:
            subscriber.ended = subscriber.ended or why
