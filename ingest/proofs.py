"""Markers: the bridge's messages to itself that prove how far it has seen (``watch``), sent over its own connections."""

import logging
import uuid
from collections.abc import Callable, Iterable, Sequence

import msgspec

from contracts.clocks import steady_s
from contracts.names import MARKER_ROOT
from ingest.clocks import Clock
from ingest.mqtt import Connection
from ingest.watch import NEVER_S, Watch

log = logging.getLogger(__name__)

MARKERS_OUT = 50
"""Markers that may be under way at once; while a backlog drains more of them would prove nothing sooner."""


class _Marker(msgspec.Struct, frozen=True):
    run: str
    """Tells this process's markers from those of an earlier one that the broker kept."""
    epoch: int
    at_s: float
    """What it proves when it is back: what was said until then has arrived."""
    steady_s: float


_DECODER = msgspec.json.Decoder(_Marker)


def marker_topic(source: str, connection: str) -> str:
    return f"{MARKER_ROOT}/{source}/{connection}"


class Proofs:
    """``on_watched(until_s, unwatched interval or None)`` is called whenever more is proven."""

    def __init__(
        self,
        source: str,
        connections: Sequence[str],
        clock: Clock,
        watched_before_s: float | None,
        live_lag_s: float,
        on_watched: Callable[[float, tuple[float, float] | None], None],
        stall_s: float = 5.0,
    ) -> None:
        self._source = source
        self._clock = clock
        self._live_lag_s = live_lag_s
        self._on_watched = on_watched
        self._stall_s = stall_s
        self._sent_steady_s = steady_s()
        self._run = uuid.uuid4().hex[:12]
        self._under_way: dict[str, int] = dict.fromkeys(connections, 0)
        self._proved_steady_s: dict[str, float] = {}
        self.watch = Watch(connections, watched_before_s)

    def up(self, connection: Connection) -> None:
        """The connection's subscriptions stand."""
        self._under_way[connection.name] = 0
        self.watch.up(connection.name, self._clock.now_s())
        self._send(connection)

    def down(self, connection: Connection) -> None:
        """The connection is lost."""
        self.watch.down(connection.name)
        self._proved_steady_s.pop(connection.name, None)

    def stalled(self, connection: Connection) -> None:
        """The broker, or this process, stood still and goes on now. What was sent to it meanwhile may not have reached it yet, and our markers are read
        as soon as anybody's messages: so it is as if it had been away."""
        self.down(connection)
        self.up(connection)

    def is_live(self, connection: Connection) -> bool:
        """Whether what arrives now was sent just now: the last proof is fresh, so no queue stands before us."""
        proved_s = self._proved_steady_s.get(connection.name)
        return proved_s is not None and steady_s() - proved_s <= self._live_lag_s

    def send(self, connections: Iterable[Connection]) -> None:
        """A marker over each connection that is up. Where we ourselves stood still since the last ones, everybody would seem to have
        spoken only now, and to have been silent until then: so that counts as not watched too."""
        now_s = steady_s()
        stood_s, self._sent_steady_s = now_s - self._sent_steady_s, now_s
        for connection in connections:
            if connection.is_up and stood_s > self._stall_s:
                log.warning("%s: this process stood still for %.1f s", connection.name, stood_s)
                self.stalled(connection)
            elif connection.is_up:
                self._send(connection)

    def _send(self, connection: Connection) -> None:
        if self._under_way[connection.name] < MARKERS_OUT:
            until_s = self._clock.complete_until_s()
            marker = _Marker(self._run, connection.epoch, NEVER_S if until_s is None else until_s, steady_s())
            if connection.publish(marker_topic(self._source, connection.name), msgspec.json.encode(marker)):
                self._under_way[connection.name] += 1

    def came_back(self, connection: Connection, payload: bytes) -> bool:
        """A marker arrived. False for those of an older connection or run, which prove nothing about this one."""
        try:
            marker = _DECODER.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return False
        if marker.run != self._run or marker.epoch != connection.epoch:
            return False
        self._under_way[connection.name] = max(0, self._under_way[connection.name] - 1)
        self._proved_steady_s[connection.name] = marker.steady_s
        gap = self.watch.returned(connection.name, marker.at_s)
        if self.watch.watched_until_s is not None:
            self._on_watched(self.watch.watched_until_s, gap)
        if gap is not None:
            log.info("caught up; nobody watched from %.3f to %.3f", *gap)
        return True
