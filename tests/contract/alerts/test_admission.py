"""What detections do to cases. Over both stores."""

import asyncio
from itertools import permutations

import pytest

from alerts.cases import Place
from alerts.memory import Home
from tests.contract.alerts.centre import a_detection


async def test_a_detection_opens_a_case_that_waits_for_a_desk(centre):
    centre.homes["h-1"] = Home("330282999001", care_level=1)
    admission = await centre.admit("fall", resident_id="r-1", score=3)
    case = await centre.see(admission.case_id)
    assert admission.result == "new"
    assert admission.change == "raised"
    assert (case.handling, case.condition, case.priority, case.score, case.version) == ("QUEUED", "on", 1, 3, 1)
    assert (case.area_code, case.resident_id, case.signals) == ("330282999001", "r-1", 1)
    assert case.deadline_at is not None
    assert (case.deadline_at - centre.now).total_seconds() == 60
    assert case.reasons[0].evidence == {"down_s": 12.5}


async def test_an_alarm_of_an_unregistered_home_is_an_alarm(centre):
    case = await centre.open("smoke")
    assert (case.area_code, case.priority) == ("", 1)
    assert [c.case_id for c in await centre.store.queue("330282")] == [case.case_id]


async def test_a_desk_sees_the_cases_of_its_area(centre):
    centre.homes["h-1"] = Home("330282999001")
    centre.homes["h-2"] = Home("330283999001")
    await centre.admit("sos", home_id="h-1")
    await centre.admit("sos", home_id="h-2")
    assert [c.home_id for c in await centre.store.queue("330282")] == ["h-1"]
    assert len(await centre.store.queue()) == 2


async def test_the_same_detection_twice_is_one(centre):
    first = await centre.admit("fall")
    again = await centre.admit("fall")
    assert again.result == "repeated"
    detail = await centre.store.case(first.case_id)
    assert (detail.case.version, len(detail.signals), len(await centre.store.unsent())) == (1, 1, 1)


async def test_the_other_lane_saying_the_same_changes_nothing(centre):
    first = await centre.admit("fall", lane="urgent")
    other = await centre.admit("fall", lane="bulk")
    assert (other.result, other.case_id, other.change) == ("new", first.case_id, None)
    detail = await centre.store.case(first.case_id)
    assert detail.case.version == 1
    assert [signal.revisions for signal in detail.signals] == [{"urgent": 1, "bulk": 1}]


async def test_an_older_revision_that_comes_later_is_ignored(centre):
    await centre.admit("technical", revision=2, score=2, event_at_s=1010)
    late = await centre.admit("technical", revision=1, score=1)
    assert (late.result, late.change) == ("older", None)
    (case,) = await centre.store.queue()
    assert (case.score, case.version) == (2, 1)


async def test_a_newer_revision_changes_the_signal_and_may_raise_the_priority(centre):
    case = await centre.open("fall", home_id="h-5", started_at_s=5, score=2)
    assert case.priority == 2
    risen = await centre.admit(
        "fall", home_id="h-5", started_at_s=5, revision=2, score=3, reason="fall_room.still_down"
    )
    assert (risen.change, risen.case.priority, risen.case.signals) == ("priority", 1, 1)
    assert (risen.case.deadline_at - centre.now).total_seconds() == 60


async def test_a_second_detector_of_the_same_family_joins_the_case(centre):
    first = await centre.admit("fall", score=2)
    second = await centre.admit("fall", detector="fall_wearable", device_id="watch", score=2)
    assert second.case_id == first.case_id
    assert (second.case.score, second.case.priority, second.case.signals) == (3, 1, 2)


async def test_what_was_unknown_when_a_case_began_is_filled_in_when_it_is_known(centre):
    case = await centre.open("fall", home_id="h-5", started_at_s=5)
    centre.homes["h-5"] = Home("330282999001")
    more = await centre.admit("fall", home_id="h-5", detector="fall_wearable", device_id="watch", resident_id="r-5")
    assert (more.case_id, more.case.area_code, more.case.resident_id) == (case.case_id, "330282999001", "r-5")
    assert (await centre.see(case)).area_code == "330282999001"


async def test_another_family_is_another_case(centre):
    assert (await centre.admit("fall")).case_id != (await centre.admit("smoke")).case_id


