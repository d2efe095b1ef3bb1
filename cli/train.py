"""``./shouwang train``: fit what was learned once for all, again, from the recordings."""

import argparse
from pathlib import Path

from bench import falls
from deploy.site import REPOSITORY
from stream.detectors._fall_model import FILE

HELP = "fit a shipped model again from recordings: falls"
RECORDINGS = REPOSITORY.parent / "shared" / "data"
"""Where recordings lie unless --data says otherwise."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What, from where, to where."""
    parser.add_argument("what", choices=("falls",), help="falls: the model of fall_wearable")
    parser.add_argument("--data", type=Path, default=RECORDINGS, metavar="FOLDER", help="where the recordings lie")
    parser.add_argument(
        "--out",
        type=Path,
        default=FILE,
        metavar="FILE.npz",
        help="the model's file (the one that ships)",
    )
    parser.add_argument("--seed", type=int, default=1, help="of disguises and biases (1)")


def run(args: argparse.Namespace) -> int:
    """Fit and write."""
    falls.train(args.data, args.out, args.seed)
    return 0
