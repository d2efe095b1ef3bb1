"""Backup and restore of what the log cannot give back: people, homes, devices, accounts, cases, audit, settings, what was learned.

A backup is one tar file: ``manifest.json`` (when, which migrations, rows by table) and ``tables.dump`` (pg_dump, data only, custom format), both of one
snapshot. Readings are not in it; the writer stores again what Kafka keeps of them. Where alerts had got to in Kafka is in it, in the same snapshot as
the detections and cases, so after a restore it goes on there: what came since is raised (again), under the ids that it had, and nothing twice.

A restore fills a new database beside the old one and puts it in its place only when it is whole; the old one keeps its rows under another name.
"""

import shutil
import tarfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from contracts import home_cards
from deploy import postgres_tools
from deploy.site import DATABASE, Site
from storage.errors import BackupTooNew, DatabaseInUse, NoBackup
from storage.migrate import FOLDER, check, migrate
from storage.queries import query

LEFT_OUT: Mapping[str, str] = {
    "schema_migrations": "made by the migrations",
    "reading_pattern": "an empty pattern of hypertables",
    "hourly_pattern": "an empty pattern of hypertables",
    "row_identity": "with it, readings that are read from Kafka again would be taken for repeats of rows that are not there",
    "rollup_due": "follows from the readings",
    "pipeline": "is told anew every second",
    "canaries": "say whether the way was whole at some moment; after a restore new ones say it",
    "resident_words": "follows from residents and homes",
    "device_silences": "follows from the detections, by a trigger that fires while they are restored",
    "coverage_due": "is filled by triggers while homes and devices are restored",
    "home_coverage": "is worked out anew for every home that is restored",
    "coverage_counts": "is counted with home_coverage",
    "sessions": "whoever was logged out since must not be logged in again",
    "kin_tokens": "a token that was ended since must not be valid again",
}
"""Tables beside the hypertables that are not in a backup, and why. A new table is in it unless it is named here."""

FORMAT = 1
DRAFT = f"{DATABASE}_restore"
_YEAR_2020_S = 1_577_836_800


class Manifest(msgspec.Struct, frozen=True):
    """What a backup says of itself."""

    format: int
    made_at: datetime
    """UTC."""
    migrations: dict[str, str]
    """Name -> check sum, as applied."""
    rows: dict[str, int]
    """By table."""


def backup(site: Site, file: Path) -> Manifest:
    """Write ``file`` whole (mode 0600) or not at all. Raises NotMigrated, StepFailed, OSError, psycopg.OperationalError."""
    check(site.conninfo())
    with (
        TemporaryDirectory(prefix="backup-", dir=site.data / "run") as name,
        psycopg.connect(site.conninfo(), row_factory=dict_row) as connection,
    ):
        folder = Path(name)
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        snapshot = _one(connection, "SELECT pg_export_snapshot() AS id")["id"]
        tables = [row["name"] for row in connection.execute(query("backup_tables"), {"left_out": [*LEFT_OUT]})]
        manifest = Manifest(
            format=FORMAT,
            made_at=datetime.now(UTC),
            migrations={row["name"]: row["sha256"] for row in connection.execute(query("backup_migrations"))},
            rows={table: _count(connection, table) for table in tables},
        )
        words = [
            "--format=custom",
            "--data-only",
            f"--snapshot={snapshot}",
            *(f"--table=public.{table}" for table in tables),
        ]
        postgres_tools.run(site, "pg_dump", DATABASE, words, target=folder / "tables.dump")
        (folder / "manifest.json").write_bytes(msgspec.json.format(msgspec.json.encode(manifest)) + b"\n")
        draft = file.with_name(f"{file.name}.draft")
        draft.touch(mode=0o600)  # it holds addresses, telephone numbers and hashes of passwords
        with tarfile.open(draft, "w") as tar:
            for part in ("manifest.json", "tables.dump"):
                tar.add(folder / part, part)
        draft.replace(file)
    return manifest


def read_manifest(file: Path) -> Manifest:
    """Raises NoBackup where ``file`` is none, BackupTooNew where a later version of ours wrote it."""
    try:
        with tarfile.open(file) as tar:
            found = tar.extractfile("manifest.json")
            assert found is not None
            manifest = msgspec.json.decode(found.read(), type=Manifest)
            tar.getmember("tables.dump")
    except (OSError, tarfile.TarError, KeyError, AssertionError, msgspec.DecodeError) as error:
        raise NoBackup(file=file, detail=error) from error
    unknown = [name for name in manifest.migrations if not (FOLDER / name).exists()]
    if manifest.format != FORMAT or unknown:
        raise BackupTooNew(file=file, detail=", ".join(unknown) or f"format {manifest.format}")
    return manifest


