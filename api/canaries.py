"""Sends a canary for each partition and lane about once a minute, and judges those that come to the end of the way.

The way: MQTT, bridge, Kafka, stream, alerts, database, outbox, ``alerts.v1``, feed. One process is the beginning and the end of it, so the key with
which canaries are signed is made at its start and never leaves its memory (docs/decisions/0025). What is sent stands in the table ``canaries``
before it leaves, so one that never comes is known. Without a connection to the broker or the database nothing is sent: the age grows by itself.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Literal

import msgspec
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from api.database import Database
from api.errors import DatabaseAway
from api.scope import OURSELVES
from api.settings import ApiSettings
from contracts import canaries, metrics
from contracts.canaries import CHANNEL, DEVICE_ID, LANES, Lane, Word
from contracts.names import AREA_CANARY, topic_of
from storage.queries import execute, query

_LOG = logging.getLogger(__name__)
_SEND = query("canaries_send")
_SEE = query("canary_see")
_SENT = metrics.make("shouwang_api_canaries_sent_total")
_JUDGED = metrics.make("shouwang_api_canaries_judged_total")

LOOK_S = 1.0
"""How often it is looked what is due, s: a city's worth of canaries is 32 messages a minute."""
SOONER = 5
"""Where the last one has not come the next follows after this part of the usual time. Chosen: so that what is whole again is soon known to be."""
SOONEST_S = 5.0
"""... but not sooner than this, s: canaries must not add to the trouble of a way that only lags. Chosen."""
EXPECT_S = 3600.0
"""A canary that comes later than this counts as nothing, s. Chosen: by then hundreds after it have been lost or have come."""
KEEPALIVE_S = 15
CONNECT_S = 5.0

Place = tuple[Lane, int]
"""(lane, partition)."""
Verdict = Literal["seen", "repeated", "forged"]


class Flock:
    """Which canaries are due, and what one that came is worth. No I/O, no clock."""

    def __init__(self, partitions: int, every_s: float, key: bytes) -> None:
        self._homes = canaries.homes(partitions)
        self._key = key
        self._every = timedelta(seconds=every_s)
        self._again = timedelta(seconds=min(every_s, max(every_s / SOONER, SOONEST_S)))
        self._sent_at: dict[Place, datetime] = {}
        """When the newest of each place left."""
        self._expected: dict[tuple[Place, int], datetime] = {}
        """What is under way, by place and instant (ms)."""

    def due(self, now: datetime) -> list[Place]:
        """Places whose next one should leave now."""
        self._expected = {
            each: at for each, at in self._expected.items() if now - at < timedelta(seconds=EXPECT_S)
        }  # fmt: skip
        waiting = {place for place, _ in self._expected if self._is_newest(place)}
        found: list[Place] = []
        for partition in range(len(self._homes)):
            for lane in LANES:
                place = (lane, partition)
                sent_at = self._sent_at.get(place)
                if sent_at is None or now - sent_at >= (self._again if place in waiting else self._every):
                    found.append(place)
        return found

    def _is_newest(self, place: Place) -> bool:
        """Whether the newest one of the place is still under way."""
        return (place, _ms(self._sent_at[place])) in self._expected

    def sign(self, place: Place, now: datetime) -> Word:
        """The canary of this place and instant."""
        lane, partition = place
        return canaries.signed(self._key, self._homes[partition], lane, _ms(now))

    def left(self, places: Iterable[Place], now: datetime) -> None:
        """These leave now: each may come once."""
        for place in places:
            self._sent_at[place] = now
            self._expected[place, _ms(now)] = now

    def judge(self, word: Word) -> tuple[Verdict, Place | None]:
        """What this one is worth, and of which place it proves the way."""
        if not canaries.is_ours(self._key, word):
            return "forged", None
        place = (word.lane, self._homes.index(word.home_id))
        if self._expected.pop((place, word.sent_at_ms), None) is None:
            return "repeated", place
        return "seen", place


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


class Seen(msgspec.Struct, frozen=True):
    """One that came, to be written down."""

    place: Place
    sent_at: datetime
    seen_at: datetime


