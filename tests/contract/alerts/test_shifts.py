"""The shift keeper on a real database: silent desks, who leaves, too few on duty, offers, and whom that tells."""

from datetime import timedelta

import psycopg
import pytest

from alerts.channels import Result
from alerts.memory import Home
from alerts.shifts import SILENT_S, TELL_AFTER_S, ShiftKeeper
from alerts.timescale import IDLE_S, LOCK_S, TimescaleCases
from alerts.trials import Trials
from storage.database import pool
from tests.contract.alerts.centre import Centre
from tests.contract.alerts.conftest import HomesInDatabase

pytestmark = pytest.mark.services

AREA = "330282"
EMPTIED = "recipients, rota, recipient_trials, centres, desks, sign_ons, duties, staffing_gaps, staffing_notices, case_offers, shift_handovers, handover_signatures, outbox, audit, case_timers, case_signals, cases, detections, homes"


class Told:
    """Channels that keep what they were given; ``works`` may be switched off."""

    def __init__(self):
        self.sent = []
        self.works = True

    async def send(self, recipient, title, body):
        self.sent.append((recipient.recipient_id, title, body))
        return Result(self.works, "taken" if self.works else "refused")


class Room:
    """A centre with two desks and two operators, kept by one keeper on a driven clock."""

    def __init__(self, conninfo, opened):
        self.conninfo = conninfo
        self.centre = Centre(TimescaleCases(opened), HomesInDatabase(conninfo))
        self.told = Told()
        self.keeper = ShiftKeeper(opened, self.centre.store, self.told, lambda: self.centre.now)
        self.trials = Trials(opened, self.told, lambda: self.centre.now)

    def sql(self, statement, *values):
        with psycopg.connect(self.conninfo, autocommit=True) as connection:
            cursor = connection.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def sits(self, user, desk):
        self.sql(
            "INSERT INTO sign_ons (desk_id, area_prefix, user_name, signed_on_at, seen_at) VALUES (%s, %s, %s, %s, %s)",
            desk, AREA, user, self.centre.now, self.centre.now,
        )  # fmt: skip

    def seen(self, *users):
        self.sql("UPDATE sign_ons SET seen_at = %s WHERE user_name = ANY(%s)", self.centre.now, list(users))

    def leaves(self, user, why="signed_off", successor=None):
        self.sql(
            "UPDATE sign_ons SET ended_at = %s, ended_why = %s, successor = %s WHERE user_name = %s AND ended_at IS NULL",
            self.centre.now, why, successor, user,
        )  # fmt: skip

    def offers(self):
        return self.sql(
            "SELECT user_name, why FROM case_offers WHERE until_at > %s ORDER BY offered_at", self.centre.now
        )

    async def later(self, seconds):
        self.centre.now += timedelta(seconds=seconds)
        await self.keeper.look()


@pytest.fixture
async def room(database):
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(f"TRUNCATE {EMPTIED} CASCADE")
        for user in ("desk-1", "desk-2"):
            connection.execute(
                "INSERT INTO users (user_name, role, area_prefix, password_hash) VALUES (%s, 'operator', %s, '') ON CONFLICT DO NOTHING", [user, AREA]
            )  # fmt: skip
        connection.execute("INSERT INTO centres (area_prefix, name) VALUES (%s, '慈溪')", [AREA])
        connection.execute("INSERT INTO desks (desk_id, area_prefix) VALUES ('left', %s), ('right', %s)", [AREA, AREA])
        connection.execute(
            "INSERT INTO recipients (recipient_id, kind, url, area_prefix) VALUES ('chief', 'supervisor', 'json://x', %s), ('elsewhere', 'supervisor', 'json://x', '330206'), ('wall', 'wall', 'json://x', '')", [AREA]
        )  # fmt: skip
    async with pool(database, "test shifts", size=4, lock_s=LOCK_S, idle_s=IDLE_S) as opened:
        yield Room(database, opened)


async def test_a_desk_that_is_heard_no_more_gives_its_cases_back_and_says_who_had_them(room):
    room.sits("desk-1", "left")
    case = await room.centre.claim(await room.centre.open("water"))
    held = await room.centre.claim(await room.centre.open("stove"))
    await room.centre.act("hold", held, reason="rings back", hold_s=600)
    await room.later(SILENT_S - 1)
    assert (await room.centre.see(case)).desk_id == "desk-1"
    await room.later(1)
    for each in (case, held):
        back = await room.centre.see(each)
        assert (back.handling, back.former_desk_id, back.held_until_at) == ("QUEUED", "desk-1", None)
    detail = await room.centre.store.case(held.case_id)
    assert (detail.audit[-1].actor, detail.audit[-1].reason) == ("system", "case.went_silent")
    assert room.sql("SELECT ended_why, settled_at IS NOT NULL FROM sign_ons") == [("silent", True)]
    assert ("went_silent",) in room.sql("SELECT action FROM audit")


async def test_a_hold_passes_to_who_took_over_and_alarms_at_his_desk_what_was_in_hand_is_in_the_queue(room):
    room.sits("desk-1", "left")
    room.sits("desk-2", "right")
    worked = await room.centre.claim(await room.centre.open("water"))
    held = await room.centre.claim(await room.centre.open("stove"))
    held = await room.centre.act("hold", held, reason="daughter rings back", hold_s=600)
    room.leaves("desk-1", "handed_over", "desk-2")
    await room.later(1)
    passed = await room.centre.see(held)
    assert (passed.handling, passed.desk_id, passed.held_until_at) == ("HELD", "desk-2", held.held_until_at)
    assert (await room.centre.see(worked)).handling == "QUEUED"
    assert room.offers() == [("desk-2", "promise")]
    room.centre.now += timedelta(seconds=598)
    room.seen("desk-2")
    await room.centre.forward(2)
    assert (await room.centre.see(held)).handling == "QUEUED"
    await room.keeper.look()
    assert ("desk-2", "promise") in room.offers(), "and not to whoever's turn it is"


