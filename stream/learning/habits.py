"""A home's habits from its signs of life: how long stays in the bathroom usually are, and day by day what the nights and the activity were like. Pure.

``stays``: the longest usual stays in the bathroom, which ``long_bathroom`` holds a stay against. ``days``: visits to the bathroom by night,
hours with activity, signs, rising. These are *information* for who reads a resident's page, and never raise anything: at least two visits a night
are the rule at 75 (55 % of people; home.md, section 5), and what a change means is for somebody to ask who knows the person.

A stay is as ``long_bathroom`` sees it: from the first sign in a bathroom to the next sign elsewhere, or in the bathroom after BREAK_S.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from contracts.kinds import ROOM_GROUPS
from stream.detector import Bools, Floats, Ints
from stream.learning.signs import GROUP_OF_ROOM, proven

BREAK_S = 1800.0
"""Without a sign for so long a stay in the bathroom may have ended unseen, s. Chosen: inactivity's learner finds no value below half an hour either."""
DAY_H = (7, 21)
"""Local hours in which a stay is one of the day, from and to. Chosen."""
NIGHT_H = (22, 6)
"""Local hours of the night in which visits are counted, from and to. Chosen: bedtime to rising of most."""
MIN_STAYS = 20
"""Fewer stays than this teach nothing, count. Chosen: a week of three a day."""
MIN_DAYS = 7
"""Fewer days with stays than this teach nothing, days. Chosen: every weekday once."""
LEFT_OUT = 1
"""So many longest stays are not usual: one that was trouble itself must not become the measure. Chosen."""
APART_S = 600.0
"""Stays by night nearer to one another are one visit, s. Chosen: who comes back for the light."""
MIN_DAY_SIGNS = 10
"""A day with fewer signs has no figures: away, or the sensors were. Chosen: as in ``silences``."""
LAST_DAYS = 7
"""The last so many days are compared with those before, days. Chosen: a week holds every weekday."""
BATHROOM = ROOM_GROUPS.index("bathroom")


class Stays(msgspec.Struct, frozen=True, kw_only=True):
    """Longest usual stays in the bathroom, min; None: too little was seen."""

    seen_min: float | None = None
    """From the first to the last sign within a stay."""
    day_min: float | None = None
    """From the first sign to whatever ended the stay, of stays that began by day."""
    days: int = 0
    stays: int = 0


class Day(NamedTuple):
    """Figures of one local day. ``night_visits``: of the night that ended on it; None: nothing was seen in that night or bathroom."""

    day: int
    """Days since 1970-01-01, local."""
    signs: int
    active_hours: int
    first_h: float
    """Local hour of the first proven sign after 4:00."""
    night_visits: int | None


class Trend(msgspec.Struct, frozen=True, kw_only=True):
    """Means of the last LAST_DAYS days and of those before, where both have enough days; for people to read."""

    nights: int = 0
    night_visits: float | None = None
    night_visits_before: float | None = None
    days: int = 0
    active_hours: float | None = None
    active_hours_before: float | None = None


class _Stays(NamedTuple):
    begins_s: Floats
    seen_s: Floats
    ends_s: Floats


def sure_signs(at_s: Floats, room: Ints, by_itself: Bools) -> tuple[Floats, Ints]:
    """The signs that prove somebody, in order: when, and in which room group (-1: it does not say where)."""
    order = np.argsort(at_s, kind="stable")
    at_s, room = at_s[order], room[order]
    sure = proven(at_s, by_itself[order])
    group = np.where(room >= 0, GROUP_OF_ROOM[room], -1)
    return at_s[sure], group[sure]


def _stays_of(at_s: Floats, group: Ints) -> _Stays:
    placed = group >= 0
    at_s, inside = at_s[placed], group[placed] == BATHROOM
    if not inside.any():
        return _Stays(*(np.empty(0),) * 3)
    begins = inside & np.concatenate(([True], ~inside[:-1] | (np.diff(at_s) > BREAK_S)))
    first = np.flatnonzero(begins)
    ends = np.flatnonzero(begins | ~inside)
    following = np.searchsorted(ends, first, side="right")
    known = following < len(ends)  # the last one may still go on
    first, after = first[known], ends[following[known]]
    return _Stays(at_s[first], at_s[after - 1], at_s[after])


