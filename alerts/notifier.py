"""Tells people of cases that nobody has, and kin of every P1. Both twins do; a notice is taken in the database before it is sent, so one twin sends it.

``alerts.unrecorded`` tells of urgent detections while the database is away.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime

from alerts import notices
from alerts.channels import Channels
from alerts.notices import Notice, Recipient, Waiting
from alerts.patience import Patience, Stopping
from alerts.store import CaseStore

LOG = logging.getLogger("alerts")
TAKE_S = 30.0
"""How long a notice is one twin's, s: longer than any message may take."""


class Notifier:
    """One twin's. ``clock``: wall clock, UTC. ``before``: done before it is looked whom to tell."""

    def __init__(
        self, store: CaseStore, channels: Channels, patience: Patience, every_s: float, clock: Callable[[], datetime],
        before: Callable[[], Awaitable[None]] | None = None,
    ) -> None:  # fmt: skip
        self._store = store
        self._channels = channels
        self._patience = patience
        self._every_s = every_s
        self._clock = clock
        self._before = before
        self._under_way: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Until stopping."""
        try:
            while True:
                await self._patience.until_done("telling people", self.once)
                await self._patience.pause(self._every_s)
        except Stopping:
            pass
        finally:
            for task in self._under_way:
                task.cancel()
            await asyncio.gather(*self._under_way, return_exceptions=True)

    async def once(self) -> None:
        """Take what is due and begin to send it; nothing waits for a message here."""
        if self._before is not None:
            await self._before()
        for waiting in await self._store.waiting(self._clock()):
            people = {recipient.recipient_id: recipient for recipient in waiting.recipients}
            for notice in await self._store.take_notices(waiting, self._clock(), TAKE_S):
                task = asyncio.create_task(self._send(waiting, people[notice.recipient_id], notice))
                self._under_way.add(task)
                task.add_done_callback(self._under_way.discard)

    async def idle(self) -> None:
        """When everything under way has got its result."""
        while self._under_way:
            await asyncio.gather(*self._under_way)

    async def _send(self, waiting: Waiting, recipient: Recipient, notice: Notice) -> None:
        try:
            title, body = notices.words(waiting.case, recipient, notice.rung)
            result = await self._channels.send(recipient, title, body)
            told = notices.after(notice, result.sent, result.detail, self._clock())
            if not result.sent:
                LOG.warning("%s was not told of case %s: %s", recipient.recipient_id, notice.case_id, result.detail)
            await self._patience.until_done("keeping who was told", lambda: self._store.noticed([told]))
        except Stopping:
            pass
        except Exception:
            # The notice stays taken; of a P1 it is sent again when that time is over.
            LOG.exception("telling %s of case %s failed", recipient.recipient_id, notice.case_id)
