"""Progress of the stream, once a second for each (group, partition, source), on ``progress.v1``."""

import msgspec


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a worker is. Stands still when nobody reads the partition: then its residents are blind."""

    group: str
    worker: str
    lane: str
    partition: int
    source: str
    watched_until_s: float | None
    """Stream time (that source's clock)."""
    clock: str
    offset: int
    lag: int
    frames: int
    """Frames and rows since the worker began."""
    rows: int
    at_wall_s: float


_DECODER = msgspec.json.Decoder(Progress)


def encode(progress: Progress) -> bytes:
    return msgspec.json.encode(progress)


def decode(value: bytes) -> Progress:
    return _DECODER.decode(value)
