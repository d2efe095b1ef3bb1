"""What counts as a sign of life, and when it proves a person. Pure; shared by the detector ``inactivity`` and the learner.

An act (a door, a tap, a switch, a chair taken) proves somebody by itself. A motion sensor that fires once proves nobody:
in the empty home of the recording ``tm000`` twelve such strays fired in 79 hours, and asking for a second event within two
minutes removed twelve of twelve.
"""

import numpy as np

from contracts.kinds import ROOM_GROUPS, ROOMS
from stream.detector import Bools, Floats, Ints

PAIR_S = 120.0
"""Within this time of an earlier event a motion is believed, s. Source: ``tm000`` (above)."""
SETTLE_S = 60.0
"""What sensors still report this long after the entrance door is the one who leaves, s. Chosen: an indoor motion sensor
re-arms after some 60 to 90 s, and nobody comes home, sits down and is still within a minute."""

GROUP_OF_ROOM: Ints = np.array(
    [ROOM_GROUPS.index(room) if room in ROOM_GROUPS else ROOM_GROUPS.index("other") for room in ROOMS],
    dtype=np.int64,
)
"""Index into ROOM_GROUPS for each index into ROOMS."""


def proven(at_s: Floats, by_itself: Bools) -> Bools:
    """Which of a home's events (sorted by time) prove a person: those that do by themselves, and a motion within PAIR_S of
    the event before it."""
    before_s = np.diff(at_s, prepend=-np.inf)
    return by_itself | (before_s <= PAIR_S)


def left_by_door(sign_s: Floats, door_s: Floats) -> Bools:
    """Whether the last sign of life (epoch s) belongs to somebody leaving: an entrance-door event (epoch s, NaN = none) with
    nothing after it but what the leaving person sets off."""
    with np.errstate(invalid="ignore"):
        left: Bools = sign_s <= door_s + SETTLE_S
    return left
