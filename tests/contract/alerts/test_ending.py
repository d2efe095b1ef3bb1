"""What must be said before a case is over, the second look, promised follow-ups, and the shelf. Over both stores."""

import pytest

from alerts.errors import (
    BadFollowUp,
    MissingWords,
    NotLookedAt,
    NotPossible,
    NotShelvable,
    SameEyes,
    ShelfTooLong,
    StaleClaim,
    StepsMissing,
    UnknownContact,
    UnknownOutcome,
)


async def test_resolving_says_who_was_reached(centre):
    held = await centre.claim(await centre.open("fall"))
    with pytest.raises(UnknownContact, match="choose one of resident, kin"):
        await centre.act("resolve", held, outcome="sensor_false", note="", contact="")
    done = await centre.act("resolve", held, outcome="sensor_false", note="", contact="kin")
    assert done.contact == "kin"
    technical = await centre.claim(await centre.open("technical"))
    assert (await centre.act("resolve", technical, outcome="technical_line", note="", contact="")).contact is None


async def test_resolving_needs_the_required_steps_of_the_script(centre):
    held = await centre.claim(await centre.open("fall"))
    with pytest.raises(StepsMissing, match="not done yet: hurt"):
        await centre.act("resolve", held, outcome="fall_injured", note="", steps=["spoke", "kin"])
    done = await centre.act("resolve", held, outcome="fall_injured", note="", steps=["spoke", "hurt"])
    facts = (await centre.store.case(done.case_id)).audit[-1].facts
    assert (facts["steps"], facts["contact"]) == (["spoke", "hurt"], "resident")


async def test_of_a_duplicate_no_steps_are_asked(centre):
    held = await centre.claim(await centre.open("fall"))
    assert (await centre.act("resolve", held, outcome="duplicate", note="", steps=[])).handling == "RESOLVED"


async def test_a_desk_cannot_answer_for_the_resident(centre):
    held = await centre.claim(await centre.open("fall"))
    with pytest.raises(UnknownOutcome):
        await centre.act("resolve", held, outcome="resident_well", note="")


async def test_a_p1_needs_a_second_look_by_somebody_else(centre):
    done = await centre.resolve(await centre.claim(await centre.open("sos"), "desk-1"))
    with pytest.raises(SameEyes):
        await centre.store.look(done.case_id, version=done.version, actor="desk-1", now=centre.now)
    with pytest.raises(StaleClaim):
        await centre.store.look(done.case_id, version=done.version - 1, actor="desk-2", now=centre.now)
    looked = await centre.store.look(done.case_id, version=done.version, actor="desk-2", now=centre.now, note="agreed")
    assert (looked.handling, looked.looked_by) == ("RESOLVED", "desk-2")
    await centre.forward(duration_s=86_400)
    assert (await centre.see(done)).handling == "CLOSED"


async def test_a_p1_that_nobody_else_looked_at_comes_back_instead_of_closing(centre):
    done = await centre.resolve(await centre.claim(await centre.open("sos")))
    await centre.forward(duration_s=86_400)
    back = await centre.see(done)
    assert (back.handling, back.former_desk_id) == ("QUEUED", "desk-1")
    assert (await centre.store.case(done.case_id)).audit[-1].reason == "case.not_looked_at"


async def test_a_p2_needs_none(centre):
    done = await centre.resolve(await centre.claim(await centre.open("fall", score=2)))
    await centre.forward(duration_s=86_400)
    assert (await centre.see(done)).handling == "CLOSED"


