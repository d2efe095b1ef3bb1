"""The usual message in one go: readings on ``telemetry`` of a sender that was heard before, counted, and with a clock that is right. Pure.

A city's messages are nearly all of this sort, and what ``intake`` does for a message step by step, with an object for each step, costs three times as much. Whatever is
not plainly the usual case gets None here and goes to ``intake``; where this gives rows, ``intake`` would have given the same (a test holds them against each other).
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from contracts import canaries
from contracts.kinds import DEVICE, FROM_DEVICES, KINDS, URGENT, Reading
from contracts.names import AREA_CANARY, Topic
from contracts.partitions import partition_of
from ingest.event_time import EventTimes, Look
from ingest.gate import PAYLOAD_LIMIT
from ingest.native import decode_many

CHANNEL = b"/telemetry"
SENDERS_REMEMBERED = 1_000_000
_KIND_OF: dict[type[Any], str] = {
    KINDS[name]: name for name in FROM_DEVICES if name not in URGENT and name not in ("inertial", "status")
}
"""Kinds of which nothing has to be checked that their types do not say."""

UsualRow = tuple[str, Sequence[Any], Sequence[Any]]
"""Kind, envelope (``kinds.ENVELOPE`` without ``ordinal``), values."""


class Sender(msgspec.Struct, gc=False):
    """An account that was heard before."""

    home_id: str
    device_id: str
    partition: int
    look: Look | None
    """What is known of its clock; None = nothing yet."""


class Usual:
    """Knows the senders of one source. ``senders``: by their topic without the channel."""

    def __init__(self, event_times: EventTimes, partitions: int) -> None:
        self._event_times = event_times
        self._partitions = partitions
        self.senders: dict[bytes, Sender] = {}

    def remember(self, address: bytes, topic: Topic) -> None:
        """``intake`` took something of this sender: from now on its usual messages may be read here."""
        sender = self.senders.get(address)
        if sender is not None:
            if sender.look is None:
                sender.look = self._event_times.look_of(topic.account)
        elif topic.area != AREA_CANARY or topic.device_id != canaries.DEVICE_ID:
            if len(self.senders) >= SENDERS_REMEMBERED:
                del self.senders[next(iter(self.senders))]
            look = self._event_times.look_of(topic.account)
            partition = partition_of(topic.home_id, self._partitions)
            self.senders[address] = Sender(topic.home_id, topic.device_id, partition, look)

    def read(self, sender: Sender, payload: bytes, received_at_s: float, live: bool) -> list[UsualRow] | None:
        """Rows of a payload; None where ``intake`` has to look at it."""
        if len(payload) > PAYLOAD_LIMIT:
            return None
        try:
            found = decode_many(payload)
        except Exception:  # intake says what is wrong with it
            return None
        rows: list[UsualRow] = []
        for reading in found if type(found) is list else (found,):
            kind = _KIND_OF.get(type(reading))
            if kind is None:
                return None
            t, sent, boot, seq, device, resident, *values = msgspec.structs.astuple(reading)
            if boot is None or seq is None or t is None or sent is None:
                return None
            if not self._event_times.is_right(sender.look, t, sent, boot, received_at_s, live):
                return None
            device_id, via = sender.device_id, None
            if device is not None and device != device_id:
                device_id, via = device, device_id
            rows.append(
                (kind, (sender.home_id, device_id, via, resident, t, received_at_s, t, DEVICE, boot, seq), values)
            )
        return rows or None
