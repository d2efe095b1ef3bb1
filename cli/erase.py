"""``./shouwang erase``: a resident's data, as they or a guardian asked. Not a route: the api's role may delete no readings."""

import argparse
import json

from cli._database import actor, with_database
from deploy.site import Site
from storage import person
from storage.database import Connection

HELP = "erase a resident: name, numbers, readings and what was learned, at once and for good; says what stays, and why"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Whom, and why."""
    parser.add_argument("resident")
    parser.add_argument("--reason", required=True, help="who asked for it, when")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")


def run(args: argparse.Namespace) -> int:
    """Do it."""

    async def work(connection: Connection) -> person.Erased:
        async with connection.transaction():
            return await person.erase(connection, args.resident, actor=actor(), reason=args.reason)

    done = with_database(Site.load(), work)
    if args.json:
        kept = [{"what": what, "zh": zh, "en": en} for what, zh, en in person.KEPT]
        print(json.dumps({"resident_id": args.resident, "erased": done.counts, "kept": kept}, ensure_ascii=False))
        return 0
    print(f"{args.resident} 已删除 erased: {', '.join(f'{name} {count}' for name, count in done.counts.items())}")
    for what, zh, en in person.KEPT:
        print(f"保留 kept {what}: {zh} · {en}")
    return 0
