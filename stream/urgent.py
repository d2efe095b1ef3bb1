"""The urgent lane's worker: a plain consumer of all partitions, assigned by hand.

Two of them run under different names, each reads all of ``events.v1`` and says all detections; ids are the same, so the second
copy of everything changes nothing, and when one dies nothing waits. No group, hence no session timeout and no rebalance; the
position stands in the snapshots. Delivery: at least once, from the log's beginning or the newest snapshot of this name.
"""

import asyncio
import contextlib
import logging
import signal
from collections.abc import Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from contracts.topics import EVENTS
from stream.detector import Detector
from stream.engine import snapshot_format
from stream.partition import TURN_S, Partition, period_s
from stream.places import find, partitions_of
from stream.reports import report_for_ever
from stream.sends import Sender
from stream.settings import StreamSettings
from stream.watchdog import Turning, or_end, watch_for_ever

log = logging.getLogger(__name__)

CLOSE_S = 1.0
"""How long closing a connection may take, s."""
LAST_SENDS_S = 2.0
"""How long a stop waits for what is being sent, s."""


class UrgentWorker:
    """One of the pair. ``run`` returns after SIGTERM or SIGINT."""

    def __init__(self, settings: StreamSettings, detectors: Mapping[str, Detector]) -> None:
        self._settings = settings
        self._detectors = detectors
        self._sender = Sender(settings.kafka, settings.instance)
        self._partitions: dict[int, Partition] = {}
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Work until told to stop. Raises MissingTopic, UnequalPartitions, KafkaError at the start."""
        settings = self._settings
        count = await partitions_of(settings.kafka, "urgent")
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._stop.set)
        await self._sender.start()
        consumer: Any = AIOKafkaConsumer(
            bootstrap_servers=settings.kafka,
            client_id=settings.instance,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            fetch_max_wait_ms=500,
            metadata_max_age_ms=10_000,
            request_timeout_ms=15_000,
        )
        await consumer.start()
        tasks: list[asyncio.Task[None]] = []
        try:
            places = [TopicPartition(EVENTS, number) for number in range(count)]
            format = snapshot_format("urgent", settings.grid_s)
            for found in await find(settings.kafka, "urgent", format, settings.instance, range(count)):
                partition = Partition(
                    found, "urgent", settings.instance, count, self._detectors, settings, self._sender
                )
                partition.spread(found.partition, count)
                self._partitions[found.partition] = partition
            consumer.assign(places)
            for place in places:
                consumer.seek(place, self._partitions[place.partition].next_offset)
            log.info("%s reads %d partitions", settings.instance, count)
            turning = Turning(settings.stall_s)
            for work in (
                self._read(consumer),
                self._flush(),
                turning.beat_for_ever(),
                report_for_ever(
                    self._partitions.values,
                    lambda each: consumer.highwater(places[each.number]) or each.next_offset,
                    settings.instance,
                    settings.instance,
                    self._sender,
                ),
                watch_for_ever(
                    settings.kafka,
                    EVENTS,
                    settings.stall_s,
                    lambda: {each.number: each.next_offset for each in self._partitions.values()},
                    lambda: True,
                ),
            ):
                tasks.append(asyncio.create_task(or_end(work)))
            await self._stop.wait()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._sender.finish(LAST_SENDS_S)
            for closing in (self._sender.stop(), consumer.stop()):
                # Whatever a broker that is away makes of it: nothing here is still to be saved.
                with contextlib.suppress(TimeoutError, KafkaError, OSError, asyncio.CancelledError):
                    await asyncio.wait_for(closing, CLOSE_S)

    async def _read(self, consumer: Any) -> None:
        while True:
            try:
                batches = await consumer.getmany(timeout_ms=500, max_records=200)
            except KafkaError as error:
                if not error.retriable:
                    raise
                log.warning("reading %s: %r", EVENTS, error)
                await asyncio.sleep(0.2)
                continue
            for place, records in batches.items():
                partition = self._partitions[place.partition]
                for record in records:
                    partition.take(record.offset, record.value)
                worked = True
                while worked:
                    worked = partition.work(TURN_S)
                    # A detection leaves before the next partition is looked at.
                    await asyncio.sleep(0)

    async def _flush(self) -> None:
        while True:
            await asyncio.sleep(self._settings.flush_s)
            every_s = period_s(self._partitions.values(), self._settings)
            for partition in self._partitions.values():
                if partition.due(every_s):
                    await partition.snapshot()
