"""One account's MQTT connection, as a device of an installer keeps it: paho-mqtt at QoS 1, on the asyncio loop, and back after every loss.

paho speaks the protocol, keeps what is not acknowledged and sends it again on the next connection, in order and marked DUP. It needs no
thread here: the loop tells it when its socket can be read or written, and one timer a second serves the keep-alives of all clients. Only
the opening, which blocks, borrows a thread of the pool.

What is published while there is no connection waits here and not in paho, which between CONNECT and CONNACK would send a new message
ahead of the older ones that it has to repeat.
"""

import asyncio
import contextlib
import ssl
from collections import deque
from collections.abc import Callable
from functools import lru_cache
from itertools import chain
from typing import Any, ClassVar, NamedTuple
from weakref import WeakKeyDictionary

import msgspec
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from contracts.errors import ShouwangError

KEEPALIVE_S = 30
OPEN_S = 15.0
"""Longest wait each for TCP, for TLS, and for the broker's answer to CONNECT, s."""
GOODBYE_S = 2.0
BACK_OFF_S = (0.1, 0.2, 0.5, 1.0, 2.0)
"""Pauses before the first, second … attempt to come back; the last one for ever."""
SETTLED_S = 2.0
"""A connection that was up for less counts as a failed attempt."""
BEAT_S = 1.0


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


class _Waiting(NamedTuple):
    topic: str
    payload: bytes
    retain: bool
    mark: Any


