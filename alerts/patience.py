"""Trying again, for ever, while the database or Kafka is away: nothing is skipped, and it is said once, not every second."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
import psycopg
from aiokafka.errors import KafkaError
from psycopg_pool import PoolTimeout

from alerts.timescale import IN_THE_WAY

LOG = logging.getLogger("alerts")
T = TypeVar("T")

FIRST_S = 0.05
UNSTORABLE = (
    psycopg.DataError,
    psycopg.errors.CheckViolation,
    psycopg.errors.NotNullViolation,
    psycopg.errors.ForeignKeyViolation,
    ValueError,
    OverflowError,
    msgspec.MsgspecError,
)
"""Faults of the thing itself: trying again cannot help."""
AWAY = (*IN_THE_WAY, psycopg.Error, PoolTimeout, KafkaError, OSError, TimeoutError)
"""Faults of the way: it will work later. A database that is not migrated yet counts as away too."""


class Stopping(Exception):
    """The process is asked to end; what was tried is left undone, and read again after the next start."""


class Patience:
    """Tries until it works, or until ``stopping`` is set."""

    def __init__(self, stopping: asyncio.Event, longest_s: float) -> None:
        self.stopping = stopping
        self._longest_s = longest_s

    async def until_done(self, what: str, work: Callable[[], Awaitable[T]]) -> T:
        """The result of ``work``. Raises Stopping; lets UNSTORABLE and whatever is not in AWAY through."""
        pause_s, since_s = FIRST_S, None
        while True:
            try:
                found = await work()
            except UNSTORABLE:
                raise
            except AWAY as error:
                if since_s is None:
                    since_s = time.monotonic()
                    LOG.warning("%s waits and tries again: %s", what, str(error).strip() or type(error).__name__)
                await self.pause(pause_s)
                pause_s = min(pause_s * 2, self._longest_s)
            else:
                if since_s is not None:
                    LOG.info("%s goes on after %.1f s", what, time.monotonic() - since_s)
                return found

    async def pause(self, duration_s: float) -> None:
        """Sleep. Raises Stopping as soon as that is asked for."""
        try:
            async with asyncio.timeout(duration_s):
                await self.stopping.wait()
        except TimeoutError:
            return
        raise Stopping
