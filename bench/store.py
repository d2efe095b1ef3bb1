"""Rows into TimescaleDB: the writer's own way against the server's COPY of the same rows from a file. ``./shouwang bench store``.

Both fill the same hypertables, emptied before, with the same indexes, taking turns; that both hold the same rows afterwards is checked. The writer's
way begins with Kafka's values (frames of a city's mix), as its session takes them; the server's begins with a file in its own binary
format on its own disk, the fastest that PostgreSQL offers. Accounts (numbers stored, devices seen) are told apart: the server's COPY has none.
"""

import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import msgspec
import psutil
import psycopg
from psycopg import sql

from bench.city import sorts_of
from bench.load import home_name
from contracts.frames import Envelope, FrameBuilder, FrameMeta
from contracts.kinds import DEVICE, KINDS, Reading
from contracts.topics import READINGS
from deploy.site import Site
from deploy.steps import say
from storage.columns import COLUMNS, table_of
from storage.settings import WriterSettings
from storage.telemetry import TelemetryStore
from storage.writer import Record, Session

ROWS = 400_000
FRAME_ROWS = 260
"""Rows of a frame: 14,000 a second over 16 partitions, sent every 300 ms."""
BATCH_FRAMES = 60
"""Frames that the writer takes at once: what comes in a second and a bit."""
PARTITIONS = 16
TURNS = 3
BEGIN_S = 1_800_000_000.0
STORED = ("vitals", "motion", "power", "water", "air", "contact")


