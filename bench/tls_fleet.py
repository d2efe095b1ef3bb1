"""Devices as ``docs/device-makers.md`` asks for them, each on a TLS connection of its own, many in one process: certificate checked, own account, a session
that stays, a last will, a reading a minute, keep-alive, presses repeated until their receipt, and a scattered return when the broker was away.

Not asyncio, whose TLS holds a buffer of 256 KB for each connection; not paho, which wants 40 µs a packet. One thread, one epoll.
"""

import errno
import json
import select
import socket
import ssl
import struct
import time
from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import Literal, NamedTuple

from bench.load import AREA_BENCH
from bench.pipe import length, publish_packet
from contracts.names import topic_of

KEEPALIVE_S = 60
READING_S = 60.0
"""Each device says something this often; half-way between it asks whether the broker is there."""
SPREAD_S = 60.0
"""A device that lost its connection waits for so long at most, at random, before it tries again; with an urgent message it does not wait."""
AGAIN_S = 3.0
"""A press without receipt is said again after so long, s."""
URGENT_RETRY_S = 0.5
"""Between two attempts to connect with an urgent message, s; half as much to half as much again."""
GIVE_UP_S = 20.0
"""An attempt that has come to nothing by then is given up, s."""
PER_ADDRESS = 5_000
"""Connections from one source address, 127.0.1.1 and on: an address has some 28,000 ports for one listener, which others use too."""
AT_ONCE = 200
"""Attempts under way while all connect for the first time."""

State = Literal["away", "connecting", "shaking hands", "logging in", "up"]


class Credentials(NamedTuple):
    """Of one device."""

    home_id: str
    device_id: str
    password: str

    @property
    def account(self) -> str:
        return f"{self.home_id}.{self.device_id}"


class _Device:
    __slots__ = ("attempt", "inbox", "number", "outbox", "press", "seq", "sock", "state", "wants_write", "who")

    def __init__(self, number: int, who: Credentials) -> None:
        self.number, self.who = number, who
        self.state: State = "away"
        self.sock: socket.socket | None = None
        self.inbox, self.outbox = b"", b""
        self.wants_write = False
        self.attempt = self.seq = 0
        self.press: dict[str, object] | None = None


