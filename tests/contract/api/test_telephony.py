"""A case from a telephone call, whose number it is, and a telephone system that speaks and is spoken to with a signature."""

import json
from typing import Any

import httpx
import pytest

from api.telephony import HEADER, signature
from storage import person
from storage.database import connect
from tests.contract.api.office import HERE, Desk, Office, open_office
from tests.contract.api.other_sides import PushService

pytestmark = pytest.mark.services
SECRET = "what both sides hold"


def a_case(**fields: Any) -> dict[str, Any]:
    return {"request_id": "request-0001", "number": "138 0000 0001", "home_id": "shen", "words": "跌倒了"} | fields


async def opened(desk: Desk, **fields: Any) -> dict[str, Any]:
    answer = await desk.post("/api/v1/telephony/cases", json=a_case(**fields))
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize(
    "number", ["+86 138 0000 0001", "138-0000-0001", "013800000001", "0086 13800000001", "86 138 0000 0001", "138 0000 0001 "]
)  # fmt: skip
async def test_a_number_is_found_in_whichever_way_it_is_written(office: Office, number: str) -> None:
    desk = await office.desk("desk-cixi")
    (caller,) = (await desk.get("/api/v1/telephony/callers", params={"number": number})).json()["callers"]
    assert (caller["home_id"], caller["address"]) == ("shen", "虞波社区 3 幢 402 室")
    assert [(each["name"], each["relation"]) for each in caller["matches"]] == [("沈阿大", "")]
    listed = office.sql(
        "SELECT actor, facts->>'words', facts->'residents' FROM audit WHERE action = 'listed_residents'"
    )
    assert listed == [("desk-cixi", f"number {number}", ["shen-ada"])]


async def test_contacts_are_found_beside_residents_and_only_the_whole_number_and_in_one_s_area(office: Office) -> None:
    office.sql("UPDATE residents SET phone = '0574-63012345' WHERE resident_id = 'luo-ying'")
    cixi, site = await office.desk("desk-cixi"), await office.desk("desk-1")

    async def homes(desk: Desk, number: str) -> list[str]:
        answer = await desk.get("/api/v1/telephony/callers", params={"number": number})
        return [each["home_id"] for each in answer.json()["callers"]]

    assert await homes(cixi, "13900000001") == ["shen"]
    assert await homes(site, "+86 574 63012345") == ["luo"]
    assert await homes(cixi, "+86 574 63012345") == []
    for part in ("63012345", "0000 0001", "+86", "0", "00"):
        assert await homes(site, part) == []
    office.sql("UPDATE residents SET phone = '' WHERE resident_id = 'luo-ying'")


async def test_a_case_by_hand_is_the_desk_s_at_once_and_a_double_click_opens_one(office: Office) -> None:
    desk = await office.desk("desk-cixi")
    first = await opened(desk, family="fall", resident_id="shen-ada")
    again = await opened(desk, family="fall", resident_id="shen-ada")
    assert (first["repeated"], again["repeated"], first["joined"]) == (False, True, False)
    assert first["case"]["case_id"] == again["case"]["case_id"]
    assert (again["case"]["desk_id"], again["case"]["handling"]) == ("desk-cixi", "CLAIMED")
    assert again["case"]["lease_id"] == first["case"]["lease_id"]
    assert office.sql("SELECT count(*) FROM cases") == [(1,)]
    detail = (await desk.get(f"/api/v1/cases/{first['case']['case_id']}")).json()
    assert detail["audit"][0]["note"] == "跌倒了"
    assert "desk-cixi" in detail["audit"][0]["reason"]["zh"]
    assert [each["key"] for each in detail["reasons"]] == ["telephone.call"]
    calls = (await desk.get(f"/api/v1/cases/{first['case']['case_id']}/calls")).json()
    assert [(each["number"], each["taken_by"]) for each in calls["calls"]] == [("138 0000 0001", "desk-cixi")]
    assert office.sql("SELECT count(*) FROM telephone_calls") == [(1,)]
    for table in ("cases", "case_signals", "detections", "audit"):
        assert office.sql(f"SELECT count(*) FROM {table} AS t WHERE t::text LIKE '%%138 0000 0001%%'") == [(0,)], table