def stays(
    at_s: Floats, room: Ints, by_itself: Bools, offset_s: Floats | float, *, unknown: Sequence[tuple[float, float]] = ()
) -> Stays:
    """Longest usual stays of one home. Arrays as ``past.signs_of`` gives them, with what radars in the bathroom say beside; ``unknown``: when nobody
    was watching. Never raises on empty input."""
    found = _stays_of(*sure_signs(at_s, room, by_itself))
    offset = (
        float(np.median(offset_s)) if np.size(offset_s) else 0.0
    )  # an hour more or less on two days a year is no matter here
    usable = np.ones(len(found.begins_s), dtype=bool)
    for from_s, to_s in unknown:
        usable &= (found.ends_s <= from_s) | (found.begins_s >= to_s)
    local_s = found.begins_s + offset
    hour = local_s / 3600.0 % 24.0
    by_day = usable & (hour >= DAY_H[0]) & (hour < DAY_H[1])
    days = len(np.unique(np.floor(local_s[usable] / 86_400.0)))
    if usable.sum() < MIN_STAYS or days < MIN_DAYS:
        return Stays(days=days, stays=int(usable.sum()))
    return Stays(
        seen_min=_longest((found.seen_s - found.begins_s)[usable]),
        day_min=_longest((found.ends_s - found.begins_s)[by_day]) if by_day.sum() >= MIN_STAYS else None,
        days=days,
        stays=int(usable.sum()),
    )


def _longest(lasted_s: Floats) -> float:
    return round(float(np.sort(lasted_s)[-1 - LEFT_OUT]) / 60.0, 1)


def days(at_s: Floats, room: Ints, by_itself: Bools, offset_s: Floats | float) -> list[Day]:
    """Figures of each local day that has enough signs; the last day counts as far as it went."""
    sure_s, group = sure_signs(at_s, room, by_itself)
    if not len(sure_s):
        return []
    offset = float(np.median(offset_s)) if np.size(offset_s) else 0.0
    local_s = sure_s + offset
    hour, day = local_s / 3600.0 % 24.0, np.floor(local_s / 86_400.0).astype(np.int64)
    visit_s = _stays_of(sure_s, group).begins_s + offset
    visit_h = visit_s / 3600.0 % 24.0
    by_night = (visit_h >= NIGHT_H[0]) | (visit_h < NIGHT_H[1])
    visit_s = visit_s[by_night]
    visit_s = visit_s[np.concatenate(([True], np.diff(visit_s) > APART_S))] if len(visit_s) else visit_s
    visit_day = np.floor((visit_s + (24 - NIGHT_H[0]) * 3600.0) / 86_400.0).astype(np.int64)
    bathroom = bool((group == BATHROOM).any())
    evening = set(day[hour >= 18].tolist())
    figures = []
    for each in np.unique(day).tolist():
        mine = day == each
        if mine.sum() < MIN_DAY_SIGNS:
            continue
        risen = hour[mine & (hour >= 4)]
        seen = bathroom and each - 1 in evening  # somebody was at home when that night began
        figures.append(
            Day(each, int(mine.sum()), len(np.unique(np.floor(hour[mine]))), round(float(risen.min()), 2) if len(risen) else 0.0,
                int((visit_day == each).sum()) if seen else None)
        )  # fmt: skip
    return figures


def trend(figures: Sequence[Day]) -> Trend:
    """The last week beside the weeks before. The day that is not over is left out; less than MIN_DAYS of either side gives no mean."""
    whole = figures[:-1]
    if not whole:
        return Trend()
    last = figures[-1].day - LAST_DAYS
    nights = [(each.day >= last, float(each.night_visits)) for each in whole if each.night_visits is not None]
    active = [(each.day >= last, float(each.active_hours)) for each in whole]
    return Trend(
        nights=len(nights), night_visits=_mean(nights, True, 3), night_visits_before=_mean(nights, False, MIN_DAYS),
        days=len(active), active_hours=_mean(active, True, 3), active_hours_before=_mean(active, False, MIN_DAYS),
    )  # fmt: skip


def _mean(figures: Sequence[tuple[bool, float]], recent: bool, least: int) -> float | None:
    values = [value for is_recent, value in figures if is_recent == recent]
    return round(float(np.mean(values)), 1) if len(values) >= least else None
