"""Rows as detectors see them, and the rows of a frame in order of arrival."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, cast

import numpy as np
import pyarrow as pa

from contracts.frames import FrameMeta, encode, numbers, strings
from contracts.kinds import ENVELOPE, KINDS, VALUES, Card
from stream.cards import HomeCards
from stream.detector import Array, Bools, Floats, Ints
from stream.names import names_in

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
        before: dict[str, list[tuple[int, int]]] = {}
        first = 0
        for batches, size in zip(frames, self.sizes, strict=True):
            for kind, batch in batches.items():
                if batch.num_rows:
                    parts.setdefault(kind, []).append(batch)
                    before.setdefault(kind, []).append((first, batch.num_rows))
            first += size
        self._parts = parts
        """Batches of each kind, one of each frame that has some."""
        everything = [batch for each in parts.values() for batch in each]
        counts = [sum(batch.num_rows for batch in each) for each in parts.values()]
        ordinal, event_at_s, received_at_s, clock, boot, seq = (
            _column(everything, name) for name in ("ordinal", "event_at_s", "received_at_s", "clock", "boot", "seq")
        )
        if len(frames) > 1:
            firsts, rows_of = (
                zip(*(each for kind in parts for each in before[kind]), strict=True) if counts else ((), ())
            )
            ordinal = ordinal + np.repeat(np.array(firsts, dtype=np.int64), np.array(rows_of, dtype=np.int64))
        kinds = np.repeat(np.array([KIND_CODES[kind] for kind in parts], dtype=np.int64), counts)
        rows = np.concatenate([np.arange(count) for count in counts]) if counts else np.zeros(0, dtype=np.int64)
        home_ids = names_in([batch.column(_AT["home_id"]) for batch in everything])
        device_ids = names_in([batch.column(_AT["device_id"]) for batch in everything])
        joined: tuple[Array, ...] = (kinds, rows, event_at_s, received_at_s, clock, boot, seq, home_ids, device_ids)
        if len(counts) > 1 or not (ordinal[1:] > ordinal[:-1]).all():
            order = np.argsort(ordinal, kind="stable")
            joined = tuple(column[order] for column in joined)
        kinds, rows, event_at_s, received_at_s, clock, boot, seq, self.home_ids, self.device_ids = joined
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
            column = self._numbers[kind, name] = _joined([numbers(batch, name) for batch in self._parts[kind]])
        return column

    def objects(self, kind: str, name: str) -> Sequence[Any]:
        """Any column of one kind as Python objects, in the batch's order."""
        column = self._objects.get((kind, name))
        if column is None:
            column = self._objects[kind, name] = [each for batch in self._parts[kind] for each in strings(batch, name)]
        return column

    def home_id(self, at: int) -> str:
        """Home of a row."""
        return cast(str, self.home_ids[at].decode())

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
            {kind: self._batch(kind).slice(int(self.row[at]), 1)},
        )

    def _batch(self, kind: str) -> pa.RecordBatch:
        return pa.Table.from_batches(self._parts[kind]).combine_chunks().to_batches()[0]

    def rest(self) -> dict[str, pa.RecordBatch]:
        """The rows that were not handled yet, as the batches of one frame, for a snapshot."""
        found: dict[str, pa.RecordBatch] = {}
        place = _AT["ordinal"]
        for kind in self._parts:
            batch = self._batch(kind)
            at = np.flatnonzero(self.kind[self.taken :] == KIND_CODES[kind]) + self.taken
            if len(at):
                taken = batch.take(self.row[at])
                # Frames that were taken together had ordinals of their own.
                ordinals = pa.array(at - self.taken, type=batch.schema.field(place).type)
                found[kind] = taken.set_column(place, batch.schema.field(place), ordinals)
        return found


