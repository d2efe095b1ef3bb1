"""The bridge: messages in, frames out, PUBACKs back.

Guarantee: a message is acknowledged only when Kafka, or the disk while Kafka is away (``outlet``), holds every frame and dead letter that it gave (an
urgent one: in both topics), so whatever dies, the broker sends it again or the next bridge finds it on disk, and its readers drop the repeat by its
identity. The receipt of an urgent message goes out as soon as ``events.v1`` holds it, never before: that is what its device waits for.
"""

import asyncio
import logging
import os
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import NamedTuple

from contracts import dead_letters
from contracts.clocks import WallClock, steady_s
from contracts.names import MARKER_ROOT, TOPIC_ROOT, Topic
from contracts.topics import DEAD_LETTERS, LANE_TOPIC
from ingest import state_file
from ingest.clocks import Clock, RecordedClock
from ingest.deliveries import Deliveries, Delivery, Group
from ingest.errors import OtherPartitions, SpoolUnusable
from ingest.event_time import EventTimes
from ingest.figures import Figures
from ingest.framing import Framing, Outgoing, stretch
from ingest.gate import read_topic
from ingest.intake import LANES, Intake, Lane, Row
from ingest.kafka import KafkaLog
from ingest.last_word import last_stated_s
from ingest.mqtt import DUP, RETAIN, Connection, Endpoint, Publish
from ingest.outlet import Outlet
from ingest.proofs import Proofs, marker_topic
from ingest.receipts import Receipts
from ingest.refusals import Refusal
from ingest.settings import IngestSettings
from ingest.spool import Spool, is_left
from ingest.state_file import BridgeState, Spooled, State
from ingest.taken import tell_taken
from ingest.usual import CHANNEL, Usual

log = logging.getLogger(__name__)

DRAIN_S = 2.5
"""How long a graceful stop waits for Kafka."""
KAFKA_AWAY_S = 2.0
"""A frame that neither Kafka nor the disk has held for this long means that Kafka is away and nothing stands in for it."""
START_S = 5.0
"""A bridge that starts waits so long for Kafka, s; then it begins without, on disk."""
URGENT_SHARE = 8
"""One part in so many of the spool's room is the urgent lane's own: a flood of telemetry cannot fill it."""
BULK_GATHER_S = 0.02
"""Pause between two reads of bulk, s; frames wait for longer anyway."""
PARTS = 4
"""In so many parts the partitions have their turn within ``flush_s``."""


class Owed(NamedTuple):
    """A receipt to send when the frame that holds this row is held."""

    topic: Topic
    row: Row


Claim = Delivery | Group | Owed


