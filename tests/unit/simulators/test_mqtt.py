"""A device's connection against a broker made of a few lines: what it does when the broker goes away, refuses, or is slow."""

import asyncio
from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest

from simulators import mqtt
from simulators.mqtt import Address, BrokerAway, BrokerRefused, Client

WELCOME, REFUSED = b"\x20\x02\x00\x00", b"\x20\x02\x00\x05"


class Heard(NamedTuple):
    """One PUBLISH as it came."""

    connection: int
    dup: bool
    payload: bytes


class Broker:
    """Takes connections at a port of its own. ``silent``: acknowledges nothing; ``mute``: does not even answer CONNECT."""

    def __init__(self) -> None:
        self.silent = self.mute = False
        self.answer = WELCOME
        self.heard: list[Heard] = []
        self.subscribed: list[int] = []
        self.connections = 0
        self.goodbyes = 0
        self.port = 0
        self._server: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Refuse connections and cut those there are."""
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        self.connections += 1
        number = self.connections
        try:
            while True:
                head, size = (await reader.readexactly(2))[:2]
                body = await reader.readexactly(size)  # nothing here is longer than 127 bytes
                kind = head & 0xF0
                if kind == 0x10 and not self.mute:
                    writer.write(self.answer)
                elif kind == 0x80:
                    self.subscribed.append(number)
                    writer.write(b"\x90\x03" + body[:2] + b"\x01")
                elif kind == 0x30:
                    at = 2 + (body[0] << 8 | body[1])
                    self.heard.append(Heard(number, bool(head & 0x08), body[at + 2 :]))
                    if not self.silent:
                        writer.write(b"\x40\x02" + body[at : at + 2])
                elif kind == 0xE0:
                    self.goodbyes += 1
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def say(self, topic: bytes, payload: bytes) -> None:
        """To who is connected, at QoS 1."""
        body = len(topic).to_bytes(2, "big") + topic + b"\x00\x07" + payload
        self._writers[-1].write(b"\x32" + bytes([len(body)]) + body)


@pytest.fixture
async def broker() -> AsyncIterator[Broker]:
    made = Broker()
    await made.start()
    yield made
    await made.stop()


async def until(holds: object) -> None:
    async with asyncio.timeout(10):
        while not holds():  # type: ignore[operator]  # noqa: ASYNC110 - asks a connection from outside
            await asyncio.sleep(0.005)


async def opened(broker: Broker, **wishes: object) -> Client:
    client = Client(Address("127.0.0.1", broker.port), "demo-001.hub", "word", **wishes)  # type: ignore[arg-type]
    await client.open()
    return client


async def test_what_broke_with_the_connection_comes_again_first_and_what_was_published_meanwhile_after_it(
    broker: Broker,
) -> None:
    acknowledged: list[int] = []
    client = await opened(broker, on_acknowledged=acknowledged.append)
    broker.silent = True
    for number in range(3):
        client.publish("t", b"%d" % number, number)
    await until(lambda: len(broker.heard) == 3)
    await broker.stop()
    await until(lambda: not client.connected)
    for number in range(3, 6):
        client.publish("t", b"%d" % number, number)
    broker.silent = False
    await broker.start()
    await until(lambda: client.connected)
    client.publish("t", b"6", 6)
    assert await client.settled(5)
    assert [(heard.payload, heard.dup) for heard in broker.heard[3:]] == [
        (b"0", True), (b"1", True), (b"2", True), (b"3", False), (b"4", False), (b"5", False), (b"6", False),
    ]  # fmt: skip
    assert acknowledged == [0, 1, 2, 3, 4, 5, 6]
    await client.close()


async def test_what_is_published_before_the_broker_has_answered_does_not_overtake(broker: Broker) -> None:
    client = await opened(broker)
    broker.silent = broker.mute = True
    client.publish("t", b"old")
    await until(lambda: len(broker.heard) == 1)
    await broker.stop()
    await broker.start()
    await until(lambda: broker.connections == 2)
    client.publish("t", b"new")
    await asyncio.sleep(0.05)
    broker.silent = broker.mute = False
    broker._writers[-1].write(WELCOME)
    assert await client.settled(5)
    assert [heard.payload for heard in broker.heard[1:]] == [b"old", b"new"]
    await client.close()


async def test_no_more_than_the_limit_is_under_way_and_the_rest_follows_in_order(broker: Broker) -> None:
    client = await opened(broker, limit=4)
    broker.silent = True
    for number in range(10):
        client.publish("t", b"%d" % number)
    await until(lambda: len(broker.heard) == 4)
    await asyncio.sleep(0.05)
    assert len(broker.heard) == 4
    assert client.unacknowledged == 10
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(client.room(), 0.05)
    await broker.stop()
    broker.silent = False
    await broker.start()
    assert await client.settled(5)
    assert [heard.payload for heard in broker.heard[4:]] == [b"%d" % number for number in range(10)]
    await asyncio.wait_for(client.room(), 1)
    await client.close()


async def test_ids_go_round_and_every_message_is_acknowledged_once(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    acknowledged: list[int] = []
    client = await opened(broker, on_acknowledged=acknowledged.append)
    monkeypatch.setattr(client._paho, "_last_mid", 65_530)
    for number in range(20):
        client.publish("t", b"x", number)
    assert await client.settled(5)
    assert acknowledged == list(range(20))
    await client.close()


async def test_refused_credentials_are_said_with_the_brokers_reason(broker: Broker) -> None:
    broker.answer = REFUSED
    with pytest.raises(BrokerRefused, match="Not authorized"):
        await opened(broker)


async def test_no_broker_is_said_with_its_place(broker: Broker) -> None:
    await broker.stop()
    with pytest.raises(BrokerAway, match=str(broker.port)):
        await opened(broker)


async def test_a_broker_that_takes_the_connection_and_says_nothing_is_away(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt, "OPEN_S", 0.1)
    broker.mute = True
    with pytest.raises(BrokerAway):
        await opened(broker)


async def test_each_connection_subscribes_anew_because_the_broker_may_have_forgotten(broker: Broker) -> None:
    heard: list[tuple[str, bytes]] = []
    client = await opened(broker, subscriptions=("a/receipt",), on_message=lambda *said: heard.append(said))
    await until(lambda: broker.subscribed == [1])
    await broker.stop()
    await broker.start()
    await until(lambda: broker.subscribed == [1, 2])
    broker.say(b"a/receipt", b"{}")
    await until(lambda: heard)
    assert heard == [("a/receipt", b"{}")]
    await client.close()


async def test_a_cut_is_no_good_bye_and_nothing_is_heard_until_it_is_revived(broker: Broker) -> None:
    client = await opened(broker)
    client.drop()
    client.publish("t", b"1")
    await asyncio.sleep(0.3)
    assert (broker.connections, broker.goodbyes, broker.heard) == (1, 0, [])
    await client.revive()
    assert await client.settled(5)
    await client.close()
    await until(lambda: broker.goodbyes == 1)
    assert [heard.payload for heard in broker.heard] == [b"1"]


async def test_the_oldest_mark_is_that_of_what_has_waited_longest_unless_it_is_kept_back(broker: Broker) -> None:
    client = await opened(broker)
    assert client.oldest is None
    broker.silent = True
    for mark in (None, "first", "second"):
        client.publish("t", b"x", mark)
    await until(lambda: len(broker.heard) == 3)
    assert client.oldest == "first"
    client.drop()
    assert client.oldest is None, "a cut hub's silence is what its home is to be seen with"
    client.publish("t", b"x", "third")
    broker.silent = False
    await client.revive()
    assert await client.settled(5)
    assert client.oldest is None
    await client.close()


async def test_it_can_be_closed_while_the_broker_is_away(broker: Broker) -> None:
    client = await opened(broker)
    await broker.stop()
    await until(lambda: not client.connected)
    await asyncio.wait_for(client.close(), 5)
    await broker.start()
    await asyncio.sleep(0.3)
    assert broker.connections == 1


async def test_one_timer_serves_all_clients_and_notices_a_broker_that_fell_silent(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt, "KEEPALIVE_S", 1)
    monkeypatch.setattr(mqtt, "BEAT_S", 0.05)
    clients = [await opened(broker, client_id=f"c-{number}") for number in range(3)]
    assert len({id(mqtt._Beat.of_this_loop()) for _ in clients}) == 1
    await until(lambda: broker.connections >= 6)  # none of the pings is answered
    for client in clients:
        await client.close()
