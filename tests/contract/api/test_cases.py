"""What desks may do with cases: one wins, a stale page changes nothing, everything is in the history."""

import asyncio

import pytest

from tests.contract.api.office import Desk, Office

pytestmark = pytest.mark.services


async def claim(desk: Desk, case_id: str, version: int) -> dict[str, object]:
    answer = await desk.post(f"/api/v1/cases/{case_id}/claim", json={"version": version})
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.json()
    return found


async def test_a_call_for_help_is_in_the_queue_with_its_sentence_in_both_languages(office: Office) -> None:
    case = await office.admit("shen")
    desk = await office.desk("desk-1")
    page = (await desk.get("/api/v1/cases")).json()
    assert page["total"] == 1
    (row,) = page["cases"]
    assert (row["case_id"], row["priority"], row["handling"]) == (case.case_id, 1, "QUEUED")
    assert row["reasons"] == [
        {"key": "call.press", "zh": "住户按下了求助按钮", "en": "The help button was pressed", "on": True}
    ]
    assert "name" not in row
    assert "phone" not in row


async def test_the_queue_goes_by_priority_then_deadline_and_can_go_by_time(office: Office) -> None:
    stove = await office.admit("shen", family="stove", reason="stove_unattended.forgotten", score=3)
    office.clock.forward(1)
    water = await office.admit("shen", family="water", reason="water_running.leak", score=1)
    office.clock.forward(1)
    call = await office.admit("luo")
    desk = await office.desk("desk-1")
    by_priority = [row["case_id"] for row in (await desk.get("/api/v1/cases")).json()["cases"]]
    assert by_priority == [call.case_id, stove.case_id, water.case_id]
    by_time = [row["case_id"] for row in (await desk.get("/api/v1/cases?order=time")).json()["cases"]]
    assert by_time == [stove.case_id, water.case_id, call.case_id]


async def test_the_list_can_be_narrowed_and_paged(office: Office) -> None:
    for family in ("sos", "smoke", "gas", "co"):
        await office.admit("shen", family=family)
    desk = await office.desk("desk-1")
    first = (await desk.get("/api/v1/cases?limit=3")).json()
    rest = (await desk.get("/api/v1/cases?limit=3&offset=3")).json()
    assert (len(first["cases"]), len(rest["cases"]), first["total"]) == (3, 1, 4)
    assert [row["family"] for row in (await desk.get("/api/v1/cases?family=gas")).json()["cases"]] == ["gas"]
    assert (await desk.get("/api/v1/cases?mine=true")).json()["total"] == 0
    assert (await desk.get("/api/v1/cases?priority=9")).status_code == 422


async def test_one_case_holds_all_that_a_desk_needs(office: Office) -> None:
    case = await office.admit("shen")
    detail = (await (await office.desk("desk-1")).get(f"/api/v1/cases/{case.case_id}")).json()
    assert detail["home"]["address"] == "虞波社区 3 幢 402 室"
    assert [person["phone"] for person in detail["residents"]] == ["+86 138 0000 0001"]
    assert [contact["name"] for contact in detail["contacts"]] == ["沈桂芳", "沈国强"], "in the order of calling"
    assert detail["signal_list"][0]["reason"]["zh"] == "住户按下了求助按钮"
    assert [each["key"] for each in detail["evidence"]] == ["evidence.first"]
    assert detail["evidence"][0]["zh"].startswith("最可信的信号：求助按钮")
    assert detail["audit"][0]["action"] == "raised"
    assert detail["coverage"]["state"] == "blind", "no device of this home was ever heard"
    assert detail["coverage"]["reasons"] != []


async def test_a_smoke_alarm_that_is_over_is_still_shown_to_have_been_one(office: Office) -> None:
    first = await office.admit("shen", family="smoke", reason="smoke.alarm", detector="smoke", started_at_s=1_000.0)
    await office.admit(
        "shen", family="smoke", reason="smoke.over", detector="smoke", started_at_s=1_000.0, revision=2, on=False
    )
    desk = await office.desk("desk-1")
    (row,) = (await desk.get("/api/v1/cases")).json()["cases"]
    assert [(each["key"], each["on"]) for each in row["reasons"]] == [("smoke.alarm", True), ("smoke.over", False)]
    after = await claim(desk, first.case_id, row["version"])
    assert after["reasons"] == row["reasons"]


