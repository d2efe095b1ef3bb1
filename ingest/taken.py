"""``taken``: when a desk claims a case, the devices that called hear that a person has it."""

import asyncio
import logging

import msgspec
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from contracts import alerts
from contracts.topics import ALERTS
from ingest.receipts import Receipts
from storage.consumers import put_down

log = logging.getLogger(__name__)
BACK_OFF_S = 2.0
GOODBYE_S = 1.0
"""aiokafka waits for the group's coordinator when it leaves; a stopping bridge does not."""


async def tell_taken(kafka: str, source: str, receipts: Receipts) -> None:
    """Follow alerts.v1 for ever. Its place is kept by Kafka, so that claims made while the bridge was away are told too."""
    while True:
        consumer = AIOKafkaConsumer(
            ALERTS,
            bootstrap_servers=kafka,
            group_id=f"ingest-taken-{source}",
            auto_offset_reset="latest",
            enable_auto_commit=True,
            auto_commit_interval_ms=1_000,
        )
        try:
            await consumer.start()
            async for record in consumer:
                try:
                    receipts.claimed(alerts.decode(record.value))
                except (msgspec.DecodeError, UnicodeDecodeError) as error:
                    log.warning(
                        "alerts.v1: record %s of partition %s does not read: %s", record.offset, record.partition, error
                    )
        except KafkaError as error:
            log.warning("alerts.v1 cannot be followed (%s); trying again", error)
        finally:
            try:
                await asyncio.wait_for(put_down(consumer), GOODBYE_S)
            except (KafkaError, TimeoutError):
                pass  # the broker is away; there is nobody to say good-bye to
        await asyncio.sleep(BACK_OFF_S)
