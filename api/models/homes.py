"""The register as administrators see it, and what they write into it."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from api.models.cases import Contact, HomeRecord, ResidentRecord
from api.models.shape import Asked, Said


class HomeRow(Said):
    """A home in the list."""

    home_id: str
    area_code: str
    address: str
    care_level: int
    residents: list[str] = Field(description="Names")
    contacts: int
    devices: int
    unbound: int = Field(description="Devices that speak there and that nobody registered")
    last_seen_at: datetime | None = Field(default=None, description="When any of its devices was heard last")


class HomePage(Said):
    """A page of homes."""

    homes: list[HomeRow]
    next_after: str | None = Field(default=None, description="Give this as ``after`` for the next page")
    more: bool = Field(description="There are others with these words: write more of them")
    now: datetime


class DeviceRow(Said):
    """A device of a home."""

    device_id: str
    role: str
    room: str
    resident_id: str | None = None
    worn: str
    bound: bool
    last_seen_at: datetime | None = None


class HomeFile(Said):
    """All that is registered of a home."""

    home: HomeRecord
    residents: list[ResidentRecord]
    contacts: list[Contact]
    devices: list[DeviceRow]


class PutHome(Asked):
    """A home's record as a whole."""

    area_code: str = Field(pattern=r"^[0-9]{12}$", examples=["330282001001"])
    address: str = Field(default="", max_length=500, examples=["虞波社区 3 幢 402 室"])
    zone: str = Field(default="Asia/Shanghai", max_length=60)
    care_level: int = Field(default=0, ge=0, le=5)
    note: str = Field(default="", max_length=500)
    site_id: str = Field(default="", max_length=40, description="The institution that it is a room of; empty: as it is")
    key_at: str | None = Field(default=None, max_length=500, description="Left out: as it is")
    pets: str | None = Field(default=None, max_length=500, description="Left out: as it is")


class PutResident(Asked):
    """A resident's record as a whole; of the last four what is left out stays as it is."""

    name: str = Field(min_length=1, max_length=500, examples=["沈阿大"])
    birth_year: int | None = Field(default=None, ge=1900, le=2200)
    sex: Literal["f", "m"] | None = None
    phone: str = Field(default="", max_length=30)
    note: str = Field(default="", max_length=500)
    conditions: str | None = Field(default=None, max_length=500)
    mobility: Literal["walks", "stick", "frame", "wheelchair", "bed"] | None = None
    dialect: str | None = Field(default=None, max_length=500)
    oxygen: bool | None = None


class Removal(Asked):
    """Why a home is watched no longer."""

    reason: str = Field(min_length=2, max_length=300, description="For the audit", examples=["搬去与女儿同住"])


class PutContact(Asked):
    """Whom to call."""

    name: str = Field(min_length=1, max_length=500, examples=["沈桂芳"])
    phone: str = Field(min_length=3, max_length=30, examples=["+86 139 0000 0001"])
    relation: str = Field(default="", max_length=500, examples=["女儿"])
    rank: int = Field(default=1, ge=1, le=99, description="1 is called first")
