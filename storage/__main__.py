"""``python -m storage migrate``."""

import argparse
import os
import sys

from contracts.errors import BadSetting, ShouwangError
from storage.migrate import migrate, migrations


def _conninfo() -> str:
    conninfo = os.environ.get("SHOUWANG_DATABASE", "")
    if not conninfo:
        raise BadSetting(name="SHOUWANG_DATABASE", detail="it is not set")
    return conninfo


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m storage")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("migrate", help="bring the database to this program's schema")
    parser.parse_args()
    try:
        applied = migrate(_conninfo())
    except ShouwangError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"migrations: {len(applied)} applied, {len(migrations()) - len(applied)} were there")
    return 0


if __name__ == "__main__":
    sys.exit(main())
