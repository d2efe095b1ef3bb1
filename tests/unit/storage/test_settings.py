"""Settings of writer and keeper: read from the environment, and told in the handbook with the values that ship."""

import re

import pytest

from contracts.errors import BadSetting
from contracts.settings import read
from deploy.site import REPOSITORY
from storage.settings import KeeperSettings, WriterSettings


def test_shared_and_own_variables_are_read():
    environment = {"SHOUWANG_KAFKA": "k:1", "SHOUWANG_WRITER_LINGER_S": "0.5", "SHOUWANG_KEEPER_KEEP_DAYS": "30"}
    writer = read(WriterSettings, "SHOUWANG_WRITER_", environment)
    assert (writer.kafka, writer.linger_s) == ("k:1", 0.5)


@pytest.mark.parametrize("variable", ["SHOUWANG_WRITER_LINGER", "SHOUWANG_WRITER_ACCOUNT_S"])
def test_an_unknown_name_or_a_value_out_of_range_refuses_to_start(variable):
    with pytest.raises(BadSetting):
        read(WriterSettings, "SHOUWANG_WRITER_", {variable: "-1"})


def test_the_handbook_tells_how_long_things_are_kept():
    text = (REPOSITORY / "docs" / "operating.md").read_text()
    told = {
        name.lower(): int(days)
        for name, days in re.findall(r"^\| `SHOUWANG_KEEPER_(KEEP_\w+)` \| (\d+) \|", text, re.MULTILINE)
    }
    shipped = KeeperSettings()
    assert told == {name: getattr(shipped, name) for name in shipped.__struct_fields__ if name.startswith("keep_")}
