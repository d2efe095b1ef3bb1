"""Taking something out of service through the api: who may, what is refused, what the list and the coverage say."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from alerts.link import Link
from alerts.windows_keeper import Windows
from tests.contract.api.office import ELSEWHERE, HERE, Desk, Office
from tests.contract.api.test_coverage import speak

pytestmark = pytest.mark.services

SHEN = {"home_id": "shen", "reason": "更换网关", "substitute": "社工每 2 小时电话", "hours": 2}


async def plan(desk: Desk, **fields: Any) -> httpx.Response:
    return await desk.post("/api/v1/windows", json=SHEN | fields)


async def twins(office: Office) -> None:
    link = Link(office.conninfo, "test windows", lock_s=5, idle_s=30)
    await Windows(link, office.store).look(office.clock())
    await link.close()
    await office.keep_coverage()


async def test_a_supervisor_plans_everybody_who_watches_sees_it_and_an_operator_may_not(office: Office) -> None:
    chief, desk = await office.desk("chief"), await office.desk("desk-1")
    assert (await plan(desk)).status_code == 403
    planned = await plan(chief)
    assert planned.status_code == 201, planned.text
    (shown,) = (await desk.get("/api/v1/windows")).json()["windows"]
    assert (shown["home_id"], shown["state"], shown["planned_by"]) == ("shen", "in_force", "chief")
    assert office.sql("SELECT actor, facts->>'substitute' FROM audit WHERE action = 'window_planned'") == [("chief", SHEN["substitute"])]  # fmt: skip
    office.clock.forward(2 * 3600)
    desk = await office.desk("desk-1")
    assert (await desk.get("/api/v1/windows")).json()["windows"][0]["state"] == "over"


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"substitute": ""}, "Name a substitute"),
        ({"hours": 8.5}, "less than or equal to 8"),
        ({"area": HERE}, "Name one"),
        ({"home_id": None, "device_id": "pir-1"}, "Name one"),
        ({"home_id": None, "area": "330282"}, "pattern"),
        ({"from_at": "2020-01-01T00:00:00Z"}, "in the past"),
    ],
)
async def test_what_would_leave_people_alone_is_refused(office: Office, fields: dict[str, Any], why: str) -> None:
    answer = await plan(await office.desk("chief"), **fields)
    assert answer.status_code == 422
    assert why in answer.text
    assert office.sql("SELECT count(*) FROM service_windows") == [(0,)]


async def test_technical_alarms_alone_need_no_substitute(office: Office) -> None:
    assert (await plan(await office.desk("chief"), substitute="", technical_only=True)).status_code == 201


async def test_the_database_itself_refuses_silence_without_end_or_substitute(office: Office) -> None:
    for hours, substitute in ((9, "somebody"), (1, "")):
        with pytest.raises(Exception, match="check constraint"):
            office.sql(
                """INSERT INTO service_windows (area_code, home_id, technical_only, reason, substitute, from_at, until_at, planned_by, planned_at)
                   VALUES ('330282001001', 'shen', false, 'r', %s, now(), now() + %s * interval '1 hour', 't', now())""",
                substitute, hours,
            )  # fmt: skip


async def test_coverage_says_until_when_and_what_stands_in_its_place(office: Office) -> None:
    await speak(office)
    chief = await office.desk("chief")
    await plan(chief)
    await twins(office)
    resident = (await chief.get("/api/v1/residents/shen-ada")).json()
    assert resident["coverage"]["state"] == "blind"
    (reason,) = resident["coverage"]["reasons"]
    assert reason["zh"].startswith("停用至 ")
    assert reason["zh"].endswith("替代措施：社工每 2 小时电话")
    family = await office.desk("daughter")
    (relative,) = (await family.get("/api/v1/family/relatives")).json()["relatives"]
    assert relative["word"] == "cannot_see"


async def test_what_comes_meanwhile_is_in_the_queue_and_rings_when_somebody_ends_it(office: Office) -> None:
    chief, desk = await office.desk("chief"), await office.desk("desk-1")
    window_id = (await plan(chief)).json()["window_id"]
    await office.admit("shen")
    (row,) = (await desk.get("/api/v1/cases")).json()["cases"]
    assert row["handling"] == "SUSPENDED"
    assert (await desk.delete(f"/api/v1/windows/{window_id}")).status_code == 403
    assert (await chief.delete(f"/api/v1/windows/{window_id}")).status_code == 200
    assert (await chief.delete(f"/api/v1/windows/{window_id}")).status_code == 404
    await twins(office)
    (row,) = (await desk.get("/api/v1/cases")).json()["cases"]
    assert row["handling"] == "QUEUED"


async def test_another_area_s_home_is_as_one_that_does_not_exist(office: Office) -> None:
    office.sql("UPDATE users SET area_prefix = %s WHERE user_name = 'chief'", ELSEWHERE[:6])
    try:
        chief = await office.desk("chief")
        theirs, nobody = await plan(chief), await plan(chief, home_id="nobody")
        assert (theirs.status_code, nobody.status_code) == (404, 404)
        assert theirs.text.replace("shen", "…") == nobody.text.replace("nobody", "…")
        assert (await plan(chief, home_id=None, area=HERE)).status_code == 404
    finally:
        office.sql("UPDATE users SET area_prefix = '' WHERE user_name = 'chief'")


async def test_one_planned_ahead_begins_by_itself(office: Office) -> None:
    begin = office.clock() + timedelta(hours=1)
    await plan(await office.desk("chief"), from_at=begin.isoformat())
    assert (await office.admit("shen")).handling == "QUEUED"
    office.clock.forward(3600)
    assert (await office.admit("shen", detector="smoke", family="smoke")).handling == "SUSPENDED"
