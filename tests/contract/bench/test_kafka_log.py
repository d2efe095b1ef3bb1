"""What benches do with Kafka: records stand in their partition in their order, alone or many in a batch, and a log is emptied."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bench import kafka_log
from deploy.site import Site

pytestmark = pytest.mark.services


async def _read(consumer: Any, count: int) -> list[tuple[int, bytes | None, bytes]]:
    found: list[tuple[int, bytes | None, bytes]] = []
    while len(found) < count:
        for place, records in (await consumer.getmany(timeout_ms=1000)).items():
            found += [(place.partition, record.key, record.value) for record in records]
    return found


@pytest.mark.parametrize(("alone", "compression"), [(True, "zstd"), (False, None)])
async def test_records_stand_in_order_and_a_log_is_emptied(
    alone: bool, compression: str | None, site: Site, fresh_topic: Callable[..., Awaitable[str]]
) -> None:
    topic = await fresh_topic(partitions=3)
    # The second partition's do not fit into one batch.
    given = [[(b"a", b"1"), (None, b"2")], [(None, bytes([n % 256]) * 200_000) for n in range(12)], []]
    async with kafka_log.following(site.kafka, [topic], earliest=False) as consumer:
        await kafka_log.publish(site.kafka, topic, given, compression=compression, alone=alone)
        read = await _read(consumer, 14)
    for number, records in enumerate(given):
        assert [(key, value) for partition, key, value in read if partition == number] == records
    assert await kafka_log.ends(site.kafka, topic) == {0: 2, 1: 12, 2: 0}
    await kafka_log.empty(site.kafka, topic)
    await kafka_log.publish(site.kafka, topic, [[(None, b"new")], [], []], compression=None, alone=True)
    async with kafka_log.following(site.kafka, [topic], earliest=True) as consumer:
        assert await _read(consumer, 1) == [(0, None, b"new")]
