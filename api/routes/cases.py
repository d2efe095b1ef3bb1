"""Cases: the queue, one case with all that a desk needs, and what a desk may do with it.

Whoever acts names the version that he saw, and his lease; if the case has moved on, nothing is changed and 409 says who holds it.
"""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Path, Query

from alerts.call_results import RESULTS
from alerts.cases import Case
from alerts.outcomes import CONTACTS, OF_DESKS, OUTCOMES
from alerts.working import Whom
from api import rows
from api.access import OPERATORS, Operator, Supervisor, Who, roles
from api.context import Context, Now, Parts
from api.database import answering
from api.errors import DatabaseAway, NotFound
from api.models import cases as models
from api.models.shape import Done
from api.problems import documented
from api.reasons import reasons_of
from api.watching import coverage_of
from storage.queries import execute, fetch_all, fetch_one, query

router = APIRouter(prefix="/api/v1", tags=["cases"])

_OPEN = query("api_open_cases")
_LEASES = query("api_leases")
_COUNT = query("api_count_open_cases")
_AREA = query("api_area_of_case")
_HOME = query("api_home")
_RESIDENTS = query("api_residents_of_home")
_CONTACTS = query("api_contacts_of_home")
_AUDIT = query("api_audit")
_NOT_LOOKED_AT = query("api_not_looked_at")
_REVIEWS = query("api_open_reviews")
_CLOSE_REVIEW = query("api_close_review")

CaseId = Annotated[str, Path(min_length=1, max_length=80, pattern=r"^[0-9a-zA-Z-]+$")]
_READS = documented(401, 403, 404, 422, 503)
_ACTS = documented(401, 403, 404, 409, 422, 503)


class Place(NamedTuple):
    """Where a case is."""

    home_id: str
    area_code: str


async def visible(parts: Context, user: Who, case_id: str, *, reading: bool = False) -> Place:
    """Where the case is; raises NotFound where there is none, or none that is the user's: the two look alike.

    ``reading``: also one of a home that he opened for a while; to act it must be of his area.
    """
    async with parts.database.connection() as connection:
        row = await fetch_one(connection, _AREA, case_id=case_id)
    if row is None:
        raise NotFound(what="case", name=case_id)
    place = Place(row["home_id"], row["area_code"])
    if not (user.reads(place.area_code, place.home_id) if reading else user.sees_area(place.area_code)):
        raise NotFound(what="case", name=case_id)
    return place


@asynccontextmanager
async def acting(parts: Context, user: Who, case_id: str) -> AsyncGenerator[None]:
    """A change of a case that the user sees, within the time that a page may take."""
    await visible(parts, user, case_id)
    async with answering(parts.settings.query_s):
        yield


async def after(parts: Context, user: Who, case: Case) -> models.CaseAfter:
    """The answer to a change that is committed; nothing that fails from here on may look as if it were not."""
    try:
        async with parts.database.connection() as connection:
            told = (await reasons_of(connection, [case.case_id])).get(case.case_id)
    except DatabaseAway:
        told = None
    return rows.after(case, user.user_name, told)


async def _act(
    change: Callable[..., Awaitable[Case]], case_id: str, body: models.Act, parts: Context, now: datetime, user: Who
) -> models.CaseAfter:
    """A step of whoever holds the case."""
    async with acting(parts, user, case_id):
        case = await change(
            case_id, version=body.version, lease_id=body.lease_id, desk_id=user.user_name, now=now, note=body.note
        )
    return await after(parts, user, case)


