"""``./shouwang export``: for a city's own platforms, as files. What they hold stands in docs/upstream.md; the same by the api under /api/v1/upstream."""

import argparse
import csv
import hashlib
import json
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from cli._database import actor, with_database
from contracts.errors import ShouwangError
from deploy.site import Site
from storage import upstream
from storage.database import Connection
from storage.queries import execute, query

HELP = "for the city's platforms: people, visits and cases of those who agreed, figures of all others; JSON Lines and CSV with a manifest"
PAGE = 2_000
_AUDIT = query("api_audit")


class FolderInUse(ShouwangError):
    """{folder} is not empty. Name a new folder: an export stands by itself."""


class BadWords(ShouwangError):
    """{what} is not right: {detail}."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where to, of which area, since when."""
    parser.add_argument("folder", type=Path, help="a new or empty folder; its files are for its owner only")
    parser.add_argument("--area", default="", metavar="CODE", help="area code or its beginning; none = the whole site")
    parser.add_argument("--since", metavar="INSTANT", help="only what changed since: as_of of the manifest of the time before, as 2026-11-23T04:00:00Z")  # fmt: skip
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")


def run(args: argparse.Namespace) -> int:
    """Write the files, the manifest last."""
    since = _instant(args.since)
    if not (args.area.isdigit() or args.area == "") or len(args.area) > 12:
        raise BadWords(what=f"--area {args.area}", detail="give up to 12 digits")
    folder: Path = args.folder
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FolderInUse(folder=folder)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    now = datetime.now(UTC)

    async def work(connection: Connection) -> list[dict[str, Any]]:
        async with connection.transaction():
            await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            found = await _write(connection, folder, args.area, since, now)
            facts = {"words": "upstream export", "residents": [], "area": args.area, "rows": {each["name"]: each["rows"] for each in found}}  # fmt: skip
            await execute(
                connection, _AUDIT, now=now, actor=actor(), action="listed_residents", case_id=None, home_id=None, reason="export", facts=json.dumps(facts)
            )  # fmt: skip
        return found

    tables = with_database(Site.load(), work)
    manifest = {
        "form": upstream.SCHEMA, "source": upstream.SOURCE, "area": args.area, "since": args.since, "made_at": now.isoformat(),
        "as_of": upstream.as_of(now).isoformat(), "smallest": upstream.SMALLEST, "tables": tables,
    }  # fmt: skip
    with _file(folder / "manifest.json") as out:
        json.dump(manifest, out, ensure_ascii=False, indent=2)
    if args.json:
        print(json.dumps(manifest | {"folder": str(folder)}, ensure_ascii=False))
    else:
        print(f"{folder}: " + ", ".join(f"{each['rows']:,} {each['name']}" for each in tables))
    return 0


def _instant(said: str | None) -> datetime | None:
    if said is None:
        return None
    try:
        found = datetime.fromisoformat(said)
    except ValueError:
        raise BadWords(what=f"--since {said}", detail="write an instant like 2026-11-23T04:00:00Z") from None
    if found.tzinfo is None:
        raise BadWords(what=f"--since {said}", detail="say the zone, Z for UTC")
    return found


async def _write(
    connection: Connection, folder: Path, area: str, since: datetime | None, now: datetime
) -> list[dict[str, Any]]:
    found = []
    for name in upstream.LIST:
        with _Table(folder, name) as table:
            after: str | None = ""
            while after is not None:
                rows, after = await upstream.page(connection, name, area=area, since=since, after=after, most=PAGE)
                table.put(rows)
        found.append(table.told())
    with _Table(folder, "figures") as table:
        table.put(each._asdict() | {"withheld": each.withheld} for each in await upstream.figures(connection, area, now))  # fmt: skip
    found.append(table.told())
    return found


def _file(path: Path) -> TextIO:
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8", newline="")


class _Table:
    """One table in both forms: NAME.jsonl and NAME.csv, a line a row."""

    def __init__(self, folder: Path, name: str) -> None:
        self._paths = [folder / f"{name}.jsonl", folder / f"{name}.csv"]
        self._name = name
        self._rows = 0

    def __enter__(self) -> "_Table":
        self._lines, self._cells = (_file(path) for path in self._paths)
        self._csv = csv.writer(self._cells)
        self._csv.writerow(upstream.FIELDS[self._name])
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.close()
        self._cells.close()

    def put(self, rows: Iterable[dict[str, Any]]) -> None:
        for row in rows:
            told = {field: row[field] for field in upstream.FIELDS[self._name]}
            self._lines.write(json.dumps(told, ensure_ascii=False, default=_text) + "\n")
            self._csv.writerow([_cell(each) for each in told.values()])
            self._rows += 1

    def told(self) -> dict[str, Any]:
        sums = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in self._paths}
        return {"name": self._name, "rows": self._rows, "fields": upstream.FIELDS[self._name], "sha256": sums}


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _cell(value: object) -> object:
    if isinstance(value, list):
        return ";".join(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    text = _text(value) if isinstance(value, datetime) else value
    # A name that begins like a formula would be one in a spreadsheet.
    return f"'{text}" if isinstance(text, str) and text[:1] in ("=", "+", "-", "@") else text
