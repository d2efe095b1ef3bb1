"""What is registered about people: homes, residents, contacts, devices, users; and what is wrong with one. Pure."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Literal, NamedTuple
from zoneinfo import available_timezones

from contracts.kinds import ROLES, ROOMS, WORN
from contracts.names import is_id

OLDEST_BIRTH_YEAR = 1900
TEXT_LIMIT = 500
_AREA = re.compile(r"[0-9]{12}")
_PREFIX = re.compile(r"([0-9]{4}|[0-9]{6}|[0-9]{9}|[0-9]{12})?")
_PHONE = re.compile(r"[0-9+*#() -]{3,30}")
_USER = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
_ID = "use lower-case letters, digits and hyphens, at most 40, not starting with a hyphen"

Role = Literal["operator", "supervisor", "family", "admin", "helper", "platform"]
USER_ROLES: tuple[Role, ...] = ("operator", "supervisor", "family", "admin", "helper", "platform")
HELPER_KINDS = ("community", "volunteer", "doctor")
MOBILITY = ("walks", "stick", "frame", "wheelchair", "bed")
"""How somebody gets about: alone, with a stick, with a frame, in a wheelchair, not out of bed."""


class Home(NamedTuple):
    """One dwelling, or one room of an institution."""

    home_id: str
    area_code: str
    """12 digits of the statistical division; its prefixes are city (4), county (6), town (9), community (12)."""
    address: str = ""
    zone: str = "Asia/Shanghai"
    care_level: int = 0
    note: str = ""
    site_id: str = ""
    """The institution that it is a room of, if any: fevers of its residents are gathered."""
    key_at: str | None = None
    """Who has a key, or where it lies. Here and in ``Resident`` None leaves what is registered as it is, and '' clears it: it is then not known. That there is none is written in words."""
    pets: str | None = None

    def problems(self) -> Iterator[str]:
        yield from _id("home_id", self.home_id)
        if self.site_id:
            yield from _id("site_id", self.site_id)
        if not _AREA.fullmatch(self.area_code):
            yield f"area_code {self.area_code!r} is not the 12 digits of a community or village; write them all, as text"
        if self.zone not in _zones():
            yield f"zone {self.zone!r} is no time zone; write one like Asia/Shanghai, or leave it empty"
        if not 0 <= self.care_level <= 5:
            yield f"care_level {self.care_level} is not between 0 and 5"
        yield from _text("address", self.address)
        yield from _text("note", self.note)
        yield from _text("key_at", self.key_at or "")
        yield from _text("pets", self.pets or "")


class Resident(NamedTuple):
    """One person who is watched."""

    resident_id: str
    home_id: str
    name: str
    birth_year: int | None = None
    sex: str | None = None
    phone: str = ""
    note: str = ""
    conditions: str | None = None
    mobility: str | None = None
    """One of MOBILITY."""
    dialect: str | None = None
    oxygen: bool | None = None
    """Breathes oxygen at home."""

    def problems(self) -> Iterator[str]:
        yield from _id("resident_id", self.resident_id)
        yield from _id("home_id", self.home_id)
        yield from _name("name", self.name)
        this_year = datetime.now(UTC).year
        if self.birth_year is not None and not OLDEST_BIRTH_YEAR <= self.birth_year <= this_year:
            yield f"birth_year {self.birth_year} is not between {OLDEST_BIRTH_YEAR} and {this_year}"
        if self.sex not in (None, "f", "m"):
            yield f"sex {self.sex!r} is not f or m; leave it empty where it is not known"
        yield from _phone("phone", self.phone, needed=False)
        yield from _text("note", self.note)
        if self.mobility and self.mobility not in MOBILITY:
            yield f"mobility {self.mobility!r} is none of {', '.join(MOBILITY)}; leave it empty where it is not known"
        yield from _text("conditions", self.conditions or "")
        yield from _text("dialect", self.dialect or "")


class Contact(NamedTuple):
    """Somebody to call about a home, in order of rank."""

    home_id: str
    name: str
    phone: str
    relation: str = ""
    rank: int = 1

    def problems(self) -> Iterator[str]:
        yield from _id("home_id", self.home_id)
        yield from _name("contact_name", self.name)
        yield from _phone("contact_phone", self.phone, needed=True)
        yield from _text("contact_relation", self.relation)


class Device(NamedTuple):
    """One device within a home, and what it is for."""

    home_id: str
    device_id: str
    role: str = "other"
    room: str = "other"
    resident_id: str | None = None
    worn: str = ""

    def problems(self) -> Iterator[str]:
        yield from _id("home_id", self.home_id)
        yield from _id("device_id", self.device_id)
        if self.role not in ROLES:
            yield f"role {self.role!r} is none of {', '.join(ROLES)}"
        if self.room not in ROOMS:
            yield f"room {self.room!r} is none of {', '.join(ROOMS)}"
        if self.resident_id is not None:
            yield from _id("device_resident", self.resident_id)
        if self.worn not in WORN:
            yield f"worn {self.worn!r} is none of {', '.join(WORN[1:])}; leave it empty where it is not known"


class User(NamedTuple):
    """Somebody who may log in. ``area_prefix``: what they see; empty = everything, for family only their relatives."""

    user_name: str
    role: str
    display_name: str = ""
    language: str = "zh"
    area_prefix: str = ""
    family_of: tuple[str, ...] = ()
    helper_kind: str = ""
    """Role helper: one of HELPER_KINDS."""

    def problems(self) -> Iterator[str]:
        if not _USER.fullmatch(self.user_name):
            yield f"user name {self.user_name!r}: use lower-case letters, digits, dots, hyphens and underscores, at most 40"
        if self.role not in USER_ROLES:
            yield f"role {self.role!r} is none of {', '.join(USER_ROLES)}"
        if self.language not in ("zh", "en"):
            yield f"language {self.language!r} is not zh or en"
        if not _PREFIX.fullmatch(self.area_prefix):
            yield f"area prefix {self.area_prefix!r} is no level: 4 digits are a city, 6 a county, 9 a town, 12 a community, none the whole site"
        if self.role == "family" and not self.family_of:
            yield "a family member sees their own relative and nobody else: name the resident (--family-of)"
        if self.role != "family" and self.family_of:
            yield f"role {self.role} sees residents by area, not as a relative: leave out --family-of, or use role family"
        if (self.role == "helper") != bool(self.helper_kind) or (
            self.helper_kind and self.helper_kind not in HELPER_KINDS
        ):
            yield f"a helper, and nobody else, is one of {', '.join(HELPER_KINDS)} (--helper-kind)"
        if self.role == "helper" and len(self.area_prefix) < 6:
            yield "a helper belongs to a county, town or community: give 6 to 12 digits of its area code"
        yield from _text("display name", self.display_name)


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _id(what: str, value: str) -> Iterator[str]:
    if not value:
        yield f"{what} is empty"
    elif not is_id(value):
        yield f"{what} {value!r} breaks the rule for ids: {_ID}"


def _name(what: str, value: str) -> Iterator[str]:
    if not value.strip():
        yield f"{what} is empty"
    yield from _text(what, value)


def _text(what: str, value: str) -> Iterator[str]:
    if len(value) > TEXT_LIMIT:
        yield f"{what} has {len(value)} characters, {TEXT_LIMIT} are kept at most; shorten it"
    if any(ord(character) < 32 and character not in "\n\t" for character in value):
        yield f"{what} holds a control character; remove it"


def _phone(what: str, value: str, *, needed: bool) -> Iterator[str]:
    if not value:
        if needed:
            yield f"{what} is empty"
    elif not _PHONE.fullmatch(value):
        yield f"{what} {value!r} is no telephone number; write digits, + and hyphens"
