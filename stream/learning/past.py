"""A home's signs of life from its stored rows, as ``signs`` tells them from rows that pass: the same answer, all at once. Pure.

Each kind comes as columns sorted by device and time, missing values NaN: ``device`` (any integers), ``at_s``, and the values that decide.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from contracts.kinds import ROLES, ROOMS
from stream.detector import Bools, Floats, Ints
from stream.learning.hearing import BEATS, DEAF_S, DEAF_TIMES
from stream.learning.signs import CYCLE_S, ENTRANCE, FELT, FLOW_S, KINDS, STEPS, SWITCHED, placeless

Columns = Mapping[str, Floats]


class Device(NamedTuple):
    """What a device is for, and where it is: indices into ROLES and ROOMS."""

    role: int = ROLES.index("other")
    room: int = ROOMS.index("other")


class Past(NamedTuple):
    """Signs of life; arrays run in parallel, as ``silences.learn`` takes them. ``room``: -1 where a sign does not say where; ``device``: index
    into the devices that were given."""

    at_s: Floats
    room: Ints
    by_itself: Bools
    entrance: Bools
    device: Ints


def signs_of(rows: Mapping[str, Columns], devices: Sequence[Device]) -> Past:
    """Signs of life among the rows of one home, by kind; ``device`` indexes ``devices``."""
    at_s: list[Floats] = [np.empty(0)]
    device: list[Ints] = [np.empty(0, dtype=np.int64)]
    by_itself: list[Bools] = [np.empty(0, dtype=bool)]
    role = np.array([each.role for each in devices], dtype=np.int64)
    room = np.array([each.room for each in devices], dtype=np.int64)
    for kind, columns in rows.items():
        whose = columns["device"].astype(np.int64)
        sign = _TELLERS[kind](columns, whose, role[whose])
        at_s.append(columns["at_s"][sign])
        device.append(whose[sign])
        by_itself.append(np.full(int(sign.sum()), kind != "motion"))
    whose = np.concatenate(device)
    room = np.where(placeless(role, room), -1, room)
    return Past(np.concatenate(at_s), room[whose], np.concatenate(by_itself), role[whose] == ENTRANCE, whose)


def changes(device: Ints, value: Floats) -> Bools:
    """Rows in which a device says something else than when it last said anything; its first word is no change."""
    changed = np.zeros(len(value), dtype=bool)
    said = np.flatnonzero(~np.isnan(value))
    later = said[1:]
    changed[later] = (device[later] == device[said[:-1]]) & (value[later] != value[said[:-1]])
    return changed


def _motion(columns: Columns, device: Ints, role: Ints) -> Bools:
    return np.asarray((columns["moving"] == 1) & ((columns["vibration"] != 1) | FELT[role]))


def _contact(columns: Columns, device: Ints, role: Ints) -> Bools:
    return changes(device, columns["open"])


def _presence(columns: Columns, device: Ints, role: Ints) -> Bools:
    return changes(device, columns["present"]) | changes(device, columns["posture"])


def _power(columns: Columns, device: Ints, role: Ints) -> Bools:
    switched = changes(device, columns["on"])
    at = np.flatnonzero(switched)
    soon = np.zeros(len(at), dtype=bool)
    soon[1:] = (device[at[1:]] == device[at[:-1]]) & (np.diff(columns["at_s"][at]) <= CYCLE_S)
    by_hand = switched.copy()
    by_hand[at[soon]] = False
    return np.asarray(by_hand & SWITCHED[role])


def _water(columns: Columns, device: Ints, role: Ints) -> Bools:
    flows = (columns["litres"] > 0) | (columns["flow_l_min"] > 0)
    begins = flows.copy()
    begins[1:] &= ~(flows[:-1] & (device[1:] == device[:-1]))
    since = np.maximum.accumulate(np.where(begins, np.arange(len(flows)), 0))
    return np.asarray(flows & (columns["at_s"] - columns["at_s"][since] <= FLOW_S))


def _vitals(columns: Columns, device: Ints, role: Ints) -> Bools:
    return np.asarray(columns["steps"] >= STEPS)


def _call(columns: Columns, device: Ints, role: Ints) -> Bools:
    return np.asarray(columns["test"] != 1)


_TELLERS: dict[str, Callable[[Columns, Ints, Ints], Bools]] = {
    "motion": _motion,
    "contact": _contact,
    "presence": _presence,
    "water": _water,
    "power": _power,
    "vitals": _vitals,
    "call": _call,
}
assert set(_TELLERS) == set(KINDS)


def deaf_times(received_s: Floats, is_beat: Bools, hub_away: Bools) -> list[tuple[float, float]]:
    """Stretches in which the home could not be heard: much longer than its usual gap between beats, or after its hub's last will.

    ``received_s`` is sorted. A home that never sends ``status`` has no rhythm; then only last wills count.
    """
    if not len(received_s):
        return []
    beats_s = received_s[is_beat]
    longest_s = np.inf
    if len(beats_s) > BEATS:
        longest_s = DEAF_TIMES * float(np.quantile(np.diff(beats_s), 0.99)) + DEAF_S
    heard = np.flatnonzero(~hub_away)
    heard_s = received_s[heard]
    long = np.flatnonzero(np.diff(heard_s) > longest_s)
    gaps = list(zip(heard_s[long].tolist(), heard_s[long + 1].tolist(), strict=True))
    for at in np.flatnonzero(hub_away).tolist():
        back = heard[heard > at]
        gaps.append((float(received_s[at]), float(received_s[back[0]]) if len(back) else np.inf))
    return gaps
