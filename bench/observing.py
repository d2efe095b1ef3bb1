"""What is looked at while a load runs: detections, cases on the stream of changes, rows in the database, and what each process costs."""

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import httpx
import psutil
from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts import detections
from contracts.topics import DETECTIONS, DETECTIONS_URGENT
from storage.database import Connection
from storage.queries import fetch_one, query

_PROBE = query("bench_newest_probe")
POLL_S = 0.05
"""The database is asked this often for the newest probe, s: the resolution of publish_to_stored."""


class Detections:
    """When each detection of the run's homes stood in Kafka (the broker's own time of the record, wall s)."""

    def __init__(self, kafka: str, run: str) -> None:
        self._run = run
        self._consumer = AIOKafkaConsumer(bootstrap_servers=kafka, auto_offset_reset="latest", enable_auto_commit=False)
        self.at_wall_s: dict[tuple[str, str], float] = {}
        """First one by (home, detector)."""
        self.copies = 0

    async def run(self, ready: asyncio.Event) -> None:
        """Read until cancelled."""
        await self._consumer.start()
        try:
            await self._consumer._client.force_metadata_update()
            places = [
                TopicPartition(topic, number)
                for topic in (DETECTIONS, DETECTIONS_URGENT)
                for number in sorted(self._consumer.partitions_for_topic(topic) or ())
            ]
            self._consumer.assign(places)
            await self._consumer.seek_to_end(*places)
            for place in places:
                await self._consumer.position(place)
            ready.set()
            async for record in self._consumer:
                found = detections.decode(record.value)
                if found.home_id.startswith(f"{self._run}-") and found.on:
                    key = (found.home_id, found.detector)
                    if key in self.at_wall_s:
                        self.copies += 1
                    else:
                        self.at_wall_s[key] = record.timestamp / 1000
        finally:
            await self._consumer.stop()


class Stream:
    """When each case of the run's homes came by on an operator's stream of changes."""

    def __init__(self, api: str, user_name: str, password: str, run: str) -> None:
        self._api, self._login, self._run = api, {"user_name": user_name, "password": password}, run
        self.at_wall_s: dict[tuple[str, str], float] = {}
        """First event by (home, family)."""
        self.ends = 0

    async def run(self, ready: asyncio.Event) -> None:
        """Read until cancelled; comes back when the stream is ended."""
        async with httpx.AsyncClient(base_url=self._api, timeout=httpx.Timeout(30, read=None)) as client:
            while True:
                answer = await client.post("/api/v1/session", json=self._login)
                answer.raise_for_status()
                headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
                async with client.stream("GET", "/api/v1/stream", headers=headers) as events:
                    events.raise_for_status()
                    name = ""
                    async for line in events.aiter_lines():
                        if line.startswith("event:"):
                            name = line[6:].strip()
                        elif line.startswith("data:"):
                            self._event(name, line[5:], ready)
                self.ends += 1
                await asyncio.sleep(0.2)

    def _event(self, name: str, data: str, ready: asyncio.Event) -> None:
        now_s = time.time()
        if name == "snapshot":
            ready.set()
            cases = json.loads(data)["cases"]
        elif name == "case":
            cases = [json.loads(data)["case"]]
        else:
            return
        for case in cases:
            if case["home_id"].startswith(f"{self._run}-"):
                self.at_wall_s.setdefault((case["home_id"], case["family"]), now_s)


async def watch_probes(connection: Connection, home_id: str, boot: int, seen: dict[int, float]) -> None:
    """Note in ``seen`` when each probe (by seq) was first visible to a reader of the database; until cancelled."""
    newest = 0
    while True:
        row = await fetch_one(connection, _PROBE, home_id=home_id, boot=boot)
        now_s = time.time()
        found = int(row["seq"]) if row and row["seq"] is not None else 0
        for seq in range(newest + 1, found + 1):
            seen[seq] = now_s
        newest = max(newest, found)
        await asyncio.sleep(POLL_S)


class Costs:
    """CPU time and memory of processes by stage. A stage is all processes of that name but for their number, with their children."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._trees: dict[str, list[psutil.Process]] = defaultdict(list)
        for name, pid in pids.items():
            process = psutil.Process(pid)
            self._trees[stage_of(name)] += [process, *process.children(recursive=True)]
        self._before = self.cpu_s()

    def cpu_s(self) -> dict[str, float]:
        """CPU seconds so far, user and system."""
        return {stage: sum(_cpu_s(process) for process in tree) for stage, tree in self._trees.items()}

    def used_s(self) -> dict[str, float]:
        """CPU seconds since the beginning."""
        return {stage: now - self._before[stage] for stage, now in self.cpu_s().items()}

    def rss_mb(self) -> dict[str, float]:
        """Resident memory, MB; what PostgreSQL's processes share is counted once."""
        found = {}
        for stage, tree in self._trees.items():
            infos = [info for process in tree if (info := _memory(process)) is not None]
            shared = max((info.shared for info in infos), default=0)
            found[stage] = round((sum(info.rss - info.shared for info in infos) + shared) / 1e6, 1)
        return found


def stage_of(process: str) -> str:
    """``stream-1`` is stream, ``stream-urgent-2`` is stream-urgent, ``ingest-main`` is ingest."""
    words = [word for word in process.split("-") if not word.isdigit()]
    return "-".join(word for word in words if word != "main")


def _cpu_s(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)


def _memory(process: psutil.Process) -> Any:
    try:
        return process.memory_info()
    except psutil.Error:
        return None
