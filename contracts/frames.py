"""Frames: many readings as columns in one Kafka record; a tick is a frame without rows.

Layout: ``SWF1`` | crc32 of the rest (4) | length of meta (4) | meta (msgpack) | one Arrow IPC stream for each kind present,
one after the other, lengths in the meta. Little-endian. Compression is the producer's (zstd).
"""

import struct
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from contracts.errors import FrameError
from contracts.kinds import DEFAULTS, SCHEMAS, VALUES, Reading

MAGIC = b"SWF1"
_HEAD = struct.Struct("<4sII")
VERSION = 1


class Block(msgspec.Struct, frozen=True, array_like=True):
    """One kind's stream within the record."""

    kind: str
    rows: int
    bytes: int


class FrameMeta(msgspec.Struct, frozen=True, kw_only=True):
    """What a bridge states with a frame."""

    source: str
    """The bridge's source name; a home belongs to one source.

    Empty for the keeper's frames, which hold only rows of kind ``card`` and state nothing (``watched_until_s`` None, no
    ``unwatched``): a reader applies those rows to the homes of the partition whatever their source, at once, in log order.
    """
    lane: str
    """``bulk`` or ``urgent``."""
    watched_until_s: float | None
    """Everything the broker had for the source's homes up to this instant (bridge clock) stands in this frame or before it."""
    unwatched: tuple[tuple[float, float], ...] = ()
    """Intervals that count for nobody's silence: the bridge, its broker or their connection was away."""
    clock: str = "wall"
    """``wall``, ``virtual`` or ``recorded``."""
    sent_wall_s: float = 0.0
    """Wall clock at sending, for latency figures only."""
    version: int = VERSION
    blocks: tuple[Block, ...] = ()


class Frame(msgspec.Struct, frozen=True):
    """A decoded frame: what was stated, and a record batch for each kind present."""

    meta: FrameMeta
    batches: dict[str, pa.RecordBatch]

    @property
    def rows(self) -> int:
        return sum(batch.num_rows for batch in self.batches.values())


_FIELDS = msgspec.structs.astuple


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """Where, whence and when of one row; fields as in ``kinds.ENVELOPE`` without ``ordinal``."""

    home_id: str
    device_id: str
    via: str | None
    resident_id: str | None
    event_at_s: float
    received_at_s: float
    device_at_s: float | None
    clock: int
    boot: int
    seq: int


def _values_of(kind: str) -> Callable[[Reading], tuple[Any, ...]]:
    """Reads a reading's value columns in their order."""
    names = [column.name for column in VALUES[kind]]
    get: Any = attrgetter(*names)
    return get if len(names) > 1 else lambda reading: (get(reading),)


_VALUES_OF = {kind: _values_of(kind) for kind in VALUES}
_ROW_TYPES = {kind: pa.struct(list(schema)) for kind, schema in SCHEMAS.items()}


def _batch(kind: str, rows: list[tuple[Any, ...]]) -> pa.RecordBatch:
    """Rows as columns. One conversion a kind, not one a column: a frame of few rows is built four times as fast."""
    structs: Any = pa.array(rows, type=_ROW_TYPES[kind])
    return pa.RecordBatch.from_struct_array(structs)


class FrameBuilder:
    """Collects rows of one partition and lane until the bridge sends them, as columns, in one frame."""

    def __init__(self) -> None:
        self.rows = 0
        self._rows: dict[str, list[tuple[Any, ...]]] = {}

    def add(self, kind: str, envelope: Envelope, reading: Reading) -> None:
        """Append one row; order of calls is order of arrival."""
        rows = self._rows.get(kind)
        if rows is None:
            rows = self._rows[kind] = []
        rows.append((*_FIELDS(envelope), self.rows, *_VALUES_OF[kind](reading)))
        self.rows += 1

    def add_row(self, kind: str, envelope: Sequence[Any], values: Sequence[Any]) -> None:
        """The same from columns: of the envelope in the order of ``Envelope``, of the kind in that of its Struct."""
        rows = self._rows.get(kind)
        if rows is None:
            rows = self._rows[kind] = []
        rows.append((*envelope, self.rows, *values))
        self.rows += 1

    def build(self, meta: FrameMeta) -> bytes:
        """The record's value. The builder is empty afterwards."""
        batches = {kind: _batch(kind, rows) for kind, rows in self._rows.items()}
        self._rows = {}
        self.rows = 0
        return encode(meta, batches)


