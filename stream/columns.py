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
    """Columns as attributes, with room for ``size`` subjects; arrays may be longer than ``size``."""

    def __init__(self, columns: Mapping[str, StateColumn]) -> None:
        self.columns: dict[str, StateColumn] = dict(columns)
        self.size = 0
        self._capacity = 0
        for name, column in self.columns.items():
            setattr(self, name, np.empty(_shape(column, 0), dtype=column.dtype))

    def grow(self, size: int) -> None:
        """Make room for ``size`` subjects; new ones get the initial values."""
        if size <= self.size:
            return
        if size > self._capacity:
            wanted = room_for(size, self._capacity)
            for name, column in self.columns.items():
                new = np.empty(_shape(column, wanted), dtype=column.dtype)
                new[: self._capacity] = getattr(self, name)
                new[self._capacity :] = column.initial
                setattr(self, name, new)
            self._capacity = wanted
        self.size = size

    def keep(self, subjects: Ints) -> list[Array]:
        """A copy of what the columns hold for ``subjects``, for ``put_back``."""
        return [getattr(self, name).take(subjects, axis=0) for name in self.columns]

    def put_back(self, subjects: Ints, kept: Sequence[Array]) -> None:
        """Undo what was written for ``subjects`` since ``keep``."""
        for name, values in zip(self.columns, kept, strict=True):
            getattr(self, name)[subjects] = values

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
        self.size = self._capacity = size if fits else 0
        for name, column in self.columns.items():
            setattr(self, name, arrays[name] if fits else np.empty(_shape(column, 0), dtype=column.dtype))
        return fits

    def __getattr__(
        self, name: str
    ) -> Array:  # only reached for unknown names; tells the type checker that columns are arrays
        raise AttributeError(f"{type(self).__name__} has no column {name!r}")


def _shape(column: StateColumn, size: int) -> tuple[int, ...]:
    return (size, column.width) if column.width else (size,)
