"""A log that lost records before they were stored, and one that was emptied: said, and gone on from."""

import asyncio
import time

import psycopg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete

from contracts.admin import create_topics
from contracts.topics import HOMES, READINGS
from storage import people
from storage.database import connect
from storage.records import Home
from tests.unit.storage.rows import T0, frame, row

pytestmark = pytest.mark.services


async def send(site, *seqs):
    producer = AIOKafkaProducer(bootstrap_servers=site.kafka, acks="all")
    await producer.start()
    try:
        for seq in seqs:
            await producer.send_and_wait(READINGS, frame([row(seq=seq, at_s=T0 + seq)]), partition=0)
    finally:
        await producer.stop()


async def stored(site, wanted, within_s=30):
    ends_s = time.monotonic() + within_s
    with psycopg.connect(site.conninfo(), autocommit=True) as connection:
        while (
            found := [seq for (seq,) in connection.execute("SELECT seq FROM reading_vitals ORDER BY seq")]
        ) != wanted:
            assert time.monotonic() < ends_s, found
            await asyncio.sleep(0.2)


async def test_records_that_kafka_deleted_unread_are_named_and_reading_goes_on(own_site, own_stages):
    await send(own_site, 1, 2, 3, 4)
    admin = AIOKafkaAdminClient(bootstrap_servers=own_site.kafka)
    await admin.start()
    with psycopg.connect(own_site.conninfo(), autocommit=True) as connection:
        connection.execute(
            "INSERT INTO consumer_offsets VALUES ('writer', %s, 0, 1), ('writer', %s, 1, 1000)", [READINGS, READINGS]
        )
    try:
        await admin.delete_records({TopicPartition(READINGS, 0): RecordsToDelete(before_offset=3)})
    finally:
        await admin.close()
    own_stages.start("writer")
    await stored(own_site, [4])
    log = own_stages.log("writer")
    assert "readings.v1/0: records 1 to 2 were deleted by Kafka's retention" in log
    assert "readings.v1/1 ends before 1000: it was emptied" in log
    await send(own_site, 5)
    await stored(own_site, [4, 5])


async def test_after_the_log_was_emptied_every_home_card_is_published_again(own_site, own_stages):
    connection = await connect(own_site.conninfo(), "test")
    async with connection.transaction():
        await people.register(connection, [Home(f"h-{n}", "330282001001") for n in range(5)], actor="test")
    own_stages.start("keeper")
    assert await cards(own_site) == 5
    own_stages.stop("keeper")
    admin = AIOKafkaAdminClient(bootstrap_servers=own_site.kafka)
    await admin.start()
    await admin.delete_topics([HOMES])
    await admin.close()
    await asyncio.sleep(1)
    await create_topics(own_site.kafka)
    own_stages.start("keeper")
    assert await cards(own_site) == 5
    await connection.close()


async def cards(site, within_s=20):
    """How many cards homes.v1 holds, once there are any."""
    consumer = AIOKafkaConsumer(bootstrap_servers=site.kafka, enable_auto_commit=False)
    await consumer.start()
    try:
        ends_s = time.monotonic() + within_s
        while True:
            ends = await consumer.end_offsets([TopicPartition(HOMES, partition) for partition in range(16)])
            if sum(ends.values()) >= 5 or time.monotonic() > ends_s:
                return sum(ends.values())
            await asyncio.sleep(0.3)
    finally:
        await consumer.stop()
