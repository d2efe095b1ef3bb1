"""Sends to Kafka that do not give up: detections, dead letters and snapshots are retried for ever."""

import asyncio
import logging
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

log = logging.getLogger(__name__)

FIRST_WAIT_S = 0.1
LONGEST_WAIT_S = 5.0


class Sender:
    """A producer for one worker. What it was given is in Kafka when the returned task is done, or the task is not done."""

    def __init__(self, kafka: str, client_id: str) -> None:
        self._kafka = kafka
        self._client_id = client_id
        self._producer: Any = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Connect; a second call does nothing. Raises KafkaConnectionError."""
        if self._producer is not None:
            return
        # Not idempotent: what we send has keys of its own, and an idempotent producer can lock itself out for good.
        self._producer = AIOKafkaProducer(
            bootstrap_servers=self._kafka,
            client_id=self._client_id,
            acks="all",
            compression_type="zstd",  # state is mostly room that nobody uses yet
            linger_ms=0,
            request_timeout_ms=10_000,
            metadata_max_age_ms=10_000,
            max_request_size=2 << 20,
        )
        await self._producer.start()

    async def finish(self, within_s: float) -> None:
        """Wait for what is being sent, but not for ever."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=within_s)

    async def stop(self) -> None:
        """Give up what is still unsent: its frames were not committed, so a successor says it again."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._producer is not None:
            await self._producer.stop()

    def send(self, topic: str, value: bytes, key: bytes, partition: int | None = None) -> "asyncio.Task[None]":
        """Begin to send; the task ends when Kafka holds it."""
        task = asyncio.get_running_loop().create_task(self._deliver(topic, value, key, partition))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def send_once(self, topic: str, value: bytes, key: bytes) -> None:
        """Send what is soon said again anyway (progress): one attempt, not waited for. May raise KafkaError."""
        await self._producer.send(topic, value, key)

    async def _deliver(self, topic: str, value: bytes, key: bytes, partition: int | None) -> None:
        wait_s = FIRST_WAIT_S
        while True:
            try:
                await self._producer.send_and_wait(topic, value, key, partition)
                return
            except (KafkaError, OSError) as error:
                log.warning("%s is not taken by Kafka, tried again in %.1f s: %r", topic, wait_s, error)
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)
