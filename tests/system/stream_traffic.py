"""Frames of some homes for the stream's system tests: sent to Kafka in order, and kept for the offline answer."""

import asyncio
import contextlib
import random
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from contracts.detections import CloudEvent, Detection
from contracts.frames import Envelope, FrameBuilder, FrameMeta
from contracts.kinds import DEVICE, KINDS
from contracts.partitions import partition_of
from contracts.topics import LANE_DETECTIONS, LANE_TOPIC
from stream.offline import detect
from stream.registry import discover
from stream.settings import Lane

SPEED = 30.0
"""Virtual seconds in one second."""
EVERY_S = 0.05
"""Between two rounds of frames, wall."""
READINGS: tuple[tuple[str, str, Mapping[str, Any]], ...] = (
    ("pir-1", "motion", {"moving": True}),
    ("door-1", "contact", {"open": True}),
    ("door-1", "contact", {"open": False}),
    ("stove-1", "power", {"on": True, "power_w": 800.0}),
    ("co-1", "air", {"co_ppm": 350.0}),
    ("gas-1", "air", {"gas_lel_pct": 12.0}),
)


class Traffic:
    """One lane's frames for ``homes`` homes in ``partitions`` partitions, drawn from ``seed``."""

    def __init__(self, lane: Lane, partitions: int, homes: int, seed: int) -> None:
        self.lane: Lane = lane
        self.partitions = partitions
        self.frames: list[tuple[Lane, int, bytes]] = []
        self.sent_at_s: dict[str, float] = {}
        """Urgent lane: wall time of sending, by home."""
        self._draw = random.Random(seed)
        self._homes = [f"{lane}-home-{number}" for number in range(homes)]
        self._seq: dict[str, int] = {}
        self._start_s = 1_772_380_800.0
        self._last_s = self._start_s

    def round(self, elapsed_s: float) -> list[tuple[Lane, int, bytes]]:
        """The next frame of each partition, ``elapsed_s`` (wall) after the start."""
        now_s = self._start_s + elapsed_s * SPEED
        builders = [FrameBuilder() for _ in range(self.partitions)]
        rows = 3 if self.lane == "bulk" else int(self._draw.random() < 0.5)
        for at_s in sorted(self._draw.uniform(self._last_s, now_s) for _ in range(rows)):
            if self.lane == "urgent":
                home = f"{self._homes[0]}-{len(self.sent_at_s)}"
                device, kind, values = "sos-1", "call", {"action": "press"}
                self.sent_at_s[home] = time.time()
            else:
                home = self._draw.choice(self._homes)
                device, kind, values = self._draw.choice(READINGS)
            seq = self._seq[home] = self._seq.get(home, -1) + 1
            envelope = Envelope(home, device, None, None, at_s, at_s, at_s, DEVICE, 1, seq)
            builders[partition_of(home, self.partitions)].add(kind, envelope, KINDS[kind](**values))
        # Like a bridge: what is stated as complete lies a marker's way behind.
        meta = FrameMeta(
            source="main", lane=self.lane, watched_until_s=self._last_s, clock="virtual", sent_wall_s=time.time()
        )
        self._last_s = now_s
        made: list[tuple[Lane, int, bytes]] = [
            (self.lane, number, builder.build(meta)) for number, builder in enumerate(builders)
        ]
        self.frames += made
        return made

    async def flow(self, kafka: str, seconds: float) -> None:
        """Send for ``seconds``, each frame confirmed in its order."""
        producer = AIOKafkaProducer(
            bootstrap_servers=kafka, acks="all", enable_idempotence=True, request_timeout_ms=120_000
        )
        await producer.start()
        began_s = time.monotonic()
        first_s = (self._last_s - self._start_s) / SPEED
        try:
            while (elapsed_s := time.monotonic() - began_s) < seconds:
                for _, number, value in self.round(first_s + elapsed_s):
                    await producer.send(LANE_TOPIC[self.lane], value, partition=number)
                await asyncio.sleep(EVERY_S)
        finally:
            await producer.stop()

    def offline(self, folder: Path) -> dict[str, Detection]:
        """What the same frames say without services, by CloudEvents id."""
        return {_id(each): each for each in detect(self.frames, discover([folder]))}


class Told:
    """Reads all detections of a lane, with when each copy came."""

    def __init__(self) -> None:
        self.copies: dict[str, list[Detection]] = {}
        self.first_at_s: dict[str, float] = {}
        self._more = asyncio.Condition()

    async def read(self, kafka: str, lane: Lane, partitions: int) -> None:
        """For ever, from the beginning."""
        consumer: Any = AIOKafkaConsumer(
            bootstrap_servers=kafka, auto_offset_reset="earliest", enable_auto_commit=False
        )
        await consumer.start()
        decoder = msgspec.json.Decoder(CloudEvent)
        try:
            consumer.assign([TopicPartition(LANE_DETECTIONS[lane], number) for number in range(partitions)])
            await consumer.seek_to_beginning()
            async for record in consumer:
                event = decoder.decode(record.value)
                self.copies.setdefault(event.id, []).append(event.data)
                self.first_at_s.setdefault(event.id, time.time())
                async with self._more:
                    self._more.notify_all()
        finally:
            await consumer.stop()

    async def has(self, wanted: int, within_s: float) -> None:
        """Until ``wanted`` different ones came, or the time is over: what is missing is then for the test to say."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s), self._more:
                await self._more.wait_for(lambda: len(self.copies) >= wanted)


def _id(detection: Detection) -> str:
    return f"{detection.detection_id}/{detection.lane}/{detection.revision}"
