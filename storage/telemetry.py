"""The telemetry store: rows of frames into the hypertables, each once, and the accounts that go with them.

Rows go in by COPY. Where the database knows one of them already, that COPY is undone and the kind's rows take the longer way, through a
temporary table and ON CONFLICT DO NOTHING: 10 µs a row instead of 5 (M), but repeats are rare.
A row whose time was corrected passes ``row_identity`` first, because its repeat carries another ``event_at``.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import psycopg
import pyarrow as pa

from contracts.dead_letters import DeadLetter
from contracts.frames import FrameMeta
from contracts.kinds import DEVICE, FROM_DEVICES
from contracts.names import is_id
from storage.columns import COLUMNS, copy_stream, joined, table_of
from storage.copy_binary import Array, compute
from storage.counts import Columns, Counts
from storage.database import options
from storage.errors import BadRows
from storage.queries import query

CONSUMER = "writer"
"""Whose offsets are those of the accounts: where a writer begins to read."""
ROWS = "writer-rows"
"""Whose offsets are those of the rows: what lies before them is stored and only counted."""
WRITER_LOCK = 0x5348_0002
"""Advisory lock of the one writer; a second instance waits for it."""
LATEST_S = 7_258_118_400.0
"""The year 2200: what lies beyond is no time."""
MOST = 2**62
"""Largest boot and seq (contracts.kinds.Counter)."""
TRANSACTION_S = 120.0
"""Longest transaction of the writer, s: a frozen one must not hold devices' rows for ever."""
DIRECT_AGAIN = 50
"""After a repeat was met, this many batches of the kind take the longer way before the direct one is tried again."""


class Letter(NamedTuple):
    """A dead letter and its place in Kafka."""

    letter_id: str
    letter: DeadLetter


class Statement(NamedTuple):
    """What a frame stated, with its partition and the broker's wall clock (s)."""

    partition: int
    heard_at_s: float
    meta: FrameMeta


class Batch(NamedTuple):
    """Rows by kind (with the column SOURCE), statements and dead letters that are stored together."""

    tables: Mapping[str, pa.Table]
    statements: Sequence[Statement] = ()
    letters: Sequence[Letter] = ()

    @property
    def rows(self) -> int:
        return sum(len(table) for table in self.tables.values())


def check_rows(table: pa.Table) -> None:
    """Raises BadRows where a frame holds what no bridge writes and the database could not account for."""
    for name in ("home_id", "device_id", "via"):
        for value in compute.unique(table[name]).to_pylist():
            if value is not None and not is_id(value):
                raise BadRows(detail=f"{name} {value!r} is no id")
    for name in ("event_at_s", "received_at_s", "device_at_s"):
        instants_s = np.asarray(table[name].drop_null().to_numpy())
        if len(instants_s) and not (instants_s.min() >= 0 and instants_s.max() <= LATEST_S):  # NaN too
            detail = f"{name} lies between {instants_s.min()} and {instants_s.max()}, not between 1970 and 2200"
            raise BadRows(detail=detail)
    for name, most in (("boot", MOST), ("seq", MOST)):
        numbered = table[name].filter(compute.greater_equal(table["boot"], 0))
        if len(numbered) and compute.max(numbered).as_py() > most:
            raise BadRows(detail=f"{name} is beyond {most}")


def tables_of(frames: Sequence[tuple[Statement, Mapping[str, pa.RecordBatch]]]) -> dict[str, pa.Table]:
    """The rows of several frames, kind by kind, in order, with the column SOURCE. Kinds that no device sends (cards) are left out."""
    parts: dict[str, tuple[list[pa.RecordBatch], list[str]]] = {}
    for statement, batches in frames:
        for kind, rows in batches.items():
            if kind in FROM_DEVICES and rows.num_rows:
                of_kind, sources = parts.setdefault(kind, ([], []))
                of_kind.append(rows)
                sources.append(statement.meta.source)
    return {kind: joined(*of_kind) for kind, of_kind in parts.items()}


def batch_of(frames: Sequence[tuple[Statement, Mapping[str, pa.RecordBatch]]], letters: Sequence[Letter] = ()) -> Batch:
    """Put the rows of several frames together. Raises BadRows."""
    tables = tables_of(frames)
    for table in tables.values():
        check_rows(table)
    return Batch(tables, [statement for statement, _ in frames if statement.meta.source], letters)


class Stored(NamedTuple):
    """Rows by kind: stored for the first time, and known already."""

    new: dict[str, int]
    repeated: dict[str, int]


def _direct(kind: str) -> bytes:
    return f"COPY {table_of(kind)} ({_list(kind)}) FROM STDIN (FORMAT binary)".encode()


def _list(kind: str, prefix: str = "") -> str:
    return ", ".join(f'{prefix}"{column}"' for column in COLUMNS[kind])


