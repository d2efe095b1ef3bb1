"""When a silence must have been noticed: the learned line of the home card, or the cautious defaults, as the detector holds them. Pure.

Repeats what ``stream.detectors.inactivity`` ships with; a test holds the two against each other.
"""

from collections.abc import Mapping, Sequence

from contracts.kinds import PLACES, ROOM_GROUPS
from simulators.clock import local_hour
from simulators.neighbourhood import Home
from simulators.scenarios import SLACK_S
from simulators.schedule import SilentDue
from simulators.sensing import MAINS_BEAT_S

DAY_HOURS = range(6, 20)
DEFAULT_DAY_MIN, DEFAULT_NIGHT_MIN = (480.0, 240.0, 240.0, 480.0), (720.0, 720.0, 720.0, 720.0)
"""Cautious defaults where nothing was learned, by room group."""
EARLIER_S = 1200.0
"""The last sign of life may be this much older than the collapse, and so belong to the hour before."""
LATER_S = MAINS_BEAT_S
"""... or this much younger: water that was drawn before the collapse is told with the meter's next reading, and speaks for that moment."""


def limit_s(line: Sequence[int], at_s: float, room: str) -> float:
    """Longest silence that the detector lets pass after a last sign at ``at_s`` in ``room``, s. Of learned lines the longest of all places and
    of the hours beside: which place a room is, the cards say, and the lines are straight from one hour to the next."""
    group = ROOM_GROUPS.index(room) if room in ROOM_GROUPS else 0
    hour = int(local_hour(at_s))
    if not line:
        return 60.0 * (DEFAULT_DAY_MIN if hour in DAY_HOURS else DEFAULT_NIGHT_MIN)[group]
    return 60.0 * max(line[place * 24 + (hour + beside) % 24] for place in range(PLACES) for beside in (-1, 0, 1))


def silent_due(learned: Mapping[str, Sequence[int]]) -> SilentDue:
    """``learned``: lines in minutes by home_id, as on the home cards; a home that is not named has no lines."""

    def due_s(home: Home, at_s: float, room: str) -> float:
        line = learned.get(home.home_id, ())
        return (
            max(limit_s(line, sign_s, room) for sign_s in (at_s - EARLIER_S, at_s, at_s + LATER_S)) + LATER_S + SLACK_S
        )

    return due_s
