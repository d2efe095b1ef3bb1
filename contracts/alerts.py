"""Alert events: what changed in a case, told by the outbox on ``alerts.v1`` (key: case id, order: version)."""

from datetime import datetime
from typing import Literal

import msgspec

from contracts.canaries import Word
from contracts.detections import Family, Origin

Handling = Literal[
    "RAISED", "ASKING", "QUEUED", "CLAIMED", "VERIFYING", "DISPATCHED", "ON_SCENE", "RESOLVED", "CLOSED",
    "HELD", "MERGED", "SHELVED", "SUSPENDED", "TEST",
]  # fmt: skip
Condition = Literal["on", "latched", "off"]
Change = Literal[
    "raised", "asked", "answered", "queued", "signal", "priority", "claimed", "renewed", "released", "lease_lost", "noted", "stepped", "called", "verifying", "dispatched", "on_scene", "held",
    "hold_ended", "escalated", "resolved", "looked", "reopened", "closed", "restored", "shelved", "merged", "unmerged",
]  # fmt: skip


class CaseSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A case as a queue shows it; no name, no telephone number."""

    case_id: str
    version: int
    home_id: str
    area_code: str
    family: Family
    priority: int
    """1 (life) to 5 (information)."""
    score: int
    reasons: tuple[str, ...]
    """Keys of sentences; texts by language stand in ``contracts.reasons``."""
    handling: Handling
    condition: Condition
    raised_at: datetime
    queued_at: datetime | None
    deadline_at: datetime | None
    desk_id: str | None = None
    """Who holds it (user name)."""
    lease_until_at: datetime | None = None
    rung: int = 0
    signals: int = 1
    test: bool = False
    resident_id: str | None = None
    former_desk_id: str | None = None
    asking_until_at: datetime | None = None
    """ASKING: when it goes into the queue unless somebody answers."""
    held_until_at: datetime | None = None
    """HELD, SHELVED, SUSPENDED: when it alarms again."""


class AlertEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One change, with the case as it stands after it. Consumers keep the highest version for each case."""

    event_id: str
    change: Change
    at: datetime
    actor: str
    """User name, or ``system``."""
    reason: str = ""
    """Key of ``contracts.reasons.CHANGES``; its numbers stand in the case's audit row of this version."""
    case: CaseSummary
    origins: tuple[Origin, ...] = ()
    """Whom to tell ``taken`` when ``change`` is ``claimed``."""
    canary: Word | None = None
    """Set: no case stands behind this event. It is a canary on its way to its judge, and nobody else has anything to do with it."""


_DECODER = msgspec.json.Decoder(AlertEvent)


def encode(event: AlertEvent) -> bytes:
    return msgspec.json.encode(event)


def decode(value: bytes) -> AlertEvent:
    """Raises msgspec.ValidationError or msgspec.DecodeError."""
    return _DECODER.decode(value)
