"""One partition in one worker: its engine, what is on its way to Kafka, and how far a snapshot reflects it.

The order that loses nothing: apply a frame, begin to send what came of it; at a flush take the state and the unfinished sends
together, wait for the sends, write the snapshot, and only then let the frames be acknowledged.
"""

import asyncio
import logging
import time
from collections.abc import Mapping

from contracts import dead_letters, detections
from contracts.dead_letters import DeadLetter
from contracts.errors import FrameError, ShouwangError
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

FRAMES = make("shouwang_stream_frames_applied_total")
ROWS = make("shouwang_stream_rows_applied_total")
REPEATS = make("shouwang_stream_repeats_dropped_total")
DETECTIONS = make("shouwang_stream_detections_sent_total")
SNAPSHOTS = make("shouwang_stream_snapshots_written_total")
ERRORS = make("shouwang_stream_detector_errors_total")


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
        self.frames = 0
        self.rows = 0
        self._group = group
        self._partitions = partitions
        self._settings = settings
        self._sender = sender
        self._inbox: list[bytes] = []
        self._unsent: set[asyncio.Task[None]] = set()
        self._slot = 0
        self._taken_at_s = time.monotonic()
        self._counted = (0, 0)
        self.engine = Engine(self.number, lane, detectors, grid_s=settings.grid_s, grace_s=settings.grace_s)
        if found.snapshot is not None:
            anew = self.engine.restore(found.snapshot.data)
            if anew:
                log.warning(
                    "partition %d: start anew, their state is of another version: %s", self.number, ", ".join(anew)
                )
        for home_id, card in found.cards.items():
            self.engine.put_card(home_id, card)

    def take(self, offset: int, value: bytes | None) -> bool:
        """Put a frame before the engine; False if the state has it already. Raises HoleInLog: the process must then end."""
        expected = self.next_offset + len(self._inbox)
        if offset < expected:
            return False
        if offset > expected:
            raise HoleInLog(expected=expected, found=offset, partition=self.number)
        self._inbox.append(value or b"")
        return True

    def work(self) -> bool:
        """Apply all frames that were taken, together, and begin to send what comes of them; False if there were none. No await.

        Raises what the engine cannot bear; the process must then end without acknowledging.
        """
        inbox, self._inbox = self._inbox, []
        if not inbox:
            return False
        frames = []
        for place, value in enumerate(inbox):
            try:
                frames.append(self.engine.decode(value))
            except FrameError as error:
                self._bad_frame(self.next_offset + place, value, error)
        told = self.engine.apply(frames)
        self.next_offset += len(inbox)
        self.frames += len(inbox)
        for detection in told:
            home = detection.home_id
            self._send(
                LANE_DETECTIONS[self.lane], detections.encode(detection), home, partition_of(home, self._partitions)
            )
            DETECTIONS.labels(detection.detector).inc()
        for trouble in self.engine.troubles:
            self._trouble(trouble)
        self.engine.troubles.clear()
        self._count(len(inbox))
        return True

    def due(self) -> bool:
        """Whether it is time for a snapshot."""
        return (
            self.next_offset - 1 > self.reflected and time.monotonic() - self._taken_at_s >= self._settings.snapshot_s
        )

    async def snapshot(self) -> None:
        """Write the state as it is now, after all that led to it was sent. Afterwards ``reflected`` has moved."""
        # Taken together, before the first await: the state, its offset, and the sends it stands for.
        offset, data, unsent = self.next_offset - 1, self.engine.snapshot(), list(self._unsent)
        self._taken_at_s = time.monotonic()
        self._slot = 1 - self._slot
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
