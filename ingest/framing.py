"""Framing: rows become columns, one frame for each lane and partition, in order of arrival. Pure; says what is due, sends nothing.

At most one frame of a (lane, partition) is on its way to Kafka at a time, so frames cannot overtake each other whatever is retried,
and while Kafka is away rows gather in the builder instead of in a heap of small frames.
"""

from collections.abc import Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from contracts.frames import Envelope, FrameBuilder, FrameMeta
from contracts.kinds import Inertial, Reading
from ingest.intake import LANES, Lane

ROW_BYTES = 300
"""Rough size of a row in columns before compression."""
EASY_PER_S = 6_000.0
"""Up to so many readings a second a bulk reading waits ``flush_s`` for its frame; beyond, as much longer as there are more, so that frames grow no
more numerous. Most of what a frame costs behind the bridge is the same for a hundred rows as for a thousand (docs/decisions/0027)."""
STRETCH = 4.0
"""Never longer than so many times ``flush_s``."""

C = TypeVar("C")


class Outgoing(NamedTuple, Generic[C]):
    """A frame to be sent. ``claims``: whatever was given with its rows, to be settled when Kafka holds it."""

    lane: Lane
    partition: int
    value: bytes
    rows: int
    claims: list[C]


class _Slot(Generic[C]):
    __slots__ = ("builder", "claims", "held_s", "last_s", "on_its_way", "size", "stated_s", "unwatched")

    def __init__(self) -> None:
        self.builder = FrameBuilder()
        self.claims: list[C] = []
        self.size = 0
        self.on_its_way = False
        self.last_s = float("-inf")
        self.stated_s: float | None = None
        self.held_s: float | None = None
        self.unwatched: list[tuple[float, float]] = []


class Framing(Generic[C]):
    """Rows of one source on their way. ``C``: what hangs on a row (a delivery to acknowledge, a receipt to send)."""

    def __init__(self, source: str, clock: str, partitions: int) -> None:
        self._source = source
        self._clock = clock
        self._partitions = range(partitions)
        self._slots: dict[tuple[Lane, int], _Slot[C]] = {(lane, p): _Slot() for lane in LANES for p in self._partitions}
        self._bulk = [self._slots["bulk", p] for p in self._partitions]
        self.watched_until_s: float | None = None

    def add(self, lane: Lane, partition: int, kind: str, envelope: Envelope, reading: Reading) -> None:
        """Append one row."""
        slot = self._slots[lane, partition]
        slot.builder.add(kind, envelope, reading)
        slot.size += ROW_BYTES + (len(reading.samples) if isinstance(reading, Inertial) else 0)

    def add_row(self, partition: int, kind: str, envelope: Sequence[Any], values: Sequence[Any]) -> int:
        """Append one row of bulk from columns; about how many bytes wait now."""
        slot = self._bulk[partition]
        slot.builder.add_row(kind, envelope, values)
        slot.size += ROW_BYTES
        return slot.size

    def claim(self, lane: Lane, partition: int, claim: C) -> None:
        """Hang ``claim`` on the frame that the rows added so far will be in."""
        self._slots[lane, partition].claims.append(claim)

    def watched(self, until_s: float, unwatched: tuple[float, float] | None = None) -> None:
        """All that arrives up to ``until_s`` was added before this call. ``unwatched`` goes into the next frame of every partition."""
        self.watched_until_s = until_s
        if unwatched is not None:
            for slot in self._slots.values():
                slot.unwatched.append(unwatched)

    def due(self, lane: Lane, now_s: float, tick_s: float) -> list[int]:
        """Partitions that have something to send: rows, an unwatched interval, or no frame for ``tick_s``. ``now_s``: any steady clock."""
        return [p for p in self._partitions if self._is_due(self._slots[lane, p], now_s, tick_s)]

    def _is_due(self, slot: _Slot[C], now_s: float, tick_s: float) -> bool:
        if slot.on_its_way:
            return False
        tick = now_s - slot.last_s >= tick_s and slot.stated_s != self.watched_until_s
        return bool(slot.builder.rows) or tick or bool(slot.unwatched)

    def is_ready(self, lane: Lane, partition: int, size: int = 0) -> bool:
        """Whether rows wait (at least about ``size`` bytes of them) and nothing of this partition is on its way."""
        slot = self._slots[lane, partition]
        return not slot.on_its_way and slot.builder.rows > 0 and slot.size >= size

    def take(self, lane: Lane, partition: int, now_s: float, wall_s: float) -> Outgoing[C]:
        """Build the frame of one partition; it is on its way until ``arrived``."""
        slot = self._slots[lane, partition]
        meta = FrameMeta(
            source=self._source,
            lane=lane,
            watched_until_s=self.watched_until_s,
            unwatched=tuple(slot.unwatched),
            clock=self._clock,
            sent_wall_s=wall_s,
        )
        rows, claims = slot.builder.rows, slot.claims
        value = slot.builder.build(meta)
        slot.claims, slot.unwatched, slot.size = [], [], 0
        slot.stated_s, slot.last_s, slot.on_its_way = self.watched_until_s, now_s, True
        return Outgoing(lane, partition, value, rows, claims)

    def arrived(self, lane: Lane, partition: int) -> None:
        """Kafka holds the frame that was on its way."""
        slot = self._slots[lane, partition]
        slot.on_its_way = False
        slot.held_s = slot.stated_s

    @property
    def held_until_s(self) -> float | None:
        """What every partition of both lanes has been told, held by Kafka; None while one has been told nothing."""
        held = [slot.held_s for slot in self._slots.values()]
        return None if None in held else min(each for each in held if each is not None)

    @property
    def is_empty(self) -> bool:
        """Nothing waits and nothing is on its way."""
        return not any(slot.on_its_way or slot.builder.rows or slot.unwatched for slot in self._slots.values())

    @property
    def on_their_way(self) -> int:
        return sum(slot.on_its_way for slot in self._slots.values())


def stretch(readings: int, in_s: float) -> float:
    """How many times ``flush_s`` a bulk reading may wait where so many readings came within ``in_s``; 1 to STRETCH."""
    return min(STRETCH, max(1.0, readings / in_s / EASY_PER_S)) if in_s > 0 else 1.0
