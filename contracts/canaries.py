"""Canaries: test alarms that go the whole way once a minute, one for each partition and lane, so that a broken way is noticed before it matters.

A canary is a reading of the kind ``canary``, published over MQTT from a home that nobody lives in. The detector ``canary`` says each one, alerts
raises it (an event on ``alerts.v1`` and a time in the table ``canaries``, never a case), and where events are handed to the
consoles the api judges it. Its signature is made with a key that never leaves the process that sends and judges
(``api.canaries``): whoever stands in between can pass a canary on, or lose it, but not invent one.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from contracts.partitions import partition_of

Lane = Literal["bulk", "urgent"]
LANES: tuple[Lane, ...] = ("bulk", "urgent")
DETECTOR = "canary"
"""Name of the kind, and of the detector that says it."""
DEVICE_ID = "canary"
CHANNEL: Mapping[Lane, str] = {"bulk": "telemetry", "urgent": "event"}
"""MQTT channel of each lane."""
BLIND_S = 120.0
"""A canary that was sent so long ago and has not come, nor any after it: nobody of its partition is seen, s. With one every 55 s, and oftener once one is
late, that takes several that were lost one after the other: a single one blinds nobody. Chosen, as the age at which a console turns red (design, section 6,
rule 11)."""
LOOK_BACK_S = 600.0
"""Canaries that were sent longer ago and never came say nothing of now, s: a site that was down all night is not blind when it wakes. Chosen."""
LATEST_MS = 4_102_444_800_000
"""The year 2100, as of every instant in a reading."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Word(msgspec.Struct, frozen=True, kw_only=True):
    """What a canary says, all the way. ``sent_at_ms``: epoch, by its sender's wall clock, ms."""

    home_id: str
    lane: Lane
    sent_at_ms: Annotated[int, Meta(ge=0, le=LATEST_MS)]
    signature: str

    @property
    def sent_at(self) -> datetime:
        return _EPOCH + timedelta(milliseconds=self.sent_at_ms)


def signed(key: bytes, home_id: str, lane: Lane, sent_at_ms: int) -> Word:
    """The canary of this instant: HMAC-SHA256 over where and when."""
    said = f"{home_id}|{lane}|{sent_at_ms}".encode()
    return Word(
        home_id=home_id, lane=lane, sent_at_ms=sent_at_ms, signature=hmac.new(key, said, hashlib.sha256).hexdigest()
    )


def is_ours(key: bytes, word: Word) -> bool:
    """Whether it was signed with this key, in constant time."""
    wanted = signed(key, word.home_id, word.lane, word.sent_at_ms).signature
    return hmac.compare_digest(wanted.encode(), word.signature.encode())


def homes(partitions: int) -> tuple[str, ...]:
    """A home for each partition, in their order: the first ``canary-N`` that falls there."""
    found: dict[int, str] = {}
    number = 0
    while len(found) < partitions:
        home_id = f"{DEVICE_ID}-{number}"
        found.setdefault(partition_of(home_id, partitions), home_id)
        number += 1
    return tuple(found[partition] for partition in range(partitions))