@router.get("/cases", responses=documented(401, 403, 422, 503), summary="Open cases", openapi_extra=roles(*OPERATORS))
async def list_cases(
    parts: Parts,
    now: Now,
    user: Operator,
    family: Annotated[str | None, Query(max_length=40, examples=["fall"])] = None,
    priority: Annotated[int | None, Query(ge=1, le=5)] = None,
    mine: Annotated[bool, Query(description="Only those that I hold")] = False,
    waiting: Annotated[bool, Query(description="Only those that nobody holds")] = False,
    order: Annotated[models.Order, Query(description="priority: then deadline; time: oldest first")] = "priority",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    offset: Annotated[int, Query(ge=0, le=100_000)] = 0,
) -> models.CasePage:
    """Open cases of one's area in the order in which they are to be taken."""
    which: dict[str, Any] = {
        "area_prefix": user.area_prefix,
        "family": family,
        "priority": priority,
        "desk_id": user.user_name if mine else None,
        "waiting": waiting,
    }
    async with parts.database.connection() as connection:
        found = await fetch_all(connection, _OPEN, **which, by_time=order == "time", most=limit, skip=offset)
        count = await fetch_one(connection, _COUNT, **which)
        reasons = await reasons_of(connection, [row["case_id"] for row in found])
    return models.CasePage(
        cases=[rows.row_of_database(each, reasons) for each in found], total=count["total"] if count else 0, now=now
    )


@router.get("/cases/{case_id}", responses=_READS, summary="One case", openapi_extra=roles(*OPERATORS))
async def read_case(case_id: CaseId, parts: Parts, now: Now, user: Operator) -> models.CaseDetail:
    """Address, telephone, contacts in order, reasons, signals and history. That it was read is written into the audit."""
    home_id, area_code = await visible(parts, user, case_id, reading=True)
    async with answering(parts.settings.query_s):
        found = await parts.cases.case(case_id)
    async with parts.database.transaction() as connection:
        home = await fetch_one(connection, _HOME, home_id=home_id)
        residents = await fetch_all(connection, _RESIDENTS, home_id=home_id)
        contacts = await fetch_all(connection, _CONTACTS, home_id=home_id)
        seen = await coverage_of(connection, home_id, parts, now) if home is not None else None
        reasons = await reasons_of(connection, [case_id])
        shown = [each["resident_id"] for each in residents]
        await write_view(connection, user, now, area_code, case_id=case_id, home_id=home_id, residents=shown)
    return rows.detail(
        found,
        desk_id=user.user_name,
        home=home,
        coverage=seen,
        residents=residents,
        contacts=contacts,
        told=reasons.get(case_id),
        now=now,
    )


async def write_view(
    connection: Any,
    user: Who,
    now: datetime,
    area_code: str,
    *,
    case_id: str | None,
    home_id: str | None,
    residents: Sequence[str],
    what: str = "",
) -> None:
    """Somebody read people's records: who, whom, when, by what right, and what of them if not the record. The audit row, in the transaction that reads it."""
    facts = {"residents": list(residents), "right": user.right(area_code)} | ({"what": what} if what else {})
    await execute(
        connection,
        _AUDIT,
        now=now,
        actor=user.user_name,
        action="viewed",
        case_id=case_id,
        home_id=home_id,
        reason="",
        facts=json.dumps(facts),
    )


async def write_list(connection: Any, user: Who, now: datetime, words: str, residents: Sequence[str]) -> None:
    """Somebody read a list of people of his area: who, whom, when, by what right. In the transaction that reads it, as above."""
    right = f"area {user.area_prefix or '*'}"
    facts = {"words": words, "residents": list(residents), "area": user.area_prefix, "right": right}
    await execute(
        connection,
        _AUDIT,
        now=now,
        actor=user.user_name,
        action="listed_residents",
        case_id=None,
        home_id=None,
        reason="",
        facts=json.dumps(facts),
    )


@router.get("/leases", responses=documented(401, 403, 503), summary="My leases", openapi_extra=roles(*OPERATORS))
async def list_leases(parts: Parts, user: Operator) -> models.Leases:
    """What I have in hand, so that a page renews all of it while I am active, whichever case it shows. No record is read."""
    async with parts.database.connection() as connection:
        found = await fetch_all(connection, _LEASES, desk_id=user.user_name, area_prefix=user.area_prefix)
    return models.Leases(leases=[models.Lease(**each) for each in found])


@router.get("/outcomes", responses=documented(401, 403, 503), summary="Outcome codes", openapi_extra=roles(*OPERATORS))
async def list_outcomes(user: Operator) -> models.Outcomes:
    """What a case may turn out to be, and who may have been reached; one of each is required to resolve it. And how a call may end."""
    return models.Outcomes(
        outcomes=[models.Outcome(code=code, **OUTCOMES[code]._asdict()) for code in OF_DESKS],
        contacts=[models.ContactResult(code=code, **each._asdict()) for code, each in CONTACTS.items()],
        calls=[models.CallResult(code=code, **each._asdict()) for code, each in RESULTS.items()],
    )


