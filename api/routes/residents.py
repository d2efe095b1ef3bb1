"""Residents: who they are, when each last showed a sign of life, and since when nobody can see."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from api import rows
from api.access import OPERATORS, Operator, roles
from api.context import Now, Parts
from api.coverage import device_states
from api.errors import NotFound
from api.models import people as models
from api.models.cases import Contact, HomeRecord, ResidentRecord
from api.problems import documented
from api.reasons import reasons_of
from api.routes.cases import write_list, write_view
from api.watching import LOOK_BACK_S, watched
from storage.queries import fetch_all, fetch_one, query

router = APIRouter(prefix="/api/v1", tags=["residents"])

_LIST = query("api_residents")
_FOUND = query("api_residents_found")
_ONE = query("api_resident")
_HOME = query("api_home")
_CONTACTS = query("api_contacts_of_home")
_CASES = query("api_open_cases_of_home")
_USUAL = query("usual_of_home")
_HABITS = query("habits_of_home")
_TREND = query("habit_trend_of_home")

ResidentId = Annotated[str, Path(min_length=1, max_length=40, pattern=r"^[a-z0-9-]+$")]


@router.get(
    "/residents", responses=documented(401, 403, 422, 503), summary="Residents", openapi_extra=roles(*OPERATORS)
)
async def list_residents(
    parts: Parts,
    now: Now,
    user: Operator,
    q: Annotated[
        str, Query(max_length=80, description="Part of a name, id, address or telephone number", examples=["沈"])
    ] = "",
    after: Annotated[str, Query(max_length=40, description="``next_after`` of the page before")] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> models.ResidentPage:
    """Residents of one's area, with coverage and last sign of life. That one looked, and for what, is written into the audit."""
    words = q.strip().lower()
    async with parts.database.transaction() as connection:
        asked: dict[str, Any] = {"area_prefix": user.area_prefix, "after": after, "most": limit + 1}
        if words:
            found = await fetch_all(connection, _FOUND, words=words, **asked)
        else:
            found = await fetch_all(connection, _LIST, **asked)
        page = found[:limit]
        homes = await watched(connection, sorted({row["home_id"] for row in page}), parts, now)
        await write_list(connection, user, now, words, [row["resident_id"] for row in page])
    residents = [
        models.ResidentRow(
            **row, coverage=homes[row["home_id"]].coverage, last_sign_at=homes[row["home_id"]].last_sign_at
        )
        for row in page
    ]
    return models.ResidentPage(
        residents=residents, next_after=page[-1]["resident_id"] if len(found) > limit else None, now=now
    )


@router.get(
    "/residents/{resident_id}",
    responses=documented(401, 403, 404, 422, 503),
    summary="One resident",
    openapi_extra=roles(*OPERATORS),
)
async def read_resident(resident_id: ResidentId, parts: Parts, now: Now, user: Operator) -> models.ResidentDetail:
    """Record, contacts, devices, last signs of life by kind, and "cannot see since". That it was read is written into the audit."""
    async with parts.database.transaction() as connection:
        resident = await fetch_one(connection, _ONE, resident_id=resident_id)
        if resident is None or not user.reads(resident["area_code"], resident["home_id"]):
            raise NotFound(what="resident", name=resident_id)
        home_id = resident["home_id"]
        home = await fetch_one(connection, _HOME, home_id=home_id)
        contacts = await fetch_all(connection, _CONTACTS, home_id=home_id)
        cases = await fetch_all(connection, _CASES, home_id=home_id)
        reasons = await reasons_of(connection, [row["case_id"] for row in cases])
        seen = (await watched(connection, [home_id], parts, now))[home_id]
        usual = await fetch_all(connection, _USUAL, home_id=home_id)
        days = await fetch_all(connection, _HABITS, home_id=home_id)
        trend = await fetch_one(connection, _TREND, home_id=home_id)
        await write_view(
            connection, user, now, resident["area_code"], case_id=None, home_id=home_id, residents=[resident_id]
        )
    return models.ResidentDetail(
        resident=ResidentRecord(**{name: resident[name] for name in ResidentRecord.model_fields}),
        home=HomeRecord(**(home or {})),
        contacts=[Contact(**each) for each in contacts],
        coverage=seen.coverage,
        signs=seen.signs,
        looked_back_s=LOOK_BACK_S,
        devices=device_states(seen.devices),
        open_cases=[rows.row_of_database(each, reasons) for each in cases],
        habits=models.Habits(
            usual=[
                models.UsualValue(**{name: each[name] for name in models.UsualValue.model_fields})
                for each in usual
                if each["resident_id"] in ("", resident_id)
            ],
            days=[models.DayFigures(**{name: each[name] for name in models.DayFigures.model_fields}) for each in days],
            **(trend or {}),
        ),
        now=now,
    )
