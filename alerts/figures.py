"""What a process counts, from ``contracts.metrics``; made once a process."""

from contracts.alerts import AlertEvent, Change
from contracts.metrics import make

_TIMER_OF: dict[Change, str] = {
    "queued": "ask",
    "escalated": "rung",
    "lease_lost": "lease",
    "hold_ended": "hold",
    "restored": "restoral",
    "closed": "close",
    "reopened": "close",
}
"""By what it did to the case, which timer it was."""


class Figures:
    """Counters of one alerts process."""

    def __init__(self) -> None:
        self._read = make("shouwang_alerts_detections_read_total")
        self._changed = make("shouwang_alerts_cases_changed_total")
        self._fired = make("shouwang_alerts_timers_fired_total")
        self._sent = make("shouwang_alerts_events_sent_total")

    def read(self, result: str, records: int) -> None:
        """Detections were read: new, repeated, older, bad."""
        self._read.labels(result).inc(records)

    def changed(self, change: Change) -> None:
        """A detection changed a case."""
        self._changed.labels(change).inc()

    def fired(self, event: AlertEvent) -> None:
        """A timer changed a case."""
        self._changed.labels(event.change).inc()
        self._fired.labels(_TIMER_OF.get(event.change, "other")).inc()

    def sent(self, events: int) -> None:
        """Kafka holds these events."""
        self._sent.inc(events)
