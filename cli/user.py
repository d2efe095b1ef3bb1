"""``./shouwang user``: who may log in."""

import argparse
import json
import sys
from typing import Any

from cli._database import actor, with_database
from cli._table import show
from deploy.site import Site
from storage import people
from storage.database import Connection
from storage.queries import fetch_all, query
from storage.records import HELPER_KINDS, USER_ROLES, User

HELP = "people who may log in: add, list, change a password, keep out"
USERS = query("users_list")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """add, list, password, keep-out, let-in."""
    actions = parser.add_subparsers(dest="action", required=True)
    added = actions.add_parser("add", help="somebody who may log in; the password is printed once")
    added.add_argument("name")
    added.add_argument("--role", choices=USER_ROLES, required=True)
    added.add_argument(
        "--family-of",
        action="append",
        default=[],
        metavar="RESIDENT",
        help="role family: whom they may see; repeatable",
    )
    added.add_argument(
        "--area", default="", help="area code or its beginning: what an operator sees; none = everything"
    )
    added.add_argument("--helper-kind", choices=HELPER_KINDS, default="", help="role helper: what kind")
    added.add_argument("--display-name", default="")
    added.add_argument("--language", choices=("zh", "en"), default="zh")
    changed = actions.add_parser("password", help="a new password; ends the user's sessions")
    changed.add_argument("name")
    for each in (added, changed):
        each.add_argument("--password", choices=("-",), help="- reads it from standard input; otherwise one is made")
    kept = actions.add_parser("keep-out", help="end the user's sessions and let them in no more")
    let = actions.add_parser("let-in", help="undo keep-out")
    for each in (kept, let):
        each.add_argument("name")
    listed = actions.add_parser("list", help="everybody who may log in")
    for each in (added, changed, kept, let, listed):
        each.add_argument("--json", action="store_true", help="one JSON object on stdout")


def run(args: argparse.Namespace) -> int:
    """Do it."""
    match args.action:
        case "add":
            user = User(
                args.name,
                args.role,
                args.display_name,
                args.language,
                args.area,
                tuple(args.family_of),
                args.helper_kind,
            )
            return _with_password(args, lambda c, password: people.add_user(c, user, password, actor=actor()))
        case "password":
            return _with_password(args, lambda c, password: people.set_password(c, args.name, password, actor=actor()))
        case "keep-out" | "let-in":
            return _active(args, args.action == "let-in")
        case _:
            return _list(args)


def _with_password(args: argparse.Namespace, change: Any) -> int:
    given = sys.stdin.readline().rstrip("\n") if args.password == "-" else None

    async def work(connection: Connection) -> str:
        async with connection.transaction():
            return str(await change(connection, given))

    password = with_database(Site.load(), work)
    if args.json:
        print(json.dumps({"user_name": args.name, "password": password if given is None else None}))
    elif given is None:
        print(f"{args.name}  口令 password (shown once 仅显示一次): {password}")
    else:
        print(f"{args.name}  password set 口令已设置")
    return 0


def _active(args: argparse.Namespace, active: bool) -> int:
    async def work(connection: Connection) -> None:
        async with connection.transaction():
            await people.set_active(connection, args.name, active, actor=actor())

    with_database(Site.load(), work)
    if args.json:
        print(json.dumps({"user_name": args.name, "active": active}))
    else:
        print(f"{args.name}  {'let in 已启用' if active else 'kept out 已停用'}")
    return 0


def _list(args: argparse.Namespace) -> int:
    async def work(connection: Connection) -> list[dict[str, Any]]:
        return await fetch_all(connection, USERS)

    users = with_database(Site.load(), work)
    if args.json:
        print(json.dumps({"users": users}, ensure_ascii=False, default=str))
        return 0
    headings = ("user", "role", "name", "area", "family of", "active")
    rows = []
    for user in users:
        rows.append((
            user["user_name"], user["role"], user["display_name"], user["area_prefix"], ", ".join(user["family_of"] or ()),
            "yes" if user["active"] else "no",
        ))  # fmt: skip
    show(headings, rows)
    return 0
