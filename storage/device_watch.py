"""What becomes of a device's messages, live: accepted with values, or refused and why. For whoever connects a device.

Reads the log from now on, like any other consumer, so what it shows is what was taken, not what was sent.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer

from contracts import dead_letters, frames
from contracts.errors import FrameError
from contracts.kinds import CLOCKS, OURS, VALUES
from contracts.partitions import partition_of
from contracts.topics import DEAD_LETTERS, EVENTS, READINGS
from storage.consumers import put_down
from storage.places import places_of

POLL_MS = 300
_Key = tuple[str, str, int | None, int | None, float | None]


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One row that was taken, or one payload that was refused."""

    result: str
    """``accepted``, ``repeated`` (it came before) or ``refused``."""
    lane: str = ""
    """``urgent`` rows come once, though the log holds them in both lanes."""
    device_id: str = ""
    kind: str = ""
    values: dict[str, Any] = {}
    """What was measured; samples as their length in bytes."""
    boot: int | None = None
    """None where the device counts nothing."""
    seq: int | None = None
    event_at_s: float | None = None
    received_at_s: float | None = None
    clock: str = ""
    """How the event time was found (contracts.kinds.CLOCKS)."""
    at_s: float | None = None
    """Refused: when (the bridge's clock)."""
    reason: str = ""
    detail: str = ""
    topic: str = ""
    payload: str = ""
    """Refused: the first 200 characters."""


def rows_of(value: bytes, lane: str, home_id: str, device_id: str) -> Iterator[Seen]:
    """Rows of this account in a frame: its own, and those that it relayed as a hub. Raises FrameError."""
    for kind, batch in frames.decode(value).batches.items():
        if kind in OURS or not batch.num_rows:
            continue
        for row in batch.to_pylist():
            if row["home_id"] == home_id and device_id in (row["device_id"], row["via"]):
                yield _accepted(kind, lane, row)


def _accepted(kind: str, lane: str, row: dict[str, Any]) -> Seen:
    values = {column.name: row[column.name] for column in VALUES[kind] if row[column.name] is not None}
    counted = row["boot"] >= 0
    return Seen(
        result="accepted",
        lane=lane,
        device_id=row["device_id"],
        kind=kind,
        values={name: f"{len(value)} bytes" if isinstance(value, bytes) else value for name, value in values.items()},
        boot=row["boot"] if counted else None,
        seq=row["seq"] if counted else None,
        event_at_s=row["event_at_s"],
        received_at_s=row["received_at_s"],
        clock=CLOCKS[row["clock"]],
    )


def letter_of(value: bytes, account: str) -> Iterator[Seen]:
    """The dead letter, if it is this account's."""
    letter = dead_letters.decode(value)
    if letter.account == account:
        yield Seen(
            result="refused",
            boot=letter.boot,
            seq=letter.seq,
            at_s=letter.at_s,
            reason=letter.reason,
            detail=letter.detail,
            topic=letter.topic,
            payload=letter.payload[:200].decode(errors="replace"),
        )


class DeviceWatch:
    """``async with DeviceWatch(kafka, account) as watch: async for seen in watch.rows(for_s)``; it looks from its start on."""

    def __init__(self, kafka: str, account: str) -> None:
        self._kafka = kafka
        self._account = account
        self._home_id, _, self._device_id = account.partition(".")
        self._consumer = AIOKafkaConsumer(bootstrap_servers=kafka, enable_auto_commit=False, auto_offset_reset="latest")
        self._shown: dict[_Key, str] = {}

    async def __aenter__(self) -> "DeviceWatch":
        """Raises KafkaConnectionError, NoLog."""
        everywhere = await places_of(self._kafka, (READINGS, EVENTS, DEAD_LETTERS))
        home = partition_of(self._home_id, sum(place.topic == READINGS for place in everywhere))
        places = [place for place in everywhere if place.topic == DEAD_LETTERS or place.partition == home]
        await self._consumer.start()
        try:
            self._consumer.assign(places)
            # Resolved now, so that a message sent right after this is not missed.
            for place, end in (await self._consumer.end_offsets(places)).items():
                self._consumer.seek(place, end)
        except BaseException:
            await put_down(self._consumer)
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await put_down(self._consumer)

    async def rows(self, for_s: float | None = None) -> AsyncIterator[Seen]:
        """Rows and refusals as they come, for so long or for ever."""
        loop = asyncio.get_running_loop()
        ends_at = None if for_s is None else loop.time() + for_s
        while ends_at is None or loop.time() < ends_at:
            for records in (await self._consumer.getmany(timeout_ms=POLL_MS)).values():
                for record in records:
                    for seen in self.seen_in(record.topic, record.value or b""):
                        yield seen

    def seen_in(self, topic: str, value: bytes) -> Iterator[Seen]:
        """What one record holds of this account."""
        try:
            if topic == DEAD_LETTERS:
                yield from letter_of(value, self._account)
                return
            lane = "urgent" if topic == EVENTS else "bulk"
            for seen in rows_of(value, lane, self._home_id, self._device_id):
                key = (seen.device_id, seen.kind, seen.boot, seen.seq, seen.event_at_s)
                # An urgent row stands in both lanes and is shown once; the same row twice in one lane is a repeat.
                if key not in self._shown:
                    self._shown[key] = topic
                    yield seen
                elif self._shown[key] == topic:
                    yield msgspec.structs.replace(seen, result="repeated")
        except (FrameError, msgspec.DecodeError):
            return  # not a device's fault; the writer keeps it as a dead letter
