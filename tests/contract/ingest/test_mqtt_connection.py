"""What the bridge needs of any MQTT 3.1.1 broker, tried on the real one: sessions, acknowledgements, epochs, TLS."""

import asyncio
import signal
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from deploy.site import BRIDGE_ACCOUNT, Site
from deploy.supervise import Supervisor
from ingest.mqtt import Connection, Endpoint, Publish

pytestmark = pytest.mark.services


STALL_S = 0.8


class Ears:
    """A connection and what it heard."""

    def __init__(self, endpoint: Endpoint, client_id: str, topic: str) -> None:
        self.heard: list[Publish] = []
        self.ups = 0
        self.downs = 0
        self.stalls = 0
        self.connection = Connection(
            "ears", client_id, endpoint, [topic], self._hear, self._up, self._down, self._stall, STALL_S
        )

    def _hear(self, _: Connection, messages: list[Publish]) -> None:
        self.heard += messages

    def _up(self, _: Connection) -> None:
        self.ups += 1

    def _down(self, _: Connection) -> None:
        self.downs += 1

    def _stall(self, _: Connection) -> None:
        self.stalls += 1

    def payloads(self) -> list[bytes]:
        return [payload for _, payload, _, _ in self.heard]

    def mids(self) -> list[int]:
        return [mid for _, _, mid, _ in self.heard]


async def until(holds: Callable[[], bool], within_s: float = 15) -> None:
    async with asyncio.timeout(within_s):
        while not holds():  # noqa: ASYNC110 - asks a connection from outside
            await asyncio.sleep(0.01)


def plain(site: Site, password: str | None = None) -> Endpoint:
    return Endpoint("127.0.0.1", site.ports.mqtt, None, BRIDGE_ACCOUNT, password or site.secrets.bridge_password, 10)


@asynccontextmanager
async def listening(endpoint: Endpoint, client_id: str, topic: str) -> AsyncIterator[Ears]:
    ears = Ears(endpoint, client_id, topic)
    running = asyncio.create_task(ears.connection.run())
    try:
        yield ears
    finally:
        await ears.connection.close()
        running.cancel()


@pytest.fixture
def names() -> tuple[str, str]:
    """A client id and a topic that nobody else has."""
    word = uuid.uuid4().hex[:12]
    return f"test-{word}", f"shouwang/internal/test-{word}"


async def test_what_was_not_acknowledged_comes_again_and_what_was_does_not(site: Site, names: tuple[str, str]) -> None:
    client_id, topic = names
    async with listening(plain(site), client_id, topic) as ears:
        await until(lambda: ears.ups == 1)
        for number in range(10):
            ears.connection.publish(topic, b"%d" % number)
        await until(lambda: len(ears.heard) == 10)
        assert ears.connection.acknowledge(ears.connection.epoch, ears.mids()[:6])
        await asyncio.sleep(0.1)
    async with listening(plain(site), client_id, topic) as again:
        await until(lambda: len(again.heard) == 4)
        assert again.payloads() == [b"6", b"7", b"8", b"9"]
        again.connection.acknowledge(again.connection.epoch, again.mids())
        await asyncio.sleep(0.1)


async def test_a_broker_that_stood_still_is_noticed_before_what_it_then_brings(
    site: Site, names: tuple[str, str]
) -> None:
    client_id, topic = names
    supervisor = Supervisor(site)
    async with listening(plain(site), client_id, topic) as ears:
        await until(lambda: ears.ups == 1)
        ears.connection.publish(topic, b"before")
        await until(lambda: len(ears.heard) == 1)
        await asyncio.sleep(1.5 * STALL_S)
        ears.connection.publish(topic, b"after a time in which nobody asked for anything")
        await until(lambda: len(ears.heard) == 2)
        assert ears.stalls == 0
        supervisor.signal("mosquitto", signal.SIGSTOP)
        try:
            ears.connection.publish(topic, b"meanwhile")
            await asyncio.sleep(1.5 * STALL_S)
        finally:
            supervisor.signal("mosquitto", signal.SIGCONT)
        await until(lambda: len(ears.heard) == 3)
        assert (ears.stalls, ears.downs) == (1, 0)


