"""Fires timers every second, and at the start looks at everything that is true once more."""

import logging
from collections.abc import Callable

from alerts.figures import Figures
from alerts.patience import Patience, Stopping
from alerts.relay import Relay
from alerts.store import CaseStore
from contracts.clocks import now

LOG = logging.getLogger("alerts")
MOST = 20
"""Cases in one go; between two of them a stop is heard."""
FORGET_EVERY_S = 600.0


class Sweeper:
    """One twin's sweep; both sweep, and a case that the other is at is left to it."""

    def __init__(
        self, store: CaseStore, relay: Relay, patience: Patience, figures: Figures, changed: Callable[[], None],
        every_s: float, keep_sent_days: float,
    ) -> None:  # fmt: skip
        self._store = store
        self._relay = relay
        self._patience = patience
        self._figures = figures
        self._changed = changed
        self._every_s = every_s
        self._keep_sent_days = keep_sent_days

    async def reevaluate(self) -> None:
        """Once, at the start: what was burning before it still burns after it."""
        await self._patience.until_done("looking at what is true", self._reevaluate)

    async def run(self) -> None:
        """Sweep until stopping."""
        try:
            forget_at_s = 0.0
            while True:
                await self._patience.until_done("sweeping timers", self._sweep)
                now_s = now().timestamp()
                if now_s >= forget_at_s:
                    await self._patience.until_done(
                        "forgetting sent events", lambda: self._relay.forget_sent(self._keep_sent_days)
                    )
                    forget_at_s = now_s + FORGET_EVERY_S
                await self._patience.pause(self._every_s)
        except Stopping:
            pass

    async def _reevaluate(self) -> None:
        found = await self._store.reevaluate(now())
        LOG.info("looked at what was true before the start: %d detections were in no case", len(found))
        if found:
            self._changed()

    async def _sweep(self) -> None:
        while events := await self._store.fire_due(now(), MOST):
            for event in events:
                self._figures.fired(event)
            self._changed()
            if len(events) < MOST or self._patience.stopping.is_set():
                return
