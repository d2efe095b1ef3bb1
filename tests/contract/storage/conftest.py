"""A telemetry store over an empty, migrated database."""

from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest

from contracts.kinds import FROM_DEVICES
from storage.columns import table_of
from storage.database import Connection, connect
from storage.telemetry import TelemetryStore
from tests.contract.storage.telling import Telling

TABLES = ", ".join(
    [
        *(table_of(kind) for kind in FROM_DEVICES), "row_identity", "device_counts", "dead_letters", "sources", "unwatched", "rollup_due",
        "consumer_offsets", "devices", "contacts", "family_links", "residents", "homes", "home_cards", "learned_silences", "accounts", "users",
        "audit", "hourly_vitals", "hourly_motion", "hourly_water",
    ]
)  # fmt: skip


@pytest.fixture
def empty(database: str) -> str:
    """Conninfo of the module's database, emptied."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(f"TRUNCATE {TABLES} CASCADE")
    return database


@pytest.fixture
def store(empty: str) -> Iterator[TelemetryStore]:
    opened = TelemetryStore(empty)
    yield opened
    opened.close()


@pytest.fixture
def telling(empty: str) -> Iterator[Telling]:
    """Asks the database in plain words."""
    with psycopg.connect(empty, autocommit=True) as connection:
        yield Telling(connection)


@pytest.fixture
async def connection(empty: str) -> AsyncIterator[Connection]:
    opened = await connect(empty, "test")
    yield opened
    await opened.close()
