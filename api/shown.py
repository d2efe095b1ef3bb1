"""What somebody's page showed last, so that a page that asks every few seconds writes one row into the audit when that changes, and not thousands.

In this process's memory: after a restart a row is written once more, which says nothing wrong.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

AGAIN_S = 3600.0
"""A page that stays open and shows the same is written down again after so long, s. Chosen: "who saw this on that day" is answered to the hour."""
MOST = 10_000
"""Users that are remembered; beyond that all is forgotten."""


class Shown:
    """By user."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[frozenset[str], datetime]] = {}

    def is_news(self, user_name: str, people: Iterable[str], now: datetime) -> bool:
        """Whether these people are others than last, or it was long ago; nobody is no news. Remembers them."""
        seen = frozenset(people)
        before = self._last.get(user_name)
        if before is not None and before[0] == seen and now - before[1] < timedelta(seconds=AGAIN_S):
            return False
        if len(self._last) >= MOST:
            self._last.clear()
        self._last[user_name] = (seen, now)
        return bool(seen)
