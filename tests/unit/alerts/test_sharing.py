"""Whose turn it is, and whose promise."""

from datetime import UTC, datetime, timedelta

import pytest

from alerts.sharing import OFFER_S, PROMISE_S, PROMISES, Seat, Unoffered, answered_for, heir, share

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def seat(name, **fields):
    return Seat(**({"user_name": name, "area_prefix": "330282", "signed_on_at": NOW - timedelta(hours=1)} | fields))


def waiting(name="c-1", **fields):
    return Unoffered(**({"case_id": name, "spell": 1, "priority": 2, "area_code": "330282001001"} | fields))


def offered(cases, seats, successors=None):
    return [(o.case_id, o.user_name, o.why) for o in share(cases, seats, successors or {}, NOW)]


def test_the_desk_with_the_least_recent_load_is_offered_the_next_case():
    seats = [seat("a", taken=3), seat("b", taken=1), seat("c", taken=2)]
    cases = [waiting("c-1"), waiting("c-2"), waiting("c-3"), waiting("c-4")]
    assert offered(cases, seats) == [("c-1", "b", "load"), ("c-2", "c", "load"), ("c-3", "a", "load")], (
        "one each; what nobody is free for is everybody's"
    )


def test_of_two_with_the_same_load_it_is_whose_last_case_was_longer_ago():
    seats = [
        seat("a", taken=1, taken_at=NOW - timedelta(minutes=5)),
        seat("b", taken=1, taken_at=NOW - timedelta(minutes=20)),
    ]
    assert offered([waiting()], seats) == [("c-1", "b", "load")]


def test_a_p1_is_offered_to_nobody_in_particular():
    assert offered([waiting(priority=1)], [seat("a"), seat("b")]) == []


@pytest.mark.parametrize("busy", [{"in_hand": 1}, {"offered": True}])
def test_who_has_a_case_in_hand_or_on_offer_is_not_asked(busy):
    assert offered([waiting()], [seat("a", **busy), seat("b", taken=9)]) == [("c-1", "b", "load")]
    assert offered([waiting()], [seat("a", **busy)]) == []


def test_only_who_sees_the_area_is_asked_and_an_unregistered_home_is_everybody_s():
    elsewhere = seat("a", area_prefix="330206")
    assert offered([waiting()], [elsewhere]) == []
    assert offered([waiting(area_code="")], [elsewhere]) == [("c-1", "a", "load")]


def test_who_has_just_given_it_back_is_asked_last():
    given_back = waiting(former_desk_id="a", came_by="case.released")
    assert offered([given_back], [seat("a"), seat("b", taken=5)]) == [("c-1", "b", "load")]
    assert offered([given_back], [seat("a")]) == [("c-1", "a", "load")]


@pytest.mark.parametrize("came_by", sorted(PROMISES))
@pytest.mark.parametrize("priority", [1, 2])
def test_a_promise_comes_back_to_who_made_it_however_busy_he_is(came_by, priority):
    promised = waiting(priority=priority, former_desk_id="a", came_by=came_by)
    assert offered([promised], [seat("a", in_hand=2), seat("b")]) == [("c-1", "a", "promise")]


def test_a_promise_of_who_left_comes_to_who_took_over_and_of_nobody_s_to_whose_turn_it_is():
    promised = waiting(former_desk_id="a", came_by="case.hold_ended")
    assert offered([promised], [seat("b"), seat("c")], {"a": "c"}) == [("c-1", "c", "promise")]
    assert offered([promised], [seat("b"), seat("d")], {"a": "c", "c": "d"}) == [("c-1", "d", "promise")]
    assert offered([promised], [seat("b")], {"a": "c"}) == [("c-1", "b", "load")]


def test_two_who_took_over_from_each_other_and_are_both_gone_answer_for_nothing():
    assert heir("a", {}, {"a": "b", "b": "a"}) is None


def test_who_came_back_to_his_desk_answers_for_his_own_promises_again():
    on_duty = {"a": seat("a"), "b": seat("b")}
    assert heir("a", on_duty, {"a": "b"}) == "a"
    assert answered_for("b", {"a": "b"}, on_duty) == ["b"]
    assert answered_for("b", {"a": "b", "z": "a"}, {"b": seat("b")}) == ["a", "b", "z"]


def test_an_offer_ends_by_itself():
    (turn,) = share([waiting()], [seat("a")], {}, NOW)
    assert turn.until_at == NOW + timedelta(seconds=OFFER_S)
    promised = waiting(former_desk_id="a", came_by="case.left")
    (kept,) = share([promised], [seat("a")], {}, NOW)
    assert kept.until_at == NOW + timedelta(seconds=PROMISE_S)
