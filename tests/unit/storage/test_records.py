"""What is wrong with a record, in words that say what to do."""

import pytest

from storage.records import Contact, Device, Home, Resident, User

HOME = Home("h-1", "330282001001", "慈溪市浒山街道1号")


def words(record):
    return "; ".join(record.problems())


@pytest.mark.parametrize(
    "record",
    [
        HOME,
        Resident("r-1", "h-1", "王秀英", 1938, "f", "+86 138-0000-0000"),
        Contact("h-1", "李强", "13900000000", "儿子"),
        Device("h-1", "door", "entrance_door", "entrance"),
        User("ops.1", "operator", area_prefix="330282"),
        User("kin", "family", family_of=("r-1",)),
    ],
)
def test_good_records_have_no_problems(record):
    assert words(record) == ""


@pytest.mark.parametrize(
    ("record", "problem"),
    [
        (HOME._replace(home_id="Flat 3"), "home_id 'Flat 3' breaks the rule"),
        (HOME._replace(home_id=""), "home_id is empty"),
        (HOME._replace(area_code="3.30282E+11"), "not the 12 digits"),
        (HOME._replace(zone="Ningbo"), "Asia/Shanghai"),
        (HOME._replace(care_level=6), "not between 0 and 5"),
        (HOME._replace(address="a\x00b"), "control character"),
        (HOME._replace(note="x" * 600), "shorten it"),
        (Resident("r-1", "h-1", "  "), "name is empty"),
        (Resident("r-1", "h-1", "A", 1799), "birth_year 1799"),
        (Resident("r-1", "h-1", "A", sex="x"), "not f or m"),
        (Resident("r-1", "h-1", "A", phone="ask her son"), "no telephone number"),
        (Contact("h-1", "李强", ""), "contact_phone is empty"),
        (Device("h-1", "d", "sensor"), "role 'sensor' is none of motion"),
        (Device("h-1", "d", room="cellar"), "room 'cellar' is none of entrance"),
        (User("Ops", "operator"), "user name 'Ops'"),
        (User("ops", "boss"), "role 'boss'"),
        (User("kin", "family"), "name the resident"),
        (User("ops", "operator", family_of=("r-1",)), "role family"),
        (User("ops", "operator", area_prefix="Cixi"), "area prefix"),
    ],
)
def test_a_bad_record_says_what_is_wrong_and_what_to_do(record, problem):
    assert problem in words(record)
