"""Watching: what was proven, and the intervals in which nobody watched."""

from hypothesis import given
from hypothesis import strategies as st

from ingest.watch import Watch


def watching() -> Watch:
    watch = Watch(["bulk", "urgent"], 90.0)
    watch.up("bulk", 100.0)
    watch.up("urgent", 101.0)
    watch.returned("bulk", 101.5)
    assert watch.returned("urgent", 101.5) == (90.0, 101.0)
    return watch


def test_nothing_is_proven_before_a_marker_of_each_connection_is_back() -> None:
    watch = Watch(["bulk", "urgent"], None)
    watch.up("bulk", 100.0)
    watch.up("urgent", 100.0)
    watch.returned("bulk", 100.5)
    assert watch.watched_until_s is None
    watch.returned("urgent", 100.4)
    assert watch.watched_until_s == 100.4


def test_the_least_of_the_connections_counts() -> None:
    watch = watching()
    watch.returned("bulk", 110.0)
    assert watch.watched_until_s == 101.5
    watch.returned("urgent", 105.0)
    assert watch.watched_until_s == 105.0


def test_a_bridge_that_starts_states_the_time_since_the_last_word_of_the_one_before() -> None:
    watch = Watch(["bulk"], 40.0)
    watch.up("bulk", 100.0)
    assert watch.returned("bulk", 100.2) == (40.0, 100.0)


def test_without_a_last_word_the_interval_reaches_back_to_whatever_was_stated() -> None:
    watch = Watch(["bulk"], None)
    watch.up("bulk", 100.0)
    assert watch.returned("bulk", 100.2) == (0.0, 100.0)


def test_an_outage_is_stated_once_from_the_last_proof_to_the_last_coming_up() -> None:
    watch = watching()
    watch.returned("bulk", 120.0)
    watch.returned("urgent", 119.0)
    watch.down("bulk")
    watch.down("urgent")
    assert (watch.is_up, watch.watched_until_s) == (False, 119.0)
    watch.up("urgent", 500.0)
    watch.up("bulk", 600.0)
    assert watch.returned("bulk", 600.1) is None
    assert watch.returned("urgent", 599.0) is None, "published before bulk was up: proves too little"
    assert watch.watched_until_s == 119.0
    assert watch.returned("urgent", 600.2) == (119.0, 600.0)
    assert watch.watched_until_s == 600.1
    assert watch.returned("urgent", 600.4) is None


def test_a_connection_lost_again_before_it_caught_up_makes_one_longer_interval() -> None:
    watch = watching()
    watch.down("bulk")
    watch.up("bulk", 200.0)
    watch.down("bulk")
    watch.up("bulk", 300.0)
    watch.returned("urgent", 300.5)
    assert watch.returned("bulk", 300.5) == (101.5, 300.0)


def test_a_late_marker_of_a_lost_connection_proves_nothing() -> None:
    watch = watching()
    watch.down("bulk")
    assert watch.returned("bulk", 101.9) is None
    watch.up("bulk", 200.0)
    assert watch.returned("bulk", 150.0) is None
    assert watch.watched_until_s == 101.5


EVENTS = st.lists(
    st.tuples(st.sampled_from(["up", "down", "marker"]), st.sampled_from(["bulk", "urgent"]), st.floats(0, 5)),
    max_size=80,
)


@given(EVENTS)
def test_what_is_proven_never_goes_back_and_intervals_never_overlap(events: list[tuple[str, str, float]]) -> None:
    watch, now, last_end, before = Watch(["bulk", "urgent"], 0.0), 10.0, 0.0, 0.0
    for what, connection, later in events:
        now += later
        gap = None
        if what == "up":
            watch.up(connection, now)
        elif what == "down":
            watch.down(connection)
        else:
            gap = watch.returned(connection, now)
        until = watch.watched_until_s or 0.0
        assert until >= before
        if gap is not None:
            assert last_end <= gap[0] < gap[1] <= until
            assert gap[0] >= before
            last_end = gap[1]
        before = until
