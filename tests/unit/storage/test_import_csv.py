"""The table of homes, residents, contacts and devices: every bad line is named, the good ones beside it read."""

import re

import pytest

from deploy.site import REPOSITORY
from storage.errors import BadTable
from storage.import_csv import COLUMNS_OF, parse, read
from storage.records import Contact, Device, Home, Resident

HEADER = "record,home_id,area_code,care_level,resident_id,name,birth_year,sex,phone,contact_name,contact_phone,device_id,role,room\n"
GOOD = """\
home,h-1,330282001001,2,,,,,,,,,,
resident,h-1,,,r-1,王秀英,1938,女,13800000000,,,,,
contact,h-1,,,,,,,,李强,13900000000,,,
contact,h-1,,,,,,,,李梅,13900000001,,,
device,h-1,,,,,,,,,,door,entrance_door,entrance
"""


def test_a_good_table_gives_its_records_in_order_with_their_lines():
    table = parse(HEADER + GOOD)
    assert table.bad == []
    assert table.lines == [2, 3, 4, 5, 6]
    assert [type(record) for record in table.records] == [Home, Resident, Contact, Contact, Device]
    assert table.records[1] == Resident("r-1", "h-1", "王秀英", 1938, "f", "13800000000")
    assert [record.rank for record in table.records[2:4]] == [1, 2]


def test_columns_may_stand_in_any_order_and_unused_ones_may_be_missing():
    table = parse("device_id,home_id,record\ndoor,h-1,device\n")
    assert table.records == [Device("h-1", "door")]


def test_an_unknown_column_is_refused_by_name_with_the_known_ones():
    with pytest.raises(BadTable, match=r"'telephone'.*contact_phone"):
        parse("record,home_id,telephone\nhome,h-1,1\n")


@pytest.mark.parametrize("text", ["", "\n\n", "home_id,name\nh-1,x\n", "record,home_id,home_id\n"])
def test_a_file_that_is_no_such_table_is_refused_whole(text):
    with pytest.raises(BadTable):
        parse(text)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("house,h-2,,,,,,,,,,,,", "record 'house' is none of home, resident, contact, device"),
        ("home,h-2,330282001001,two,,,,,,,,,,", "care_level 'two' is no whole number"),
        ("home,h-2,330282001001,,,,,,13800000000,,,,,", "phone says nothing about a home"),
        ("contact,h-1,,,,,,,13800000000,李强,13900000000,,,", "phone says nothing about a contact"),
        ("home,h-2,330282001001,,,,,,,,,,,,,extra", "16 cells under 14 columns"),
    ],
)
def test_a_bad_line_is_named_and_the_others_read(line, problem):
    table = parse(HEADER + line + "\n" + GOOD)
    assert len(table.records) == 5
    (bad,) = table.bad
    assert (bad.line, problem in bad.problem) == (2, True)


def test_a_cell_with_line_breaks_does_not_shift_the_numbers_of_later_lines():
    table = parse('record,home_id,area_code,address\nhome,h-1,330282001001,"one\ntwo"\nhouse,h-2,,\n')
    assert table.bad[0].line == 4


def test_files_of_spreadsheets_in_china_read_too(tmp_path):
    file = tmp_path / "homes.csv"
    for encoding in ("utf-8-sig", "gb18030"):
        file.write_bytes((HEADER + GOOD).encode(encoding))
        assert read(file).records[1].name == "王秀英"


def test_the_columns_are_those_of_the_handbook():
    text = (REPOSITORY / "docs" / "operating.md").read_text()
    told = dict(re.findall(r"^\| `(home|resident|contact|device)` \| (.+) \|$", text, re.MULTILINE))
    assert {record: tuple(re.findall(r"`(\w+)`", columns)) for record, columns in told.items()} == COLUMNS_OF
