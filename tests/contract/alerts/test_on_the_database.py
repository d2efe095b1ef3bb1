"""What only the shared database can show: a frozen twin, offsets, the rules' table, two relays, the pipeline's standstill."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import psycopg
import pytest
from psycopg.rows import dict_row

from alerts.cases import Place
from alerts.link import Link
from alerts.patience import Patience
from alerts.progress import ProgressWatch, newest_of
from alerts.relay import Relay
from alerts.rules import SHIPPED
from alerts.timescale import IDLE_S, LOCK_S, TRANSACTION_S, TimescaleCases
from contracts import alerts, progress
from contracts.progress import Progress
from storage.database import connect
from storage.queries import query
from tests.contract.alerts.centre import START, Centre, a_detection

pytestmark = pytest.mark.services


@pytest.fixture
async def link(database: str, timescale_centre: Centre) -> AsyncIterator[Link]:
    opened = Link(database, "test link", lock_s=LOCK_S, idle_s=IDLE_S)
    yield opened
    await opened.close()


def rows(conninfo: str, sql: str, *values: object) -> list[dict[str, Any]]:
    with psycopg.connect(conninfo, row_factory=dict_row, autocommit=True) as connection:
        return connection.execute(sql, values).fetchall()


async def test_the_rules_in_the_database_are_those_that_ship(timescale_centre):
    assert await timescale_centre.store.rules(START) == msgspec.structs.replace(
        SHIPPED, ladder=tuple(sorted(SHIPPED.ladder, key=lambda rung: (rung.priority, rung.rung)))
    )


async def test_a_supervisor_s_change_is_in_force_some_seconds_later(timescale_centre, database):
    try:
        await timescale_centre.open("water")
        rows(database, "UPDATE priority_rules SET priority = 2 WHERE family = 'water' RETURNING 1")
        timescale_centre.now += timedelta(seconds=6)
        assert (await timescale_centre.open("water")).priority == 2
        rows(database, "DELETE FROM priority_rules WHERE family = 'sos' RETURNING 1")
        timescale_centre.now += timedelta(seconds=6)
        assert (await timescale_centre.open("sos")).priority == 1  # what ships is in force where a row is missing
    finally:
        rows(database, "UPDATE priority_rules SET priority = 3 WHERE family = 'water' RETURNING 1")
        for score in range(5):
            rows(database, "INSERT INTO priority_rules VALUES ('sos', %s, 1) ON CONFLICT DO NOTHING RETURNING 1", score)


async def test_the_offset_moves_with_what_was_read_and_not_without_it(timescale_centre, database):
    store = timescale_centre.store
    await store.admit(a_detection("sos"), START, Place("alerts-1", "detections.v1", 3, 41))
    await store.admit(a_detection("sos"), START, Place("alerts-2", "detections.v1", 3, 41))
    with pytest.raises(psycopg.DataError):
        await store.admit(a_detection("sos", revision=2**40), START, Place("alerts-1", "detections.v1", 3, 42))
    kept = rows(database, "SELECT consumer, next_offset FROM consumer_offsets ORDER BY consumer")
    assert kept == [{"consumer": "alerts-1", "next_offset": 42}, {"consumer": "alerts-2", "next_offset": 42}]


async def test_a_twin_frozen_within_its_transaction_stalls_nobody(timescale_centre, database):
    """It kept a detection and holds a case's row, and then nothing more comes from it."""
    case = await timescale_centre.open("fall", home_id="h-5", started_at_s=5)
    detection = a_detection("fall", home_id="h-5", started_at_s=5, revision=2, score=4)
    frozen = await connect(database, "frozen twin", lock_s=LOCK_S, idle_s=IDLE_S)
    try:
        await frozen.execute("BEGIN")
        await frozen.execute("SELECT * FROM cases WHERE case_id = %s FOR UPDATE", [case.case_id])
        await frozen.execute(
            query("record_detection"),
            {name: getattr(detection, name) for name in ("detection_id", "lane", "revision", "detector", "family", "home_id", "on", "withdrawn", "test")}
            | {"started_at": START, "decided_at": START, "now": START, "body": "{}"},
        )  # fmt: skip
        began_s = time.monotonic()
        elsewhere = await timescale_centre.open("sos")  # another home does not even notice
        assert elsewhere.handling == "QUEUED"
        # The sweep passes over the row that is held and fires the others.
        timescale_centre.now += timedelta(seconds=30)
        fired = await timescale_centre.store.fire_due(timescale_centre.now)
        assert [event.case.case_id for event in fired] == [elsewhere.case_id]
        assert time.monotonic() - began_s < IDLE_S
        admission = await timescale_centre.store.admit(detection, timescale_centre.now)
        assert (admission.result, admission.case.score) == ("new", 4)
        assert time.monotonic() - began_s < IDLE_S + 5 * LOCK_S
        with pytest.raises(psycopg.Error):
            await frozen.execute("COMMIT")
    finally:
        await frozen.close()


