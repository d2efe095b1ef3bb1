"""Priorities by family and score, answering times, and how long somebody is asked first. They hold for the whole site.

Nobody can make here what people's lives hang on less urgent than it ships: what is a P1 stays one, and its answering time only gets shorter.
"""

import json
from datetime import datetime
from typing import Annotated, Any, get_args

from fastapi import APIRouter, Path

from alerts.rules import SHIPPED
from api.access import Overseer, Who, roles
from api.context import Now, Parts
from api.errors import BadRequest, NotAllowed
from api.models import rules as models
from api.models.shape import Done
from api.problems import documented
from contracts.detections import Family
from storage.database import Connection
from storage.queries import execute, fetch_all, query

router = APIRouter(prefix="/api/v1", tags=["rules"])

MARKS_S = {1: 60.0, 2: 180.0}
"""Longest answering times of P1 and P2: the two marks of UK TSA (design, section 6, rule 5)."""
LONGEST_S = 604_800.0

_RULES = query("api_rules")
_PUT_PRIORITY = query("api_put_priority")
_PUT_ANSWER = query("api_put_answer_time")
_PUT_ASKING = query("api_put_asking_time")
_AUDIT = query("api_audit")

OVERSEERS = ("supervisor", "admin")
_READS = documented(401, 403, 503)
_CHANGES = documented(401, 403, 422, 503)


def least(family: Family) -> list[int]:
    """By score, how little urgent a family may be made: what ships as P1 stays P1."""
    return [1 if shipped == 1 else 5 for shipped in SHIPPED.priorities[family]]


def _site(user: Who) -> None:
    """Raises NotAllowed."""
    if user.area_prefix:
        raise NotAllowed(
            role=f"{user.role} of {user.area_prefix}", needed="one of the whole site, for which these rules hold"
        )


async def _log(connection: Connection, user: Who, now: datetime, action: str, **facts: Any) -> None:
    await execute(
        connection, _AUDIT, now=now, actor=user.user_name, action=action, case_id=None, home_id=None, reason="", facts=json.dumps(facts)
    )  # fmt: skip


@router.get("/rules", responses=_READS, summary="By which numbers cases are ranked", openapi_extra=roles(*OVERSEERS))
async def site_rules(parts: Parts, now: Now, user: Overseer) -> models.SiteRules:
    """What is in force, with who changed it."""
    async with parts.database.connection() as connection:
        rows = await fetch_all(connection, _RULES)
    shipped: dict[str, Any] = {"changed_by": "system", "changed_at": None}
    said = {(row["what"], row["family"], row["number"]): row for row in rows}
    by_family = []
    family: Family
    for family in get_args(Family):
        found = [said.get(("priority", family, score)) for score in range(5)]
        last = max((row for row in found if row is not None), key=lambda row: row["changed_at"], default=shipped)
        priorities = [
            SHIPPED.priorities[family][score] if row is None else int(row["value"]) for score, row in enumerate(found)
        ]
        by_family.append(
            models.PriorityRule(
                family=family, priorities=priorities, least=least(family), changed_by=last["changed_by"], changed_at=last["changed_at"]
            )
        )  # fmt: skip
    answers = []
    for priority, answer_s in SHIPPED.answer_s.items():
        row = said.get(("answer", None, priority)) or shipped | {"value": answer_s}
        answers.append(
            models.AnswerTime(
                priority=priority, answer_s=row["value"], longest_s=MARKS_S.get(priority, LONGEST_S), changed_by=row["changed_by"],
                changed_at=row["changed_at"],
            )
        )  # fmt: skip
    asking = [
        models.AskingTime(
            family=row["family"], wait_s=row["value"], enabled=row["enabled"], changed_by=row["changed_by"], changed_at=row["changed_at"]
        )
        for row in rows
        if row["what"] == "asking"
    ]  # fmt: skip
    return models.SiteRules(
        priorities=by_family, answers=answers, asking=asking, may_change=not user.area_prefix, now=now
    )


@router.put("/rules/priorities/{family}", responses=_CHANGES, summary="Change priorities", openapi_extra=roles(*OVERSEERS))  # fmt: skip
async def put_priorities(family: Family, body: models.NewPriorities, parts: Parts, now: Now, user: Overseer) -> Done:
    """Of one family. For what detectors say from now on; an open case is raised at its next signal, and never lowered."""
    _site(user)
    wanted = body.priorities
    if any(not 1 <= each <= 5 for each in wanted) or wanted != sorted(wanted, reverse=True):
        raise BadRequest(detail="body.priorities: five of 1 to 5, and the surer the more urgent, as [3, 3, 2, 1, 1]")
    for score, (one, most) in enumerate(zip(wanted, least(family), strict=True)):
        if one > most:
            raise BadRequest(detail=f"body.priorities: {family} at score {score} is a P{most} and stays one")
    async with parts.database.transaction() as connection:
        for score, priority in enumerate(wanted):
            await execute(
                connection, _PUT_PRIORITY, family=family, score=score, priority=priority, changed_by=user.user_name, now=now
            )  # fmt: skip
        await _log(connection, user, now, "put_priorities", family=family, priorities=wanted)
    return Done()


@router.put("/rules/answers/{priority}", responses=_CHANGES, summary="Change an answering time", openapi_extra=roles(*OVERSEERS))  # fmt: skip
async def put_answer_time(
    priority: Annotated[int, Path(ge=1, le=5)], body: models.NewAnswerTime, parts: Parts, now: Now, user: Overseer
) -> Done:
    """Within what time cases of one priority should be claimed: what the countdown shows. For cases that come into the queue from now on."""
    _site(user)
    longest_s = MARKS_S.get(priority, LONGEST_S)
    if body.answer_s > longest_s:
        raise BadRequest(detail=f"body.answer_s: a P{priority} is answered within {longest_s:.0f} s")
    async with parts.database.transaction() as connection:
        await execute(
            connection, _PUT_ANSWER, priority=priority, answer_s=body.answer_s, changed_by=user.user_name, now=now
        )
        await _log(connection, user, now, "put_answer_time", priority=priority, answer_s=body.answer_s)
    return Done()


@router.put("/rules/asking/{family}", responses=_CHANGES, summary="Change how long somebody is asked first", openapi_extra=roles(*OVERSEERS))  # fmt: skip
async def put_asking_time(family: Family, body: models.NewAskingTime, parts: Parts, now: Now, user: Overseer) -> Done:
    """The resident and kin, before a desk hears of a P3 (design, section 6, rule 3)."""
    _site(user)
    if body.enabled and least(family) == [1] * 5:
        raise BadRequest(detail=f"body.enabled: {family} is always a P1, and a desk hears of it at once")
    async with parts.database.transaction() as connection:
        await execute(
            connection, _PUT_ASKING, family=family, wait_s=body.wait_s, enabled=body.enabled, changed_by=user.user_name, now=now
        )  # fmt: skip
        await _log(connection, user, now, "put_asking_time", family=family, wait_s=body.wait_s, enabled=body.enabled)
    return Done()
