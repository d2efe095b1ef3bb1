"""Stream time: grid points, and the time that somebody watched.

All times are epoch seconds on the clock of one source. A grid point p ends its slot (p - grid, p].
"""

import math
from bisect import bisect_left

import numpy as np

from stream.detector import Floats

KEEP_S = 48 * 3600.0
"""How far back unwatched intervals are remembered, s of *watched* time, in which detectors measure: longer than any silence that they know. A site that is
watched for two hours a day remembers weeks."""


def grid_before(at_s: float, grid_s: float) -> float:
    """The last grid point before ``at_s``; a row at a grid point still belongs to the slot that it ends."""
    return math.ceil(at_s / grid_s) * grid_s - grid_s


def grid_from(at_s: float, grid_s: float) -> float:
    """The first grid point at or after ``at_s``."""
    return math.ceil(at_s / grid_s) * grid_s


class WatchedTime:
    """The clock that detectors see: ``now_s``, and watched time, which stands still while nobody watched and in the grace after that."""

    def __init__(self, grace_s: float) -> None:
        self.now_s = math.nan
        self.grace_s = grace_s
        self._stands: list[tuple[float, float]] = []
        """Disjoint intervals in which watched time stands still, oldest first."""
        self._forgotten_s = 0.0
        self._index()

    def unwatched(self, from_s: float, to_s: float) -> None:
        """Nobody watched in this interval; devices then get a grace to come back and empty their buffers. A repeat changes nothing."""
        if not (math.isfinite(from_s) and math.isfinite(to_s)) or to_s <= from_s:
            return
        start, end = from_s, to_s + self.grace_s
        # Also the neighbours that touch are one stand: an outage within the grace of the one before.
        kept = [(a, b) for a, b in self._stands if b < start or a > end]
        touching = [(a, b) for a, b in self._stands if not (b < start or a > end)]
        start = min([start, *(a for a, _ in touching)])
        end = max([end, *(b for _, b in touching)])
        kept.insert(bisect_left(kept, (start, end)), (start, end))
        first, watched_s = len(kept) - 1, 0.0
        while first > 0 and (watched_s := watched_s + kept[first][0] - kept[first - 1][1]) <= KEEP_S:
            first -= 1
        self._forgotten_s += sum(b - a for a, b in kept[:first])
        self._stands = kept[first:]
        self._index()

    def watched_s(self, at_s: Floats | float) -> Floats:
        """Watched seconds up to ``at_s``. NaN stays NaN."""
        at = np.asarray(at_s, dtype=np.float64)
        if not self._stands:
            return at - self._forgotten_s
        place = np.searchsorted(self._starts, at, side="right") - 1
        inside = np.minimum(at, self._ends[place]) - self._starts[place]
        stood = np.where(place >= 0, self._before[place] + inside, 0.0)
        return np.asarray(at - stood - self._forgotten_s)

    def reaches_s(self, watched_s: Floats | float) -> Floats:
        """The first instant by which ``watched_s`` seconds were watched, as far as outages are known. NaN stays NaN."""
        wanted = np.asarray(watched_s, dtype=np.float64) + self._forgotten_s
        if not self._stands:
            return wanted
        # A stand whose beginning lies before that instant moves it by its whole length.
        passed = np.searchsorted(self._starts - self._before, wanted, side="left")
        stood = np.concatenate(([0.0], self._before + self._ends - self._starts))
        return np.asarray(wanted + stood[passed])

    def _index(self) -> None:
        self._starts = np.array([a for a, _ in self._stands])
        self._ends = np.array([b for _, b in self._stands])
        self._before = (
            np.concatenate(([0.0], np.cumsum(self._ends - self._starts)))[:-1] if self._stands else np.empty(0)
        )

    def packed(self) -> dict[str, object]:
        """For a snapshot."""
        return {"now_s": self.now_s, "stands": self._stands, "forgotten_s": self._forgotten_s}

    def restore(self, packed: dict[str, object]) -> None:
        """From a snapshot."""
        self.now_s = float(packed["now_s"])  # type: ignore[arg-type]
        self._stands = [(a, b) for a, b in packed["stands"]]  # type: ignore[attr-defined]
        self._forgotten_s = float(packed["forgotten_s"])  # type: ignore[arg-type]
        self._index()
