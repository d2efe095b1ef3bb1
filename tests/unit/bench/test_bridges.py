"""What came is counted as it is named, and what the load sends is what each competitor's records are read as."""

from typing import Any

import pytest

from bench.bridges import HomeLoad, Seen, read_frame, read_payload
from bench.load import home_name
from contracts.frames import Envelope, FrameBuilder, FrameMeta
from contracts.kinds import DEVICE, Vitals
from contracts.names import parse_topic
from ingest import gate
from tests.unit.bench.test_city import Taker


def test_lost_repeated_disordered_and_split_are_told_apart() -> None:
    seen = Seen()
    for partition, home, seq in (
        (0, "a", 1), (0, "a", 2), (0, "a", 2),  # a repeat
        (1, "b", 2), (1, "b", 1), (1, "b", 3),  # 1 came late
        (0, "c", 1), (2, "c", 2),  # in two partitions
    ):  # fmt: skip
        seen.add(partition, home, seq, at_ms=1000 + seq)
    assert (seen.count, seen.repeated, seen.disordered, seen.split, seen.last_ms) == (7, 1, 1, 1, 1003)


def test_a_repeat_that_comes_late_is_no_disorder() -> None:
    seen = Seen()
    for seq in (1, 2, 3, 1, 2, 4):
        seen.add(0, "a", seq, 0)
    assert (seen.repeated, seen.disordered) == (2, 0)


def test_the_load_passes_the_gate_and_every_home_counts_without_a_hole() -> None:
    load = HomeLoad("m123456", 30, 1000.0)
    takers: Any = [Taker() for _ in range(4)]
    load._pipes = takers
    for _ in range(9):
        load._send_ordinary(10)
    came = [each for taker in takers for each in taker.taken]
    assert len(came) == load.sent == 90
    numbers: dict[str, list[int]] = {}
    for address, payload, _, _ in came:
        topic = address.decode()
        judged = gate.judge(topic, payload)
        assert not judged.refusals, judged.refusals
        (named,) = read_payload(b"whatever " + payload)
        assert named[0] == parse_topic(topic).home_id
        numbers.setdefault(named[0], []).append(named[1])
    assert numbers == {home_name("m123456", number): [1, 2, 3] for number in range(30)}


@pytest.mark.parametrize("value", [b"", b"{}", b'{"resident":"a"}'])
def test_a_record_that_is_no_message_of_the_load_is_passed_over(value: bytes) -> None:
    assert list(read_payload(value)) == []


def test_our_frames_are_read_row_by_row_in_their_order_and_a_tick_holds_nothing() -> None:
    builder = FrameBuilder()
    for home, seq in (("a", 1), ("b", 1), ("a", 2)):
        builder.add(
            "vitals", Envelope(home, "watch", None, home, 1.0, 1.0, 1.0, DEVICE, 1, seq), Vitals(heart_rate_bpm=71)
        )
    meta = FrameMeta(source="bench", lane="bulk", watched_until_s=1.0)
    assert list(read_frame(builder.build(meta))) == [("a", 1), ("b", 1), ("a", 2)]
    assert list(read_frame(builder.build(meta))) == []
