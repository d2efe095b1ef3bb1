"""Devices that talk to a real broker and a reader of what the bridge put into Kafka, for the bridge's system tests."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from paho.mqtt.client import Client, MQTTMessageInfo
from paho.mqtt.enums import CallbackAPIVersion

from contracts.dead_letters import DeadLetter
from contracts.dead_letters import decode as decode_letter
from contracts.frames import FrameMeta, decode
from contracts.topics import DEAD_LETTERS, LANE_TOPIC
from deploy.native import mosquitto
from deploy.site import Site
from ingest import state_file
from ingest.state_file import BridgeState

AREA = "330282101"


def provide_accounts(site: Site, devices: Iterable[str], gateway: str = "") -> None:
    """Accounts of devices (``home.device``), each with its own name as password; a gateway may write for the whole AREA."""
    names = [*devices, *([gateway] if gateway else [])]
    passwords = "\n".join(f"{name}:{mosquitto.hash_password(name)}" for name in names)
    acl = (
        f"user {gateway}\ntopic write shouwang/v1/{AREA}/#\ntopic read shouwang/v1/{AREA}/+/receipt\n"
        if gateway
        else ""
    )
    mosquitto.install_credentials(site, passwords, acl)


class Talker:
    """A device or gateway with a persistent session, so that what it published and the broker has not acknowledged is sent again."""

    def __init__(self, site: Site, account: str, password: str | None = None) -> None:
        self.account = account
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.sent: list[MQTTMessageInfo] = []
        self._changed = threading.Condition()
        self._subscribed = threading.Event()
        self.client = Client(CallbackAPIVersion.VERSION2, client_id=f"test-{account}", clean_session=False)
        self.client.username_pw_set(account, account if password is None else password)
        self.client.max_inflight_messages_set(1_000)
        self.client.reconnect_delay_set(1, 1)
        self.client.on_message = self._hear
        self.client.on_subscribe = lambda *_: self._subscribed.set()
        self.client.connect("127.0.0.1", site.ports.mqtt, keepalive=5)
        self.client.loop_start()

    def _hear(self, _client: Client, _data: Any, message: Any) -> None:
        with self._changed:
            self.heard.append((message.topic, json.loads(message.payload)))
            self._changed.notify_all()

    def listen(self, topic: str) -> None:
        self.client.subscribe(topic, qos=1)
        assert self._subscribed.wait(10)

    def waits_for(self, count: int, within_s: float = 20) -> list[dict[str, Any]]:
        """The first ``count`` receipts heard."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.heard) >= count, within_s), self.heard
        return [payload for _, payload in self.heard[:count]]

    def say(self, topic: str, payload: Any, *, retain: bool = False) -> None:
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self.sent.append(self.client.publish(topic, raw, qos=1, retain=retain))

    def is_back(self, within_s: float = 60) -> None:
        """Wait for the connection after the broker was away; paho calls what is said before that failed, though it sends it."""
        limit = time.monotonic() + within_s
        while not self.client.is_connected():
            assert time.monotonic() < limit, "the gateway does not come back"
            time.sleep(0.02)

    def settle(self, within_s: float = 60) -> None:
        """Until the broker has acknowledged all that was said."""
        limit = time.monotonic() + within_s
        for info in self.sent:
            info.wait_for_publish(max(0.1, limit - time.monotonic()))
            assert info.is_published()

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


class Log:
    """Follows the bridge's topics from now on: rows, statements and dead letters of one source."""

    def __init__(self, site: Site, source: str) -> None:
        self._site = site
        self._source = source
        self.rows: dict[str, list[dict[str, Any]]] = {"bulk": [], "urgent": []}
        self.statements: dict[tuple[str, int], list[FrameMeta]] = {}
        self.letters: list[DeadLetter] = []
        self._consumer: AIOKafkaConsumer | None = None

    async def __aenter__(self) -> "Log":
        consumer = AIOKafkaConsumer(bootstrap_servers=self._site.kafka, fetch_max_wait_ms=50)
        await consumer.start()
        for topic in (*LANE_TOPIC.values(), DEAD_LETTERS):
            await consumer._client._wait_on_metadata(topic)
        consumer.assign(
            [
                TopicPartition(topic, p)
                for topic in (*LANE_TOPIC.values(), DEAD_LETTERS)
                for p in consumer.partitions_for_topic(topic)
            ]
        )
        await consumer.seek_to_end()
        for place in consumer.assignment():
            await consumer.position(place)
        self._consumer = consumer
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._consumer is not None
        await self._consumer.stop()

    async def read(self, seconds: float = 0.2) -> None:
        """Take in what has come."""
        assert self._consumer is not None
        lanes = {topic: lane for lane, topic in LANE_TOPIC.items()}
        for records in (await self._consumer.getmany(timeout_ms=int(seconds * 1000))).values():
            for record in records:
                if record.topic == DEAD_LETTERS:
                    letter = decode_letter(record.value)
                    if letter.source == self._source:
                        self.letters.append(letter)
                    continue
                frame = decode(record.value)
                if frame.meta.source != self._source:
                    continue
                lane = lanes[record.topic]
                assert frame.meta.lane == lane
                self.statements.setdefault((lane, record.partition), []).append(frame.meta)
                found = [{**row, "kind": kind} for kind, batch in frame.batches.items() for row in batch.to_pylist()]
                self.rows[lane] += sorted(found, key=lambda row: row["ordinal"])

    async def until(self, holds: Callable[[], Any], within_s: float = 60) -> None:
        """Read until ``holds``."""
        limit = time.monotonic() + within_s
        while not holds():
            await self.read()
            assert time.monotonic() < limit, (len(self.rows["bulk"]), len(self.rows["urgent"]), self.letters[-3:])

    def numbers(self, lane: str = "bulk") -> set[tuple[str, str, int, int]]:
        """Identities of the rows of a lane, each once."""
        return {(row["home_id"], row["device_id"], row["boot"], row["seq"]) for row in self.rows[lane]}

    def watched(self) -> dict[tuple[str, int], float]:
        """The last statement of each lane and partition."""
        return {place: max(m.watched_until_s or 0.0 for m in metas) for place, metas in self.statements.items()}

    def unwatched(self) -> dict[tuple[str, int], list[tuple[float, float]]]:
        """Unwatched intervals told to each lane and partition."""
        return {place: [gap for meta in metas for gap in meta.unwatched] for place, metas in self.statements.items()}


def state(site: Site, source: str) -> BridgeState:
    """The bridge's last word."""
    found = state_file.read(site.data, source)
    assert found is not None
    return found


async def until_state(
    site: Site, source: str, holds: Callable[[BridgeState], Any], within_s: float = 30
) -> BridgeState:
    """Wait for a word of the bridge, written after this call, of which ``holds`` is true."""
    began, limit = time.time(), time.monotonic() + within_s
    while True:
        found = state_file.read(site.data, source)
        if found is not None and found.at_s > began and holds(found):
            return found
        assert time.monotonic() < limit, found
        await asyncio.sleep(0.1)
