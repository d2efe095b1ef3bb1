"""Those who go there: asked by a desk, they say how far they are; visits, and hours for the time bank."""

import csv
import io
import json
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import PlainTextResponse

from api.access import OPERATORS, Helper, Operator, Overseer, Supervisor, roles
from api.context import Now, Parts
from api.database import answering
from api.errors import BadChange, BadRequest, NotFound
from api.helping import BEFORE, words
from api.models import helpers as models
from api.models.shape import Done
from api.problems import documented
from api.routes.cases import CaseId, visible, write_list, write_view
from api.routes.consents import visible_resident
from api.routes.family import RESIDENT
from api.scope import OURSELVES, serving, visiting
from storage.cards import refresh_cards
from storage.people import AUDIT_HOMES
from storage.queries import execute, fetch_all, fetch_one, query

router = APIRouter(prefix="/api/v1", tags=["helpers"])

_NEAR = query("helpers_near")
_ASK = query("ask_helper")
_RESPONSES = query("responses_of_case")
_TASKS = query("tasks_of_helper")
_MOVE = query("move_response")
_DUE = query("visits_due")
_KIND = query("helper_kind")
_PUT_VISIT = query("put_visit")
_HOURS = query("hours_of_helper")
_HOURS_OF_AREA = query("hours_of_area")
_TOTALS = query("hours_totals_of_area")
_NEEDS = query("needs_of_resident")
_ASSESSMENTS = query("assessments_of_resident")
_VISITS = query("visits_of_resident")
_GROUPS = query("set_groups")
_ASSESS = query("put_assessment")
_AUDIT = query("api_audit")

MOST = 2_000
"""Visits shown at once. Chosen: more than a community has."""
_READS = documented(401, 403, 404, 422, 503)
_OWN = documented(401, 403, 422, 503)
_CSV: dict[int | str, dict[str, Any]] = {200: {"description": "A table", "content": {"text/csv": {"schema": {"type": "string"}, "example": "user_name,display_name,helper_kind,kind,about,from_at,to_at,hours\nlin,林志愿,volunteer,case,0f3c…,2026-11-23T04:00:00Z,2026-11-23T04:40:00Z,0.67\n"}}}}  # fmt: skip


@router.get("/cases/{case_id}/helpers", responses=_READS, summary="Who may go, and who does", openapi_extra=roles(*OPERATORS))  # fmt: skip
async def list_helpers(case_id: CaseId, parts: Parts, now: Now, user: Operator) -> models.HelpersOfCase:
    """Those of the case's area, the nearest first, and how far those who were asked are."""
    await visible(parts, user, case_id)
    async with parts.database.connection() as connection:
        near = await fetch_all(connection, _NEAR, case_id=case_id)
        responses = await fetch_all(connection, _RESPONSES, case_id=case_id, now=now)
    return models.HelpersOfCase(
        near=[models.HelperNear.model_validate(row) for row in near], responses=[models.HelperResponse.model_validate(row) for row in responses]
    )  # fmt: skip


@router.post("/cases/{case_id}/helpers", status_code=201, responses=_READS, summary="Ask somebody to go there", openapi_extra=roles(*OPERATORS))  # fmt: skip
async def ask_helper(case_id: CaseId, body: models.AskHelper, parts: Parts, now: Now, user: Operator) -> Done:
    """It is on their page within seconds, and in the case's history. The service circle counts from now."""
    await visible(parts, user, case_id)
    async with parts.database.transaction() as connection:
        asked = await fetch_one(
            connection, _ASK, case_id=case_id, user_name=body.user_name, asked_by=user.user_name, now=now
        )
    if asked is None:
        raise BadChange(detail=f"{body.user_name} is no helper of this area, was asked already, or the case is over")
    async with answering(parts.settings.query_s):
        text = f"请 {body.user_name} 前往 · {body.user_name} was asked to go there"
        await parts.cases.note(case_id, actor=user.user_name, text=text, now=now)
    return Done()


