"""The telephone: who rings, a case from a call, what a telephone system says of calls, and numbers that it dials (docs/telephony.md).

A number stands in the request and in ``telephone_calls``; queue, events and a case's history never name one.
"""

import json
import uuid
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request

from alerts.calls import Call, of_hand
from alerts.cases import OF_STRANGERS
from api import telephony
from api.access import OPERATORS, Operator, Who, roles
from api.context import Context, Now, Parts
from api.database import answering
from api.errors import BadChange, NotFound, NotLoggedIn, NotReady, TooOften
from api.models import telephony as models
from api.models.cases import CaseAfter
from api.models.shape import Done
from api.problems import documented
from api.routes.cases import CaseId, acting, after, visible, write_list, write_view
from api.scope import Scope, bounds, of_user
from storage.database import Connection
from storage.queries import Row, execute, fetch_all, fetch_one, query

router = APIRouter(prefix="/api/v1", tags=["telephone"])

_CALLERS = query("api_callers")
_KEY = query("api_number_key")
_HOME = query("api_home")
_RESIDENT = query("api_resident_is_there")
_DESK = query("api_desk")
_PUT_RING = query("api_put_ring")
_RINGING = query("api_ringing")
_RING = query("api_ring")
_ASIDE = query("api_put_aside")
_CALLS = query("api_calls_of_case")
_DIALS = query("api_dials_of_case")
_MAY_DIAL = query("api_may_dial")
_PUT_DIAL = query("api_put_dial")
_RESULT = query("api_dial_result")
_DIAL = query("api_dial")
_AUDIT = query("api_audit")

MOST_CALLERS = 50
"""People with one number that are shown: an institution's switchboard has many. Chosen."""
SHOWN = timedelta(hours=1)
"""A call that somebody picked up and nobody wrote down is shown for so long. Chosen."""
MOST_RINGING = 20
_SYSTEM = "telephony"
"""Whom the audit names for what a telephone system says."""
_WHOLE_SITE = Scope(role="operator", user_name=_SYSTEM, area_from=bounds("")[0], area_to=bounds("")[1])
"""A telephone system tells of every desk of the site and reads nothing."""
_RESULTS = {
    "answered": "电话接通 · answered",
    "busy": "电话占线 · busy",
    "no_answer": "无人接听 · no answer",
    "failed": "未能拨出 · could not be dialled",
}


@router.get(
    "/telephony/callers", responses=documented(401, 403, 422, 503), summary="Whose number is it", openapi_extra=roles(*OPERATORS)
)  # fmt: skip
async def list_callers(
    parts: Parts,
    now: Now,
    user: Operator,
    number: Annotated[str, Query(min_length=1, max_length=60, examples=["+86 138 0000 0001"])],
) -> models.Callers:
    """Residents and contacts of one's area with exactly this number, in whichever way it is written. That one looked is in the audit."""
    async with parts.database.transaction() as connection:
        found = await _callers(connection, user.area_prefix, number)
        people = [each["resident_id"] for row in found for each in row["residents"] or []]
        await write_list(connection, user, now, f"number {number}", people)
    return models.Callers(callers=[_caller(row) for row in found], now=now)


async def _callers(connection: Connection, area_prefix: str, number: str) -> list[Row]:
    return await fetch_all(connection, _CALLERS, number=number, area_prefix=area_prefix, most=MOST_CALLERS)


def _caller(row: Row) -> models.Caller:
    return models.Caller.model_validate(
        row | {"residents": row["residents"] or [], "open_cases": row["open_cases"] or []}
    )


@router.post(
    "/telephony/cases", status_code=201, responses=documented(401, 403, 404, 409, 422, 503), summary="A case from a call",
    openapi_extra=roles(*OPERATORS),
)  # fmt: skip
async def open_case(body: models.NewCase, parts: Parts, now: Now, user: Operator) -> models.OpenedCase:
    """Opened and claimed at once. An open case of that home and family is joined; the same ``request_id``, or the same ringing call, opens nothing twice."""
    async with parts.database.transaction() as connection:
        call = await _call(connection, body, user, now)
    async with answering(parts.settings.query_s):
        found = await parts.cases.called(call, now=now, desk_id=user.user_name)
    return models.OpenedCase(
        case=await after(parts, user, found.case), joined=found.joined, repeated=found.repeated
    )  # fmt: skip


async def _call(connection: Connection, body: models.NewCase, user: Who, now: datetime) -> Call:
    """The call with its home checked. Raises NotFound for what is not the user's, as for what does not exist."""
    if body.home_id is not None:
        await _home(connection, user, body.home_id, body.resident_id)
    known: dict[str, Any] = {
        "call_id": of_hand(user.user_name, body.request_id), "number": body.number, "area_prefix": user.area_prefix, "rang_at": now,
    }  # fmt: skip
    if body.call_id is not None:
        ring = await fetch_one(connection, _RING, call_id=body.call_id, area_prefix=user.area_prefix)
        if ring is None:
            raise NotFound(what="call", name=body.call_id)
        known = ring
    key = await fetch_one(connection, _KEY, number=known["number"])
    return Call(
        **known, home_id=body.home_id, resident_id=body.resident_id if body.home_id else None, family=body.family, words=body.words,
        key=key["key"] if key else "",
    )  # fmt: skip


