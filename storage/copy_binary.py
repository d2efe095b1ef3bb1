"""Arrow columns to PostgreSQL's binary COPY format, without a Python loop over rows.

Each field becomes a binary Arrow column that carries its own length prefix; Arrow joins them row by row, and the joined
column's data buffer is the COPY stream. Measured with rows of vitals (18 columns), 2,000 to 20,000 a batch: 0.6 to 0.8 µs of CPU a row; psycopg's
``write_row``, with the Python lists that it needs, 1.5 to 1.7.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

SIGNATURE = b"PGCOPY\n\xff\r\n\0" + b"\0" * 8
TRAILER = b"\xff\xff"
POSTGRES_EPOCH_US = 946_684_800_000_000
"""2000-01-01 UTC in microseconds since 1970: PostgreSQL counts timestamps from there."""

compute: Any = pc
"""Arrow's functions without their stubs, which know neither mixed scalars and arrays nor all of the functions."""
_NULL = pa.scalar(b"\xff\xff\xff\xff", pa.binary())
Array: TypeAlias = "pa.Array[Any]"
Column: TypeAlias = "pa.ChunkedArray[Any] | pa.Array[Any]"
_Bytes = npt.NDArray[np.uint8]


def timestamps(column: Column) -> Array:
    """Epoch seconds (float64) as PostgreSQL's timestamptz: int64 microseconds since 2000."""
    seconds = _flat(column)
    values = np.rint(np.asarray(seconds.fill_null(0.0).to_numpy(zero_copy_only=False), dtype=np.float64) * 1e6)
    return pa.array(values.astype(np.int64) - POSTGRES_EPOCH_US, mask=_nulls(seconds))


def smallints(column: Column) -> Array:
    """Any small integers as int16."""
    return _flat(column).cast(pa.int16())


def tuples(columns: Sequence[Column]) -> bytes:
    """One tuple a row; a COPY stream is SIGNATURE, tuples and TRAILER.

    Types that are understood: bool, int16, int32, int64, float64, utf8, binary. All columns have the same length.
    """
    rows = len(columns[0])
    count = np.tile(np.frombuffer(len(columns).to_bytes(2, "big"), dtype=np.uint8), rows)
    fields: list[Any] = [_binary(count, np.arange(0, 2 * rows + 1, 2, dtype=np.int32))]
    fields += [_field(_flat(column)) for column in columns]
    joined = compute.binary_join_element_wise(*fields, pa.scalar(b"", pa.binary()))
    return bytes(_data(joined))


def _flat(column: Column) -> Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _nulls(array: Array) -> npt.NDArray[np.bool_] | None:
    if not array.null_count:
        return None
    return np.asarray(array.is_null().to_numpy(zero_copy_only=False))


def _data(array: Array) -> memoryview:
    """The values of a binary array, one after the other."""
    _, places, values = array.buffers()
    if places is None or values is None:
        return memoryview(b"")
    offsets = np.frombuffer(memoryview(places), dtype=np.int32)[array.offset : array.offset + len(array) + 1]
    return memoryview(values)[offsets[0] : offsets[-1]]


def _binary(data: _Bytes, offsets: npt.NDArray[np.int32]) -> Array:
    return pa.Array.from_buffers(
        pa.binary(), len(offsets) - 1, [None, pa.py_buffer(offsets.data), pa.py_buffer(data.data)]
    )


def _field(array: Array) -> Any:
    if array.null_count == len(array):
        return _NULL
    if pa.types.is_string(array.type) or pa.types.is_binary(array.type):
        return _variable(array)
    return _fixed(array)


def _variable(array: Array) -> Array:
    binary = array.cast(pa.binary())
    lengths = np.asarray(compute.binary_length(binary).fill_null(-1).to_numpy(zero_copy_only=False), dtype=">i4")
    prefix = _binary(lengths.view(np.uint8), np.arange(0, 4 * len(array) + 1, 4, dtype=np.int32))
    joined: Array = compute.binary_join_element_wise(prefix, binary.fill_null(b""), pa.scalar(b"", pa.binary()))
    return joined


_WIRE = {pa.float64(): ">f8", pa.int64(): ">i8", pa.int32(): ">i4", pa.int16(): ">i2", pa.bool_(): "u1"}


def _fixed(array: Array) -> Array:
    wire = np.dtype(_WIRE[array.type])
    width = 4 + wire.itemsize
    nulls = _nulls(array)
    plain = array if nulls is None else array.fill_null(False if pa.types.is_boolean(array.type) else 0)
    cells = np.empty(len(array), dtype=[("length", ">i4"), ("value", wire)])
    cells["length"] = wire.itemsize
    cells["value"] = plain.to_numpy(zero_copy_only=False)
    data = cells.view(np.uint8)
    if nulls is None:
        return _binary(data, np.arange(0, width * len(array) + 1, width, dtype=np.int32))
    table = data.reshape(len(array), width)
    table[nulls, :4] = 0xFF
    kept = np.ones(table.shape, dtype=np.bool_)
    kept[nulls, 4:] = False
    offsets = np.zeros(len(array) + 1, dtype=np.int32)
    np.cumsum(np.where(nulls, 4, width), out=offsets[1:])
    return _binary(table[kept], offsets)
