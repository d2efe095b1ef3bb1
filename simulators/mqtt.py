"""MQTT 3.1.1, as much of it as a device needs: publish at QoS 1, hear receipts, come back after a loss. One asyncio loop carries hundreds.

Not paho, because a neighbourhood is hundreds of connections and a load generator thousands of messages a second in one
process: paho costs a thread a connection and 35 µs a message, this about 10. And two implementations keep each other honest.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec

from contracts.errors import ShouwangError
from simulators.mqtt_packets import CONNACK, PUBACK, PUBLISH, Splitter, connect_packet, publish_packet, subscribe_packet

_REFUSALS = {
    1: "protocol version",
    2: "client id",
    3: "server unavailable",
    4: "user name or password",
    5: "not authorised",
}


class BrokerRefused(ShouwangError):
    """The MQTT broker refuses account {account}: {detail}. Check that the account exists there and that its password is this one."""


class BrokerAway(ShouwangError):
    """No MQTT broker answers at {host}:{port} ({detail}). Start the services with `./shouwang services up`."""


class Address(msgspec.Struct, frozen=True):
    """Where the broker listens; ``ca`` names the CA file of a TLS listener, None is a plain one."""

    host: str
    port: int
    ca: str | None = None

    def tls(self) -> ssl.SSLContext | None:
        return None if self.ca is None else _trust(self.ca)


@lru_cache(maxsize=8)
def _trust(ca: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca)


class Client(asyncio.Protocol):
    """One account's connection, kept up until ``close``. What is not acknowledged when it breaks is sent again (DUP) after it is back.

    ``on_message(topic, payload)`` for what is subscribed to; ``on_acknowledged(mark)`` for each PUBACK, with the mark given to ``publish``.
    """

    def __init__(
        self,
        address: Address,
        user: str,
        password: str,
        *,
        client_id: str = "",
        subscriptions: tuple[str, ...] = (),
        will: tuple[str, bytes] | None = None,
        on_message: Callable[[str, bytes], None] | None = None,
        on_acknowledged: Callable[[Any], None] | None = None,
        limit: int = 2000,
    ) -> None:
        self.address, self.user = address, user
        self.connected = False
        self.reconnects = -1
        self._connect = connect_packet(client_id or f"sim-{user}", user, password, will=will)
        self._subscriptions = subscriptions
        self._on_message, self._on_acknowledged = on_message, on_acknowledged
        self._limit = limit
        self._pending: dict[int, tuple[bytes, bytes, bool, Any]] = {}
        self._next_id = 0
        self._splitter = Splitter()
        self._transport: asyncio.Transport | None = None
        self._lost: asyncio.Future[None] | None = None
        self._accepted: asyncio.Future[int] | None = None
        self._room = asyncio.Event()
        self._room.set()
        self._empty = asyncio.Event()
        self._empty.set()
        self._closing = False
        self._keeper: asyncio.Task[None] | None = None

    @property
    def unacknowledged(self) -> int:
        return len(self._pending)

    async def open(self) -> None:
        """Connect for the first time. Raises BrokerAway, BrokerRefused; later losses are repaired in silence."""
        await self._dial()
        self._keeper = asyncio.create_task(self._keep())

    def publish(self, topic: bytes, payload: bytes, mark: Any = None, *, retain: bool = False) -> None:
        """Send at QoS 1, now or when the connection is back."""
        packet_id = self._free_id()
        self._pending[packet_id] = (topic, payload, retain, mark)
        self._empty.clear()
        if len(self._pending) >= self._limit:
            self._room.clear()
        if self.connected and self._transport is not None:
            self._transport.write(publish_packet(topic, payload, packet_id, retain=retain))

    async def room(self) -> None:
        """Wait until fewer than the limit are unacknowledged: the broker's back-pressure."""
        await self._room.wait()

    async def settled(self, timeout_s: float) -> bool:
        """Wait until everything is acknowledged; False if that took too long."""
        try:
            await asyncio.wait_for(self._empty.wait(), timeout_s)
        except TimeoutError:
            return False
        return True

    def drop(self) -> None:
        """Cut the connection without a word, as a power cut does; the broker speaks the last will. Comes back only by ``revive``."""
        self._closing = True
        if self._transport is not None:
            self._transport.abort()

    async def revive(self) -> None:
        """Come back after ``drop``."""
        await self.close(say_goodbye=False)
        self._closing = False
        self._keeper = asyncio.create_task(self._keep())

    async def close(self, say_goodbye: bool = True) -> None:
        """Disconnect; with a good-bye, so that no last will is spoken."""
        self._closing = True
        if self._transport is not None:
            if say_goodbye and self.connected:
                self._transport.write(b"\xe0\x00")
            self._transport.close()
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
            self._keeper = None

    def _free_id(self) -> int:
        while True:
            self._next_id = self._next_id % 65_535 + 1
            if self._next_id not in self._pending:
                return self._next_id

    async def _dial(self) -> None:
        loop = asyncio.get_running_loop()
        self._splitter = Splitter()
        self._lost, self._accepted = loop.create_future(), loop.create_future()
        host, port = self.address.host, self.address.port
        try:
            await asyncio.wait_for(loop.create_connection(lambda: self, host, port, ssl=self.address.tls()), 15)
            code = await asyncio.wait_for(self._accepted, 15)
        except (OSError, TimeoutError) as error:
            raise BrokerAway(host=host, port=port, detail=str(error) or type(error).__name__) from error
        if code:
            raise BrokerRefused(account=self.user, detail=_REFUSALS.get(code, f"code {code}"))
        assert self._transport is not None
        self.reconnects += 1
        for number, topic in enumerate(self._subscriptions):
            self._transport.write(subscribe_packet(topic, 65_535 - number))
        self.connected = True
        for packet_id, (topic_, payload, retain, _) in list(self._pending.items()):
            self._transport.write(publish_packet(topic_, payload, packet_id, retain=retain, dup=True))

    async def _keep(self) -> None:
        while not self._closing:
            try:
                if not self.connected:
                    await self._dial()
                assert self._lost is not None
                assert self._transport is not None
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(asyncio.shield(self._lost), 12)
                if self.connected:
                    self._transport.write(b"\xc0\x00")
            except (BrokerAway, BrokerRefused):
                await asyncio.sleep(0.5)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._connect)

    def connection_lost(self, exc: Exception | None) -> None:
        self.connected = False
        if self._accepted is not None and not self._accepted.done():
            self._accepted.set_exception(ConnectionError("the broker closed the connection"))
        if self._lost is not None and not self._lost.done():
            self._lost.set_result(None)

    def data_received(self, data: bytes) -> None:
        for head, body in self._splitter.feed(data):
            kind = head & 0xF0
            if kind == PUBACK:
                entry = self._pending.pop(body[0] << 8 | body[1], None)
                if entry is not None and self._on_acknowledged is not None:
                    self._on_acknowledged(entry[3])
                if len(self._pending) < self._limit:
                    self._room.set()
                if not self._pending:
                    self._empty.set()
            elif kind == PUBLISH:
                self._received(head, body)
            elif kind == CONNACK and self._accepted is not None and not self._accepted.done():
                self._accepted.set_result(body[1])

    def _received(self, head: int, body: bytes) -> None:
        size = body[0] << 8 | body[1]
        topic, payload = body[2 : 2 + size].decode(), body[2 + size :]
        if head & 0x06:
            if self._transport is not None:
                self._transport.write(b"\x40\x02" + payload[:2])
            payload = payload[2:]
        if self._on_message is not None:
            self._on_message(topic, payload)
