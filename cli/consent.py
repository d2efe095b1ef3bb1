"""``./shouwang consent``: who of a family may see what of a resident, and whether they go out by name to the city's platforms; as they or a guardian said it."""

import argparse
import json
from typing import Any

from cli._database import actor, with_database
from cli._table import show
from deploy.site import Site
from storage import consents, upstream
from storage.database import Connection

HELP = "what a resident lets a relative see, or a platform have: give, withdraw, upstream, list"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """give, withdraw, upstream, list."""
    actions = parser.add_subparsers(dest="action", required=True)
    given = actions.add_parser("give", help="from now on this and no more; takes the place of what was given before")
    given.add_argument("--scope", action="append", choices=tuple(consents.SCOPES), help="repeatable; without it what is proposed for an emergency contact")  # fmt: skip
    withdrawn = actions.add_parser("withdraw", help="nothing any more")
    listed = actions.add_parser("list", help="who may see what, and how that came about")
    out = actions.add_parser("upstream", help="whether they go out by name to the city's platforms (docs/upstream.md)")
    out.add_argument("said", choices=("yes", "no"))
    for each in (given, withdrawn, out):
        each.add_argument("resident")
        if each is not out:
            each.add_argument("user", help="a user with the role family")
        each.add_argument("--ground", required=True, help="the paper and its day, or when and to whom it was said")
        each.add_argument("--guardian", default="", metavar="NAME", help="said by this guardian, not by the resident")
    listed.add_argument("resident")
    for each in (given, withdrawn, out, listed):
        each.add_argument("--json", action="store_true", help="one JSON object on stdout")


def run(args: argparse.Namespace) -> int:
    """Do it."""
    match args.action:
        case "list":
            return _list(args)
        case "upstream":
            return _upstream(args)
        case _:
            return _record(args)


def _upstream(args: argparse.Namespace) -> int:
    async def work(connection: Connection) -> int:
        async with connection.transaction():
            return await upstream.record(
                connection, resident_id=args.resident, agreed=args.said == "yes", given_by="guardian" if args.guardian else "resident",
                giver=args.guardian, ground=args.ground, recorded_by=actor(),
            )  # fmt: skip

    number = with_database(Site.load(), work)
    if args.json:
        print(json.dumps({"consent_id": number, "agreed": args.said == "yes"}))
    else:
        print(f"{args.resident} 具名上报 goes out by name: {'是 yes' if args.said == 'yes' else '否 no'}")
    return 0


def _record(args: argparse.Namespace) -> int:
    scopes = () if args.action == "withdraw" else tuple(args.scope or consents.EMERGENCY)

    async def work(connection: Connection) -> int:
        async with connection.transaction():
            return await consents.record(
                connection, resident_id=args.resident, user_name=args.user, scopes=scopes, given_by="guardian" if args.guardian else "resident",
                giver=args.guardian, ground=args.ground, recorded_by=actor(),
            )  # fmt: skip

    number = with_database(Site.load(), work)
    if args.json:
        print(json.dumps({"consent_id": number, "scopes": scopes}))
    else:
        print(f"{args.user} 可见 may see of {args.resident}: {', '.join(scopes) or '无 nothing'}")
    return 0


def _list(args: argparse.Namespace) -> int:
    async def work(connection: Connection) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
        return (
            await consents.in_force(connection, args.resident),
            await consents.history(connection, args.resident),
            list(await upstream.history(connection, args.resident)),
        )

    now, history, out = with_database(Site.load(), work)
    if args.json:
        print(json.dumps({"now": now, "history": history, "upstream": out}, ensure_ascii=False, default=str))
        return 0
    show(("user", "may see", "given by", "ground"), [(each["user_name"], ", ".join(each["scopes"]) or "-", each["given_by"] or "-", each["ground"] or "-") for each in now])  # fmt: skip
    print()
    show(("when", "user", "scopes", "given by", "ground", "recorded by"), [
        (f"{each['recorded_at']:%Y-%m-%d %H:%M}", each["user_name"], ", ".join(each["scopes"]) or "-", each["giver"] or each["given_by"], each["ground"], each["recorded_by"])
        for each in history
    ])  # fmt: skip
    print()
    show(("when", "goes out by name", "given by", "ground", "recorded by"), [
        (f"{each['recorded_at']:%Y-%m-%d %H:%M}", "yes" if each["agreed"] else "no", each["giver"] or each["given_by"], each["ground"], each["recorded_by"])
        for each in out
    ])  # fmt: skip
    return 0
