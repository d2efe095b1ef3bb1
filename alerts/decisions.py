"""What people may do with a case, and when it is refused. Pure: the case, the request and the time in; a Move with its reason out."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from alerts.cases import OF_STRANGERS, OWNED, SYSTEM, Case, Signal
from alerts.errors import (
    BadFollowUp,
    HoldTooLong,
    LeaseLost,
    MissingWords,
    NotLookedAt,
    NotMergeable,
    NotPossible,
    NotShelvable,
    NotUnknown,
    SameEyes,
    ShelfTooLong,
    StaleClaim,
    StepsMissing,
    TooLateToReopen,
    UnknownContact,
    UnknownOutcome,
)
from alerts.lifecycle import Event, Move, moved, step
from alerts.outcomes import CONTACTS, OF_DESKS, OUTCOMES
from alerts.rules import LATCHING, RESTORABLE, Rules
from alerts.scripts import missing
from alerts.signals import condition_of, in_order, reasons_of
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


def check_holder(case: Case, desk_id: str, lease_id: str, now: datetime, version: int | None) -> None:
    """Refuse who does not have the case, or has it no more. Raises LeaseLost."""
    if case.desk_id != desk_id or case.lease_id != lease_id or lease_ran_out(case, now):
        raise LeaseLost(**_facts(case, version))


def renewed_lease(rules: Rules, now: datetime) -> datetime:
    """Until when somebody who just did something has the case."""
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
            case, "claim", "claimed", now, actor=desk_id, facts={"desk_id": desk_id, "waited_s": waited_s, "was": case.handling},
            desk_id=desk_id, lease_id=lease_id, lease_until_at=renewed_lease(rules, now), claimed_at=case.claimed_at or now,
            # One that was asked about never was in the queue; should it come back, it waits since now.
            queued_at=case.queued_at or now, asking_until_at=None, **_NOT_HELD,
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
    check_holder(case, desk_id, lease_id, now, None)
    return moved(case, None, "renewed", now, actor=desk_id, lease_until_at=renewed_lease(rules, now))


def release(case: Case, *, version: int, desk_id: str, lease_id: str, note: str, now: datetime) -> Move:
    """Give it back."""
    check_version(case, version)
    step(case, "release")
    check_holder(case, desk_id, lease_id, now, version)
    return moved(
        case, "release", "released", now, actor=desk_id, facts={"desk_id": desk_id, "was": case.handling, "note": note},
        former_desk_id=desk_id, **_FREE, **_NOT_HELD,
    )  # fmt: skip


def leave(
    case: Case, *, desk_id: str, successor: str | None, lease_id: str, silent: bool, now: datetime
) -> Move | None:
    """Whoever has it is gone. None: he has it no more.

    A hold is a promise: with a successor it passes to him as it is, and alarms again at his desk. Everything else goes back to the top of the
    queue with the former owner noted. ``silent``: nobody signed anything, his page was heard no more.
    """
    if case.desk_id != desk_id:
        return None
    facts = {"desk_id": desk_id, "was": case.handling, "note": case.hold_reason or ""}
    if case.handling == "HELD" and successor is not None:
        return moved(
            case, "take_over", "held", now, actor=successor, reason="case.taken_over", facts=facts | {"successor": successor},
            desk_id=successor, former_desk_id=desk_id, lease_id=lease_id,
        )  # fmt: skip
    return moved(
        case, "leave", "released", now, actor=SYSTEM if silent else desk_id, reason="case.went_silent" if silent else "case.left", facts=facts,
        former_desk_id=desk_id, **_FREE, **_NOT_HELD,
    )  # fmt: skip


def note(case: Case, *, actor: str, text: str, now: datetime, rules: Rules) -> Move:
    """Write into the history. By the holder it is activity too."""
    words = _words(text, "A text", "note in")
    active = actor == case.desk_id and case.handling in OWNED and not lease_ran_out(case, now)
    fields: dict[str, Any] = {"lease_until_at": renewed_lease(rules, now)} if active else {}
    return moved(case, None, "noted", now, actor=actor, facts={"note": words}, **fields)


_PROGRESS: dict[Event, Change] = {"verify": "verifying", "dispatch": "dispatched", "arrive": "on_scene"}


def progress(
    case: Case, event: Event, *, version: int, desk_id: str, lease_id: str, note: str, now: datetime, rules: Rules
) -> Move:
    """The owner verifies, dispatches, or hears that the responder is there."""
    check_version(case, version)
    step(case, event)
    check_holder(case, desk_id, lease_id, now, version)
    if event == "dispatch":
        note = _words(note, "Who was sent", "dispatch for")
    return moved(
        case,
        event,
        _PROGRESS[event],
        now,
        actor=desk_id,
        facts={"note": note},
        lease_until_at=renewed_lease(rules, now),
        arrived_at=case.arrived_at or (now if event == "arrive" else None),
        **_NOT_HELD,
    )


def hold(
    case: Case, *, version: int, desk_id: str, lease_id: str, reason: str, hold_s: float, now: datetime, rules: Rules
) -> Move:
    """Wait with a reason and an end. The owner keeps it; there is no lease meanwhile, the end is the limit."""
    check_version(case, version)
    step(case, "hold")
    check_holder(case, desk_id, lease_id, now, version)
    words = _words(reason, "A reason", "hold")
    limit_s = rules.hold_limit_s[case.priority - 1]
    if not 0 < hold_s <= limit_s:
        raise HoldTooLong(priority=case.priority, limit_s=limit_s, asked_s=hold_s)
    until = now + timedelta(seconds=hold_s)
    return moved(
        case, "hold", "held", now, actor=desk_id, facts={"note": words, "hold_s": hold_s},
        lease_until_at=None, held_until_at=until, hold_reason=words,
    )  # fmt: skip


def shelve(
    case: Case, *, version: int, desk_id: str, lease_id: str, reason: str, shelf_s: float, now: datetime, rules: Rules
) -> Move:
    """Out of the way until an end: technical cases of P4 and P5 only. Nobody owns it meanwhile; whoever wants to may claim it."""
    check_version(case, version)
    step(case, "shelve")
    check_holder(case, desk_id, lease_id, now, version)
    if case.family not in RESTORABLE or case.priority < LOWEST_SHELVED:
        raise NotShelvable(case_id=case.case_id, family=case.family, priority=case.priority)
    words = _words(reason, "A reason", "shelve")
    if not 0 < shelf_s <= rules.shelf_limit_s:
        raise ShelfTooLong(limit_s=rules.shelf_limit_s, asked_s=shelf_s)
    until = now + timedelta(seconds=shelf_s)
    return moved(
        case, "shelve", "shelved", now, actor=desk_id, facts={"note": words, "shelf_s": shelf_s, "desk_id": desk_id},
        held_until_at=until, hold_reason=words, former_desk_id=desk_id, **_FREE,
    )  # fmt: skip


LOWEST_SHELVED = 4
"""Of the priorities that may be shelved the most urgent: technical. Design, section 6, rule 8: P1 and P2 never."""


def off_the_shelf(
    case: Case, event: Event, reason: str, facts: dict[str, Any], rules: Rules, now: datetime, **fields: Any
) -> Move:
    """Back into the queue as if it had just come."""
    priority = fields.get("priority", case.priority)
    again = {"queued_at": now, "deadline_at": now + timedelta(seconds=rules.answer_s[priority]), "rung": 0}
    said = facts | {"note": case.hold_reason}
    return moved(
        case, event, "queued", now, reason=reason, facts=said, **(fields | again | _NOT_HELD)
    )  # fmt: skip


def resolve(
    case: Case, *, version: int, desk_id: str, lease_id: str, outcome: str, contact: str, steps: Sequence[str], note: str,
    follow_up_s: float | None, now: datetime, rules: Rules,
) -> Move:  # fmt: skip
    """It is over. A latched condition ends here; one that devices still report stays on and is looked at again after the follow-up.

    ``contact``: who was reached (of technical cases nobody need be). ``steps``: what of the script was done. ``follow_up_s``: somebody promised to
    look again so much later, and it comes back then unless that was done; None: it closes after a day.
    """
    check_version(case, version)
    step(case, "resolve")
    check_holder(case, desk_id, lease_id, now, version)
    if outcome not in OF_DESKS:
        raise UnknownOutcome(outcome=outcome, known=", ".join(OF_DESKS))
    if contact not in CONTACTS and (contact or case.family not in RESTORABLE):
        raise UnknownContact(contact=contact, known=", ".join(CONTACTS))
    if undone := missing(case.family, outcome, steps):
        raise StepsMissing(family=case.family, steps=", ".join(undone))
    if follow_up_s is not None and not 0 < follow_up_s <= rules.reopen_s:
        raise BadFollowUp(limit_s=rules.reopen_s, asked_s=follow_up_s)
    after: dict[str, Any] = {"condition": "off", "condition_at": now} if case.condition == "latched" else {}
    facts = {
        "outcome": outcome, "outcome_zh": OUTCOMES[outcome].zh, "outcome_en": OUTCOMES[outcome].en, "contact": contact,
        "steps": list(steps), "note": note,
    }  # fmt: skip
    return moved(
        case, "resolve", "resolved", now, actor=desk_id, facts=facts, outcome=outcome, contact=contact or None,
        resolved_at=now, resolved_by=desk_id, follow_up_at=None if follow_up_s is None else now + timedelta(seconds=follow_up_s),
        looked_by=None, **_FREE, **_NOT_HELD, **after,
    )  # fmt: skip


def merge(
    case: Case, into: Case, signals: Sequence[Signal], its_signals: Sequence[Signal], *, version: int, desk_id: str, lease_id: str, note: str,
    now: datetime, rules: Rules,
) -> tuple[Move, Move, tuple[Signal, ...]]:  # fmt: skip
    """Two cases are one matter: ``case`` ends in ``into``, which takes over its signals. Both histories say so, and it is never undone.

    Nothing gets quieter by it: ``into`` waits for a desk or is at one, is as urgent as the more urgent of both, and latches if ``case`` does.
    """
    check_version(case, version)
    step(case, "merge")
    check_holder(case, desk_id, lease_id, now, version)
    why = None
    if case.case_id == into.case_id or case.home_id != into.home_id or into.test:
        why = "it is no other case of this home"
    elif into.handling not in ("QUEUED", *OWNED):
        why = f"that one is {into.handling}"
    elif into.family in RESTORABLE or (case.family in LATCHING and into.family not in LATCHING):
        why = f"a case of {into.family} may end without a person"
    if why is not None:
        raise NotMergeable(case_id=case.case_id, family=case.family, into=into.case_id, why=why)
    words = {"note": note, "desk_id": desk_id}
    ended = moved(
        case, "merge", "merged", now, actor=desk_id, reason="case.merged_by_hand", facts=words | {"into": into.case_id, "into_family": into.family},
        merged_into=into.case_id, closed_at=now, deadline_at=None, **_FREE, **_NOT_HELD,
    )  # fmt: skip
    known = {signal.detection_id for signal in its_signals}
    added = tuple(signal for signal in signals if signal.detection_id not in known)
    together = in_order((*its_signals, *added))
    priority = min(case.priority, into.priority)
    condition = condition_of(into.family, together)
    fields: dict[str, Any] = {
        "priority": priority, "score": max(case.score, into.score), "reasons": reasons_of(together), "signals": len(together),
        "resident_id": into.resident_id or case.resident_id, "condition": condition,
        "condition_at": into.condition_at if condition == into.condition else now,
    }  # fmt: skip
    if priority < into.priority:
        sooner = now + timedelta(seconds=rules.answer_s[priority])
        fields |= {"deadline_at": min(into.deadline_at or sooner, sooner), "rung": 0}
    facts = words | {
        "from": case.case_id,
        "from_family": case.family,
        "priority": priority,
        "priority_before": into.priority,
    }
    took = moved(
        into, None, "priority" if priority < into.priority else "signal", now, actor=desk_id, reason="case.took_in", facts=facts, **fields
    )  # fmt: skip
    return ended, took, added


def tie(
    case: Case, *, version: int, desk_id: str, lease_id: str, home_id: str, resident_id: str | None, area_code: str, note: str, now: datetime,
    rules: Rules,
) -> Move:  # fmt: skip
    """A stranger's call is found to be of this home. Its holder says so, once."""
    check_version(case, version)
    check_holder(case, desk_id, lease_id, now, version)
    if not case.home_id.startswith(OF_STRANGERS):
        raise NotUnknown(case_id=case.case_id, home_id=case.home_id)
    renewed = {"lease_until_at": renewed_lease(rules, now)} if case.handling in OWNED else {}
    return moved(
        case, None, "noted", now, actor=desk_id, reason="case.tied", facts={"desk_id": desk_id, "home": home_id, "note": note},
        home_id=home_id, area_code=area_code, resident_id=resident_id, **renewed,
    )  # fmt: skip


