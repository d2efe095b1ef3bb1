"""Puts a simulated neighbourhood on a site: people, devices, accounts, learned lines, and somebody to log in as."""

import asyncio
import io
import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec
from psycopg.types.json import Jsonb

from cli._learned import learned_lines
from contracts.kinds import LINES, ROOMS
from contracts.names import AREA_DEMO
from deploy.site import Site
from simulators.neighbourhood import Home, write_csv
from storage import accounts, consents, import_csv, people
from storage.cards import refresh_cards
from storage.database import Connection, connect
from storage.errors import UserExists
from storage.queries import execute, fetch_all, fetch_one, query
from storage.records import User
from stream.learning.silences import Learned

ACTOR = "demo"
DAYS_BEFORE = 14
OWN_CONNECTIONS = 500
"""So many homes connect for themselves, over TLS with a password each; those beyond share the area's gateway account."""
GATEWAY = "demo-gateway"
AREA_PREFIX = "330282"
"""What the demonstration's desks see: the county of the simulated homes."""

_HOMES = query("demo_homes")
_WAITING = query("demo_cards_waiting")
_PUT_LEARNED = query("put_learned")


class Login(NamedTuple):
    """Somebody who may log in to the console."""

    user_name: str
    role: str
    password: str


class Prepared(NamedTuple):
    """What the simulation needs to know."""

    credentials: Path
    learned: Path
    logins: tuple[Login, ...]
    learned_now: int
    """Homes whose past was simulated for this start; the others had their lines."""


def _write(path: Path, content: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(json.dumps(content, ensure_ascii=False))
    return path


async def prepare(site: Site, homes: Sequence[Home], before_s: float) -> Prepared:
    """Register the homes and no other simulated ones; ``before_s``: virtual instant up to which their past teaches."""
    folder = site.data / "demo"
    connection = await connect(site.conninfo(), "demo")
    try:
        await _register(connection, homes)
        lines, learned_now = await _learn(connection, homes, before_s, folder)
        credentials = await _accounts(connection, site, homes)
        logins = await _logins(connection, homes[0].resident_id, folder / "logins.json")
    finally:
        await connection.close()
    return Prepared(
        _write(folder / "credentials.json", credentials), _write(folder / "learned.json", lines), logins, learned_now
    )


async def _register(connection: Connection, homes: Sequence[Home]) -> None:
    text = io.StringIO()
    write_csv(homes, text)
    table = import_csv.parse(text.getvalue(), "the simulated neighbourhood")
    assert not table.bad, table.bad[0]
    known = {str(row["home_id"]) for row in await fetch_all(connection, _HOMES)}
    async with connection.transaction():
        await people.register(connection, table.records, actor=ACTOR)
        # A home of an earlier, larger demonstration would be found silent, and rightly so.
        for home_id in sorted(known - {home.home_id for home in homes}):
            await people.remove_home(connection, home_id, actor=ACTOR, reason="not in this demonstration")


async def _learn(
    connection: Connection, homes: Sequence[Home], before_s: float, folder: Path
) -> tuple[dict[str, list[int]], int]:
    """Lines by home, from the database where they are as cards have them now, else from simulated days before ``before_s``."""
    lines = {
        str(row["home_id"]): list(row["silence_min"])
        for row in await fetch_all(connection, _HOMES)
        if len(row["silence_min"]) == LINES
    }
    without = [home for home in homes if home.home_id not in lines]
    if without:
        by_id = {home.home_id: home for home in without}
        found = await asyncio.to_thread(learned_lines, without, before_s, DAYS_BEFORE, folder / "learned")
        async with connection.transaction():
            for home_id, learned in found.items():
                await execute(
                    connection,
                    _PUT_LEARNED,
                    home_id=home_id,
                    learned_at=datetime.now(UTC),
                    days=learned.days,
                    silence_min=list(learned.silence_min),
                    evidence=Jsonb({**learned.evidence, "places": _places(learned, by_id[home_id])}),
                )
            await refresh_cards(connection, list(found))
        lines |= {home_id: list(learned.silence_min) for home_id, learned in found.items()}
    return {home.home_id: lines[home.home_id] for home in homes}, len(without)


def _places(learned: Learned, home: Home) -> dict[str, int]:
    places = learned.places_of([ROOMS.index(device.room) for device in home.devices])
    return {device.device_id: place for device, place in zip(home.devices, places, strict=True)}


async def _accounts(connection: Connection, site: Site, homes: Sequence[Home]) -> dict[str, object]:
    own = [f"{home.home_id}.{device}" for home in homes[:OWN_CONNECTIONS] for device in home.own_accounts]
    wanted = [accounts.Account(name) for name in own]
    if len(homes) > OWN_CONNECTIONS:
        wanted.append(accounts.Account(GATEWAY, "gateway", AREA_DEMO))
    async with connection.transaction():
        passwords = await accounts.create(connection, wanted)
    await accounts.install(connection, site)
    gateway = passwords.pop(GATEWAY, None)
    return {"accounts": passwords, "gateway": [GATEWAY, gateway] if gateway else None}


def _users(resident_id: str) -> tuple[User, ...]:
    return (
        User("desk-1", "operator", "一号席 Desk 1", area_prefix=AREA_PREFIX),
        User("desk-2", "operator", "二号席 Desk 2", area_prefix=AREA_PREFIX),
        User("lead", "supervisor", "班长 Supervisor", area_prefix=AREA_PREFIX),
        User("kin", "family", "家属 Family", family_of=(resident_id,)),
        User("admin", "admin", "管理员 Admin", area_prefix=AREA_PREFIX),
    )


async def _logins(connection: Connection, resident_id: str, file: Path) -> tuple[Login, ...]:
    """Log-ins with random passwords, the same at every start; kept beside the data for the owner's eyes only."""
    known: Mapping[str, str] = msgspec.json.decode(file.read_bytes(), type=dict[str, str]) if file.exists() else {}
    found: list[Login] = []
    for user in _users(resident_id):
        password = known.get(user.user_name)
        try:
            async with connection.transaction():
                password = await people.add_user(connection, user, password, actor=ACTOR)
                for each in user.family_of:
                    await consents.record(
                        connection, resident_id=each, user_name=user.user_name, scopes=list(consents.SCOPES), given_by="resident",
                        ground="invented people of the demonstration", recorded_by=ACTOR,
                    )  # fmt: skip
        except UserExists:
            if password is None:
                async with connection.transaction():
                    password = await people.set_password(connection, user.user_name, actor=ACTOR)
        found.append(Login(user.user_name, user.role, password))
    _write(file, {login.user_name: login.password for login in found})
    os.chmod(file, 0o600)
    return tuple(found)


async def cards_published(site: Site, within_s: float = 30.0) -> None:
    """Until the keeper has put every card into the log: a reading before its card would be one of an unknown home."""
    connection = await connect(site.conninfo(), "demo")
    try:
        async with asyncio.timeout(within_s):
            while True:
                row = await fetch_one(connection, _WAITING)
                if row is not None and row["waiting"] == 0:
                    return
                await asyncio.sleep(0.2)
    finally:
        await connection.close()
