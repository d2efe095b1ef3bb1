"""What counts as a sign of life, and when it proves a person. Pure; shared by detectors and the learner.

An act (a door, a tap, a switch, a chair taken) proves somebody by itself. A motion sensor that fires once proves nobody:
in the empty home of the recording ``tm000`` twelve such strays fired in 79 hours, and asking for a second event within two
minutes removed twelve of twelve. What a device merely repeats (a door that is still closed) is no act.
"""

import numpy as np

from contracts.kinds import ROLES, ROOM_GROUPS, ROOMS, UNRESOLVED
from stream.columns import StateColumn
from stream.detector import Bools, Floats, Ints, Rows, State

PAIR_S = 120.0
"""Within this time of an earlier event a motion is believed, s. Source: ``tm000`` (above)."""
SETTLE_S = 60.0
"""What sensors still report this long after the entrance door is the one who leaves, s. Chosen: an indoor motion sensor
re-arms after some 60 to 90 s, and nobody comes home, sits down and is still within a minute."""
FLOW_S = 1800.0
"""A flow of water is a sign of life this long, s; then it may run by itself. Chosen: a bath or a long shower."""
CYCLE_S = 180.0
"""A switch that changed so short a time before is a thermostat, not a hand, s. Chosen: hobs cycle within two minutes."""
REST_MIN = 20.0
"""Who has been quiet for so long in one place rests there, minutes. Chosen: the least line."""
STEPS = 5
"""Fewer steps in a summary are noise of the wrist, count. Chosen."""
KINDS = ("motion", "contact", "presence", "water", "power", "vitals", "call")
"""Kinds whose rows can be signs of life."""
ENTRANCE = ROLES.index("entrance_door")
SWITCHED = np.isin(np.array(ROLES), ("stove", "light", "plug"))
"""Roles that are switched by hand."""
FELT = np.isin(np.array(ROLES), ("bed", "chair"))
"""Roles whose vibration is a person; a washing machine also vibrates."""
OTHER = ROOMS.index("other")
WHEREVER = np.isin(np.array(ROLES), ("water_meter", "wearable", "pendant"))
"""Roles that hear of the person wherever he is."""
POSTURES = ("standing", "sitting", "lying", "low", "walking")

GROUP_OF_ROOM: Ints = np.array(
    [ROOM_GROUPS.index(room) if room in ROOM_GROUPS else ROOM_GROUPS.index("other") for room in ROOMS], dtype=np.int64
)
"""Index into ROOM_GROUPS for each index into ROOMS."""

DEVICE_STATE = {
    "open": StateColumn("i1", -1),
    "present": StateColumn("i1", -1),
    "posture": StateColumn("i1", -1),
    "on": StateColumn("i1", -1),
    "switched_s": StateColumn("f8", -np.inf),
    "flowing_s": StateColumn("f8", np.nan),
}
"""What a detector must remember of each device to tell an act from a repeat (``Detector.device_state``)."""


def believable(rows: Rows) -> Bools:
    """Rows whose time is known: an unresolved one never is a sign of life."""
    known: Bools = rows.clock != UNRESOLVED
    return known


def happened_s(rows: Rows) -> Floats:
    """When rows happened, epoch s: never after they came, whatever a device's clock says."""
    at_s: Floats = np.minimum(rows.event_at_s, rows.received_at_s)
    return at_s


def placeless(role: Ints, room: Ints) -> Bools:
    """Devices that say that somebody lives and not where: the meter of the whole flat, a wearable. Whoever runs the tap, or walks some steps, is
    where he was seen last, so such a sign leaves the room as it was."""
    return np.asarray(WHEREVER[role] & (room == OTHER))


def motions(rows: Rows) -> Bools:
    """Rows that are a motion, which needs a second one near it."""
    if rows.kind != "motion":
        return np.zeros(len(rows.subject), dtype=bool)
    vibration = np.array(rows.objects("cause"), dtype=object) == "vibration"
    found: Bools = (rows["moving"] == 1) & (~vibration | FELT[rows.role])
    return found


def acts(rows: Rows, state: State) -> Bools:
    """Rows that prove a person by themselves; remembers in ``state.devices`` what each device said."""
    memory, device = state.devices, rows.device
    if rows.kind == "contact":
        return _changes(memory.open, device, rows["open"])
    if rows.kind == "presence":
        posture = np.array([POSTURES.index(p) if p in POSTURES else np.nan for p in rows.objects("posture")])
        moved = _changes(memory.posture, device, posture)
        return _changes(memory.present, device, rows["present"]) | moved
    if rows.kind == "power":
        switched, at_s = _changes(memory.on, device, rows["on"]), happened_s(rows)
        by_hand = switched & (at_s - memory.switched_s[device] > CYCLE_S)
        memory.switched_s[device] = np.where(switched, at_s, memory.switched_s[device])
        return by_hand & SWITCHED[rows.role]
    if rows.kind == "water":
        at_s = happened_s(rows)
        flows = (rows["litres"] > 0) | (rows["flow_l_min"] > 0)
        since_s = np.where(np.isnan(memory.flowing_s[device]), at_s, memory.flowing_s[device])
        memory.flowing_s[device] = np.where(flows, since_s, np.nan)
        return np.asarray(flows & (at_s - since_s <= FLOW_S))
    if rows.kind == "vitals":
        return np.asarray(rows["steps"] >= STEPS)
    if rows.kind == "call":
        return np.asarray(rows["test"] != 1)
    return np.zeros(len(rows.subject), dtype=bool)


def _changes(said: Ints, device: Ints, value: Floats) -> Bools:
    """Where a device says something else than before; the first word of a device is no change."""
    known = ~np.isnan(value)
    before = said[device]
    now = np.where(known, value, before).astype(said.dtype)
    said[device] = now
    changed: Bools = known & (before >= 0) & (now != before)
    return changed


def proven(at_s: Floats, by_itself: Bools) -> Bools:
    """Which of a home's events (sorted by time) prove a person: those that do by themselves, and a motion within PAIR_S of
    the event before it."""
    before_s = np.diff(at_s, prepend=-np.inf)
    return by_itself | (before_s <= PAIR_S)


def spots(room: Ints, device: Ints | None = None) -> Ints:
    """Where signs were, as numbers that can be compared: the room, or where nobody named it the device itself; -1: a sign that does not say where."""
    return np.asarray(room if device is None else np.where(room == OTHER, len(ROOMS) + device, room))


def rested(sign_s: Floats, spot: Ints) -> Bools:
    """Whether at each of a home's signs (sorted, epoch s) somebody has been quiet for REST_MIN since coming to that spot."""
    quiet = np.diff(sign_s, prepend=np.inf) >= REST_MIN * 60.0
    came = np.concatenate(([True], spot[1:] != spot[:-1])) if len(spot) else np.empty(0, dtype=bool)
    at = np.arange(len(spot))
    last_came = np.maximum.accumulate(np.where(came, at, 0)) if len(spot) else at
    last_quiet = np.maximum.accumulate(np.where(quiet & ~came, at, -1)) if len(spot) else at
    return np.asarray(last_quiet > last_came)


def left_by_door(sign_s: Floats, door_s: Floats) -> Bools:
    """Whether the last sign of life (epoch s) belongs to somebody leaving: an entrance-door event (epoch s, NaN = none) with
    nothing after it but what the leaving person sets off."""
    with np.errstate(invalid="ignore"):
        left: Bools = sign_s <= door_s + SETTLE_S
    return left
