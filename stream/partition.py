"""One partition in one worker: frames that wait, its engine, what is on its way to Kafka, and how far a snapshot reflects it.

The order that loses nothing: apply a frame, begin to send what came of it; at a flush take the state and the unfinished sends
together, wait for the sends, write the snapshot, and only then let the frames be acknowledged.
"""

import asyncio
import logging
import math
import time
from collections import deque
from collections.abc import Iterable, Mapping

from contracts import dead_letters, detections, home_cards
from contracts.dead_letters import DeadLetter
from contracts.errors import FrameError, ShouwangError
from contracts.frames import Frame
from contracts.metrics import make
from contracts.partitions import partition_of
from contracts.topics import DEAD_LETTERS, LANE_DETECTIONS, LANE_TOPIC, STREAM_STATE
from stream import snapshots
from stream.detector import Detector
from stream.engine import Engine
from stream.instance import Trouble
from stream.places import Found
from stream.sends import Sender
from stream.settings import Lane, StreamSettings

log = logging.getLogger(__name__)

PORTION_ROWS = 1_000
"""Frames are applied together until they hold so many rows: more would cost little less and take long where each row has a slot of its
own (a recording in a hurry: 0.6 ms a row)."""
TURN_S = 0.5
"""How long a worker lets one partition work before the loop turns and others have their turn, s."""
SNAPSHOT_BYTES_PER_S = 2_000_000
"""What a worker writes of snapshots at most, bytes a second on the average. Those of a city are some 14 MB a partition, so that its successor may have
to read two minutes again instead of half a one."""

FRAMES = make("shouwang_stream_frames_applied_total")
ROWS = make("shouwang_stream_rows_applied_total")
REPEATS = make("shouwang_stream_repeats_dropped_total")
DETECTIONS = make("shouwang_stream_detections_sent_total")
SNAPSHOTS = make("shouwang_stream_snapshots_written_total")
ERRORS = make("shouwang_stream_detector_errors_total")


def period_s(partitions: Iterable["Partition"], settings: StreamSettings) -> float:
    """How often a worker with these partitions takes a snapshot of each, s: what its setting says, or what SNAPSHOT_BYTES_PER_S leaves room for."""
    return max(settings.snapshot_s, sum(each.snapshot_bytes for each in partitions) / SNAPSHOT_BYTES_PER_S)


class HoleInLog(ShouwangError):
    """Frame {expected} of partition {partition} was expected, {found} came: frames were passed over. The worker ends, and its successor reads them."""


