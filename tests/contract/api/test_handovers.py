"""An incident leaves as a FHIR Bundle that the specification's own models take, and reaches the other side after it has failed twice."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
import pytest
from fhir.resources.R4B.bundle import Bundle

from api.handover import Handovers
from tests.contract.api.office import Office

pytestmark = pytest.mark.services


class Clinic:
    """The other side: refuses twice, then takes."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        clinic = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                clinic.asked.append((self.headers["Authorization"], body))
                self.send_response(503 if len(clinic.asked) <= 2 else 201)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/fhir/Bundle"


@pytest.fixture
def clinic() -> Iterator[Clinic]:
    found = Clinic()
    yield found
    found.server.shutdown()
    found.server.server_close()


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
