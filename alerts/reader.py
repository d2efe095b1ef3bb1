"""Reads one lane's detections, all partitions, by hand (no group): the twin reads the same, and whoever is second changes nothing.

Delivery: at least once. This instance's offset moves in the transaction of what it read, so nothing is skipped and little is read twice.
While the database is away the same record is tried for ever; Kafka keeps the rest. A record that is no detection becomes a dead letter
(both twins write one; its source names topic, partition and offset, so they are recognised as one).
"""

import logging
import time
from collections.abc import Callable, Sequence

import psycopg
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from alerts.canaries import Canaries
from alerts.cases import Admission, Place
from alerts.figures import Figures
from alerts.lots import BadDetection, Lot, Record, cut, decoded
from alerts.patience import UNSTORABLE, Patience, Stopping
from alerts.sends import Sends
from alerts.store import CaseStore
from contracts.clocks import now
from contracts.dead_letters import PAYLOAD_LIMIT, DeadLetter
from contracts.detections import Detection
from contracts.errors import ShouwangError
from storage.database import Connection
from storage.queries import fetch_all, query

LOG = logging.getLogger("alerts")
_OFFSETS = query("offsets_of_reader")

MOST_RECORDS = 500
"""Records taken from Kafka in one go."""
POISON_ATTEMPTS = 3
"""An error that nobody foresaw is tried this often; then the record becomes a dead letter, lest one record stop a lane for ever."""


class _TooMuch(Exception):
    """A lot did not get done within a transaction's limit (the machine is very busy): it is halved."""


class MissingTopic(ShouwangError):
    """Kafka has no topic {topic}. Run `python -m contracts.admin` first."""


