"""What is printed for the day the system is down: open cases, and everybody with whom to ring up. For the api and for files (``./shouwang paper``).

What is printed of a person is what a desk sees at a glance; notes are printed as they were written.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from storage.database import Connection
from storage.queries import Row, fetch_all, query

_CASES = query("paper_cases")
_HOMES = query("paper_homes")
CASES = ("priority", "family", "handling", "raised_at", "desk_id", "home_id", "area_code", "address", "care_level", "note", "key_at", "pets", "residents", "contacts", "calls")  # fmt: skip
HOMES = ("home_id", "area_code", "address", "care_level", "note", "key_at", "pets", "residents", "contacts")
"""Columns of each table, in order."""
ENDS_LINE = "; "
_MOBILITY = {
    "walks": "行走自如 walks",
    "stick": "拄拐 stick",
    "frame": "助行器 frame",
    "wheelchair": "轮椅 wheelchair",
    "bed": "卧床 in bed",
}


async def cases(connection: Connection, area: str, *, most: int, skip: int = 0) -> list[Row]:
    """Open cases in the order of the queue."""
    return await fetch_all(connection, _CASES, area_prefix=area, most=most, skip=skip)


async def homes(connection: Connection, area: str, *, after: str = "", most: int) -> tuple[list[Row], str | None]:
    """A page, and what to give as ``after`` for the next; None: it was the last."""
    found = await fetch_all(connection, _HOMES, area_prefix=area, after=after, most=most + 1)
    page = found[:most]
    return page, page[-1]["home_id"] if len(found) > most else None


def person(said: Mapping[str, Any]) -> str:
    """A resident or a contact on one line."""
    born = f"*{said['birth_year']}" if said.get("birth_year") else ""
    rank = f"{said['rank']}." if said.get("rank") is not None else ""
    return " ".join(str(each) for each in (rank, said["name"], born, said.get("relation"), said["phone"], *_state(said), said.get("note")) if each)  # fmt: skip


def _state(said: Mapping[str, Any]) -> Iterator[str]:
    """What must be known of a resident before anybody goes in."""
    if said.get("conditions"):
        yield said["conditions"]
    if said.get("mobility"):
        yield _MOBILITY[said["mobility"]]
    if said.get("dialect"):
        yield f"讲{said['dialect']}"
    if said.get("oxygen"):
        yield "吸氧 oxygen"


def table(rows: Iterable[Row], fields: Sequence[str], *, heading: Sequence[str] | None = None) -> str:
    """Lines of CSV; ``heading``: one line before them."""
    out = io.StringIO()
    writer = csv.writer(out)
    if heading is not None:
        writer.writerow(heading)
    for row in rows:
        writer.writerow([_cell(row[field]) for field in fields])
    return out.getvalue()


def _cell(value: Any) -> str:
    if isinstance(value, list):
        value = ENDS_LINE.join(each if isinstance(each, str) else person(each) for each in value)
    text = "" if value is None else str(value)
    # A cell that begins like a formula would be one in a spreadsheet.
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
