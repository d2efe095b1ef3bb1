"""Intake: the gate, then when and which. What the bridge and the offline way have in common, so that they cannot differ. Pure."""

from collections import OrderedDict
from typing import Literal, NamedTuple

import msgspec

from contracts.frames import Envelope
from contracts.kinds import Reading
from contracts.names import Topic
from contracts.partitions import partition_of
from ingest import gate
from ingest.clocks import Clock, RecordedClock, VirtualClock
from ingest.event_time import EventTimes
from ingest.identity import hashed
from ingest.refusals import Refusal, Refused

Lane = Literal["bulk", "urgent"]
LANES: tuple[Lane, ...] = ("bulk", "urgent")
REPEATS_REMEMBERED = 100_000
"""Urgent numbers that are remembered; at 10 a second of a whole city, the last three hours."""
REPEAT_S = 600.0
"""A message without ``t`` is a repeat of an equal one within this, s: a device repeats every few seconds and stops at its receipt."""
USES = 16
"""Different readings remembered for one number."""


class Number(NamedTuple):
    """An urgent native reading as its sender counts it."""

    account: str
    device_id: str
    boot: int
    seq: int


What = tuple[str, float | None]
"""(kind, t): tells two readings apart that bear the same number."""


class Row(msgspec.Struct, frozen=True, gc=False):
    """One row on its way into a frame. ``urgent`` rows go into both lanes."""

    kind: str
    envelope: Envelope
    reading: Reading
    urgent: bool
    partition: int
    number: Number | None
    """Set for an urgent native reading that was counted: a repeat of it is known."""
    repeat: bool
    """Kafka holds this very reading already: a receipt is all that is owed."""
    waits: bool = False
    """This very reading is on disk and its receipt goes out when Kafka has it: nothing is to be done."""


class Taken(msgspec.Struct, frozen=True, gc=False):
    """What became of one message."""

    topic: Topic | None
    rows: list[Row]
    refusals: list[Refusal]
    ignored: str
    wants_receipt: bool


class _Use:
    """One reading that bore a number."""

    __slots__ = ("heard_at_s", "held", "identity", "on_disk")

    def __init__(self, heard_at_s: float, identity: tuple[int, int]) -> None:
        self.heard_at_s = heard_at_s
        self.identity = identity
        self.held = False
        self.on_disk = False


class Intake:
    """Takes messages of one source in order of arrival."""

    def __init__(self, clock: Clock, event_times: EventTimes, partitions: int) -> None:
        self._clock = clock
        self._recorded = clock if isinstance(clock, RecordedClock) else None
        self._led = clock if isinstance(clock, RecordedClock | VirtualClock) else None
        self._event_times = event_times
        self._partitions = partitions
        self._heard: OrderedDict[Number, dict[What, _Use]] = OrderedDict()

    def take(self, topic: str | Topic | Refusal, payload: bytes, *, live: bool) -> Taken:
        """Judge a message that arrived now. ``topic``: as it came, or what ``gate.read_topic`` made of it. ``live``: the bridge is caught up and the broker did not keep the message (retained)."""
        recorded = self._recorded
        try:
            found = gate.judge(topic, payload, led=self._led is not None)
        except Exception as error:  # a fault of ours in one payload must not stop those behind it
            found = gate.failed(topic, error)
        rows: list[Row] = []
        refusals = list(found.refusals)
        if self._led is not None and found.moves_clock_to_s is not None:
            self._led.observe(found.moves_clock_to_s)
        if found.topic is not None and found.parts:
            received_at_s = self._clock.now_s()
            for part in found.parts:
                if self._led is not None:
                    received_at_s = self._led.arrival_s(part.reading.t, part.reading.sent)
                try:
                    rows.append(self._row(found.topic, part, payload, received_at_s, live and recorded is None))
                except Refused as refused:
                    reading = part.reading
                    refusals.append(Refusal(refused.reason, refused.detail, reading.boot, reading.seq, reading.device))
        return Taken(found.topic, rows, refusals, found.ignored, found.wants_receipt)

    def held(self, row: Row) -> bool:
        """Kafka holds this urgent row. Returns whether it held the same reading before: then the receipt says so."""
        use = self._use_of(row)
        if use is None:
            return False
        before, use.held = use.held, True
        return before

    def on_disk(self, row: Row) -> None:
        """This urgent row waits on disk for Kafka; ``held`` will be called for it."""
        if (use := self._use_of(row)) is not None:
            use.on_disk = True

    def _use_of(self, row: Row) -> _Use | None:
        return self._heard.get(row.number, {}).get((row.kind, row.reading.t)) if row.number else None

    def _row(self, topic: Topic, part: gate.Part, payload: bytes, received_at_s: float, live: bool) -> Row:
        reading = part.reading
        event = self._event_times.resolve(
            topic.account,
            reading.t,
            reading.sent,
            reading.boot,
            received_at_s,
            live=live,
            urgent=part.urgent,
            arrival_is_event=part.arrival_is_event or (part.kind == "status" and reading.t is None),
        )
        number: Number | None = None
        repeat = waits = False
        if reading.boot is None or reading.seq is None:
            at_s = None if reading.t is not None else received_at_s
            boot, seq = -1, hashed(_channel(topic), part.kind, payload, part.place, at_s)
        elif part.urgent:
            number = Number(topic.account, part.device_id, reading.boot, reading.seq)
            use = self._hear(number, (part.kind, reading.t), _channel(topic), received_at_s)
            (boot, seq), repeat, waits = use.identity, use.held, use.on_disk and not use.held
        else:
            boot, seq = reading.boot, reading.seq
        envelope = Envelope(
            topic.home_id,
            part.device_id,
            part.via,
            reading.resident,
            event.at_s,
            received_at_s,
            reading.t,
            event.clock,
            boot,
            seq,
        )
        partition = partition_of(topic.home_id, self._partitions)
        return Row(part.kind, envelope, reading, part.urgent, partition, number, repeat, waits)

    def _hear(self, number: Number, what: What, channel: str, received_at_s: float) -> _Use:
        """The use of this number by this reading.

        A device that begins to count anew without a new ``boot`` must not have its second SOS taken for a repeat of its first: the second
        use of a number gets an identity of its own.
        """
        uses = self._heard.get(number)
        if uses is None:
            if len(self._heard) >= REPEATS_REMEMBERED:
                self._heard.popitem(last=False)
            uses = self._heard[number] = {}
        kind, t = what
        use = uses.get(what)
        if use is None or (t is None and received_at_s - use.heard_at_s > REPEAT_S * self._clock.speed):
            identity = (number.boot, number.seq)
            if uses:
                told = f"{number.boot}|{number.seq}|{t}".encode()
                identity = (-1, hashed(channel, kind, told, 0, None if t is not None else received_at_s))
                if len(uses) >= USES:
                    del uses[next(iter(uses))]
            use = uses[what] = _Use(received_at_s, identity)
        return use


def _channel(topic: Topic) -> str:
    return f"{topic.channel}/{topic.rest}" if topic.rest else topic.channel
