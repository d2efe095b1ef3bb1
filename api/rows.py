"""From what stores and events hold to what the api says: cases as rows, reasons as sentences."""

from collections.abc import Mapping, Sequence
from typing import Any

from alerts.cases import Case, CaseDetail
from alerts.rules import ENDING
from alerts.scoring import why
from alerts.scripts import SCRIPTS
from alerts.working import calls_made, steps_done
from api.models import cases as models
from api.models.shape import CoverageNow, Reason
from api.reasons import Reasons, reason, sentence
from contracts.alerts import CaseSummary

Row = Mapping[str, Any]


def row_of_summary(case: CaseSummary, told: Sequence[Reason] | None) -> models.CaseRow:
    """A row of an event; ``told`` where the database told its reasons, else the sentences stay without their numbers."""
    return models.CaseRow(
        case_id=case.case_id,
        version=case.version,
        home_id=case.home_id,
        area_code=case.area_code,
        resident_id=case.resident_id,
        family=case.family,
        priority=case.priority,
        score=case.score,
        reasons=list(told) if told else [reason(key) for key in case.reasons],
        handling=case.handling,
        condition=case.condition,
        raised_at=case.raised_at,
        queued_at=case.queued_at,
        deadline_at=case.deadline_at,
        asking_until_at=case.asking_until_at,
        held_until_at=case.held_until_at,
        desk_id=case.desk_id,
        lease_until_at=case.lease_until_at,
        former_desk_id=case.former_desk_id,
        rung=case.rung,
        signals=case.signals,
        test=case.test,
    )


def row_of_database(row: Row, reasons: Reasons) -> models.CaseRow:
    """A row of ``api_open_cases``."""
    return models.CaseRow.model_validate(dict(row) | {"reasons": reasons.get(row["case_id"], [])})


def _of_case(case: Case, told: Sequence[Reason] | None = None) -> dict[str, Any]:
    fields = {name: getattr(case, name) for name in models.CaseRow.model_fields if name != "reasons"}
    return fields | {"reasons": list(told) if told else [reason(each.key, each.evidence) for each in case.reasons]}


def after(case: Case, desk_id: str, told: Sequence[Reason] | None = None) -> models.CaseAfter:
    """A case after a change; the lease is shown to its holder alone."""
    return models.CaseAfter(**_of_case(case, told), lease_id=case.lease_id if case.desk_id == desk_id else None)


def detail(
    found: CaseDetail,
    *,
    desk_id: str,
    home: Row | None,
    coverage: CoverageNow | None,
    residents: Sequence[Row],
    contacts: Sequence[Row],
    told: Sequence[Reason] | None,
    now: Any,
) -> models.CaseDetail:
    """A case with everything that a desk needs."""
    case = found.case
    extra = {
        name: getattr(case, name)
        for name in (
            "event_at", "claimed_at", "hold_reason", "outcome", "contact", "resolved_at", "resolved_by", "follow_up_at",
            "looked_by", "closed_at", "after_case_id"
        )
    }  # fmt: skip
    return models.CaseDetail(
        **_of_case(case, told),
        **extra,
        lease_id=case.lease_id if case.desk_id == desk_id else None,
        home=models.HomeRecord(**home) if home else None,
        coverage=coverage,
        residents=[models.ResidentRecord(**each) for each in residents],
        contacts=[models.Contact(**each) for each in contacts],
        signal_list=[
            models.Signal(
                detection_id=each.detection_id,
                detector=each.detector,
                device_id=each.device_id,
                on=each.on,
                withdrawn=each.withdrawn,
                score=each.score,
                reason=sentence(each.reason, each.evidence),
                evidence=dict(each.evidence),
                started_at=each.started_at,
                changed_at=each.changed_at,
                about=each.about,
            )
            for each in found.signals
        ],
        evidence=[sentence(each.key, each.evidence) for each in why(found.signals, lasting=case.family in ENDING)],
        audit=[
            audit_row(each.at, each.actor, each.action, each.version, each.reason, each.facts) for each in found.audit
        ],
        script=[models.ScriptStep(**step._asdict()) for step in SCRIPTS[case.family]],
        steps=[models.StepDone(code=each.code, actor=each.actor, at=each.at) for each in steps_done(found.audit)],
        calls=[
            models.CallMade(
                at=each.at,
                actor=each.actor,
                contact_id=each.contact_id,
                resident_id=each.resident_id,
                result=each.result,
            )
            for each in calls_made(found.audit)
        ],
        now=now,
    )


def audit_row(
    at: Any, actor: str, action: str, version: int | None, reason: str, facts: Mapping[str, Any]
) -> models.AuditRow:
    """One line of a history."""
    words = facts.get("note") or facts.get("text") or ""
    return models.AuditRow(
        at=at, actor=actor, action=action, version=version, reason=sentence(reason, facts), note=str(words)
    )