@router.post("/cases/{case_id}/claim", responses=_ACTS, summary="Take a case", openapi_extra=roles(*OPERATORS))
async def claim(case_id: CaseId, body: models.Claim, parts: Parts, now: Now, user: Operator) -> models.CaseAfter:
    """One desk gets it, with a lease to be renewed by activity; everybody else gets 409, which says who was faster."""
    async with acting(parts, user, case_id):
        case = await parts.cases.claim(case_id, version=body.version, desk_id=user.user_name, now=now)
    return await after(parts, user, case)


@router.post("/cases/{case_id}/renew", responses=_ACTS, summary="Still on it", openapi_extra=roles(*OPERATORS))
async def renew(case_id: CaseId, body: models.Renew, parts: Parts, now: Now, user: Operator) -> models.CaseAfter:
    """The operator is active, so the lease starts anew."""
    async with acting(parts, user, case_id):
        case = await parts.cases.renew(case_id, lease_id=body.lease_id, desk_id=user.user_name, now=now)
    return await after(parts, user, case)


@router.post("/cases/{case_id}/release", responses=_ACTS, summary="Give back", openapi_extra=roles(*OPERATORS))
async def release(case_id: CaseId, body: models.Act, parts: Parts, now: Now, user: Operator) -> models.CaseAfter:
    """Back to the top of the queue; the history keeps who had it."""
    return await _act(parts.cases.release, case_id, body, parts, now, user)


@router.post("/cases/{case_id}/note", responses=_ACTS, summary="Write a note", openapi_extra=roles(*OPERATORS))
async def note(case_id: CaseId, body: models.Note, parts: Parts, now: Now, user: Operator) -> models.CaseAfter:
    """Into the history; anybody who sees the case may, at any version."""
    async with acting(parts, user, case_id):
        case = await parts.cases.note(case_id, actor=user.user_name, text=body.text, now=now)
    return await after(parts, user, case)


@router.post("/cases/{case_id}/step", responses=_ACTS, summary="A step was done", openapi_extra=roles(*OPERATORS))
async def step(case_id: CaseId, body: models.Step, parts: Parts, now: Now, user: Operator) -> models.CaseAfter:
    """Ticks a step of the script, or takes that back. It stays with the case when the desk changes."""
    async with acting(parts, user, case_id):
        case = await parts.cases.step_done(
            case_id, version=body.version, lease_id=body.lease_id, desk_id=user.user_name, step=body.step, done=body.done,
            note=body.note, now=now,
        )  # fmt: skip
    return await after(parts, user, case)


@router.post("/cases/{case_id}/call", responses=_ACTS, summary="A call was made", openapi_extra=roles(*OPERATORS))
async def call(case_id: CaseId, body: models.Call, parts: Parts, now: Now, user: Operator) -> models.CaseAfter:
    """Who was rung up, and how it went. Nothing is dialled here; a telephone system that dials writes down what came of it by this."""
    place = await visible(parts, user, case_id)
    async with parts.database.connection() as connection:
        whom = await _whom(connection, place.home_id, body)
    async with acting(parts, user, case_id):
        case = await parts.cases.call_made(
            case_id, version=body.version, lease_id=body.lease_id, desk_id=user.user_name, whom=whom, result=body.result,
            note=body.note, now=now,
        )  # fmt: skip
    return await after(parts, user, case)


async def _whom(connection: Any, home_id: str, body: models.Call) -> Whom:
    """Who was rung up, of those who belong to the home. Raises NotFound."""
    if body.resident_id is not None:
        found = await fetch_all(connection, _RESIDENTS, home_id=home_id)
        if all(each["resident_id"] != body.resident_id for each in found):
            raise NotFound(what="resident of this home", name=body.resident_id)
        return Whom(resident_id=body.resident_id)
    for each in await fetch_all(connection, _CONTACTS, home_id=home_id):
        if each["contact_id"] == body.contact_id:
            return Whom(contact_id=each["contact_id"], rank=each["rank"], relation=each["relation"])
    raise NotFound(what="contact of this home", name=str(body.contact_id))


