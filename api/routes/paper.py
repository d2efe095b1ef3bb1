"""Lists to print for the day the system is down: open cases, and everybody of one's area with whom to ring up. Whom each showed is in the audit."""

from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from api.access import OPERATORS, Operator, Who, roles
from api.context import Context, Now, Parts
from api.models import paper as models
from api.problems import documented
from api.routes.cases import write_list
from api.routes.coverage import Area
from api.scope import current, serving
from storage import paper
from storage.queries import Row

router = APIRouter(prefix="/api/v1", tags=["paper"])

_SAYS = documented(401, 403, 422, 503)
_CSV: dict[int | str, dict[str, object]] = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}
PAGE = 500
"""Homes read in one transaction. Chosen: a page takes some hundredths of a second, and one audit row names its residents."""


@router.get("/paper/open-cases", responses=_SAYS, summary="Open cases, to print", openapi_extra=roles(*OPERATORS))
async def list_cases(
    parts: Parts,
    now: Now,
    user: Operator,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 500,
    offset: Annotated[int, Query(ge=0, le=100_000)] = 0,
) -> models.PaperCases:
    """In the order of the queue, with address, telephone numbers, notes and contacts in order."""
    async with parts.database.transaction() as connection:
        found = await paper.cases(connection, user.area_prefix, most=limit + 1, skip=offset)
        await write_list(connection, user, now, "paper: open cases", _residents(found[:limit]))
    return models.PaperCases(
        area=user.area_prefix, made_at=now, made_by=user.user_name, more=len(found) > limit,
        cases=[models.PaperCase.model_validate(row) for row in found[:limit]],
    )  # fmt: skip


def _residents(rows: list[Row]) -> list[str]:
    return sorted({each["resident_id"] for row in rows for each in row["residents"]})


@router.get("/paper/residents", responses=_SAYS, summary="Everybody, to print", openapi_extra=roles(*OPERATORS))
async def list_residents(
    parts: Parts,
    now: Now,
    user: Operator,
    area: Area = "",
    after: Annotated[str, Query(max_length=40, description="``next_after`` of the page before")] = "",
    limit: Annotated[int, Query(ge=1, le=1_000)] = PAGE,
) -> models.PaperHomes:
    """Home by home, with contacts in order of calling."""
    found, following = await _page(parts, user, now, area, after, limit)
    return models.PaperHomes(
        area=user.narrowed(area) or area, made_at=now, made_by=user.user_name, next_after=following,
        homes=[models.PaperHome.model_validate(row) for row in found],
    )  # fmt: skip


async def _page(
    parts: Context, user: Who, now: datetime, area: str, after: str, limit: int
) -> tuple[list[Row], str | None]:
    scope = user.narrowed(area)
    if scope is None:
        return [], None
    async with parts.database.transaction() as connection:
        found, following = await paper.homes(connection, scope, after=after, most=limit)
        await write_list(connection, user, now, "paper: residents", _residents(found))
    return found, following


@router.get(
    "/paper/residents.csv", responses=_SAYS | _CSV, response_class=StreamingResponse, summary="The same as a table", openapi_extra=roles(*OPERATORS)
)  # fmt: skip
async def residents_table(parts: Parts, now: Now, user: Operator, area: Area = "") -> StreamingResponse:
    """All of one's area, one home a line. The first line says when it was made and by whom."""
    first = await _page(parts, user, now, area, "", PAGE)
    served = current.get()

    async def lines() -> AsyncGenerator[str]:
        rows, after = first
        yield paper.table(
            [], paper.HOMES, heading=("made_at", now.isoformat(), "made_by", user.user_name, "area", user.narrowed(area) or area)
        )  # fmt: skip
        yield paper.table(rows, paper.HOMES, heading=paper.HOMES)
        while after is not None:
            # The answer is written when the request is over for the framework: whom it serves is said again.
            with serving(served):
                rows, after = await _page(parts, user, now, area, after, PAGE)
            yield paper.table(rows, paper.HOMES)

    return StreamingResponse(lines(), media_type="text/csv; charset=utf-8")