async def test_a_case_that_is_open_is_joined_and_said_so_also_where_another_desk_has_it(office: Office) -> None:
    press = await office.admit("shen")
    first, second = await office.desk("desk-1"), await office.desk("desk-2")
    mine = await opened(first)
    assert (mine["joined"], mine["case"]["case_id"], mine["case"]["desk_id"]) == (True, press.case_id, "desk-1")
    late = await opened(second)
    assert (late["joined"], late["case"]["desk_id"], late["case"]["lease_id"]) == (True, "desk-1", None)
    assert office.sql("SELECT count(*) FROM cases") == [(1,)]


async def test_an_unknown_number_is_a_case_of_the_desk_s_area_and_is_tied_to_a_home_afterwards(office: Office) -> None:
    desk = await office.desk("desk-cixi")
    found = (await opened(desk, home_id=None, number="0574 8888 7777"))["case"]
    assert (found["area_code"], found["handling"], found["desk_id"]) == ("330282", "CLAIMED", "desk-cixi")
    calls = (await desk.get(f"/api/v1/cases/{found['case_id']}/calls")).json()
    assert (calls["stranger"], calls["calls"][0]["number"]) == (True, "0574 8888 7777")
    again = await opened(desk, request_id="request-0002", home_id=None, number="+86 574 88887777")
    assert (again["joined"], again["case"]["case_id"]) == (True, found["case_id"])
    act = {"version": again["case"]["version"], "lease_id": found["lease_id"]}
    beyond = await desk.post(f"/api/v1/cases/{found['case_id']}/home", json=act | {"home_id": "luo"})
    assert beyond.status_code == 404
    done = await desk.post(
        f"/api/v1/cases/{found['case_id']}/home", json=act | {"home_id": "shen", "resident_id": "shen-ada"}
    )
    assert (done.json()["home_id"], done.json()["area_code"], done.json()["resident_id"]) == ("shen", HERE, "shen-ada")
    assert (await desk.get(f"/api/v1/cases/{found['case_id']}/calls")).json()["stranger"] is False


async def test_what_is_not_one_s_own_and_what_may_end_by_itself_opens_nothing(office: Office) -> None:
    desk = await office.desk("desk-cixi")
    for fields, status in (
        ({"home_id": "luo"}, 404),
        ({"resident_id": "luo-ying"}, 404),
        ({"family": "technical"}, 422),
        ({"call_id": "ring-x"}, 404),
    ):
        assert (await desk.post("/api/v1/telephony/cases", json=a_case(**fields))).status_code == status
    assert office.sql("SELECT count(*) FROM cases") == [(0,)]


async def test_a_report_counts_a_call_s_case_and_lays_it_to_no_device(office: Office) -> None:
    desk, chief = await office.desk("desk-1"), await office.desk("chief")
    await opened(desk, family="fall")
    report = (await chief.get("/api/v1/report")).json()
    assert (report["total"]["raised"], report["total"]["calls"], report["total"]["within_60"]["n"]) == (1, 1, 0)
    assert (report["detectors"], report["sources"], report["total"]["undecided"]) == ([], [], 0)


# A telephone system


async def say(
    desk: httpx.AsyncClient, path: str, body: dict[str, Any], office: Office, secret: str = SECRET, **change: Any
) -> httpx.Response:
    raw = json.dumps(body).encode()
    at_s = int(office.clock().timestamp()) + change.get("late_s", 0)
    headers = {"Content-Type": "application/json", HEADER: signature(secret, change.get("signed", raw), at_s)}
    return await desk.post(path, content=raw, headers=headers)


