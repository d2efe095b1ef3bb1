"""Desks over HTTP, for tests of the running api: users made as the command line makes them, streams read as the console reads them."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import psycopg

from deploy.site import Site
from storage import people
from storage.database import connect
from storage.people import Record
from storage.records import Home, Resident, User

PASSWORD = "a word for the night shift"


async def make_user(site: Site, role: str = "operator", **fields: Any) -> str:
    """A user of this test's own; returns the name."""
    name = f"u-{uuid.uuid4().hex[:10]}"
    connection = await connect(site.conninfo(), "test users")
    async with connection, connection.transaction():
        await people.add_user(connection, User(name, role, **fields), PASSWORD, actor="test")
    return name


def base_url(site: Site) -> str:
    return f"http://127.0.0.1:{site.ports.api}"


@asynccontextmanager
async def desk(site: Site, user_name: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client that is logged in."""
    async with httpx.AsyncClient(base_url=base_url(site), timeout=20) as client:
        answer = await client.post("/api/v1/session", json={"user_name": user_name, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        yield client


class Stream:
    """What one console hears. ``told``: every (event name, data) in order."""

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.ended = asyncio.Event()
        self._news = asyncio.Condition()

    def all(self, name: str) -> list[dict[str, Any]]:
        return [data for each, data in self.told if each == name]

    def cases(self) -> dict[str, dict[str, Any]]:
        """The queue as a console has it: snapshots replace it, changes with a higher version go in or take out."""
        queue: dict[str, dict[str, Any]] = {}
        for name, data in self.told:
            if name == "snapshot":
                queue = {row["case_id"]: row for row in data["cases"]}
            elif name == "case" and data["open"]:
                queue[data["case"]["case_id"]] = data["case"]
            elif name == "case":
                queue.pop(data["case"]["case_id"], None)
        return queue

    async def until(self, true: Callable[["Stream"], Any], within_s: float = 20) -> Any:
        """The first true answer about what was told."""
        async with asyncio.timeout(within_s), self._news:
            while not (found := true(self)):
                if self.ended.is_set():
                    raise AssertionError(f"the stream ended: {self.told[-1:]}")
                await self._news.wait()
            return found

    async def read(self, client: httpx.AsyncClient) -> None:
        try:
            async with client.stream("GET", "/api/v1/stream", timeout=httpx.Timeout(20, read=None)) as answer:
                assert answer.status_code == 200, await answer.aread()
                name = ""
                async for line in answer.aiter_lines():
                    if line.startswith("event:"):
                        name = line[6:].strip()
                    elif line.startswith("data:"):
                        async with self._news:
                            self.told.append((name, json.loads(line[5:])))
                            self._news.notify_all()
        finally:
            self.ended.set()
            async with self._news:
                self._news.notify_all()


@asynccontextmanager
async def listening(client: httpx.AsyncClient) -> AsyncIterator[Stream]:
    """A stream that is read meanwhile; it has its snapshot."""
    stream = Stream()
    task = asyncio.create_task(stream.read(client))
    try:
        await stream.until(lambda heard: heard.all("snapshot"))
        yield stream
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def register(site: Site, *records: Record) -> None:
    """Homes and residents, as the command line registers them."""
    connection = await connect(site.conninfo(), "test homes")
    async with connection, connection.transaction():
        await people.register(connection, records, actor="test")


def a_home(home_id: str, area_code: str = "330282001001") -> tuple[Home, Resident]:
    return (
        Home(home_id, area_code, "虞波社区 3 幢 402 室", care_level=2, note="钥匙在邻居处"),
        Resident(f"{home_id}-r", home_id, "沈阿大", 1938, "m", "+86 138 0000 0001"),
    )


def rows(site: Site, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    with psycopg.connect(site.conninfo(), autocommit=True) as connection:
        cursor = connection.execute(statement, values)  # type: ignore[arg-type]
        return cursor.fetchall() if cursor.description else []
