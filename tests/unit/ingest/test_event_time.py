"""Event time: a reading speaks for its own time only, and what cannot be known is said to be unknown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.kinds import CORRECTED, DEVICE, RECEIVED, UNRESOLVED
from ingest.event_time import EventTime, EventTimes
from ingest.refusals import Refused

NOW = 1_800_000_000.0
HOUR, DAY = 3_600.0, 86_400.0


def resolve(
    times: EventTimes,
    t: float | None,
    sent: float | None = None,
    *,
    at: float = NOW,
    live: bool = True,
    urgent: bool = False,
    boot: int | None = 1,
    adapter: bool = False,
) -> tuple[float, int]:
    """When, and by which clock."""
    found = times.resolve("h.d", t, sent, boot, at, live=live, urgent=urgent, arrival_is_event=adapter)
    return found.at_s, found.clock


def test_a_right_clock_is_believed() -> None:
    assert resolve(EventTimes(), NOW - 0.2, NOW - 0.1) == (NOW - 0.2, DEVICE)


def test_ten_hours_of_backlog_keep_their_own_times() -> None:
    times = EventTimes()
    for hours in range(10, 0, -1):
        assert resolve(times, NOW - hours * HOUR, NOW) == (NOW - hours * HOUR, DEVICE)


def test_a_clock_an_hour_ahead_is_corrected() -> None:
    at, clock = resolve(EventTimes(), NOW + HOUR - 5, NOW + HOUR)
    assert (at, clock) == (pytest.approx(NOW - 5), CORRECTED)


def test_a_time_an_hour_ahead_without_sent_is_unresolved() -> None:
    assert resolve(EventTimes(), NOW + HOUR) == (NOW, UNRESOLVED)


def test_a_time_a_year_old_is_refused_with_what_to_do() -> None:
    with pytest.raises(Refused, match="365 days") as refused:
        resolve(EventTimes(), NOW - 365 * DAY, NOW)
    assert refused.value.reason == "too_old"
    assert "sent" in refused.value.detail


def test_an_alarm_a_year_old_is_not_lost_where_its_clock_may_be_wrong() -> None:
    assert resolve(EventTimes(), NOW - 365 * DAY, urgent=True) == (NOW, UNRESOLVED)


def test_an_alarm_a_year_old_from_a_right_clock_is_refused() -> None:
    with pytest.raises(Refused):
        resolve(EventTimes(), NOW - 365 * DAY, NOW, urgent=True)


def test_a_missing_time_is_unresolved_but_for_messages_that_are_sent_as_things_happen() -> None:
    times = EventTimes()
    assert resolve(times, None) == (NOW, UNRESOLVED)
    assert resolve(times, None, adapter=True) == (NOW, RECEIVED)
    assert resolve(times, None, adapter=True, live=False) == (NOW, UNRESOLVED)


def test_a_clock_that_was_never_set_is_corrected_at_once() -> None:
    assert resolve(EventTimes(), 10.0, 12.5) == (pytest.approx(NOW - 2.5), CORRECTED)


def test_a_slow_clock_is_in_doubt_until_it_is_slow_by_the_same_half_a_minute_later() -> None:
    times = EventTimes()
    assert resolve(times, NOW - HOUR, NOW - HOUR) == (NOW, UNRESOLVED)
    assert resolve(times, NOW - HOUR + 10, NOW - HOUR + 10, at=NOW + 10) == (NOW + 10, UNRESOLVED)
    at, clock = resolve(times, NOW - HOUR + 55, NOW - HOUR + 60, at=NOW + 60)
    assert (at, clock) == (pytest.approx(NOW + 55), CORRECTED)


def test_a_message_that_waited_in_its_device_keeps_its_time() -> None:
    """Moved to now it would be a sign of life of somebody who lies on the floor."""
    times = EventTimes()
    resolve(times, NOW, NOW)
    assert resolve(times, NOW + 10, NOW + 10, at=NOW + HOUR) == (NOW + 10, DEVICE)


def test_a_device_queue_that_empties_is_not_taken_for_a_slow_clock() -> None:
    times = EventTimes()
    for waited in range(60):  # stamped one a minute, all sent within a minute
        stamped, arrived = NOW + 60.0 * waited, NOW + 2 * HOUR + waited
        at, clock = resolve(times, stamped, stamped, at=arrived)
        assert (at, clock) in ((stamped, DEVICE), (arrived, UNRESOLVED))


def test_after_an_outage_queued_messages_say_nothing_about_their_clock() -> None:
    times = EventTimes()
    assert resolve(times, NOW - 2 * HOUR, NOW - 2 * HOUR, live=False) == (NOW - 2 * HOUR, DEVICE)
    assert resolve(times, NOW + 60, NOW + 60, at=NOW + 60) == (NOW + 60, DEVICE)


def test_a_skew_known_from_before_is_used_while_catching_up() -> None:
    times = EventTimes()
    resolve(times, NOW + HOUR, NOW + HOUR)
    at, clock = resolve(times, NOW + HOUR + 30, NOW + HOUR + 30, at=NOW + 5 * HOUR, live=False)
    assert (at, clock) == (pytest.approx(NOW + 30), CORRECTED)


def test_a_clock_that_was_set_right_is_believed_at_once() -> None:
    times = EventTimes()
    resolve(times, NOW + HOUR, NOW + HOUR)
    assert resolve(times, NOW + 1, NOW + 1, at=NOW + 1) == (NOW + 1, DEVICE)


def test_a_new_start_of_the_device_is_judged_anew() -> None:
    times = EventTimes()
    resolve(times, NOW, NOW, boot=1)
    assert resolve(times, 5.0, 5.0, at=NOW + 60, boot=2) == (NOW + 60, CORRECTED)


def test_measured_after_it_was_sent_is_unresolved() -> None:
    assert resolve(EventTimes(), NOW, NOW - HOUR)[1] == UNRESOLVED


def test_clocks_of_different_accounts_are_their_own() -> None:
    times = EventTimes()
    times.resolve("h.fast", NOW + HOUR, NOW + HOUR, 1, NOW, live=True)
    assert times.resolve("h.right", NOW, NOW, 1, NOW, live=True) == EventTime(NOW, DEVICE)


def test_tolerances_grow_with_the_speed_of_a_virtual_clock() -> None:
    assert EventTimes(speed=60.0).resolve("h.d", NOW + 600, None, 1, NOW, live=True) == EventTime(NOW + 600, DEVICE)


@given(
    looks=st.lists(
        st.tuples(
            st.floats(-40 * DAY, 40 * DAY),
            st.floats(-40 * DAY, 40 * DAY),
            st.floats(0, DAY),
            st.booleans(),
            st.integers(0, 2),
        ),
        max_size=20,
    )
)
def test_no_event_is_put_far_into_the_future_or_beyond_thirty_days(
    looks: list[tuple[float, float, float, bool, int]],
) -> None:
    times, at = EventTimes(), NOW
    for t, sent, later, live, boot in looks:
        at += later
        try:
            event_at_s, clock = resolve(times, at + t, at + sent, at=at, live=live, boot=boot)
        except Refused:
            continue  # too old
        assert at - 30 * DAY <= event_at_s <= at + 60.0
        if clock == DEVICE:
            assert event_at_s == at + t
