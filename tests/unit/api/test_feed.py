"""The feed's arithmetic: nobody is told twice or backwards, nobody is held up by one who is slow."""

from datetime import UTC, datetime
from typing import Any, NamedTuple

from alerts.canaries import event_of as canary_event
from api.feed import Feed, Subscriber
from api.models.stages import Change
from api.reasons import reason
from api.routes.stream import StreamView
from api.rows import row_of_summary
from contracts import alerts
from contracts.alerts import CaseSummary
from contracts.canaries import Word, signed

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


class Record(NamedTuple):
    value: bytes


def change(case_id: str = "c-1", version: int = 1, area_code: str = "330282001001", **other: Any) -> Change:
    case = CaseSummary(
        case_id=case_id, version=version, home_id="shen", area_code=area_code, family="sos", priority=1, score=4, reasons=("call.press",),
        handling="QUEUED", condition="latched", raised_at=NOW, queued_at=NOW, deadline_at=NOW,
    )  # fmt: skip
    return Change(change="raised", at=NOW, actor="system", open=True, case=row_of_summary(case, None), **other)


def test_a_version_is_told_once_and_an_older_one_never() -> None:
    view = StreamView()
    assert [view.is_news(change(version=version)) for version in (1, 1, 3, 2, 3, 4)] == [
        True,
        False,
        True,
        False,
        False,
        True,
    ]


def test_what_the_snapshot_held_is_not_told_again() -> None:
    view = StreamView()
    view.snapshot([{"case_id": "c-1", "version": 5}], [])
    assert not view.is_news(change(version=5))
    assert view.is_news(change(version=6))


def test_a_word_still_on_its_way_does_not_bring_a_finished_case_back() -> None:
    view = StreamView()
    view.snapshot([], [{"case_id": "c-1", "version": 9}])
    assert not view.is_news(change(version=8))


def test_a_desk_hears_of_its_area_and_of_homes_without_one() -> None:
    subscriber = Subscriber("330282", room=10)
    for area in ("330282001001", "330206001001", ""):
        subscriber.offer(change(case_id=area or "unregistered", area_code=area))
    assert [subscriber.changes.get_nowait().case.area_code for _ in range(subscriber.changes.qsize())] == [
        "330282001001",
        "",
    ]


def test_one_who_does_not_keep_up_is_ended_and_the_others_hear_everything() -> None:
    slow, quick = Subscriber("", room=3), Subscriber("", room=100)
    for version in range(1, 11):
        for subscriber in (slow, quick):
            subscriber.offer(change(version=version))
    assert (slow.ended, slow.changes.qsize()) == ("slow", 3)
    assert (quick.ended, quick.changes.qsize()) == (None, 10)


async def test_whoever_leaves_is_forgotten() -> None:
    feed = Feed("127.0.0.1:9", None, room=3)  # type: ignore[arg-type]
    with feed.subscribe(""):
        assert feed.open_streams == 1
    assert feed.open_streams == 0


def test_a_change_without_the_database_has_its_sentence_with_the_numbers_left_open() -> None:
    case = CaseSummary(
        case_id="c", version=1, home_id="h", area_code="", family="no_life", priority=1, score=3, reasons=("inactivity.silent",),
        handling="QUEUED", condition="on", raised_at=NOW, queued_at=NOW, deadline_at=NOW,
    )  # fmt: skip
    numbers = {"silence_min": 90.0, "room": "kitchen", "limit_min": 60.0}
    assert "90 分钟" in row_of_summary(case, [reason("inactivity.silent", numbers)]).reasons[0].zh
    assert "? 分钟" in row_of_summary(case, None).reasons[0].zh


async def test_a_canary_comes_to_its_judge_and_to_no_console() -> None:
    heard: list[Word] = []
    feed = Feed("127.0.0.1:9", None, room=3, canary=heard.append)  # type: ignore[arg-type]
    word = signed(b"k" * 32, "canary-3", "urgent", 1_760_000_000_123)
    with feed.subscribe("") as console:
        await feed._publish([Record(alerts.encode(canary_event(word, NOW)))])  # type: ignore[list-item]
        assert (heard, console.changes.qsize()) == ([word], 0)
