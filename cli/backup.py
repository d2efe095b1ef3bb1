"""``./shouwang backup``: what the log cannot give back, in one file."""

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from deploy.site import Site
from deploy.steps import step
from storage.backup import backup
from storage.errors import NoDatabase

HELP = "people, homes, devices, accounts, cases, audit and settings into one file; readings are not in it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where to."""
    parser.add_argument("target", type=Path, help="the file; or a folder, which gets shouwang-DATE.tar")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.epilog = (
        "May run at any time beside a running system. The file is for its owner only (mode 0600): it holds names, addresses and hashes of passwords. "
        "Beside it keep secrets.json and tls/ of the data folder. Back: ./shouwang restore FILE"
    )


def run(args: argparse.Namespace) -> int:
    """Write it and say what is in it."""
    site = Site.load()
    file: Path = args.target
    if file.is_dir():
        file = file / f"shouwang-{datetime.now(UTC):%Y%m%d-%H%M%S}.tar"
    try:
        with step("backup", f"write {file}") as done:
            manifest = backup(site, file)
            done.note = f"{sum(manifest.rows.values()):,} rows, {file.stat().st_size:,} bytes"
    except psycopg.OperationalError as error:
        raise NoDatabase(detail=str(error).strip().splitlines()[0]) from error
    if args.json:
        told = {
            "file": str(file),
            "bytes": file.stat().st_size,
            "made_at": manifest.made_at.isoformat(),
            "rows": manifest.rows,
        }
        print(json.dumps(told))
    else:
        print(f"{file}: " + ", ".join(f"{count:,} {table}" for table, count in manifest.rows.items() if count))
    return 0
