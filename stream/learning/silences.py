"""Learner of a home's usual silences: from its signs of life, the longest silence that is usual after each hour of the day.

Interface (pure, no SQL, no clock)::

    learn(at_s, room, by_itself, entrance, offset_s, *, unknown=()) -> Learned
    Learned.silence_min   -> Card.silence_min   (72 whole minutes, or () where days are too few: cautious defaults then rule)
    Learned.days          -> Card.learned_days
    Learned.evidence      -> what an operator reads beside it (plain dict of numbers and words, JSON-ready)

The arrays run in parallel, one entry for each sign of life of ONE home over the last DAYS_BACK days, in any order:

    at_s       float64  when it happened (``event_at_s``), epoch seconds; leave out rows whose ``clock`` is UNRESOLVED
    room       int      index into contracts.kinds.ROOMS of the device's room on the card ("other" where there is none); -1: this sign
                        does not say where, so the room is that of the sign before it
    by_itself  bool     True: an act that proves a person by itself; False: a motion, which needs a second one near it
    entrance   bool     True: an event of a device with role ``entrance_door``
    offset_s   float or float64 array: the home's zone offset from UTC in seconds (Asia/Shanghai: 28800)
    unknown    intervals (from_s, to_s) in which nobody was watching or the home's sensors were away

What is a sign of life (the same rows that the detector counts), kind by kind:

    motion    rows with ``moving`` true and ``cause`` = 'pir' (or role bed, chair)    by_itself False
    contact   rows whose ``open`` differs from the same device's row before    True   (entrance: role = entrance_door)
    presence  rows whose ``present`` or ``posture`` differs from the row before  True
    water     rows with ``litres`` > 0 or ``flow_l_min`` > 0                   True
    power     rows whose ``on`` differs from the row before, of roles stove, light, plug   True
    vitals    rows with ``steps`` >= 5                                         True
    call      every row with ``test`` false                                    True

The keeper calls it nightly with rows from TimescaleDB, the demo with the rows of 14 simulated days.

How: signs of life in order; a lone motion is dropped (``signs.proven``). A silence runs from one sign to the next, belongs to
the local hour at which it began and to the room group of the sign that it began with. A silence that the entrance door began is an
outing and is left out; so is one that touches an ``unknown`` interval or is longer than CEILING_MIN. The value of a cell is the longest silence
that began in that hour or in its two neighbours; what lasts from eleven to seven is also usual from midnight on. How far that is
believed depends on how often it was tried (``DOUBT``). The rest of the way goes, at night, to the latest usual rising (a night without the usual visit to
the bathroom is no alarm), and after kitchen and bathroom to the value of the other rooms (silences there are short, but one motion missed on the way to bed makes
a long one). Where evidence is lacking, the cautious default stands.
The value is what is usual, not yet an alarm line: ``inactivity`` multiplies it by its own margin.
"""

from collections.abc import Sequence

import msgspec
import numpy as np

from contracts.kinds import ROOM_GROUPS
from stream.detector import Bools, Floats, Ints
from stream.learning.signs import GROUP_OF_ROOM, OTHER, left_by_door, proven

DAYS_BACK = 28
"""How far back to look, days: four of each weekday, and a change of habit is forgotten in a month. Chosen."""
MIN_DAYS = 7
"""Fewer days with signs of life than this teach nothing, days. Chosen: every weekday once."""
MIN_DAY_SIGNS = 10
"""A day with fewer signs is not counted: the resident was away or the sensors were. Chosen."""
MIN_CELL_DAYS = 3
"""A cell (group, hour and its neighbours) needs signs on this many days. Chosen."""
FLOOR_MIN = (90, 30, 30)
"""Least value for each room group (other, kitchen, bathroom), minutes: a sensor may miss a quiet half-hour. Chosen."""
CEILING_MIN = 720
"""Longest silence taken for one at home, minutes: nobody who is well is unseen at home for longer. Chosen."""
DOUBT = 10.0
"""Doubt in a longest silence, as a count: DOUBT / number of times that it was tried. The longest of n is passed the next time with
probability 1 / (n + 1), and a sensor misses some 2 % of movements, which shows in 50 times at the earliest. Chosen."""
NIGHT_DOUBT = 3.0
"""At night doubt is so many times greater: nights differ more than days, and most ways from kitchen and bathroom lead to bed. Chosen."""
LULL_MIN = 30.0
"""A silence that long is a try of the longest, minutes; twice that at night is sleep. Chosen."""
OVERSLEEP_MIN = 45.0
"""To rise so much later than ever seen is no alarm yet, minutes. Chosen."""
EVENING_H = 18
"""A sleep that begins from this local hour on is the night's, hour. Chosen."""
EARLY_SHARE = 0.15
"""This share of the nights may begin earlier than the usual night, less an hour, 0 to 1. Chosen: who once fell asleep
before the television is not asleep at eight every day."""
DAY_HOURS = range(6, 20)
"""Hours of the local day in which a beginning silence is one of the day. Chosen."""
DEFAULT_DAY_MIN = (480, 240, 240)
"""Cautious defaults by room group for a silence that begins by day, minutes. Chosen: about twice the 245 min
at which a fixed time gave 0.23 false alarms a week in ``hh102``; half of that after kitchen and bathroom, after which no silence in
that month was longer than 16 and 60 min."""
DEFAULT_NIGHT_MIN = (720, 720, 720)
"""The same for one that begins in the evening or at night, minutes: a long sleep and a slow morning."""


