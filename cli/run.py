"""``./shouwang run``: the stages, in the foreground, until Ctrl-C."""

import argparse
import json
import signal
import sys

from cli._running import Running
from deploy import prepare
from deploy.site import LOOPBACK, Site
from deploy.stages import STAGES, Stage, stage, start
from deploy.steps import say
from deploy.supervise import Supervisor

ENDS = (signal.SIGINT, signal.SIGTERM)
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
    for number in ENDS:
        signal.signal(number, signal.default_int_handler)
    with Running(site, native=args.native):
        try:
            prepare.everything(site, native=args.native)
            start(site, chosen)
            # From now on a signal waits until it is asked for: raised while Python finalises an object it would be dropped.
            signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)
            try:
                _tell(site, chosen, args.json)
                _watch_until_told_to_stop(Supervisor(site), [entry.name for entry in chosen])
            finally:
                signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDS)
        except KeyboardInterrupt:
            pass
        print(file=sys.stderr)
    return 0


def _tell(site: Site, chosen: list[Stage], as_json: bool) -> None:
    address = f"http://{LOOPBACK}:{site.ports.api}"
    if as_json:
        pids = {state.name: state.pid for state in Supervisor(site).states()}
        stages = {entry.name: {"pid": pids[entry.name], "log": str(site.log(entry.name))} for entry in chosen}
        print(json.dumps({"console": address, "stages": stages}), flush=True)
    else:
        print(f"console {address}   logs {site.data / 'log'}   Ctrl-C stops", flush=True)


def _watch_until_told_to_stop(supervisor: Supervisor, names: list[str]) -> None:
    """Say when a stage was started again by the supervisor; until a signal of ENDS comes."""
    pids = {name: supervisor.state(name).pid for name in names}
    while signal.sigtimedwait(ENDS, 1.0) is None:
        for state in supervisor.states():
            if state.name in pids and state.pid and state.pid != pids[state.name]:
                say(state.name, f"was started again, pid {pids[state.name]} -> {state.pid}")
                pids[state.name] = state.pid