async def test_a_promised_follow_up_that_was_not_made_comes_back(centre):
    held = await centre.claim(await centre.open("fall", score=2))
    with pytest.raises(BadFollowUp):
        await centre.act("resolve", held, outcome="fall_not_injured", note="", follow_up_s=86_401)
    done = await centre.act("resolve", held, outcome="fall_not_injured", note="ring at six", follow_up_s=3600)
    assert (done.follow_up_at - centre.now).total_seconds() == 3600
    await centre.forward(duration_s=3599.9)
    assert (await centre.see(done)).handling == "RESOLVED"
    await centre.forward(duration_s=0.1)
    back = await centre.see(done)
    assert (back.handling, back.follow_up_at) == ("QUEUED", None)
    assert (await centre.store.case(done.case_id)).audit[-1].reason == "case.follow_up_due"


async def test_a_follow_up_that_was_made_closes_it(centre):
    held = await centre.claim(await centre.open("fall", score=2))
    done = await centre.act("resolve", held, outcome="fall_not_injured", note="", follow_up_s=3600)
    with pytest.raises(MissingWords):
        await centre.store.follow_up(done.case_id, version=done.version, actor="desk-2", note=" ", now=centre.now)
    closed = await centre.store.follow_up(
        done.case_id, version=done.version, actor="desk-2", note="she is up", now=centre.now
    )
    assert (closed.handling, closed.closed_at) == ("CLOSED", centre.now)
    await centre.forward(duration_s=3600)
    assert (await centre.see(done)).handling == "CLOSED"


async def test_a_p1_is_followed_up_after_its_second_look_only(centre):
    done = await centre.resolve(await centre.claim(await centre.open("sos")))
    with pytest.raises(NotLookedAt):
        await centre.store.follow_up(done.case_id, version=done.version, actor="desk-2", note="well", now=centre.now)


async def test_technical_cases_may_be_shelved_for_a_shift(centre):
    held = await centre.claim(await centre.open("technical"))
    with pytest.raises(MissingWords):
        await centre.act("shelve", held, reason="", shelf_s=60)
    with pytest.raises(ShelfTooLong, match="28800 s at most"):
        await centre.act("shelve", held, reason="the fitter comes tomorrow", shelf_s=28_801)
    away = await centre.act("shelve", held, reason="the fitter comes at four", shelf_s=3600)
    assert (away.handling, away.desk_id, away.lease_id, away.hold_reason) == ("SHELVED", None, None, "the fitter comes at four")  # fmt: skip
    await centre.forward(duration_s=3599)
    assert (await centre.see(held)).handling == "SHELVED"
    await centre.forward(duration_s=1)
    back = await centre.see(held)
    assert (back.handling, back.queued_at, back.held_until_at) == ("QUEUED", centre.now, None)


@pytest.mark.parametrize(("family", "score"), [("sos", 1), ("fall", 2), ("fall", 3), ("water", 1), ("smoke", 4)])
async def test_nothing_else_is_ever_shelved(centre, family, score):
    held = await centre.claim(await centre.open(family, score=score))
    with pytest.raises(NotShelvable):
        await centre.act("shelve", held, reason="no time", shelf_s=60)


async def test_what_is_shelved_can_be_claimed_closes_by_restoral_and_sounds_with_a_new_signal(centre):
    async def shelved(home_id):
        case = (await centre.admit("technical", home_id=home_id)).case
        return await centre.act("shelve", await centre.claim(case), reason="known", shelf_s=3600)

    taken = await centre.claim(await shelved("h-1"), "desk-2")
    assert (taken.handling, taken.held_until_at) == ("CLAIMED", None)
    loud = await shelved("h-2")
    await centre.admit("technical", home_id="h-2", device_id="dev-2", started_at_s=2000.0)
    assert (await centre.see(loud)).handling == "QUEUED"
    back = await shelved("h-3")
    await centre.admit("technical", home_id="h-3", on=False, revision=2, event_at_s=1100.0)
    await centre.forward(duration_s=60)
    assert (await centre.see(back)).handling == "CLOSED"


async def test_only_what_is_at_hand_can_be_shelved(centre):
    case = await centre.open("technical")
    with pytest.raises(NotPossible):
        await centre.act("shelve", case, lease_id="x", desk_id="desk-1", reason="no time", shelf_s=60)
