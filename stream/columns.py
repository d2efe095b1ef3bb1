"""Columns that grow: one entry for each subject, kept as numpy arrays so that a snapshot is a copy and a step is vectorised."""

from collections.abc import Mapping, Sequence
from typing import Any

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
    """Columns as attributes, with room for ``size`` subjects; arrays may be longer than ``size``. They are views: write to them, never set them anew.

    Columns of one type and width lie in one block ``[columns, subjects]``, so that what is known of a few subjects is copied by block.
    """

    def __init__(self, columns: Mapping[str, StateColumn]) -> None:
        self.columns: dict[str, StateColumn] = dict(columns)
        self.size = 0
        self._capacity = 0
        self._groups: dict[tuple[str, int], list[str]] = {}
        """Names of the columns of each block, by dtype and width."""
        for name, column in self.columns.items():
            self._groups.setdefault((np.dtype(column.dtype).str, column.width), []).append(name)
        self._blocks: list[Array] = []
        self._make_room(0)

    def _make_room(self, capacity: int) -> None:
        """New blocks with the initial values, and the columns' attributes to them."""
        self._blocks = []
        self._capacity = capacity
        for (dtype, width), names in self._groups.items():
            block = np.empty((len(names), capacity, width) if width else (len(names), capacity), dtype=dtype)
            for name, column in zip(names, block, strict=True):
                column[...] = self.columns[name].initial
                setattr(self, name, column)
            self._blocks.append(block)

    def grow(self, size: int) -> None:
        """Make room for ``size`` subjects; new ones get the initial values."""
        if size <= self.size:
            return
        if size > self._capacity:
            before, held = self._blocks, self._capacity
            self._make_room(room_for(size, held))
            for old, new in zip(before, self._blocks, strict=True):
                new[:, :held] = old
        self.size = size

    def keep(self, subjects: Ints) -> list[Array]:
        """A copy of what the columns hold for ``subjects``, for ``put_back``."""
        return [block.take(subjects, axis=1) for block in self._blocks]

    def put_back(self, subjects: Ints, kept: Sequence[Array]) -> None:
        """Undo what was written for ``subjects`` since ``keep``."""
        for block, values in zip(self._blocks, kept, strict=True):
            block[:, subjects] = values

    def packed(self) -> dict[str, Any]:
        """All columns, for a snapshot."""
        return {"size": self.size, "columns": {name: pack(getattr(self, name)[: self.size]) for name in self.columns}}

    def restore(self, packed: Mapping[str, Any]) -> bool:
        """Take columns from a snapshot; False (and empty columns) where they are not the columns that this program knows."""
        size = int(packed["size"])
        arrays = {name: unpack(column) for name, column in packed["columns"].items()}
        fits = arrays.keys() == self.columns.keys() and all(
            arrays[name].dtype == np.dtype(column.dtype) and arrays[name].shape == _shape(column, size)
            for name, column in self.columns.items()
        )
        self.size = size if fits else 0
        self._make_room(self.size)
        if fits:
            for name, values in arrays.items():
                getattr(self, name)[...] = values
        return fits

    def __getattr__(
        self, name: str
    ) -> Array:  # only reached for unknown names; tells the type checker that columns are arrays
        raise AttributeError(f"{type(self).__name__} has no column {name!r}")


def _shape(column: StateColumn, size: int) -> tuple[int, ...]:
    return (size, column.width) if column.width else (size,)
