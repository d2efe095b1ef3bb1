"""A canary on the database: told of once, by whichever twin is first, only if it was sent, and never as a detection or a case."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from alerts.canaries import Canaries, key_of
from alerts.coverage_keeper import CoverageKeeper
from alerts.link import Link
from alerts.relay import Relay
from contracts import alerts as messages
from contracts.canaries import Word, homes, signed
from contracts.detections import Detection
from contracts.partitions import partition_of
from storage import housekeeping
from storage.database import connect
from storage.settings import KeeperSettings
from tests.contract.alerts.centre import a_detection

pytestmark = pytest.mark.services
KEY = b"k" * 32
PARTITIONS = 16
NOW = datetime.now(UTC).replace(microsecond=123_000)


@pytest.fixture
def rows(database: str) -> Iterator[Any]:
    """Asks the emptied database."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("TRUNCATE canaries, outbox, detections, cases, pipeline, place_outages CASCADE")
        yield lambda statement, *values: _all(connection.execute(statement, values))


def _all(cursor: Any) -> list[Any]:
    return cursor.fetchall() if cursor.description else []


@pytest.fixture
async def links(database: str) -> AsyncIterator[tuple[Link, Link]]:
    opened = (Link(database, "test 1", lock_s=1, idle_s=2), Link(database, "test 2", lock_s=1, idle_s=2))
    yield opened
    for link in opened:
        await link.close()


def a_canary(word: Word, **fields: Any) -> Detection:
    said: dict[str, Any] = {"lane": word.lane, "sent_at_ms": float(word.sent_at_ms), "signature": word.signature}
    return a_detection("technical", home_id=word.home_id, detector="canary", lane=word.lane, test=True, evidence=said, **fields)  # fmt: skip


def sent(rows: Any, partition: int = 3, ago_s: float = 0, lane: str = "bulk", seen: bool = False) -> Word:
    at = NOW - timedelta(seconds=ago_s)
    word = signed(KEY, homes(PARTITIONS)[partition], lane, round(at.timestamp() * 1000))  # type: ignore[arg-type]
    rows("INSERT INTO canaries (lane, partition, sent_at, home_id, seen_at) VALUES (%s, %s, %s, %s, %s)",
         lane, partition, word.sent_at, word.home_id, NOW if seen else None)  # fmt: skip
    return word


async def test_one_that_was_sent_is_told_of_once_whichever_twin_is_first(rows: Any, links: tuple[Link, Link]) -> None:
    word = sent(rows)
    twins = [Canaries(link, PARTITIONS) for link in links]
    raised = await asyncio.gather(*(twin.tell([a_canary(word)], NOW) for twin in twins for _ in range(3)))
    assert sorted(raised) == [0] * 5 + [1]
    ((value, key, priority),) = rows("SELECT value, key, priority FROM outbox")
    assert (messages.decode(bytes(value)).canary, key, priority) == (word, key_of(word), 5)
    assert rows("SELECT raised_at, detected_at IS NOT NULL, seen_at FROM canaries") == [(NOW, True, None)]
    assert rows("SELECT count(*) FROM detections") == rows("SELECT count(*) FROM cases") == [(0,)]


async def test_several_are_told_of_together(rows: Any, links: tuple[Link, Link]) -> None:
    words = [sent(rows, ago_s=ago_s) for ago_s in (0, 55, 110)]
    said = [a_canary(word) for word in words]
    assert await Canaries(links[0], PARTITIONS).tell([*said, said[0], a_detection("technical", detector="canary")], NOW) == 3  # fmt: skip
    told = [messages.decode(bytes(value)).canary for (value,) in rows("SELECT value FROM outbox")]
    assert sorted(word.sent_at_ms for word in told if word) == sorted(word.sent_at_ms for word in words)


async def test_one_that_nobody_sent_is_told_of_by_nobody(rows: Any, links: tuple[Link, Link]) -> None:
    word = sent(rows)
    canaries = Canaries(links[0], PARTITIONS)
    for other in (
        signed(KEY, word.home_id, "bulk", word.sent_at_ms + 1),
        signed(KEY, word.home_id, "urgent", word.sent_at_ms),
        signed(KEY, "h-1", "bulk", word.sent_at_ms),
    ):
        assert await canaries.tell([a_canary(other)], NOW) == 0
    assert rows("SELECT count(*) FROM outbox") == [(0,)]


