"""``./shouwang paper``: open cases and everybody with whom to ring up, as files to print for the day the system is down; once, or again and again."""

import argparse
import html
import json
import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from cli._database import actor, with_database
from contracts.errors import ShouwangError
from deploy.site import Site
from storage import paper
from storage.database import Connection
from storage.errors import NoDatabase
from storage.queries import Row, execute, query

HELP = "lists to print for the day the system is down: open cases, and everybody with contacts in order; HTML and CSV, once or every N minutes"
PAGE = 2_000
MOST_CASES = 100_000
"""Ten times the queue that the console is made for."""
_AUDIT = query("api_audit")
_WORDS = {
    "priority": "优先级 priority", "family": "类别 kind", "handling": "状态 handling", "raised_at": "产生 raised (UTC)", "desk_id": "处理人 desk",
    "home_id": "编号 home", "area_code": "区划 area", "address": "地址 address", "care_level": "照护 care", "note": "备注 note",
    "key_at": "钥匙 key", "pets": "宠物 pets",
    "residents": "住户 residents", "contacts": "联系人（按顺序）contacts, in order", "calls": "来电 calls",
}  # fmt: skip
_STYLE = """@page{size:A4 landscape;margin:10mm}body{font:11px sans-serif}table{border-collapse:collapse;width:100%}
th,td{border:1px solid #888;padding:2px 4px;text-align:left;vertical-align:top}thead{display:table-header-group}tr{break-inside:avoid}"""


class BadFolder(ShouwangError):
    """The lists cannot be written to {folder}: {detail}. Nothing old was removed: name a folder that this user may write to."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where to, of which area, how often."""
    parser.add_argument(
        "folder",
        type=Path,
        help="best on another machine's disk; files are for their owner only, and are replaced whole",
    )
    parser.add_argument("--area", default="", metavar="CODE", help="area code or its beginning; none = the whole site")
    parser.add_argument("--every", type=float, metavar="MINUTES", help="write them again so often, until it is stopped")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")


def run(args: argparse.Namespace) -> int:
    """Write the lists. With ``--every`` a database that is away leaves the last ones where they are, and is tried again."""
    while True:
        try:
            told = _once(Site.load(), args.folder, args.area)
        except NoDatabase as error:
            if args.every is None:
                raise
            print(f"not written, the lists of last time stay: {error}")
        else:
            print(json.dumps(told, ensure_ascii=False) if args.json else f"{told['folder']}: {told['cases']:,} open cases, {told['homes']:,} homes")  # fmt: skip
        if args.every is None:
            return 0
        time.sleep(max(args.every, 0.1) * 60)


def _once(site: Site, folder: Path, area: str) -> dict[str, Any]:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return with_database(site, lambda connection: write(connection, folder, area, datetime.now(UTC), actor()))
    except OSError as error:
        raise BadFolder(folder=folder, detail=error.strerror or str(error)) from error


async def write(connection: Connection, folder: Path, area: str, now: datetime, who: str) -> dict[str, Any]:
    """Both lists of one instant; whoever wrote them stands in the audit."""
    async with connection.transaction():
        await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cases = await paper.cases(connection, area, most=MOST_CASES)
        with _Sheet(folder, "open-cases", "未结警情 · Open cases", paper.CASES, area, now, who) as sheet:
            sheet.put(cases)
        homes = 0
        with _Sheet(folder, "residents", "住户与联系人 · Residents and contacts", paper.HOMES, area, now, who) as sheet:
            after: str | None = ""
            while after is not None:
                rows, after = await paper.homes(connection, area, after=after, most=PAGE)
                sheet.put(rows)
                homes += len(rows)
        facts = {"words": "paper", "residents": [], "area": area, "rows": {"cases": len(cases), "homes": homes}}
        await execute(
            connection, _AUDIT, now=now, actor=who, action="listed_residents", case_id=None, home_id=None, reason="paper", facts=json.dumps(facts)
        )  # fmt: skip
    return {"folder": str(folder), "cases": len(cases), "homes": homes, "made_at": now.isoformat()}


class _Sheet:
    """One list in both forms, NAME.html and NAME.csv. They take the place of the old ones when they are whole, so that there always is one."""

    def __init__(
        self, folder: Path, name: str, title: str, fields: Sequence[str], area: str, now: datetime, who: str
    ) -> None:
        self._paths = (folder / f"{name}.html", folder / f"{name}.csv")
        self._fields = fields
        made = f"{title} · {area or '*'} · {now.astimezone():%Y-%m-%d %H:%M %Z} · {who}"
        # The head of a table is printed on every page, and with it when the list was made and by whom.
        self._head = (
            f'<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>{html.escape(made)}</title><style>{_STYLE}</style>'
            f'<table><thead><tr><th colspan="{len(fields)}">{html.escape(made)}</th></tr><tr>'
            + "".join(f"<th>{html.escape(_WORDS[field])}</th>" for field in fields)
            + "</tr></thead>\n"
        )
        self._made = ("made_at", now.isoformat(), "made_by", who, "area", area)

    def __enter__(self) -> "_Sheet":
        self._page, self._cells = (_draft(path) for path in self._paths)
        self._page.write(self._head)
        self._cells.write(paper.table([], self._fields, heading=self._made))
        self._cells.write(paper.table([], self._fields, heading=self._fields))
        return self

    def put(self, rows: Sequence[Row]) -> None:
        self._cells.write(paper.table(rows, self._fields))
        for row in rows:
            self._page.write("<tr>" + "".join(f"<td>{_shown(row[field])}</td>" for field in self._fields) + "</tr>\n")

    def __exit__(self, kind: object, *_: object) -> None:
        self._page.write("</table></html>\n")
        for file, path in zip((self._page, self._cells), self._paths, strict=True):
            file.flush()
            os.fsync(file.fileno())
            file.close()
            if kind is None:
                os.replace(_name_of_draft(path), path)
            else:
                _name_of_draft(path).unlink()


def _name_of_draft(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}")


def _draft(path: Path) -> TextIO:
    draft = _name_of_draft(path)
    draft.unlink(missing_ok=True)
    return open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8", newline="")


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return "<br>".join(html.escape(each if isinstance(each, str) else paper.person(each)) for each in value)
    if isinstance(value, datetime):
        return f"{value:%m-%d %H:%M}"
    return "" if value is None else html.escape(str(value))
