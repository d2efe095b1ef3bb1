"""Those who go there: what they are asked, what they say, visits, hours; and what the centre records about need."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field

from api.models.shape import Asked, Said

Group = Literal["alone", "empty_nest", "left_behind", "disabled", "severely_handicapped", "bereaved"]
Result = Literal["well", "helped", "handed_over", "not_met", "needs_more"]
Visited = Literal["well", "needs_more", "not_met"]


class HelperNear(Said):
    """Somebody who may be asked to go."""

    user_name: str
    display_name: str
    kind: str
    phone: str
    busy: int = Field(description="Other cases that they are at")
    state: str | None = Field(default=None, description="How far they are with this case, if they were asked")


class HelperResponse(Said):
    """Somebody who was asked, and how far they are."""

    user_name: str
    display_name: str
    state: str
    asked_by: str
    asked_at: datetime
    answered_at: datetime | None = None
    on_way_at: datetime | None = None
    arrived_at: datetime | None = None
    left_at: datetime | None = None
    arrive_by: datetime = Field(description="The service circle: 10 minutes in town, 20 in the country, from asking")
    late: bool
    result: str | None = None
    note: str


class HelpersOfCase(Said):
    """Who may be asked, and who was."""

    near: list[HelperNear]
    responses: list[HelperResponse]


class AskHelper(Asked):
    """Ask somebody to go there."""

    user_name: Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[a-z0-9._-]+$")]


class Task(Said):
    """Where a helper is needed."""

    case_id: str
    family: str
    priority: int
    state: str
    address: str
    residents: list[str]
    home_note: str
    key_at: str | None = None
    pets: str | None = None
    asked_at: datetime
    arrive_by: datetime
    arrived_at: datetime | None = None
    late: bool


class VisitDue(Said):
    """A resident who is visited regularly."""

    resident_id: str
    name: str
    address: str
    area_code: str
    groups: list[str]
    care_level: int
    last_at: datetime | None = Field(default=None, description="Newest visit at which they were met")
    due_at: datetime
    overdue: bool


class VisitsDue(Said):
    """Those who are due, the longest overdue first."""

    visits: list[VisitDue]
    now: datetime


class HelperPage(Said):
    """A helper's page."""

    tasks: list[Task]
    visits: list[VisitDue] = Field(description="Of the community's workers; none for others")
    hours: float = Field(description="Hours given in all")
    now: datetime


class Step(Asked):
    """The next step; leaving says what came of it."""

    state: Literal["accepted", "declined", "on_way", "arrived", "left"]
    result: Result | None = None
    note: str = Field(default="", max_length=300)


class NewVisit(Asked):
    """A visit that was made, ending now."""

    resident_id: Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[a-z0-9-]+$")]
    how: Literal["door", "phone"]
    result: Visited
    minutes: int = Field(ge=1, le=480)
    note: str = Field(default="", max_length=300)


class Groups(Asked):
    """Groups that the rules name for weekly visits."""

    groups: list[Group] = Field(max_length=6)


class NewAssessment(Asked):
    """A need assessment; sets the home's care level, and with it priority and how often somebody is visited."""

    level: int = Field(ge=0, le=5)
    assessed_on: date
    assessor: str = Field(min_length=1, max_length=100)
    paper: str = Field(default="", max_length=100)


class CareLevel(Said):
    """The home's care level after an assessment: the highest of its residents'."""

    home_id: str
    care_level: int


class Assessment(Said):
    """A need assessment as it was recorded."""

    level: int
    assessed_on: date
    assessor: str
    paper: str
    recorded_by: str
    recorded_at: datetime


class VisitMade(Said):
    """A visit that was made."""

    at: datetime
    left_at: datetime
    how: str
    result: str
    note: str
    user_name: str
    display_name: str


class Needs(Said):
    """What is known of a resident's need: groups, care level and where it comes from, visits."""

    groups: list[Group]
    care_level: int = Field(description="Of the home: the highest of its residents'")
    setting: Literal["town", "country"]
    last_at: datetime | None = Field(default=None, description="Newest visit at which they were met")
    due_at: datetime | None = Field(default=None, description="Next visit; none: they are not visited regularly")
    assessments: list[Assessment] = Field(description="The newest first: it counts")
    visits: list[VisitMade]
    now: datetime


class HelperTotal(Said):
    """What one helper gave."""

    user_name: str
    display_name: str
    helper_kind: str
    times: int
    visits: int
    hours: float


class HoursTotals(Said):
    """What helpers of one's area gave between two instants."""

    helpers: list[HelperTotal]
    from_at: datetime
    to_at: datetime
