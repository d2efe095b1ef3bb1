"""What a home's devices showed on the days before: the signs of life that the learner of usual silences reads. Offline, pure.

Rows are chosen exactly as ``stream.learning.silences`` lists them, from the same residents and devices that live on in the demonstration.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from contracts.kinds import ROOMS
from simulators.neighbourhood import Home
from simulators.residents import live
from simulators.sensing import Sensed, Senses


class Signs(NamedTuple):
    """Signs of life of one home; arrays run in parallel, sorted by time."""

    at_s: npt.NDArray[np.float64]
    room: npt.NDArray[np.int64]
    """Index into contracts.kinds.ROOMS of the device's room; -1 for the flat's water meter and what is worn, which do not say where somebody is."""
    by_itself: npt.NDArray[np.bool_]
    entrance: npt.NDArray[np.bool_]


_WHEREVER = ("water_meter", "wearable", "pendant")
_SWITCHED = ("stove", "light", "plug")
_CHANGES = {"contact": ("open",), "presence": ("present", "posture"), "power": ("on",)}


def _is_sign(sensed: Sensed, role: str, before: dict[str, tuple[object, ...]]) -> bool:
    """Whether a reading is a sign of life; keeps the device's last values in ``before``."""
    values = sensed.values
    match sensed.kind:
        case "motion":
            return bool(values["moving"])
        case "water":
            return bool(values.get("litres", 0) > 0 or values.get("flow_l_min", 0) > 0)
        case "vitals":
            return bool(values.get("steps", 0) > 0)
        case "call":
            return True
        case "contact" | "presence" | "power":
            now = tuple(values.get(field) for field in _CHANGES[sensed.kind])
            changed = before.get(sensed.device_id, now) != now
            before[sensed.device_id] = now
            return changed and (sensed.kind != "power" or role in _SWITCHED)
    return False


def sensed_before(home: Home, end_s: float, days: int) -> Iterator[Sensed]:
    """What the devices sensed in the ``days`` before ``end_s``, without periodic beats."""
    start_s = end_s - days * 86_400.0
    senses = Senses(home, start_s, beats=False)
    for stay in live(home.seed, start_s, end_s):
        yield from senses.through(stay)


def signs(home: Home, end_s: float, days: int = 14) -> Signs:
    """Signs of life of the ``days`` before ``end_s``."""
    roles = {device.device_id: device.role for device in home.devices}
    rooms = {device.device_id: ROOMS.index(device.room) for device in home.devices}
    rooms |= {each.device_id: -1 for each in home.devices if each.role in _WHEREVER and each.room == "other"}
    before: dict[str, tuple[object, ...]] = {}
    rows = [
        (sensed.at_s, rooms[sensed.device_id], sensed.kind != "motion", roles[sensed.device_id] == "entrance_door")
        for sensed in sensed_before(home, end_s, days)
        if _is_sign(sensed, roles[sensed.device_id], before)
    ]
    columns = list(zip(*rows, strict=True)) if rows else [(), (), (), ()]
    return Signs(
        np.array(columns[0], dtype=np.float64),
        np.array(columns[1], dtype=np.int64),
        np.array(columns[2], dtype=np.bool_),
        np.array(columns[3], dtype=np.bool_),
    )
