"""The resident is asked first. Over both stores."""

import msgspec
import pytest

from alerts.errors import NoSuchQuestion
from alerts.memory import Home

HOME = Home("330282999001", phones={"r-1": "+86 138 0000 0001"}, kin=("daughter",))


@pytest.fixture
def home(centre):
    centre.homes["h-1"] = HOME
    return centre


async def a_doubt(centre, family="fall", **fields):
    return (await centre.admit(family, **({"score": 1, "resident_id": "r-1"} | fields))).case


async def one_round(centre, case, **outcome):
    """What the asker does: take the questions that are due, and say how it went."""
    people = next(
        (asking.people for asking in await centre.store.asking(centre.now) if asking.case.case_id == case.case_id), ()
    )
    taken = await centre.store.begin_round(case.case_id, people, centre.now, take_s=10)
    tried = [
        msgspec.structs.replace(question, told=outcome.get(question.channel, True), detail="tried")
        for question in taken
    ]
    return taken, await centre.store.told(case.case_id, tried, centre.now)


async def test_a_p3_of_a_person_first_asks_and_desks_see_until_when(home):
    case = await a_doubt(home)
    assert (case.handling, case.priority, case.queued_at) == ("ASKING", 3, None)
    assert (case.asking_until_at - home.now).total_seconds() == 120
    assert (case.deadline_at - home.now).total_seconds() == 120 + 900
    assert [c.case_id for c in await home.store.queue("330282")] == [case.case_id]
    event = (await home.store.unsent())[-1]
    assert (event.change, event.case.handling, event.case.asking_until_at) == ("raised", "ASKING", case.asking_until_at)


@pytest.mark.parametrize("family", ["fall", "no_life", "vitals", "stove"])
async def test_the_families_of_a_person_ask_at_score_1_and_never_at_2(centre, family):
    assert (await centre.open(family, score=1)).handling == "ASKING"
    sure = await centre.open(family, score=2)
    assert (sure.handling, sure.priority) == ("QUEUED", 2)


@pytest.mark.parametrize("family", ["sos", "smoke", "gas", "co", "wandering", "water", "technical"])
async def test_nothing_else_asks(centre, family):
    assert (await centre.open(family, score=1)).handling == "QUEUED"


async def test_a_high_care_level_makes_a_p2_that_does_not_wait_for_an_answer(centre):
    centre.homes["h-1"] = Home("330282999001", care_level=4)
    case = await a_doubt(centre)
    assert (case.handling, case.priority) == ("QUEUED", 2)


async def test_resident_and_kin_are_asked_and_both_stand_in_the_history(home):
    case = await a_doubt(home)
    taken, after = await one_round(home, case)
    assert [(q.channel, q.recipient, q.phone, bool(q.token)) for q in taken] == [
        ("voice", "r-1", "+86 138 0000 0001", True),
        ("app", "daughter", "", False),
    ]
    assert after.handling == "ASKING"
    row = (await home.store.case(case.case_id)).audit[-1]
    assert (row.action, row.reason, row.facts["sent"], row.facts["failed"]) == ("asked", "case.asked", 2, 0)


async def test_i_am_well_ends_it_with_an_outcome_of_its_own(home):
    case = await a_doubt(home)
    (voice, _), _ = await one_round(home, case)
    done = await home.store.answer(voice.question_id, "well", token=voice.token, now=home.now)
    assert (done.handling, done.outcome, done.resolved_by, done.contact) == (
        "RESOLVED", "resident_well", "resident", "resident",
    )  # fmt: skip
    assert done.asking_until_at is None
    row = (await home.store.case(case.case_id)).audit[-1]
    assert (row.actor, row.reason, row.facts["who"]) == ("resident", "case.well", "r-1")
    await home.forward(duration_s=86_400)
    assert (await home.see(case)).handling == "CLOSED"


async def test_kin_say_that_all_is_well_and_are_named(home):
    case = await a_doubt(home)
    (_, app), _ = await one_round(home, case)
    done = await home.store.answer(app.question_id, "well", kin="daughter", now=home.now)
    assert (done.outcome, done.resolved_by, done.contact) == ("kin_says_well", "daughter", "kin")


