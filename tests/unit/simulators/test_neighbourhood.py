"""The invented neighbourhood, its clock and its past."""

import csv
import io

import numpy as np
import pytest

from contracts.kinds import ROLES, ROOMS
from contracts.names import is_id
from simulators.clock import VirtualClock, is_weekend, local_day, local_hour, midnight_s, next_start_s
from simulators.history import signs
from simulators.neighbourhood import CSV_COLUMNS, neighbourhood, write_csv
from storage import import_csv


def test_the_same_seed_gives_the_same_people_and_a_larger_neighbourhood_holds_the_smaller() -> None:
    assert neighbourhood(30, 4) == neighbourhood(30, 4)
    assert neighbourhood(30, 4)[:10] == neighbourhood(10, 4)
    assert neighbourhood(10, 4) != neighbourhood(10, 5)


def test_ids_roles_and_rooms_are_those_of_the_contracts() -> None:
    for home in neighbourhood(40):
        assert home.area_code.startswith(home.area)
        assert len(home.area_code) == 12
        for device in home.devices:
            assert is_id(device.device_id)
            assert device.role in ROLES
            assert device.room in ROOMS
        assert len({device.device_id for device in home.devices}) == len(home.devices)


def test_home_import_takes_the_whole_table() -> None:
    text = io.StringIO()
    homes = neighbourhood(20)
    rows = write_csv(homes, text)
    table = import_csv.parse(text.getvalue())
    assert table.bad == []
    assert len(table.records) == rows
    assert set(CSV_COLUMNS) <= set(import_csv.COLUMNS)
    assert sum(row["record"] == "home" for row in csv.DictReader(io.StringIO(text.getvalue()))) == 20


def test_nobody_s_telephone_number_is_one_that_could_ring() -> None:
    for home in neighbourhood(50):
        assert all(phone.startswith("000") for phone in (home.phone, *(contact.phone for contact in home.contacts)))


def test_the_past_of_a_home_repeats_and_shows_a_person() -> None:
    home, end_s = neighbourhood(1)[0], midnight_s(20_000)
    past = signs(home, end_s, 3)
    again = signs(home, end_s, 3)
    assert all(np.array_equal(one, other) for one, other in zip(past, again, strict=True))
    assert np.all(np.diff(past.at_s) >= 0)
    assert past.at_s[0] >= end_s - 3 * 86_400
    assert past.at_s[-1] < end_s
    assert len(past.at_s) > 3 * 150
    assert past.by_itself.any()
    assert (~past.by_itself).any()


def test_virtual_time_runs_faster_and_both_ways_agree() -> None:
    clock = VirtualClock.parse("virtual:1000:500000:60")
    assert clock.at(1010) == 500_600
    assert clock.wall_at(500_600) == 1010
    assert VirtualClock.parse(str(clock)) == clock
    for wrong in ("wall", "virtual:1:2", "virtual:1:2:0", "real:1:2:3"):
        with pytest.raises(ValueError, match=r"."):
            VirtualClock.parse(wrong)


def test_a_local_day_begins_at_midnight_in_shanghai() -> None:
    assert local_hour(midnight_s(20_000)) == 0
    assert local_day(midnight_s(20_000)) == 20_000
    assert local_day(midnight_s(20_000) - 1) == 19_999
    assert is_weekend(local_day(1_763_780_400))  # 2025-11-22, a Saturday


def test_a_demonstration_starts_at_its_hour_and_never_before_an_earlier_one_ended() -> None:
    noon_s = midnight_s(20_000) + 12 * 3600
    assert next_start_s(13.5, [noon_s]) == noon_s + 5400
    assert next_start_s(10.0, [noon_s]) == noon_s + 22 * 3600
    assert next_start_s(10.0, [noon_s, noon_s + 30 * 3600]) == noon_s + 46 * 3600
