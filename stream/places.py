"""Where a worker finds its topics, its snapshots and the home cards; refuses to start where something is missing."""

import asyncio
from collections.abc import Iterable
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from contracts.errors import ShouwangError
from contracts.topics import DEAD_LETTERS, HOMES, LANE_DETECTIONS, LANE_TOPIC, PROGRESS, STREAM_STATE
from storage.consumers import put_down
from stream.settings import Lane
from stream.snapshots import Newest, Snapshot

READ_S = 120.0
"""Longest time to read snapshots or cards, s."""


class MissingTopic(ShouwangError):
    """Topic {topic} does not exist on {kafka}. Create the topics first: python -m contracts.admin."""


class UnequalPartitions(ShouwangError):
    """Topics that follow homes have different partition counts ({counts}). A home's rows, cards and state would not meet: empty the site, or repair the topics."""


class Unreadable(ShouwangError):
    """Topic {topic} could not be read to its end within {within_s} s. Is Kafka at {kafka} well?"""


async def partitions_of(kafka: str, lane: Lane) -> int:
    """How many partitions the lane has, when all topics are there. Raises MissingTopic, UnequalPartitions, KafkaConnectionError."""
    following = (LANE_TOPIC[lane], LANE_DETECTIONS[lane], HOMES, STREAM_STATE)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        existing = set(await admin.list_topics())
        for topic in (*following, PROGRESS, DEAD_LETTERS):
            if topic not in existing:
                raise MissingTopic(topic=topic, kafka=kafka)
        described = await admin.describe_topics(list(following))
    finally:
        await admin.close()
    counts = {each["topic"]: len(each["partitions"]) for each in described}
    if len(set(counts.values())) != 1:
        raise UnequalPartitions(counts=", ".join(f"{topic}: {count}" for topic, count in sorted(counts.items())))
    return counts[LANE_TOPIC[lane]]


class Found(msgspec.Struct, frozen=True):
    """What a worker begins a partition with."""

    partition: int
    begins_at: int
    """First offset that the log still holds."""
    snapshot: Snapshot | None
    cards: dict[str, bytes]
    """Home cards of the partition as they stand in ``homes.v1``; empty where there is a snapshot, which holds them."""

    @property
    def next_offset(self) -> int:
        """Where to read on."""
        return max(self.begins_at, self.snapshot.offset + 1 if self.snapshot is not None else 0)


async def find(kafka: str, lane: Lane, format: str, group: str, partitions: Iterable[int]) -> list[Found]:
    """The newest whole snapshot of this format of each partition, or its home cards. Raises Unreadable, KafkaError."""
    wanted = sorted(partitions)
    # "earliest" must be said: with the default an assigned and rewound consumer reads nothing.
    consumer: Any = AIOKafkaConsumer(
        bootstrap_servers=kafka,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        fetch_max_bytes=16 << 20,
        max_partition_fetch_bytes=4 << 20,
    )
    await consumer.start()
    try:
        log = {number: TopicPartition(LANE_TOPIC[lane], number) for number in wanted}
        begins = await consumer.beginning_offsets(list(log.values()))
        ends = await consumer.end_offsets(list(log.values()))
        newest = {number: Newest(format, group, number, not_after=ends[log[number]] - 1) for number in wanted}
        async with asyncio.timeout(READ_S):
            async for record in _whole(consumer, STREAM_STATE, wanted):
                newest[record.partition].read(record.key, record.value)
            cards: dict[int, dict[str, bytes]] = {number: {} for number in wanted}
            async for record in _whole(consumer, HOMES, [number for number in wanted if newest[number].found is None]):
                if record.key is not None and record.value is not None:
                    cards[record.partition][record.key.decode()] = record.value
        return [Found(number, begins[log[number]], newest[number].found, cards[number]) for number in wanted]
    except TimeoutError as error:
        raise Unreadable(topic=f"{STREAM_STATE} or {HOMES}", within_s=READ_S, kafka=kafka) from error
    finally:
        await put_down(consumer)


async def _whole(consumer: Any, topic: str, partitions: Iterable[int]) -> Any:
    """All records of these partitions, from the beginning to the end that they have now."""
    places = [TopicPartition(topic, number) for number in partitions]
    if not places:
        return
    consumer.assign(places)
    ends = await consumer.end_offsets(places)
    begins = await consumer.beginning_offsets(places)
    open_places = {place for place in places if begins[place] < ends[place]}
    for place in places:
        consumer.seek(place, begins[place])
    while open_places:
        for records in (await consumer.getmany(*open_places, timeout_ms=500)).values():
            for record in records:
                yield record
        for place in list(open_places):
            if await consumer.position(place) >= ends[place]:
                open_places.discard(place)
