"""Clocks: they never go back, and a jump of the machine's clock moves nothing."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.clocks import SLEW, WallClock
from contracts.errors import BadSetting
from ingest.clocks import RecordedClock, VirtualClock, read_clock


class Machine:
    """A machine whose wall clock can jump."""

    def __init__(self) -> None:
        self.wall_s = 1_800_000_000.0
        self.steady_s = 50.0

    def pass_s(self, seconds: float) -> None:
        self.wall_s += seconds
        self.steady_s += seconds

    def clock(self, not_before_s: float = 0.0) -> WallClock:
        return WallClock(not_before_s, lambda: self.wall_s, lambda: self.steady_s)


@pytest.mark.parametrize("jump_s", [3_600.0, -3_600.0, 5.0, -5.0])
def test_a_jump_of_the_machines_clock_moves_nothing(jump_s: float) -> None:
    machine = Machine()
    clock = machine.clock()
    before = clock.now_s()
    machine.wall_s += jump_s
    assert clock.now_s() == before
    machine.pass_s(10.0)
    assert clock.now_s() == pytest.approx(before + 10.0, abs=10.0 * SLEW)


def test_a_small_error_is_gone_after_a_while() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.wall_s += 1.0
    for _ in range(210):
        machine.pass_s(1.0)
        clock.now_s()
    assert clock.now_s() == pytest.approx(machine.wall_s, abs=1e-6)
    assert clock.behind_s() == pytest.approx(0.0, abs=1e-6)


def test_it_starts_no_earlier_than_what_was_stated_before() -> None:
    machine = Machine()
    clock = machine.clock(not_before_s=machine.wall_s + 100.0)
    assert clock.now_s() == machine.wall_s + 100.0


@given(steps=st.lists(st.tuples(st.floats(0, 1e4), st.floats(-1e6, 1e6)), max_size=30))
def test_the_wall_clock_never_goes_back_whatever_the_machine_does(steps: list[tuple[float, float]]) -> None:
    machine = Machine()
    clock = machine.clock()
    last = clock.now_s()
    for passed, jump in steps:
        machine.pass_s(passed)
        machine.wall_s += jump
        now = clock.now_s()
        assert now >= last
        assert now - last == pytest.approx(passed, rel=SLEW * 1.01, abs=1e-5)
        last = now


def test_the_virtual_clock_runs_faster_from_an_instant_that_processes_share() -> None:
    machine = Machine()
    clock = VirtualClock(machine.wall_s, 1_000.0, 60.0, machine.clock())
    assert clock.now_s() == 1_000.0
    machine.pass_s(2.0)
    assert clock.now_s() == pytest.approx(1_120.0)


def test_a_virtual_world_is_complete_as_far_as_it_was_played_and_never_beyond_now() -> None:
    machine = Machine()
    clock = VirtualClock(machine.wall_s, 1_000.0, 60.0, machine.clock())
    machine.pass_s(1.0)
    assert clock.complete_until_s() is None
    found = []
    for played in (1_020.0, 1_010.0, 1_500.0):
        clock.observe(played)
        found.append(clock.complete_until_s())
    assert found == pytest.approx([1_020.0, 1_020.0, 1_060.0])


def test_in_a_virtual_world_a_message_arrives_when_it_is_sent() -> None:
    machine = Machine()
    clock = VirtualClock(machine.wall_s, 1_000.0, 60.0, machine.clock())
    machine.pass_s(3.0)
    assert [clock.arrival_s(t, sent) for t, sent in ((990.0, 1_030.0), (1_030.0, None), (9_000.0, 9_000.0))] == (
        pytest.approx([1_030.0, 1_180.0, 1_180.0])
    )


def test_the_recorded_clock_is_the_latest_time_seen() -> None:
    clock = RecordedClock()
    assert clock.complete_until_s() is None
    assert [clock.observe(t) for t in (10.0, 8.0, None, 12.0)] == [10.0, 10.0, 10.0, 12.0]


def test_a_recording_is_complete_only_before_its_present_instant() -> None:
    clock = RecordedClock()
    clock.observe(10.0)
    until = clock.complete_until_s()
    assert until is not None
    assert until < 10.0
    assert math.isclose(until, 10.0)


@pytest.mark.parametrize(
    ("setting", "name"), [("wall", "wall"), ("recorded", "recorded"), ("virtual:10:20:60", "virtual")]
)
def test_a_clock_is_named_in_the_settings(setting: str, name: str) -> None:
    assert read_clock(setting).name == name


@pytest.mark.parametrize(
    "setting",
    ["", "virtual", "virtual:1:2", "virtual:1:2:0", "virtual:1:2:-3", "virtual:a:b:c", "virtual:1:nan:2", "sun"],
)
def test_any_other_word_refuses_to_start(setting: str) -> None:
    with pytest.raises(BadSetting):
        read_clock(setting)
