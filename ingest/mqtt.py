"""One MQTT connection of the bridge, on the asyncio loop, that comes back for ever.

MQTT 3.1.1 with a persistent session (``clean_session=False``, stable client id): the broker keeps what comes while we are away. A message
is acknowledged by ``acknowledge`` alone, which drops what belongs to an older connection: message ids are used anew on each, so a late
PUBACK would acknowledge another message and lose it.

paho does the protocol. Two of its private methods are overridden, both pinned by tests: ``_create_socket``, to give it a socket that was
opened in a thread and reads ahead, and ``_packet_queue`` is called to send many PUBACKs as one packet.
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MessageType, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

log = logging.getLogger(__name__)

READ_AHEAD = 65_536
BURST = 64
"""Messages handled before other work of the loop gets its turn: about 2 ms, so that bulk cannot hold up urgent."""
OPEN_S = 5.0
"""Time for TCP, TLS and CONNACK together, s."""
BACK_OFF_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
OUT_LIMIT = 20_000
"""Own messages (receipts, markers) that may wait for the broker; a receipt beyond is dropped, its device asks again."""


class Endpoint(NamedTuple):
    """Where the broker is. ``ca``: path of the CA's PEM; None = plain (loopback only)."""

    host: str
    port: int
    ca: str | None
    user: str
    password: str
    keepalive_s: int


class _ReadAhead:
    """A socket that reads 64 KiB at once. paho asks for one byte, one byte and the rest: three system calls a message otherwise."""

    def __init__(self, opened: socket.socket) -> None:
        self._socket = opened
        self._buffer = b""
        self._at = 0
        self._abandoned = False

    def recv(self, size: int) -> bytes:
        if self._abandoned:
            return b""
        if self._at == len(self._buffer):
            self._buffer = self._socket.recv(READ_AHEAD)  # BlockingIOError and SSLWantReadError are for paho
            self._at = 0
        found = self._buffer[self._at : self._at + size]
        self._at += len(found)
        return found

    @property
    def has_more(self) -> bool:
        """Bytes wait that no readiness of the socket will tell of."""
        return self._at < len(self._buffer) or (isinstance(self._socket, ssl.SSLSocket) and self._socket.pending() > 0)

    def abandon(self) -> None:
        """Be at the end: the next read tells paho that the connection is lost."""
        self._buffer, self._at = b"", 0
        self._abandoned = True

    def send(self, data: bytes) -> int:
        return self._socket.send(data)

    def setblocking(self, flag: bool) -> None:
        self._socket.setblocking(flag)

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()


class _Paho(Client):
    """paho's client with a socket that is already open."""

    opened: _ReadAhead | None = None

    def _create_socket(self) -> Any:
        assert self.opened is not None
        return self.opened

    def puback(self, mids: Sequence[int]) -> None:
        packets = b"".join(b"\x40\x02" + mid.to_bytes(2, "big") for mid in mids)
        self._packet_queue(MessageType.PUBACK, packets, mids[-1], 1)


