"""One connection to the database for one task, made again when it breaks.

Not a pool: each task has its own, so a flood in one never takes another's; and where the database comes back the very next attempt
succeeds (a pool's back-off doubles for as long as the outage lasts).
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from psycopg.pq import TransactionStatus

from storage.database import Connection, connect


class Connections(Protocol):
    """What a store needs to reach the database: a Link, or a pool of ``storage.database.pool``."""

    def connection(self) -> AbstractAsyncContextManager[Connection]:
        """A connection (autocommit) for one piece of work."""
        ...


class Link:
    """One connection. ``connection()`` raises psycopg.OperationalError where nobody answers within 5 s."""

    def __init__(self, conninfo: str, name: str, *, lock_s: float, idle_s: float) -> None:
        self._conninfo = conninfo
        self._name = name
        self._lock_s = lock_s
        self._idle_s = idle_s
        self._turn = asyncio.Lock()
        self._connection: Connection | None = None

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[Connection]:
        """The connection, for one piece of work at a time."""
        async with self._turn:
            connection = self._connection
            if connection is None or connection.closed:
                connection = self._connection = await connect(
                    self._conninfo, self._name, lock_s=self._lock_s, idle_s=self._idle_s
                )
            try:
                yield connection
            finally:
                # Broken, or left in the middle by a cancelled task: the next piece of work starts clean.
                if connection.closed or connection.info.transaction_status != TransactionStatus.IDLE:
                    await self._drop()

    async def close(self) -> None:
        """End it; ``connection()`` would make it anew."""
        await self._drop()

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()