class Canaries:
    """``run`` sends; ``heard`` is told of each canary where the feed hands changes to the consoles."""

    def __init__(
        self, settings: ApiSettings, database: Database, clock: Callable[[], datetime], key: bytes | None = None
    ) -> None:
        self._settings = settings
        self._database = database
        self._clock = clock
        self._flock = Flock(settings.partitions, settings.canary_s, key or secrets.token_bytes(32))
        self._seen: list[Seen] = []
        self._said_forged = False

    def heard(self, word: Word) -> None:
        """Judge one that came to the end."""
        verdict, place = self._flock.judge(word)
        _JUDGED.labels(verdict).inc()
        if verdict == "seen" and place is not None:
            self._seen.append(Seen(place, word.sent_at, self._clock()))
        elif verdict == "forged" and not self._said_forged:
            # Also what this process had sent before it was started again; a stream of them is somebody else's.
            self._said_forged = True
            _LOG.warning("a canary of %s is not signed by this process; it proves nothing", word.home_id)

    async def run(self) -> None:
        """Send until cancelled."""
        client = self._client()
        client.connect_async(self._settings.mqtt_host, self._port(), keepalive=KEEPALIVE_S)
        client.loop_start()
        try:
            while True:
                await self.once(client)
                await asyncio.sleep(LOOK_S)
        finally:
            client.disconnect()
            client.loop_stop()

    async def once(self, client: Client) -> None:
        """Write down what came, send what is due. Neither without the database."""
        try:
            await self._write_down()
            if client.is_connected():
                for topic, payload in await self._leave():
                    client.publish(topic, payload, qos=1)
        except DatabaseAway as error:
            _LOG.debug("no canaries: %s", error)

    async def _write_down(self) -> None:
        if not self._seen:
            return
        seen, self._seen = self._seen, []
        try:
            async with self._database.transaction(OURSELVES) as connection:
                for each in seen:
                    lane, partition = each.place
                    await execute(
                        connection, _SEE, lane=lane, partition=partition, sent_at=each.sent_at, seen_at=each.seen_at
                    )
        except DatabaseAway:
            self._seen = [*seen, *self._seen]
            raise

    async def _leave(self) -> list[tuple[str, bytes]]:
        """Topics and payloads of those that are due, once the database knows of them."""
        now = self._clock()
        due = self._flock.due(now)
        if not due:
            return []
        words = [self._flock.sign(place, now) for place in due]
        async with self._database.transaction(OURSELVES) as connection:
            await execute(
                connection, _SEND, lanes=[lane for lane, _ in due], partitions=[partition for _, partition in due],
                sents=[word.sent_at for word in words], homes=[word.home_id for word in words],
            )  # fmt: skip
        self._flock.left(due, now)
        for lane, _ in due:
            _SENT.labels(lane).inc()
        return [(topic_of(AREA_CANARY, word.home_id, DEVICE_ID, CHANNEL[word.lane]), _payload(word)) for word in words]

    def _port(self) -> int:
        return self._settings.mqtt_tls_port if self._settings.canary_tls else self._settings.mqtt_port

    def _client(self) -> Client:
        """A connection as a gateway has it; it comes back by itself, in a thread of its own."""
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"{self._settings.canary_user}-{secrets.token_hex(4)}",
            clean_session=True,
            protocol=MQTTProtocolVersion.MQTTv311,
        )
        client.username_pw_set(self._settings.canary_user, self._settings.canary_password)
        if self._settings.canary_tls:
            client.tls_set(ca_certs=self._settings.mqtt_ca or None)
        client.connect_timeout = CONNECT_S
        client.reconnect_delay_set(1, 10)
        return client


def _payload(word: Word) -> bytes:
    at_s = word.sent_at_ms / 1000
    return msgspec.json.encode(
        {"kind": canaries.DETECTOR, "t": at_s, "sent": at_s, "lane": word.lane, "sent_at_ms": word.sent_at_ms, "signature": word.signature}
    )  # fmt: skip
