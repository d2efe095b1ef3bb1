"""Tables for people: as wide as the terminal, and whole where there is none (a pipe, a file)."""

import sys
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

PIPE_WIDTH = 250


def show(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows of cells under their headings."""
    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console(width=None if sys.stdout.isatty() else PIPE_WIDTH).print(table)
