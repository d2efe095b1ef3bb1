"""The bridge's metrics: counted as plain numbers on the hot path, handed to Prometheus once a second."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from prometheus_client import start_http_server

from contracts import metrics
from ingest.state_file import Spooled


class Figures:
    """What happened since the start."""

    def __init__(self) -> None:
        self.received: Counter[str] = Counter()
        self.accepted: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.ignored: Counter[str] = Counter()
        self.frames: Counter[str] = Counter()
        self._told: dict[tuple[str, str], float] = {}
        self._counters: dict[str, Any] = {
            name: metrics.make(f"shouwang_ingest_{name}_total")
            for name in (
                "messages_received",
                "messages_acknowledged",
                "readings_accepted",
                "readings_refused",
                "frames_sent",
                "receipts_sent",
            )
        }
        self._in_flight = metrics.make("shouwang_ingest_in_flight_messages")
        self._lag = metrics.make("shouwang_ingest_watched_lag_seconds")
        self._spooled = {
            name: metrics.make(f"shouwang_ingest_spool_{name}")
            for name in ("bytes", "records", "oldest_seconds", "damaged")
        }

    def serve(self, port: int) -> None:
        """Prometheus text on 127.0.0.1:port, from a thread of its own."""
        start_http_server(port, addr="127.0.0.1")

    def tell(
        self,
        acknowledged: dict[str, int],
        receipts: dict[str, int],
        in_flight: dict[str, int],
        lag_s: dict[str, float | None],
        spooled: Mapping[str, Spooled],
    ) -> None:
        """Bring Prometheus up to date."""
        for name, counts in (
            ("messages_received", self.received),
            ("messages_acknowledged", acknowledged),
            ("readings_accepted", self.accepted),
            ("readings_refused", self.refused),
            ("frames_sent", self.frames),
            ("receipts_sent", receipts),
        ):
            for label, count in counts.items():
                told = self._told.get((name, label), 0)
                if count > told:
                    self._counters[name].labels(label).inc(count - told)
                    self._told[name, label] = count
        for connection, count in in_flight.items():
            self._in_flight.labels(connection).set(count)
        for connection, lag in lag_s.items():
            self._lag.labels(connection).set(float("inf") if lag is None else lag)
        for lane, waits in spooled.items():
            self._spooled["bytes"].labels(lane).set(waits.bytes)
            self._spooled["records"].labels(lane).set(waits.records)
            self._spooled["oldest_seconds"].labels(lane).set(waits.oldest_s)
            self._spooled["damaged"].labels(lane).set(waits.damaged)
