"""Administration: homes, devices, users, and what was refused. The same operations as the command line, through ``storage.people``."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Annotated

import psycopg
from fastapi import APIRouter, Path, Query, Request

from api.access import Admin, Overseer, Who, roles
from api.context import Now, Parts
from api.errors import BadRequest, NotFound
from api.models import admin as models
from api.models.shape import Done
from api.problems import documented
from contracts.names import topic_of
from storage import accounts, import_csv, people
from storage.database import Connection
from storage.errors import BadRecord, UnknownUser
from storage.queries import fetch_all, fetch_one, query
from storage.records import Device, Home, User

router = APIRouter(prefix="/api/v1", tags=["administration"])

_LETTERS = query("api_dead_letters")
_UNBOUND = query("api_unbound_devices")
_HOME = query("api_home")
_USERS = query("api_users")
_USER = query("api_user_of_area")

TABLE_BYTES = 20 << 20
"""Largest table of homes, bytes: a district in one file."""
_EXAMPLE = "record,home_id,area_code,address,resident_id,name,phone\nhome,yubo-3-402,330282001001,虞波社区 3 幢 402 室,,,\nresident,yubo-3-402,,,shen-ada,沈阿大,+86 138 0000 0001\n"
_CHANGES = documented(401, 403, 422, 503)

UserName = Annotated[str, Path(min_length=1, max_length=40, pattern=r"^[a-z0-9._-]+$")]


@router.post(
    "/homes/import",
    responses=_CHANGES,
    summary="Import homes",
    openapi_extra=roles("admin")
    | {"requestBody": {"required": True, "content": {"text/csv": {"schema": {"type": "string"}, "example": _EXAMPLE}}}},
)
async def import_homes(
    request: Request,
    parts: Parts,
    user: Admin,
    skip_bad: Annotated[bool, Query(description="Take the good lines although there are bad ones")] = False,
) -> models.Imported:
    """A table of homes, residents, contacts and devices (CSV, UTF-8 or GB 18030), as for ``./shouwang home import``.

    With a bad line nothing is changed, unless ``skip_bad``; every bad line is named either way.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > TABLE_BYTES:
            raise BadRequest(detail=f"the table is larger than {TABLE_BYTES >> 20} MiB. Send it in parts.")
    table = import_csv.parse(_text(bytes(body)), "the table")
    async with parts.database.transaction() as connection:
        table = await import_csv.check(connection, _within(table, user))
        bad = [models.BadLine(line=each.line, problem=each.problem) for each in table.bad]
        if (bad and not skip_bad) or not table.records:
            return models.Imported(done=False, homes=0, residents=0, contacts=0, devices=0, cards_changed=0, bad=bad)
        with mine(user):
            found = await people.register(connection, table.records, actor=user.user_name, reason="import")
    return models.Imported(done=True, bad=bad, **found._asdict())


def _within(table: import_csv.Table, user: Who) -> import_csv.Table:
    """Homes of another area become bad lines."""
    keep: list[int] = []
    bad = list(table.bad)
    for place, record in enumerate(table.records):
        if isinstance(record, Home) and not record.area_code.startswith(user.area_prefix):
            problem = (
                f"area_code {record.area_code} is not of your area {user.area_prefix}; correct it, or ask that area"
            )
            bad.append(import_csv.BadLine(table.lines[place], problem))
        else:
            keep.append(place)
    return import_csv.Table([table.records[place] for place in keep], [table.lines[place] for place in keep], bad)


@contextmanager
def mine(user: Who) -> Generator[None]:
    """An id that is taken out of sight cannot be used; the database says so without a word about whose it is."""
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        raise BadRecord(
            record="a line", detail="one of its ids cannot be used in your area; choose other ids"
        ) from error


