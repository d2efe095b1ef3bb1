"""The bulk lane's worker: a Faust app in a group, so that workers join, leave and die and others take over.

Faust moves frames and partitions and nothing else. What must hold, each learnt by a loss:
- one agent, concurrency 1, acknowledging by hand; nothing escapes it (an exception would lose the frame): it ends the process;
- a frame is acknowledged in offset order, when a snapshot in Kafka reflects it; a frame is dropped without that only if its
  generation is over or its partition is no longer ours, for then its owner reads it again;
- state is restored in ``on_rebalance_complete``, which blocks; the place to read on is committed there, because Faust then seeks to it;
- on revoke: what the snapshots reflect is committed directly, the state is forgotten, the successor reads at most a period of snapshots again.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Mapping
from typing import Any, NoReturn

import faust
from faust.types import TP

from contracts.topics import READINGS
from stream.detector import Detector
from stream.engine import snapshot_format
from stream.partition import TURN_S, Partition, period_s
from stream.places import find
from stream.reports import report_for_ever
from stream.sends import Sender
from stream.settings import StreamSettings
from stream.watchdog import EXIT_BROKEN, Turning, end_process, or_end, watch_for_ever

log = logging.getLogger(__name__)

COMMIT_S = 2.0
"""How long letting go of partitions waits for the broker, s."""
LAST_SENDS_S = 2.0
"""How long a stop waits for what is being sent, s."""
GATHER_S = 0.02
"""Pause in which frames come in before the next are applied, s."""
WAITING_BYTES = 256 * 1024 * 1024
"""Frames that may wait in this worker's memory, all partitions together; beyond that it takes no further ones from Faust. So much (some
five million rows) because then all partitions have to wait for the one that is behind: Faust hands their frames over in one line."""


class App(faust.App):
    """A Faust app that leaves no folders behind: it keeps no tables."""

    def _create_directories(self) -> None:
        pass


class Worker(faust.Worker):
    """Faust's worker without its last seconds, in which it waits for tasks that have nothing left to do."""

    def _shutdown_loop(self) -> None:
        if self.crash_reason:
            raise self.crash_reason


def make_app(settings: StreamSettings) -> Any:
    """The Faust app with the settings that were tried; nothing listens, nothing is created."""
    return App(
        settings.group,
        broker=[f"kafka://{server}" for server in settings.kafka.split(",")],
        broker_client_id=settings.instance,
        web_enabled=False,
        store="memory://",
        topic_disable_leader=True,
        reply_create_topic=False,
        topic_allow_declare=False,
        stream_wait_empty=False,
        stream_recovery_delay=0.0,
        stream_buffer_maxsize=256,
        consumer_auto_offset_reset="earliest",
        consumer_metadata_max_age_ms=10_000,
        producer_metadata_max_age_ms=10_000,
        broker_session_timeout=6,
        broker_heartbeat_interval=1,
        broker_request_timeout=15,
        broker_rebalance_timeout=15,
        broker_max_poll_interval=300,
        broker_max_poll_records=500,
        broker_commit_interval=1,
        producer_acks=-1,
        producer_linger=0.0,
        producer_request_timeout=10,
    )


