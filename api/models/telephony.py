"""Telephone calls: who rings, the case that comes of it, and what a desk has dialled."""

from datetime import datetime
from typing import Literal, get_args

from pydantic import Field

from api.models.cases import CaseAfter
from api.models.shape import Asked, Said
from contracts.detections import Family

CalledFamily = Literal["sos", "fall", "no_life", "smoke", "gas", "co", "stove", "water", "wandering", "vitals", "food"]
"""What a call may be about: all but *technical*, which may end without a person."""
assert set(get_args(CalledFamily)) == set(get_args(Family)) - {"technical"}


class Match(Said):
    """Who has a number: a resident, or a contact of the home."""

    name: str = Field(examples=["沈桂芳"])
    relation: str = Field(description="Empty: the resident", examples=["女儿"])
    resident_id: str | None = None


class Housemate(Said):
    """Who lives there."""

    resident_id: str
    name: str
    birth_year: int | None = None


class OpenThere(Said):
    """An open case of the home: a call about the same joins it."""

    case_id: str
    family: str
    priority: int
    desk_id: str | None = None


class Caller(Said):
    """A home to which a number belongs."""

    home_id: str
    area_code: str
    address: str
    care_level: int
    note: str
    matches: list[Match]
    residents: list[Housemate]
    open_cases: list[OpenThere]


class Callers(Said):
    """Homes of one's area to which a number belongs, residents' own numbers first."""

    callers: list[Caller]
    now: datetime


class NewCase(Asked):
    """A case from a call. Without ``home_id``: nobody knows yet whose number it is."""

    request_id: str = Field(
        pattern=r"^[0-9a-zA-Z-]{8,60}$",
        description="Chosen by the client, once for each call: the same one opens nothing twice",
        examples=["6d1c7c1e-0b1f-4f4e-9c3e-0f6f6a5f7e10"],
    )
    call_id: str | None = Field(default=None, max_length=90, description="The call of GET /api/v1/telephony/ringing")
    number: str = Field(default="", max_length=60, description="As it is shown; empty: withheld")
    home_id: str | None = Field(default=None, max_length=40)
    resident_id: str | None = Field(default=None, max_length=40)
    family: CalledFamily = "sos"
    words: str = Field(default="", max_length=2000, description="What the caller said; it stands in the history")


class OpenedCase(Said):
    """What came of it."""

    case: CaseAfter
    joined: bool = Field(description="A case of that home and family was open already; this is it")
    repeated: bool = Field(description="This very call had a case already; this is it")


class Tie(Asked):
    """Whose call it was."""

    version: int = Field(ge=1, le=2_147_483_647)
    lease_id: str = Field(min_length=1, max_length=80)
    home_id: str = Field(min_length=1, max_length=40)
    resident_id: str | None = Field(default=None, max_length=40)
    note: str = Field(default="", max_length=2000)


class RingingCall(Said):
    """A call that nobody has taken, with who that is where one home alone has the number."""

    call_id: str
    number: str
    seat: str | None = Field(default=None, description="Desk at which it rings; none: in the queue")
    rang_at: datetime
    due_at: datetime = Field(description="Unless somebody picks up by then it becomes a case by itself")
    answered_at: datetime | None = None
    home_id: str | None = None
    address: str | None = None
    names: list[str]


class Ringing(Said):
    """Calls of one's area, or at one's own desk, the oldest first."""

    calls: list[RingingCall]
    rings: bool = Field(description="Whether a telephone system tells this site of calls")
    dials: bool = Field(description="Whether it dials for this site")
    now: datetime


class Aside(Asked):
    """No case: why."""

    note: str = Field(min_length=1, max_length=2000, examples=["拨错号码"])


class Ring(Asked):
    """What a telephone system says of a call."""

    call_id: str = Field(pattern=r"^[0-9a-zA-Z._:@-]{1,80}$", description="Its own id of the call")
    event: Literal["ringing", "answered", "ended"]
    number: str = Field(default="", max_length=60, description="The caller's; empty: withheld")
    desk_id: str | None = Field(default=None, max_length=40, description="Desk at which it rings; none: in the queue")
    area: str = Field(
        default="", pattern=r"^([0-9]{4}|[0-9]{6}|[0-9]{9}|[0-9]{12})?$",
        description="Whose call it is where it names no desk: an area code's beginning; empty: the whole site's",
    )  # fmt: skip


class RingTaken(Said):
    """It is kept. Send it again until this is answered."""

    call_id: str


class Dial(Asked):
    """Ring somebody up about a case that one holds."""

    case_id: str = Field(pattern=r"^[0-9a-zA-Z-]{1,80}$")
    number: str = Field(min_length=1, max_length=60, description="Of a resident or contact of the home, or of who rang")


class Dialled(Said):
    """The telephone system has it."""

    dial_id: str


class DialResult(Asked):
    """How it went."""

    result: Literal["answered", "busy", "no_answer", "failed"]


class CallOfCase(Said):
    """A call that belongs to a case."""

    number: str
    rang_at: datetime
    answered_at: datetime | None = None
    taken_by: str | None = None


class DialOfCase(Said):
    """A number that a desk had dialled, and how it went."""

    number: str
    asked_by: str
    asked_at: datetime
    result: str | None = None


class CallsOfCase(Said):
    """Who rang about a case, and who was rung up."""

    calls: list[CallOfCase]
    dials: list[DialOfCase]
    stranger: bool = Field(description="Nobody knows yet whose call it was: it can be tied to a home")
