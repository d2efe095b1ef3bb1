"""Learner of a home's silences: after each place and hour, the silence that is passed here so rarely that somebody should ask.

Interface (pure, no SQL, no clock)::

    learn(at_s, room, by_itself, entrance, offset_s, *, device=None, unknown=()) -> Learned
    Learned.silence_min   -> Card.silence_min   (LINES whole minutes, or () where days are too few: cautious defaults then rule)
    Learned.places_of(..) -> Card.device_places
    Learned.days          -> Card.learned_days
    Learned.evidence      -> what an operator reads beside it (plain dict of numbers and words, JSON-ready)

The arrays run in parallel, one entry for each sign of life of ONE home over the last DAYS_BACK days, in any order:

    at_s       float64  when it happened (``event_at_s``), epoch seconds; leave out rows whose ``clock`` is UNRESOLVED
    room       int      index into contracts.kinds.ROOMS of the device's room on the card ("other" where there is none); -1: this sign
                        does not say where, so the room is that of the sign before it
    by_itself  bool     True: an act that proves a person by itself; False: a motion, which needs a second one near it
    entrance   bool     True: an event of a device with role ``entrance_door``
    offset_s   float or float64 array: the home's zone offset from UTC in seconds (Asia/Shanghai: 28800)
    device     int      any number of the device, to tell apart those whose room nobody named; None: they are one spot
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

**Silences.** Signs of life in order; a lone motion is dropped (``signs.proven``). A silence runs from one sign to the next, belongs to
the local hour at which it began and to the spot of the sign that it began with (``signs.spots``: a room, or a sensor whose room nobody named).
A silence that the entrance door began is an outing and is left out; so is one that touches an ``unknown`` interval or is longer than CEILING_MIN.

**Places.** What a room is called says less than what is done there. The spots after which somebody rests (silences longer than FLOOR_MIN, at
least REST_SHARE of all such time) become places of their own, up to four; the longest is called the bed. After all others nobody rests: they are
one place, passages, the same at every hour. In the bed a silence after a stir (somebody has been quiet for REST_MIN since coming there, and has
not been elsewhere since) has lines of its own: who turned over has slept a while already.

**Lines.** A cell (place, hour) looks at the silences of its place, those of near hours with less weight (NEAR_H). Above a threshold u that
few of them pass (TOP), their excesses are taken for exponential with mean b: peaks over threshold (Coles 2001, An Introduction to
Statistical Modeling of Extreme Values, section 4.2, shape 0). A silence of t minutes is then passed at the rate

    r(t) = r(u) exp(-(t - u) / b)        per minute lived in that cell

and one minute more of waiting there spares r(t) / b false alarms. Waiting is worth the same everywhere when that is one number q for all cells:

    t = u + b ln(r(u) / (b q)),

and q is what makes the false alarms of all cells together, by what is lived in each, the number a week that was asked for. Besides, no line is
longer than that of the home as a whole: its longest silences, whatever their place and hour, make one more tail, which gets HOME_SHARE of the number.

The same number of silences that ran longer than was seen has been added to every cell (PRIOR, EXCESS), so that little evidence makes a longer line.
With few days the rate that is asked for is lower in proportion. A cell without evidence takes the longest line of the places of rest at that hour,
where there is none the cautious default. The detector draws straight lines between the middles of the hours.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from contracts.kinds import BED, LINES, PASSAGE, PLACES, ROOM_GROUPS, STIRRED
from stream.detector import Bools, Floats, Ints
from stream.learning.signs import left_by_door, proven, rested, spots

DAYS_BACK = 28
"""How far back to look, days: four of each weekday, and a change of habit is forgotten in a month. Chosen."""
MIN_DAYS = 7
"""Fewer days with signs of life than this teach nothing, days. Chosen: every weekday once."""
MIN_DAY_SIGNS = 10
"""A day with fewer signs is not counted: the resident was away or the sensors were. Chosen."""
MIN_CELL_DAYS = 3
"""A cell (place, hour and its neighbours), and a spot, needs signs on this many days. Chosen."""
PER_WEEK = 0.25
"""Rate of false alarms that the lines of a home are drawn for, 1/week. Design, section 5: what a desk can bear of one home."""
NEAR_H = 0.75
"""Standard deviation of the weight that a silence has in a cell by its distance in hours, h. Chosen: habits keep the hour."""
TOP = 4.0
"""So many silences, by weight, lie above the threshold. Chosen: the fewest whose mean still says something."""
PRIOR = 4.0
"""So many silences are believed that went on beyond the threshold before anything is seen, count. Chosen: as many as are seen."""
EXCESS, EXCESS_MIN = 0.2, 10.0
"""... by this share of the threshold, and at most so many minutes. Chosen: a fifth; a quarter of an hour on a chair without a sign is nothing."""
HOME_SHARE = 1 / 3
"""Share of the false alarms that may come of the longest silences of the home as a whole. Chosen."""
REST_SHARE = 0.05
"""A spot where less of all time of rest is spent is no place of rest, 0 to 1. Chosen: a long bath a week makes no bedroom."""
LEAST_MIN, UNSEEN_MIN = 2.0, 60.0
"""Least threshold; time added to what was lived in a cell, minutes. Chosen: sensors pause for a minute or two; an hour is next to nothing."""
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
    """The cautious defaults, minutes, ``[room group x 24 + local hour]``."""
    day = np.isin(np.arange(24), DAY_HOURS)
    table: Floats = np.where(day, np.array(DEFAULT_DAY_MIN)[:, None], np.array(DEFAULT_NIGHT_MIN)[:, None]).astype(
        np.float64
    )
    return table.reshape(-1)


class Learned(msgspec.Struct, frozen=True, kw_only=True):
    """What a home's past says about its silences."""

    silence_min: tuple[int, ...]
    """Lines, minutes, place x 24 + local hour of the beginning; empty: too few days."""
    places: dict[int, int]
    """Place of each spot (``signs.spots``) that was seen often enough."""
    days: int
    """Days with enough signs of life."""
    evidence: dict[str, float | str | list[float] | dict[str, int]]
    """signs, lone_motions, outings, silences, longest_min, longest_at_s, home_min, cells_learned (of LINES), per_week, from_s, to_s;
    places (by device id) where the learner put them."""

    def places_of(self, rooms: Sequence[int], devices: Sequence[int] | None = None) -> tuple[int, ...]:
        """Place of each device by its room and number, as they were given to ``learn``; -1: not known."""
        room = np.array(rooms, dtype=np.int64)
        told = spots(room, None if devices is None else np.array(devices, dtype=np.int64))
        return tuple(self.places.get(spot, -1) for spot in told.tolist())


