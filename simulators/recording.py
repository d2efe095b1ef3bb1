"""What a recording is to us: homes with devices, and readings in time order that become native messages. Pure."""

from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from contracts.errors import ShouwangError
from contracts.kinds import Card
from contracts.names import AREA_REPLAY, topic_of
from simulators.neighbourhood import Device

CLOSING_S = 20.0
"""The clock runs on this long behind the last reading, s: two grid points, so that what it led to is said."""
_ENCODER = msgspec.json.Encoder()


class NoRecording(ShouwangError):
    """{path} is no recording that is known here: {detail}. Known are csv(.xz) with t, sensor, val, or with s, e, id, room, obj; npz with litres_x1000; npz with acc, off, fs."""


class RecordedHome(NamedTuple):
    """A home of a recording; ``home_id`` carries the run."""

    home_id: str
    zone: str
    resident_id: str
    devices: tuple[Device, ...]

    def card(self) -> Card:
        """What the stream knows of it; nothing is learned of a recording, so the cautious defaults are in force."""
        return Card(
            version=1,
            zone=self.zone,
            area_code=f"{AREA_REPLAY}001",
            residents=(self.resident_id,),
            device_ids=tuple(device.device_id for device in self.devices),
            device_roles=tuple(device.role for device in self.devices),
            device_rooms=tuple(device.room for device in self.devices),
            device_residents=tuple(device.resident_id for device in self.devices),
        )


class Recorded(NamedTuple):
    """One reading on its way: when it is sent (the recording's clock), whose it is, what it says."""

    at_s: float
    home: int
    device_id: str
    channel: str
    values: dict[str, Any]


class Message(NamedTuple):
    """One MQTT message; ``readings`` is 0 for one that only moves the clock."""

    at_s: float
    topic: str
    payload: bytes
    readings: int


class Recording(NamedTuple):
    """A recording, not yet read through: ``read`` yields its readings in time order."""

    name: str
    homes: tuple[RecordedHome, ...]
    read: Callable[[], Iterator[Recorded]]

    def messages(self, *, area: str = AREA_REPLAY, shift_s: float = 0.0, boot: int = 1) -> Iterator[Message]:
        """The messages in order, times moved by ``shift_s``; each run of the same file gives the same bytes but for that."""
        numbers: dict[tuple[int, str], int] = {}
        at_s = 0.0
        for found in self.read():
            key = (found.home, found.device_id)
            seq = numbers[key] = numbers.get(key, 0) + 1
            home_id = self.homes[found.home].home_id
            measured_s = found.values.pop("t", found.at_s)
            if measured_s != found.at_s and found.at_s > at_s:
                # Sent when it was full, not when it began: the recorded clock must not say that a block was known before its end.
                yield self._clock(found.at_s + shift_s, area)
            at_s = found.at_s
            body = {"t": measured_s + shift_s, "sent": at_s + shift_s, "boot": boot, "seq": seq, **found.values}
            yield Message(
                at_s + shift_s, topic_of(area, home_id, found.device_id, found.channel), _ENCODER.encode(body), 1
            )
        if at_s:
            yield self._clock(at_s + CLOSING_S + shift_s, area)

    def _clock(self, at_s: float, area: str) -> Message:
        return Message(
            at_s, topic_of(area, self.homes[0].home_id, "recorder", "clock"), _ENCODER.encode({"t": at_s}), 0
        )


class Part(NamedTuple):
    """Which days of a recording: from local ``start``, for ``days``; None = as far as it goes."""

    start: date | None = None
    days: float | None = None

    def window_s(self, first_s: float, zone: str) -> tuple[float, float]:
        """Epoch seconds; ``first_s`` is the recording's first."""
        begin_s = first_s
        if self.start is not None:
            begin_s = datetime.combine(self.start, datetime.min.time(), ZoneInfo(zone)).timestamp()
        end_s = begin_s + self.days * 86_400 if self.days is not None else float("inf")
        return begin_s, end_s
