"""What people may do with a case, and when it is refused. Pure: the case, the request and the time in; a Move with its reason out."""

from datetime import datetime, timedelta
from typing import Any

from alerts.cases import OWNED, Case
from alerts.errors import (
    HoldTooLong,
    LeaseLost,
    MissingWords,
    NotPossible,
    StaleClaim,
    TooLateToReopen,
    UnknownOutcome,
)
from alerts.lifecycle import Event, Move, moved, step
from alerts.outcomes import OUTCOMES
from alerts.rules import Rules
from contracts.alerts import Change, Condition

_FREE: dict[str, Any] = {"desk_id": None, "lease_id": None, "lease_until_at": None}
_NOT_HELD: dict[str, Any] = {"held_until_at": None, "hold_reason": None}


def _facts(case: Case, given: int | None) -> dict[str, Any]:
    if case.desk_id is None:
        holder = "nobody holds it"
    elif case.lease_until_at is not None:
        holder = f"{case.desk_id} holds it until {case.lease_until_at:%H:%M:%S} UTC"
    else:
        holder = f"{case.desk_id} has it on hold"
    return {
        "case_id": case.case_id,
        "version": case.version,
        "handling": case.handling,
        "desk_id": case.desk_id,
        "lease_until_at": case.lease_until_at,
        "holder": holder,
        "given": case.version if given is None else given,
    }


def check_version(case: Case, version: int) -> None:
    """Refuse a request made from an older page. Raises StaleClaim."""
    if case.version != version:
        raise StaleClaim(**_facts(case, version))


def lease_ran_out(case: Case, now: datetime) -> bool:
    """Whether the owner's right is over, though the sweep may not have said so yet."""
    until = case.held_until_at if case.handling == "HELD" else case.lease_until_at
    return until is None or until <= now


def _check_holder(case: Case, desk_id: str, lease_id: str, now: datetime, version: int | None) -> None:
    if case.desk_id != desk_id or case.lease_id != lease_id or lease_ran_out(case, now):
        raise LeaseLost(**_facts(case, version))


def _lease(rules: Rules, now: datetime) -> datetime:
    return now + timedelta(seconds=rules.lease_s)


def _words(text: str, what: str, event: str) -> str:
    if not text.strip():
        raise MissingWords(what=what, event=event)
    return text.strip()


def claim(case: Case, *, version: int, desk_id: str, lease_id: str, now: datetime, rules: Rules) -> list[Move]:
    """Give the case to a desk. An owner whose lease is over loses it first: then there are two moves."""
    check_version(case, version)
    moves: list[Move] = []
    if case.handling in OWNED:
        if not lease_ran_out(case, now):
            raise StaleClaim(**_facts(case, version))
        moves.append(lose_lease(case, now))
        case = moves[-1].after
    if case.handling == "HELD":
        raise StaleClaim(**_facts(case, version))
    waited_s = (now - (case.queued_at or case.raised_at)).total_seconds()
    moves.append(
        moved(
            case, "claim", "claimed", now, actor=desk_id, facts={"desk_id": desk_id, "waited_s": waited_s},
            desk_id=desk_id, lease_id=lease_id, lease_until_at=_lease(rules, now), claimed_at=case.claimed_at or now,
        )
    )  # fmt: skip
    return moves


def lose_lease(case: Case, now: datetime) -> Move:
    """The owner showed no activity: back to the top of the queue, with the owner noted."""
    idle = {"desk_id": case.desk_id, "was": case.handling}
    return moved(case, "lose_lease", "lease_lost", now, facts=idle, former_desk_id=case.desk_id, **_FREE)


def renew(case: Case, *, desk_id: str, lease_id: str, now: datetime, rules: Rules) -> Move:
    """The operator is active. Not for a HELD case: its end stands."""
    if case.handling not in OWNED:
        if case.handling == "HELD":
            raise NotPossible(handling="HELD", event="renew", possible="verify, dispatch, arrive, release, resolve")
        raise LeaseLost(**_facts(case, None))
    _check_holder(case, desk_id, lease_id, now, None)
    return moved(case, None, "renewed", now, actor=desk_id, lease_until_at=_lease(rules, now))


def release(case: Case, *, version: int, desk_id: str, lease_id: str, note: str, now: datetime) -> Move:
    """Give it back."""
    check_version(case, version)
    step(case, "release")
    _check_holder(case, desk_id, lease_id, now, version)
    return moved(
        case, "release", "released", now, actor=desk_id, facts={"desk_id": desk_id, "was": case.handling, "note": note},
        former_desk_id=desk_id, **_FREE, **_NOT_HELD,
    )  # fmt: skip


