"""Detections sent as the stream would, and what became of them: for system tests of the twins."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import psycopg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from psycopg.rows import dict_row

from contracts import alerts, dead_letters, detections, topics
from contracts.alerts import AlertEvent
from contracts.dead_letters import DeadLetter
from contracts.detections import Detection
from contracts.partitions import partition_of
from deploy.site import Site
from tests.contract.alerts.centre import a_detection


class Traffic:
    """A producer on a site's topics, with homes that nobody else has."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.run = uuid.uuid4().hex[:8]
        self._producer: AIOKafkaProducer | None = None

    def home(self, name: object) -> str:
        return f"t{self.run}-{name}"

    async def __aenter__(self) -> "Traffic":
        self._producer = AIOKafkaProducer(bootstrap_servers=self.site.kafka, acks="all", linger_ms=2)
        await self._producer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._producer is not None
        await self._producer.stop()

    async def say(self, *said: Detection) -> None:
        """Send detections to the topic of their lane; Kafka holds them when this returns."""
        await asyncio.gather(
            *[
                await self.send(topics.LANE_DETECTIONS[each.lane], detections.encode(each), each.home_id)
                for each in said
            ]
        )

    async def send(self, topic: str, value: bytes, home_id: str, partition: int | None = None) -> Awaitable[Any]:
        assert self._producer is not None
        partition = partition_of(home_id, topics.PARTITIONS) if partition is None else partition
        sent: Awaitable[Any] = await self._producer.send(topic, value, key=home_id.encode(), partition=partition)
        return sent

    def detection(self, family: str, name: object, **fields: Any) -> Detection:
        return a_detection(family, home_id=self.home(name), **fields)

    def rows(self, sql: str, *values: object) -> list[dict[str, Any]]:
        """Rows of the site's database."""
        with psycopg.connect(self.site.conninfo(), row_factory=dict_row, autocommit=True) as connection:
            return connection.execute(sql, values).fetchall()

    def cases(self) -> list[dict[str, Any]]:
        """All cases of this traffic's homes."""
        return self.rows("SELECT * FROM cases WHERE home_id LIKE %s ORDER BY home_id, raised_at", f"t{self.run}-%")

    def case_of(self, name: object) -> dict[str, Any] | None:
        found = [case for case in self.cases() if case["home_id"] == self.home(name)]
        return found[0] if found else None


async def eventually(true: Callable[[], Any], within_s: float = 20) -> Any:
    """The first true answer; fails where there is none in time."""
    async with asyncio.timeout(within_s):
        while not (found := await asyncio.to_thread(true)):  # noqa: ASYNC110 - it happens in another process
            await asyncio.sleep(0.05)
        return found


async def events_told(site: Site, case_ids: Sequence[str]) -> list[AlertEvent]:
    """All events on ``alerts.v1`` about these cases, in Kafka's order for each partition."""
    wanted = set(case_ids)
    found = [alerts.decode(value) for value in await everything(site, topics.ALERTS)]
    return [event for event in found if event.case.case_id in wanted]


async def letters_about(site: Site, words: bytes) -> list[DeadLetter]:
    """Dead letters whose payload holds ``words``."""
    found = [dead_letters.decode(value) for value in await everything(site, topics.DEAD_LETTERS)]
    return [letter for letter in found if words in letter.payload]


async def everything(site: Site, topic: str) -> list[bytes]:
    """All values that a topic of four partitions holds now."""
    found: list[bytes] = []
    consumer = AIOKafkaConsumer(bootstrap_servers=site.kafka, group_id=None)
    await consumer.start()
    try:
        parts = [TopicPartition(topic, number) for number in range(4)]
        consumer.assign(parts)
        await consumer.seek_to_beginning(*parts)
        ends = await consumer.end_offsets(parts)
        for part in parts:
            while await consumer.position(part) < ends[part]:
                records = await consumer.getmany(part, timeout_ms=1000)
                found += [record.value for record in records.get(part, [])]
    finally:
        await consumer.stop()
    return found
