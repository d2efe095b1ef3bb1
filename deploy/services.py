"""The one table of services: names, ports and settings. Native set-up and compose are both held against it."""

import msgspec

MOSQUITTO = "mosquitto"
KAFKA = "kafka"
TIMESCALE = "timescale"

KAFKA_VERSION = "4.3.1"
POSTGRES_MAJOR = "17"


class Service(msgspec.Struct, frozen=True):
    """One server that is not ours."""

    name: str
    ports: dict[str, int]
    """Port name to offset from the port base; the first is the one a ready check uses."""
    image: str
    """Image for a container engine."""
    settings: dict[str, str]
    """What must hold in both set-ups, in the server's own words."""
    priority: int
    """Order of start under the supervisor, lower first; stop goes the other way."""


_POSTGRES = {
    "listen_addresses": "127.0.0.1",
    "shared_preload_libraries": "timescaledb",
    "timescaledb.telemetry_level": "off",
    "shared_buffers": "256MB",
    "effective_cache_size": "2GB",
    "work_mem": "8MB",
    "maintenance_work_mem": "128MB",
    "max_connections": "200",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "lz4",
    "synchronous_commit": "on",
    # A day-long chunk of each hypertable counts once, with its indexes, in a query over months.
    "max_locks_per_transaction": "256",
    "jit": "off",
    "timezone": "UTC",
    "password_encryption": "scram-sha-256",
    "log_min_messages": "warning",
}

_KAFKA = {
    "auto.create.topics.enable": "false",
    # A record dated in the past by its producer is deleted by retention at once, so the broker's own time counts.
    "log.message.timestamp.type": "LogAppendTime",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "8",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "6000",
    "message.max.bytes": str(4 * 1024 * 1024),
    "replica.fetch.max.bytes": str(4 * 1024 * 1024),
    "log.cleaner.dedupe.buffer.size": str(32 * 1024 * 1024),
    "num.network.threads": "2",
    "num.io.threads": "4",
}

_MOSQUITTO = {
    "per_listener_settings": "false",
    "allow_anonymous": "false",
    "persistence": "true",
    # With Mosquitto's own half hour, a kill loses 30 minutes of messages that were acknowledged.
    "autosave_interval": "5",
    # No persistent_client_expiration: with it, Mosquitto 2.0.21 frees a session that it read from disk while its list of expiries still
    # names it, once the accounts were read anew (SIGHUP). Whoever gets that memory next, the bridge's urgent connection too, is thrown out.
    # The bridge's back-pressure: at least message rate x flush time may be un-acknowledged.
    "max_inflight_messages": "60000",
    "max_queued_messages": "1000000",
    "queue_qos0_messages": "false",
    # Above what ingest accepts, so that an oversize payload becomes a dead letter with a reason instead of a closed connection.
    "max_packet_size": str(2 * 1024 * 1024),
    "set_tcp_nodelay": "true",
    "sys_interval": "0",
}

SERVICES = (
    Service(TIMESCALE, {"postgres": 32}, "timescale/timescaledb:2.19.3-pg17", _POSTGRES, 10),
    Service(KAFKA, {"kafka": 92, "kafka-controller": 93}, f"apache/kafka:{KAFKA_VERSION}", _KAFKA, 20),
    Service(MOSQUITTO, {"mqtt": 82, "mqtts": 83}, "eclipse-mosquitto:2.0.21", _MOSQUITTO, 30),
)

KAFKA_HEAP = "512m"
"""Largest Java heap of the broker."""

API_OFFSET = 0


def service(name: str) -> Service:
    """The service of that name."""
    return next(entry for entry in SERVICES if entry.name == name)
