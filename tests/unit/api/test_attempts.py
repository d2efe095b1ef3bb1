"""Counting attempts over a sliding time."""

from datetime import UTC, datetime, timedelta

from api.attempts import Attempts

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def at(second: float) -> datetime:
    return NOON + timedelta(seconds=second)


def test_the_third_of_two_allowed_waits_until_the_first_is_old_enough() -> None:
    attempts = Attempts(2, 60)
    for second in (0, 10):
        assert attempts.wait_s("a", at(second)) == 0
        attempts.count("a", at(second))
    assert attempts.wait_s("a", at(20)) == 40
    assert attempts.wait_s("a", at(59.5)) == 0.5
    assert attempts.wait_s("a", at(60)) == 0
    attempts.count("a", at(60))
    assert attempts.wait_s("a", at(61)) == 9


def test_one_does_not_wait_for_another() -> None:
    attempts = Attempts(1, 60)
    attempts.count("a", at(0))
    assert (attempts.wait_s("a", at(1)), attempts.wait_s("b", at(1))) == (59, 0)


def test_what_is_over_is_forgotten_so_that_memory_has_an_end() -> None:
    attempts = Attempts(1, 60)
    for number in range(10_001):
        attempts.count(f"address-{number}", at(0))
    attempts.count("late", at(100))
    assert len(attempts._at) == 1
