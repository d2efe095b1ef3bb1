"""Finds the verbs beside this file and runs one.

A verb is a module with ``HELP``, ``add_arguments(parser)`` and ``run(args) -> int``. Its ``--json`` prints one JSON object on stdout;
progress goes to stderr. An error is one line that says what to do; the exit code is then not 0.
"""

import argparse
import importlib
import os
import pkgutil
import sys
from collections.abc import Mapping, Sequence
from typing import Protocol, cast

import cli
from contracts.errors import ShouwangError


class Verb(Protocol):
    """What a module of this package offers."""

    HELP: str
    # A verb that hands further words to another program has ``TAKES_MORE = True`` and finds them in ``args.more``.

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare what the verb takes."""

    def run(self, args: argparse.Namespace) -> int:
        """Do it; the exit code."""


def names() -> dict[str, str]:
    """Module of each verb by its name; an underscore in a file name is a hyphen on the command line."""
    modules = [module.name for module in pkgutil.iter_modules(cli.__path__) if not module.name.startswith("_")]
    return {name.replace("_", "-"): f"cli.{name}" for name in sorted(modules)}


def verbs(only: str | None = None) -> dict[str, Verb]:
    """Every verb by name, or just one: some bring half a second of imports that the others need not wait for."""
    modules = names()
    wanted = [only] if only in modules else list(modules)
    return {name: cast(Verb, importlib.import_module(modules[name])) for name in wanted}


def parser(known: Mapping[str, Verb]) -> argparse.ArgumentParser:
    """The command line of these verbs."""
    whole = argparse.ArgumentParser(
        prog="shouwang",
        description="Shouwang 守望: the watch over older people who live alone, from a sensor to an operator's desk.",
        epilog="./shouwang VERB --help says more. New here? ./shouwang demo",
    )
    words = whole.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name, verb in known.items():
        # Abbreviations would take words that are meant for another program, and hide a typing mistake.
        verb.add_arguments(words.add_parser(name, help=verb.HELP, description=verb.HELP, allow_abbrev=False))
    return whole


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit code."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    known = verbs(words[0] if words else None)
    whole = parser(known)
    args, more = whole.parse_known_args(words)
    args.more = more
    verb = known[args.verb]
    if more and not getattr(verb, "TAKES_MORE", False):
        whole.error(f"{args.verb} does not know: {' '.join(more)}")
    try:
        return verb.run(args)
    except ShouwangError as error:
        print(f"shouwang {args.verb}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # `| head` has read enough: no error of ours. stdout is pointed away so that the interpreter's last flush stays silent.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


if __name__ == "__main__":
    sys.exit(main())