class _Beat:
    """The timer of all open clients of one loop: keep-alives, and the end of a connection whose broker has fallen silent."""

    _of: ClassVar["WeakKeyDictionary[asyncio.AbstractEventLoop, _Beat]"] = WeakKeyDictionary()

    def __init__(self) -> None:
        self.clients: set[paho.Client] = set()
        self._timer: asyncio.TimerHandle | None = None

    @classmethod
    def of_this_loop(cls) -> "_Beat":
        return cls._of.setdefault(asyncio.get_running_loop(), cls())

    def add(self, client: paho.Client) -> None:
        self.clients.add(client)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(BEAT_S, self._beat)

    def _beat(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(BEAT_S, self._beat) if self.clients else None
        for client in list(self.clients):
            client.loop_misc()


class Client:
    """One account's connection, kept up until ``close``. What is not acknowledged when it breaks is sent again after it is back.

    ``on_message(topic, payload)`` for what is subscribed to; ``on_acknowledged(mark)`` for each PUBACK, with the mark given to ``publish``.
    ``will``: topic and payload of the last will, retained. ``clean_session``: the broker forgets the account when it leaves; without it
    receipts that come while it is away wait for it. ``limit``: messages on their way to the broker at a time (below 65,535, the ids
    there are); more wait here.
    """

    def __init__(
        self,
        address: Address,
        user: str,
        password: str,
        *,
        client_id: str = "",
        clean_session: bool = False,
        subscriptions: tuple[str, ...] = (),
        will: tuple[str, bytes] | None = None,
        on_message: Callable[[str, bytes], None] | None = None,
        on_acknowledged: Callable[[Any], None] | None = None,
        limit: int = 2000,
    ) -> None:
        self.address, self.user = address, user
        self.connected = False
        self.reconnects = -1
        self._subscriptions = [(topic, 1) for topic in subscriptions]
        self._on_message, self._on_acknowledged = on_message, on_acknowledged
        self._limit = limit
        self._waiting: deque[_Waiting] = deque()
        self._marks: dict[int, Any] = {}
        """Of what paho holds, by packet id."""
        self._fd = -1
        """paho's socket while the loop serves it."""
        self._answer: asyncio.Future[str] | None = None
        """The broker's to CONNECT: why it refuses, nothing where it does not."""
        self._lost, self._leaving = asyncio.Event(), asyncio.Event()
        self._room, self._empty = asyncio.Event(), asyncio.Event()
        self._room.set()
        self._empty.set()
        self._keeper: asyncio.Task[None] | None = None
        self._paho = self._make(client_id or f"sim-{user}", password, clean_session, will)

    def _make(self, client_id: str, password: str, clean_session: bool, will: tuple[str, bytes] | None) -> paho.Client:
        made = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=clean_session,
            protocol=MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
        )
        made.username_pw_set(self.user, password)
        if (context := self.address.tls()) is not None:
            made.tls_set_context(context)
        if will is not None:
            made.will_set(*will, qos=1, retain=True)
        # paho's own limits search all that it holds at each PUBACK; ours has bounded it already.
        made.max_inflight_messages_set(0)
        made.max_queued_messages_set(0)
        made.connect_timeout = OPEN_S
        made.on_connect, made.on_disconnect = self._greeted, self._disconnected
        made.on_publish, made.on_message = self._acknowledged, self._received
        made.on_socket_close = self._socket_closes
        made.on_socket_register_write, made.on_socket_unregister_write = self._wants_to_write, self._has_written
        made.connect_async(self.address.host, self.address.port, keepalive=KEEPALIVE_S)
        return made

    @property
    def unacknowledged(self) -> int:
        return len(self._marks) + len(self._waiting)

    @property
    def oldest(self) -> Any:
        """The mark of what has waited longest for its acknowledgement; None = nothing that has one waits, or ``drop`` keeps it back."""
        if self._leaving.is_set():
            return None
        marks = chain(self._marks.values(), (waiting.mark for waiting in self._waiting))
        return next((mark for mark in marks if mark is not None), None)

    async def open(self) -> None:
        """Connect for the first time. Raises BrokerAway, BrokerRefused; later losses are repaired in silence."""
        await self._dial()
        self._keeper = asyncio.create_task(self._keep())

    def publish(self, topic: str, payload: bytes, mark: Any = None, *, retain: bool = False) -> None:
        """Send at QoS 1, now or when the connection is back."""
        self._waiting.append(_Waiting(topic, payload, retain, mark))
        self._empty.clear()
        if self.unacknowledged >= self._limit:
            self._room.clear()
        self._hand_over()

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
        self._leaving.set()
        self._cut()

    async def revive(self) -> None:
        """Come back after ``drop``."""
        await self.close(say_goodbye=False)
        self._leaving.clear()
        self._keeper = asyncio.create_task(self._keep())

    async def close(self, say_goodbye: bool = True) -> None:
        """Disconnect; with a good-bye, so that no last will is spoken."""
        self._leaving.set()
        if say_goodbye and self.connected:
            self._paho.disconnect()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._lost.wait(), GOODBYE_S)
        self._cut()
        if self._keeper is not None:
            await self._keeper
            self._keeper = None

    async def _dial(self) -> None:
        loop = asyncio.get_running_loop()
        self._lost.clear()
        self._answer = loop.create_future()
        host, port = self.address.host, self.address.port
        try:
            await asyncio.to_thread(self._paho.reconnect)
            opened = self._paho.socket()
            assert opened is not None
            self._fd = opened.fileno()
            loop.add_reader(self._fd, self._readable)
            loop.add_writer(self._fd, self._paho.loop_write)  # CONNECT waits to be written
            _Beat.of_this_loop().add(self._paho)
            if self._leaving.is_set():
                self._cut()
            refusal = await asyncio.wait_for(self._answer, OPEN_S)
        except OSError as error:  # ssl.SSLError and TimeoutError are OSErrors too
            self._cut()
            raise BrokerAway(host=host, port=port, detail=str(error) or type(error).__name__) from error
        if refusal:
            raise BrokerRefused(account=self.user, detail=refusal)

    async def _keep(self) -> None:
        """Be connected until ``close`` or ``drop``."""
        loop, failures = asyncio.get_running_loop(), 0
        while not self._leaving.is_set():
            began_s = loop.time()
            with contextlib.suppress(BrokerAway, BrokerRefused):
                if not self.connected:
                    await self._dial()
                await self._lost.wait()
            failures = 0 if loop.time() - began_s > SETTLED_S else failures + 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._leaving.wait(), BACK_OFF_S[min(failures, len(BACK_OFF_S) - 1)])

    def _hand_over(self) -> None:
        """Give paho what waits, as far as it may hold more."""
        while self._waiting and self.connected and len(self._marks) < self._limit:
            first = self._waiting[0]
            told = self._paho.publish(first.topic, first.payload, qos=1, retain=first.retain)
            if told.rc == MQTTErrorCode.MQTT_ERR_QUEUE_SIZE:
                return  # the next packet id is still in use; tried again at the next acknowledgement
            self._waiting.popleft()
            self._marks[told.mid] = first.mark

    def _greeted(
        self, client: paho.Client, _data: Any, _flags: paho.ConnectFlags, code: ReasonCode, _properties: Any
    ) -> None:
        assert self._answer is not None
        if code.is_failure:
            if not self._answer.done():
                self._answer.set_result(str(code))
            return  # paho closes the connection itself
        if self._subscriptions:
            client.subscribe(self._subscriptions)
        asyncio.get_running_loop().call_soon(self._came_up)  # when paho has repeated what was not acknowledged

    def _came_up(self) -> None:
        if self._fd >= 0 and self._answer is not None and not self._answer.done():
            self.connected = True
            self.reconnects += 1
            self._answer.set_result("")
            self._hand_over()

    def _acknowledged(self, _client: paho.Client, _data: Any, mid: int, _code: Any, _properties: Any) -> None:
        mark = self._marks.pop(mid)
        if self._on_acknowledged is not None:
            self._on_acknowledged(mark)
        self._hand_over()
        if self.unacknowledged < self._limit:
            self._room.set()
        if not self.unacknowledged:
            self._empty.set()

    def _received(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        if self._on_message is not None:
            self._on_message(message.topic, bytes(message.payload))

    def _disconnected(self, *_: Any) -> None:
        self.connected = False
        self._lost.set()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError("the broker closed the connection"))

    def _readable(self) -> None:
        if self._fd < 0:
            return
        opened = self._paho.socket()
        self._paho.loop_read()
        if self._paho.socket() is opened and isinstance(opened, ssl.SSLSocket) and opened.pending():
            # TLS holds bytes that no readiness of the socket will tell of.
            asyncio.get_running_loop().call_soon(self._readable)

    def _wants_to_write(self, client: paho.Client, _data: Any, _socket: Any) -> None:
        if self._fd >= 0:  # else in the thread that opens
            asyncio.get_running_loop().add_writer(self._fd, client.loop_write)

    def _has_written(self, *_: Any) -> None:
        if self._fd >= 0:
            asyncio.get_running_loop().remove_writer(self._fd)

    def _socket_closes(self, *_: Any) -> None:
        if self._fd >= 0:
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._fd)
            loop.remove_writer(self._fd)
            self._fd = -1
            _Beat.of_this_loop().clients.discard(self._paho)

    def _cut(self) -> None:
        """Take the socket away from under paho, and have it notice."""
        opened = self._paho.socket() if self._fd >= 0 else None
        if opened is not None:
            self._socket_closes()
            opened.close()
            self._paho.loop_read()
