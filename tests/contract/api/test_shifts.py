"""Shifts over the api and a real database: sitting down, too few, handing over with two signatures, the rota."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from alerts.channels import Result
from alerts.notices import Recipient
from alerts.shifts import ShiftKeeper
from storage import database
from tests.contract.api.office import PASSWORD, Desk, Office

pytestmark = pytest.mark.services

CENTRE = "330282"


class Nobody:
    """Channels that reach nobody: who is told is tried elsewhere."""

    async def send(self, recipient: Recipient, title: str, body: str) -> Result:
        return Result(False, "")


async def keep(office: Office) -> None:
    """What a twin of alerts does each second."""
    async with database.pool(office.conninfo, "test shifts", size=2) as opened:
        await ShiftKeeper(opened, office.store, Nobody(), office.clock).look()


async def centre(office: Office) -> Desk:
    """Two desks of one county, set up by the supervisor; she."""
    chief = await office.desk("chief")
    assert (await chief.post("/api/v1/centres", json={"area_prefix": CENTRE, "name": "慈溪"})).status_code == 200
    for desk_id in ("left", "right"):
        answer = await chief.post("/api/v1/desks", json={"desk_id": desk_id, "area_prefix": CENTRE})
        assert answer.status_code == 201, answer.text
    return chief


async def sit(desk: Desk, desk_id: str) -> dict[str, Any]:
    answer = await desk.post("/api/v1/shift/sign-on", json={"desk_id": desk_id})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def on_hold(office: Office, desk: Desk, **fields: Any) -> str:
    """A case that this desk has on hold for ten minutes."""
    case = await office.admit("shen", **fields)
    claimed = (await desk.post(f"/api/v1/cases/{case.case_id}/claim", json={"version": case.version})).json()
    held = await desk.post(
        f"/api/v1/cases/{case.case_id}/hold",
        json={
            "version": claimed["version"],
            "lease_id": claimed["lease_id"],
            "note": "女儿十分钟后回电",
            "hold_s": 600,
        },
    )
    assert held.status_code == 200, held.text
    return case.case_id


async def hand_over(desk: Desk, note: str = "", password: str = PASSWORD) -> dict[str, Any]:
    draft = (await desk.get("/api/v1/shift/handovers/draft")).json()
    answer = await desk.post(
        "/api/v1/shift/handovers", json={"state": draft["state"], "note": note, "password": password}
    )
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def take(desk: Desk, handover: dict[str, Any], password: str = PASSWORD) -> Any:
    path = f"/api/v1/shift/handovers/{handover['handover_id']}/take"
    return await desk.post(path, json={"digest": handover["digest"], "password": password})


STOVE = {"detector": "stove_unattended", "family": "stove", "score": 2, "reason": "stove_unattended.forgotten"}


async def test_one_alone_is_too_few_and_two_are_enough(office: Office) -> None:
    await centre(office)
    one, two = await office.desk("desk-1"), await office.desk("desk-2")
    (found,) = (await sit(one, "left"))["centres"]
    assert (found["on_duty"], found["short"]) == (1, True)
    (found,) = (await sit(two, "right"))["centres"]
    assert (found["on_duty"], found["short"]) == (2, False)
    assert (await two.post("/api/v1/shift/sign-off")).status_code == 200
    (found,) = (await one.get("/api/v1/shift")).json()["centres"]
    assert found["short"] is True


async def test_a_desk_seats_one_and_one_sits_at_one_desk(office: Office) -> None:
    await centre(office)
    one, two = await office.desk("desk-1"), await office.desk("desk-2")
    await sit(one, "left")
    refused = await two.post("/api/v1/shift/sign-on", json={"desk_id": "left"})
    assert (refused.status_code, refused.json()["code"]) == (409, "desk_taken")
    await sit(one, "right")
    await sit(two, "left")
    assert office.sql("SELECT user_name, desk_id FROM sign_ons WHERE ended_at IS NULL ORDER BY 1") == [
        ("desk-1", "right"), ("desk-2", "left"),
    ]  # fmt: skip


async def test_a_page_that_stays_is_on_duty_and_one_that_is_heard_no_more_is_not(office: Office) -> None:
    await centre(office)
    one = await office.desk("desk-1")
    await sit(one, "left")
    office.clock.forward(60)
    assert (await one.post("/api/v1/shift/here")).json()["mine"]["desk_id"] == "left"
    office.clock.forward(89)
    await keep(office)
    assert (await one.get("/api/v1/shift")).json()["mine"] is not None
    office.clock.forward(1)
    await keep(office)
    assert (await one.post("/api/v1/shift/here")).json()["mine"] is None, "it is not signed on again by itself"


async def test_two_signatures_pass_the_promises_on_and_the_paper_stays_as_it_is(office: Office) -> None:
    await centre(office)
    one, two = await office.desk("desk-1"), await office.desk("desk-2")
    await sit(one, "left")
    case_id = await on_hold(office, one, **STOVE)
    paper = await hand_over(one, note="炉子那家女儿会回电")
    assert [(each["case_id"], each["handling"]) for each in paper["left"]["in_hand"]] == [(case_id, "HELD")]
    waiting = (await two.get("/api/v1/shift")).json()["handovers"]
    assert [each["handover_id"] for each in waiting] == [paper["handover_id"]]
    await keep(office)
    assert (await office.store.case(case_id)).case.desk_id == "desk-1", "one signature moves nothing"
    taken = await take(two, paper)
    assert (taken.status_code, taken.json()["to_user"], taken.json()["as_signed"]) == (200, "desk-2", True)
    await keep(office)
    case = (await office.store.case(case_id)).case
    assert (case.handling, case.desk_id) == ("HELD", "desk-2")
    assert (await two.get("/api/v1/shift")).json()["mine"]["desk_id"] == "left", "who sat nowhere has his desk"
    assert office.sql("SELECT ended_why, successor FROM sign_ons WHERE user_name = 'desk-1'") == [
        ("handed_over", "desk-2")
    ]
    assert office.sql("SELECT part, user_name FROM handover_signatures ORDER BY part") == [
        ("gives", "desk-1"),
        ("takes", "desk-2"),
    ]
    assert [action for (action,) in office.sql("SELECT action FROM audit WHERE action LIKE 'handover%%' ORDER BY audit_id")] == [
        "handover_written", "handover_taken",
    ]  # fmt: skip
    for statement in ("UPDATE shift_handovers SET from_user = 'x'", "DELETE FROM handover_signatures"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            office.sql(statement)
    listed = (await one.get("/api/v1/shift/handovers")).json()["handovers"]
    assert [(each["to_user"], each["waits"], each["note"]) for each in listed] == [
        ("desk-2", False, "炉子那家女儿会回电")
    ]


async def test_who_took_over_sees_the_call_backs_in_his_own_paper_and_gets_them_when_they_are_due(
    office: Office,
) -> None:
    await centre(office)
    one, two = await office.desk("desk-1"), await office.desk("desk-2")
    await sit(one, "left")
    case = await office.admit("shen", **STOVE)
    claimed = (await one.post(f"/api/v1/cases/{case.case_id}/claim", json={"version": case.version})).json()
    ended = await one.post(
        f"/api/v1/cases/{case.case_id}/resolve",
        json={"version": claimed["version"], "lease_id": claimed["lease_id"], "note": "", "outcome": "sensor_false", "contact": "kin",
              "steps": ["off"], "follow_up_s": 600},
    )  # fmt: skip
    assert ended.status_code == 200, ended.text
    paper = await hand_over(one)
    assert [each["case_id"] for each in paper["left"]["call_backs"]] == [case.case_id]
    assert (await take(two, paper)).status_code == 200
    await keep(office)
    draft = (await two.get("/api/v1/shift/handovers/draft")).json()
    assert [(each["case_id"], each["resolved_by"]) for each in draft["left"]["call_backs"]] == [
        (case.case_id, "desk-1")
    ]
    office.clock.forward(600)
    await two.post("/api/v1/shift/here")
    await office.store.fire_due(office.clock())
    await keep(office)
    offers = (await two.get("/api/v1/shift")).json()["offers"]
    assert [(each["case_id"], each["user_name"], each["why"]) for each in offers] == [
        (case.case_id, "desk-2", "promise")
    ]


async def test_what_changed_since_it_was_written_is_not_signed(office: Office) -> None:
    await centre(office)
    one, two = await office.desk("desk-1"), await office.desk("desk-2")
    await sit(one, "left")
    draft = (await one.get("/api/v1/shift/handovers/draft")).json()
    await on_hold(office, one, **STOVE)
    late = await one.post("/api/v1/shift/handovers", json={"state": draft["state"], "password": PASSWORD})
    assert (late.status_code, late.json()["code"]) == (409, "handover_outdated")
    first = await hand_over(one)
    await on_hold(
        office, one, **(STOVE | {"detector": "water_running", "family": "water", "reason": "water_running.running"})
    )
    assert (await take(two, first)).json()["code"] == "handover_outdated"
    second = await hand_over(one)
    assert (await take(two, first)).status_code == 409, "the newer one stands in its place"
    assert (await take(two, second)).status_code == 200
    assert (await take(two, second)).status_code == 409, "it is signed"


async def test_a_wrong_password_signs_nothing_and_counts_and_nobody_takes_over_from_himself(office: Office) -> None:
    await centre(office)
    one, two = await office.desk("desk-1"), await office.desk("desk-2")
    await sit(one, "left")
    draft = (await one.get("/api/v1/shift/handovers/draft")).json()
    for _ in range(5):
        wrong = await one.post("/api/v1/shift/handovers", json={"state": draft["state"], "password": "guessed"})
        assert (wrong.status_code, wrong.json()["code"]) == (422, "wrong_signature")
    locked = await one.post("/api/v1/shift/handovers", json={"state": draft["state"], "password": PASSWORD})
    assert locked.json()["code"] == "wrong_signature", "an open page is no place to try passwords"
    assert office.sql("SELECT count(*) FROM shift_handovers") == [(0,)]
    office.clock.forward(6)
    paper = await hand_over(one)
    assert (await take(one, paper)).status_code == 422
    assert (await take(two, paper, "guessed")).json()["code"] == "wrong_signature"
    assert (await take(two, paper | {"digest": "0" * 64})).json()["code"] == "handover_outdated"


async def test_the_rota_says_who_is_missing_and_when_too_few_are_planned(office: Office) -> None:
    chief = await centre(office)
    begin = office.clock()
    for user, hours in (("desk-1", 8), ("desk-2", 4)):
        duty = {
            "user_name": user,
            "area_prefix": CENTRE,
            "from_at": begin.isoformat(),
            "to_at": (begin + timedelta(hours=hours)).isoformat(),
        }
        assert (await chief.post("/api/v1/rota", json=duty)).status_code == 201
        assert (await chief.post("/api/v1/rota", json=duty)).status_code == 422, "planned already"
    one = await office.desk("desk-1")
    office.clock.forward(1)
    assert [each["user_name"] for each in (await sit(one, "left"))["absent"]] == ["desk-2"]
    rota = (await one.get("/api/v1/rota", params={"days": 1})).json()
    assert [(each["planned"], each["least"]) for each in rota["thin"]] == [(1, 2), (0, 2)]
    unknown = {
        "user_name": "daughter",
        "area_prefix": CENTRE,
        "from_at": begin.isoformat(),
        "to_at": (begin + timedelta(hours=1)).isoformat(),
    }
    assert (await chief.post("/api/v1/rota", json=unknown)).status_code == 422, "kin keep no watch"
    duty_id = next(each["duty_id"] for each in rota["duties"] if each["user_name"] == "desk-2")
    assert (await chief.delete(f"/api/v1/rota/{duty_id}")).status_code == 200
    assert (await chief.delete(f"/api/v1/rota/{duty_id}")).status_code == 404
