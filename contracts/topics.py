"""Kafka topics: who writes, who reads, key, retention. ``contracts.admin`` creates them from here; nothing is auto-created."""

from typing import Literal, NamedTuple

DAY_MS = 86_400_000


class KafkaTopic(NamedTuple):
    """One topic. ``partitions``: ``home`` = the setting for homes (16), else a fixed count."""

    name: str
    key: str
    writers: str
    readers: str
    keep_ms: int | None
    """Retention, ms; None = compacted, for ever."""
    partitions: Literal["home"] | int = "home"


READINGS = "readings.v1"
EVENTS = "events.v1"
HOMES = "homes.v1"
DETECTIONS = "detections.v1"
DETECTIONS_URGENT = "detections.urgent.v1"
PROGRESS = "progress.v1"
STREAM_STATE = "stream-state.v1"
ALERTS = "alerts.v1"
ANNOUNCEMENTS = "announcements.v1"
DEAD_LETTERS = "dead-letters.v1"

TOPICS = (
    KafkaTopic(READINGS, "home's partition", "ingest, keeper (cards)", "stream, writer", 3 * DAY_MS),
    KafkaTopic(EVENTS, "home's partition", "ingest, keeper (cards)", "stream (urgent)", 7 * DAY_MS),
    KafkaTopic(HOMES, "home_id", "keeper", "stream", None),
    KafkaTopic(DETECTIONS, "home_id", "stream", "alerts, writer", 30 * DAY_MS),
    KafkaTopic(DETECTIONS_URGENT, "home_id", "stream", "alerts, writer", 30 * DAY_MS),
    KafkaTopic(PROGRESS, "partition", "stream", "alerts, api", DAY_MS, 1),
    KafkaTopic(STREAM_STATE, "group/partition/detector/shard", "stream", "stream", None),
    KafkaTopic(ALERTS, "case_id", "alerts, api", "api, ingest", 30 * DAY_MS, 4),
    KafkaTopic(ANNOUNCEMENTS, "detection_id", "alerts", "alerts", DAY_MS, 1),
    KafkaTopic(DEAD_LETTERS, "account", "ingest, stream", "writer", 30 * DAY_MS, 4),
)
PARTITIONS = 16
"""Partitions of the topics that follow homes; the setting SHOUWANG_PARTITIONS."""

LANE_TOPIC = {"bulk": READINGS, "urgent": EVENTS}
LANE_DETECTIONS = {"bulk": DETECTIONS, "urgent": DETECTIONS_URGENT}
