"""Questions that are asked before a desk hears of a case, and their answers."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from api.models.shape import Asked, Said, Sentence


class Answer(Asked):
    """What somebody who was asked says."""

    answer: Literal["well", "help", "unsure", "silence"] = Field(
        description="well: all is well; help: somebody is needed; unsure: it was not understood; silence: it rang and nobody spoke"
    )
    note: str = Field(default="", max_length=500, description="In their own words, where a gateway has them")


class OwnAnswer(Asked):
    """What kin say."""

    answer: Literal["well", "help", "unsure"]
    note: str = Field(default="", max_length=500)


class Taken(Said):
    """The answer is kept; saying it again is harmless."""

    question_id: str
    taken: bool = True


class Question(Said):
    """What kin are asked at this moment."""

    question_id: str
    resident_id: str
    name: str
    said: Sentence
    asked_at: datetime
    until: datetime = Field(description="Then the watch centre looks after it by itself")


class Questions(Said):
    """All of them, oldest first."""

    questions: list[Question]
    now: datetime
