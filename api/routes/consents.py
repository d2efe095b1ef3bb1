"""Consent as the centre records it from the resident or a guardian, and the resident's own data: given out. Erasing is not the api's: it may not delete readings (``./shouwang erase``)."""

import json
from collections.abc import AsyncGenerator
from typing import Any

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from api.access import OPERATORS, Operator, Overseer, Who, roles
from api.context import Context, Now, Parts
from api.errors import NotFound
from api.models import families as models
from api.models.shape import Done
from api.problems import documented
from api.routes.cases import write_view
from api.routes.family import RESIDENT
from api.scope import OURSELVES
from storage import consents, person
from storage.database import Connection, set_local
from storage.queries import fetch_one, query

router = APIRouter(prefix="/api/v1/residents", tags=["consent"])

_RESIDENT = query("api_resident")
READER_S = "60s"
"""How long whoever takes an export may pause. Chosen: longer than a slow line, and it holds no locks."""
_READS = documented(401, 403, 404, 422, 503)
_EXAMPLE = '{"part": "resident", "resident_id": "shen-ada", "name": "沈阿大", …}\n{"part": "consents", …}\n'


async def visible_resident(connection: Connection, user: Who, resident_id: str) -> dict[str, Any]:
    """The resident, in one's own area. Raises NotFound."""
    row = await fetch_one(connection, _RESIDENT, resident_id=resident_id)
    if row is None or not user.sees_area(row["area_code"]):
        raise NotFound(what="resident", name=resident_id)
    return row


@router.get("/{resident_id}/consents", responses=_READS, summary="Who may see what", openapi_extra=roles(*OPERATORS))
async def list_consents(resident_id: RESIDENT, parts: Parts, now: Now, user: Operator) -> models.Consents:
    """Who is linked to the resident, what each may see now, and how that came about."""
    async with parts.database.transaction() as connection:
        row = await visible_resident(connection, user, resident_id)
        found = await consents.in_force(connection, resident_id)
        history = await consents.history(connection, resident_id)
        await write_view(
            connection, user, now, row["area_code"], case_id=None, home_id=row["home_id"], residents=[resident_id], what="consents"
        )  # fmt: skip
    return models.Consents(
        now=[models.ConsentNow.model_validate(each) for each in found], history=[models.ConsentRow.model_validate(each) for each in history],
        scopes=[
            models.ScopeWords.model_validate({"scope": scope, "zh": zh, "en": en, "emergency": scope in consents.EMERGENCY})
            for scope, (zh, en) in consents.SCOPES.items()
        ],
    )  # fmt: skip


@router.post("/{resident_id}/consents", status_code=201, responses=_READS, summary="What the resident said", openapi_extra=roles(*OPERATORS))  # fmt: skip
async def record_consent(resident_id: RESIDENT, body: models.NewConsent, parts: Parts, user: Operator) -> Done:
    """In force from the next request on, for pages, tokens, feeds and notices alike. No scopes: withdrawn. The former word stays in the history."""
    async with parts.database.transaction() as connection:
        await visible_resident(connection, user, resident_id)
        await consents.record(
            connection, resident_id=resident_id, user_name=body.user_name, scopes=body.scopes, given_by=body.given_by, giver=body.giver,
            ground=body.ground, recorded_by=user.user_name,
        )  # fmt: skip
    return Done()


@router.get(
    "/{resident_id}/export",
    responses=_READS | {200: {"description": "One JSON object a line", "content": {"application/x-ndjson": {"schema": {"type": "string"}, "example": _EXAMPLE}}}},
    response_class=StreamingResponse,
    summary="All that is kept of a resident",
    openapi_extra=roles("supervisor", "admin"),
)  # fmt: skip
async def export_resident(
    resident_id: RESIDENT, parts: Parts, now: Now, user: Overseer, readings: bool = False
) -> StreamingResponse:
    """JSON Lines: one object a row, each with its ``part``. ``readings``: with every reading of the time that is kept, which may be much.
    To erase is done at the site: ``./shouwang erase``."""
    async with parts.database.transaction() as connection:
        row = await visible_resident(connection, user, resident_id)
        await write_view(
            connection, user, now, row["area_code"], case_id=None, home_id=row["home_id"], residents=[resident_id], what="export"
        )  # fmt: skip
    return StreamingResponse(_lines(parts, resident_id, readings), media_type="application/x-ndjson")


async def _lines(parts: Context, resident_id: str, readings: bool) -> AsyncGenerator[str]:
    # Not within the limit of a query: readings of a month take longer, and hold nobody up. All that is kept of the resident, whoever fetches it for
    # them (an administrator reads no cases otherwise): that it is one of his area was found out before.
    async with parts.database.pool.connection() as connection, connection.transaction():
        await set_local(connection, OURSELVES.settings() | {"idle_in_transaction_session_timeout": READER_S})
        async for row in person.export(connection, resident_id, readings=readings):
            yield json.dumps(row, ensure_ascii=False, default=str) + "\n"
