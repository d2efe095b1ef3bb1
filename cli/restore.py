"""``./shouwang restore``: a backup in the place of the present database."""

import argparse
import json
import sys
from pathlib import Path

import psycopg

from cli._database import actor
from deploy import prepare
from deploy.site import Site
from deploy.steps import step
from storage.backup import is_used, read_manifest, restore
from storage.errors import NoDatabase

HELP = "put a backup in the place of the database; the stages must be stopped, the services up"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which, and whether to ask."""
    parser.add_argument("file", type=Path, help="what ./shouwang backup wrote")
    parser.add_argument("--yes", action="store_true", help="without asking, also where the database is not empty")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.epilog = (
        "A database that is not empty is kept under another name, never removed. What came after the backup is raised again from Kafka when the stages "
        "start; what people did since is lost. See docs/operating.md."
    )


def run(args: argparse.Namespace) -> int:
    """Restore, install the MQTT accounts, say what to do next."""
    site = Site.load()
    manifest = read_manifest(args.file)
    try:
        if is_used(site) and not args.yes and not _sure(site, f"{manifest.made_at:%Y-%m-%d %H:%M} UTC"):
            print("nothing was changed", file=sys.stderr)
            return 1
        with step("restore", f"the backup of {manifest.made_at:%Y-%m-%d %H:%M} UTC") as done:
            kept = restore(site, args.file, actor())
            done.note = f"{sum(manifest.rows.values()):,} rows"
    except psycopg.OperationalError as error:
        raise NoDatabase(detail=str(error).strip().splitlines()[0]) from error
    prepare.accounts(site)
    if args.json:
        print(json.dumps({"made_at": manifest.made_at.isoformat(), "rows": manifest.rows, "kept_as": kept}))
        return 0
    if kept:
        print(f"the former database is kept as {kept}; drop it when it is not needed any more")
    print(
        "next: ./shouwang run; alerts goes on where it was at the backup, so later alarms are raised again. Reload every console"
    )
    return 0


def _sure(site: Site, made: str) -> bool:
    if not sys.stdin.isatty():
        print("the database is not empty, and there is no terminal to ask on: use --yes", file=sys.stderr)
        return False
    answer = input(f"Put the backup of {made} in the place of the database in {site.data}? Type 'restore': ")
    return answer.strip() == "restore"
