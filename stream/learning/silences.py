"""Learner of a home's silences: after each room and hour, the silence that is passed here so rarely that somebody should ask.

Interface (pure, no SQL, no clock)::

    learn(at_s, room, by_itself, entrance, offset_s, *, unknown=()) -> Learned
    Learned.silence_min   -> Card.silence_min   (LINES whole minutes, or () where days are too few: cautious defaults then rule)
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
outing and is left out; so is one that touches an ``unknown`` interval or is longer than CEILING_MIN.

A cell (room group, hour) looks at the silences of its group, those of near hours with less weight (NEAR_H). Above a threshold u that
few of them pass (TOP), their excesses are taken for exponential with mean b: peaks over threshold (Coles 2001, An Introduction to
Statistical Modeling of Extreme Values, section 4.2, shape 0). A silence of t minutes is then passed at the rate

    r(t) = r(u) exp(-(t - u) / b)        per minute lived in that cell

and one minute more of waiting there spares r(t) / b false alarms. A line that waits everywhere until that is the same small number
spends a given number of false alarms where they buy most time, so the line of every cell is the t with r(t) b0 / b = rate asked for:

    t = u + b ln(r(u) b0 / (b rate)),        b0 = TYPICAL_MIN

The same number of silences that ran longer than EXCESS_MIN has been added to every cell (PRIOR), so that little evidence makes a longer line.
With few days the rate that is asked for is lower in proportion. A cell without evidence takes the longest line of the other rooms at that hour,
where there is none the cautious default.
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
PER_WEEK = 0.25
"""Rate of false alarms that the lines of a home are drawn for, 1/week. Design, section 5: what a desk can bear of one home."""
NEAR_H = 0.75
"""Standard deviation of the weight that a silence has in a cell by its distance in hours, h. Chosen: habits keep the hour."""
TOP = 4.0
"""So many silences, by weight, lie above the threshold. Chosen: the fewest whose mean still says something."""
PRIOR, EXCESS_MIN = 4.0, 10.0
"""So many silences that went on for EXCESS_MIN beyond the threshold are believed before anything is seen, count and minutes.
Chosen: as many as are seen; a quarter of an hour on a chair or in the bathroom without a sign is nothing."""
LEAST_MIN, UNSEEN_MIN = 2.0, 60.0
"""Least threshold; time added to what was lived in a cell, minutes. Chosen: sensors pause for a minute or two; an hour is next to nothing."""
TYPICAL_MIN = 30.0
"""b0: a tail with this mean excess gets the rate asked for, shorter tails less, longer ones more, minutes. Chosen: a rest."""
FLOOR_MIN = 20
"""Least line, minutes: a sensor may miss a quiet quarter of an hour. Chosen."""
CEILING_MIN = 720
"""Longest silence taken for one at home, and the longest line, minutes: nobody who is well is unseen at home for longer. Chosen."""
DAY_HOURS = range(6, 20)
"""Hours of the local day in which a beginning silence is one of the day. Chosen."""
DEFAULT_DAY_MIN = (480, 240, 240, 480)
"""Cautious defaults by room group for a silence that begins by day, minutes. Chosen: about twice the 245 min
at which a fixed time gave 0.23 false alarms a week in ``hh102``; half of that after kitchen and bathroom, after which no silence in
that month was longer than 16 and 60 min."""
DEFAULT_NIGHT_MIN = (720, 720, 720, 720)
"""The same for one that begins in the evening or at night, minutes: a long sleep and a slow morning."""


def defaults_min() -> Floats:
    """The cautious defaults, ``[LINES]`` minutes in the order of ``Card.silence_min``."""
    day = np.isin(np.arange(24), DAY_HOURS)
    table: Floats = np.where(day, np.array(DEFAULT_DAY_MIN)[:, None], np.array(DEFAULT_NIGHT_MIN)[:, None]).astype(
        np.float64
    )
    return table.reshape(-1)


class Learned(msgspec.Struct, frozen=True, kw_only=True):
    """What a home's past says about its silences."""

    silence_min: tuple[int, ...]
    """Lines, minutes, room group x 24 + local hour of the beginning; empty: too few days."""
    days: int
    """Days with enough signs of life."""
    evidence: dict[str, float | str | list[float]]
    """signs, lone_motions, outings, silences, longest_min, longest_at_s, cells_learned (of LINES), per_week, from_s, to_s."""


