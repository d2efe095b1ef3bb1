"""The table itself: what may follow what, and what must never."""

from datetime import UTC, datetime, timedelta
from typing import get_args

import msgspec
import pytest

from alerts.cases import OPEN, OWNED, Case
from alerts.errors import NotPossible
from alerts.lifecycle import MEANING, TABLE, Event, possible, queue_place, step, timers_of
from alerts.rules import SHIPPED
from contracts.alerts import Handling

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOT_IN_FORCE: set[str] = set()


def a_case(**fields):
    known = {
        "case_id": "c-1", "home_id": "h-1", "family": "fall", "priority": 1, "score": 3, "handling": "QUEUED", "condition": "on",
        "condition_at": NOW, "event_at": NOW, "raised_at": NOW, "queued_at": NOW, "deadline_at": NOW + timedelta(seconds=60),
    }  # fmt: skip
    return Case(**(known | fields))


def test_the_table_only_speaks_of_known_handlings_and_events():
    handlings, events = set(get_args(Handling)), set(get_args(Event))
    for (before, event), after in TABLE.items():
        assert before in handlings
        assert after in handlings
        assert event in events
    assert set(MEANING) == events


def test_every_event_can_happen_somewhere():
    assert {event for _, event in TABLE} == set(get_args(Event))


def test_only_what_waits_for_a_desk_is_folded_by_an_incident_and_only_its_desk_merges_a_case():
    assert {before for before, event in TABLE if event == "fold"} == {"QUEUED"}
    assert {before for before, event in TABLE if event == "merge"} == set(OWNED)
    assert {event for (_, event), after in TABLE.items() if after == "MERGED"} == {"fold", "merge"}
    assert possible("MERGED") == ("unfold",)


def test_every_handling_in_force_is_reached_from_raised():
    reached, frontier = {"RAISED"}, ["RAISED"]
    while frontier:
        here = frontier.pop()
        following = {after for (before, _), after in TABLE.items() if before == here} - reached
        reached |= following
        frontier += following
    assert reached == set(get_args(Handling)) - NOT_IN_FORCE


def test_from_every_open_handling_a_case_can_be_finished():
    for handling in set(OPEN) - NOT_IN_FORCE:
        reached, frontier = {handling}, [handling]
        while frontier:
            here = frontier.pop()
            following = {after for (before, _), after in TABLE.items() if before == here} - reached
            reached |= following
            frontier += following
        assert "CLOSED" in reached, handling


def test_a_test_never_becomes_a_case_that_counts():
    assert possible("TEST") == ()


def test_an_owner_can_always_give_it_back_and_always_loses_an_idle_lease():
    for handling in OWNED:
        assert TABLE[(handling, "release")] == "QUEUED"
        assert TABLE[(handling, "lose_lease")] == "QUEUED"


def test_what_nobody_holds_can_be_claimed_and_nothing_else():
    assert {before for before, event in TABLE if event == "claim"} == {"QUEUED", "ASKING", "SHELVED", "SUSPENDED"}


def test_nobody_is_asked_twice_and_whatever_ends_the_asking_calls_for_a_person_or_ends_it():
    assert [before for (before, _), after in TABLE.items() if after == "ASKING"] == ["RAISED"]
    assert {after for (before, _), after in TABLE.items() if before == "ASKING"} == {"QUEUED", "CLAIMED", "RESOLVED"}


def test_an_impossible_step_says_what_is_possible():
    with pytest.raises(NotPossible, match="QUEUED cannot resolve; possible now: claim, restore"):
        step(a_case(), "resolve")


def test_every_unfinished_handling_has_a_timer_so_that_nothing_is_forgotten():
    later = NOW + timedelta(seconds=90)
    waiting = {
        "QUEUED": a_case(), "HELD": a_case(handling="HELD", held_until_at=later),
        "RESOLVED": a_case(handling="RESOLVED", resolved_at=NOW),
        "ASKING": a_case(handling="ASKING", asking_until_at=later), "SHELVED": a_case(handling="SHELVED", held_until_at=later), "SUSPENDED": a_case(handling="SUSPENDED", held_until_at=later),
    }  # fmt: skip
    for handling in OWNED:
        waiting[handling] = a_case(handling=handling, lease_until_at=later)
    for handling in {before for before, _ in TABLE} - {"RAISED", "CLOSED", "MERGED"}:
        assert timers_of(waiting[handling], SHIPPED), handling


def test_finished_cases_and_tests_have_no_timer():
    assert timers_of(a_case(handling="CLOSED"), SHIPPED) == {}
    assert timers_of(a_case(handling="TEST"), SHIPPED) == {}


def test_the_ladder_counts_from_queueing_and_ends_with_the_incident_review():
    due = [timers_of(a_case(rung=rung), SHIPPED) for rung in range(5)]
    assert due == [*({"rung": NOW + timedelta(seconds=after_s)} for after_s in (30, 60, 90, 180)), {}]


def test_a_restored_technical_case_waits_a_minute_before_it_closes():
    gone = a_case(family="technical", priority=4, condition="off", condition_at=NOW + timedelta(seconds=5))
    assert timers_of(gone, SHIPPED)["restoral"] == NOW + timedelta(seconds=65)
    assert "restoral" not in timers_of(msgspec.structs.replace(gone, family="fall"), SHIPPED)


def test_the_queue_is_ordered_by_priority_then_returned_ones_then_deadline():
    def at(case_id, priority, deadline_s, former=None):
        deadline = NOW + timedelta(seconds=deadline_s)
        return a_case(case_id=case_id, priority=priority, deadline_at=deadline, former_desk_id=former)

    cases = [at("late", 1, 50), at("soon", 1, 40), at("returned", 1, 60, "desk-1"), at("water", 3, 1)]
    assert [case.case_id for case in sorted(cases, key=queue_place)] == ["returned", "soon", "late", "water"]
