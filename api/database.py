"""The api's hand on the database: no page hangs on it. What takes too long, or finds nobody, raises DatabaseAway.

Whatever is asked on behalf of a user is asked in a transaction that carries his scope (``api.scope``).
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import psycopg
from psycopg_pool import PoolTimeout

from api.errors import DatabaseAway
from api.scope import NOBODY, Scope, current
from storage.database import Connection, Pool, set_local

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
    async def connection(self, scope: Scope | None = None) -> AsyncGenerator[Connection]:
        """A connection for one piece of work: a transaction within the scope, or where nobody is recognised yet autocommit. Raises DatabaseAway."""
        found = current.get() if scope is None else scope
        if found is not NOBODY:
            async with self.transaction(found) as connection:
                yield connection
            return
        async with answering(self._limit_s), self.pool.connection() as connection:
            yield connection

    @asynccontextmanager
    async def transaction(self, scope: Scope | None = None, *, picture: bool = False) -> AsyncGenerator[Connection]:
        """A connection whose work holds together, within the user's scope or the one given. Raises DatabaseAway.

        ``picture``: all reads see the same moment, and nothing is written.
        """
        found = current.get() if scope is None else scope
        async with answering(self._limit_s), self.pool.connection() as connection, connection.transaction():
            if picture:
                await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            if found is not NOBODY:
                await set_local(connection, found.settings())
            yield connection
