"""What is proven to have been seen: ``watched_until`` and the intervals that nobody watched. Pure; instants are of the source's clock.

On each of its connections the bridge publishes a marker to itself. The one published at P comes back behind everything that the
broker had queued before P, so then all of that has arrived. What is proven for the source is the least over its connections, because
an urgent row of an adapter may come over either.

While a connection is down nothing is proven. When all are up again and markers published after the last of them came up are back, the
time from what was proven before to that coming up is stated once, as an unwatched interval. A broker that stood still for seconds
(a frozen machine, a slow disk) counts as away: a marker that waited at its door comes back ahead of the readings that waited beside it.
"""

from collections.abc import Sequence

NEVER_S = 0.0
"""Start of the unwatched interval where it is not known what an earlier run stated last: it reaches back to that, whatever it was."""


class Watch:
    """``watched_before_s``: what an earlier run of this source is known to have stated last."""

    def __init__(self, connections: Sequence[str], watched_before_s: float | None = None) -> None:
        self._up_since_s: dict[str, float | None] = dict.fromkeys(connections)
        self._proof_s: dict[str, float | None] = dict.fromkeys(connections)
        self._from_s: float | None = NEVER_S if watched_before_s is None else watched_before_s
        """Start of the interval that is not watched now; None = all is well."""
        self.watched_until_s: float | None = None
        """Proven instant of the source; None before the first proof."""

    def watched_before(self, stated_s: float | None) -> None:
        """What an earlier run stated last, where it became known only now, before the first connection is up."""
        self._from_s = NEVER_S if stated_s is None else stated_s

    def up(self, connection: str, at_s: float) -> None:
        """The connection's subscriptions stand since now."""
        self._up_since_s[connection] = at_s
        self._proof_s[connection] = None

    def down(self, connection: str) -> None:
        """The connection is lost."""
        self._up_since_s[connection] = None
        self._proof_s[connection] = None
        if self._from_s is None:
            self._from_s = self.watched_until_s

    def returned(self, connection: str, published_at_s: float) -> tuple[float, float] | None:
        """A marker of the present connection came back. Returns an unwatched interval if one ends with it."""
        up_since = self._up_since_s[connection]
        if up_since is None or published_at_s < up_since:
            return None
        self._proof_s[connection] = max(published_at_s, self._proof_s[connection] or published_at_s)
        proofs = [proof for proof in self._proof_s.values() if proof is not None]
        if len(proofs) < len(self._proof_s):
            return None
        proven = min(proofs)
        gap: tuple[float, float] | None = None
        if self._from_s is not None:
            back_since = max(since for since in self._up_since_s.values() if since is not None)
            if proven < back_since:
                return None
            if back_since > self._from_s:
                gap = (self._from_s, back_since)
            self._from_s = None
        self.watched_until_s = max(proven, self.watched_until_s or proven)
        return gap

    @property
    def proofs_s(self) -> dict[str, float | None]:
        """When the last marker that came back on each connection was published; None while it is not caught up."""
        return dict(self._proof_s)

    @property
    def is_up(self) -> bool:
        return all(since is not None for since in self._up_since_s.values())

    @property
    def is_caught_up(self) -> bool:
        return self._from_s is None