async def test_events_of_canaries_are_forgotten_soon_and_those_of_cases_are_not(
    rows: Any, links: tuple[Link, Link]
) -> None:
    for key in ("canary-3.bulk", "0e9f-a-case"):
        rows(
            "INSERT INTO outbox (topic, key, value, sent_at) VALUES ('alerts.v1', %s, '', now() - interval '1 hour')",
            key,
        )
    relay: Any = Relay(links[0], None, None, None, 1, 1)  # type: ignore[arg-type]
    assert await relay.forget_sent(7) == 1
    assert rows("SELECT key FROM outbox") == [("0e9f-a-case",)]


async def test_canaries_of_last_week_are_forgotten(rows: Any, database: str) -> None:
    for days in (1, 8):
        sent(rows, ago_s=days * 86_400)
    connection = await connect(database, "test")
    async with connection:
        await housekeeping.retain(connection, KeeperSettings())
    assert rows("SELECT count(*) FROM canaries") == [(1,)]


class Places:
    """Coverage by the canaries, of two sources that stand in every partition and move."""

    def __init__(self, rows: Any, link: Link) -> None:
        self._rows = rows
        self.now = NOW
        self._keeper = CoverageKeeper(link, PARTITIONS, 15.0, lambda: self.now)

    async def blind(self) -> list[tuple[str, int]]:
        for source in ("main", "town-2"):
            for partition in (3, 4):
                self._rows(
                    "INSERT INTO pipeline VALUES ('stream', 'bulk', %s, %s, 'wall', 'w', %s, %s, %s, 0, 0)"
                    " ON CONFLICT (stream_group, partition, source) DO UPDATE SET moved_at = EXCLUDED.moved_at, watched_until_at = EXCLUDED.watched_until_at",
                    partition, source, self.now, self.now, self.now,
                )  # fmt: skip
        await self._keeper.look()
        found = self._rows("SELECT source, partition FROM place_outages WHERE to_at IS NULL ORDER BY 1, 2")
        return [(source, partition) for source, partition in found]


@pytest.fixture
def places(rows: Any, links: tuple[Link, Link]) -> Places:
    return Places(rows, links[0])


async def test_a_partition_whose_canaries_stay_away_is_blind_whatever_the_source_and_no_other_is(
    rows: Any, places: Places
) -> None:
    sent(rows, 3, ago_s=180, seen=True)
    sent(rows, 4, ago_s=30, seen=True)
    for ago_s in (125, 114, 103):
        sent(rows, 3, ago_s=ago_s)
    assert await places.blind() == [("main", 3), ("town-2", 3)]
    ((from_at,),) = rows("SELECT DISTINCT from_at FROM place_outages")
    assert from_at == NOW - timedelta(seconds=125)
    rows("UPDATE canaries SET seen_at = %s WHERE sent_at = %s", NOW, NOW - timedelta(seconds=103))
    assert await places.blind() == []


async def test_one_that_is_lost_blinds_nobody(rows: Any, places: Places) -> None:
    sent(rows, 3, ago_s=180, seen=True)
    sent(rows, 3, ago_s=125)
    sent(rows, 3, ago_s=114, seen=True)
    assert await places.blind() == []


async def test_what_was_never_sent_blinds_nobody(rows: Any, places: Places) -> None:
    assert await places.blind() == []
    sent(rows, 3, ago_s=40_000, seen=True)
    sent(rows, 3, ago_s=39_900)
    assert await places.blind() == [], "a site that was down all night is not blind when it wakes"


async def test_while_it_lasts_it_does_not_end_because_it_has_lasted_long(rows: Any, places: Places) -> None:
    sent(rows, 3, ago_s=8_000, seen=True)
    for ago_s in range(7_900, 0, -100):
        sent(rows, 3, ago_s=ago_s)
    assert await places.blind() == [("main", 3), ("town-2", 3)]


def test_a_home_of_a_canary_falls_where_its_row_says() -> None:
    assert [partition_of(home_id, PARTITIONS) for home_id in homes(PARTITIONS)] == list(range(PARTITIONS))
