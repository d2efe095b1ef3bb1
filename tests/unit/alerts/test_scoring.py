"""Evidence score and priority."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from alerts.cases import Signal
from alerts.rules import SHIPPED
from alerts.scoring import priority_of, score_of
from contracts.detections import FAMILIES

START = datetime(2026, 3, 1, tzinfo=UTC)


def a_signal(name, *, detector="fall_wearable", device="watch", score=2, withdrawn=False, on=True, after_s=0.0):
    return Signal(
        detection_id=name, detector=detector, device_id=device, on=on and not withdrawn, withdrawn=withdrawn,
        score=0 if withdrawn else score, reason="x.y", started_at=START + timedelta(seconds=after_s), changed_at=START,
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
