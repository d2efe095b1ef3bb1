"""What a message costs inside our bridge, without broker, Kafka or a clock that runs: ``python -m bench.bridge_alone``.

The real ``Bridge`` on an event loop whose time is played, so that a busy machine cannot change how many messages it reads at once or how many rows stand
in a frame. CPU itself is dearer where others use the same cores: compare runs that took turns. The broker is two socket pairs and a few lines, Kafka is a compression (the producer's)
and a pause. What the real ones add inside the bridge's process (waking up more often, aiokafka) is the difference to ``./shouwang bench bridge``.

The load is a city's: three devices a home, one message a minute each (``bench.city``).
"""

import argparse
import asyncio
import cProfile
import json
import pstats
import selectors
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any

import cramjam

from bench.city import sorts_of
from bench.load import AREA_BENCH, home_name
from bench.pipe import publish_packet
from contracts.clocks import WallClock
from contracts.collector import collect_rarely
from contracts.names import topic_of
from ingest import bridge as bridge_module
from ingest import mqtt, proofs
from ingest.settings import IngestSettings

RATE_PER_S = 12_000.0
SECONDS = 20.0
HOMES_ALONE = 20_000
WARM_S = 6.0
STEP_S = 0.005
"""The broker writes so often, s."""
KAFKA_S = 0.004
"""From a record to its acknowledgement, s."""


class PlayedSelector(selectors.DefaultSelector):
    """Never waits for a timer: the time until the next one passes at once."""

    at_s = 1_000.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0 if timeout is not None else 0.05)
        if not found and timeout:
            self.at_s += timeout
        return found


class PlayedLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._played = PlayedSelector()
        super().__init__(self._played)

    def time(self) -> float:
        return self._played.at_s


class Kafka:
    """Holds everything after ``KAFKA_S``; what came is counted."""

    records = 0
    size = 0

    def __init__(self, _servers: str, _name: str) -> None:
        pass

    async def append(
        self, _topic: str, value: bytes, *, partition: int | None = None, key: bytes | None = None
    ) -> None:
        Kafka.records += 1
        Kafka.size += len(cramjam.zstd.compress(value))
        await asyncio.sleep(KAFKA_S)

    async def partitions(self, _topic: str) -> int:
        return IngestSettings().partitions

    async def close(self) -> None:
        pass


class Broker:
    """The other end of one connection of the bridge."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        ours, self.theirs = socket.socketpair()
        for each in (ours, self.theirs):
            each.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
            each.setblocking(False)
        self._ours, self._loop = ours, loop
        self._id = 0
        self._buffer = b""
        self.acknowledged = 0
        self.subscribed = asyncio.Event()
        loop.add_reader(ours, self._read)

    def _read(self) -> None:
        began_s = time.process_time()
        data = self._buffer + self._ours.recv(1 << 20)
        at = 0
        while len(data) - at >= 2:
            head, length = data[at], data[at + 1]
            start = at + 2
            if length & 0x80:
                if len(data) < at + 3:
                    break
                length, start = (length & 0x7F) + (data[at + 2] << 7), at + 3
            if start + length > len(data):
                break
            self._answer(head >> 4, data[at:start], data[start : start + length])
            at = start + length
        self._buffer = data[at:]
        Spent.s += time.process_time() - began_s

    def _answer(self, kind: int, head: bytes, body: bytes) -> None:
        if kind == 4:
            self.acknowledged += 1
        elif kind == 1:
            self._ours.send(b"\x20\x02\x00\x00")
        elif kind == 8:
            self._ours.send(b"\x90" + bytes([4]) + body[:2] + b"\x01\x01")
            self.subscribed.set()
        elif kind == 3:
            size = body[0] << 8 | body[1]
            topic, packet_id, payload = body[2 : 2 + size], body[2 + size : 4 + size], body[4 + size :]
            self._ours.send(b"\x40\x02" + packet_id)
            self._ours.send(publish_packet(topic, payload, self.next_id()))
            self.acknowledged -= 1

    def next_id(self) -> int:
        self._id = self._id % 65_535 + 1
        return self._id

    def send(self, data: bytes) -> None:
        if self._ours.send(data) != len(data):
            raise BlockingIOError("the bridge does not read on")


class Spent:
    """CPU of the load and the stand-ins, s."""

    s = 0.0


class CityStream:
    """Messages of a city in turn."""

    def __init__(self, homes: int, now_s: Callable[[], float]) -> None:
        self._homes, self._now_s = homes, now_s
        self._names = [home_name("c", number) for number in range(homes)]
        self._place = 0
        self._heads = [[(f"{sort.device.device_id}", sort.kind, sort.values) for sort in sorts_of(n)] for n in range(8)]

    def packets(self, count: int, broker: Broker) -> bytes:
        made = []
        now_s = self._now_s()
        for place in range(self._place, self._place + count):
            turn, number = divmod(place, self._homes)
            device, kind, values = self._heads[number % 8][turn % 3]
            payload = b'{"kind":"%b","t":%.3f,"sent":%.3f,"boot":1796000000,"seq":%d,%b}' % (
                kind.encode(), now_s, now_s, turn // 3 + 1, values[number % 2],
            )  # fmt: skip
            topic = topic_of(AREA_BENCH, self._names[number], device, "telemetry").encode()
            made.append(publish_packet(topic, payload, broker.next_id()))
        self._place += count
        return b"".join(made)


def _stand_in(loop: asyncio.AbstractEventLoop, brokers: Sequence[Broker]) -> None:
    """Put the stand-ins where the bridge's modules find what they ask for."""
    streams = iter([mqtt.Stream(broker.theirs) for broker in brokers])

    async def nobody(*_: object) -> None:
        await asyncio.Event().wait()

    async def unknown(*_: object) -> None:
        return None

    found: dict[str, Any] = {"KafkaLog": Kafka, "steady_s": loop.time, "tell_taken": nobody, "last_stated_s": unknown}
    for name, value in found.items():
        setattr(bridge_module, name, value)
    setattr(proofs, "steady_s", loop.time)  # noqa: B010 - of a name that it only imports
    setattr(mqtt, "_open_socket", lambda _endpoint: next(streams))  # noqa: B010