class Given(NamedTuple):
    """A record as the writer reads it from Kafka."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    value: bytes


class Cost(NamedTuple):
    """One turn."""

    wall_s: float
    client_cpu_s: float
    server_cpu_s: float


def records(rows: int, homes: int = 20_000) -> list[Record]:
    """A city's mix as frames, each device once a minute."""
    found: list[Any] = []
    said: dict[tuple[str, bytes], Reading] = {}
    for first in range(0, rows, FRAME_ROWS):
        builder = FrameBuilder()
        for place in range(first, min(rows, first + FRAME_ROWS)):
            turn, number = divmod(place, homes)
            sort = sorts_of(number)[turn % 3]
            value = sort.values[(turn + number) % 2]
            reading = said.get((sort.kind, value))
            if reading is None:
                reading = said[sort.kind, value] = msgspec.json.decode(b"{" + value + b"}", type=bare(sort.kind))
            at_s = BEGIN_S + place / 14_000
            envelope = Envelope(
                home_name("store", number),
                sort.device.device_id,
                None,
                None,
                at_s,
                at_s,
                at_s,
                DEVICE,
                1,
                turn // 3 + 1,
            )
            builder.add(sort.kind, envelope, reading)
        number = len(found)
        meta = FrameMeta(source="bench", lane="bulk", watched_until_s=at_s)
        found.append(Given(READINGS, number % PARTITIONS, number // PARTITIONS, int(at_s * 1000), builder.build(meta)))
    return found


def bare(kind: str) -> Any:
    """The kind, decoded from values alone."""
    return msgspec.defstruct(f"Bare{kind}", [], bases=(KINDS[kind],), tag=False, frozen=True, kw_only=True)


def measure(site: Site, rows: int = ROWS, turns: int = TURNS) -> dict[str, Any]:
    """Both ways in turn on a site whose database runs and is empty; medians."""
    given = records(rows)
    say("bench", f"{rows:,} rows in {len(given):,} frames")
    ours: list[Cost] = []
    theirs: list[Cost] = []
    accounts_s: list[float] = []
    sums: list[list[Any]] = []
    with psycopg.connect(site.superuser_conninfo("shouwang"), autocommit=True) as server:
        for turn in range(turns):
            cost, account_s = _writer(site, given)
            ours.append(cost)
            accounts_s.append(account_s)
            if not turn:
                _to_files(server)
            sums.append(_checksums(server))
            _empty(server)
            theirs.append(_measured(server.info.backend_pid, lambda: _from_files(server)))
            sums.append(_checksums(server))
            _empty(server)
            say("bench", f"turn {turn + 1}: writer {rows / ours[-1].wall_s:,.0f} rows/s, COPY {rows / theirs[-1].wall_s:,.0f} rows/s")  # fmt: skip
        _remove_files(server)
    if any(one != two for one, two in pairwise(sums)) or sum(count for _, count, *_ in sums[0]) != rows:
        raise AssertionError("the two ways did not store the same rows")
    own, copy = _median(ours), _median(theirs)
    return {
        "rows": rows,
        "rows_per_s": round(rows / own.wall_s),
        "copy_rows_per_s": round(rows / copy.wall_s),
        "ratio": round(copy.wall_s / own.wall_s, 3),
        "with_accounts_rows_per_s": round(rows / (own.wall_s + sorted(accounts_s)[len(accounts_s) // 2])),
        "cpu_us_per_row": {
            "writer": round(own.client_cpu_s / rows * 1e6, 2),
            "database": round(own.server_cpu_s / rows * 1e6, 2),
            "copy_database": round(copy.server_cpu_s / rows * 1e6, 2),
        },
    }


def _writer(site: Site, given: Sequence[Record]) -> tuple[Cost, float]:
    store = TelemetryStore(site.conninfo())
    try:
        pid = store._connection.info.backend_pid
        session = Session(store, WriterSettings(account_s=600))

        def take() -> None:
            for first in range(0, len(given), BATCH_FRAMES):
                session.take(given[first : first + BATCH_FRAMES])

        cost = _measured(pid, take)
        began_s = time.monotonic()
        session.account()
        return cost, time.monotonic() - began_s
    finally:
        store.close()


def _measured(server_pid: int, work: Callable[[], None]) -> Cost:
    server = psutil.Process(server_pid)
    before = server.cpu_times()
    cpu_s, began_s = time.process_time(), time.monotonic()
    work()
    wall_s, client_s, after = time.monotonic() - began_s, time.process_time() - cpu_s, server.cpu_times()
    return Cost(wall_s, client_s, after.user + after.system - before.user - before.system)


def _files(server: psycopg.Connection[Any]) -> dict[str, str]:
    row = server.execute("SELECT current_setting('data_directory')").fetchone()
    assert row is not None
    return {kind: f"{row[0]}/bench-{kind}.copy" for kind in STORED}


def _to_files(server: psycopg.Connection[Any]) -> None:
    for kind, path in _files(server).items():
        statement = sql.SQL("COPY (SELECT {columns} FROM {table}) TO {path} (FORMAT binary)")
        server.execute(_filled(statement, kind, path))


def _from_files(server: psycopg.Connection[Any]) -> None:
    server.execute("SET synchronous_commit = off")
    for kind, path in _files(server).items():
        server.execute(_filled(sql.SQL("COPY {table} ({columns}) FROM {path} (FORMAT binary)"), kind, path))


def _remove_files(server: psycopg.Connection[Any]) -> None:
    """Files of the server can only be emptied through it; the site is the bench's own and goes with its next reset."""
    for kind, path in _files(server).items():
        server.execute(_filled(sql.SQL("COPY (SELECT FROM {table} WHERE false) TO {path}"), kind, path))


def _filled(statement: sql.SQL, kind: str, path: str) -> sql.Composed:
    return statement.format(
        columns=sql.SQL(", ").join(map(sql.Identifier, COLUMNS[kind])), table=sql.Identifier(table_of(kind)), path=path
    )


def _checksums(server: psycopg.Connection[Any]) -> list[Any]:
    statement = sql.SQL(
        "SELECT {kind}, count(*), sum(seq), sum(extract(epoch FROM event_at)), sum(hashtext(home_id || device_id)::bigint) FROM {table}"
    )
    return [
        server.execute(statement.format(kind=kind, table=sql.Identifier(table_of(kind)))).fetchone() for kind in STORED
    ]


def _empty(server: psycopg.Connection[Any]) -> None:
    for kind in STORED:
        server.execute(sql.SQL("TRUNCATE {}").format(sql.Identifier(table_of(kind))))
    server.execute("TRUNCATE consumer_offsets, device_counts, devices, rollup_due")


def _median(costs: Sequence[Cost]) -> Cost:
    return sorted(costs)[len(costs) // 2]
