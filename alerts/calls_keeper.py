"""A call that nobody took becomes a case by itself, so that none is lost (docs/telephony.md).

Both twins look each second. The case's id follows from the call's, so the second of them, and a desk that takes the call at that moment, meet the same case.
"""

from collections.abc import Callable
from datetime import datetime

import msgspec

from alerts.calls import Call
from alerts.link import Connections
from alerts.patience import Patience, Stopping
from alerts.store import CaseStore
from storage.queries import fetch_all, query

MOST = 50
"""Calls in one look; the others come a second later."""
_DUE = query("calls_due")


class CallsKeeper:
    """``run`` until stopping; ``look`` once."""

    def __init__(self, database: Connections, store: CaseStore) -> None:
        self._database = database
        self._store = store

    async def run(
        self, patience: Patience, every_s: float, clock: Callable[[], datetime], changed: Callable[[], None]
    ) -> None:
        """Look until stopping; ``changed`` is called after what opened a case."""
        try:
            while True:
                if await patience.until_done("looking for calls that nobody took", lambda: self.look(clock())):
                    changed()
                await patience.pause(every_s)
        except Stopping:
            pass

    async def look(self, now: datetime) -> int:
        """Open a case of each call that is due; how many."""
        async with self._database.connection() as connection:
            due = await fetch_all(connection, _DUE, now=now, most=MOST)
        for row in due:
            await self._store.called(msgspec.convert(row, Call), now=now)
        return len(due)
