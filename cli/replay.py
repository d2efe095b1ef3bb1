"""``./shouwang replay``: recorded telemetry through MQTT, on the recording's own clock or as of now."""

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

from cli._replaying import Replay
from cli._running import Running
from cli.detect import add_recording
from contracts.detections import as_line
from deploy import prepare
from deploy.site import Site
from deploy.stages import STAGES, start
from simulators.recording import Part

HELP = "recorded telemetry through MQTT: sent, stored, dead letters, and what was detected on the way"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The recording, how fast, where its detections go."""
    add_recording(parser)
    pace = parser.add_mutually_exclusive_group()
    pace.add_argument(
        "--speed", type=float, metavar="X", help="times the recording's own speed; without it as fast as everything can"
    )
    pace.add_argument(
        "--live", action="store_true", help="as of now, at the speed of life, through the main bridge; ends with Ctrl-C"
    )
    parser.add_argument(
        "--out", type=Path, metavar="D.jsonl", help="write what was detected on the way, one a line, as detect does"
    )
    parser.add_argument(
        "--settle",
        type=float,
        default=600.0,
        metavar="SECONDS",
        help="longest wait for the last row to be stored and judged, with nothing getting on (600)",
    )
    parser.add_argument("--native", action="store_true", help="without a container engine, even where there is one")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.epilog = (
        "Starts what is not running and stops it again. Home ids carry the run, so a file can be replayed any number of times; "
        "its homes stay registered in area 999999999, so that their readings and cases can be looked at."
    )


def run(args: argparse.Namespace) -> int:
    """Replay; exit code 1 unless everything that was sent is stored or a dead letter, and judged."""
    if args.speed is not None and args.speed <= 0:
        print("--speed must be more than nothing", file=sys.stderr)
        return 2
    site = Site.load()
    replay = Replay(site, args.file, Part(args.start, args.days), live=args.live)
    stopped: list[int] = []
    with Running(site, native=args.native, ours=()):
        prepare.services(site, native=args.native)
        start(site, STAGES)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda came, _: stopped.append(came))
        figures = asyncio.run(replay.play(1.0 if args.live else args.speed, args.settle, lambda: bool(stopped)))
    if args.out is not None:
        with args.out.open("w", encoding="utf-8") as file:
            for found in replay.found.values():
                file.write(json.dumps(as_line(found), ensure_ascii=False) + "\n")
    if args.json:
        print(json.dumps(figures))
    else:
        print(
            f"  {figures['file']} as {figures['run']}: sent {figures['sent']}, stored {figures['stored']}, dead letters {figures['dead_letters']},"
            f" {figures['detections']} detections{'' if figures['judged'] else ' until now: the stream is not at its end'}, {figures['seconds']} s"
        )
    return 0 if figures["judged"] and figures["stored"] + figures["dead_letters"] == figures["sent"] else 1
