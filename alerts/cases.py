"""A case and what belongs to it, as the life cycle, the stores, the api and the tests hand it around. Pure values, UTC instants."""

from datetime import datetime
from typing import Any, Literal

import msgspec

from contracts.alerts import CaseSummary, Change, Condition, Handling
from contracts.detections import Family, Origin

OPEN: tuple[Handling, ...] = (
    "RAISED",
    "ASKING",
    "QUEUED",
    "CLAIMED",
    "VERIFYING",
    "DISPATCHED",
    "ON_SCENE",
    "HELD",
    "SHELVED",
    "SUSPENDED",
)
"""Handlings of an open case: at most one for each (home, family). The partial unique index ``cases_one_open`` says the same."""
OWNED: tuple[Handling, ...] = ("CLAIMED", "VERIFYING", "DISPATCHED", "ON_SCENE")
"""Handlings in which one desk works on the case under a lease. A HELD case has an owner too, but the hold's end is its limit."""

TimerKind = Literal["ask", "rung", "lease", "hold", "restoral", "close"]
SYSTEM = "system"
"""Actor of every change that no person made."""
OF_STRANGERS = "call-"
"""How what stands for a home begins in a case of a telephone call, while nobody knows whose number it is (``alerts.calls``)."""
RESIDENT = "resident"
"""Actor of what the resident answered. Kin who answer are named by their user name."""


class CaseReason(msgspec.Struct, frozen=True):
    """Why the case exists: a key of ``contracts.reasons`` with its numbers."""

    key: str
    evidence: dict[str, float | str] = {}


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One row of ``cases``. ``version`` counts its changes from 1; every write compares it."""

    case_id: str
    version: int = 1
    home_id: str
    area_code: str = ""
    """Empty where the home is not registered: the case exists all the same."""
    resident_id: str | None = None
    family: Family
    priority: int
    score: int
    reasons: tuple[CaseReason, ...] = ()
    handling: Handling
    condition: Condition
    condition_at: datetime
    """Since when the condition is as it is (wall clock)."""
    test: bool = False
    event_at: datetime
    """Event time of the first signal, on its source's clock. All other instants are wall clock."""
    raised_at: datetime
    queued_at: datetime | None = None
    """Since when somebody is owed to take it: first queueing or reopening. The ladder and the deadline count from here."""
    deadline_at: datetime | None = None
    asking_until_at: datetime | None = None
    """While the resident is asked: when the case goes into the queue unless somebody answers."""
    desk_id: str | None = None
    """User name of who holds it."""
    former_desk_id: str | None = None
    """Who held it before it came back to the queue."""
    lease_id: str | None = None
    """The holder's token: every change by the holder names it. Shown to the holder only."""
    lease_until_at: datetime | None = None
    claimed_at: datetime | None = None
    """First claim: "answered"."""
    rung: int = 0
    called_rungs: tuple[int, ...] = ()
    """Rungs of the ladder that its desk asked for by hand while it has the case: those are told although somebody has it."""
    spell: int = 0
    """How often it came into the queue: who let go of it makes it wait anew, and people are told anew."""
    signals: int = 1
    held_until_at: datetime | None = None
    """End of a hold, or of the time on the shelf; ``hold_reason`` says why."""
    hold_reason: str | None = None
    outcome: str | None = None
    contact: str | None = None
    """Who was reached, a code of ``alerts.outcomes.CONTACTS``."""
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    follow_up_at: datetime | None = None
    """When it is looked at again and closes."""
    looked_by: str | None = None
    """Who had the second look at a resolved P1."""
    closed_at: datetime | None = None
    after_case_id: str | None = None
    """The resolved case that this one follows: a new episode after RESOLVED."""
    merged_into: str | None = None
    detector: str = ""
    """Whose detection began it: a report counts it for that one. Empty: an incident, or a case from before this was kept."""
    device_id: str | None = None
    """The device of that detection."""
    first_queued_at: datetime | None = None
    """When it first came into the queue; unlike ``queued_at`` it stays. None: it never had to wait for a desk."""
    arrived_at: datetime | None = None
    """When the desk first said that a responder is there."""

    @property
    def is_open(self) -> bool:
        return self.handling in OPEN


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """One episode of one detector within a case, as it stands: the newest word of each lane, folded (``alerts/signals.py``)."""

    detection_id: str
    detector: str
    device_id: str | None = None
    on: bool
    withdrawn: bool = False
    score: int
    reason: str
    evidence: dict[str, float | str] = {}
    started_at: datetime
    changed_at: datetime
    origin: Origin | None = None
    revisions: dict[str, int] = {}
    """Highest revision read, by lane."""
    about: str | None = None
    """The detection that it supports or contradicts; such a signal may be of another family than its case."""

    @property
    def contradicts(self) -> bool:
        """Whether it says of another detection that it was nothing. (One that supported it and took that back says 0 of it.)"""
        return self.withdrawn and self.about is not None and self.score >= 1


class AuditRow(msgspec.Struct, frozen=True, kw_only=True):
    """Who changed what, when, why. ``reason`` is a key of ``contracts.reasons.CHANGES``; its numbers and the operator's words stand in ``facts``."""

    at: datetime
    actor: str
    action: str
    version: int | None
    reason: str = ""
    facts: dict[str, Any] = {}


class Timer(msgspec.Struct, frozen=True, kw_only=True):
    """Something falls due for a case: ``due_at <= now``."""

    case_id: str
    kind: TimerKind
    due_at: datetime


class CaseDetail(msgspec.Struct, frozen=True, kw_only=True):
    """A case with its signals (oldest first), timers, and audit (in order)."""

    case: Case
    signals: tuple[Signal, ...]
    timers: tuple[Timer, ...]
    audit: tuple[AuditRow, ...]


class Place(msgspec.Struct, frozen=True):
    """Where a detection stood in Kafka, so that a reader's offset moves in the same transaction as what it read."""

    consumer: str
    topic: str
    partition: int
    offset: int


class Admission(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one detection.

    ``repeated``: held already (the twin, or a replay). ``older``: a newer revision of its lane was read before; kept, changes nothing.
    ``new``: kept, and ``change`` says what it changed in the case, or None where it brought nothing new (the other lane said the same).
    """

    result: Literal["new", "repeated", "older"]
    case_id: str | None = None
    change: Change | None = None
    case: Case | None = None


def summary(case: Case) -> CaseSummary:
    """The case as queues and ``alerts.v1`` show it."""
    return CaseSummary(
        case_id=case.case_id,
        version=case.version,
        home_id=case.home_id,
        area_code=case.area_code,
        family=case.family,
        priority=case.priority,
        score=case.score,
        reasons=tuple(reason.key for reason in case.reasons),
        handling=case.handling,
        condition=case.condition,
        raised_at=case.raised_at,
        queued_at=case.queued_at,
        deadline_at=case.deadline_at,
        desk_id=case.desk_id,
        lease_until_at=case.lease_until_at,
        rung=case.rung,
        signals=case.signals,
        test=case.test,
        resident_id=case.resident_id,
        former_desk_id=case.former_desk_id,
        asking_until_at=case.asking_until_at,
        held_until_at=case.held_until_at,
    )
