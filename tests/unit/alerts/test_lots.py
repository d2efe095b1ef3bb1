"""Records from Kafka: what is read, what is refused, and what goes into one transaction."""

from typing import NamedTuple

import msgspec
import pytest

from alerts.lots import BadDetection, cut, decoded, read
from contracts import detections
from tests.contract.alerts.centre import a_detection


class Given(NamedTuple):
    value: bytes | None
    offset: int = 0
    topic: str = "detections.v1"
    partition: int = 3


def records(*found):
    return [
        Given(each if isinstance(each, bytes) else detections.encode(each), number) for number, each in enumerate(found)
    ]


def test_what_the_stream_says_is_read_as_it_was_said():
    said = a_detection("sos")
    assert read(detections.encode(said)) == said


@pytest.mark.parametrize(
    "value",
    [b"", None, b"not json", b"[]", b"{}", b"\xff\xfe", detections.encode(a_detection("fall")).replace(b'"fall"', b'"flying"'),
     detections.encode(a_detection("fall", started_at_s=1e300, decided_at_s=1.0)), detections.encode(a_detection("fall", revision=2**40))],
)  # fmt: skip
def test_what_is_no_detection_is_refused_with_a_reason(value):
    with pytest.raises(BadDetection, match="dead letter"):
        read(value)


def test_numbers_that_json_cannot_say_do_not_cost_an_alarm():
    said = a_detection("fall", evidence={"down_s": float("nan"), "turn_deg": 80.0, "why": "gap"})
    assert read(detections.encode(said)).evidence == {"turn_deg": 80.0, "why": "gap"}


def test_a_score_out_of_range_is_brought_within():
    assert read(detections.encode(a_detection("fall", score=9))).score == 4
    assert read(detections.encode(a_detection("fall", score=-1))).score == 0


def test_nul_in_a_text_does_not_cost_an_alarm():
    said = a_detection("fall", room="bath\0room", evidence={"w\0hy": "a\0b"})
    found = read(detections.encode(said))
    assert (found.room, found.evidence) == ("bathroom", {"why": "ab"})


def test_a_person_s_alarm_goes_alone_and_technical_ones_go_together():
    found = decoded(
        records(
            *[a_detection("technical", home_id=f"h-{n}") for n in range(5)],
            a_detection("fall"),
            a_detection("technical"),
        )
    )
    lots = cut(found, set(), 3)
    assert [(lot.what, len(lot.records)) for lot in lots] == [("admit", 3), ("admit", 2), ("admit", 1), ("admit", 1)]
    assert [record.offset for lot in lots for record in lot.records] == list(range(7))


def test_two_of_one_home_are_not_in_one_lot():
    found = decoded(records(*[a_detection("technical", home_id="h-1", started_at_s=n) for n in (1, 2)]))
    assert [len(lot.records) for lot in cut(found, set(), 10)] == [1, 1]


def test_what_the_twin_did_is_passed_over_in_one():
    said = [a_detection("fall", home_id=f"h-{n}") for n in range(4)]
    held = {(each.detection_id, each.lane, each.revision) for each in said[:3]}
    assert [(lot.what, len(lot.records)) for lot in cut(decoded(records(*said)), held, 10)] == [
        ("known", 3),
        ("admit", 1),
    ]


def test_a_bad_record_stands_alone_and_the_others_keep_their_order():
    lots = cut(decoded(records(a_detection("technical"), b"{", a_detection("technical"))), set(), 10)
    assert [lot.what for lot in lots] == ["admit", "bad", "admit"]
    assert "no detection" in lots[1].detail


def test_a_newer_contract_s_extra_fields_are_not_refused():
    value = msgspec.json.decode(detections.encode(a_detection("fall")))
    value["data"]["something_new"] = 1
    assert read(msgspec.json.encode(value)).family == "fall"
