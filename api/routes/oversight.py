"""Breaking the glass, and who looked at whom.

Outside of one's area nobody exists. Where a life hangs on it an operator opens one record for a stated reason and at most an hour; it is
written down, both areas' supervisors see it, and it ends by itself. It lets him read: acting on a case stays with those whose area it is.
"""

import json
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Query

from api.access import OPERATORS, Operator, Supervisor, Who, roles
from api.context import Now, Parts
from api.errors import BadChange, NotFound, TooOften
from api.models import oversight as models
from api.models.shape import Done
from api.problems import documented
from api.scope import OURSELVES
from storage.queries import execute, fetch_all, fetch_one, query

router = APIRouter(prefix="/api/v1", tags=["oversight"])

_ASKED = query("api_resident_to_open")
_OPEN = query("api_open_glass")
_LIST = query("api_openings")
_END = query("api_end_opening")
_VIEWS = query("api_views")
_AUDIT = query("api_audit")

OPENINGS_AN_HOUR = 10
"""Attempts of one user in an hour, found or not. Chosen: more than any night needs, and too few to find out who lives elsewhere by trying."""


def _mine(user: Who) -> dict[str, Any]:
    return {
        "user_name": user.user_name,
        "area_prefix": user.area_prefix,
        "supervises": user.role == "supervisor",
    }


@router.post(
    "/break-glass",
    status_code=201,
    responses=documented(401, 403, 404, 422, 429, 503),
    summary="Open a record beyond one's area",
    openapi_extra=roles(*OPERATORS),
)
async def open_glass(body: models.NewOpening, parts: Parts, now: Now, user: Operator) -> models.Opening:
    """One resident, by id or telephone number, for a stated reason and a limited time. Every attempt is in the audit, also one that finds nobody."""
    wait_s = parts.openings.wait_s(user.user_name, now)
    if wait_s > 0:
        raise TooOften(wait_s=wait_s)
    parts.openings.count(user.user_name, now)
    digits = "".join(letter for letter in body.resident if letter.isdecimal())
    # The one place that looks beyond the user's scope; what it finds is said only together with the opening.
    everywhere = msgspec.structs.replace(OURSELVES, user_name=user.user_name)
    async with parts.database.transaction(everywhere) as connection:
        found = await fetch_all(connection, _ASKED, asked=body.resident, digits=digits)
        others = [row for row in found if not user.sees_area(row["area_code"])]
        opening = None
        if len(found) == 1 and others:
            (resident,) = others
            place = {name: resident[name] for name in ("resident_id", "home_id", "area_code")}
            row = await fetch_one(
                connection, _OPEN, user_name=user.user_name, user_area=user.area_prefix, reason=body.reason, now=now,
                minutes=body.minutes, **place,
            )  # fmt: skip
            if row is not None:
                opening = row | {"name": resident["name"]}
        new = opening is not None and opening.pop("new")
        if new or opening is None:
            facts = {"asked": body.resident, "note": body.reason, "minutes": body.minutes}
            if opening is not None:
                facts |= {"opening_id": opening["opening_id"], "residents": [opening["resident_id"]]}
            await execute(
                connection, _AUDIT, now=now, actor=user.user_name, action="broke_glass" if new else "glass_refused", case_id=None,
                home_id=opening["home_id"] if opening else None, reason="", facts=json.dumps(facts),
            )  # fmt: skip
    if opening is not None:
        return _opening(opening, now)
    if found and not others:
        raise BadChange(detail="this resident is of your area. Open the record as any other.")
    if len(found) > 1:
        raise BadChange(detail="several residents have this number. Give the id of one of them.")
    raise NotFound(what="resident", name=body.resident)


def _opening(row: dict[str, Any], now: datetime) -> models.Opening:
    return models.Opening(**row, living=row["ended_at"] is None and row["ends_at"] > now)


@router.get(
    "/break-glass",
    responses=documented(401, 403, 422, 503),
    summary="Records opened beyond an area",
    openapi_extra=roles(*OPERATORS),
)
async def list_openings(
    parts: Parts,
    now: Now,
    user: Operator,
    before: Annotated[int | None, Query(description="``next_before`` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> models.Openings:
    """One's own; for supervisors also those of residents who live in their area, and those made by people of their area."""
    async with parts.database.connection() as connection:
        found = await fetch_all(connection, _LIST, **_mine(user), before=before, most=limit)
    openings = [_opening(row, now) for row in found]
    return models.Openings(
        openings=openings, next_before=openings[-1].opening_id if len(openings) == limit else None, now=now
    )


@router.delete(
    "/break-glass/{opening_id}",
    responses=documented(401, 403, 404, 422, 503),
    summary="Close it again",
    openapi_extra=roles(*OPERATORS),
)
async def end_opening(opening_id: Annotated[int, Path(ge=1, le=2**62)], parts: Parts, now: Now, user: Operator) -> Done:
    """Before its time: one's own, or as a supervisor of either area."""
    async with parts.database.transaction() as connection:
        ended = await fetch_one(connection, _END, **_mine(user), opening_id=opening_id, now=now)
        if ended is None:
            raise NotFound(what="living opening", name=str(opening_id))
        facts = {"opening_id": opening_id, "residents": [ended["resident_id"]]}
        await execute(
            connection, _AUDIT, now=now, actor=user.user_name, action="closed_glass", case_id=None, home_id=ended["home_id"], reason="",
            facts=json.dumps(facts),
        )  # fmt: skip
    return Done()


@router.get(
    "/views",
    responses=documented(401, 403, 422, 503),
    summary="Who looked at whom",
    openapi_extra=roles("supervisor"),
)
async def list_views(
    parts: Parts,
    now: Now,
    user: Supervisor,
    resident_id: Annotated[str | None, Query(max_length=40)] = None,
    actor: Annotated[str | None, Query(max_length=40)] = None,
    before: Annotated[datetime | None, Query(description="``next_before`` of the page before")] = None,
    days: Annotated[int, Query(ge=1, le=400)] = 30,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> models.Views:
    """Views of records of residents of one's area, by anybody and by what right; and the lists that people of one's area looked through."""
    async with parts.database.connection() as connection:
        found = await fetch_all(
            connection, _VIEWS, area_prefix=user.area_prefix, resident_id=resident_id, actor=actor, before=before,
            since=now - timedelta(days=days), most=limit,
        )  # fmt: skip
    views = [
        models.View(**{name: row[name] for name in models.View.model_fields} | {"residents": row["residents"] or []})
        for row in found
    ]
    return models.Views(views=views, next_before=views[-1].at if len(views) == limit else None)
