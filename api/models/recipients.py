"""Who is told of cases beside the consoles, when, and by which steps."""

from datetime import datetime
from typing import Literal
from zoneinfo import available_timezones

from pydantic import AwareDatetime, Field, field_validator, model_validator

from api.models.shape import Asked, Said
from api.models.shifts import AREA

Kind = Literal["desk", "supervisor", "wall", "backup_centre", "kin"]
_ZONES = available_timezones()


class RecipientDuty(Asked):
    """A stretch of a weekday, local minutes of the day."""

    weekday: int = Field(ge=1, le=7, description="1 Monday")
    from_minute: int = Field(ge=0, le=1439)
    to_minute: int = Field(ge=1, le=1440)
    zone: str = Field(default="Asia/Shanghai", max_length=60)

    @field_validator("zone")
    @classmethod
    def _known(cls, zone: str) -> str:
        if zone not in _ZONES:
            raise ValueError("no such time zone")
        return zone

    @model_validator(mode="after")
    def _forwards(self) -> "RecipientDuty":
        if self.from_minute >= self.to_minute:
            raise ValueError("it ends before it begins; write a night as two stretches")
        return self


class NewRecipient(Asked):
    """Somebody, or something, that is to be told."""

    recipient_id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$", examples=["chief-phone"])
    kind: Kind
    name: str = Field(default="", max_length=100)
    url: str = Field(
        default="", max_length=1000, description="Apprise address; it holds a secret and is never shown again", examples=["ntfys://our-topic"]
    )  # fmt: skip
    way: str = Field(default="", max_length=40, description="Instead of an address: one of the site's ways …")
    reach: str = Field(default="", max_length=200, description="… and the number or address on it")
    language: Literal["zh", "en"] = "zh"
    area_prefix: str = Field(default="", pattern=AREA, description="Whose cases; not of kin")
    home_id: str | None = Field(default=None, max_length=40, description="Kin: of which home")
    ground: str = Field(default="", max_length=500, description="Kin: how they agreed, on which day")
    lowest_priority: int = Field(default=2, ge=1, le=5, description="Down to which priority")
    most_per_hour: int = Field(default=30, ge=0, le=10_000)
    cost: float = Field(default=0.0, ge=0, description="Of one message, CNY")
    most_cost_per_day: float | None = Field(default=None, ge=0)


class RecipientRow(Said):
    """One who is told. The address stays where it is."""

    recipient_id: str
    kind: Kind
    name: str
    language: str
    area_prefix: str
    home_id: str | None = None
    consented_at: datetime | None = None
    ground: str
    lowest_priority: int
    most_per_hour: int
    cost: float
    most_cost_per_day: float | None = None
    enabled: bool
    paused_by: str | None = None
    paused_until_at: datetime | None = Field(default=None, description="Told again from then on, by itself")
    way: str
    user_name: str | None = Field(default=None, description="Kin with a log-in, who chose it themselves")
    duties: list[RecipientDuty] = Field(description="Empty: at any time")
    tried_at: datetime | None = None
    trial_sent: bool | None = Field(default=None, description="None: no trial, or it is under way")
    trial_detail: str | None = None


class Recipients(Said):
    """Who is told, in order of ids."""

    recipients: list[RecipientRow]
    ways: list[str] = Field(description="The site's ways (SHOUWANG_API_KIN_WAYS)")
    next_after: str | None = Field(default=None, description="Give this as ``after`` for the next page")
    now: datetime


class Paused(Asked):
    """Whether somebody is told. A pause has an end."""

    paused: bool
    until_at: AwareDatetime | None = Field(
        default=None, description="Its end: 8 h from now where nothing is said, 7 days at most"
    )


class RecipientDuties(Asked):
    """When somebody is told; nothing: at any time."""

    duties: list[RecipientDuty] = Field(max_length=100)


class NewRung(Asked):
    """A step: who is told when nobody has taken a case for so long."""

    after_s: float = Field(gt=0, le=86_400)
    who: Literal["all_desks", "supervisor_wall", "backup_centre_kin", "incident_review"]


class NewLadder(Asked):
    """The ladder of one priority in an area; without steps the area takes that of the area around it."""

    area_prefix: str = Field(default="", pattern=AREA)
    rungs: list[NewRung] = Field(max_length=10)


class LadderRung(Said):
    """A step that is in force."""

    area_prefix: str
    priority: int
    rung: int
    after_s: float
    who: str
    enabled: bool
    changed_by: str
    changed_at: datetime
    reaches: Literal["all", "part", "nobody"] = Field(
        description="Whom it could tell at this moment: somebody for each home of the area, for some of them, or nobody. Kin are each home's own and not counted"
    )


class Ladders(Said):
    """Steps by priority and area; of several areas around a home the narrowest with a ladder for the priority holds."""

    rungs: list[LadderRung]
    now: datetime
