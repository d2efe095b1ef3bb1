"""The device maker's guide says what the program does."""

import re
from typing import get_args

import msgspec
import pytest

from contracts.dead_letters import Reason
from contracts.kinds import FROM_DEVICES, VALUES
from contracts.names import CHANNELS
from contracts.receipts import Receipt
from ingest import asyncapi
from ingest.gate import PAYLOAD_LIMIT
from ingest.guide import GUIDE, with_table

TEXT = GUIDE.read_text()


def test_the_table_of_kinds_is_that_of_the_contract() -> None:
    assert with_table(TEXT) == TEXT, "run python -m ingest.guide"


@pytest.mark.parametrize("kind", FROM_DEVICES)
def test_every_kind_and_field_is_named(kind: str) -> None:
    assert f"`{kind}`" in TEXT
    assert all(f"`{column.name}`" in TEXT for column in VALUES[kind])


def test_every_channel_and_every_reason_a_device_can_meet_is_explained() -> None:
    assert all(f"`{channel}" in TEXT for channel in CHANNELS if channel != "clock")
    not_of_devices = {"bad_frame", "detector_error", "bad_detection", "too_far_ahead"}
    assert all(f"`{reason}`" in TEXT for reason in set(get_args(Reason)) - not_of_devices)


def test_every_receipt_code_is_explained() -> None:
    codes = get_args(next(field.type for field in msgspec.structs.fields(Receipt) if field.name == "code"))
    assert all(f"`{code}`" in TEXT for code in codes)


def test_the_limits_it_names_are_those_in_force() -> None:
    assert f"{PAYLOAD_LIMIT:,}" in TEXT


def test_the_example_stays_short() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)
    assert len([line for line in example.splitlines() if line.strip()]) <= 36


def test_the_asyncapi_description_is_that_of_the_contract() -> None:
    assert asyncapi.FILE.read_text() == asyncapi.text(), "run python -m ingest.asyncapi"


def test_every_reference_of_the_asyncapi_description_leads_somewhere() -> None:
    document = asyncapi.description()
    for path in re.findall(r'"\$ref": "#/([^"]+)"', asyncapi.text()):
        found = document
        for part in path.split("/"):
            found = found[part]
        assert found
