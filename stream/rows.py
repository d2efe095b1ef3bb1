"""Rows as detectors see them, and the rows of a frame in order of arrival."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import pyarrow as pa

from contracts.frames import FrameMeta, encode, numbers, strings
from contracts.kinds import ENVELOPE, KINDS, VALUES, Card
from stream.detector import Array, Bools, Floats, Ints

KIND_CODES = {kind: code for code, kind in enumerate(KINDS)}
KIND_NAMES = tuple(KINDS)
CARD = KIND_CODES["card"]
_AT = {column.name: place for place, column in enumerate(ENVELOPE)}


class Arrivals:
    """The rows of a frame, or of frames that follow one another, in order of arrival; envelope as columns ``[rows]``, values on demand."""

    def __init__(self, *frames: Mapping[str, pa.RecordBatch], from_keeper: bool = False) -> None:
        self.from_keeper = from_keeper
        """Cards that concern whoever has the home, not one source."""
        self.sizes = [sum(batch.num_rows for batch in batches.values()) for batches in frames]
        self.size = sum(self.sizes)
        self.taken = 0
        """Rows before this one were handled."""
        self._numbers: dict[tuple[str, str], Floats] = {}
        self._objects: dict[tuple[str, str], Sequence[Any]] = {}
        parts: dict[str, list[pa.RecordBatch]] = {}
        ordinals: dict[str, list[Ints]] = {}
        before = 0
        for batches, size in zip(frames, self.sizes, strict=True):
            for kind, batch in batches.items():
                if batch.num_rows:
                    parts.setdefault(kind, []).append(batch)
                    ordinals.setdefault(kind, []).append(_whole(batch, "ordinal") + before)
            before += size
        self.batches = {
            kind: each[0] if len(each) == 1 else pa.Table.from_batches(each).combine_chunks().to_batches()[0]
            for kind, each in parts.items()
        }
        columns = [
            (_joined(ordinals[kind]), *self._envelope(kind, batch)) for kind, batch in self.batches.items()
        ] or [tuple(np.empty(0, dtype=np.int64) for _ in range(8))]  # fmt: skip
        joined = [_joined(each) for each in zip(*columns, strict=True)]
        keys: list[tuple[str, str]] = []
        for batch in self.batches.values():
            keys.extend(zip(strings(batch, "home_id"), strings(batch, "device_id"), strict=True))
        if len(columns) > 1 or not (joined[0][1:] > joined[0][:-1]).all():
            order = np.argsort(joined[0], kind="stable")
            joined = [column[order] for column in joined]
            keys = [keys[index] for index in order.tolist()]
        self.keys = keys
        """(home_id, device_id) of each row."""
        _, kinds, rows, event_at_s, received_at_s, clock, boot, seq = joined
        self.kind: Ints = kinds
        self.row: Ints = rows
        """Place of each row in its kind's batch."""
        self.event_at_s: Floats = event_at_s
        self.received_at_s: Floats = received_at_s
        self.clock: Ints = clock
        self.boot: Ints = boot
        self.seq: Ints = seq
        self.place_s: Floats = np.empty(0)
        """Place of each row in stream time: its arrival, never going back and never before what was stated as complete earlier.
        The keeper has another clock, so its cards stand where the row before them stands."""

    @staticmethod
    def _envelope(kind: str, batch: pa.RecordBatch) -> tuple[Array, ...]:
        size = batch.num_rows
        return (
            np.full(size, KIND_CODES[kind], dtype=np.int64),
            np.arange(size),
            batch.column(_AT["event_at_s"]).to_numpy(),
            batch.column(_AT["received_at_s"]).to_numpy(),
            *(_whole(batch, name) for name in ("clock", "boot", "seq")),
        )

    def place(self, from_s: float, stated_s: Sequence[float | None] = ()) -> float:
        """Give rows their place in stream time. ``from_s``: where the frame before ended; ``stated_s``: what each frame states, which binds
        the rows of the frames after it. Returns where this ends."""
        arrived_s = np.full(self.size, -np.inf) if self.from_keeper else self.received_at_s
        floor_s = np.array([from_s, *(-np.inf if each is None else each for each in stated_s)])
        floor_s = np.fmax.accumulate(floor_s)
        if self.size:
            floors_s = np.repeat(floor_s[: len(self.sizes)], self.sizes) if len(self.sizes) > 1 else from_s
            self.place_s = np.fmax.accumulate(np.fmax(arrived_s, floors_s))
            return max(float(self.place_s[-1]), float(floor_s[-1]))
        return float(floor_s[-1])

    def values(self, kind: str, name: str) -> Floats:
        """A value column of one kind as float64, in the batch's order."""
        column = self._numbers.get((kind, name))
        if column is None:
            column = self._numbers[kind, name] = numbers(self.batches[kind], name)
        return column

    def objects(self, kind: str, name: str) -> Sequence[Any]:
        """Any column of one kind as Python objects, in the batch's order."""
        column = self._objects.get((kind, name))
        if column is None:
            column = self._objects[kind, name] = strings(self.batches[kind], name)
        return column

    def card(self, at: int) -> Card:
        """The home card in a row of kind ``card``."""
        row = int(self.row[at])
        columns = {column.name: self.objects("card", column.name)[row] for column in VALUES["card"]}
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in columns.items()
        }
        return Card(**values)

    def alone(self, at: int, source: str, lane: str) -> bytes:
        """One row as a frame that states nothing."""
        kind = KIND_NAMES[int(self.kind[at])]
        return encode(
            FrameMeta(source=source, lane=lane, watched_until_s=None),
            {kind: self.batches[kind].slice(int(self.row[at]), 1)},
        )

    def rest(self) -> dict[str, pa.RecordBatch]:
        """The rows that were not handled yet, as the batches of one frame, for a snapshot."""
        found: dict[str, pa.RecordBatch] = {}
        place = _AT["ordinal"]
        for kind, batch in self.batches.items():
            at = np.flatnonzero(self.kind[self.taken :] == KIND_CODES[kind]) + self.taken
            if len(at):
                taken = batch.take(self.row[at])
                # Frames that were taken together had ordinals of their own.
                ordinals = pa.array(at - self.taken, type=batch.schema.field(place).type)
                found[kind] = taken.set_column(place, batch.schema.field(place), ordinals)
        return found


