"""Migrations: numbered ``.sql`` files, each applied once, each in one transaction.

An advisory lock is held meanwhile, so that two at once are safe: the second waits and finds nothing left to do. What was
applied stands in ``schema_migrations`` with the file's check sum; a file that was changed afterwards is refused.
"""

import hashlib
import re
from pathlib import Path
from typing import NamedTuple, Self

import psycopg
from psycopg.rows import TupleRow

from storage.errors import BadMigration, MigrationChanged, NotMigrated

FOLDER = Path(__file__).parent / "migrations"
LOCK = 0x5348_0001
"""Key of the advisory lock: 'SH' and a number of our own."""

_NAME = re.compile(r"\d{4}_[a-z0-9_]+\.sql")
_TABLE = b"""
CREATE TABLE IF NOT EXISTS schema_migrations (
    name       text PRIMARY KEY,
    sha256     text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)"""


class Migration(NamedTuple):
    """One file."""

    name: str
    sql: bytes
    sha256: str

    @classmethod
    def read(cls, path: Path) -> Self:
        content = path.read_bytes()
        return cls(path.name, content, hashlib.sha256(content).hexdigest())


def migrations(folder: Path = FOLDER) -> list[Migration]:
    """All files in order. Raises BadMigration for a name without its four digits, a number used twice, or a first line that says nothing."""
    found: list[Migration] = []
    for path in sorted(folder.glob("*.sql")):
        if not _NAME.fullmatch(path.name):
            raise BadMigration(name=path.name, detail="its name is not NNNN_words.sql")
        if found and found[-1].name[:4] == path.name[:4]:
            raise BadMigration(name=path.name, detail=f"{found[-1].name} has the same number")
        migration = Migration.read(path)
        if not migration.sql.startswith(b"-- "):
            raise BadMigration(name=path.name, detail="its first line does not say why (`-- ...`)")
        found.append(migration)
    return found


def migrate(conninfo: str, folder: Path = FOLDER) -> list[str]:
    """Apply what is missing, in order of number; returns the names applied.

    Raises MigrationChanged, BadMigration (with the database's own words), or psycopg.OperationalError where nobody answers.
    """
    applied: list[str] = []
    with psycopg.connect(conninfo, autocommit=True, application_name="shouwang migrate") as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        connection.execute(_TABLE)
        known = _known(connection)
        for migration in migrations(folder):
            if migration.name in known:
                if known[migration.name] != migration.sha256:
                    raise MigrationChanged(name=migration.name)
                continue
            _apply(connection, migration)
            applied.append(migration.name)
    return applied


def check(conninfo: str) -> None:
    """Raises NotMigrated where a migration is missing: a stage that starts too early says so."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        try:
            known = _known(connection)
        except psycopg.errors.UndefinedTable:
            known = {}
    missing = [migration.name for migration in migrations() if migration.name not in known]
    if missing:
        raise NotMigrated(missing=", ".join(missing))


def _known(connection: psycopg.Connection[TupleRow]) -> dict[str, str]:
    return dict(connection.execute("SELECT name, sha256 FROM schema_migrations").fetchall())


def _apply(connection: psycopg.Connection[TupleRow], migration: Migration) -> None:
    try:
        with connection.transaction():
            connection.execute(migration.sql)
            connection.execute(
                "INSERT INTO schema_migrations (name, sha256) VALUES (%s, %s)", [migration.name, migration.sha256]
            )
    except psycopg.errors.OperationalError:
        raise
    except psycopg.Error as error:
        raise BadMigration(name=migration.name, detail=str(error).strip()) from error