class Partition:
    """State of one partition while this worker has it."""

    def __init__(
        self,
        found: Found,
        lane: Lane,
        group: str,
        partitions: int,
        detectors: Mapping[str, Detector],
        settings: StreamSettings,
        sender: Sender,
    ) -> None:
        self.number = found.partition
        self.lane: Lane = lane
        self.next_offset = found.next_offset
        """Offset of the next frame to apply."""
        self.reflected = found.snapshot.offset if found.snapshot is not None else -1
        """Offset of the last frame that a snapshot in Kafka reflects; frames up to it may be acknowledged."""
        self.snapshot_bytes = len(found.snapshot.data) if found.snapshot is not None else 0
        """Size of the newest snapshot, compressed."""
        self.frames = 0
        self.rows = 0
        self._group = group
        self._partitions = partitions
        self._settings = settings
        self._sender = sender
        self._inbox: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._unsent: set[asyncio.Task[None]] = set()
        self._slot = 0
        self._taken_at_s = time.monotonic()
        self._counted = (0, 0)
        self.engine = Engine(self.number, lane, detectors, grid_s=settings.grid_s, grace_s=settings.grace_s)
        if found.snapshot is not None:
            anew = self.engine.restore(snapshots.unsqueeze(found.snapshot.data))
            if anew:
                log.warning(
                    "partition %d: start anew, their state is of another version: %s", self.number, ", ".join(anew)
                )
        self.engine.put_cards((home_id, home_cards.decode(value)) for home_id, value in found.cards.items())

    def take(self, offset: int, value: bytes | None) -> bool:
        """Put a frame before the engine; False if the state has it already. Raises HoleInLog: the process must then end."""
        expected = self.next_offset + len(self._inbox)
        if offset < expected:
            return False
        if offset > expected:
            raise HoleInLog(expected=expected, found=offset, partition=self.number)
        self._inbox.append(value or b"")
        self._waiting_bytes += len(self._inbox[-1])
        return True

    @property
    def waiting_bytes(self) -> int:
        """Size of the frames that were taken and not applied yet."""
        return self._waiting_bytes

    def work(self, for_s: float = math.inf) -> bool:
        """Apply frames that were taken, many together, and begin to send what comes of them; False if there were none. No await.

        After ``for_s`` it leaves the rest for the next call: a backlog must not keep the loop from turning. Raises what the engine
        cannot bear; the process must then end without acknowledging.
        """
        began_s = time.monotonic()
        worked = False
        while self._inbox:
            self._apply_portion()
            worked = True
            if time.monotonic() - began_s >= for_s:
                break
        return worked

    def _apply_portion(self) -> None:
        frames: list[Frame] = []
        rows = count = 0
        while self._inbox and rows < PORTION_ROWS:
            value = self._inbox.popleft()
            self._waiting_bytes -= len(value)
            try:
                frame = self.engine.decode(value)
            except FrameError as error:
                self._bad_frame(self.next_offset + count, value, error)
            else:
                frames.append(frame)
                rows += sum(batch.num_rows for batch in frame.batches.values())
            count += 1
        told = self.engine.apply(frames)
        self.next_offset += count
        self.frames += count
        for detection in told:
            home = detection.home_id
            self._send(
                LANE_DETECTIONS[self.lane], detections.encode(detection), home, partition_of(home, self._partitions)
            )
            DETECTIONS.labels(detection.detector).inc()
        for trouble in self.engine.troubles:
            self._trouble(trouble)
        self.engine.troubles.clear()
        self._count(count)

    def due(self, period_s: float) -> bool:
        """Whether it is time for a snapshot, when one is to be taken every ``period_s``."""
        return self.next_offset - 1 > self.reflected and time.monotonic() - self._taken_at_s >= period_s

    async def snapshot(self) -> None:
        """Write the state as it is now, after all that led to it was sent. Afterwards ``reflected`` has moved."""
        # Taken together, before the first await: the state, its offset, and the sends it stands for.
        offset, data, unsent = self.next_offset - 1, self.engine.snapshot(), list(self._unsent)
        self._taken_at_s = time.monotonic()
        self._slot = 1 - self._slot
        data = await asyncio.to_thread(snapshots.squeeze, data)
        self.snapshot_bytes = len(data)
        await asyncio.gather(*unsent)
        records = snapshots.cut(
            data,
            format=self.engine.format,
            group=self._group,
            partition=self.number,
            worker=self._settings.instance,
            slot=self._slot,
            offset=offset,
        )
        await asyncio.gather(*[self._sender.send(STREAM_STATE, value, key, self.number) for key, value in records])
        SNAPSHOTS.labels(self.lane).inc()
        self.reflected = max(self.reflected, offset)

    def spread(self, index: int, of: int) -> None:
        """Give this partition its own moment within the period, so that snapshots go in rotation."""
        self._taken_at_s -= self._settings.snapshot_s * index / max(of, 1)

    def _send(self, topic: str, value: bytes, key: str, partition: int | None = None) -> None:
        task = self._sender.send(topic, value, key.encode(), partition)
        self._unsent.add(task)
        task.add_done_callback(self._unsent.discard)

    def _bad_frame(self, offset: int, value: bytes, error: FrameError) -> None:
        topic = LANE_TOPIC[self.lane]
        log.warning("%s %d/%d: %s", topic, self.number, offset, error)
        letter = DeadLetter(
            at_s=time.time(),
            stage="stream",
            source=self._settings.instance,
            topic=f"{topic}/{self.number}/{offset}",
            account="",
            reason="bad_frame",
            detail=str(error),
            size=len(value),
            payload=value[: dead_letters.PAYLOAD_LIMIT],
        )
        self._send(DEAD_LETTERS, dead_letters.encode(letter), topic)

    def _trouble(self, trouble: Trouble) -> None:
        ERRORS.labels(trouble.detector).inc()
        log.error("detector %s failed on %s: %s", trouble.detector, trouble.home_id, trouble.error)
        account = f"{trouble.home_id}.{trouble.device_id}" if trouble.device_id else trouble.home_id
        letter = DeadLetter(
            at_s=time.time(),
            stage="stream",
            source=self._settings.instance,
            topic=f"{LANE_TOPIC[self.lane]}/{self.number}/{self.next_offset - 1}",
            account=account,
            reason="detector_error",
            detail=f"detector {trouble.detector} passed over this {trouble.kind or 'tick'}: {trouble.error}",
            boot=trouble.boot,
            seq=trouble.seq,
            size=len(trouble.payload),
            payload=trouble.payload[: dead_letters.PAYLOAD_LIMIT],
        )
        self._send(DEAD_LETTERS, dead_letters.encode(letter), account)

    def _count(self, frames: int) -> None:
        rows, repeats = self.engine.counts()
        FRAMES.labels(self.lane).inc(frames)
        ROWS.labels(self.lane).inc(rows - self._counted[0])
        REPEATS.labels(self.lane).inc(repeats - self._counted[1])
        self._counted = (rows, repeats)
        self.rows = rows