@router.post("/cases/{case_id}/escalate", responses=_ACTS, summary="Tell the next now", openapi_extra=roles(*OPERATORS))
async def escalate(case_id: CaseId, body: models.Escalate, parts: Parts, now: Now, user: Operator) -> models.CaseAfter:
    """Who is told next by the ladder is told now: of a case that waits anybody may ask for it, of another one who has it."""
    async with acting(parts, user, case_id):
        case = await parts.cases.escalate_now(
            case_id, version=body.version, lease_id=body.lease_id, desk_id=user.user_name, note=body.note, now=now
        )
    return await after(parts, user, case)


@router.post(
    "/cases/{case_id}/verify", responses=_ACTS, summary="Calling to learn what is true", openapi_extra=roles(*OPERATORS)
)
async def verify(case_id: CaseId, body: models.Act, parts: Parts, now: Now, user: Operator) -> models.CaseAfter:
    """The desk rings the resident and the contacts."""
    return await _act(parts.cases.verify, case_id, body, parts, now, user)


@router.post(
    "/cases/{case_id}/dispatch", responses=_ACTS, summary="A responder was sent", openapi_extra=roles(*OPERATORS)
)
async def dispatch(case_id: CaseId, body: models.Act, parts: Parts, now: Now, user: Operator) -> models.CaseAfter:
    """``note`` says who goes."""
    return await _act(parts.cases.dispatch, case_id, body, parts, now, user)


@router.post(
    "/cases/{case_id}/arrive", responses=_ACTS, summary="The responder is there", openapi_extra=roles(*OPERATORS)
)
async def arrive(case_id: CaseId, body: models.Act, parts: Parts, now: Now, user: Operator) -> models.CaseAfter:
    """Somebody stands at the door."""
    return await _act(parts.cases.arrive, case_id, body, parts, now, user)


@router.post("/cases/{case_id}/hold", responses=_ACTS, summary="Wait, with an end", openapi_extra=roles(*OPERATORS))
async def hold(case_id: CaseId, body: models.Hold, parts: Parts, now: Now, user: Operator) -> models.CaseAfter:
    """``note`` is the reason; when the time is over the case alarms again."""
    async with acting(parts, user, case_id):
        case = await parts.cases.hold(
            case_id,
            version=body.version,
            lease_id=body.lease_id,
            desk_id=user.user_name,
            reason=body.note,
            hold_s=body.hold_s,
            now=now,
        )
    return await after(parts, user, case)


@router.post("/cases/{case_id}/resolve", responses=_ACTS, summary="It is over", openapi_extra=roles(*OPERATORS))
async def resolve(case_id: CaseId, body: models.Resolve, parts: Parts, now: Now, user: Operator) -> models.CaseAfter:
    """``outcome`` says what it turned out to be (GET /api/v1/outcomes)."""
    async with acting(parts, user, case_id):
        case = await parts.cases.resolve(
            case_id,
            version=body.version,
            lease_id=body.lease_id,
            desk_id=user.user_name,
            outcome=body.outcome,
            contact=body.contact,
            steps=body.steps,
            follow_up_s=body.follow_up_s,
            note=body.note,
            now=now,
        )
    return await after(parts, user, case)


@router.post("/cases/{case_id}/shelve", responses=_ACTS, summary="Out of the way", openapi_extra=roles(*OPERATORS))
async def shelve(case_id: CaseId, body: models.Shelve, parts: Parts, now: Now, user: Operator) -> models.CaseAfter:
    """Technical cases of P4 and P5 only; ``note`` is the reason. When the time is over, or at a new signal, it alarms again."""
    async with acting(parts, user, case_id):
        case = await parts.cases.shelve(
            case_id, version=body.version, lease_id=body.lease_id, desk_id=user.user_name, reason=body.note,
            shelf_s=body.shelf_s, now=now,
        )  # fmt: skip
    return await after(parts, user, case)


