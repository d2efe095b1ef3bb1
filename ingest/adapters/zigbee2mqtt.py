"""Zigbee2MQTT, taken as it comes: set its ``base_topic`` to ``shouwang/v1/{area}/{home}.{hub}/z2m`` and ``last_seen`` to ISO_8601.

One payload is the device's whole state, so it may give readings of several kinds; each is judged alone. Fields are those of the
converters (zigbee-herdsman-converters). Where the same field means different things, the safe side is taken and said here:

- ``contact`` true means CLOSED.
- ``action`` single, double, hold, … is taken for a call button (HEIMAN HS1EB and its like) unless the friendly name says
  otherwise (``switch-…``, ``remote-…``, ``light-…``, ``dimmer-…``). A wall switch taken for a call button is noticed on the day it is installed; a call
  button taken for a wall switch is noticed too late.
- ``gas_value`` is taken as % LEL, which is what its converters publish; a value beyond 100 refuses that part only.
- ``location_x`` and ``location_y`` of radars are left out: their unit is not documented. ``linkquality`` is no signal strength and is left out.
"""

import math
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from contracts.kinds import (
    Air,
    Call,
    CoAlarm,
    Contact,
    FallAlarm,
    GasAlarm,
    LeakAlarm,
    Motion,
    Power,
    Presence,
    Reading,
    SmokeAlarm,
    Status,
)  # fmt: skip
from contracts.names import ID_RULE, is_id
from ingest.refusals import Refusal, explain

NOT_CALL_BUTTONS = ("switch-", "remote-", "light-", "dimmer-")
PRESSES = {
    "single": "press", "double": "press", "triple": "press", "press": "press", "click": "press", "1_single": "press",
    "hold": "hold", "long": "hold",
}  # fmt: skip
"""Actions of a button, and what they are as a call."""
EMERGENCIES = {"emergency", "sos", "panic"}
"""Actions that ask for help whatever the device is called (keypads)."""
SHAKES = {"vibration", "tilt", "drop"}
POSTURES = {"sitting": "sitting", "on_the_bed": "lying", "low_posture": "low", "falling": "low", "occupied": None}
"""OWON FDS315's ``status`` (without ``unoccupied``) and the posture that it means."""
FALLS = {"normal": None, "fall_warning": "warning", "fall_alarm": "alarm"}
"""HEIMAN's ``fall_status`` and the phase of the alarm."""
COMMANDS = ("set", "get")


class Found(NamedTuple):
    """What one message gave. ``device_id``: None = the hub itself."""

    device_id: str | None
    readings: list[Reading]
    refusals: list[Refusal]
    ignored: str = ""


def read(name: str, payload: bytes) -> Found:
    """``name``: what follows ``z2m/`` in the topic: a friendly name, with ``/availability`` behind it or not, or ``bridge/…``."""
    if name == "bridge/state":
        return _availability(None, payload)
    if name == "bridge" or name.startswith("bridge/"):
        return Found(None, [], [], ignored="z2m bridge")
    friendly, _, suffix = name.rpartition("/")
    if friendly and suffix in COMMANDS:
        return Found(None, [], [], ignored="z2m command")
    if friendly and suffix == "availability":
        return _availability(friendly, payload) if is_id(friendly) else _bad_name(friendly)
    if not is_id(name):
        return _bad_name(name)
    try:
        state = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Found(name, [], [Refusal(*explain(error), device=name)])
    if not isinstance(state, dict):
        detail = "expected an object. Set Zigbee2MQTT's `output` to json"
        return Found(name, [], [Refusal("wrong_type", detail, device=name)])
    return _read_state(name, state)


def _bad_name(name: str) -> Found:
    detail = f"friendly name {name[:80]!r} breaks the rule {ID_RULE}. Rename the device in Zigbee2MQTT"
    return Found(None, [], [Refusal("bad_id", detail)])


def _availability(name: str | None, payload: bytes) -> Found:
    """``{"state": "online"}``, or the bare word of older versions; of a device, or of Zigbee2MQTT itself (its last will)."""
    try:
        state = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        state = payload.decode(errors="replace")
    if isinstance(state, dict):
        state = state.get("state")
    if state not in ("online", "offline"):
        return Found(name, [], [Refusal("wrong_type", "state: expected online or offline", device=name)])
    return Found(name, [Status(online=state == "online")], [])


def _read_state(name: str, state: dict[str, Any]) -> Found:
    found = Found(name, [], [])
    t = None
    if state.get("last_seen") is not None:
        t = _instant(state["last_seen"])
        if t is None:
            detail = (
                "last_seen: not a time. The readings were taken without it; set `last_seen: ISO_8601` in Zigbee2MQTT"
            )
            found.refusals.append(Refusal("wrong_type", detail, device=name, taken=True))
    for kind, fields in _parts(name, state):
        known = {field: value for field, value in fields.items() if value is not None}
        try:
            found.readings.append(msgspec.convert({**known, "t": t}, kind))
        except msgspec.ValidationError as error:
            reason, detail = explain(error)
            found.refusals.append(Refusal(reason, f"{kind.__name__}: {detail}", device=name))
    if not found.readings and not found.refusals:
        return found._replace(ignored="z2m: nothing that is watched")
    return found


