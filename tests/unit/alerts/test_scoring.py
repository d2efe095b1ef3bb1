"""Evidence score and priority."""

import inspect
import re
import time
from datetime import UTC, datetime, timedelta
from itertools import permutations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from alerts import scoring
from alerts.cases import Signal
from alerts.rules import SHIPPED
from alerts.scoring import WINDOW_S, priority_of, score_of, why
from contracts.detections import FAMILIES
from contracts.reasons import EVIDENCE, sentence

START = datetime(2026, 3, 1, tzinfo=UTC)


def a_signal(
    name, *, detector="fall_wearable", device="watch", score=2, withdrawn=False, on=True, after_s=0.0, about=None
):
    return Signal(
        detection_id=name, detector=detector, device_id=device, on=on and not withdrawn, withdrawn=withdrawn, about=about,
        score=0 if withdrawn and about is None else score, reason="x.y", started_at=START + timedelta(seconds=after_s), changed_at=START,
    )  # fmt: skip


def test_one_signal_scores_what_its_detector_says():
    assert score_of([a_signal("a", score=2)]).value == 2


def test_a_second_detector_on_another_device_adds_one():
    found = score_of([a_signal("a"), a_signal("b", detector="fall_room", device="radar", score=1)])
    assert found.value == 3
    assert found.counted == ("a", "b")


def test_two_detectors_on_one_device_felt_the_same_jolt():
    assert score_of([a_signal("a"), a_signal("b", detector="other", device="watch")]).value == 2


def test_two_episodes_of_one_detector_are_the_same_doubt_again():
    assert score_of([a_signal("a"), a_signal("b", device="other-watch", after_s=60)]).value == 2


def test_signals_without_a_device_are_independent_by_detector():
    found = score_of([a_signal("a", detector="inactivity", device=None), a_signal("b", detector="bed", device=None)])
    assert found.value == 3


def test_a_signal_that_is_sure_of_nothing_adds_nothing():
    assert score_of([a_signal("a"), a_signal("b", detector="fall_room", device="radar", score=0)]).value == 2


def test_a_withdrawal_lowers_the_score():
    a, b = a_signal("a", score=3), a_signal("b", detector="fall_room", device="radar")
    assert score_of([a, b]).value == 4
    assert score_of([a_signal("a", score=3, withdrawn=True), b]).value == 2
    assert score_of([a_signal("a", withdrawn=True)]).value == 0


def test_what_is_over_still_happened():
    assert score_of([a_signal("a", score=3, on=False)]).value == 3


def test_the_score_does_not_depend_on_the_order_of_arrival():
    signals = [
        a_signal("a", score=2), a_signal("b", detector="fall_room", device="radar", score=2),
        a_signal("c", detector="fall_room", device="watch", score=2), a_signal("d", detector="bed", device=None, score=1),
    ]  # fmt: skip
    assert len({score_of(order) for order in permutations(signals)}) == 1


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["x", "y", None]), st.integers(0, 4), st.booleans())))
def test_the_score_stays_between_nothing_and_four(found):
    signals = [a_signal(str(i), detector=d, device=v, score=s, withdrawn=w) for i, (d, v, s, w) in enumerate(found)]
    score = score_of(signals).value
    assert 0 <= score <= 4
    assert score >= max((s.score for s in signals), default=0)


def a_radar(name="b", **fields):
    return a_signal(name, **{"detector": "fall_room", "device": "radar"} | fields)


def test_two_devices_agree_within_a_window_and_not_beyond_it():
    assert score_of([a_signal("a"), a_radar(after_s=WINDOW_S)]).value == 3
    assert score_of([a_signal("a"), a_radar(after_s=WINDOW_S + 0.001)]).value == 2
    assert score_of([a_signal("a", after_s=WINDOW_S), a_radar()]).value == 3


def test_of_two_troubles_in_one_case_the_surer_counts():
    morning, evening = a_signal("a", score=2), a_signal("c", score=1, after_s=30_000)
    assert score_of([morning, evening, a_radar(score=1, after_s=30_010)]).counted == ("a",)
    assert score_of([morning, evening, a_radar(score=2, after_s=30_010)]).counted == ("b", "c")


def test_what_lasts_agrees_as_long_as_both_hold():
    pulse, oxygen = (
        a_signal("a", detector="heart_rate", device=None, score=1),
        a_signal("b", detector="spo2", device="oximeter", score=1, after_s=3600),
    )
    assert score_of([pulse, oxygen], lasting=True).value == 2
    assert score_of([pulse, oxygen]).value == 1
    assert score_of([pulse, msgspec.structs.replace(oxygen, on=False)], lasting=True).value == 1


def test_what_is_about_another_supports_it_whenever_it_began():
    silence = a_signal("b", detector="inactivity", device=None, score=1, after_s=7200, about="a")
    assert score_of([a_signal("a"), silence]).value == 3
    assert score_of([a_signal("a"), msgspec.structs.replace(silence, about="another")]).value == 2
    assert score_of([a_signal("a"), msgspec.structs.replace(silence, device_id="watch")]).value == 2, "its own device"


