"""A load of messages at a given rate through gateway connections: homes, payloads, pace.

Payloads are templates that only time and number are written into, so that the generator costs little on the machine that it shares
with what it measures. Every home stays on one connection: its order is part of what is tested.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from random import Random
from typing import NamedTuple

from bench.pipe import Pipe
from contracts.names import topic_of
from simulators.neighbourhood import Device

AREA_BENCH = "330282998"
CONNECTIONS = 4
STEP_S = 0.01
"""Messages leave in steps of this, s."""

DEVICES = (
    Device("pir", "motion", "living"),
    Device("watch", "wearable", "other"),
    Device("plug", "plug", "living"),
    Device("cupboard", "door", "kitchen"),
    Device("meter", "water_meter", "other"),
    Device("air", "thermometer", "bedroom"),
    Device("gas", "gas", "kitchen"),
    Device("sos", "pendant", "other"),
    Device("tracker", "other", "other"),
)
"""Roles are supervised by the day, so that the end of the load is no news; but ``gas``, which ends with its home."""


class Kind(NamedTuple):
    """One sort of message. ``share``: of all ordinary messages, in parts of the sum."""

    device_id: str
    kind: str
    values: tuple[bytes, ...]
    share: float


MIX = (
    Kind(
        "watch",
        "vitals",
        (b'"heart_rate_bpm":68,"spo2_pct":97,"steps":0,"duration_s":60', b'"heart_rate_bpm":71,"steps":14'),
        40,
    ),
    Kind("pir", "motion", (b'"moving":true', b'"moving":false'), 25),
    Kind("plug", "power", (b'"on":true,"power_w":84.5', b'"on":true,"power_w":86.1'), 12),
    Kind("meter", "water", (b'"litres":0,"duration_s":60', b'"litres":1.4,"duration_s":60'), 8),
    Kind("air", "air", (b'"temperature_c":21.5,"humidity_pct":56', b'"temperature_c":21.6,"humidity_pct":55'), 7),
    Kind("cupboard", "contact", (b'"open":true', b'"open":false'), 4),
    Kind("sos", "status", (b'"battery_pct":88,"rssi_dbm":-71', b'"battery_pct":87,"rssi_dbm":-70'), 4),
)


def home_name(run: str, number: int) -> str:
    return f"{run}-{number:06d}"


class Sent(NamedTuple):
    """One message that is watched on its way."""

    at_wall_s: float
    seq: int


class Load:
    """Publishes for a while and remembers when the watched messages left.

    Watched: ``calls`` (SOS, urgent lane), ``leaks`` (the second of two gas readings above 20 % LEL, other lane), each once a home; and
    ``probes`` (positions of one tracker), for which the database is polled.
    """

    step_s = STEP_S

    def __init__(
        self, run: str, homes: int, rate_per_s: float, calls_per_s: float, leaks_per_s: float, probes_per_s: float
    ) -> None:
        self.run, self.homes, self.rate_per_s = run, homes, rate_per_s
        self._calls_per_s, self._leaks_per_s, self._probes_per_s = calls_per_s, leaks_per_s, probes_per_s
        self.boot = int(time.time())
        self.sent = 0
        self.acknowledged = 0
        self.calls: dict[str, Sent] = {}
        self.leaks: dict[str, Sent] = {}
        self.probes: dict[int, float] = {}
        self.began_s = self.ended_s = 0.0
        self._seq: dict[tuple[int, str], int] = {}
        self._pipes: list[Pipe] = []
        self._topics: dict[tuple[int, str, str], bytes] = {}
        self._rng = Random(run)
        self._ordinary = self._endless()

    @property
    def readings_acknowledged(self) -> int:
        """Rows that must come to stand in the database."""
        return self.acknowledged

    async def connect(
        self, host: str, port: int, user: str, password: str, connections: int = CONNECTIONS, first: int = 0
    ) -> None:
        """Open the gateway's connections; ``first``: number of the first, where another load of the same account has others."""
        for number in range(first, first + connections):
            pipe = Pipe(self._on_acknowledged, limit=20_000)
            await pipe.open(host, port, f"{user}-{number}", user, password)
            self._pipes.append(pipe)

    async def warm(self, seconds: float) -> None:
        """Say something of every home, evenly over a third of the time, then keep the rate: nothing new and nothing cold is left."""
        for number in range(self.homes):
            self._send(number, "pir", "motion", b'"moving":false')
            if number % max(1, self.homes // 50) == 0:
                await asyncio.sleep(seconds / 150)
        await self._keep_the_rate(seconds * 2 / 3, ())

    async def publish(self, seconds: float) -> None:
        """Keep the rate for so long; falls behind only where the broker does not take more (its back-pressure)."""
        watched = [
            (self._calls_per_s, self._call, [0]),
            (self._leaks_per_s, self._leak, [0]),
            (self._probes_per_s, self._probe, [0]),
        ]
        self.began_s = time.monotonic()
        await self._keep_the_rate(seconds, watched)
        self.ended_s = time.monotonic()
        for pipe in self._pipes:
            await pipe.settled(60)

    async def _keep_the_rate(
        self, seconds: float, watched: Sequence[tuple[float, Callable[[int], None], list[int]]]
    ) -> None:
        before, began_s = self.sent, time.monotonic()
        while (passed_s := time.monotonic() - began_s) < seconds:
            for per_s, publish, done in watched:
                while done[0] < per_s * passed_s:
                    publish(done[0])
                    done[0] += 1
            behind = int(self.rate_per_s * passed_s) - (self.sent - before)
            self._send_ordinary(min(behind, int(self.rate_per_s / 4) + 1))
            for pipe in self._pipes:
                await pipe.room()
            await asyncio.sleep(max(0.0, self.step_s - (time.monotonic() - began_s - passed_s)))

    def _send_ordinary(self, count: int) -> None:
        for number, kind in islice(self._ordinary, max(0, count)):
            self._send(number, kind.device_id, kind.kind, kind.values[self._rng.getrandbits(1)])

    def close(self) -> None:
        for pipe in self._pipes:
            pipe.close()

    def _endless(self) -> Iterator[tuple[int, Kind]]:
        kinds = self._rng.choices(MIX, [kind.share for kind in MIX], k=4999)  # prime to any number of homes
        place = 0
        while True:
            yield place % self.homes, kinds[place % len(kinds)]
            place += 1

    def _watched_home(self, count: int) -> int:
        """Home of the watched message of this number."""
        return count % self.homes

    def _call(self, count: int) -> None:
        number = self._watched_home(count)
        seq = self._send(number, "sos", "call", b'"action":"press"', "event")
        self.calls.setdefault(home_name(self.run, number), Sent(time.time(), seq))

    def _leak(self, count: int) -> None:
        """Two readings; two are what the detector asks for above 20 % LEL."""
        number = self._watched_home(count)
        if home_name(self.run, number) in self.leaks:
            return
        self._send(number, "gas", "air", b'"gas_lel_pct":26', ago_s=1.0)
        seq = self._send(number, "gas", "air", b'"gas_lel_pct":27')
        self.leaks[home_name(self.run, number)] = Sent(time.time(), seq)

    def _probe(self, count: int) -> None:
        seq = self._send(0, "tracker", "position", b'"lat_deg":30.17,"lon_deg":121.24')
        self.probes[seq] = time.time()

    def _send(
        self, number: int, device_id: str, kind: str, values: bytes, channel: str = "telemetry", ago_s: float = 0.0
    ) -> int:
        seq = self._seq[number, device_id] = self._seq.get((number, device_id), 0) + 1
        place = (number, device_id, channel)
        topic = self._topics.get(place)
        if topic is None:
            topic = self._topics[place] = topic_of(AREA_BENCH, home_name(self.run, number), device_id, channel).encode()
        now_s = time.time()
        payload = b'{"kind":"%b","t":%.3f,"sent":%.3f,"boot":%d,"seq":%d,%b}' % (
            kind.encode(),
            now_s - ago_s,
            now_s,
            self.boot,
            seq,
            values,
        )
        self._pipes[number % len(self._pipes)].publish(topic, payload)
        self.sent += 1
        return seq

    def _on_acknowledged(self, count: int) -> None:
        self.acknowledged += count