class KindRows:
    """Rows of one kind, each subject at most once: what ``stream.detector.Rows`` promises."""

    def __init__(
        self, kind: str, arrivals: Arrivals, at: Ints, subject: Ints, home: Ints, device: Ints, room: Ints, role: Ints
    ) -> None:
        self.kind = kind
        self.arrivals = arrivals
        self.at = at
        """Place of each row in its frame's order of arrival."""
        self.subject = subject
        self.home = home
        self.device = device
        self.room = room
        self.role = role
        self.event_at_s: Floats = arrivals.event_at_s[at]
        self.received_at_s: Floats = arrivals.received_at_s[at]
        self.clock: Ints = arrivals.clock[at]

    def __getitem__(self, name: str) -> Floats:
        """A numeric or boolean value column as float64, null = NaN."""
        return self.arrivals.values(self.kind, name)[self.arrivals.row[self.at]]

    def objects(self, name: str) -> Sequence[Any]:
        """Any value column as Python objects."""
        column = self.arrivals.objects(self.kind, name)
        return [column[row] for row in self.arrivals.row[self.at].tolist()]

    def where(self, mask: Bools) -> "KindRows":
        """Only the rows where ``mask`` is true."""
        return self.pick(np.flatnonzero(mask))

    def pick(self, rows: Ints) -> "KindRows":
        """Only these rows, by place."""
        return KindRows(
            self.kind,
            self.arrivals,
            self.at[rows],
            self.subject[rows],
            self.home[rows],
            self.device[rows],
            self.room[rows],
            self.role[rows],
        )


def _whole(batch: pa.RecordBatch, name: str) -> Ints:
    """A column of whole numbers of the envelope."""
    return cast(Ints, batch.column(_AT[name]).to_numpy().astype(np.int64, copy=False))


def _joined(parts: Sequence[Array]) -> Array:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
