"""Steps, calls and asking for more people, by whoever has the case. Over both stores."""

import pytest

from alerts.errors import LeaseLost, NothingAbove, NotPossible, StaleClaim, UnknownResult, UnknownStep
from alerts.notices import Recipient
from alerts.working import Whom, calls_made, steps_done
from tests.contract.alerts.test_notices import register

DAUGHTER = Whom(contact_id=7, rank=1, relation="女儿")


async def done(centre, case):
    return [(step.code, step.actor) for step in steps_done((await centre.store.case(case.case_id)).audit)]


async def test_a_step_is_written_at_once_and_whoever_takes_the_case_over_finds_it(centre):
    held = await centre.claim(await centre.open("fall"))
    held = await centre.act("step_done", held, step="spoke", done=True)
    assert await done(centre, held) == [("spoke", "desk-1")]
    released = await centre.act("release", held)
    taken = await centre.claim(released, "desk-2")
    taken = await centre.act("step_done", taken, step="hurt", done=True)
    taken = await centre.act("step_done", taken, step="spoke", done=False)
    assert await done(centre, taken) == [("hurt", "desk-2")]
    row = (await centre.store.case(taken.case_id)).audit[-1]
    assert (row.action, row.reason, row.version) == ("stepped", "case.step_undone", taken.version)


async def test_a_case_that_was_reopened_begins_its_script_and_its_calls_anew(centre):
    held = await centre.claim(await centre.open("fall"))
    held = await centre.act("step_done", held, step="spoke", done=True)
    held = await centre.act("call_made", held, whom=DAUGHTER, result="reached")
    over = await centre.resolve(held)
    assert await done(centre, over) == [("spoke", "desk-1")]
    await centre.store.reopen(over.case_id, version=over.version, actor="chief", reason="again", now=centre.now)
    assert await done(centre, over) == []
    assert calls_made((await centre.store.case(over.case_id)).audit) == []


async def test_a_call_says_who_was_rung_up_and_how_it_went_and_names_nobody(centre):
    held = await centre.claim(await centre.open("fall"))
    with pytest.raises(UnknownResult, match="choose one of reached, no_answer"):
        await centre.act("call_made", held, whom=DAUGHTER, result="perhaps")
    held = await centre.act("call_made", held, whom=Whom(resident_id="r-1"), result="no_answer")
    held = await centre.act("call_made", held, whom=DAUGHTER, result="busy", note="again in a minute")
    audit = (await centre.store.case(held.case_id)).audit
    assert [(call.resident_id, call.contact_id, call.result) for call in calls_made(audit)] == [
        ("r-1", None, "no_answer"), (None, 7, "busy"),
    ]  # fmt: skip
    assert (audit[-1].reason, audit[-1].facts["note"]) == ("case.called", "again in a minute")


async def test_who_ticks_or_calls_is_active_so_his_lease_starts_anew(centre):
    held = await centre.claim(await centre.open("fall"))
    for act, fields in (
        ("step_done", {"step": "kin", "done": True}),
        ("call_made", {"whom": DAUGHTER, "result": "busy"}),
    ):
        await centre.forward(duration_s=80)
        held = await centre.act(act, held, **fields)
        assert (held.lease_until_at - centre.now).total_seconds() == 90


async def test_only_who_has_the_case_ticks_or_calls_and_only_what_its_script_knows(centre):
    case = await centre.open("fall")
    with pytest.raises(NotPossible, match="claim it first"):
        await centre.act("step_done", case, desk_id="desk-1", lease_id="x", step="spoke", done=True)
    held = await centre.claim(case)
    with pytest.raises(LeaseLost):
        await centre.act("step_done", held, desk_id="desk-2", step="spoke", done=True)
    with pytest.raises(StaleClaim):
        await centre.act("call_made", held, version=held.version - 1, whom=DAUGHTER, result="busy")
    with pytest.raises(UnknownStep, match="choose one of spoke, hurt, kin"):
        await centre.act("step_done", held, step="off", done=True)
    assert (await centre.see(held)).version == held.version
    await centre.forward(duration_s=90)
    with pytest.raises(StaleClaim):
        await centre.act("step_done", held, step="spoke", done=True)


async def test_on_a_hold_steps_and_calls_go_on_and_its_end_stands(centre):
    held = await centre.claim(await centre.open("fall", score=2))
    held = await centre.act("hold", held, reason="the daughter rings back", hold_s=600)
    called = await centre.act("call_made", held, whom=DAUGHTER, result="reached")
    assert (called.handling, called.held_until_at, called.lease_until_at) == ("HELD", held.held_until_at, None)


async def to_tell(centre):
    """Whom the next look would tell, by rung."""
    found = []
    for waiting in await centre.store.waiting(centre.now):
        found += [(n.rung, n.recipient_id) for n in await centre.store.take_notices(waiting, centre.now, 30)]
    return found


async def test_a_desk_that_has_a_case_asks_for_more_people_and_only_those_are_told(centre):
    register(
        centre,
        Recipient(recipient_id="desk-phone", kind="desk", url="json://127.0.0.1:1"),
        Recipient(recipient_id="chief", kind="supervisor", url="json://127.0.0.1:1"),
        Recipient(recipient_id="backup", kind="backup_centre", url="json://127.0.0.1:1"),
    )
    case = await centre.open("sos")
    await centre.forward(duration_s=31)
    held = await centre.claim(await centre.see(case))
    assert held.rung == 1
    assert await to_tell(centre) == [], "nobody is told of what somebody has"
    held = await centre.act("escalate_now", held)
    assert (held.rung, held.called_rungs) == (2, (2,))
    assert await to_tell(centre) == [(2, "chief")], "not those of the rung that it had climbed to before"
    assert await to_tell(centre) == []
    held = await centre.act("escalate_now", held)
    assert await to_tell(centre) == [(3, "backup")]
    with pytest.raises(NothingAbove, match="stands at rung 3"):
        await centre.act("escalate_now", held)
    row = next(row for row in (await centre.store.case(held.case_id)).audit if row.reason == "case.escalated_by_hand")
    assert (row.actor, row.facts["who"]) == ("desk-1", "supervisor_wall")
    released = await centre.act("release", held)
    assert (released.called_rungs, released.rung) == ((), 3)
    assert {rung for rung, _ in await to_tell(centre)} == {1, 2, 3}, "who lets go makes it wait anew"
    await centre.claim(released, "desk-2")
    assert await to_tell(centre) == []


async def test_of_a_case_that_waits_anybody_may_tell_the_next_now_and_the_ladder_goes_on_from_there(centre):
    case = await centre.open("sos")
    up = await centre.store.escalate_now(
        case.case_id, version=case.version, lease_id=None, desk_id="desk-2", now=centre.now
    )
    assert (up.handling, up.rung, up.called_rungs) == ("QUEUED", 1, ())
    with pytest.raises(StaleClaim):
        await centre.store.escalate_now(
            case.case_id, version=case.version, lease_id=None, desk_id="desk-2", now=centre.now
        )
    await centre.forward(duration_s=59)
    assert (await centre.see(case)).rung == 1
    await centre.forward(duration_s=1)
    assert (await centre.see(case)).rung == 2
    over = await centre.resolve(await centre.claim(await centre.see(case)))
    with pytest.raises(NotPossible):
        await centre.act("escalate_now", over, desk_id="desk-1")