async def test_a_call_back_that_nobody_made_comes_back_to_who_took_over(room):
    room.sits("desk-1", "left")
    case = await room.centre.claim(await room.centre.open("water"))
    await room.centre.act("resolve", case, outcome="sensor_false", note="", follow_up_s=3600)
    room.sits("desk-2", "right")
    room.leaves("desk-1", "handed_over", "desk-2")
    await room.later(1)
    room.centre.now += timedelta(seconds=3600)
    room.seen("desk-2")
    await room.centre.sweep()
    await room.keeper.look()
    assert (await room.centre.see(case)).handling == "QUEUED"
    assert room.offers() == [("desk-2", "promise")]


async def test_cases_are_offered_in_turn_once_and_a_p1_to_everybody(room):
    room.sits("desk-1", "left")
    room.sits("desk-2", "right")
    first = await room.centre.open("stove", score=2)
    await room.centre.open("sos")
    await room.later(1)
    assert room.offers() == [("desk-1", "load")]
    await room.centre.claim(first, "desk-1")
    await room.centre.open("water")
    await room.later(1)
    assert room.offers()[-1] == ("desk-2", "load"), "desk-1 has one in hand"
    await room.later(31)
    await room.later(1)
    assert room.offers() == [], "after half a minute it is everybody's, and is offered to nobody again"


async def test_who_changes_his_seat_keeps_what_he_has_in_hand(room):
    room.sits("desk-1", "left")
    case = await room.centre.claim(await room.centre.open("water"))
    room.leaves("desk-1", "moved")
    room.sits("desk-1", "right")
    await room.later(1)
    assert (await room.centre.see(case)).desk_id == "desk-1"
    assert room.sql("SELECT count(*) FROM sign_ons WHERE ended_at IS NOT NULL AND settled_at IS NULL") == [(0,)]


async def test_too_few_on_duty_is_kept_and_the_supervisor_of_the_area_is_told_once(room):
    room.sits("desk-1", "left")
    await room.later(1)
    assert room.sql("SELECT on_duty, least, ended_at FROM staffing_gaps") == [(1, 2, None)]
    assert await room.keeper.tell_once() == 0, "not while two change seats"
    room.centre.now += timedelta(seconds=TELL_AFTER_S)
    room.seen("desk-1")
    room.told.works = False
    assert await room.keeper.tell_once() == 1
    assert await room.keeper.tell_once() == 0, "it is tried again after a pause"
    room.told.works = True
    room.centre.now += timedelta(seconds=2)
    assert await room.keeper.tell_once() == 1
    room.centre.now += timedelta(seconds=60)
    room.seen("desk-1")
    assert await room.keeper.tell_once() == 0
    assert {name for name, _, _ in room.told.sent} == {"chief"}
    assert "慈溪 330282：在岗 1 人，至少应有 2 人" in room.told.sent[-1][2]
    room.sits("desk-2", "right")
    await room.later(1)
    assert room.sql("SELECT count(*) FROM staffing_gaps WHERE ended_at IS NULL") == [(0,)]
    assert [action for (action,) in room.sql("SELECT action FROM audit WHERE case_id IS NULL ORDER BY audit_id")] == [
        "understaffed", "told_of_staffing", "told_of_staffing", "staffed",
    ]  # fmt: skip


async def test_a_centre_without_desks_keeps_no_shifts(room):
    room.sql("UPDATE desks SET closed_at = now()")
    await room.later(1)
    assert room.sql("SELECT count(*) FROM staffing_gaps") == [(0,)]


async def test_a_trial_is_sent_once_and_says_that_it_is_one(room):
    room.sql("INSERT INTO recipient_trials (recipient_id, asked_by, asked_at) VALUES ('chief', 'root', now())")
    assert await room.trials.once() == 1
    assert await room.trials.once() == 0
    assert room.told.sent == [("chief", "守望：测试消息", "这是一条测试消息，没有警情。收到说明此地址可用。")]
    assert room.sql("SELECT sent, detail FROM recipient_trials") == [(True, "taken")]


async def test_an_area_may_have_a_ladder_of_its_own_and_the_others_keep_the_site_s(room):
    room.sql("DELETE FROM escalation_rungs WHERE area_prefix <> ''")
    room.sql(
        "INSERT INTO escalation_rungs (area_prefix, priority, rung, after_s, who) VALUES ('330282', 1, 1, 10, 'all_desks')"
    )
    room.centre.homes["h-here"] = Home("330282001001")
    room.centre.homes["h-there"] = Home("330206001001")
    here = await room.centre.open("sos", home_id="h-here")
    there = await room.centre.open("sos", home_id="h-there")
    await room.centre.forward(10)
    assert (await room.centre.see(here)).rung == 1
    assert (await room.centre.see(there)).rung == 0
    await room.centre.forward(20)
    assert (await room.centre.see(there)).rung == 1
    room.sql("DELETE FROM escalation_rungs WHERE area_prefix <> ''")