async def test_a_twin_frozen_in_the_middle_of_a_pipeline_stalls_nobody_for_long(timescale_centre, link, database):
    """The server does not count such a session as idle; only the limit of the transaction frees its rows."""
    case = await timescale_centre.open("fall")
    holding = asyncio.Event()

    async def freeze(book: Any) -> None:
        await book.lock(case.case_id)
        async with book._connection.pipeline():
            await book._connection.execute("SELECT 1")
            await (await book._connection.execute("SELECT 2")).fetchone()
            await book._connection.execute("SELECT 3")
            holding.set()
            await asyncio.sleep(3600)  # from here on the process says nothing more

    frozen = asyncio.create_task(TimescaleCases(link)._transact(freeze))
    await holding.wait()
    began_s = time.monotonic()
    held = await timescale_centre.claim(case)
    assert held.desk_id == "desk-1"
    assert time.monotonic() - began_s < TRANSACTION_S + 5 * LOCK_S
    frozen.cancel()
    await asyncio.gather(frozen, return_exceptions=True)


async def test_a_broken_connection_is_made_anew_for_the_next_piece_of_work(link, database):
    store = TimescaleCases(link)
    await store.admit(a_detection("sos"), START)
    rows(
        database, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'shouwang test link'"
    )
    with pytest.raises(psycopg.OperationalError):
        await store.admit(a_detection("fall"), START)
    assert (await store.admit(a_detection("fall"), START)).result == "new"


class Kafka:
    """Keeps events instead of sending them; refuses as many as it is told."""

    def __init__(self) -> None:
        self.events: list[alerts.AlertEvent] = []
        self.refuse = 0
        self.gone: Exception | None = None

    async def events_(self, pairs: Any) -> list[bool]:
        if self.gone is not None:
            raise self.gone
        await asyncio.sleep(0)
        taken = []
        for _, value in pairs:
            taken.append(self.refuse <= 0)
            self.refuse -= 1
            if taken[-1]:
                self.events.append(alerts.decode(value))
        return taken


class Counts:
    def sent(self, events: int) -> None: ...


def a_relay(link: Link, take_s: float = 2.0) -> tuple[Relay, Kafka]:
    kafka = Kafka()
    sends: Any = type("Sends", (), {"events": staticmethod(kafka.events_)})
    patience = Patience(asyncio.Event(), 0.01)
    return Relay(link, sends, patience, Counts(), poll_s=0.01, take_s=take_s), kafka  # type: ignore[arg-type]


async def test_the_most_urgent_event_is_told_first_and_each_once(timescale_centre, link):
    await timescale_centre.open("technical")
    await timescale_centre.open("water")
    await timescale_centre.claim(await timescale_centre.open("sos"))
    relay, kafka = a_relay(link)
    assert await relay.send_once() == 4
    assert await relay.send_once() == 0
    assert [(event.case.priority, event.change) for event in kafka.events] == [
        (1, "raised"), (1, "claimed"), (3, "raised"), (4, "raised"),
    ]  # fmt: skip
    assert await timescale_centre.store.unsent() == []


async def test_two_relays_share_the_work(timescale_centre, link, database):
    for _ in range(20):
        await timescale_centre.open("fall")
    other_link = Link(database, "other", lock_s=LOCK_S, idle_s=IDLE_S)
    try:
        (one, first), (other, second) = a_relay(link), a_relay(other_link)
        await asyncio.gather(one.send_once(), other.send_once())
        told = [event.event_id for event in (*first.events, *second.events)]
        assert len(told) == len(set(told)) == 20
    finally:
        await other_link.close()


async def test_what_kafka_did_not_take_is_told_later(timescale_centre, link):
    await timescale_centre.open("sos")
    await timescale_centre.open("fall")
    relay, kafka = a_relay(link)
    kafka.refuse = 1
    await relay.send_once()
    assert len(kafka.events) == 1
    kafka.gone = ConnectionError("no broker")
    with pytest.raises(ConnectionError):
        await relay.send_once()
    kafka.gone = None
    await relay.send_once()
    assert len({event.event_id for event in kafka.events}) == 2
    assert await timescale_centre.store.unsent() == []


async def test_what_a_dead_relay_took_is_told_by_the_other_a_moment_later(timescale_centre, link, database):
    await timescale_centre.open("sos")
    dead, _ = a_relay(link, take_s=0.2)
    dead._sends.events = lambda pairs: asyncio.sleep(3600)  # type: ignore[method-assign]
    dying = asyncio.create_task(dead.send_once())
    await asyncio.sleep(0.05)
    other_link = Link(database, "other", lock_s=LOCK_S, idle_s=IDLE_S)
    try:
        other, kafka = a_relay(other_link)
        while not kafka.events:
            await other.send_once()
            await asyncio.sleep(0.02)
        assert [event.change for event in kafka.events] == ["raised"]
    finally:
        dying.cancel()
        await asyncio.gather(dying, return_exceptions=True)
        await other_link.close()


