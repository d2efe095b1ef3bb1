"""What the shipped fall detector says to trials of motion, held against their labels."""

from pathlib import Path
from typing import Any

import numpy as np

from cli._offline import detections_of
from contracts.detections import Detection
from simulators.recordings import open_recording, trials
from stream.detector import Detector
from stream.detectors import _fall_model as fall_model
from stream.detectors import fall_wearable
from stream.registry import discover

WITHIN_S = 10.0
"""A fall is found if a detection's onset lies at most this long after its impact, s."""
EARLY_S = 1.0
"""... or this long before it: times given by hand are not sharper, s."""


def for_position(position: str) -> Detector:
    """The shipped detector for wearables at the wrist or waist; for an unknown position as it is shipped."""
    if position == "unknown":
        return discover()["fall_wearable"]
    return fall_wearable.detector(fall_wearable.of_model(fall_model.load(position)))


def evaluate(path: Path, detector: Detector | None = None) -> dict[str, Any]:
    """Figures of one file, fields as ``evaluate falls --json`` prints them; of the shipped detector unless another is given. Labels are
    read here only, never on the way to the detector.

    The impact is the largest acceleration between the given start and end of the fall, else of the whole trial. An activity is wrong if
    any detection comes, withdrawn or not.
    """
    with np.load(path, allow_pickle=False) as file:
        acc, offsets, rate_hz = file["acc"].astype(np.float64), [int(at) for at in file["off"]], float(file["fs"])
        falls = file["is_fall"].astype(bool)
        subjects, activities = [str(each) for each in file["subject"]], [str(each) for each in file["activity"]]
        starts, ends = (file[name] if name in file.files else np.full(len(falls), np.nan) for name in ("t0", "t1"))
    names = sorted(set(subjects))
    plan = trials(offsets, rate_hz, [names.index(name) for name in subjects])
    recording = open_recording(path)
    homes = [home.home_id for home in recording.homes]
    told: dict[str, list[Detection]] = {home: [] for home in homes}
    detectors = {"fall_wearable": detector or discover()["fall_wearable"]}
    messages = ((message.topic, message.payload) for message in recording.messages())
    for found in detections_of(messages, {home.home_id: home.card() for home in recording.homes}, detectors):
        if found.on and not found.withdrawn:
            told[found.home_id].append(found)

    found_falls, wrong, decision_s, hours = 0, 0, [], 0.0
    missed_by: dict[str, int] = {}
    wrong_by: dict[str, int] = {}
    for trial, fall, activity, t0, t1 in zip(plan, falls, activities, starts, ends, strict=True):
        mine = [
            d for d in told[homes[trial.home]] if trial.start_s - EARLY_S <= d.started_at_s <= trial.end_s + EARLY_S
        ]
        if not fall:
            hours += (trial.end_s - trial.start_s) / 3600
            wrong += bool(mine)
            if mine:
                wrong_by[activity] = wrong_by.get(activity, 0) + 1
            continue
        size = np.linalg.norm(acc[offsets[trial.number] : offsets[trial.number + 1]], axis=1)
        first, last = (0, len(size)) if np.isnan(t0) else (int(t0 * rate_hz), int(t1 * rate_hz) + 1)
        impact_s = trial.start_s + (first + int(size[first:last].argmax())) / rate_hz
        right = [d for d in mine if impact_s - EARLY_S <= d.started_at_s <= impact_s + WITHIN_S]
        if right:
            found_falls += 1
            decision_s.append(right[0].decided_at_s - impact_s)
        else:
            missed_by[activity] = missed_by.get(activity, 0) + 1
    number, others = int(falls.sum()), int((~falls).sum())
    return {
        "file": path.name,
        "falls": number,
        "detected": found_falls,
        "sensitivity": round(found_falls / number, 4) if number else None,
        "activities": others,
        "false_activities": wrong,
        "specificity": round(1 - wrong / others, 4) if others else None,
        "false_per_hour": round(wrong / hours, 2) if others else None,
        "decision_s": {
            f"p{q}": round(float(np.percentile(decision_s, q)), 2) if decision_s else None for q in (50, 95)
        },
        "decisions_s": [round(second, 3) for second in decision_s],
        "missed_by": dict(sorted(missed_by.items())),
        "false_by": dict(sorted(wrong_by.items())),
    }