class Fleet:
    """``run`` moves it; everything else only says what is to be done."""

    def __init__(
        self, host: str, port: int, ca: str, devices: Sequence[Credentials], spread_s: float = SPREAD_S
    ) -> None:
        self._host, self._port, self._spread_s = host, port, spread_s
        self._context = ssl.create_default_context(cafile=ca)
        self._devices = [_Device(number, who) for number, who in enumerate(devices)]
        self._by_file: dict[int, _Device] = {}
        self._rng = Random("fleet")
        self._poll = select.epoll()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._boot = int(time.time())
        self.up = self.under_way = 0
        self.attempts = self.failed = self.lost = self.sent = self.acknowledged = 0
        self.pressed_wall_s: dict[str, float] = {}
        """By home."""
        self.receipt_wall_s: dict[str, float] = {}

    def connect(self) -> None:
        """All for the first time, AT_ONCE at a time."""
        waiting = iter(self._devices)

        def more() -> None:
            while self.under_way < AT_ONCE:
                device = next(waiting, None)
                if device is None:
                    return
                self._attempt(device)
            self._later(0.02, more)

        more()

    def press_at(self, after_s: float, number: int) -> None:
        """This device's button is pressed in so many seconds, connected or not."""
        self._later(after_s, lambda: self._press(self._devices[number]))

    def run(self, until: Callable[[], bool], limit_s: float) -> bool:
        """Until ``until``, which is asked 20 times a second; False if that took longer than ``limit_s``."""
        end_s = time.monotonic() + limit_s
        asked_s = 0.0
        while (now_s := time.monotonic()) < end_s:
            if now_s - asked_s > 0.05:
                if until():
                    return True
                asked_s = now_s
            while self._due and self._due[0][0] <= now_s:
                heappop(self._due)[2]()
            next_s = self._due[0][0] - now_s if self._due else 0.05
            for file, events in self._poll.poll(max(0.0, min(0.05, next_s)), 1000):
                if device := self._by_file.get(file):
                    self._ready(device, events)
        return False

    def close(self) -> None:
        for device in self._devices:
            if device.sock is not None:
                device.sock.close()
        self._poll.close()

    def _later(self, seconds: float, do: Callable[[], None]) -> None:
        heappush(self._due, (time.monotonic() + seconds, next(self._order), do))

    def _attempt(self, device: _Device) -> None:
        if device.state != "away":
            return
        self.attempts += 1
        device.attempt += 1
        this = device.attempt
        plain = socket.socket()
        plain.setblocking(False)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plain.setsockopt(socket.IPPROTO_IP, socket.IP_BIND_ADDRESS_NO_PORT, 1)
        plain.bind((f"127.0.1.{1 + device.number // PER_ADDRESS}", 0))
        device.state, device.inbox, device.outbox, device.wants_write = "connecting", b"", b"", True
        self.under_way += 1
        code = plain.connect_ex((self._host, self._port))
        device.sock = plain
        self._by_file[device.sock.fileno()] = device
        self._poll.register(device.sock.fileno(), select.EPOLLIN | select.EPOLLOUT)
        if code not in (0, errno.EINPROGRESS):
            self._away(device)
            return
        self._later(GIVE_UP_S, lambda: self._give_up(device, this))

    def _give_up(self, device: _Device, attempt: int) -> None:
        if device.attempt == attempt and device.state not in ("up", "away"):
            self._away(device)

    def _away(self, device: _Device) -> None:
        """The connection is gone, or did not come about: close, and come back in a while."""
        was_up = device.state == "up"
        if device.sock is not None:
            self._by_file.pop(device.sock.fileno(), None)
            self._poll.unregister(device.sock.fileno())
            device.sock.close()
            device.sock = None
        if was_up:
            self.up -= 1
            self.lost += 1
        else:
            self.under_way -= 1
            self.failed += 1
        device.state = "away"
        wait_s = self._rng.uniform(0.0, self._spread_s)
        if device.press is not None:
            wait_s = URGENT_RETRY_S * self._rng.uniform(0.5, 1.5)
        self._later(wait_s, lambda: self._attempt(device))

    def _ready(self, device: _Device, events: int) -> None:
        assert device.sock is not None
        try:
            if device.state == "connecting":
                if code := device.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                    raise OSError(code, "connect")
                # Not before: a socket that is still on its way cannot be wrapped without waiting for it. The file stays the same.
                device.sock = self._context.wrap_socket(
                    device.sock, do_handshake_on_connect=False, server_hostname=self._host
                )
                device.state = "shaking hands"
            if device.state == "shaking hands":
                assert isinstance(device.sock, ssl.SSLSocket)
                device.sock.do_handshake()
                device.state = "logging in"
                self._send(device, _connect_packet(device.who))
                return
            if events & select.EPOLLOUT and device.outbox:
                self._flush(device)
            if events & ~select.EPOLLOUT:
                self._read(device)
        except ssl.SSLWantReadError:
            self._want(device, bool(device.outbox))
        except ssl.SSLWantWriteError:
            self._want(device, True)
        except OSError:
            self._away(device)

    def _read(self, device: _Device) -> None:
        assert device.sock is not None
        while True:
            data = device.sock.recv(16_384)
            if not data:
                raise ConnectionError
            device.inbox += data
            while (packet := _first_packet(device.inbox)) is not None:
                head, body, size = packet
                device.inbox = device.inbox[size:]
                self._take(device, head, body)

    def _take(self, device: _Device, head: int, body: bytes) -> None:
        match head >> 4:
            case 2:
                if body[1]:
                    raise ConnectionError(f"refused with code {body[1]}")
                self._logged_in(device)
            case 3:
                size = int.from_bytes(body[:2], "big")
                at = 2 + size + (2 if head & 6 else 0)
                if head & 6:
                    self._send(device, b"\x40\x02" + body[at - 2 : at])
                self._receipt(device, body[at:])
            case 4:
                self.acknowledged += 1

    def _logged_in(self, device: _Device) -> None:
        device.state = "up"
        self.up += 1
        self.under_way -= 1
        topic = topic_of(AREA_BENCH, device.who.home_id, device.who.device_id, "receipt").encode()
        body = b"\x00\x01" + struct.pack(">H", len(topic)) + topic + b"\x01"
        self._send(device, b"\x82" + length(len(body)) + body)
        self._publish(device, "status", {"online": True}, retain=True)
        if device.press is not None:
            self._say_press(device)
        this = device.attempt
        self._later(self._rng.uniform(0.0, READING_S), lambda: self._reading(device, this))

    def _reading(self, device: _Device, attempt: int) -> None:
        """What this connection says once a minute, and the question half-way."""
        if device.attempt != attempt:
            return
        device.seq += 1
        said = {"kind": "status", "battery_pct": 90, "t": time.time(), "boot": self._boot, "seq": device.seq}
        self._speak(device, lambda: self._publish(device, "telemetry", said))
        self._later(READING_S / 2, lambda: self._ping(device, attempt))
        self._later(READING_S, lambda: self._reading(device, attempt))

    def _ping(self, device: _Device, attempt: int) -> None:
        if device.attempt == attempt:
            self._speak(device, lambda: self._send(device, b"\xc0\x00"))

    def _speak(self, device: _Device, say: Callable[[], None]) -> None:
        """What a timer does with a connection, if it is up."""
        if device.state != "up":
            return
        try:
            say()
        except OSError:
            self._away(device)

    def _press(self, device: _Device) -> None:
        now_s = time.time()
        device.seq += 1
        device.press = {"kind": "call", "action": "press", "t": round(now_s, 3), "boot": self._boot, "seq": device.seq}
        self.pressed_wall_s[device.who.home_id] = now_s
        self._attempt(device)
        self._press_again(device)

    def _press_again(self, device: _Device) -> None:
        if device.press is None:
            return
        self._speak(device, lambda: self._say_press(device))
        self._later(AGAIN_S, lambda: self._press_again(device))

    def _say_press(self, device: _Device) -> None:
        self._publish(device, "event", device.press or {})

    def _receipt(self, device: _Device, payload: bytes) -> None:
        said = json.loads(payload)
        if (
            device.press
            and said.get("seq") == device.press["seq"]
            and said.get("code") in ("ok", "duplicate", "invalid")
        ):
            device.press = None
            self.receipt_wall_s.setdefault(device.who.home_id, time.time())

    def _publish(self, device: _Device, channel: str, body: dict[str, object], *, retain: bool = False) -> None:
        topic = topic_of(AREA_BENCH, device.who.home_id, device.who.device_id, channel).encode()
        packet = publish_packet(
            topic, json.dumps({**body, "sent": round(time.time(), 3)}).encode(), self.sent % 65_535 + 1
        )
        self.sent += 1
        self._send(device, bytes([packet[0] | retain]) + packet[1:])

    def _send(self, device: _Device, data: bytes) -> None:
        """Raises OSError where the connection has gone."""
        device.outbox += data
        try:
            self._flush(device)
        except ssl.SSLWantWriteError:
            self._want(device, True)

    def _flush(self, device: _Device) -> None:
        assert device.sock is not None
        while device.outbox:
            device.outbox = device.outbox[device.sock.send(device.outbox) :]
        self._want(device, False)

    def _want(self, device: _Device, write: bool) -> None:
        if device.sock is not None and device.wants_write != write:
            device.wants_write = write
            self._poll.modify(device.sock.fileno(), select.EPOLLIN | (select.EPOLLOUT if write else 0))


def _connect_packet(who: Credentials) -> bytes:
    """CONNECT of MQTT 3.1.1: a session that stays, and a last will, retained."""
    will = topic_of(AREA_BENCH, who.home_id, who.device_id, "status")
    words = (who.account, will, '{"online": false}', who.account, who.password)
    body = b"\x00\x04MQTT\x04\xec" + struct.pack(">H", KEEPALIVE_S)
    body += b"".join(struct.pack(">H", len(word.encode())) + word.encode() for word in words)
    return b"\x10" + length(len(body)) + body


def _first_packet(data: bytes) -> tuple[int, bytes, int] | None:
    """Head, body and size of the first packet, if it is whole."""
    size = shift = 0
    for place, byte in enumerate(data[1:5], 1):
        size |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            end = place + 1 + size
            return (data[0], data[place + 1 : end], end) if len(data) >= end else None
    return None