def defaults_min() -> Floats:
    """The cautious defaults as ``[3 x 24]`` minutes in the order of ``Card.silence_min``."""
    day = np.isin(np.arange(24), DAY_HOURS)
    table: Floats = np.where(day, np.array(DEFAULT_DAY_MIN)[:, None], np.array(DEFAULT_NIGHT_MIN)[:, None]).astype(
        np.float64
    )
    return table.reshape(-1)


class Learned(msgspec.Struct, frozen=True, kw_only=True):
    """What a home's past says about its silences."""

    silence_min: tuple[int, ...]
    """Longest usual silence, minutes, 3 room groups x 24 local hours of its beginning; empty: too few days."""
    days: int
    """Days with enough signs of life."""
    evidence: dict[str, float | str | list[float]]
    """signs, lone_motions, outings, silences, longest_min, longest_at_s, cells_learned (of 72), from_s, to_s."""


def learn(
    at_s: Floats,
    room: Ints,
    by_itself: Bools | Sequence[bool],
    entrance: Bools | Sequence[bool],
    offset_s: Floats | float,
    *,
    unknown: Sequence[tuple[float, float]] = (),
) -> Learned:
    """See the top of this module. Never raises on empty input."""
    at_s = np.asarray(at_s, dtype=np.float64)
    order = np.argsort(at_s, kind="stable")
    at_s = at_s[order]
    room = np.asarray(room, dtype=np.int64)[order]
    act = np.asarray(by_itself, dtype=bool)[order]
    door = np.asarray(entrance, dtype=bool)[order]
    offset = (
        np.broadcast_to(np.asarray(offset_s, dtype=np.float64), at_s.shape)[order] if np.ndim(offset_s) else offset_s
    )
    local_s = at_s + offset

    sure = proven(at_s, act)
    sign_s, sign_local_s, group = at_s[sure], local_s[sure], GROUP_OF_ROOM[_last_known(room[sure])]
    day = np.floor(sign_local_s / 86_400.0).astype(np.int64)
    days = int((np.unique(day, return_counts=True)[1] >= MIN_DAY_SIGNS).sum())
    evidence: dict[str, float | str | list[float]] = {
        "signs": int(sure.sum()), "lone_motions": int((~sure).sum()), "outings": 0, "silences": 0, "cells_learned": 0,
        "from_s": float(at_s[0]) if len(at_s) else 0.0, "to_s": float(at_s[-1]) if len(at_s) else 0.0,
    }  # fmt: skip
    if days < MIN_DAYS:
        return Learned(silence_min=(), days=days, evidence=evidence)

    last_door_s = np.maximum.accumulate(np.where(door, at_s, -np.inf))[sure]
    begins_s, ends_s = sign_s[:-1], sign_s[1:]
    silence_min = (ends_s - begins_s) / 60.0
    outing = left_by_door(begins_s, last_door_s[:-1])
    usable = ~outing & (silence_min <= CEILING_MIN)
    for from_s, to_s in unknown:
        usable &= (ends_s <= from_s) | (begins_s >= to_s)

    begins_h = sign_local_s[:-1] / 3600.0 % 24.0
    leaves = group[1:] != group[:-1]
    values, cells = _table(silence_min[usable], group[:-1][usable], begins_h[usable], day[:-1][usable], leaves[usable])
    at_home = np.flatnonzero(usable)
    longest = at_home[np.argmax(silence_min[at_home])] if len(at_home) else None
    evidence |= {
        "outings": int((outing & (silence_min > 5)).sum()), "silences": int(usable.sum()), "cells_learned": cells,
        "longest_min": float(silence_min[longest]) if longest is not None else 0.0,
        "longest_at_s": float(begins_s[longest]) if longest is not None else 0.0,
    }  # fmt: skip
    return Learned(silence_min=tuple(int(v) for v in values), days=days, evidence=evidence)