async def run(rate_per_s: float, seconds: float, homes: int, profile: cProfile.Profile | None) -> dict[str, Any]:
    loop = asyncio.get_running_loop()
    began_wall_s = time.time() - loop.time()

    def wall() -> float:
        return began_wall_s + loop.time()

    brokers = [Broker(loop), Broker(loop)]
    _stand_in(loop, brokers)
    with tempfile.TemporaryDirectory() as data:
        stop = asyncio.Event()
        settings = IngestSettings(data=data, areas=(AREA_BENCH,), keepalive_s=600)  # of real seconds
        task = asyncio.create_task(
            bridge_module.Bridge(settings, WallClock(wall=wall, steady=loop.time), None).run(stop)
        )
        for broker in brokers:
            await broker.subscribed.wait()
        await asyncio.sleep(0.5)
        bulk = brokers[0]
        stream = CityStream(homes, wall)
        sent = 0
        began_s = loop.time()
        marks: dict[str, float] = {}
        while (passed_s := loop.time() - began_s) < WARM_S + seconds:
            if passed_s >= WARM_S and not marks:
                if profile is not None:
                    profile.enable()
                marks = {
                    "sent": sent,
                    "cpu": time.process_time(),
                    "spent": Spent.s,
                    "records": Kafka.records,
                    "size": Kafka.size,
                }
            now_s = time.process_time()
            count = int(rate_per_s * passed_s) - sent
            if count:
                bulk.send(stream.packets(count, bulk))
                sent += count
            Spent.s += time.process_time() - now_s
            await asyncio.sleep(STEP_S)
        if profile is not None:
            profile.disable()
        used_s = time.process_time() - marks["cpu"] - (Spent.s - marks["spent"])
        counted = sent - int(marks["sent"])
        found = {
            "cpu_us_per_message": round(used_s / counted * 1e6, 2),
            "load_us_per_message": round((Spent.s - marks["spent"]) / counted * 1e6, 2),
            "records_per_s": round((Kafka.records - marks["records"]) / seconds, 1),
            "bytes_per_message": round((Kafka.size - marks["size"]) / counted, 1),
        }
        await asyncio.sleep(3)
        found["sent"], found["acknowledged"] = sent, bulk.acknowledged
        stop.set()
        await task
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=RATE_PER_S)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--homes", type=int, default=HOMES_ALONE)
    parser.add_argument(
        "--profile", action="store_true", help="the dearest functions by cProfile (everything costs more under it)"
    )
    args = parser.parse_args()
    profile = cProfile.Profile(time.process_time) if args.profile else None
    collect_rarely()
    with asyncio.Runner(loop_factory=PlayedLoop) as runner:
        found = runner.run(run(args.rate, args.seconds, args.homes, profile))
    print(json.dumps(found))
    if profile is not None:
        pstats.Stats(profile).sort_stats("tottime").print_stats(45)
    return 0


if __name__ == "__main__":
    sys.exit(main())
