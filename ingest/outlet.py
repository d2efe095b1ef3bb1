"""The way of one lane's records into Kafka, over the disk where Kafka is away: a record is held by one of the two before ``bring`` returns.

Straight as long as Kafka holds a record within ``after_s``. When it does not, the producer is closed (idempotent batches never give up by themselves),
what it had not brought goes to the spool first, and all that follows stands behind it until the spool is empty again. Where the spool is full or its disk
fails, ``bring`` waits for whichever takes it: nothing more is acknowledged, the broker's window fills, and the broker sends no more.

Order is the caller's for what it has under way at once (``framing``: one record of a partition at a time), and the spool's for the rest.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, TypeVar

from ingest.kafka import KafkaLog
from ingest.spool import Place, Record, Spool
from ingest.state_file import Spooled

log = logging.getLogger(__name__)

AGAIN_S = 0.5
"""A spool that took nothing is tried again after this, s."""
DISK_AGAIN_S = 30.0
"""Where the disk took nothing at all, Kafka alone is waited for; so long, s, until the disk is tried again."""
BEFORE_US_S = 5.0
"""The urgent lane is emptied before bulk begins, unless that takes longer, s: then something else is wrong with it."""

Held = Literal["kafka", "disk"]
Trouble = Literal["", "full", "failing"]
T = TypeVar("T")


class Outlet:
    """``kafka``: where it all goes. ``spool``: None = wait for Kafka, however long."""

    def __init__(self, name: str, kafka: KafkaLog, spool: Spool | None, after_s: float) -> None:
        self._name = name
        self._kafka = kafka
        self.spool = spool
        self._after_s = after_s
        self._thread = ThreadPoolExecutor(1, f"spool-{name}")  # one: a spool has one caller at a time
        self._spooling = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._some = asyncio.Event()
        self._writing = asyncio.Lock()
        self._waiting: deque[tuple[Record, Callable[[], None], asyncio.Future[bool]]] = deque()
        """What the disk shall hold; the answer False means that the spool is empty and Kafka may be tried."""
        self._owed: dict[Place, Callable[[], None]] = {}
        self._flowing = False
        """Kafka has taken something out of the spool, and does so still."""
        self._discarding: asyncio.Task[None] | None = None
        self.trouble: Trouble = ""
        if spool is not None and spool.records:
            log.info("%s: %d records of an earlier bridge are on disk and go first", name, spool.records)
            self.begin()

    @property
    def takes(self) -> bool:
        """Whether the disk stands in for Kafka."""
        return self.spool is not None and self.spool.limit_bytes > 0

    def figures(self, now_s: float) -> Spooled:
        """What waits on disk at ``now_s`` (wall clock)."""
        spool = self.spool
        if spool is None:
            return Spooled(trouble=self.trouble)
        oldest_s = max(0.0, now_s - spool.oldest_at_s) if spool.oldest_at_s is not None and spool.records else 0.0
        return Spooled(
            bytes=spool.bytes, records=spool.records, oldest_s=oldest_s, trouble=self.trouble, damaged=spool.damaged
        )

    @property
    def is_spooling(self) -> bool:
        """Records go over the disk."""
        return self._spooling.is_set()

    def begin(self) -> None:
        """From now on records go over the disk, until it is empty and Kafka has all."""
        if self.spool is not None and not self._spooling.is_set():
            self._flowing = False
            self._spooling.set()
            self._empty.clear()

    async def bring(
        self,
        topic: str,
        value: bytes,
        *,
        partition: int | None = None,
        key: bytes | None = None,
        in_kafka: Callable[[], None] = lambda: None,
    ) -> Held:
        """Returns when Kafka or the disk holds the record; ``in_kafka`` is called when Kafka does, unless this process dies before."""
        while True:
            if not self._spooling.is_set() and await self._straight(topic, value, partition, key):
                in_kafka()
                return "kafka"
            if self.spool is not None and self._spooling.is_set():
                answer = asyncio.get_running_loop().create_future()
                self._waiting.append((Record(topic, partition, key, time.time(), value), in_kafka, answer))
                self._some.set()
                if await answer:
                    return "disk"

    async def _straight(self, topic: str, value: bytes, partition: int | None, key: bytes | None) -> bool:
        if self.spool is None or not self.takes:
            await self._kafka.append(topic, value, partition=partition, key=key)
            return True
        try:
            async with asyncio.timeout(DISK_AGAIN_S if self.trouble else self._after_s):
                await self._kafka.append(topic, value, partition=partition, key=key)
        except TimeoutError:
            if not self._spooling.is_set():
                if not self.trouble:
                    log.warning(
                        "%s: Kafka has not held a record for %.1f s; records go to %s",
                        self._name,
                        self._after_s,
                        self.spool.folder,
                    )
                self._discarding = asyncio.create_task(self._kafka.close())
                self.begin()
            return False
        self._say("")
        return True

    async def run(self, kafka_is_ready: asyncio.Event, before_us: Sequence["Outlet"] = ()) -> None:
        """Write to the disk, and bring to Kafka what is there, once ``kafka_is_ready`` and those before us are empty."""
        if self.spool is not None:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._write(self.spool))
                tasks.create_task(self._drain(self.spool, kafka_is_ready, before_us))

    # Behind

    async def _write(self, spool: Spool) -> None:
        while True:
            await self._some.wait()
            async with self._writing:
                all_held = await self._hold(spool)
            if not all_held:
                await asyncio.sleep(AGAIN_S)

    async def _hold(self, spool: Spool) -> bool:
        """Whether the disk took all that was waiting."""
        batch = [record for record, _, _ in self._waiting]
        try:
            places = await self._in_thread(spool.hold, batch)
        except OSError as error:
            self._say("failing", f"the disk of {spool.folder} fails: {error}")
            return False
        for place in places:
            _, in_kafka, answer = self._waiting.popleft()
            self._owed[place] = in_kafka
            if not answer.done():
                answer.set_result(True)
        if not self._waiting:
            self._some.clear()
        if len(places) == len(batch):
            self._say("")
        elif self.takes:
            self._say("full", f"the spool {spool.folder} is full ({spool.bytes:,} bytes wait in it)")
        return len(places) == len(batch)

    def _say(self, trouble: Trouble, detail: str = "") -> None:
        if trouble and trouble != self.trouble:
            log.error("%s: %s. Nothing more is acknowledged until Kafka or the disk takes it", self._name, detail)
        elif self.trouble and not trouble:
            log.info("%s: the spool takes records again", self._name)
        self.trouble = trouble

    # In front

    async def _drain(self, spool: Spool, kafka_is_ready: asyncio.Event, before_us: Sequence["Outlet"]) -> None:
        while True:
            await self._spooling.wait()
            await kafka_is_ready.wait()
            for other in before_us:
                try:
                    await asyncio.wait_for(other._empty.wait(), BEFORE_US_S)
                except TimeoutError:
                    pass  # both at the same time then
            began_s, brought = time.monotonic(), 0
            while self._spooling.is_set():
                brought += await self._bring_chunk(spool)
            if brought:
                log.info(
                "%s: Kafka holds all that was on disk: %d records, the last after %.1f s",
                self._name, brought, time.monotonic() - began_s,
            )  # fmt: skip

    async def _bring_chunk(self, spool: Spool) -> int:
        """How many records of the spool Kafka has now; with none the spool is empty, and the way is straight again."""
        async with self._writing:
            chunk = await self._in_thread(spool.next)
            if not chunk and self._waiting and await self._hold(spool):
                chunk = await self._in_thread(spool.next)
            if not chunk:
                self._end()
                return 0
            sending = asyncio.create_task(self._send(chunk))
            if self._flowing and len(chunk) == spool.records:
                # These are the last: what comes meanwhile waits for them and not for the disk, so that the spool does get empty.
                await asyncio.wait([sending], timeout=self._after_s)
        try:
            await sending
        finally:
            sending.cancel()
        self._flowing = True
        try:
            await self._in_thread(spool.done, chunk)
        except OSError as error:
            log.warning("%s: how far Kafka is cannot be written down: %s", self._name, error)
        return len(chunk)

    def _end(self) -> None:
        self._spooling.clear()
        self._empty.set()
        self._some.clear()
        self._owed.clear()  # nothing, unless a segment did not read
        waiting, self._waiting = self._waiting, deque()
        if not waiting:
            self._say("")
        for _, _, answer in waiting:
            if not answer.done():
                answer.set_result(False)

    async def _send(self, chunk: Sequence[tuple[Place, Record]]) -> None:
        """Records of one partition (one key) one after the other, those of different ones side by side."""
        rows: dict[tuple[str, int | None, bytes | None], list[tuple[Place, Record]]] = {}
        for place, record in chunk:
            rows.setdefault((record.topic, record.partition, record.key), []).append((place, record))
        async with asyncio.TaskGroup() as tasks:
            for row in rows.values():
                tasks.create_task(self._send_in_order(row))

    async def _send_in_order(self, row: Sequence[tuple[Place, Record]]) -> None:
        for place, record in row:
            await self._kafka.append(record.topic, record.value, partition=record.partition, key=record.key)
            if (in_kafka := self._owed.pop(place, None)) is not None:
                in_kafka()

    async def _in_thread(self, do: Callable[..., T], *words: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, do, *words)

    async def close(self) -> None:
        """Leave; what is on disk stays there for the next bridge."""
        if self.spool is not None:
            await self._in_thread(self.spool.close)
        self._thread.shutdown(wait=False)
        await self._kafka.close()