class KindRows:
    """Rows of one kind, each subject at most once: what ``stream.detector.Rows`` promises. Arrays are shared, so nobody writes to them."""

    at: Ints
    """Place of each row in its frame's order of arrival."""
    row: Ints
    """Place of each row in its kind's batch."""
    subject: Ints
    home: Ints
    device: Ints
    room: Ints
    role: Ints
    event_at_s: Floats
    received_at_s: Floats
    clock: Ints

    def __init__(
        self, kind: str, arrivals: Arrivals, at: Ints, subject: Ints, home: Ints, device: Ints, room: Ints, role: Ints
    ) -> None:
        self.kind = kind
        self.arrivals = arrivals
        self.at, self.subject, self.home, self.device, self.room, self.role = at, subject, home, device, room, role
        self._values: dict[str, Floats] = {}
        self._of: KindRows | None = None
        """The rows that these were picked from, at ``_places``: what nobody asks for is not picked."""
        self._places: Ints = at
        self._roles: int | None = None

    def concerns(self, cards: HomeCards) -> int:
        """What any of the homes has or had (``stream.cards.concerns_mask``). For rows that have the cards' own numbers."""
        if self._roles is None:
            self._roles = int(np.bitwise_or.reduce(cards.roles[self.home]))
        return self._roles

    def __getattr__(self, name: str) -> Any:
        # Only reached for what was not made yet.
        if name not in _MADE_LATE:
            raise AttributeError(name)
        made = getattr(self._of, name)[self._places] if self._of is not None else getattr(self.arrivals, name)[self.at]
        made.flags.writeable = False
        setattr(self, name, made)
        return made

    def __getitem__(self, name: str) -> Floats:
        """A numeric or boolean value column as float64, null = NaN."""
        found = self._values.get(name)
        if found is None:
            found = (
                self._of[name][self._places]
                if self._of is not None
                else self.arrivals.values(self.kind, name)[self.row]
            )
            found.flags.writeable = False
            self._values[name] = found
        return found

    def objects(self, name: str) -> Sequence[Any]:
        """Any value column as Python objects."""
        column = self.arrivals.objects(self.kind, name)
        return [column[row] for row in self.row.tolist()]

    def where(self, mask: Bools) -> "KindRows":
        """Only the rows where ``mask`` is true."""
        chosen = mask.nonzero()[0]
        return self if len(chosen) == len(mask) else self.pick(chosen)

    def pick(self, rows: Ints) -> "KindRows":
        """Only these rows, by place."""
        found = KindRows.__new__(KindRows)
        found.kind, found.arrivals = self.kind, self.arrivals
        found._values = {}
        found._roles = None
        found._of, found._places = self, rows
        return found

    def known_as(self, subject: Ints, home: Ints, device: Ints) -> "KindRows":
        """The same rows under other numbers."""
        found = KindRows.__new__(KindRows)
        found.__dict__.update(self.__dict__)
        found.subject, found.home, found.device = subject, home, device
        return found


_MADE_LATE = frozenset(
    {"at", "row", "subject", "home", "device", "room", "role", "event_at_s", "received_at_s", "clock"}
)


def _column(batches: Sequence[pa.RecordBatch], name: str) -> Array:
    """A column of the envelope of several batches, one after the other; whole numbers as int64."""
    parts = [batch.column(_AT[name]).to_numpy() for batch in batches]
    joined = _joined(parts) if parts else np.zeros(0)
    return joined if joined.dtype == np.float64 and name.endswith("_s") else joined.astype(np.int64, copy=False)


def _joined(parts: Sequence[Array]) -> Array:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


class Looks:
    """Rows that are looked at together, for all detectors: kind by kind in an order in which no home (or device) comes twice in one step."""

    def __init__(self, arrivals: Arrivals, at: Ints, home: Ints, device: Ints, room: Ints, role: Ints) -> None:
        self._arrivals = arrivals
        self._columns = at, home, device, room, role
        self._kind = arrivals.kind[at]
        self.kinds = frozenset(np.flatnonzero(np.bincount(self._kind, minlength=len(KIND_NAMES))).tolist())
        """Codes of the kinds that there are."""
        self._by_home: list[tuple[int, KindRows]] | None = None
        self._by_device: list[tuple[int, KindRows]] | None = None

    @property
    def by_home(self) -> list[tuple[int, KindRows]]:
        """Code of the kind and rows of each step; subjects are homes."""
        if self._by_home is None:
            home = self._columns[1]
            self._by_home = self._steps(home, rounds(home, self._kind))
        return self._by_home

    @property
    def by_device(self) -> list[tuple[int, KindRows]]:
        """The same; subjects are devices."""
        if self._by_device is None:
            whole = self._by_home
            if whole is not None and len(whole) == len(self.kinds):  # no home comes twice in a kind, and so no device
                self._by_device = [(code, rows.known_as(rows.device, rows.home, rows.device)) for code, rows in whole]
            else:
                device = self._columns[2]
                self._by_device = self._steps(device, rounds(device, self._kind))
        return self._by_device

    def _steps(self, subject: Ints, in_round: Ints) -> list[tuple[int, KindRows]]:
        step = in_round * len(KIND_NAMES) + self._kind
        order = np.argsort(step, kind="stable")
        ordered = step[order]
        edges = [0, *(np.flatnonzero(ordered[1:] != ordered[:-1]) + 1).tolist(), len(order)]
        columns = [column[order] for column in (self._columns[0], subject, *self._columns[1:])]
        for column in columns:
            column.flags.writeable = False
        found = []
        for first, last in pairwise(edges):
            code = int(ordered[first]) % len(KIND_NAMES)
            found.append(
                (code, KindRows(KIND_NAMES[code], self._arrivals, *(column[first:last] for column in columns)))
            )
        return found


def rounds(subject: Ints, kind: Ints) -> Ints:
    """In which round each row has its turn. A round goes through the kinds in order of their codes; so a subject's row goes
    into the same round as the one before if its kind comes later, else into the next. Fewer steps than one round for each row of a subject."""
    size = len(subject)
    if len(set(subject.tolist())) == size:
        return np.zeros(size, dtype=np.int64)
    order = np.argsort(subject, kind="stable")
    subjects, kinds = subject[order], kind[order]
    same = subjects[1:] == subjects[:-1]
    steps = np.concatenate(([0], np.cumsum(same & (kinds[1:] <= kinds[:-1]))))
    starts = np.concatenate(([0], np.flatnonzero(~same) + 1))
    found = np.empty(size, dtype=np.int64)
    found[order] = steps - np.repeat(steps[starts], np.diff(np.append(starts, size)))
    return found
