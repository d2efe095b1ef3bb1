"""A city on this machine: all its homes known, each device heard once a minute, every stage, service and the generator on the same cores.

``./shouwang bench city --rate 14000 --seconds 600``. The whole way as in ``bench.flow``, with the load of Cixi (278,900 people over 60, three
devices each): 100 gateway connections, SOS presses and gas leaks beside it. Packets are made once for a step and sort of message, only home
and packet id differ, so that the generator is not the limit.

Registered is what a city would have: homes, residents, devices, cards in the log. Nothing is taken away afterwards; the site is the bench's own.
"""

import asyncio
import secrets
import struct
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bench import flow
from bench.load import AREA_BENCH, Load, home_name
from bench.pipe import length
from deploy.site import LOOPBACK, Site
from deploy.steps import say, step
from simulators.neighbourhood import Device
from storage import accounts, people
from storage.database import Connection, connect
from storage.queries import fetch_one, query
from storage.records import Device as DeviceRecord
from storage.records import Home, Resident, User

HOMES = 278_900
"""People over 60 in Cixi (seventh census, as told in the project's brief); each in a home of their own, the worst case for the stream."""
RATE_PER_S = 14_000.0
"""Three devices a home, one message a minute each: 13,945 a second."""
SECONDS = 600.0
CONNECTIONS = 100
CALLS_PER_S = 1.0
"""SOS presses: a hundred times what a city of this size has, so that ten minutes give enough for a 99th percentile."""
LEAKS_PER_S = 0.2
MEET_SHARE = 0.4
"""Of the rate, while devices are heard for the first time: then each is a change of its home's coverage too."""
MEET_S = 1800.0
"""Longest wait until coverage has been worked out for all of them, s."""
STEP_S = 0.05
"""Ordinary messages leave in steps of this, s; seven or so for each connection."""
REGISTER = 5_000
"""Homes a transaction."""
_CARDS = query("bench_cards_waiting")
_COVERAGE = query("bench_coverage_waiting")
_TWICE = query("bench_twice")


class Sort(NamedTuple):
    """What one device says, in turns."""

    device: Device
    kind: str
    values: tuple[bytes, bytes]


WATCH = Sort(Device("watch", "wearable", "other"), "vitals", (b'"heart_rate_bpm":68,"spo2_pct":97,"steps":0,"duration_s":60', b'"heart_rate_bpm":71,"steps":14'))  # fmt: skip
PIR = Sort(Device("pir", "motion", "living"), "motion", (b'"moving":true', b'"moving":false'))
THIRD = (
    Sort(Device("plug", "plug", "living"), "power", (b'"on":true,"power_w":84.5', b'"on":true,"power_w":86.1')),
    Sort(Device("meter", "water_meter", "other"), "water", (b'"litres":0,"duration_s":60', b'"litres":1.4,"duration_s":60')),
    Sort(Device("air", "thermometer", "bedroom"), "air", (b'"temperature_c":21.5,"humidity_pct":56', b'"temperature_c":21.6,"humidity_pct":55')),
    Sort(Device("cupboard", "door", "kitchen"), "contact", (b'"open":true', b'"open":false')),
)  # fmt: skip
"""Every fourth home has the same third device."""
SOS, GAS, TRACKER = Device("sos", "pendant", "other"), Device("gas", "other", "kitchen"), Device("tracker", "other", "other")  # fmt: skip
EVERY = 50
"""One home in so many has a pendant and a gas sensor, which only the watched messages use; the sensor is supervised by the day."""


def sorts_of(number: int) -> tuple[Sort, Sort, Sort]:
    """The three devices of a home."""
    return WATCH, PIR, THIRD[number % len(THIRD)]


def devices_of(number: int) -> list[Device]:
    """All devices of a home."""
    found = [sort.device for sort in sorts_of(number)]
    return [*found, SOS, GAS, *([TRACKER] if not number else [])] if number % EVERY == 0 else found


