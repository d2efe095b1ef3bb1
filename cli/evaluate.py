"""``./shouwang evaluate``: the shipped detectors against labelled recordings, as they stand."""

import argparse
import json
from pathlib import Path

from cli import _evaluate_falls, _evaluate_inactivity, _evaluate_kitchen

HELP = "the shipped detectors against labelled recordings: falls, inactivity, kitchen"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What is judged, and on which files."""
    what = parser.add_subparsers(dest="what", metavar="WHAT", required=True)
    falls = what.add_parser("falls", help="trials of motion (.npz with acc, off, fs, is_fall)")
    falls.add_argument("file", type=Path, nargs="+")
    falls.add_argument(
        "--position",
        choices=("wrist", "waist", "unknown"),
        default="unknown",
        help="where it is worn: the model for it instead of the one that ships for all",
    )
    silence = what.add_parser("inactivity", help="events of one home (.csv, .csv.xz with t, sensor, val)")
    silence.add_argument("file", type=Path)
    silence.add_argument("--away", type=Path, help="csv with t, end: when the resident was out")
    silence.add_argument("--blocks", type=int, default=6, help="blocks of days: learned on the others, tested on each")
    silence.add_argument(
        "--every", type=float, default=5.0, metavar="MINUTES", help="a collapse at every so many minutes"
    )
    kitchen = what.add_parser(
        "kitchen",
        help="a water meter (.npz with litres_x1000), or things in use (.csv, .csv.xz with s, e, id, room, obj)",
    )
    kitchen.add_argument("file", type=Path)
    for each in (falls, silence, kitchen):
        each.add_argument("--json", action="store_true", help="one JSON object (several files: a list)")


def run(args: argparse.Namespace) -> int:
    """Print the figures."""
    if args.what == "falls":
        detector = _evaluate_falls.for_position(args.position)
        found = [{**_evaluate_falls.evaluate(path, detector), "position": args.position} for path in args.file]
        if args.json:
            print(json.dumps(found[0] if len(found) == 1 else found))
        for each in [] if args.json else found:
            print(
                f"  {each['file']}: {each['detected']} of {each['falls']} falls ({each['sensitivity']}), {each['false_activities']} of "
                f"{each['activities']} activities wrong ({each['specificity']}), {each['false_per_hour']} an hour; decided {each['decision_s']} s after"
            )
        return 0
    if args.what == "kitchen":
        told = _evaluate_kitchen.evaluate(args.file)
        print(json.dumps(told) if args.json else "\n".join(_evaluate_kitchen.lines(told)))
        return 0
    told = _evaluate_inactivity.evaluate(args.file, args.away, args.blocks, args.every)
    if args.json:
        print(json.dumps(told))
        return 0
    print(f"  {told['weeks']} weeks of {args.file.name}, learned on other days than tested")
    for point in (
        *told["points"],
        {"what": "shipped: asks first", **{name: value for name, value in told["shipped"].items() if name != "desk"}},
        {"what": "shipped: desk", **told["shipped"]["desk"]},
    ):
        print("  " + ", ".join(f"{name} {value}" for name, value in point.items()))
    return 0
