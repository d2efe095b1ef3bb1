"""Errors become problem+json (RFC 9457): one shape for all, with what to do in ``detail``."""

import logging
from collections.abc import Iterable
from typing import Any

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from psycopg_pool import PoolTimeout
from pydantic.json_schema import models_json_schema
from starlette.exceptions import HTTPException

from alerts import errors as alert_errors
from api.database import AGAIN_S
from api.errors import ApiError, BadRequest, DatabaseAway, NotFound, StaleChange
from api.models.shape import Fault, Problem
from contracts.errors import ShouwangError

MEDIA_TYPE = "application/problem+json"
_LOG = logging.getLogger(__name__)

_STATUS: dict[type[ShouwangError], int] = {
    alert_errors.NoSuchCase: 404,
    alert_errors.LeaseLost: 409,
    alert_errors.StaleClaim: 409,
    alert_errors.NotPossible: 409,
    alert_errors.OtherCaseOpen: 409,
    alert_errors.TooLateToReopen: 409,
    alert_errors.MissingWords: 422,
    alert_errors.UnknownOutcome: 422,
    alert_errors.UnknownStep: 422,
    alert_errors.UnknownResult: 422,
    alert_errors.NothingAbove: 409,
    alert_errors.HoldTooLong: 422,
    alert_errors.ShelfTooLong: 422,
    alert_errors.NotShelvable: 422,
    alert_errors.NotMergeable: 422,
    alert_errors.NotUnknown: 422,
    alert_errors.UnknownContact: 422,
    alert_errors.StepsMissing: 422,
    alert_errors.BadFollowUp: 422,
    alert_errors.SameEyes: 422,
    alert_errors.NotLookedAt: 409,
    alert_errors.NoSuchQuestion: 404,
}
"""Errors of the case store, and the status that each becomes."""
_TITLES = {404: "Not found", 409: "The case has moved on", 422: "The request is not right"}


def _code(error: ShouwangError) -> str:
    """``StaleClaim`` becomes ``stale_claim``."""
    name = type(error).__name__
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


def problem_of(error: ShouwangError) -> Problem:
    """What a client reads of an error. One of another stage that is not in the table is a 500 without its inner words."""
    facts = error.facts
    if isinstance(error, ApiError):
        status, code, title, detail = error.status, error.code, error.title, str(error)
    elif type(error) in _STATUS:
        status = _STATUS[type(error)]
        code, title, detail = _code(error), _TITLES[status], str(error)
    else:
        status, code, title, detail = 422, _code(error), "Not possible", str(error)
    return Problem(
        type=f"urn:shouwang:problem:{code}",
        title=title,
        status=status,
        code=code,
        detail=detail,
        held_by=_text(facts.get("desk_id")),
        version=_whole(facts.get("version")),
        handling=_text(facts.get("handling")),
        wait_s=_number(facts.get("wait_s")),
        faults=[],
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def answer(problem: Problem) -> JSONResponse:
    headers = {"Cache-Control": "no-store"}
    if problem.wait_s is not None:
        headers["Retry-After"] = str(max(1, round(problem.wait_s)))
    if problem.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(problem.model_dump(mode="json"), problem.status, headers, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Every error that leaves a route becomes a Problem; what we did not foresee is logged and says so without inner words."""

    @app.exception_handler(ShouwangError)
    async def _known(request: Request, error: ShouwangError) -> JSONResponse:
        return answer(problem_of(error))

    @app.exception_handler(psycopg.OperationalError)
    @app.exception_handler(psycopg.InterfaceError)
    @app.exception_handler(PoolTimeout)
    async def _away(request: Request, error: Exception) -> JSONResponse:
        return answer(problem_of(DatabaseAway(wait_s=AGAIN_S)))

    @app.exception_handler(psycopg.DataError)
    async def _unstorable(request: Request, error: psycopg.DataError) -> JSONResponse:
        return answer(
            problem_of(
                BadRequest(
                    detail="it holds what cannot be stored (a NUL, or a number too large). Correct it and send it again."
                )
            )
        )

    @app.exception_handler(RequestValidationError)
    async def _unreadable(request: Request, error: RequestValidationError) -> JSONResponse:
        faults = [Fault(where=".".join(map(str, each["loc"])), what=each["msg"]) for each in error.errors()]
        first = f"{faults[0].where}: {faults[0].what}" if faults else "it is empty"
        problem = problem_of(BadRequest(detail=f"{first}. Correct it and send it again."))
        return answer(problem.model_copy(update={"faults": faults}))

    @app.exception_handler(HTTPException)
    async def _by_framework(request: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == 404:
            return answer(problem_of(NotFound(what="page", name=request.url.path)))
        code = "method_not_allowed" if error.status_code == 405 else f"http_{error.status_code}"
        return answer(
            Problem(
                type=f"urn:shouwang:problem:{code}",
                title=str(error.detail),
                status=error.status_code,
                code=code,
                detail=f"{error.detail}. /openapi.json says what each address takes.",
            )
        )

    @app.exception_handler(Exception)
    async def _unforeseen(request: Request, error: Exception) -> JSONResponse:
        _LOG.exception("unforeseen error in %s %s", request.method, request.url.path, exc_info=error)
        return answer(
            problem_of(
                ApiError(detail="an unforeseen error. It is in the api's log; try again or tell the administrator.")
            )
        )


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The ``responses`` of a route: its errors with an example each, for OpenAPI."""
    return {status: _documented(status) for status in statuses}


def _documented(status: int) -> dict[str, Any]:
    examples = {example.code: {"value": example.model_dump(mode="json")} for example in _examples(status)}
    reference = {"$ref": f"#/components/schemas/{Problem.__name__}"}
    return {
        "description": next(iter(_examples(status))).title,
        "content": {MEDIA_TYPE: {"schema": reference, "examples": examples}},
    }


def describe(document: dict[str, Any]) -> None:
    """Put the model of a problem among the document's schemas, where ``documented`` refers to it."""
    _, found = models_json_schema([(Problem, "serialization")], ref_template="#/components/schemas/{model}")
    document.setdefault("components", {}).setdefault("schemas", {}).update(found["$defs"])


def _examples(status: int) -> Iterable[Problem]:
    from api import errors

    stale = StaleChange(
        detail="The case stands at version 7 (CLAIMED).",
        held="desk-2 holds it.",
        desk_id="desk-2",
        version=7,
        handling="CLAIMED",
    )
    table: dict[int, list[ShouwangError]] = {
        401: [errors.NotLoggedIn(detail="the access token has ended"), errors.LoginRefused()],
        403: [errors.NotAllowed(role="family", needed="operator or supervisor")],
        404: [errors.NotFound(what="case", name="5f0c2f0e-8a55-5d0c-9d5a-5a1d4b1e7a10")],
        409: [stale],
        422: [errors.BadRequest(detail="body.version: Field required. Correct it and send it again.")],
        429: [errors.TooManyLogins(wait_s=5), errors.TooOften(wait_s=60)],
        503: [errors.DatabaseAway(wait_s=AGAIN_S)],
    }
    return [problem_of(error) for error in table[status]]