async def rings(desk: httpx.AsyncClient, office: Office, event: str = "ringing", **fields: Any) -> httpx.Response:
    body = {"call_id": "pbx-7", "event": event, "number": "13800000001"} | fields
    return await say(desk, "/api/v1/telephony/calls", body, office)


async def test_who_does_not_sign_as_agreed_is_not_heard(furnished: str, office: Office) -> None:
    body = {"call_id": "pbx-7", "event": "ringing", "number": "13800000001"}
    assert (await say(office.stranger(), "/api/v1/telephony/calls", body, office)).status_code == 401, "none is set up"
    async with open_office(furnished, telephony_secret=SECRET) as site:
        stranger = site.stranger()
        for wrong in ({"secret": "another"}, {"signed": b"{}"}, {"late_s": -301}, {"late_s": 301}):
            assert (await say(stranger, "/api/v1/telephony/calls", body, site, **wrong)).status_code == 401
        assert (await stranger.post("/api/v1/telephony/calls", json=body)).status_code == 401
        assert (await say(stranger, "/api/v1/telephony/calls", body, site)).status_code == 200
    assert office.sql("SELECT call_id FROM telephone_calls") == [("ring-pbx-7",)]


async def test_who_rings_is_shown_at_the_desks_concerned_until_somebody_takes_it(
    furnished: str, office: Office
) -> None:
    async with open_office(furnished, telephony_secret=SECRET) as site:
        system = site.stranger()
        first, second = await site.desk("desk-1"), await site.desk("desk-cixi")
        chief = await site.desk("chief")
        await chief.post("/api/v1/centres", json={"area_prefix": "330282", "name": "c"})
        for seat in ("seat-1", "seat-2"):
            assert (
                await chief.post("/api/v1/desks", json={"desk_id": seat, "area_prefix": "330282"})
            ).status_code == 201
        assert (await first.post("/api/v1/shift/sign-on", json={"desk_id": "seat-1"})).status_code == 200

        async def shown(desk: Desk) -> list[Any]:
            return [
                (each["number"], each["names"])
                for each in (await desk.get("/api/v1/telephony/ringing")).json()["calls"]
            ]

        await rings(system, site, desk_id="seat-1")
        assert await shown(first) == [("13800000001", ["沈阿大"])]
        assert await shown(second) == [], "it rings at a desk where somebody else sits"
        await rings(system, site, desk_id="seat-2")
        assert await shown(second) == [("13800000001", ["沈阿大"])], "nobody sits there: everybody's"
        assert len(site.sql("SELECT 1 FROM audit WHERE action = 'listed_residents' AND actor = 'desk-1'")) == 1
        found = await opened(second, call_id="ring-pbx-7", number="")
        assert await shown(first) == await shown(second) == []
        late = await opened(first, call_id="ring-pbx-7", number="", family="fall")
        assert (late["repeated"], late["case"]["case_id"], late["case"]["desk_id"]) == (
            True,
            found["case"]["case_id"],
            "desk-cixi",
        )
        assert site.sql("SELECT number, taken_by, case_id FROM telephone_calls") == [
            ("13800000001", "desk-cixi", found["case"]["case_id"])
        ]
        await rings(system, site, call_id="pbx-8", area="330282")
        aside = await first.post("/api/v1/telephony/calls/ring-pbx-8/aside", json={"note": "拨错号码"})
        assert (aside.status_code, await shown(second)) == (200, [])
        assert site.sql("SELECT actor, facts->>'note' FROM audit WHERE action = 'call_put_aside'") == [
            ("desk-1", "拨错号码")
        ]