class Connection:
    """``on_message(connection, message)``, ``on_up(connection)`` once its subscriptions stand, ``on_down(connection)``: called on the loop.

    ``epoch`` is raised on each connect and on each loss.
    """

    def __init__(
        self,
        name: str,
        client_id: str,
        endpoint: Endpoint,
        filters: Sequence[str],
        on_message: Callable[["Connection", MQTTMessage], None],
        on_up: Callable[["Connection"], None],
        on_down: Callable[["Connection"], None],
    ) -> None:
        self.name = name
        self.epoch = 0
        self.is_up = False
        self._endpoint = endpoint
        self._filters = [(each, 1) for each in filters]
        self._on_message = on_message
        self._on_up = on_up
        self._on_down = on_down
        self._loop = asyncio.get_running_loop()
        self._lost = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._closing = False
        self._subscribed_once = False
        self._was_up = False
        self._refusal = ""
        self._opened: _ReadAhead | None = None
        self._client = self._make_client(client_id)

    def _make_client(self, client_id: str) -> _Paho:
        client = _Paho(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=False,
            protocol=MQTTProtocolVersion.MQTTv311,
            manual_ack=True,
        )
        client.username_pw_set(self._endpoint.user, self._endpoint.password)
        client.max_inflight_messages_set(0)
        client.max_queued_messages_set(OUT_LIMIT)
        client.on_connect = self._connected
        client.on_subscribe = self._subscribed
        client.on_disconnect = self._disconnected
        client.on_message = lambda _client, _data, message: self._on_message(self, message)
        client.on_socket_close = self._socket_closes
        client.on_socket_register_write = self._wants_to_write
        client.on_socket_unregister_write = self._has_written
        client.connect_async(self._endpoint.host, self._endpoint.port, keepalive=self._endpoint.keepalive_s)
        return client

    async def run(self) -> None:
        """Be connected until ``close``; come back with growing pauses, for ever."""
        failures = 0
        while not self._closing:
            await self._room.wait()
            self._refusal, self._was_up = "", False
            try:
                await self._open()
            except OSError as error:  # ssl.SSLError and TimeoutError are OSErrors too
                self._refusal = str(error)
            else:
                await self._while_open()
            if self._was_up:
                failures = 0
            elif not self._closing:
                failures += 1
                if failures == 1:
                    log.warning(
                        "%s: no connection to %s:%s: %s", self.name, *self._endpoint[:2], self._refusal or "no answer"
                    )
            if not self._closing:
                await asyncio.sleep(BACK_OFF_S[min(failures, len(BACK_OFF_S) - 1)])

    async def _open(self) -> None:
        self._client.opened = self._opened = await asyncio.to_thread(_open_socket, self._endpoint)
        self._lost.clear()
        self.epoch += 1
        self._client.reconnect()
        self._loop.add_reader(self._opened, self._readable)

    async def _while_open(self) -> None:
        limit = self._loop.time() + OPEN_S
        while not self._lost.is_set():
            try:
                await asyncio.wait_for(self._lost.wait(), 1.0)
            except TimeoutError:
                self._client.loop_misc()
                if not self._lost.is_set() and not self.is_up and self._loop.time() > limit:
                    self._drop()

    def _readable(self) -> None:
        """Handle what has come, at most BURST messages at a time."""
        opened = self._opened
        for _ in range(BURST):
            if (
                self._client.loop_read() != MQTTErrorCode.MQTT_ERR_SUCCESS
                or self._opened is not opened
                or opened is None
            ):
                return
            if not opened.has_more:
                return
        self._loop.call_soon(self._read_on, opened)

    def _read_on(self, opened: _ReadAhead | None) -> None:
        if opened is not None and self._opened is opened and self._room.is_set():
            self._readable()

    def _connected(self, client: Client, _data: Any, flags: ConnectFlags, code: ReasonCode, _properties: Any) -> None:
        if code.is_failure:  # paho closes the connection itself
            self._refusal = f"the broker refuses user {self._endpoint.user!r}: {code}"
        elif flags.session_present and self._subscribed_once:
            self._came_up()  # the session knows its subscriptions; asking again would bring every retained message again
        else:
            client.subscribe(self._filters)

    def _subscribed(self, _client: Client, _data: Any, _mid: int, codes: list[ReasonCode], _properties: Any) -> None:
        if any(code.is_failure for code in codes):
            self._refusal = f"the broker refuses a subscription of user {self._endpoint.user!r}"
            self._loop.call_soon(self._drop)  # not within a callback of paho's
        elif not self.is_up:
            self._subscribed_once = True
            self._came_up()

    def _came_up(self) -> None:
        self.is_up = self._was_up = True
        log.info("%s: connected", self.name)
        self._on_up(self)

    def _disconnected(
        self, _client: Client, _data: Any, _flags: DisconnectFlags, code: ReasonCode, _properties: Properties | None
    ) -> None:
        if self._lost.is_set():
            return
        self.epoch += 1
        was_up, self.is_up = self.is_up, False
        self._lost.set()
        if was_up:
            if not self._closing:
                log.warning("%s: connection lost: %s", self.name, code)
            self._on_down(self)

    def _drop(self) -> None:
        """Have paho find the connection lost."""
        if self._opened is not None:
            self._opened.abandon()
            self._client.loop_read()

    def _wants_to_write(self, client: Client, _data: Any, sock: Any) -> None:
        self._loop.add_writer(sock, client.loop_write)

    def _has_written(self, _client: Client, _data: Any, sock: Any) -> None:
        self._loop.remove_writer(sock)

    def _socket_closes(self, _client: Client, _data: Any, sock: Any) -> None:
        self._loop.remove_reader(sock)
        self._loop.remove_writer(sock)
        self._opened = None

    def acknowledge(self, epoch: int, mids: Sequence[int]) -> bool:
        """Send PUBACKs, unless the connection they belong to is gone. Returns whether they were sent."""
        if epoch != self.epoch or not mids:
            return False
        self._client.puback(mids)
        return True

    def publish(self, topic: str, payload: bytes) -> bool:
        """Publish at QoS 1; kept over a reconnect. False where too many wait already."""
        return self._client.publish(topic, payload, qos=1).rc != MQTTErrorCode.MQTT_ERR_QUEUE_SIZE

    def pause(self) -> None:
        """Stop reading: the broker keeps the rest. If it lasts longer than the keepalive the connection is given up until ``resume``."""
        if self._room.is_set():
            self._room.clear()
            if self._opened is not None:
                self._loop.remove_reader(self._opened)

    def resume(self) -> None:
        """Read on."""
        if not self._room.is_set():
            self._room.set()
            if self._opened is not None:
                self._loop.add_reader(self._opened, self._readable)
                self._loop.call_soon(self._read_on, self._opened)

    async def close(self, forget: bool = False) -> None:
        """Say good-bye; what was not acknowledged stays with the broker. ``forget``: leave no subscription behind (a replay's bridge)."""
        self._closing = True
        self._room.set()
        if self.is_up:
            if forget:
                self._client.unsubscribe([each for each, _ in self._filters])
            self._client.disconnect()
            try:
                await asyncio.wait_for(self._lost.wait(), 1.0)
            except TimeoutError:
                pass
        self._drop()


def _open_socket(endpoint: Endpoint) -> _ReadAhead:
    """Connect, in a thread because names and handshakes block."""
    opened = socket.create_connection((endpoint.host, endpoint.port), timeout=OPEN_S)
    try:
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if endpoint.ca is not None:
            opened = ssl.create_default_context(cafile=endpoint.ca).wrap_socket(opened, server_hostname=endpoint.host)
    except BaseException:
        opened.close()
        raise
    return _ReadAhead(opened)
