"""What is forgotten is noticed, what is usual is not, on made homes; and on the real ones where their recordings lie."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cli import __main__ as door
from cli import _evaluate_kitchen as kitchen
from deploy.site import REPOSITORY
from stream.registry import discover

DATA = REPOSITORY.parent / "shared" / "data"
WATER, THINGS = DATA / "ampds_water_2y_1min.npz", DATA / "mit_s2_intervals.csv.xz"
MADE = """\
s,e,id,room,obj,act,dur
2003-04-19 08:00:00,2003-04-19 08:00:05,64,Kitchen,Cabinet,Eat,0.1
2003-04-19 12:00:00,2003-04-19 12:20:00,117,Kitchen,Burner,Cook,20
2003-04-19 12:05:00,2003-04-19 12:05:20,74,Kitchen,Refrigerator,Cook,0.3
2003-04-19 12:12:00,2003-04-19 12:12:10,64,Kitchen,Cabinet,Cook,0.2
2003-04-19 12:16:00,2003-04-19 12:18:00,98,Den,Light switch,Cook,2
2003-04-20 18:00:00,2003-04-20 18:45:00,117,Kitchen,Burner,Cook,45
2003-04-20 18:01:00,2003-04-20 18:01:10,64,Kitchen,Cabinet,Cook,0.2
"""


def needs(path: Path) -> Path:
    if not path.exists():
        pytest.skip(f"{path} is not there: real recordings lie beside the project, in ../shared/data")
    return path


def at(told: dict[str, Any], detector: str) -> dict[str, Any]:
    """The figures of the detector as it ships."""
    (shipped,) = [each for each in told["settings"] if each["detector"] == detector and each["shipped"]]
    return dict(shipped)


@pytest.fixture
def things(tmp_path: Path) -> Path:
    path = tmp_path / "some_things.csv"
    path.write_text(MADE)
    return path


@pytest.fixture
def short_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces of four days, and one coarser meter: what is said must be the same, and it is sooner said."""
    monkeypatch.setattr(kitchen, "PIECE_DAYS", 4)
    monkeypatch.setattr(kitchen, "COARSER", (5,))


@pytest.fixture
def meter(tmp_path: Path) -> Path:
    """40 days, read every two minutes: ten litres in the first ten minutes of each hour from 6 to 22, one hour's garden hose, and two days away."""
    minutes = np.arange(0, 40 * 1440, 2)
    hour, minute, day = minutes // 60 % 24, minutes % 60, minutes // 1440
    litres = np.where((hour >= 6) & (hour < 22) & (minute < 10), 3_000, 0)
    litres[(day == 20) & (hour == 15)] = 18_000
    litres[(day == 30) | (day == 31)] = 0
    path = tmp_path / "some_meter.npz"
    np.savez(path, t0=np.int64(1_333_263_600), step_s=np.int64(120), litres_x1000=litres.astype(np.uint32))
    return path


def test_a_burner_that_nobody_comes_back_to_is_said_within_half_an_hour_and_cooking_is_not(things: Path) -> None:
    told = kitchen.evaluate(things)
    assert (at(told, "stove_unattended")["alarms"], at(told, "stove_unattended")["score_2"]) == (1, 0), (
        "the second meal"
    )
    assert told["burner"]["within_30_min"] == 1.0
    assert 24.0 <= told["burner"]["p95_min"] <= 26.0
    assert told["burner"]["score_2"]["p95_min"] > 50.0


def test_a_door_without_a_history_is_not_believed(things: Path) -> None:
    told = kitchen.evaluate(things)
    (fridge,) = told["fridge"]
    assert (fridge["moments"], fridge["noticed"]) == (1, 0.0)


@pytest.mark.recordings
@pytest.mark.usefixtures("short_pieces")
def test_a_meter_of_weeks_is_judged_as_if_it_were_lived_through(meter: Path) -> None:
    told = kitchen.evaluate(meter)
    assert at(told, "water_running")["alarms"] == 1, "the hose, whichever piece it falls into"
    assert at(told, "water_unused")["alarms"] == 1, "two days away of which nobody knew"
    assert told["coarser"][0]["water_running_per_year"] == 0.0, "an hour cannot be told from several uses"
    for tap in told["tap"]:
        assert tap["noticed"] == 1.0
        assert 44.0 <= tap["median_min"] <= 47.0


def test_the_setting_that_ships_is_marked_once_for_each_detector() -> None:
    for detector, changes in (("water_running", kitchen.RUNNING), ("water_unused", kitchen.UNUSED), ("stove_unattended", kitchen.STOVE),
                              ("fridge_open", kitchen.FRIDGE)):  # fmt: skip
        tried = kitchen.variants(detector, changes)
        (shipped,) = [each for each in tried if each.shipped]
        assert shipped.made.params == discover()[detector].params


def test_the_command_gives_one_json_object(things: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert door.main(["evaluate", "kitchen", str(things), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["file"] == "some_things.csv"
    assert door.main(["evaluate", "kitchen", str(things)]) == 0
    assert "<- ships" in capsys.readouterr().out


def test_a_recording_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "motion.csv"
    path.write_text("t,sensor,val\n2011-06-15 01:03:39,Bedroom,ON\n")
    with pytest.raises(kitchen.NothingToJudge):
        kitchen.evaluate(path)


@pytest.mark.recordings
def test_the_real_kitchen_rings_no_desk_and_every_forgotten_burner_is_said_in_time() -> None:
    told = kitchen.evaluate(needs(THINGS))
    assert at(told, "stove_unattended")["score_2"] == 0
    assert at(told, "fridge_open")["alarms"] == 0
    assert told["burner"]["within_30_min"] == 1.0
    assert max(each["within_30_min"] for each in told["fridge"]) > 0.9, "the door that is used most"


@pytest.mark.recordings
@pytest.mark.usefixtures("short_pieces")
def test_two_months_of_the_real_meter(tmp_path: Path) -> None:
    with np.load(needs(WATER)) as file:
        each_2_min = file["litres_x1000"][: 60 * 1440].reshape(-1, 2).sum(axis=1)
        np.savez(tmp_path / "part.npz", t0=file["t0"], step_s=np.int64(120), litres_x1000=each_2_min)
    told = kitchen.evaluate(tmp_path / "part.npz")
    assert at(told, "water_unused")["alarms"] == 0
    assert at(told, "water_running")["per_year"] < 12
    assert all(tap["noticed"] == 1.0 and tap["p95_min"] <= 47.0 for tap in told["tap"])
