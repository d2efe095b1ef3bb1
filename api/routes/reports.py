"""Supervision reports of an area and a period, as JSON for the page and as a table."""

from datetime import date, datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import PlainTextResponse

from api import reporting
from api.access import Supervisor, Who, roles
from api.context import Context, Now, Parts
from api.errors import BadRequest
from api.models.reports import Report
from api.problems import documented
from api.routes.coverage import LEVELS, Area

router = APIRouter(prefix="/api/v1", tags=["reports"])

LONGEST_D = 400
"""Longest period, days: a year and the month that is compared with it."""
Day = Annotated[date | None, Query(description="Both or none: the running month", examples=["2026-11-01"])]
Band = Annotated[Literal["1", "2", "3", "4", "6", "8", "12"], Query(description="Hours of a band of the day")]
_SAYS = documented(401, 403, 422, 503)
_CSV: dict[int | str, dict[str, object]] = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}


async def _read(
    parts: Context, now: datetime, user: Who, area: str, from_day: date | None, to_day: date | None, band_h: str
) -> Report:
    zone = parts.settings.zone
    if (from_day is None) != (to_day is None):
        raise BadRequest(detail="from_day and to_day belong together. Give both, or none for the running month.")
    first, last = reporting.month_of(now, zone) if from_day is None or to_day is None else (from_day, to_day)
    if not timedelta() <= last - first <= timedelta(days=LONGEST_D):
        raise BadRequest(detail=f"a report is of 1 to {LONGEST_D} days, the last not before the first. Choose others.")
    scope = user.narrowed(area)
    digits = next((digits for digits in LEVELS if digits > len(scope or "")), 12)
    async with parts.database.transaction(picture=True) as connection:
        # Of another's area there is nothing to see; '!' begins no area code.
        found = await reporting.read(
            connection, area="!" if scope is None else scope, digits=digits, from_day=first, to_day=last, zone=zone, band_h=int(band_h), now=now,
        )  # fmt: skip
    return found.model_copy(update={"area": area if scope is None else scope})


@router.get("/report", responses=_SAYS, summary="A supervision report", openapi_extra=roles("supervisor"))
async def report(
    parts: Parts, now: Now, user: Supervisor, area: Area = "", from_day: Day = None, to_day: Day = None, band_h: Band = "8",
) -> Report:  # fmt: skip
    """Answering times, arrival, false alarms and ISA-18.2 figures, by area, priority and hours of the day; with what each figure is."""
    return await _read(parts, now, user, area, from_day, to_day, band_h)


@router.get("/report.csv", responses=_SAYS | _CSV, response_class=PlainTextResponse, summary="The same as a table", openapi_extra=roles("supervisor"))  # fmt: skip
async def report_table(
    parts: Parts, now: Now, user: Supervisor, area: Area = "", from_day: Day = None, to_day: Day = None, band_h: Band = "8",
) -> PlainTextResponse:  # fmt: skip
    """One figure a row: part, name, figure, value, number of cases it rests on, what it is. An empty value: not known."""
    found = await _read(parts, now, user, area, from_day, to_day, band_h)
    return PlainTextResponse(reporting.table(found), media_type="text/csv; charset=utf-8")
