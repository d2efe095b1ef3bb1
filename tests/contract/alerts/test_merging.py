"""Two cases that are one matter: folded by the desk, with both histories, never quieter and never undone."""

from datetime import timedelta

import pytest

from alerts.cases import Case
from alerts.errors import LeaseLost, NotMergeable, NotPossible, StaleClaim
from tests.contract.alerts.centre import Centre


async def pair(centre: Centre, mine: str = "fall", other: str = "sos") -> tuple[Case, Case]:
    """One in hand, and another of the same home."""
    first, second = (await centre.admit(mine, score=2)).case, (await centre.admit(other, score=2)).case
    assert first is not None
    assert second is not None
    return await centre.claim(first), second


async def test_the_other_takes_over_its_signals_and_both_histories_say_so(centre: Centre) -> None:
    fall, sos = await pair(centre)
    merged = await centre.act("merge", fall, into=sos.case_id, note="he pressed while falling")
    assert (merged.handling, merged.merged_into, merged.desk_id, merged.closed_at) == ("MERGED", sos.case_id, None, centre.now)  # fmt: skip
    into = await centre.store.case(sos.case_id)
    assert {signal.detector for signal in into.signals} == {"call", "fall_room"}
    assert (into.case.handling, into.case.signals) == ("QUEUED", 2)
    assert (into.audit[-1].reason, into.audit[-1].facts["from"], into.audit[-1].actor) == ("case.took_in", fall.case_id, "desk-1")  # fmt: skip
    history = (await centre.store.case(fall.case_id)).audit[-1]
    assert (history.reason, history.facts["into"], history.facts["note"]) == ("case.merged_by_hand", sos.case_id, "he pressed while falling")  # fmt: skip
    assert [case.case_id for case in await centre.store.queue()] == [sos.case_id]


async def test_what_only_a_person_ends_is_not_folded_into_what_may_end_without_one(centre: Centre) -> None:
    fall, pulse = await pair(centre, "fall", "vitals")
    with pytest.raises(NotMergeable):
        await centre.act("merge", fall, into=pulse.case_id)
    mine = await centre.claim(pulse)
    assert (await centre.act("merge", mine, into=fall.case_id)).handling == "MERGED"
    assert (await centre.see(fall)).desk_id == "desk-1"


async def test_a_queued_p2_that_takes_in_a_p1_rings_as_one(centre: Centre) -> None:
    mine, other = await pair(centre, "sos", "no_life")
    await centre.act("merge", mine, into=other.case_id)
    after = await centre.see(other)
    assert (after.priority, after.rung) == (1, 0)
    assert after.deadline_at <= centre.now + timedelta(seconds=60)
    await centre.forward(30)
    assert (await centre.see(other)).rung == 1


async def test_what_its_detector_says_later_is_heard_where_the_matter_is(centre: Centre) -> None:
    fall, sos = await pair(centre)
    await centre.act("merge", fall, into=sos.case_id)
    later = await centre.admit("fall", revision=2, score=4)
    assert later.case_id == sos.case_id
    assert (await centre.see(fall)).handling == "MERGED"
    new = await centre.admit("fall", started_at_s=9000)
    assert new.case_id not in (fall.case_id, sos.case_id), "another fall is another case"


async def test_it_is_never_undone_and_takes_no_part_any_more(centre: Centre) -> None:
    fall, sos = await pair(centre)
    merged = await centre.act("merge", fall, into=sos.case_id)
    with pytest.raises(NotPossible):
        await centre.store.reopen(merged.case_id, version=merged.version, actor="desk-1", reason="no", now=centre.now)
    await centre.forward(90_000)
    assert (await centre.see(merged)).handling == "MERGED"
    assert (await centre.store.case(merged.case_id)).timers == ()


async def test_only_its_desk_may_with_the_version_it_saw(centre: Centre) -> None:
    fall, sos = await pair(centre)
    known = {"into": sos.case_id, "now": centre.now}
    with pytest.raises(StaleClaim):
        await centre.store.merge(fall.case_id, version=fall.version - 1, lease_id=fall.lease_id or "", desk_id="desk-1", **known)  # fmt: skip
    with pytest.raises(LeaseLost):
        await centre.store.merge(fall.case_id, version=fall.version, lease_id="guessed", desk_id="desk-2", **known)


@pytest.mark.parametrize("what", ["itself", "another home", "technical", "finished", "on hold"])
async def test_where_it_would_be_lost_it_is_refused_and_nothing_changes(centre: Centre, what: str) -> None:
    fall, other = await pair(centre, other="technical" if what == "technical" else "sos")
    into = other.case_id
    if what == "itself":
        into = fall.case_id
    elif what == "another home":
        into = (await centre.open("sos")).case_id
    elif what == "finished":
        await centre.resolve(await centre.claim(other))
    elif what == "on hold":
        await centre.act("hold", await centre.claim(other), reason="busy", hold_s=60)
    before = (await centre.see(fall), await centre.see(into))
    with pytest.raises(NotMergeable):
        await centre.act("merge", fall, into=into)
    assert (await centre.see(fall), await centre.see(into)) == before
