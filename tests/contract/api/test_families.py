"""What a family sees and says: by consent, by every route, and what it says reaches the stream and the desks."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from alerts.notices import due
from alerts.rules import SHIPPED
from api.kin import Kin
from api.models.people import Relative
from api.routes.family import tell
from api.scope import of_user
from contracts.home_cards import decode
from contracts.kinds import Card
from storage import consents, home_notices, person
from storage.cards import refresh_cards
from storage.database import connect
from storage.errors import BadRecord
from tests.contract.api.office import Desk, Office
from tests.contract.api.test_residents import both_speak, heard, reading

pytestmark = pytest.mark.services

ADA = "/api/v1/family/relatives/shen-ada"
READS = (ADA, f"{ADA}/day", f"{ADA}/contacts", f"{ADA}/notices")


async def consent(office: Office, *scopes: str, user_name: str = "daughter", resident_id: str = "shen-ada") -> None:
    body = {"user_name": user_name, "scopes": scopes, "given_by": "resident", "ground": "said by telephone"}
    answer = await (await office.desk("desk-1")).post(f"/api/v1/residents/{resident_id}/consents", json=body)
    assert answer.status_code == 201, answer.text


@pytest.fixture(autouse=True)
async def everything_consented(office: Office) -> None:
    for table in ("notices", "kin_going", "home_notices", "kin_tokens", "recipients"):
        office.sql(f"DELETE FROM {table}")
    office.sql("UPDATE homes SET away_until = NULL, visitor_until = NULL")
    async with await connect(office.conninfo, "test cards") as connection, connection.transaction():
        await refresh_cards(connection, ["shen"])
    await consent(office, *consents.SCOPES)


def card(office: Office) -> Card:
    return decode(bytes(office.sql("SELECT card FROM home_cards WHERE home_id = 'shen'")[0][0]))


async def test_without_consent_a_relative_does_not_exist_by_any_route(office: Office) -> None:
    case = await office.admit("shen")
    daughter = await office.desk("daughter")
    token = await program(daughter, *consents.SCOPES)
    await consent(office)
    for asks in (daughter, stranger_with(office, token)):
        for path in READS:
            assert (await asks.get(path)).status_code == 404, path
        assert (await asks.get("/api/v1/family/relatives")).json()["relatives"] == []
        body = {"kind": "away", "until_at": (office.clock() + timedelta(hours=1)).isoformat()}
        assert (await asks.post(f"{ADA}/notices", json=body)).status_code == 404
        assert (await asks.post(f"/api/v1/family/alerts/{case.case_id}/going", json={})).status_code == 404
        assert (await asks.put(f"{ADA}/contacts", json={"name": "x", "phone": "12345"})).status_code == 404
    assert (await daughter.put(f"{ADA}/way", json={"way": "sms", "reach": "12345"})).status_code == 422


async def test_another_family_s_relative_stays_invisible_by_every_route(office: Office) -> None:
    case = await office.admit("luo")
    daughter = await office.desk("daughter")
    for path in READS:
        assert (await daughter.get(path.replace("shen-ada", "luo-ying"))).status_code == 404
    assert (await daughter.post(f"/api/v1/family/alerts/{case.case_id}/going", json={})).status_code == 404
    assert "luo" not in (await daughter.get("/api/v1/family/relatives")).text


@pytest.mark.parametrize(
    ("scope", "path"), [("day", f"{ADA}/day"), ("contacts", f"{ADA}/contacts"), ("away", f"{ADA}/notices")]
)
async def test_each_scope_opens_its_own_door_and_no_other(office: Office, scope: str, path: str) -> None:
    daughter = await office.desk("daughter")
    await consent(office, scope)
    assert [each for each in READS[1:] if (await daughter.get(each)).status_code == 200] == [path]
    await consent(office, *[each for each in consents.SCOPES if each != scope])
    assert (await daughter.get(path)).status_code == 404


async def test_an_alert_is_told_part_by_part_as_consented(office: Office) -> None:
    both_speak(office)
    case = await office.admit("shen", evidence={"room": "bedroom"})
    desk = await office.desk("desk-1")
    await desk.post(f"/api/v1/cases/{case.case_id}/claim", json={"version": case.version})
    daughter = await office.desk("daughter")
    await consent(office, "word")
    found = (await daughter.get(ADA)).json()
    assert (found["word"], found["alerts"]) == ("alert", []), "the word does not lie, and says no more"
    await consent(office, "alerts")
    (alert,) = (await daughter.get(ADA)).json()["alerts"]
    assert (alert["family"], alert["taken"], alert["handler"], alert["address"], alert["room"]) == (
        "sos",
        True,
        None,
        None,
        None,
    )
    await consent(office, "alerts", "handler", "address")
    (alert,) = (await daughter.get(ADA)).json()["alerts"]
    assert (alert["handler"], alert["address"], alert["room"]) == ("一号席", "虞波社区 3 幢 402 室", "bedroom")


async def test_consent_keeps_its_history_and_who_recorded_it(office: Office) -> None:
    desk = await office.desk("desk-2")
    refused = await desk.post("/api/v1/residents/shen-ada/consents", json={"user_name": "daughter", "scopes": ["word"], "given_by": "guardian", "ground": "paper"})  # fmt: skip
    assert refused.status_code == 422, "a guardian is named"
    await desk.post("/api/v1/residents/shen-ada/consents", json={"user_name": "daughter", "scopes": ["word"], "given_by": "guardian", "giver": "沈国强", "ground": "paper 7"})  # fmt: skip
    found = (await desk.get("/api/v1/residents/shen-ada/consents")).json()
    assert [(each["user_name"], each["scopes"], each["giver"]) for each in found["now"]] == [
        ("daughter", ["word"], "沈国强")
    ]
    assert (found["history"][0]["ground"], found["history"][0]["recorded_by"]) == ("paper 7", "desk-2")
    assert found["history"][1]["ground"] == "said by telephone", "what was said before stays"
    assert {each["scope"] for each in found["scopes"] if each["emergency"]} == set(consents.EMERGENCY)


async def test_a_desk_of_another_area_learns_of_no_consent(office: Office) -> None:
    desk = await office.desk("desk-cixi")
    assert (await desk.get("/api/v1/residents/luo-ying/consents")).status_code == 404
    assert (await desk.get("/api/v1/residents/shen-ada/consents")).status_code == 200


def test_the_migration_holds_the_same_scopes(furnished: str, office: Office) -> None:
    (text,) = office.sql("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'consents_scopes_check'")[
        0
    ]
    assert {scope for scope in consents.SCOPES if f"'{scope}'" in text} == set(consents.SCOPES)


async def program(daughter: Desk, *scopes: str) -> str:
    answer = await daughter.post("/api/v1/family/tokens", json={"name": "tablet", "scopes": scopes})
    assert answer.status_code == 201, answer.text
    token: str = answer.json()["token"]
    return token


def stranger_with(office: Office, token: str) -> Desk:
    desk = office.stranger()
    desk.headers["Authorization"] = f"Bearer {token}"
    return desk


async def test_a_token_reads_what_it_was_made_for_and_no_more(office: Office) -> None:
    tablet = stranger_with(office, await program(await office.desk("daughter"), "word"))
    found = (await tablet.get(ADA)).json()
    assert (found["scopes"], found["word"]) == (["word"], "cannot_see")
    assert [(await tablet.get(path)).status_code for path in READS[1:]] == [404, 404, 404]
    for path in (
        "/api/v1/family/tokens",
        "/api/v1/family/consents",
        "/api/v1/cases",
        "/api/v1/residents",
        "/api/v1/session",
    ):
        assert (await tablet.get(path)).status_code in (401, 405), path
    await consent(office, "day")
    assert (await tablet.get(ADA)).status_code == 404, "the consent of the moment counts"


async def test_a_token_ends_by_its_owner_by_time_and_with_the_password(office: Office) -> None:
    daughter = await office.desk("daughter")
    first = stranger_with(office, await program(daughter, "word"))
    listed = (await daughter.get("/api/v1/family/tokens")).json()["tokens"]
    second = stranger_with(office, await program(daughter, "word"))
    assert (await daughter.delete(f"/api/v1/family/tokens/{listed[0]['token_id']}")).status_code == 200
    assert [(await each.get(ADA)).status_code for each in (first, second)] == [401, 200]
    office.sql("UPDATE users SET token_epoch = token_epoch + 1 WHERE user_name = 'daughter'")
    assert (await second.get(ADA)).status_code == 401
    third = stranger_with(office, await program(await office.desk("daughter"), "word"))
    office.clock.forward(91 * 86_400)
    assert (await third.get(ADA)).status_code == 401


async def test_an_absence_reaches_the_card_and_silence_counts_again_from_its_end(office: Office) -> None:
    both_speak(office)
    for ago_s in (100, 60):
        reading(office, "motion", "pir-1", ago_s, moving=True, cause="pir")
    await office.parts.pipeline.look()
    await office.keep_coverage()
    daughter = await office.desk("daughter")
    assert (await daughter.get(ADA)).json()["word"] == "well"
    until = office.clock() + timedelta(hours=5)
    before = card(office).version
    answer = await daughter.post(f"{ADA}/notices", json={"kind": "away", "until_at": until.isoformat()})
    assert answer.status_code == 201, answer.text
    assert (card(office).away_until_s, card(office).version) == (until.timestamp(), before + 1)
    found = (await daughter.get(ADA)).json()
    assert (found["word"], found["said"]["key"]) == ("cannot_see", "relative.away"), (
        "an empty home shows nobody to be well"
    )
    (notice,) = (await daughter.get(f"{ADA}/notices")).json()["notices"]
    office.clock.forward(600)
    both_speak(office)
    await daughter.delete(f"{ADA}/notices/{notice['notice_id']}")
    assert card(office).away_until_s == office.clock().timestamp()
    assert (await daughter.get(f"{ADA}/notices")).json()["notices"] == []


async def test_where_others_live_or_a_visitor_is_announced_somebody_else_s_steps_make_nobody_well(
    office: Office,
) -> None:
    both_speak(office)
    for ago_s in (100, 60):
        reading(office, "motion", "pir-1", ago_s, moving=True, cause="pir")
    await office.parts.pipeline.look()
    await office.keep_coverage()
    daughter = await office.desk("daughter")

    async def word() -> tuple[str, str]:
        (found,) = (await daughter.get("/api/v1/family/relatives")).json()["relatives"]
        assert found == (await daughter.get(ADA)).json() | {"now": found["now"]}
        return found["word"], found["said"]["key"]

    assert await word() == ("well", "relative.well")
    body = {"kind": "visitor", "until_at": (office.clock() + timedelta(hours=1)).isoformat()}
    await daughter.post(f"{ADA}/notices", json=body)
    assert await word() == ("somebody", "relative.somebody")
    (notice,) = (await daughter.get(f"{ADA}/notices")).json()["notices"]
    await daughter.delete(f"{ADA}/notices/{notice['notice_id']}")
    assert (await word())[0] == "somebody", "what was seen while the visitor was there may have been the visitor"
    office.sql("UPDATE homes SET visitor_until = NULL")
    assert (await word())[0] == "well"
    office.sql("INSERT INTO residents (resident_id, home_id, name) VALUES ('shen-bo', 'shen', '沈波')")
    office.sql(
        "INSERT INTO devices (home_id, device_id, role, resident_id) VALUES ('shen', 'watch-1', 'wearable', 'shen-bo')"
    )
    try:
        assert (await word())[0] == "somebody", "she sees one of the couple, and the other counts"
        reading(office, "vitals", "watch-1", 30, steps=40)
        assert (await word())[0] == "somebody", "his watch says nothing of her"
        office.sql("UPDATE devices SET resident_id = 'shen-ada' WHERE device_id = 'watch-1'")
        assert (await word())[0] == "well"
    finally:
        office.sql("DELETE FROM devices WHERE device_id = 'watch-1'")
        office.sql("DELETE FROM residents WHERE resident_id = 'shen-bo'")


async def test_a_visitor_reaches_the_card_and_a_later_notice_waits_for_its_time(office: Office) -> None:
    both_speak(office)
    daughter = await office.desk("daughter")
    now = office.clock()
    body = {
        "kind": "visitor",
        "from_at": (now + timedelta(hours=1)).isoformat(),
        "until_at": (now + timedelta(hours=2)).isoformat(),
    }
    await daughter.post(f"{ADA}/notices", json=body)
    assert card(office).visitor_until_s is None
    connection = await connect(office.conninfo, "test keeper")
    async with connection, connection.transaction():
        assert await home_notices.apply(connection, now + timedelta(minutes=59)) == 0
        assert await home_notices.apply(connection, now + timedelta(minutes=61)) == 1
        assert await home_notices.apply(connection, now + timedelta(minutes=62)) == 0
    assert card(office).visitor_until_s == (now + timedelta(hours=2)).timestamp()


async def test_an_absence_of_one_of_two_says_nothing_for_the_home(office: Office) -> None:
    both_speak(office)
    office.sql("INSERT INTO residents (resident_id, home_id, name) VALUES ('shen-wife', 'shen', '阿婆')")
    try:
        daughter = await office.desk("daughter")
        body = {"kind": "away", "until_at": (office.clock() + timedelta(hours=5)).isoformat()}
        await daughter.post(f"{ADA}/notices", json=body)
        assert card(office).away_until_s is None
        await daughter.post(f"{ADA}/notices", json=body | {"everybody": True})
        assert card(office).away_until_s is not None
    finally:
        office.sql("DELETE FROM residents WHERE resident_id = 'shen-wife'")


async def test_a_notice_of_a_played_home_is_on_its_own_clock(office: Office) -> None:
    heard(office)
    there = datetime(2027, 3, 1, 9, tzinfo=UTC)
    office.sql("UPDATE sources SET clock = 'virtual', watched_until_at = %s WHERE source = 'main'", there)
    daughter = await office.desk("daughter")
    late = await daughter.post(
        f"{ADA}/notices", json={"kind": "away", "until_at": (office.clock() + timedelta(hours=1)).isoformat()}
    )
    assert late.status_code == 422, "over already in that world"
    until = there + timedelta(hours=3)
    assert (
        await daughter.post(f"{ADA}/notices", json={"kind": "away", "until_at": until.isoformat()})
    ).status_code == 201
    assert card(office).away_until_s == until.timestamp()


async def test_the_desk_reads_at_once_that_somebody_is_going(office: Office) -> None:
    case = await office.admit("shen")
    daughter = await office.desk("daughter")
    for _ in range(2):
        assert (await daughter.post(f"/api/v1/family/alerts/{case.case_id}/going", json={})).status_code == 200
    (alert,) = (await daughter.get(ADA)).json()["alerts"]
    assert (alert["i_go"], alert["going"]) == (True, ["沈桂芳"])
    await daughter.post(f"/api/v1/family/alerts/{case.case_id}/going", json={"going": False})
    history = (await (await office.desk("desk-1")).get(f"/api/v1/cases/{case.case_id}")).json()["audit"]
    said = [row for row in history if row["actor"] == "daughter"]
    assert len(said) == 2, "said twice, written once; taken back, written too"


async def test_kin_who_consented_are_due_at_the_moment_of_a_p1_and_not_after_withdrawal(office: Office) -> None:
    office.sql("DELETE FROM recipients")
    daughter = await office.desk("daughter")
    msgspec.structs.force_setattr(office.parts.settings, "kin_ways", ("sms=json://127.0.0.1:9/{to}",))
    assert (await daughter.put(f"{ADA}/way", json={"way": "nobody", "reach": "12345"})).status_code == 422
    assert (await daughter.put(f"{ADA}/way", json={"way": "sms", "reach": "+8613900000001"})).status_code == 200
    assert office.sql("SELECT url FROM recipients") == [("json://127.0.0.1:9/%2B8613900000001",)]
    await office.admit("shen")

    async def told() -> list[str]:
        (waiting,) = await office.store.waiting(office.clock())
        return [each.recipient_id for each in due(waiting, SHIPPED, office.clock(), 30.0)]

    assert len(await told()) == 1
    await consent(office, "word", "alerts")
    assert await told() == []
    assert (await daughter.get(f"{ADA}/way")).json()["consented"] is False


async def test_the_feed_tells_an_alert_as_it_comes_and_ends_with_the_session(office: Office) -> None:
    both_speak(office)
    daughter = await office.desk("daughter")
    first = [
        Relative.model_validate(each) for each in (await daughter.get("/api/v1/family/relatives")).json()["relatives"]
    ]
    (session_id,) = office.sql("SELECT session_id FROM sessions WHERE user_name = 'daughter'")[0]
    user = Kin(user_name="daughter", display_name="", allowed=tuple(consents.SCOPES), session_id=session_id, token_hash=None, ends_at=office.clock() + timedelta(hours=1), scope=of_user("daughter", "family", "", ["shen"], ["shen-ada"]))  # fmt: skip
    msgspec.structs.force_setattr(office.parts.settings, "heartbeat_s", 0.05)
    with office.parts.feed.subscribe("", frozenset({"shen"})) as subscriber:
        events = tell(office.parts, user, subscriber, first)
        assert (await anext(events)).event == "relatives"
        assert (await anext(events)).event == "heartbeat"
        await office.admit("shen")
        subscriber.changes.put_nowait(object())  # type: ignore[arg-type]
        told: Any = await anext(events)
        (relative,) = json.loads(told.data)["relatives"]
        assert (told.event, relative["word"], len(relative["alerts"])) == ("relatives", "alert", 1)
        await daughter.delete("/api/v1/session")
        await office.parts.rounds.once()
        ended: Any = await anext(events)
        assert (ended.event, json.loads(ended.data)) == ("end", {"why": "session"})


async def test_all_that_is_kept_of_a_resident_can_be_had_and_erased_with_what_stays_named(office: Office) -> None:
    office.sql(
        "INSERT INTO homes (home_id, area_code, address) VALUES ('wu', '330282001001', '某处') ON CONFLICT DO NOTHING"
    )
    office.sql(
        "INSERT INTO residents (resident_id, home_id, name, phone) VALUES ('wu-lan', 'wu', '吴兰', '138') ON CONFLICT DO NOTHING"
    )
    office.sql(
        "INSERT INTO contacts (home_id, rank, name, phone) VALUES ('wu', 1, '吴军', '139') ON CONFLICT DO NOTHING"
    )
    office.sql("INSERT INTO devices (home_id, device_id, role) VALUES ('wu', 'pir-1', 'motion') ON CONFLICT DO NOTHING")
    office.sql("INSERT INTO reading_motion (home_id, device_id, event_at, received_at, clock, boot, seq, moving, cause) VALUES ('wu', 'pir-1', now(), now(), 0, 1, 1, true, 'pir')")  # fmt: skip
    await consent(office, "word", user_name="nephew", resident_id="wu-lan")
    root, chief = await office.desk("root"), await office.desk("chief")
    lines = [
        json.loads(line)
        for line in (await chief.get("/api/v1/residents/wu-lan/export?readings=true")).text.splitlines()
    ]
    assert {"resident", "home", "contacts", "devices", "consents", "reading_motion", "case_history"} <= {
        each["part"] for each in lines
    }
    case = await office.admit("wu", device_id="pir-1")
    told = (await root.get("/api/v1/residents/wu-lan/export")).text
    assert '"part": "cases"' in told, "all of it, also where an administrator fetches it, who reads no cases"
    async with await connect(office.conninfo, "test erase") as connection:
        with pytest.raises(BadRecord, match="a case is open"):
            await person.erase(connection, "wu-lan", actor="test", reason="asked")
        office.sql("UPDATE cases SET handling = 'CLOSED' WHERE case_id = %s", case.case_id)
        async with connection.transaction():
            done = await person.erase(connection, "wu-lan", actor="test", reason="asked by the family")
    assert done.counts["reading_motion"] == 1
    assert office.sql("SELECT name, phone FROM residents WHERE resident_id = 'wu-lan'") == [("-", "")]
    assert office.sql("SELECT count(*) FROM contacts WHERE home_id = 'wu'") == [(0,)]
    assert office.sql("SELECT count(*) FROM kin_sees WHERE resident_id = 'wu-lan'") == [(0,)]
    assert office.sql("SELECT count(*) FROM resident_words WHERE words ~ '吴兰'") == [(0,)], "nor is he found by name"
    assert office.sql("SELECT removed_at IS NOT NULL, address FROM homes WHERE home_id = 'wu'") == [(True, "")]
    assert office.sql("SELECT count(*) FROM cases WHERE home_id = 'wu'") == [(1,)], (
        "what was done in an emergency stays known"
    )
