"""Intake: identity of rows, repeats, and what a counter that goes back may not do."""

import json
from typing import Any

from contracts.clocks import WallClock
from contracts.kinds import DEVICE, RECEIVED, UNRESOLVED
from contracts.partitions import partition_of
from ingest.clocks import RecordedClock
from ingest.event_time import EventTimes
from ingest.intake import Intake, Row, Taken

HOME = "shouwang/v1/330282101/home-1.hub"
NOW = 1_800_000_000.0


class Bench:
    """An intake whose clock stands where the test puts it."""

    def __init__(self) -> None:
        self.now_s = NOW
        clock = WallClock(wall=lambda: self.now_s, steady=lambda: self.now_s)
        self.intake = Intake(clock, EventTimes(), 16)

    def take(self, channel: str, payload: Any, *, later: float = 0.0, live: bool = True) -> Taken:
        self.now_s += later
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        return self.intake.take(f"{HOME}/{channel}", raw, live=live)

    def row(self, channel: str, payload: Any, *, later: float = 0.0, live: bool = True) -> Row:
        (row,) = self.take(channel, payload, later=later, live=live).rows
        return row


def identity(row: Row) -> tuple[str, int, int]:
    return row.envelope.device_id, row.envelope.boot, row.envelope.seq


def test_a_device_that_counts_is_known_by_its_numbers() -> None:
    row = Bench().row(
        "telemetry", {"kind": "motion", "moving": True, "t": NOW, "sent": NOW, "boot": 7, "seq": 3, "resident": "r-1"}
    )
    assert identity(row) == ("hub", 7, 3)
    envelope = row.envelope
    assert (envelope.home_id, envelope.via, envelope.resident_id) == ("home-1", None, "r-1")
    assert (envelope.event_at_s, envelope.received_at_s, envelope.device_at_s, envelope.clock) == (
        NOW,
        NOW,
        NOW,
        DEVICE,
    )
    assert row.partition == partition_of("home-1", 16)


def test_the_same_payload_with_a_time_is_the_same_reading_whenever_it_comes() -> None:
    bench = Bench()
    payload = {"kind": "motion", "moving": True, "t": NOW}
    assert identity(bench.row("telemetry", payload)) == identity(bench.row("telemetry", payload, later=300))


def test_the_same_payload_without_a_time_is_another_reading_each_time() -> None:
    """A second "offline" must not be taken for a repeat of the first."""
    bench = Bench()
    assert identity(bench.row("status", b'{"online": false}')) != identity(
        bench.row("status", b'{"online": false}', later=1)
    )


def test_a_number_without_boot_counts_nothing_because_it_may_begin_anew() -> None:
    bench = Bench()
    one = bench.row("telemetry", {"kind": "motion", "moving": True, "t": NOW, "seq": 1})
    two = bench.row("telemetry", {"kind": "motion", "moving": True, "t": NOW + 1, "seq": 1})
    assert one.envelope.boot == two.envelope.boot == -1
    assert identity(one) != identity(two)


def test_equal_readings_of_one_list_and_several_kinds_of_one_payload_differ() -> None:
    bench = Bench()
    rows = bench.take("telemetry", [{"kind": "motion", "moving": True, "t": NOW}] * 2).rows
    rows += bench.take("z2m/multi", {"occupancy": True, "temperature": 20, "battery": 90, "last_seen": NOW * 1000}).rows
    assert len({identity(row) for row in rows}) == len(rows) == 5


def test_a_repeat_of_an_urgent_message_is_known_once_kafka_holds_it() -> None:
    bench = Bench()
    call = {"kind": "call", "t": NOW, "boot": 1, "seq": 5}
    first = bench.row("event", call)
    assert not first.repeat
    again = bench.row("event", call, later=5)
    assert not again.repeat, "Kafka does not hold it yet: it is sent again, with the same identity"
    assert identity(again) == identity(first)
    assert bench.intake.held(first) is False
    assert bench.row("event", {**call, "sent": NOW + 10}, later=5).repeat


def test_a_counter_that_begins_anew_does_not_make_a_second_sos_a_repeat() -> None:
    bench = Bench()
    first = bench.row("event", {"kind": "call", "t": NOW, "boot": 1, "seq": 5})
    bench.intake.held(first)
    second = bench.row("event", {"kind": "call", "t": NOW + 900, "boot": 1, "seq": 5}, later=900)
    assert not second.repeat
    assert identity(second) != identity(first)
    assert bench.intake.held(second) is False
    assert bench.row("event", {"kind": "call", "t": NOW + 900, "boot": 1, "seq": 5}, later=5).repeat


def test_an_sos_without_a_time_is_a_repeat_for_ten_minutes_only() -> None:
    bench = Bench()
    call = {"kind": "call", "boot": 1, "seq": 5}
    first = bench.row("event", call)
    bench.intake.held(first)
    assert bench.row("event", call, later=30).repeat
    much_later = bench.row("event", call, later=1_200)
    assert not much_later.repeat
    assert identity(much_later) != identity(first)
    assert identity(bench.row("event", call, later=5)) == identity(much_later)


def test_a_changed_boot_and_a_seq_going_back_are_new_readings() -> None:
    bench = Bench()
    numbers = [(1, 10), (1, 9), (2, 9)]
    rows = [
        bench.row("telemetry", {"kind": "motion", "moving": True, "t": NOW, "boot": boot, "seq": seq})
        for boot, seq in numbers
    ]
    assert [identity(row)[1:] for row in rows] == numbers


def test_too_old_readings_are_refused_with_their_number_and_those_beside_them_kept() -> None:
    old = {"kind": "motion", "moving": True, "t": NOW - 365 * 86_400, "boot": 1, "seq": 1}
    taken = Bench().take("telemetry", [old, {**old, "t": NOW, "seq": 2}])
    assert [row.envelope.seq for row in taken.rows] == [2]
    (refusal,) = taken.refusals
    assert (refusal.reason, refusal.boot, refusal.seq) == ("too_old", 1, 1)


def test_a_last_will_has_the_bridges_time_only_while_it_is_live() -> None:
    bench = Bench()
    assert bench.row("status", b'{"online": false}').envelope.clock == RECEIVED
    assert bench.row("status", b'{"online": false}', live=False).envelope.clock == UNRESOLVED


def test_a_fault_of_the_program_in_one_payload_becomes_a_dead_letter(monkeypatch: Any) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("ingest.gate.read_many", broken)
    taken = Bench().take("telemetry", {"kind": "motion", "moving": True})
    assert taken.rows == []
    assert (taken.refusals[0].reason, "boom" in taken.refusals[0].detail) == ("gate_error", True)


def test_on_the_recorded_clock_arrival_is_the_recordings_own_time_and_never_goes_back() -> None:
    clock = RecordedClock()
    intake = Intake(clock, EventTimes(), 16)
    at = [10.0, 30.0, 20.0]
    rows = [
        intake.take(
            f"{HOME}/telemetry", json.dumps({"kind": "motion", "moving": True, "t": t}).encode(), live=False
        ).rows[0]
        for t in at
    ]
    assert [row.envelope.event_at_s for row in rows] == at
    assert [row.envelope.received_at_s for row in rows] == [10.0, 30.0, 30.0]
    intake.take(f"{HOME}/clock", b'{"t": 99}', live=False)
    assert clock.now_s() == 99.0
