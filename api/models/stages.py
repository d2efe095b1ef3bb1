"""Health: what runs, what stands still."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from api.models.cases import CaseRow
from api.models.shape import Said


class Lane(Said):
    """How far one worker group is with one lane."""

    group: str
    lane: str
    source: str
    partitions: int = Field(description="Partitions that this group reports")
    standing: list[int] = Field(description="Partitions whose progress stands still: their residents are blind")
    lag: int = Field(description="Frames not yet read, all partitions")
    age_s: float = Field(description="Age of the oldest progress, wall clock, s")
    watched_lag_s: float | None = Field(default=None, description="The source's clock minus watched_until, s")
    since: datetime | None = Field(default=None, description="Standing still since")


class PipelineNow(Said):
    """The way from devices to alerts."""

    state: Literal["running", "late", "standing", "unknown"]
    lanes: list[Lane]
    at: datetime


class CanariesNow(Said):
    """How long ago the whole way, from a device's message to the stream of changes, was last seen to work, at its worst place."""

    state: Literal["ok", "late", "unknown"] = Field(description="unknown: of some place nothing has ever been seen")
    oldest_age_s: float | None = Field(description="Age of the oldest proof of all places that have one, s")
    lane: str | None = None
    partition: int | None = Field(default=None, description="The place with the oldest proof")
    unknown: int = Field(default=0, description="Places (partition and lane) of which nothing has ever been seen")
    late_s: float = Field(description="Older than this is late, s")


class Stage(Said):
    """One part, and whether it answers."""

    name: str = Field(examples=["database"])
    state: Literal["ok", "late", "away", "unknown"]
    detail: str = ""


class Health(Said):
    """All parts that the api can see."""

    state: Literal["ok", "degraded", "away"]
    stages: list[Stage]
    pipeline: PipelineNow
    canaries: CanariesNow | None = Field(
        default=None, description="None: this site sends none, so it is not known whether the whole way works"
    )
    streams_open: int
    now: datetime


class Alive(Said):
    """The process answers."""

    alive: bool = True


class Snapshot(Said):
    """First event of a stream: all open cases that the user may see."""

    cases: list[CaseRow]
    health: Health
    now: datetime


class Change(Said):
    """A change of a case, with the case after it."""

    change: str = Field(examples=["claimed"])
    at: datetime
    actor: str
    reason: str = ""
    open: bool = Field(description="False: it leaves the queue")
    case: CaseRow
