"""For the city's own platforms: people, visits and cases of those who agreed, and figures of all others (docs/upstream.md); and the consent for it."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query

from api.access import OPERATORS, Operator, Platform, Who, roles
from api.context import Context, Now, Parts
from api.models import upstream as models
from api.models.shape import Done
from api.problems import documented
from api.routes.cases import write_list, write_view
from api.routes.consents import visible_resident
from api.routes.coverage import Area
from api.routes.family import RESIDENT
from storage import upstream
from storage.queries import Row

router = APIRouter(prefix="/api/v1", tags=["upstream"])

_OWN = documented(401, 403, 422, 503)
_READS = documented(401, 403, 404, 422, 503)
_TAKERS = roles("platform", "supervisor")
Since = Annotated[datetime | None, Query(description="Only what changed since: `as_of` of the first page of the time before")]  # fmt: skip
After = Annotated[str, Query(max_length=60, description="`next_after` of the page before")]
AfterVisit = Annotated[str, Query(max_length=19, pattern=r"^[0-9]{0,18}$", description="`next_after` of the page before")]  # fmt: skip
Limit = Annotated[int, Query(ge=1, le=2_000, description="Most rows of a page")]


async def _page(parts: Context, user: Who, now: datetime, what: str, area: str, since: datetime | None, after: str, limit: int) -> dict[str, Any]:  # fmt: skip
    """A page with its envelope. Whom it shows is in the audit, as with every list."""
    found: list[Row] = []
    following: str | None = None
    scope = user.narrowed(area)
    if scope is not None:
        async with parts.database.transaction() as connection:
            found, following = await upstream.page(connection, what, area=scope, since=since, after=after, most=limit)
            people = sorted({row["resident_id"] for row in found})
            await write_list(connection, user, now, f"upstream {what}", people)
    return _envelope(scope if scope is not None else area, now) | {what: found, "next_after": following}


def _envelope(area: str, now: datetime) -> dict[str, Any]:
    return {"form": upstream.SCHEMA, "source": upstream.SOURCE, "area": area, "as_of": upstream.as_of(now)}


@router.get("/upstream/people", responses=_OWN, summary="Who agreed to go out by name", openapi_extra=_TAKERS)
async def list_people(parts: Parts, now: Now, user: Platform, area: Area = "", since: Since = None, after: After = "", limit: Limit = 500) -> models.PeopleOut:  # fmt: skip
    """In the order of their ids. With ``since`` those who do not go out any more come as well, as ``gone``."""
    return models.PeopleOut.model_validate(await _page(parts, user, now, "people", area, since, after, limit))


@router.get("/upstream/visits", responses=_OWN, summary="Their visits", openapi_extra=_TAKERS)
async def list_visits(parts: Parts, now: Now, user: Platform, area: Area = "", since: Since = None, after: AfterVisit = "", limit: Limit = 500) -> models.VisitsOut:  # fmt: skip
    """From their yes on. Who made the visit is not said."""
    return models.VisitsOut.model_validate(await _page(parts, user, now, "visits", area, since, after, limit))


@router.get("/upstream/cases", responses=_OWN, summary="Their cases", openapi_extra=_TAKERS)
async def list_cases(parts: Parts, now: Now, user: Platform, area: Area = "", since: Since = None, after: After = "", limit: Limit = 500) -> models.CasesOut:  # fmt: skip
    """From their yes on. What is about several people, or about a device, is only counted."""
    return models.CasesOut.model_validate(await _page(parts, user, now, "cases", area, since, after, limit))


@router.get("/upstream/figures", responses=_OWN, summary="Figures of all others", openapi_extra=_TAKERS)
async def list_figures(parts: Parts, now: Now, user: Platform, area: Area = "") -> models.FiguresOut:
    """By town, small ones withheld: residents as they are now, visits and cases of the last twelve finished months. Of less than a town there are none."""
    scope = user.narrowed(area)
    found: list[upstream.Figure] = []
    if scope is not None:
        async with parts.database.transaction() as connection:
            found = await upstream.figures(connection, scope, now)
            await write_list(connection, user, now, "upstream figures", [])
    told = [models.FigureOut.model_validate(each._asdict() | {"withheld": each.withheld}) for each in found]
    return models.FiguresOut(**_envelope(area if scope is None else scope, now), smallest=upstream.SMALLEST, figures=told)  # fmt: skip


@router.get("/residents/{resident_id}/upstream-consent", responses=_READS, summary="Whether they go out by name", openapi_extra=roles(*OPERATORS))  # fmt: skip
async def read_consent(resident_id: RESIDENT, parts: Parts, now: Now, user: Operator) -> models.UpstreamConsents:
    """And how that came about, newest first."""
    async with parts.database.transaction() as connection:
        row = await visible_resident(connection, user, resident_id)
        found = await upstream.history(connection, resident_id)
        await write_view(
            connection, user, now, row["area_code"], case_id=None, home_id=row["home_id"], residents=[resident_id], what="consents"
        )  # fmt: skip
    return models.UpstreamConsents(
        agreed=bool(found) and found[0]["agreed"], history=[models.UpstreamConsentRow.model_validate(each) for each in found]
    )  # fmt: skip


@router.post("/residents/{resident_id}/upstream-consent", status_code=201, responses=_READS, summary="What they said about it", openapi_extra=roles(*OPERATORS))  # fmt: skip
async def record_consent(resident_id: RESIDENT, body: models.NewUpstreamConsent, parts: Parts, user: Operator) -> Done:
    """In force from the next request on. What was fetched before the platform has to delete: they come once more, as ``gone``."""
    async with parts.database.transaction() as connection:
        await visible_resident(connection, user, resident_id)
        await upstream.record(
            connection, resident_id=resident_id, agreed=body.agreed, given_by=body.given_by, giver=body.giver, ground=body.ground, recorded_by=user.user_name
        )  # fmt: skip
    return Done()
