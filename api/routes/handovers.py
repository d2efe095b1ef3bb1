"""Handing an incident over to medicine: a FHIR R4 Bundle as a file, and to the configured endpoint."""

import json
import uuid
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse
from pydantic import Field

from api import fhir, handover
from api.access import OPERATORS, Operator, Who, roles
from api.context import Context, Now, Parts
from api.database import answering
from api.errors import BadChange, NotFound
from api.models.shape import Asked, Done, Said
from api.problems import documented
from api.reasons import reasons_of
from api.routes.cases import CaseId, visible, write_view
from storage.database import Connection
from storage.queries import execute, fetch_all, fetch_one, query

router = APIRouter(prefix="/api/v1", tags=["handing over"])

_FACTS = query("handover_facts")
_SIGNALS = query("handover_signals")
_RESPONSES = query("handover_responses")
_CONTACTS = query("family_contacts")
_PUT = query("put_handover")
_LIST = query("handovers_of_case")
_NOT_TAKEN = query("handovers_not_taken")
_AGAIN = query("handover_again")
_SETTLE = query("settle_handover")
_READS = documented(401, 403, 404, 422, 503)
_FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "A FHIR R4 Bundle", "content": {"application/fhir+json": {"schema": {"type": "object"}, "example": {"resourceType": "Bundle", "type": "collection", "entry": []}}}}
}  # fmt: skip


class Handover(Said):
    """What was handed over, and how that went."""

    handover_id: str
    asked_by: str
    asked_at: datetime
    attempts: int
    sent_at: datetime | None = Field(default=None, description="When the other side took it; none: it is being tried")
    settled_at: datetime | None = Field(default=None, description="The other side was told otherwise")
    settled_how: str = ""
    detail: str
    given_up: bool = Field(description="It is not tried any more: somebody has to ring up")


class NotTaken(Said):
    """A bundle that the other side does not take."""

    handover_id: str
    case_id: str
    home_id: str
    family: str
    asked_by: str
    asked_at: datetime
    attempts: int
    detail: str
    given_up: bool = Field(description="It is not tried any more: somebody has to ring up")


class HandoversNotTaken(Said):
    """What medicine does not know yet although it should."""

    handovers: list[NotTaken]


class Settled(Asked):
    """The other side was told otherwise."""

    how: str = Field(min_length=1, max_length=200, examples=["rung up 120 at 14:05"])


HandoverId = Annotated[str, Path(min_length=1, max_length=60, pattern=r"^[0-9a-zA-Z-]+$")]


class FhirResponse(JSONResponse):
    """FHIR's own kind of JSON."""

    media_type = "application/fhir+json"


class HandoversOfCase(Said):
    """What was handed over of a case."""

    handovers: list[Handover]


async def _bundle(
    connection: Connection, parts: Context, user: Who, case_id: str, now: datetime
) -> tuple[dict[str, Any], str]:
    """The bundle, and whom it is about. Raises BadChange where it is not known whom the case is about."""
    case = await fetch_one(connection, _FACTS, case_id=case_id)
    if case is None or case["resident_id"] is None:
        raise BadChange(detail="it is not known which resident the case is about; tell medicine by telephone")
    reasons = (await reasons_of(connection, [case_id])).get(case_id, [])
    document = fhir.bundle(
        case, await fetch_all(connection, _CONTACTS, home_id=case["home_id"]), await fetch_all(connection, _SIGNALS, case_id=case_id),
        {each.key: f"{each.zh} {each.en}" for each in reasons}, await fetch_all(connection, _RESPONSES, case_id=case_id),
        author=user.display_name or user.user_name, now=now,
    )  # fmt: skip
    return document, case["resident_id"]


@router.get("/cases/{case_id}/fhir", responses=_READS | _FILE, response_class=FhirResponse, summary="For medicine, as a file", openapi_extra=roles(*OPERATORS))  # fmt: skip
async def read_bundle(case_id: CaseId, parts: Parts, now: Now, user: Operator) -> FhirResponse:
    """Patient, RelatedPerson, Observation, DetectedIssue, Communication, Task, Provenance. Reading it is in the audit."""
    place = await visible(parts, user, case_id)
    async with parts.database.transaction() as connection:
        document, resident_id = await _bundle(connection, parts, user, case_id, now)
        await write_view(
            connection, user, now, place.area_code, case_id=case_id, home_id=place.home_id, residents=[resident_id], what="fhir"
        )  # fmt: skip
    return FhirResponse(document)


