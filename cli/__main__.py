"""Finds the verbs beside this file and runs one.

A verb is a module with ``HELP``, ``add_arguments(parser)`` and ``run(args) -> int``. Its ``--json`` prints one JSON object on stdout;
progress goes to stderr. An error is one line that says what to do; the exit code is then not 0.
"""

import argparse
import importlib
import os
import pkgutil
import sys
from collections.abc import Sequence
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


def verbs() -> dict[str, Verb]:
    """Every verb by name; an underscore in a file name is a hyphen on the command line."""
    found: dict[str, Verb] = {}
    for module in sorted(pkgutil.iter_modules(cli.__path__), key=lambda entry: entry.name):
        if module.name.startswith("_"):
            continue
        loaded = importlib.import_module(f"cli.{module.name}")
        if hasattr(loaded, "HELP"):
            found[module.name.replace("_", "-")] = cast(Verb, loaded)
    return found


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    whole = argparse.ArgumentParser(
        prog="shouwang",
        description="Shouwang 守望: the watch over older people who live alone, from a sensor to an operator's desk.",
        epilog="./shouwang VERB --help says more. New here? ./shouwang demo",
    )
    words = whole.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name, verb in verbs().items():
        # Abbreviations would take words that are meant for another program, and hide a typing mistake.
        verb.add_arguments(words.add_parser(name, help=verb.HELP, description=verb.HELP, allow_abbrev=False))
    return whole


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit code."""
    whole = parser()
    args, more = whole.parse_known_args(arguments)
    args.more = more
    verb = verbs()[args.verb]
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
