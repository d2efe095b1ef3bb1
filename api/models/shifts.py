"""Shifts: centres, desks, who sits where, who is planned, offers, and hand-overs."""

from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime, Field

from api.models.shape import Asked, Said

AREA = r"^([0-9]{4}|[0-9]{6}|[0-9]{9}|[0-9]{12})?$"
DESK = r"^[a-z0-9][a-z0-9-]{0,39}$"


class NewCentre(Asked):
    """A watch centre: an area, and how many have to be on duty."""

    area_prefix: str = Field(pattern=AREA, description="Whom it watches; empty: the whole site", examples=["330282"])
    name: str = Field(default="", max_length=100, examples=["慈溪中心"])
    least_on_duty: int = Field(default=2, ge=2, le=500)


class NewDesk(Asked):
    """A place to sit at."""

    desk_id: str = Field(pattern=DESK, examples=["cixi-1"])
    area_prefix: str = Field(pattern=AREA, description="Of its centre", examples=["330282"])
    name: str = Field(default="", max_length=100, examples=["一号席"])


class Seat(Said):
    """A desk, and who sits there."""

    desk_id: str
    area_prefix: str
    name: str
    user_name: str | None = None
    display_name: str | None = None
    signed_on_at: datetime | None = None


class Centre(Said):
    """A centre, and whether enough are on duty."""

    area_prefix: str
    name: str
    least_on_duty: int
    on_duty: int
    short: bool = Field(description="Fewer are on duty than should be")
    short_since: datetime | None = Field(default=None, description="As the alerts processes noted it")
    desks: list[Seat]


class Centres(Said):
    """Centres of one's area."""

    centres: list[Centre]
    now: datetime


class Gap(Said):
    """A time in which too few were on duty."""

    gap_id: int
    area_prefix: str
    from_at: datetime
    ended_at: datetime | None = None
    on_duty: int = Field(description="The fewest that there were")
    least: int


class NewDuty(Asked):
    """Somebody is planned."""

    user_name: str = Field(min_length=1, max_length=40)
    area_prefix: str = Field(pattern=AREA, description="Of the centre")
    from_at: AwareDatetime
    to_at: AwareDatetime = Field(description="At most 24 h later")


class Duty(Said):
    """Somebody planned, from when to when."""

    duty_id: int
    area_prefix: str
    user_name: str
    display_name: str
    from_at: datetime
    to_at: datetime
    made_by: str
    here: bool = Field(description="Signed on at a desk of that centre now")


class Thin(Said):
    """A time for which too few are planned."""

    area_prefix: str
    from_at: datetime
    to_at: datetime
    planned: int
    least: int


class Rota(Said):
    """Who is planned, where it is too few, and when too few were there."""

    duties: list[Duty]
    thin: list[Thin] = Field(description="Times within the list for which too few are planned")
    gaps: list[Gap] = Field(description="When too few were on duty, newest first")
    now: datetime


class SignOn(Asked):
    """Where somebody sits down."""

    desk_id: str = Field(pattern=DESK)


class Mine(Said):
    """Where I sit."""

    desk_id: str
    area_prefix: str
    signed_on_at: datetime


class Offer(Said):
    """A waiting case that is offered to one desk first. Everybody may claim it all the same."""

    case_id: str
    user_name: str
    why: Literal["load", "promise"]
    until_at: datetime


class ShiftNow(Said):
    """Where I sit, who is here, whom cases are offered to, what waits for a signature."""

    mine: Mine | None = None
    centres: list[Centre]
    absent: list[Duty] = Field(description="Planned now, and not here")
    offers: list[Offer]
    handovers: list["ShiftHandover"] = Field(description="That wait for somebody to take over")
    now: datetime


class InHand(Said):
    """A case that passes: worked on, or on hold until."""

    case_id: str
    home_id: str
    family: str
    priority: int
    handling: str
    raised_at: datetime
    held_until_at: datetime | None = None
    hold_reason: str | None = None


class CallBack(Said):
    """A promise to look again."""

    case_id: str
    home_id: str
    family: str
    priority: int
    follow_up_at: datetime
    outcome: str | None = None
    resolved_by: str | None = None


class LookOwed(Said):
    """A resolved P1 that nobody else has looked at."""

    case_id: str
    home_id: str
    family: str
    priority: int
    resolved_at: datetime
    outcome: str | None = None
    resolved_by: str | None = None


class Left(Said):
    """What one leaves to who comes."""

    in_hand: list[InHand]
    call_backs: list[CallBack]
    second_looks: list[LookOwed]


class Draft(Said):
    """What would be handed over now. ``state`` is what a signature refers to."""

    left: Left
    state: str = Field(description="Check sum: a signature of another state is refused")
    now: datetime


class NewHandover(Asked):
    """The first signature: what was seen, a word for who comes, and one's own password."""

    state: str = Field(min_length=64, max_length=64)
    note: str = Field(default="", max_length=4000)
    password: str = Field(min_length=1, max_length=200)


class TakeOver(Asked):
    """The second signature."""

    digest: str = Field(min_length=1, max_length=64, description="Of the document that was read")
    password: str = Field(min_length=1, max_length=200)


class ShiftHandover(Said):
    """A hand-over as it was signed."""

    handover_id: str
    area_prefix: str
    from_user: str
    written_at: datetime
    note: str
    left: Left
    digest: str = Field(description="SHA-256 of the document")
    to_user: str | None = None
    taken_at: datetime | None = None
    waits: bool = Field(description="For somebody to take over")
    as_signed: bool = Field(description="The document gives the check sum that both signed")


class ShiftHandovers(Said):
    """Hand-overs, newest first."""

    handovers: list[ShiftHandover]
    next_before: datetime | None = Field(default=None, description="Give this as ``before`` for the next page")
    now: datetime