class _Tails(NamedTuple):
    """Of cells: threshold u and mean excess b, min; rate r(u) at which the threshold is passed, 1/min lived; NaN where too little was seen."""

    threshold: Floats
    mean: Floats
    per_min: Floats


def learn(
    at_s: Floats,
    room: Ints,
    by_itself: Bools | Sequence[bool],
    entrance: Bools | Sequence[bool],
    offset_s: Floats | float,
    *,
    device: Ints | None = None,
    unknown: Sequence[tuple[float, float]] = (),
    per_week: float = PER_WEEK,
) -> Learned:
    """See the top of this module. ``per_week``: the rate of false alarms that the lines are drawn for. Never raises on empty input."""
    at_s = np.asarray(at_s, dtype=np.float64)
    order = np.argsort(at_s, kind="stable")
    at_s = at_s[order]
    spot = spots(np.asarray(room, dtype=np.int64), device)[order]
    act = np.asarray(by_itself, dtype=bool)[order]
    door = np.asarray(entrance, dtype=bool)[order]
    offset = (
        np.broadcast_to(np.asarray(offset_s, dtype=np.float64), at_s.shape)[order] if np.ndim(offset_s) else offset_s
    )
    local_s = at_s + offset

    sure = proven(at_s, act)
    sign_s, sign_local_s, spot = at_s[sure], local_s[sure], _last_known(spot[sure])
    day = np.floor(sign_local_s / 86_400.0).astype(np.int64)
    days = int((np.unique(day, return_counts=True)[1] >= MIN_DAY_SIGNS).sum())
    evidence: dict[str, float | str | list[float] | dict[str, int]] = {
        "signs": int(sure.sum()), "lone_motions": int((~sure).sum()), "outings": 0, "silences": 0, "cells_learned": 0, "per_week": per_week,
        "from_s": float(at_s[0]) if len(at_s) else 0.0, "to_s": float(at_s[-1]) if len(at_s) else 0.0,
    }  # fmt: skip
    last_door_s = np.maximum.accumulate(np.where(door, at_s, -np.inf))[sure]
    begins_s, ends_s = sign_s[:-1], sign_s[1:]
    silence_min = (ends_s - begins_s) / 60.0
    outing = left_by_door(begins_s, last_door_s[:-1])
    usable = ~outing & (silence_min <= CEILING_MIN)
    for from_s, to_s in unknown:
        usable &= (ends_s <= from_s) | (begins_s >= to_s)
    if days < MIN_DAYS or not usable.any():
        return Learned(silence_min=(), places={}, days=min(days, MIN_DAYS - 1), evidence=evidence)

    places = _places(spot, day, spot[:-1][usable], silence_min[usable])
    place = np.array([places.get(each, PASSAGE) for each in spot.tolist()], dtype=np.int64)
    place = np.where((place == BED) & rested(sign_s, spot), STIRRED, place)
    begins_h = sign_local_s[:-1] / 3600.0 % 24.0
    lines, cells, home_min = _lines(
        silence_min[usable],
        place[:-1][usable],
        begins_h[usable],
        day[:-1][usable],
        per_week * min(1.0, days / DAYS_BACK),
        days,
    )
    at_home = np.flatnonzero(usable)
    longest = at_home[np.argmax(silence_min[at_home])]
    evidence |= {
        "outings": int((outing & (silence_min > 5)).sum()), "silences": int(usable.sum()), "cells_learned": cells,
        "longest_min": float(silence_min[longest]), "longest_at_s": float(begins_s[longest]), "home_min": round(home_min, 1),
    }  # fmt: skip
    return Learned(silence_min=tuple(int(v) for v in lines), places=places, days=days, evidence=evidence)


