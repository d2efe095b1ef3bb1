"""Why a case exists, in sentences: everything that detectors said in it, in order."""

from collections.abc import Collection, Mapping
from typing import Any

from api.models.shape import Reason, Sentence
from contracts.reasons import sentence as say
from storage.database import Connection
from storage.queries import fetch_all, query

_REASONS = query("api_reasons_of_cases")

Reasons = Mapping[str, list[Reason]]
"""By case id."""


def sentence(key: str, evidence: Mapping[str, Any] | None = None) -> Sentence:
    """The sentence of a reason key, both languages."""
    return Sentence(key=key, zh=say(key, evidence, "zh"), en=say(key, evidence, "en"))


def reason(key: str, evidence: Mapping[str, Any] | None = None, on: bool = True) -> Reason:
    """The same, as something that was said in a case."""
    return Reason(key=key, zh=say(key, evidence, "zh"), en=say(key, evidence, "en"), on=on)


async def reasons_of(connection: Connection, case_ids: Collection[str]) -> Reasons:
    """Of all these cases. One of which nothing is kept is left out."""
    found: dict[str, list[Reason]] = {}
    if case_ids:
        for row in await fetch_all(connection, _REASONS, case_ids=list(case_ids)):
            found.setdefault(row["case_id"], []).append(reason(row["reason"], row["evidence"], row["says_on"]))
    return found
