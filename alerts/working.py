"""What a desk does with a case while it works on it: steps of the script, calls, and telling more people now. Pure.

Steps and calls stand in the case's history and nowhere else, so they survive a release and whoever takes over reads the same; ``steps_done`` and
``calls_made`` read them from there. A case that was reopened begins its script anew: it was not over after all.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from alerts.call_results import RESULTS
from alerts.cases import OWNED, AuditRow, Case
from alerts.decisions import check_holder, check_version, renewed_lease
from alerts.errors import NothingAbove, NotPossible, UnknownResult, UnknownStep
from alerts.lifecycle import Move, moved
from alerts.rules import REVIEW, Rules, Rung
from alerts.scripts import SCRIPTS

AT_WORK = (*OWNED, "HELD")
"""Handlings in which somebody has the case."""


class StepDone(msgspec.Struct, frozen=True):
    """A step of the script that stands as done."""

    code: str
    actor: str
    at: datetime


class Whom(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a desk rang up: a contact of the home or a resident. Ids and a rank, no name and no number: the history outlives the record."""

    contact_id: int | None = None
    resident_id: str | None = None
    rank: int | None = None
    """Of the contact, in the order of calling."""
    relation: str = ""

    def words(self) -> tuple[str, str]:
        """Chinese and English."""
        if self.resident_id is not None:
            return "住户", "the resident"
        about = f" ({self.relation})" if self.relation else ""
        return f"第 {self.rank} 联系人{about}", f"contact {self.rank}{about}"


class CallMade(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt."""

    at: datetime
    actor: str
    result: str
    contact_id: int | None = None
    resident_id: str | None = None


def _at_work(case: Case, event: str, *, version: int, desk_id: str, lease_id: str, now: datetime) -> None:
    check_version(case, version)
    if case.handling not in AT_WORK:
        raise NotPossible(
            handling=case.handling, event=event, possible="claim it first", case_id=case.case_id, version=case.version
        )
    check_holder(case, desk_id, lease_id, now, version)


def _renewed(case: Case, rules: Rules, now: datetime) -> dict[str, Any]:
    """Who ticks or calls is there. The end of a hold stands."""
    return {} if case.handling == "HELD" else {"lease_until_at": renewed_lease(rules, now)}


def step_done(
    case: Case, *, version: int, desk_id: str, lease_id: str, step: str, done: bool, note: str, now: datetime, rules: Rules
) -> Move:  # fmt: skip
    """A step of the script was done, or was ticked by mistake (``done`` False)."""
    _at_work(case, "tick a step of", version=version, desk_id=desk_id, lease_id=lease_id, now=now)
    found = next((each for each in SCRIPTS[case.family] if each.code == step), None)
    if found is None:
        known = ", ".join(each.code for each in SCRIPTS[case.family]) or "none"
        raise UnknownStep(step=step, family=case.family, known=known)
    facts = {"step": step, "done": done, "step_zh": found.zh, "step_en": found.en, "note": note}
    return moved(
        case, None, "stepped", now, actor=desk_id, reason="case.stepped" if done else "case.step_undone", facts=facts,
        **_renewed(case, rules, now),
    )  # fmt: skip


def call_made(
    case: Case, *, version: int, desk_id: str, lease_id: str, whom: Whom, result: str, note: str, now: datetime, rules: Rules
) -> Move:  # fmt: skip
    """Somebody was rung up, and how that went."""
    _at_work(case, "call about", version=version, desk_id=desk_id, lease_id=lease_id, now=now)
    if result not in RESULTS:
        raise UnknownResult(result=result, known=", ".join(RESULTS))
    zh, en = whom.words()
    facts = {
        "contact_id": whom.contact_id, "resident_id": whom.resident_id, "result": result, "result_zh": RESULTS[result].zh,
        "result_en": RESULTS[result].en, "whom_zh": zh, "whom_en": en, "note": note,
    }  # fmt: skip
    return moved(case, None, "called", now, actor=desk_id, facts=facts, **_renewed(case, rules, now))


def next_rung(case: Case, rules: Rules) -> Rung | None:
    """Who would be told next. A review is about a case that nobody took; no desk asks for one."""
    ladder = rules.rungs(case.priority, case.area_code)
    return next((each for each in ladder if each.rung > case.rung and each.who != REVIEW), None)


def escalate_now(
    case: Case, *, version: int, desk_id: str, lease_id: str | None, note: str, now: datetime, rules: Rules
) -> Move:
    """Who is told next by the ladder is told now. Of a case that waits anybody may ask for it; of one that somebody has, he himself.

    ``called_rungs``: what a desk that has the case asked for. Nobody else is told of such a case, whatever rung it had climbed to before.
    """
    if case.handling == "QUEUED":
        check_version(case, version)
    else:
        _at_work(case, "escalate", version=version, desk_id=desk_id, lease_id=lease_id or "", now=now)
    rung = next_rung(case, rules)
    if rung is None:
        raise NothingAbove(case_id=case.case_id, rung=case.rung)
    fields: dict[str, Any] = {"rung": rung.rung}
    if case.handling != "QUEUED":
        fields |= {"called_rungs": (*case.called_rungs, rung.rung)} | _renewed(case, rules, now)
    facts = {"rung": rung.rung, "who": rung.who, "desk_id": desk_id, "note": note}
    return moved(
        case, None, "escalated", now, actor=desk_id, reason="case.escalated_by_hand", facts=facts, **fields
    )  # fmt: skip


def _this_time(audit: Iterable[AuditRow]) -> list[AuditRow]:
    """The history since the case was last reopened."""
    rows: list[AuditRow] = []
    for row in audit:
        rows = [] if row.action == "reopened" else [*rows, row]
    return rows


def steps_done(audit: Iterable[AuditRow]) -> list[StepDone]:
    """What of the script stands as done, in the order of doing, from the history in order."""
    done: dict[str, StepDone] = {}
    for row in _this_time(audit):
        if row.action != "stepped":
            continue
        code = str(row.facts.get("step"))
        done.pop(code, None)
        if row.facts.get("done"):
            done[code] = StepDone(code, row.actor, row.at)
    return list(done.values())


def calls_made(audit: Iterable[AuditRow]) -> list[CallMade]:
    """Attempts, in order."""
    return [
        CallMade(
            at=row.at, actor=row.actor, result=str(row.facts.get("result")), contact_id=row.facts.get("contact_id"),
            resident_id=row.facts.get("resident_id"),
        )
        for row in _this_time(audit)
        if row.action == "called"
    ]  # fmt: skip
