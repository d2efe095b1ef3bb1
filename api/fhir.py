"""An incident as a FHIR R4 Bundle, for 120 or the paired clinic. Pure: rows in, a document out; the same rows give the same ids.

Patient, RelatedPerson (whom to call), Observation (each signal), DetectedIssue (what the case is), Communication (what was said of it), Task (who went
there), Provenance (who made this). Codes are the system's own words with both languages: no clinical code is claimed for what a motion sensor saw.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from alerts.notices import FAMILIES

SPACE = uuid.UUID("5b0f8a4e-6a52-5f5e-9d0c-3c2f6f0f7a11")
"""Of this system's FHIR ids; drawn once."""
SEVERITY = {1: "high", 2: "high", 3: "moderate"}
TASK = {
    "asked": "requested",
    "accepted": "accepted",
    "on_way": "in-progress",
    "arrived": "in-progress",
    "left": "completed",
}
Row = Mapping[str, Any]


def bundle(
    case: Row, contacts: Sequence[Row], signals: Sequence[Row], sentences: Mapping[str, str], responses: Sequence[Row], *, author: str, now: datetime
) -> dict[str, Any]:  # fmt: skip
    """The document. ``sentences``: for each reason's key its words."""
    case_id, person = case["case_id"], case["resident_id"]
    patient = _url("patient", person)
    zh, en = FAMILIES[case["family"]]
    resources: list[tuple[str, dict[str, Any]]] = [(patient, _patient(case))]
    for each in contacts:
        resources.append((_url("related", f"{person}/{each['contact_id']}"), _related(each, patient)))
    observations = [
        (_url("observation", f"{case_id}/{each['detection_id']}"), _observation(each, sentences, patient))
        for each in signals
    ]
    resources += observations
    issue = _url("issue", case_id)
    resources.append((issue, {
        "resourceType": "DetectedIssue", "status": "final" if case["resolved_at"] else "preliminary", "code": _code("family", case["family"], f"{zh} {en}"),
        "patient": {"reference": patient}, "identifiedDateTime": _at(case["event_at"]), "severity": SEVERITY.get(case["priority"], "low"),
        "identifier": [{"system": "urn:shouwang:case", "value": case_id}], "implicated": [{"reference": url} for url, _ in observations],
        "detail": f"P{case['priority']}, {case['score']}/4" + (f", {case['outcome']}" if case["outcome"] else ""),
    }))  # fmt: skip
    for each in responses:
        resources.append((_url("task", f"{case_id}/{each['user_name']}"), _task(each, patient, issue, now)))
    resources.append((_url("communication", f"{case_id}/{_at(now)}"), {
        "resourceType": "Communication", "status": "completed", "subject": {"reference": patient}, "about": [{"reference": issue}], "sent": _at(now),
        "payload": [{"contentString": f"{zh} {en}: {'; '.join(sentences.get(each['reason'], each['reason']) for each in signals)}"}],
    }))  # fmt: skip
    resources.append((_url("provenance", f"{case_id}/{_at(now)}"), {
        "resourceType": "Provenance", "target": [{"reference": url} for url, _ in resources], "recorded": _at(now),
        "agent": [{"who": {"display": author}}, {"who": {"display": "Shouwang 守望"}}],
    }))  # fmt: skip
    return {
        "resourceType": "Bundle", "type": "collection", "timestamp": _at(now),
        "identifier": {"system": "urn:shouwang:handover", "value": f"{case_id}/{_at(now)}"},
        "entry": [{"fullUrl": url, "resource": resource} for url, resource in resources],
    }  # fmt: skip


def _patient(case: Row) -> dict[str, Any]:
    found: dict[str, Any] = {
        "resourceType": "Patient", "identifier": [{"system": "urn:shouwang:resident", "value": case["resident_id"]}], "name": [{"text": case["name"]}],
        "gender": {"f": "female", "m": "male"}.get(case["sex"], "unknown"),
    }  # fmt: skip
    if case["birth_year"]:
        found["birthDate"] = str(case["birth_year"])
    if case["phone"]:
        found["telecom"] = [{"system": "phone", "value": case["phone"]}]
    if case["address"]:
        found["address"] = [{"text": case["address"]}]
    return found


def _related(contact: Row, patient: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "resourceType": "RelatedPerson", "patient": {"reference": patient}, "name": [{"text": contact["name"]}],
        "telecom": [{"system": "phone", "value": contact["phone"], "rank": max(1, contact["rank"])}],
    }  # fmt: skip
    if contact["relation"]:
        found["relationship"] = [{"text": contact["relation"]}]
    return found


def _observation(signal: Row, sentences: Mapping[str, str], patient: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "resourceType": "Observation", "status": "final" if signal["on"] else "amended", "code": _code("detector", signal["detector"], signal["detector"]),
        "subject": {"reference": patient}, "effectiveDateTime": _at(signal["started_at"]),
        "valueString": sentences.get(signal["reason"], signal["reason"]),
    }  # fmt: skip
    if signal["device_id"]:
        found["device"] = {"display": signal["device_id"]}
    return found


def _task(response: Row, patient: str, issue: str, now: datetime) -> dict[str, Any]:
    found: dict[str, Any] = {
        "resourceType": "Task", "status": TASK[response["state"]], "intent": "order", "description": "上门查看 · go there", "for": {"reference": patient},
        "focus": {"reference": issue}, "authoredOn": _at(response["asked_at"]), "owner": {"display": response["display_name"] or response["user_name"]},
    }  # fmt: skip
    if response["arrived_at"]:
        found["executionPeriod"] = {
            "start": _at(response["arrived_at"]),
            **({"end": _at(response["left_at"])} if response["left_at"] else {}),
        }
    if response["result"]:
        found["note"] = [{"text": f"{response['result']}: {response['note']}", "time": _at(now)}]
    return found


def _code(system: str, code: str, text: str) -> dict[str, Any]:
    return {"coding": [{"system": f"urn:shouwang:{system}", "code": code}], "text": text}


def _url(kind: str, name: str) -> str:
    return f"urn:uuid:{uuid.uuid5(SPACE, f'{kind}/{name}')}"


def _at(instant: datetime) -> str:
    return instant.isoformat(timespec="milliseconds")
