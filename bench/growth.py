"""What every process holds while a load goes on: memory, open files, connections; and whether any of it grows."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import psutil

SETTLED_SHARE = 0.2
"""Of the samples, left out at the begin: caches, pools and a Java heap fill first."""
FLAT_SHARE, FLAT_MB = 0.05, 10.0
"""What a process may hold more at the end than then, as a share or in MB, whichever is more; a leak of either kind shows in an hour."""
FLAT_FILES = 20
"""Files or connections more at the end."""


class Sample(NamedTuple):
    """Of one process with its children; memory that they share is counted once."""

    at_s: float
    rss_mb: float
    files: int
    connections: int


class Growth:
    """Looks at processes, by name, every so often until cancelled. One that died and came back is another one: its samples begin anew."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = dict(pids)
        self._samples: dict[str, list[Sample]] = {name: [] for name in pids}

    async def run(self, every_s: float) -> None:
        while True:
            self.look()
            await asyncio.sleep(every_s)

    def look(self) -> None:
        """One sample of each."""
        for name, pid in self._pids.items():
            if (sample := _sample(pid)) is not None:
                self._samples[name].append(sample)

    def figures(self) -> dict[str, Any]:
        """By process: what was held when it had settled and at the end, the steady slope between, and whether it is flat."""
        return {name: held(samples) for name, samples in sorted(self._samples.items()) if samples}


def held(samples: Sequence[Sample]) -> dict[str, Any]:
    """``flat``: neither memory nor files nor connections grew by more than is allowed since it had settled."""
    settled = samples[int(len(samples) * SETTLED_SHARE) :]
    first, last = settled[0], settled[-1]
    # Of three, so that one reading at a bad moment decides nothing.
    begin_mb, end_mb = _median([each.rss_mb for each in settled[:3]]), _median([each.rss_mb for each in settled[-3:]])
    grown_mb = end_mb - begin_mb
    return {
        "rss_mb": [round(begin_mb, 1), round(end_mb, 1)],
        "rss_mb_an_hour": round(_slope([(each.at_s, each.rss_mb) for each in settled]) * 3600, 2),
        "files": [first.files, last.files],
        "connections": [first.connections, last.connections],
        "flat": grown_mb <= max(FLAT_MB, FLAT_SHARE * begin_mb)
        and last.files - first.files <= FLAT_FILES
        and last.connections - first.connections <= FLAT_FILES,
    }


def _median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]


def _slope(points: Sequence[tuple[float, float]]) -> float:
    """Of the straight line through them, a second; 0 of fewer than three."""
    if len(points) < 3:
        return 0.0
    mean_x, mean_y = (sum(values) / len(points) for values in zip(*points, strict=True))
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0


def _sample(pid: int) -> Sample | None:
    try:
        first = psutil.Process(pid)
        processes = [first, *first.children(recursive=True)]
    except psutil.Error:
        return None
    rss = shared = files = connections = 0
    for process in processes:
        try:
            memory = process.memory_info()
            files += process.num_fds()
            connections += len(process.net_connections("inet"))
        except psutil.Error:
            continue
        rss += memory.rss - memory.shared
        shared = max(shared, memory.shared)
    return Sample(time.time(), (rss + shared) / 1e6, files, connections)
