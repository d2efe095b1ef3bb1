"""What is usual with a person: from weeks of readings, the lines beside which pulse, oxygen and temperature are held. Pure.

Comes as medians of ten minutes (a wild value never makes one where a wearable measures each minute). Of each day the lowest, the highest and
the middle are taken; of the days the value that nine in ten stay within, so that a day in bed with a cold is not yet usual. Names are
those that the detectors ask the card for (``Cards.usual``). Hard lines stand whatever is learned here.
Not left out: readings of a watch that lay on its charger and invented a pulse; the share of days bounds what they can do.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from stream.detector import Floats, Ints

MIN_DAYS = 7
"""Fewer days teach nothing, days. Chosen: every weekday once."""
SHARE = 0.9
"""So many of the days stay within what is called usual, 0 to 1. Chosen (above)."""


class Usual(NamedTuple):
    """One value, with its evidence."""

    resident_id: str
    name: str
    value: float
    days: int
    counted: int
    """Stretches of ten minutes, or stays."""


class _Wanted(NamedTuple):
    name: str
    column: str
    of_day: float
    """Quantile of a day's medians."""
    of_days: float
    """Quantile of the days."""
    least: int
    """Stretches that a day must have. Chosen: two hours of a wearable; a thermometer on its round has one or two."""


WANTED = (
    _Wanted("usual.heart_low_bpm", "heart_rate_bpm", 0.0, 1.0 - SHARE, 12),
    _Wanted("usual.heart_rest_bpm", "heart_rate_bpm", 0.1, 0.5, 12),
    _Wanted("usual.heart_high_bpm", "heart_rate_bpm", 1.0, SHARE, 12),
    _Wanted("usual.spo2_low_pct", "spo2_pct", 0.0, 1.0 - SHARE, 6),
    _Wanted("usual.body_low_c", "body_temp_c", 0.0, 1.0 - SHARE, 1),
    _Wanted("usual.body_c", "body_temp_c", 0.5, 0.5, 1),
    _Wanted("usual.skin_high_c", "skin_temp_c", 1.0, SHARE, 12),
)
"""``usual.heart_rest_bpm`` is for people to read: the resting heart rate."""


def learn(resident: Sequence[str], day: Ints, columns: Mapping[str, Floats]) -> list[Usual]:
    """What medians of ten minutes teach: whose, of which local day, and the values (NaN where not measured); arrays run in parallel."""
    found: list[Usual] = []
    whose = np.array(resident, dtype=object)
    for each in sorted(set(resident)):
        mine = whose == each
        for wanted in WANTED:
            values = columns[wanted.column][mine]
            told = ~np.isnan(values)
            usual = _over_days(day[mine][told], values[told], wanted)
            if usual is not None:
                found.append(Usual(each, wanted.name, *usual))
    return found


def _over_days(day: Ints, values: Floats, wanted: _Wanted) -> tuple[float, int, int] | None:
    days, counts = np.unique(day, return_counts=True)
    days = days[counts >= wanted.least]
    if len(days) < MIN_DAYS:
        return None
    of_day = [float(np.quantile(values[day == each], wanted.of_day)) for each in days.tolist()]
    counted = int(np.isin(day, days).sum())
    return round(float(np.quantile(of_day, wanted.of_days)), 1), len(days), counted
