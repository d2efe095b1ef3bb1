"""What administrators register, and what was refused."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from api.models.session import Language, Role
from api.models.shape import Asked, Said


class BadLine(Said):
    """A line of a table that was not taken."""

    line: int = Field(examples=[7])
    problem: str = Field(examples=["home h-12 is not registered; add a good line for it, or correct the id"])


class Imported(Said):
    """What became of a table of homes."""

    done: bool = Field(description="False: nothing was changed, because of bad lines")
    homes: int
    residents: int
    contacts: int
    devices: int
    cards_changed: int = Field(description="Homes whose card the stream gets anew")
    bad: list[BadLine]


class NewDevice(Asked):
    """A device of a registered home."""

    home_id: str = Field(min_length=1, max_length=40, examples=["yubo-3-402"])
    device_id: str = Field(min_length=1, max_length=40, examples=["sos-1"])
    role: str = Field(default="other", max_length=40, examples=["pendant"])
    room: str = Field(default="other", max_length=40, examples=["bedroom"])
    resident_id: str | None = Field(default=None, max_length=40)
    worn: str = Field(
        default="",
        max_length=40,
        examples=["wrist"],
        description="Where a wearable is worn: wrist or waist; empty: not known",
    )


class Credentials(Said):
    """The device's account. The password is said once; nothing keeps it."""

    account: str = Field(examples=["yubo-3-402.sos-1"])
    password: str
    topic: str = Field(description="Where it publishes", examples=["shouwang/v1/330282001/yubo-3-402.sos-1/event"])
    receipt_topic: str = Field(
        description="Where it hears its receipts", examples=["shouwang/v1/330282001/yubo-3-402.sos-1/receipt"]
    )


class NewUser(Asked):
    """Someone who may log in."""

    user_name: str = Field(min_length=1, max_length=40, examples=["desk-2"])
    role: Role
    display_name: str = Field(default="", max_length=100, examples=["二号席"])
    language: Language = "zh"
    area_prefix: str = Field(
        default="", max_length=12, pattern=r"^[0-9]*$", description="Sees homes whose area code begins so; empty: all"
    )
    family_of: list[str] = Field(default=[], max_length=50, description="Residents whose state a family user may see")
    helper_kind: Literal["", "community", "volunteer", "doctor"] = Field(
        default="", description="Role helper: what kind"
    )
    password: str | None = Field(
        default=None, min_length=10, max_length=400, description="Left out: one is made and said once"
    )


class UserPassword(Said):
    """A user and the password, which is said once."""

    user_name: str
    password: str


class NewPassword(Asked):
    """A new password ends the user's sessions."""

    password: str | None = Field(
        default=None, min_length=10, max_length=400, description="Left out: one is made and said once"
    )


class Activity(Asked):
    """Let a user in, or keep them out."""

    active: bool


class UserRow(Said):
    """Someone who may log in."""

    user_name: str
    role: Role
    display_name: str
    language: Language
    area_prefix: str
    active: bool
    created_at: datetime
    family_of: list[str]


class Users(Said):
    """All users."""

    users: list[UserRow]


class DeadLetter(Said):
    """A refused payload and why."""

    letter_id: str
    at: datetime
    stage: str
    source: str
    topic: str
    account: str
    reason: str = Field(examples=["out_of_range"])
    detail: str = Field(
        examples=["heart_rate_bpm: 900 is above 300; send what a living person can have, or leave it out"]
    )
    boot: int | None = None
    seq: int | None = None
    size: int = Field(description="Bytes of the whole payload")
    payload: str = Field(description="Its beginning, as text; what is no text is shown as \\x..")


class DeadLetters(Said):
    """Refused payloads, newest first."""

    letters: list[DeadLetter]
    next_before: datetime | None = Field(default=None, description="Give this as ``before`` for the next page")


class UnboundDevice(Said):
    """A device that speaks and that nobody has registered; its readings are kept."""

    home_id: str
    device_id: str
    first_seen_at: datetime | None = None
    last_seen_at: datetime | None = None
    home_known: bool


class UnboundDevices(Said):
    """All of them, newest first."""

    devices: list[UnboundDevice]