async def test_a_call_for_help_is_as_urgent_as_the_button(home):
    case = await a_doubt(home)
    (voice, _), _ = await one_round(home, case)
    home.now = home.now.replace(second=20)
    queued = await home.store.answer(voice.question_id, "help", token=voice.token, now=home.now, note="my leg")
    assert (queued.handling, queued.priority, queued.queued_at, queued.rung) == ("QUEUED", 1, home.now, 0)
    assert (queued.deadline_at - home.now).total_seconds() == 60
    await home.forward(duration_s=30)
    assert (await home.see(case)).rung == 1


async def test_nobody_answers_and_it_waits_in_the_queue_one_rung_higher(home):
    case = await a_doubt(home)
    await one_round(home, case)
    await home.forward(duration_s=119.999)
    assert (await home.see(case)).handling == "ASKING"
    await home.forward(duration_s=0.001)
    queued = await home.see(case)
    assert (queued.handling, queued.priority, queued.rung, queued.queued_at) == ("QUEUED", 3, 1, home.now)
    assert queued.asking_until_at is None
    row = (await home.store.case(case.case_id)).audit[-1]
    assert (row.action, row.reason, row.facts["asked_s"]) == ("queued", "case.no_answer", 120.0)


async def test_without_any_asker_at_work_the_time_ends_all_the_same(home):
    case = await a_doubt(home, "no_life")
    await home.forward(duration_s=300)
    assert (await home.see(case)).handling == "QUEUED"


async def test_what_cannot_be_understood_goes_to_a_desk(home):
    case = await a_doubt(home)
    (voice, _), _ = await one_round(home, case)
    queued = await home.store.answer(voice.question_id, "unsure", token=voice.token, now=home.now)
    assert (queued.handling, queued.rung) == ("QUEUED", 1)


async def test_a_telephone_that_nobody_takes_is_kept_and_asked_again(home):
    case = await a_doubt(home)
    (voice, _), _ = await one_round(home, case)
    still = await home.store.answer(voice.question_id, "silence", token=voice.token, now=home.now)
    assert still.handling == "ASKING"
    assert await home.store.begin_round(case.case_id, (), home.now, take_s=10) == []
    await home.forward(duration_s=60)
    (again,), _ = await one_round(home, case)
    assert (again.channel, again.round) == ("voice", 2), "kin have the question in the app already"
    done = await home.store.answer(again.question_id, "well", token=again.token, now=home.now)
    assert done.outcome == "resident_well"


@pytest.mark.parametrize(
    "signal",
    [
        {"detector": "fall_wearable", "device_id": "watch", "score": 1, "started_at_s": 5000.0},
        {"revision": 2, "score": 2, "event_at_s": 1010.0},
    ],
)
async def test_a_new_or_stronger_signal_queues_it_at_once(home, signal):
    case = await a_doubt(home)
    queued = (await home.admit("fall", **({"resident_id": "r-1"} | signal))).case
    assert (queued.case_id, queued.handling, queued.asking_until_at) == (case.case_id, "QUEUED", None)
    assert queued.queued_at == home.now
    assert (await home.store.case(case.case_id)).audit[-1].reason == "case.asking_broken"
    assert "ask" not in {timer.kind for timer in (await home.store.case(case.case_id)).timers}


async def test_what_its_devices_say_less_of_goes_on_being_asked(home):
    case = await a_doubt(home, "no_life")
    over = (await home.admit("no_life", resident_id="r-1", score=1, on=False, revision=2, event_at_s=1010.0)).case
    assert (over.case_id, over.handling, over.condition) == (case.case_id, "ASKING", "latched")


async def test_a_desk_may_take_it_at_any_time_and_gives_it_back_into_the_queue(home):
    case = await a_doubt(home)
    held = await home.claim(case)
    assert (held.handling, held.asking_until_at, held.queued_at) == ("CLAIMED", None, home.now)
    back = await home.act("release", held)
    assert back.handling == "QUEUED"
    assert {timer.kind for timer in (await home.store.case(case.case_id)).timers} == {"rung"}


async def test_an_answer_that_comes_when_a_desk_has_it_is_in_the_history_and_help_is_heard(home):
    case = await a_doubt(home)
    (voice, app), _ = await one_round(home, case)
    held = await home.claim(await home.see(case))
    noted = await home.store.answer(voice.question_id, "well", token=voice.token, now=home.now)
    assert (noted.handling, noted.desk_id, noted.priority) == ("CLAIMED", held.desk_id, 3)
    urgent = await home.store.answer(app.question_id, "help", kin="daughter", now=home.now)
    assert (urgent.handling, urgent.priority) == ("CLAIMED", 1)
    assert [row.reason for row in (await home.store.case(case.case_id)).audit][-2:] == ["case.answered", "case.help"]


