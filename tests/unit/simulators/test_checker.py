"""The checker: what is missed, doubled, unexpected; what passes and what does not."""

from typing import Any

import msgspec
import pytest

from simulators.checker import Signal, Verdict, percentile, totals, verdict
from simulators.clock import VirtualClock
from simulators.scenarios import LedgerEntry

CLOCK = VirtualClock(1_000.0, 500_000.0, 60.0)
FALL = LedgerEntry(
    scenario="fall_radar", home_id="demo-007", resident_id="demo-007-r1", family="fall", detectors=("fall_room",), allowed=("inactivity",),
    cause_at_s=CLOCK.at(1_010.0), due_at_s=CLOCK.at(1_012.0), urgent=True, published_wall_s=1_010.0,
)  # fmt: skip
SIGNAL = Signal(
    case_id="c-1", home_id="demo-007", family="fall", detector="fall_room", detection_id="d-1", lane="urgent", device_id="radar",
    started_at_s=CLOCK.at(1_010.0), decided_at_s=CLOCK.at(1_010.2), raised_wall_s=1_010.4, read_wall_s=1_010.3,
)  # fmt: skip


def judge(entries: list[LedgerEntry], signals: list[Signal], **changes: Any) -> Verdict:
    facts: dict[str, Any] = {"run_wall_s": (1_000.0, 1_120.0), "homes": 50, "sent": 10, "stored": 10, "gaps": 0}
    return verdict(entries, signals, CLOCK, **(facts | changes))


def another(signal: Signal, **changes: Any) -> Signal:
    return msgspec.structs.replace(signal, **changes)


def test_one_case_for_one_cause_is_what_is_wanted() -> None:
    found = judge([FALL], [SIGNAL])
    assert (found.expected, found.raised, found.missed, found.duplicated, found.unexpected) == (1, 1, 0, 0, 0)
    assert found.ok
    assert found.latency_ms["p50"] == pytest.approx(400, abs=1)


def test_nothing_is_a_miss() -> None:
    found = judge([FALL], [])
    assert (found.missed, found.ok) == (1, False)
    assert found.faults[0]["fault"] == "missed"


def test_another_detector_or_another_home_does_not_count_for_it() -> None:
    found = judge([FALL], [another(SIGNAL, home_id="demo-008"), another(SIGNAL, case_id="c-2", detector="smoke")])
    assert found.missed == 1
    assert found.unexpected == 2


def test_too_late_is_a_miss() -> None:
    assert judge([FALL], [another(SIGNAL, decided_at_s=FALL.due_at_s + 60 * 11)]).missed == 1


def test_a_silence_is_due_later_by_what_nobody_watched_of_it_and_a_fall_is_not() -> None:
    silence = msgspec.structs.replace(
        FALL, scenario="silent", detectors=("inactivity",), urgent=False, due_at_s=FALL.cause_at_s + 3_000
    )
    outage = (silence.cause_at_s + 100, silence.cause_at_s + 400)
    after_it = (silence.due_at_s + 700, silence.due_at_s + 800)
    # 300 s of outage, 300 s of grace after it, and the 600 s that a busy machine may take.
    for late_s, missed in ((1_199, 0), (1_201, 1)):
        said = another(SIGNAL, detector="inactivity", decided_at_s=silence.due_at_s + late_s)
        assert judge([silence], [said], unwatched=[outage, after_it]).missed == missed
    assert judge([FALL], [another(SIGNAL, decided_at_s=FALL.due_at_s + 601)], unwatched=[outage]).missed == 1


def test_what_a_test_holds_up_may_come_so_much_later_and_never_not_at_all() -> None:
    held = [(1_005.0, 1_030.0), (1_500.0, 1_600.0)]  # the fall came 20 s before it was taken back
    for late_wall_s, missed in ((29.9, 0), (30.1, 1)):
        said = another(SIGNAL, decided_at_s=FALL.due_at_s + 60 * late_wall_s)
        assert judge([FALL], [said], held_wall_s=held).missed == missed
    assert judge([FALL], [], held_wall_s=held).missed == 1


def test_two_cases_for_one_cause_are_one_too_many() -> None:
    found = judge([FALL], [SIGNAL, another(SIGNAL, case_id="c-2")])
    assert (found.duplicated, found.ok) == (1, False)