class Bridge:
    """One source. ``before``: the last word of its former bridge."""

    def __init__(self, settings: IngestSettings, clock: Clock, before: BridgeState | None) -> None:
        self._settings = settings
        self._clock = clock
        self._recorded = clock if isinstance(clock, RecordedClock) else None
        self._held_before_s = before.held_until_s if before is not None and before.clock == clock.name else None
        self._spooled_before = before is not None and any(lane.records for lane in before.spool.values())
        times = EventTimes(settings.clock_tolerance_s, settings.too_old_s, clock.speed)
        self._intake = Intake(clock, times, settings.partitions)
        self._usual = Usual(times, settings.partitions) if isinstance(clock, WallClock) else None
        """None where somebody leads the clock."""
        self._framing: Framing[Claim] = Framing(settings.source, clock.name, settings.partitions)
        self._kafka = {lane: KafkaLog(settings.kafka, f"{settings.source}-{lane}") for lane in LANES}
        self._outlets = {
            lane: Outlet(lane, self._kafka[lane], self._make_spool(lane), settings.spool_after_s) for lane in LANES
        }
        self._kafka_stands = asyncio.Event()
        """Kafka was reached once, and its topics are as they should be."""
        self._deliveries = Deliveries(settings.in_flight_bytes)
        self._groups: list[Group | None] = [None] * settings.partitions
        """Messages of bulk in the frame of each partition that is being filled."""
        self._connections = self._make_connections()
        names = [connection.name for connection in self._connections]
        self._proofs = Proofs(
            settings.source, names, clock, self._held_before_s, settings.live_lag_s, self._watched, settings.stall_s
        )
        self._receipts = Receipts(self._connections[-1].publish, clock.now_s, settings.takes)
        self._figures = Figures()
        self._on_their_way: dict[tuple[Lane, int], float] = {}
        self._sending: set[asyncio.Task[None]] = set()
        self._urgent_flush_asked = False
        self._part = 0
        self._stretch = 1.0
        """How many times ``flush_s`` a bulk reading waits at most for now."""
        self._counted = (steady_s(), 0)
        """When readings were counted last, and how many there were."""

    def _make_spool(self, lane: Lane) -> Spool | None:
        """None where nothing may wait on disk and nothing does."""
        settings = self._settings
        folder = Path(settings.spool or Path(settings.data) / "ingest" / "spool") / settings.source / lane
        limit = 0 if self._recorded is not None else settings.spool_bytes
        if not limit and not is_left(folder):
            return None
        urgent = limit // URGENT_SHARE
        try:
            if lane == "urgent":
                return Spool(folder, urgent, settings.spool_leave_bytes // 2)
            return Spool(folder, limit - urgent, settings.spool_leave_bytes)
        except OSError as error:
            raise SpoolUnusable(folder=folder, detail=error) from error

    def _make_connections(self) -> list[Connection]:
        """Two connections, so that bulk cannot stand in front of urgent. A recording has one, because its order is its clock."""
        settings = self._settings
        endpoint = Endpoint(
            settings.mqtt_host,
            settings.mqtt_tls_port if settings.tls else settings.mqtt_port,
            settings.mqtt_ca if settings.tls else None,
            settings.user,
            settings.password,
            settings.keepalive_s,
        )
        areas = settings.areas
        filters = {"bulk": [f"{TOPIC_ROOT}/{area}/#" for area in areas] or [f"{TOPIC_ROOT}/#"]}
        if self._recorded is None:
            filters["urgent"] = [f"{TOPIC_ROOT}/{area}/+/event" for area in areas or ("+",)]
        return [
            Connection(
                name,
                f"shouwang-{settings.source}-{name}",
                endpoint,
                [*wanted, marker_topic(settings.source, name)],
                self._on_messages,
                self._proofs_up,
                self._proofs_down,
                self._proofs_stalled,
                settings.stall_s,
                BULK_GATHER_S if name == "bulk" else 0.0,
            )
            for name, wanted in filters.items()
        ]

    def _belongs_to(self, topic: str, found: Topic | Refusal) -> str:
        """Which connection's copy of a topic counts; empty = none, it is another bridge's."""
        if isinstance(found, Topic):
            area, home, urgent = found.area, found.home_id, found.channel == "event" and topic.endswith("event")
        else:
            parts = topic.split("/", 5)
            if len(parts) < 4:
                return "bulk"
            area, home, urgent = parts[2], parts[3], parts[4:] == ["event"]
        if not self._settings.takes(area) or not home.startswith(self._settings.homes_prefix):
            return ""
        return "urgent" if urgent and self._recorded is None else "bulk"

    # What MQTT brings

    def _on_messages(self, connection: Connection, messages: list[Publish]) -> None:
        """What was read at once, in order."""
        usual = self._usual if connection is self._connections[0] and self._deliveries.is_all_new(connection) else None
        epoch, count, in_flight, size = connection.epoch, 0, 0, 0
        if usual is None:
            for message in messages:
                if connection.epoch == epoch:  # else lost with the connection; the broker sends it again
                    self._on_message(connection, message)
            return
        read, senders, add, accepted = usual.read, usual.senders, self._framing.add_row, self._figures.accepted
        ends, frame_bytes = len(CHANNEL), self._settings.frame_bytes
        now_s, live = self._clock.now_s(), self._proofs.is_live(connection)
        for message in messages:
            topic, payload, mid, flags = message
            if (
                flags
                or topic[-ends:] != CHANNEL
                or (sender := senders.get(topic[:-ends])) is None
                or (rows := read(sender, payload, now_s, live)) is None
            ):
                self._on_message(connection, message)
                if connection.epoch != epoch:
                    break  # as above
                now_s, live = self._clock.now_s(), self._proofs.is_live(connection)
                continue
            count += 1
            partition, waiting = sender.partition, 0
            for kind, envelope, values in rows:
                waiting = add(partition, kind, envelope, values)
                accepted[kind] += 1
            if mid:
                group = self._groups[partition]
                if group is None or group.epoch != epoch:
                    group = self._groups[partition] = self._deliveries.group(connection)
                    self._framing.claim("bulk", partition, group)
                group.mids.append(mid)
                group.whats.append(hash((topic, payload)))
                group.size += len(payload)
                in_flight += 1
                size += len(payload)
            if waiting >= frame_bytes and self._framing.is_ready("bulk", partition, frame_bytes):
                self._send("bulk", partition)
        self._figures.received[connection.name] += count
        self._deliveries.count(connection, in_flight, size)

    def _on_message(self, connection: Connection, message: Publish) -> None:
        address, payload, mid, flags = message
        topic = address.decode(errors="replace")
        if topic.startswith(MARKER_ROOT):
            if self._proofs.came_back(connection, payload):
                self._deliveries.caught_up(connection)
            connection.acknowledge(connection.epoch, [mid])
            return
        self._figures.received[connection.name] += 1
        delivery = None
        if mid:
            what = hash((address, payload))
            delivery = self._deliveries.open(connection, mid, len(payload), what, bool(flags & DUP))
            if delivery is None:
                return
        found = read_topic(topic)
        if self._belongs_to(topic, found) == connection.name:
            live = not flags & RETAIN and self._proofs.is_live(connection)
            self._take(topic, found, payload, live, delivery)
            if self._usual is not None and isinstance(found, Topic) and found.channel == "telemetry":
                self._usual.remember(address[: -len(CHANNEL)], found)
        if delivery is not None and not delivery.parts:
            self._deliveries.close(delivery)

    def _take(self, topic: str, found: Topic | Refusal, payload: bytes, live: bool, delivery: Delivery | None) -> None:
        taken = self._intake.take(found, payload, live=live)
        if taken.ignored:
            self._figures.ignored[taken.ignored] += 1
        if taken.topic is not None:
            for row in taken.rows:
                self._add(taken.topic, row, delivery)
        for refusal in taken.refusals:
            self._refuse(topic, payload, taken.topic, refusal, delivery)
            if taken.wants_receipt and taken.topic is not None and not refusal.taken:
                self._receipts.refused(taken.topic, refusal)

    def _add(self, topic: Topic, row: Row, delivery: Delivery | None) -> None:
        owes = row.urgent and topic.channel != "z2m"
        if owes:
            self._receipts.hear(topic)
        if row.repeat:
            self._receipts.held(topic, row, duplicate=True)
            return
        if row.waits and self._outlets["urgent"].is_spooling:
            return
        self._figures.accepted[row.kind] += 1
        for lane in LANES if row.urgent else LANES[:1]:
            self._framing.add(lane, row.partition, row.kind, row.envelope, row.reading)
            if delivery is not None:
                delivery.parts += 1
                self._framing.claim(lane, row.partition, delivery)
        if row.urgent:
            if owes:
                self._framing.claim("urgent", row.partition, Owed(topic, row))
            if not self._urgent_flush_asked:
                self._urgent_flush_asked = True
                asyncio.get_running_loop().call_soon(self._flush_urgent)  # with what else this turn of the loop brings
        if self._framing.is_ready("bulk", row.partition, self._settings.frame_bytes):
            self._send("bulk", row.partition)

    def _refuse(
        self, topic: str, payload: bytes, parsed: Topic | None, refusal: Refusal, delivery: Delivery | None
    ) -> None:
        self._figures.refused[refusal.reason] += 1
        account = parsed.account if parsed else ""
        letter = dead_letters.DeadLetter(
            at_s=time.time(),
            stage="ingest",
            source=self._settings.source,
            topic=topic[:300],
            account=account,
            reason=refusal.reason,
            detail=refusal.detail,
            boot=refusal.boot,
            seq=refusal.seq,
            size=len(payload),
            payload=payload[: dead_letters.PAYLOAD_LIMIT],
        )
        if delivery is not None:
            delivery.parts += 1
        self._start(self._bury(account, dead_letters.encode(letter), delivery))

    async def _bury(self, account: str, letter: bytes, delivery: Delivery | None) -> None:
        await self._outlets["bulk"].bring(DEAD_LETTERS, letter, key=account.encode())
        if delivery is not None:
            self._deliveries.settle(delivery)

    def _proofs_up(self, connection: Connection) -> None:
        self._proofs.up(connection)

    def _proofs_down(self, connection: Connection) -> None:
        self._proofs.down(connection)

    def _proofs_stalled(self, connection: Connection) -> None:
        self._proofs.stalled(connection)

    def _watched(self, until_s: float, unwatched: tuple[float, float] | None) -> None:
        if self._recorded is None:  # a recording's clock says itself how far it is, and nobody missed any of it
            self._framing.watched(until_s, unwatched)

    # What goes to Kafka

    def _flush_urgent(self) -> None:
        self._urgent_flush_asked = False
        for partition in range(self._settings.partitions):
            if self._framing.is_ready("urgent", partition):
                self._send("urgent", partition)

    async def _flush(self) -> None:
        while True:
            await asyncio.sleep(self._settings.flush_s * self._stretch / PARTS)
            self._flush_next()

    def _flush_next(self) -> None:
        """A part of the partitions at a time: all at once would be a burst at every stage behind, and the last of it late."""
        self._part = (self._part + 1) % PARTS
        self._flush_due(self._part, PARTS)

    def _flush_due(self, part: int = 0, of: int = 1) -> None:
        if self._recorded is not None:
            until_s = self._recorded.complete_until_s()
            if until_s is not None:
                self._framing.watched(until_s)
        now_s = steady_s()
        for lane in LANES:
            for partition in self._framing.due(lane, now_s, self._settings.tick_s):
                if partition % of == part:
                    self._send(lane, partition)

    def _send(self, lane: Lane, partition: int) -> None:
        now_s = steady_s()
        if lane == "bulk":
            self._groups[partition] = None
        self._on_their_way[lane, partition] = now_s
        self._start(self._deliver(self._framing.take(lane, partition, now_s, time.time())))

    async def _deliver(self, frame: Outgoing[Claim]) -> None:
        lane, partition = frame.lane, frame.partition
        owed = [claim for claim in frame.claims if isinstance(claim, Owed)]
        held = await self._outlets[lane].bring(
            LANE_TOPIC[lane], frame.value, partition=partition, in_kafka=lambda: self._in_kafka(lane, owed)
        )
        del self._on_their_way[lane, partition]
        self._framing.arrived(lane, partition)
        for claim in frame.claims:
            if isinstance(claim, Group):
                self._deliveries.settle_group(claim)
            elif isinstance(claim, Delivery):
                self._deliveries.settle(claim)
            elif held == "disk":
                self._intake.on_disk(claim.row)
        if self._framing.is_ready(lane, partition, 0 if lane == "urgent" else self._settings.frame_bytes):
            self._send(lane, partition)

    def _in_kafka(self, lane: Lane, owed: list[Owed]) -> None:
        self._figures.frames[lane] += 1
        for claim in owed:
            self._receipts.held(claim.topic, claim.row, duplicate=self._intake.held(claim.row))

    def _start(self, sending: Coroutine[None, None, None]) -> None:
        task = self._tasks.create_task(sending)
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    # Running

    async def run(self, stop: asyncio.Event) -> None:
        """Bridge until ``stop``, then leave within 5 s. Any fault raises, and the supervisor starts a new process."""
        if self._settings.metrics_port:
            self._figures.serve(self._settings.metrics_port)
        self._report("starting")
        checking = asyncio.create_task(self._check_kafka())
        stopped = asyncio.create_task(stop.wait())
        can_wait = all(outlet.takes for outlet in self._outlets.values())
        await asyncio.wait(
            [checking, stopped], timeout=START_S if can_wait else None, return_when=asyncio.FIRST_COMPLETED
        )
        if checking.done():
            checking.result()
        elif not stop.is_set():
            log.warning("Kafka does not answer; what comes in goes to disk")
            for outlet in self._outlets.values():
                outlet.begin()
        if self._recorded is None and not stop.is_set():
            await self._recall(self._kafka_stands.is_set())
        if not stop.is_set():
            await self._work(stop, checking)
        checking.cancel()
        stopped.cancel()
        await asyncio.gather(*[outlet.close() for outlet in self._outlets.values()])

    async def _work(self, stop: asyncio.Event, checking: asyncio.Task[None]) -> None:
        try:
            async with asyncio.TaskGroup() as self._tasks:
                flushing = self._tasks.create_task(self._flush())
                others = [self._tasks.create_task(each) for each in self._others(checking)]
                await stop.wait()
                flushing.cancel()
                await self._leave()
                for task in (*others, *self._sending):
                    task.cancel()
        except* OtherPartitions as found:
            raise found.exceptions[0] from None

    async def _recall(self, kafka_stands: bool) -> None:
        """Where there is no state file, or the spool that it speaks of is gone, ask the log itself what was stated last."""
        lost = self._spooled_before and not any(outlet.is_spooling for outlet in self._outlets.values())
        if lost:
            log.warning("the last bridge left frames on disk that are not there now: brought to Kafka since, or lost")
        if self._held_before_s is None or lost:
            source, clock = self._settings.source, self._clock.name
            self._held_before_s = await last_stated_s(self._settings.kafka, source, clock) if kafka_stands else None
            self._proofs.watch.watched_before(self._held_before_s)

    def _others(self, checking: asyncio.Task[None]) -> Iterator[Coroutine[None, None, None]]:
        """What runs beside flushing."""
        urgent, bulk = self._outlets["urgent"], self._outlets["bulk"]
        yield _result(checking)
        yield urgent.run(self._kafka_stands)
        yield bulk.run(self._kafka_stands, before_us=[urgent])
        yield from (connection.run() for connection in self._connections)
        yield _every(self._settings.marker_s, lambda: self._proofs.send(self._connections))
        yield _every(1.0, self._report)
        if self._recorded is None:
            yield tell_taken(self._settings.kafka, self._settings.source, self._receipts)

    async def _check_kafka(self) -> None:
        """Wait for Kafka and its topics. Raises OtherPartitions where their partitions are not what the settings say."""
        for lane in LANES:
            found = await self._kafka[lane].partitions(LANE_TOPIC[lane])
            if found != self._settings.partitions:
                raise OtherPartitions(topic=LANE_TOPIC[lane], found=found, wanted=self._settings.partitions)
        self._kafka_stands.set()

    async def _leave(self) -> None:
        """Read no more, have Kafka (or the disk) hold what was read, acknowledge it, write down what was stated last, say good-bye."""
        began_s = steady_s()
        self._deliveries.leave()
        for connection in self._connections:
            connection.pause()
        limit_s = began_s + DRAIN_S
        while steady_s() < limit_s:
            self._flush_due()
            if self._framing.is_empty and not self._sending:
                break
            await asyncio.sleep(0.01)
        self._deliveries.flush()
        await asyncio.sleep(0.02)  # receipts and PUBACKs leave before the DISCONNECT
        self._report("stopped")
        forget = self._recorded is not None
        await asyncio.gather(*[connection.close(forget) for connection in self._connections])
        left = sum(self._deliveries.messages.values())
        log.info("stopped after %.1f s; %d messages stay with the broker", steady_s() - began_s, left)

    def _report(self, state: State | None = None) -> None:
        """Health to the state file, figures to Prometheus."""
        now_s, steady = self._clock.now_s(), steady_s()
        readings = self._figures.accepted.total()
        self._stretch = stretch(readings - self._counted[1], steady - self._counted[0])
        self._counted = (steady, readings)
        waits_s = max((steady - since for since in self._on_their_way.values()), default=0.0)
        spooled: dict[str, Spooled] = {lane: outlet.figures(time.time()) for lane, outlet in self._outlets.items()}
        troubles = {outlet.trouble for outlet in self._outlets.values()}
        watch = self._proofs.watch
        if state is None:
            if "failing" in troubles:
                state = "spool_failing"
            elif "full" in troubles:
                state = "spool_full"
            elif not watch.is_up:
                state = "disconnected"
            elif waits_s > KAFKA_AWAY_S:
                state = "kafka_away"
            elif any(outlet.is_spooling for outlet in self._outlets.values()):
                state = "spooling"
            else:
                state = "watching" if watch.is_caught_up else "catching_up"
        in_flight = dict(self._deliveries.messages)
        word = BridgeState(
            source=self._settings.source,
            state=state,
            at_s=time.time(),
            pid=os.getpid(),
            clock=self._clock.name,
            now_s=now_s,
            clock_behind_s=self._clock.behind_s() if isinstance(self._clock, WallClock) else None,
            watched_until_s=self._framing.watched_until_s,
            held_until_s=self._framing.held_until_s or self._held_before_s,
            connected={connection.name: connection.is_up for connection in self._connections},
            in_flight=in_flight,
            kafka_waits_s=max(waits_s, *(each.oldest_s for each in spooled.values())),
            spool=spooled,
            messages=dict(self._figures.received),
            readings=readings,
            refused=self._figures.refused.total(),
            receipts=dict(self._receipts.sent),
        )
        try:
            state_file.write(self._settings.data, word)
        except OSError as error:
            log.error("the state file cannot be written: %s", error)
        lag_s = {name: None if proof is None else now_s - proof for name, proof in watch.proofs_s.items()}
        self._figures.tell(self._deliveries.acknowledged, self._receipts.sent, in_flight, lag_s, spooled)


async def _every(pause_s: float, do: Callable[[], None]) -> None:
    while True:
        await asyncio.sleep(pause_s)
        do()


async def _result(task: asyncio.Task[None]) -> None:
    """What it raises, where others hear of it."""
    await asyncio.shield(task)
