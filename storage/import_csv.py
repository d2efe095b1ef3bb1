"""A file of homes, residents, contacts and devices: one CSV, one record a line, the column ``record`` says which.

Columns that a record does not use stay empty. Every bad line is named with its number, what is wrong and what to do.
"""

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from storage.database import Connection
from storage.errors import BadTable
from storage.people import Record, problems
from storage.records import Contact, Device, Home, Resident

COLUMNS_OF = {
    "home": ("home_id", "area_code", "address", "zone", "care_level", "note", "site_id", "key_at", "pets"),
    "resident": (
        "home_id",
        "resident_id",
        "name",
        "birth_year",
        "sex",
        "phone",
        "note",
        "conditions",
        "mobility",
        "dialect",
        "oxygen",
    ),
    "contact": ("home_id", "contact_name", "contact_relation", "contact_phone"),
    "device": ("home_id", "device_id", "role", "room", "device_resident", "worn"),
}
COLUMNS = ("record", *dict.fromkeys(column for columns in COLUMNS_OF.values() for column in columns))
_SEX = {"f": "f", "m": "m", "女": "f", "男": "m", "": None}
_YES_NO = {"yes": True, "no": False, "是": True, "否": False, "": None}


class BadLine(NamedTuple):
    """A line that was not taken: its number in the file, what is wrong and what to do."""

    line: int
    problem: str


class Table(NamedTuple):
    """What a file holds. ``lines`` runs in parallel with ``records``."""

    records: list[Record]
    lines: list[int]
    bad: list[BadLine]


def read(path: Path) -> Table:
    """Read a file. Raises BadTable where it is no such table at all, OSError where it cannot be opened."""
    return parse(_text(path.read_bytes(), str(path)), str(path))


def _text(content: bytes, name: str) -> str:
    for encoding in ("utf-8-sig", "gb18030"):  # what spreadsheets in China write besides
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadTable(file=name, detail="it is neither UTF-8 nor GB 18030; save it as CSV UTF-8")


def parse(text: str, name: str = "table") -> Table:
    """Take a table apart. Raises BadTable for columns that nobody knows."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    table = Table([], [], [])
    ranks: dict[str, int] = {}
    header: list[str] | None = None
    for line, cells in _lines(reader, table.bad):
        if header is None:
            header = _header(cells, name)
            continue
        if len(cells) > len(header):
            table.bad.append(
                BadLine(line, f"{len(cells)} cells under {len(header)} columns; put text with commas into quotes")
            )
            continue
        row = dict(zip(header, cells, strict=False))
        try:
            record = _record({column: row.get(column, "") for column in COLUMNS}, ranks)
        except ValueError as error:
            table.bad.append(BadLine(line, str(error)))
        else:
            table.records.append(record)
            table.lines.append(line)
    if header is None:
        raise BadTable(file=name, detail=f"it is empty; its first line names columns out of {', '.join(COLUMNS)}")
    return table


async def check(connection: Connection, table: Table) -> Table:
    """The table without the records that cannot be registered; they are among the bad lines then, in order."""
    found = await problems(connection, table.records)
    # A line left out may have been what another line relied on, so look again until nothing more falls.
    keep = [place for place in range(len(table.records)) if place not in found]
    bad = sorted([*table.bad, *(BadLine(table.lines[place], problem) for place, problem in found.items())])
    rest = Table([table.records[place] for place in keep], [table.lines[place] for place in keep], bad)
    return await check(connection, rest) if found else rest


def _lines(reader: Iterator[list[str]], bad: list[BadLine]) -> Iterator[tuple[int, list[str]]]:
    """Lines with the number at which each begins, cells stripped; empty ones are passed over."""
    while True:
        begins = reader.line_num + 1  # type: ignore[attr-defined]
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error as error:
            bad.append(BadLine(begins, f"it cannot be taken apart ({error}); look at its quotes"))
            continue
        if any(cells):
            yield begins, cells


def _header(cells: list[str], name: str) -> list[str]:
    header = [cell.lower() for cell in cells]
    unknown = [cell for cell in header if cell not in COLUMNS]
    if unknown:
        raise BadTable(
            file=name,
            detail=f"nobody knows the columns {', '.join(map(repr, unknown))}; known are {', '.join(COLUMNS)}",
        )
    twice = sorted({cell for cell in header if header.count(cell) > 1})
    if twice:
        raise BadTable(file=name, detail=f"the columns {', '.join(twice)} stand in it twice")
    if "record" not in header or "home_id" not in header:
        raise BadTable(file=name, detail="the columns record and home_id are needed")
    return header


def _record(row: Mapping[str, str], ranks: dict[str, int]) -> Record:
    """One record. Raises ValueError with what is wrong and what to do."""
    make = _MAKERS.get(row["record"].lower())
    if make is None:
        raise ValueError(f"record {row['record']!r} is none of {', '.join(_MAKERS)}")
    strangers = [column for column in COLUMNS[1:] if row[column] and column not in COLUMNS_OF[row["record"].lower()]]
    if strangers:
        raise ValueError(
            f"{', '.join(strangers)} says nothing about a {row['record']}; move it to its own column, or empty it"
        )
    return make(row, ranks)


def _number(row: Mapping[str, str], column: str) -> int:
    try:
        return int(row[column])
    except ValueError:
        raise ValueError(f"{column} {row[column]!r} is no whole number") from None


def _home(row: Mapping[str, str], ranks: dict[str, int]) -> Home:
    care_level = _number(row, "care_level") if row["care_level"] else 0
    return Home(
        row["home_id"],
        row["area_code"],
        row["address"],
        row["zone"] or "Asia/Shanghai",
        care_level,
        row["note"],
        row["site_id"],
        row["key_at"] or None,
        row["pets"] or None,
    )


def _resident(row: Mapping[str, str], ranks: dict[str, int]) -> Resident:
    birth_year = _number(row, "birth_year") if row["birth_year"] else None
    sex = _SEX.get(row["sex"].lower(), row["sex"])
    oxygen = row["oxygen"].lower()
    if oxygen not in _YES_NO:
        raise ValueError(f"oxygen {row['oxygen']!r} is neither yes nor no; leave it empty where it is not known")
    return Resident(
        row["resident_id"],
        row["home_id"],
        row["name"],
        birth_year,
        sex,
        row["phone"],
        row["note"],
        # What a table does not say it leaves as it is: one without these columns must not take them away.
        row["conditions"] or None,
        row["mobility"].lower() or None,
        row["dialect"] or None,
        _YES_NO[oxygen],
    )


def _contact(row: Mapping[str, str], ranks: dict[str, int]) -> Contact:
    # They are called in the order in which they stand in the file.
    ranks[row["home_id"]] = ranks.get(row["home_id"], 0) + 1
    return Contact(
        row["home_id"], row["contact_name"], row["contact_phone"], row["contact_relation"], ranks[row["home_id"]]
    )


def _device(row: Mapping[str, str], ranks: dict[str, int]) -> Device:
    role, room = row["role"].lower() or "other", row["room"].lower() or "other"
    return Device(row["home_id"], row["device_id"], role, room, row["device_resident"] or None, row["worn"].lower())


_MAKERS: dict[str, Callable[[Mapping[str, str], dict[str, int]], Record]] = {
    "home": _home,
    "resident": _resident,
    "contact": _contact,
    "device": _device,
}