def _last_known(spot: Ints) -> Ints:
    """Each sign's spot, or where it says none (-1) that of the sign before."""
    known = np.maximum.accumulate(np.where(spot >= 0, np.arange(len(spot)), -1))
    return np.where(known >= 0, spot[known], -1)


def _places(spot: Ints, day: Ints, begins: Ints, silence_min: Floats) -> dict[int, int]:
    """Place of each spot seen on MIN_CELL_DAYS days: those of most rest first. ``begins``: the spot that each usable silence began with."""
    rest_min: dict[int, float] = {}
    for each in np.unique(spot[spot >= 0]).tolist():
        if len(np.unique(day[spot == each])) >= MIN_CELL_DAYS:
            rest_min[each] = float(silence_min[(begins == each) & (silence_min > FLOOR_MIN)].sum())
    least_min = REST_SHARE * sum(rest_min.values())
    places = dict.fromkeys(rest_min, PASSAGE)
    resting = sorted((each for each in rest_min if rest_min[each] > least_min), key=lambda each: -rest_min[each])
    return places | dict(zip(resting, _RESTING, strict=False))


def _lines(
    silence_min: Floats, place: Ints, begins_h: Floats, day: Ints, per_week: float, days: int
) -> tuple[Floats, int, float]:
    """The lines, ``[LINES]`` minutes, how many of them rest on this home's own evidence, and the line of the home as a whole, minutes.
    ``begins_h``: local hour, with fractions."""
    tails = _Tails(*(np.full((PLACES, 24), np.nan) for _ in _Tails._fields))
    lived_min = np.zeros((PLACES, 24))
    quarter = np.floor(begins_h * _PARTS).astype(np.int64) % (24 * _PARTS)
    for p in range(PLACES):
        own = np.flatnonzero(place == p)
        own = own[np.argsort(-silence_min[own], kind="stable")]
        if not len(own):
            continue
        weight = np.ones((1, len(own))) if p == PASSAGE else _WEIGHT[:, quarter[own]]
        seen = p == PASSAGE or _days(day[own], quarter[own] // _PARTS) >= MIN_CELL_DAYS
        for of_all, found in zip(tails, _tails(silence_min[own], weight), strict=True):
            of_all[p] = np.where(seen, found, np.nan)
        lived_min[p] = np.bincount(quarter[own] // _PARTS, silence_min[own], 24) * 7.0 / days
    home = _tails(np.sort(silence_min)[::-1], np.ones((1, len(silence_min))))
    home_per_week = float(home.per_min[0] * silence_min.sum() * 7.0 / days)
    home_min = float(
        home.threshold[0] + home.mean[0] * np.log(np.maximum(home_per_week / (per_week * HOME_SHARE), 1.0))
    )
    if np.isnan(home_min):
        home_min = CEILING_MIN
    lines = _priced(tails, lived_min, per_week, home_min)
    learned = int((~np.isnan(lines)).sum())
    lines[STIRRED] = np.where(np.isnan(lines[STIRRED]), lines[BED], lines[STIRRED])
    resting = np.max(np.nan_to_num(np.delete(lines, PASSAGE, axis=0), nan=0.0), axis=0)
    default = defaults_min().reshape(len(ROOM_GROUPS), 24)[0]
    lines = np.where(np.isnan(lines), np.where(resting > 0, resting, default), lines)
    return np.ceil(np.clip(lines, FLOOR_MIN, CEILING_MIN)).reshape(LINES), learned, home_min


def _priced(tails: _Tails, lived_min: Floats, per_week: float, home_min: float) -> Floats:
    """The line of each cell, minutes, at the one price at which ``per_week`` false alarms come of all."""

    def at(price: float) -> tuple[Floats, float]:
        over = tails.mean * np.log(np.maximum(tails.per_min / (tails.mean * price), 1.0))
        line = tails.threshold + over
        passed = tails.per_min * np.exp(-over / tails.mean) * lived_min
        capped = line >= home_min
        told = float(np.nansum(np.where(capped, 0.0, passed))) + per_week * HOME_SHARE * bool(capped.any())
        return np.minimum(line, home_min), told

    low, high = -30.0, 0.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if at(np.exp(middle))[1] > per_week else (middle, high)
    return at(np.exp(low))[0]


def _tails(longest_first: Floats, weight: Floats) -> _Tails:
    """Tails of cells from silences and their weights in each, ``[cells, n]``."""
    above = np.cumsum(weight, axis=1)
    enough = above[:, -1] >= TOP
    at = np.minimum((above < TOP).sum(axis=1), len(longest_first) - 1)
    threshold = np.maximum(longest_first[at], LEAST_MIN)
    over = weight * (longest_first > threshold[:, None])
    passed = over.sum(axis=1)
    excess = (over * (longest_first - threshold[:, None])).sum(axis=1)
    mean = (excess + PRIOR * np.minimum(EXCESS * threshold, EXCESS_MIN)) / (passed + PRIOR)
    per_min = (passed + 0.5) / (weight @ longest_first + UNSEEN_MIN)
    return _Tails(*(np.where(enough, each, np.nan) for each in (threshold, mean, per_min)))


def _days(day: Ints, hour: Ints) -> Ints:
    """Number of days with a silence in each hour or beside it, ``[24]``."""
    seen = np.zeros((int(day.max() - day.min()) + 1, 24), dtype=bool)
    seen[day - day.min(), hour] = True
    return np.asarray((seen | np.roll(seen, 1, axis=1) | np.roll(seen, -1, axis=1)).sum(axis=0))


_RESTING = [place for place in range(PLACES) if place not in (STIRRED, PASSAGE)]
_PARTS = 4
"""Parts of an hour that weights tell apart."""


def _weights() -> Floats:
    """Weight of a silence that begins in each quarter of the day for each hour's cell, ``[24, 24 * _PARTS]``."""
    begins = (np.arange(24 * _PARTS) + 0.5) / _PARTS
    apart = np.abs(begins - (np.arange(24)[:, None] + 0.5))
    apart = np.minimum(apart, 24.0 - apart)
    return np.asarray(np.exp(-0.5 * (apart / NEAR_H) ** 2))


_WEIGHT = _weights()
