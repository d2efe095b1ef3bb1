"""Settings of the writer (SHOUWANG_WRITER_*) and the keeper (SHOUWANG_KEEPER_*)."""

from typing import Annotated

import msgspec
from msgspec import Meta

from contracts.topics import PARTITIONS

Port = Annotated[int, Meta(ge=0, le=65_535)]
Days = Annotated[int, Meta(ge=1, le=36_500)]


class WriterSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From Kafka to TimescaleDB."""

    kafka: str = "127.0.0.1:9092"
    database: str = "postgresql://127.0.0.1/shouwang"
    linger_s: Annotated[float, Meta(ge=0, le=10)] = 0.2
    """Rows are gathered this long before they are stored, s: larger batches cost less, and nobody waits for the database."""
    batch_frames: Annotated[int, Meta(ge=1, le=100_000)] = 1_000
    """Most frames in one batch; matters only while catching up: 2,000 of 100 rows took 380 MB."""
    account_s: Annotated[float, Meta(gt=0, le=600)] = 5.0
    """Accounts (numbers stored, devices seen) are merged and offsets moved this often, s. So much is read again after a crash."""
    back_off_s: Annotated[float, Meta(gt=0, le=300)] = 10.0
    """Longest pause between two attempts while Kafka or the database is away, s."""
    metrics_port: Port = 0
    """Serve Prometheus text on 127.0.0.1; 0 = off."""
    log: str = "INFO"


class KeeperSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Home cards into the log, MQTT accounts into the broker, roll-ups, retention."""

    kafka: str = "127.0.0.1:9092"
    database: str = "postgresql://127.0.0.1/shouwang"
    data: str = ".shouwang"
    partitions: Annotated[int, Meta(ge=1, le=1_024)] = PARTITIONS
    poll_s: Annotated[float, Meta(gt=0, le=60)] = 1.0
    """A change that no notification told of is found within this, s."""
    cards_a_frame: Annotated[int, Meta(ge=1, le=10_000)] = 500
    rollup_after_s: Annotated[float, Meta(ge=0)] = 900.0
    """An hour is rolled up when no row has touched it for this long, s."""
    rollup_at_latest_s: Annotated[float, Meta(ge=0)] = 86_400.0
    """... or this long after it was first marked."""
    keep_days: Days = 400
    """Readings are kept this long after they were stored, days: a year and a month of each person's past."""
    keep_inertial_days: Days = 30
    """Motion samples, which are most of the bytes, days."""
    keep_rollups_days: Days = 1_100
    """Hourly roll-ups, days: three years."""
    keep_dead_letters_days: Days = 90
    keep_identity_days: Days = 35
    """Identities of rows with corrected times and counts of past boots, days: longer than a reading may be late (30)."""
    native_policies: bool = False
    """On TimescaleDB's community edition, leave retention and compression to its own scheduler. Written, not run by us: try a copy first."""
    metrics_port: Port = 0
    log: str = "INFO"
