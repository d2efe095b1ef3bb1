"""Those who go there: asked, accepted, arrived against the service circle, left with a result, credited; and visits that are overdue."""

from datetime import timedelta

import pytest

from contracts.home_cards import decode
from tests.contract.api.office import Office

pytestmark = pytest.mark.services


@pytest.fixture(autouse=True)
def no_visits(office: Office) -> None:
    office.sql("DELETE FROM visits")
    office.sql("UPDATE residents SET groups = '{}'")


async def asked(office: Office, user_name: str = "lin") -> str:
    case = await office.admit("shen")
    answer = await (await office.desk("desk-1")).post(
        f"/api/v1/cases/{case.case_id}/helpers", json={"user_name": user_name}
    )
    assert answer.status_code == 201, answer.text
    return case.case_id


async def test_a_volunteer_goes_reports_and_is_credited(office: Office) -> None:
    case_id = await asked(office)
    lin, desk = await office.desk("lin"), await office.desk("desk-1")
    (task,) = (await lin.get("/api/v1/helper")).json()["tasks"]
    assert (task["state"], task["address"], task["residents"], task["late"]) == (
        "asked",
        "虞波社区 3 幢 402 室",
        ["沈阿大"],
        False,
    )
    for state, after_s in (("accepted", 60), ("on_way", 120), ("arrived", 240)):
        office.clock.forward(after_s)
        assert (await lin.post(f"/api/v1/helper/tasks/{case_id}", json={"state": state})).status_code == 200
    office.clock.forward(300)
    left = {"state": "left", "result": "helped", "note": "扶起，无伤"}
    assert (await lin.post(f"/api/v1/helper/tasks/{case_id}", json=left)).status_code == 200
    page = (await lin.get("/api/v1/helper")).json()
    assert (page["tasks"], page["hours"]) == ([], round((240 + 300) / 3600, 2))
    (response,) = (await desk.get(f"/api/v1/cases/{case_id}/helpers")).json()["responses"]
    assert (response["state"], response["result"], response["late"]) == ("left", "helped", False)
    notes = [
        row["note"] for row in (await desk.get(f"/api/v1/cases/{case_id}")).json()["audit"] if row["actor"] == "lin"
    ]
    assert any("7 min" in note for note in notes)
    assert any("扶起" in note for note in notes)
    table = (
        await (await office.desk("chief")).get(
            "/api/v1/helper-hours", params={"to_at": (office.clock() + timedelta(hours=1)).isoformat()}
        )
    ).text
    assert table.splitlines()[1].startswith(f"lin,林志愿,volunteer,case,{case_id},")
    assert table.splitlines()[1].endswith(",0.15")


@pytest.mark.parametrize(("setting", "late"), [("town", True), ("country", False)])
async def test_arrival_is_held_against_the_service_circle(office: Office, setting: str, late: bool) -> None:
    office.sql("UPDATE homes SET setting = %s WHERE home_id = 'shen'", setting)
    try:
        case_id = await asked(office)
        lin = await office.desk("lin")
        await lin.post(f"/api/v1/helper/tasks/{case_id}", json={"state": "accepted"})
        office.clock.forward(601)
        await lin.post(f"/api/v1/helper/tasks/{case_id}", json={"state": "arrived"})
        (response,) = (await (await office.desk("desk-1")).get(f"/api/v1/cases/{case_id}/helpers")).json()["responses"]
        assert response["late"] is late
    finally:
        office.sql("UPDATE homes SET setting = 'town' WHERE home_id = 'shen'")


async def test_no_step_is_made_twice_or_out_of_order_or_by_somebody_else(office: Office) -> None:
    case_id = await asked(office)
    lin, mei = await office.desk("lin"), await office.desk("mei")
    path = f"/api/v1/helper/tasks/{case_id}"
    assert (await lin.post(path, json={"state": "arrived"})).status_code == 404
    assert (await mei.post(path, json={"state": "accepted"})).status_code == 404
    assert [(await lin.post(path, json={"state": "accepted"})).status_code for _ in range(2)] == [200, 404]
    await lin.post(path, json={"state": "arrived"})
    assert (await lin.post(path, json={"state": "left"})).status_code == 422, "what came of it?"


async def test_who_declined_may_be_asked_again_and_nobody_of_another_area_at_all(office: Office) -> None:
    case_id = await asked(office)
    lin, desk = await office.desk("lin"), await office.desk("desk-1")
    again = {"user_name": "lin"}
    assert (await desk.post(f"/api/v1/cases/{case_id}/helpers", json=again)).status_code == 422
    await lin.post(f"/api/v1/helper/tasks/{case_id}", json={"state": "declined"})
    assert (await lin.get("/api/v1/helper")).json()["tasks"] == []
    assert (await desk.post(f"/api/v1/cases/{case_id}/helpers", json=again)).status_code == 201
    far = await office.admit("luo")
    assert (await desk.post(f"/api/v1/cases/{far.case_id}/helpers", json=again)).status_code == 422
    assert (await desk.get(f"/api/v1/cases/{far.case_id}/helpers")).json()["near"] == []