async def test_a_withdrawal_lowers_the_score_is_shown_and_never_lowers_the_priority(centre):
    case = await centre.open("fall", home_id="h-5", started_at_s=5, score=3)
    gone = await centre.admit(
        "fall",
        home_id="h-5",
        started_at_s=5,
        revision=2,
        withdrawn=True,
        on=False,
        score=0,
        reason="fall_wearable.moved",
    )
    assert (gone.case.score, gone.case.priority, gone.case.condition, gone.case.handling) == (0, 1, "latched", "QUEUED")
    assert [reason.key for reason in gone.case.reasons] == ["fall_wearable.moved"]
    assert gone.case_id == case.case_id


async def test_a_fall_that_is_over_stays_until_a_person_closes_it(centre):
    case = await centre.open("fall", home_id="h-5", started_at_s=5)
    await centre.admit("fall", home_id="h-5", started_at_s=5, revision=2, on=False, event_at_s=60)
    await centre.forward(duration_s=100_000)
    stands = await centre.see(case)
    assert (stands.handling, stands.condition) == ("QUEUED", "latched")
    done = await centre.resolve(await centre.claim(stands))
    assert done.condition == "off"


async def test_a_fall_first_heard_of_when_it_is_over_is_still_a_case(centre):
    case = await centre.open("fall", on=False)
    assert (case.handling, case.condition) == ("QUEUED", "latched")


async def test_a_fault_first_heard_of_when_it_is_over_is_nobodys_case(centre):
    admission = await centre.admit("technical", on=False)
    assert (admission.result, admission.case_id) == ("new", None)
    assert await centre.store.queue() == []


async def test_a_technical_case_closes_when_the_device_has_stayed_back(centre):
    case = await centre.open("technical", home_id="h-5", started_at_s=5)
    await centre.admit("technical", home_id="h-5", started_at_s=5, revision=2, on=False, event_at_s=60)
    await centre.forward(duration_s=59.9)
    assert (await centre.see(case)).handling == "QUEUED"
    await centre.forward(duration_s=0.1)
    assert (await centre.see(case)).handling == "CLOSED"
    assert [row.action for row in (await centre.store.case(case.case_id)).audit] == ["raised", "signal", "restored"]


async def test_a_device_that_flaps_makes_one_case(centre):
    case = await centre.open("technical", home_id="h-5", started_at_s=5)
    await centre.admit("technical", home_id="h-5", started_at_s=5, revision=2, on=False, event_at_s=60)
    await centre.forward(duration_s=30)
    again = await centre.admit("technical", home_id="h-5", started_at_s=70)
    assert again.case_id == case.case_id
    await centre.forward(duration_s=600)
    assert (await centre.see(case)).handling == "QUEUED"


async def test_a_restored_technical_case_that_somebody_works_on_waits_for_them(centre):
    held = await centre.claim(await centre.open("technical", home_id="h-5", started_at_s=5))
    await centre.admit("technical", home_id="h-5", started_at_s=5, revision=2, on=False, event_at_s=60)
    await centre.forward(duration_s=61)
    held = await centre.see(held)
    assert held.handling == "CLAIMED"
    await centre.act("release", held)
    await centre.sweep()
    assert (await centre.see(held)).handling == "CLOSED"


async def test_a_stove_that_is_off_again_waits_for_a_person_all_the_same(centre):
    case = await centre.open("stove", home_id="h-5", started_at_s=5)
    off = await centre.admit("stove", home_id="h-5", started_at_s=5, revision=2, on=False, event_at_s=60)
    await centre.forward(duration_s=3600)
    assert off.case.condition == "off"
    assert (await centre.see(case)).handling == "QUEUED"


async def test_a_new_episode_ends_a_hold_and_sounds_at_its_owners_desk(centre):
    case = await centre.claim(await centre.open("sos", home_id="h-5", started_at_s=5))
    case = await centre.act("hold", case, reason="the line is busy", hold_s=100)
    await centre.forward(duration_s=50)
    again = await centre.admit("sos", home_id="h-5", started_at_s=55)
    assert (again.change, again.case.handling, again.case.desk_id) == ("hold_ended", "CLAIMED", "desk-1")
    assert again.case.lease_id == case.lease_id
    assert (again.case.lease_until_at - centre.now).total_seconds() == 90
    await centre.forward(duration_s=90)
    assert (await centre.see(case)).handling == "QUEUED"


