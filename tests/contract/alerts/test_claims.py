"""Who may act on a case, and what the others are told. Over both stores."""

import asyncio

import pytest

from alerts.errors import (  # fmt: skip
    HoldTooLong,
    LeaseLost,
    MissingWords,
    NoSuchCase,
    NotPossible,
    OtherCaseOpen,
    StaleClaim,
    TooLateToReopen,
    UnknownOutcome,
)


async def test_the_second_of_two_claims_is_refused_and_hears_who_holds_it(centre):
    case = await centre.open("fall")
    held = await centre.claim(case, "desk-1")
    with pytest.raises(StaleClaim, match="desk-1 holds it until 12:01:30 UTC") as refused:
        await centre.claim(case, "desk-2")
    assert refused.value.facts["desk_id"] == "desk-1"
    assert refused.value.facts["version"] == held.version
    assert (await centre.see(case)).desk_id == "desk-1"


async def test_a_claim_with_the_right_version_is_refused_too_while_somebody_holds_it(centre):
    held = await centre.claim(await centre.open("fall"), "desk-1")
    with pytest.raises(StaleClaim, match="desk-1 holds it"):
        await centre.claim(held, "desk-2")


async def test_of_twenty_claims_at_once_one_wins(centre):
    case = await centre.open("sos")
    results = await asyncio.gather(*(centre.claim(case, f"desk-{n}") for n in range(20)), return_exceptions=True)
    winners = [found for found in results if not isinstance(found, BaseException)]
    assert len(winners) == 1
    assert {type(found) for found in results if isinstance(found, BaseException)} == {StaleClaim}
    stands = await centre.see(case)
    assert stands.desk_id == winners[0].desk_id
    assert stands.version == case.version + 1


async def test_of_twenty_claims_at_once_one_wins_every_time_and_the_others_hear_who(centre):
    for round_ in range(15):
        case = await centre.open("sos", home_id=f"h-{100 + round_}")
        results = await asyncio.gather(*(centre.claim(case, f"desk-{n}") for n in range(20)), return_exceptions=True)
        (winner,) = [found for found in results if not isinstance(found, BaseException)]
        refused = [found for found in results if isinstance(found, BaseException)]
        assert {type(found) for found in refused} == {StaleClaim}
        assert {found.facts["desk_id"] for found in refused} == {winner.desk_id}
        assert f"{winner.desk_id} holds it until" in str(refused[0])


async def test_an_old_page_changes_nothing_and_hears_the_current_version(centre):
    held = await centre.claim(await centre.open("fall"))
    newer = await centre.act("verify", held)
    with pytest.raises(StaleClaim) as refused:
        await centre.act("resolve", held, outcome="sensor_false", note="")
    assert refused.value.facts["version"] == newer.version
    assert refused.value.facts["handling"] == "VERIFYING"
    assert (await centre.see(held)).handling == "VERIFYING"


async def test_a_signal_that_came_meanwhile_makes_a_page_old(centre):
    held = await centre.claim(await centre.open("fall", home_id="h-9"))
    await centre.admit("fall", home_id="h-9", detector="fall_wearable", device_id="watch")
    with pytest.raises(StaleClaim):
        await centre.resolve(held)


async def test_another_desk_with_the_right_version_and_no_lease_is_refused(centre):
    held = await centre.claim(await centre.open("fall"))
    with pytest.raises(LeaseLost, match="desk-1 holds it"):
        await centre.act("resolve", held, desk_id="desk-2", outcome="sensor_false", note="")
    with pytest.raises(LeaseLost):
        await centre.act("resolve", held, lease_id="guessed", outcome="sensor_false", note="")


async def test_a_lost_lease_puts_the_case_back_at_the_top_of_the_queue(centre):
    first = await centre.open("fall")
    await centre.forward(duration_s=1)
    second = await centre.open("fall")
    held = await centre.claim(second)
    await centre.forward(duration_s=89.999)
    assert [case.handling for case in await centre.store.queue()] == ["QUEUED", "CLAIMED"]
    await centre.forward(duration_s=0.001)
    queue = await centre.store.queue()
    assert [case.case_id for case in queue] == [second.case_id, first.case_id]
    assert (queue[0].handling, queue[0].desk_id, queue[0].former_desk_id) == ("QUEUED", None, "desk-1")
    with pytest.raises(StaleClaim, match="nobody holds it"):
        await centre.resolve(held)


async def test_a_lease_is_over_at_its_very_end_even_before_the_sweep(centre):
    held = await centre.claim(await centre.open("fall"))
    centre.now = held.lease_until_at
    with pytest.raises(LeaseLost):
        await centre.act("verify", held)


async def test_an_idle_owner_does_not_keep_a_case_when_nobody_sweeps(centre):
    held = await centre.claim(await centre.open("fall"), "desk-1")
    centre.now = held.lease_until_at
    taken = await centre.claim(held, "desk-2")
    assert (taken.desk_id, taken.former_desk_id, taken.version) == ("desk-2", "desk-1", held.version + 2)
    audit = (await centre.store.case(held.case_id)).audit
    assert [row.action for row in audit] == ["raised", "claimed", "lease_lost", "claimed"]


async def test_any_activity_renews_the_lease(centre):
    case = await centre.claim(await centre.open("fall"))
    for name in ("verify", "dispatch", "arrive"):
        await centre.forward(duration_s=80)
        case = await centre.act(name, case, note="Mr Chen is on his way")
    await centre.forward(duration_s=80)
    case = await centre.store.renew(case.case_id, lease_id=case.lease_id, desk_id="desk-1", now=centre.now)
    await centre.forward(duration_s=80)
    case = await centre.store.note(case.case_id, actor="desk-1", text="daughter called back", now=centre.now)
    await centre.forward(duration_s=80)
    assert (await centre.see(case)).handling == "ON_SCENE"
    await centre.forward(duration_s=10)
    assert (await centre.see(case)).handling == "QUEUED"