def learn(
    at_s: Floats,
    room: Ints,
    by_itself: Bools | Sequence[bool],
    entrance: Bools | Sequence[bool],
    offset_s: Floats | float,
    *,
    unknown: Sequence[tuple[float, float]] = (),
    per_week: float = PER_WEEK,
) -> Learned:
    """See the top of this module. ``per_week``: the rate of false alarms that the lines are drawn for. Never raises on empty input."""
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
        "signs": int(sure.sum()), "lone_motions": int((~sure).sum()), "outings": 0, "silences": 0, "cells_learned": 0, "per_week": per_week,
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
    values, cells = _lines(
        silence_min[usable],
        group[:-1][usable],
        begins_h[usable],
        day[:-1][usable],
        per_week * min(1.0, days / DAYS_BACK),
    )
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


def _lines(silence_min: Floats, group: Ints, begins_h: Floats, day: Ints, per_week: float) -> tuple[Floats, int]:
    """The lines, ``[LINES]`` minutes, and how many of them rest on this home's own evidence. ``begins_h``: local hour, with fractions."""
    lines = np.full((len(ROOM_GROUPS), 24), np.nan)
    place = np.floor(begins_h * _PARTS).astype(np.int64) % (24 * _PARTS)
    for g in range(len(ROOM_GROUPS)):
        own = np.flatnonzero(group == g)
        own = own[np.argsort(-silence_min[own], kind="stable")]
        if len(own):
            rare = _rare(silence_min[own], _WEIGHT[:, place[own]], per_week / WEEK_MIN)
            lines[g] = np.where(_days(day[own], place[own] // _PARTS) >= MIN_CELL_DAYS, rare, np.nan)
    learned = int((~np.isnan(lines)).sum())
    elsewhere = np.max(np.nan_to_num(lines, nan=0.0), axis=0)
    default = defaults_min().reshape(lines.shape)
    lines = np.where(np.isnan(lines), np.where(elsewhere > 0, elsewhere, default), lines)
    return np.ceil(np.clip(lines, FLOOR_MIN, CEILING_MIN)).reshape(-1), learned


def _rare(longest_first: Floats, weight: Floats, rate: float) -> Floats:
    """Silence that is passed at ``rate`` (1/min) in each of 24 cells, minutes, NaN where too few were seen. ``weight``: ``[24, n]``."""
    above = np.cumsum(weight, axis=1)
    enough = above[:, -1] >= TOP
    at = np.minimum((above < TOP).sum(axis=1), len(longest_first) - 1)
    threshold = np.maximum(longest_first[at], LEAST_MIN)
    over = weight * (longest_first > threshold[:, None])
    passed = over.sum(axis=1)
    excess = (over * (longest_first - threshold[:, None])).sum(axis=1)
    mean = (excess + PRIOR * EXCESS_MIN) / (passed + PRIOR)
    per_min = (passed + 0.5) / (weight @ longest_first + UNSEEN_MIN)
    line = threshold + mean * np.log(np.maximum(per_min * TYPICAL_MIN / (mean * rate), 1.0))
    return np.asarray(np.where(enough, line, np.nan))


def _days(day: Ints, hour: Ints) -> Ints:
    """Number of days with a silence in each hour or beside it, ``[24]``."""
    seen = np.zeros((int(day.max() - day.min()) + 1, 24), dtype=bool)
    seen[day - day.min(), hour] = True
    return np.asarray((seen | np.roll(seen, 1, axis=1) | np.roll(seen, -1, axis=1)).sum(axis=0))


_PARTS = 4
"""Parts of an hour that weights tell apart."""
WEEK_MIN = 7 * 1440.0


def _weights() -> Floats:
    """Weight of a silence that begins in each quarter of the day for each hour's cell, ``[24, 24 * _PARTS]``."""
    begins = (np.arange(24 * _PARTS) + 0.5) / _PARTS
    apart = np.abs(begins - (np.arange(24)[:, None] + 0.5))
    apart = np.minimum(apart, 24.0 - apart)
    return np.asarray(np.exp(-0.5 * (apart / NEAR_H) ** 2))


_WEIGHT = _weights()
