"""Flame graphs of stages under load, by py-spy: where the time of a process goes, line by line, without a word in its code."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

STAGES = ("ingest-main", "writer", "stream-1")
SECONDS = 30.0
"""As long as a graph wants to be readable; a longer load is left alone afterwards."""
RATE_PER_S = 100
"""Samples a second. py-spy stops its process for each: some per cent of it."""


@contextlib.contextmanager
def recording(pids: Mapping[str, int], folder: Path | None, seconds: float) -> Iterator[None]:
    """Record while the body runs, at most SECONDS, into ``<folder>/<stage>.svg``; nothing where ``folder`` is None."""
    if folder is None:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    program = Path(sys.executable).with_name("py-spy")
    recorders = [
        subprocess.Popen(
            [str(program), "record", "--pid", str(pids[stage]), "--duration", str(int(min(seconds, SECONDS))),
             "--rate", str(RATE_PER_S), "--output", str(folder / f"{stage}.svg")],
            stdout=subprocess.DEVNULL,
        )
        for stage in STAGES if stage in pids
    ]  # fmt: skip
    try:
        yield
    finally:
        for recorder in recorders:
            recorder.wait(SECONDS)
