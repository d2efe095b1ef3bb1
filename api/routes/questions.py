"""Answers to what is asked before a desk hears of a case: from a voice gateway with the question's token, from kin as themselves."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.access import Family, roles
from api.context import Now, Parts
from api.database import answering
from api.errors import NotFound
from api.models import questions as models
from api.models.shape import Sentence
from api.problems import documented
from api.scope import OURSELVES, serving
from contracts.questions import of_kin
from storage.queries import fetch_all, fetch_one, query

router = APIRouter(prefix="/api/v1", tags=["asking first"])

_OF_KIN = query("api_questions_of_kin")
_ONE_OF_KIN = query("api_question_of_kin")
_token = HTTPBearer(auto_error=False, scheme_name="question", description="The token that came with the question")

QuestionId = Annotated[str, Path(min_length=1, max_length=80, pattern=r"^[0-9a-zA-Z-]+$")]


@router.post("/questions/{question_id}/answer", responses=documented(404, 422, 503), summary="A resident's answer")
async def answer(
    question_id: QuestionId, body: models.Answer, parts: Parts, now: Now,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_token)],
) -> models.Taken:  # fmt: skip
    """From a voice gateway: ``Authorization: Bearer`` with the token of the question. Repeat it until it is answered with 200.

    An unknown question and a wrong token look alike (404). An answer that comes late is kept in the case's history; *help* is heard at any time.
    """
    token = "" if credentials is None else credentials.credentials
    # The token is the right: whoever has it speaks about this case and reads nothing.
    with serving(OURSELVES):
        async with answering(parts.settings.query_s):
            await parts.cases.answer(question_id, body.answer, token=token, note=body.note, now=now)
    return models.Taken(question_id=question_id)


@router.get(
    "/family/questions", responses=documented(401, 403, 503), summary="What I am asked", openapi_extra=roles("family")
)
async def list_questions(parts: Parts, now: Now, user: Family) -> models.Questions:
    """Questions about one's relatives that wait for an answer."""
    async with parts.database.connection() as connection:
        rows = await fetch_all(connection, _OF_KIN, user_name=user.user_name)
    found = []
    for row in rows:
        said = of_kin(row["family"], row["name"])
        found.append(models.Question(
            question_id=row["question_id"], resident_id=row["resident_id"], name=row["name"],
            said=Sentence(key=f"question.{row['family']}", zh=said.zh, en=said.en), asked_at=row["asked_at"], until=row["asking_until_at"],
        ))  # fmt: skip
    return models.Questions(questions=found, now=now)


@router.post(
    "/family/questions/{question_id}/answer", responses=documented(401, 403, 404, 422, 503), summary="My answer", openapi_extra=roles("family")
)  # fmt: skip
async def answer_as_kin(
    question_id: QuestionId, body: models.OwnAnswer, parts: Parts, now: Now, user: Family
) -> models.Taken:
    """What kin know: *well* ends the case (and names who said so), *help* makes it urgent, *unsure* brings it to a desk."""
    async with parts.database.connection() as connection:
        row = await fetch_one(connection, _ONE_OF_KIN, question_id=question_id, user_name=user.user_name)
    if row is None:
        raise NotFound(what="question", name=question_id)
    async with answering(parts.settings.query_s):
        await parts.cases.answer(question_id, body.answer, kin=user.user_name, note=body.note, now=now)
    return models.Taken(question_id=question_id)
