"""How often somebody tried: a count over a sliding time, in this process's memory, so that guessing costs time.

Each api process counts for itself, and forgets when it restarts: it slows a guesser down, it is no lock.
"""

from collections import deque
from datetime import datetime, timedelta


class Attempts:
    """At most ``most`` in ``within_s`` for each key."""

    def __init__(self, most: int, within_s: float) -> None:
        self._most = most
        self._within = timedelta(seconds=within_s)
        self._at: dict[str, deque[datetime]] = {}

    def wait_s(self, key: str, now: datetime) -> float:
        """How long until one more is allowed, s; 0: now."""
        found = self._living(key, now)
        return 0.0 if len(found) < self._most else (found[0] + self._within - now).total_seconds()

    def count(self, key: str, now: datetime) -> None:
        """One more was made."""
        if len(self._at) > 10_000:  # of many addresses each once: what is over is let go, so that memory has an end
            for each in list(self._at):
                self._living(each, now)
        self._at.setdefault(key, deque()).append(now)

    def _living(self, key: str, now: datetime) -> deque[datetime]:
        found = self._at.get(key, deque())
        while found and found[0] + self._within <= now:
            found.popleft()
        if not found:
            self._at.pop(key, None)
        return found
