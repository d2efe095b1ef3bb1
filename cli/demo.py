"""``./shouwang demo``: the whole system, watching a simulated neighbourhood."""

import argparse
import asyncio
import json
import signal
import sys
import time
from typing import Any

from rich.console import Console

from cli._neighbourhood import DAYS_BEFORE, Login, cards_published, prepare
from cli._progress import SOURCE
from cli._running import Running
from cli._simulation import SEED, simulate
from deploy import console
from deploy import prepare as site_prepare
from deploy.site import LOOPBACK, Site
from deploy.stages import STAGES, start
from deploy.steps import say, step
from ingest import state_file
from simulators.clock import next_start_s
from simulators.neighbourhood import neighbourhood

HELP = "the whole system with simulated homes; prints the console's address and log-ins"

START_HOUR = 10.0
"""Local hour at which the simulated day begins: in the two hours that follow everything but wandering at night can happen."""
CHECK_S = 120.0
"""Length of a checked run where none is given, s."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How many, how long, how fast."""
    parser.add_argument("--homes", type=int, default=50, metavar="N", help="simulated homes (50)")
    parser.add_argument(
        "--for",
        type=float,
        dest="for_s",
        metavar="SECONDS",
        help="simulate for so long, then stop; without it until Ctrl-C",
    )
    parser.add_argument("--speed", type=float, default=60.0, metavar="X", help="times the speed of life (60)")
    parser.add_argument("--native", action="store_true", help="without a container engine, even where there is one")
    parser.add_argument(
        "--check",
        action="store_true",
        help="at the end hold the cases against the ledger; exit code 1 if it is not met",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout at the end")


def run(args: argparse.Namespace) -> int:
    """Prepare, simulate, show, check, and stop what this command started."""
    if args.homes < 1 or args.speed <= 0 or (args.for_s is not None and args.for_s <= 0):
        print("--homes, --speed and --for must be more than nothing", file=sys.stderr)
        return 2
    if args.check and args.for_s is None:
        args.for_s = CHECK_S
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    site = Site.load()
    with Running(site, native=args.native, ours=(f"ingest-{SOURCE}",)):
        found = _run(site, args)
    if args.json:
        print(json.dumps(found, ensure_ascii=False))
    elif args.check:
        _tell(found)
    return 0 if found.get("ok", True) else 1


def _run(site: Site, args: argparse.Namespace) -> dict[str, Any]:
    began_s = time.monotonic()
    console.build(site)
    site_prepare.everything(site, native=args.native)
    start(site, STAGES)
    homes = neighbourhood(args.homes, SEED)
    virtual_0_s = _virtual_start(site)
    with step(
        "homes", f"register {len(homes)}; {DAYS_BEFORE} simulated days of each through the learner", long=True
    ) as done:
        prepared = asyncio.run(prepare(site, homes, virtual_0_s))
        done.note = f"{prepared.learned_now} learned now, {len(homes) - prepared.learned_now} were"
    with step("homes", "their cards are in the log"):
        asyncio.run(cards_published(site))
    say("demo", f"ready after {time.monotonic() - began_s:.1f} s")
    _greet(site, prepared.logins, args)
    figures = asyncio.run(
        simulate(
            site,
            homes=len(homes),
            virtual_0_s=virtual_0_s,
            speed=args.speed,
            for_s=args.for_s,
            credentials=prepared.credentials,
            learned=prepared.learned,
            check=args.check,
        )
    )
    return {"console": f"http://{LOOPBACK}:{site.ports.api}", **figures}


def _virtual_start(site: Site) -> float:
    """Never before an instant that this source has stated already: its clock may not go back."""
    before = state_file.read(site.data, SOURCE)
    return next_start_s(START_HOUR, [time.time(), *([before.now_s] if before else [])])


def _greet(site: Site, logins: tuple[Login, ...], args: argparse.Namespace) -> None:
    """Address and log-ins; on stderr where stdout is for one JSON object."""
    out = Console(stderr=args.json, highlight=False)
    out.print(f"\n  控制台 console   http://{LOOPBACK}:{site.ports.api}")
    for login in logins:
        out.print(f"  {login.role:<16} {login.user_name:<8} {login.password}", markup=False)
    how_long = f"for {args.for_s:g} s" if args.for_s else "until Ctrl-C"
    out.print(f"  {args.homes} 户 homes at {args.speed:g} times the speed of life, {how_long}\n")


def _tell(found: dict[str, Any]) -> None:
    """The verdict in words."""
    latency = found["latency_ms"]
    print(
        f"expected {found['expected']}  raised {found['raised']}  missed {found['missed']}  duplicated {found['duplicated']}  "
        f"unseen {found['unseen']}  unexpected {found['unexpected']}\nurgent publish to case p50 {latency['p50']} ms, p99 {latency['p99']} ms\n"
        f"sent {found['sent']:,}  stored {found['stored']:,}  gaps {found['gaps']}\n"
        f"{'met: nothing missed, nothing doubled' if found.get('ok') else 'NOT MET'}"
    )
    for fault in found.get("faults", []):
        print(f"  {json.dumps(fault, ensure_ascii=False)}")
