"""MQTT accounts as the broker's files."""

import pytest

from deploy.native.mosquitto import verify_password
from storage.accounts import Account, check_account, render
from storage.errors import BadAccount


def rows(*accounts):
    return [
        {"account": name, "kind": kind, "area": area, "password_hash": "$7$101$x$y"} for name, kind, area in accounts
    ]


def test_a_device_needs_no_line_of_its_own_in_the_acl():
    passwords, acl = render(rows(("h-1.watch", "device", None)))
    assert passwords == "h-1.watch:$7$101$x$y\n"
    assert acl == ""


def test_a_gateway_may_write_in_its_area_and_read_receipts_there():
    _, acl = render(rows(("vendor", "gateway", "330282001")))
    assert acl.splitlines() == [
        "user vendor",
        "topic write shouwang/v1/330282001/#",
        "topic read shouwang/v1/330282001/+/receipt",
    ]


def test_a_service_reads_everything_and_writes_receipts_and_markers_only():
    _, acl = render(rows(("second-bridge", "service", None)))
    assert acl.splitlines() == [
        "user second-bridge", "topic read shouwang/v1/#", "topic write shouwang/v1/+/+/receipt", "topic readwrite shouwang/internal/#",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "account",
    [
        Account("watch"), Account("H-1.watch"), Account("h-1.watch.more"), Account("h-1.watch\nuser x"), Account("h-1.#"),
        Account("vendor", "gateway"), Account("vendor", "gateway", "3302"), Account("Vendor 1", "gateway", "330282001"),
    ],
)  # fmt: skip
def test_a_name_that_could_become_another_s_right_is_refused(account):
    with pytest.raises(BadAccount):
        check_account(account)


def test_the_broker_s_own_form_of_hash_is_checked_by_the_broker_s_own_rule():
    assert not verify_password("secret", "$7$101$x$y")