_TEMPORARY = "CREATE TEMPORARY TABLE in_{kind} AS SELECT {columns} FROM {table} WITH NO DATA"

# A row with the device's own time. It may have been stored before with a corrected one, then row_identity knows it.
_KNOWN_TIME = """
INSERT INTO {table} ({columns})
SELECT {columns} FROM in_{kind} AS i
 WHERE NOT EXISTS (SELECT FROM row_identity AS d
                    WHERE d.home_id = i.home_id AND d.device_id = i.device_id AND d.kind = '{kind}' AND d.boot = i.boot AND d.seq = i.seq
                      AND d.told_at = i.event_at)
    ON CONFLICT DO NOTHING"""

# A row without. Its identity goes in first, and only new ones go on; it may have been stored before with the device's own time.
_OTHER_TIME = """
WITH incoming AS MATERIALIZED (
    SELECT DISTINCT ON (home_id, device_id, boot, seq, told_at) *
      FROM (SELECT i.*, CASE WHEN device_at IS NOT NULL THEN device_at
                             WHEN boot >= 0 THEN timestamptz '-infinity'
                             ELSE date_trunc('minute', received_at) END AS told_at
              FROM in_{kind} AS i) AS told
     ORDER BY home_id, device_id, boot, seq, told_at, received_at
), fresh AS (
    INSERT INTO row_identity (home_id, device_id, kind, boot, seq, told_at)
    SELECT i.home_id, i.device_id, '{kind}', i.boot, i.seq, i.told_at
      FROM incoming AS i
     WHERE NOT EXISTS (SELECT FROM {table} AS r
                        WHERE r.home_id = i.home_id AND r.device_id = i.device_id AND r.event_at = i.told_at AND r.boot = i.boot
                          AND r.seq = i.seq)
        ON CONFLICT DO NOTHING
    RETURNING home_id, device_id, boot, seq, told_at
)
INSERT INTO {table} ({columns})
SELECT {columns} FROM incoming JOIN fresh USING (home_id, device_id, boot, seq, told_at)
    ON CONFLICT DO NOTHING"""


def _statement(template: str, kind: str) -> bytes:
    return template.format(kind=kind, table=table_of(kind), columns=_list(kind)).encode()