def encode(meta: FrameMeta, batches: Mapping[str, pa.RecordBatch]) -> bytes:
    """One Kafka value from a statement and a record batch for each kind."""
    streams: list[bytes] = []
    blocks: list[Block] = []
    for kind, batch in batches.items():
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, SCHEMAS[kind]) as writer:
            writer.write_batch(batch)
        stream = sink.getvalue().to_pybytes()
        streams.append(stream)
        blocks.append(Block(kind, batch.num_rows, len(stream)))
    head = msgspec.msgpack.encode(msgspec.structs.replace(meta, blocks=tuple(blocks)))
    body = b"".join((head, *streams))
    return _HEAD.pack(MAGIC, zlib.crc32(body), len(head)) + body


_META = msgspec.msgpack.Decoder(FrameMeta)


def read_meta(value: bytes) -> FrameMeta:
    """The statement alone, checked. Raises FrameError."""
    if len(value) < _HEAD.size:
        raise FrameError(detail=f"{len(value)} bytes are too short for a frame")
    magic, crc, head = _HEAD.unpack_from(value)
    if magic != MAGIC:
        raise FrameError(detail="it does not begin with SWF1")
    if zlib.crc32(memoryview(value)[_HEAD.size :]) != crc:
        raise FrameError(detail="its check sum is wrong: bytes were changed or lost")
    try:
        meta = _META.decode(memoryview(value)[_HEAD.size : _HEAD.size + head])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise FrameError(detail=str(error)) from error
    if _HEAD.size + head + sum(block.bytes for block in meta.blocks) != len(value):
        raise FrameError(detail="its parts are not as long as its head says: bytes were changed or lost")
    if meta.version != VERSION:
        raise FrameError(detail=f"it has version {meta.version}, this program reads {VERSION}")
    return meta


def decode(value: bytes, kinds: Iterable[str] | None = None) -> Frame:
    """Read a Kafka value; with ``kinds``, only these. Raises FrameError."""
    meta = read_meta(value)
    wanted = None if kinds is None else set(kinds)
    at = _HEAD.size + _HEAD.unpack_from(value)[2]
    batches: dict[str, pa.RecordBatch] = {}
    for block in meta.blocks:
        if block.kind in SCHEMAS and (wanted is None or block.kind in wanted):
            try:
                batches[block.kind] = _read(block.kind, pa.py_buffer(value)[at : at + block.bytes])
            except (pa.ArrowInvalid, StopIteration, OSError) as error:
                raise FrameError(detail=f"its {block.kind} block does not read: {error}") from error
        at += block.bytes
    return Frame(meta, batches)


_SCHEMA_BYTES = {kind: schema.serialize() for kind, schema in SCHEMAS.items()}
"""How each kind's stream begins when it was written by this version of Arrow."""


def _read(kind: str, stream: pa.Buffer) -> pa.RecordBatch:
    """The one batch of a kind's stream."""
    known = _SCHEMA_BYTES[kind]
    if stream[: known.size].equals(known):
        # The usual case, in a third of the time: to compare schemas costs more than to read the rows.
        return pa.ipc.read_record_batch(stream[known.size :], SCHEMAS[kind])
    with pa.ipc.open_stream(stream) as reader:
        batch = reader.read_next_batch()
    return batch if batch.schema.equals(SCHEMAS[kind]) else _brought_up(kind, batch)


def _brought_up(kind: str, batch: pa.RecordBatch) -> pa.RecordBatch:
    """A batch of an earlier version: columns that were added since have the value that a reading without them has. Raises FrameError."""
    wanted, given = SCHEMAS[kind], batch.schema
    added = {name: value for name, value in DEFAULTS[kind].items() if name not in given.names}
    if any(field.name not in added and field not in given for field in wanted) or len(given) + len(added) != len(
        wanted
    ):
        raise FrameError(detail=f"its {kind} block has other columns than this program knows")
    columns: list[pa.Array[Any]] = [
        pa.array([added[field.name]] * batch.num_rows, type=field.type)
        if field.name in added
        else batch.column(field.name)
        for field in wanted
    ]
    return pa.RecordBatch.from_arrays(columns, schema=wanted)


def numbers(batch: pa.RecordBatch, name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    """A numeric or boolean column as float64, null as NaN; shape ``[rows]``."""
    column = batch.column(name)
    if pa.types.is_boolean(column.type) and column.null_count:
        column = column.cast(pa.uint8())  # numpy's booleans have no null
    # Arrow itself gives NaN for a null, in float64, and nothing is copied where there is none.
    return column.to_numpy(zero_copy_only=False).astype(np.float64, copy=False)


def strings(batch: pa.RecordBatch, name: str) -> Sequence[Any]:
    """Any other column as a Python list, null as None."""
    values: list[Any] = batch.column(name).to_pylist()
    return values
