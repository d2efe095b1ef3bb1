"""Who is told, when, and when not. Pure."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from alerts.notices import Duty, Recipient, Waiting, after, due, on_duty, people_for, reason_of, words
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
    return [(notice.rung, notice.recipient_id) for notice in due(waiting, SHIPPED, now, 30) if notice.recipient_id]


def in_vain(case, recipients=ALL, notices=(), now=NOW):
    """Rungs that reach nobody."""
    waiting = Waiting(case=case, recipients=tuple(recipients), notices=tuple(notices))
    return sorted(notice.rung for notice in due(waiting, SHIPPED, now, 30) if not notice.recipient_id)


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


@pytest.mark.parametrize("handling", ["ASKING", "SHELVED", "SUSPENDED", "MERGED", "RESOLVED", "CLOSED", "TEST"])
def test_nobody_is_told_of_what_does_not_ring(handling):
    assert told(a_case(handling=handling, rung=4)) == []


@pytest.mark.parametrize("handling", ["CLAIMED", "VERIFYING", "DISPATCHED", "ON_SCENE", "HELD"])
def test_of_what_somebody_has_kin_hear_where_it_is_a_p1_and_nobody_else_does(handling):
    assert told(a_case(handling=handling, rung=4)) == [(0, "daughter")]
    assert told(a_case(handling=handling, rung=4, priority=2)) == []
    assert told(a_case(handling=handling), [msgspec.structs.replace(DAUGHTER, consented=False)]) == []
    assert told(a_case(handling=handling, test=True)) == []


def kin_told(case, sent=True, at=NOW):
    (notice,) = due(Waiting(case=case, recipients=(DAUGHTER,), notices=()), SHIPPED, at, 30)
    return after(notice, sent, "", at)


def test_kin_hear_once_however_often_the_case_comes_back_and_again_when_it_was_over():
    queued = a_case(spell=1, queued_at=NOW)
    known = [kin_told(queued)]
    later = NOW + timedelta(hours=1)
    assert told(a_case(handling="CLAIMED", spell=1, queued_at=NOW), [DAUGHTER], known, later) == []
    assert told(a_case(spell=2, queued_at=NOW), [DAUGHTER], known, later) == [], "its desk let go of it"
    reopened = a_case(spell=3, queued_at=NOW + timedelta(minutes=30))
    assert told(reopened, [DAUGHTER], known, later) == [(0, "daughter")]
    assert told(reopened, [DAUGHTER], [*known, kin_told(reopened, at=later)], later) == []
    assert told(reopened, [DAUGHTER], known, later, announced=["daughter"]) == [(0, "daughter")]


def test_a_clock_that_differs_tells_kin_no_second_time():
    ahead = a_case(spell=1, queued_at=NOW + timedelta(seconds=2))
    assert told(ahead, [DAUGHTER], [kin_told(ahead)], NOW + timedelta(seconds=1)) == []


def test_what_failed_for_kin_before_the_claim_is_tried_again_after_it():
    failed = kin_told(a_case(spell=1, queued_at=NOW), sent=False)
    for claimed in (a_case(handling="CLAIMED", spell=1, queued_at=NOW), a_case(spell=2, queued_at=NOW)):
        waiting = Waiting(case=claimed, recipients=(DAUGHTER,), notices=(failed,))
        assert due(waiting, SHIPPED, NOW, 30) == [], "its pause"
        (again,) = due(waiting, SHIPPED, failed.taken_until_at, 30)
        assert (again.key, again.attempts) == (failed.key, 2)


def test_what_was_said_of_it_at_another_priority_is_not_of_a_p1():
    said = msgspec.structs.replace(kin_told(a_case()), priority=3)
    assert told(a_case(), [DAUGHTER], [said]) == [(0, "daughter")]


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


def test_a_rung_that_reaches_nobody_is_said_once_and_somebody_who_comes_on_duty_is_told_all_the_same():
    case = a_case(rung=4, spell=1)
    assert in_vain(case) == []
    assert in_vain(case, [DAUGHTER]) == [1, 2, 4], "kin stand for rung 3"
    assert in_vain(case, [CHIEF, DESK]) == [3]
    assert in_vain(a_case(rung=0), []) == [], "no kin: their choice"
    assert in_vain(a_case(rung=4, handling="CLAIMED"), []) == []
    assert in_vain(a_case(rung=1, handling="CLAIMED", called_rungs=(2,)), [DESK]) == [2]
    low = msgspec.structs.replace(DESK, lowest_priority=1)
    assert in_vain(a_case(rung=1, priority=2), [low]) == [1]
    night = msgspec.structs.replace(DESK, duties=(Duty(weekday=7, from_minute=20 * 60, to_minute=24 * 60),))
    before = NOW - timedelta(minutes=1)
    waiting = Waiting(case=a_case(rung=1, spell=1), recipients=(night,), notices=())
    (said,) = due(waiting, SHIPPED, before, 30)
    assert (said.sent, reason_of(said)) == (False, "case.nobody_to_tell")
    assert in_vain(a_case(rung=1, spell=1), [night], [said], before) == []
    assert told(a_case(rung=1, spell=1), [night], [said], NOW) == [(1, "desk-phone")]


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
