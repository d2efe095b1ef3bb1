"""From the columns of a frame to the columns of a hypertable, kind by kind."""

from collections.abc import Iterator, Sequence

import pyarrow as pa

from contracts.kinds import ENVELOPE, FROM_DEVICES, VALUES
from storage.copy_binary import SIGNATURE, TRAILER, Array, Column, compute, smallints, timestamps, tuples

SOURCE = "from_source"
"""Column with the source of each row's frame; no kind has one of that name (fall_alarm has ``source``)."""
_NOT_STORED = {"ordinal"}
PIECE_ROWS = 5_000
"""Rows of a piece of a COPY stream."""


def table_of(kind: str) -> str:
    """Name of a kind's hypertable."""
    return f"reading_{kind}"


def sql_name(column: str) -> str:
    """A column's name in SQL: instants are ``_at`` (timestamptz) there and ``_at_s`` (epoch seconds) in frames."""
    return column[:-2] if column.endswith("_at_s") else column


COLUMNS: dict[str, tuple[str, ...]] = {
    kind: tuple(sql_name(c.name) for c in (*ENVELOPE, *VALUES[kind]) if c.name not in _NOT_STORED)
    for kind in FROM_DEVICES
}
"""Columns that the writer fills, in the order of its COPY; ``stored_at`` is the database's."""


def copy_stream(kind: str, rows: pa.Table) -> Iterator[bytes]:
    """Rows of a kind as a binary COPY stream for COLUMNS[kind], a piece at a time: the server takes one in while the next is made."""
    yield SIGNATURE
    for first in range(0, len(rows), PIECE_ROWS):
        yield tuples(_columns(kind, rows.slice(first, PIECE_ROWS)))
    yield TRAILER


def _columns(kind: str, rows: pa.Table) -> list[Column]:
    """COLUMNS[kind]. Characters NUL, which PostgreSQL's text cannot hold, are left out."""
    columns: list[Column] = []
    for column in ENVELOPE:
        if column.name.endswith("_at_s"):
            columns.append(timestamps(rows[column.name]))
        elif column.name == "clock":
            columns.append(smallints(rows[column.name]))
        elif column.name not in _NOT_STORED:
            columns.append(rows[column.name])
    for column in VALUES[kind]:
        values: Column = rows[column.name]
        columns.append(without_nul(values) if pa.types.is_string(values.type) else values)
    return columns


def without_nul(values: Column) -> Column:
    replaced: Array = compute.replace_substring(values, pattern="\0", replacement="")
    return replaced


def joined(batches: Sequence[pa.RecordBatch], sources: Sequence[str]) -> pa.Table:
    """Record batches of one kind as one table, with a column SOURCE beside theirs (one source a batch)."""
    table = pa.Table.from_batches(list(batches))
    names = pa.chunked_array(
        [pa.repeat(pa.scalar(source), batch.num_rows) for source, batch in zip(sources, batches, strict=True)],
        type=pa.string(),
    )
    return table.append_column(SOURCE, names).combine_chunks()
