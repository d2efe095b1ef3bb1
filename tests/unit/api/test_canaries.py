"""Which canaries are due, what those that come are worth, and what is said of their age."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alerts.coverage import standing_places, without_canary
from api.canaries import EXPECT_S, SOONER, Flock, Place
from api.models.stages import CanariesNow
from api.pipeline import canaries_of, canary_stage
from contracts import canaries

NOW = datetime(2026, 11, 23, 4, 0, 0, 123_000, tzinfo=UTC)
KEY = b"k" * 32
EVERY_S = 55.0
PLACES: list[Place] = [("bulk", 0), ("urgent", 0), ("bulk", 1), ("urgent", 1)]


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@pytest.fixture
def flock() -> Flock:
    return Flock(2, EVERY_S, KEY)


def release(flock: Flock, now: datetime) -> list[canaries.Word]:
    due = flock.due(now)
    words = [flock.sign(place, now) for place in due]
    flock.left(due, now)
    return words


def test_all_places_are_due_at_the_start_and_again_when_their_time_has_passed(flock: Flock) -> None:
    assert flock.due(NOW) == PLACES
    for word in release(flock, NOW):
        assert flock.judge(word)[0] == "seen"
    assert flock.due(after(EVERY_S - 1)) == []
    assert flock.due(after(EVERY_S)) == PLACES


def test_one_that_has_not_come_is_followed_sooner_and_only_there(flock: Flock) -> None:
    words = release(flock, NOW)
    for word in words[1:]:
        flock.judge(word)
    assert flock.due(after(EVERY_S / SOONER)) == [PLACES[0]]


def test_one_counts_once_and_says_which_place_it_proves(flock: Flock) -> None:
    words = release(flock, NOW)
    assert [flock.judge(word) for word in words] == [("seen", place) for place in PLACES]
    assert flock.judge(words[0]) == ("repeated", PLACES[0])


def test_a_forged_one_and_one_that_never_left_prove_nothing(flock: Flock) -> None:
    release(flock, NOW)
    home_id = canaries.homes(2)[0]
    ms = round(NOW.timestamp() * 1000)
    assert flock.judge(canaries.signed(b"another" * 8, home_id, "bulk", ms)) == ("forged", None)
    assert flock.judge(canaries.signed(KEY, home_id, "bulk", ms + 1)) == ("repeated", PLACES[0])


def test_one_that_comes_an_hour_late_is_not_waited_for(flock: Flock) -> None:
    (word, *_) = release(flock, NOW)
    flock.due(after(EXPECT_S + 1))
    assert flock.judge(word)[0] == "repeated"


def row(
    lane: str = "bulk", partition: int = 0, seen: float | None = 30, missing: float | None = None
) -> dict[str, Any]:
    return {
        "lane": lane, "partition": partition, "seen_sent_at": None if seen is None else after(-seen),
        "missing_since": None if missing is None else after(-missing),
    }  # fmt: skip


def test_the_age_is_that_of_the_oldest_proof() -> None:
    found = canaries_of([row(seen=30), row("urgent", 1, seen=70)], NOW, 120)
    assert (found.state, found.oldest_age_s, found.lane, found.partition) == ("ok", 70, "urgent", 1)
    assert canaries_of([row(seen=30), row(seen=120.5)], NOW, 120).state == "late"


def test_what_is_not_known_is_said_to_be_unknown_and_too_old_is_worse() -> None:
    assert canaries_of([], NOW, 120) == CanariesNow(state="unknown", oldest_age_s=None, unknown=0, late_s=120)
    assert canaries_of([row(seen=None)], NOW, 120).oldest_age_s is None
    assert canaries_of([row(seen=None), row(partition=1)], NOW, 120).state == "unknown"
    assert canaries_of([row(seen=None), row(partition=1, seen=300)], NOW, 120).state == "late"


@pytest.mark.parametrize(
    ("seen", "state"), [((30.0,), "ok"), ((None,), "unknown"), ((30.0, None), "unknown"), ((300.0, None), "away")]
)
def test_as_a_part_of_the_whole_only_a_fresh_proof_of_every_place_is_ok(
    seen: tuple[float | None, ...], state: str
) -> None:
    rows = [row(partition=number, seen=each) for number, each in enumerate(seen)]
    assert canary_stage(canaries_of(rows, NOW, 120)).state == state


def test_a_partition_is_blind_only_where_what_was_sent_did_not_come_for_long() -> None:
    rows = [row(missing=None, seen=900), row(partition=1, missing=119), row(partition=2, missing=121), row("urgent", 2, missing=200)]  # fmt: skip
    assert without_canary(rows, NOW, 120) == {2: after(-200)}


def test_a_partition_without_canaries_stands_for_every_source_and_no_other_does() -> None:
    def place(source: str, partition: int, clock: str = "wall") -> dict[str, Any]:
        return {"stream_group": "g", "lane": "bulk", "partition": partition, "source": source, "clock": clock, "watched_until_at": NOW, "moved_at": NOW}  # fmt: skip

    rows = [place("main", 1), place("main", 2), place("demo", 2, "virtual")]
    assert standing_places(rows, NOW, 15, {2: after(-200)}) == {("main", 2): after(-200), ("demo", 2): None}
    assert standing_places(rows, NOW, 15, {}) == {}
