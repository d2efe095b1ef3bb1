"""Sends the trials that supervisors ask for: here, because an address is a secret that the api does not read. At least once; a crash may send one twice."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from alerts.channels import Channels
from alerts.link import Connections
from alerts.notices import Recipient
from alerts.patience import Patience, Stopping
from storage.queries import Row, execute, fetch_all, query

TAKE_S = 30.0
"""How long a trial is one twin's, s: longer than a message may take."""

_TAKE = query("take_trials")
_KEEP = query("keep_trial")


def words(language: str) -> tuple[str, str]:
    """Title and body; nobody may take it for an alarm."""
    if language == "zh":
        return "守望：测试消息", "这是一条测试消息，没有警情。收到说明此地址可用。"
    return "Shouwang: a trial", "This is a trial, there is no alert. That it arrives shows that the address works."


class Trials:
    """One twin's."""

    def __init__(self, database: Connections, channels: Channels, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._channels = channels
        self._clock = clock

    async def run(self, patience: Patience, every_s: float) -> None:
        """Until stopping."""
        try:
            while True:
                await patience.until_done("sending trials", self.once)
                await patience.pause(every_s)
        except Stopping:
            pass

    async def once(self) -> int:
        """Send what was asked for, side by side; returns how many."""
        now = self._clock()
        async with self._database.connection() as connection, connection.transaction():
            rows = await fetch_all(connection, _TAKE, now=now, until=now + timedelta(seconds=TAKE_S))
        await asyncio.gather(*(self._send(row) for row in rows))
        return len(rows)

    async def _send(self, row: Row) -> None:
        recipient = Recipient(
            recipient_id=row["recipient_id"], kind=row["kind"], url=row["url"], language=row["language"]
        )
        result = await self._channels.send(recipient, *words(recipient.language))
        async with self._database.connection() as connection:
            await execute(
                connection, _KEEP, trial_id=row["trial_id"], sent=result.sent, detail=result.detail, now=self._clock()
            )
