"""Zigbee2MQTT: every sensor of the list, urgent parts first, and the safe side where a field is ambiguous."""

import json
from typing import Any

import pytest

from contracts.kinds import (
    Air,
    Call,
    CoAlarm,
    Contact,
    FallAlarm,
    GasAlarm,
    LeakAlarm,
    Motion,
    Power,
    Presence,
    Reading,
    SmokeAlarm,
    Status,
)
from ingest.adapters.zigbee2mqtt import read
from ingest.gate import judge

SENSORS: dict[str, tuple[dict[str, Any], list[Reading]]] = {
    "motion begins": (
        {"occupancy": True, "illuminance": 12, "battery": 87, "linkquality": 110, "voltage": 3000},
        [Motion(moving=True, illuminance_lx=12), Status(battery_pct=87)],
    ),
    "motion ends": ({"occupancy": False}, [Motion(moving=False)]),
    "no motion for a while": ({"no_occupancy_since": 600}, [Motion(moving=False, still_for_s=600)]),
    "radar": ({"presence": True}, [Presence(present=True)]),
    "door: contact true is closed": ({"contact": True}, [Contact(open=False)]),
    "door: contact false is open": ({"contact": False, "tamper": True}, [Contact(open=True), Status(tamper=True)]),
    "smoke": (
        {"smoke": True, "battery_low": False, "smoke_density_dbm": 0.12},
        [SmokeAlarm(alarm=True), Air(smoke_db_m=0.12), Status(battery_low=False)],
    ),
    "smoke, the test button": ({"smoke": True, "test": True}, [SmokeAlarm(alarm=True, test=True)]),
    "smoke in ppm": ({"smoke": False, "smoke_concentration": 40}, [SmokeAlarm(alarm=False), Air(smoke_ppm=40)]),
    "gas with % LEL": ({"gas": True, "gas_value": 12.5}, [GasAlarm(alarm=True), Air(gas_lel_pct=12.5)]),
    "gas, Aqara": (
        {"gas": False, "gas_density": 3, "gas_sensitivity": "10%LEL"},
        [GasAlarm(alarm=False), Air(gas_lel_pct=3)],
    ),
    "carbon monoxide": ({"carbon_monoxide": True, "co": 120}, [CoAlarm(alarm=True), Air(co_ppm=120)]),
    "leak": ({"water_leak": True, "battery_low": True}, [LeakAlarm(alarm=True), Status(battery_low=True)]),
    "vibration": ({"vibration": True, "strength": 3}, [Motion(moving=True, cause="vibration")]),
    "vibration as an action": ({"action": "tilt", "angle_x": 3}, [Motion(moving=True, cause="vibration")]),
    "fall radar OWON, falling": (
        {"status": "falling", "breathing_rate": 0, "location_x": 3},
        [FallAlarm(alarm=True, source="radar"), Presence(present=True, posture="low")],
    ),
    "fall radar OWON, in bed": (
        {"status": "on_the_bed", "breathing_rate": 14},
        [FallAlarm(alarm=False, source="radar"), Presence(present=True, posture="lying", breathing_rate_bpm=14)],
    ),
    "fall radar OWON, nobody": (
        {"status": "unoccupied"},
        [FallAlarm(alarm=False, source="radar"), Presence(present=False)],
    ),
    "fall radar HEIMAN, alarm": ({"fall_status": "fall_alarm"}, [FallAlarm(alarm=True, source="radar")]),
    "fall radar HEIMAN, warning": (
        {"fall_status": "fall_warning"},
        [FallAlarm(alarm=True, phase="warning", source="radar")],
    ),
    "fall radar HEIMAN, over": ({"fall_status": "normal"}, [FallAlarm(alarm=False, source="radar")]),
    "SOS as a state": ({"sos": True}, [Call()]),
    "SOS on a keypad": ({"action": "emergency"}, [Call()]),
    "SOS button, pressed": ({"action": "single", "battery": 50}, [Call(), Status(battery_pct=50)]),
    "SOS button, held": ({"action": "hold"}, [Call(action="hold")]),
    "temperature and humidity": ({"temperature": 21.4, "humidity": 55}, [Air(temperature_c=21.4, humidity_pct=55)]),
    "plug": (
        {"state": "ON", "power": 1800, "current": 7.9, "voltage": 229, "energy": 12.25},
        [Power(on=True, power_w=1800, energy_kwh=12.25)],
    ),
    "plug switched off": ({"state": "OFF"}, [Power(on=False)]),
    "nulls are nothing": ({"occupancy": None, "temperature": 20, "battery": None}, [Air(temperature_c=20)]),
}


@pytest.mark.parametrize("name", SENSORS)
def test_each_sensor_says_what_it_means(name: str) -> None:
    state, expected = SENSORS[name]
    found = read("sensor-1", json.dumps(state).encode())
    assert found.readings == expected
    assert found.refusals == []


