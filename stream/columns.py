"""Columns that grow: one entry for each subject. All of a subject's entries lie side by side in memory (a record), so that a step over some
of many thousand subjects waits for memory once for each and not once a column, and its way back is one copy."""

from collections.abc import Mapping
from typing import Any, cast

import msgspec
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]


class StateColumn(msgspec.Struct, frozen=True):
    """One numpy column of a detector's state, one entry for each subject: ``[subjects]`` or ``[subjects, width]``."""

    dtype: str
    initial: float | int | bool
    width: int = 0


Packed = tuple[str, tuple[int, ...], bytes | memoryview]
"""An array in a snapshot: dtype, shape, bytes."""


def pack(array: Array) -> Packed:
    """``array`` for a snapshot, not copied: to be encoded before anything is written to it."""
    array = np.ascontiguousarray(array)
    return array.dtype.str, array.shape, array.reshape(-1).view(np.uint8).data


def unpack(packed: Packed) -> Array:
    """The array again; its own memory, so that it can be written to."""
    dtype, shape, data = packed
    return np.frombuffer(data, dtype=dtype).reshape(shape).copy()


def room_for(size: int, capacity: int) -> int:
    """Entries to make room for when ``size`` are needed and there are ``capacity``: an eighth more than there were, so that copying stays rare."""
    return max(size, capacity + capacity // 8, 16)


class Columns:
    """Columns as attributes, with room for ``size`` subjects; arrays may be longer than ``size``."""

    def __init__(self, columns: Mapping[str, StateColumn]) -> None:
        self.columns: dict[str, StateColumn] = dict(columns)
        self.size = 0
        self._dtype = _record(self.columns)
        self._fresh = np.zeros(1, dtype=self._dtype)
        for name, column in self.columns.items():
            self._fresh[name] = column.initial
        self._take(np.empty(0, dtype=self._dtype))

    def _take(self, records: Array) -> None:
        self._records = records
        for name in self.columns:
            setattr(self, name, records[name])
        self._words = records.view(np.uint64).reshape(len(records), self._dtype.itemsize // 8)

    def grow(self, size: int) -> None:
        """Make room for ``size`` subjects; new ones get the initial values."""
        if size <= self.size:
            return
        capacity = len(self._records)
        if size > capacity:
            records = np.empty(room_for(size, capacity), dtype=self._dtype)
            records[:capacity] = self._records
            records[capacity:] = self._fresh
            self._take(records)
        self.size = size

    def keep(self, subjects: Ints) -> Array:
        """A copy of what the columns hold for ``subjects``, for ``put_back``."""
        return cast(Array, self._words.take(subjects, axis=0))

    def put_back(self, subjects: Ints, kept: Array) -> None:
        """Undo what was written for ``subjects`` since ``keep``."""
        self._words[subjects] = kept

    def packed(self) -> dict[str, Any]:
        """All columns, for a snapshot."""
        return {
            "columns": [[name, column.dtype, column.width] for name, column in self.columns.items()],
            "size": self.size,
            "records": self._words[: self.size].reshape(-1).view(np.uint8).data,
        }

    def restore(self, packed: Mapping[str, Any]) -> bool:
        """Take columns from a snapshot; False (and empty columns) where they are not the columns that this program knows."""
        mine = [[name, column.dtype, column.width] for name, column in self.columns.items()]
        size = int(packed["size"])
        fits = packed["columns"] == mine and len(packed["records"]) == size * self._dtype.itemsize
        self.size = size if fits else 0
        self._take(np.frombuffer(packed["records"], dtype=self._dtype).copy() if fits else np.empty(0, self._dtype))
        return fits

    def __getattr__(
        self, name: str
    ) -> Array:  # only reached for unknown names; tells the type checker that columns are arrays
        raise AttributeError(f"{type(self).__name__} has no column {name!r}")


def _record(columns: Mapping[str, StateColumn]) -> np.dtype[Any]:
    """The wide ones first, so that each lies where the machine reads it at once; whole words of 8 bytes in all."""
    formats = {name: np.dtype((column.dtype, (column.width,) if column.width else ())) for name, column in columns.items()}
    names = sorted(formats, key=lambda name: -formats[name].base.itemsize)
    offsets, end = [], 0
    for name in names:
        offsets.append(end)
        end += formats[name].itemsize
    return np.dtype(
        {"names": names, "formats": [formats[name] for name in names], "offsets": offsets, "itemsize": max(8, -(-end // 8) * 8)}
    )
