"""What alerts makes of a canary's detection: an event like that of a test, and never a case."""

from datetime import UTC, datetime
from typing import Any

import pytest

from alerts import canaries
from alerts.lots import cut, decoded
from alerts.memory import MemoryCases
from contracts import alerts as messages
from contracts.canaries import signed
from contracts.detections import Detection
from tests.contract.alerts.centre import a_detection
from tests.unit.alerts.test_lots import records
from tests.unit.alerts.test_reader import a_reader, offset_of

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
WORD = signed(b"k" * 32, "canary-3", "bulk", 1_760_000_000_123)


def a_canary(**fields: Any) -> Detection:
    said: dict[str, Any] = {"lane": WORD.lane, "sent_at_ms": float(WORD.sent_at_ms), "signature": WORD.signature}
    return a_detection(
        "technical", home_id=WORD.home_id, detector="canary", lane="bulk", test=True, evidence=said, **fields
    )


def test_a_detection_says_what_the_canary_said() -> None:
    assert canaries.word_of(a_canary()) == WORD


@pytest.mark.parametrize("evidence", [{}, {"lane": "bulk", "sent_at_ms": -1.0, "signature": ""}, {"lane": "sideways", "sent_at_ms": 1.0, "signature": ""},
                                      {"lane": "bulk", "sent_at_ms": 1e300, "signature": ""}])  # fmt: skip
def test_one_that_says_nothing_is_nobody_s(evidence: dict[str, float | str]) -> None:
    assert canaries.word_of(a_detection("technical", home_id="canary-3", detector="canary", evidence=evidence)) is None


def test_an_urgent_one_in_the_bulk_lane_proves_nothing_of_the_bulk_lane() -> None:
    urgent = signed(b"k" * 32, "canary-3", "urgent", 1_760_000_000_123)
    said = {"lane": urgent.lane, "sent_at_ms": float(urgent.sent_at_ms), "signature": urgent.signature}
    found = a_detection("technical", home_id="canary-3", detector="canary", lane="bulk", evidence=said)
    assert canaries.word_of(found) is None


def test_its_event_is_read_as_that_of_a_test_by_whoever_knows_no_canaries() -> None:
    event = messages.decode(messages.encode(canaries.event_of(WORD, NOW)))
    assert event.canary == WORD
    assert (event.case.test, event.case.handling, event.case.family) == (True, "TEST", "technical")
    assert event.origins == ()


def test_canaries_go_apart_from_what_becomes_a_case() -> None:
    found = decoded(records(a_detection("technical", home_id="h-1"), a_canary(), a_canary(), a_detection("technical", home_id="h-2")))  # fmt: skip
    assert [(lot.what, len(lot.records)) for lot in cut(found, set(), 25)] == [("admit", 1), ("canary", 2), ("admit", 1)]  # fmt: skip


async def test_a_reader_that_is_given_one_makes_no_case_and_goes_on() -> None:
    store = MemoryCases()
    reader = a_reader(store)
    await reader.take(records(a_canary(), a_detection("sos")))
    assert [case.family for case in await store.queue()] == ["sos"]
    assert offset_of(store) == 2
    assert reader.counts.results == {"canary": 1, "new": 1}
    assert not store._tables.detections.keys() & {("canary", "bulk", 1)}


async def test_one_that_cannot_be_told_of_does_not_stop_the_lane() -> None:
    class Broken:
        async def tell(self, detections: list[Detection], now: datetime) -> int:
            raise ValueError("what nobody foresaw")

    store = MemoryCases()
    reader = a_reader(store)
    reader._canaries = Broken()
    await reader.take(records(a_canary(), a_detection("sos")))
    assert len(await store.queue()) == 1