async def test_the_end_of_a_signal_does_not_end_a_hold(centre):
    case = await centre.claim(await centre.open("fall", home_id="h-5", started_at_s=5))
    case = await centre.act("hold", case, reason="the line is busy", hold_s=100)
    off = await centre.admit("fall", home_id="h-5", started_at_s=5, revision=2, on=False, event_at_s=60)
    assert off.case.handling == "HELD"


async def test_after_resolved_a_new_episode_opens_a_linked_case(centre):
    done = await centre.finished("fall", home_id="h-5", started_at_s=5)
    again = await centre.admit("fall", home_id="h-5", started_at_s=900)
    assert again.case_id != done.case_id
    assert again.case.after_case_id == done.case_id
    assert (await centre.see(done)).handling == "RESOLVED"


async def test_after_a_day_a_new_episode_stands_alone(centre):
    await centre.finished("sos", home_id="h-5", started_at_s=5)
    await centre.forward(duration_s=86_401)
    again = await centre.admit("sos", home_id="h-5", started_at_s=90_000)
    assert again.case.after_case_id is None


async def test_the_end_of_a_resolved_case_s_own_signal_is_shown_and_opens_nothing(centre):
    done = await centre.finished("fall", home_id="h-5", started_at_s=5)
    off = await centre.admit("fall", home_id="h-5", started_at_s=5, revision=2, on=False, event_at_s=60)
    assert (off.case_id, off.change, off.case.handling, off.case.condition) == (
        done.case_id,
        "signal",
        "RESOLVED",
        "off",
    )
    assert await centre.store.queue() == []


async def test_a_resolved_case_whose_signal_grows_stronger_makes_somebody_look_again(centre):
    done = await centre.finished("fall", home_id="h-5", started_at_s=5, score=2)
    worse = await centre.admit(
        "fall", home_id="h-5", started_at_s=5, revision=2, score=4, reason="fall_room.still_down"
    )
    assert worse.case_id != done.case_id
    assert (worse.case.after_case_id, worse.case.priority) == (done.case_id, 1)


async def test_a_signal_that_grows_long_after_its_case_was_closed_is_a_case_of_its_own(centre):
    done = await centre.finished("sos", home_id="h-5", started_at_s=5, score=2)
    await centre.forward(duration_s=86_400)
    await centre.forward(duration_s=86_400)
    worse = await centre.admit("sos", home_id="h-5", started_at_s=5, revision=2, score=4)
    assert worse.case.handling == "QUEUED"
    assert worse.case.after_case_id == done.case_id


async def test_the_other_lane_s_copy_after_resolving_opens_nothing(centre):
    done = await centre.finished("fall", home_id="h-5", started_at_s=5)
    copy = await centre.admit("fall", home_id="h-5", started_at_s=5, lane="bulk")
    assert (copy.case_id, copy.change) == (done.case_id, None)


async def test_what_still_burns_after_the_follow_up_comes_back(centre):
    done = await centre.finished("smoke", home_id="h-5", started_at_s=5)
    await centre.forward(duration_s=86_400)
    back = await centre.see(done)
    assert (back.handling, back.condition, back.priority) == ("QUEUED", "on", 1)
    assert (await centre.store.case(done.case_id)).audit[-1].reason == "case.still_on"


async def test_a_test_is_recorded_and_never_counts(centre):
    test = await centre.admit("sos", test=True)
    assert (test.case.handling, test.case.test) == ("TEST", True)
    assert await centre.store.queue() == []
    real = await centre.admit("sos", started_at_s=2000)
    assert real.case_id != test.case_id
    assert real.case.handling == "QUEUED"
    assert len(await centre.store.unsent()) == 2
    second_test = await centre.admit("sos", test=True, started_at_s=3000)
    assert second_test.case_id not in (test.case_id, real.case_id)


async def test_a_test_that_turns_out_to_be_real_is_real(centre):
    test = await centre.admit("sos", test=True)
    real = await centre.admit("sos", test=False, revision=2)
    assert real.case.handling == "QUEUED"
    assert real.case_id != test.case_id


