"""What benches do with Kafka beside the system: topics of their own, many records at once, a log emptied, records followed.

Records are put together by the batch beforehand: a thousand at a time cost the sender a tenth of what one by one would.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete

BATCH_BYTES = 1 << 20
LEADS_S = 1.0
"""The broker leads a new partition a moment after it says that it is there, s."""
UNDER_WAY = 32
"""Batches that are sent and not yet held by Kafka at most."""

Record = tuple[bytes | None, bytes]
"""Key and value."""


@asynccontextmanager
async def administering(kafka: str) -> AsyncIterator[Any]:
    """An admin client for a moment."""
    admin: Any = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def make_topics(kafka: str, topics: Mapping[str, int]) -> None:
    """New topics with so many partitions each."""
    async with administering(kafka) as admin:
        made = await admin.create_topics(
            [NewTopic(name, count, 1) for name, count in topics.items()], timeout_ms=30_000
        )
        for name, code, message in made.topic_errors:
            if code:
                raise RuntimeError(f"topic {name} was not made: {message or code}")
    await asyncio.sleep(LEADS_S)


async def remove_topics(kafka: str, prefix: str) -> None:
    """Take away all topics whose names begin so: the bench's own, and what peers made beside them."""
    async with administering(kafka) as admin:
        if mine := [name for name in await admin.list_topics() if prefix in name]:
            await admin.delete_topics(mine, timeout_ms=30_000)


async def ends(kafka: str, topic: str) -> dict[int, int]:
    """The next offset of each partition."""
    async with _consuming(kafka) as consumer:
        return {
            place.partition: end
            for place, end in (await consumer.end_offsets(await _places(consumer, [topic]))).items()
        }


async def empty(kafka: str, topic: str) -> None:
    """Delete all records of a topic; its offsets go on."""
    reached = await ends(kafka, topic)
    async with administering(kafka) as admin:
        await admin.delete_records(
            {
                TopicPartition(topic, number): RecordsToDelete(before_offset=end)
                for number, end in reached.items()
                if end
            }
        )


async def publish(
    kafka: str, topic: str, partitions: Sequence[Iterable[Record]], *, compression: str | None, alone: bool
) -> None:
    """Put records into each partition, in order. ``alone``: each in a batch of its own, as the bridge sends frames."""
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka,
        acks="all",
        enable_idempotence=True,
        compression_type=compression,
        max_batch_size=BATCH_BYTES,
        max_request_size=4 * BATCH_BYTES,
    )
    await producer.start()
    try:
        room = asyncio.Semaphore(UNDER_WAY)
        await asyncio.gather(
            *[_publish_one(producer, topic, number, records, alone, room) for number, records in enumerate(partitions)]
        )
    finally:
        await producer.stop()


async def _publish_one(
    producer: AIOKafkaProducer,
    topic: str,
    partition: int,
    records: Iterable[Record],
    alone: bool,
    room: asyncio.Semaphore,
) -> None:
    async def send(batch: Any) -> None:
        async with room:
            await (await producer.send_batch(batch, topic, partition=partition))

    batch = producer.create_batch()
    for key, value in records:
        if (alone and batch.record_count()) or batch.append(timestamp=None, key=key, value=value) is None:
            await send(batch)
            batch = producer.create_batch()
            batch.append(timestamp=None, key=key, value=value)  # the first one is taken whatever its size
    if batch.record_count():
        await send(batch)


@asynccontextmanager
async def following(kafka: str, topics: Sequence[str], *, earliest: bool) -> AsyncIterator[Any]:
    """A consumer that stands at the begin or at the present end of all partitions of the topics."""
    async with _consuming(kafka) as consumer:
        places = await _places(consumer, topics)
        consumer.assign(places)
        await (consumer.seek_to_beginning(*places) if earliest else consumer.seek_to_end(*places))
        for place in places:
            await consumer.position(place)
        yield consumer


@asynccontextmanager
async def _consuming(kafka: str) -> AsyncIterator[Any]:
    consumer: Any = AIOKafkaConsumer(
        bootstrap_servers=kafka, auto_offset_reset="earliest", enable_auto_commit=False, fetch_max_wait_ms=100
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def _places(consumer: Any, topics: Sequence[str]) -> list[TopicPartition]:
    await consumer._client.force_metadata_update()
    for topic in topics:
        await consumer._client._wait_on_metadata(topic)
    return [
        TopicPartition(topic, number)
        for topic in topics
        for number in sorted(consumer.partitions_for_topic(topic) or ())
    ]
