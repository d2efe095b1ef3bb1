"""Writing to Kafka: a record is held, or it is tried again, for ever. Lanes have a producer each, so that bulk never blocks urgent."""

import asyncio
import logging

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

log = logging.getLogger(__name__)

MAX_REQUEST = 4 << 20
STUCK_S = 60.0
"""A record that a producer has not brought to Kafka after this is given to a new producer."""
OPEN_S = 20.0
"""A new producer that has no connection and no number after this is given up too. (aiokafka waits for ever: seen with a broker that had just come up.)"""
LEAVE_S = 5.0
"""Longest that a producer which was given up is waited for, s; nobody waits behind it."""
BACK_OFF_S = (0.05, 0.1, 0.2, 0.5, 1.0)


class KafkaLog:
    """One idempotent producer (acks=all, zstd) that outlives every trouble of the brokers.

    Order is the caller's: one record of a partition at a time (``framing``). A repeat after a lost acknowledgement writes the same
    frame once more, which its readers drop by the identities in it.
    """

    def __init__(self, servers: str, name: str) -> None:
        self._servers = servers
        self._name = name
        self._producer: AIOKafkaProducer | None = None
        self._opening = asyncio.Lock()
        self._leaving: set[asyncio.Task[None]] = set()
        self.failing_since_s: float | None = None
        """Loop time of the first failure since the last success; None = well."""

    async def append(self, topic: str, value: bytes, *, partition: int | None = None, key: bytes | None = None) -> None:
        """Returns when Kafka holds the record on all in-sync replicas. Only a record too large for the topic raises."""
        loop = asyncio.get_running_loop()
        tries = 0
        while True:
            producer: AIOKafkaProducer | None = None
            try:
                producer = await self._open()
                async with asyncio.timeout(STUCK_S):
                    await producer.send_and_wait(topic, value, key=key, partition=partition)
            except MessageSizeTooLargeError:
                raise
            except (KafkaError, TimeoutError) as error:
                if self.failing_since_s is None:
                    self.failing_since_s = loop.time()
                    log.warning(
                        "%s: Kafka does not take records (%s: %s); trying on", self._name, type(error).__name__, error
                    )
                if producer is not None and not getattr(error, "retriable", False):
                    self._discard(producer)  # its numbering is spoilt; a new one begins anew
                await asyncio.sleep(BACK_OFF_S[min(tries, len(BACK_OFF_S) - 1)])
                tries += 1
            else:
                if self.failing_since_s is not None:
                    log.info(
                        "%s: Kafka takes records again after %.1f s", self._name, loop.time() - self.failing_since_s
                    )
                    self.failing_since_s = None
                return

    async def _open(self) -> AIOKafkaProducer:
        async with self._opening:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    bootstrap_servers=self._servers,
                    client_id=f"shouwang-{self._name}",
                    acks="all",
                    enable_idempotence=True,
                    compression_type="zstd",
                    linger_ms=0,
                    max_request_size=MAX_REQUEST,
                    request_timeout_ms=15_000,
                    retry_backoff_ms=100,
                    metadata_max_age_ms=30_000,
                )
                try:
                    async with asyncio.timeout(OPEN_S):
                        await producer.start()
                except BaseException:
                    self._leave(producer)
                    raise
                self._producer = producer
            return self._producer

    def _discard(self, producer: AIOKafkaProducer) -> None:
        if self._producer is producer:
            self._producer = None
            self._leave(producer)

    def _leave(self, producer: AIOKafkaProducer) -> None:
        """Stop it beside everything else: one that never ends must not keep a new one from beginning."""
        task = asyncio.create_task(_end(producer))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def partitions(self, topic: str) -> int:
        """Number of the topic's partitions; waits for Kafka and for the topic."""
        while True:
            try:
                return len(await (await self._open()).partitions_for(topic))
            except (KafkaError, TimeoutError) as error:
                log.warning("%s: waiting for Kafka's topic %s: %s", self._name, topic, error)
                await asyncio.sleep(1.0)

    async def close(self, within_s: float = 1.0) -> None:
        """Stop; what is still on its way is given up (its messages were not acknowledged, so the broker has them)."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await _stop(producer, within_s)
        for task in self._leaving:
            task.cancel()


async def _end(producer: AIOKafkaProducer) -> None:
    try:
        await asyncio.wait_for(_stop(producer), LEAVE_S)
    except (TimeoutError, KafkaError) as error:
        log.warning("a producer that was given up does not end: %r", error)


async def _stop(producer: AIOKafkaProducer, within_s: float = 1.0) -> None:
    """aiokafka's stop waits for requests that a frozen broker never answers; after ``within_s`` its connections are cut first."""
    try:
        await asyncio.wait_for(producer.stop(), within_s)
    except (TimeoutError, KafkaError) as error:
        log.info("a producer was given up: %r", error)
        await producer.client.close()
        await producer._sender.close()
