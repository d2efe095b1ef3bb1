"""A page that asks every few seconds is written down when it shows somebody else, and now and then."""

from datetime import UTC, datetime, timedelta

from api.shown import AGAIN_S, MOST, Shown

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


def test_the_same_people_are_news_once_and_again_after_an_hour():
    shown = Shown()
    assert shown.is_news("lin", ["a", "b"], NOW)
    assert not shown.is_news("lin", ["b", "a"], NOW + timedelta(seconds=AGAIN_S - 1))
    assert shown.is_news("lin", ["a", "b"], NOW + timedelta(seconds=AGAIN_S))
    assert shown.is_news("lin", ["a"], NOW + timedelta(seconds=AGAIN_S))
    assert shown.is_news("mei", ["a"], NOW)


def test_nobody_is_no_news_and_whoever_comes_back_is():
    shown = Shown()
    assert not shown.is_news("lin", [], NOW)
    assert shown.is_news("lin", ["a"], NOW)
    assert not shown.is_news("lin", [], NOW)
    assert shown.is_news("lin", ["a"], NOW)


def test_memory_has_an_end():
    shown = Shown()
    for number in range(MOST + 5):
        shown.is_news(str(number), ["a"], NOW)
    assert len(shown._last) <= MOST