def _text(body: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return body.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadRequest(detail="the table is neither UTF-8 nor GB 18030. Save it as CSV UTF-8.")


@router.post(
    "/devices",
    status_code=201,
    responses=documented(401, 403, 404, 422, 503),
    summary="Add a device",
    openapi_extra=roles("admin"),
)
async def add_device(body: models.NewDevice, parts: Parts, user: Admin) -> models.Credentials:
    """Bind a device to its home and make its account, or give it a new password. The password is said once; the broker knows it within seconds."""
    device = Device(body.home_id, body.device_id, body.role, body.room, body.resident_id, body.worn)
    account = accounts.account_of(body.home_id, body.device_id)
    async with parts.database.transaction() as connection:
        home = await fetch_one(connection, _HOME, home_id=body.home_id)
        if home is None:
            raise NotFound(what="home", name=body.home_id)
        with mine(user):
            await people.register(connection, [device], actor=user.user_name, reason=f"device {body.device_id}")
        passwords = await accounts.create(connection, [accounts.Account(account)])
    area = home["area_code"][:9]
    return models.Credentials(
        account=account,
        password=passwords[account],
        topic=topic_of(area, body.home_id, body.device_id, "telemetry"),
        receipt_topic=topic_of(area, body.home_id, body.device_id, "receipt"),
    )


@router.get(
    "/devices/unbound",
    responses=documented(401, 403, 422, 503),
    summary="Devices that nobody registered",
    openapi_extra=roles("supervisor", "admin"),
)
async def list_unbound(
    parts: Parts, user: Overseer, limit: Annotated[int, Query(ge=1, le=1000)] = 200
) -> models.UnboundDevices:
    """They speak, and their readings are kept, but nobody has said what they are."""
    async with parts.database.connection() as connection:
        found = await fetch_all(connection, _UNBOUND, area_prefix=user.area_prefix, most=limit)
    return models.UnboundDevices(devices=[models.UnboundDevice(**row) for row in found])


@router.get(
    "/dead-letters",
    responses=documented(401, 403, 422, 503),
    summary="Refused payloads",
    openapi_extra=roles("supervisor", "admin"),
)
async def list_dead_letters(
    parts: Parts,
    now: Now,
    user: Overseer,
    account: Annotated[str | None, Query(max_length=90)] = None,
    reason: Annotated[str | None, Query(max_length=40)] = None,
    before: Annotated[datetime | None, Query(description="``next_before`` of the page before")] = None,
    days: Annotated[int, Query(ge=1, le=90)] = 7,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> models.DeadLetters:
    """Each with its reason and what to do, newest first."""
    async with parts.database.connection() as connection:
        found = await fetch_all(
            connection,
            _LETTERS,
            area_prefix=user.area_prefix,
            account=account,
            reason=reason,
            before=before,
            since=now - timedelta(days=days),
            most=limit,
        )
    letters = [
        models.DeadLetter(**row | {"payload": bytes(row["payload"]).decode(errors="backslashreplace")}) for row in found
    ]
    return models.DeadLetters(letters=letters, next_before=letters[-1].at if len(letters) == limit else None)


@router.get("/users", responses=documented(401, 403, 503), summary="Users", openapi_extra=roles("admin"))
async def list_users(parts: Parts, user: Admin) -> models.Users:
    """Who may log in and works in one's area."""
    async with parts.database.connection() as connection:
        found = await fetch_all(connection, _USERS, area_prefix=user.area_prefix)
    return models.Users(users=[models.UserRow(**row | {"family_of": row["family_of"] or []}) for row in found])


@router.post("/users", status_code=201, responses=_CHANGES, summary="Add a user", openapi_extra=roles("admin"))
async def add_user(body: models.NewUser, parts: Parts, user: Admin) -> models.UserPassword:
    """Someone who may log in, in one's area; the password is said once. A relative without an area gets that of the administrator, who thus keeps him in the list."""
    prefix = body.area_prefix or (user.area_prefix if body.role == "family" else "")
    if not prefix.startswith(user.area_prefix):
        raise BadRequest(detail=f"body.area_prefix: write an area within {user.area_prefix}, which is yours")
    given = body.model_dump(exclude={"password", "family_of"}) | {"area_prefix": prefix}
    new = User(**given, family_of=tuple(body.family_of))
    async with parts.database.transaction() as connection:
        password = await people.add_user(connection, new, body.password, actor=user.user_name)
    return models.UserPassword(user_name=new.user_name, password=password)


async def _of_area(connection: Connection, user: Who, user_name: str) -> None:
    """Raises UnknownUser where nobody is called so in the administrator's area."""
    if await fetch_one(connection, _USER, user_name=user_name, area_prefix=user.area_prefix) is None:
        raise UnknownUser(user_name=user_name)


@router.put("/users/{user_name}/password", responses=_CHANGES, summary="A new password", openapi_extra=roles("admin"))
async def set_password(user_name: UserName, body: models.NewPassword, parts: Parts, user: Admin) -> models.UserPassword:
    """It ends the user's sessions and a lock."""
    async with parts.database.transaction() as connection:
        await _of_area(connection, user, user_name)
        password = await people.set_password(connection, user_name, body.password, actor=user.user_name)
    return models.UserPassword(user_name=user_name, password=password)


@router.put("/users/{user_name}/active", responses=_CHANGES, summary="Let in or keep out", openapi_extra=roles("admin"))
async def set_active(user_name: UserName, body: models.Activity, parts: Parts, user: Admin) -> Done:
    """Keeping out ends the user's sessions at once."""
    async with parts.database.transaction() as connection:
        await _of_area(connection, user, user_name)
        await people.set_active(connection, user_name, body.active, actor=user.user_name)
    return Done()