def look(case: Case, *, version: int, actor: str, note: str, now: datetime) -> Move:
    """The second look: somebody else agrees with how a P1 ended. (Who does not agree reopens it.)"""
    check_version(case, version)
    step(case, "look")
    if case.resolved_by == actor:
        raise SameEyes(case_id=case.case_id, desk_id=actor)
    return moved(case, "look", "looked", now, actor=actor, facts={"desk_id": actor, "note": note}, looked_by=actor)


def follow_up(case: Case, *, version: int, actor: str, note: str, now: datetime) -> Move:
    """Somebody looked again, as promised: it closes."""
    check_version(case, version)
    step(case, "close")
    words = _words(note, "What was found", "follow up")
    if case.priority == 1 and case.looked_by is None:
        raise NotLookedAt(case_id=case.case_id, desk_id=case.resolved_by)
    return moved(
        case, "close", "closed", now, actor=actor, reason="case.followed_up", facts={"note": words}, closed_at=now
    )


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
        # What the resident or kin ended was with no desk.
        former_desk_id=case.resolved_by if case.claimed_at else None,
        outcome=None, contact=None, resolved_at=None, resolved_by=None, follow_up_at=None, looked_by=None, closed_at=None,
        condition=condition, condition_at=case.condition_at if condition == case.condition else now,
    )  # fmt: skip
