"""The gate: what is a reading, what is refused, and that nothing valid beside a refused one is lost."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.kinds import Call, Contact, FallAlarm, Inertial, Motion, Status, Vitals
from contracts.names import AREA_CANARY
from ingest.gate import PAYLOAD_LIMIT, Judgement, judge

HOME = "shouwang/v1/330282101/home-1.hub"


def sent(channel: str, *readings: Any) -> Judgement:
    """One message of a device; a single reading goes alone, several as a list."""
    return judge(f"{HOME}/{channel}", json.dumps(readings[0] if len(readings) == 1 else readings).encode())


def only_refusal(judgement: Judgement) -> tuple[str, str]:
    assert judgement.parts == []
    (refusal,) = judgement.refusals
    return refusal.reason, refusal.detail


GOOD = {"kind": "motion", "moving": True, "t": 1_700_000_000.0, "boot": 1, "seq": 1}


def test_a_single_reading_is_taken() -> None:
    (part,) = sent("telemetry", GOOD).parts
    assert (part.kind, part.device_id, part.via, part.urgent) == ("motion", "hub", None, False)
    assert part.reading == Motion(t=1_700_000_000.0, boot=1, seq=1, moving=True)


def test_a_hub_names_the_child_that_measured_and_stays_the_way_it_came() -> None:
    (part,) = sent("telemetry", {**GOOD, "device": "pir-bath"}).parts
    assert (part.device_id, part.via) == ("pir-bath", "hub")


def test_a_hub_that_names_itself_relays_nothing() -> None:
    (part,) = sent("telemetry", {**GOOD, "device": "hub"}).parts
    assert (part.device_id, part.via) == ("hub", None)


BAD_ELEMENTS = {
    "heart rate 900": ({"kind": "vitals", "heart_rate_bpm": 900, "boot": 1, "seq": 2}, "out_of_range", "heart_rate_bpm"),
    "a number as text": ({"kind": "vitals", "heart_rate_bpm": "72", "boot": 1, "seq": 2}, "wrong_type", "heart_rate_bpm"),
    "a field unknown": ({"kind": "vitals", "puls": 72, "boot": 1, "seq": 2}, "wrong_type", "puls"),
    "a kind unknown": ({"kind": "pulse", "boot": 1, "seq": 2}, "wrong_type", "pulse"),
    "no kind": ({"heart_rate_bpm": 72, "boot": 1, "seq": 2}, "wrong_type", "kind"),
    "a field missing": ({"kind": "contact", "boot": 1, "seq": 2}, "wrong_type", "open"),
    "a home card": ({"kind": "card", "version": 1, "boot": 1, "seq": 2}, "not_allowed", "card"),
    "a device id that breaks the rule": ({**GOOD, "device": "PIR 1", "seq": 2}, "bad_id", "device"),
    "a time before 1970": ({**GOOD, "t": -5, "seq": 2}, "out_of_range", "t"),
    "a time after 2100": ({**GOOD, "t": 1e12, "seq": 2}, "out_of_range", "t"),
    "NUL in text": ({"kind": "status", "firmware": "1.2\0", "boot": 1, "seq": 2}, "wrong_type", "NUL"),
    "an inertial block cut short": (
        {"kind": "inertial", "rate_hz": 50, "range_g": 4, "samples": base64.b64encode(bytes(13)).decode(), "boot": 1, "seq": 2},
        "bad_block",
        "cut short",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_ELEMENTS)
def test_a_bad_element_of_a_list_is_refused_alone_with_its_reason_and_number(name: str) -> None:
    element, reason, word = BAD_ELEMENTS[name]
    judgement = sent("telemetry", GOOD, element, {**GOOD, "seq": 3})
    assert [part.reading.seq for part in judgement.parts] == [1, 3]
    (refusal,) = judgement.refusals
    assert refusal.reason == reason
    assert "element 1" in refusal.detail or judgement.parts[0].place == 0
    assert word in refusal.detail
    assert (refusal.boot, refusal.seq) == (1, 2)


@pytest.mark.parametrize("name", BAD_ELEMENTS)
def test_the_same_alone_gives_the_same_reason(name: str) -> None:
    element, reason, word = BAD_ELEMENTS[name]
    found, detail = only_refusal(sent("telemetry", element))
    assert (found, word in detail) == (reason, True)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_nan_and_infinities_are_refused_and_the_readings_beside_them_kept(number: str) -> None:
    payload = f'[{{"kind":"motion","moving":true,"seq":1,"boot":1}},{{"kind":"vitals","heart_rate_bpm":{number},"seq":2,"boot":1}}]'
    judgement = judge(f"{HOME}/telemetry", payload.encode())
    assert [part.reading.seq for part in judgement.parts] == [1]
    (refusal,) = judgement.refusals
    assert (refusal.reason, refusal.seq) == ("out_of_range", 2)
    assert "heart_rate_bpm" in refusal.detail


@pytest.mark.parametrize(
    "payload", [b"", b"hello", b"{", b'{"kind":"motion"', b"\xff\xfe", b"[" * 100_000, b'{"a":' * 100_000, b'"\xff"', b'{"kind":"status","firmware":"\\ud800"}']
)  # fmt: skip
def test_what_is_no_json_is_refused_and_crashes_nothing(payload: bytes) -> None:
    reason, detail = only_refusal(judge(f"{HOME}/telemetry", payload))
    assert reason in ("not_json", "wrong_type")
    assert detail


@pytest.mark.parametrize("payload", [b"3", b"null", b'"text"', b"true", b"[[1]]", b"[3]"])
def test_json_that_is_no_reading_is_of_the_wrong_type(payload: bytes) -> None:
    assert only_refusal(judge(f"{HOME}/telemetry", payload))[0] == "wrong_type"


def test_a_megabyte_is_oversize() -> None:
    reason, detail = only_refusal(judge(f"{HOME}/telemetry", b" " * (1 << 20)))
    assert reason == "oversize"
    assert str(PAYLOAD_LIMIT) in detail


def test_the_largest_inertial_block_is_not_oversize() -> None:
    block = {"rate_hz": 100, "range_g": 4, "samples": base64.b64encode(bytes(262_140)).decode()}
    (part,) = sent("inertial", block).parts
    assert isinstance(part.reading, Inertial)


@pytest.mark.parametrize(
    ("topic", "reason"),
    [
        ("shouwang/v1/330282101/home-1.hub/telemetri", "unknown_channel"),
        ("shouwang/v1/330282101/home-1.hub/event/more", "unknown_channel"),
        ("shouwang/v1/330282101/Home_1.hub/event", "bad_id"),
        ("shouwang/v1/330282101/home-1/event", "bad_id"),
        ("shouwang/v1/33028210/home-1.hub/event", "bad_id"),
        ("shouwang/v1/330282101", "unknown_topic"),
        ("elsewhere", "unknown_topic"),
    ],
)
def test_topics_that_are_none_of_ours_are_refused_with_what_to_do(topic: str, reason: str) -> None:
    found, detail = only_refusal(judge(topic, json.dumps(GOOD).encode()))
    assert found == reason
    assert detail


def test_our_own_receipts_are_passed_over() -> None:
    judgement = judge(f"{HOME}/receipt", b'{"code":"ok"}')
    assert (judgement.parts, judgement.refusals, judgement.ignored) == ([], [], "receipt")


def test_a_last_will_can_be_as_short_as_online_false() -> None:
    (part,) = judge(f"{HOME}/status", b'{"online": false}').parts
    assert part.reading == Status(online=False)


def test_clearing_a_retained_status_is_no_reading_and_no_fault() -> None:
    judgement = judge(f"{HOME}/status", b"")
    assert (judgement.parts, judgement.refusals) == ([], [])


def test_an_sos_is_urgent_on_whatever_channel_it_comes() -> None:
    for channel in ("event", "telemetry"):
        (part,) = sent(channel, {"kind": "call"}).parts
        assert part.urgent


def test_the_event_channel_takes_positions_and_triggered_blocks_as_urgent() -> None:
    block = {
        "kind": "inertial",
        "rate_hz": 50,
        "range_g": 4,
        "triggered": True,
        "samples": base64.b64encode(bytes(12)).decode(),
    }
    judgement = sent("event", {"kind": "position", "lat_deg": 30.2, "lon_deg": 121.2}, block)
    assert [(part.kind, part.urgent) for part in judgement.parts] == [("position", True), ("inertial", True)]


def test_what_is_not_urgent_is_sent_away_from_the_event_channel_and_the_sos_beside_it_is_kept() -> None:
    judgement = sent("event", {"kind": "vitals", "heart_rate_bpm": 70, "boot": 1, "seq": 5}, {"kind": "call"})
    assert [part.kind for part in judgement.parts] == ["call"]
    (refusal,) = judgement.refusals
    assert (refusal.reason, refusal.seq) == ("not_allowed", 5)
    assert "telemetry" in refusal.detail


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("lat_deg", 900),
        ("lat_deg", "north"),
        ("t", -1),
        ("t", "now"),
        ("device", "Not An Id"),
        ("battery", 3),
        ("accuracy_m", float("nan")),
    ],
)
def test_an_sos_with_a_bad_field_is_taken_without_it_and_the_field_is_told(field: str, value: Any) -> None:
    judgement = sent("event", {"kind": "call", "boot": 1, "seq": 9, field: value})
    (part,) = judgement.parts
    assert isinstance(part.reading, Call)
    assert (part.reading.boot, part.reading.seq) == (1, 9)
    (note,) = judgement.refusals
    assert note.taken
    assert field in note.detail


@pytest.mark.parametrize("spoilt", [b'"\\ud800"', b'"\xff\xfe"', b'["\\udfff"]', b'{"\\ud800":1}'])
@pytest.mark.parametrize("field", [b"action", b"resident", b"note"])
def test_an_sos_with_text_that_is_no_text_is_still_an_sos(field: bytes, spoilt: bytes) -> None:
    judgement = judge(f"{HOME}/event", b'{"kind":"call","boot":1,"seq":9,"%b":%b}' % (field, spoilt))
    (part,) = judgement.parts
    assert isinstance(part.reading, Call)
    (note,) = judgement.refusals
    assert note.taken
    assert (note.boot, note.seq) == (None, None)


def test_text_that_is_no_text_is_refused_where_nothing_is_urgent() -> None:
    judgement = judge(
        f"{HOME}/telemetry", b'[{"kind":"motion","moving":true,"seq":4},{"kind":"status","firmware":"\xff"}]'
    )
    assert judgement.parts == []
    assert [refusal.reason for refusal in judgement.refusals] == ["not_json", "not_json"]


def test_an_empty_list_is_told_as_such() -> None:
    judgement = judge(f"{HOME}/telemetry", b"[]")
    assert (judgement.parts, judgement.refusals, judgement.ignored) == ([], [], "empty list")


def test_an_alarm_that_does_not_say_whether_it_is_on_cannot_be_taken() -> None:
    judgement = sent("event", {"kind": "fall_alarm", "alarm": "perhaps", "boot": 1, "seq": 9})
    assert judgement.parts == []
    assert judgement.refusals[0].seq == 9


def test_urgent_readings_in_a_list_are_saved_beside_a_bad_one() -> None:
    judgement = sent("event", {"kind": "fall_alarm", "alarm": True}, {"kind": "call", "lon_deg": 999})
    assert [type(part.reading) for part in judgement.parts] == [FallAlarm, Call]


def test_the_clock_channel_is_for_recordings_only() -> None:
    assert only_refusal(judge(f"{HOME}/clock", b'{"t": 5}'))[0] == "not_allowed"
    assert judge(f"{HOME}/clock", b'{"t": 5}', led=True).moves_clock_to_s == 5


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.sampled_from(["kind", "t", "sent", "boot", "seq", "device", "moving", "alarm", "samples", "channels", "firmware", "online", "state", "last_seen", "action", "occupancy", "status", "temperature"])  # fmt: skip
NEARLY = st.dictionaries(
    FIELDS, JSON | st.sampled_from(["motion", "call", "status", "inertial", "fall_alarm"]), max_size=6
)
CHANNELS = st.sampled_from(
    ["telemetry", "event", "inertial", "status", "clock", "z2m/pir-1", "z2m/bridge/state", "z2m/a/b/c", "z2m/", "foo"]
)


@settings(max_examples=300, deadline=None)
@given(channel=CHANNELS, value=NEARLY | st.lists(NEARLY, max_size=3) | JSON)
def test_no_payload_at_all_makes_the_gate_raise(channel: str, value: Any) -> None:
    judgement = judge(f"{HOME}/{channel}", json.dumps(value).encode())
    assert judgement.parts or judgement.refusals or judgement.ignored or value == []
    assert all(refusal.detail for refusal in judgement.refusals)


@settings(max_examples=200, deadline=None)
@given(topic=st.text(max_size=80), payload=st.binary(max_size=100))
def test_no_topic_and_no_bytes_make_the_gate_raise(topic: str, payload: bytes) -> None:
    judge(topic, payload)
    judge(f"{HOME}/telemetry", payload)
    judge(f"{HOME}/z2m/{topic}", payload)


def test_types_of_readings_are_those_of_the_contract() -> None:
    readings = [{"kind": "contact", "open": True}, {"kind": "vitals", "heart_rate_bpm": 71}]
    assert [type(part.reading) for part in sent("telemetry", *readings).parts] == [Contact, Vitals]


CANARY = {"kind": "canary", "t": 1.0, "sent": 1.0, "lane": "urgent", "sent_at_ms": 1000, "signature": "0" * 64}


def test_a_canary_comes_from_its_own_area_in_the_lane_of_its_channel() -> None:
    for channel, urgent in (("event", True), ("telemetry", False)):
        (part,) = judge(f"shouwang/v1/{AREA_CANARY}/canary-3.canary/{channel}", json.dumps(CANARY).encode()).parts
        assert (part.kind, part.urgent, part.device_id) == ("canary", urgent, "canary")


@pytest.mark.parametrize("topic", [f"{HOME}/event", f"{HOME}/telemetry", f"shouwang/v1/{AREA_CANARY}/h-1.pir-1/event"])
def test_no_device_can_say_that_it_is_a_canary(topic: str) -> None:
    assert only_refusal(judge(topic, json.dumps(CANARY).encode()))[0] == "wrong_type"


def test_a_canary_says_nothing_else_and_an_sos_under_its_area_is_still_an_sos() -> None:
    sos = b'{"kind": "call", "boot": 1, "seq": 9}'
    assert judge(f"shouwang/v1/{AREA_CANARY}/canary-3.canary/event", sos).parts == []
    (part,) = judge(f"shouwang/v1/{AREA_CANARY}/h-1.sos-1/event", sos).parts
    assert part.kind == "call"