async def test_each_reading_of_a_case_is_in_the_audit(office: Office) -> None:
    case = await office.admit("shen")
    desk = await office.desk("desk-2")
    for _ in range(2):
        await desk.get(f"/api/v1/cases/{case.case_id}")
    views = office.sql("SELECT actor, case_id, home_id FROM audit WHERE action = 'viewed'")
    assert views == [("desk-2", case.case_id, "shen")] * 2


async def test_a_case_of_an_unregistered_home_is_shown_to_every_desk(office: Office) -> None:
    case = await office.admit("nobody-knows")
    desk = await office.desk("desk-cixi")
    assert [row["case_id"] for row in (await desk.get("/api/v1/cases")).json()["cases"]] == [case.case_id]
    detail = (await desk.get(f"/api/v1/cases/{case.case_id}")).json()
    assert (detail["home"], detail["residents"], detail["contacts"]) == (None, [], [])


async def test_a_desk_sees_its_area_and_does_not_learn_of_others(office: Office) -> None:
    here, there = await office.admit("shen"), await office.admit("luo")
    desk = await office.desk("desk-cixi")
    assert [row["case_id"] for row in (await desk.get("/api/v1/cases")).json()["cases"]] == [here.case_id]
    other = await desk.get(f"/api/v1/cases/{there.case_id}")
    none = await desk.get("/api/v1/cases/00000000-0000-5000-8000-000000000000")
    assert (other.status_code, none.status_code) == (404, 404)
    assert other.json() | {"detail": ""} == none.json() | {"detail": ""}
    refused = await desk.post(f"/api/v1/cases/{there.case_id}/claim", json={"version": there.version})
    assert refused.status_code == 404


async def test_of_ten_desks_that_claim_at_once_exactly_one_gets_the_case(office: Office) -> None:
    case = await office.admit("shen")
    desks = [await office.desk("desk-1" if n % 2 else "desk-2") for n in range(10)]
    answers = await asyncio.gather(
        *(desk.post(f"/api/v1/cases/{case.case_id}/claim", json={"version": case.version}) for desk in desks)
    )
    winners = [answer for answer in answers if answer.status_code == 200]
    assert len(winners) == 1
    for answer in answers:
        if answer.status_code != 200:
            assert answer.status_code == 409
            assert answer.json()["held_by"] == winners[0].json()["desk_id"]


async def test_a_claim_with_an_old_version_is_refused_and_says_who_holds_it(office: Office) -> None:
    case = await office.admit("shen")
    first, second = await office.desk("desk-1"), await office.desk("desk-2")
    after = await claim(first, case.case_id, case.version)
    refused = await second.post(f"/api/v1/cases/{case.case_id}/claim", json={"version": case.version})
    problem = refused.json()
    assert (refused.status_code, problem["held_by"], problem["version"]) == (409, "desk-1", after["version"])
    assert refused.headers["content-type"] == "application/problem+json"
    assert problem["detail"]
    assert (await first.get(f"/api/v1/cases/{case.case_id}")).json()["version"] == after["version"], (
        "nothing was changed"
    )


async def test_the_lease_is_shown_to_its_holder_alone(office: Office) -> None:
    case = await office.admit("shen")
    first, second = await office.desk("desk-1"), await office.desk("desk-2")
    after = await claim(first, case.case_id, case.version)
    assert after["lease_id"]
    assert (await first.get(f"/api/v1/cases/{case.case_id}")).json()["lease_id"] == after["lease_id"]
    seen = await second.get(f"/api/v1/cases/{case.case_id}")
    assert seen.json()["lease_id"] is None
    assert str(after["lease_id"]) not in seen.text


async def test_from_claim_to_the_end_each_step_is_done_once_and_written_down(office: Office) -> None:
    case = await office.admit("shen")
    desk = await office.desk("desk-1")
    state = await claim(desk, case.case_id, case.version)
    lease = state["lease_id"]
    for step, handling in (("verify", "VERIFYING"), ("dispatch", "DISPATCHED"), ("arrive", "ON_SCENE")):
        body = {"version": state["version"], "lease_id": lease, "note": "社区王医生"}
        answer = await desk.post(f"/api/v1/cases/{case.case_id}/{step}", json=body)
        assert answer.status_code == 200, answer.text
        state = answer.json()
        assert state["handling"] == handling
    answer = await desk.post(f"/api/v1/cases/{case.case_id}/note", json={"text": "人清醒"})
    assert answer.status_code == 200
    state = answer.json()
    body = {
        "version": state["version"],
        "lease_id": lease,
        "outcome": "fall_not_injured",
        "note": "已扶起",
        "contact": "resident",
        "steps": ["spoke", "hurt"],
    }
    answer = await desk.post(f"/api/v1/cases/{case.case_id}/resolve", json=body)
    assert (answer.status_code, answer.json()["handling"]) == (200, "RESOLVED")
    assert (await desk.get("/api/v1/cases")).json()["total"] == 0
    history = (await desk.get(f"/api/v1/cases/{case.case_id}")).json()["audit"]
    assert [line["action"] for line in history if line["actor"] == "desk-1"] == [
        "claimed", "verifying", "dispatched", "on_scene", "noted", "resolved",
    ]  # fmt: skip
    assert [line["note"] for line in history if line["action"] in ("noted", "resolved")] == ["人清醒", "已扶起"]
    assert all(line["reason"]["zh"] != line["reason"]["key"] for line in history if line["reason"]["key"]), (
        "in words, not in keys"
    )


