"""What the writer makes of Kafka records, good and bad. How it stores them stands in tests/contract/storage."""

from typing import NamedTuple

import pytest

from contracts import dead_letters
from contracts.dead_letters import DeadLetter
from contracts.topics import DEAD_LETTERS, READINGS
from storage.errors import BadRows
from storage.telemetry import batch_of
from storage.writer import decode
from tests.unit.storage.rows import T0, batch, frame, row


class Record(NamedTuple):
    topic: str
    partition: int
    offset: int
    value: bytes | None
    timestamp: int = 1_790_000_000_000


def test_a_frame_a_dead_letter_and_a_spoiled_record_each_go_their_way():
    letter = DeadLetter(
        at_s=T0, stage="ingest", source="main", topic="t", account="h-1.watch", reason="not_json", detail="d"
    )
    spoiled = bytearray(frame([row(seq=2)]))
    spoiled[40] ^= 0xFF
    found = decode(
        [
            Record(READINGS, 3, 10, frame([row(seq=1)])),
            Record(READINGS, 3, 11, bytes(spoiled)),
            Record(DEAD_LETTERS, 0, 5, dead_letters.encode(letter)),
            Record(DEAD_LETTERS, 0, 6, b"{}"),
            Record(READINGS, 4, 0, None),
        ]
    )
    assert len(found.frames) == 1
    assert [each.letter_id for each in found.letters] == [
        "readings.v1/3/11",
        "dead-letters.v1/0/5",
        "dead-letters.v1/0/6",
        "readings.v1/4/0",
    ]
    assert found.letters[1].letter == letter
    assert found.letters[0].letter.reason == "bad_frame"
    assert "check sum" in found.letters[0].letter.detail
    assert found.offsets == {(READINGS, 3): 12, (DEAD_LETTERS, 0): 7, (READINGS, 4): 1}


def test_a_repeat_of_a_spoiled_record_is_the_same_letter():
    record = Record(READINGS, 3, 11, b"spoiled")
    assert decode([record]).letters == decode([record]).letters


def test_cards_and_the_keeper_s_statements_are_not_for_the_tables():
    found = batch(row("card", seq=1, device="card", boot=0, version=1), row(seq=1), source="")
    assert list(found.tables) == ["vitals"]
    assert found.statements == []


@pytest.mark.parametrize(
    "bad",
    [
        row(seq=1, home="../etc"), row(seq=1, device="watch\x00"), row("motion", seq=1, via="Hub"), row(seq=1, at_s=float("nan")),
        row(seq=1, received_at_s=float("inf")), row(seq=1, device_at_s=1e300), row(seq=2**63 - 1), row(seq=1, boot=2**63 - 1),
    ],
)  # fmt: skip
def test_rows_that_no_bridge_writes_are_refused_before_they_reach_the_database(bad):
    with pytest.raises(BadRows):
        batch(row(seq=1), bad)


def test_a_hash_may_use_all_63_bits():
    assert batch(row(seq=2**63 - 1, boot=-1)).rows == 1


def test_no_frames_are_an_empty_batch():
    assert batch_of([]).rows == 0
