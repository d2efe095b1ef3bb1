"""Framing: one frame of a partition on its way at a time, order of arrival, and statements for every partition."""

from contracts.frames import Envelope, Frame, decode
from contracts.kinds import Inertial, Motion
from ingest.framing import EASY_PER_S, STRETCH, Framing, Outgoing, stretch
from ingest.intake import LANES


def envelope(seq: int) -> Envelope:
    return Envelope("h", "d", None, None, float(seq), float(seq), None, 0, 1, seq)


def framing(partitions: int = 4) -> Framing[str]:
    made: Framing[str] = Framing("main", "wall", partitions)
    return made


def add(to: Framing[str], seq: int, partition: int = 0) -> None:
    to.add("bulk", partition, "motion", envelope(seq), Motion(moving=True))
    to.claim("bulk", partition, f"message {seq}")


def read(out: Outgoing[str]) -> Frame:
    return decode(out.value)


def seqs(out: Outgoing[str]) -> list[int]:
    frame = read(out)
    return frame.batches["motion"].column("seq").to_pylist() if frame.rows else []


def test_rows_leave_in_the_order_they_came_with_what_hangs_on_them() -> None:
    frames = framing()
    for seq in range(5):
        add(frames, seq)
    out = frames.take("bulk", 0, 0.0, 0.0)
    assert seqs(out) == [0, 1, 2, 3, 4]
    assert out.claims == [f"message {seq}" for seq in range(5)]


def test_while_a_frame_is_on_its_way_the_next_rows_of_its_partition_wait_and_those_of_others_do_not() -> None:
    frames = framing()
    add(frames, 1)
    frames.take("bulk", 0, 0.0, 0.0)
    add(frames, 2)
    add(frames, 3, partition=2)
    assert frames.due("bulk", 0.05, 1.0) == [2]
    frames.arrived("bulk", 0)
    assert frames.due("bulk", 0.05, 1.0) == [0, 2]
    assert seqs(frames.take("bulk", 0, 0.05, 0.0)) == [2]


def test_every_partition_of_both_lanes_gets_a_tick_in_time_and_none_where_nothing_new_is_known() -> None:
    frames = framing(partitions=3)
    frames.watched(50.0)
    for lane in LANES:
        assert frames.due(lane, 0.0, 1.0) == [0, 1, 2]
        for partition in range(3):
            frame = read(frames.take(lane, partition, 0.0, 0.0))
            assert (frame.rows, frame.meta.watched_until_s, frame.meta.lane) == (0, 50.0, lane)
            frames.arrived(lane, partition)
        assert frames.due(lane, 5.0, 1.0) == [], "the instant is the same: there is nothing to tell"
    frames.watched(51.0)
    assert frames.due("bulk", 0.5, 1.0) == []
    assert frames.due("bulk", 1.0, 1.0) == [0, 1, 2]


def test_an_unwatched_interval_goes_into_the_first_frame_of_every_partition_and_only_once() -> None:
    frames = framing(partitions=2)
    frames.watched(60.0, (10.0, 55.0))
    for lane in LANES:
        for partition in frames.due(lane, 0.0, 1e9):
            assert read(frames.take(lane, partition, 0.0, 0.0)).meta.unwatched == ((10.0, 55.0),)
            frames.arrived(lane, partition)
        assert frames.due(lane, 0.0, 1e9) == []


def test_what_is_held_is_the_least_that_every_partition_was_told() -> None:
    frames = framing(partitions=1)
    frames.watched(60.0)
    frames.take("bulk", 0, 0.0, 0.0)
    frames.arrived("bulk", 0)
    assert frames.held_until_s is None
    frames.take("urgent", 0, 0.0, 0.0)
    assert frames.held_until_s is None, "on its way is not held"
    frames.arrived("urgent", 0)
    assert frames.held_until_s == 60.0
    frames.watched(70.0)
    assert frames.held_until_s == 60.0


def test_a_partition_with_large_blocks_is_ready_before_its_time() -> None:
    frames = framing()
    block = Inertial(rate_hz=50, range_g=4, samples=bytes(60_000))
    frames.add("bulk", 0, "inertial", envelope(1), block)
    assert not frames.is_ready("bulk", 0, 100_000)
    frames.add("bulk", 0, "inertial", envelope(2), block)
    assert frames.is_ready("bulk", 0, 100_000)
    frames.take("bulk", 0, 0.0, 0.0)
    assert not frames.is_ready("bulk", 0, 0)


def test_it_is_empty_when_nothing_waits_and_nothing_is_on_its_way() -> None:
    frames = framing()
    assert frames.is_empty
    add(frames, 1)
    assert not frames.is_empty
    frames.take("bulk", 0, 0.0, 0.0)
    assert not frames.is_empty
    frames.arrived("bulk", 0)
    assert frames.is_empty


def test_readings_wait_longer_for_their_frames_the_more_there_are_but_not_for_ever() -> None:
    assert stretch(0, 0.0) == stretch(0, 1.0) == stretch(int(EASY_PER_S), 1.0) == 1.0
    assert stretch(int(EASY_PER_S * 2.5), 1.0) == stretch(int(EASY_PER_S * 5), 2.0) == 2.5
    assert stretch(int(EASY_PER_S * 100), 1.0) == STRETCH
