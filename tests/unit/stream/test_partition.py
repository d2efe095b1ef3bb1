"""One partition in one worker: in what order frames, sends and snapshots follow one another."""

import asyncio
from dataclasses import replace

import pytest

from contracts import dead_letters, detections
from contracts.partitions import partition_of
from contracts.topics import DEAD_LETTERS, DETECTIONS, STREAM_STATE
from stream.partition import HoleInLog, Partition
from stream.places import Found
from stream.reports import reports
from stream.settings import StreamSettings
from stream.snapshots import Newest, Snapshot
from tests.unit.stream.probe import PRESS, PROBE, START_S, Row, frame

SETTINGS = StreamSettings(kafka="127.0.0.1:1", instance="stream-1", snapshot_s=1.0)
DETECTORS = {"probe": PROBE, "press": PRESS}


class Kafka:
    """Where sends end. Topics in ``away`` are not taken until the test says so."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, bytes, bytes, int | None]] = []
        self.away: dict[str, asyncio.Event] = {}

    def send(self, topic: str, value: bytes, key: bytes, partition: int | None = None) -> "asyncio.Task[None]":
        async def deliver() -> None:
            if topic in self.away:
                await self.away[topic].wait()
            self.taken.append((topic, value, key, partition))

        return asyncio.get_running_loop().create_task(deliver())

    def topics(self) -> list[str]:
        return [topic for topic, *_ in self.taken]


@pytest.fixture
def kafka() -> Kafka:
    return Kafka()


def partition(kafka: Kafka, snapshot: Snapshot | None = None, begins_at: int = 0) -> Partition:
    found = Found(3, begins_at, snapshot, {})
    return Partition(found, "bulk", "stream", 16, DETECTORS, SETTINGS, kafka)  # type: ignore[arg-type]


def newest(kafka: Kafka, running: Partition) -> Snapshot | None:
    log = [(key, value) for topic, value, key, _ in kafka.taken if topic == STREAM_STATE]
    return Newest(running.engine.format, "stream", 3).read_all(log)


async def test_a_detection_goes_to_its_homes_own_partition(kafka: Kafka) -> None:
    running = partition(kafka)
    running.take(0, frame([Row(5.0, kind="call")], 5.0))
    assert running.work()
    await asyncio.sleep(0)
    [(topic, value, key, number)] = kafka.taken
    assert (topic, key, number) == (DETECTIONS, b"home-1", partition_of("home-1", 16))
    assert detections.decode(value).detector == "press"


async def test_a_frame_that_the_state_has_already_is_not_applied_again(kafka: Kafka) -> None:
    running = partition(kafka)
    assert running.take(0, frame([Row(5.0, kind="call")], 5.0))
    assert not running.take(0, frame([Row(5.0, kind="call", seq=9)], 5.0))
    running.work()
    assert not running.take(0, frame([Row(5.0, kind="call", seq=9)], 5.0))
    assert not running.work()
    await asyncio.sleep(0)
    assert len(kafka.taken) == 1


async def test_a_backlog_is_worked_off_in_turns_and_says_what_it_says_at_once(
    kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = [
        frame([Row(60.0 * n + k, kind="call" if k == n else "motion", seq=10 * n + k) for k in range(9)], 60.0 * n + 50)
        for n in range(7)
    ]
    at_once, in_turns = partition(kafka), partition(hurried := Kafka())
    for running in (at_once, in_turns):
        for offset, value in enumerate(values):
            running.take(offset, value)
    assert at_once.waiting_bytes == sum(map(len, values))
    assert at_once.work()
    monkeypatch.setattr("stream.partition.PORTION_ROWS", 20)
    reached = []
    while in_turns.work(0.0):
        reached.append(in_turns.next_offset)
        await in_turns.snapshot()
        assert in_turns.reflected == reached[-1] - 1
    await asyncio.sleep(0)
    assert reached == [3, 6, at_once.next_offset] == [3, 6, 7]
    assert at_once.waiting_bytes == in_turns.waiting_bytes == 0
    said, said_at_once = ([each[1] for each in log.taken if each[0] == DETECTIONS] for log in (hurried, kafka))
    assert sorted(said) == sorted(said_at_once)
    assert len(said) >= 7


async def test_a_hole_in_the_log_is_never_passed_over(kafka: Kafka) -> None:
    running = partition(kafka)
    running.take(0, frame([], 5.0))
    with pytest.raises(HoleInLog, match="Frame 1 of partition 3 was expected, 2 came"):
        running.take(2, frame([], 6.0))


async def test_a_log_whose_beginning_has_expired_begins_where_it_begins(kafka: Kafka) -> None:
    assert partition(kafka, begins_at=700).take(700, frame([], 5.0))


async def test_a_bad_frame_becomes_a_dead_letter_and_the_frames_around_it_count(kafka: Kafka) -> None:
    running = partition(kafka)
    for offset, value in enumerate(
        [frame([Row(5.0, kind="call")], 5.0), b"SWF1 spoilt", None, frame([Row(6.0, kind="call", seq=1)], 6.0)]
    ):
        running.take(offset, value)
    running.work()
    await asyncio.sleep(0)
    letters = [dead_letters.decode(value) for topic, value, *_ in kafka.taken if topic == DEAD_LETTERS]
    assert [(letter.reason, letter.topic, letter.payload) for letter in letters] == [
        ("bad_frame", "readings.v1/3/1", b"SWF1 spoilt"),
        ("bad_frame", "readings.v1/3/2", b""),
    ]
    assert kafka.topics().count(DETECTIONS) == 2
    assert running.next_offset == 4


async def test_what_a_detector_cannot_bear_becomes_a_dead_letter(kafka: Kafka) -> None:
    def observe(params: object, state: object, rows: object, ctx: object) -> None:
        raise ValueError("never")

    broken = {"press": replace(PRESS, observe=observe)}
    running = Partition(Found(3, 0, None, {}), "bulk", "stream", 16, broken, SETTINGS, kafka)  # type: ignore[arg-type]
    running.take(0, frame([Row(5.0, kind="call", seq=4)], 5.0))
    running.work()
    await asyncio.sleep(0)
    letter = next(dead_letters.decode(value) for topic, value, *_ in kafka.taken if topic == DEAD_LETTERS)
    assert (letter.reason, letter.account, letter.seq) == ("detector_error", "home-1.d-1", 4)
    assert "ValueError: never" in letter.detail


async def test_a_snapshot_waits_for_what_its_frames_had_to_say(kafka: Kafka) -> None:
    kafka.away[DETECTIONS] = asyncio.Event()
    running = partition(kafka)
    running.take(0, frame([Row(5.0, kind="call")], 5.0))
    running.work()
    writing = asyncio.create_task(running.snapshot())
    await asyncio.sleep(0.01)
    assert (kafka.taken, running.reflected) == ([], -1)
    kafka.away[DETECTIONS].set()
    await writing
    assert kafka.topics() == [DETECTIONS, STREAM_STATE]
    assert running.reflected == 0


async def test_a_snapshot_is_of_the_moment_at_which_it_was_taken(kafka: Kafka) -> None:
    kafka.away[DETECTIONS] = asyncio.Event()
    running = partition(kafka)
    running.take(0, frame([Row(5.0, kind="call")], 5.0))
    running.work()
    writing = asyncio.create_task(running.snapshot())
    await asyncio.sleep(0)
    running.take(1, frame([Row(6.0)], 6.0))
    running.work()
    kafka.away[DETECTIONS].set()
    await writing
    assert running.reflected == 0
    again = partition(kafka, newest(kafka, running))
    assert again.next_offset == 1


async def test_frames_that_wait_are_not_in_the_snapshot(kafka: Kafka) -> None:
    running = partition(kafka)
    running.take(0, frame([], 5.0))
    running.work()
    running.take(1, frame([], 6.0))
    await running.snapshot()
    assert running.reflected == 0


async def test_a_successor_goes_on_where_the_snapshot_stands(kafka: Kafka) -> None:
    running = partition(kafka)
    running.take(0, frame([Row(5.0)], 5.0))
    running.work()
    await running.snapshot()
    again = partition(kafka, newest(kafka, running))
    assert (again.next_offset, again.reflected) == (1, 0)
    again.take(1, frame([], 300.0))
    again.work()
    await asyncio.sleep(0)
    assert [detections.decode(value).reason for topic, value, *_ in kafka.taken if topic == DETECTIONS] == [
        "probe.silent",
        "probe.silent_long",
    ]


async def test_snapshots_alternate_between_two_places(kafka: Kafka) -> None:
    running = partition(kafka)
    for offset in range(3):
        running.take(offset, frame([], 5.0 + offset))
        running.work()
        await running.snapshot()
    assert [key for _, _, key, _ in kafka.taken] == [
        b"stream/3/stream-1/1/0",
        b"stream/3/stream-1/0/0",
        b"stream/3/stream-1/1/0",
    ]


async def test_progress_names_each_source_and_what_lies_before_it(kafka: Kafka) -> None:
    running = partition(kafka)
    assert [(each.source, each.lag) for each in reports(running, "stream", "stream-1", 5, 0.0)] == [("", 5)]
    running.take(0, frame([Row(5.0)], 5.0, source="main"))
    running.take(1, frame([], 9.0, source="demo", clock="virtual"))
    running.work()
    assert [
        (each.source, each.clock, each.watched_until_s, each.offset, each.lag, each.rows)
        for each in reports(running, "stream", "stream-1", 5, 0.0)
    ] == [
        ("main", "wall", START_S + 5.0, 1, 3, 1),
        ("demo", "virtual", START_S + 9.0, 1, 3, 1),
    ]
