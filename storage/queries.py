"""Named queries: SQL lives in ``queries/*.sql`` and is called by name.

    CLAIM = query("claim_case")                      # at import: a wrong name stops the process there
    row = await fetch_one(connection, CLAIM, case_id=..., version=...)

A test prepares every one of them on a migrated database.
"""

import difflib
import re
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import dict_row

from storage.errors import BadQueryFile, UnknownQuery

FOLDER = Path(__file__).parent / "queries"
_MARK = re.compile(r"^-- name: (\S+)[ \t]*\n", re.MULTILINE)
_NAME = re.compile(r"[a-z][a-z0-9_]*")

Row = dict[str, Any]
Connection = psycopg.AsyncConnection[Any]


class Query(NamedTuple):
    """One named statement; parameters stand in it as ``%(name)s``."""

    name: str
    what: str
    """The line of English below its name."""
    sql: bytes
    file: str


def parse(text: str, file: str) -> list[Query]:
    """Queries of one file. Raises BadQueryFile."""
    parts = _MARK.split(text)
    found: list[Query] = []
    for name, body in zip(parts[1::2], parts[2::2], strict=True):
        first, _, rest = body.partition("\n")
        if not _NAME.fullmatch(name):
            raise BadQueryFile(path=file, detail=f"{name!r} is no name")
        if not first.startswith("-- ") or not first[3:].strip():
            raise BadQueryFile(path=file, detail=f"{name} has no line that says what it is for")
        statement = rest.strip().removesuffix(";")
        if not statement:
            raise BadQueryFile(path=file, detail=f"{name} holds no statement")
        found.append(Query(name, first[3:].strip(), statement.encode(), file))
    return found


@cache
def queries() -> dict[str, Query]:
    """All queries by name, read once. Raises BadQueryFile; a name may be used once over all files."""
    found: dict[str, Query] = {}
    for path in sorted(FOLDER.glob("*.sql")):
        for each in parse(path.read_text(encoding="utf-8"), path.name):
            if each.name in found:
                raise BadQueryFile(path=path.name, detail=f"{each.name} stands in {found[each.name].file} too")
            found[each.name] = each
    return found


def query(name: str) -> bytes:
    """SQL of a query, ready for ``execute``. Raises UnknownQuery; meant to be called at import."""
    try:
        return queries()[name].sql
    except KeyError:
        similar = ", ".join(difflib.get_close_matches(name, queries())) or "none"
        raise UnknownQuery(name=name, similar=similar) from None


async def fetch_all(connection: Connection, sql: bytes, /, **values: Any) -> list[Row]:
    """All rows of a query, as dicts."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(sql, values)
        return await cursor.fetchall()


async def fetch_one(connection: Connection, sql: bytes, /, **values: Any) -> Row | None:
    """First row of a query as a dict, or None."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(sql, values)
        return await cursor.fetchone()


async def execute(connection: Connection, sql: bytes, /, **values: Any) -> int:
    """Run a query for its effect; returns the rows it touched."""
    cursor = await connection.execute(sql, values)
    return cursor.rowcount
