"""What the learner says is usual with a person, and that a bad day does not make it so."""

import numpy as np

from stream.learning.usual import WANTED, learn

PER_DAY = 100


def readings(days, *, heart=None, body=None):
    """Medians of ten minutes; ``heart(day)`` -> low and high of that day."""
    day = np.repeat(np.arange(days), PER_DAY)
    nothing = np.full(len(day), np.nan)
    columns = {
        "heart_rate_bpm": nothing.copy(),
        "spo2_pct": nothing.copy(),
        "skin_temp_c": nothing.copy(),
        "body_temp_c": nothing.copy(),
    }
    if heart is not None:
        columns["heart_rate_bpm"] = np.concatenate([np.linspace(*heart(each), PER_DAY) for each in range(days)])
    if body is not None:
        columns["body_temp_c"][::PER_DAY] = body
    return day, columns


def values(resident, day, columns):
    return {(each.resident_id, each.name): each for each in learn(resident, day, columns)}


def test_the_usual_range_of_a_pulse_with_its_evidence():
    day, columns = readings(20, heart=lambda _: (58.0, 88.0))
    found = values(["r-1"] * len(day), day, columns)
    assert found["r-1", "usual.heart_low_bpm"][2:] == (58.0, 20, 2000)
    assert found["r-1", "usual.heart_high_bpm"].value == 88.0
    assert found["r-1", "usual.heart_rest_bpm"].value == 61.0


def test_two_days_in_bed_with_a_cold_are_not_yet_usual():
    day, columns = readings(28, heart=lambda each: (58.0, 130.0 if each in (5, 6) else 88.0))
    assert values(["r-1"] * len(day), day, columns)["r-1", "usual.heart_high_bpm"].value == 88.0


def test_a_thermometer_on_its_round_is_enough_for_the_body_s_temperature():
    day, columns = readings(10, body=36.3)
    found = values(["r-1"] * len(day), day, columns)
    assert found["r-1", "usual.body_c"][2:] == (36.3, 10, 10)
    assert ("r-1", "usual.heart_low_bpm") not in found


def test_few_days_teach_nothing_and_residents_are_kept_apart():
    day, columns = readings(12, heart=lambda _: (58.0, 88.0))
    columns["heart_rate_bpm"][:600] += 20.0
    found = values(["r-2"] * 600 + ["r-1"] * 600, day, columns)
    assert found == {}  # six days each
    whole = values((["r-1"] * 50 + ["r-2"] * 50) * 12, day, columns)
    assert {who for who, _ in whole} == {"r-1", "r-2"}


def test_what_the_detectors_ask_for_is_what_is_learned():
    from pathlib import Path

    asked = "".join(path.read_text() for path in (Path(__file__).parents[4] / "stream" / "detectors").glob("*.py"))
    for wanted in WANTED:
        assert f'"{wanted.name}"' in asked or wanted.name == "usual.heart_rest_bpm", wanted.name
