"""The application: parts made at the start, routes, one shape of errors, headers that every answer carries, metrics."""

import asyncio
import logging
import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from alerts.timescale import IDLE_S, LOCK_S, TimescaleCases
from api import console, problems, relatives, telephony
from api.attempts import Attempts
from api.canaries import Canaries
from api.context import Clock, Context
from api.database import Database
from api.dead_man import DeadMan
from api.feed import Feed
from api.guard import Guard
from api.handover import Handovers
from api.models.stages import CanariesNow
from api.passwords import PasswordCheck
from api.pipeline import CanaryLimits, PipelineWatch
from api.rounds import Rounds
from api.routes import (
    admin,
    cases,
    consents,
    coverage,
    family,
    handovers,
    health,
    helpers,
    homes,
    oversight,
    paper,
    questions,
    recipients,
    record,
    reports,
    residents,
    rules,
    session,
    shifts,
    stream,
    upstream,
    windows,
)
from api.routes import telephony as telephone
from api.scope import current
from api.settings import ApiSettings
from api.shown import Shown
from contracts import clocks, metrics
from contracts.canaries import Word
from storage.database import pool

TITLE = "Shouwang 守望"
DESCRIPTION = """
The operators' hand on the cases, the residents' state, and what a family may know.

Log in with `POST /api/v1/session`; send the access token as `Authorization: Bearer …`; refresh it before it ends.
Errors are problem+json (RFC 9457): `detail` says what happened and what to do. Instants are UTC. `x-roles` says who may call a route.
"""
_LOG = logging.getLogger(__name__)
_STREAMS = metrics.make("shouwang_api_streams_open")
_CANARY_OLDEST = metrics.make("shouwang_api_canary_oldest_seconds")


def create(settings: ApiSettings, clock: Clock = clocks.now) -> FastAPI:
    """The application. Nothing is connected before it starts; the database and Kafka may be away then and come later."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        opened = pool(settings.database, "api", size=settings.pool, lock_s=LOCK_S, idle_s=IDLE_S, plan_anew=True)
        await opened.open(wait=False)
        database = Database(opened, settings.query_s)
        canaries = Canaries(settings, database, clock) if settings.canary_s else None
        app.state.context = parts = Context(
            settings=settings,
            database=database,
            cases=TimescaleCases(opened, lambda: current.get().settings()),
            feed=Feed(settings.kafka, database, settings.stream_queue, canary=canaries.heard if canaries else _nobody),
            pipeline=PipelineWatch(
                database,
                clock,
                settings.standstill_s,
                canaries=CanaryLimits(settings.partitions, settings.canary_late_s, settings.canary_blind_s)
                if canaries
                else None,
            ),
            passwords=PasswordCheck(),
            logins=Attempts(session.WRONG_FROM_ONE_ADDRESS, session.WRONG_WITHIN_S),
            shown=Shown(),
            rounds=Rounds(relatives.EVERY_S, relatives.AT_ONCE, lambda users: relatives.look_for(parts, users)),
            openings=Attempts(oversight.OPENINGS_AN_HOUR, 3600),
            rings=Attempts(telephony.MOST_A_MINUTE, 60),
            clock=clock,
        )
        _STREAMS.set_function(lambda: parts.feed.open_streams)
        _CANARY_OLDEST.set_function(lambda: _oldest(parts.pipeline.canaries(clock())))
        works = [parts.feed.run, parts.pipeline.run, parts.rounds.run]
        if canaries is not None:
            works.append(canaries.run)
        if settings.dead_man_url:
            works.append(DeadMan(settings.dead_man_url, settings.dead_man_s, parts.health).run)
        if settings.fhir_url:
            works.append(Handovers(database, settings.fhir_url, settings.fhir_token, clock, parts.cases).run)
        tasks = [asyncio.create_task(_for_ever(work)) for work in works]
        try:
            yield
        finally:
            await _end(tasks)
            await opened.close()

    app = FastAPI(title=TITLE, version="1", description=DESCRIPTION, lifespan=lifespan, docs_url=None, redoc_url=None)
    problems.install(app)
    app.add_middleware(Guard, tls=settings.secure_cookie)
    for module in (
        session,
        stream,
        cases,
        record,
        questions,
        residents,
        oversight,
        coverage,
        family,
        consents,
        helpers,
        handovers,
        upstream,
        shifts,
        recipients,
        reports,
        rules,
        windows,
        telephone,
        paper,
        homes,
        admin,
        health,
    ):
        app.include_router(module.router)
    console.install(app)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


def _oldest(canaries: CanariesNow | None) -> float:
    """NaN where of any place nothing is known: the figure must not look better than it is."""
    if canaries is None or canaries.unknown or canaries.oldest_age_s is None:
        return math.nan
    return canaries.oldest_age_s


def _nobody(word: Word) -> None:
    """Where no canary is sent, whatever comes by as one is nothing."""


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancel until they have ended: a client library that is cancelled while it cleans up may raise its own error instead, and then
    the one cancellation is gone."""
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=1.0)


async def _for_ever(work: Callable[[], Awaitable[None]]) -> None:
    """A task that must not end: what nobody foresaw is logged, and it begins again."""
    while True:
        try:
            await work()
        except Exception:
            _LOG.exception("%s failed; it begins again", getattr(work, "__qualname__", work))
            await asyncio.sleep(1.0)


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        document = get_openapi(title=TITLE, version=app.version, description=DESCRIPTION, routes=app.routes)
        problems.describe(document)
        app.openapi_schema = document
    return app.openapi_schema