async def test_the_order_in_which_statements_come_does_not_change_where_they_lead(centre):
    statements = [
        {"lane": "urgent", "revision": 1, "score": 2},
        {"lane": "bulk", "revision": 1, "score": 2},
        {"lane": "bulk", "revision": 2, "score": 3, "event_at_s": 1030.0, "reason": "fall_room.still_down"},
        {"lane": "bulk", "revision": 3, "on": False, "event_at_s": 1090.0, "reason": "fall_room.over"},
    ]
    found = set()
    for number, order in enumerate(permutations(statements)):
        for fields in order:
            admission = await centre.store.admit(
                a_detection("fall", home_id=f"h-{number}", **({"event_at_s": 1000.0} | fields)), centre.now
            )
        detail = await centre.store.case(admission.case_id)
        (signal,) = detail.signals
        found.add((detail.case.condition, detail.case.handling, signal.on, signal.score, signal.reason))
    assert found == {("latched", "QUEUED", False, 3, "fall_room.over")}


async def test_two_detections_of_one_home_at_the_same_moment_make_one_case(centre):
    detections = [a_detection("fall", started_at_s=n, detector=f"fall_{n}", device_id=f"d-{n}") for n in range(10)]
    admissions = await asyncio.gather(*(centre.store.admit(d, centre.now) for d in detections))
    assert len({admission.case_id for admission in admissions}) == 1
    (case,) = await centre.store.queue()
    assert case.signals == 10


async def test_the_same_detection_read_by_both_twins_at_once_is_one(centre):
    admissions = await asyncio.gather(*(centre.admit("sos") for _ in range(10)))
    assert sorted(admission.result for admission in admissions) == ["new"] + ["repeated"] * 9
    assert len(await centre.store.unsent()) == 1


async def test_a_batch_is_taken_whole_or_not_at_all(centre):
    good = a_detection("technical", home_id="h-1")
    bad = a_detection("technical", home_id="h-2", started_at_s=1e18)
    with pytest.raises((ValueError, OverflowError, OSError)):
        await centre.store.admit_many([(good, None), (bad, None)], centre.now)
    assert await centre.store.queue() == []
    assert await centre.store.held([good, bad]) == set()
    (admission,) = await centre.store.admit_many([(good, Place("alerts-1", "detections.v1", 3, 41))], centre.now)
    assert admission.change == "raised"
    assert await centre.store.held([good, bad]) == {(good.detection_id, "urgent", 1)}


async def test_who_pressed_is_told_that_a_person_has_it(centre):
    await centre.claim(await centre.open("sos"))
    event = (await centre.store.unsent())[-1]
    assert event.change == "claimed"
    assert [(origin.device_id, origin.boot, origin.seq) for origin in event.origins] == [("dev-1", 1, 7)]


async def test_two_sensors_an_hour_apart_are_two_doubts_in_one_case(centre):
    await centre.admit("fall", score=2)
    later = await centre.admit("fall", detector="fall_wearable", device_id="watch", score=2, started_at_s=4600.0)
    assert (later.case.signals, later.case.score, later.case.priority) == (2, 2, 2)


async def test_a_silence_that_began_with_an_open_fall_is_about_that_fall(centre):
    fall = await centre.admit("fall", score=2, started_at_s=1000.0)
    silent = await centre.admit("no_life", device_id=None, score=1, started_at_s=1060.0, decided_at_s=8000.0)
    assert silent.case_id == fall.case_id
    assert (silent.case.family, silent.case.score, silent.case.priority, silent.case.signals) == ("fall", 3, 1, 2)
    detail = await centre.store.case(fall.case_id)
    assert [signal.about for signal in detail.signals] == [None, detail.signals[0].detection_id]
    assert [each["key"] for each in detail.audit[-1].facts["why"]] == ["evidence.first", "evidence.supports"]
    longer = await centre.admit("no_life", device_id=None, score=2, started_at_s=1060.0, revision=2, event_at_s=9000.0)
    assert longer.case_id == fall.case_id, "its later words go the same way"
    assert longer.case.score == 3
    over = await centre.admit(
        "no_life", device_id=None, on=False, score=2, started_at_s=1060.0, revision=3, event_at_s=9500.0
    )
    assert (over.case.score, over.case.priority, over.case.condition) == (3, 1, "on")
    assert len(await centre.store.queue()) == 1


