"""Settings of one bridge, read from SHOUWANG_INGEST_* (and the shared SHOUWANG_KAFKA, SHOUWANG_DATA, SHOUWANG_MQTT_*, SHOUWANG_PARTITIONS)."""

from typing import Annotated

import msgspec
from msgspec import Meta

from contracts.kinds import Name
from contracts.names import AREA_DEMO, AREA_REPLAY
from contracts.topics import PARTITIONS

Area = Annotated[str, Meta(pattern=r"^[0-9]{9}\Z")]
Port = Annotated[int, Meta(ge=0, le=65_535)]


class IngestSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One bridge = one source. Two bridges never share a source: the broker would let only one of them stay connected."""

    kafka: str = "127.0.0.1:9092"
    """Bootstrap servers, comma-separated."""
    data: str = ".shouwang"
    """Folder of the site; the bridge keeps ``ingest/<source>.json`` there (health, last watched instant)."""
    mqtt_host: str = "127.0.0.1"
    mqtt_port: Port = 1883
    """Plain listener, loopback only."""
    mqtt_tls_port: Port = 8883
    mqtt_ca: str = ""
    tls: bool = False
    """Connect to ``mqtt_tls_port`` and check the broker against ``mqtt_ca``. Needed as soon as the broker is another machine."""
    user: str = "bridge"
    password: str = ""
    source: Name = "main"
    """Name of the source; stands in every frame and in the MQTT client ids."""
    areas: tuple[Area, ...] = ()
    """Areas that this bridge takes; none = all but ``areas_except``."""
    areas_except: tuple[Area, ...] = (AREA_DEMO, AREA_REPLAY)
    """Areas left to other bridges. One that stands in ``areas`` too is taken."""
    homes_prefix: str = ""
    """Take only homes whose id begins so (a replay takes the homes of its own run); others are acknowledged and left alone."""
    clock: str = "wall"
    """``wall``, ``virtual:<w0>:<v0>:<speed>`` (v0 + (wall - w0) * speed) or ``recorded``."""
    partitions: Annotated[int, Meta(ge=1, le=1_024)] = PARTITIONS
    """Partitions of readings.v1 and events.v1; must be what the topics have."""
    flush_s: Annotated[float, Meta(gt=0, le=1)] = 0.3
    """Longest a bulk reading waits for its frame, s (an urgent one never waits). A third of it makes frames of a third of the rows, and the
    engine dearer by more than twice a row (docs/decisions/0009)."""
    tick_s: Annotated[float, Meta(gt=0, le=10)] = 1.0
    """Longest a partition goes without a frame, s: stream time stands still for as long."""
    marker_s: Annotated[float, Meta(gt=0, le=5)] = 0.2
    """A marker is sent to oneself this often, s (wall); so far may ``watched_until`` lag."""
    live_lag_s: Annotated[float, Meta(gt=0, le=60)] = 5.0
    """While the last proof of being caught up is older than this, s (wall), arrival says nothing about a device's clock. Five markers'
    worth of jitter on a busy machine stay below it; a queue that matters does not."""
    frame_bytes: Annotated[int, Meta(ge=10_000, le=2_000_000)] = 524_288
    """A partition's rows are sent early when their payloads reach this, so that a record stays far below Kafka's 4 MiB."""
    in_flight_bytes: Annotated[int, Meta(ge=1_000_000)] = 134_217_728
    """Payload bytes received and not yet held by Kafka at which reading stops. The broker's max_inflight_messages usually stops it first."""
    spool: str = ""
    """Folder of what waits for Kafka; empty = ``ingest/spool`` in ``data``. Each source has a folder of its own in it."""
    spool_bytes: Annotated[int, Meta(ge=0)] = 4 << 30
    """Most that may wait there, bytes on disk; an eighth is the urgent lane's own. At 8,000 messages a second of a load that compresses well a message
    took 29 bytes, at 3,000 a second 61 (measured): 4 GiB are hours. 0 = no spool: while Kafka is away nothing is acknowledged. A recorded
    clock has none either."""
    spool_leave_bytes: Annotated[int, Meta(ge=0)] = 1 << 30
    """So much of the disk the spool leaves free, bytes: it is others' disk too. The urgent lane may use half of that."""
    spool_after_s: Annotated[float, Meta(ge=0.2, le=30)] = 1.0
    """Kafka is away when it has not held a record after this, s."""
    keepalive_s: Annotated[int, Meta(ge=2, le=600)] = 15
    """A broker silent for about this long is taken for gone."""
    stall_s: Annotated[float, Meta(gt=0, le=60)] = 5.0
    """A broker that let nothing come for longer, s (wall), was not watched meanwhile; nor was anybody while the bridge itself stood still for longer. With a hub's 30 s between two beats far below the
    90 s that a detector judges; on a virtual clock it has to be as much shorter as that runs faster."""
    clock_tolerance_s: Annotated[float, Meta(gt=0, le=3_600)] = 60.0
    """Largest error of a device's clock that is let stand, s. A quartz of 20 ppm set a month ago is 52 s off; the shortest silence a
    detector judges is 90 s."""
    too_old_s: Annotated[float, Meta(gt=0)] = 30 * 86_400.0
    """Readings older than this are refused (design: 30 days)."""
    metrics_port: Port = 0
    """Serve Prometheus text on 127.0.0.1; 0 = off."""
    log: str = "INFO"

    def takes(self, area: str) -> bool:
        """Whether homes of this area are this bridge's."""
        return area in self.areas if self.areas else area not in self.areas_except
