"""A worker that stands still ends itself, so that its supervisor starts it anew: frozen is worse than gone."""

import asyncio
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, NoReturn

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from storage.consumers import put_down

log = logging.getLogger(__name__)

LOOK_S = 15.0
EXIT_STALLED = 75
EXIT_BROKEN = 70


def end_process(reason: str, status: int = EXIT_STALLED) -> NoReturn:
    """End at once, without closing anything: what is not acknowledged is read again by a successor."""
    log.critical("ending this process: %s", reason)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(status)


async def or_end(work: Coroutine[Any, Any, None]) -> None:
    """A part of the worker that fails takes the process with it: half a worker looks healthy and is not."""
    try:
        await work
    except asyncio.CancelledError:
        raise
    except BaseException as error:
        log.exception("a part of the worker failed")
        end_process(repr(error), EXIT_BROKEN)


class Stalls:
    """Decides who stands still: pure, so that it can be tested without waiting."""

    def __init__(self, stall_s: float) -> None:
        self.stall_s = stall_s
        self._moved: dict[int, tuple[int, float]] = {}
        self._unsettled_since_s: float | None = None

    def broker_away(self) -> None:
        """The broker itself cannot be reached: nobody can get on, so nobody is blamed."""
        self._moved.clear()
        self._unsettled_since_s = None

    def look(self, now_s: float, positions: Mapping[int, int], ends: Mapping[int, int], settled: bool) -> str | None:
        """A reason to end, or None. ``positions``: next offset to apply; ``ends``: the log's; ``settled``: has partitions, does not rebalance."""
        if settled:
            self._unsettled_since_s = None
        elif self._unsettled_since_s is None:
            self._unsettled_since_s = now_s
        elif now_s - self._unsettled_since_s >= self.stall_s:
            return f"without partitions or rebalancing for {now_s - self._unsettled_since_s:.0f} s"
        for gone in self._moved.keys() - positions.keys():
            del self._moved[gone]
        for partition, position in positions.items():
            before = self._moved.get(partition)
            if before is None or before[0] != position or position >= ends.get(partition, 0):
                self._moved[partition] = (position, now_s)
            elif now_s - before[1] >= self.stall_s:
                return f"partition {partition} stands at {position} of {ends[partition]} for {now_s - before[1]:.0f} s"
        return None


async def watch_for_ever(
    kafka: str, topic: str, stall_s: float, positions: Callable[[], Mapping[int, int]], settled: Callable[[], bool]
) -> None:
    """Look every LOOK_S, with a connection of its own; ends the process when it stands still."""
    stalls = Stalls(stall_s)
    while True:
        await asyncio.sleep(min(LOOK_S, stall_s / 4))
        mine = dict(positions())
        try:
            ends = await asyncio.wait_for(_ends(kafka, topic, mine), timeout=LOOK_S)
        except (KafkaError, OSError, TimeoutError):
            stalls.broker_away()
            continue
        reason = stalls.look(time.monotonic(), mine, ends, settled())
        if reason is not None:
            end_process(reason)


async def _ends(kafka: str, topic: str, partitions: Mapping[int, int]) -> dict[int, int]:
    consumer: Any = AIOKafkaConsumer(bootstrap_servers=kafka, enable_auto_commit=False)
    try:
        await consumer.start()
        ends = await consumer.end_offsets([TopicPartition(topic, number) for number in partitions])
        return {place.partition: int(offset) for place, offset in ends.items()}
    finally:
        await put_down(consumer)


class Turning:
    """A thread that watches that the event loop turns; the loop itself calls ``beat``."""

    def __init__(self, stall_s: float) -> None:
        self._stall_s = stall_s
        self._beat_s = time.monotonic()

    async def beat_for_ever(self) -> None:
        """Run in the loop that is watched."""
        threading.Thread(target=self._watch, name="turning", daemon=True).start()
        while True:
            self._beat_s = time.monotonic()
            await asyncio.sleep(1.0)

    def _watch(self) -> None:
        looked_s = time.monotonic()
        while True:
            threading.Event().wait(1.0)
            now_s = time.monotonic()
            if now_s - looked_s > 5.0:
                self._beat_s = (
                    now_s  # the whole process was stopped (SIGSTOP), not the loop alone: it gets its time again
                )
            looked_s = now_s
            if now_s - self._beat_s > self._stall_s:
                end_process(f"the event loop has not turned for {now_s - self._beat_s:.0f} s")
