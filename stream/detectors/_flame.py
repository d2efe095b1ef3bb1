"""Whether a stove burns, told by a thermometer on it: hot, and not cooling.

A plate stays hot for half an hour after the flame is out, but it cools all that time; a pot that simmers keeps its heat. So two readings some minutes
apart are compared: hot and not cooler is a flame, cooler is none, and below COOL_C there is none whatever it does. All numbers are chosen.
"""

import numpy as np

from stream.columns import StateColumn
from stream.detector import Bools, Rows, State
from stream.learning.signs import happened_s

HOT_C = 60.0
"""From here a thermometer on the stove may show a flame, °C: no kitchen is so hot, a pot's rim is hotter."""
COOL_C = 45.0
"""Below this there is none, °C."""
APART_S = 300.0
"""Readings are compared with one so long ago, s: noise of a degree is then no slope."""
LONG_S = 1_800.0
"""With an older one nothing is compared, s."""
COOLS_K_MIN = 0.3
"""Cooler by this is cooling, K/min: a pot of five litres at 60 °C still loses more."""

DEVICE_STATE = {"then_c": StateColumn("f8", np.nan), "then_s": StateColumn("f8", np.nan)}


def burns(state: State, rows: Rows) -> tuple[Bools, Bools]:
    """Of rows of kind ``air`` with a temperature: which can tell, and which of them see a flame."""
    memory, device = state.devices, rows.device
    at_s, value_c = happened_s(rows), rows["temperature_c"]
    since_s, change_k = at_s - memory.then_s[device], value_c - memory.then_c[device]
    apart = ~(since_s < APART_S)  # also the first
    compared = apart & (since_s <= LONG_S)
    memory.then_c[device] = np.where(apart, value_c, memory.then_c[device])
    memory.then_s[device] = np.where(apart, at_s, memory.then_s[device])
    flame = compared & (value_c >= HOT_C) & (change_k >= -COOLS_K_MIN * since_s / 60.0)
    cooling = compared & (change_k < -COOLS_K_MIN * since_s / 60.0)
    return flame | cooling | (value_c < COOL_C), flame
