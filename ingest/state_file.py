"""``ingest/<source>.json`` in the data folder: the bridge's health, once a second, and what it stated last.

Health and the last watched instant share a file because both are the bridge's own word about itself and die with the source. The
instant is kept here, and not read back from Kafka, because a partition's last frame of this source may lie behind any number of frames
of others. It is the least instant of all partitions that is held, by Kafka or by the spool that goes there first, so it is never later than what a
reader has been told when the next word of this source comes.
"""

import os
from pathlib import Path
from typing import Literal

import msgspec

State = Literal[
    "starting",
    "watching",
    "catching_up",
    "disconnected",
    "kafka_away",
    "spooling",
    "spool_full",
    "spool_failing",
    "stopped",
]
"""``spooling``: records go over the disk, because Kafka is away or has not got all of it yet. ``spool_full``, ``spool_failing``: the disk takes no more
either, so nothing is acknowledged. ``kafka_away``: neither holds what is on its way."""


class Spooled(msgspec.Struct, frozen=True, kw_only=True):
    """What of one lane waits on disk for Kafka."""

    bytes: int = 0
    """On disk, compressed."""
    records: int = 0
    oldest_s: float = 0.0
    """Age of the oldest, s."""
    trouble: Literal["", "full", "failing"] = ""
    """Why the disk takes no more."""
    damaged: int = 0
    """Segments that did not read and were set aside since the start; each is a loss."""


class BridgeState(msgspec.Struct, frozen=True, kw_only=True):
    """Health of one bridge. Look at ``at_s`` first: a dead bridge writes nothing."""

    source: str
    state: State
    at_s: float
    """Wall clock."""
    pid: int
    clock: str
    now_s: float
    """The source's clock."""
    clock_behind_s: float | None = None
    """Machine's clock minus the bridge's; large where the machine's clock has jumped, which moves nothing until a restart."""
    watched_until_s: float | None
    """Proven by the bridge."""
    held_until_s: float | None
    """Stated in every partition, and held by Kafka or on disk."""
    connected: dict[str, bool]
    in_flight: dict[str, int]
    """Messages received and not acknowledged, by connection."""
    kafka_waits_s: float = 0.0
    """Age of the oldest frame that Kafka has not acknowledged, on disk or not."""
    spool: dict[str, Spooled] = {}
    """By lane."""
    messages: dict[str, int] = {}
    """Received since the start, by connection."""
    readings: int = 0
    refused: int = 0
    receipts: dict[str, int] = {}


_DECODER = msgspec.json.Decoder(BridgeState)


def path_of(data: str | Path, source: str) -> Path:
    return Path(data) / "ingest" / f"{source}.json"


def write(data: str | Path, state: BridgeState) -> None:
    """Replace the file whole. Raises OSError."""
    path = path_of(data, state.source)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_bytes(msgspec.json.encode(state) + b"\n")
    draft.replace(path)


def read(data: str | Path, source: str) -> BridgeState | None:
    """The last word of a source's bridge; None where there is none that reads."""
    try:
        return _DECODER.decode(path_of(data, source).read_bytes())
    except (OSError, msgspec.DecodeError):
        return None
