"""Sends what stands in the outbox to ``alerts.v1``, by either twin.

Order: a relay sends the most urgent first, and a case's events in order of version; but a case whose priority rises, two relays at
work, or a repeat after a crash may put an older event behind a newer one. Therefore *consumers keep the highest version of each case*, and know an
event they saw by its id (case id / version). Locking rows in order instead would make every event wait for the slowest.

An event is taken for a moment (``taken_until_at``) rather than locked: no transaction is open while Kafka answers, and what a frozen
or dead twin took is sent by the other when the moment is over. It is marked sent only after Kafka acknowledged it.
"""

import asyncio
import logging
from datetime import timedelta

from alerts.figures import Figures
from alerts.link import Connections
from alerts.patience import Patience, Stopping
from alerts.sends import Sends
from contracts import topics
from contracts.clocks import now
from storage.queries import execute, fetch_all, query

LOG = logging.getLogger("alerts")
_TAKE = query("take_from_outbox")
_SENT = query("mark_sent")
_BACK = query("give_back_to_outbox")
_FORGET = query("forget_sent_events")
_FORGET_CANARIES = query("forget_sent_canaries")

MOST = 200
"""Events in one go."""
CANARY_S = 600.0
"""Sent events of canaries stay so long, s. Chosen: long enough to look at what is going wrong now."""


class Relay:
    """One twin's relay. ``wake`` when an own transaction wrote into the outbox."""

    def __init__(
        self, database: Connections, sends: Sends, patience: Patience, figures: Figures, poll_s: float, take_s: float
    ) -> None:
        self._database = database
        self._sends = sends
        self._patience = patience
        self._figures = figures
        self._poll_s = poll_s
        self._take_s = take_s
        self._written = asyncio.Event()

    def wake(self) -> None:
        """There is something to send."""
        self._written.set()

    async def run(self) -> None:
        """Send until stopping."""
        try:
            while not self._patience.stopping.is_set():
                self._written.clear()
                found = await self._patience.until_done("telling of changes", self.send_once)
                if found < MOST:
                    await self._wait()
        except Stopping:
            pass

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(self._poll_s):
                await self._written.wait()
        except TimeoutError:
            pass

    async def send_once(self) -> int:
        """Take some events, send them, mark them; returns how many were taken."""
        async with self._database.connection() as connection:
            rows = await fetch_all(connection, _TAKE, now=now(), take_s=self._take_s, topic=topics.ALERTS, limit=MOST)
        if not rows:
            return 0
        rows.sort(key=lambda row: (row["priority"], row["outbox_id"]))
        ids = [row["outbox_id"] for row in rows]
        try:
            held = await self._sends.events([(row["key"].encode(), bytes(row["value"])) for row in rows])
        except BaseException:
            async with self._database.connection() as connection:
                await execute(connection, _BACK, outbox_ids=ids)
            raise
        sent = [outbox_id for outbox_id, ok in zip(ids, held, strict=True) if ok]
        unsent = [outbox_id for outbox_id, ok in zip(ids, held, strict=True) if not ok]
        async with self._database.connection() as connection:
            await execute(connection, _SENT, now=now(), outbox_ids=sent)
            if unsent:
                await execute(connection, _BACK, outbox_ids=unsent)
        self._figures.sent(len(sent))
        if unsent:
            LOG.warning("Kafka did not take %d of %d events; they are tried again", len(unsent), len(ids))
            await self._patience.pause(0.5)
        return len(ids)

    async def forget_sent(self, keep_days: float) -> int:
        """Delete events that were sent longer ago; returns how many."""
        at = now()
        async with self._database.connection() as connection:
            canaries = await execute(
                connection, _FORGET_CANARIES, before=at - timedelta(seconds=CANARY_S), limit=10_000
            )
            return canaries + await execute(connection, _FORGET, before=at - timedelta(days=keep_days), limit=10_000)
