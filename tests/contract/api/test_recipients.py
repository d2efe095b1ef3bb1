"""Who is told, kept by supervisors and administrators: no address is read back, and each acts in his area."""

import pytest

from alerts.timescale import TimescaleCases
from storage import database
from tests.contract.api.office import Office, open_office

pytestmark = pytest.mark.services

CHIEF = {
    "recipient_id": "chief-phone",
    "kind": "supervisor",
    "name": "班长",
    "url": "json://127.0.0.1:9/secret-word",
    "area_prefix": "330282",
}


async def test_an_address_is_written_tried_paused_and_never_read_back(office: Office) -> None:
    chief = await office.desk("chief")
    assert (await chief.post("/api/v1/recipients", json=CHIEF)).status_code == 201
    assert (await chief.post("/api/v1/recipients", json=CHIEF)).status_code == 422, "the id is taken"
    duties = [{"weekday": 1, "from_minute": 480, "to_minute": 1200}]
    assert (await chief.put("/api/v1/recipients/chief-phone/duties", json={"duties": duties})).status_code == 200
    assert (await chief.post("/api/v1/recipients/chief-phone/trial")).status_code == 200
    assert (await chief.post("/api/v1/recipients/chief-phone/trial")).status_code == 429
    assert (await chief.put("/api/v1/recipients/chief-phone/paused", json={"paused": True})).status_code == 200
    answer = await chief.get("/api/v1/recipients")
    (row,) = answer.json()["recipients"]
    assert (row["enabled"], row["paused_by"], row["duties"][0]["to_minute"], row["trial_sent"]) == (
        False,
        "chief",
        1200,
        None,
    )
    assert "secret" not in answer.text
    assert "secret" not in str(office.sql("SELECT facts FROM audit"))
    assert (await chief.delete("/api/v1/recipients/chief-phone")).status_code == 200
    assert [action for (action,) in office.sql("SELECT action FROM audit WHERE facts ? 'recipient' ORDER BY audit_id")] == [
        "added_recipient", "put_duties", "tried_recipient", "paused_recipient", "dropped_recipient",
    ]  # fmt: skip


async def test_what_was_added_is_who_alerts_tells_and_a_paused_one_is_not(office: Office) -> None:
    chief = await office.desk("chief")
    kin = {
        "recipient_id": "son-phone",
        "kind": "kin",
        "home_id": "shen",
        "url": "json://127.0.0.1:9",
        "lowest_priority": 1,
    }
    assert (await chief.post("/api/v1/recipients", json=kin)).status_code == 422, "without a ground nobody agreed"
    assert (await chief.post("/api/v1/recipients", json=kin | {"ground": "said at enrolment"})).status_code == 201
    assert (await chief.post("/api/v1/recipients", json=CHIEF)).status_code == 201
    async with database.pool(office.conninfo, "test told", size=1) as opened:
        store = TimescaleCases(opened)
        told = {each.recipient_id: each for each in await store.recipients(office.clock())}
        assert (told["son-phone"].consented, told["son-phone"].home_id, told["chief-phone"].url) == (
            True,
            "shen",
            CHIEF["url"],
        )
        await chief.put("/api/v1/recipients/son-phone/paused", json={"paused": True})
        assert {each.recipient_id for each in await store.recipients(office.clock())} == {"chief-phone"}


async def test_by_the_site_s_ways_a_number_cannot_become_another_part_of_the_address(office: Office) -> None:
    async with open_office(office.conninfo, kin_ways=("sms=json://127.0.0.1:9/{to}",)) as site:
        chief = await site.desk("chief")
        way = {"recipient_id": "wall-1", "kind": "wall", "way": "sms", "reach": "139/../x?y=1"}
        assert (await chief.post("/api/v1/recipients", json=way)).status_code == 201
        assert (
            await chief.post("/api/v1/recipients", json=way | {"recipient_id": "wall-2", "way": "fax"})
        ).status_code == 422
    assert office.sql("SELECT url FROM recipients") == [("json://127.0.0.1:9/139%2F..%2Fx%3Fy%3D1",)]


async def test_a_relative_s_own_choice_is_seen_and_left_alone(office: Office) -> None:
    office.sql(
        "INSERT INTO recipients (recipient_id, kind, url, home_id, consented_at, user_name, resident_id, way) VALUES ('kin-1', 'kin', 'json://x', 'shen', now(), 'daughter', 'shen-ada', 'sms')"
    )
    chief = await office.desk("chief")
    assert [each["user_name"] for each in (await chief.get("/api/v1/recipients")).json()["recipients"]] == ["daughter"]
    assert (await chief.put("/api/v1/recipients/kin-1/paused", json={"paused": True})).status_code == 422
    assert (await chief.delete("/api/v1/recipients/kin-1")).status_code == 422


async def test_an_area_gets_a_ladder_of_its_own_and_a_p1_cannot_be_hidden(office: Office) -> None:
    chief = await office.desk("chief")
    slow = {"area_prefix": "330282", "rungs": [{"after_s": 600, "who": "all_desks"}]}
    assert "within 60 s" in (await chief.put("/api/v1/ladders/1", json=slow)).text
    rungs = [{"after_s": 20, "who": "all_desks"}, {"after_s": 40, "who": "supervisor_wall"}]
    assert (
        await chief.put("/api/v1/ladders/1", json={"area_prefix": "330282", "rungs": rungs[::-1]})
    ).status_code == 422
    assert (await chief.put("/api/v1/ladders/1", json={"area_prefix": "330282", "rungs": rungs})).status_code == 200
    assert (await chief.put("/api/v1/ladders/1", json={"area_prefix": "", "rungs": []})).status_code == 422
    async with database.pool(office.conninfo, "test ladders", size=1) as opened:
        rules = await TimescaleCases(opened).rules(office.clock())
    assert [(rung.after_s, rung.who) for rung in rules.rungs(1, "330282001001")] == [
        (20, "all_desks"),
        (40, "supervisor_wall"),
    ]
    assert len(rules.rungs(1, "330206001001")) == 4
    assert len(rules.rungs(2, "330282001001")) == 1, "of another priority the site's holds"
    assert (await chief.put("/api/v1/ladders/1", json={"area_prefix": "330282", "rungs": []})).status_code == 200
    assert office.sql("SELECT count(*) FROM escalation_rungs WHERE area_prefix <> ''") == [(0,)]
