"""Time passing: the ladder, and what a restart finds. Over both stores."""

import msgspec
import pytest

from tests.contract.alerts.centre import a_detection


async def test_an_unclaimed_p1_reaches_all_desks_after_thirty_seconds(centre):
    case = await centre.open("sos")
    await centre.forward(duration_s=29.999)
    assert (await centre.see(case)).rung == 0
    await centre.forward(duration_s=0.001)
    assert (await centre.see(case)).rung == 1
    event = (await centre.store.unsent())[-1]
    assert (event.change, event.actor, event.reason) == ("escalated", "system", "case.escalated")
    facts = (await centre.store.case(case.case_id)).audit[-1].facts
    assert (facts["who"], facts["waited_s"], facts["after_s"]) == ("all_desks", 30.0, 30.0)


async def test_the_ladder_of_a_p1_that_nobody_takes_ends_with_an_incident_review(centre):
    case = await centre.open("sos")
    climbed = []
    for after_s in (30, 30, 30, 89):
        await centre.forward(duration_s=after_s)
        climbed.append((await centre.see(case)).rung)
    assert climbed == [1, 2, 3, 3]
    assert await centre.store.reviews() == {}
    await centre.forward(duration_s=1)
    assert (await centre.see(case)).rung == 4
    assert await centre.store.reviews() == {case.case_id: 180.0}
    assert (await centre.store.case(case.case_id)).timers == ()
    told = [row.facts["who"] for row in (await centre.store.case(case.case_id)).audit if row.action == "escalated"]
    assert told == ["all_desks", "supervisor_wall", "backup_centre_kin", "incident_review"]


async def test_a_claimed_case_does_not_climb(centre):
    held = await centre.claim(await centre.open("sos"))
    await centre.forward(duration_s=60)
    assert (await centre.see(held)).rung == 0


async def test_a_p1_that_comes_back_late_goes_at_once_to_the_rung_that_is_due(centre):
    held = await centre.claim(await centre.open("sos"))
    await centre.forward(duration_s=90)
    assert (await centre.see(held)).handling == "QUEUED"
    await centre.sweep()
    assert (await centre.see(held)).rung == 3


async def test_a_case_that_becomes_p1_after_waiting_long_goes_at_once_to_the_rung_that_is_due(centre):
    case = await centre.open("fall", home_id="h-5", started_at_s=5, score=2)
    await centre.forward(duration_s=100)
    await centre.admit("fall", home_id="h-5", started_at_s=5, revision=2, score=3)
    await centre.sweep()
    stands = await centre.see(case)
    assert (stands.priority, stands.rung) == (1, 3)


async def test_timers_that_fell_due_while_nobody_was_there_fire_at_the_first_sweep(centre):
    sos = await centre.open("sos")
    idle = await centre.claim(await centre.open("fall"))
    waiting = await centre.claim(await centre.open("gas"))
    waiting = await centre.act("hold", waiting, reason="the fire brigade rings back", hold_s=60)
    await centre.forward(duration_s=10_000)
    assert (await centre.see(sos)).rung == 4
    assert (await centre.see(idle)).handling == "QUEUED"
    assert (await centre.see(waiting)).handling == "QUEUED"


async def test_the_most_urgent_timers_fire_first(centre):
    for _ in range(3):
        await centre.open("water")
    sos = await centre.open("sos")
    centre.now = centre.now.replace(hour=20)
    events = await centre.store.fire_due(centre.now, limit=1)
    assert [event.case.case_id for event in events] == [sos.case_id]


async def test_a_sweep_by_both_twins_climbs_once(centre):
    case = await centre.open("sos")
    await centre.forward(duration_s=30)
    await centre.sweep()
    assert [row.action for row in (await centre.store.case(case.case_id)).audit] == ["raised", "escalated"]


async def test_what_was_burning_before_a_restart_still_burns_after_it(centre):
    fire = await centre.open("smoke")
    before = await centre.store.case(fire.case_id)
    assert await centre.store.reevaluate(centre.now) == []
    after = await centre.store.case(fire.case_id)
    assert after == before
    assert [case.case_id for case in await centre.store.queue()] == [fire.case_id]


async def test_a_stored_detection_that_no_case_holds_is_taken_in_at_the_start(centre):
    detection = a_detection("gas")

    async def only_kept(book):
        await book.record([detection], centre.now)

    await centre.store._transact(only_kept)
    (admission,) = await centre.store.reevaluate(centre.now)
    assert (admission.change, admission.case.family, admission.case.handling) == ("raised", "gas", "QUEUED")
    assert await centre.store.reevaluate(centre.now) == []


async def test_a_timer_that_was_lost_is_set_again_at_the_start(centre):
    case = await centre.open("sos")

    async def lose(book):
        gone = msgspec.structs.replace(case, handling="CLOSED")
        await book.set_timers(gone, await centre.store.rules(centre.now))

    await centre.store._transact(lose)
    assert (await centre.store.case(case.case_id)).timers == ()
    await centre.store.reevaluate(centre.now)
    await centre.forward(duration_s=30)
    assert (await centre.see(case)).rung == 1


@pytest.mark.parametrize("family", ["sos", "fall", "wandering"])
async def test_what_happened_at_a_moment_closes_after_the_follow_up(centre, family):
    done = await centre.finished(family)
    await centre.forward(duration_s=86_400)
    assert (await centre.see(done)).handling == "CLOSED"
