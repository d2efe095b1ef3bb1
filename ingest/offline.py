"""Frames without MQTT and Kafka: what a replay of the same messages would put into the log, for ``detect`` and for tests."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from contracts.topics import PARTITIONS
from ingest.clocks import RecordedClock
from ingest.event_time import EventTimes
from ingest.framing import Framing
from ingest.intake import LANES, Intake, Lane
from ingest.refusals import Refusal


class OfflineFrame(NamedTuple):
    """One Kafka record: the lane names its topic (contracts.topics.LANE_TOPIC)."""

    lane: Lane
    partition: int
    value: bytes


def frames_of(
    messages: Iterable[tuple[str, bytes]],
    source: str,
    partitions: int = PARTITIONS,
    *,
    cut: int = 1_000,
    refused: list[tuple[str, Refusal]] | None = None,
) -> Iterator[OfflineFrame]:
    """Frames of ``messages`` (topic, payload) in order, on the recorded clock, cut every ``cut`` messages.

    The cut changes nothing that an engine may answer (docs/decisions/0001). Partitions without a home of these messages get no frames.
    End the messages with one on the channel ``clock`` where timers are to run on behind the last reading. What the gate refuses is
    appended to ``refused`` with its topic.
    """
    clock = RecordedClock()
    intake = Intake(clock, EventTimes(), partitions)
    framing: Framing[None] = Framing(source, clock.name, partitions)
    used: set[tuple[Lane, int]] = set()

    def frames(count: int) -> Iterator[OfflineFrame]:
        until_s = clock.complete_until_s()
        if until_s is not None:
            framing.watched(until_s)
        for lane in LANES:
            for partition in framing.due(lane, float(count), 0.0):
                if (lane, partition) in used:
                    yield OfflineFrame(lane, partition, framing.take(lane, partition, float(count), 0.0).value)
                    framing.arrived(lane, partition)

    count = 0
    for count, (topic, payload) in enumerate(messages, 1):
        taken = intake.take(topic, payload, live=False)
        for row in taken.rows:
            lanes = LANES if row.urgent else LANES[:1]
            for lane in lanes:
                framing.add(lane, row.partition, row.kind, row.envelope, row.reading)
            used.update((lane, row.partition) for lane in LANES)
        if refused is not None:
            refused.extend((topic, refusal) for refusal in taken.refusals)
        if count % cut == 0:
            yield from frames(count)
    yield from frames(count + 1)
