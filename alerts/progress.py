"""Listens to how far the stream is (``progress.v1``) and keeps it in the table ``pipeline``.

What stands still there, on the wall clock, is watched by nobody: the api shows it, and since when. Both twins write; the row says when
stream time last went on, so a restart of ours does not make a standstill look fresh.

A worker that was started while the machine's clock was wrong dates its word an hour off. Taken at that, a word from the future would be the newest for an
hour: nobody would be seen to stand still, nor to go on. So what is dated otherwise than about now, by our own clock, is dated now.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
from aiokafka import AIOKafkaConsumer

from alerts.link import Connections
from alerts.patience import Patience, Stopping
from contracts import clocks, progress
from contracts.progress import Progress
from storage.queries import execute, query

LOG = logging.getLogger("alerts")
_KEEP = query("keep_progress")

NOW_S = 60.0
"""A word is about as old as it says if that is so close to now, s: it is said once a second, and read within a second or two."""

Newest = dict[tuple[str, int, str], Progress]
"""By group, partition and source."""


class ProgressWatch:
    """Gathers statements and writes the newest of each once a second."""

    def __init__(
        self, database: Connections, patience: Patience, every_s: float, clock: Callable[[], datetime] = clocks.now
    ) -> None:
        self._database = database
        self._patience = patience
        self._every_s = every_s
        self._clock = clock

    async def run(self, consumer: AIOKafkaConsumer) -> None:
        """Listen until stopping. ``consumer`` is started and assigned; what was said before is history and passed over."""
        try:
            await consumer.seek_to_end()
            while not self._patience.stopping.is_set():
                found = await consumer.getmany(timeout_ms=round(self._every_s * 1000), max_records=10_000)
                newest = newest_of([record.value or b"" for records in found.values() for record in records])
                if newest:
                    await self._patience.until_done("keeping the pipeline's progress", lambda n=newest: self.keep(n))  # type: ignore[misc]
                await self._patience.pause(self._every_s)
        except Stopping:
            pass

    async def keep(self, newest: Newest) -> None:
        """Write one round."""
        rows = [newest[key] for key in sorted(newest)]  # the twin writes in the same order: no deadlock
        now = self._clock()
        async with self._database.connection() as connection:
            await execute(
                connection,
                _KEEP,
                groups=[row.group for row in rows],
                lanes=[row.lane for row in rows],
                partitions=[row.partition for row in rows],
                sources=[row.source for row in rows],
                clocks=[row.clock for row in rows],
                workers=[row.worker for row in rows],
                watched=[_instant(row.watched_until_s) for row in rows],
                seen=[seen_at(row, now) for row in rows],
                soon=now + timedelta(seconds=NOW_S),
                offsets=[row.offset + 1 for row in rows],
                lags=[row.lag for row in rows],
            )


def seen_at(said: Progress, now: datetime) -> datetime:
    """When it was said, as far as its worker's clock can be believed."""
    at = datetime.fromtimestamp(said.at_wall_s, UTC)
    return at if abs((now - at).total_seconds()) <= NOW_S else now


def newest_of(values: Sequence[bytes]) -> Newest:
    """The last statement of each worker about each partition and source; what cannot be read is left out and said."""
    newest: Newest = {}
    for value in values:
        try:
            said = progress.decode(value)
            _instant(said.watched_until_s), _instant(said.at_wall_s)
        except (msgspec.MsgspecError, ValueError, OverflowError, OSError) as error:
            LOG.warning("a progress statement cannot be read: %s", error)
            continue
        newest[(said.group, said.partition, said.source)] = said
    return newest


def _instant(at_s: float | None) -> datetime | None:
    return None if at_s is None else datetime.fromtimestamp(at_s, UTC)
