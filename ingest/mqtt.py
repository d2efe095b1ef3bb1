"""One MQTT connection of the bridge, on the asyncio loop, that comes back for ever.

MQTT 3.1.1 with a persistent session (``clean_session=False``, stable client id): the broker keeps what comes while we are away. A message
is acknowledged by ``acknowledge`` alone, which drops what belongs to an older connection: message ids are used anew on each, so a late
PUBACK would acknowledge another message and lose it.

paho does the protocol, except for the two packets that come by the thousand: its socket reads ahead and takes PUBLISH packets out of
the stream before paho sees them (paho spends about 35 µs on each, mostly on objects nobody asks for), and PUBACKs are written many at
once. Two private names of paho are used for this, pinned by tests: ``_create_socket`` and ``_packet_queue``.
"""

import asyncio
import logging
import socket
import ssl
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags
from paho.mqtt.enums import CallbackAPIVersion, MessageType, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

log = logging.getLogger(__name__)

READ_AHEAD = 262_144
BURST = 128
"""Messages handled before other work of the loop gets its turn: about 2 ms, so that bulk cannot hold up urgent."""
OPEN_S = 5.0
"""Time for TCP, TLS and CONNACK together, s."""
SETTLED_S = 2.0
"""A connection that was up for less counts as a failure: another bridge with our client id may be taking it away again and again."""
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


Publish = tuple[bytes, bytes, int, int]
"""A message as it came: topic, payload, packet id (0 at QoS 0: nothing to acknowledge), flags. A tuple, because one is made for every message."""
RETAIN, DUP = 0x01, 0x08
"""Flags: kept by the broker; sent by it before."""


class Stream:
    """A socket for paho that keeps the PUBLISH packets for itself. ``fill`` reads, ``packets`` hands them out, paho's ``recv`` gets the rest."""

    def __init__(self, opened: socket.socket) -> None:
        self._socket = opened
        self._buffer = b""
        self._at = 0
        """What stands before this in the buffer was handed out."""
        self._for_paho = bytearray()
        self._ended = False

    def fill(self) -> bool:
        """Read what is there, at most READ_AHEAD. False where there was nothing more to read for now."""
        try:
            data = self._socket.recv(READ_AHEAD)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        except OSError:
            data = b""
        self._buffer, self._at = self._buffer[self._at :] + data, 0
        self._ended = self._ended or not data
        return True

    def packets(self, limit: int) -> Iterator[list[Publish] | None]:
        """Up to ``limit`` whole packets from what was read: messages that follow each other, or None where paho has something to read between them."""
        buffer, at = self._buffer, self._at
        messages: list[Publish] = []
        for _ in range(limit):
            found = _packet_at(buffer, at)
            if found is None:
                break
            head, (start, end) = buffer[at], found
            if head & 0xF0 == 0x30 and head & 0x06 <= 0x02:
                body = start + 2 + (buffer[start] << 8 | buffer[start + 1])
                topic = buffer[start + 2 : body]
                if head & 0x06:
                    messages.append((topic, buffer[body + 2 : end], buffer[body] << 8 | buffer[body + 1], head & 0x09))
                else:
                    messages.append((topic, buffer[body:end], 0, head & 0x09))
                at = end
                continue
            if messages:
                self._at = at  # handed out once, even if nobody asks for the next
                yield messages
                messages = []
            self._for_paho += buffer[at:end]
            self._at = at = end
            yield None
        self._at = at
        if messages:
            yield messages
        if self._ended and not self.has_packet:
            yield None

    @property
    def has_packet(self) -> bool:
        """A whole packet was read and not handed out; no readiness of the socket will tell of it."""
        return _packet_at(self._buffer, self._at) is not None

    @property
    def has_pending(self) -> bool:
        """TLS holds bytes that no readiness of the socket will tell of."""
        return isinstance(self._socket, ssl.SSLSocket) and self._socket.pending() > 0

    def recv(self, size: int) -> bytes:
        """For paho: what is no message; the end of the stream once all before it was handed out."""
        if self._for_paho:
            found = bytes(self._for_paho[:size])
            del self._for_paho[:size]
            return found
        if self._ended:
            return b""
        raise BlockingIOError

    def abandon(self) -> None:
        """Be at the end: the next ``recv`` tells paho that the connection is lost."""
        self._buffer, self._at = b"", 0
        self._for_paho.clear()
        self._ended = True

    def send(self, data: bytes) -> int:
        return self._socket.send(data)

    def setblocking(self, flag: bool) -> None:
        self._socket.setblocking(flag)

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()


def _packet_at(buffer: bytes, at: int) -> tuple[int, int] | None:
    """(start of the body, end) of the packet that begins at ``at``; None if it is not there whole."""
    length = shift = 0
    here = at + 1
    limit = len(buffer)
    while here < limit:
        byte = buffer[here]
        length |= (byte & 0x7F) << shift
        shift += 7
        here += 1
        if byte < 0x80 or shift > 21:  # a fifth length byte is against the protocol; paho will say so
            return (here, here + length) if here + length <= limit else None
    return None


