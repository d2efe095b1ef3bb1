"""Coverage: how well a home is watched. Pure: what the stream said of its devices in, protected, degraded or blind out, with reasons.

The stream alone knows when a device was silent for too long in watched time (detector ``device_silent``), so its word is the source, not
the writer's accounts, which come minutes late for a city. Of a home these follow from its devices; that the pipeline itself stands blinds
everyone of a place (source and partition) at once and is laid over it (``standing_places``). What cannot be known is never protected.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec

State = Literal["protected", "degraded", "blind"]
Place = tuple[str, int]
"""(source, partition): where a home's readings go."""

HUB = "hub"
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
BEHIND_S = 90.0
"""Stream time so far behind the wall: what it says of devices is older than the shortest silence that it supervises (a hub's 90 s, design,
section 6, rule 10), so nobody there can be called seen."""


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A device as the stream knows it."""

    device_id: str
    role: str
    room: str
    bound: bool = True
    heard: bool = True
    """Whether it ever spoke."""
    silent_since: datetime | None = None
    """The stream says that it is silent: since when, on its source's clock."""

    @property
    def silent(self) -> bool:
        return self.silent_since is not None or not self.heard


class Reason(msgspec.Struct, frozen=True):
    """Why a home is not protected: ``silent`` (which device), ``no_device``, ``never_heard``, ``not_counted``, ``out_of_service`` (until when)."""

    key: Literal["silent", "no_device", "never_heard", "not_counted", "out_of_service"]
    device_id: str = ""
    role: str = ""
    room: str = ""
    until: str = ""
    """Month, day and time of the home's zone."""
    substitute: str = ""
    """Who looks after the people meanwhile."""


class OutOfService(msgspec.Struct, frozen=True, kw_only=True):
    """A window in force over a home, or over one device of it."""

    device_id: str | None = None
    technical_only: bool = False
    from_at: datetime
    until: str
    substitute: str = ""

    def reason(self) -> Reason:
        return Reason("out_of_service", self.device_id or "", until=self.until, substitute=self.substitute)


class Coverage(msgspec.Struct, frozen=True):
    """``cannot_see_since``: of a blind home, on its source's clock, as far as it is known."""

    state: State
    cannot_see_since: datetime | None = None
    reasons: tuple[Reason, ...] = ()


NOT_COUNTED = Coverage("blind", None, (Reason("not_counted"),))
"""Of a home whose coverage nobody has worked out yet."""


def coverage_of(devices: Sequence[Device], windows: Sequence[OutOfService] = ()) -> Coverage:
    """What these devices allow to be seen. Devices that nobody registered protect nobody.

    What is out of service rings nobody, so it is not watched by us, and never well: a home that is so altogether is blind, a device counts as one
    that cannot be seen by. Where only technical alarms are silent people's ring, and the home is degraded.
    """
    if not windows:
        return _by_devices(devices)
    said = tuple(window.reason() for window in windows)
    silenced = [window for window in windows if not window.technical_only]
    whole = [window.from_at for window in silenced if window.device_id is None]
    if whole:
        return Coverage("blind", min(whole), said)
    gone = {window.device_id: window.from_at for window in silenced}
    left = [
        msgspec.structs.replace(device, silent_since=device.silent_since or gone[device.device_id])
        if device.device_id in gone
        else device
        for device in devices
    ]
    found = _by_devices(left)
    others = tuple(reason for reason in found.reasons if reason.device_id not in gone or not reason.device_id)
    state: State = "blind" if found.state == "blind" else "degraded"
    return Coverage(state, found.cannot_see_since, said + others)


def _by_devices(devices: Sequence[Device]) -> Coverage:
    supervised = [device for device in devices if device.bound]
    watching = [device for device in supervised if device.role in LIFE]
    if not watching:
        return Coverage("blind", None, (Reason("no_device"),))
    if not any(device.heard for device in watching):
        return Coverage("blind", None, (Reason("never_heard"),))
    silent = [device for device in supervised if device.silent]
    reasons = tuple(Reason("silent", device.device_id, device.role, device.room) for device in silent)
    hubs = [device for device in supervised if device.role == HUB]
    gone = [device.silent_since for device in hubs if device.silent_since is not None]
    hub_gone_at = max(gone) if hubs and len(gone) == len(hubs) else None
    lost = [_lost_at(device, hub_gone_at) for device in watching]
    if all(was_lost for was_lost, _ in lost):
        return Coverage("blind", max((at for _, at in lost if at is not None), default=None), reasons)
    return Coverage("degraded" if silent else "protected", None, reasons)


def _lost_at(device: Device, hub_gone_at: datetime | None) -> tuple[bool, datetime | None]:
    """Whether nothing can be seen by this device, and since when.

    Where every hub of the home is gone, a battery sensor may be silent only because nobody relays it, for a day before it counts as
    silent itself: it shows nobody. Mains devices are supervised within minutes, wearables speak through their own radio.
    """
    if device.silent:
        return True, device.silent_since
    if hub_gone_at is not None and device.role not in MAINS and device.role != "wearable":
        return True, hub_gone_at
    return False, None


def without_canary(rows: Iterable[Mapping[str, Any]], now: datetime, blind_s: float) -> dict[int, datetime]:
    """Partitions of whose way nothing has been proven for ``blind_s`` although it was tried (rows of ``canary_places``), and since when not.

    What was never sent proves nothing, so a site without canaries is judged by its progress alone. One lost canary is followed by others long
    before ``blind_s`` is over, and any of them that comes ends it.
    """
    found: dict[int, datetime] = {}
    for row in rows:
        since = row["missing_since"]
        if since is not None and now - since > timedelta(seconds=blind_s):
            found[row["partition"]] = min(since, found.get(row["partition"], since))
    return found


def standing_places(
    rows: Iterable[Mapping[str, Any]], now: datetime, standstill_s: float, missing: Mapping[int, datetime] | None = None
) -> dict[Place, datetime | None]:
    """Where residents cannot be seen (rows of ``pipeline``), and until when, on the source's clock, they were.

    The urgent lane is read by two groups; it stands where both stand. A home needs both lanes. A lane that moves, but is so far behind
    that its silences are old (BEHIND_S), sees nobody either; nor does a partition whose canaries are ``missing`` (``without_canary``), whatever
    the source: they share the way. How long a source with a clock of its own was seen is then not known.
    """
    best: dict[tuple[str, str, int], Mapping[str, Any]] = {}
    for row in rows:
        key = (row["lane"], row["source"], row["partition"])
        if key not in best or row["moved_at"] > best[key]["moved_at"]:
            best[key] = row
    standing: dict[Place, datetime | None] = {}
    for (_, source, partition), row in best.items():
        if _stands(row, now, standstill_s):
            until, known = row["watched_until_at"], standing.get((source, partition))
            standing[source, partition] = min(until, known) if until and known else until or known
    for (_, source, partition), row in best.items():
        if missing and partition in missing and (source, partition) not in standing:
            standing[source, partition] = missing[partition] if row["clock"] == "wall" else None
    return standing


def _stands(row: Mapping[str, Any], now: datetime, standstill_s: float) -> bool:
    if now - row["moved_at"] > timedelta(seconds=standstill_s):
        return True
    until = row["watched_until_at"]
    return row["clock"] == "wall" and until is not None and now - until > timedelta(seconds=BEHIND_S)
