"""What detectors of food temperatures share: how long it has been on the wrong side of each of some limits.

Time counts between two readings that are both on the wrong side; a gap longer than gap_s counts gap_s, for no more is believed of what was not
seen. One reading on the right side ends the count of its limit: so a defrost cycle or a door that was open, after which the cabinet is
soon as it was, never adds up to anything. Nothing is concluded of a cabinet that never was as it should be: it is new, empty or off.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from contracts.kinds import ROLES
from stream.columns import StateColumn
from stream.detector import Bools, Context, Ints, Rows, State

FRIDGE = ROLES.index("fridge")


def state_of(limits: int) -> dict[str, StateColumn]:
    """Columns of a detector with so many limits."""
    return {
        "held_s": StateColumn("f8", 0.0, limits),
        "wrong": StateColumn("b1", False, limits),
        "since_s": StateColumn("f8", np.nan),
        "value_c": StateColumn("f8", np.nan),
        "at_s": StateColumn("f8", np.nan),
        "in_use": StateColumn("b1", False),
    }


def of_mode(rows: Rows, mode: str) -> Rows:
    """The rows of cabinets of this mode; a fridge that does not say is a cold one, anything else that does not say is unknown."""
    said = np.array(rows.objects("mode"), dtype=object)
    mine = said == mode
    if mode == "cold":
        mine |= (said == None) & (rows.role == FRIDGE)  # noqa: E711
    return rows.where(np.asarray(mine, dtype=bool) & ~np.isnan(rows["temperature_c"]))


class Held(NamedTuple):
    """After these rows, parallel to ``rows``: which limits (``[rows, limits]``) were passed for their time."""

    rows: Rows
    done: Bools


def follow(state: State, rows: Rows, wrong: Bools, right: Bools, holds_s: Sequence[float], gap_s: float) -> Held:
    """Add up the time on the wrong side (``wrong``: ``[rows, limits]``, of this row's temperature); ``right``: as the cabinet should be.
    Rows older than the last one are left out."""
    newer = ~(rows.event_at_s <= state.at_s[rows.subject])
    rows, wrong = rows.where(newer), wrong[newer]
    subject, at_s = rows.subject, rows.event_at_s
    state.in_use[subject] |= right[newer]
    wrong = wrong & state.in_use[subject][:, None]
    since_last_s = np.nan_to_num(np.clip(at_s - state.at_s[subject], 0.0, gap_s))[:, None]
    held_s = state.held_s[subject] + np.where(state.wrong[subject], since_last_s, 0.0)
    state.held_s[subject] = np.where(wrong, held_s, 0.0)
    state.wrong[subject] = wrong
    start_s = np.where(np.isnan(state.since_s[subject]), at_s, state.since_s[subject])
    state.since_s[subject] = np.where(wrong.any(axis=1), start_s, np.nan)
    state.value_c[subject], state.at_s[subject] = rows["temperature_c"], at_s
    return Held(rows, state.held_s[subject] >= np.array(holds_s))


def said(
    ctx: Context, state: State, held: Held, scores: Sequence[int], limits_c: Sequence[float], reasons: Sequence[str]
) -> None:
    """Say the worst limit that was passed for its time. Limits stand in order of what they mean, the worst last."""
    rows, done = held
    worst = np.where(done.any(axis=1), done.shape[1] - 1 - np.argmax(done[:, ::-1], axis=1), -1)
    for limit, reason in enumerate(reasons):
        mine = rows.where(worst == limit)
        subject = mine.subject
        if len(subject):
            evidence = {
                "temperature_c": state.value_c[subject],
                "limit_c": np.full(len(subject), limits_c[limit]),
                "held_min": state.held_s[subject, limit] / 60.0,
            }
            ctx.out.on(subject, started_at_s=state.since_s[subject], event_at_s=mine.event_at_s, score=scores[limit],
                       reason=reason, evidence=evidence, rows=mine)  # fmt: skip


def fine(state: State, rows: Rows) -> Rows:
    """Those of ``rows`` whose cabinet is on the right side of every limit."""
    return rows.where(np.asarray(~state.wrong[rows.subject].any(axis=1)))


def forget(state: State, subject: Ints) -> None:
    """The cabinet is out of use: what follows counts from when it is as it should be again."""
    state.in_use[subject] = False
    state.held_s[subject] = 0.0
    state.wrong[subject] = False
    state.since_s[subject] = np.nan