@router.get("/helper", responses=_OWN, summary="My page", openapi_extra=roles("helper"))
async def read_page(parts: Parts, now: Now, user: Helper) -> models.HelperPage:
    """Where I am needed, whom the community has to visit, and my hours."""
    async with parts.database.connection() as connection:
        tasks = await fetch_all(connection, _TASKS, user_name=user.user_name, now=now)
        kind = await fetch_one(connection, _KIND, user_name=user.user_name)
        hours = await fetch_one(connection, _HOURS, user_name=user.user_name)
    due: list[dict[str, Any]] = []
    if kind is not None and kind["kind"] == "community":
        async with parts.database.connection(visiting(user.user_name, user.area_prefix)) as connection:
            due = await fetch_all(
                connection, _DUE, area_prefix=user.area_prefix, now=now, only_overdue=False, most=MOST
            )
    people = {each for row in tasks for each in row.pop("resident_ids")} | {row["resident_id"] for row in due}
    if parts.shown.is_news(user.user_name, people, now):
        async with parts.database.transaction() as connection:
            await write_list(connection, user, now, "helper", sorted(people))
    return models.HelperPage(
        tasks=[models.Task.model_validate(row) for row in tasks], visits=[models.VisitDue.model_validate(row) for row in due],
        hours=round(hours["hours"], 2) if hours else 0.0, now=now,
    )  # fmt: skip


@router.post("/helper/tasks/{case_id}", responses=_READS, summary="My next step", openapi_extra=roles("helper"))
async def move(case_id: CaseId, body: models.Step, parts: Parts, now: Now, user: Helper) -> Done:
    """Accept, on the way, arrived, left with what came of it. Each stands in the case's history, arrival with its time against the service circle."""
    if (body.state == "left") != (body.result is not None):
        raise BadRequest(detail="leaving says what came of it, and nothing else does")
    async with parts.database.transaction() as connection:
        moved = await fetch_one(
            connection, _MOVE, case_id=case_id, user_name=user.user_name, state=body.state, before=list(BEFORE[body.state]), result=body.result,
            note=body.note, now=now,
        )  # fmt: skip
    if moved is None:
        raise NotFound(what="task (in this state)", name=case_id)
    after_s = moved["arrived_after_s"]
    text = words(
        user.display_name or user.user_name, body.state, arrived_after_s=None if after_s is None else float(after_s), late=moved["late"],
        result=body.result, note=body.note,
    )  # fmt: skip
    # It is written for him: to act on cases is the desk's.
    with serving(OURSELVES):
        async with answering(parts.settings.query_s):
            await parts.cases.note(case_id, actor=user.user_name, text=text, now=now)
    return Done()


@router.post(
    "/helper/visits", status_code=201, responses=_READS, summary="I made a visit", openapi_extra=roles("helper")
)
async def report_visit(body: models.NewVisit, parts: Parts, now: Now, user: Helper) -> Done:
    """Of a resident of one's own area, by a worker of the community. Who was not met is still to be visited."""
    async with parts.database.transaction(visiting(user.user_name, user.area_prefix)) as connection:
        kind = await fetch_one(connection, _KIND, user_name=user.user_name)
        made = None
        if kind is not None and kind["kind"] == "community":
            made = await fetch_one(
                connection, _PUT_VISIT, resident_id=body.resident_id, user_name=user.user_name, at=now - timedelta(minutes=body.minutes), left_at=now,
                how=body.how, result=body.result, note=body.note, area_prefix=user.area_prefix,
            )  # fmt: skip
        if made is None:
            raise NotFound(what="resident", name=body.resident_id)
    return Done()


@router.get("/visits", responses=_OWN, summary="Visits that are due", openapi_extra=roles(*OPERATORS))
async def list_visits(
    parts: Parts, now: Now, user: Operator, overdue: Annotated[bool, Query(description="Only those that are overdue")] = True
) -> models.VisitsDue:  # fmt: skip
    """The rule is every week, for everybody of a named group; higher care levels more often (``supervision_rules``)."""
    async with parts.database.transaction() as connection:
        found = await fetch_all(
            connection, _DUE, area_prefix=user.area_prefix, now=now, only_overdue=overdue, most=MOST
        )
        facts = {
            "words": "visits", "residents": [row["resident_id"] for row in found], "area": user.area_prefix, "right": f"area {user.area_prefix or '*'}",
        }  # fmt: skip
        await execute(
            connection, _AUDIT, now=now, actor=user.user_name, action="listed_residents", case_id=None, home_id=None, reason="", facts=json.dumps(facts)
        )  # fmt: skip
    return models.VisitsDue(visits=[models.VisitDue.model_validate(row) for row in found], now=now)


