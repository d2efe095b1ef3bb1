"""Answers of residents and kin over HTTP, and what a desk sees of the asking."""

from typing import Any

import pytest

from alerts.cases import Case
from alerts.scripts import SCRIPTS
from tests.contract.api.office import Office

pytestmark = pytest.mark.services


async def a_doubt(office: Office) -> tuple[Case, dict[str, Any]]:
    """A fall that is not sure, asked about; the questions by channel."""
    case = await office.admit(
        "shen", family="fall", detector="fall_room", reason="fall_room.alarm", score=1, resident_id="shen-ada"
    )
    (asking,) = await office.store.asking(office.clock())
    taken = await office.store.begin_round(case.case_id, asking.people, office.clock(), 10)
    return case, {question.channel: question for question in taken}


async def test_a_desk_sees_until_when_is_asked_and_may_take_it(office: Office) -> None:
    case, _ = await a_doubt(office)
    desk = await office.desk("desk-1")
    (row,) = (await desk.get("/api/v1/cases?waiting=true")).json()["cases"]
    assert (row["handling"], row["asking_until_at"]) == (
        "ASKING",
        case.asking_until_at.isoformat().replace("+00:00", "Z"),
    )  # type: ignore[union-attr]
    detail = (await desk.get(f"/api/v1/cases/{case.case_id}")).json()
    assert [step["code"] for step in detail["script"]] == [step.code for step in SCRIPTS["fall"]]
    taken = await desk.post(f"/api/v1/cases/{case.case_id}/claim", json={"version": detail["version"]})
    assert (taken.status_code, taken.json()["asking_until_at"]) == (200, None)


