"""Who is told, kept by supervisors and administrators: no address is read back, and each acts in his area."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest

from alerts.notices import KINDS, concerns
from alerts.rules import SHIPPED
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


async def test_a_pause_has_an_end_and_ends_by_itself(office: Office) -> None:
    chief = await office.desk("chief")
    await chief.post("/api/v1/recipients", json=CHIEF)
    paused = "/api/v1/recipients/chief-phone/paused"
    for wrong in (timedelta(days=7, seconds=1), timedelta(0), timedelta(days=-1)):
        until = (office.clock() + wrong).isoformat()
        assert (await chief.put(paused, json={"paused": True, "until_at": until})).status_code == 422
    assert (await chief.put(paused, json={"paused": True, "until_at": "2099-01-01T00:00:00"})).status_code == 422
    assert (await chief.put(paused, json={"paused": True})).status_code == 200
    (row,) = (await chief.get("/api/v1/recipients")).json()["recipients"]
    assert datetime.fromisoformat(row["paused_until_at"]) == office.clock() + timedelta(hours=8)
    async with database.pool(office.conninfo, "test pauses", size=1) as opened:
        store = TimescaleCases(opened)
        office.clock.forward(8 * 3600 - 1)
        assert await store.recipients(office.clock()) == []
        office.clock.forward(1)
        assert [each.recipient_id for each in await store.recipients(office.clock())] == ["chief-phone"]
    chief = await office.desk("chief")
    (row,) = (await chief.get("/api/v1/recipients")).json()["recipients"]
    assert (row["enabled"], row["paused_by"], row["paused_until_at"]) == (True, None, None)
    with pytest.raises(psycopg.errors.CheckViolation):
        office.sql("UPDATE recipients SET enabled = false, paused_until_at = NULL")


async def test_a_step_of_the_ladder_says_whom_it_reaches_now_as_the_notices_decide(office: Office) -> None:
    office.sql("UPDATE users SET area_prefix = '330282' WHERE user_name = 'chief'")
    now = office.clock()
    local = now.astimezone(ZoneInfo("Asia/Shanghai"))
    minute = local.hour * 60 + local.minute
    office.sql(
        "INSERT INTO recipients (recipient_id, kind, url, area_prefix, lowest_priority) VALUES"
        " ('desk-site', 'desk', 'json://x', '', 2), ('wall-part', 'wall', 'json://x', '330282001', 5),"
        " ('backup-night', 'backup_centre', 'json://x', '330282', 1), ('backup-there', 'backup_centre', 'json://x', '330206', 1)"
    )
    office.sql(
        "INSERT INTO rota (recipient_id, weekday, from_minute, to_minute) VALUES ('backup-night', %s, %s, %s)",
        local.isoweekday(), minute, min(1440, minute + 1),
    )  # fmt: skip

    async def reaches() -> dict[tuple[int, int], str]:
        chief = await office.desk("chief")  # 330282: sees neither the site's recipients nor the other county's
        return {(r["priority"], r["rung"]): r["reaches"] for r in (await chief.get("/api/v1/ladders")).json()["rungs"]}

    found = await reaches()
    assert [found[1, rung] for rung in (1, 2, 3, 4)] == ["all", "part", "all", "nobody"]
    assert (found[2, 1], found[3, 1]) == ("all", "nobody"), "the desk's telephone hears of nothing below P2"
    async with database.pool(office.conninfo, "test reach", size=1) as opened:
        people = await TimescaleCases(opened).recipients(now)

    def hears(area: str, priority: int, kinds: tuple[str, ...], at: datetime) -> bool:
        return any(
            p.kind in kinds and concerns(p, home_id="x", area_code=area, priority=priority, now=at) for p in people
        )

    for (priority, rung), said in found.items():
        who = next(r.who for r in SHIPPED.ladder if (r.priority, r.rung) == (priority, rung))
        by_area = [hears(area, priority, KINDS[who], now) for area in ("330282001001", "330282002001")]
        assert said == ("all" if all(by_area) else "part" if any(by_area) else "nobody"), (priority, rung)
    office.clock.forward(60)
    assert (await reaches())[1, 3] == "nobody", "its duty is over"


async def test_by_the_site_s_ways_a_number_cannot_become_another_part_of_the_address(office: Office) -> None:
    async with open_office(office.conninfo, kin_ways=("sms=json://127.0.0.1:9/{to}",)) as site:
        chief = await site.desk("chief")
        way = {"recipient_id": "wall-1", "kind": "wall", "way": "sms", "reach": "139/../x?y=1", "area_prefix": "330282"}
        made = await chief.post("/api/v1/recipients", json=way)
        assert made.status_code == 201, made.text
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