async def test_a_released_case_is_free_again_and_its_old_lease_is_worth_nothing(office: Office) -> None:
    case = await office.admit("shen")
    first, second = await office.desk("desk-1"), await office.desk("desk-2")
    held = await claim(first, case.case_id, case.version)
    answer = await first.post(
        f"/api/v1/cases/{case.case_id}/release", json={"version": held["version"], "lease_id": held["lease_id"]}
    )
    released = answer.json()
    assert (released["handling"], released["desk_id"], released["former_desk_id"]) == ("QUEUED", None, "desk-1")
    stale = await first.post(
        f"/api/v1/cases/{case.case_id}/verify", json={"version": released["version"], "lease_id": held["lease_id"]}
    )
    assert stale.status_code == 409
    assert (await claim(second, case.case_id, released["version"]))["desk_id"] == "desk-2"


async def test_leases_are_those_of_cases_that_one_has_in_hand_and_of_nobody_else(office: Office) -> None:
    one, held, others = (
        await office.admit("shen"),
        await office.admit("luo"),
        await office.admit("shen", family="smoke"),
    )
    first, second = await office.desk("desk-1"), await office.desk("desk-2")

    mine, waits = await claim(first, one.case_id, one.version), await claim(first, held.case_id, held.version)
    await claim(second, others.case_id, others.version)
    body = {"version": waits["version"], "lease_id": waits["lease_id"], "note": "等回电", "hold_s": 60}
    assert (await first.post(f"/api/v1/cases/{held.case_id}/hold", json=body)).status_code == 200
    leases = (await first.get("/api/v1/leases")).json()["leases"]
    assert leases == [{"case_id": one.case_id, "lease_id": mine["lease_id"]}]


async def test_activity_renews_the_lease_and_without_it_the_case_goes_back(office: Office) -> None:
    case = await office.admit("shen")
    desk = await office.desk("desk-1")
    held = await claim(desk, case.case_id, case.version)
    office.clock.forward(80)
    renewed = await desk.post(f"/api/v1/cases/{case.case_id}/renew", json={"lease_id": held["lease_id"]})
    assert renewed.status_code == 200
    assert renewed.json()["lease_until_at"] > str(held["lease_until_at"])
    office.clock.forward(91)
    await office.store.fire_due(office.clock())
    lost = await desk.post(f"/api/v1/cases/{case.case_id}/renew", json={"lease_id": held["lease_id"]})
    assert lost.status_code == 409
    row = (await desk.get("/api/v1/cases")).json()["cases"][0]
    assert (row["handling"], row["former_desk_id"]) == ("QUEUED", "desk-1")


async def test_somebody_elses_lease_opens_nothing(office: Office) -> None:
    case = await office.admit("shen")
    first, second = await office.desk("desk-1"), await office.desk("desk-2")
    held = await claim(first, case.case_id, case.version)
    body = {"version": held["version"], "lease_id": held["lease_id"], "outcome": "test", "note": ""}
    refused = await second.post(f"/api/v1/cases/{case.case_id}/resolve", json=body)
    assert refused.status_code == 409
    assert refused.json()["held_by"] == "desk-1"


@pytest.mark.parametrize(
    ("act", "extra", "code"),
    [
        ("resolve", {"outcome": "no such code", "note": ""}, "unknown_outcome"),
        ("dispatch", {"note": ""}, "missing_words"),
        ("hold", {"note": "等女儿回电", "hold_s": 3600}, "hold_too_long"),
        ("resolve", {"note": "no outcome"}, "bad_request"),
    ],
)
async def test_what_lacks_something_is_refused_and_says_what(
    office: Office, act: str, extra: dict[str, object], code: str
) -> None:
    case = await office.admit("shen")
    desk = await office.desk("desk-1")
    held = await claim(desk, case.case_id, case.version)
    body = {"version": held["version"], "lease_id": held["lease_id"], **extra}
    refused = await desk.post(f"/api/v1/cases/{case.case_id}/{act}", json=body)
    assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert (await desk.get(f"/api/v1/cases/{case.case_id}")).json()["handling"] == "CLAIMED"