class BulkWorker:
    """One member of the group."""

    def __init__(self, settings: StreamSettings, detectors: Mapping[str, Detector], partitions: int) -> None:
        self.settings = settings
        self.app = make_app(settings)
        self._detectors = detectors
        self._count = partitions
        self._sender = Sender(settings.kafka, settings.instance)
        self._partitions: dict[int, Partition] = {}
        self._waiting: dict[int, deque[Any]] = {}
        """Events that were applied and are not acknowledged, oldest first, without their values."""
        self._tasks: list[asyncio.Task[None]] = []
        self._full = False
        """Whether frames wait in Faust until there is room for them."""
        self.app.agent(
            self.app.topic(READINGS, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
        )(self._frames)
        self.app.on_rebalance_complete.connect(self._on_rebalance_complete)
        self.app.on_partitions_revoked.connect(self._on_revoked)
        self.app.on_before_shutdown.connect(self._on_shutdown)
        self.app.task(self._begin)

    def execute(self) -> None:
        """Run until SIGTERM or SIGINT; ends the process."""
        asyncio.set_event_loop(asyncio.new_event_loop())  # Faust takes the thread's own
        worker = Worker(
            self.app, quiet=True, override_logging=False, redirect_stdouts=False, loglevel=self.settings.log_level
        )
        worker.spinner = None
        worker.execute_from_commandline()

    async def _frames(self, stream: Any) -> None:
        async for event in stream.noack().events():
            await self._room()
            try:
                self._take(event)
            except BaseException as error:
                self._give_up("a frame could not be handled", error)

    async def _room(self) -> None:
        """Wait while the backlog of the partitions that are ours fills the memory that it may have."""
        while not self._has_room():
            self._full = True
            await asyncio.sleep(GATHER_S)
        self._full = False

    def _has_room(self) -> bool:
        return sum(each.waiting_bytes for each in self._partitions.values()) < WAITING_BYTES

    def _take(self, event: Any) -> None:
        message = event.message
        partition = self._partitions.get(message.partition)
        if partition is None or message.generation_id != self.app.consumer_generation_id:
            return
        partition.take(message.offset, message.value)
        # Offsets wait for their snapshot, not half a minute of values.
        message.value = event.value = None
        self._waiting[message.partition].append(event)

    async def _work(self) -> None:
        """Apply what has come, partition by partition: the busier the worker, the more frames go together, and the less each costs."""
        while True:
            await asyncio.sleep(GATHER_S)
            for partition in list(self._partitions.values()):
                if self._partitions.get(partition.number) is partition and partition.work(TURN_S):
                    await asyncio.sleep(0)  # what it says leaves before the next one's turn

    def _acknowledge(self, partition: Partition) -> None:
        if self._partitions.get(partition.number) is not partition:
            return
        waiting = self._waiting[partition.number]
        while waiting and waiting[0].message.offset <= partition.reflected:
            waiting.popleft().ack()

    async def _flush(self) -> None:
        while True:
            await asyncio.sleep(self.settings.flush_s)
            every_s = period_s(self._partitions.values(), self.settings)
            for partition in list(self._partitions.values()):
                if self.app.rebalancing:
                    break
                if partition.due(every_s):
                    await partition.snapshot()
                self._acknowledge(partition)

    async def _begin(self) -> None:
        """Runs once the app has started."""
        await self._sender.start()
        turning = Turning(self.settings.stall_s)
        for work in (
            self._work(),
            self._flush(),
            turning.beat_for_ever(),
            report_for_ever(
                self._partitions.values, self._end_offset, self.settings.group, self.settings.instance, self._sender
            ),
            watch_for_ever(self.settings.kafka, READINGS, self.settings.stall_s, self._positions, self._settled),
        ):
            self._tasks.append(asyncio.create_task(or_end(work)))

    async def _on_rebalance_complete(self, *_: object, **__: object) -> None:
        """Make the state of each partition that is ours now, and have Faust read on from there."""
        try:
            await self._sender.start()
            mine = sorted(place.partition for place in self.app.consumer.assignment() if place.topic == READINGS)
            log.info("%s has partitions %s", self.settings.instance, mine)
            self._partitions.clear()
            format = snapshot_format("bulk", self.settings.grid_s)
            made = {}
            for index, found in enumerate(
                await find(self.settings.kafka, "bulk", format, self.settings.group, mine) if mine else []
            ):
                made[found.partition] = Partition(
                    found, "bulk", self.settings.group, self._count, self._detectors, self.settings, self._sender
                )
                made[found.partition].spread(index, len(mine))
            if made:
                # Faust seeks to what is committed, also when the newest whole snapshot is older than that.
                await self.app.consumer._commit(
                    {TP(READINGS, number): each.next_offset for number, each in made.items()}
                )
                for number, each in made.items():
                    if each.next_offset == 0:
                        # aiokafka's seek_to_committed passes over 0, and would read on where the last generation stood.
                        await self.app.consumer.seek(TP(READINGS, number), 0)
            self._waiting = {number: deque() for number in made}
            self._partitions.update(made)
        except BaseException as error:
            self._give_up("the state could not be restored", error)

    def _give_up(self, what: str, error: BaseException) -> NoReturn:
        """End the process; but a stop that comes in the middle of a rebalance is no fault, and goes on as one. Raises ``error`` then."""
        if isinstance(error, asyncio.CancelledError) and self.app.should_stop:
            raise error
        log.exception(what)
        end_process(repr(error), EXIT_BROKEN)

    async def _on_revoked(self, *_: object, **__: object) -> None:
        await self._let_go()

    async def _on_shutdown(self, *_: object, **__: object) -> None:
        for task in self._tasks:
            task.cancel()
        await self._let_go()
        await self._sender.finish(LAST_SENDS_S)
        await self._sender.stop()

    async def _let_go(self) -> None:
        """Commit what snapshots reflect, without acknowledgements (Faust has dropped them), and forget the state."""
        reflected = {
            TP(READINGS, each.number): each.reflected + 1 for each in self._partitions.values() if each.reflected >= 0
        }
        self._partitions.clear()
        self._waiting.clear()
        if reflected:
            try:
                await asyncio.wait_for(self.app.consumer._commit(reflected), COMMIT_S)
            except TimeoutError:
                log.warning("what was reflected could not be committed in time: a successor reads it again")

    def _positions(self) -> Mapping[int, int]:
        # While there is no room, a partition whose frames are still in Faust's line is not to blame for standing.
        return {
            each.number: each.next_offset for each in self._partitions.values() if each.waiting_bytes or not self._full
        }

    def _settled(self) -> bool:
        return not self.app.rebalancing and (bool(self._partitions) or self.settings.standby)

    def _end_offset(self, partition: Partition) -> int:
        return int(self.app.consumer.highwater(TP(READINGS, partition.number)) or partition.next_offset)
