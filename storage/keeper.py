"""The keeper: home cards into the log, MQTT accounts into the broker, notices of absence into force, roll-ups, retention. ``python -m storage keeper``.

Everything that it does may be repeated, so two keepers do no harm, and a killed one is followed by its successor. A change reaches the
log within a second; roll-ups and retention are in no hurry.
"""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import psycopg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError

from contracts.metrics import make
from contracts.topics import HOMES
from deploy.site import Site
from storage import accounts, home_notices, housekeeping
from storage.consumers import put_down
from storage.database import Connection, connect
from storage.errors import NoLog
from storage.places import places_of
from storage.publishing import publish
from storage.queries import execute, fetch_one, query
from storage.settings import KeeperSettings

LOG = logging.getLogger("storage.keeper")
FINGERPRINT = query("accounts_fingerprint")
PUBLISH_AGAIN = query("publish_all_cards_again")
ACCOUNTS_S = 5.0
"""The accounts are looked at this often, s, beside the notification."""
ROLLUP_S = 30.0
RETAIN_S = 3600.0


class Keeper:
    """Runs two lines side by side, each with its own connection and its own patience."""

    def __init__(self, settings: KeeperSettings, site: Site | None) -> None:
        """``site``: where the broker's files lie; None where this machine has none."""
        self._settings = settings
        self._site = site
        self._stop = asyncio.Event()
        self._cards = make("shouwang_keeper_cards_published_total")
        self._chunks = make("shouwang_keeper_chunks_dropped_total")
        self._rollups = make("shouwang_keeper_rollups_made_total")

    def stop(self) -> None:
        """Return from ``run`` after what is in hand."""
        self._stop.set()

    async def run(self) -> None:
        """Until ``stop``; a database or broker that is away is tried again for ever."""
        await asyncio.gather(self._again("cards", self._follow), self._again("housekeeping", self._keep_house))

    async def _again(self, what: str, line: Callable[[], Awaitable[None]]) -> None:
        pause_s = 0.5
        while not self._stop.is_set():
            began_s = time.monotonic()
            try:
                await line()
            except (psycopg.OperationalError, KafkaError, ConnectionError, NoLog) as error:
                pause_s = 0.5 if time.monotonic() - began_s > 60 else min(pause_s * 2, 10.0)
                LOG.warning("%s: again in %.1f s: %s", what, pause_s, str(error).strip() or type(error).__name__)
                await self._pause(pause_s)

    async def _follow(self) -> None:
        """Publish cards and install accounts as they change."""
        connection = await connect(self._settings.database, "keeper")
        producer = AIOKafkaProducer(
            bootstrap_servers=self._settings.kafka, acks="all", enable_idempotence=True, compression_type="zstd"
        )
        try:
            await producer.start()
            await self._begin_anew_if_emptied(connection)
            await connection.execute("LISTEN keeper")
            installed: object = None
            looked_at_s = 0.0
            while not self._stop.is_set():
                while sent := await publish(
                    connection, producer, self._settings.partitions, self._settings.cards_a_frame
                ):
                    self._cards.inc(sent)
                if self._site is not None and time.monotonic() - looked_at_s >= ACCOUNTS_S:
                    fingerprint = await fetch_one(connection, FINGERPRINT)
                    if fingerprint != installed:
                        await accounts.install(connection, self._site)
                        installed = fingerprint
                    looked_at_s = time.monotonic()
                async for change in connection.notifies(timeout=self._settings.poll_s, stop_after=1):
                    if change.payload == "accounts":
                        looked_at_s = 0.0
        finally:
            await producer.stop()
            await connection.close()

    async def _begin_anew_if_emptied(self, connection: Connection) -> None:
        """A log without a single card, though cards were published: it was emptied, so publish all of them again."""
        places = await places_of(self._settings.kafka, [HOMES])
        consumer = AIOKafkaConsumer(bootstrap_servers=self._settings.kafka, enable_auto_commit=False)
        await consumer.start()
        try:
            ends = await consumer.end_offsets(places)
        finally:
            await put_down(consumer)
        if not any(ends.values()) and await execute(connection, PUBLISH_AGAIN):
            LOG.warning("%s holds nothing: every home card is published again", HOMES)

    async def _keep_house(self) -> None:
        connection = await connect(self._settings.database, "housekeeping", lock_s=30, idle_s=600)
        retained_at_s = -math.inf
        try:
            while not self._stop.is_set():
                async with connection.transaction():
                    await home_notices.apply(connection, datetime.now(UTC))
                made = await housekeeping.roll_up(
                    connection, after_s=self._settings.rollup_after_s, at_latest_s=self._settings.rollup_at_latest_s
                )
                for each in made:
                    self._rollups.labels(each.kind).inc()
                if time.monotonic() - retained_at_s >= RETAIN_S:
                    for table, chunks in (await housekeeping.retain(connection, self._settings)).items():
                        self._chunks.labels(table).inc(chunks)
                    retained_at_s = time.monotonic()
                if not made:
                    await self._pause(ROLLUP_S)
        finally:
            await connection.close()

    async def _pause(self, pause_s: float) -> None:
        """Wait, but not longer than until ``stop``."""
        try:
            await asyncio.wait_for(self._stop.wait(), pause_s)
        except TimeoutError:
            pass
