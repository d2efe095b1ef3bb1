"""``detect`` on trials: each line says which trial it is of and when in it, and no label is read."""

import argparse
import json
from pathlib import Path
from random import Random

import numpy as np

from cli import detect
from simulators.recordings import trials_of
from simulators.waveforms import RATE_HZ, fall


def trials_file(folder: Path, **labels: object) -> Path:
    """Two subjects in turn: a fall each in their second trials, stillness in their first ones."""
    acc = np.rint(fall(Random(1))[:, :3] * 1000).astype(np.int16)
    quiet = np.tile(np.array([0, -1000, 100], np.int16), (round(8 * RATE_HZ), 1))
    parts = [quiet, quiet, acc, acc]
    offsets = np.concatenate([[0], np.cumsum([len(part) for part in parts])])
    path = folder / "trials.npz"
    np.savez(
        path,
        acc=np.concatenate(parts),
        off=offsets,
        fs=RATE_HZ,
        subject=np.array(["b", "a", "b", "a"]),
        **labels,
    )  # type: ignore[arg-type]
    return path


def said(path: Path, folder: Path) -> list[dict[str, object]]:
    parser = argparse.ArgumentParser()
    detect.add_arguments(parser)
    out = folder / "d.jsonl"
    assert detect.run(parser.parse_args([str(path), "--detector", "fall_wearable", "--out", str(out)])) == 0
    return [json.loads(line) for line in out.read_text().splitlines()]


def test_a_line_says_its_trial_and_when_in_it(tmp_path: Path) -> None:
    path = trials_file(tmp_path)
    lines = [line for line in said(path, tmp_path) if line["on"]]
    assert {line["trial"] for line in lines} == {2, 3}
    by_number = {trial.number: trial for trial in trials_of(path)}
    for line in lines:
        trial = by_number[int(str(line["trial"]))]
        assert line["onset_in_trial_s"] == round(float(str(line["onset"])) - trial.start_s, 3)
        assert str(line["home"]).endswith("a" if trial.number == 3 else "b")


def test_labels_change_nothing(tmp_path: Path) -> None:
    plain = said(trials_file(tmp_path), tmp_path)
    assert said(trials_file(tmp_path, is_fall=np.zeros(4, bool), t0=np.zeros(4), t1=np.ones(4)), tmp_path) == plain
    assert plain != []


def test_an_onset_between_trials_is_of_none(tmp_path: Path) -> None:
    plan = [trial for trial in trials_of(trials_file(tmp_path)) if trial.home == 0]
    assert detect.in_trial(plan, plan[0].end_s + 30.0) == {"trial": None, "onset_in_trial_s": None}
    assert trials_of(tmp_path / "home.csv") == []
