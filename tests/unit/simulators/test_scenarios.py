"""Incidents: each changes what it must, nothing else, and is in the ledger with those who may notice it."""

import itertools
from collections.abc import Sequence

import msgspec
import pytest

from contracts.detections import FAMILIES
from simulators.clock import local_hour, midnight_s
from simulators.neighbourhood import neighbourhood
from simulators.residents import Stay, live
from simulators.scenarios import SCENARIOS, Incident, LedgerEntry, alter
from simulators.schedule import Schedule, schedule, story
from simulators.sensing import Sensed

START_S = midnight_s(20_000) + 4.5 * 3600
END_S = START_S + 2.5 * 3600
HOMES = neighbourhood(60, seed=1)


def half_past(home: object, at_s: float, room: str) -> float:
    return 50 * 60.0


@pytest.fixture(scope="module")
def plan() -> Schedule:
    return schedule(HOMES, START_S, END_S, 1, half_past, stretch_s=4 * 3600)


def told(plan: Schedule, name: str) -> tuple[Incident, list[Sensed]]:
    incident = next(i for i in plan.incidents if i.scenario == name)
    return incident, list(story(incident.home, START_S, END_S, plan.incidents).sensed)


def signs(sensed: Sequence[Sensed]) -> list[Sensed]:
    return [
        s
        for s in sensed
        if (s.kind == "motion" and s.values["moving"])
        or s.kind == "contact"
        or (s.kind == "vitals")
        or (s.kind == "water" and (s.values.get("litres", 0) > 0 or s.values.get("flow_l_min", 0) > 0))
        or (s.kind == "presence" and s.values["present"])
    ]


def test_every_scenario_finds_a_home_of_its_own_in_the_early_morning(plan: Schedule) -> None:
    assert plan.impossible == ()
    assert sorted(i.scenario for i in plan.incidents) == sorted(SCENARIOS)
    assert len({i.home.home_id for i in plan.incidents}) == len(SCENARIOS)
    assert all(i.at_s >= START_S and i.at_s + i.due_s < END_S for i in plan.incidents)


def test_the_plan_repeats_exactly_and_another_seed_gives_another(plan: Schedule) -> None:
    assert schedule(HOMES, START_S, END_S, 1, half_past, stretch_s=4 * 3600) == plan
    assert schedule(HOMES, START_S, END_S, 2, half_past, stretch_s=4 * 3600) != plan


def test_what_does_not_fit_is_told_and_not_forced() -> None:
    afternoon_s = midnight_s(20_000) + 14 * 3600
    plan = schedule(HOMES, afternoon_s, afternoon_s + 5400, 1, half_past, scenarios=["wander", "sos"])
    assert plan.impossible == ("wander",)
    assert [i.scenario for i in plan.incidents] == ["sos"]


@pytest.mark.parametrize("name", [name for name, kind in SCENARIOS.items() if kind.urgent])
def test_an_urgent_incident_sends_one_urgent_message_at_its_cause(plan: Schedule, name: str) -> None:
    incident, sensed = told(plan, name)
    urgent = [s for s in sensed if s.channel == "event" and s.values.get("alarm", True)]
    assert len(urgent) == 1
    assert 0 <= urgent[0].at_s - incident.at_s <= 10


def test_a_silent_resident_is_silent_while_the_devices_go_on(plan: Schedule) -> None:
    incident, sensed = told(plan, "silent")
    after = [s for s in sensed if s.at_s > incident.at_s + 5]
    lone = [s for s in signs(after) if s.kind != "motion"]
    assert lone == []
    assert len(signs(after)) <= 2  # strays
    before_s, after_s = incident.at_s - START_S, END_S - incident.at_s
    beats = [s.at_s for s in sensed if s.device_id == "hub"]
    assert sum(at_s > incident.at_s for at_s in beats) == pytest.approx(
        len(beats) * after_s / (before_s + after_s), rel=0.1
    )


def test_a_forgotten_stove_stays_on_and_nobody_is_in_the_kitchen(plan: Schedule) -> None:
    incident, sensed = told(plan, "stove")
    window = [s for s in sensed if incident.at_s + 120 < s.at_s < incident.at_s + 30 * 60]
    powers = [s.values for s in window if s.device_id == "stove"]
    assert len(powers) > 20
    assert all(values["on"] for values in powers)
    assert sum(s.device_id == "pir-kitchen" and s.values.get("moving") is True for s in window) <= 1


def test_a_tap_left_open_runs_without_a_break(plan: Schedule) -> None:
    incident, sensed = told(plan, "tap")
    flows = [
        s
        for s in sensed
        if s.device_id == "tap" and s.kind == "water" and incident.at_s <= s.at_s < incident.at_s + 50 * 60
    ]
    assert len(flows) >= 48
    assert all(s.values["flow_l_min"] > 5 for s in flows)


def test_a_wanderer_goes_by_the_door_at_night_and_is_not_seen_inside(plan: Schedule) -> None:
    incident, sensed = told(plan, "wander")
    assert local_hour(incident.at_s) < 5 or local_hour(incident.at_s) >= 23
    door = [s for s in sensed if s.kind == "contact" and s.device_id == "door"]
    assert [s.values["open"] for s in door if s.at_s >= incident.at_s][:2] == [True, False]
    away = [s for s in signs(sensed) if incident.at_s + 40 < s.at_s < incident.at_s + 50 * 60]
    assert away == []
    assert [s for s in signs(sensed) if s.at_s < incident.at_s], (
        "somebody must have been seen before, else the home is empty"
    )


def test_what_an_incident_does_not_touch_stays_as_it_was(plan: Schedule) -> None:
    incident, sensed = told(plan, "smoke")
    calm = list(story(incident.home, START_S, END_S).sensed)
    assert [s for s in sensed if s.device_id != "smoke"] == [s for s in calm if s.device_id != "smoke"]


def test_a_ledger_line_can_be_read_back_and_names_known_words(plan: Schedule) -> None:
    for incident in plan.incidents:
        entry = incident.entry(1000.0)
        assert msgspec.json.decode(msgspec.json.encode(entry), type=LedgerEntry) == entry
        assert entry.family in FAMILIES
        assert entry.detectors


def test_a_day_that_is_changed_in_the_middle_has_no_hole() -> None:
    stays = list(live(HOMES[0].seed, START_S, END_S))
    cut = stays[3]
    changed = (Stay(cut.start_s + 10, cut.start_s + 4000, "living", "sit"),)
    altered = list(alter(stays, changed))
    assert altered[0] == stays[0]
    assert altered[-1].end_s == stays[-1].end_s
    assert all(a.end_s == b.start_s for a, b in itertools.pairwise(altered))
