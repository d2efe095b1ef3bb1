"""The dead man's ping: an outside address is asked for once a minute while all is well, and its owner is told there when that stops.

It cannot be this system that tells of its own death. While anything on the way from a device to an alert stands, or this process does,
no request goes out. What "all is well" means is the api's health (``pipeline``): database, feed, stream, writer, alerts and canaries, all of them ok.
"""

import asyncio
import logging
from collections.abc import Callable

import httpx

from api.models.stages import Health

_LOG = logging.getLogger(__name__)

WITHIN_S = 10.0
"""Longest that the address may take to answer, s. One that is slow or refuses is asked again after this."""
LOOK_S = 1.0
"""How often it is looked whether all is well, s."""


class DeadMan:
    """``url``: asked for every ``every_s`` while ``health`` says ok."""

    def __init__(self, url: str, every_s: float, health: Callable[[], Health]) -> None:
        self._url = url
        self._every_s = every_s
        self._health = health
        self._said = ""
        """What was logged last: a state is told when it changes, not every second."""

    async def run(self) -> None:
        """Ask until cancelled."""
        # Nothing of ours but the request itself goes there; an answer that leads elsewhere is followed to nobody.
        async with httpx.AsyncClient(timeout=WITHIN_S, follow_redirects=False) as client:
            while True:
                wait_s = await self._once(client)
                await asyncio.sleep(wait_s)

    async def _once(self, client: httpx.AsyncClient) -> float:
        """Seconds until the next look."""
        health = self._health()
        if health.state != "ok":
            bad = ", ".join(f"{stage.name} {stage.state}" for stage in health.stages if stage.state != "ok")
            self._say(logging.ERROR, f"not asked for: {bad}")
            return min(LOOK_S, self._every_s)
        try:
            answer = await client.get(self._url)
            trouble = "" if answer.is_success else f"it answers {answer.status_code}"
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            trouble = str(error) or type(error).__name__
        if trouble:
            self._say(
                logging.WARNING, f"asked for in vain ({trouble}): is the address right, and may this machine reach it?"
            )
            return min(WITHIN_S, self._every_s)
        self._say(logging.INFO, "asked for; all is well")
        return self._every_s

    def _say(self, level: int, what: str) -> None:
        if what != self._said:
            self._said = what
            # The address itself is as good as a key (whoever knows it can keep it quiet), so it stays out of the log.
            _LOG.log(level, "the dead man's address is %s", what)
