"""The stream of changes (Server-Sent Events): a snapshot first, then what changes, and a heartbeat.

There is no "since": whoever comes back gets a new snapshot, because what he missed cannot be told from numbers that are given in one
order and committed in another. For each case versions only rise on a stream. EventSource cannot send a header, and a token in an
address ends up in logs, so the console reads this with fetch.
"""

import asyncio
import json
from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel
from sse_starlette import EventSourceResponse, ServerSentEvent

from api import rows
from api.access import OPERATORS, Operator, Who, roles
from api.context import Context, Parts
from api.errors import DatabaseAway
from api.feed import Subscriber
from api.models.stages import Change, Health, Snapshot
from api.problems import documented
from api.reasons import reasons_of
from storage.queries import fetch_all, query

router = APIRouter(prefix="/api/v1", tags=["cases"])

_OPEN = query("api_open_cases")
_FINISHED = query("api_just_finished")
_LIVING = query("api_living_sessions")

MOST_CASES = 20_000
"""A snapshot holds at most so many cases; beyond this the city has other trouble."""
FINISHED_S = 120.0
"""Longest that a change is believed to be on its way, s."""
AGAIN_S = 60.0
"""A new snapshot after so long, s, so that nothing that went wrong stays wrong on a page; much sooner while the feed is away."""
AGAIN_WITHOUT_FEED_S = 5.0
CHECK_S = 10.0
"""How often it is looked whether the session still lives, s."""

_EXAMPLE = 'event: snapshot\ndata: {"cases": [], "health": {…}, "now": "2026-11-23T04:00:00Z"}\n\nevent: case\ndata: {"change": "raised", …}\n\nevent: heartbeat\ndata: {"state": "ok", …}\n\n'


class StreamView:
    """What one console has been told: versions, so that nothing is told twice or backwards."""

    def __init__(self) -> None:
        self._told: dict[str, int] = {}

    def snapshot(self, found: list[dict[str, Any]], finished: list[dict[str, Any]]) -> None:
        """A new beginning. ``finished``: what has left lately, so that an older word that is still on its way is not believed."""
        self._told = {row["case_id"]: row["version"] for row in (*finished, *found)}

    def is_news(self, change: Change) -> bool:
        """True once for each version, and never for an older one."""
        case = change.case
        if case.version <= self._told.get(case.case_id, 0):
            return False
        self._told[case.case_id] = case.version
        return True


def _event(name: str, data: BaseModel | dict[str, Any]) -> ServerSentEvent:
    text = data.model_dump_json() if isinstance(data, BaseModel) else json.dumps(data)
    return ServerSentEvent(event=name, data=text)


def health_now(parts: Context, now: datetime) -> Health:
    return parts.pipeline.health(now, feed_ready=parts.feed.ready, streams_open=parts.feed.open_streams)


async def read_snapshot(parts: Context, user: Who, view: StreamView) -> Snapshot:
    """All open cases of the user's area. Raises DatabaseAway."""
    now = parts.clock()
    every = {
        "family": None,
        "priority": None,
        "desk_id": None,
        "waiting": False,
        "by_time": False,
        "most": MOST_CASES,
        "skip": 0,
    }
    # Both from one picture of the database: a case must not fall between them.
    async with parts.database.transaction(picture=True) as connection:
        found = await fetch_all(connection, _OPEN, area_prefix=user.area_prefix, **every)
        finished = await fetch_all(connection, _FINISHED, since=now - timedelta(seconds=FINISHED_S))
        reasons = await reasons_of(connection, [row["case_id"] for row in found])
    view.snapshot(found, finished)
    return Snapshot(cases=[rows.row_of_database(row, reasons) for row in found], health=health_now(parts, now), now=now)


async def _lives(parts: Context, user: Who, now: datetime) -> bool:
    try:
        async with parts.database.connection() as connection:
            found = await fetch_all(connection, _LIVING, session_ids=[user.session_id], now=now)
    except DatabaseAway:
        return True  # an outage must not log the whole room out
    return bool(found)


async def _tell(parts: Context, user: Who, subscriber: Subscriber) -> AsyncGenerator[ServerSentEvent]:
    view = StreamView()
    try:
        yield _event("snapshot", await read_snapshot(parts, user, view))
    except DatabaseAway:
        yield _event("end", {"why": "database"})
        return
    beat_s = parts.settings.heartbeat_s
    told_at = checked_at = parts.clock()
    beat_at = told_at + timedelta(seconds=beat_s)
    while subscriber.ended is None:
        now = parts.clock()
        try:
            async with asyncio.timeout(max(0.0, (beat_at - now).total_seconds())):
                change = await subscriber.changes.get()
            if view.is_news(change):
                yield _event("case", change)
            if parts.clock() < beat_at:
                continue
        except TimeoutError:
            pass
        now = parts.clock()
        beat_at = now + timedelta(seconds=beat_s)
        if now >= user.token_ends_at:
            yield _event("end", {"why": "token"})
            return
        if (now - checked_at).total_seconds() >= CHECK_S:
            checked_at = now
            if not await _lives(parts, user, now):
                yield _event("end", {"why": "session"})
                return
        if (now - told_at).total_seconds() >= (AGAIN_S if parts.feed.ready else AGAIN_WITHOUT_FEED_S):
            try:
                yield _event("snapshot", await read_snapshot(parts, user, view))
                told_at = now
                continue
            except DatabaseAway:
                pass  # the heartbeat below says so
        yield _event("heartbeat", health_now(parts, now))
    yield _event("end", {"why": subscriber.ended})


@router.get(
    "/stream",
    response_class=EventSourceResponse,
    responses={
        200: {
            "description": "Events: snapshot (Snapshot), case (Change), heartbeat (Health), end (why: token, session, slow, restart, database)",
            "content": {"text/event-stream": {"schema": {"type": "string"}, "example": _EXAMPLE}},
        },
        **documented(401, 403, 503),
    },
    summary="Open cases, live",
    openapi_extra=roles(*OPERATORS),
)
async def stream(parts: Parts, user: Operator) -> EventSourceResponse:
    """A snapshot of open cases, then each change, and a heartbeat with the pipeline's state every 2 s. Silence for 6 s means: the connection is dead."""

    async def events() -> AsyncGenerator[ServerSentEvent]:
        # First subscribe, then read: what is committed in between comes by, and a repeat is known by its version.
        with parts.feed.subscribe(user.area_prefix) as subscriber:
            async for event in _tell(parts, user, subscriber):
                yield event

    return EventSourceResponse(
        events(), ping=3600, send_timeout=parts.settings.stream_send_s, headers={"Cache-Control": "no-store"}
    )
