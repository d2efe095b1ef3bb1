"""Recordings become messages: in order, with times and numbers, without labels."""

import base64
import json
import lzma
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contracts.names import AREA_REPLAY, parse_topic
from ingest import gate
from simulators.recorded_devices import role_and_room, slug
from simulators.recording import CLOSING_S, Message, NoRecording, Part
from simulators.recordings import PAUSE_S, open_recording, trials

HOME = """\
t,sensor,sub,val,act
2011-06-15 01:03:39.149,Bedroom,Bedroom,ON,Sleep
2011-06-15 01:03:40.284,Bedroom,Bedroom,OFF,Sleep
2011-06-15 07:00:00.000,Kitchen,KitchenLight,ON,Cook
2011-06-16 08:00:00.000,OutsideDoor,FrontDoor,OPEN,Leave_Home
2011-06-16 08:00:05.500,OutsideDoor,FrontDoor,CLOSE,Leave_Home
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    path = tmp_path / "some_home.csv.xz"
    path.write_bytes(lzma.compress(HOME.encode()))
    return path


@pytest.fixture
def motion(tmp_path: Path) -> Path:
    path = tmp_path / "watch.npz"
    rng = np.random.default_rng(1)
    lengths = [120, 75, 50, 130]
    np.savez(
        path,
        acc=rng.integers(-4000, 4000, (sum(lengths), 3), dtype=np.int16),
        gyr=rng.integers(-2000, 2000, (sum(lengths), 3), dtype=np.int16),
        off=np.cumsum([0, *lengths]),
        fs=np.float32(50.0),
        subject=np.array(["S1", "S2", "S1", "S2"]),
        is_fall=np.array([True, False, True, False]),
        activity=np.array(["F1", "D1", "F2", "D2"]),
    )
    return path


@pytest.fixture
def water(tmp_path: Path) -> Path:
    path = tmp_path / "meter.npz"
    np.savez(path, t0=np.int64(1_333_263_600), step_s=np.int64(60), litres_x1000=np.arange(3000, dtype=np.uint32))
    return path


THINGS = """\
s,e,id,room,obj,act,dur
2003-05-01 16:14:24,2003-05-01 16:16:16,115,Kitchen,Microwave,Preparing dinner,1.9
2003-05-01 16:15:00,2003-05-01 16:40:00,117,Kitchen,Burner,Preparing dinner,25
2003-05-01 16:16:00,2003-05-01 16:16:20,74,Butlers Pantry,Refrigerator,Preparing dinner,0.3
2003-05-01 16:17:00,2003-05-01 16:17:30,91,Kitchen,Sink faucet - cold,Preparing dinner,0.5
"""


@pytest.fixture
def things(tmp_path: Path) -> Path:
    path = tmp_path / "some_things.csv"
    path.write_text(THINGS)
    return path


def bodies(messages: list[Message]) -> list[dict[str, Any]]:
    return [json.loads(message.payload) for message in messages]


def test_events_of_a_home_become_motion_power_and_contact_at_their_local_times(home: Path) -> None:
    found = list(open_recording(home).messages())
    told = [(parse_topic(m.topic).device_id, b["kind"]) for m, b in zip(found[:-1], bodies(found[:-1]), strict=True)]
    assert told == [
        ("bedroom", "motion"), ("bedroom", "motion"), ("kitchen-kitchen-light", "power"),
        ("outside-door-front-door", "contact"), ("outside-door-front-door", "contact"),
    ]  # fmt: skip
    first = bodies(found)[0]
    assert first["t"] == pytest.approx(1308071019.149)  # 2011-06-15 01:03:39.149 at UTC+8
    assert [b.get("open") for b in bodies(found)[3:5]] == [True, False]
    roles = {d.device_id: (d.role, d.room) for d in open_recording(home).homes[0].devices}
    assert roles["outside-door-front-door"] == ("entrance_door", "entrance")
    assert roles["kitchen-kitchen-light"] == ("light", "kitchen")


def test_intervals_become_two_readings_each_of_the_thing_that_was_used(things: Path) -> None:
    devices = {d.device_id: (d.role, d.room) for d in open_recording(things).homes[0].devices}
    assert devices == {
        "microwave-115": ("other", "kitchen"), "burner-117": ("stove", "kitchen"), "refrigerator-74": ("fridge", "kitchen"),
        "sink-faucet-cold-91": ("tap", "kitchen"),
    }  # fmt: skip
    found = list(open_recording(things).messages())
    told = [
        (parse_topic(m.topic).device_id, b.get("on", b.get("open")))
        for m, b in zip(found[:-1], bodies(found[:-1]), strict=True)
    ]
    assert {value for _, value in told[:4]} == {False}, "all is off at first"
    assert told[4:8] == [
        ("microwave-115", True),
        ("burner-117", True),
        ("refrigerator-74", True),
        ("microwave-115", False),
    ]


def test_the_last_message_moves_the_clock_past_the_end(home: Path) -> None:
    found = list(open_recording(home).messages())
    assert found[-1].readings == 0
    assert parse_topic(found[-1].topic).channel == "clock"
    assert bodies(found)[-1]["t"] == pytest.approx(bodies(found)[-2]["t"] + CLOSING_S)


def test_labels_change_nothing(home: Path, motion: Path, tmp_path: Path) -> None:
    other = tmp_path / "more" / "some_home.csv.xz"
    other.parent.mkdir()
    other.write_bytes(lzma.compress(HOME.replace("Sleep", "Fall").replace("Leave_Home", "x").encode()))
    assert list(open_recording(home).messages()) == list(open_recording(other).messages())
    things = tmp_path / "some_things.csv"
    things.write_text(THINGS)
    other_things = tmp_path / "more" / "some_things.csv"
    other_things.write_text(THINGS.replace("Preparing dinner", "x"))
    assert list(open_recording(things).messages()) == list(open_recording(other_things).messages())
    with np.load(motion) as file:
        bare = {name: file[name] for name in file.files if name not in ("is_fall", "activity")}
    alone = tmp_path / "more" / "watch.npz"
    np.savez(alone, **bare)
    assert list(open_recording(motion).messages()) == list(open_recording(alone).messages())


@pytest.mark.parametrize("kind", ["home", "motion", "water", "things"])
def test_two_runs_differ_in_nothing_but_their_homes(kind: str, request: pytest.FixtureRequest) -> None:
    path: Path = request.getfixturevalue(kind)
    plain = list(open_recording(path).messages())
    again = list(open_recording(path, "r1").messages())
    assert [m.payload for m in plain] == [m.payload for m in again]
    assert [m.topic.replace(f"{AREA_REPLAY}/", f"{AREA_REPLAY}/r1-") for m in plain] == [m.topic for m in again]


@pytest.mark.parametrize("kind", ["home", "motion", "water", "things"])
def test_every_message_passes_the_gate_in_time_order_with_numbers_without_holes(
    kind: str, request: pytest.FixtureRequest
) -> None:
    found = list(open_recording(request.getfixturevalue(kind), "r1").messages())
    assert all(before.at_s <= after.at_s for before, after in pairwise(found))
    numbers: dict[str, int] = {}
    for message in found:
        judged = gate.judge(message.topic, message.payload, led=True)
        assert not judged.refusals
        assert len(judged.parts) == message.readings
        for part in judged.parts:
            account = parse_topic(message.topic).account
            assert part.reading.seq == numbers.get(account, 0) + 1
            numbers[account] = part.reading.seq


def test_trials_follow_each_other_in_the_home_of_their_subject(motion: Path) -> None:
    recording = open_recording(motion)
    assert [home.home_id for home in recording.homes] == ["watch-s1", "watch-s2"]
    plan = trials([0, 120, 195, 245, 375], 50.0, [0, 1, 0, 1])
    assert plan[2].start_s == plan[0].start_s + 3 + PAUSE_S  # 2.4 s long, then the next whole second
    assert plan[3].start_s == plan[1].start_s + 2 + PAUSE_S


def test_samples_pass_unchanged_and_a_block_leaves_when_it_is_full(motion: Path) -> None:
    found = [
        (m, b)
        for m, b in ((m, json.loads(m.payload)) for m in open_recording(motion).messages())
        if m.readings and "-s1." in m.topic
    ]
    raw = b"".join(base64.b64decode(b["samples"]) for _, b in found[:3])
    with np.load(motion) as file:
        first = np.hstack([file["acc"][:120], file["gyr"][:120]])
    assert np.array_equal(np.frombuffer(raw, "<i2").reshape(-1, 6), first)
    assert [round(m.at_s - b["t"], 2) for m, b in found[:3]] == [1.0, 1.0, 0.4]
    # One count is one milli-g and a tenth of a degree a second.
    assert found[0][1]["range_g"] / 32767 == pytest.approx(0.001)
    assert found[0][1]["range_dps"] / 32767 == pytest.approx(0.1)


def test_a_clock_message_stands_before_each_block_so_that_none_is_known_before_its_end(motion: Path) -> None:
    clock_s = 0.0
    for message in open_recording(motion).messages():
        body = json.loads(message.payload)
        if message.readings:
            assert clock_s >= body["t"] + len(body["samples"]) * 3 / 4 / 12 / 50 - 0.05
        else:
            clock_s = body["t"]


def test_water_is_told_at_the_end_of_its_minute_and_a_part_can_be_taken(water: Path) -> None:
    every = bodies(list(open_recording(water).messages()))
    assert (every[0]["t"], every[0]["litres"]) == (1_333_263_660, 0.0)
    assert len(every) == 3001
    day = bodies(list(open_recording(water, part=Part(None, 1)).messages()))
    assert len(day) == 1441


def test_a_part_begins_on_a_local_day(home: Path) -> None:
    found = list(open_recording(home, part=Part(date(2011, 6, 16), None)).messages())
    assert [b["kind"] for b in bodies(found[:-1])] == ["contact", "contact"]


def test_what_is_no_recording_is_said_with_its_path(tmp_path: Path) -> None:
    for name, content in (("a.csv", b"x,y\n1,2\n"), ("b.npz", b"nothing"), ("c.txt", b""), ("d.csv.xz", b"not xz")):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(NoRecording, match=name):
            open_recording(path)


@pytest.mark.parametrize(
    ("name", "says", "wanted"),
    [
        ("KitchenADiningChair", {"ON", "OFF"}, ("motion", "kitchen")),
        ("BathroomASink", {"ON"}, ("motion", "bathroom")),
        ("BedroomABed", {"ON"}, ("motion", "bedroom")),
        ("LoungeChair-LivingRoom", {"ON"}, ("motion", "living")),
        ("MainEntryway", {"ON"}, ("motion", "entrance")),
        ("HallwayA", {"ON"}, ("motion", "corridor")),
        ("OutsideDoor-FrontDoor", {"OPEN", "CLOSE"}, ("entrance_door", "entrance")),
        ("BedroomDoor", {"OPEN"}, ("door", "bedroom")),
        ("Refrigerator", {"OPEN"}, ("fridge", "kitchen")),
        ("WorkArea-WorkAreaLight", {"ON"}, ("light", "other")),
        ("Q7", {"ON"}, ("motion", "other")),
    ],
)
def test_a_sensor_s_name_tells_what_it_is_and_where(name: str, says: set[str], wanted: tuple[str, str]) -> None:
    assert role_and_room(name, says) == wanted


def test_names_become_ids() -> None:
    assert slug("BathroomAArea") == "bathroom-a-area"
    assert slug("  Küche #1 ") == "k-che-1"
    assert slug("---") == "x"