class Reader:
    """One lane. ``changed`` is called after each transaction that changed a case."""

    def __init__(
        self, topic: str, instance: str, store: CaseStore, sends: Sends, patience: Patience, figures: Figures,
        changed: Callable[[], None], batch: int, canaries: Canaries | None = None,
    ) -> None:  # fmt: skip
        """``canaries``: None = they are passed over."""
        self._canaries = canaries
        self._topic = topic
        self._instance = instance
        self._store = store
        self._sends = sends
        self._patience = patience
        self._figures = figures
        self._changed = changed
        self._batch = batch

    async def run(self, consumer: AIOKafkaConsumer) -> None:
        """Take in until stopping. ``consumer`` is started and assigned (``go_on``)."""
        try:
            while not self._patience.stopping.is_set():
                found = await consumer.getmany(timeout_ms=500, max_records=MOST_RECORDS)
                for records in found.values():
                    await self.take(records)
        except Stopping:
            pass

    async def take(self, records: Sequence[Record]) -> None:
        """Take in records of one partition, in order. Raises Stopping."""
        found = decoded(records)
        good = [detection for _, detection in found if not isinstance(detection, BadDetection)]
        held: set[tuple[str, str, int]] = set()
        if len(good) > 1:
            held = await self._patience.until_done(f"reading {self._topic}", lambda: self._store.held(good))
        for lot in cut(found, held, self._batch):
            if self._patience.stopping.is_set():
                raise Stopping
            await self._take_lot(lot)

    async def _take_lot(self, lot: Lot) -> None:
        places = [Place(self._instance, record.topic, record.partition, record.offset) for record in lot.records]
        if lot.what == "bad":
            await self._refuse(lot.records[0], lot.detail)
        elif lot.what == "known":
            self._figures.read("repeated", len(lot.records))
            await self._patience.until_done(f"reading {self._topic}", lambda: self._store.pass_over(places[-1:]))
        elif lot.what == "canary":
            await self._tell_of_canaries(lot, places)
        else:
            await self._admit(lot, places)

    async def _tell_of_canaries(self, lot: Lot, places: list[Place]) -> None:
        """They make no case. Two transactions: one that is read again does nothing."""
        canaries = self._canaries
        try:
            if canaries is not None:
                told = await self._patience.until_done(
                    f"reading {self._topic}", lambda: canaries.tell(lot.detections, now())
                )
                if told:
                    self._changed()
        except Stopping:
            raise
        except Exception:
            # They may be lost, and then are missed; they may not stop the lane that they watch over.
            LOG.exception("canaries cannot be told of, from %s", _name(lot.records[0]))
        self._figures.read("canary", len(lot.records))
        await self._patience.until_done(f"reading {self._topic}", lambda: self._store.pass_over(places[-1:]))

    async def _admit(self, lot: Lot, places: list[Place]) -> None:
        for attempt in range(1, POISON_ATTEMPTS + 1):
            try:
                admissions = await self._patience.until_done(
                    f"reading {self._topic}", lambda: self._in_one(lot.detections, places)
                )
            except Stopping:
                raise
            except _TooMuch:
                half = len(lot.records) // 2
                await self._take_lot(Lot("admit", lot.records[:half], lot.detections[:half]))
                await self._take_lot(Lot("admit", lot.records[half:], lot.detections[half:]))
                return
            except Exception as error:
                foreseen = isinstance(error, UNSTORABLE)
                LOG.log(
                    logging.WARNING if foreseen else logging.ERROR,
                    "%s cannot be taken in: %s", _name(lot.records[0]), error, exc_info=not foreseen,
                )  # fmt: skip
                if foreseen or attempt == POISON_ATTEMPTS:
                    await self._apart(lot, str(error).strip() or type(error).__name__)
                    return
            else:
                self._count(admissions)
                return

    async def _in_one(self, found: Sequence[Detection], places: Sequence[Place]) -> list[Admission]:
        try:
            return await self._store.admit_many(list(zip(found, places, strict=True)), now())
        except psycopg.errors.TransactionTimeout:
            if len(found) > 1:
                raise _TooMuch from None
            raise

    async def _apart(self, lot: Lot, detail: str) -> None:
        """One of the lot cannot be stored: each by itself, and that one is refused."""
        if len(lot.records) == 1:
            await self._refuse(lot.records[0], detail)
            return
        for record, detection in zip(lot.records, lot.detections, strict=True):
            await self._take_lot(Lot("admit", (record,), (detection,)))

    async def _refuse(self, record: Record, detail: str) -> None:
        """Keep it as a dead letter; only then go past it."""
        value = record.value or b""
        letter = DeadLetter(
            at_s=time.time(), stage="alerts", source=_name(record), topic=record.topic, account="", reason="bad_detection",
            detail=detail, size=len(value), payload=value[:PAYLOAD_LIMIT],
        )  # fmt: skip
        LOG.error("%s is refused: %s", _name(record), detail)
        await self._patience.until_done("writing a dead letter", lambda: self._sends.dead_letter(letter))
        self._figures.read("bad", 1)
        place = Place(self._instance, record.topic, record.partition, record.offset)
        await self._patience.until_done(f"reading {self._topic}", lambda: self._store.pass_over([place]))

    def _count(self, admissions: Sequence[Admission]) -> None:
        for admission in admissions:
            self._figures.read(admission.result, 1)
            if admission.change is not None:
                self._figures.changed(admission.change)
        if any(admission.change for admission in admissions):
            self._changed()


def _name(record: Record) -> str:
    return f"{record.topic}/{record.partition}/{record.offset}"


async def partitions_of(kafka: str, topic: str) -> list[TopicPartition]:
    """All partitions of a topic. Raises MissingTopic, or KafkaError where nobody answers."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    try:
        await admin.start()
        (found,) = await admin.describe_topics([topic])
    finally:
        await admin.close()
    if found["error_code"] or not found["partitions"]:
        raise MissingTopic(topic=topic)
    return sorted(TopicPartition(topic, part["partition"]) for part in found["partitions"])


async def go_on(
    consumer: AIOKafkaConsumer, assigned: Sequence[TopicPartition], instance: str, connection: Connection
) -> None:
    """Set each assigned partition to this instance's stored offset, or to the oldest record."""
    stored = {
        (row["topic"], row["partition"]): row["next_offset"]
        for row in await fetch_all(connection, _OFFSETS, consumer=instance)
    }
    begins, ends = await consumer.beginning_offsets(assigned), await consumer.end_offsets(assigned)
    for each in assigned:
        offset = stored.get((each.topic, each.partition), begins[each])
        if offset > ends[each]:
            LOG.error("%s/%d was made anew: read from its beginning", each.topic, each.partition)
            offset = begins[each]
        elif offset < begins[each]:
            gone = begins[each] - offset
            LOG.error("%s/%d: %d records were gone before they were read", each.topic, each.partition, gone)
            offset = begins[each]
        consumer.seek(each, offset)
