"""Settings of the stream's workers, read from SHOUWANG_STREAM_* (and SHOUWANG_KAFKA)."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from contracts.errors import BadSetting
from contracts.names import is_id
from stream.engine import GRACE_S, GRID_S

Lane = Literal["bulk", "urgent"]


class StreamSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One worker's settings; the names are those of the variables, in lower case."""

    kafka: str
    """Bootstrap servers."""
    instance: str
    """Name of this process: it marks progress and snapshots, and is an urgent worker's whole group."""
    group: str = "stream"
    """Kafka group of the bulk workers."""
    detectors: tuple[str, ...] = ()
    """Folders with further detectors."""
    grid_s: Annotated[float, Meta(gt=0, le=3600)] = GRID_S
    """Distance of grid points of stream time, s. To change it is to throw all state away."""
    grace_s: Annotated[float, Meta(ge=0, le=86_400)] = GRACE_S
    """After a time that nobody watched: how long devices may take to come back, s."""
    flush_s: Annotated[float, Meta(gt=0, le=5)] = 0.5
    """How often snapshots and acknowledgements are looked after, s."""
    snapshot_s: Annotated[float, Meta(gt=0, le=600)] = 30.0
    """Oldest snapshot of a partition, s: what a successor reads again. With much state it is more (``stream.partition.period_s``)."""
    stall_s: Annotated[float, Meta(ge=10, le=3600)] = 60.0
    """A worker that has had frames before it this long without getting on ends itself, s; its supervisor starts it anew."""
    standby: bool = False
    """Whether this worker may stand without partitions (more workers than partitions)."""
    metrics_port: Annotated[int, Meta(ge=0, le=65_535)] = 0
    """Port for Prometheus on loopback; 0: none."""
    log_level: Literal["debug", "info", "warn", "error"] = "info"


def check(settings: StreamSettings) -> StreamSettings:
    """The settings, or BadSetting where names break the rules."""
    for name in ("instance", "group"):
        if not is_id(getattr(settings, name)):
            raise BadSetting(
                name=f"SHOUWANG_STREAM_{name.upper()}",
                detail="it is part of keys: lower-case letters, digits and hyphens",
            )
    return settings
