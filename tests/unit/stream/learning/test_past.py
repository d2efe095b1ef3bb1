"""A home's past tells the same signs of life as the rows told when they passed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.kinds import DEVICE, ROLES, ROOMS
from stream.columns import Columns
from stream.learning.past import Device, deaf_times, signs_of
from stream.learning.signs import DEVICE_STATE, POSTURES, acts, motions

DEVICES = [
    Device(ROLES.index(role), ROOMS.index(room))
    for role, room in (("stove", "kitchen"), ("bed", "bedroom"), ("entrance_door", "entrance"))
]
number = st.sampled_from([np.nan, 0.0, 1.0])
VALUES = {
    "motion": {"moving": st.sampled_from([0.0, 1.0]), "vibration": st.sampled_from([0.0, 1.0])},
    "contact": {"open": st.sampled_from([0.0, 1.0])},
    "presence": {"present": st.sampled_from([0.0, 1.0]), "posture": st.sampled_from([np.nan, 0.0, 1.0, 2.0])},
    "power": {"on": number},
    "water": {"litres": number, "flow_l_min": number},
    "vitals": {"steps": st.sampled_from([np.nan, 0.0, 4.0, 5.0])},
    "call": {"test": st.sampled_from([0.0, 1.0])},
}


class OneRow:
    """One row as a detector sees it."""

    def __init__(self, kind, device, at_s, values):
        self.kind = kind
        self.subject = np.array([0])
        self.device = np.array([device])
        self.role = np.array([DEVICES[device].role])
        self.event_at_s = self.received_at_s = np.array([at_s])
        self.clock = np.array([DEVICE])
        self._values = values

    def __getitem__(self, name):
        return np.array([self._values[name]])

    def objects(self, name):
        value = self._values[{"cause": "vibration"}.get(name, name)]
        if name == "cause":
            return ["vibration" if value else "pir"]
        return [None if np.isnan(value) else POSTURES[int(value)]]


class Memory:
    def __init__(self):
        self.devices = Columns(DEVICE_STATE)
        self.devices.grow(len(DEVICES))


def as_they_pass(kind, rows):
    memory = Memory()
    found = []
    for device, at_s, values in sorted(rows, key=lambda row: row[1]):
        row = OneRow(kind, device, at_s, values)
        if (motions(row) if kind == "motion" else acts(row, memory)).any():
            found.append((at_s, device))
    return sorted(found)


def from_the_past(kind, rows):
    rows = sorted(rows, key=lambda row: (row[0], row[1]))
    columns = {name: np.array([row[2][name] for row in rows]) for name in VALUES[kind]}
    columns |= {"device": np.array([float(row[0]) for row in rows]), "at_s": np.array([row[1] for row in rows])}
    past = signs_of({kind: columns}, DEVICES)
    room_of = [device.room for device in DEVICES]
    assert past.by_itself.all() == (kind != "motion") or not len(past.at_s)
    return sorted(zip(past.at_s.tolist(), [room_of.index(room) for room in past.room], strict=True))


@pytest.mark.parametrize("kind", VALUES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_the_past_tells_what_the_rows_told_one_by_one(kind, data):
    step = st.sampled_from([1.0, 60.0, 179.0, 181.0, 900.0, 1801.0])
    count = data.draw(st.integers(1, 12))
    at_s = np.cumsum([data.draw(step) for _ in range(count)]).tolist()
    rows = [(data.draw(st.integers(0, 2)), at, data.draw(st.fixed_dictionaries(VALUES[kind]))) for at in at_s]
    assert from_the_past(kind, rows) == as_they_pass(kind, rows)


def test_a_home_is_deaf_while_its_beats_are_missing_for_long():
    beats_s = np.r_[np.arange(0, 6000, 60.0), np.arange(20_000, 26_000, 60.0)]
    (gap,) = deaf_times(beats_s, np.ones(len(beats_s), dtype=bool), np.zeros(len(beats_s), dtype=bool))
    assert gap == (5940.0, 20_000.0)


def test_a_hub_s_last_will_begins_a_deaf_time_that_ends_when_anything_is_heard():
    received_s = np.array([0.0, 100.0, 500.0, 600.0])
    away = np.array([False, True, False, True])
    assert deaf_times(received_s, np.zeros(4, dtype=bool), away) == [(100.0, 500.0), (600.0, np.inf)]


def test_a_home_that_never_beats_has_no_rhythm_and_is_never_called_deaf():
    assert deaf_times(np.array([0.0, 86_400.0]), np.zeros(2, dtype=bool), np.zeros(2, dtype=bool)) == []
    assert deaf_times(np.empty(0), np.empty(0, dtype=bool), np.empty(0, dtype=bool)) == []
