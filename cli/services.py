"""``./shouwang services``: Mosquitto, Kafka and TimescaleDB."""

import argparse
import json
import sys

from rich.console import Console
from rich.table import Table

from deploy.engine import choose
from deploy.site import Site

HELP = "Mosquitto, Kafka and TimescaleDB: start, stop, look, empty"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """up, down, status or reset."""
    parser.add_argument(
        "action", choices=("up", "down", "status", "reset"), help="reset stops everything and empties the data"
    )
    parser.add_argument("--native", action="store_true", help="without a container engine, even where there is one")
    parser.add_argument("--yes", action="store_true", help="reset without asking")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")


def run(args: argparse.Namespace) -> int:
    """Do it and show the state of each service."""
    site = Site.load()
    engine = choose(site, native=args.native)
    match args.action:
        case "up":
            engine.up(site)
        case "down":
            engine.down(site)
        case "reset":
            if not args.yes and not _sure(site):
                print("nothing was removed", file=sys.stderr)
                return 1
            engine.reset(site)
    found = engine.status(site)
    if args.json:
        print(json.dumps(found))
    else:
        _show(found)
    return 0 if args.action != "status" or all(entry["ready"] for entry in found.values()) else 1


def _sure(site: Site) -> bool:
    if not sys.stdin.isatty():
        print("reset asks before it removes anything, and there is no terminal to ask on: use --yes", file=sys.stderr)
        return False
    answer = input(f"Stop everything and remove all readings, cases and accounts in {site.data}? Type 'reset': ")
    return answer.strip() == "reset"


def _show(found: dict[str, dict[str, object]]) -> None:
    table = Table(box=None, pad_edge=False)
    for heading in ("service", "state", "port", "pid"):
        table.add_column(heading)
    for name, entry in found.items():
        state = "ready" if entry["ready"] else "running, not ready" if entry["running"] else "down"
        table.add_row(name, state, str(entry["port"]), str(entry["pid"] or ""))
    Console().print(table)
