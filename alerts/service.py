"""One of the doubled pair: readers of both lanes, relay, sweep, asking first and progress, each with a connection of its own.

There is no election and no group. Two processes do all of this at once; detection ids, versions and keys make the second of everything
meet what the first has done. If one is killed or frozen the other does not notice.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from alerts.asker import Asker, AskingFirst, NoGateway, VoiceGateway
from alerts.calls_keeper import CallsKeeper
from alerts.canaries import Canaries
from alerts.channels import AppriseChannels
from alerts.coverage_keeper import CoverageKeeper
from alerts.figures import Figures
from alerts.incidents import Incidents
from alerts.link import Link
from alerts.notices import Announcement
from alerts.notifier import Notifier
from alerts.patience import Patience, Stopping
from alerts.progress import ProgressWatch
from alerts.reader import Reader, go_on, partitions_of
from alerts.relay import Relay
from alerts.sends import Sends
from alerts.settings import AlertsSettings
from alerts.shifts import ShiftKeeper
from alerts.sweeper import Sweeper
from alerts.timescale import IDLE_S, LOCK_S, TimescaleCases
from alerts.trials import Trials
from alerts.unrecorded import SECOND_S, UNRECORDED_S, Unrecorded
from alerts.windows_keeper import Windows
from contracts import detections, topics
from contracts.clocks import now
from contracts.errors import ShouwangError
from storage.consumers import put_down

LOG = logging.getLogger("alerts")
_ANNOUNCEMENT = msgspec.json.Decoder(Announcement)
Read = Callable[[AIOKafkaConsumer, Sequence[TopicPartition]], Awaitable[None]]


class EndedByItself(ShouwangError):
    """{work} was cancelled although nobody of ours asked for it: without it alerts would be lost in silence. The process ends, and its supervisor starts it again."""


class Service:
    """``run`` until ``stop``."""

    def __init__(self, settings: AlertsSettings, figures: Figures) -> None:
        self._settings = settings
        self._figures = figures
        self._stopping = asyncio.Event()
        self._patience = Patience(self._stopping, settings.back_off_s)

    def stop(self) -> None:
        """Finish the transactions in hand and return from ``run`` within ``stop_s``."""
        self._stopping.set()

    async def run(self) -> None:
        """Until ``stop``. Waits for a database and a Kafka that are away; raises MissingTopic, EndedByItself, and whatever nobody foresaw."""
        async with AsyncExitStack() as stack:
            tasks = await self._tasks(stack)
            stopped = asyncio.create_task(self._stopping.wait())
            broken = asyncio.create_task(asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION))
            await asyncio.wait([stopped, broken], return_when=asyncio.FIRST_COMPLETED)
            failed = next((task for task in tasks if task.done() and task.exception()), None)
            self._stopping.set()
            _, late = await asyncio.wait(tasks, timeout=self._settings.stop_s)
            for task in late:
                LOG.warning(
                    "%s was still at work and is broken off; it is done again after the next start", task.get_name()
                )
                task.cancel()
            await asyncio.gather(*tasks, stopped, broken, return_exceptions=True)
            if failed is not None:
                failed.result()

    async def _tasks(self, stack: AsyncExitStack) -> list["asyncio.Task[None]"]:
        settings = self._settings
        sends = Sends(settings.kafka, settings.instance)
        stack.push_async_callback(sends.stop)
        relay = Relay(
            self._link(stack, "relay"),
            sends,
            self._patience,
            self._figures,
            settings.relay_poll_s,
            settings.relay_take_s,
        )

        def lane(name: str, topic: str, batch: int) -> Callable[[], Awaitable[None]]:
            link = self._link(stack, name)
            store = TimescaleCases(link)
            reader = Reader(
                topic, settings.instance, store, sends, self._patience, self._figures, relay.wake, batch,
                Canaries(link, settings.partitions),
            )  # fmt: skip

            async def read(consumer: AIOKafkaConsumer, assigned: Sequence[TopicPartition]) -> None:
                async with link.connection() as connection:
                    await go_on(consumer, assigned, settings.instance, connection)
                await reader.run(consumer)

            return lambda: self._with_consumer(name, topic, read)

        def sweeper(name: str) -> Sweeper:
            return Sweeper(
                TimescaleCases(self._link(stack, name)), relay, self._patience, self._figures, relay.wake,
                settings.sweep_s, settings.keep_sent_days,
            )  # fmt: skip

        channels = AppriseChannels(settings.notify_limit_s, settings.push_key, settings.push_contact)
        asking = AskingFirst(
            TimescaleCases(self._link(stack, "asking")), self._asker(stack), channels, self._patience, relay.wake, settings.asking_s,
            per_day=settings.asked_per_day,
        )  # fmt: skip

        async def tell_twin(told: Announcement) -> None:
            await sends.announcement(told.detection_id, msgspec.json.encode(told))

        unrecorded = Unrecorded(
            TimescaleCases(self._link(stack, "unrecorded")), channels, now, tell_twin=tell_twin,
            memory=TimescaleCases(self._link(stack, "memory")),
            wait_s=UNRECORDED_S + (SECOND_S if settings.second_twin else 0.0),
        )  # fmt: skip
        stack.push_async_callback(unrecorded.stop)
        notifier = Notifier(
            TimescaleCases(self._link(stack, "notices")), channels, self._patience, settings.notify_s, now, unrecorded.keep
        )  # fmt: skip
        progress = ProgressWatch(self._link(stack, "progress"), self._patience, settings.progress_s)
        coverage = CoverageKeeper(
            self._link(stack, "coverage"),
            settings.partitions,
            settings.standstill_s,
            canary_blind_s=settings.canary_blind_s,
        )
        folding = self._link(stack, "incidents")
        incidents = Incidents(folding, TimescaleCases(folding).rules, settings.incident_homes, settings.incident_s)
        # Cases of who left go on by one connection; what a supervisor is told hangs on another.
        shifts = self._link(stack, "shifts")
        shift_keeper = ShiftKeeper(shifts, TimescaleCases(shifts), channels, now, relay.wake)
        told = self._link(stack, "staffing")
        shift_teller = ShiftKeeper(told, TimescaleCases(told), channels, now)
        trials = Trials(self._link(stack, "trials"), channels, now)
        missed = CallsKeeper(self._link(stack, "calls"), TimescaleCases(self._link(stack, "call cases")))
        windows = Windows(self._link(stack, "windows"), TimescaleCases(self._link(stack, "window cases")))
        work: dict[str, Callable[[], Awaitable[None]]] = {
            "urgent": lane("urgent", topics.DETECTIONS_URGENT, 1),
            "bulk": lane("bulk", topics.DETECTIONS, settings.batch),
            "relay": relay.run,
            "sweep": sweeper("sweep").run,
            "asking": asking.run,
            "notices": notifier.run,
            "unrecorded": lambda: self._again_and_again(unrecorded.once, settings.notify_s),
            "unrecorded reading": self._newest(
                "unrecorded", topics.DETECTIONS_URGENT, lambda value: unrecorded.hear(detections.decode(value))
            ),
            "announced reading": self._newest(
                "announced", topics.ANNOUNCEMENTS, lambda value: unrecorded.heard(_ANNOUNCEMENT.decode(value))
            ),
            "coverage": lambda: coverage.run(self._patience, settings.coverage_s),
            "incidents": lambda: incidents.run(self._patience, settings.coverage_s, now, relay.wake),
            "shifts": lambda: shift_keeper.run(self._patience, settings.sweep_s),
            "staffing": lambda: shift_teller.tell(self._patience, settings.sweep_s),
            "trials": lambda: trials.run(self._patience, settings.sweep_s),
            "windows": lambda: windows.run(self._patience, settings.coverage_s, now, relay.wake),
            "calls": lambda: missed.run(self._patience, settings.sweep_s, now, relay.wake),
            "truth": sweeper("truth").reevaluate,
            "progress": lambda: self._with_consumer(
                "progress", topics.PROGRESS, lambda consumer, _: progress.run(consumer)
            ),
        }
        return [asyncio.create_task(_run(each), name=name) for name, each in work.items()]

    async def _again_and_again(self, work: Callable[[], Awaitable[None]], every_s: float) -> None:
        while True:
            await work()
            await self._patience.pause(every_s)

    def _newest(self, name: str, topic: str, hear: Callable[[bytes], None]) -> Callable[[], Awaitable[None]]:
        """Read what comes from now on, without the database; after a break go on where it was."""
        places: dict[TopicPartition, int] = {}

        async def read(consumer: AIOKafkaConsumer, assigned: Sequence[TopicPartition]) -> None:
            for partition in assigned:
                if partition in places:
                    consumer.seek(partition, places[partition])
                else:
                    await consumer.seek_to_end(partition)
                    places[partition] = await consumer.position(partition)
            while not self._patience.stopping.is_set():
                for partition, records in (await consumer.getmany(timeout_ms=500)).items():
                    for record in records:
                        try:
                            hear(record.value or b"")
                        except msgspec.MsgspecError:
                            pass  # the lane's own reader makes a dead letter of it
                        places[partition] = record.offset + 1

        return lambda: self._with_consumer(name, topic, read)

    def _asker(self, stack: AsyncExitStack) -> Asker:
        settings = self._settings
        if not settings.voice_url:
            return NoGateway()
        gateway = VoiceGateway(
            settings.voice_url, settings.voice_secret, settings.answer_url, settings.voice_limit_s
        )  # fmt: skip
        stack.push_async_callback(gateway.close)
        return gateway

    def _link(self, stack: AsyncExitStack, name: str) -> Link:
        link = Link(self._settings.database, f"{self._settings.instance} {name}", lock_s=LOCK_S, idle_s=IDLE_S)
        stack.push_async_callback(link.close)
        return link

    async def _with_consumer(self, name: str, topic: str, read: Read) -> None:
        """Run ``read`` with a consumer of all partitions; a session that Kafka or the database broke begins again."""

        async def session() -> None:
            assigned = await partitions_of(self._settings.kafka, topic)
            async with _consumer(self._settings.kafka, f"{self._settings.instance}-{name}") as consumer:
                consumer.assign(assigned)
                await read(consumer, assigned)

        await self._patience.until_done(f"reading {topic}", session)


async def _run(work: Callable[[], Awaitable[None]]) -> None:
    try:
        await work()
    except Stopping:
        pass
    except asyncio.CancelledError:
        task = asyncio.current_task()
        assert task is not None
        if task.cancelling():
            raise
        # Nobody of ours cancelled it. A cancelled task has no exception to wait for, and would not be missed.
        raise EndedByItself(work=task.get_name()) from None


@asynccontextmanager
async def _consumer(kafka: str, client_id: str) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka,
        client_id=client_id,
        group_id=None,  # all partitions by hand: a group would make a killed twin's half wait for its session to time out
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=200,
        request_timeout_ms=10_000,
        metadata_max_age_ms=10_000,
    )
    try:
        await consumer.start()
        yield consumer
    finally:
        await put_down(consumer)
