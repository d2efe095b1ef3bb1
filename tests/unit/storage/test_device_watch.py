"""What the live watch shows of a frame and of dead letters: one account's, with values and reasons."""

from contracts import dead_letters
from contracts.dead_letters import DeadLetter
from contracts.topics import EVENTS, READINGS
from storage.device_watch import DeviceWatch, letter_of, rows_of
from tests.unit.storage.rows import T0, frame, row


def test_only_the_account_s_rows_are_shown_with_what_was_measured():
    value = frame([row(seq=1, heart_rate_bpm=72.0), row(seq=1, home="h-2"), row("motion", seq=2, device="other")])
    (seen,) = rows_of(value, "bulk", "h-1", "watch")
    assert (seen.result, seen.kind, seen.values, seen.boot, seen.seq, seen.clock) == (
        "accepted",
        "vitals",
        {"heart_rate_bpm": 72.0},
        1,
        1,
        "device",
    )


def test_a_hub_s_watch_shows_its_children():
    value = frame([row("contact", seq=1, device="door", via="hub")])
    assert [seen.device_id for seen in rows_of(value, "bulk", "h-1", "hub")] == ["door"]


def test_a_device_that_counts_nothing_shows_no_number():
    (seen,) = rows_of(frame([row(seq=12345, boot=-1)]), "bulk", "h-1", "watch")
    assert (seen.boot, seen.seq) == (None, None)


def test_samples_are_shown_by_their_size():
    value = frame([row("inertial", seq=1, rate_hz=50.0, range_g=4.0, samples=bytes(12))])
    (seen,) = rows_of(value, "bulk", "h-1", "watch")
    assert seen.values["samples"] == "12 bytes"


def test_a_refusal_is_shown_with_its_reason_and_payload():
    letter = DeadLetter(
        at_s=T0,
        stage="ingest",
        source="main",
        topic="t",
        account="h-1.watch",
        reason="not_json",
        detail="byte 4",
        payload=b"not json",
    )
    (seen,) = letter_of(dead_letters.encode(letter), "h-1.watch")
    assert (seen.result, seen.reason, seen.detail, seen.payload) == ("refused", "not_json", "byte 4", "not json")
    assert list(letter_of(dead_letters.encode(letter), "h-1.other")) == []


async def test_an_urgent_row_is_shown_once_though_it_travels_twice_and_a_repeat_is_called_one():
    watch = DeviceWatch("127.0.0.1:1", "h-1.watch")
    value = frame([row("call", seq=1)])
    assert [seen.result for topic in (EVENTS, READINGS, EVENTS) for seen in watch.seen_in(topic, value)] == [
        "accepted",
        "repeated",
    ]
    assert list(watch.seen_in(READINGS, b"spoiled")) == []
