"""By which numbers cases are ranked and timed."""

from datetime import datetime

from pydantic import Field

from api.models.shape import Asked, Said
from contracts.detections import Family


class PriorityRule(Said):
    """Priorities of one family."""

    family: Family
    priorities: list[int] = Field(description="At score 0, 1, 2, 3, 4")
    least: list[int] = Field(description="Less urgent than this it cannot be made")
    changed_by: str
    changed_at: datetime | None = Field(description="None: as shipped")


class AnswerTime(Said):
    """Within what time cases of one priority should be claimed."""

    priority: int
    answer_s: float
    longest_s: float
    changed_by: str
    changed_at: datetime | None


class AskingTime(Said):
    """How long the resident and kin are asked first. A family that is not among them is never asked."""

    family: Family
    wait_s: float
    enabled: bool
    changed_by: str
    changed_at: datetime | None


class SiteRules(Said):
    """All of them, for the whole site."""

    priorities: list[PriorityRule]
    answers: list[AnswerTime]
    asking: list[AskingTime]
    may_change: bool = Field(description="Whether the user oversees the whole site")
    now: datetime


class NewPriorities(Asked):
    """What a family is to be at score 0, 1, 2, 3, 4."""

    priorities: list[int] = Field(min_length=5, max_length=5, examples=[[3, 3, 2, 1, 1]])


class NewAnswerTime(Asked):
    """Within what time cases should be claimed."""

    answer_s: float = Field(ge=10, le=604_800)


class NewAskingTime(Asked):
    """How long somebody is asked first; not ``enabled``: into the queue at once."""

    wait_s: float = Field(ge=30, le=900)
    enabled: bool = True
