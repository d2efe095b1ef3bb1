"""A relative's day as a simple line: up, meals, out, home, in bed. Pure. No rooms, no minutes: a family is told of a day, nobody is tracked.

Only what can be told is told: without a bed sensor nobody is said to be in bed, without an entrance door nobody to be out. All numbers are chosen.
"""

import itertools
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec

What = Literal["up", "meal", "out", "home", "in_bed"]

UP_FROM_H = 4
"""Before this local hour somebody who moves has not got up for the day, h; as the daily figures do (``first_h``)."""
PAIR = timedelta(minutes=10)
"""One stray motion proves nobody; two so close do."""
MEALS_H = ((5.0, 9.5), (10.5, 13.5), (16.5, 19.5))
"""Local hours in which a stay in the kitchen is called a meal, h."""
MEAL_MINUTES = 3
MEAL_WITHIN = timedelta(minutes=30)
"""So many minutes with something happening in the kitchen, within so long."""
OUT = timedelta(minutes=15)
"""Nobody seen inside for so long after the entrance door: gone out."""
SETTLE = timedelta(minutes=1)
"""What moves so soon after the door is who leaves."""
BED_FROM_H = 19
IN_BED = timedelta(minutes=30)
"""From this local hour on, and for so long: in bed for the night."""
QUARTER_MIN = 15
"""Times are rounded down to quarters of an hour."""


class Moment(msgspec.Struct, frozen=True):
    """One thing of the day. ``at``: to the quarter of an hour, UTC."""

    what: What
    at: datetime


def start_of_day(now: datetime, zone: str) -> datetime:
    """Local midnight before ``now``."""
    local = now.astimezone(ZoneInfo(zone))
    return local.replace(hour=0, minute=0, second=0, microsecond=0)


def line(rows: Sequence[dict[str, Any]], now: datetime, zone: str) -> list[Moment]:
    """The day so far from rows of ``family_day``, in order."""
    where = ZoneInfo(zone)
    found: list[tuple[What, datetime]] = []
    inside = [row for row in rows if row["role"] not in ("entrance_door", "bed") and row["on"]]
    up = _up([row["minute_at"] for row in inside if row["minute_at"].astimezone(where).hour >= UP_FROM_H])
    if up is not None:
        found.append(("up", up))
    found += [("meal", at) for at in _meals(inside, where)]
    found += _ways(rows, inside, now)
    found += [("in_bed", at) for at in _in_bed(rows, now, where)]
    return [Moment(what, _quarter(at)) for what, at in sorted(found, key=lambda each: each[1])]


def _up(minutes: Sequence[datetime]) -> datetime | None:
    pairs = itertools.pairwise(minutes)
    return next((first for first, second in pairs if timedelta(0) < second - first <= PAIR), None)


def _meals(inside: Sequence[dict[str, Any]], where: ZoneInfo) -> list[datetime]:
    kitchen = sorted(
        {row["minute_at"] for row in inside if row["room"] == "kitchen" or row["role"] in ("stove", "fridge")}
    )
    found = []
    for from_h, to_h in MEALS_H:
        during = [at for at in kitchen if from_h <= _hour(at, where) < to_h]
        starts = zip(during, during[MEAL_MINUTES - 1 :], strict=False)
        first = next((at for at, third in starts if third - at <= MEAL_WITHIN), None)
        if first is not None:
            found.append(first)
    return found


def _ways(
    rows: Sequence[dict[str, Any]], inside: Sequence[dict[str, Any]], now: datetime
) -> list[tuple[What, datetime]]:
    doors = sorted({row["minute_at"] for row in rows if row["role"] == "entrance_door" and row["on"]})
    found: list[tuple[What, datetime]] = []
    out = False
    for place, door in enumerate(doors):
        until = doors[place + 1] if place + 1 < len(doors) else now
        seen = any(door + SETTLE < row["minute_at"] <= until for row in inside)
        if out and seen:
            found.append(("home", door))
            out = False
        elif not out and not seen and until - door >= OUT:
            found.append(("out", door))
            out = True
    return found


def _in_bed(rows: Sequence[dict[str, Any]], now: datetime, where: ZoneInfo) -> list[datetime]:
    bed = [row for row in rows if row["kind"] == "bed"]
    since: datetime | None = None
    for row in bed:
        if not row["on"]:
            since = None
        elif since is None and _hour(row["minute_at"], where) >= BED_FROM_H:
            since = row["minute_at"]
    return [since] if since is not None and now - since >= IN_BED else []


def _hour(at: datetime, where: ZoneInfo) -> float:
    local = at.astimezone(where)
    return local.hour + local.minute / 60.0


def _quarter(at: datetime) -> datetime:
    return at.replace(minute=at.minute - at.minute % QUARTER_MIN, second=0, microsecond=0)