async def test_a_note_of_somebody_else_renews_nothing(centre):
    held = await centre.claim(await centre.open("fall"))
    await centre.forward(duration_s=80)
    await centre.store.note(held.case_id, actor="supervisor-1", text="take care, she is deaf", now=centre.now)
    await centre.forward(duration_s=10)
    assert (await centre.see(held)).handling == "QUEUED"


async def test_a_released_case_goes_back_and_names_its_former_owner(centre):
    held = await centre.claim(await centre.open("stove"))
    back = await centre.act("release", held, note="end of my shift")
    assert (back.handling, back.desk_id, back.lease_id, back.former_desk_id) == ("QUEUED", None, None, "desk-1")
    with pytest.raises(StaleClaim):
        await centre.act("release", held)
    again = await centre.claim(back, "desk-2")
    assert again.claimed_at == held.claimed_at  # "answered" is the first claim


async def test_a_released_lease_cannot_be_renewed(centre):
    held = await centre.claim(await centre.open("fall"))
    await centre.act("release", held)
    with pytest.raises(LeaseLost):
        await centre.store.renew(held.case_id, lease_id=held.lease_id, desk_id="desk-1", now=centre.now)


async def test_a_hold_needs_a_reason_and_ends_within_its_limit(centre):
    held = await centre.claim(await centre.open("fall", score=4))
    assert held.priority == 1
    with pytest.raises(MissingWords):
        await centre.act("hold", held, reason=" ", hold_s=60)
    with pytest.raises(HoldTooLong, match="120 s at most"):
        await centre.act("hold", held, reason="the line is busy", hold_s=121)
    with pytest.raises(HoldTooLong):
        await centre.act("hold", held, reason="the line is busy", hold_s=0)
    waiting = await centre.act("hold", held, reason="the line is busy", hold_s=120)
    assert (waiting.handling, waiting.desk_id) == ("HELD", "desk-1")
    await centre.forward(duration_s=119.9)
    assert (await centre.see(held)).handling == "HELD"
    await centre.forward(duration_s=0.1)
    back = await centre.see(held)
    assert (back.handling, back.desk_id, back.former_desk_id, back.hold_reason) == ("QUEUED", None, "desk-1", None)


async def test_the_owner_goes_on_from_a_hold_and_nobody_else_does(centre):
    case = await centre.claim(await centre.open("fall"))
    case = await centre.act("hold", case, reason="she rings back", hold_s=60)
    with pytest.raises(StaleClaim, match="desk-1 has it on hold"):
        await centre.claim(case, "desk-2")
    with pytest.raises(LeaseLost):
        await centre.act("verify", case, desk_id="desk-2")
    on = await centre.act("verify", case)
    assert (on.handling, on.held_until_at) == ("VERIFYING", None)


async def test_dispatching_says_who_was_sent(centre):
    held = await centre.claim(await centre.open("fall"))
    with pytest.raises(MissingWords, match="Who was sent"):
        await centre.act("dispatch", held)


async def test_resolving_needs_a_known_outcome(centre):
    held = await centre.claim(await centre.open("fall"))
    with pytest.raises(UnknownOutcome, match="accidental_press"):
        await centre.act("resolve", held, outcome="whatever", note="")
    done = await centre.resolve(held)
    assert (done.handling, done.outcome, done.resolved_by) == ("RESOLVED", "sensor_false", "desk-1")
    assert (done.condition, done.desk_id) == ("on", None)  # the device still says so; looked at again after a day


async def test_an_unclaimed_case_cannot_be_resolved(centre):
    case = await centre.open("fall")
    with pytest.raises(NotPossible, match="possible now: claim"):
        await centre.act("resolve", case, lease_id="x", desk_id="desk-1", outcome="sensor_false", note="")


async def test_a_resolved_case_closes_after_a_day_and_can_be_reopened_until_then(centre):
    done = await centre.finished("sos")
    await centre.forward(duration_s=86_399.9)
    assert (await centre.see(done)).handling == "RESOLVED"
    again = await centre.store.reopen(
        done.case_id, version=done.version, actor="desk-2", reason="she rang again", now=centre.now
    )
    assert (again.case_id, again.handling, again.outcome, again.former_desk_id) == (
        done.case_id, "QUEUED", None, "desk-1",
    )  # fmt: skip
    assert again.queued_at == centre.now
    assert again.rung == 0


async def test_after_a_day_it_is_too_late_to_reopen(centre):
    done = await centre.finished("sos")
    await centre.forward(duration_s=86_400)
    closed = await centre.see(done)
    assert closed.handling == "CLOSED"
    centre.now = centre.now.replace(microsecond=1000)
    with pytest.raises(TooLateToReopen):
        await centre.store.reopen(done.case_id, version=closed.version, actor="desk-1", reason="late", now=centre.now)


async def test_reopening_beside_an_open_case_names_that_one(centre):
    done = await centre.finished("sos", home_id="h-7", started_at_s=1)
    other = await centre.open("sos", home_id="h-7", started_at_s=500)
    with pytest.raises(OtherCaseOpen) as refused:
        await centre.store.reopen(done.case_id, version=done.version, actor="desk-1", reason="again", now=centre.now)
    assert refused.value.facts["open_case_id"] == other.case_id


async def test_a_case_that_does_not_exist_is_said_so(centre):
    with pytest.raises(NoSuchCase):
        await centre.store.claim("nothing", version=1, desk_id="desk-1", now=centre.now)
    with pytest.raises(NoSuchCase):
        await centre.store.case("nothing")
