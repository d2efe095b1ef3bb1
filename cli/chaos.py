"""``./shouwang chaos``: everything dies, freezes and comes back under load; what was lost or shown twice."""

import argparse
import asyncio
import contextlib
import json
import logging
import os
import signal
import sys

from bench import chaos
from bench.moved_clock import MovedClock
from bench.small_disk import SmallDisk
from cli._running import Running
from deploy import prepare
from deploy.engine import choose
from deploy.site import REPOSITORY, Site
from deploy.stages import STAGES, start
from deploy.steps import say

HELP = "kill, freeze, restart and take away every stage and service at random under load, and count what was lost or doubled"

CHAOS_DATA = REPOSITORY / ".shouwang-chaos"
CHAOS_PORT_BASE = 28400
SECONDS = 240.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How long, which faults, how much load."""
    parser.epilog = (
        f"Runs on a site of its own ({CHAOS_DATA.name}), which it empties first, unless SHOUWANG_DATA names one. Faults are drawn from the seed; "
        "preparation, a start without faults and the verdict take some 100 s more. Exit code 1 if a promise was not kept."
    )
    parser.add_argument("--seconds", type=float, default=SECONDS, metavar="N", help=f"faults for so long ({SECONDS:g})")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="which faults, when, for how long (1)")
    parser.add_argument("--rate", type=float, default=1000.0, metavar="R", help="readings a second, about (1000)")
    parser.add_argument("--homes", type=int, default=chaos.HOMES, metavar="N", help=f"simulated ({chaos.HOMES})")
    parser.add_argument(
        "--gone",
        type=float,
        metavar="SECONDS",
        help="how long a service is gone (a twelfth of --seconds, at most five minutes)",
    )
    parser.add_argument(
        "--broker-kills",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="kill Mosquitto too; without, every message that was sent must be stored",
    )
    parser.add_argument("--native", action="store_true", help="without a container engine, even where there is one")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")


def _clock(site: Site) -> MovedClock | None:
    if why := MovedClock.lacks():
        say("chaos", f"LEFT OUT: jumps of the machine's clock: {why}")
        return None
    made = MovedClock(site.data / "run")
    made.make()
    return made


def _disk(site: Site, stack: contextlib.ExitStack) -> SmallDisk | None:
    """Only where the site is the run's own: at the end the database's files are gone."""
    why = SmallDisk.lacks() or ("" if site.data == CHAOS_DATA else "the site was named by SHOUWANG_DATA")
    if why:
        say("chaos", f"LEFT OUT: a full disk under the database: {why}")
        return None
    return stack.enter_context(SmallDisk(site))


def run(args: argparse.Namespace) -> int:
    """Do it on an empty site; exit code 1 if an alert was lost or doubled, a reading is unaccounted for, or something did not come back."""
    if args.homes < 1 or args.rate <= 0 or args.seconds <= 0 or (args.gone is not None and args.gone <= 0):
        print("--homes, --rate, --seconds and --gone must be more than nothing", file=sys.stderr)
        return 2
    os.environ.setdefault("SHOUWANG_DATA", str(CHAOS_DATA))
    os.environ.setdefault("SHOUWANG_PORT_BASE", str(CHAOS_PORT_BASE))
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # that Kafka is away is meant here
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    site = Site.load()
    if site.data == CHAOS_DATA:
        # What an earlier run left would be read and stored beside this one.
        choose(site, native=args.native).reset(site)
    with contextlib.ExitStack() as stack:
        clock, disk = _clock(site), _disk(site, stack)
        stack.enter_context(Running(site, native=args.native, ours=chaos.OURS))
        prepare.everything(site, native=args.native)
        if disk is not None:
            disk.move_in()
        start(site, STAGES, clock.settings if clock else {})
        found = asyncio.run(
            chaos.measure(
                site,
                args.seconds,
                args.seed,
                rate_per_s=args.rate,
                homes=args.homes,
                broker_kills=args.broker_kills,
                gone_s=args.gone,
                clock=clock,
                disk=disk,
            )
        )
    if args.json:
        print(json.dumps(found, ensure_ascii=False))
    else:
        chaos.tell(found)
    return 0 if all(found["kept"].values()) else 1