async def test_sent_events_are_forgotten_after_a_while_and_unsent_ones_never(timescale_centre, link, database):
    await timescale_centre.open("sos")
    relay, _ = a_relay(link)
    await relay.send_once()
    await timescale_centre.open("fall")
    assert await relay.forget_sent(keep_days=1) == 0
    rows(database, "UPDATE outbox SET sent_at = sent_at - interval '2 days' RETURNING 1")
    assert await relay.forget_sent(keep_days=1) == 1
    assert len(await timescale_centre.store.unsent()) == 1


async def test_the_pipeline_s_standstill_is_kept_over_restarts(link, database):
    now_s = start_s = START.timestamp()
    watch = ProgressWatch(
        link, Patience(asyncio.Event(), 0.01), every_s=1.0, clock=lambda: datetime.fromtimestamp(now_s, UTC)
    )

    async def hear(watched_until_s: float | None, at_wall_s: float, group: str = "stream") -> None:
        nonlocal now_s
        now_s = max(now_s, at_wall_s)
        said = Progress(
            group=group, worker="stream-1", lane="bulk", partition=3, source="main", watched_until_s=watched_until_s, clock="wall",
            offset=9, lag=0, frames=1, rows=1, at_wall_s=at_wall_s,
        )  # fmt: skip
        await watch.keep(newest_of([progress.encode(said)]))

    def standing() -> tuple[datetime, datetime]:
        (row,) = rows(database, "SELECT moved_at, seen_at FROM pipeline WHERE stream_group = 'stream'")
        return row["moved_at"], row["seen_at"]

    await hear(None, start_s)
    await hear(start_s, start_s + 1)
    await hear(start_s + 1, start_s + 2)
    assert standing() == (START + timedelta(seconds=2), START + timedelta(seconds=2))
    await hear(start_s + 1, start_s + 60)
    assert standing() == (START + timedelta(seconds=2), START + timedelta(seconds=60))
    await hear(start_s + 1, start_s + 61)  # a restarted worker, or the other twin: the standstill is as old as before
    assert standing()[0] == START + timedelta(seconds=2)
    await hear(start_s, start_s + 5)  # an old statement read late changes nothing
    assert standing() == (START + timedelta(seconds=2), START + timedelta(seconds=61))
    await hear(start_s + 70, start_s + 71)
    assert standing()[0] == START + timedelta(seconds=71)
    assert datetime.now(UTC) > START


@pytest.mark.parametrize("off_s", [3600.0, -3600.0])
async def test_a_worker_whose_clock_is_an_hour_off_is_heard_and_so_is_its_successor(link, database, off_s):
    now_s = START.timestamp()
    watch = ProgressWatch(
        link, Patience(asyncio.Event(), 0.01), every_s=1.0, clock=lambda: datetime.fromtimestamp(now_s, UTC)
    )

    async def hear(watched_until_s: float, at_wall_s: float) -> tuple[datetime, datetime]:
        said = Progress(
            group="stream", worker="stream-1", lane="bulk", partition=3, source="jumped", watched_until_s=watched_until_s, clock="wall",
            offset=9, lag=0, frames=1, rows=1, at_wall_s=at_wall_s,
        )  # fmt: skip
        await watch.keep(newest_of([progress.encode(said)]))
        (row,) = rows(database, "SELECT watched_until_at, moved_at FROM pipeline WHERE source = 'jumped'")
        return row["watched_until_at"], row["moved_at"]

    rows(database, "DELETE FROM pipeline WHERE source = 'jumped' RETURNING 1")
    await hear(now_s - 1, now_s)
    for step in (1, 2, 3):  # started while the clock was wrong
        now_s = START.timestamp() + step
        at = datetime.fromtimestamp(now_s, UTC)
        assert await hear(now_s - 1, now_s + off_s) == (at - timedelta(seconds=1), at)
    now_s += 1  # and its successor, after it was put right
    at = datetime.fromtimestamp(now_s, UTC)
    assert await hear(now_s - 1, now_s) == (at - timedelta(seconds=1), at)
    now_s += 30  # a standstill is seen all the same
    assert (await hear(now_s - 31, now_s + off_s))[1] == at


async def test_what_stands_from_a_future_that_never_came_gives_way(link, database):
    now_s = START.timestamp()
    watch = ProgressWatch(
        link, Patience(asyncio.Event(), 0.01), every_s=1.0, clock=lambda: datetime.fromtimestamp(now_s, UTC)
    )
    said = Progress(
        group="stream", worker="stream-1", lane="bulk", partition=3, source="future", watched_until_s=now_s, clock="wall",
        offset=9, lag=0, frames=1, rows=1, at_wall_s=now_s,
    )  # fmt: skip
    await watch.keep({("stream", 3, "future"): said})
    rows(database, "UPDATE pipeline SET seen_at = seen_at + interval '1 hour' WHERE source = 'future' RETURNING 1")
    now_s += 1
    await watch.keep({("stream", 3, "future"): msgspec.structs.replace(said, watched_until_s=now_s, at_wall_s=now_s)})
    (row,) = rows(database, "SELECT seen_at FROM pipeline WHERE source = 'future'")
    assert row["seen_at"] == datetime.fromtimestamp(now_s, UTC)
