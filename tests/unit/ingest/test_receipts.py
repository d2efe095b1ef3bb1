"""Receipts: who hears what, and under which area."""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec

from contracts.alerts import AlertEvent, CaseSummary, Change
from contracts.detections import Origin
from contracts.frames import Envelope
from contracts.kinds import Call
from contracts.names import AREA_DEMO, Topic
from ingest.intake import Row
from ingest.receipts import Receipts
from ingest.refusals import Refusal

TOPIC = Topic("330282101", "home-1", "hub", "event", "")


class Desk:
    """Receipts that are kept instead of published."""

    def __init__(self, reachable: bool = True) -> None:
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.reachable = reachable
        self.receipts = Receipts(self._publish, lambda: 12.5, lambda area: area != AREA_DEMO)

    def _publish(self, topic: str, payload: bytes) -> bool:
        if self.reachable:
            self.heard.append((topic, json.loads(payload)))
        return self.reachable


def row(device: str = "hub", via: str | None = None) -> Row:
    envelope = Envelope("home-1", device, via, None, 1.0, 1.0, None, 0, 3, 7)
    return Row("call", envelope, Call(boot=3, seq=7), True, 0, None, False)


def claimed(area: str = "330282101007", change: Change = "claimed", boot: int = 3) -> AlertEvent:
    case = CaseSummary(
        case_id="c-1", version=2, home_id="home-1", area_code=area, family="sos", priority=1, score=4, reasons=("call.press",),
        handling="CLAIMED", condition="latched", raised_at=datetime(2026, 1, 1, tzinfo=UTC), queued_at=None, deadline_at=None,
    )  # fmt: skip
    origins = (Origin(device_id="hub", boot=boot, seq=7),)
    return AlertEvent(
        event_id="e", change=change, at=datetime(2026, 1, 1, tzinfo=UTC), actor="desk-1", case=case, origins=origins
    )


def test_a_reading_that_kafka_holds_is_ok_and_a_second_time_a_duplicate() -> None:
    desk = Desk()
    desk.receipts.held(TOPIC, row(), duplicate=False)
    desk.receipts.held(TOPIC, row(), duplicate=True)
    expected = {"server_time": 12.5, "boot": 3, "seq": 7}
    topic = "shouwang/v1/330282101/home-1.hub/receipt"
    assert desk.heard == [(topic, {"code": "ok", **expected}), (topic, {"code": "duplicate", **expected})]


def test_a_hub_hears_which_child_is_meant() -> None:
    desk = Desk()
    desk.receipts.held(TOPIC, row("sos-bath", via="hub"), duplicate=False)
    assert desk.heard[0][1]["device"] == "sos-bath"


def test_a_refused_message_is_told_why() -> None:
    desk = Desk()
    desk.receipts.refused(TOPIC, Refusal("wrong_type", "alarm: expected bool", 3, 8))
    assert desk.heard[0][1] == {
        "code": "invalid",
        "server_time": 12.5,
        "boot": 3,
        "seq": 8,
        "reason": "wrong_type: alarm: expected bool",
    }


def test_a_claimed_case_tells_the_device_that_called() -> None:
    desk = Desk()
    desk.receipts.claimed(claimed())
    assert desk.heard == [
        ("shouwang/v1/330282101/home-1.hub/receipt", {"code": "taken", "server_time": 12.5, "boot": 3, "seq": 7})
    ]


def test_it_is_told_where_the_account_was_heard_last() -> None:
    desk = Desk()
    desk.receipts.hear(msgspec.structs.replace(TOPIC, area="330282104"))
    desk.receipts.claimed(claimed())
    assert desk.heard[0][0].startswith("shouwang/v1/330282104/")


def test_other_changes_other_bridges_homes_and_devices_that_count_nothing_are_left_alone() -> None:
    desk = Desk()
    desk.receipts.claimed(claimed(change="released"))
    desk.receipts.claimed(claimed(area=AREA_DEMO + "001"))
    desk.receipts.claimed(claimed(area=""))
    desk.receipts.claimed(claimed(boot=-1))
    assert desk.heard == []


def test_a_receipt_that_cannot_be_sent_is_counted_as_dropped() -> None:
    desk = Desk(reachable=False)
    desk.receipts.held(TOPIC, row(), duplicate=False)
    assert desk.receipts.sent == {"dropped": 1}
