"""What happens when a timer of a case falls due. Pure; a timer that the case has outgrown does nothing."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from alerts.asking import no_answer
from alerts.cases import OWNED, Case, Signal, TimerKind
from alerts.decisions import lose_lease, off_the_shelf, reopened
from alerts.lifecycle import Move, moved, timers_of
from alerts.rules import ENDING, RESTORABLE, Rules
from alerts.signals import condition_of


class Escalation(msgspec.Struct, frozen=True):
    """Where on the ladder a case stands at an instant, and why."""

    rung: int
    who: str
    waited_s: float
    after_s: float
    """When that rung was due, s after queueing; 0 on rung 0."""


def escalate(case: Case, rules: Rules, now: datetime) -> Escalation:
    """The highest enabled rung that is due; never below the one reached. Rung 0 is the first desk."""
    waited_s = (now - (case.queued_at or case.raised_at)).total_seconds()
    reached = Escalation(case.rung, "first_desk", waited_s, 0.0)
    for rung in rules.rungs(case.priority, case.area_code):
        if rung.rung > reached.rung and waited_s >= rung.after_s:
            reached = Escalation(rung.rung, rung.who, waited_s, rung.after_s)
    return reached


def fire(
    case: Case, kind: TimerKind, signals: Sequence[Signal], other_open: bool, rules: Rules, now: datetime
) -> Move | None:
    """The move of a due timer, or None where it is not (or no longer) due by the case itself.

    ``signals``: of the case. ``other_open``: another case of this home and family is open (it then stands in this one's place).
    """
    due_at = timers_of(case, rules).get(kind)
    if due_at is None or due_at > now:
        return None
    if kind == "ask":
        return no_answer(case, rules, now)
    if kind == "rung":
        return _climb(case, rules, now)
    if kind == "lease" and case.handling in OWNED:
        return lose_lease(case, now)
    if kind == "hold" and case.handling == "SHELVED":
        return off_the_shelf(case, "end_shelf", "case.shelf_ended", {}, rules, now)
    if kind == "hold" and case.handling == "SUSPENDED":
        return off_the_shelf(case, "end_window", "case.window_ended", {}, rules, now)
    if kind == "hold":
        return moved(
            case, "end_hold", "hold_ended", now, facts={"desk_id": case.desk_id, "note": case.hold_reason},
            former_desk_id=case.desk_id, desk_id=None, lease_id=None, lease_until_at=None, held_until_at=None, hold_reason=None,
        )  # fmt: skip
    if kind == "restoral" and case.family in RESTORABLE:
        return moved(case, "restore", "restored", now, closed_at=now, held_until_at=None, hold_reason=None)
    if kind == "close":
        return _follow_up(case, signals, other_open, rules, now)
    return None


def _climb(case: Case, rules: Rules, now: datetime) -> Move | None:
    reached = escalate(case, rules, now)
    if reached.rung <= case.rung:
        return None
    facts = {"rung": reached.rung, "who": reached.who, "waited_s": reached.waited_s, "after_s": reached.after_s}
    return moved(case, None, "escalated", now, facts=facts, rung=reached.rung)


def _follow_up(case: Case, signals: Sequence[Signal], other_open: bool, rules: Rules, now: datetime) -> Move:
    """Close; but where devices still say that it burns, somebody promised to look again, or a P1 had no second look, it comes back.

    Not where another case of this home and family is open: that one is at hand already.
    """
    condition = condition_of(case.family, signals)
    reason = None
    if case.family in ENDING and condition == "on":
        reason = "case.still_on"
    elif case.follow_up_at is not None:
        reason = "case.follow_up_due"
    elif case.priority == 1 and case.looked_by is None:
        reason = "case.not_looked_at"
    if reason is not None and not other_open:
        return reopened(case, actor="system", reason=reason, note="", condition=condition, now=now, rules=rules)
    return moved(case, "close", "closed", now, closed_at=now)