@router.post("/cases/{case_id}/merge", responses=_ACTS, summary="One matter", openapi_extra=roles(*OPERATORS))
async def merge(case_id: CaseId, body: models.Merge, parts: Parts, now: Now, user: Operator) -> models.CaseAfter:
    """Into another open case of the same home, which takes over its signals and is as urgent from then on. It is never undone."""
    async with acting(parts, user, case_id):
        await visible(parts, user, body.into)
        case = await parts.cases.merge(
            case_id, version=body.version, lease_id=body.lease_id, desk_id=user.user_name, into=body.into, note=body.note, now=now
        )  # fmt: skip
    return await after(parts, user, case)


@router.get(
    "/second-looks", responses=documented(401, 403, 503), summary="P1 to look at again", openapi_extra=roles(*OPERATORS)
)
async def list_second_looks(parts: Parts, now: Now, user: Operator) -> models.NotLookedAts:
    """Resolved P1 of one's area that nobody but who resolved them has looked at."""
    async with parts.database.connection() as connection:
        found = await fetch_all(connection, _NOT_LOOKED_AT, area_prefix=user.area_prefix)
        reasons = await reasons_of(connection, [row["case_id"] for row in found])
    cases = [models.NotLookedAt.model_validate(row | {"reasons": reasons.get(row["case_id"], [])}) for row in found]
    return models.NotLookedAts(cases=cases, now=now)


@router.post("/cases/{case_id}/second-look", responses=_ACTS, summary="I agree", openapi_extra=roles(*OPERATORS))
async def second_look(case_id: CaseId, body: models.Look, parts: Parts, now: Now, user: Operator) -> models.CaseAfter:
    """Somebody else agrees with how a P1 ended. Who does not agree reopens it."""
    async with acting(parts, user, case_id):
        case = await parts.cases.look(case_id, version=body.version, actor=user.user_name, note=body.note, now=now)
    return await after(parts, user, case)


@router.post("/cases/{case_id}/follow-up", responses=_ACTS, summary="I looked again", openapi_extra=roles(*OPERATORS))
async def follow_up(case_id: CaseId, body: models.FollowUp, parts: Parts, now: Now, user: Operator) -> models.CaseAfter:
    """A resolved case closes: somebody looked again, as promised."""
    async with acting(parts, user, case_id):
        case = await parts.cases.follow_up(case_id, version=body.version, actor=user.user_name, note=body.note, now=now)
    return await after(parts, user, case)


@router.get(
    "/reviews", responses=documented(401, 403, 503), summary="Incident reviews", openapi_extra=roles("supervisor")
)
async def list_reviews(parts: Parts, user: Supervisor) -> models.Reviews:
    """P1 of one's area that nobody took for minutes; each opened by itself and waits for somebody to say why."""
    async with parts.database.connection() as connection:
        found = await fetch_all(connection, _REVIEWS, area_prefix=user.area_prefix)
    return models.Reviews(reviews=[models.Review.model_validate(row) for row in found])


@router.post(
    "/reviews/{case_id}/close",
    responses=documented(401, 403, 404, 422, 503),
    summary="Why nobody took it",
    openapi_extra=roles("supervisor"),
)
async def close_review(case_id: CaseId, body: models.Finding, parts: Parts, now: Now, user: Supervisor) -> Done:
    """What was found, and what will be done about it. It stands in the case's history as well."""
    home_id, _ = await visible(parts, user, case_id)
    async with parts.database.transaction() as connection:
        closed = await fetch_one(
            connection, _CLOSE_REVIEW, case_id=case_id, now=now, user_name=user.user_name, finding=body.finding
        )
        if closed is None:
            raise NotFound(what="open review of case", name=case_id)
        await execute(
            connection, _AUDIT, now=now, actor=user.user_name, action="reviewed", case_id=case_id, home_id=home_id, reason="",
            facts=json.dumps({"note": body.finding}),
        )  # fmt: skip
    return Done()


@router.post("/cases/{case_id}/reopen", responses=_ACTS, summary="It was not over", openapi_extra=roles(*OPERATORS))
async def reopen(case_id: CaseId, body: models.Reopen, parts: Parts, now: Now, user: Operator) -> models.CaseAfter:
    """Back into the queue under the same id, within 24 h of its end."""
    async with acting(parts, user, case_id):
        case = await parts.cases.reopen(
            case_id, version=body.version, actor=user.user_name, reason=body.reason, now=now
        )
    return await after(parts, user, case)