async def test_a_week_without_a_visit_turns_up_with_the_community_until_somebody_was_met(office: Office) -> None:
    chief, mei, lin, desk = [await office.desk(name) for name in ("chief", "mei", "lin", "desk-1")]
    office.sql("UPDATE homes SET created_at = %s", office.clock() - timedelta(days=8))
    assert (await mei.get("/api/v1/helper")).json()["visits"] == [], "of no group that the rules name"
    assert (await chief.put("/api/v1/residents/shen-ada/groups", json={"groups": ["alone"]})).status_code == 200
    (due,) = (await mei.get("/api/v1/helper")).json()["visits"]
    assert (due["resident_id"], due["overdue"], due["last_at"]) == ("shen-ada", True, None)
    assert [row["resident_id"] for row in (await desk.get("/api/v1/visits")).json()["visits"]] == ["shen-ada"]
    assert (await lin.get("/api/v1/helper")).json()["visits"] == [], (
        "a volunteer sees where he was asked to go, and nobody else"
    )
    visit = {"resident_id": "shen-ada", "how": "door", "minutes": 30}
    assert (await lin.post("/api/v1/helper/visits", json=visit | {"result": "well"})).status_code == 404
    assert (
        await mei.post("/api/v1/helper/visits", json=visit | {"result": "well", "resident_id": "luo-ying"})
    ).status_code == 404
    await mei.post("/api/v1/helper/visits", json=visit | {"result": "not_met"})
    assert (await mei.get("/api/v1/helper")).json()["visits"][0]["overdue"] is True
    office.clock.forward(60)
    await mei.post("/api/v1/helper/visits", json=visit | {"result": "well"})
    page = (await mei.get("/api/v1/helper")).json()
    assert (page["visits"][0]["overdue"], page["hours"]) == (False, 1.0)
    office.clock.forward(7 * 86_400 - 1_801)
    assert (await (await office.desk("desk-1")).get("/api/v1/visits")).json()["visits"] == []
    office.clock.forward(2)
    assert len((await (await office.desk("desk-1")).get("/api/v1/visits")).json()["visits"]) == 1


async def test_an_assessment_sets_the_care_level_of_card_priority_and_visits(office: Office) -> None:
    chief = await office.desk("chief")
    body = {"level": 4, "assessed_on": "2026-11-01", "assessor": "评估中心"}
    try:
        answer = await chief.post("/api/v1/residents/shen-ada/assessments", json=body)
        assert answer.json() == {"home_id": "shen", "care_level": 4}
        (packed,) = office.sql("SELECT card FROM home_cards WHERE home_id = 'shen'")[0]
        assert decode(bytes(packed)).care_level == 4
        later = await chief.post(
            "/api/v1/residents/shen-ada/assessments", json=body | {"level": 2, "assessed_on": "2026-11-20"}
        )
        assert later.json()["care_level"] == 2, "the newest counts"
        former = await chief.post(
            "/api/v1/residents/shen-ada/assessments", json=body | {"level": 5, "assessed_on": "2026-10-01"}
        )
        assert former.json()["care_level"] == 2, "an old paper that comes late changes nothing"
    finally:
        office.sql("DELETE FROM assessments")
        office.sql("UPDATE homes SET care_level = 2 WHERE home_id = 'shen'")


async def test_whom_a_helper_s_page_showed_stands_in_the_views_once(office: Office) -> None:
    await asked(office)
    lin = await office.desk("lin")
    for _ in range(3):
        assert (await lin.get("/api/v1/helper")).status_code == 200
    views = (await (await office.desk("chief")).get("/api/v1/views", params={"actor": "lin"})).json()["views"]
    assert len(views) == 1
    assert "shen-ada" in str(views)


async def test_a_desk_reads_where_the_care_level_comes_from_and_what_helpers_gave(office: Office) -> None:
    chief, mei = await office.desk("chief"), await office.desk("mei")
    try:
        await chief.put("/api/v1/residents/shen-ada/groups", json={"groups": ["alone", "bereaved"]})
        await chief.post("/api/v1/residents/shen-ada/assessments", json={"level": 3, "assessed_on": "2026-11-01", "assessor": "评估中心"})  # fmt: skip
        await mei.post("/api/v1/helper/visits", json={"resident_id": "shen-ada", "how": "door", "minutes": 30, "result": "well"})  # fmt: skip
        needs = (await (await office.desk("desk-1")).get("/api/v1/residents/shen-ada/needs")).json()
        assert (needs["groups"], needs["care_level"], needs["assessments"][0]["assessor"]) == (["alone", "bereaved"], 3, "评估中心")  # fmt: skip
        assert (needs["visits"][0]["user_name"], needs["due_at"] is not None) == ("mei", True)
        totals = (await chief.get("/api/v1/helper-hours/totals", params={"to_at": (office.clock() + timedelta(hours=1)).isoformat()})).json()  # fmt: skip
        assert [(each["user_name"], each["visits"], each["hours"]) for each in totals["helpers"]] == [("mei", 1, 0.5)]
    finally:
        office.sql("DELETE FROM assessments")
        office.sql("UPDATE homes SET care_level = 2 WHERE home_id = 'shen'")
