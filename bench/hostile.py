"""Messages that nobody should send: valid ones of every kind and channel, spoilt in one of many ways, topics too. Pure; a seed gives the same ones."""

import base64
import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any, NamedTuple

from contracts.names import topic_of

T_S = 1_795_000_000.0
SEEDS: tuple[tuple[str, str], ...] = (
    ("telemetry", '{"kind":"vitals","heart_rate_bpm":68,"spo2_pct":97,"skin_temp_c":32.5,"steps":12,"duration_s":60}'),
    ("telemetry", '{"kind":"motion","moving":true,"cause":"pir","illuminance_lx":120}'),
    ("telemetry", '{"kind":"contact","open":true}'),
    ("telemetry", '{"kind":"presence","present":true,"posture":"lying","breathing_rate_bpm":14,"x_m":1.5,"y_m":-0.5}'),
    ("telemetry", '{"kind":"water","litres":4.5,"duration_s":60,"flow_l_min":4.5,"total_m3":812.25}'),
    ("telemetry", '{"kind":"power","on":true,"power_w":84.5,"energy_kwh":11.2}'),
    ("telemetry", '{"kind":"air","temperature_c":21.5,"humidity_pct":56,"co_ppm":3,"gas_lel_pct":0.4}'),
    ("telemetry", '{"kind":"holding","temperature_c":3.5,"mode":"cold","door_open":false}'),
    ("telemetry", '{"kind":"position","lat_deg":30.17,"lon_deg":121.24,"accuracy_m":8}'),
    ("telemetry", '[{"kind":"motion","moving":false},{"kind":"status","battery_pct":88,"device":"pir-2"}]'),
    ("status", '{"online":true,"battery_pct":80,"firmware":"1.4.2","rssi_dbm":-71}'),
    ("inertial", f'{{"rate_hz":50,"range_g":8,"channels":3,"samples":"{base64.b64encode(bytes(600)).decode()}"}}'),
    ("event", '{"kind":"call","action":"press","lat_deg":30.1,"lon_deg":121.2}'),
    ("event", '{"kind":"fall_alarm","alarm":true,"phase":"alarm","source":"radar"}'),
    ("event", '{"kind":"smoke_alarm","alarm":true}'),
    ("event", '{"kind":"gas_alarm","alarm":true}'),
    ("event", '{"kind":"co_alarm","alarm":true}'),
    ("event", '{"kind":"leak_alarm","alarm":false,"test":true}'),
    ("z2m/pir-1", '{"occupancy":true,"battery":91,"illuminance":40,"linkquality":120}'),
    ("z2m/door-1", '{"contact":false,"tamper":false,"battery_low":false}'),
    ("z2m/bridge/state", '{"state":"online"}'),
)
"""A valid message of every kind and channel. ``t``, ``sent``, ``boot`` and ``seq`` are put in, so that they can be spoilt too."""

ODD: tuple[Any, ...] = (
    None, True, False, -1, 0, 1, 2**31, 2**53 + 1, 2**63, 2**64, 10**400, -(2**63) - 1, 0.1, -0.0, 1e-320, 1e308, float("inf"), float("-inf"), float("nan"),
    "", " ", "NaN", "1", "true", "\x00", "\ud800", "ﷺ", "a" * 300, "x" * 70_000, "../../etc/passwd", "'; DROP TABLE cases; --", "<script>alert(1)</script>", "{{7*7}}", "%s%n%x",
    [], {}, [[]], [None], {"": None}, {"kind": "call"}, [1] * 5000,
)  # fmt: skip
"""Values that stand where others belong."""
_KEYS = (
    "kind",
    "t",
    "sent",
    "boot",
    "seq",
    "device",
    "resident",
    "KIND",
    "",
    "__class__",
    "constructor",
    "unknown",
    "\x00",
    "t ",
)
_PARTS = (
    "", " ", "..", ".", "-", "a b", "家", "\u202e", "%00", "x" * 64, "x" * 65, "x" * 5000, "home", "home.", ".dev", "a.b.c", "A.B", "$SYS", "clock", "receipt", "null",
)  # fmt: skip
"""Levels of a topic; ``+``, ``#`` and NUL are left out, for which the broker ends the connection itself."""
SPOILT_TOPICS = 0.15
"""Share of the messages whose topic is spoilt. Chosen."""


class Hostile(NamedTuple):
    """One message to publish."""

    topic: str
    payload: bytes