async def test_help_after_all_was_well_opens_it_again(home):
    case = await a_doubt(home)
    (voice, app), _ = await one_round(home, case)
    await home.store.answer(voice.question_id, "well", token=voice.token, now=home.now)
    again = await home.store.answer(app.question_id, "help", kin="daughter", now=home.now, note="she does not answer")
    assert (again.case_id, again.handling, again.priority, again.former_desk_id) == (case.case_id, "QUEUED", 1, None)


async def test_help_about_a_finished_case_reaches_the_one_that_is_open(home):
    case = await a_doubt(home)
    (voice, app), _ = await one_round(home, case)
    await home.store.answer(voice.question_id, "well", token=voice.token, now=home.now)
    other = await a_doubt(home, started_at_s=9000.0)
    assert other.case_id != case.case_id
    risen = await home.store.answer(app.question_id, "help", kin="daughter", now=home.now)
    assert (risen.case_id, risen.handling, risen.priority) == (other.case_id, "QUEUED", 1)


async def test_the_same_answer_twice_is_one(home):
    case = await a_doubt(home)
    (voice, _), _ = await one_round(home, case)
    first = await home.store.answer(voice.question_id, "well", token=voice.token, now=home.now)
    again = await home.store.answer(voice.question_id, "well", token=voice.token, now=home.now)
    assert again.version == first.version


async def test_nobody_else_answers(home):
    case = await a_doubt(home)
    (voice, app), _ = await one_round(home, case)
    for question_id, who in (
        (voice.question_id, {"token": "guessed"}),
        (voice.question_id, {"kin": "daughter"}),
        (app.question_id, {"token": ""}),
        (app.question_id, {"kin": "nephew"}),
        ("no-such-question", {"token": voice.token}),
    ):
        with pytest.raises(NoSuchQuestion):
            await home.store.answer(question_id, "well", now=home.now, **who)
    assert (await home.see(case)).handling == "ASKING"


async def test_where_nobody_can_be_asked_a_desk_hears_it_at_once(centre):
    case = await a_doubt(centre)
    taken, after = await one_round(centre, case)
    assert taken == []
    assert (after.handling, after.rung, after.queued_at) == ("QUEUED", 0, centre.now)
    assert (await centre.store.case(case.case_id)).audit[-1].reason == "case.cannot_ask"


async def test_a_gateway_that_fails_leaves_the_app_and_both_failing_leave_a_desk(home):
    case = await a_doubt(home)
    _, after = await one_round(home, case, voice=False)
    assert after.handling == "ASKING"
    home.homes["h-2"] = Home("330282999001", phones={"r-2": "+86 138 0000 0002"})
    other = await a_doubt(home, home_id="h-2", resident_id="r-2")
    _, after = await one_round(home, other, voice=False)
    assert after.handling == "QUEUED"
    assert [row.reason for row in (await home.store.case(other.case_id)).audit] == [
        "case.asking", "case.asked", "case.cannot_ask",
    ]  # fmt: skip


async def test_of_two_askers_one_asks_and_what_a_dead_one_took_is_asked_by_the_other(home):
    case = await a_doubt(home)
    (asking,) = await home.store.asking(home.now)
    first = await home.store.begin_round(case.case_id, asking.people, home.now, take_s=10)
    assert await home.store.begin_round(case.case_id, asking.people, home.now, take_s=10) == []
    home.now = first[0].taken_until_at
    again = await home.store.begin_round(case.case_id, asking.people, home.now, take_s=10)
    assert [(q.question_id, q.token) for q in again] == [(q.question_id, q.token) for q in first]


async def test_an_answer_may_be_quicker_than_the_gateway_s_own_word(home):
    case = await a_doubt(home)
    (asking,) = await home.store.asking(home.now)
    (voice, app) = await home.store.begin_round(case.case_id, asking.people, home.now, take_s=10)
    await home.store.answer(voice.question_id, "well", token=voice.token, now=home.now)
    tried = [msgspec.structs.replace(q, told=True, detail="accepted") for q in (voice, app)]
    after = await home.store.told(case.case_id, tried, home.now)
    assert after.handling == "RESOLVED"
    again = await home.store.answer(voice.question_id, "well", token=voice.token, now=home.now)
    assert again.version == after.version, "the answer is still known"
