"""Roll-ups and retention by our own scheduler, because Debian's TimescaleDB (Apache edition) has none.

Both can be run at any time and repeated: an hour is computed anew as a whole, a chunk is dropped by the time at which it was made.
On the community edition, retention and compression can be left to TimescaleDB's policies (``native_policies``); that way is written
here and was NOT run by us. Roll-ups are ours on both, so that late rows of one home mend one home's hours and both editions answer the same.
"""

import logging
from collections.abc import Container, Iterator
from typing import NamedTuple

from psycopg import sql

from contracts.kinds import FROM_DEVICES
from storage.columns import table_of
from storage.counts import ROLLED_UP
from storage.database import Connection
from storage.queries import execute, fetch_all, fetch_one, query
from storage.settings import KeeperSettings

LOG = logging.getLogger("storage.housekeeping")
DUE = query("rollups_due")
MADE = query("rollup_made")
ROLLUPS = {kind: query(f"rollup_{kind}") for kind in ROLLED_UP}
LICENSE = query("timescale_license")
COMPRESSED = query("compressed_hypertables")
DROP = query("drop_old_chunks")
FORGET_IDENTITIES = query("forget_old_identities")
FORGET_COUNTS = query("forget_old_counts")
SETTLE_COUNTS = query("settle_counts")
FORGET_CANARIES = query("forget_old_canaries")

LISTED_RUNS = 512
"""Runs of numbers of a device that stay listed; with twice as many, older gaps are only counted from then on."""
COMPRESS_AFTER_DAYS = 7
CANARY_DAYS = 7
"""Days that canaries are kept: 46,000 rows each. Chosen: a weekend that nobody looked at can still be looked into."""


class Made(NamedTuple):
    """One roll-up that was computed."""

    kind: str
    home_id: str


async def roll_up(connection: Connection, *, after_s: float, at_latest_s: float, at_most: int = 200) -> list[Made]:
    """Compute hours that are due, oldest first; returns what was computed (``home_id`` '' = all homes)."""
    made: list[Made] = []
    for due in await fetch_all(connection, DUE, after_s=after_s, at_latest_s=at_latest_s, at_most=at_most):
        # The mark is removed only if it is still the one that was read: a row that came meanwhile leaves its own.
        await execute(connection, ROLLUPS[due["kind"]], hour_at=due["hour_at"], home_id=due["home_id"])
        await execute(connection, MADE, **due)
        made.append(Made(due["kind"], due["home_id"]))
    return made


def keeping(settings: KeeperSettings) -> Iterator[tuple[str, int]]:
    """Each hypertable with the days that it is kept."""
    for kind in FROM_DEVICES:
        yield table_of(kind), settings.keep_inertial_days if kind == "inertial" else settings.keep_days
    for kind in ROLLED_UP:
        yield f"hourly_{kind}", settings.keep_rollups_days
    yield "dead_letters", settings.keep_dead_letters_days


async def is_community(connection: Connection) -> bool:
    """Whether TimescaleDB's own scheduler and compression are there."""
    row = await fetch_one(connection, LICENSE)
    return row is not None and row["license"] == "timescale"


async def retain(connection: Connection, settings: KeeperSettings) -> dict[str, int]:
    """Remove what is older than the settings keep; returns chunks dropped by table."""
    dropped: dict[str, int] = {}
    if settings.native_policies and await is_community(connection):
        compressed = {row["hypertable"] for row in await fetch_all(connection, COMPRESSED)}
        for statement in community_policies(settings, compressed):
            await connection.execute(statement)
    else:
        for hypertable, days in keeping(settings):
            chunks = await fetch_all(connection, DROP, hypertable=hypertable, days=days)
            if chunks:
                dropped[hypertable] = len(chunks)
                LOG.info("%s: %d chunks older than %d days dropped", hypertable, len(chunks), days)
    await execute(connection, FORGET_IDENTITIES, days=settings.keep_identity_days)
    await execute(connection, FORGET_COUNTS, days=settings.keep_identity_days)
    await execute(connection, SETTLE_COUNTS, listed=LISTED_RUNS)
    await execute(connection, FORGET_CANARIES, days=CANARY_DAYS)
    return dropped


def community_policies(settings: KeeperSettings, compressed: Container[str] = ()) -> Iterator[sql.Composed]:
    """Statements for the community edition, without those for tables that are ``compressed`` already. Not run by us: the Apache
    edition refuses them."""
    for hypertable, days in keeping(settings):
        yield sql.SQL(
            "SELECT add_retention_policy({table}, drop_created_before => make_interval(days => {days}), if_not_exists => true)"
        ).format(table=hypertable, days=days)
        if hypertable.startswith("reading_") and hypertable not in compressed:
            yield sql.SQL(
                "ALTER TABLE {table} SET (timescaledb.compress, timescaledb.compress_segmentby = 'home_id, device_id', "
                "timescaledb.compress_orderby = 'event_at, boot, seq')"
            ).format(table=sql.Identifier(hypertable))
            yield sql.SQL(
                "SELECT add_compression_policy({table}, compress_after => make_interval(days => {days}), if_not_exists => true)"
            ).format(table=hypertable, days=COMPRESS_AFTER_DAYS)
