"""Out of service: who plans, sees and ends the windows. What they do to cases stands in ``alerts.windows``."""

import json
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from alerts.windows import AHEAD_S
from api.access import OPERATORS, Operator, Supervisor, Who, roles
from api.context import Now, Parts
from api.errors import BadChange, NotFound
from api.models import windows as models
from api.models.shape import Done
from api.problems import documented
from storage.database import Connection
from storage.queries import execute, fetch_all, fetch_one, query

router = APIRouter(prefix="/api/v1", tags=["windows"])

_LIST = query("api_windows")
_PLAN = query("api_plan_window")
_END = query("api_end_window")
_HOME = query("api_home")
_DEVICE = query("api_device_is_there")
_AUDIT = query("api_audit")
SHOWN_D = 30
"""Windows that ended so many days ago are still listed."""
LATE_S = 60.0
"""A begin that lies so far back is meant as now: clocks of desks differ."""


@router.get(
    "/windows", responses=documented(401, 403, 422, 503), summary="What is out of service", openapi_extra=roles(*OPERATORS)
)  # fmt: skip
async def list_windows(
    parts: Parts,
    now: Now,
    user: Operator,
    before: Annotated[int | None, Query(description="``next_before`` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> models.ServiceWindows:
    """Windows of one's area to come, in force, and of the last 30 days."""
    async with parts.database.connection() as connection:
        found = await fetch_all(
            connection, _LIST, area_prefix=user.area_prefix, since=now - timedelta(days=SHOWN_D), before=before, most=limit
        )  # fmt: skip
    windows = [_window(row, now) for row in found]
    return models.ServiceWindows(
        windows=windows, next_before=windows[-1].window_id if len(windows) == limit else None, now=now
    )


def _window(row: dict[str, Any], now: datetime) -> models.ServiceWindow:
    over = row["ended_at"] is not None or row["until_at"] <= now
    state = "over" if over else "in_force" if row["from_at"] <= now else "planned"
    return models.ServiceWindow(**row, state=state)


@router.post(
    "/windows", status_code=201, responses=documented(401, 403, 404, 422, 503), summary="Take something out of service",
    openapi_extra=roles("supervisor"),
)  # fmt: skip
async def plan(body: models.NewWindow, parts: Parts, now: Now, user: Supervisor) -> models.ServiceWindow:
    """Its alarms are recorded and shown, and do not ring until the window ends; then what is not over by itself does."""
    begin = body.from_at or now
    if begin.tzinfo is None:
        raise BadChange(detail="from_at says no time zone. Send it with one, for example Z.")
    if not now - timedelta(seconds=LATE_S) <= begin <= now + timedelta(seconds=AHEAD_S):
        raise BadChange(detail="it begins in the past, or more than a month ahead. Choose another begin.")
    if not body.technical_only and len(body.substitute) < 4:
        raise BadChange(detail="people's alarms would not ring and nobody is named who looks after them. Name a substitute.")  # fmt: skip
    async with parts.database.transaction() as connection:
        area_code = await _place(connection, user, body)
        row = await fetch_one(
            connection, _PLAN, area_code=area_code, home_id=body.home_id, device_id=body.device_id, technical_only=body.technical_only,
            reason=body.reason, substitute=body.substitute, from_at=begin, until_at=begin + timedelta(hours=body.hours),
            planned_by=user.user_name, now=now,
        )  # fmt: skip
        assert row is not None
        facts = {
            "window_id": row["window_id"],
            "area": area_code,
            "device_id": body.device_id,
            "note": body.reason,
            "substitute": body.substitute,
        }
        facts |= {
            "from": begin.isoformat(),
            "until": row["until_at"].isoformat(),
            "technical_only": body.technical_only,
        }
        await execute(
            connection, _AUDIT, now=now, actor=user.user_name, action="window_planned", case_id=None, home_id=body.home_id, reason="",
            facts=json.dumps(facts),
        )  # fmt: skip
    return _window(row, now)


async def _place(connection: Connection, user: Who, body: models.NewWindow) -> str:
    """The area of what is taken out. Raises NotFound for what is not the user's, as for what does not exist."""
    if (body.home_id is None) == (body.area is None) or (body.device_id is not None and body.home_id is None):
        raise BadChange(
            detail="it names neither or both of a home and an area, or a device without its home. Name one."
        )
    if body.home_id is None:
        assert body.area is not None
        if not body.area.startswith(user.area_prefix):
            raise NotFound(what="area", name=body.area)
        return body.area
    home = await fetch_one(connection, _HOME, home_id=body.home_id)
    if home is None or not user.sees_area(home["area_code"]):
        raise NotFound(what="home", name=body.home_id)
    if body.device_id is not None:
        there = await fetch_one(connection, _DEVICE, home_id=body.home_id, device_id=body.device_id)
        if there is None:
            raise NotFound(what="device", name=body.device_id)
    return str(home["area_code"])


@router.delete(
    "/windows/{window_id}", responses=documented(401, 403, 404, 422, 503), summary="Back in service", openapi_extra=roles("supervisor")
)  # fmt: skip
async def end(window_id: Annotated[int, Path(ge=1, le=2**62)], parts: Parts, now: Now, user: Supervisor) -> Done:
    """Before its time. What did not ring meanwhile does within seconds."""
    async with parts.database.transaction() as connection:
        ended = await fetch_one(
            connection, _END, window_id=window_id, area_prefix=user.area_prefix, user_name=user.user_name, now=now
        )
        if ended is None:
            raise NotFound(what="window in force", name=str(window_id))
        await execute(
            connection, _AUDIT, now=now, actor=user.user_name, action="window_ended", case_id=None, home_id=ended["home_id"], reason="",
            facts=json.dumps({"window_id": window_id}),
        )  # fmt: skip
    return Done()
