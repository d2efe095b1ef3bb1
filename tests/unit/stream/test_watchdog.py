"""Who stands still and must end."""

from stream.watchdog import Stalls

BUSY = {0: 100, 1: 100}


def test_a_partition_that_gets_on_or_has_nothing_before_it_is_well() -> None:
    stalls = Stalls(60.0)
    assert all(stalls.look(15.0 * n, {0: 10 + n, 1: 100}, BUSY, True) is None for n in range(20))


def test_frames_before_it_and_no_step_for_a_minute_is_the_end() -> None:
    stalls = Stalls(60.0)
    reasons = [stalls.look(15.0 * n, {0: 10, 1: 100}, BUSY, True) for n in range(5)]
    assert reasons[:4] == [None] * 4
    assert reasons[4] is not None
    assert "partition 0 stands at 10 of 100" in reasons[4]


def test_while_the_broker_is_away_nobody_is_blamed() -> None:
    stalls = Stalls(60.0)
    for n in range(20):
        if n % 3 == 0:
            stalls.broker_away()
        assert stalls.look(15.0 * n, {0: 10}, BUSY, False) is None


def test_without_partitions_for_a_minute_is_the_end() -> None:
    stalls = Stalls(60.0)
    assert [stalls.look(15.0 * n, {}, {}, False) is None for n in range(5)] == [True] * 4 + [False]


def test_a_partition_that_comes_back_gets_its_time_anew() -> None:
    stalls = Stalls(60.0)
    stalls.look(0.0, {0: 10}, BUSY, True)
    stalls.look(30.0, {}, {}, True)
    assert stalls.look(61.0, {0: 10}, BUSY, True) is None
