"""``./shouwang detect``: the shipped detectors on a recording, through frames and the engine, without any service."""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

from cli._offline import detections_of
from contracts.detections import as_line
from contracts.errors import ShouwangError
from ingest.refusals import Refusal
from simulators.recording import Part
from simulators.recordings import Trial, open_recording, trials_of
from stream.instance import Trouble
from stream.registry import discover

HELP = "the shipped detectors on a recording, without services; one detection a line"


LINES = (
    "one detection a line, as JSON; - is stdout. Of trials of motion each line also has trial (its place in the file, from 0; null: in none) and onset_in_trial_s "
    "(from the trial's first sample), so that anybody can score it; labels are never read"
)
NEAR_S = 1.0
"""An onset so long before a trial's first sample or after its last is still its own, s. Trials stand far further apart."""


class NoSuchDetector(ShouwangError):
    """There is no detector called {name}. Known are: {known}."""


def add_recording(parser: argparse.ArgumentParser) -> None:
    """What ``detect`` and ``replay`` have in common."""
    parser.add_argument("file", type=Path, help="home events (.csv, .csv.xz), water (.npz) or trials of motion (.npz)")
    parser.add_argument(
        "--from", dest="start", type=date.fromisoformat, metavar="YYYY-MM-DD", help="begin on this local day"
    )
    parser.add_argument("--days", type=float, help="take this many days of it")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The recording, which detectors, where to."""
    add_recording(parser)
    parser.add_argument("--detector", action="append", help="only this one; may be given several times")
    parser.add_argument("--out", type=Path, required=True, metavar="D.jsonl", help=LINES)
    parser.add_argument(
        "--json",
        action="store_true",
        help="one JSON object on stdout: readings, refused, detections, by_detector, seconds",
    )


def run(args: argparse.Namespace) -> int:
    """Write the detections. Exit code 1 if a detector failed on a row or the gate refused one."""
    detectors = discover()
    for name in args.detector or ():
        if name not in detectors:
            raise NoSuchDetector(name=name, known=", ".join(sorted(detectors)))
    if args.detector:
        detectors = {name: detectors[name] for name in args.detector}
    began_s = time.monotonic()
    recording = open_recording(args.file, part=Part(args.start, args.days))
    readings = 0

    def messages() -> Iterator[tuple[str, bytes]]:
        nonlocal readings
        for message in recording.messages():
            readings += message.readings
            yield message.topic, message.payload

    refused: list[tuple[str, Refusal]] = []
    troubles: list[Trouble] = []
    counts: Counter[str] = Counter()
    cards = {home.home_id: home.card() for home in recording.homes}
    plan: dict[str, list[Trial]] = {}
    for trial in trials_of(args.file):
        plan.setdefault(recording.homes[trial.home].home_id, []).append(trial)
    out = sys.stdout if str(args.out) == "-" else args.out.open("w", encoding="utf-8")
    try:
        for found in detections_of(messages(), cards, detectors, refused=refused, troubles=troubles):
            counts[found.detector] += 1
            line = as_line(found) | (in_trial(plan[found.home_id], found.started_at_s) if found.home_id in plan else {})
            out.write(json.dumps(line, ensure_ascii=False) + "\n")
    finally:
        if out is not sys.stdout:
            out.close()
    for topic, refusal in refused[:10]:
        print(f"  refused      {topic}: {refusal.reason}: {refusal.detail}", file=sys.stderr)
    for trouble in troubles[:10]:
        print(f"  trouble      {trouble}", file=sys.stderr)
    seconds = round(time.monotonic() - began_s, 1)
    told = {
        "readings": readings, "refused": len(refused), "troubles": len(troubles), "detections": counts.total(),
        "by_detector": dict(counts), "seconds": seconds,
    }  # fmt: skip
    if args.json:
        print(json.dumps(told))
    else:
        per = ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "none"
        print(
            f"  {recording.name}: {readings} readings, {counts.total()} detections ({per}), {seconds} s",
            file=sys.stderr,
        )
    return 1 if refused or troubles else 0


def in_trial(plan: Sequence[Trial], onset_s: float) -> dict[str, int | float | None]:
    """Which of a home's trials an onset (epoch s) lies in, and how long after its first sample."""
    for trial in plan:
        if trial.start_s - NEAR_S <= onset_s <= trial.end_s + NEAR_S:
            return {"trial": trial.number, "onset_in_trial_s": round(onset_s - trial.start_s, 3)}
    return {"trial": None, "onset_in_trial_s": None}
