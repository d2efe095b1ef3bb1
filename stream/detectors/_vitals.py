"""What detectors of measured vitals share: which readings count, and that only what lasts is said.

A reading counts if its time is known, its device does not say that it is off the body (``status.worn`` false, as on its charger), and it is no older
than the last one. It is beyond a *line* or not; a line holds when readings were beyond it without a break for ``hold_s``, ``least`` of them
at least, none further than ``gap_s`` from the next. So a single wild value never says anything, and neither do two with a good one between.
What was said is over when readings have been within all lines for ``calm_s``; it is said again only when it becomes more serious.
A device that measures several people (a thermometer on its round) names each: whoever comes next begins anew.
"""

import zlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from stream.columns import StateColumn
from stream.detector import Array, Bools, Context, Ints, Rows, State
from stream.learning import signs

LEAST = 3
"""Readings beyond a line at least, count. Chosen: two wild values in a row are seen, three hardly."""
NOBODY = 0


class Line(NamedTuple):
    """One line that a value may be beyond. Lines are given in order, the most serious first; bools have one entry for each row."""

    beyond: Bools
    told: Bools
    """Rows that say anything about this value; others leave the line as it is."""
    hold_s: float
    gap_s: float
    score: int
    reason: str
    least: int = LEAST


def columns(lines: int) -> dict[str, StateColumn]:
    """State of a detector with so many lines."""
    return {
        "worn": StateColumn("b1", True),
        "whom": StateColumn("i8", NOBODY),
        "at_s": StateColumn("f8", np.nan),
        "last_s": StateColumn("f8", np.nan, lines),
        "since_s": StateColumn("f8", np.nan, lines),
        "beyond": StateColumn("i4", 0, lines),
        "calm_s": StateColumn("f8", np.nan),
        "said": StateColumn("i1", lines),
    }


def note_worn(state: State, rows: Rows) -> None:
    """Follow whether devices are on the body; one that was taken off begins anew when it is worn again. For rows of kind ``status``."""
    worn, device = rows["worn"], rows.subject
    off = device[worn == 0]
    state.worn[device] = np.where(np.isnan(worn), state.worn[device], worn == 1)
    state.since_s[off] = np.nan
    state.calm_s[off] = np.nan


def counted(state: State, rows: Rows, told: Bools, ctx: Context, *, over: str) -> Rows:
    """The rows that count, of those in which something was ``told``; where somebody else is measured now, what was said ends (reason ``over``)."""
    fresh = ~(signs.happened_s(rows) <= state.at_s[rows.subject])
    rows = rows.where(told & fresh & state.worn[rows.subject] & signs.believable(rows))
    device, whom = rows.subject, _whom(rows)
    other = (whom != state.whom[device]) & ~np.isnan(state.at_s[device])
    ctx.out.off(device[other], event_at_s=signs.happened_s(rows)[other], reason=over)
    state.since_s[device[other]] = np.nan
    state.calm_s[device[other]] = np.nan
    state.said[device[other]] = state.since_s.shape[1]
    state.whom[device] = whom
    return rows


def _whom(rows: Rows) -> Ints:
    """A number for whomever each row names; NOBODY where it names nobody."""
    return np.array(
        [zlib.crc32(name.encode()) if name else NOBODY for name in rows.objects("resident_id")], dtype=np.int64
    )


def judge(
    state: State,
    rows: Rows,
    lines: Sequence[Line],
    ctx: Context,
    *,
    calm_s: float,
    over: str,
    evidence: Mapping[str, Array],
) -> None:
    """Say where a line holds, and where all is calm again. ``rows``: as ``counted`` gave them; evidence gets ``held_min``."""
    device, at_s = rows.subject, signs.happened_s(rows)
    level = np.full(len(device), len(lines))
    since_s = np.full(len(device), np.nan)
    beyond_any = np.zeros(len(device), dtype=bool)
    heard = state.said[device] == len(lines)  # whether these rows tell of what was said, so that they can end it
    for place, line in reversed(list(enumerate(lines))):
        beyond = line.beyond & line.told
        begins = ~(at_s - state.last_s[device, place] <= line.gap_s) | np.isnan(state.since_s[device, place])
        from_s = np.where(beyond, np.where(begins, at_s, state.since_s[device, place]), np.nan)
        count = np.where(beyond, np.where(begins, 1, state.beyond[device, place] + 1), 0)
        state.since_s[device, place] = np.where(line.told, from_s, state.since_s[device, place])
        state.beyond[device, place] = np.where(line.told, np.minimum(count, 10_000), state.beyond[device, place])
        state.last_s[device, place] = np.where(line.told, at_s, state.last_s[device, place])
        holds = beyond & (at_s - from_s >= line.hold_s) & (count >= line.least)
        level = np.where(holds, place, level)
        since_s = np.where(holds, from_s, since_s)
        beyond_any |= beyond
        heard |= line.told & (state.said[device] == place)
    state.at_s[device] = at_s

    worse = level < state.said[device]
    state.said[device] = np.minimum(level, state.said[device])
    for place, line in enumerate(lines):
        now = worse & (level == place)
        if now.any():
            said = rows.where(now)
            values = {name: value[now] for name, value in evidence.items()}
            ctx.out.on(
                said.subject, started_at_s=since_s[now], event_at_s=at_s[now], score=line.score, reason=line.reason,
                evidence={**values, "held_min": (at_s[now] - since_s[now]) / 60.0}, rows=said,
            )  # fmt: skip

    from_s = np.where(np.isnan(state.calm_s[device]), at_s, state.calm_s[device])
    from_s = np.where(beyond_any, np.nan, from_s)
    state.calm_s[device] = np.where(heard, from_s, state.calm_s[device])
    calm = heard & (at_s - from_s >= calm_s)
    ctx.out.off(device[calm], event_at_s=at_s[calm], reason=over)
    state.said[device[calm]] = len(lines)
