"""Coverage: how well someone is watched. Pure: devices and clocks in, protected, degraded or blind out, with reasons.

What cannot be seen is never called well. Two sources: the devices, each by its supervision class on its source's clock, and the
pipeline's own standstill on the wall clock, which blinds everyone in that partition.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from api.models.people import Coverage, CoverageNow, DeviceState, Word
from api.models.shape import Sentence
from contracts.kinds import LINES
from contracts.reasons import WORDS

HUB_S = 90.0
"""Hub or SOS base, s. Design, section 6, rule 10, as are the next."""
MAINS_S = 600.0
WEARABLE_S = 900.0
BATTERY_S = 90_000.0
MAINS = frozenset({"stove", "gas", "radar", "fridge", "holding"})
"""Kitchen and mains devices that report by themselves; the same as the detector ``device_silent`` uses (a test compares)."""
LIFE = frozenset(
    {
        "motion",
        "entrance_door",
        "door",
        "radar",
        "bed",
        "chair",
        "stove",
        "plug",
        "light",
        "tap",
        "water_meter",
        "wearable",
        "fridge",
    }
)
"""Roles that show whether somebody is alive and about."""


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A device as it was last heard, on its source's clock."""

    device_id: str
    role: str
    room: str
    bound: bool = True
    worn: bool = False
    """A wearable that is known to be worn."""
    last_seen_at: datetime | None = None


class View(msgspec.Struct, frozen=True, kw_only=True):
    """What of a home can be seen from here."""

    devices: Sequence[Device]
    source_now: datetime | None
    """The source's clock at this moment; None: no source of this home is known."""
    standing: bool = False
    """The pipeline stands still for this home."""
    seen_until: datetime | None = None
    """Where it stands: until then the home was seen."""


def limit_s(device: Device) -> float:
    """Longest silence that is still normal, s."""
    if device.role == "hub":
        return HUB_S
    if device.role in MAINS:
        return MAINS_S
    return WEARABLE_S if device.role == "wearable" and device.worn else BATTERY_S


def device_states(view: View) -> list[DeviceState]:
    """Each device, and whether it is silent. One that never spoke is silent."""
    return [
        DeviceState(
            device_id=device.device_id,
            role=device.role,
            room=device.room,
            bound=device.bound,
            last_seen_at=device.last_seen_at,
            limit_s=limit_s(device),
            silent=_silent(device, view.source_now),
        )
        for device in view.devices
    ]


def _silent(device: Device, source_now: datetime | None) -> bool:
    if device.last_seen_at is None or source_now is None:
        return True
    return (source_now - device.last_seen_at).total_seconds() >= limit_s(device)


def coverage(view: View) -> CoverageNow:
    """Protected, degraded or blind, with reasons. ``cannot_see_since`` is on the source's clock, as the devices are."""
    if view.standing:
        return _blind(
            view.seen_until, Sentence(key="coverage.standing", zh="数据管道停滞", en="The pipeline stands still")
        )
    supervised = [device for device in view.devices if device.bound]
    watching = [device for device in supervised if device.role in LIFE]
    if not watching:
        return _blind(
            None,
            Sentence(
                key="coverage.no_device",
                zh="没有登记能看到生活迹象的设备",
                en="No device that could show a sign of life is registered",
            ),
        )
    heard = [device.last_seen_at for device in watching if device.last_seen_at is not None]
    if view.source_now is None or not heard:
        return _blind(
            None, Sentence(key="coverage.never_heard", zh="设备从未有消息", en="No device has ever been heard")
        )
    silent = [device for device in supervised if _silent(device, view.source_now)]
    if all(_silent(device, view.source_now) for device in watching):
        return _blind(max(heard), *map(_silence, silent))
    return CoverageNow(state="degraded" if silent else "protected", reasons=[_silence(device) for device in silent])


def _blind(since: datetime | None, *reasons: Sentence) -> CoverageNow:
    return CoverageNow(state="blind", cannot_see_since=since, reasons=list(reasons))


def _silence(device: Device) -> Sentence:
    role, room = WORDS.get(device.role, device.role), WORDS.get(device.room, device.room)
    return Sentence(
        key="coverage.silent",
        zh=f"{room}的{role}（{device.device_id}）失联",
        en=f"{device.device_id} ({device.role.replace('_', ' ')}, {device.room}) is silent",
    )


QUIET_DAY_S = 4 * 3600.0
QUIET_NIGHT_S = 10 * 3600.0
"""Without learned lines: a silence that began by day or by night and is longer than this is called quiet, s. Chosen, cautious."""
Taken = Literal["nobody", "someone"] | None


def quiet_after_s(silence_min: Sequence[int], local_hour: int) -> float:
    """From which silence on someone is quieter than usual, s, for a silence that began in this local hour (0-23).

    ``silence_min``: the learned lines (``contracts.kinds.LINES``), or empty. The longest over the rooms counts.
    """
    if len(silence_min) == LINES:
        learned_min = max(silence_min[local_hour::24])
        if learned_min > 0:
            return learned_min * 60.0
    return QUIET_DAY_S if 7 <= local_hour < 19 else QUIET_NIGHT_S


def word_for_family(state: Coverage, *, alert: Taken, silence_s: float | None, quiet_s: float) -> Word:
    """One word for a relative. An open alert goes first; "well" only for one who is protected and was seen lately."""
    if alert is not None:
        return "alert"
    if state != "protected" or silence_s is None:
        return "cannot_see"
    return "well" if silence_s <= quiet_s else "quiet"