class CityLoad(Load):
    """``pack``: readings a message; 1 is a message for each device, 3 a hub that sends all three at once. ``qos``: of the ordinary messages; at 0
    nobody acknowledges, so that what was written to the connection counts as acknowledged, and the broker may lose of it without a word."""

    step_s = STEP_S

    def __init__(self, run: str, homes: int, rate_per_s: float, pack: int, qos: int = 1) -> None:
        super().__init__(run, homes, rate_per_s, CALLS_PER_S, LEAKS_PER_S, flow.PROBES_PER_S)
        self._pack, self._qos = pack, qos
        self._place = 0
        self._names = [home_name(run, number).encode() for number in range(homes)]
        self._more = 0
        """Readings beyond the first of each message."""

    @property
    def readings_acknowledged(self) -> int:
        """All messages are acknowledged when this is asked."""
        return self.acknowledged + self._more

    async def meet(self) -> None:
        """Every device is heard for the first time, at a part of the rate: a city is connected in weeks, not within a minute."""
        full_per_s = self.rate_per_s
        self.rate_per_s = full_per_s * MEET_SHARE
        turn_s = self.homes * (1 if self._pack > 1 else 3) / self.rate_per_s
        await self._keep_the_rate(turn_s * 1.05, ())
        self.rate_per_s = full_per_s

    async def warm(self, seconds: float) -> None:
        """The rate, when all are known."""
        await self._keep_the_rate(seconds, ())

    def _send_ordinary(self, count: int) -> None:
        now_s = time.time()
        parts: dict[int, list[bytes]] = defaultdict(list)
        sorts: dict[tuple[int, int], tuple[bytes, bytes, bytes]] = {}
        turns = 1 if self._pack > 1 else 3
        pipes, names, homes = self._pipes, self._names, self.homes
        for place in range(self._place, self._place + max(0, count)):
            turn, number = divmod(place, homes)
            # The first home's order of devices is every home's; which value comes next alternates between homes and rounds.
            sort = (turn, number % 8)
            made = sorts.get(sort)
            if made is None:
                made = sorts[sort] = self._packet(turn // turns, turn % turns, number, now_s)
            connection = number % len(pipes)
            head, middle, payload = made
            parts[connection] += (
                head,
                names[number],
                middle,
                pipes[connection].next_id() if self._qos else b"",
                payload,
            )
        for connection, packets in parts.items():
            pipes[connection].send(b"".join(packets))
        self._place += max(0, count)
        self.sent += max(0, count)
        self._more += max(0, count) * (2 if self._pack > 1 else 0)
        if not self._qos:
            self.acknowledged += max(0, count)

    def _packet(self, round_: int, slot: int, number: int, now_s: float) -> tuple[bytes, bytes, bytes]:
        """What stands before the home's name, between it and the packet id, and behind that: PUBLISH."""
        which = (round_ + number // 4) % 2
        three = sorts_of(number)
        if self._pack > 1:
            account = b"hub"
            said = [self._reading(sort, which, now_s, 3 * round_ + place + 1, True) for place, sort in enumerate(three)]
            payload = b"[" + b",".join(said) + b"]"
        else:
            account = three[slot].device.device_id.encode()
            payload = self._reading(three[slot], which, now_s, round_ + 1, False)
        topic, rest = b"shouwang/v1/%b/" % AREA_BENCH.encode(), b".%b/telemetry" % account
        size = len(topic) + len(self._names[number]) + len(rest)
        head = (
            bytes([0x30 | self._qos << 1])
            + length(size + len(payload) + 2 + 2 * self._qos)
            + struct.pack(">H", size)
            + topic
        )
        return head, rest, payload

    def _reading(self, sort: Sort, which: int, now_s: float, seq: int, from_hub: bool) -> bytes:
        device = b'"device":"%b",' % sort.device.device_id.encode() if from_hub else b""
        head = b'{"kind":"%b",%b"t":%.3f,"sent":%.3f,' % (sort.kind.encode(), device, now_s, now_s)
        return b'%b"boot":%d,"seq":%d,%b}' % (head, self.boot, seq, sort.values[which])

    def _watched_home(self, count: int) -> int:
        return count * EVERY % self.homes


async def measure(
    site: Site, rate_per_s: float, seconds: float, homes: int, pack: int, qos: int, profiles: Path | None
) -> dict[str, Any]:
    """Run the city on a site whose stages run; the figures, those of ``bench.flow`` and ``homes readings_per_s doubled lag_s``."""
    run = f"c{secrets.token_hex(3)}"
    connection = await connect(site.conninfo(), "bench", lock_s=60, idle_s=600)
    try:
        gateway, desk = await _register(connection, site, run, homes)
        load = CityLoad(run, homes, rate_per_s, pack, qos)
        await load.connect(LOOPBACK, site.ports.mqtt, f"bench-{run}", gateway, CONNECTIONS)
        try:
            with step("bench", "every device is heard for the first time", long=True):
                await load.meet()
            with step("bench", "how well each home is watched is worked out", long=True):
                await _covered(connection)
            found = await flow.measure_load(site, connection, load, seconds, desk, profiles)
        finally:
            load.close()
        with step("bench", "look for rows that stand twice", long=True):
            twice = await fetch_one(connection, _TWICE, prefix=f"{run}-", boot=load.boot)
    finally:
        await connection.close()
    share = (3 if pack > 1 else 1) * found["rate_per_s"]
    return {"homes": homes, "readings_per_s": round(share, 1), "doubled": int(twice["twice"]) if twice else 0, **found}


async def _register(connection: Connection, site: Site, run: str, homes: int) -> tuple[str, str]:
    """Homes, residents, devices, a gateway account and a desk, and the cards in the log; passwords of gateway and desk."""
    with step("bench", f"register {homes:,} homes", long=True) as done:
        for first in range(0, homes, REGISTER):
            async with connection.transaction():
                await people.register(
                    connection, _records(run, range(first, min(homes, first + REGISTER))), actor="bench"
                )
            say("bench", f"{min(homes, first + REGISTER):,} homes")
        account = accounts.Account(f"bench-{run}", "gateway", AREA_BENCH)
        async with connection.transaction():
            passwords = await accounts.create(connection, [account])
            desk = await people.add_user(
                connection, User(f"desk-{run}", "operator", "load", area_prefix=AREA_BENCH), actor="bench"
            )
        await accounts.install(connection, site)
        done.note = f"{homes:,} homes"
    with step("bench", "their cards are in the log", long=True):
        async with asyncio.timeout(1800):
            while True:
                row = await fetch_one(connection, _CARDS, prefix=f"{run}-")
                if row is not None and row["waiting"] == 0:
                    return passwords[account.name], desk
                await asyncio.sleep(2.0)


async def _covered(connection: Connection) -> None:
    """Nobody's coverage waits. Raises TimeoutError."""
    async with asyncio.timeout(MEET_S):
        while True:
            row = await fetch_one(connection, _COVERAGE)
            if row is not None and row["waiting"] == 0:
                return
            await asyncio.sleep(1.0)


def _records(run: str, numbers: Sequence[int]) -> list[Home | Resident | DeviceRecord]:
    records: list[Home | Resident | DeviceRecord] = []
    for number in numbers:
        home_id = home_name(run, number)
        records += [Home(home_id, f"{AREA_BENCH}001", address="负载 load"), Resident(f"{home_id}-r1", home_id, "负载 load")]  # fmt: skip
        records += [DeviceRecord(home_id, each.device_id, each.role, each.room) for each in devices_of(number)]
    return records
