"""Schema, queries and migrations against each other and against the contracts, on a real database."""

import re
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pyarrow as pa
import pytest

from contracts.kinds import FROM_DEVICES, SCHEMAS
from storage.columns import COLUMNS, sql_name, table_of
from storage.errors import BadMigration, MigrationChanged, NotMigrated
from storage.migrate import check, migrate, migrations
from storage.queries import queries
from tests.conftest import drop_database

pytestmark = pytest.mark.services

SQL_TYPES = {
    pa.utf8(): "text", pa.float64(): "double precision", pa.int64(): "bigint", pa.bool_(): "boolean", pa.binary(): "bytea",
    pa.uint8(): "smallint",
}  # fmt: skip


@pytest.fixture(scope="module")
def conninfo(database):
    return database


@pytest.mark.parametrize("name", sorted(queries()))
def test_every_query_can_be_prepared_on_a_migrated_database(conninfo, name):
    names: list[str] = []

    def number(match):
        if match.group(1) not in names:
            names.append(match.group(1))
        return f"${names.index(match.group(1)) + 1}"

    statement = re.sub(r"%\((\w+)\)s", number, queries()[name].sql.decode()).replace("%%", "%")
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(f"PREPARE looked_at AS {statement}".encode())


@pytest.mark.parametrize("kind", FROM_DEVICES)
def test_the_columns_of_a_kind_are_those_of_its_struct(conninfo, kind):
    with psycopg.connect(conninfo) as connection:
        found = connection.execute(
            "SELECT column_name, data_type, is_nullable = 'YES' FROM information_schema.columns WHERE table_name = %s ORDER BY ordinal_position",
            [table_of(kind)],
        ).fetchall()
    wanted = [
        (sql_name(f.name), "timestamp with time zone" if f.name.endswith("_at_s") else SQL_TYPES[f.type], f.nullable)
        for f in SCHEMAS[kind]
        if f.name != "ordinal"
    ]
    assert [column for column in found if column[0] != "stored_at"] == wanted
    assert [column[0] for column in wanted] == list(COLUMNS[kind])


def test_every_kind_is_a_hypertable_with_chunks_of_a_day_and_one_identity(conninfo):
    with psycopg.connect(conninfo) as connection:
        days = dict(
            connection.execute(
                "SELECT hypertable_name, time_interval FROM timescaledb_information.dimensions WHERE hypertable_name LIKE 'reading%'"
            ).fetchall()
        )
        keys = dict(
            connection.execute(
                "SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'u' AND conname LIKE 'reading%identity'"
            ).fetchall()
        )
    assert {name: interval.days for name, interval in days.items()} == {table_of(kind): 1 for kind in FROM_DEVICES}
    assert keys == {table_of(kind): "UNIQUE (home_id, device_id, event_at, boot, seq)" for kind in FROM_DEVICES}


def empty_database(conninfo):
    """Another database on the same server."""
    name = "migrating_test"
    drop_database(conninfo, name)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return psycopg.conninfo.make_conninfo(conninfo, dbname=name), name


@pytest.fixture
def unmigrated(conninfo):
    other, name = empty_database(conninfo)
    yield other
    drop_database(conninfo, name)


def test_two_migrations_at_once_apply_everything_once(unmigrated):
    with pytest.raises(NotMigrated, match="0001_people"):
        check(unmigrated)
    with ThreadPoolExecutor() as pool:
        applied = list(pool.map(migrate, [unmigrated] * 3))
    assert sorted(applied, key=len) == [[], [], [migration.name for migration in migrations()]]
    check(unmigrated)
    assert migrate(unmigrated) == []


def test_a_migration_that_was_changed_afterwards_is_refused_and_a_failing_one_leaves_nothing(unmigrated, tmp_path):
    first, second = tmp_path / "0001_first.sql", tmp_path / "0002_second.sql"
    first.write_text("-- One.\nCREATE TABLE one ();")
    second.write_text("-- Two.\nCREATE TABLE two (); SELECT 1 / 0;")
    with pytest.raises(BadMigration, match="division by zero"):
        migrate(unmigrated, tmp_path)
    with psycopg.connect(unmigrated) as connection:
        assert connection.execute(
            "SELECT to_regclass('one') IS NOT NULL, to_regclass('two') IS NOT NULL"
        ).fetchone() == (True, False)
    second.write_text("-- Two.\nCREATE TABLE two ();")
    assert migrate(unmigrated, tmp_path) == ["0002_second.sql"]
    first.write_text("-- One, changed.\nCREATE TABLE one ();")
    with pytest.raises(MigrationChanged, match="0001_first"):
        migrate(unmigrated, tmp_path)
