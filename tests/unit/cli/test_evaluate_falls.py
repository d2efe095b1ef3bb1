"""Trials of motion as other people keep them: what is missing, short or beyond the end is understood or refused in words."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cli import _evaluate_falls as falls
from simulators.recordings import open_recording
from stream.detector import Array, Floats, Ints
from stream.detectors import fall_wearable


def trial(seconds: float, rate_hz: float, blow_s: float | None = None, size_g: float = 4.0) -> Array:
    """At rest along one axis, perhaps with a blow of a tenth of a second; milli-g, int16."""
    rng = np.random.default_rng(1)
    acc = np.array([0, -1000, 0]) + rng.normal(0, 20, (round(seconds * rate_hz), 3))
    if blow_s is not None:
        acc[round(blow_s * rate_hz) : round((blow_s + 0.1) * rate_hz), 0] += size_g * 1000
    return np.clip(np.rint(acc), -32_768, 32_767).astype(np.int16)


def kept(path: Path, parts: list[Array], rate_hz: float, **labels: Any) -> Path:
    offsets = np.concatenate([[0], np.cumsum([len(part) for part in parts])])
    np.savez(path, acc=np.concatenate(parts), off=offsets, fs=np.float32(rate_hz), **labels)
    return path


def every_impact(windows: Array, home: Ints, impact: Ints) -> Floats:
    """A judge to whom every impact is a fall."""
    return np.ones(len(windows))


HEARS = fall_wearable.detector(fall_wearable.Point(every_impact, 0.5, 2.0))


@pytest.mark.parametrize("rate_hz", [20.0, 31.25, 50.0, 200.0])
def test_trials_are_judged_at_any_rate_without_rotation_subjects_or_times(tmp_path: Path, rate_hz: float) -> None:
    parts = [trial(12, rate_hz, 6.0), trial(12, rate_hz), trial(12, rate_hz, 5.0)]
    told = falls.evaluate(kept(tmp_path / "t.npz", parts, rate_hz, is_fall=np.array([True, False, False])), HEARS)
    assert (told["falls"], told["detected"], told["activities"], told["false_activities"]) == (1, 1, 2, 1)
    assert 2.0 <= told["decision_s"]["p50"] <= 3.6
    assert told["false_by"] == {"-": 1}


def test_times_beyond_the_end_and_trials_of_nothing_stop_nobody(tmp_path: Path) -> None:
    parts = [
        trial(12, 50, 6.0),
        trial(12, 50, 6.0),
        trial(12, 50, 6.0, 40.0),
        trial(0.1, 50),
        trial(0, 50),
        trial(1, 50),
    ]
    told = falls.evaluate(
        kept(tmp_path / "t.npz", parts, 50, is_fall=np.array([1, 1, 1, 0, 1, 1]), subject=np.array(list("aabbcc")),
             activity=np.array(["F"] * 6), t0=np.array([99.0, np.nan, 5.5, np.nan, np.nan, np.nan]),
             t1=np.array([120.0, np.nan, np.nan, np.nan, np.nan, np.nan])), HEARS,
    )  # fmt: skip
    assert (told["falls"], told["detected"], told["activities"], told["false_activities"]) == (5, 3, 1, 0)
    assert told["missed_by"] == {"F": 2}


def test_long_names_that_begin_alike_stay_different_people(tmp_path: Path) -> None:
    names = np.array(["participant-01", "participant-02"])
    path = kept(tmp_path / "t.npz", [trial(12, 50, 6.0)] * 2, 50, is_fall=np.array([True, True]), subject=names)
    assert len({home.home_id for home in open_recording(path).homes}) == 2
    assert falls.evaluate(path, HEARS)["detected"] == 2


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"is_fall": None}, "lacks is_fall"),
        ({"fs": np.array([20.0, 50.0])}, "fs is not one rate"),
        ({"fs": np.float32(np.nan)}, "fs is not one rate"),
        ({"off": np.array([0, 900])}, "does not rise within"),
        ({"is_fall": np.array([True, False])}, "it has 1 trials, but labels of 2"),
        ({"acc": np.zeros((600, 2), np.int16)}, "shape"),
    ],
)
def test_what_is_no_file_of_trials_is_refused_in_words(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    content = {"acc": trial(12, 50), "off": np.array([0, 600]), "fs": np.float32(50), "is_fall": np.array([True])}
    np.savez(tmp_path / "t.npz", **{k: v for k, v in {**content, **change}.items() if v is not None})
    with pytest.raises(falls.NotTrials, match=says):
        falls.evaluate(tmp_path / "t.npz")


def test_a_file_that_is_not_there_or_no_archive_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "t.npz").write_text("no archive")
    for name in ("t.npz", "none.npz"):
        with pytest.raises(falls.NotTrials, match="cannot be judged"):
            falls.evaluate(tmp_path / name)
