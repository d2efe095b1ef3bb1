"""The life cycle of a case: one table ``(handling, event) -> handling``. Pure: no clock, no I/O.

``docs/life-cycle.md`` is drawn from TABLE (``python -m alerts.drawing``). What people, timers and detections do with it stands in
``alerts.decisions``, ``alerts.asking``, ``alerts.timers`` and ``alerts.admission``: each decision returns a Move, which carries its reason.
"""

from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec

from alerts.cases import OWNED, SYSTEM, Case, TimerKind
from alerts.errors import NotPossible
from alerts.rules import RESTORABLE, Rules
from contracts.alerts import Change, Handling

Event = Literal[
    "queue", "ask", "test", "well", "help", "unsure", "no_answer", "cannot_ask", "claim", "release", "lose_lease", "verify", "dispatch", "arrive",
    "leave", "take_over", "hold", "end_hold", "shelve", "end_shelf", "sound", "resolve", "look", "restore", "close", "reopen", "fold", "unfold",
    "suspend", "end_window", "merge",
]  # fmt: skip

MEANING: dict[Event, str] = {
    "queue": "raised by a detection: it waits for a desk",
    "ask": "raised at P3 about a person: the resident, and kin by the app, are asked first",
    "well": "the resident, or kin, says that all is well",
    "help": "somebody who was asked says that help is needed: as urgent as the help button",
    "unsure": "what was said cannot be understood: one rung higher",
    "no_answer": "nobody answered in time: one rung higher",
    "cannot_ask": "nobody can be asked: no telephone, no kin with the app, or the gateway fails",
    "test": "raised by a test: recorded from end to end, shown as a test, never counted",
    "claim": "a desk takes it, under a lease of 90 s",
    "release": "the desk gives it back",
    "lose_lease": "the desk showed no activity for the length of the lease",
    "leave": "whoever had it signed off, handed over or went silent",
    "take_over": "the hold is a promise, and passes to who took over with both signatures",
    "verify": "the desk calls to learn what is true",
    "dispatch": "a responder was sent",
    "arrive": "the responder is there",
    "hold": "wait, with a reason and an end",
    "end_hold": "the hold is over: it alarms again",
    "shelve": "technical only, P4 or P5: out of the way, with a reason and an end",
    "end_shelf": "the time on the shelf is over: it alarms again",
    "sound": "a new or stronger signal ends asking, a hold (at its owner's desk) and the time on the shelf; one from what is in service rings",
    "resolve": "it is over, with an outcome code, who was reached, and the required steps",
    "look": "the second look at a P1, by somebody else than who resolved it",
    "restore": "technical only: the device is back and stayed back",
    "close": "the follow-up time is over",
    "reopen": "within 24 h of its end, under the same id",
    "fold": "technical only: many homes of its town fell silent together, and one case stands for all",
    "unfold": "that case is closed, and this home is silent still",
    "suspend": "raised while its device, home or area is out of service: recorded and shown, and it does not ring",
    "merge": "its desk folds it into another open case of the home, which takes over its signals and is as urgent from then on",
    "end_window": "the time out of service is over: what is not over by itself alarms",
}

_LEAVING: tuple[tuple[Event, Handling], ...] = (
    ("release", "QUEUED"),
    ("lose_lease", "QUEUED"),
    ("leave", "QUEUED"),
    ("hold", "HELD"),
    ("shelve", "SHELVED"),
    ("resolve", "RESOLVED"),
    ("merge", "MERGED"),
)
"""What an owner may do (or lose) in whatever handling the case is."""

TABLE: dict[tuple[Handling, Event], Handling] = {
    ("RAISED", "queue"): "QUEUED",
    ("RAISED", "ask"): "ASKING",
    ("RAISED", "test"): "TEST",
    ("ASKING", "claim"): "CLAIMED",
    ("ASKING", "well"): "RESOLVED",
    ("ASKING", "help"): "QUEUED",
    ("ASKING", "unsure"): "QUEUED",
    ("ASKING", "no_answer"): "QUEUED",
    ("ASKING", "cannot_ask"): "QUEUED",
    ("ASKING", "sound"): "QUEUED",
    ("QUEUED", "claim"): "CLAIMED",
    ("QUEUED", "restore"): "CLOSED",
    ("CLAIMED", "verify"): "VERIFYING",
    # A former desk may have sent or met the responder already: the next owner goes on from there.
    ("CLAIMED", "dispatch"): "DISPATCHED",
    ("CLAIMED", "arrive"): "ON_SCENE",
    ("VERIFYING", "dispatch"): "DISPATCHED",
    ("VERIFYING", "arrive"): "ON_SCENE",
    # The call that tells more may come at any time, also while somebody is under way.
    ("DISPATCHED", "verify"): "VERIFYING",
    ("DISPATCHED", "arrive"): "ON_SCENE",
    **{(handling, event): after for handling in OWNED for event, after in _LEAVING},
    ("HELD", "verify"): "VERIFYING",
    ("HELD", "dispatch"): "DISPATCHED",
    ("HELD", "arrive"): "ON_SCENE",
    ("HELD", "release"): "QUEUED",
    ("HELD", "leave"): "QUEUED",
    ("HELD", "take_over"): "HELD",
    ("HELD", "end_hold"): "QUEUED",
    ("HELD", "sound"): "CLAIMED",
    ("HELD", "resolve"): "RESOLVED",
    ("QUEUED", "fold"): "MERGED",
    ("MERGED", "unfold"): "QUEUED",
    ("SHELVED", "claim"): "CLAIMED",
    ("SHELVED", "end_shelf"): "QUEUED",
    ("SHELVED", "sound"): "QUEUED",
    ("SHELVED", "restore"): "CLOSED",
    ("RAISED", "suspend"): "SUSPENDED",
    ("SUSPENDED", "claim"): "CLAIMED",
    ("SUSPENDED", "end_window"): "QUEUED",
    ("SUSPENDED", "sound"): "QUEUED",
    ("SUSPENDED", "restore"): "CLOSED",
    ("RESOLVED", "look"): "RESOLVED",
    ("RESOLVED", "close"): "CLOSED",
    ("RESOLVED", "reopen"): "QUEUED",
    ("CLOSED", "reopen"): "QUEUED",
}


