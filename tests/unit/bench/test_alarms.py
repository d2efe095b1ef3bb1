"""What a centre would hear: the arithmetic, and small runs through frames and engine."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from bench import alarms, falls
from bench.alarms import Alarm, Source, alarms_of, figures, poisson_95, total_of
from cli.train import RECORDINGS
from stream.registry import discover
from tests.contract.alerts.centre import a_detection

DETECTORS = discover()


def said(at_s, family="no_life", **fields):
    known = {"device_id": None, "score": 1, "decided_at_s": at_s, "event_at_s": at_s}
    return a_detection(family, **(known | fields))


def a_source(name="r", basis="recording", weeks=100.0, detectors=("inactivity",), heard=()):
    return Source(name, basis, weeks, None, detectors, tuple(heard))


def heard(count, detector="inactivity", family="no_life", score=1, priority=3):
    return [Alarm(detector, family, score, priority, float(n)) for n in range(count)]


@pytest.mark.parametrize(
    ("count", "low", "high"), [(1, 0.0253, 5.572), (5, 1.623, 11.668), (10, 4.795, 18.390), (100, 81.36, 121.63)]
)
def test_intervals_of_counts_are_the_exact_ones(count, low, high):
    assert poisson_95(count) == pytest.approx((low, high), rel=1e-3)


def test_nothing_seen_is_the_rule_of_three():
    assert poisson_95(0) == (0.0, 3.0)


def test_an_hour_of_a_centre_is_what_the_design_says():
    assert alarms.hourly(0.23)["33000"] == pytest.approx(45, abs=0.5)
    assert alarms.hourly(0.23)["278900"] == pytest.approx(380, abs=2)
    assert (alarms.desks(33_000), alarms.desks(278_900)) == (4, 28)
    assert alarms.of_a_desk(0.23)["33000"] == pytest.approx(45.18 / 4, abs=0.01)


def test_one_case_while_anything_of_a_family_is_on():
    first, second = {"started_at_s": 0.0}, {"started_at_s": 50.0}
    told = [
        said(10, **first), said(20, score=2, revision=2, **first), said(30, revision=3, on=False, **first),
        said(60, **second), said(70, "stove", started_at_s=55.0, score=2), said(80, home_id="h-2", started_at_s=5.0),
    ]  # fmt: skip
    found = alarms_of(told)
    assert [(each.detector, each.score, each.priority) for each in found] == [
        ("inactivity", 2, 2), ("inactivity", 1, 3), ("stove_unattended", 2, 2), ("inactivity", 1, 3),
    ]  # fmt: skip


def test_two_detectors_that_agree_are_one_case_with_the_score_of_both():
    (case,) = alarms_of([
        said(10, "fall", started_at_s=10.0, device_id="radar", score=2),
        said(12, "fall", started_at_s=11.0, device_id="watch", detector="fall_wearable", score=1),
    ])  # fmt: skip
    assert (case.detector, case.score, case.priority) == ("fall_room", 3, 1)


def test_what_says_no_end_is_over_after_a_while():
    night = [said(at_s, "wandering", started_at_s=at_s) for at_s in (0.0, 1000.0, 90_000.0)]
    assert len(alarms_of(night)) == 2
    assert len(alarms_of(night, handled_s=60.0)) == 3


def test_a_high_care_level_is_not_asked_first():
    assert alarms_of([said(10, started_at_s=0.0)], {"h-1": 4})[0].priority == 2


def test_a_figure_comes_from_recordings_where_there_are_any():
    sources = [a_source(heard=heard(2)), a_source("s", "simulator", 1000.0, ("inactivity", "smoke"))]
    rows = {row["detector"]: row for row in figures(sources, DETECTORS)["detectors"]}
    assert (rows["inactivity"]["basis"], rows["inactivity"]["per_home_week"]) == ("recording", 0.02)
    assert (rows["smoke"]["basis"], rows["smoke"]["bound"], rows["smoke"]["per_home_week_95"]) == (
        "simulator",
        True,
        [0.0, 0.003],
    )
    assert rows["smoke"]["per_operator_hour"]["upper"] == alarms.of_a_desk(0.003)
    assert rows.keys() == {"inactivity", "smoke"}, "of others nothing was played"


def test_asking_keeps_from_desks_what_is_answered_and_nothing_else():
    found = figures([a_source(heard=[*heard(8), *heard(2, score=2, priority=2)])], DETECTORS)
    asked, loud = found["detectors"]
    assert (asked["asks"], loud["asks"]) == (True, False)
    assert asked["after_asking"]["0.9"] == alarms.of_a_desk(0.008)
    assert loud["after_asking"]["0.9"] == alarms.of_a_desk(0.02)
    assert found["totals"]["heard"]["after_asking"]["0.5"] == alarms.of_a_desk(0.06)
    assert found["totals"]["heard"]["kept_from_desks"] == {"0.5": 0.4, "0.7": 0.56, "0.9": 0.72}


def test_water_is_not_asked_of_a_person():
    (row,) = figures([a_source(detectors=("water_running",), heard=heard(3, "water_running", "water"))], DETECTORS)[
        "detectors"
    ]
    assert not row["asks"]


def test_what_was_acted_and_what_is_technical_have_totals_of_their_own():
    sources = [
        a_source(heard=heard(1)), a_source("a", "scripted", 10.0, ("fall_wearable",), heard(4, "fall_wearable", "fall")),
        a_source("s", "simulator", 10.0, ("device_silent", "smoke"), heard(5, "device_silent", "technical", 2, 4)),
    ]  # fmt: skip
    totals = figures(sources, DETECTORS)["totals"]
    assert {name: total["alarms"] for name, total in totals.items()} == {"heard": 1, "technical": 5, "scripted": 4}


def test_detectors_that_were_all_silent_in_the_same_weeks_have_one_bound_together():
    names = ("smoke", "gas", "call")
    rows = figures([a_source("s", "simulator", 10.0, names)], DETECTORS)["detectors"]
    assert len(rows) == 3
    assert total_of(rows)["upper"]["per_home_week"] == pytest.approx(0.3)


def test_whether_it_is_met_is_said_for_each_answer_rate_and_for_the_upper_ends():
    rate = 8.0 * 168 / 10_000  # 8 an operator-hour, a little less with desks as whole ones
    found = figures([a_source(heard=heard(round(rate * 100)))], DETECTORS)["meets"]
    assert found["must"] == {"0": True, "0.5": True, "0.7": True, "0.9": True}
    assert found["goal"] == {"0": False, "0.5": True, "0.7": True, "0.9": True}
    assert found["surely"]["goal"]["0"] is False


def a_home(path: Path, days: int, empty: range = range(0)) -> Path:
    """Motion in two rooms every ten minutes from 7 to 22, but on the days that are ``empty``."""
    lines, start = ["t,sensor,val"], datetime(2020, 1, 1)
    for day in set(range(days)) - set(empty):
        for minute in range(7 * 60, 22 * 60, 10):
            at = start + timedelta(days=day, minutes=minute)
            room = "LivingRoomMotion" if minute % 60 else "BathroomMotion"
            lines += [
                f"{at + timedelta(seconds=n * 20)},{room},{value}" for n, value in enumerate(("ON", "OFF", "ON", "OFF"))
            ]
    path.write_text("\n".join(lines))
    return path


def test_a_recorded_home_whose_resident_is_away_without_a_word_is_heard_of(tmp_path: Path):
    path = a_home(tmp_path / "home.csv", 8, range(4, 6))
    found = alarms.of_home(path, 2, DETECTORS)
    assert found.home_weeks == pytest.approx(8 / 7, rel=0.05)
    assert {"inactivity"} <= set(found.detectors)
    assert not {"water_running", "stove_unattended", "device_silent", "fall_wearable"} & set(found.detectors)
    assert {alarm.detector for alarm in found.alarms} >= {"inactivity"}


def test_and_not_if_that_was_registered(tmp_path: Path):
    path = a_home(tmp_path / "home.csv", 8, range(4, 6))
    local = datetime.fromisoformat
    zone = alarms.ZoneInfo(alarms.ZONE)
    away = [
        (
            local("2020-01-04T22:00").replace(tzinfo=zone).timestamp(),
            local("2020-01-07T07:00").replace(tzinfo=zone).timestamp(),
        )
    ]
    assert [a for a in alarms.of_home(path, 2, DETECTORS, away).alarms if a.detector == "inactivity"] == []


def test_a_tap_that_ran_on_in_a_recording_is_heard_of(tmp_path: Path):
    litres = np.zeros(1440, dtype=np.int32)
    litres[600:660] = 6000
    np.savez(tmp_path / "water.npz", t0=np.float64(1.5e9), step_s=np.float64(60), litres_x1000=litres)
    found = alarms.of_water(tmp_path / "water.npz")
    assert (found.home_weeks, [alarm.detector for alarm in found.alarms]) == (pytest.approx(1 / 7), ["water_running"])


def test_of_a_script_only_activities_are_played_and_its_hours_are_days_of_life(tmp_path: Path):
    rng = np.random.default_rng(1)
    still = (np.tile([0, -1000, 50], (30_000, 1)) + rng.normal(0, 10, (30_000, 3))).astype(np.int16)
    labels = {
        "subject": np.array(["a", "b"]), "activity": np.array(["D1", "F1"]), "is_fall": np.array([False, True]),
        "t0": np.full(2, np.nan), "t1": np.full(2, np.nan), "elder": np.zeros(2, bool),
    }  # fmt: skip
    path = falls.write(tmp_path / "acts.npz", falls.Trials("acts", 50.0, [still, still], labels))
    (tmp_path / "scratch").mkdir()
    found = alarms.of_script(path, DETECTORS, tmp_path / "scratch")
    assert (found.hours, found.alarms, found.detectors) == (pytest.approx(1 / 6), (), ("fall_wearable",))
    assert found.home_weeks == pytest.approx(1 / 6 / alarms.SCRIPTED_H_PER_DAY / 7)


def test_a_quiet_hour_of_simulated_homes(capsys):
    found = alarms.of_simulator(2, 1 / 24, 1, DETECTORS, 0.0)
    assert found.home_weeks == pytest.approx(2 / 24 / 7)
    assert {"inactivity", "smoke", "device_silent", "stove_unattended"} <= set(found.detectors)
    told = figures([found], DETECTORS)
    assert len(alarms.table({**told})[0]) == len(alarms.HEADINGS)
    assert "2 of 2 homes" in capsys.readouterr().err


def test_recordings_that_are_not_there_are_named(tmp_path: Path):
    with pytest.raises(falls.NoRecordings, match=r"hh102_month\.csv\.xz"):
        alarms.measure(tmp_path)


@pytest.mark.skipif(not (RECORDINGS / "hh102_month.csv.xz").is_file(), reason=f"the recordings are not in {RECORDINGS}")
def test_every_recording_that_is_asked_for_is_there():
    assert all(
        (RECORDINGS / name).is_file()
        for name in (*(each[0] for each in alarms.RECORDED), alarms.WATER, *alarms.SCRIPTED)
    )