class TelemetryStore:
    """One connection's way into the hypertables. Not safe for two threads at once.

    After any exception the connection is in no transaction; what was being stored is not, and may be stored again.
    """

    def __init__(self, conninfo: str) -> None:
        """Raises psycopg.OperationalError where nobody answers."""
        self._connection: psycopg.Connection[Any] = psycopg.connect(
            conninfo,
            autocommit=True,
            application_name="shouwang writer",
            # A commit that a crash of the server loses takes the offsets with it: the log of the database is one sequence.
            options=options(lock_s=30, idle_s=15, transaction_s=TRANSACTION_S, synchronous=False),
            connect_timeout=5,
            keepalives_idle=5,
            keepalives_interval=5,
            keepalives_count=3,
        )
        self._longer_way: dict[str, int] = {}
        for kind in FROM_DEVICES:
            self._connection.execute(_statement(_TEMPORARY, kind))
        found = self._connection.execute(query("homes_with_corrected_rows"))
        self._corrected: Array = pa.array(sorted(home_id for (home_id,) in found), type=pa.string())
        """Homes where a device's own clock was set right: their rows are looked up by both times."""

    def close(self) -> None:
        self._connection.close()

    def lock(self) -> bool:
        """Become the one writer; False while another is."""
        row = self._connection.execute("SELECT pg_try_advisory_lock(%s)", [WRITER_LOCK]).fetchone()
        return bool(row and row[0])

    def store(self, batch: Batch, offsets: Mapping[tuple[str, int], int] = MappingProxyType({})) -> Stored:
        """Store rows, statements about unwatched time, and dead letters in one transaction, and move the offsets of rows.

        Raises psycopg.DataError or IntegrityError where one of the rows cannot be stored, then nothing of the batch is.
        """
        stored = Stored({}, {})
        with self._connection.transaction():
            for kind, rows in batch.tables.items():
                new = self._store_kind(kind, rows)
                stored.new[kind] = new
                stored.repeated[kind] = len(rows) - new
            for statement in batch.statements:
                for from_s, to_s in statement.meta.unwatched:
                    values = {"source": statement.meta.source, "from_s": from_s, "to_s": to_s}
                    self._connection.execute(query("note_unwatched"), values)
            if batch.letters:
                with self._connection.cursor() as cursor:
                    cursor.executemany(query("keep_letter"), [_letter(each) for each in batch.letters])
            self._move(ROWS, offsets)
        return stored

    def account(
        self, counts: Counts, statements: Mapping[tuple[str, int], Statement], offsets: Mapping[tuple[str, int], int]
    ) -> None:
        """Merge accounts and move the offsets (next to read, by topic and partition) in one transaction."""
        with self._connection.transaction():
            for name, columns in (
                ("merge_counts", counts.runs()), ("merge_refused", counts.refused()), ("merge_told", counts.told()),
                ("merge_seen", counts.seen()), ("mark_rollups", counts.marks()),
            ):  # fmt: skip
                self._merge(name, columns)
            for (source, partition), statement in sorted(statements.items()):
                values = {
                    "source": source, "partition": partition, "clock": statement.meta.clock,
                    "watched_until_s": statement.meta.watched_until_s, "heard_at_s": statement.heard_at_s,
                }  # fmt: skip
                self._connection.execute(query("merge_source"), values)
            self._move(CONSUMER, offsets)

    def _move(self, consumer: str, offsets: Mapping[tuple[str, int], int]) -> None:
        for (topic, partition), next_offset in sorted(offsets.items()):
            place = {"consumer": consumer, "topic": topic, "partition": partition, "next_offset": next_offset}
            self._connection.execute(query("move_offset"), place)

    def refused_frames(self) -> set[str]:
        """Places (``topic/partition/offset``) of frames that could not be stored: they count for nothing when they are read again."""
        return {letter_id for (letter_id,) in self._connection.execute(query("letters_of_the_writer"))}

    def offsets(self, consumer: str = CONSUMER) -> dict[tuple[str, int], int]:
        """Next offset by topic and partition."""
        rows = self._connection.execute(query("consumer_offsets"), {"consumer": consumer})
        return {(topic, partition): next_offset for topic, partition, next_offset in rows}

    def forget_offset(self, topic: str, partition: int) -> None:
        """The log was emptied: begin anew there."""
        for consumer in (CONSUMER, ROWS):
            place = {"consumer": consumer, "topic": topic, "partition": partition}
            self._connection.execute(query("reset_offset"), place)

    def _merge(self, name: str, columns: Columns) -> None:
        if len(next(iter(columns.values()))):
            self._connection.execute(query(name), columns)

    def _store_kind(self, kind: str, rows: pa.Table) -> int:
        own_time = compute.equal(rows["clock"], DEVICE)
        if compute.all(own_time).as_py():
            return self._store_own_time(kind, rows)
        other = rows.filter(compute.invert(own_time))
        new = self._store_own_time(kind, rows.filter(own_time))
        told = other.filter(compute.is_valid(other["device_at_s"]))
        unknown = compute.invert(compute.is_in(told["home_id"], value_set=self._corrected))
        if compute.any(unknown).as_py():
            homes = compute.unique(told["home_id"].filter(unknown)).cast(pa.string())
            self._corrected = pa.concat_arrays([self._corrected, homes])
        return new + self._by_way_of(kind, other, _statement(_OTHER_TIME, kind))

    def _store_own_time(self, kind: str, rows: pa.Table) -> int:
        new = 0
        if len(self._corrected):
            suspect = compute.is_in(rows["home_id"], value_set=self._corrected)
            if compute.any(suspect).as_py():
                new = self._by_way_of(kind, rows.filter(suspect), _statement(_KNOWN_TIME, kind))
                rows = rows.filter(compute.invert(suspect))
        if not len(rows):
            return new
        if self._longer_way.get(kind, 0):
            self._longer_way[kind] -= 1
        else:
            try:
                with self._connection.transaction():
                    return new + self._copy(_direct(kind), kind, rows)
            except psycopg.errors.UniqueViolation:
                self._longer_way[kind] = DIRECT_AGAIN
        return new + self._by_way_of(kind, rows, _statement(_KNOWN_TIME, kind))

    def _by_way_of(self, kind: str, rows: pa.Table, statement: bytes) -> int:
        """Through the kind's temporary table; returns the rows that were new."""
        if not len(rows):
            return 0
        self._copy(f"COPY in_{kind} ({_list(kind)}) FROM STDIN (FORMAT binary)".encode(), kind, rows)
        new = self._connection.execute(statement).rowcount
        self._connection.execute(f"TRUNCATE in_{kind}".encode())
        return new

    def _copy(self, command: bytes, kind: str, rows: pa.Table) -> int:
        with self._connection.cursor() as cursor:
            with cursor.copy(command) as copy:
                for piece in copy_stream(kind, rows):
                    copy.write(piece)
            return cursor.rowcount


def _letter(each: Letter) -> dict[str, Any]:
    letter = each.letter
    return {
        "letter_id": each.letter_id, "at_s": letter.at_s, "stage": letter.stage, "source": letter.source,
        "topic": letter.topic.replace("\0", ""), "account": letter.account.replace("\0", ""), "reason": letter.reason,
        "detail": letter.detail.replace("\0", ""), "boot": letter.boot, "seq": letter.seq, "size": letter.size,
        "payload": letter.payload,
    }  # fmt: skip
