"""Who looked at whom: openings of single records beyond one's area, and views of records."""

from datetime import datetime

from pydantic import Field

from api.models.shape import Asked, Said


class NewOpening(Asked):
    """Somebody outside of one's area whose record is needed now."""

    resident: str = Field(
        min_length=1, max_length=40, description="Id or telephone number", examples=["+86 138 0000 0001"]
    )
    reason: str = Field(
        min_length=10,
        max_length=500,
        description="Why it is needed now; supervisors of both areas read it",
        examples=["他打到我们中心求救，本区中心无人接听"],
    )
    minutes: int = Field(default=30, ge=5, le=60, description="It ends by itself after so long")


class Opening(Said):
    """One record that somebody could read, from when to when and why."""

    opening_id: int
    user_name: str
    resident_id: str
    name: str | None = Field(default=None, description="For those who may see the resident")
    home_id: str
    area_code: str
    reason: str
    opened_at: datetime
    ends_at: datetime
    ended_at: datetime | None = Field(default=None, description="Ended by somebody before its time")
    ended_by: str | None = None
    living: bool


class Openings(Said):
    """Openings, newest first."""

    openings: list[Opening]
    next_before: int | None = Field(default=None, description="Give this as ``before`` for the next page")
    now: datetime


class View(Said):
    """Somebody saw a record, or a list of residents."""

    at: datetime
    actor: str
    action: str = Field(examples=["viewed", "listed_residents"])
    residents: list[str] = Field(description="Whom: resident ids")
    home_id: str | None = None
    case_id: str | None = None
    by_right: str = Field(description="area and its prefix, family, or break-glass", examples=["area 330282"])
    words: str = Field(default="", description="What was searched for")


class Views(Said):
    """Views, newest first."""

    views: list[View]
    next_before: datetime | None = Field(default=None, description="Give this as ``before`` for the next page")
