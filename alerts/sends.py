"""This process's hand on Kafka: alert events and dead letters. What is awaited is held by Kafka afterwards, or an error says it is not."""

import asyncio
from collections.abc import Sequence

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from contracts import dead_letters, topics
from contracts.dead_letters import DeadLetter

TIMEOUT_MS = 5_000


class Sends:
    """A producer, started when first needed, so that a start does not wait for Kafka. Not idempotent: every event has an id of its own."""

    def __init__(self, kafka: str, client_id: str) -> None:
        self._kafka = kafka
        self._client_id = client_id
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()

    async def _started(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    bootstrap_servers=self._kafka,
                    client_id=self._client_id,
                    acks="all",
                    linger_ms=0,
                    request_timeout_ms=TIMEOUT_MS,
                    metadata_max_age_ms=10_000,
                )
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = producer
            return self._producer

    async def events(self, pairs: Sequence[tuple[bytes, bytes]]) -> list[bool]:
        """Send (key, value) pairs in order; which of them Kafka holds. Raises KafkaError where nothing could be sent at all."""
        producer = await self._started()
        waiting = [await producer.send(topics.ALERTS, value, key=key) for key, value in pairs]
        results = await asyncio.gather(*waiting, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, KafkaError):
                raise result
        return [not isinstance(result, BaseException) for result in results]

    async def dead_letter(self, letter: DeadLetter) -> None:
        """Send one. Raises KafkaError."""
        producer = await self._started()
        await producer.send_and_wait(topics.DEAD_LETTERS, dead_letters.encode(letter), key=letter.source.encode())

    async def announcement(self, detection_id: str, value: bytes) -> None:
        """Let the twin hear that somebody was told. Raises KafkaError."""
        producer = await self._started()
        await producer.send_and_wait(topics.ANNOUNCEMENTS, value, key=detection_id.encode())

    async def stop(self) -> None:
        """Hang up."""
        if self._producer is not None:
            await self._producer.stop()
