"""One look for many open feeds: what each of them waits for is read together, a round at a time, by one reader of the process.

However many feeds are open, they cost one connection to the database; with more of them a round takes longer, and nothing else waits.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Generic, TypeVar

from api.errors import DatabaseAway

K = TypeVar("K")
V = TypeVar("V")


class Place(Generic[K, V]):
    """One feed's place. ``found`` was read in a look that began at ``began_s`` (monotonic); ``away``: the last look found no database."""

    def __init__(self, who: K) -> None:
        self.who = who
        self.found: V | None = None
        self.began_s = 0.0
        self.away = False

    def newer_than(self, read_s: float) -> bool:
        """Whether it was read after what the feed read by itself then: an older look must not take its place."""
        return self.began_s > read_s


class Rounds(Generic[K, V]):
    """``look`` answers for several at once, in their order. ``every_s`` from the beginning of one round to the next, ``at_once`` in one look."""

    def __init__(self, every_s: float, at_once: int, look: Callable[[Sequence[K]], Awaitable[Sequence[V]]]) -> None:
        self._every_s = every_s
        self._at_once = at_once
        self._look = look
        self._places: set[Place[K, V]] = set()

    @contextmanager
    def joined(self, who: K) -> Generator[Place[K, V]]:
        """From the next round on it is looked for this one too."""
        place: Place[K, V] = Place(who)
        self._places.add(place)
        try:
            yield place
        finally:
            self._places.discard(place)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            began_s = time.monotonic()
            await self.once()
            # At least half of the time is the others'.
            took_s = time.monotonic() - began_s
            await asyncio.sleep(max(self._every_s - took_s, took_s))

    async def once(self) -> None:
        """One round."""
        places = list(self._places)
        for first in range(0, len(places), self._at_once):
            some = places[first : first + self._at_once]
            began_s = time.monotonic()
            try:
                found = await self._look([place.who for place in some])
            except DatabaseAway:
                for place in some:
                    place.away = True
                continue
            for place, each in zip(some, found, strict=True):
                place.found, place.began_s, place.away = each, began_s, False
