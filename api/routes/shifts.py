"""Shifts: centres and desks, who sits where, who is planned, and handing over with two signatures.

What follows from it (cases of who left, offers, too few on duty) is done by alerts (``alerts/shifts.py``), whoever of us dies meanwhile.
"""

import json
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any

import psycopg
from fastapi import APIRouter, Path, Query

from alerts.shifts import SILENT_S
from api import shift_paper, signing
from api.access import OPERATORS, STAFF, Operator, Overseer, Staff, Who, roles
from api.context import Now, Parts
from api.errors import BadChange, BadRequest, DeskTaken, HandoverOutdated, NotFound
from api.models import shifts as models
from api.models.shape import Done
from api.problems import documented
from api.staffing import Planned, thin
from storage.database import Connection
from storage.queries import execute, fetch_all, fetch_one, query

router = APIRouter(prefix="/api/v1", tags=["shifts"])

LONGEST_DUTY_S = 86_400.0
_CENTRES = query("api_centres")
_DESKS = query("api_desks")
_DESK = query("api_desk")
_PUT_CENTRE = query("api_put_centre")
_CENTRE = query("api_centre")
_PUT_DESK = query("api_put_desk")
_CLOSE_DESK = query("api_close_desk")
_SEAT_OF = query("api_sign_on_of")
_LOCK_SEAT = query("api_lock_sign_on_of")
_SIGN_ON = query("api_sign_on")
_SIGN_OFF = query("api_sign_off")
_SEEN = query("api_seen_at_desk")
_OFFERS = query("api_offers")
_DUTIES = query("api_duties")
_CAN_WATCH = query("api_can_watch")
_PUT_DUTY = query("api_put_duty")
_CANCEL_DUTY = query("api_cancel_duty")
_GAPS = query("api_gaps")
_HANDOVERS = query("api_shift_handovers")
_PUT_HANDOVER = query("api_put_shift_handover")
_SIGN = query("api_sign_handover")
_AUDIT = query("audit_shift")

_READS = documented(401, 403, 422, 503)
_CHANGES = documented(401, 403, 404, 409, 422, 503)
OVERSEERS = ("supervisor", "admin")
DeskId = Annotated[str, Path(min_length=1, max_length=40, pattern=models.DESK)]
HandoverId = Annotated[str, Path(min_length=1, max_length=40, pattern=r"^[0-9a-zA-Z-]+$")]


async def write_shift(
    connection: Connection, user: Who, now: datetime, action: str, area_prefix: str, **facts: Any
) -> None:
    """What somebody did to a shift: the audit row of a centre."""
    await execute(
        connection, _AUDIT, now=now, actor=user.user_name, action=action, facts=json.dumps({"area": area_prefix} | facts)
    )  # fmt: skip


async def _centres(connection: Connection, now: datetime) -> list[models.Centre]:
    desks: dict[str, list[models.Seat]] = {}
    for row in await fetch_all(connection, _DESKS):
        desks.setdefault(row["area_prefix"], []).append(models.Seat(**row))
    return [
        # A centre without desks keeps no shifts, and nothing is said about them.
        models.Centre(
            **row,
            desks=desks.get(row["area_prefix"], []),
            short=row["area_prefix"] in desks and row["on_duty"] < row["least_on_duty"],
        )
        for row in await fetch_all(connection, _CENTRES, heard_since=now - timedelta(seconds=SILENT_S))
    ]


async def _duties(connection: Connection, from_at: datetime, to_at: datetime) -> list[models.Duty]:
    rows = await fetch_all(connection, _DUTIES, from_at=from_at, to_at=to_at)
    return [models.Duty.model_validate(row) for row in rows]


async def _handovers(connection: Connection, most: int, **which: Any) -> list[models.ShiftHandover]:
    asked: Mapping[str, Any] = {"handover_id": None, "before": None} | which
    return [shift_paper.read(row) for row in await fetch_all(connection, _HANDOVERS, **asked, most=most)]


async def _now(connection: Connection, user: Who, now: datetime) -> models.ShiftNow:
    mine = await fetch_one(connection, _SEAT_OF, user_name=user.user_name)
    duties = await _duties(connection, now, now + timedelta(microseconds=1))
    offers = await fetch_all(connection, _OFFERS, now=now, area_prefix=user.area_prefix)
    return models.ShiftNow(
        mine=None if mine is None else models.Mine(**{name: mine[name] for name in models.Mine.model_fields}),
        centres=await _centres(connection, now),
        absent=[duty for duty in duties if not duty.here],
        offers=[models.Offer(**row) for row in offers],
        handovers=[each for each in await _handovers(connection, 20) if each.waits],
        now=now,
    )


