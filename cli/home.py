"""``./shouwang home``: homes with their residents, contacts and devices."""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from cli._database import actor, with_database
from cli._table import show
from deploy.site import Site
from storage import accounts, import_csv, people
from storage.accounts import Account, account_of
from storage.database import Connection
from storage.queries import fetch_all, query
from storage.records import Device, Home

HELP = "homes, residents, contacts and devices: import a table, add one, list"
HOMES = query("homes_list")
KNOWN_ACCOUNTS = query("accounts_known")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """import, add, list."""
    actions = parser.add_subparsers(dest="action", required=True)
    taken = actions.add_parser("import", help="a CSV of homes, residents, contacts and devices; see docs/operating.md")
    taken.add_argument("file", type=Path)
    taken.add_argument("--skip-bad", action="store_true", help="take the good lines although others are bad")
    taken.add_argument(
        "--passwords",
        type=Path,
        metavar="OUT.csv",
        help="make MQTT accounts for the file's devices; passwords go there",
    )
    added = actions.add_parser("add", help="one home, without a file")
    added.add_argument("home", help="its id: lower-case letters, digits and hyphens")
    added.add_argument("area", help="area code, 12 digits of the statistical division")
    added.add_argument("--address", default="")
    added.add_argument("--care-level", type=int, default=0, help="0 to 5")
    listed = actions.add_parser("list", help="homes that are registered")
    listed.add_argument("--area", default="", help="only area codes that begin so")
    listed.add_argument("--at-most", type=int, default=1000)
    for each in (taken, added, listed):
        each.add_argument("--json", action="store_true", help="one JSON object on stdout")


def run(args: argparse.Namespace) -> int:
    """Do it."""
    match args.action:
        case "import":
            return _import(args)
        case "add":
            return _add(args)
        case _:
            return _list(args)


def _import(args: argparse.Namespace) -> int:
    site = Site.load()
    try:
        table = import_csv.read(args.file)
    except OSError as error:
        print(f"{args.file}: {error.strerror}", file=sys.stderr)
        return 1

    async def work(connection: Connection) -> tuple[import_csv.Table, people.Registered | None, dict[str, str]]:
        async with connection.transaction():
            checked = await import_csv.check(connection, table)
            if checked.bad and not args.skip_bad:
                return checked, None, {}
            done = await people.register(connection, checked.records, actor=actor(), reason=f"import {args.file.name}")
            passwords = await _accounts(connection, checked) if args.passwords else {}
            if args.passwords:
                # Before the commit: an account whose password nobody has ever seen would be of no use.
                _write_passwords(args.passwords, passwords)
        if passwords:
            await accounts.install(connection, site)
        return checked, done, passwords

    checked, done, passwords = with_database(site, work)
    if args.json:
        report: dict[str, Any] = {
            "taken": done is not None, "bad": [{"line": bad.line, "problem": bad.problem} for bad in checked.bad],
            "accounts": len(passwords), **(done._asdict() if done else {}),
        }  # fmt: skip
        print(json.dumps(report, ensure_ascii=False))
    else:
        _tell_import(args, checked, done, passwords)
    return 1 if checked.bad else 0


async def _accounts(connection: Connection, table: import_csv.Table) -> dict[str, str]:
    """Accounts for devices of the table that have none."""
    wanted = [account_of(each.home_id, each.device_id) for each in table.records if isinstance(each, Device)]
    known = {row["account"] for row in await fetch_all(connection, KNOWN_ACCOUNTS, accounts=wanted)}
    return await accounts.create(connection, [Account(name) for name in wanted if name not in known])


def _write_passwords(path: Path, passwords: dict[str, str]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write("account,password\n")
        file.writelines(f"{account},{password}\n" for account, password in passwords.items())


def _tell_import(
    args: argparse.Namespace, table: import_csv.Table, done: people.Registered | None, passwords: dict[str, str]
) -> None:
    for bad in table.bad:
        print(f"{args.file}:{bad.line}: {bad.problem}", file=sys.stderr)
    if done is None:
        print(
            f"{len(table.bad)} bad lines, so nothing was taken 有错误，未导入任何内容. Correct them, or take the {len(table.records)} good ones with --skip-bad"
        )
        return
    print(
        f"已登记 registered: {done.homes} homes, {done.residents} residents, {done.contacts} contacts, {done.devices} devices; {done.cards_changed} home cards changed"
    )
    if table.bad:
        print(f"{len(table.bad)} bad lines were left out")
    if args.passwords:
        print(f"{len(passwords)} MQTT accounts made; their passwords stand only in {args.passwords} (mode 0600)")


def _add(args: argparse.Namespace) -> int:
    home = Home(args.home, args.area, args.address, care_level=args.care_level)

    async def work(connection: Connection) -> people.Registered:
        async with connection.transaction():
            return await people.register(connection, [home], actor=actor())

    with_database(Site.load(), work)
    if args.json:
        print(json.dumps({"home_id": home.home_id, "area_code": home.area_code}))
    else:
        print(
            f"已登记 registered: home {home.home_id}. Next: ./shouwang device add {home.home_id} DEVICE --role ROLE --room ROOM"
        )
    return 0


def _list(args: argparse.Namespace) -> int:
    async def work(connection: Connection) -> list[dict[str, Any]]:
        return await fetch_all(connection, HOMES, area_prefix=args.area, at_most=args.at_most)

    homes = with_database(Site.load(), work)
    if args.json:
        print(json.dumps({"homes": homes}, ensure_ascii=False, default=str))
        return 0
    headings = ("home", "area", "address", "residents", "care", "devices", "unbound", "last heard", "learned days")
    rows = []
    for home in homes:
        seen = home["last_seen_at"].astimezone().strftime("%m-%d %H:%M:%S") if home["last_seen_at"] else "never"
        rows.append((
            home["home_id"], home["area_code"], home["address"], ", ".join(home["residents"] or ()), str(home["care_level"]),
            str(home["devices"]), str(home["unbound"] or ""), seen, str(home["learned_days"]),
        ))  # fmt: skip
    show(headings, rows)
    print(f"{len(homes)} homes" + (" (there may be more: --at-most)" if len(homes) == args.at_most else ""))
    return 0
