"""A load generator's MQTT connection: pre-encoded PUBLISH packets out, PUBACKs counted, and nothing else a device does.

Not paho, which the simulated devices use: at thousands of messages a second on the machine that is measured, paho's 40 µs a
message would be a good part of what is measured; this is about 15. Plain TCP, no subscriptions, no keep-alive. It does not come back: a
load whose connection breaks has no figures.
"""

import asyncio
import struct
from collections.abc import Callable

GATHER_S = 0.2
"""Acknowledgements are read in steps of this, s."""


def length(value: int) -> bytes:
    """MQTT's remaining length."""
    out = bytearray()
    while True:
        value, digit = value >> 7, value & 0x7F
        out.append(digit | 0x80 if value else digit)
        if not value:
            return bytes(out)


def _text(value: str) -> bytes:
    data = value.encode()
    return struct.pack(">H", len(data)) + data


def connect_packet(client_id: str, user: str, password: str) -> bytes:
    """CONNECT of MQTT 3.1.1: a clean session, no will, no keep-alive."""
    body = _text("MQTT") + b"\x04\xc2\x00\x00" + _text(client_id) + _text(user) + _text(password)
    return b"\x10" + length(len(body)) + body


def publish_packet(topic: bytes, payload: bytes, packet_id: int) -> bytes:
    """PUBLISH at QoS 1."""
    head = b"\x32" + length(len(topic) + len(payload) + 4) + struct.pack(">H", len(topic))
    return b"".join((head, topic, struct.pack(">H", packet_id), payload))


class Pipe(asyncio.Protocol):
    """One connection. ``on_acknowledged`` is told how many PUBACKs came; ``limit``: unacknowledged messages (fewer than the 65,535 ids)."""

    def __init__(self, on_acknowledged: Callable[[int], None], limit: int) -> None:
        self._on_acknowledged, self._limit = on_acknowledged, limit
        self._rest = b""
        self._last_id = 0
        self._unacknowledged = 0
        self._room, self._empty = asyncio.Event(), asyncio.Event()
        self._room.set()
        self._empty.set()
        self._transport: asyncio.Transport | None = None
        self._accepted: asyncio.Future[int] | None = None
        self._lost = False

    async def open(self, host: str, port: int, client_id: str, user: str, password: str) -> None:
        """Raises ConnectionError where the broker refuses, OSError where there is none."""
        loop = asyncio.get_running_loop()
        self._accepted = loop.create_future()
        self._transport, _ = await loop.create_connection(lambda: self, host, port)
        self._transport.write(connect_packet(client_id, user, password))
        if code := await asyncio.wait_for(self._accepted, 15):
            raise ConnectionError(f"the broker refuses account {user} with code {code}")

    def publish(self, topic: bytes, payload: bytes) -> None:
        """Send at QoS 1."""
        assert self._transport is not None
        self._last_id = self._last_id % 65_535 + 1
        self._unacknowledged += 1
        self._empty.clear()
        if self._unacknowledged >= self._limit:
            self._room.clear()
        self._transport.write(publish_packet(topic, payload, self._last_id))

    def next_id(self) -> bytes:
        """The packet id of a message that is about to be sent by ``send``, which counts it as unacknowledged."""
        self._last_id = self._last_id % 65_535 + 1
        self._unacknowledged += 1
        return self._last_id.to_bytes(2, "big")

    def send(self, packets: bytes) -> None:
        """Packets made elsewhere, many at once; the ids in them from ``next_id``."""
        assert self._transport is not None
        if self._unacknowledged:
            self._empty.clear()
        if self._unacknowledged >= self._limit:
            self._room.clear()
        self._transport.write(packets)

    async def room(self) -> None:
        """Wait until fewer than the limit are unacknowledged. Raises ConnectionError where the connection broke."""
        await self._room.wait()
        if self._lost:
            raise ConnectionError("the broker closed a connection of the load")

    async def settled(self, timeout_s: float) -> bool:
        """Wait until everything is acknowledged; False if that took too long or will never be."""
        try:
            await asyncio.wait_for(self._empty.wait(), timeout_s)
        except TimeoutError:
            return False
        return not self._lost

    def close(self) -> None:
        """Say good-bye."""
        if self._transport is not None:
            self._transport.write(b"\xe0\x00")
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        self._room.set()
        self._empty.set()
        if self._accepted is not None and not self._accepted.done():
            self._accepted.set_exception(ConnectionError("the broker closed the connection"))

    def data_received(self, data: bytes) -> None:
        """CONNACK and PUBACK, four bytes each; nothing else comes to who neither subscribes nor pings."""
        data = self._rest + data
        whole = len(data) - len(data) % 4
        self._rest = data[whole:]
        if self._accepted is not None and not self._accepted.done() and whole:
            self._accepted.set_result(data[3])
            data, whole = data[4:], whole - 4
        if whole:
            self._unacknowledged -= whole // 4
            self._on_acknowledged(whole // 4)
        if self._unacknowledged < self._limit:
            self._room.set()
        if not self._unacknowledged:
            self._empty.set()
        if self._transport is not None and not self._transport.is_closing():
            # The broker sends each acknowledgement by itself: woken by each, the load would pay for it what it pays for a message.
            self._transport.pause_reading()
            asyncio.get_running_loop().call_later(GATHER_S, self._read_on)

    def _read_on(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()
