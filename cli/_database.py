"""What the verbs about people and devices share: the site's database, and what to say when it is not there."""

import asyncio
import getpass
from collections.abc import Awaitable, Callable
from typing import TypeVar

import psycopg

from deploy.site import Site
from storage.database import Connection, connect
from storage.errors import NoDatabase
from storage.migrate import check

T = TypeVar("T")


def with_database(site: Site, work: Callable[[Connection], Awaitable[T]]) -> T:
    """Run ``work`` with a connection to the site's database. Raises NoDatabase, NotMigrated, and what ``work`` raises."""

    async def run() -> T:
        connection = await connect(site.conninfo(), "cli", lock_s=10, idle_s=60)
        try:
            return await work(connection)
        finally:
            await connection.close()

    try:
        check(site.conninfo())
        return asyncio.run(run())
    except psycopg.OperationalError as error:
        raise NoDatabase(detail=str(error).strip().splitlines()[0]) from error


def actor() -> str:
    """Who is at the keyboard, for the audit."""
    return f"cli:{getpass.getuser()}"
