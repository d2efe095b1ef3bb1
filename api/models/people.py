"""Residents, their last signs of life, and what a family may read."""

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from api.models.cases import CaseRow, Contact, HomeRecord, ResidentRecord
from api.models.shape import CoverageNow, Said, Sentence

Word = Literal["well", "somebody", "quiet", "alert", "cannot_see"]


class ResidentRow(Said):
    """A resident in a list."""

    resident_id: str
    name: str
    home_id: str
    area_code: str
    address: str
    care_level: int
    coverage: CoverageNow
    last_sign_at: datetime | None = Field(
        default=None, description="Newest sign of life of this home in the last days; none: none was seen"
    )
    open_cases: int


class ResidentPage(Said):
    """Residents by name, a page at a time."""

    residents: list[ResidentRow]
    next_after: str | None = Field(
        default=None, description="Give this as ``after`` for the next page; none: there is none"
    )
    now: datetime


class SignOfLife(Said):
    """The newest reading of a kind that says that someone is there."""

    kind: str = Field(description="Kind of reading, or pulse: alive, but perhaps not up and about", examples=["motion"])
    room: str | None = None
    device_id: str
    resident_id: str | None = Field(default=None, description="Whose, of what one resident alone wears or lies in")
    event_at: datetime


class DeviceState(Said):
    """One device, and whether it speaks."""

    device_id: str
    role: str
    room: str
    bound: bool
    last_seen_at: datetime | None = None
    limit_s: float = Field(description="Longest silence, s, after which it counts as lost")
    silent: bool


class UsualValue(Said):
    """Something that is usual with the resident or in the home, with its evidence. ``name`` ends with the unit."""

    name: str = Field(examples=["usual.heart_rest_bpm"])
    value: float
    days: int = Field(description="Days that it was learned from")
    counted: int = Field(description="Stretches of ten minutes, or stays, on these days")


class DayFigures(Said):
    """One local day of the home, counted at night."""

    day: date
    active_hours: int = Field(description="Hours with a sign of life")
    night_visits: int | None = Field(
        default=None, description="To the bathroom, in the night that ended on this day; none: cannot be known"
    )


class Habits(Said):
    """Information about nights and days, never an alarm: a change is for somebody to ask about who knows the person. Of all residents of a home together."""

    usual: list[UsualValue]
    days: list[DayFigures] = Field(
        description="The last four weeks, oldest first; days on which little was seen are left out"
    )
    night_visits: float | None = Field(default=None, description="Mean of the last 7 days; none: too few are known")
    night_visits_before: float | None = Field(default=None, description="Mean of the weeks before")
    active_hours: float | None = Field(default=None, description="Mean of the last 7 days; none: too few are known")
    active_hours_before: float | None = Field(default=None, description="Mean of the weeks before")


class ResidentDetail(Said):
    """A resident, for operators. Each reading of it is in the audit."""

    resident: ResidentRecord
    home: HomeRecord
    contacts: list[Contact]
    coverage: CoverageNow
    signs: list[SignOfLife]
    looked_back_s: float = Field(description="How far back signs of life were looked for, s")
    devices: list[DeviceState]
    open_cases: list[CaseRow]
    habits: Habits
    now: datetime


class OpenAlert(Said):
    """An open alert as a family may know of it: each part with consent for that part."""

    case_id: str
    family: str
    priority: int
    raised_at: datetime
    taken: bool = Field(description="Whether a person is on it")
    handling: str
    handler: str | None = Field(default=None, description="Who is on it; none: nobody, or no consent for it")
    address: str | None = None
    room: str | None = None
    going: list[str] = Field(description="Relatives who said that they are going there")
    i_go: bool


class Relative(Said):
    """One's own relative: a word that never lies. What is not consented to is none."""

    resident_id: str
    name: str
    scopes: list[str] = Field(description="What may be seen or done here")
    word: Word | None = Field(
        default=None,
        description="well: seen lately and watched well; somebody: watched well, and somebody at home was up, who is not known (others live there, or a visitor was announced); "
        "quiet: watched well, no sign lately; alert: someone is needed or on it; cannot_see: we cannot know",
    )
    said: Sentence | None = None
    last_sign_at: datetime | None = Field(
        default=None, description="With the word well: of the relative; else of whoever was at home"
    )
    cannot_see_since: datetime | None = None
    taken: bool | None = Field(default=None, description="With an alert: whether a person is on it")
    alerts: list[OpenAlert] = Field(default=[])
    away_until: datetime | None = Field(default=None, description="Announced as away, on the home's clock")
    visitor_until: datetime | None = None
    home_now: datetime | None = Field(default=None, description="The home's clock: a played world has its own")
    now: datetime


class Relatives(Said):
    """All relatives of a family user."""

    relatives: list[Relative]
    now: datetime