def test_who_contradicts_takes_one_away_and_never_the_last():
    walks = a_signal("w", detector="walks_again", device="pir", score=2, withdrawn=True, about="b", after_s=9000)
    door = a_signal("x", detector="door_used", device="door", score=1, withdrawn=True, about="b", after_s=60)
    again = msgspec.structs.replace(walks, detection_id="w-2")
    assert score_of([a_radar(score=3), walks]).value == 2
    assert score_of([a_radar(score=3), walks, again]).value == 2, "one detector doubts once"
    assert score_of([a_radar(score=3), walks, door]).value == 1
    assert score_of([a_radar(score=1), walks, door]).value == 1
    assert score_of([a_radar(score=0), walks]).value == 0
    assert score_of([a_radar(score=3), msgspec.structs.replace(walks, about="another")]).value == 3
    assert score_of([a_signal("a"), a_radar(), walks]).value == 2, "agreed by two, doubted by one"
    assert score_of([walks]).value == 0


def test_who_supported_and_takes_that_back_contradicts_nobody():
    back = a_signal("w", detector="inactivity", device=None, score=0, withdrawn=True, about="b")
    assert not back.contradicts
    assert score_of([a_radar(), back]).value == 2


def test_the_reasons_of_a_score_are_told_in_both_languages():
    said = why(
        [a_signal("a", score=2), a_radar(after_s=40), a_signal("c", detector="other"), a_radar("d", after_s=9000)]
    )
    assert [each.key for each in said] == [
        "evidence.first",
        "evidence.agrees",
        "evidence.same_device",
        "evidence.again",
    ]
    assert sentence(said[1].key, said[1].evidence, "zh") == "+1：另一设备的房间跌倒传感器在 40 秒内同样报告"
    assert sentence(said[1].key, said[1].evidence, "en") == "+1: fall room, another device, says so within 40 s"
    assert set(re.findall(r'"(evidence\.[a-z_]+)"', inspect.getsource(scoring))) == set(EVIDENCE)


def test_a_sensor_that_flaps_for_days_is_scored_in_time():
    many = [a_radar(f"r-{n}", after_s=60.0 * n, on=False) for n in range(5000)]
    began_s = time.perf_counter()
    assert score_of([*many, a_signal("a", score=1, after_s=-9000)], lasting=True).value == 2
    assert time.perf_counter() - began_s < 2.0


mixed = st.lists(
    st.tuples(
        st.sampled_from("abc"), st.sampled_from(["x", "y", None]), st.integers(0, 4), st.booleans(), st.sampled_from([0, 200, 400, 9000]),
        st.sampled_from([None, "0", "1"]),
    ), max_size=6,
)  # fmt: skip


@given(mixed, st.booleans(), st.randoms())
def test_neither_score_nor_reasons_depend_on_the_order(found, lasting, random):
    signals = [
        a_signal(str(i), detector=d, device=v, score=s, withdrawn=w, after_s=t, about=a)
        for i, (d, v, s, w, t, a) in enumerate(found)
    ]
    shuffled = [*signals]
    random.shuffle(shuffled)
    score = score_of(signals, lasting=lasting)
    assert score == score_of(shuffled, lasting=lasting)
    assert why(signals, lasting=lasting) == why(shuffled, lasting=lasting)
    assert 0 <= score.value <= 4
    assert (score.value > 0) == any(s.score > 0 and not s.withdrawn for s in signals)


@given(st.sampled_from(FAMILIES), st.integers(0, 4), st.integers(0, 5))
def test_a_high_care_level_raises_by_one_and_never_into_p1(family, score, care_level):
    plain = priority_of(SHIPPED, family, score, 0)
    given_care = priority_of(SHIPPED, family, score, care_level)
    if care_level < 3:
        assert given_care == plain
    elif plain > 2:
        assert given_care == plain - 1
    else:
        assert given_care == plain


def test_life_is_p1_whatever_the_score():
    for family in ("sos", "smoke", "gas", "co"):
        assert {priority_of(SHIPPED, family, score, 0) for score in range(5)} == {1}


def test_priority_follows_the_design_for_people():
    assert [priority_of(SHIPPED, "fall", score, 0) for score in range(1, 5)] == [3, 2, 1, 1]
    assert [priority_of(SHIPPED, "no_life", score, 0) for score in range(1, 5)] == [3, 2, 1, 1]
    assert priority_of(SHIPPED, "stove", 1, 0) == 3
    assert priority_of(SHIPPED, "stove", 2, 0) == priority_of(SHIPPED, "wandering", 2, 0) == 2
    assert priority_of(SHIPPED, "water", 2, 0) == 3
    assert priority_of(SHIPPED, "technical", 2, 0) == 4


def test_more_evidence_never_makes_a_case_less_urgent():
    for priorities in SHIPPED.priorities.values():
        assert list(priorities) == sorted(priorities, reverse=True)


def test_supervisors_can_change_the_table():
    own = msgspec.structs.replace(SHIPPED, priorities=SHIPPED.priorities | {"water": (5, 5, 4, 2, 2)})
    assert priority_of(own, "water", 3, 0) == 2


def test_those_that_feel_the_same_silence_are_together_no_surer():
    silent = [
        a_signal(name, detector=name, device=None, score=1) for name in ("inactivity", "long_bathroom", "bed_exit")
    ]
    assert score_of(silent).value == 1
    assert score_of([*silent, a_signal("pendant", detector="fall_wearable", device="pendant", score=1)]).value == 2