async def test_the_resident_answers_by_the_gateway_with_the_question_s_token(office: Office) -> None:
    case, asked = await a_doubt(office)
    gateway, question = office.stranger(), asked["voice"]
    address = f"/api/v1/questions/{question.question_id}/answer"
    for headers in ({}, {"Authorization": "Bearer guessed"}):
        refused = await gateway.post(address, json={"answer": "well"}, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (404, "no_such_question")
    assert question.token not in refused.text
    unknown = await gateway.post("/api/v1/questions/nobody/answer", json={"answer": "well"})
    assert unknown.json() == refused.json(), "an unknown question and a wrong token look alike"
    for _ in range(2):
        answer = await gateway.post(
            address, json={"answer": "well", "note": "我很好"}, headers={"Authorization": f"Bearer {question.token}"}
        )
        assert (answer.status_code, answer.json()) == (200, {"question_id": question.question_id, "taken": True})
    detail = (await (await office.desk("desk-1")).get(f"/api/v1/cases/{case.case_id}")).json()
    assert (detail["handling"], detail["outcome"], detail["resolved_by"]) == ("RESOLVED", "resident_well", "resident")
    (line,) = [line for line in detail["audit"] if line["action"] == "resolved"]
    assert (line["reason"]["zh"], line["note"]) == ("shen-ada 回答：平安", "我很好")


async def test_an_answer_that_nobody_knows_is_refused(office: Office) -> None:
    _, asked = await a_doubt(office)
    question = asked["voice"]
    answer = await office.stranger().post(
        f"/api/v1/questions/{question.question_id}/answer", json={"answer": "maybe"}, headers={"Authorization": f"Bearer {question.token}"}
    )  # fmt: skip
    assert answer.status_code == 422


async def test_kin_read_what_they_are_asked_and_answer_as_themselves(office: Office) -> None:
    case, asked = await a_doubt(office)
    daughter, nephew = await office.desk("daughter"), await office.desk("nephew")
    (question,) = (await daughter.get("/api/v1/family/questions")).json()["questions"]
    assert (question["resident_id"], question["question_id"]) == ("shen-ada", asked["app"].question_id)
    assert "沈阿大" in question["said"]["zh"]
    assert (await nephew.get("/api/v1/family/questions")).json()["questions"] == []
    address = f"/api/v1/family/questions/{question['question_id']}/answer"
    assert (await nephew.post(address, json={"answer": "well"})).status_code == 404
    by_voice = f"/api/v1/family/questions/{asked['voice'].question_id}/answer"
    assert (await daughter.post(by_voice, json={"answer": "well"})).status_code == 404
    assert (await daughter.post(address, json={"answer": "help", "note": "电话没人接"})).status_code == 200
    assert (await daughter.get("/api/v1/family/questions")).json()["questions"] == []
    found = (await office.store.case(case.case_id)).case
    assert (found.handling, found.priority) == ("QUEUED", 1)


async def test_kin_whose_link_was_withdrawn_answer_nothing(office: Office) -> None:
    _, asked = await a_doubt(office)
    daughter = await office.desk("daughter")
    office.sql("UPDATE family_links SET revoked_at = now() WHERE user_name = 'daughter'")
    try:
        assert (await daughter.get("/api/v1/family/questions")).json()["questions"] == []
        address = f"/api/v1/family/questions/{asked['app'].question_id}/answer"
        assert (await daughter.post(address, json={"answer": "well"})).status_code == 404
    finally:
        office.sql("UPDATE family_links SET revoked_at = NULL WHERE user_name = 'daughter'")


async def test_a_p1_gets_its_second_look_from_somebody_else(office: Office) -> None:
    case = await office.admit("shen")
    first, second = await office.desk("desk-1"), await office.desk("desk-2")
    held = (await first.post(f"/api/v1/cases/{case.case_id}/claim", json={"version": case.version})).json()
    body = {"version": held["version"], "lease_id": held["lease_id"], "outcome": "accidental_press", "note": ""}
    unsaid = await first.post(f"/api/v1/cases/{case.case_id}/resolve", json=body)
    assert (unsaid.status_code, unsaid.json()["code"]) == (422, "unknown_contact")
    unscripted = await first.post(f"/api/v1/cases/{case.case_id}/resolve", json=body | {"contact": "resident"})
    assert (unscripted.status_code, unscripted.json()["code"]) == (422, "steps_missing")
    done = await first.post(
        f"/api/v1/cases/{case.case_id}/resolve", json=body | {"contact": "resident", "steps": ["spoke", "hurt"]}
    )
    assert done.status_code == 200
    (waiting,) = (await second.get("/api/v1/second-looks")).json()["cases"]
    assert (waiting["case_id"], waiting["resolved_by"], waiting["outcome"]) == (
        case.case_id,
        "desk-1",
        "accidental_press",
    )
    look = {"version": waiting["version"], "note": "agreed"}
    own = await first.post(f"/api/v1/cases/{case.case_id}/second-look", json=look)
    assert (own.status_code, own.json()["code"]) == (422, "same_eyes")
    assert (await second.post(f"/api/v1/cases/{case.case_id}/second-look", json=look)).status_code == 200
    assert (await second.get("/api/v1/second-looks")).json()["cases"] == []
    closed = await second.post(
        f"/api/v1/cases/{case.case_id}/follow-up", json={"version": waiting["version"] + 1, "note": "she is well"}
    )
    assert closed.json()["handling"] == "CLOSED"


async def test_a_review_that_opened_by_itself_is_closed_by_a_supervisor_with_a_finding(office: Office) -> None:
    case = await office.admit("shen")
    office.clock.forward(180)
    await office.store.fire_due(office.clock())
    chief = await office.desk("chief")
    (review,) = (await chief.get("/api/v1/reviews")).json()["reviews"]
    assert (review["case_id"], review["waited_s"]) == (case.case_id, 180.0)
    address = f"/api/v1/reviews/{case.case_id}/close"
    assert (await chief.post(address, json={"finding": "two desks were ill"})).status_code == 200
    assert (await chief.post(address, json={"finding": "again"})).status_code == 404
    assert (await chief.get("/api/v1/reviews")).json()["reviews"] == []
    history = (await chief.get(f"/api/v1/cases/{case.case_id}")).json()["audit"]
    assert [line["note"] for line in history if line["action"] == "reviewed"] == ["two desks were ill"]


async def test_technical_cases_are_shelved_and_nothing_else(office: Office) -> None:
    desk = await office.desk("desk-1")
    for family, status in (("technical", 200), ("sos", 422)):
        case = await office.admit("shen", family=family, reason="device_silent.silent", score=1)
        held = (await desk.post(f"/api/v1/cases/{case.case_id}/claim", json={"version": case.version})).json()
        answer = await desk.post(
            f"/api/v1/cases/{case.case_id}/shelve",
            json={"version": held["version"], "lease_id": held["lease_id"], "note": "fitter at four", "shelf_s": 3600},
        )
        assert answer.status_code == status, answer.text
