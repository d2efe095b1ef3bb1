"""The lines that a neighbourhood's past teaches: simulated days beforehand through the same learner that the keeper runs each night."""

import hashlib
import json
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import msgspec

from simulators.history import signs
from simulators.neighbourhood import Home
from stream.learning.silences import Learned, learn

ZONE_OFFSET_S = 8 * 3600.0
"""simulators.clock.ZONE; it has no summer time."""

LEARNER = 3
"""Raised when the same past teaches other lines, so that those that were kept are not taken for them."""


def learned_of(home: Home, before_s: float, days: int = 14) -> Learned:
    """What the ``days`` before ``before_s`` (virtual instant) teach about one simulated home."""
    past = signs(home, before_s, days)
    return learn(past.at_s, past.room, past.by_itself, past.entrance, ZONE_OFFSET_S)


def _one(arguments: tuple[Home, float, int]) -> Learned:
    return learned_of(*arguments)


def learned_lines(
    homes: Sequence[Home], before_s: float, days: int = 14, cache: Path | None = None
) -> dict[str, Learned]:
    """What each home's past teaches, on all cores; kept in the folder ``cache`` for the next start of the same neighbourhood."""
    told = json.dumps([LEARNER, [[home.home_id, home.seed] for home in homes], before_s, days]).encode()
    file = cache / f"learned-{hashlib.sha256(told).hexdigest()[:16]}.json" if cache else None
    if file is not None and file.exists():
        return msgspec.json.decode(file.read_bytes(), type=dict[str, Learned])
    with ProcessPoolExecutor(max_workers=os.cpu_count()) as pool:
        found = pool.map(_one, [(home, before_s, days) for home in homes], chunksize=5)
        lines = {home.home_id: learned for home, learned in zip(homes, found, strict=True)}
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_suffix(".new")
        draft.write_bytes(msgspec.json.encode(lines))
        draft.replace(file)
    return lines
