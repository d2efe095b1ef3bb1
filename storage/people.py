"""Registering people and devices: what the command line and the api's admin pages both call.

Each function works inside the caller's transaction (``async with connection.transaction()``), writes who did it to ``audit``, and makes the
cards of the homes it touched anew, so that the stream follows.
"""

import asyncio
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from argon2 import PasswordHasher

from storage.cards import refresh_cards
from storage.database import Connection
from storage.errors import BadRecord, UnknownHome, UnknownUser, UserExists
from storage.queries import execute, fetch_all, fetch_one, query
from storage.records import Contact, Device, Home, Resident, User

PUT_HOMES = query("put_homes")
PUT_RESIDENTS = query("put_residents")
PUT_CONTACTS = query("put_contacts")
PUT_DEVICES = query("put_devices")
KNOWN_HOMES = query("known_homes")
KNOWN_RESIDENTS = query("known_residents")
UNBIND_DEVICE = query("unbind_device")
REMOVE_HOME = query("remove_home")
SET_AWAY = query("set_away")
PUT_USER = query("put_user")
SET_PASSWORD = query("set_user_password")
SET_ACTIVE = query("set_user_active")
LINK_FAMILY = query("link_family")
UNLINK_FAMILY = query("unlink_family")
AUDIT_HOMES = query("audit_homes")
AUDIT_USER = query("audit_user")
PUT_HELPER = query("put_helper")

SHORTEST_PASSWORD = 10
_HASHER = PasswordHasher()

Record = Home | Resident | Contact | Device


class Registered(NamedTuple):
    """What ``register`` did."""

    homes: int
    residents: int
    contacts: int
    devices: int
    cards_changed: int


async def problems(connection: Connection, records: Sequence[Record]) -> dict[int, str]:
    """What is wrong with records, by their place: themselves, twice the same, or about a home or resident that is neither
    registered nor among the good ones. Empty: they can all be registered."""
    found: dict[int, str] = {}
    seen: dict[object, int] = {}
    for place, record in enumerate(records):
        wrong = "; ".join(record.problems())
        if wrong:
            found[place] = wrong
        elif (key := _key(record)) in seen:
            found[place] = f"the same {type(record).__name__.lower()} was given before; keep one of the two"
        else:
            seen[key] = place
    homes = {row["home_id"] for row in await fetch_all(connection, KNOWN_HOMES, home_ids=_homes_of(records))}
    homes |= {record.home_id for place, record in enumerate(records) if isinstance(record, Home) and place not in found}
    for place, record in enumerate(records):
        if place not in found and record.home_id not in homes:
            found[place] = f"home {record.home_id} is not registered; add a good line for it, or correct the id"
    named = sorted({record.resident_id for record in records if isinstance(record, Device) and record.resident_id})
    living = {
        row["resident_id"]: row["home_id"] for row in await fetch_all(connection, KNOWN_RESIDENTS, resident_ids=named)
    }
    for place, record in enumerate(records):
        if isinstance(record, Resident) and place not in found:
            living[record.resident_id] = record.home_id
    for place, record in enumerate(records):
        if isinstance(record, Device) and record.resident_id and place not in found:
            home_id = living.get(record.resident_id)
            if home_id is None:
                found[place] = (
                    f"resident {record.resident_id} is not registered; add a good line for them, or correct the id"
                )
            elif home_id != record.home_id:
                found[place] = (
                    f"resident {record.resident_id} lives in {home_id}, not in {record.home_id}; correct one of the two"
                )
    return found


async def register(connection: Connection, records: Sequence[Record], *, actor: str, reason: str = "") -> Registered:
    """Register records or set right what is registered; the same again changes nothing. Raises BadRecord for the first bad one."""
    wrong = await problems(connection, records)
    if wrong:
        place = min(wrong)
        raise BadRecord(record=_name(records[place]), detail=wrong[place])
    homes = [record for record in records if isinstance(record, Home)]
    residents = [record for record in records if isinstance(record, Resident)]
    contacts = [record for record in records if isinstance(record, Contact)]
    devices = [record for record in records if isinstance(record, Device)]
    touched = set(_homes_of(records)) | await _homes_left(connection, residents)
    await _put(
        connection,
        PUT_HOMES,
        homes,
        ("home_ids", "area_codes", "addresses", "zones", "care_levels", "notes", "site_ids", "keys_at", "pets"),
    )
    columns = (
        "resident_ids", "home_ids", "names", "birth_years", "sexes", "phones", "notes", "conditions", "mobilities", "dialects", "oxygens",
    )  # fmt: skip
    await _put(connection, PUT_RESIDENTS, residents, columns)
    await _put(connection, PUT_CONTACTS, contacts, ("home_ids", "names", "phones", "relations", "ranks"))
    await _put(connection, PUT_DEVICES, devices, ("home_ids", "device_ids", "roles", "rooms", "resident_ids", "worn"))
    changed = await refresh_cards(connection, sorted(touched))
    await execute(connection, AUDIT_HOMES, actor=actor, action="registered", reason=reason, home_ids=sorted(touched))
    return Registered(len(homes), len(residents), len(contacts), len(devices), changed)


async def unbind_device(connection: Connection, home_id: str, device_id: str, *, actor: str) -> bool:
    """A device no longer belongs to its home; False where it was not bound."""
    if await fetch_one(connection, UNBIND_DEVICE, home_id=home_id, device_id=device_id) is None:
        return False
    await refresh_cards(connection, [home_id])
    await execute(connection, AUDIT_HOMES, actor=actor, action="device unbound", reason=device_id, home_ids=[home_id])
    return True