_PUBACK = np.dtype([("head", ">u2"), ("mid", ">u2")])
"""One PUBACK: type and length, packet id."""


class _Paho(Client):
    """paho's client with a socket that is already open."""

    stream: Stream | None = None

    def _create_socket(self) -> Any:
        assert self.stream is not None
        return self.stream

    def puback(self, mids: Sequence[int]) -> None:
        packets = np.empty(len(mids), _PUBACK)
        packets["head"], packets["mid"] = 0x4002, mids
        self._packet_queue(MessageType.PUBACK, packets.tobytes(), mids[-1], 1)


_IN_HAND, _DONE = 1, 2


class Order:
    """Packet ids in the order in which their messages came: their PUBACKs go in that order too, as MQTT 3.1.1 asks for (4.6.0-2).

    Mosquitto looks for the message of each PUBACK from the oldest on: whoever acknowledges frame by frame has it walk past all those of other
    frames, thousands of them in a city.
    """

    def __init__(self) -> None:
        self._came: deque[int] = deque()
        self._state = bytearray(0x10000)
        """By packet id: not here, in hand, or done and waiting for its elders. Only what is in hand can be done: a second word about a message must
        not stand for the next one that bears its id."""

    def came(self, messages: Sequence[Publish]) -> None:
        """These came next."""
        state = self._state
        for _, _, mid, _ in messages:
            if mid and not state[mid]:
                state[mid] = _IN_HAND
                self._came.append(mid)

    def done(self, mids: Iterable[int]) -> list[int]:
        """These may be acknowledged: which are to be now, because none that came before them is left."""
        came, state = self._came, self._state
        for mid in mids:
            if state[mid] == _IN_HAND:
                state[mid] = _DONE
        ready: list[int] = []
        while came and state[came[0]] == _DONE:
            mid = came.popleft()
            state[mid] = 0
            ready.append(mid)
        return ready


