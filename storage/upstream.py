"""What goes out to a city's own platforms: who consented, by name; all others as figures, small ones withheld.

A page goes on behind the last id of the one before. Whoever comes back sends as ``since`` the ``as_of`` of the first page of the time before: what
changed meanwhile comes, some of it twice, none of it never. Described field by field in docs/upstream.md.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, NamedTuple

from storage.database import Connection
from storage.errors import BadRecord
from storage.people import AUDIT_HOMES, KNOWN_RESIDENTS
from storage.queries import Row, execute, fetch_all, fetch_one, query

SCHEMA = "shouwang.upstream.v1"
SOURCE = "守望中心记录 · records of the watch centre (Shouwang)"
"""What stands as the source beside all that goes out."""
OVERLAP_S = 60.0
"""Rows carry the instant at which their transaction began; none of those that write them may last so long (limits of 2 to 10 s). Chosen."""
SMALLEST = 5
"""A figure about fewer people is withheld. Chosen: usual for official statistics; who asks for more gets it by consent."""
MONTHS = 12
"""Figures of so many finished months. The running one is not told: from day to day its growth would tell of single people."""
TOWN_DIGITS = 9
"""Figures are of towns and of nothing smaller, whatever area is asked for: two that overlap could be taken from each other."""
LIST = ("people", "visits", "cases")
FIELDS: dict[str, tuple[str, ...]] = {
    "people": ("resident_id", "area_code", "gone", "name", "birth_year", "sex", "care_level", "groups", "setting", "agreed_at"),
    "visits": ("visit_id", "resident_id", "area_code", "at", "left_at", "how", "result", "helper_kind"),
    "cases": ("case_id", "resident_id", "area_code", "family", "priority", "score", "handling", "raised_at", "claimed_at", "resolved_at", "outcome"),
    "figures": ("topic", "area", "month", "dimension", "value", "number", "withheld"),
}  # fmt: skip
"""Columns of each table, in the order of its file."""
KEYS = {"people": "resident_id", "visits": "visit_id", "cases": "case_id"}

_PAGES = {name: query(f"upstream_{name}") for name in LIST}
_COUNTS = {name: query(f"upstream_counts_of_{name}") for name in LIST}
_PUT = query("put_upstream_consent")
_HISTORY = query("upstream_consents")


class Figure(NamedTuple):
    """How many of those who are not listed. ``number`` None: withheld, for it or its neighbour is about fewer than SMALLEST people."""

    topic: str
    area: str
    month: str
    """Of the home's calendar, YYYY-MM; empty: as it is now."""
    dimension: str
    value: str
    number: int | None

    @property
    def withheld(self) -> bool:
        return self.number is None


async def page(
    connection: Connection, what: str, *, area: str, since: datetime | None, after: str, most: int
) -> tuple[list[Row], str | None]:
    """Rows of ``what`` behind the id ``after`` ("" from the first), and where the next page begins; None: there is none."""
    behind: str | int = after
    if what == "visits":
        behind = int(after or 0)
    found = await fetch_all(connection, _PAGES[what], area=area, since=since, after=behind, most=most + 1)
    more = len(found) > most
    found = found[:most]
    return found, str(found[-1][KEYS[what]]) if more else None


def as_of(now: datetime) -> datetime:
    """What to send as ``since`` the next time."""
    return now - timedelta(seconds=OVERLAP_S)


async def figures(connection: Connection, area: str, now: datetime) -> list[Figure]:
    """All figures of the towns of an area; of less than a town none."""
    if len(area) > TOWN_DIGITS:
        return []
    found: list[Figure] = []
    for topic, sql in _COUNTS.items():
        values: dict[str, Any] = {"area": area, "now": now} | ({} if topic == "people" else {"months": MONTHS})
        found += withhold(topic, await fetch_all(connection, sql, **values))
    return found


def withhold(topic: str, rows: Iterable[Row]) -> list[Figure]:
    """Figures of counts (sorted by area, month, dimension). Where one is withheld its smallest neighbour is too, or the sum of another dimension less the
    others would tell it."""
    found: list[Figure] = []
    for (area, month, dimension), cells in groupby(rows, lambda row: (row["area"], row["month"], row["dimension"])):
        told = sorted(cells, key=lambda row: (row["people"], row["value"]))
        hidden = sum(row["people"] < SMALLEST for row in told)
        hidden += bool(hidden)
        found += [
            Figure(topic, area, month, dimension, row["value"], None if index < hidden else row["counted"])
            for index, row in enumerate(told)
        ]
    return sorted(found, key=lambda each: each[:5])


async def record(
    connection: Connection, *, resident_id: str, agreed: bool, given_by: str, ground: str, recorded_by: str, giver: str = ""
) -> int:  # fmt: skip
    """What the resident (or the guardian ``giver``) said, from now on. Returns its number. Raises BadRecord."""
    wrong: list[str] = []
    if given_by not in ("resident", "guardian"):
        wrong.append("it is given by the resident or a guardian, by nobody else")
    if given_by == "guardian" and not giver.strip():
        wrong.append("a guardian is named")
    if not ground.strip():
        wrong.append("say on what ground: the paper and its day, or when and to whom it was said")
    known = await fetch_all(connection, KNOWN_RESIDENTS, resident_ids=[resident_id])
    if not known:
        wrong.append(f"resident {resident_id} is not registered")
    if wrong:
        raise BadRecord(record=f"consent of {resident_id} to go out to platforms", detail="; ".join(wrong))
    row = await fetch_one(
        connection, _PUT, resident_id=resident_id, agreed=agreed, given_by=given_by, giver=giver.strip(), ground=ground.strip(), recorded_by=recorded_by
    )  # fmt: skip
    assert row is not None
    action = "consent given" if agreed else "consent withdrawn"
    reason = f"platforms of the city ({given_by}; {ground.strip()})"
    await execute(
        connection, AUDIT_HOMES, actor=recorded_by, action=action, reason=reason, home_ids=[known[0]["home_id"]]
    )
    number: int = row["consent_id"]
    return number


async def history(connection: Connection, resident_id: str) -> Sequence[Row]:
    """All that was ever said, newest first: the first is in force."""
    return await fetch_all(connection, _HISTORY, resident_id=resident_id)