@router.get("/shift", responses=_READS, summary="The shift now", openapi_extra=roles(*OPERATORS))
async def read_shift(parts: Parts, now: Now, user: Operator) -> models.ShiftNow:
    """Where I sit, who is here, whether that is enough, whom waiting cases are offered to, and what waits for a signature."""
    async with parts.database.connection() as connection:
        return await _now(connection, user, now)


@router.post("/shift/here", responses=_READS, summary="I am here", openapi_extra=roles(*OPERATORS))
async def here(parts: Parts, now: Now, user: Operator) -> models.ShiftNow:
    """From the page of a desk, every few seconds. One that is heard no more for 90 s is empty: its cases go back into the queue."""
    async with parts.database.transaction() as connection:
        await execute(connection, _SEEN, user_name=user.user_name, now=now)
        return await _now(connection, user, now)


@router.post("/shift/sign-on", responses=_CHANGES, summary="Sit down at a desk", openapi_extra=roles(*OPERATORS))
async def sign_on(body: models.SignOn, parts: Parts, now: Now, user: Operator) -> models.ShiftNow:
    """On duty from now on. Who changes his seat keeps what he has in hand."""
    try:
        async with parts.database.transaction() as connection:
            desk = await fetch_one(connection, _DESK, desk_id=body.desk_id)
            if desk is None:
                raise NotFound(what="desk", name=body.desk_id)
            if desk["user_name"] not in (None, user.user_name):
                raise DeskTaken(desk_id=body.desk_id, held=desk["user_name"])
            if desk["user_name"] is None:
                await _sit(connection, user, body.desk_id, desk["area_prefix"], now)
            return await _now(connection, user, now)
    except psycopg.errors.UniqueViolation as error:
        raise DeskTaken(desk_id=body.desk_id, held="somebody who was faster") from error


async def _sit(connection: Connection, user: Who, desk_id: str, area_prefix: str, now: datetime) -> None:
    await execute(connection, _SIGN_OFF, user_name=user.user_name, now=now, why="moved", successor=None)
    await execute(connection, _SIGN_ON, desk_id=desk_id, area_prefix=area_prefix, user_name=user.user_name, now=now)
    await write_shift(connection, user, now, "signed_on", area_prefix, desk_id=desk_id)


@router.post("/shift/sign-off", responses=_READS, summary="Leave the desk", openapi_extra=roles(*OPERATORS))
async def sign_off(parts: Parts, now: Now, user: Operator) -> Done:
    """Off duty from now on. What one has in hand or on hold goes back to the top of the queue within seconds; hand over to pass it on."""
    async with parts.database.transaction() as connection:
        left = await fetch_one(
            connection, _SIGN_OFF, user_name=user.user_name, now=now, why="signed_off", successor=None
        )
        if left is not None:
            await write_shift(connection, user, now, "signed_off", left["area_prefix"], desk_id=left["desk_id"])
    return Done()