@router.post("/cases/{case_id}/fhir", status_code=201, responses=_READS, summary="To medicine", openapi_extra=roles(*OPERATORS))  # fmt: skip
async def hand_over(case_id: CaseId, parts: Parts, now: Now, user: Operator) -> HandoversOfCase:
    """Kept first, then sent to the site's endpoint (SHOUWANG_API_FHIR_URL), again until it is taken."""
    place = await visible(parts, user, case_id)
    if not parts.settings.fhir_url:
        raise BadChange(detail="this site has no endpoint for it (SHOUWANG_API_FHIR_URL); take the file")
    async with parts.database.transaction() as connection:
        document, resident_id = await _bundle(connection, parts, user, case_id, now)
        await execute(
            connection,
            _PUT,
            handover_id=uuid.uuid4().hex,
            case_id=case_id,
            bundle=json.dumps(document),
            asked_by=user.user_name,
            now=now,
        )
        await write_view(
            connection, user, now, place.area_code, case_id=case_id, home_id=place.home_id, residents=[resident_id], what="handed over"
        )  # fmt: skip
        found = await fetch_all(connection, _LIST, case_id=case_id, most=handover.MOST)
    return HandoversOfCase(handovers=[Handover.model_validate(row) for row in found])


@router.get("/cases/{case_id}/handovers", responses=_READS, summary="What was handed over", openapi_extra=roles(*OPERATORS))  # fmt: skip
async def list_handovers(case_id: CaseId, parts: Parts, user: Operator) -> HandoversOfCase:
    """And whether the other side took it."""
    await visible(parts, user, case_id)
    async with parts.database.connection() as connection:
        found = await fetch_all(connection, _LIST, case_id=case_id, most=handover.MOST)
    return HandoversOfCase(handovers=[Handover.model_validate(row) for row in found])


@router.get("/handovers/not-taken", responses=documented(401, 403, 503), summary="What medicine does not take", openapi_extra=roles(*OPERATORS))  # fmt: skip
async def list_not_taken(parts: Parts, user: Operator) -> HandoversNotTaken:
    """Of one's area, after five attempts (about half a minute): the console shows it until it is taken or settled."""
    async with parts.database.connection() as connection:
        found = await fetch_all(
            connection, _NOT_TAKEN, area_prefix=user.area_prefix, most=handover.MOST, told_after=handover.TOLD_AFTER
        )
    return HandoversNotTaken(handovers=[NotTaken.model_validate(row) for row in found])


@router.post("/cases/{case_id}/handovers/{handover_id}/again", responses=_READS, summary="Try it again", openapi_extra=roles(*OPERATORS))  # fmt: skip
async def try_again(case_id: CaseId, handover_id: HandoverId, parts: Parts, now: Now, user: Operator) -> Done:
    """From the first attempt, at once."""
    await visible(parts, user, case_id)
    async with parts.database.transaction() as connection:
        if await fetch_one(connection, _AGAIN, case_id=case_id, handover_id=handover_id, now=now) is None:
            raise NotFound(what="handover that is not taken", name=handover_id)
    return Done()


@router.post("/cases/{case_id}/handovers/{handover_id}/settle", responses=_READS, summary="Told otherwise", openapi_extra=roles(*OPERATORS))  # fmt: skip
async def settle(case_id: CaseId, handover_id: HandoverId, body: Settled, parts: Parts, now: Now, user: Operator) -> Done:  # fmt: skip
    """It is not tried any more, and how the other side learned of it stands in the case's history."""
    await visible(parts, user, case_id)
    async with parts.database.transaction() as connection:
        row = await fetch_one(
            connection,
            _SETTLE,
            case_id=case_id,
            handover_id=handover_id,
            now=now,
            settled_by=user.user_name,
            how=body.how,
        )
        if row is None:
            raise NotFound(what="handover that is not taken", name=handover_id)
    async with answering(parts.settings.query_s):
        await parts.cases.note(case_id, actor=user.user_name, text=f"已另行告知医疗 · medicine was told otherwise: {body.how}", now=now)  # fmt: skip
    return Done()