async def _home(connection: Connection, user: Who, home_id: str, resident_id: str | None) -> Row:
    home = await fetch_one(connection, _HOME, home_id=home_id)
    if home is None or not user.sees_area(home["area_code"]):
        raise NotFound(what="home", name=home_id)
    if resident_id is None:
        return home
    if await fetch_one(connection, _RESIDENT, resident_id=resident_id, home_id=home_id) is None:
        raise NotFound(what="resident", name=resident_id)
    return home


@router.post(
    "/cases/{case_id}/home", responses=documented(401, 403, 404, 409, 422, 503), summary="Whose call it was", openapi_extra=roles(*OPERATORS)
)  # fmt: skip
async def tie(case_id: CaseId, body: models.Tie, parts: Parts, now: Now, user: Operator) -> CaseAfter:
    """Of a case whose number nobody knew. Where that home has an open case of the same family it is folded into that one."""
    async with acting(parts, user, case_id):
        async with parts.database.transaction() as connection:
            home = await _home(connection, user, body.home_id, body.resident_id)
        case = await parts.cases.tie(
            case_id, version=body.version, lease_id=body.lease_id, desk_id=user.user_name, home_id=body.home_id, area_code=home["area_code"],
            resident_id=body.resident_id, note=body.note, now=now,
        )  # fmt: skip
    return await after(parts, user, case)


@router.get(
    "/cases/{case_id}/calls", responses=documented(401, 403, 404, 422, 503), summary="Who rang, who was rung up", openapi_extra=roles(*OPERATORS)
)  # fmt: skip
async def read_calls(case_id: CaseId, parts: Parts, now: Now, user: Operator) -> models.CallsOfCase:
    """The numbers stand here and not in the history. That it was read is in the audit."""
    home_id, area_code = await visible(parts, user, case_id)
    async with parts.database.transaction() as connection:
        calls = await fetch_all(connection, _CALLS, case_id=case_id)
        dials = await fetch_all(connection, _DIALS, case_id=case_id)
        if calls or dials:
            await write_view(
                connection, user, now, area_code, case_id=case_id, home_id=home_id, residents=[], what="calls"
            )
    return models.CallsOfCase(
        calls=[models.CallOfCase(**row) for row in calls], dials=[models.DialOfCase(**row) for row in dials],
        stranger=home_id.startswith(OF_STRANGERS),
    )  # fmt: skip


@router.get(
    "/telephony/ringing", responses=documented(401, 403, 503), summary="Calls that wait", openapi_extra=roles(*OPERATORS)
)  # fmt: skip
async def list_ringing(parts: Parts, now: Now, user: Operator) -> models.Ringing:
    """What the telephone system says: calls in the queue of one's area, at one's own desk, or at one where nobody sits. Whom it showed is in the audit."""
    async with parts.database.transaction() as connection:
        found = await fetch_all(
            connection, _RINGING, area_prefix=user.area_prefix, user_name=user.user_name, since=now - SHOWN, most=MOST_RINGING
        )  # fmt: skip
        people = [each for row in found for each in row.pop("resident_ids")]
        if parts.shown.is_news(f"ringing {user.user_name}", people, now):
            await write_list(connection, user, now, "ringing", people)
    return models.Ringing(
        calls=[models.RingingCall(**row) for row in found], rings=bool(parts.settings.telephony_secret),
        dials=bool(parts.settings.telephony_dial_url), now=now,
    )  # fmt: skip


@router.post(
    "/telephony/calls/{call_id}/aside", responses=documented(401, 403, 404, 422, 503), summary="No case of this call", openapi_extra=roles(*OPERATORS)
)  # fmt: skip
async def put_aside(
    call_id: Annotated[str, Path(min_length=1, max_length=90)],
    body: models.Aside,
    parts: Parts,
    now: Now,
    user: Operator,
) -> Done:
    """A wrong number, say. Who did it, and why, is in the audit."""
    async with parts.database.transaction() as connection:
        row = await fetch_one(
            connection, _ASIDE, call_id=call_id, area_prefix=user.area_prefix, user_name=user.user_name, note=body.note, now=now
        )  # fmt: skip
        if row is None:
            raise NotFound(what="call that waits", name=call_id)
        await _write(connection, user.user_name, now, "call_put_aside", None, row["home_id"], {"call_id": call_id, "note": body.note})  # fmt: skip
    return Done()


async def _write(
    connection: Connection, actor: str, now: datetime, action: str, case_id: str | None, home_id: str | None, facts: dict[str, Any]
) -> None:  # fmt: skip
    await execute(
        connection, _AUDIT, now=now, actor=actor, action=action, case_id=case_id, home_id=home_id, reason="", facts=json.dumps(facts)
    )  # fmt: skip


