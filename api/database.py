"""The api's hand on the database: no page hangs on it. What takes too long, or finds nobody, raises DatabaseAway."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import psycopg
from psycopg_pool import PoolTimeout

from api.errors import DatabaseAway
from storage.database import Connection, Pool

AGAIN_S = 2.0
"""When to try again, s; said in the error."""
AWAY = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.UndefinedTable, PoolTimeout, TimeoutError)
"""Nobody answers, or not in time, or the tables are not there yet (the site is being prepared)."""


@asynccontextmanager
async def answering(limit_s: float) -> AsyncGenerator[None]:
    """What is done inside ends within ``limit_s`` or raises DatabaseAway; so does a connection that is refused or lost."""
    try:
        async with asyncio.timeout(limit_s):
            yield
    except AWAY as error:
        raise DatabaseAway(wait_s=AGAIN_S) from error


class Database:
    """A pool with a limit for each piece of work, s."""

    def __init__(self, pool: Pool, limit_s: float) -> None:
        self.pool = pool
        self._limit_s = limit_s

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[Connection]:
        """A connection (autocommit) for one piece of work. Raises DatabaseAway."""
        async with answering(self._limit_s), self.pool.connection() as connection:
            yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Connection]:
        """A connection whose work holds together. Raises DatabaseAway."""
        async with self.connection() as connection, connection.transaction():
            yield connection