def _instant(value: object) -> float | None:
    """Epoch seconds of ``last_seen``: ISO 8601 (UTC or with an offset) or epoch milliseconds."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value / 1000.0 if math.isfinite(value) and 0 <= value <= 4_102_444_800_000 else None
    if isinstance(value, str):
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            return None
        return at.timestamp() if at.tzinfo is not None and 1970 <= at.year < 2100 else None
    return None


def _parts(name: str, state: Mapping[str, Any]) -> Iterator[tuple[type[Reading], dict[str, Any]]]:
    """(kind, fields) of every kind that the state speaks of; urgent ones first."""
    yield from _calls(name, state)
    yield from _alarms(state)
    yield from _falls(state)
    yield from _signs_of_life(state)
    switch = state.get("state")
    if switch in ("ON", "OFF") or _first(state, "power", "energy") is not None:
        on = switch == "ON" if switch in ("ON", "OFF") else None
        yield Power, {"on": on, "power_w": state.get("power"), "energy_kwh": state.get("energy")}
    air = {
        "temperature_c": state.get("temperature"),
        "humidity_pct": state.get("humidity"),
        "co_ppm": state.get("co"),
        "gas_lel_pct": _first(state, "gas_value", "gas_density"),
        "smoke_db_m": state.get("smoke_density_dbm"),
        "smoke_ppm": state.get("smoke_concentration"),
    }
    for (
        field,
        value,
    ) in air.items():  # each by itself where one is bad, so that a wild gas value does not hide the temperature
        if value is not None and not _fits(Air, {field: value}):
            yield Air, {field: value}
            air[field] = None
    if any(value is not None for value in air.values()):
        yield Air, air
    status = {
        "battery_pct": state.get("battery"),
        "battery_low": state.get("battery_low"),
        "tamper": state.get("tamper"),
        "trouble": _first(state, "trouble", "fault"),
    }
    if any(value is not None for value in status.values()):
        yield Status, status


def _fits(kind: type[Reading], fields: Mapping[str, Any]) -> bool:
    try:
        msgspec.convert(fields, kind)
    except msgspec.ValidationError:
        return False
    return True


def _first(state: Mapping[str, Any], *names: str) -> Any:
    return next((state[name] for name in names if state.get(name) is not None), None)


def _calls(name: str, state: Mapping[str, Any]) -> Iterator[tuple[type[Reading], dict[str, Any]]]:
    action = state.get("action")
    action = action if isinstance(action, str) else ""
    if state.get("sos") is True or action in EMERGENCIES:
        yield Call, {"action": "press"}
    elif action in PRESSES and not name.startswith(NOT_CALL_BUTTONS):
        yield Call, {"action": PRESSES[action]}


def _alarms(state: Mapping[str, Any]) -> Iterator[tuple[type[Reading], dict[str, Any]]]:
    test = state.get("test") is True
    for field, kind in (
        ("smoke", SmokeAlarm),
        ("gas", GasAlarm),
        ("carbon_monoxide", CoAlarm),
        ("water_leak", LeakAlarm),
    ):
        if state.get(field) is not None:
            yield kind, {"alarm": state[field], "test": test}


def _falls(state: Mapping[str, Any]) -> Iterator[tuple[type[Reading], dict[str, Any]]]:
    status = state.get("status")
    if isinstance(status, str) and (status in POSTURES or status == "unoccupied"):
        yield FallAlarm, {"alarm": status == "falling", "source": "radar"}
        breathing = state.get("breathing_rate") or None  # the radar says 0 where it measures none
        yield (
            Presence,
            {"present": status != "unoccupied", "posture": POSTURES.get(status), "breathing_rate_bpm": breathing},
        )
    fall = state.get("fall_status")
    if isinstance(fall, str) and fall in FALLS:
        phase = FALLS[fall]
        yield FallAlarm, {"alarm": phase is not None, "source": "radar", **({"phase": phase} if phase else {})}


def _signs_of_life(state: Mapping[str, Any]) -> Iterator[tuple[type[Reading], dict[str, Any]]]:
    if state.get("contact") is not None:
        closed = state["contact"]
        yield Contact, {"open": not closed if isinstance(closed, bool) else closed}
    lux = state.get("illuminance")
    if state.get("occupancy") is not None:
        yield (
            Motion,
            {"moving": state["occupancy"], "illuminance_lx": lux, "still_for_s": state.get("no_occupancy_since")},
        )
    elif state.get("no_occupancy_since") is not None:
        yield Motion, {"moving": False, "still_for_s": state["no_occupancy_since"], "illuminance_lx": lux}
    if state.get("presence") is not None:
        yield Presence, {"present": state["presence"]}
    action = state.get("action")
    if state.get("vibration") is not None:
        yield Motion, {"moving": state["vibration"], "cause": "vibration"}
    elif isinstance(action, str) and action in SHAKES:
        yield Motion, {"moving": True, "cause": "vibration"}