async def test_a_pause_of_our_own_is_no_standing_still_of_the_broker(site: Site, names: tuple[str, str]) -> None:
    client_id, topic = names
    async with listening(plain(site), client_id, topic) as ears:
        await until(lambda: ears.ups == 1)
        ears.connection.publish(topic, b"one")
        await until(lambda: len(ears.heard) == 1)
        ears.connection.pause()
        ears.connection.publish(topic, b"two")
        await asyncio.sleep(1.5 * STALL_S)
        ears.connection.resume()
        await until(lambda: len(ears.heard) == 2)
        assert ears.stalls == 0


async def test_an_acknowledgement_of_an_older_connection_is_dropped(site: Site, names: tuple[str, str]) -> None:
    client_id, topic = names
    async with listening(plain(site), client_id, topic) as ears:
        await until(lambda: ears.ups == 1)
        ears.connection.publish(topic, b"x")
        await until(lambda: len(ears.heard) == 1)
        epoch, mid = ears.connection.epoch, ears.mids()[0]
        ears.connection._drop()
        assert ears.downs == 1
        assert not ears.connection.acknowledge(epoch, [mid]), "the connection it belongs to is gone"
        await until(lambda: ears.ups == 2)
        await until(lambda: len(ears.heard) == 2)
        assert not ears.connection.acknowledge(epoch, [mid])
        assert ears.connection.epoch == epoch + 2
        assert ears.connection.acknowledge(ears.connection.epoch, [ears.mids()[1]])
        await asyncio.sleep(0.1)
        ears.connection._drop()
        await until(lambda: ears.ups == 3)
        ears.connection.publish(topic, b"y")
        await until(lambda: len(ears.heard) == 3)
        assert ears.payloads() == [b"x", b"x", b"y"]


async def test_what_was_queued_while_away_comes_before_a_marker_published_on_return(
    site: Site, names: tuple[str, str]
) -> None:
    client_id, topic = names
    async with listening(plain(site), client_id, topic) as ears:
        await until(lambda: ears.ups == 1)
    async with listening(plain(site), f"{client_id}-other", f"{topic}/other") as other:
        await until(lambda: other.ups == 1)
        for number in range(2_000):
            other.connection.publish(topic, b"%d" % number)
        other.connection.publish(f"{topic}/other", b"all were published")
        await until(lambda: len(other.heard) == 1)
    async with listening(plain(site), client_id, topic) as back:
        await until(lambda: back.ups == 1)
        back.connection.publish(topic, b"marker")
        await until(lambda: len(back.heard) == 2_001)
        assert back.payloads() == [*[b"%d" % number for number in range(2_000)], b"marker"]


async def test_a_paused_connection_hears_nothing_and_a_resumed_one_everything_once(
    site: Site, names: tuple[str, str]
) -> None:
    client_id, topic = names
    async with listening(plain(site), client_id, topic) as ears:
        await until(lambda: ears.ups == 1)
        ears.connection.pause()
        for number in range(500):
            ears.connection.publish(topic, b"%d" % number)
        await asyncio.sleep(0.3)
        assert ears.heard == []
        ears.connection.resume()
        await until(lambda: len(ears.heard) == 500)
        await asyncio.sleep(0.1)
        assert ears.payloads() == [b"%d" % number for number in range(500)]


async def test_over_tls_it_comes_up_with_the_right_ca_and_hears_large_messages_whole(
    site: Site, names: tuple[str, str]
) -> None:
    client_id, topic = names
    endpoint = Endpoint("localhost", site.ports.mqtts, str(site.ca), BRIDGE_ACCOUNT, site.secrets.bridge_password, 10)
    async with listening(endpoint, client_id, topic) as ears:
        await until(lambda: ears.ups == 1)
        sent = [bytes([number]) * 300_000 for number in range(5)]
        for payload in sent:
            ears.connection.publish(topic, payload)
        await until(lambda: len(ears.heard) == 5)
        assert ears.payloads() == sent


async def test_another_ca_and_a_wrong_password_never_come_up(
    site: Site, names: tuple[str, str], tmp_path: Path
) -> None:
    client_id, topic = names
    other = tmp_path / "other.pem"
    other.write_bytes((site.data / "tls" / "server.pem").read_bytes())
    endpoint = Endpoint("127.0.0.2", site.ports.mqtts, str(other), BRIDGE_ACCOUNT, site.secrets.bridge_password, 10)
    async with (
        listening(endpoint, f"{client_id}-a", topic) as stranger,
        listening(plain(site, "guess"), f"{client_id}-b", topic) as guesser,
    ):
        await asyncio.sleep(1.0)
        assert (stranger.ups, guesser.ups) == (0, 0)