def test_two_detections_of_one_press_in_one_case_are_one_too_many() -> None:
    assert judge([FALL], [SIGNAL, another(SIGNAL, detection_id="d-2")]).duplicated == 1


def test_a_device_that_falls_silent_again_because_the_run_is_over_is_not_a_copy() -> None:
    again = another(SIGNAL, case_id="c-2", detection_id="d-2")
    run = {"run_wall_s": (1_000.0, 1_010.3)}
    assert judge([FALL], [SIGNAL, another(again, decided_at_s=CLOCK.at(1_010.4))], **run).ok
    (fault,) = judge([FALL], [SIGNAL, again], **run).faults
    assert [signal["detection_id"] for signal in fault["signals"]] == ["d-1", "d-2"]
    # A cause that is only noticed after the end still must be noticed once.
    late = [another(signal, decided_at_s=CLOCK.at(1_010.4)) for signal in (SIGNAL, again)]
    assert judge([FALL], late[:1], **run).ok
    assert judge([FALL], late, **run).duplicated == 2


def test_both_lanes_may_say_the_same() -> None:
    assert judge([FALL], [SIGNAL, another(SIGNAL, lane="bulk")]).ok


def test_a_silence_after_a_fall_is_explained_by_it_but_a_silence_elsewhere_is_not() -> None:
    silence = another(
        SIGNAL,
        case_id="c-9",
        family="no_life",
        detector="inactivity",
        decided_at_s=CLOCK.at(1_100.0),
        raised_wall_s=1_100.0,
    )
    assert judge([FALL], [SIGNAL, silence]).unexpected == 0
    assert judge([FALL], [SIGNAL, another(silence, home_id="demo-020")]).unexpected == 1


def test_a_case_before_the_cause_is_not_explained_by_it() -> None:
    early = another(SIGNAL, case_id="c-9", detector="inactivity", decided_at_s=CLOCK.at(1_003.0), raised_wall_s=1_003.0)
    assert judge([FALL], [SIGNAL, early]).unexpected == 1


def test_what_is_raised_after_the_run_or_as_a_test_is_nobody_s_fault() -> None:
    late = another(SIGNAL, home_id="demo-020", case_id="c-8", raised_wall_s=1_121.0)
    test = another(SIGNAL, home_id="demo-021", case_id="c-7", test=True)
    assert judge([FALL], [SIGNAL, late, test]).unexpected == 0


def test_a_short_run_lets_no_unexpected_case_pass_and_a_long_one_lets_one_in_a_thousand_home_days() -> None:
    strange = another(SIGNAL, home_id="demo-020", case_id="c-8")
    assert not judge([FALL], [SIGNAL, strange]).ok
    long = judge([FALL], [SIGNAL, strange], homes=20_000)
    assert long.home_days > 1_000
    assert long.ok


def test_an_open_case_of_an_earlier_run_gets_a_further_signal_and_that_counts() -> None:
    found = judge([FALL], [another(SIGNAL, raised_wall_s=900.0, read_wall_s=1_010.3)])
    assert found.ok
    assert found.latency_ms["p50"] == pytest.approx(300, abs=1)


def test_one_device_cannot_make_up_for_what_another_lost() -> None:
    assert totals({"a.hub": 10, "a.pir": 5}, {"a.hub": 12, "a.pir": 4}) == (15, 14)


def test_percentiles_are_values_that_were_measured() -> None:
    assert percentile([], 0.5) is None
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert percentile([float(n) for n in range(1, 101)], 0.99) == 99.0


def test_a_hub_that_was_back_before_anybody_could_watch_is_unseen_and_one_that_could_be_watched_is_missed() -> None:
    begins_s = CLOCK.at(1_010.0)
    hub = msgspec.structs.replace(
        FALL, scenario="hub_offline", family="technical", detectors=("device_silent",), urgent=False,
        cause_at_s=begins_s, due_at_s=begins_s + 420, over_at_s=begins_s + 840,
    )  # fmt: skip
    blind = judge([hub], [], unwatched=[(begins_s + 30, begins_s + 640)])
    assert (blind.missed, blind.unseen, blind.raised, blind.ok) == (0, 1, 0, True)
    short = judge([hub], [], unwatched=[(begins_s + 30, begins_s + 60)])
    assert (short.missed, short.unseen, short.ok) == (1, 0, False)
    assert judge([hub], []).missed == 1