def possible(handling: Handling) -> tuple[Event, ...]:
    """Events that may follow, in the table's order."""
    return tuple(event for (before, event) in TABLE if before == handling)


def step(case: Case, event: Event) -> Handling:
    """Handling after ``event``. Raises NotPossible."""
    after = TABLE.get((case.handling, event))
    if after is None:
        allowed = ", ".join(possible(case.handling)) or "nothing"
        raise NotPossible(
            handling=case.handling, event=event, possible=allowed, case_id=case.case_id, version=case.version
        )
    return after


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """One decided change: the case before and after it, who, and why. ``before`` is None for a case that begins."""

    before: Case | None
    after: Case
    change: Change
    at: datetime
    reason: str
    """Key of ``contracts.reasons.CHANGES``; the sentence's numbers and the operator's words stand in ``facts``."""
    actor: str = SYSTEM
    facts: dict[str, Any] = {}


def moved(
    case: Case, event: Event | None, change: Change, now: datetime, *, actor: str = SYSTEM, reason: str = "",
    facts: dict[str, Any] | None = None, **fields: Any,
) -> Move:  # fmt: skip
    """The case one version on: its handling by TABLE (``event`` None: as it is), other columns as given. Raises NotPossible."""
    handling = case.handling if event is None else step(case, event)
    if handling == "QUEUED" and case.handling != "QUEUED":
        fields["spell"] = case.spell + 1
        fields["first_queued_at"] = case.first_queued_at or now
    if handling not in (*OWNED, "HELD") or fields.get("priority", case.priority) != case.priority:
        # Asked for by a desk that has it, of a case as urgent as it was: whoever waits anew is told by the ladder.
        fields["called_rungs"] = ()
    after = msgspec.structs.replace(case, version=case.version + 1, handling=handling, **fields)
    return Move(
        before=case,
        after=after,
        change=change,
        at=now,
        reason=reason or f"case.{change}",
        actor=actor,
        facts=facts or {},
    )


def timers_of(case: Case, rules: Rules) -> dict[TimerKind, datetime]:
    """The timers that a case must have as it stands. They follow from the case alone, so a lost one can be set again."""
    timers: dict[TimerKind, datetime] = {}
    if case.handling in ("QUEUED", "SHELVED", "SUSPENDED") and case.family in RESTORABLE and case.condition == "off":
        timers["restoral"] = case.condition_at + timedelta(seconds=rules.restoral_s)
    if case.handling == "QUEUED" and case.queued_at is not None:
        following = [rung for rung in rules.rungs(case.priority, case.area_code) if rung.rung > case.rung]
        if following:
            timers["rung"] = case.queued_at + timedelta(seconds=following[0].after_s)
    elif case.handling == "ASKING" and case.asking_until_at is not None:
        timers["ask"] = case.asking_until_at
    elif case.handling in OWNED and case.lease_until_at is not None:
        timers["lease"] = case.lease_until_at
    elif case.handling in ("HELD", "SHELVED", "SUSPENDED") and case.held_until_at is not None:
        timers["hold"] = case.held_until_at
    elif case.handling == "RESOLVED" and case.resolved_at is not None:
        timers["close"] = case.follow_up_at or case.resolved_at + timedelta(seconds=rules.follow_up_s)
    return timers


def queue_place(case: Case) -> tuple[int, bool, datetime, datetime, str]:
    """Sort key of the queue: priority, then those that came back from a desk, then the deadline (not the arrival)."""
    deadline = case.deadline_at or case.raised_at
    fresh = case.former_desk_id is None or case.handling != "QUEUED"
    return (case.priority, fresh, deadline, case.raised_at, case.case_id)
