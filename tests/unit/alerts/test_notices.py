"""Who is told, when, and when not. Pure."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from alerts.notices import Duty, Recipient, Waiting, after, due, on_duty, people_for, words
from alerts.rules import SHIPPED
from tests.unit.alerts.test_lifecycle import a_case

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)  # a Sunday, 20:00 in Shanghai
DESK = Recipient(recipient_id="desk-phone", kind="desk", url="json://127.0.0.1:1")
CHIEF = Recipient(recipient_id="chief", kind="supervisor", url="json://127.0.0.1:1")
BACKUP = Recipient(recipient_id="backup", kind="backup_centre", url="json://127.0.0.1:1")
DAUGHTER = Recipient(recipient_id="daughter", kind="kin", url="json://127.0.0.1:1", home_id="h-1", consented=True)
ALL = (DESK, CHIEF, BACKUP, DAUGHTER)


def told(case, recipients=ALL, notices=(), now=NOW, announced=()):
    waiting = Waiting(case=case, recipients=tuple(recipients), notices=tuple(notices), announced=frozenset(announced))
    return [(notice.rung, notice.recipient_id) for notice in due(waiting, SHIPPED, now, 30)]


@pytest.mark.parametrize(
    ("rung", "expected"),
    [
        (0, [(0, "daughter")]),
        (1, [(1, "desk-phone"), (0, "daughter")]),
        (2, [(1, "desk-phone"), (2, "chief"), (0, "daughter")]),
        (3, [(1, "desk-phone"), (2, "chief"), (3, "backup"), (0, "daughter"), (3, "daughter")]),
        (4, [(1, "desk-phone"), (2, "chief"), (4, "chief"), (3, "backup"), (0, "daughter"), (3, "daughter")]),
    ],
)
def test_each_rung_of_a_p1_calls_for_its_own_and_for_whoever_was_passed_over(rung, expected):
    assert told(a_case(rung=rung)) == expected


def test_kin_hear_of_nothing_but_a_p1_unless_they_are_told_so():
    assert told(a_case(priority=2, rung=1)) == [(1, "desk-phone")]
    assert told(a_case(), [msgspec.structs.replace(DAUGHTER, consented=False)]) == []
    assert told(a_case(), [msgspec.structs.replace(DAUGHTER, home_id="h-2")]) == []


@pytest.mark.parametrize("handling", ["ASKING", "CLAIMED", "HELD", "SHELVED", "RESOLVED", "TEST"])
def test_nobody_is_told_of_what_does_not_wait(handling):
    assert told(a_case(handling=handling, rung=4)) == []


def test_a_recipient_of_another_area_or_off_duty_is_not_told_and_an_unregistered_home_is_everybody_s():
    elsewhere = msgspec.structs.replace(DESK, area_prefix="330283")
    assert told(a_case(rung=1, area_code="330282001001"), [elsewhere]) == []
    assert told(a_case(rung=1), [elsewhere]) == [(1, "desk-phone")]
    night = msgspec.structs.replace(DESK, duties=(Duty(weekday=7, from_minute=20 * 60, to_minute=24 * 60),))
    assert on_duty(night, NOW)
    assert not on_duty(night, NOW - timedelta(minutes=1))
    assert told(a_case(rung=1), [night], now=NOW - timedelta(minutes=1)) == []


def taken(case, **fields):
    (notice,) = due(Waiting(case=case, recipients=(DESK,), notices=()), SHIPPED, NOW, 30)
    return msgspec.structs.replace(notice, **fields)


def test_who_was_told_is_not_told_again_until_somebody_lets_go():
    case = a_case(rung=1, spell=1)
    known = [after(taken(case), True, "taken", NOW)]
    assert told(case, [DESK], known, NOW + timedelta(hours=1)) == []
    again = a_case(rung=1, spell=2)
    assert told(again, [DESK], known) == [(1, "desk-phone")]


def test_what_failed_is_tried_again_after_a_pause_that_grows_and_not_for_ever():
    case = a_case(rung=1, priority=2)
    notice = taken(case)
    pauses = []
    while True:
        failed = after(notice, False, "refused", NOW)
        pauses.append((failed.taken_until_at - NOW).total_seconds())
        waiting = Waiting(case=case, recipients=(DESK,), notices=(failed,))
        assert due(waiting, SHIPPED, NOW, 30) == []
        found = due(waiting, SHIPPED, failed.taken_until_at, 30)
        if not found:
            break
        (notice,) = found
    assert pauses == [2, 4, 8, 16, 20]


def test_what_a_crash_left_in_the_middle_is_sent_again_for_a_p1_and_for_nothing_else():
    for priority, expected in ((1, [(1, "desk-phone")]), (2, [])):
        case = a_case(rung=1, priority=priority)
        left = taken(case)
        assert told(case, [DESK], [left], left.taken_until_at - timedelta(seconds=0.1)) == []
        assert told(case, [DESK], [left], left.taken_until_at) == expected


def test_limits_hold_for_all_but_a_p1_and_are_said():
    for limited in (
        msgspec.structs.replace(DESK, sent_last_hour=30),
        msgspec.structs.replace(DESK, cost=0.1, most_cost_per_day=1.0, cost_last_day=0.95),
    ):
        (notice,) = due(Waiting(case=a_case(priority=2, rung=1), recipients=(limited,), notices=()), SHIPPED, NOW, 30)
        assert (notice.sent, notice.detail) == (False, "limit reached")
        assert told(a_case(priority=2, rung=1), [limited], [notice], NOW + timedelta(hours=2)) == [], "said once"
        (urgent,) = due(Waiting(case=a_case(rung=1), recipients=(limited,), notices=()), SHIPPED, NOW, 30)
        assert urgent.sent is None


def test_who_was_told_before_the_case_was_recorded_is_not_told_at_rung_0():
    assert told(a_case(), announced=["daughter"]) == []
    assert (3, "daughter") in told(a_case(rung=3), announced=["daughter"])


def test_of_what_nobody_recorded_desks_supervisors_walls_and_kin_hear():
    areas = {"h-1": "330282001001"}
    assert [each.recipient_id for each in people_for(ALL, areas, "h-1", NOW)] == ["desk-phone", "chief", "daughter"]
    elsewhere = msgspec.structs.replace(DESK, area_prefix="330283")
    assert people_for([elsewhere], areas, "h-1", NOW) == []


def test_a_message_names_nobody():
    for recipient in ALL:
        for language in ("zh", "en"):
            title, body = words(a_case(resident_id="r-1"), msgspec.structs.replace(recipient, language=language), 1)
            assert "r-1" not in title + body
            assert "h-1" in body
