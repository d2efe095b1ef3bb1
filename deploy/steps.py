"""Says what is being done and how long it took, on stderr, with or without a terminal."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Step:
    """One piece of work; set ``note`` to say more on its closing line."""

    def __init__(self, subject: str) -> None:
        self.subject = subject
        self.note = ""


def say(subject: str, text: str) -> None:
    """One line of progress."""
    print(f"  {subject:<12} {text}", file=sys.stderr, flush=True)


@contextmanager
def step(subject: str, doing: str, *, long: bool = False) -> Iterator[Step]:
    """Print ``doing`` with its time when done; a ``long`` step is announced beforehand too."""
    if long:
        say(subject, f"{doing} …")
    current = Step(subject)
    began_s = time.monotonic()
    try:
        yield current
    except BaseException:
        say(subject, f"{doing}: stopped after {time.monotonic() - began_s:.1f} s")
        raise
    say(subject, f"{doing} {time.monotonic() - began_s:6.1f} s  {current.note}".rstrip())
