"""Packets of MQTT 3.1.1 (OASIS standard, 2014), as bytes. Pure; what a device needs and no more."""

import struct

CONNACK, PUBLISH, PUBACK = 0x20, 0x30, 0x40
"""First byte of a packet, without its flags."""


def _length(value: int) -> bytes:
    out = bytearray()
    while True:
        value, digit = value >> 7, value & 0x7F
        out.append(digit | 0x80 if value else digit)
        if not value:
            return bytes(out)


def _text(value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return struct.pack(">H", len(data)) + data


def connect_packet(
    client_id: str,
    user: str,
    password: str,
    *,
    clean: bool = True,
    keepalive_s: int = 30,
    will: tuple[str, bytes] | None = None,
) -> bytes:
    """CONNECT; a last will is retained and of QoS 1."""
    flags = 0xC0 | (0x02 if clean else 0) | (0x2C if will else 0)
    body = _text("MQTT") + bytes([4, flags]) + struct.pack(">H", keepalive_s) + _text(client_id)
    if will:
        body += _text(will[0]) + _text(will[1])
    body += _text(user) + _text(password)
    return bytes([0x10]) + _length(len(body)) + body


def publish_packet(topic: bytes, payload: bytes, packet_id: int, *, retain: bool = False, dup: bool = False) -> bytes:
    """PUBLISH at QoS 1."""
    head = 0x32 | (0x01 if retain else 0) | (0x08 if dup else 0)
    return b"".join(
        (
            bytes([head]),
            _length(len(topic) + len(payload) + 4),
            struct.pack(">H", len(topic)),
            topic,
            struct.pack(">H", packet_id),
            payload,
        )
    )


def subscribe_packet(topic: str, packet_id: int) -> bytes:
    body = struct.pack(">H", packet_id) + _text(topic) + b"\x01"
    return b"\x82" + _length(len(body)) + body


class Splitter:
    """Cuts a byte stream into MQTT packets."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """``(first byte, body)`` of each packet that is now complete."""
        self._rest += data
        found: list[tuple[int, bytes]] = []
        rest, at = self._rest, 0
        while True:
            size, shift, head = 0, 0, at + 1
            while True:
                if head >= len(rest) or shift > 21:
                    del rest[:at]
                    return found
                size |= (rest[head] & 0x7F) << shift
                shift += 7
                head += 1
                if not rest[head - 1] & 0x80:
                    break
            if head + size > len(rest):
                del rest[:at]
                return found
            found.append((rest[at], bytes(rest[head : head + size])))
            at = head + size