@router.get("/helper-hours", responses=_OWN | _CSV, response_class=PlainTextResponse, summary="Hours for the time bank", openapi_extra=roles("supervisor", "admin"))  # fmt: skip
async def export_hours(parts: Parts, now: Now, user: Overseer, from_at: datetime | None = None, to_at: datetime | None = None) -> PlainTextResponse:  # fmt: skip
    """A CSV table: who, for what, from when to when, hours. Without ``from_at`` the last 31 days."""
    until = to_at or now
    async with parts.database.connection() as connection:
        found = await fetch_all(
            connection,
            _HOURS_OF_AREA,
            area_prefix=user.area_prefix,
            from_at=from_at or until - timedelta(days=31),
            to_at=until,
        )
    names = ("user_name", "display_name", "helper_kind", "kind", "about", "from_at", "to_at", "hours")
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(names)
    for row in found:
        # A name that begins like a formula would be one in a spreadsheet.
        cells = [each.isoformat() if isinstance(each, datetime) else each for each in (row[name] for name in names)]
        table.writerow([f"'{cell}" if isinstance(cell, str) and cell[:1] in "=+-@" else cell for cell in cells])
    return PlainTextResponse(out.getvalue(), media_type="text/csv; charset=utf-8")


@router.get("/helper-hours/totals", responses=_OWN, summary="Hours by helper", openapi_extra=roles("supervisor", "admin"))  # fmt: skip
async def total_hours(parts: Parts, now: Now, user: Overseer, from_at: datetime | None = None, to_at: datetime | None = None) -> models.HoursTotals:  # fmt: skip
    """The sums of the table above. Without ``from_at`` the last 31 days."""
    until = to_at or now
    since = from_at or until - timedelta(days=31)
    async with parts.database.connection() as connection:
        found = await fetch_all(connection, _TOTALS, area_prefix=user.area_prefix, from_at=since, to_at=until)
    return models.HoursTotals(
        helpers=[models.HelperTotal.model_validate(row) for row in found], from_at=since, to_at=until
    )


@router.get("/residents/{resident_id}/needs", responses=_READS, summary="Groups, assessments and visits of a resident", openapi_extra=roles(*OPERATORS))  # fmt: skip
async def read_needs(resident_id: RESIDENT, parts: Parts, now: Now, user: Operator) -> models.Needs:
    """Where the care level comes from, and when somebody was there last."""
    async with parts.database.transaction() as connection:
        row = await visible_resident(connection, user, resident_id)
        needs = await fetch_one(connection, _NEEDS, resident_id=resident_id)
        assert needs is not None
        assessments = await fetch_all(connection, _ASSESSMENTS, resident_id=resident_id)
        visits = await fetch_all(connection, _VISITS, resident_id=resident_id)
        await write_view(
            connection, user, now, row["area_code"], case_id=None, home_id=row["home_id"], residents=[resident_id], what="needs"
        )  # fmt: skip
    return models.Needs(
        **needs, assessments=[models.Assessment.model_validate(each) for each in assessments],
        visits=[models.VisitMade.model_validate(each) for each in visits], now=now,
    )  # fmt: skip


@router.put("/residents/{resident_id}/groups", responses=_READS, summary="Groups of a resident", openapi_extra=roles("supervisor"))  # fmt: skip
async def set_groups(resident_id: RESIDENT, body: models.Groups, parts: Parts, user: Supervisor) -> Done:
    """Who is of one of them is visited every week."""
    async with parts.database.transaction() as connection:
        row = await visible_resident(connection, user, resident_id)
        await execute(connection, _GROUPS, resident_id=resident_id, groups=sorted(set(body.groups)))
        reason = f"{resident_id}: {', '.join(sorted(set(body.groups))) or 'none'}"
        await execute(
            connection, AUDIT_HOMES, actor=user.user_name, action="groups", reason=reason, home_ids=[row["home_id"]]
        )
    return Done()


@router.post("/residents/{resident_id}/assessments", status_code=201, responses=_READS, summary="A need assessment", openapi_extra=roles("supervisor"))  # fmt: skip
async def assess(resident_id: RESIDENT, body: models.NewAssessment, parts: Parts, user: Supervisor) -> models.CareLevel:
    """The stream, the priority of cases, and the visits follow the home's care level: the highest of its residents'."""
    async with parts.database.transaction() as connection:
        await visible_resident(connection, user, resident_id)
        row = await fetch_one(
            connection, _ASSESS, resident_id=resident_id, recorded_by=user.user_name, **body.model_dump()
        )
        assert row is not None
        await refresh_cards(connection, [row["home_id"]])
        reason = f"{resident_id}: level {body.level} by {body.assessor} on {body.assessed_on}"
        await execute(
            connection, AUDIT_HOMES, actor=user.user_name, action="assessed", reason=reason, home_ids=[row["home_id"]]
        )
    return models.CareLevel(home_id=row["home_id"], care_level=row["care_level"])