@pytest.mark.parametrize(
    ("events", "due_s"),
    [(["ringing"], 30), (["ringing", "ringing"], 30), (["ringing", "ended"], 12), (["ended"], 0), (["ringing", "answered"], None), (["ringing", "answered", "ended"], None),
     (["answered", "ringing"], None)],
)  # fmt: skip
async def test_when_a_call_is_a_case_by_itself(
    furnished: str, office: Office, events: list[str], due_s: float | None
) -> None:
    async with open_office(furnished, telephony_secret=SECRET) as site:
        began = site.clock()
        for event in events:
            assert (await rings(site.stranger(), site, event)).status_code == 200
            site.clock.forward(12)
        ((due_at, answered_at, home_id),) = site.sql("SELECT due_at, answered_at, home_id FROM telephone_calls")
    assert (None if answered_at else (due_at - began).total_seconds(), home_id) == (due_s, "shen")


async def test_a_number_is_dialled_for_who_has_the_case_and_how_it_went_stands_in_the_history(
    furnished: str, office: Office
) -> None:
    exchange = PushService()
    async with open_office(furnished, telephony_secret=SECRET, telephony_dial_url=exchange.url) as site:
        desk, other = await site.desk("desk-1"), await site.desk("desk-2")
        case = (await opened(desk))["case"]

        async def dial(who: Desk, number: str = "+86 139 0000 0001") -> httpx.Response:
            return await who.post("/api/v1/telephony/dial", json={"case_id": case["case_id"], "number": number})

        assert (await dial(other)).status_code == 422
        assert (await dial(desk, "13999999999")).status_code == 422
        done = await dial(desk)
        assert done.status_code == 200, done.text
        ((_, headers, body),) = exchange.taken
        said = json.loads(body)
        assert (said["number"], said["user_name"]) == ("+86 139 0000 0001", "desk-1")
        at_s = int(headers[HEADER.lower()].removeprefix("t=").partition(",")[0])
        assert headers[HEADER.lower()] == signature(SECRET, body, at_s)
        for _ in range(2):
            assert (await say(site.stranger(), said["result_path"], {"result": "no_answer"}, site)).status_code == 200
        assert (await site.stranger().post(said["result_path"], json={"result": "answered"})).status_code == 401
        unknown = said["result_path"].replace(said["dial_id"], "nobody")
        assert (await say(site.stranger(), unknown, {"result": "busy"}, site)).status_code == 404
        detail = (await desk.get(f"/api/v1/cases/{case['case_id']}")).json()
        assert [row["note"] for row in detail["audit"] if row["action"] == "dialled"] == ["无人接听 · no answer"]
        assert detail["version"] == case["version"], "no page becomes old by it"
        exchange.close()
        site.clock.forward(1)
        failed = await dial(desk)
        assert (failed.status_code, failed.json()["code"]) == (503, "not_ready")
        dials = (await desk.get(f"/api/v1/cases/{case['case_id']}/calls")).json()["dials"]
        assert [each["result"] for each in dials] == ["no_answer", "failed"]


async def test_an_erased_resident_s_calls_stay_without_number_and_words(office: Office) -> None:
    desk = await office.desk("desk-1")
    case = (await opened(desk, family="food"))["case"]
    other = (await opened(desk, request_id="request-0002", home_id=None, number="0574 1"))["case"]
    office.sql(
        "INSERT INTO telephone_dials (dial_id, case_id, number, asked_by, asked_at) VALUES ('d', %s, '139', 'desk-1', now())",
        case["case_id"],
    )
    office.sql("UPDATE cases SET handling = 'CLOSED'")
    # Undone: the office's residents are those of the other tests.
    async with (
        await connect(office.conninfo, "test erasure") as connection,
        connection.transaction(force_rollback=True),
    ):
        parts = [row["part"] async for row in person.export(connection, "shen-ada", readings=False)]
        await person.erase(connection, "shen-ada", actor="test", reason="asked")
        found = await connection.execute(
            "SELECT case_id, number FROM telephone_calls UNION ALL SELECT case_id, number FROM telephone_dials"
        )
        rows = set(await found.fetchall())
    assert "calls" in parts
    assert rows == {(case["case_id"], ""), (other["case_id"], "0574 1")}
