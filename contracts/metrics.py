"""Metrics: one table; a stage makes its own from here and serves them (Prometheus text) where its settings say."""

from typing import Any, Literal, NamedTuple

from prometheus_client import Counter, Gauge, Histogram


class Metric(NamedTuple):
    name: str
    type: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    help: str


LATENCY_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

TABLE = (
    Metric("shouwang_ingest_messages_received_total", "counter", ("lane",), "MQTT messages received by the bridge"),
    Metric("shouwang_ingest_messages_acknowledged_total", "counter", ("lane",), "MQTT messages acknowledged, after Kafka or the spool held them"),
    Metric("shouwang_ingest_readings_accepted_total", "counter", ("kind",), "Readings put into frames"),
    Metric("shouwang_ingest_readings_refused_total", "counter", ("reason",), "Payloads refused, kept as dead letters"),
    Metric("shouwang_ingest_frames_sent_total", "counter", ("lane",), "Frames acknowledged by Kafka, ticks included"),
    Metric("shouwang_ingest_in_flight_messages", "gauge", ("lane",), "Received and not yet acknowledged"),
    Metric("shouwang_ingest_watched_lag_seconds", "gauge", ("lane",), "Bridge clock minus watched_until"),
    Metric("shouwang_ingest_spool_bytes", "gauge", ("lane",), "On disk, compressed, until Kafka takes it"),
    Metric("shouwang_ingest_spool_records", "gauge", ("lane",), "Records that wait on disk for Kafka"),
    Metric("shouwang_ingest_spool_oldest_seconds", "gauge", ("lane",), "Age of the oldest record on disk"),
    Metric("shouwang_ingest_spool_damaged", "gauge", ("lane",), "Segments that did not read and were set aside since the start"),
    Metric("shouwang_ingest_receipts_sent_total", "counter", ("code",), "Receipts sent to devices"),
    Metric("shouwang_stream_frames_applied_total", "counter", ("lane",), "Frames applied to detector state"),
    Metric("shouwang_stream_rows_applied_total", "counter", ("lane",), "Rows applied to detector state"),
    Metric("shouwang_stream_repeats_dropped_total", "counter", ("lane",), "Rows dropped because their identity was seen before"),
    Metric("shouwang_stream_detections_sent_total", "counter", ("detector",), "Detections sent, revisions included"),
    Metric("shouwang_stream_snapshots_written_total", "counter", ("lane",), "State snapshots acknowledged by Kafka"),
    Metric("shouwang_stream_detector_errors_total", "counter", ("detector",), "Rows or subjects that a detector raised on; they are passed over"),
    Metric("shouwang_alerts_detections_read_total", "counter", ("result",), "Detections read: new, repeated, older, bad, canary"),
    Metric("shouwang_alerts_cases_changed_total", "counter", ("change",), "Changes of cases"),
    Metric("shouwang_alerts_timers_fired_total", "counter", ("kind",), "Timers that fell due"),
    Metric("shouwang_alerts_events_sent_total", "counter", (), "Alert events acknowledged by Kafka"),
    Metric("shouwang_writer_rows_stored_total", "counter", ("kind",), "Rows stored for the first time"),
    Metric("shouwang_writer_rows_repeated_total", "counter", ("kind",), "Rows that the database held already"),
    Metric("shouwang_writer_batch_seconds", "histogram", (), "Time of one writer transaction"),
    Metric("shouwang_writer_frames_refused_total", "counter", (), "Frames that could not be stored, kept as dead letters"),
    Metric("shouwang_writer_records_missed_total", "counter", ("topic",), "Kafka records deleted by retention before they were stored"),
    Metric("shouwang_writer_lag_records", "gauge", ("topic",), "Kafka records not yet stored"),
    Metric("shouwang_keeper_cards_published_total", "counter", (), "Home cards put into the log"),
    Metric("shouwang_keeper_chunks_dropped_total", "counter", ("table",), "Chunks removed by retention"),
    Metric("shouwang_keeper_rollups_made_total", "counter", ("kind",), "Hours rolled up"),
    Metric("shouwang_api_requests_total", "counter", ("route", "status"), "HTTP requests"),
    Metric("shouwang_api_streams_open", "gauge", (), "Open SSE connections"),
    Metric("shouwang_api_canaries_sent_total", "counter", ("lane",), "Canaries given to the MQTT connection"),
    Metric("shouwang_api_canaries_judged_total", "counter", ("result",), "Canaries at their end: seen, repeated, forged"),
    Metric("shouwang_api_canary_oldest_seconds", "gauge", (), "Age of the oldest proof that the whole way works, over all partitions and lanes; NaN = not known"),
)  # fmt: skip
_MAKERS: dict[str, Any] = {"counter": Counter, "gauge": Gauge, "histogram": Histogram}


def make(name: str) -> Any:
    """The prometheus_client object of a metric in TABLE; make each once a process. Raises KeyError for one not in the table."""
    metric = {row.name: row for row in TABLE}[name]
    options = {"buckets": LATENCY_S} if metric.type == "histogram" else {}
    return _MAKERS[metric.type](metric.name, metric.help, metric.labels, **options)
