"""Begins and ends the times out of service: coverage is worked out anew at both, what did not ring meanwhile rings, and a window that nobody ended alarms.

Both twins run this; every step is harmless to repeat: a case that rings already stays as it is, and the alarm's detection has one id.
"""

from collections.abc import Callable
from datetime import datetime

from alerts.link import Connections
from alerts.patience import Patience, Stopping
from alerts.store import CaseStore
from contracts.detections import Detection, detection_id
from storage.queries import Row, execute, fetch_all, fetch_one, query

DETECTOR = "out_of_service"
REASON = "window.over"

_LOCK = query("lock_windows")
_BEGIN = query("begin_windows")
_OVER = query("windows_over")
_END = query("end_window")
_CASES = query("cases_out_of_windows")


class Windows:
    """``run`` until stopping; ``look`` once."""

    def __init__(self, database: Connections, store: CaseStore) -> None:
        self._database = database
        self._store = store

    async def run(
        self, patience: Patience, every_s: float, clock: Callable[[], datetime], changed: Callable[[], None]
    ) -> None:
        """Look until stopping; ``changed`` is called after what changed a case."""
        try:
            while True:
                if await patience.until_done("looking for times out of service", lambda: self.look(clock())):
                    changed()
                await patience.pause(every_s)
        except Stopping:
            pass

    async def look(self, now: datetime) -> int:
        """Begin and end what is due; returns how many cases changed."""
        async with self._database.connection() as connection, connection.transaction():
            row = await fetch_one(connection, _LOCK)
            if not (row and row["mine"]):
                return 0
            await execute(connection, _BEGIN, now=now)
            over = await fetch_all(connection, _OVER, now=now)
            ringing = await fetch_all(connection, _CASES, now=now)
        changes = 0
        for row in ringing:
            await self._store.end_window(row["case_id"], now)
            changes += 1
        for row in over:
            if row["ended_at"] is None:
                # The alarm first: should this process die in between, it is found again and said no second time.
                await self._store.admit(alarm(row), now)
                changes += 1
            async with self._database.connection() as connection, connection.transaction():
                await execute(connection, _END, window_id=row["window_id"])
        return changes


def alarm(row: Row) -> Detection:
    """That a window reached its end and nobody said that all works again."""
    at_s = row["until_at"].timestamp()
    # What stands for an area's home is no home: its case has no area, and every desk sees it.
    home_id = row["home_id"] or f"window-{row['window_id']}"
    return Detection(
        detection_id=detection_id(f"window-{row['window_id']}", DETECTOR, at_s), detector=DETECTOR, family="technical", lane="bulk",
        home_id=home_id, device_id=row["device_id"], started_at_s=at_s, event_at_s=at_s, decided_at_s=at_s, score=1, reason=REASON,
        evidence={"note": row["reason"], "area": row["area_code"]},
    )  # fmt: skip
