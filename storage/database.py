"""Connections to the database: pool and single, with the time limits that keep a frozen twin from stalling the others."""

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool

Connection = psycopg.AsyncConnection[Any]
Pool = AsyncConnectionPool[Connection]

LOCK_TIMEOUT_S = 2.0
"""Longest wait for a row that somebody else holds; then psycopg.errors.LockNotAvailable, and the caller tries again."""
IDLE_IN_TRANSACTION_S = 5.0
"""A process frozen in the middle of a transaction loses it after this, and its locks with it."""


def options(
    *,
    lock_s: float = LOCK_TIMEOUT_S,
    idle_s: float = IDLE_IN_TRANSACTION_S,
    transaction_s: float | None = None,
    synchronous: bool = True,
    plan_anew: bool = False,
) -> str:
    """Session settings for ``connect(options=...)``. ``synchronous`` False: a commit may be lost in a crash (telemetry only).

    ``plan_anew``: plan each execution for its own values. Row security makes one statement small for one user and huge for the next.
    ``transaction_s``: a client frozen in the middle of a COPY or a pipeline is not idle to PostgreSQL; only this limit ends its transaction.
    """
    settings = {
        "lock_timeout": f"{round(lock_s * 1000)}",
        "idle_in_transaction_session_timeout": f"{round(idle_s * 1000)}",
        "timezone": "UTC",
    }
    if transaction_s is not None:
        settings["transaction_timeout"] = f"{round(transaction_s * 1000)}"
    if not synchronous:
        settings["synchronous_commit"] = "off"
    if plan_anew:
        settings["plan_cache_mode"] = "force_custom_plan"
    return " ".join(f"-c {name}={value}" for name, value in settings.items())


def _arguments(name: str, lock_s: float, idle_s: float, plan_anew: bool = False) -> dict[str, Any]:
    return {
        "autocommit": True,
        "application_name": f"shouwang {name}",
        "options": options(lock_s=lock_s, idle_s=idle_s, plan_anew=plan_anew),
        "connect_timeout": 5,
        # A server that vanished without a word is noticed within 20 s instead of after hours.
        "keepalives_idle": 5,
        "keepalives_interval": 5,
        "keepalives_count": 3,
    }


def pool(
    conninfo: str,
    name: str,
    *,
    size: int = 4,
    lock_s: float = LOCK_TIMEOUT_S,
    idle_s: float = IDLE_IN_TRANSACTION_S,
    plan_anew: bool = False,
) -> Pool:
    """A closed pool; use it as ``async with pool(...) as database``, then ``async with database.connection() as connection``.

    Connections commit by themselves (autocommit): what belongs together goes into ``async with connection.transaction()``.
    Whoever asks makes the pool reconnect, however long the database was away; ``connection()`` raises psycopg_pool.PoolTimeout after 10 s without one.
    """
    return AsyncConnectionPool(
        conninfo,
        min_size=1,
        max_size=size,
        timeout=10.0,
        # Attempts of the pool itself double their pause without end: after 75 s of outage it slept 44 s longer (measured). So it
        # gives up soon, and whoever asks next makes it try at once.
        reconnect_timeout=5.0,
        name=name,
        open=False,
        kwargs=_arguments(name, lock_s, idle_s, plan_anew),
        check=AsyncConnectionPool.check_connection,
    )


async def connect(
    conninfo: str, name: str, *, lock_s: float = LOCK_TIMEOUT_S, idle_s: float = IDLE_IN_TRANSACTION_S
) -> Connection:
    """One connection with the same settings as the pool's (autocommit)."""
    return await psycopg.AsyncConnection.connect(conninfo, **_arguments(name, lock_s, idle_s))


async def set_local(connection: Connection, settings: Mapping[str, str]) -> None:
    """Settings of this transaction alone, in one round trip: its end takes them back, however it ends."""
    if settings:
        chosen = ", ".join(["set_config(%s, %s, true)"] * len(settings))
        values = [word for pair in settings.items() for word in pair]
        await connection.execute(f"SELECT {chosen}".encode(), values)