def _last_known(room: Ints) -> Ints:
    """Each sign's room, or where it says none (-1) that of the sign before."""
    known = np.maximum.accumulate(np.where(room >= 0, np.arange(len(room)), -1))
    return np.where(known >= 0, room[known], OTHER)


def _table(silence_min: Floats, group: Ints, begins_h: Floats, day: Ints, leaves: Bools) -> tuple[Floats, int]:
    """The 72 values, and how many of them rest on this home's own evidence. ``begins_h``: local hour of the day, with fractions."""
    groups, default = len(ROOM_GROUPS), defaults_min().reshape(len(ROOM_GROUPS), 24)
    hour = begins_h.astype(np.int64) % 24
    longest, exits, lulls, days = (np.zeros((groups, 24)) for _ in range(4))
    np.maximum.at(longest, (group, hour), silence_min)
    np.add.at(exits, (group, hour), leaves)
    np.add.at(lulls, (group, hour), silence_min >= LULL_MIN)
    longest, exits, lulls = _around(longest, np.maximum), _around(exits, np.add), _around(lulls, np.add)
    for h in range(24):
        near = np.isin(hour, ((h - 1) % 24, h, (h + 1) % 24))
        for g in range(groups):
            days[g, h] = len(np.unique(day[near & (group == g)]))
    enough = days >= MIN_CELL_DAYS

    rooms = np.where(enough[0], longest[0], 0.0)
    for h in range(48):  # twice round: what goes on past midnight
        rooms[h % 24] = max(rooms[h % 24], rooms[(h - 1) % 24] - 60.0)
    night_min = _night(silence_min, begins_h)
    rooms = rooms + np.maximum(night_min - rooms, 0.0) * (1.0 - _trust(lulls[0] / NIGHT_DOUBT))
    rooms = np.where(enough[0] | (night_min > 0), rooms, np.maximum(rooms, default[0]))
    trust = np.where(enough, _trust(np.where(night_min > 0, exits / NIGHT_DOUBT, exits)), 0.0)
    values = np.maximum(longest, trust * longest + (1.0 - trust) * rooms)
    values[0] = rooms
    floor = np.array(FLOOR_MIN, dtype=np.float64)[:, None]
    return np.ceil(np.clip(values, floor, CEILING_MIN)).reshape(-1), int(enough.sum())


def _around(cells: Floats, together: np.ufunc) -> Floats:
    """Each hour with its two neighbours."""
    before_and_after = together(np.roll(cells, 1, axis=1), np.roll(cells, -1, axis=1))
    return np.asarray(together(cells, before_and_after))


def _trust(seen: Floats) -> Floats:
    """How far the longest of ``seen`` may be taken for the longest that is usual, 0 to 1."""
    return np.clip(1.0 - DOUBT / np.maximum(seen, 1.0), 0.0, 1.0)


def _night(silence_min: Floats, begins_h: Floats) -> Floats:
    """Minutes from each hour of the usual night to the latest usual rising, ``[24]``; 0 by day. The night lies between
    an early lull that went from evening into the night (less an hour) and the latest that ended in the morning."""
    lull = silence_min >= 2 * LULL_MIN
    begins = np.where(
        begins_h[lull] < 12.0, begins_h[lull], begins_h[lull] - 24.0
    )  # hours from the midnight within or nearest
    ends = begins + silence_min[lull] / 60.0
    evening, morning = (
        begins[(begins >= EVENING_H - 24.0) & (ends >= -1.0)],
        ends[(ends >= 3.0) & (ends <= 12.0) & (begins <= 4.0)],
    )
    if not len(evening) or not len(morning):
        return np.zeros(24)
    from_h = np.where(np.arange(24) >= 12, np.arange(24) - 24, np.arange(24))
    asleep = (from_h >= np.floor(np.quantile(evening, EARLY_SHARE)) - 1.0) & (from_h < morning.max())
    return np.where(asleep, (float(morning.max()) - from_h) * 60.0 + OVERSLEEP_MIN, 0.0)
