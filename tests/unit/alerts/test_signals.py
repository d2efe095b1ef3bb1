"""Statements of two lanes, folded into one signal whatever the order they come in."""

from datetime import UTC, datetime

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from alerts.signals import condition_of, fold, reasons_of, same_word
from contracts.detections import Detection

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def said(revision=1, lane="urgent", event_at_s=10.0, on=True, withdrawn=False, score=2, reason="fall_room.alarm"):
    return Detection(
        detection_id="d-1", detector="fall_room", family="fall", lane=lane, home_id="h-1", revision=revision, on=on,
        withdrawn=withdrawn, started_at_s=10.0, event_at_s=event_at_s, decided_at_s=event_at_s + 1, score=score, reason=reason,
    )  # fmt: skip


def test_the_other_lane_saying_the_same_is_the_same_signal():
    signal = fold([said(), said(lane="bulk")], NOW)
    assert signal.on
    assert signal.score == 2
    assert signal.revisions == {"bulk": 1, "urgent": 1}


def test_within_a_lane_the_highest_revision_counts_even_if_it_tells_of_an_earlier_event():
    assert not fold([said(), said(revision=2, event_at_s=5.0, on=False)], NOW).on


def test_across_lanes_the_later_event_counts():
    off = said(lane="bulk", revision=2, event_at_s=60.0, on=False)
    assert not fold([said(), off], NOW).on
    assert fold([said(event_at_s=70.0), off], NOW).on


def test_of_two_about_the_same_event_the_more_alarming_counts():
    assert fold([said(score=1), said(lane="bulk", score=3)], NOW).score == 3


def test_a_withdrawn_signal_is_neither_on_nor_counted():
    signal = fold([said(score=3), said(revision=2, withdrawn=True, score=3)], NOW)
    assert (signal.on, signal.withdrawn, signal.score) == (False, True, 0)


def test_one_that_contradicts_another_says_how_sure_it_is():
    against = msgspec.structs.replace(said(on=False, withdrawn=True, score=2), about="another")
    signal = fold([against], NOW)
    assert (signal.contradicts, signal.score, signal.about) == (True, 2, "another")
    taken_back = fold([msgspec.structs.replace(against, score=0)], NOW)
    assert not taken_back.contradicts
    assert not same_word(signal, fold([msgspec.structs.replace(against, about="a third")], NOW))


statements = st.builds(
    said,
    revision=st.integers(1, 4),
    lane=st.sampled_from(["bulk", "urgent"]),
    event_at_s=st.sampled_from([10.0, 20.0, 30.0]),
    on=st.booleans(),
    withdrawn=st.booleans(),
    score=st.integers(0, 4),
)


@given(st.lists(statements, min_size=1, max_size=6, unique_by=lambda s: (s.lane, s.revision)), st.randoms())
def test_neither_order_nor_repetition_changes_what_a_signal_says(found, random):
    shuffled = [*found, random.choice(found)]
    random.shuffle(shuffled)
    assert fold(shuffled, NOW) == fold(found, NOW)


def test_a_fall_stays_latched_when_the_sensor_is_quiet_again():
    quiet = fold([said(on=False)], NOW)
    assert condition_of("fall", [quiet]) == "latched"
    assert condition_of("technical", [quiet]) == "off"
    assert condition_of("technical", [quiet, fold([said()], NOW)]) == "on"


def test_a_stuck_button_gives_its_reason_once_with_the_newest_numbers():
    presses = [
        fold([Detection(
            detection_id=f"d-{i}", detector="call", family="sos", lane="urgent", home_id="h-1", started_at_s=float(i), event_at_s=float(i),
            decided_at_s=float(i), score=3, reason="call.press", evidence={"presses": float(i)},
        )], NOW)
        for i in range(50)
    ]  # fmt: skip
    (reason,) = reasons_of(presses)
    assert reason.evidence == {"presses": 49.0}
