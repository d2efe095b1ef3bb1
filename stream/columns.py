"""Columns that grow: one entry for each subject, kept as numpy arrays so that a snapshot is a copy and a step is vectorised."""

from collections.abc import Mapping
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


Packed = tuple[str, tuple[int, ...], bytes]
"""An array in a snapshot: dtype, shape, bytes."""


def pack(array: Array) -> Packed:
    """A copy of ``array`` as bytes."""
    return array.dtype.str, array.shape, np.ascontiguousarray(array).tobytes()


def unpack(packed: Packed) -> Array:
    """The array again; its own memory, so that it can be written to."""
    dtype, shape, data = packed
    return np.frombuffer(data, dtype=dtype).reshape(shape).copy()


class Columns:
    """Columns as attributes, with room for ``size`` subjects; arrays may be longer than ``size``."""

    def __init__(self, columns: Mapping[str, StateColumn]) -> None:
        self.columns: dict[str, StateColumn] = dict(columns)
        self.size = 0
        for name, column in self.columns.items():
            shape = (0,) if not column.width else (0, column.width)
            setattr(self, name, np.empty(shape, dtype=column.dtype))

    def grow(self, size: int) -> None:
        """Make room for ``size`` subjects; new ones get the initial values."""
        if size <= self.size:
            return
        capacity = len(getattr(self, next(iter(self.columns))))
        if size > capacity:
            wanted = max(size, capacity + capacity // 4, 64)
            for name, column in self.columns.items():
                old = getattr(self, name)
                new = np.full((wanted, *old.shape[1:]), column.initial, dtype=column.dtype)
                new[:capacity] = old
                setattr(self, name, new)
        self.size = size

    def keep(self, subjects: Ints) -> dict[str, Array]:
        """A copy of what the columns hold for ``subjects``, for ``put_back``."""
        return {name: getattr(self, name).take(subjects, axis=0) for name in self.columns}

    def put_back(self, subjects: Ints, kept: Mapping[str, Array]) -> None:
        """Undo what was written for ``subjects`` since ``keep``."""
        for name, values in kept.items():
            getattr(self, name)[subjects] = values

    def packed(self) -> dict[str, Packed]:
        """All columns, for a snapshot."""
        return {name: pack(getattr(self, name)[: self.size]) for name in self.columns}

    def restore(self, packed: Mapping[str, Packed], size: int) -> bool:
        """Take columns from a snapshot; False (and empty columns) where they are not the columns that this program knows."""
        self.size = 0
        arrays = {name: unpack(column) for name, column in packed.items()}
        fits = arrays.keys() == self.columns.keys() and all(
            arrays[name].dtype == np.dtype(column.dtype)
            and arrays[name].shape == ((size,) if not column.width else (size, column.width))
            for name, column in self.columns.items()
        )
        if fits:
            self.size = size
            for name, array in arrays.items():
                setattr(self, name, array)
        return fits

    def __getattr__(
        self, name: str
    ) -> Array:  # only reached for unknown names; tells the type checker that columns are arrays
        raise AttributeError(f"{type(self).__name__} has no column {name!r}")