async def test_a_silence_that_began_another_time_is_a_case_of_its_own(centre):
    fall = await centre.admit("fall", score=2, started_at_s=1000.0)
    silent = await centre.admit("no_life", device_id=None, score=1, started_at_s=1301.0)
    assert silent.case_id != fall.case_id
    assert (silent.case.family, (await centre.see(fall.case_id)).score) == ("no_life", 2)
    elsewhere = await centre.admit("no_life", device_id=None, home_id="h-2", score=1, started_at_s=1000.0)
    assert elsewhere.case.family == "no_life"


async def test_a_silence_after_the_fall_was_dealt_with_is_an_alarm_of_its_own(centre):
    done = await centre.finished("fall", home_id="h-5", started_at_s=1000.0)
    silent = await centre.admit("no_life", home_id="h-5", device_id=None, score=1, started_at_s=1000.0)
    assert silent.case_id != done.case_id
    assert (silent.case.family, silent.case.handling) == ("no_life", "ASKING")


async def test_a_silence_that_outgrows_a_finished_fall_makes_somebody_look_again(centre):
    fall = await centre.admit("fall", score=2, started_at_s=1000.0)
    await centre.admit("no_life", device_id=None, score=1, started_at_s=1060.0)
    await centre.resolve(await centre.claim(await centre.see(fall.case_id)))
    worse = await centre.admit("no_life", device_id=None, score=3, started_at_s=1060.0, revision=2, event_at_s=9000.0)
    assert worse.case_id != fall.case_id
    assert (worse.case.family, worse.case.priority, worse.case.handling) == ("no_life", 1, "QUEUED")


async def test_a_silence_goes_to_its_own_open_case_first(centre):
    silence = await centre.admit("no_life", device_id=None, score=1, started_at_s=100.0)
    await centre.admit("fall", score=2, started_at_s=1000.0)
    again = await centre.admit("no_life", device_id=None, score=1, started_at_s=1010.0)
    assert again.case_id == silence.case_id


async def test_another_detector_may_contradict_and_lowers_the_score_but_never_the_priority(centre):
    fall = a_detection("fall", score=3)
    case_id = (await centre.store.admit(fall, centre.now)).case_id
    walks = {
        "detector": "walks_again", "device_id": "pir-1", "started_at_s": 1120.0, "on": False, "withdrawn": True, "score": 2,
        "reason": "fall_wearable.moved", "about": fall.detection_id,
    }  # fmt: skip
    doubted = await centre.admit("no_life", **walks)
    assert (doubted.case_id, doubted.case.score, doubted.case.priority) == (case_id, 2, 1)
    assert (doubted.case.handling, doubted.case.condition) == ("QUEUED", "on")
    audit = (await centre.store.case(case_id)).audit[-1]
    assert (audit.reason, audit.facts["score_before"]) == ("case.contradicted", 3)
    assert [each["key"] for each in audit.facts["why"]] == ["evidence.first", "evidence.contradicts"]


async def test_a_contradiction_of_what_nobody_has_is_kept_and_is_nobodys_case(centre):
    said = await centre.admit("fall", on=False, withdrawn=True, score=2, about="nobody-knows")
    assert (said.result, said.case_id) == ("new", None)
    assert await centre.store.queue() == []
    assert await centre.store.reevaluate(centre.now) == []


async def test_what_latches_never_becomes_part_of_a_case_that_ends_by_itself(centre):
    device = a_detection("technical")
    await centre.store.admit(device, centre.now)
    smoke = await centre.admit("smoke", about=device.detection_id)
    assert (smoke.case.family, smoke.case.priority) == ("smoke", 1)


async def test_in_another_familys_case_a_signal_is_as_urgent_as_in_its_own(centre):
    water = a_detection("water", score=1)
    case_id = (await centre.store.admit(water, centre.now)).case_id
    stove = await centre.admit("stove", score=2, about=water.detection_id)
    assert (stove.case_id, stove.case.family, stove.case.priority) == (case_id, "water", 2)
