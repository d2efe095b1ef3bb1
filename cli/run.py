"""``./shouwang run``: the stages, in the foreground, until Ctrl-C."""

import argparse
import json
import signal
import sys
import time

from deploy import prepare
from deploy.engine import Engine, choose
from deploy.services import SERVICES
from deploy.site import LOOPBACK, Site
from deploy.stages import STAGES, stage, start
from deploy.steps import say, step
from deploy.supervise import Supervisor

HELP = "the stages under the supervisor, in the foreground; Ctrl-C stops what this command started"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Stages, or none for all."""
    names = ", ".join(entry.name for entry in STAGES)
    parser.add_argument("stage", nargs="*", metavar="STAGE", help=f"none means all: {names}")
    parser.add_argument("--native", action="store_true", help="without a container engine, even where there is one")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout once everything is ready")


def run(args: argparse.Namespace) -> int:
    """Prepare, start, wait; stop on Ctrl-C or TERM what was not running before."""
    chosen = [stage(name) for name in args.stage] or list(STAGES)
    site = Site.load()
    supervisor = Supervisor(site)
    engine = choose(site, native=args.native)
    was_up = any(entry["running"] for entry in engine.status(site).values())
    before = {state.name for state in supervisor.states() if state.is_running}
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        prepare.services(site, native=args.native)
        start(site, chosen)
        states = {state.name: state for state in supervisor.states()}
        if args.json:
            stages = {entry.name: {"pid": states[entry.name].pid, "log": str(site.log(entry.name))} for entry in chosen}
            print(json.dumps({"console": f"http://{LOOPBACK}:{site.ports.api}", "stages": stages}), flush=True)
        else:
            print(f"console http://{LOOPBACK}:{site.ports.api}   logs {site.data / 'log'}   Ctrl-C stops", flush=True)
        _watch(supervisor, [entry.name for entry in chosen])
    except KeyboardInterrupt:
        print(file=sys.stderr)
    finally:
        stop_what_came(site, engine, before, services_too=not was_up)
    return 0


def _watch(supervisor: Supervisor, names: list[str]) -> None:
    """Say when a stage was started again by the supervisor, for as long as it runs."""
    pids = {name: supervisor.state(name).pid for name in names}
    while True:
        time.sleep(1)
        for state in supervisor.states():
            if state.name in pids and state.pid and state.pid != pids[state.name]:
                say(state.name, f"was started again, pid {pids[state.name]} -> {state.pid}")
                pids[state.name] = state.pid


def stop_what_came(site: Site, engine: Engine, before: set[str], *, services_too: bool) -> None:
    """Stop the stages that run now and did not run ``before``, and the services if they were down."""
    supervisor = Supervisor(site)
    held = signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not leave half of it running
    try:
        services = {entry.name for entry in SERVICES}
        came = [state.name for state in supervisor.states() if state.is_running and state.name not in before | services]
        if came:
            with step("stop", ", ".join(came)):
                supervisor.stop(*came)
        if services_too:
            engine.down(site)
    finally:
        signal.signal(signal.SIGINT, held)