async def _is_known(parts: Context, request: Request, now: datetime) -> None:
    """Lets a telephone system pass. Raises TooOften, NotLoggedIn (also where none is set up: the two look alike)."""
    address = request.client.host if request.client else ""
    wait_s = parts.rings.wait_s(address, now)
    if wait_s > 0:
        raise TooOften(wait_s=wait_s)
    parts.rings.count(address, now)
    # The body was read for the model; the same bytes are signed.
    body = await request.body()
    if not telephony.is_signed(parts.settings.telephony_secret, body, request.headers.get(telephony.HEADER), now):
        raise NotLoggedIn(detail=f"the message carries no valid {telephony.HEADER} (docs/telephony.md)")


@router.post("/telephony/calls", responses=documented(401, 422, 429, 503), summary="A telephone system: it rings")
async def ring(body: models.Ring, request: Request, parts: Parts, now: Now) -> models.RingTaken:
    """Signed with the site's secret. Repeat it until it is answered with 200; repeating is harmless, and so is another order."""
    await _is_known(parts, request, now)
    call_id = f"ring-{body.call_id}"
    async with parts.database.transaction(_WHOLE_SITE) as connection:
        desk = None if body.desk_id is None else await fetch_one(connection, _DESK, desk_id=body.desk_id)
        area = desk["area_prefix"] if desk else body.area
    # Only homes of the centre that is rung up: who answers there may know of them.
    async with parts.database.transaction(of_user(_SYSTEM, "operator", area)) as connection:
        found = await _callers(connection, area, body.number) if body.number else []
    home = found[0] if len(found) == 1 else None
    one = home["matches"][0]["resident_id"] if home else None
    async with parts.database.transaction(_WHOLE_SITE) as connection:
        await execute(
            connection, _PUT_RING, call_id=call_id, area_prefix=area, number=body.number, seat=desk["desk_id"] if desk else None,
            home_id=home["home_id"] if home else None, resident_id=one, event=body.event, ring_s=parts.settings.telephony_ring_s, now=now,
        )  # fmt: skip
    return models.RingTaken(call_id=call_id)


@router.post(
    "/telephony/dial", responses=documented(401, 403, 404, 422, 503), summary="Ring somebody up", openapi_extra=roles(*OPERATORS)
)  # fmt: skip
async def dial(body: models.Dial, parts: Parts, now: Now, user: Operator) -> models.Dialled:
    """By the site's telephone system, for who has the case; without one the page's own link dials."""
    await visible(parts, user, body.case_id)
    asked = {"case_id": body.case_id, "number": body.number, "user_name": user.user_name}
    async with parts.database.transaction() as connection:
        row = await fetch_one(connection, _MAY_DIAL, **asked)
    if row is None or not row["mine"]:
        raise BadChange(detail="somebody else has this case, or nobody. Claim it first.")
    if not row["known"]:
        raise BadChange(detail="this is no number of the home, nor of who rang about it. Dial it by hand.")
    if not parts.settings.telephony_dial_url:
        raise BadChange(detail="no telephone system dials for this site (SHOUWANG_API_TELEPHONY_DIAL_URL). Dial by hand.")  # fmt: skip
    dial_id = str(uuid.uuid4())
    said = {
        "dial_id": dial_id, "number": body.number, "user_name": user.user_name, "desk_id": row["seat"],
        "result_path": f"/api/v1/telephony/dials/{dial_id}/result",
    }  # fmt: skip
    # Kept first: the result may come before the answer.
    async with parts.database.transaction() as connection:
        await execute(connection, _PUT_DIAL, **asked, dial_id=dial_id, now=now, result=None)
    failed = await telephony.post(
        parts.settings.telephony_dial_url, parts.settings.telephony_secret, json.dumps(said, ensure_ascii=False).encode(), now
    )  # fmt: skip
    if failed is not None:
        async with parts.database.transaction() as connection:
            await execute(connection, _RESULT, dial_id=dial_id, result="failed", now=now)
        raise NotReady(detail=f"The telephone system did not take it ({failed}). Dial by hand.")
    return models.Dialled(dial_id=dial_id)


@router.post(
    "/telephony/dials/{dial_id}/result", responses=documented(401, 404, 422, 429, 503), summary="A telephone system: how it went"
)  # fmt: skip
async def dial_result(
    dial_id: Annotated[str, Path(min_length=1, max_length=80, pattern=r"^[0-9a-zA-Z-]+$")], body: models.DialResult, request: Request,
    parts: Parts, now: Now,
) -> Done:  # fmt: skip
    """Signed. It stands in the case's history, without the number; the first word counts, and repeating is harmless."""
    await _is_known(parts, request, now)
    async with parts.database.transaction(_WHOLE_SITE) as connection:
        row = await fetch_one(connection, _RESULT, dial_id=dial_id, result=body.result, now=now)
        if row is not None:
            facts = {"note": _RESULTS[body.result], "dial_id": dial_id}
            await _write(connection, _SYSTEM, now, "dialled", row["case_id"], row["home_id"], facts)
        elif await fetch_one(connection, _DIAL, dial_id=dial_id) is None:
            raise NotFound(what="dial", name=dial_id)
    return Done()
