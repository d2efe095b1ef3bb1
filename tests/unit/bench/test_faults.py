"""The plan of faults: the same from the same seed, complete, and one at a time."""

from collections import Counter

import pytest

from bench.faults import ALONE, CLOCK, DISK, LEAST_PAUSE_S, WORKERS, TooShort, plan
from deploy.services import SERVICES
from deploy.stages import STAGES

ALL_STAGES = [*(entry.name for entry in STAGES), "ingest-demo"]
ALL_SERVICES = [entry.name for entry in SERVICES]
LENGTHS_S = (120.0, 240.0, 1200.0, 3600.0)


def planned(seconds, seed, **more):
    return plan(seconds, seed, ALL_STAGES, ALL_SERVICES, **{"alone": tuple(ALONE)} | more)


def test_the_same_seed_gives_the_same_plan_and_another_one_another():
    assert planned(240, 7) == planned(240, 7)
    assert planned(240, 7) != planned(240, 8)


@pytest.mark.parametrize("seconds", LENGTHS_S)
@pytest.mark.parametrize("seed", range(5))
def test_something_befalls_every_stage_and_every_service(seconds, seed):
    assert {fault.target for fault in planned(seconds, seed)} == {*ALL_STAGES, *ALL_SERVICES, *ALONE}


@pytest.mark.parametrize("seconds", LENGTHS_S)
@pytest.mark.parametrize("seed", range(5))
def test_one_fault_holds_at_a_time_and_all_end_before_the_run_does(seconds, seed):
    faults = planned(seconds, seed)
    ends_s = [fault.at_s + fault.hold_s for fault in faults]
    assert all(after.at_s >= end_s + LEAST_PAUSE_S - 0.01 for end_s, after in zip(ends_s, faults[1:], strict=False))
    assert ends_s[-1] < seconds


def test_in_an_hour_everything_befalls_everybody():
    pairs = Counter((fault.kind, fault.target) for fault in planned(3600, 1))
    for kind in ("kill", "freeze", "restart"):
        assert all(pairs[kind, target] for target in [*ALL_STAGES, *ALL_SERVICES])
    assert all(pairs["gone", target] for target in ALL_SERVICES)
    assert pairs["join", WORKERS]
    assert pairs["ahead", CLOCK]
    assert pairs["behind", CLOCK]
    assert pairs["full", DISK]


def test_what_this_machine_cannot_do_is_left_out():
    faults = planned(3600, 1, alone=(WORKERS,))
    assert not {CLOCK, DISK} & {fault.target for fault in faults}


def test_an_hour_has_the_long_faults_that_were_asked_for():
    faults = planned(3600, 1)
    assert {fault.hold_s for fault in faults if fault.kind == "gone"} == {300.0}
    frozen_s = [fault.hold_s for fault in faults if fault.kind == "freeze"]
    assert min(frozen_s) >= 1
    assert 30 < max(frozen_s) <= 60


def test_without_broker_kills_the_broker_is_frozen_restarted_and_gone_but_never_killed():
    faults = [fault for seed in range(20) for fault in planned(1200, seed, broker_kills=False)]
    assert {fault.kind for fault in faults if fault.target == "mosquitto"} == {"freeze", "restart", "gone"}


def test_how_long_a_service_is_gone_can_be_said():
    assert {fault.hold_s for fault in planned(1200, 1, gone_s=42.0) if fault.kind == "gone"} == {42.0}


def test_a_run_too_short_for_everybody_is_refused_with_the_length_that_is_needed():
    with pytest.raises(TooShort, match="Ask for at least"):
        planned(20, 1)