@router.get("/shift/handovers", responses=_READS, summary="Hand-overs", openapi_extra=roles(*OPERATORS))
async def list_handovers(
    parts: Parts,
    now: Now,
    user: Operator,
    before: Annotated[datetime | None, Query(description="``next_before`` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> models.ShiftHandovers:
    """Of the centres that one sees, newest first, as they were signed."""
    async with parts.database.connection() as connection:
        found = await _handovers(connection, limit, before=before)
    return models.ShiftHandovers(
        handovers=found, next_before=found[-1].written_at if len(found) == limit else None, now=now
    )


@router.get(
    "/shift/handovers/draft", responses=_READS, summary="What I would hand over", openapi_extra=roles(*OPERATORS)
)
async def read_draft(parts: Parts, now: Now, user: Operator) -> models.Draft:
    """Cases in hand, holds, call-backs, and second looks that are owed: as they are now."""
    async with parts.database.connection() as connection:
        left = await shift_paper.left_by(connection, user.user_name, now)
    return models.Draft(left=left, state=shift_paper.state_of(left), now=now)


@router.post(
    "/shift/handovers", status_code=201, responses=_CHANGES, summary="Hand over", openapi_extra=roles(*OPERATORS)
)
async def write_handover(body: models.NewHandover, parts: Parts, now: Now, user: Operator) -> models.ShiftHandover:
    """The first signature, under what was read (``state``), with one's own password. It waits then for somebody to take over; until that one has signed nothing changes hands."""
    await signing.check(parts, user.user_name, body.password, now)
    async with parts.database.transaction() as connection:
        seat = await fetch_one(connection, _LOCK_SEAT, user_name=user.user_name)
        if seat is None:
            raise BadChange(detail="you sit at no desk, so there is no shift to hand over. Sign on at one first.")
        left = await shift_paper.left_by(connection, user.user_name, now)
        if shift_paper.state_of(left) != body.state:
            raise HandoverOutdated
        area_prefix, handover_id = seat["area_prefix"], uuid.uuid4().hex
        document = shift_paper.document_of(
            left, from_user=user.user_name, area_prefix=area_prefix, note=body.note, now=now
        )
        digest = shift_paper.digest_of(document)
        await execute(
            connection, _PUT_HANDOVER, handover_id=handover_id, area_prefix=area_prefix, sign_on_id=seat["sign_on_id"],
            from_user=user.user_name, now=now, document=document, digest=digest,
        )  # fmt: skip
        await execute(
            connection, _SIGN, handover_id=handover_id, part="gives", user_name=user.user_name, now=now, digest=digest
        )
        await write_shift(
            connection, user, now, "handover_written", area_prefix, handover_id=handover_id, digest=digest
        )
        (found,) = await _handovers(connection, 1, handover_id=handover_id)
    return found


@router.post(
    "/shift/handovers/{handover_id}/take", responses=_CHANGES, summary="Take over", openapi_extra=roles(*OPERATORS)
)
async def take_over(
    handover_id: HandoverId, body: models.TakeOver, parts: Parts, now: Now, user: Operator
) -> models.ShiftHandover:
    """The second signature. The other one's shift ends with it: holds and call-backs are the taker's, what was being worked on is at the top of the queue.

    Who sits nowhere yet takes the other one's desk.
    """
    async with parts.database.connection() as connection:
        await _waiting(connection, handover_id, user)
    await signing.check(parts, user.user_name, body.password, now)
    async with parts.database.transaction() as connection:
        found = await _waiting(connection, handover_id, user)
        seat = await fetch_one(connection, _LOCK_SEAT, user_name=found.from_user)
        left = await shift_paper.left_by(connection, found.from_user, now)
        if (
            seat is None
            or body.digest != found.digest
            or shift_paper.state_of(left) != shift_paper.state_of(found.left)
        ):
            raise HandoverOutdated
        try:
            await execute(
                connection, _SIGN, handover_id=handover_id, part="takes", user_name=user.user_name, now=now, digest=found.digest
            )  # fmt: skip
        except psycopg.errors.UniqueViolation as error:
            raise HandoverOutdated from error
        await execute(
            connection, _SIGN_OFF, user_name=found.from_user, now=now, why="handed_over", successor=user.user_name
        )
        if await fetch_one(connection, _SEAT_OF, user_name=user.user_name) is None:
            await _sit(connection, user, seat["desk_id"], seat["area_prefix"], now)
        await write_shift(
            connection, user, now, "handover_taken", found.area_prefix, handover_id=handover_id, digest=found.digest, from_user=found.from_user
        )  # fmt: skip
        (signed,) = await _handovers(connection, 1, handover_id=handover_id)
    return signed


async def _waiting(connection: Connection, handover_id: str, user: Who) -> models.ShiftHandover:
    """A hand-over that waits for this one. Raises NotFound, BadChange, HandoverOutdated."""
    found = await _handovers(connection, 1, handover_id=handover_id)
    if not found:
        raise NotFound(what="hand-over", name=handover_id)
    if found[0].from_user == user.user_name:
        raise BadChange(detail="you wrote this hand-over; somebody else has to take it")
    if not found[0].waits:
        raise HandoverOutdated
    return found[0]


@router.get("/centres", responses=_READS, summary="Centres and desks", openapi_extra=roles(*STAFF))
async def list_centres(parts: Parts, now: Now, user: Staff) -> models.Centres:
    """Those whose whole area one sees, with who sits where."""
    async with parts.database.connection() as connection:
        return models.Centres(centres=await _centres(connection, now), now=now)


def _within(area_prefix: str, user: Who) -> None:
    if not area_prefix.startswith(user.area_prefix):
        raise BadRequest(detail=f"body.area_prefix: write an area within {user.area_prefix}, which is yours")


@router.post("/centres", responses=_CHANGES, summary="Found or change a centre", openapi_extra=roles(*OVERSEERS))
async def put_centre(body: models.NewCentre, parts: Parts, now: Now, user: Overseer) -> Done:
    """An area and how many have to be on duty there: two at least. As soon as it has a desk, too few on duty is said everywhere."""
    _within(body.area_prefix, user)
    async with parts.database.transaction() as connection:
        await execute(connection, _PUT_CENTRE, **body.model_dump())
        await write_shift(connection, user, now, "put_centre", body.area_prefix, least=body.least_on_duty)
    return Done()


@router.post("/desks", status_code=201, responses=_CHANGES, summary="Set up a desk", openapi_extra=roles(*OVERSEERS))
async def put_desk(body: models.NewDesk, parts: Parts, now: Now, user: Overseer) -> Done:
    """A place of a centre to sit at."""
    _within(body.area_prefix, user)
    try:
        async with parts.database.transaction() as connection:
            if await fetch_one(connection, _CENTRE, area_prefix=body.area_prefix) is None:
                raise NotFound(what="centre", name=body.area_prefix)
            if await fetch_one(connection, _PUT_DESK, **body.model_dump()) is None:
                raise BadChange(detail="this desk belongs to another centre. Choose another id.")
            await write_shift(connection, user, now, "put_desk", body.area_prefix, desk_id=body.desk_id)
    except psycopg.errors.InsufficientPrivilege as error:
        raise BadChange(detail="this desk belongs to another centre. Choose another id.") from error
    return Done()


@router.delete("/desks/{desk_id}", responses=_CHANGES, summary="Take a desk away", openapi_extra=roles(*OVERSEERS))
async def close_desk(desk_id: DeskId, parts: Parts, now: Now, user: Overseer) -> Done:
    """Once nobody sits there. Its history stays."""
    async with parts.database.transaction() as connection:
        desk = await fetch_one(connection, _DESK, desk_id=desk_id)
        if desk is None:
            raise NotFound(what="desk", name=desk_id)
        if desk["user_name"] is not None:
            raise BadChange(detail="somebody sits there")
        await execute(connection, _CLOSE_DESK, desk_id=desk_id, now=now)
        await write_shift(connection, user, now, "closed_desk", desk["area_prefix"], desk_id=desk_id)
    return Done()


@router.get("/rota", responses=_READS, summary="Who is planned", openapi_extra=roles(*STAFF))
async def read_rota(
    parts: Parts,
    now: Now,
    user: Staff,
    from_at: Annotated[datetime | None, Query(description="Default: now")] = None,
    days: Annotated[int, Query(ge=1, le=62)] = 7,
) -> models.Rota:
    """Duties, the times for which too few are planned, and the times in which too few were there."""
    if from_at is not None and from_at.tzinfo is None:
        raise BadRequest(detail="from_at: write it with its offset, for example 2026-11-24T08:00:00+08:00")
    begin = from_at or now
    end = begin + timedelta(days=days)
    async with parts.database.connection() as connection:
        duties = await _duties(connection, begin, end)
        least = {
            row["area_prefix"]: row["least_on_duty"]
            for row in await fetch_all(connection, _CENTRES, heard_since=now - timedelta(seconds=SILENT_S))
        }
        gaps = await fetch_all(connection, _GAPS, most=50)
    planned = [Planned(each.area_prefix, each.user_name, each.from_at, each.to_at) for each in duties]
    return models.Rota(
        duties=duties,
        thin=[models.Thin(**each._asdict()) for each in thin(planned, least, begin, end)],
        gaps=[models.Gap(**row) for row in gaps],
        now=now,
    )


@router.post("/rota", status_code=201, responses=_CHANGES, summary="Plan somebody", openapi_extra=roles(*OVERSEERS))
async def put_duty(body: models.NewDuty, parts: Parts, now: Now, user: Overseer) -> Done:
    """An operator or supervisor who sees all of the centre, for 24 h at most."""
    _within(body.area_prefix, user)
    if not timedelta() < body.to_at - body.from_at <= timedelta(seconds=LONGEST_DUTY_S):
        raise BadRequest(detail="body.to_at: a duty ends after it begins, and within 24 h")
    which = {"area_prefix": body.area_prefix, "user_name": body.user_name}
    async with parts.database.transaction() as connection:
        if await fetch_one(connection, _CENTRE, area_prefix=body.area_prefix) is None:
            raise NotFound(what="centre", name=body.area_prefix)
        if await fetch_one(connection, _CAN_WATCH, **which) is None:
            raise BadChange(detail="nobody of this name is an operator or supervisor who sees all of this centre")
        put = await fetch_one(
            connection, _PUT_DUTY, **which, from_at=body.from_at, to_at=body.to_at, made_by=user.user_name, now=now
        )
        if put is None:
            raise BadChange(detail="he is planned for a part of that time already")
        await write_shift(
            connection, user, now, "planned", body.area_prefix, whose=body.user_name, from_at=body.from_at.isoformat(),
            to_at=body.to_at.isoformat(),
        )  # fmt: skip
    return Done()


@router.delete("/rota/{duty_id}", responses=_CHANGES, summary="Plan somebody no more", openapi_extra=roles(*OVERSEERS))
async def cancel_duty(duty_id: Annotated[int, Path(ge=0, le=2**62)], parts: Parts, now: Now, user: Overseer) -> Done:
    """It stays on record that it was planned."""
    async with parts.database.transaction() as connection:
        ended = await fetch_one(connection, _CANCEL_DUTY, duty_id=duty_id, user_name=user.user_name, now=now)
        if ended is None:
            raise NotFound(what="duty", name=str(duty_id))
        await write_shift(
            connection, user, now, "unplanned", ended["area_prefix"], whose=ended["whose"], duty_id=duty_id
        )
    return Done()