async def remove_home(connection: Connection, home_id: str, *, actor: str, reason: str = "") -> None:
    """A home is watched no longer. Raises UnknownHome."""
    if await fetch_one(connection, REMOVE_HOME, home_id=home_id) is None:
        raise UnknownHome(home_id=home_id)
    await refresh_cards(connection, [home_id])
    await execute(connection, AUDIT_HOMES, actor=actor, action="removed", reason=reason, home_ids=[home_id])


async def write_change(connection: Connection, home_id: str, action: str, *, actor: str, reason: str = "") -> None:
    """Who changed what of a home's records, for the audit."""
    await execute(connection, AUDIT_HOMES, actor=actor, action=action, reason=reason, home_ids=[home_id])


async def set_away(connection: Connection, home_id: str, away_until: datetime | None, *, actor: str) -> None:
    """The residents are away until then (None: back): their silence means nothing. Raises UnknownHome."""
    if await fetch_one(connection, SET_AWAY, home_id=home_id, away_until=away_until) is None:
        raise UnknownHome(home_id=home_id)
    await refresh_cards(connection, [home_id])
    reason = away_until.isoformat() if away_until else ""
    await execute(connection, AUDIT_HOMES, actor=actor, action="away", reason=reason, home_ids=[home_id])


async def add_user(connection: Connection, user: User, password: str | None = None, *, actor: str) -> str:
    """Somebody who may log in; returns the password (made here where none is given), which nothing keeps.

    Raises BadRecord, UserExists.
    """
    wrong = list(user.problems())
    known = await fetch_all(connection, KNOWN_RESIDENTS, resident_ids=list(user.family_of))
    wrong += [
        f"resident {each} is not registered" for each in set(user.family_of) - {row["resident_id"] for row in known}
    ]
    if wrong:
        raise BadRecord(record=f"user {user.user_name}", detail="; ".join(wrong))
    chosen, hashed = await hash_password(password)
    facts = {name: getattr(user, name) for name in ("user_name", "role", "display_name", "language", "area_prefix")}
    if await fetch_one(connection, PUT_USER, password_hash=hashed, **facts) is None:
        raise UserExists(user_name=user.user_name)
    for resident_id in user.family_of:
        await execute(connection, LINK_FAMILY, user_name=user.user_name, resident_id=resident_id)
    if user.helper_kind:
        await execute(connection, PUT_HELPER, user_name=user.user_name, kind=user.helper_kind)
    await execute(connection, AUDIT_USER, actor=actor, action="user added", reason=f"{user.user_name} ({user.role})")
    return chosen


async def set_password(connection: Connection, user_name: str, password: str | None = None, *, actor: str) -> str:
    """A new password, which ends the user's sessions; returns it. Raises UnknownUser, BadRecord."""
    chosen, hashed = await hash_password(password)
    if await fetch_one(connection, SET_PASSWORD, user_name=user_name, password_hash=hashed) is None:
        raise UnknownUser(user_name=user_name)
    await execute(connection, AUDIT_USER, actor=actor, action="password changed", reason=user_name)
    return chosen


async def set_active(connection: Connection, user_name: str, active: bool, *, actor: str) -> None:
    """Let a user in, or keep them out and end their sessions. Raises UnknownUser."""
    if await fetch_one(connection, SET_ACTIVE, user_name=user_name, active=active) is None:
        raise UnknownUser(user_name=user_name)
    action = "user let in" if active else "user kept out"
    await execute(connection, AUDIT_USER, actor=actor, action=action, reason=user_name)


async def hash_password(password: str | None) -> tuple[str, str]:
    """The password (made here where none is given) and its argon2id hash. Raises BadRecord where it is too short."""
    chosen = password if password is not None else secrets.token_urlsafe(12)
    if len(chosen) < SHORTEST_PASSWORD:
        raise BadRecord(record="the password", detail=f"it is shorter than {SHORTEST_PASSWORD} characters")
    return chosen, await asyncio.to_thread(_HASHER.hash, chosen)


def _key(record: Record) -> object:
    match record:
        case Home():
            return record.home_id
        case Resident():
            return ("resident", record.resident_id)
        case Contact():
            return (record.home_id, record.name, record.phone)
        case Device():
            return ("device", record.home_id, record.device_id)


def _name(record: Record) -> str:
    match record:
        case Home():
            return f"home {record.home_id}"
        case Resident():
            return f"resident {record.resident_id}"
        case Contact():
            return f"contact of {record.home_id}"
        case Device():
            return f"device {record.home_id}.{record.device_id}"


def _homes_of(records: Iterable[Record]) -> list[str]:
    return sorted({record.home_id for record in records})


async def _homes_left(connection: Connection, residents: Sequence[Resident]) -> set[str]:
    """Homes that these residents lived in before: their cards change too."""
    ids = [resident.resident_id for resident in residents]
    return {row["home_id"] for row in await fetch_all(connection, KNOWN_RESIDENTS, resident_ids=ids)} if ids else set()


async def _put(
    connection: Connection, sql: bytes, records: Sequence[tuple[object, ...]], columns: Sequence[str]
) -> None:
    if records:
        await execute(
            connection,
            sql,
            **{name: list(values) for name, values in zip(columns, zip(*records, strict=True), strict=True)},
        )