@pytest.mark.parametrize(
    "state", [{"sos": False}, {"action": "off"}, {"action": ""}, {"action": None}, {"linkquality": 90}]
)
def test_what_says_nothing_is_passed_over(state: dict[str, Any]) -> None:
    found = read("sos-bath", json.dumps(state).encode())
    assert (found.readings, found.refusals) == ([], [])
    assert found.ignored


@pytest.mark.parametrize("name", ["switch-hall", "remote-tv", "light-bed", "dimmer-1"])
def test_a_wall_switch_that_is_named_so_calls_nobody_but_a_keypads_emergency_does(name: str) -> None:
    assert read(name, b'{"action": "single"}').readings == []
    assert read(name, b'{"action": "emergency"}').readings == [Call()]


@pytest.mark.parametrize(
    ("last_seen", "t"),
    [
        ("2026-11-22T10:00:00.000Z", 1_795_341_600.0),
        ("2026-11-22T18:00:00+08:00", 1_795_341_600.0),
        (1_795_341_600_500, 1_795_341_600.5),
    ],
)
def test_last_seen_is_the_time_of_all_readings_of_the_payload(last_seen: Any, t: float) -> None:
    found = read("pir-1", json.dumps({"occupancy": True, "battery": 9, "last_seen": last_seen}).encode())
    assert [reading.t for reading in found.readings] == [t, t]


@pytest.mark.parametrize("last_seen", ["yesterday", "2026-11-22T10:00:00", -1, 1e30, True, [], float("nan")])
def test_a_last_seen_that_is_no_time_costs_the_time_and_not_the_readings(last_seen: Any) -> None:
    payload = json.dumps({"smoke": True, "last_seen": last_seen}).replace("NaN", "null").encode()
    found = read("smoke-1", payload)
    assert found.readings == [SmokeAlarm(alarm=True)]
    assert all(refusal.taken for refusal in found.refusals)


def test_a_wild_value_hides_neither_the_alarm_nor_the_values_beside_it() -> None:
    found = read("gas-1", b'{"gas": true, "gas_value": 5000, "temperature": 22, "battery": 300, "state": "ON"}')
    assert GasAlarm(alarm=True) in found.readings
    assert Air(temperature_c=22) in found.readings
    assert Power(on=True) in found.readings
    assert sorted(refusal.detail.split(":")[0] for refusal in found.refusals) == ["Air", "Status"]
    assert {refusal.reason for refusal in found.refusals} == {"out_of_range"}


@pytest.mark.parametrize("payload", [b'{"state":"online"}', b"online", b'"online"'])
def test_availability_is_the_status_of_the_device(payload: bytes) -> None:
    found = read("pir-1/availability", payload)
    assert (found.device_id, found.readings) == ("pir-1", [Status(online=True)])


def test_the_state_of_zigbee2mqtt_itself_is_the_status_of_the_hub() -> None:
    judgement = judge("shouwang/v1/330282101/home-1.hub/z2m/bridge/state", b'{"state":"offline"}')
    (part,) = judgement.parts
    assert (part.device_id, part.via, part.reading) == ("hub", None, Status(online=False))


@pytest.mark.parametrize("name", ["bridge/devices", "bridge/logging", "bridge/info", "pir-1/set", "pir-1/get"])
def test_what_zigbee2mqtt_says_of_itself_and_commands_are_passed_over(name: str) -> None:
    judgement = judge(f"shouwang/v1/330282101/home-1.hub/z2m/{name}", b"anything at all")
    assert (judgement.parts, judgement.refusals) == ([], [])
    assert judgement.ignored.startswith("z2m")


@pytest.mark.parametrize("name", ["PIR Küche", "kitchen/pir", "", "客厅"])
def test_a_friendly_name_that_is_no_id_is_refused_with_what_to_do(name: str) -> None:
    judgement = judge(f"shouwang/v1/330282101/home-1.hub/z2m/{name}", b'{"occupancy": true}')
    (refusal,) = judgement.refusals
    assert refusal.reason == "bad_id"
    assert "Rename" in refusal.detail


def test_children_of_a_hub_keep_the_hub_as_their_way_and_urgent_ones_take_the_urgent_lane() -> None:
    judgement = judge("shouwang/v1/330282101/home-1.hub/z2m/0x00158d0001", b'{"water_leak": true, "temperature": 20}')
    assert [(part.device_id, part.via, part.kind, part.urgent) for part in judgement.parts] == [
        ("0x00158d0001", "hub", "leak_alarm", True),
        ("0x00158d0001", "hub", "air", False),
    ]


@pytest.mark.parametrize("payload", [b"", b"on", b"[1]", b"3", b"\xff"])
def test_a_payload_that_is_no_object_is_refused(payload: bytes) -> None:
    assert len(read("pir-1", payload).refusals) == 1
