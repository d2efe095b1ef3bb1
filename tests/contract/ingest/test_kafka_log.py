"""What the bridge needs of Kafka: a record that was appended is there, in order, in the partition that was asked for."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from deploy.site import Site
from ingest.kafka import KafkaLog

pytestmark = pytest.mark.services


async def records(site: Site, topic: str, partition: int, count: int) -> list[bytes]:
    consumer = AIOKafkaConsumer(bootstrap_servers=site.kafka, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, partition)])
        async with asyncio.timeout(20):
            return [(await consumer.getone()).value for _ in range(count)]
    finally:
        await consumer.stop()


async def test_records_appended_one_after_the_other_stand_in_that_order(
    site: Site, fresh_topic: Callable[..., Awaitable[str]]
) -> None:
    topic = await fresh_topic(partitions=3)
    log = KafkaLog(site.kafka, "test")
    try:
        assert await log.partitions(topic) == 3
        for number in range(20):
            await log.append(topic, b"%d" % number, partition=2)
    finally:
        await log.close()
    assert await records(site, topic, 2, 20) == [b"%d" % number for number in range(20)]


async def test_a_producer_that_was_spoilt_is_replaced_and_the_record_still_gets_there(
    site: Site, fresh_topic: Callable[..., Awaitable[str]]
) -> None:
    topic = await fresh_topic()
    log = KafkaLog(site.kafka, "test")
    try:
        await log.append(topic, b"before", partition=0)
        assert log._producer is not None
        await log._producer.stop()  # as if its numbering had been refused
        await log.append(topic, b"after", partition=0)
        assert log.failing_since_s is None
    finally:
        await log.close()
    assert await records(site, topic, 0, 2) == [b"before", b"after"]


async def test_a_record_waits_for_a_broker_that_is_not_there(site: Site) -> None:
    log = KafkaLog("127.0.0.1:9", "test")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.0):
            await log.append("nowhere", b"x", partition=0)
    assert log.failing_since_s is not None
    await log.close()


@pytest.mark.parametrize("stuck", ["start", "stop"])
async def test_a_producer_that_never_begins_or_never_ends_keeps_no_record_waiting(
    site: Site, fresh_topic: Callable[..., Awaitable[str]], monkeypatch: pytest.MonkeyPatch, stuck: str
) -> None:
    topic = await fresh_topic()
    log = KafkaLog(site.kafka, "test")
    real = getattr(AIOKafkaProducer, stuck)
    calls = 0

    async def first_hangs(producer: AIOKafkaProducer) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            await asyncio.Event().wait()
        await real(producer)

    monkeypatch.setattr("ingest.kafka.OPEN_S", 0.5)
    try:
        await log.append(topic, b"before", partition=0)
        assert log._producer is not None
        spoilt = log._producer
        monkeypatch.setattr(AIOKafkaProducer, stuck, first_hangs)
        monkeypatch.setattr(type(spoilt._sender), "close", lambda _: asyncio.Event().wait())
        log._discard(spoilt)
        async with asyncio.timeout(5):
            await log.append(topic, b"after", partition=0)
        assert calls >= 1
    finally:
        monkeypatch.undo()
        await log.close()
    assert await records(site, topic, 0, 2) == [b"before", b"after"]
