"""What a running demonstration shows: homes, messages, frames, lag, alerts. Gathered from the simulation, Kafka and the database."""

import asyncio
import time
from collections import Counter
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from aiokafka import AIOKafkaConsumer
from rich.table import Table

from contracts.detections import Family
from contracts.progress import Progress, decode
from contracts.topics import PROGRESS
from deploy.site import Site
from simulators.clock import ZONE, VirtualClock
from storage.database import connect
from storage.queries import fetch_all, fetch_one, query

_CASES = query("demo_cases")
_LATEST = query("demo_latest_case")

SOURCE = "demo"
STALE_S = 15.0
"""A worker that has said nothing for so long is not counted, s."""

FAMILIES: dict[Family, str] = {
    "sos": "求助 SOS",
    "fall": "跌倒 fall",
    "no_life": "久无动静 no sign of life",
    "smoke": "烟雾 smoke",
    "gas": "燃气 gas",
    "co": "一氧化碳 carbon monoxide",
    "stove": "炉灶无人 forgotten stove",
    "water": "用水不停 running water",
    "wandering": "夜间外出 wandering",
    "vitals": "体征 vitals",
    "food": "食品 food",
    "technical": "设备 device",
}


class Picture:
    """The latest figures; each part is refreshed by a task of its own, and shows what it last knew."""

    def __init__(self, clock: VirtualClock, homes: int) -> None:
        self.clock = clock
        self.homes = homes
        self.began_s = time.time()
        self.simulation: dict[str, Any] = {}
        self.workers: dict[tuple[str, str, int], Progress] = {}
        self.cases: Counter[int] = Counter()
        self.queued = 0
        self.latest = ""

    def figures(self) -> dict[str, Any]:
        """As one JSON object."""
        bulk = [entry for entry in self._fresh() if entry.lane == "bulk"]
        return {
            "homes": self.homes,
            "connections": self.simulation.get("connections", 0),
            "sent": self.simulation.get("sent", 0),
            "acknowledged": self.simulation.get("acknowledged", 0),
            "behind_s": self.simulation.get("late_s", 0.0),
            "frames": sum(entry.frames for entry in bulk),
            "rows": sum(entry.rows for entry in bulk),
            "lag": sum(entry.lag for entry in self._fresh()),
            "cases": sum(self.cases.values()),
            "queued": self.queued,
        }

    def _fresh(self) -> list[Progress]:
        return [entry for entry in self.workers.values() if time.time() - entry.at_wall_s < STALE_S]

    def virtual_time(self) -> str:
        """Local time of the simulated homes."""
        return f"{datetime.fromtimestamp(self.clock.at(time.time()), ZoneInfo(ZONE)):%m-%d %H:%M}"

    def line(self) -> str:
        """One plain line."""
        now = self.figures()
        priorities = " ".join(f"P{priority} {count}" for priority, count in sorted(self.cases.items()))
        return (
            f"{time.time() - self.began_s:5.0f} s  homes {now['homes']} at {self.virtual_time()}  messages {now['acknowledged']:,}"
            f"  frames {now['frames']:,}  lag {now['lag']}  alerts {now['cases']} {priorities}  {self.latest}".rstrip()
        )

    def table(self) -> Table:
        """The same for a terminal."""
        now = self.figures()
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_row(
            "住户 homes", f"{now['homes']}", f"{now['connections']} connections, their time {self.virtual_time()}"
        )
        behind = f"{now['behind_s']:.1f} s behind" if now["behind_s"] > 1 else "on time"
        table.add_row("消息 messages", f"{now['acknowledged']:,}", f"acknowledged of {now['sent']:,} sent, {behind}")
        table.add_row("帧 frames", f"{now['frames']:,}", f"{now['rows']:,} rows, lag {now['lag']}")
        priorities = "  ".join(f"P{priority} {count}" for priority, count in sorted(self.cases.items()))
        table.add_row("警情 alerts", f"{now['cases']}", f"{priorities}   {now['queued']} wait for a desk")
        table.add_row("最新 latest", "", self.latest)
        return table


async def watch_simulation(picture: Picture, lines: asyncio.StreamReader) -> None:
    """What ``simulators run --stats`` prints, once a second, until it ends."""
    while line := await lines.readline():
        try:
            picture.simulation = msgspec.json.decode(line)
        except msgspec.DecodeError:
            continue


async def watch_stream(picture: Picture, site: Site) -> None:
    """Progress of the stream's workers on the demonstration's source."""
    consumer = AIOKafkaConsumer(PROGRESS, bootstrap_servers=site.kafka, auto_offset_reset="latest")
    await consumer.start()
    try:
        async for record in consumer:
            entry = decode(record.value)
            if entry.source == SOURCE:
                picture.workers[(entry.group, entry.lane, entry.partition)] = entry
    finally:
        await consumer.stop()


async def watch_cases(picture: Picture, site: Site, every_s: float = 2.0) -> None:
    """Cases raised since the demonstration began."""
    since = datetime.fromtimestamp(picture.began_s, UTC)
    connection = await connect(site.conninfo(), "demo")
    try:
        while True:
            rows = await fetch_all(connection, _CASES, since=since)
            picture.cases = Counter({int(row["priority"]): int(row["raised"]) for row in rows})
            picture.queued = sum(int(row["queued"]) for row in rows)
            latest = await fetch_one(connection, _LATEST, since=since)
            if latest is not None:
                family = FAMILIES[latest["family"]]
                picture.latest = f"P{latest['priority']} {family}, {latest['address']}"
            await asyncio.sleep(every_s)
    finally:
        await connection.close()