class Connection:
    """``on_messages(connection, messages)``, ``on_up(connection)`` once its subscriptions stand, ``on_down(connection)``: called on the loop.

    ``on_stall(connection)``: the broker had stood still for ``stall_s``: nothing at all came although one of our messages waited for its
    acknowledgement. Called before what came first afterwards. (While a queue drains, or the broker waits for our acknowledgements, something comes.)

    ``gather_s``: pause between two reads, in which messages gather in the socket: read one by one, each costs a turn of the loop.

    ``epoch`` is raised on each connect and on each loss.
    """

    def __init__(
        self,
        name: str,
        client_id: str,
        endpoint: Endpoint,
        filters: Sequence[str],
        on_messages: Callable[["Connection", list[Publish]], None],
        on_up: Callable[["Connection"], None],
        on_down: Callable[["Connection"], None],
        on_stall: Callable[["Connection"], None] = lambda _connection: None,
        stall_s: float = 5.0,
        gather_s: float = 0.0,
    ) -> None:
        self.name = name
        self.epoch = 0
        self.is_up = False
        self._endpoint = endpoint
        self._filters = [(each, 1) for each in filters]
        self._on_messages = on_messages
        self._on_up = on_up
        self._on_down = on_down
        self._on_stall = on_stall
        self._stall_s = stall_s
        self._gather_s = gather_s
        self._asked: dict[int, float] = {}
        """Own messages that the broker has not acknowledged, oldest first: packet id, and when it was given to paho (loop's time)."""
        self._order = Order()
        self._heard_s = 0.0
        self._loop = asyncio.get_running_loop()
        self._lost = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._closing = False
        self._subscribed_once = False
        self._up_at_s = 0.0
        self._refusal = ""
        self._stream: Stream | None = None
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
        client.on_publish = self._answered
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
            self._refusal, self._up_at_s = "", 0.0
            try:
                await self._open()
            except OSError as error:  # ssl.SSLError and TimeoutError are OSErrors too
                self._refusal = str(error)
            else:
                await self._while_open()
            if self._up_at_s and self._loop.time() - self._up_at_s > SETTLED_S:
                failures = 0
            elif not self._closing:
                failures += 1
                if failures == 1 and not self._up_at_s:
                    log.warning(
                        "%s: no connection to %s:%s: %s", self.name, *self._endpoint[:2], self._refusal or "no answer"
                    )
            if not self._closing:
                await asyncio.sleep(BACK_OFF_S[min(failures, len(BACK_OFF_S) - 1)])

    async def _open(self) -> None:
        self._client.stream = self._stream = await asyncio.to_thread(_open_socket, self._endpoint)
        self._lost.clear()
        self.epoch += 1
        self._order = Order()
        self._client.reconnect()
        self._loop.add_reader(self._stream, self._readable)

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
        """The socket has something to read."""
        stream = self._stream
        if stream is None:
            return
        if not stream.has_packet:  # else not ahead of what is not handled yet
            if not stream.fill():
                return
            self._listen()
        if self._gather_s:
            self._loop.remove_reader(stream)
            self._loop.call_later(self._gather_s, self._read_on, stream)
        self._handle(stream)

    def _read_on(self, stream: Stream) -> None:
        if self._stream is stream and self._room.is_set():
            self._loop.add_reader(stream, self._readable)

    def _listen(self) -> None:
        """Something came, whatever it is."""
        now_s = self._loop.time()
        if self.is_up and self._asked:
            waited_s = now_s - max(self._heard_s, next(iter(self._asked.values())))
            if waited_s > self._stall_s:
                log.warning("%s: nothing came from the broker for %.1f s", self.name, waited_s)
                self._on_stall(self)
        self._heard_s = now_s

    def _answered(self, _client: Client, _data: Any, mid: int, _code: ReasonCode, _properties: Any) -> None:
        self._asked.pop(mid, None)

    def _handle(self, stream: Stream) -> None:
        """Handle what was read, at most BURST packets at a time; the rest when other work of the loop had its turn."""
        if self._stream is not stream or not self._room.is_set():
            return
        for messages in stream.packets(BURST):
            if messages is not None:
                self._order.came(messages)
                self._on_messages(self, messages)
            elif self._client.loop_read() != MQTTErrorCode.MQTT_ERR_SUCCESS:
                return  # lost; paho has told us
            if self._stream is not stream or not self._room.is_set():
                return
        if stream.has_packet:
            self._loop.call_soon(self._handle, stream)
        elif stream.has_pending:
            self._loop.call_soon(self._readable)

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
        self.is_up, self._up_at_s = True, self._loop.time()
        self._heard_s = self._up_at_s
        log.info("%s: connected", self.name)
        self._on_up(self)

    def _disconnected(
        self, _client: Client, _data: Any, _flags: DisconnectFlags, code: ReasonCode, _properties: Properties | None
    ) -> None:
        if self._lost.is_set():
            return
        self.epoch += 1
        self._asked.clear()
        was_up, self.is_up = self.is_up, False
        self._lost.set()
        if was_up:
            if not self._closing:
                log.warning("%s: connection lost: %s", self.name, code)
            self._on_down(self)

    def _drop(self) -> None:
        """Have paho find the connection lost."""
        if self._stream is not None:
            self._stream.abandon()
            self._client.loop_read()

    def _wants_to_write(self, client: Client, _data: Any, sock: Any) -> None:
        self._loop.add_writer(sock, client.loop_write)

    def _has_written(self, _client: Client, _data: Any, sock: Any) -> None:
        self._loop.remove_writer(sock)

    def _socket_closes(self, _client: Client, _data: Any, sock: Any) -> None:
        self._loop.remove_reader(sock)
        self._loop.remove_writer(sock)
        self._stream = None

    def acknowledge(self, epoch: int, mids: Sequence[int]) -> bool:
        """These may be acknowledged: send PUBACKs of all that nothing older waits before, unless their connection is gone. Returns whether it stands."""
        if epoch != self.epoch or not mids:
            return False
        if ready := self._order.done(mids):
            self._client.puback(ready)
        return True

    def publish(self, topic: str, payload: bytes) -> bool:
        """Publish at QoS 1; kept over a reconnect. False where too many wait already."""
        told = self._client.publish(topic, payload, qos=1)
        if told.rc == MQTTErrorCode.MQTT_ERR_QUEUE_SIZE:
            return False
        if self.is_up:
            self._asked[told.mid] = self._loop.time()
        return True

    def pause(self) -> None:
        """Stop reading: the broker keeps the rest. If it lasts longer than the keepalive the connection is given up until ``resume``."""
        if self._room.is_set():
            self._room.clear()
            if self._stream is not None:
                self._loop.remove_reader(self._stream)

    def resume(self) -> None:
        """Read on."""
        if not self._room.is_set():
            self._room.set()
            self._heard_s = self._loop.time()  # it was we who did not listen
            if self._stream is not None:
                self._loop.add_reader(self._stream, self._readable)
                self._loop.call_soon(self._handle, self._stream)

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


def _open_socket(endpoint: Endpoint) -> Stream:
    """Connect, in a thread because names and handshakes block."""
    opened = socket.create_connection((endpoint.host, endpoint.port), timeout=OPEN_S)
    try:
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if endpoint.ca is not None:
            opened = ssl.create_default_context(cafile=endpoint.ca).wrap_socket(opened, server_hostname=endpoint.host)
    except BaseException:
        opened.close()
        raise
    return Stream(opened)
