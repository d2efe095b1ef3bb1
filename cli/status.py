"""``./shouwang status``: services, stages, and how long ago the whole way was last seen to work."""

import argparse
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from rich.console import Console
from rich.table import Table

from api.pipeline import canaries_of
from cli._database import with_database
from contracts.canaries import BLIND_S, LOOK_BACK_S
from contracts.topics import PARTITIONS
from deploy.engine import choose
from deploy.site import Site
from deploy.stages import STAGES
from deploy.supervise import Supervisor
from storage.database import Connection
from storage.errors import NoDatabase
from storage.queries import Row, fetch_all, query

HELP = "what runs, and the age of the oldest canary; exit code 1 unless all is well"
LATE_S = 120.0
"""As the console's red: design, section 6, rule 11."""
_PLACES = query("canary_places")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How to look."""
    parser.add_argument("--native", action="store_true", help="without a container engine, even where there is one")
    parser.add_argument("--partitions", type=int, default=PARTITIONS, help=f"as SHOUWANG_PARTITIONS ({PARTITIONS})")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")


def run(args: argparse.Namespace) -> int:
    """Look and tell; what cannot be known is said to be unknown."""
    site = Site.load()
    services = choose(site, native=args.native).status(site)
    states = {state.name: state.state for state in Supervisor(site).states()}
    stages = {stage.name: states.get(stage.name, "not started") for stage in STAGES}
    found: dict[str, Any] = {
        "ok": False,
        "services": {name: bool(entry["ready"]) for name, entry in services.items()},
        "stages": stages,
        "canaries": canaries_of(_places(site, args.partitions), datetime.now(UTC), LATE_S).model_dump(),
    }
    found["ok"] = (
        all(found["services"].values())
        and all(state == "RUNNING" for state in stages.values())
        and found["canaries"]["state"] == "ok"
    )
    if args.json:
        print(json.dumps(found))
    else:
        _show(found)
    return 0 if found["ok"] else 1


def _places(site: Site, partitions: int) -> list[Row]:
    async def ask(connection: Connection) -> list[Row]:
        since = datetime.now(UTC) - timedelta(seconds=LOOK_BACK_S + BLIND_S)
        return [*await fetch_all(connection, _PLACES, partitions=partitions, since=since)]

    try:
        return with_database(site, ask)
    except (NoDatabase, psycopg.OperationalError):
        return []  # said beside it: the database is not ready


def _show(found: dict[str, Any]) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, ready in found["services"].items():
        table.add_row(name, "ready" if ready else "DOWN")
    for name, state in found["stages"].items():
        table.add_row(name, state.lower() if state == "RUNNING" else state)
    seen = found["canaries"]
    if seen["oldest_age_s"] is None:
        words = "UNKNOWN: none has come through"
    else:
        words = f"oldest {seen['oldest_age_s']:.0f} s (lane {seen['lane']}, partition {seen['partition']})"
        if seen["unknown"]:
            words += f", UNKNOWN of {seen['unknown']} places"
        if seen["state"] == "late":
            words = f"LATE: {words}"
    table.add_row("canaries", words)
    Console().print(table)