def note(case: Case, *, actor: str, text: str, now: datetime, rules: Rules) -> Move:
    """Write into the history. By the holder it is activity too."""
    words = _words(text, "A text", "note in")
    active = actor == case.desk_id and case.handling in OWNED and not lease_ran_out(case, now)
    fields: dict[str, Any] = {"lease_until_at": _lease(rules, now)} if active else {}
    return moved(case, None, "noted", now, actor=actor, facts={"note": words}, **fields)


_PROGRESS: dict[Event, Change] = {"verify": "verifying", "dispatch": "dispatched", "arrive": "on_scene"}


def progress(
    case: Case, event: Event, *, version: int, desk_id: str, lease_id: str, note: str, now: datetime, rules: Rules
) -> Move:
    """The owner verifies, dispatches, or hears that the responder is there."""
    check_version(case, version)
    step(case, event)
    _check_holder(case, desk_id, lease_id, now, version)
    if event == "dispatch":
        note = _words(note, "Who was sent", "dispatch for")
    return moved(
        case,
        event,
        _PROGRESS[event],
        now,
        actor=desk_id,
        facts={"note": note},
        lease_until_at=_lease(rules, now),
        **_NOT_HELD,
    )


def hold(
    case: Case, *, version: int, desk_id: str, lease_id: str, reason: str, hold_s: float, now: datetime, rules: Rules
) -> Move:
    """Wait with a reason and an end. The owner keeps it; there is no lease meanwhile, the end is the limit."""
    check_version(case, version)
    step(case, "hold")
    _check_holder(case, desk_id, lease_id, now, version)
    words = _words(reason, "A reason", "hold")
    limit_s = rules.hold_limit_s[case.priority - 1]
    if not 0 < hold_s <= limit_s:
        raise HoldTooLong(priority=case.priority, limit_s=limit_s, asked_s=hold_s)
    until = now + timedelta(seconds=hold_s)
    return moved(
        case, "hold", "held", now, actor=desk_id, facts={"note": words, "hold_s": hold_s},
        lease_until_at=None, held_until_at=until, hold_reason=words,
    )  # fmt: skip


def resolve(case: Case, *, version: int, desk_id: str, lease_id: str, outcome: str, note: str, now: datetime) -> Move:
    """It is over. A latched condition ends here; one that devices still report stays on and is looked at again after the follow-up."""
    check_version(case, version)
    step(case, "resolve")
    _check_holder(case, desk_id, lease_id, now, version)
    if outcome not in OUTCOMES:
        raise UnknownOutcome(outcome=outcome, known=", ".join(OUTCOMES))
    after: dict[str, Any] = {"condition": "off", "condition_at": now} if case.condition == "latched" else {}
    return moved(
        case, "resolve", "resolved", now, actor=desk_id, facts={"outcome": outcome, "outcome_zh": OUTCOMES[outcome].zh, "outcome_en": OUTCOMES[outcome].en, "note": note},
        outcome=outcome, resolved_at=now, resolved_by=desk_id, **_FREE, **_NOT_HELD, **after,
    )  # fmt: skip


def reopen(
    case: Case, *, version: int, actor: str, reason: str, condition: Condition, now: datetime, rules: Rules
) -> Move:
    """Back into the queue. ``condition``: what its signals say as of now."""
    check_version(case, version)
    step(case, "reopen")
    words = _words(reason, "A reason", "reopen")
    finished_at = case.resolved_at or case.closed_at or case.raised_at
    if now - finished_at > timedelta(seconds=rules.reopen_s):
        raise TooLateToReopen(
            case_id=case.case_id, finished_at=f"{finished_at:%Y-%m-%d %H:%M} UTC", reopen_s=rules.reopen_s
        )
    return reopened(case, actor=actor, reason="case.reopened", note=words, condition=condition, now=now, rules=rules)


def reopened(
    case: Case, *, actor: str, reason: str, note: str, condition: Condition, now: datetime, rules: Rules
) -> Move:
    """The move itself, for a person and for the follow-up that finds the condition still on."""
    return moved(
        case, "reopen", "reopened", now, actor=actor, reason=reason, facts={"note": note, "outcome": case.outcome},
        queued_at=now, deadline_at=now + timedelta(seconds=rules.answer_s[case.priority]), rung=0,
        former_desk_id=case.resolved_by, outcome=None, resolved_at=None, resolved_by=None, closed_at=None,
        condition=condition, condition_at=case.condition_at if condition == case.condition else now,
    )  # fmt: skip
