"""What stands beside a case: the home's last incidents, and what its devices said before the event."""

from datetime import datetime

from pydantic import Field

from api.models.shape import Said, Sentence


class EarlierCase(Said):
    """Another incident of the home, as a line; GET /api/v1/cases/{case_id} opens it."""

    case_id: str
    version: int
    resident_id: str | None = None
    family: str
    priority: int
    handling: str
    raised_at: datetime
    ended_at: datetime | None = None
    outcome: Sentence | None = Field(default=None, description="What it turned out to be")


class EarlierCases(Said):
    """The last ten, newest first."""

    cases: list[EarlierCase]
    now: datetime


class ActivityLine(Said):
    """One kind of thing in one place."""

    kind: str = Field(examples=["motion"], description="motion, presence, contact, power or water")
    role: str = Field(description="Of the device; empty for motion, which is told by room", examples=["stove"])
    room: str = Field(examples=["kitchen"])
    name: Sentence = Field(description="What and where, in words")
    minutes: list[int] = Field(description="Of each stretch, in how many minutes something happened")


class Unknown(Said):
    """Nobody listened: an empty stretch says nothing here."""

    from_at: datetime
    to_at: datetime


class LastHours(Said):
    """Hours before the event, on the home's own source's clock."""

    from_at: datetime
    to_at: datetime
    event_at: datetime
    stretch_s: float
    lines: list[ActivityLine]
    unknown: list[Unknown]
    now: datetime
