"""``./shouwang detect``: the shipped detectors on a recording, through frames and the engine, without any service."""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from cli._offline import detections_of
from contracts.detections import as_line
from contracts.errors import ShouwangError
from ingest.refusals import Refusal
from simulators.recording import Part
from simulators.recordings import open_recording
from stream.instance import Trouble
from stream.registry import discover

HELP = "the shipped detectors on a recording, without services; one detection a line"


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
    parser.add_argument("--out", type=Path, required=True, metavar="D.jsonl", help="one detection a line; - is stdout")
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
    out = sys.stdout if str(args.out) == "-" else args.out.open("w", encoding="utf-8")
    try:
        for found in detections_of(messages(), cards, detectors, refused=refused, troubles=troubles):
            counts[found.detector] += 1
            out.write(json.dumps(as_line(found), ensure_ascii=False) + "\n")
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
