"""Names as numbers: which home a row is of, which device. A table in numpy, looked up for all rows of a frame at once.

Python's own strings and dicts for them took a kilobyte a home, and a microsecond a row.
"""

from collections.abc import Iterator, Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stream.columns import Array, Ints, Packed, pack, room_for, unpack

Words = npt.NDArray[np.uint64]
_ODD: Words = np.random.default_rng().integers(1, 2**63, 64, dtype=np.uint64) | np.uint64(1)
"""A factor for each 8 bytes of a name; others in each process, so that nobody can choose names that get into each other's way."""
_MIX = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)
NONE = -1


class Numbered:
    """Different values (of one dtype of whole words of 8 bytes) in order of their first appearance: each has its place as its number."""

    def __init__(self, dtype: str) -> None:
        self.size = 0
        self._values: Array = np.zeros(0, dtype=dtype)
        self._table = np.full(32, NONE, dtype=np.int32)
        """Open addressing, half full at the most: number of the value that stands there."""

    def __len__(self) -> int:
        return self.size

    @property
    def values(self) -> Array:
        """All values by their numbers."""
        return self._values[: self.size]

    def places(self, wanted: Array) -> Ints:
        """Number of each value; NONE where it is not known."""
        if not self.size or not len(wanted):
            return np.full(len(wanted), NONE, dtype=np.int64)
        table, values = self._table, self._values
        slot = _slots(wanted, len(table))
        found = table[slot]
        other = np.flatnonzero((found >= 0) & (values[found] != wanted))
        while len(other):
            slot[other] = next_slot = (slot[other] + 1) & (len(table) - 1)
            found[other] = next_found = table[next_slot]
            other = other[(next_found >= 0) & (values[next_found] != wanted[other])]
        return found.astype(np.int64)

    def add(self, wanted: Array) -> Ints:
        """Number of each value; new ones get the next, in their order."""
        found = self.places(wanted)
        new = np.flatnonzero(found < 0)
        if len(new):
            different, first, which = np.unique(wanted[new], return_index=True, return_inverse=True)
            order = np.argsort(first)
            number = np.empty(len(order), dtype=np.int64)
            number[order] = np.arange(self.size, self.size + len(order))
            found[new] = number[which]
            self._append(different[order])
        return found

    def _append(self, values: Array) -> None:
        first, self.size = self.size, self.size + len(values)
        if self.size > len(self._values) or values.itemsize > self._values.itemsize:
            wider = max(values.dtype, self._values.dtype, key=lambda dtype: dtype.itemsize)
            grown = np.zeros(room_for(self.size, len(self._values)), dtype=wider)
            grown[:first] = self._values[:first]
            self._values = grown
        self._values[first : self.size] = values
        if 2 * self.size > len(self._table):
            self._table = np.full(1 << (2 * self.size).bit_length(), NONE, dtype=np.int32)
            first = 0
        self._enter(np.arange(first, self.size))

    def _enter(self, places: Ints) -> None:
        """Put values into the table that do not stand in it."""
        slot = _slots(self._values[places], len(self._table))
        while len(places):
            free = self._table[slot] < 0
            self._table[slot[free]] = places[free]
            late = self._table[slot] != places  # taken before, or by another one in the same line
            places, slot = places[late], (slot[late] + 1) & (len(self._table) - 1)

    def packed(self) -> Packed:
        """For a snapshot."""
        return pack(self.values)

    def restore(self, packed: Packed) -> None:
        """From a snapshot, into an empty one."""
        values = unpack(packed)
        self._values = np.zeros(0, dtype=values.dtype)
        if len(values):
            self._append(values)


def _slots(values: Array, size: int) -> Ints:
    words = np.ascontiguousarray(values).view(np.uint64).reshape(len(values), values.itemsize // 8)
    # A multilinear hash: a name hashes alike in whatever width it comes, for what is not there counts 0.
    mixed = (words * _ODD[: words.shape[1]]).sum(axis=1, dtype=np.uint64)
    mixed = (mixed ^ (mixed >> _HALF)) * _MIX
    return cast(Ints, ((mixed >> _HALF) & np.uint64(size - 1)).astype(np.int64))


class Names(Numbered, Sequence[str]):
    """Names, as a sequence of strings and as numbers. A name holds no NUL (``contracts.names``)."""

    def __init__(self) -> None:
        super().__init__("S8")

    def __getitem__(self, place: Any) -> Any:
        return self.values[place].decode()

    def __iter__(self) -> Iterator[str]:
        return (name.decode() for name in self.values.tolist())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.place(name) != NONE

    def place(self, name: str) -> int:
        """Number of one name; NONE where it is not known."""
        return int(self.places(as_names([name]))[0])


def as_names(names: Sequence[str]) -> Array:
    """Strings as they are looked up: bytes in whole words."""
    return _widened(np.array([name.encode() for name in names], dtype=bytes)) if len(names) else np.zeros(0, dtype="S8")


def _widened(names: Array) -> Array:
    return names.astype(f"S{max(8, -(-names.itemsize // 8) * 8)}")


def names_in(columns: "Sequence[pa.Array[Any]]") -> Array:
    """Arrow's strings, one array after the other, as they are looked up."""
    if not columns:
        return np.zeros(0, dtype="S8")
    joined = columns[0] if len(columns) == 1 else pa.concat_arrays(columns)
    size = len(joined)
    _, ends, data = joined.buffers()
    if not size or ends is None or data is None:
        return np.zeros(size, dtype="S8")
    edges = np.frombuffer(memoryview(ends), dtype=np.int32, count=size + 1, offset=4 * joined.offset).astype(np.int64)
    first, last = int(edges[0]), int(edges[-1])
    long = np.diff(edges)
    width = max(8, -(-int(long.max()) // 8) * 8)
    found = np.zeros(size * width, dtype=np.uint8)
    shift = np.arange(0, size * width, width) - edges[:-1]
    found[np.arange(first, last) + np.repeat(shift, long)] = np.frombuffer(
        memoryview(data), dtype=np.uint8, count=last
    )[first:]
    return cast(Array, found.view(f"S{width}"))
