"""What a city's own platforms fetch: people by consent, their visits and cases, and figures of all others."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from api.models.shape import Asked, Said


class Page(Said):
    """What every answer says of itself."""

    form: str = Field(description="Name and version of the form; another version is another form", examples=["shouwang.upstream.v1"])  # fmt: skip
    source: str
    area: str = Field(description="Prefix of the area code that this is of", examples=["330282"])
    as_of: datetime = Field(description="Send that of the first page as `since` the next time")


class Pages(Page):
    """One page of a list."""

    next_after: str | None = Field(description="Send it as `after` for the next page; none: this was the last")


class PersonOut(Said):
    """A resident who goes out by name."""

    resident_id: str
    area_code: str = Field(description="12 digits: the community or village")
    gone: bool = Field(description="They go out no more: delete what you have of them, visits and cases too")
    name: str | None
    birth_year: int | None
    sex: Literal["f", "m"] | None
    care_level: int | None = Field(description="Of the home, 0 to 5")
    groups: list[str] = Field(description="Groups that the rules name for weekly visits")
    setting: Literal["town", "country"] | None
    agreed_at: datetime | None = Field(description="From when on they go out")


class PeopleOut(Pages):
    """Those who agreed."""

    people: list[PersonOut]


class VisitOut(Said):
    """A visit to somebody who goes out by name."""

    visit_id: int
    resident_id: str
    area_code: str
    at: datetime
    left_at: datetime
    how: Literal["door", "phone"]
    result: Literal["well", "needs_more", "not_met"]
    helper_kind: str | None = Field(description="community, volunteer or doctor; who it was is not said")


class VisitsOut(Pages):
    """Their visits."""

    visits: list[VisitOut]


class CaseOut(Said):
    """A case about one person who goes out by name."""

    case_id: str
    resident_id: str
    area_code: str
    family: str
    priority: int = Field(ge=1, le=5)
    score: int = Field(ge=0, le=4)
    handling: str
    raised_at: datetime
    claimed_at: datetime | None = Field(description="First taken by a desk")
    resolved_at: datetime | None
    outcome: str | None


class CasesOut(Pages):
    """Their cases."""

    cases: list[CaseOut]


class FigureOut(Said):
    """How many of those who are not listed."""

    topic: Literal["people", "visits", "cases"]
    area: str = Field(description="9 digits: the town")
    month: str = Field(description="YYYY-MM of the home's calendar; empty: as it is now")
    dimension: str
    value: str
    number: int | None = Field(description="None: withheld")
    withheld: bool


class FiguresOut(Page):
    """Figures by town."""

    smallest: int = Field(description="A figure about fewer people is withheld, and its smallest neighbour with it")
    figures: list[FigureOut]


class NewUpstreamConsent(Asked):
    """What the resident or a guardian said about going out by name to the city's platforms."""

    agreed: bool
    given_by: Literal["resident", "guardian"]
    giver: str = Field(default="", max_length=60, description="The guardian's name")
    ground: str = Field(min_length=1, max_length=300, examples=["paper of 2026-11-23"])


class UpstreamConsentRow(Said):
    """What was said once."""

    consent_id: int
    agreed: bool
    given_by: str
    giver: str
    ground: str
    recorded_by: str
    recorded_at: datetime


class UpstreamConsents(Said):
    """Whether a resident goes out by name, and how that came about."""

    agreed: bool
    history: list[UpstreamConsentRow]
