"""Residents: their days repeat, have no holes, and look like days."""

import itertools

import pytest

from simulators.clock import DAY_S, local_hour, midnight_s
from simulators.residents import habits, live, live_day

SEEDS = [f"7/demo-{number:03d}" for number in range(1, 25)]
DAY = 20_000


@pytest.mark.parametrize("seed", SEEDS)
def test_a_fortnight_has_no_hole_and_no_overlap(seed: str) -> None:
    start_s, end_s = midnight_s(DAY), midnight_s(DAY + 14)
    stays = list(live(seed, start_s, end_s))
    assert stays[0].start_s == start_s
    assert stays[-1].end_s == end_s
    assert all(before.end_s == after.start_s for before, after in itertools.pairwise(stays))
    assert all(stay.duration_s > 0 for stay in stays)


def test_a_day_is_the_same_whenever_it_is_asked_for() -> None:
    assert live_day(SEEDS[0], DAY) == live_day(SEEDS[0], DAY)
    week = list(live(SEEDS[0], midnight_s(DAY - 3), midnight_s(DAY + 4)))
    alone = list(live(SEEDS[0], midnight_s(DAY), midnight_s(DAY + 1)))
    whole = [stay for stay in alone if stay.start_s > midnight_s(DAY) and stay.end_s < midnight_s(DAY + 1)]
    assert set(whole) <= set(week)


def test_two_residents_have_different_habits() -> None:
    assert len({habits(seed) for seed in SEEDS}) == len(SEEDS)


@pytest.mark.parametrize("seed", SEEDS)
def test_nights_are_slept_and_meals_are_cooked(seed: str) -> None:
    days = 14
    stays = list(live(seed, midnight_s(DAY), midnight_s(DAY + days)))
    asleep_s = sum(stay.duration_s for stay in stays if stay.act == "sleep")
    assert 6.0 < asleep_s / days / 3600 < 11.0
    for stay in stays:
        if stay.act == "sleep":
            assert stay.room == "bedroom"
            assert not 10.0 < local_hour(stay.start_s) < 18.0
    cooked = sum(stay.act == "cook" and stay.end_s < midnight_s(DAY + days) for stay in stays)
    assert 2.5 * days <= cooked <= 3 * days + 1
    toilets = sum(stay.act == "toilet" for stay in stays)
    assert toilets > 2 * days


def test_somebody_goes_out_and_comes_home_the_same_day() -> None:
    outings = [stay for seed in SEEDS for stay in live(seed, midnight_s(DAY), midnight_s(DAY + 7)) if stay.act == "out"]
    assert len(outings) > len(SEEDS) * 2
    assert max(stay.duration_s for stay in outings) < DAY_S / 4