class Spoiler:
    """Draws messages under one area, of homes whose names begin with ``prefix``; nothing of them is anybody's alarm."""

    def __init__(self, seed: int, area: str, prefix: str, homes: int = 50) -> None:
        self._rng = Random(seed)
        self._area, self._prefix, self._homes = area, prefix, homes
        self._seq = 0

    def messages(self, count: int) -> Iterator[Hostile]:
        """So many."""
        for _ in range(count):
            channel, text = self._rng.choice(SEEDS)
            payload = self._rng.choice(_SPOILERS)(self._rng, self._numbered(text))
            yield Hostile(self._topic(channel), payload)

    def _numbered(self, text: str) -> str:
        self._seq += 1
        head = f'"t":{T_S + self._seq},"sent":{T_S + self._seq},"boot":7,"seq":{self._seq},'
        return text.replace("{", "{" + head, 1)

    def _topic(self, channel: str) -> str:
        rng = self._rng
        home = f"{self._prefix}{rng.randrange(self._homes)}"
        topic = topic_of(self._area, home, "dev", channel)
        if rng.random() >= SPOILT_TOPICS:
            return topic
        levels = topic.split("/")
        place = rng.randrange(3, len(levels))  # the area's account may publish under its area and nowhere else
        do = rng.randrange(4)
        if do == 0:
            levels[place] = rng.choice(_PARTS)
        elif do == 1:
            levels.insert(place, rng.choice(_PARTS))
        elif do == 2:
            del levels[place]
        else:
            levels += [rng.choice(_PARTS)] * rng.randrange(1, 40)
        return "/".join(levels)[:60_000]  # MQTT has room for 65,535 bytes


def _cut(rng: Random, text: str) -> bytes:
    data = text.encode()
    return data[: rng.randrange(len(data))]


def _bits(rng: Random, text: str) -> bytes:
    data = bytearray(text.encode())
    for _ in range(rng.choice((1, 1, 1, 2, 8))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(data)


def _bytes(rng: Random, text: str) -> bytes:
    data = bytearray(text.encode())
    place = rng.randrange(len(data))
    data[place:place] = rng.randbytes(rng.choice((1, 2, 4, 64)))
    return bytes(data)


def _noise(rng: Random, _text: str) -> bytes:
    return rng.randbytes(rng.choice((0, 1, 2, 16, 300, 4000)))


def _twice(rng: Random, text: str) -> bytes:
    data = text.encode()
    return data + rng.choice((b"", b",", b"\n", b" ")) + data


def _spliced(rng: Random, text: str) -> bytes:
    other = rng.choice(SEEDS)[1].encode()
    data = text.encode()
    return data[: rng.randrange(len(data))] + other[rng.randrange(len(other)) :]


def _changed(rng: Random, text: str) -> bytes:
    """One or more fields of one reading become something else, or new ones come."""
    found = json.loads(text)
    reading = rng.choice(found) if isinstance(found, list) else found
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        key = rng.choice((*reading, *_KEYS))
        if rng.random() < 0.15 and key in reading:
            del reading[key]
        else:
            reading[key] = rng.choice(ODD)
    return json.dumps(found).encode()


def _repeated_key(rng: Random, text: str) -> bytes:
    return text.replace(
        "{", '{{"{}":{},'.format(rng.choice(("kind", "t", "seq")), json.dumps(rng.choice(ODD))), 1
    ).encode()


def _nested(rng: Random, text: str) -> bytes:
    depth = rng.choice((5, 100, 1_000, 20_000))
    left, right = rng.choice((("[", "]"), ('{"a":', "}")))
    return (left * depth + text + right * (depth if rng.random() < 0.7 else 0)).encode()


def _listed(rng: Random, text: str) -> bytes:
    return ("[" + ",".join([text] * rng.choice((0, 2, 3, 50))) + "]").encode()


def _recoded(rng: Random, text: str) -> bytes:
    return text.encode(rng.choice(("utf-16", "utf-32", "utf-8-sig", "cp037")))


def _numbers(rng: Random, text: str) -> bytes:
    """A digit becomes another number."""
    places = [place for place, letter in enumerate(text) if letter.isdigit()]
    place = rng.choice(places)
    other = rng.choice(("e99", "E+400", "-", ".", "0x1F", "١", "1_0", "Infinity", "9" * 400, "00", "1e", "1.e5"))
    return (text[:place] + other + text[place + 1 :]).encode()


def _large(rng: Random, text: str) -> bytes:
    """Rarely, for it is half a megabyte."""
    if rng.random() < 0.98:
        return _cut(rng, text)
    return text.encode() + b" " * rng.choice((524_288 - len(text), 524_288, 700_000))


_SPOILERS: tuple[Callable[[Random, str], bytes], ...] = (
    _cut, _bits, _bits, _bytes, _noise, _twice, _spliced, _changed, _changed, _changed, _changed, _repeated_key, _nested, _listed, _recoded, _numbers, _large,
)  # fmt: skip
