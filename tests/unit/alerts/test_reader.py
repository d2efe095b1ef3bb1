"""A reader that nothing stops: neither a bad record, nor a database that is away, nor an error that nobody foresaw."""

import asyncio
from typing import Any

import psycopg
import pytest

from alerts.memory import MemoryCases
from alerts.patience import Patience, Stopping
from alerts.reader import Reader
from tests.contract.alerts.centre import a_detection
from tests.unit.alerts.test_lots import records


class Letters:
    """Keeps dead letters instead of sending them."""

    def __init__(self) -> None:
        self.kept: list[Any] = []

    async def dead_letter(self, letter: Any) -> None:
        self.kept.append(letter)


class Counts:
    def __init__(self) -> None:
        self.results: dict[str, int] = {}
        self.changes: list[str] = []

    def read(self, result: str, records: int) -> None:
        self.results[result] = self.results.get(result, 0) + records

    def changed(self, change: str) -> None:
        self.changes.append(change)


class Troubled(MemoryCases):
    """A store that fails as often as it is told before it works; or always, for one home."""

    def __init__(self, *troubles: Exception, home_id: str = "", always: Exception | None = None) -> None:
        super().__init__()
        self.troubles = list(troubles)
        self.home_id = home_id
        self.always = always

    async def admit_many(self, read: Any, now: Any) -> Any:
        if self.troubles:
            raise self.troubles.pop(0)
        if self.always is not None and any(detection.home_id == self.home_id for detection, _ in read):
            raise self.always
        return await super().admit_many(read, now)


def a_reader(store: MemoryCases, stopping: asyncio.Event | None = None) -> Any:
    letters, counts, woken = Letters(), Counts(), []
    patience = Patience(stopping or asyncio.Event(), longest_s=0.01)
    reader: Any = Reader(
        "detections.v1", "alerts-1", store, letters, patience, counts, lambda: woken.append(1), batch=10,  # type: ignore[arg-type]
    )  # fmt: skip
    reader.letters, reader.counts, reader.woken = letters, counts, woken
    return reader


def offset_of(store: MemoryCases) -> int:
    return store._tables.offsets[("alerts-1", "detections.v1", 3)]


async def test_detections_become_cases_and_the_offset_moves_past_them():
    store = MemoryCases()
    reader = a_reader(store)
    await reader.take(records(a_detection("sos"), a_detection("fall", home_id="h-2")))
    assert len(await store.queue()) == 2
    assert offset_of(store) == 2
    assert reader.counts.results == {"new": 2}
    assert reader.counts.changes == ["raised", "raised"]
    assert reader.woken


async def test_a_repeat_only_moves_the_offset():
    store = MemoryCases()
    reader = a_reader(store)
    given = records(a_detection("sos"), a_detection("fall", home_id="h-2"))
    await reader.take(given)
    reader.woken.clear()
    await reader.take(given)
    assert reader.counts.results == {"new": 2, "repeated": 2}
    assert not reader.woken
    assert offset_of(store) == 2


async def test_a_bad_record_becomes_a_dead_letter_and_its_neighbours_are_taken_in():
    store = MemoryCases()
    reader = a_reader(store)
    await reader.take(records(a_detection("sos"), b'{"broken":', a_detection("fall", home_id="h-2")))
    (letter,) = reader.letters.kept
    assert (letter.reason, letter.stage, letter.source) == ("bad_detection", "alerts", "detections.v1/3/1")
    assert letter.payload == b'{"broken":'
    assert len(await store.queue()) == 2
    assert offset_of(store) == 3


async def test_while_the_database_is_away_nothing_is_skipped():
    away = psycopg.OperationalError("connection refused")
    store = Troubled(
        away, away, psycopg.errors.SerializationFailure(), psycopg.errors.LockNotAvailable(), ConnectionRefusedError()
    )
    reader = a_reader(store)
    await reader.take(records(a_detection("sos")))
    assert reader.letters.kept == []
    assert len(await store.queue()) == 1


async def test_a_database_that_is_not_migrated_yet_is_waited_for():
    store = Troubled(psycopg.errors.UndefinedTable("relation does not exist"))
    reader = a_reader(store)
    await reader.take(records(a_detection("sos")))
    assert reader.letters.kept == []
    assert len(await store.queue()) == 1


@pytest.mark.parametrize("fault", [psycopg.errors.NumericValueOutOfRange("too big"), KeyError("nobody foresaw this")])
async def test_one_detection_that_cannot_be_stored_does_not_take_its_lot_with_it(fault):
    store = Troubled(home_id="h-2", always=fault)
    reader = a_reader(store)
    await reader.take(records(*[a_detection("technical", home_id=f"h-{n}") for n in range(5)]))
    (letter,) = reader.letters.kept
    assert letter.source == "detections.v1/3/2"
    assert {case.home_id for case in await store.queue()} == {"h-0", "h-1", "h-3", "h-4"}
    assert offset_of(store) == 5


async def test_a_lot_that_is_too_much_for_a_busy_machine_is_halved():
    store = Troubled(psycopg.errors.TransactionTimeout(), psycopg.errors.TransactionTimeout())
    reader = a_reader(store)
    await reader.take(records(*[a_detection("technical", home_id=f"h-{n}") for n in range(8)]))
    assert len(await store.queue()) == 8
    assert offset_of(store) == 8
    assert reader.letters.kept == []


async def test_stopping_leaves_the_rest_for_the_next_start():
    stopping = asyncio.Event()
    store = Troubled(*[psycopg.OperationalError("away")] * 1000)
    reader = a_reader(store, stopping)
    taking = asyncio.create_task(reader.take(records(a_detection("sos"))))
    await asyncio.sleep(0)
    stopping.set()
    with pytest.raises(Stopping):
        await taking
    assert store._tables.offsets == {}
