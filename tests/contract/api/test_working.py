"""While a desk works on a case: steps, calls, more people, what was before, and the home's last hours."""

from datetime import timedelta
from typing import Any

import pytest

from tests.contract.api.office import Desk, Office
from tests.contract.api.test_cases import claim

pytestmark = pytest.mark.services


async def act(desk: Desk, state: dict[str, Any], what: str, **fields: Any) -> dict[str, Any]:
    body = {"version": state["version"], "lease_id": state["lease_id"]} | fields
    answer = await desk.post(f"/api/v1/cases/{state['case_id']}/{what}", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def detail(desk: Desk, case_id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await desk.get(f"/api/v1/cases/{case_id}")).json()
    return found


async def test_steps_and_calls_stand_in_the_record_that_the_next_desk_reads(office: Office) -> None:
    case = await office.admit("shen")
    first, second = await office.desk("desk-1"), await office.desk("desk-2")
    state: dict[str, Any] = await claim(first, case.case_id, case.version)
    contacts = (await detail(first, case.case_id))["contacts"]
    state = await act(first, state, "step", step="spoke")
    state = await act(first, state, "call", resident_id="shen-ada", result="no_answer")
    state = await act(first, state, "call", contact_id=contacts[0]["contact_id"], result="reached", note="她马上过去")
    await act(first, state, "release")
    found = await detail(second, case.case_id)
    assert [(step["code"], step["actor"]) for step in found["steps"]] == [("spoke", "desk-1")]
    assert [(call["resident_id"], call["contact_id"], call["result"]) for call in found["calls"]] == [
        ("shen-ada", None, "no_answer"), (None, contacts[0]["contact_id"], "reached"),
    ]  # fmt: skip
    lines = [line for line in found["audit"] if line["action"] in ("stepped", "called")]
    assert [(line["reason"]["zh"], line["reason"]["en"], line["note"]) for line in lines] == [
        ("已完成步骤：已与住户或在场的人通话，或已派人到场", "Done: Spoke with the resident or somebody there, or sent somebody", ""),
        ("拨打住户：无人接听", "Called the resident: No answer", ""),
        ("拨打第 1 联系人 (女儿)：已接通", "Called contact 1 (女儿): Reached", "她马上过去"),
    ]  # fmt: skip
    names = office.sql("SELECT count(*) FROM audit WHERE strpos(facts::text, '沈桂芳') > 0")
    assert names == [(0,)], "the history outlives the record, so it names nobody"


async def test_only_who_belongs_to_the_home_is_rung_up_and_only_by_who_has_the_case(office: Office) -> None:
    case = await office.admit("shen")
    desk, other = await office.desk("desk-1"), await office.desk("desk-2")
    state = await claim(desk, case.case_id, case.version)
    url = f"/api/v1/cases/{case.case_id}/call"
    held = {"version": state["version"], "lease_id": state["lease_id"], "result": "busy"}
    for wrong, status in (
        ({"resident_id": "luo-ying"}, 404), ({"contact_id": 999_999}, 404), ({}, 422),
        ({"resident_id": "shen-ada", "contact_id": 1}, 422), ({"resident_id": "shen-ada", "result": "perhaps"}, 422),
        ({"resident_id": "shen-ada", "version": 1}, 409),
    ):  # fmt: skip
        assert (await desk.post(url, json=held | wrong)).status_code == status, wrong
    stolen = await other.post(url, json=held | {"resident_id": "shen-ada"})
    assert (stolen.status_code, stolen.json()["held_by"]) == (409, "desk-1")
    assert (await detail(desk, case.case_id))["calls"] == []


async def test_a_desk_tells_the_next_of_the_ladder_now_until_there_is_nobody_above(office: Office) -> None:
    case = await office.admit("shen")
    desk = await office.desk("desk-1")
    url = f"/api/v1/cases/{case.case_id}/escalate"
    waiting = (await desk.post(url, json={"version": case.version})).json()
    assert (waiting["handling"], waiting["rung"]) == ("QUEUED", 1)
    state: dict[str, Any] = await claim(desk, case.case_id, waiting["version"])
    without = await desk.post(url, json={"version": state["version"]})
    assert without.status_code == 409, "of a case that somebody has he says so himself"
    state = await act(desk, state, "escalate")
    state = await act(desk, state, "escalate", note="两人被困")
    assert state["rung"] == 3
    refused = await desk.post(url, json={"version": state["version"], "lease_id": state["lease_id"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "nothing_above")
    line = [line for line in (await detail(desk, case.case_id))["audit"] if line["action"] == "escalated"][-1]
    assert (line["actor"], line["note"]) == ("desk-1", "两人被困")
    assert line["reason"]["zh"] == "desk-1 请求支援，升级至第 3 级：备份中心与亲属"
    assert office.sql("SELECT called_rungs FROM cases") == [([2, 3],)]


async def test_the_last_ten_incidents_of_the_home_are_told_newest_first_and_the_reading_is_written_down(
    office: Office,
) -> None:
    desk = await office.desk("desk-1")
    for _ in range(11):
        old = await office.admit("shen")
        state: dict[str, Any] = await claim(desk, old.case_id, old.version)
        await act(desk, state, "resolve", outcome="accidental_press", contact="resident", steps=["spoke", "hurt"])
        office.clock.forward(10)
    await office.admit("luo")
    await office.admit("shen", test=True)
    now = await office.admit("shen")
    found = (await desk.get(f"/api/v1/cases/{now.case_id}/earlier")).json()["cases"]
    assert len(found) == 10
    assert now.case_id not in {each["case_id"] for each in found}
    assert found == sorted(found, key=lambda each: each["raised_at"], reverse=True)
    assert {(each["handling"], each["outcome"]["zh"]) for each in found} == {("RESOLVED", "误按")}
    views = office.sql("SELECT actor, home_id, facts->'residents'->>0 FROM audit WHERE facts->>'what' = 'earlier'")
    assert views == [("desk-1", "shen", "shen-ada")]


async def test_the_last_hours_are_counted_by_room_and_what_nobody_heard_is_unknown(office: Office) -> None:
    desk = await office.desk("desk-1")
    now = office.clock()
    case = await office.admit("shen")
    url = f"/api/v1/cases/{case.case_id}/activity"
    nothing = (await desk.get(url)).json()
    assert nothing["lines"] == []
    (whole,) = nothing["unknown"]
    assert (whole["from_at"], whole["to_at"]) == (nothing["from_at"], nothing["to_at"]), "never heard: all is unknown"

    def ago(minutes: float) -> object:
        return now - timedelta(minutes=minutes)

    office.sql(
        "UPDATE devices SET first_seen_at = %s, last_seen_at = %s, source = 'main' WHERE home_id = 'shen'",
        ago(540), now,
    )  # fmt: skip
    office.sql("INSERT INTO sources VALUES ('main', 0, 'wall', %s, %s)", ago(-1), now)
    office.sql("INSERT INTO unwatched VALUES ('main', %s, %s)", ago(240), ago(180))
    office.sql("DELETE FROM coverage_changes")
    # The same minute twice, one whose time is in doubt, one from too long ago, one of a device that is not the home's.
    said = ((65, "pir-1", 0), (64, "pir-1", 0), (64, "pir-1", 0), (200, "pir-1", 3), (500, "pir-1", 0), (5, "other", 0))
    for number, (minutes, device, clock) in enumerate(said):
        office.sql(
            "INSERT INTO reading_motion (home_id, device_id, event_at, received_at, clock, boot, seq, moving, cause)"
            " VALUES ('shen', %s, %s, now(), %s, 1, %s, true, 'pir')",
            device, ago(minutes), clock, number,
        )  # fmt: skip
    found = (await desk.get(url)).json()
    (line,) = found["lines"]
    assert (line["kind"], line["room"], sum(line["minutes"])) == ("motion", "living", 2)
    (deaf,) = found["unknown"]
    assert deaf["from_at"][:16] == f"{ago(240):%Y-%m-%dT%H:%M}"
    office.sql(
        "INSERT INTO coverage_changes (home_id, at, state, reasons) VALUES ('shen', %s, 'blind', '[]')", ago(120)
    )
    assert len((await desk.get(url)).json()["unknown"]) == 2
    assert office.sql("SELECT count(*) FROM audit WHERE facts->>'what' = 'activity'") == [(3,)]
    office.sql("DELETE FROM unwatched")