async def test_a_hold_ends_and_alarms_again(office: Office) -> None:
    case = await office.admit("shen")
    desk = await office.desk("desk-1")
    held = await claim(desk, case.case_id, case.version)
    body = {"version": held["version"], "lease_id": held["lease_id"], "note": "等女儿回电", "hold_s": 60}
    waiting = await desk.post(f"/api/v1/cases/{case.case_id}/hold", json=body)
    assert waiting.json()["handling"] == "HELD"
    office.clock.forward(60)
    await office.store.fire_due(office.clock())
    assert (await desk.get("/api/v1/cases")).json()["cases"][0]["handling"] != "HELD"


async def test_a_resolved_case_can_be_reopened_with_a_reason(office: Office) -> None:
    case = await office.admit("shen")
    desk = await office.desk("desk-1")
    held = await claim(desk, case.case_id, case.version)
    body = {
        "version": held["version"],
        "lease_id": held["lease_id"],
        "outcome": "accidental_press",
        "note": "误按",
        "contact": "resident",
        "steps": ["spoke", "hurt"],
    }
    done = (await desk.post(f"/api/v1/cases/{case.case_id}/resolve", json=body)).json()
    again = await desk.post(
        f"/api/v1/cases/{case.case_id}/reopen", json={"version": done["version"], "reason": "又打不通了"}
    )
    assert (again.status_code, again.json()["handling"]) == (200, "QUEUED")


@pytest.mark.parametrize("version", [0, -1, 2**40, "many", None])
async def test_a_version_that_cannot_be_is_refused(office: Office, version: object) -> None:
    case = await office.admit("shen")
    refused = await (await office.desk("desk-1")).post(f"/api/v1/cases/{case.case_id}/claim", json={"version": version})
    assert (refused.status_code, refused.json()["code"]) == (422, "bad_request")


async def test_a_nul_in_a_note_is_refused_and_the_case_is_as_it_was(office: Office) -> None:
    case = await office.admit("shen")
    desk = await office.desk("desk-1")
    refused = await desk.post(f"/api/v1/cases/{case.case_id}/note", json={"text": "a\x00b"})
    assert (refused.status_code, refused.json()["code"]) == (422, "bad_request")
    assert (await desk.get(f"/api/v1/cases/{case.case_id}")).json()["version"] == case.version


async def test_outcomes_are_in_both_languages(office: Office) -> None:
    outcomes = (await (await office.desk("desk-1")).get("/api/v1/outcomes")).json()["outcomes"]
    assert {
        "code": "accidental_press",
        "zh": "误按",
        "en": "Pressed by accident",
        "true_alarm": False,
        "false_alarm": True,
    } in outcomes


async def test_two_cases_of_a_home_become_one_and_of_two_homes_do_not(office: Office) -> None:
    fall = await office.admit("shen", detector="fall_room", family="fall", score=2)
    sos, elsewhere = await office.admit("shen"), await office.admit("luo")
    desk = await office.desk("desk-1")
    held = await claim(desk, fall.case_id, fall.version)
    body = {"version": held["version"], "lease_id": held["lease_id"], "note": "一件事"}
    refused = await desk.post(f"/api/v1/cases/{fall.case_id}/merge", json=body | {"into": elsewhere.case_id})
    assert (refused.status_code, refused.json()["code"]) == (422, "not_mergeable")
    nowhere = await desk.post(f"/api/v1/cases/{fall.case_id}/merge", json=body | {"into": fall.case_id[:-4] + "0000"})
    assert nowhere.status_code == 404
    done = await desk.post(f"/api/v1/cases/{fall.case_id}/merge", json=body | {"into": sos.case_id})
    assert (done.status_code, done.json()["handling"]) == (200, "MERGED")
    assert [
        case["case_id"]
        for case in (await desk.get("/api/v1/cases?mine=false")).json()["cases"]
        if case["home_id"] == "shen"
    ] == [sos.case_id]
    history = (await desk.get(f"/api/v1/cases/{sos.case_id}")).json()["audit"]
    assert any("将另一件警情" in str(line) for line in history)
