"""How well areas and homes are watched."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from api.models.shape import Asked, Coverage, CoverageNow, Said

Called = Literal["reached", "not_reached"]


class Count(Said):
    """Homes and residents in one state."""

    homes: int = 0
    residents: int = 0


class AreaCoverage(Said):
    """One area: the next level below the one that was asked for, or the area itself where there is none."""

    area: str = Field(description="Prefix of area_code", examples=["330282"])
    protected: Count
    degraded: Count
    blind: Count


class CoverageByArea(Said):
    """Counts by area."""

    area: str = Field(description="What was asked for, within what the user may see")
    areas: list[AreaCoverage]
    total: AreaCoverage
    now: datetime


class Inhabitant(Said):
    """Who lives there."""

    resident_id: str
    name: str
    birth_year: int | None
    phone: str


class HomeCalled(Said):
    """Somebody rang a home of an incident up, and how it went."""

    at: datetime
    actor: str
    result: Called


class HomeCall(Asked):
    """How a call to a home of an incident went."""

    result: Called


class CoverageHome(Said):
    """A home that is not protected."""

    home_id: str
    area_code: str
    address: str
    care_level: int
    residents: list[Inhabitant] = Field(description="Oldest first")
    coverage: CoverageNow
    called: HomeCalled | None = Field(
        default=None, description="In an incident: how the last call there went; none: nobody wrote one down"
    )


class CoveragePage(Said):
    """Homes that are not protected, frailest first: care level, then age."""

    homes: list[CoverageHome]
    next_after: str | None = Field(description="Give this as ``after`` for the next page; none: there is none")
    now: datetime


class CoverageSpan(Said):
    """A stretch in which a home was seen so, wall clock."""

    state: Coverage
    from_at: datetime
    to_at: datetime | None = Field(description="None: it is so still")
    coverage: CoverageNow


class CoverageHistory(Said):
    """How somebody was seen."""

    spans: list[CoverageSpan] = Field(description="Newest first; standstills of the pipeline stand among them")
    blind_s: float = Field(description="Seconds in which nobody could be seen, each counted once")
    since: datetime
    complete: bool = Field(description="False: there are more changes than are listed, and blind_s counts the listed")
    now: datetime
