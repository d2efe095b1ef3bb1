"""What the shipped fall detector says to trials of motion, held against their labels."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from cli._offline import detections_of
from contracts.detections import Detection
from contracts.errors import ShouwangError
from simulators.recordings import Trial, open_recording, trials
from stream.detector import Array, Detector
from stream.detectors import _fall_model as fall_model
from stream.detectors import fall_wearable
from stream.registry import discover

WITHIN_S = 10.0
"""A fall is found if a detection's onset lies at most this long after its impact, s."""
EARLY_S = 1.0
"""... or this long before it: times given by hand are not sharper, s."""


class NotTrials(ShouwangError):
    """{path} cannot be judged: {detail}."""


class Labels(NamedTuple):
    """A file's trials. What a file does not give is one subject, one activity, no times."""

    acc: Array
    offsets: list[int]
    rate_hz: float
    falls: Array
    subjects: list[str]
    activities: list[str]
    starts: Array
    ends: Array


class Outcome(NamedTuple):
    """What became of one trial. ``said``: found, if it is a fall, else wrongly told."""

    number: int
    subject: str
    activity: str
    fall: bool
    said: bool
    after_s: float
    """From impact to decision, s; NaN unless a fall was found."""
    length_s: float


def for_position(position: str) -> Detector:
    """The shipped detector for wearables at the wrist or waist; for an unknown position as it is shipped."""
    if position == "unknown":
        return discover()["fall_wearable"]
    return fall_wearable.detector(fall_wearable.of_model(fall_model.load(position)))


def labels_of(path: Path) -> Labels:
    """The trials and labels of a file. Raises NotTrials."""
    try:
        with np.load(path, allow_pickle=False) as file:
            if missing := {"acc", "off", "fs", "is_fall"} - set(file.files):
                raise NotTrials(path=path, detail=f"it lacks {', '.join(sorted(missing))}")
            acc, offsets, rates = file["acc"], [int(at) for at in file["off"]], np.unique(file["fs"])
            falls, count = file["is_fall"].astype(bool), len(offsets) - 1
            given = {name: file[name] for name in ("subject", "activity", "t0", "t1") if name in file.files}
    except (OSError, ValueError, EOFError) as error:
        raise NotTrials(path=path, detail=str(error)) from error
    subjects = given.get("subject", np.full(count, "all"))
    activities = given.get("activity", np.full(count, "-"))
    starts, ends = (given.get(name, np.full(count, np.nan)).astype(float) for name in ("t0", "t1"))
    if acc.ndim != 2 or acc.shape[1] != 3:
        raise NotTrials(path=path, detail=f"acc has the shape {acc.shape}, not [samples, 3]")
    if len(rates) != 1 or not np.isfinite(rates[0]) or rates[0] <= 0:
        raise NotTrials(path=path, detail="fs is not one rate above 0 Hz")
    if count < 1 or offsets[0] < 0 or offsets[-1] > len(acc) or sorted(offsets) != offsets:
        raise NotTrials(path=path, detail=f"off does not rise within the {len(acc)} samples")
    if wrong := [len(each) for each in (falls, subjects, activities, starts, ends) if len(each) != count]:
        raise NotTrials(path=path, detail=f"it has {count} trials, but labels of {wrong[0]}")
    return Labels(
        acc, offsets, float(rates[0]), falls, [str(each) for each in subjects], [str(each) for each in activities], starts, ends
    )  # fmt: skip


def impact_s(acc: Array, rate_hz: float, start_s: float, end_s: float) -> float:
    """When a fall's impact was, s from the trial's beginning: the largest acceleration, between its start and end if they are given and lie in
    the trial. NaN for a trial without samples."""
    size = np.linalg.norm(acc.astype(np.float64), axis=1)
    if not len(size):
        return float("nan")
    first = 0 if np.isnan(start_s) else max(0, int(start_s * rate_hz))
    last = len(size) if np.isnan(end_s) else int(end_s * rate_hz) + 1
    if not len(size[first:last]):
        first, last = 0, len(size)
    return (first + int(size[first:last].argmax())) / rate_hz


def outcomes(path: Path, detectors: Mapping[str, Detector]) -> dict[str, list[Outcome]]:
    """What each of some fall detectors, by name, says to each trial of a file. Labels are read here only, never on the way to the detectors.
    There homes have the numbers of the sorted subjects. Raises NotTrials.

    An activity is wrong if any detection comes, withdrawn or not.
    """
    known = labels_of(path)
    names = sorted(set(known.subjects))
    plan = trials(known.offsets, known.rate_hz, [names.index(name) for name in known.subjects])
    recording = open_recording(path)
    homes = [home.home_id for home in recording.homes]
    told: dict[tuple[str, str], list[Detection]] = {(name, home): [] for name in detectors for home in homes}
    messages = ((message.topic, message.payload) for message in recording.messages())
    cards = {home.home_id: home.card() for home in recording.homes}
    for found in detections_of(messages, cards, detectors, partitions=1):
        if found.on and not found.withdrawn:
            told[found.detector, found.home_id].append(found)
    return {
        name: [_outcome(known, trial, names[trial.home], told[name, homes[trial.home]]) for trial in plan]
        for name in detectors
    }


def _outcome(known: Labels, trial: Trial, subject: str, told: Sequence[Detection]) -> Outcome:
    number, fall, after_s = trial.number, bool(known.falls[trial.number]), float("nan")
    mine = [d for d in told if trial.start_s - EARLY_S <= d.started_at_s <= trial.end_s + EARLY_S]
    if fall:
        acc = known.acc[known.offsets[number] : known.offsets[number + 1]]
        at_s = trial.start_s + impact_s(acc, known.rate_hz, known.starts[number], known.ends[number])
        mine = [d for d in mine if at_s - EARLY_S <= d.started_at_s <= at_s + WITHIN_S]
        after_s = mine[0].decided_at_s - at_s if mine else after_s
    return Outcome(number, subject, known.activities[number], fall, bool(mine), after_s, trial.end_s - trial.start_s)


def figures(many: Sequence[Outcome]) -> dict[str, Any]:
    """Shares, false alarms an hour, decision time, errors by activity."""
    falls, others = [each for each in many if each.fall], [each for each in many if not each.fall]
    found, wrong = sum(each.said for each in falls), sum(each.said for each in others)
    hours = sum(each.length_s for each in others) / 3600
    decided_s = [each.after_s for each in falls if each.said]
    return {
        "falls": len(falls),
        "detected": found,
        "sensitivity": round(found / len(falls), 4) if falls else None,
        "activities": len(others),
        "false_activities": wrong,
        "specificity": round(1 - wrong / len(others), 4) if others else None,
        "false_per_hour": round(wrong / hours, 2) if hours else None,
        "decision_s": {f"p{q}": round(float(np.percentile(decided_s, q)), 2) if decided_s else None for q in (50, 95)},
        "missed_by": _by(each.activity for each in falls if not each.said),
        "false_by": _by(each.activity for each in others if each.said),
    }


def _by(activities: Iterable[str]) -> Mapping[str, int]:
    return dict(sorted(Counter(activities).items()))


def evaluate(path: Path, detector: Detector | None = None) -> dict[str, Any]:
    """Figures of one file, fields as ``evaluate falls --json`` prints them; of the shipped detector unless another is given. Raises NotTrials."""
    detectors = {"fall_wearable": detector or discover()["fall_wearable"]}
    return {"file": path.name, **figures(outcomes(path, detectors)["fall_wearable"])}
