"""What a source stated last, read back from Kafka: for a bridge that starts without its state file (another machine, a lost disk)."""

import asyncio
import logging

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from contracts.errors import FrameError
from contracts.frames import read_meta
from contracts.topics import EVENTS
from storage.consumers import put_down

log = logging.getLogger(__name__)

LOOK_BACK = 3_600
"""Records at the end of one partition of events.v1 that are looked at. A source alone in its Kafka is always found; beside another one,
which adds a record a second, if it was away for less than an hour."""
WITHIN_S = 10.0


async def last_stated_s(kafka: str, source: str, clock: str) -> float | None:
    """The latest ``watched_until`` of ``source`` in one partition (others had theirs within a tick of it); None if it is not found."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka)
    place = TopicPartition(EVENTS, 0)
    found: float | None = None
    try:
        async with asyncio.timeout(WITHIN_S):
            await consumer.start()
            consumer.assign([place])
            end = (await consumer.end_offsets([place]))[place]
            begin = (await consumer.beginning_offsets([place]))[place]
            consumer.seek(place, max(begin, end - LOOK_BACK))
            while await consumer.position(place) < end:
                for record in (await consumer.getmany(timeout_ms=500)).get(place, []):
                    found = _later(found, record.value, source, clock)
    except (KafkaError, TimeoutError) as error:
        log.warning("what %s stated last cannot be read back from Kafka: %r", source, error)
    finally:
        await put_down(consumer)
    return found


def _later(found: float | None, value: bytes, source: str, clock: str) -> float | None:
    try:
        meta = read_meta(value)
    except FrameError:
        return found
    if meta.source != source or meta.clock != clock or meta.watched_until_s is None:
        return found
    return max(meta.watched_until_s, found or meta.watched_until_s)
