"""The time of a process: steady since its start, slewed towards the wall clock. It never goes back, and a jump of the machine's clock moves nothing.

The bridge stamps arrivals with it, api and alerts set and fire every timer by it: were the machine's clock put right by an hour, every lease would expire
at once, or none for an hour. A process started after such a jump has the machine's time; of a doubled stage the other one still goes by the time before.
"""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

SLEW = 0.005
"""How much faster or slower than the machine's steady clock a bridge's clock may run to come back to the wall clock: 5 ms a second.
A detector's 90 s are then wrong by less than half a second; an error of one second is gone in 200 s."""


def steady_s() -> float:
    """Seconds since the machine started, its sleep included where the system can tell."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class WallClock:
    """Steady since its start, slewed towards the wall clock.

    ``not_before_s``: what an earlier run of the same source has stated; the clock starts no earlier, even where the machine was set back.
    """

    name = "wall"
    speed = 1.0

    def __init__(
        self,
        not_before_s: float = 0.0,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = steady_s,
    ) -> None:
        self._wall = wall
        self._steady = steady
        self._at_s = max(wall(), not_before_s)
        self._seen_steady_s = steady()

    def now_s(self) -> float:
        steady = self._steady()
        passed = max(0.0, steady - self._seen_steady_s)
        self._seen_steady_s = steady
        room = SLEW * passed
        self._at_s += passed + min(room, max(-room, self._wall() - self._at_s - passed))
        return self._at_s

    def complete_until_s(self) -> float:
        """Now: who is late is silent."""
        return self.now_s()

    def behind_s(self) -> float:
        """Wall clock minus this clock, s: large where the machine's clock has jumped; shown in health."""
        return self._wall() - self.now_s()


_OURS = WallClock()
_TURN = threading.Lock()


def now() -> datetime:
    """UTC by this process's clock; any thread."""
    with _TURN:
        return datetime.fromtimestamp(_OURS.now_s(), UTC)
