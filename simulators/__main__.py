"""``python -m simulators``: a neighbourhood that lives, its people as CSV, and the check of what came of it."""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from pathlib import Path

import msgspec

from contracts import settings
from contracts.errors import ShouwangError
from simulators.checking import as_json, check
from simulators.clock import VirtualClock
from simulators.due import silent_due
from simulators.mqtt import Address
from simulators.neighbourhood import neighbourhood, write_csv
from simulators.running import Credentials, Neighbourhood, write_plan
from simulators.scenarios import SCENARIOS
from simulators.schedule import schedule
from simulators.settings import SimulatorsSettings

DESCRIPTION = """\
Simulated homes. The same --homes and --seed always give the same people, habits and days.

  homes   the neighbourhood as CSV for `home import`, on stdout
  run     connect every home's accounts over TLS (SHOUWANG_MQTT_HOST, _MQTT_TLS_PORT, _MQTT_CA) and live on the virtual clock,
          until --for seconds (wall) have passed or SIGTERM; ends with exit code 0
  check   hold the ledger of a finished run against the cases in the database (SHOUWANG_DATABASE); exit code 1 if it is not met

Files in the folder of a run:
  plan.json      what will happen: scenario, home_id, resident, wall_s, due_wall_s; written before the first message
  ledger.jsonl   what has happened and must be noticed; one line as soon as the cause came
  counts.json    what was published and acknowledged; every 2 s, and complete=true at the end
  held.json      wall intervals in which a test held a stage or service up, for `check`; written by that test, else absent
"""


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m simulators", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    words = parser.add_subparsers(dest="word", required=True, metavar="homes|run|check")
    homes = words.add_parser("homes", help="CSV for `home import`, on stdout")
    run = words.add_parser("run", help="live on the virtual clock until --for or SIGTERM")
    for sub in (homes, run):
        sub.add_argument("--homes", type=int, default=50, help="number of homes (50)")
        sub.add_argument("--seed", type=int, default=1, help="whose people, habits and days (1)")
    run.add_argument(
        "--clock", required=True, help="virtual:<w0>:<v0>:<speed>, as SHOUWANG_INGEST_CLOCK of the demo's bridge"
    )
    run.add_argument("--folder", type=Path, required=True, help="where plan, ledger and counts are written")
    run.add_argument(
        "--credentials", type=Path, required=True,
        help='JSON {"accounts": {"demo-001.hub": "password", ...}, "gateway": ["account", "password"]}; either may be left out',
    )  # fmt: skip
    run.add_argument("--for", type=float, dest="for_s", help="wall seconds; without it until SIGTERM")
    run.add_argument(
        "--spare", type=float, default=0.0,
        help="what is planned is due so long before the end, wall s (0): a run in which services die needs time to notice",
    )  # fmt: skip
    run.add_argument(
        "--learned",
        type=Path,
        help='JSON {"demo-001": [minutes], ...}: the lines on the home cards, to say when silence is due',
    )
    run.add_argument("--rounds", type=int, default=1, help="how often each scenario in 2 virtual hours (1)")
    run.add_argument("--scenarios", default=",".join(SCENARIOS), help=f"which (all: {','.join(SCENARIOS)})")
    run.add_argument(
        "--after",
        type=Path,
        help="connect, then wait until this state file of the bridge says that it is watching, before the first message",
    )
    run.add_argument("--stats", action="store_true", help="one JSON object a second on stdout")
    look = words.add_parser("check", help="ledger against cases; one JSON object on stdout")
    look.add_argument("--folder", type=Path, required=True)
    look.add_argument("--settle", type=float, default=30.0, help="longest wait after everything was due, wall s (30)")
    return parser


DAY_S = 86_400.0
PLANNED_S = 2 * 3600.0
"""Incidents are drawn for stretches of two virtual hours."""


async def _run(args: argparse.Namespace, own: SimulatorsSettings) -> None:
    clock = VirtualClock.parse(args.clock)
    homes = neighbourhood(args.homes, args.seed)
    learned = json.loads(args.learned.read_bytes()) if args.learned else {}
    credentials = msgspec.json.decode(args.credentials.read_bytes(), type=Credentials)
    address = Address(own.mqtt_host, own.mqtt_tls_port, own.mqtt_ca)
    living = Neighbourhood(homes, clock, credentials, address, args.folder)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, living.stop)
    await living.connect()
    if args.stats:
        print(json.dumps(living.stats()), flush=True)  # the first line says: connected, waiting for --after
    if args.after:
        since_s = time.time()
        while not _watching(args.after, since_s):  # noqa: ASYNC110 - a file of another process
            await asyncio.sleep(0.02)
    begin_s = clock.at(time.time())
    end_s = begin_s + (args.for_s * clock.speed if args.for_s else DAY_S)
    reporter = asyncio.create_task(_report(living, args.stats))
    try:
        while True:
            plan = schedule(
                homes, begin_s + 60, end_s - args.spare * clock.speed, args.seed, silent_due(learned),
                rounds=args.rounds, stretch_s=PLANNED_S, scenarios=args.scenarios.split(","),
            )  # fmt: skip
            write_plan(args.folder, plan, clock)
            await living.live(end_s, plan)
            if args.for_s or living.stopped:
                break
            begin_s, end_s = end_s, end_s + DAY_S
    finally:
        reporter.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reporter
        await living.close()
    if args.stats:
        print(json.dumps(living.stats()), flush=True)


def _watching(state: Path, since_s: float) -> bool:
    """Whether the bridge has said, after ``since_s``, that it is connected and has caught up."""
    try:
        said = json.loads(state.read_bytes())
    except (OSError, ValueError):
        return False
    return bool(said["at_s"] >= since_s and said["state"] == "watching")


async def _report(living: Neighbourhood, stats: bool) -> None:
    count = 0
    while True:
        await asyncio.sleep(1.0)
        count += 1
        if stats:
            print(json.dumps(living.stats()), flush=True)
        if count % 2 == 0:
            living.save()


def main() -> int:
    """Do what the command line says; the exit code."""
    args = _arguments().parse_args()
    try:
        if args.word == "homes":
            write_csv(neighbourhood(args.homes, args.seed), sys.stdout)
            return 0
        own = settings.read(SimulatorsSettings, "SHOUWANG_SIMULATORS_")
        if args.word == "run":
            asyncio.run(_run(args, own))
            return 0
        found = asyncio.run(check(args.folder, own.database, args.settle))
        print(json.dumps(as_json(found), ensure_ascii=False))
        return 0 if found.ok else 1
    except ShouwangError as error:
        print(f"simulators {args.word}: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


if __name__ == "__main__":
    sys.exit(main())
