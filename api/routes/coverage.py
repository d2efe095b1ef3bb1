"""Coverage: counts by area, who is not protected, and how somebody was seen before."""

import json
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query

from alerts.coverage import NOT_COUNTED, Place
from api.access import OPERATORS, Operator, roles
from api.context import Context, Now, Parts
from api.coverage import STANDING, View, coverage, kept_of
from api.errors import NotFound
from api.models import coverage as models
from api.models.shape import CoverageNow, Done
from api.problems import documented
from api.routes.cases import CaseId, visible, write_list, write_view
from storage.database import Connection
from storage.queries import Row, execute, fetch_all, fetch_one, query

router = APIRouter(prefix="/api/v1", tags=["coverage"])

_COUNTS = query("coverage_counts_of_area")
_LIST = query("coverage_list")
_LIVE = query("residents_of_homes")
_RESIDENT = query("api_resident")
_HISTORY = query("coverage_history")
_AUDIT = query("api_audit")
_OUTAGES = query("outages_of_home")
_INCIDENT = query("incident_homes")
_HOME_OF_INCIDENT = query("home_of_incident")
_CALLS = query("incident_calls")

LEVELS = (4, 6, 9, 12)
"""Digits of a city, county, town and community in ``area_code`` (GB/T 10114 and the statistical divisions)."""
MOST_CHANGES = 500
Area = Annotated[
    str,
    Query(pattern=r"^[0-9]{0,12}$", description="Prefix of area_code; empty: all that one may see", examples=["3302"]),
]


def blind_places(parts: Context, rows: Iterable[Row] = ()) -> set[Place]:
    """Places that stand, and those among ``rows`` that nobody reports: what is not known is not seen."""
    standing = set(parts.pipeline.standing)
    return standing | {
        (row["source"], row["partition"])
        for row in rows
        if row["source"] and (row["source"], row["partition"]) not in parts.pipeline.reported
    }


@router.get(
    "/coverage",
    responses=documented(401, 403, 422, 503),
    summary="Coverage by area",
    openapi_extra=roles(*OPERATORS),
)
async def coverage_by_area(parts: Parts, now: Now, user: Operator, area: Area = "") -> models.CoverageByArea:
    """How many homes and residents are protected, degraded or blind, by the next level below ``area``. Of another's area: nothing."""
    scope = user.narrowed(area)
    digits = next((digits for digits in LEVELS if digits > len(scope or "")), 12)
    found: list[Row] = []
    if scope is not None:
        async with parts.database.connection() as connection:
            found = await fetch_all(connection, _COUNTS, area_prefix=scope, digits=digits)
    blind = blind_places(parts, found)
    areas: dict[str, dict[str, models.Count]] = {}
    total: dict[str, models.Count] = {}
    for row in found:
        state = "blind" if (row["source"], row["partition"]) in blind else row["state"]
        for counts in (areas.setdefault(row["area"], {}), total):
            before = counts.get(state, models.Count())
            counts[state] = models.Count(
                homes=before.homes + row["homes"], residents=before.residents + row["residents"]
            )
    return models.CoverageByArea(
        area=scope if scope is not None else area,
        areas=[_area(name, counts) for name, counts in sorted(areas.items())],
        total=_area(scope or "", total),
        now=now,
    )


def _area(name: str, counts: dict[str, models.Count]) -> models.AreaCoverage:
    empty = models.Count()
    return models.AreaCoverage(
        area=name,
        protected=counts.get("protected", empty),
        degraded=counts.get("degraded", empty),
        blind=counts.get("blind", empty),
    )


def _after(text: str) -> tuple[int, int, str]:
    """(care level, oldest year of birth, home) of the last home that was shown; before the first: above every care level."""
    care_level, _, rest = text.partition(".")
    year, _, home_id = rest.partition(".")
    if care_level.isdigit() and year.isdigit():
        return int(care_level), int(year), home_id
    return 99, 0, ""


