"""How all models are shaped: what is asked may hold nothing unknown, and what is said is complete."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Coverage = Literal["protected", "degraded", "blind"]


class Asked(BaseModel):
    """A request's body: an unknown field is refused, so that a misspelt one is not silently dropped."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Said(BaseModel):
    """An answer's body."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Sentence(Said):
    """A sentence for people in both languages, and its key."""

    key: str = Field(examples=["call.press"])
    zh: str = Field(examples=["住户按下了求助按钮"])
    en: str = Field(examples=["The help button was pressed"])


class Reason(Sentence):
    """Something that was said in a case."""

    on: bool = Field(default=True, description="False: it says that a condition is over, or was nothing")


class CoverageNow(Said):
    """How well someone is watched, since when, and why not better. Nothing is concluded for one who is blind."""

    state: Coverage
    cannot_see_since: datetime | None = Field(
        default=None, description="Blind since; none while at least something is seen"
    )
    since_at: datetime | None = Field(
        default=None,
        description="Since when the state is so, wall clock; none: the pipeline stands, or nothing is known",
    )
    reasons: list[Sentence]


class Fault(Said):
    """Where a request's body or parameters are wrong."""

    where: str = Field(examples=["body.outcome"])
    what: str = Field(examples=["Field required"])


class Problem(Said):
    """An error after RFC 9457: ``detail`` says what happened and what to do."""

    type: str = Field(examples=["urn:shouwang:problem:stale_change"])
    title: str = Field(examples=["The case has moved on"])
    status: int = Field(examples=[409])
    code: str = Field(description="Key by which the console chooses its own words", examples=["stale_change"])
    detail: str
    held_by: str | None = Field(
        default=None, description="Who holds the case (user name), where that is why", examples=["desk-2"]
    )
    version: int | None = Field(default=None, description="The case's version now, where the sent one was old")
    handling: str | None = Field(default=None, description="What is being done about the case now")
    wait_s: float | None = Field(default=None, description="Try again after so many seconds")
    faults: list[Fault] = Field(default=[], description="What is wrong in the request")


class Done(Said):
    """It was done."""

    done: bool = True


def example(model: type[BaseModel], **values: Any) -> dict[str, Any]:
    """A JSON example that is checked against its model when the module is loaded."""
    return model.model_validate(values).model_dump(mode="json")