def is_used(site: Site) -> bool:
    """Whether the site's database holds anything that a restore would put aside."""
    try:
        with psycopg.connect(site.conninfo(), row_factory=dict_row) as connection:
            return bool(_one(connection, query("backup_is_used"))["used"])
    except psycopg.OperationalError as error:
        if f'database "{DATABASE}" does not exist' in str(error):
            return False
        raise
    except psycopg.errors.UndefinedTable:
        return False


def restore(site: Site, file: Path, actor: str) -> str:
    """Put the database of ``file`` in the place of the present one; returns the name under which that one is kept, "" where there was nothing in it.

    Raises NoBackup, BackupTooNew, DatabaseInUse, StepFailed, MigrationChanged, psycopg.Error; until the last step nothing is changed.
    """
    manifest = read_manifest(file)
    used = is_used(site)
    with psycopg.connect(site.conninfo("postgres"), autocommit=True, row_factory=dict_row) as server:
        _refuse_others(server)
        draft = sql.Identifier(DRAFT)
        server.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(draft)
        )  # of a restore that was broken off
        server.execute(sql.SQL("CREATE DATABASE {}").format(draft))
        _fill(site, file, manifest)
        _adjust(site.conninfo(DRAFT), manifest, file, actor)
        _refuse_others(server)
        return _put_in_place(server, used)


def _fill(site: Site, file: Path, manifest: Manifest) -> None:
    with TemporaryDirectory(prefix="restore-", dir=site.data / "run") as name:
        folder = Path(name)
        with tarfile.open(file) as tar:
            tar.extract("tables.dump", folder, filter="data")
        then = folder / "migrations"
        then.mkdir()
        for each in manifest.migrations:  # first in the form that the backup has, so that later migrations see its rows
            shutil.copy(FOLDER / each, then / each)
        migrate(site.conninfo(DRAFT), then)
        with psycopg.connect(
            site.conninfo(DRAFT)
        ) as connection:  # what migrations put into tables is in the backup as people changed it
            tables = sql.SQL(", ").join(map(sql.Identifier, manifest.rows))
            connection.execute(sql.SQL("TRUNCATE {} CASCADE").format(tables))
        words = ["--data-only", "--single-transaction", "--exit-on-error", "--no-owner"]
        postgres_tools.run(site, "pg_restore", DRAFT, words, source=folder / "tables.dump")
        migrate(site.conninfo(DRAFT))


def _adjust(conninfo: str, manifest: Manifest, file: Path, actor: str) -> None:
    # Higher than any version given out since the backup, also by an earlier restore of it: nothing changes every minute for years.
    version = int(time.time() - _YEAR_2020_S) // 60
    with psycopg.connect(conninfo, row_factory=dict_row) as connection:
        connection.execute(query("backup_writer_reads_anew"))
        connection.execute(query("backup_cases_are_newer"), {"version": version})
        cards = connection.execute(query("backup_cards")).fetchall()
        versions = [max(card["version"] + 1, version) for card in cards]
        values = [
            home_cards.encode(msgspec.structs.replace(home_cards.decode(bytes(card["card"])), version=number))
            for card, number in zip(cards, versions, strict=True)
        ]
        connection.execute(
            query("put_cards"), {"home_ids": [card["home_id"] for card in cards], "versions": versions, "cards": values}
        )
        facts = {"made_at": manifest.made_at.isoformat(), "rows": manifest.rows}
        connection.execute(
            query("backup_audit"), {"actor": actor, "reason": f"from {file.name}", "facts": Jsonb(facts)}
        )


def _put_in_place(server: psycopg.Connection[dict[str, Any]], used: bool) -> str:
    kept = f"{DATABASE}_before_{datetime.now(UTC):%Y%m%d_%H%M%S}" if used else ""
    rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
    try:
        if not kept:
            server.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(DATABASE)))
        with server.transaction():
            if kept:
                server.execute(rename.format(sql.Identifier(DATABASE), sql.Identifier(kept)))
            server.execute(rename.format(sql.Identifier(DRAFT), sql.Identifier(DATABASE)))
    except psycopg.errors.ObjectInUse as error:
        raise DatabaseInUse(who=str(error).strip()) from error
    return kept


def _refuse_others(server: psycopg.Connection[dict[str, Any]]) -> None:
    others = [row["name"] for row in server.execute(query("backup_others"), {"database": DATABASE})]
    if others:
        raise DatabaseInUse(who=", ".join(others))


def _count(connection: psycopg.Connection[dict[str, Any]], table: str) -> int:
    return int(_one(connection, sql.SQL("SELECT count(*) AS n FROM {}").format(sql.Identifier(table)))["n"])


def _one(
    connection: psycopg.Connection[dict[str, Any]], statement: Any, values: Sequence[object] = ()
) -> dict[str, Any]:
    row = connection.execute(statement, values).fetchone()
    assert row is not None
    return row
