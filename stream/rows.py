"""Rows as detectors see them, and the rows of a frame in order of arrival."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from contracts.frames import FrameMeta, encode, numbers, strings
from contracts.kinds import KINDS, VALUES, Card
from stream.detector import Array, Bools, Floats, Ints

KIND_CODES = {kind: code for code, kind in enumerate(KINDS)}
KIND_NAMES = tuple(KINDS)
CARD = KIND_CODES["card"]


class Arrivals:
    """The rows of one frame in order of arrival (their ordinal), envelope as columns ``[rows]``; values are read when asked for."""

    def __init__(self, batches: Mapping[str, pa.RecordBatch], from_keeper: bool = False) -> None:
        self.from_keeper = from_keeper
        """Cards that concern whoever has the home, not one source."""
        present = {kind: batch for kind, batch in batches.items() if batch.num_rows}
        self.batches = present
        self.size = sum(batch.num_rows for batch in present.values())
        self.taken = 0
        """Rows before this one were handled."""
        self._numbers: dict[tuple[str, str], Floats] = {}
        self._objects: dict[tuple[str, str], Sequence[Any]] = {}
        columns = [self._envelope(kind, batch) for kind, batch in present.items()] or [
            tuple(np.empty(0, dtype=np.int64) for _ in range(8))
        ]
        joined = [np.concatenate(parts) if len(parts) > 1 else parts[0] for parts in zip(*columns, strict=True)]
        order = np.argsort(joined[0], kind="stable")
        kind, row, event_at_s, received_at_s, clock, boot, seq = (column[order] for column in joined[1:])
        self.kind: Ints = kind
        self.row: Ints = row
        """Place of each row in its kind's batch."""
        self.event_at_s: Floats = event_at_s
        self.received_at_s: Floats = received_at_s
        self.clock: Ints = clock
        self.boot: Ints = boot
        self.seq: Ints = seq
        keys: list[tuple[str, str]] = []
        for batch in present.values():
            keys.extend(zip(strings(batch, "home_id"), strings(batch, "device_id"), strict=True))
        self.keys = keys if (order[1:] > order[:-1]).all() else [keys[index] for index in order.tolist()]
        """(home_id, device_id) of each row."""
        self.place_s: Floats = np.empty(0)
        """Place of each row in stream time: its arrival, never going back. The keeper has another clock, so its cards stand where the row
        before them stands."""

    @staticmethod
    def _envelope(kind: str, batch: pa.RecordBatch) -> tuple[Array, ...]:
        size = batch.num_rows
        ordinal, clock, boot, seq = (
            batch.column(name).to_numpy(zero_copy_only=False).astype(np.int64)
            for name in ("ordinal", "clock", "boot", "seq")
        )
        code = np.full(size, KIND_CODES[kind], dtype=np.int64)
        times = (numbers(batch, "event_at_s"), numbers(batch, "received_at_s"))
        return ordinal, code, np.arange(size), *times, clock, boot, seq

    def place(self, from_s: float) -> float:
        """Give rows their place in stream time, from where the last frame ended; returns where this one ends."""
        arrived_s = np.full(self.size, -np.inf) if self.from_keeper else self.received_at_s
        self.place_s = np.maximum.accumulate(np.fmax(arrived_s, from_s)) if self.size else arrived_s
        return float(self.place_s[-1]) if self.size else from_s

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
        """The rows that were not handled yet, as batches, for a snapshot."""
        kinds, rows = self.kind[self.taken :], self.row[self.taken :]
        found = {kind: np.sort(rows[kinds == KIND_CODES[kind]]) for kind in self.batches}
        return {kind: self.batches[kind].take(pa.array(at)) for kind, at in found.items() if len(at)}


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