@router.get(
    "/coverage/homes",
    responses=documented(401, 403, 422, 503),
    summary="Who is not protected",
    openapi_extra=roles(*OPERATORS),
)
async def not_protected(
    parts: Parts,
    now: Now,
    user: Operator,
    area: Area = "",
    state: Annotated[Literal["any", "degraded", "blind"], Query(description="Only these")] = "any",
    after: Annotated[
        str, Query(max_length=60, pattern=r"^([0-9]{1,2}\.[0-9]{1,4}\.[a-z0-9-]+)?$", description="``next_after``")
    ] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> models.CoveragePage:
    """Homes of an area that are degraded or blind, frailest first, with why, since when, and whom to ring up."""
    scope = user.narrowed(area)
    if scope is None:
        return models.CoveragePage(homes=[], next_after=None, now=now)
    care_level, oldest_year, last = _after(after)
    async with parts.database.transaction() as connection:
        counts = await fetch_all(connection, _COUNTS, area_prefix=scope, digits=12)
        blind = sorted(blind_places(parts, counts) & {(row["source"], row["partition"]) for row in counts})
        if state == "degraded":
            # Who is degraded by his devices and stands in a place that is blind is blind, and dropped below.
            chosen: list[Place] = []
        else:
            chosen = blind
        found = await fetch_all(
            connection,
            _LIST,
            states=["degraded", "blind"] if state == "any" else [state],
            sources=[place[0] for place in chosen],
            partitions=[place[1] for place in chosen],
            area_prefix=scope,
            care_level=care_level,
            oldest_year=oldest_year,
            after=last,
            most=limit + 1,
        )
        page = found[:limit]
        living = await _living(connection, page)
        await write_list(connection, user, now, "", _ids(living))
    shown = [row for row in page if state != "degraded" or (row["source"], row["partition"]) not in blind]
    found_more = _page(shown, living, parts, blind, False, now)
    last_of_page = _page(page[-1:], {}, parts, blind, len(found) > limit, now)
    return models.CoveragePage(homes=found_more.homes, next_after=last_of_page.next_after, now=now)


@router.get(
    "/cases/{case_id}/homes",
    responses=documented(401, 403, 404, 422, 503),
    summary="Whom to ring up in an incident",
    openapi_extra=roles(*OPERATORS),
)
async def incident_homes(
    case_id: CaseId,
    parts: Parts,
    now: Now,
    user: Operator,
    after: Annotated[
        str, Query(max_length=60, pattern=r"^([0-9]{1,2}\.[0-9]{1,4}\.[a-z0-9-]+)?$", description="``next_after``")
    ] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> models.CoveragePage:
    """Homes of an incident (many that fell silent together) that are not back yet, frailest first; none for any other case."""
    place = await visible(parts, user, case_id)
    care_level, oldest_year, last = _after(after)
    async with parts.database.transaction() as connection:
        found = await fetch_all(
            connection, _INCIDENT, case_id=case_id, area_prefix=user.area_prefix, care_level=care_level,
            oldest_year=oldest_year, after=last, most=limit + 1,
        )  # fmt: skip
        page = found[:limit]
        living = await _living(connection, page)
        calls = await fetch_all(connection, _CALLS, case_id=case_id, home_ids=[row["home_id"] for row in page])
        await write_view(connection, user, now, place.area_code, case_id=case_id, home_id=None, residents=_ids(living))
    called = {
        row["home_id"]: models.HomeCalled(at=row["at"], actor=row["actor"], result=row["result"]) for row in calls
    }
    shown = _page(page, living, parts, blind_places(parts, page), len(found) > limit, now)
    homes = [home.model_copy(update={"called": called.get(home.home_id)}) for home in shown.homes]
    return shown.model_copy(update={"homes": homes})


@router.post(
    "/cases/{case_id}/homes/{home_id}/call",
    responses=documented(401, 403, 404, 422, 503),
    summary="A home of an incident was rung up",
    openapi_extra=roles(*OPERATORS),
)
async def home_called(
    case_id: CaseId,
    home_id: Annotated[str, Path(min_length=1, max_length=40, pattern=r"^[a-z0-9-]+$")],
    body: models.HomeCall,
    parts: Parts,
    now: Now,
    user: Operator,
) -> Done:
    """Whoever rang a home up says whether somebody was reached, so that no two ring the same. It stands in the case's history; the last word counts."""
    await visible(parts, user, case_id)
    async with parts.database.transaction() as connection:
        home = await fetch_one(
            connection, _HOME_OF_INCIDENT, case_id=case_id, home_id=home_id, area_prefix=user.area_prefix
        )
        if home is None:
            raise NotFound(what="home of this incident", name=home_id)
        await execute(
            connection, _AUDIT, now=now, actor=user.user_name, action="called_home", case_id=case_id, home_id=home_id, reason="",
            facts=json.dumps({"result": body.result, "note": f"{home_id}: {body.result}"}),
        )  # fmt: skip
    return Done()


def _ids(living: dict[str, list[models.Inhabitant]]) -> list[str]:
    return [each.resident_id for there in living.values() for each in there]


async def _living(connection: Connection, page: list[Row]) -> dict[str, list[models.Inhabitant]]:
    living: dict[str, list[models.Inhabitant]] = {}
    for row in await fetch_all(connection, _LIVE, home_ids=[row["home_id"] for row in page]):
        fields = {name: row[name] for name in models.Inhabitant.model_fields}
        living.setdefault(row["home_id"], []).append(models.Inhabitant(**fields))
    return living


def _page(
    page: list[Row],
    living: dict[str, list[models.Inhabitant]],
    parts: Context,
    blind: Collection[Place],
    more: bool,
    now: datetime,
) -> models.CoveragePage:
    homes = [
        models.CoverageHome(
            **{name: row[name] for name in ("home_id", "area_code", "address", "care_level")},
            residents=living.get(row["home_id"], []),
            coverage=_coverage(row, parts, (row["source"], row["partition"]) in blind, now),
        )
        for row in page
    ]
    end = page[-1] if more else None
    after = f"{end['care_level']}.{end['oldest_year']}.{end['home_id']}" if end else None
    return models.CoveragePage(homes=homes, next_after=after, now=now)


def _coverage(row: Row, parts: Context, standing: bool, now: datetime) -> CoverageNow:
    place = (row["source"], row["partition"])
    return coverage(
        View(
            kept=kept_of(row),
            changed_at=row["changed_at"],
            source_now=now,
            standing=standing,
            seen_until=parts.pipeline.standing.get(place),
        )
    )


@router.get(
    "/residents/{resident_id}/coverage",
    responses=documented(401, 403, 404, 422, 503),
    summary="How one resident was seen",
    openapi_extra=roles(*OPERATORS),
)
async def history(
    resident_id: Annotated[str, Path(min_length=1, max_length=40, pattern=r"^[a-z0-9-]+$")],
    parts: Parts,
    now: Now,
    user: Operator,
    days: Annotated[int, Query(ge=1, le=366, description="How far back")] = 30,
) -> models.CoverageHistory:
    """When somebody was protected, degraded or blind, and for how long nobody could be seen."""
    since = now - timedelta(days=days)
    async with parts.database.transaction() as connection:
        resident = await fetch_one(connection, _RESIDENT, resident_id=resident_id)
        if resident is None or not user.reads(resident["area_code"], resident["home_id"]):
            raise NotFound(what="resident", name=resident_id)
        home_id = resident["home_id"]
        changes = await fetch_all(connection, _HISTORY, home_id=home_id, since=since, most=MOST_CHANGES)
        outages = await fetch_all(connection, _OUTAGES, home_id=home_id, since=since)
        await write_view(
            connection, user, now, resident["area_code"], case_id=None, home_id=home_id, residents=[resident_id]
        )
    ends = [None, *(row["at"] for row in changes)]
    spans = [
        models.CoverageSpan(
            state=row["state"],
            from_at=max(row["at"], since),
            to_at=end,
            coverage=coverage(View(kept=kept_of(row), changed_at=row["at"], source_now=now)),
        )
        for row, end in zip(changes, ends, strict=False)
    ]
    spans += [
        models.CoverageSpan(
            state="blind",
            from_at=max(row["from_at"], since),
            to_at=row["to_at"],
            coverage=CoverageNow(state="blind", reasons=[STANDING]),
        )
        for row in outages
    ]
    begins = min((row["at"] for row in changes), default=now)
    if begins > since:  # before the first word nothing is known
        unknown = coverage(View(kept=NOT_COUNTED, source_now=now))
        spans.append(models.CoverageSpan(state="blind", from_at=since, to_at=begins, coverage=unknown))
    return models.CoverageHistory(
        spans=sorted(spans, key=lambda span: span.from_at, reverse=True),
        blind_s=blind_s([(span.from_at, span.to_at or now) for span in spans if span.state == "blind"]),
        since=since,
        complete=len(changes) <= MOST_CHANGES,
        now=now,
    )


def blind_s(spans: Iterable[tuple[datetime, datetime]]) -> float:
    """Seconds that these spans cover together, each counted once."""
    total, seen_to = 0.0, None
    for begin, end in sorted(spans):
        begin = begin if seen_to is None else max(begin, seen_to)
        if end > begin:
            total += (end - begin).total_seconds()
            seen_to = end
    return total
