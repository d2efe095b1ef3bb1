"""Keeps coverage in the database: of each home as its devices change, of each place as the pipeline stands or moves, with their history.

Only homes that something changed for are looked at (``coverage_due``, filled by triggers in the same transaction as the change), so a city costs
what changes in it. Both twins run this; an advisory lock lets one at a time. All instants are wall clock but ``cannot_see_since``.
"""

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from psycopg.types.json import Jsonb

from alerts.coverage import Coverage, Device, OutOfService, coverage_of, standing_places, without_canary
from alerts.link import Connections
from alerts.patience import Patience, Stopping
from contracts.canaries import BLIND_S, LOOK_BACK_S
from contracts.clocks import now
from contracts.partitions import partition_of
from storage.database import Connection
from storage.queries import Row, execute, fetch_all, fetch_one, query

LOG = logging.getLogger("alerts")
MOST = 500
"""Homes in one transaction: some 50 ms, and a stop is heard between two."""
FORGET_S = 86_400.0
"""A place that has been silent for longer is history (a demonstration of last week), as in the api."""

_LOCK = query("lock_coverage")
_TAKE = query("take_coverage_due")
_FACTS = query("coverage_facts")
_KNOWN = query("coverage_of_homes")
_PUT = query("put_coverage")
_DROP = query("drop_coverage")
_CHANGE = query("put_coverage_change")
_COUNT = query("count_coverage")
_WINDOWS = query("windows_of_homes")
_PLACES = query("place_rows")
_CANARIES = query("canary_places")
_END = query("end_place_outages")
_BEGIN = query("begin_place_outages")


class CoverageKeeper:
    """``run`` until stopping; ``look`` once."""

    def __init__(
        self,
        database: Connections,
        partitions: int,
        standstill_s: float,
        clock: Callable[[], datetime] = now,
        canary_blind_s: float = BLIND_S,
    ) -> None:
        self._database = database
        self._partitions = partitions
        self._standstill_s = standstill_s
        self._canary_blind_s = canary_blind_s
        self._clock = clock

    async def run(self, patience: Patience, every_s: float) -> None:
        """Look until stopping."""
        try:
            while True:
                await patience.until_done("keeping coverage", self.look)
                await patience.pause(every_s)
        except Stopping:
            pass

    async def look(self) -> int:
        """Take in what changed, and where the pipeline stands; returns for how many homes something was due."""
        taken = 0
        async with self._database.connection() as connection:
            async with connection.transaction():
                if await self._mine(connection):
                    await self._places(connection)
            while True:
                async with connection.transaction():
                    homes = await self._homes(connection) if await self._mine(connection) else 0
                taken += homes
                if homes == 0:
                    return taken

    async def _mine(self, connection: Connection) -> bool:
        row = await fetch_one(connection, _LOCK)
        return bool(row and row["mine"])

    async def _places(self, connection: Connection) -> None:
        now = self._clock()
        rows = await fetch_all(connection, _PLACES, since=now - timedelta(seconds=FORGET_S))
        look_back = now - timedelta(seconds=LOOK_BACK_S + self._canary_blind_s)
        canaries = await fetch_all(connection, _CANARIES, partitions=self._partitions, since=look_back)
        missing = without_canary(canaries, now, self._canary_blind_s)
        standing = standing_places(rows, now, self._standstill_s, missing)
        moved: dict[tuple[str, int], datetime] = {}
        for row in rows:
            place = (row["source"], row["partition"])
            moved[place] = min(
                row["moved_at"], moved.get(place, row["moved_at"]), missing.get(place[1], row["moved_at"])
            )
        sources, partitions = [place[0] for place in standing], [place[1] for place in standing]
        await execute(connection, _END, now=now, sources=sources, partitions=partitions)
        await execute(
            connection, _BEGIN, sources=sources, partitions=partitions, froms=[moved[place] for place in standing]
        )

    async def _homes(self, connection: Connection) -> int:
        due = {row["home_id"] for row in await fetch_all(connection, _TAKE, most=MOST)}
        if not due:
            return 0
        now, home_ids = self._clock(), sorted(due)
        facts: dict[str, list[Row]] = {}
        for row in await fetch_all(connection, _FACTS, home_ids=home_ids):
            facts.setdefault(row["home_id"], []).append(row)
        known = {row["home_id"]: row for row in await fetch_all(connection, _KNOWN, home_ids=home_ids)}
        windows: dict[str, list[OutOfService]] = {}
        for row in await fetch_all(connection, _WINDOWS, home_ids=home_ids, now=now):
            windows.setdefault(row["home_id"], []).append(_window(row))
        counts: Counter[tuple[str, str, int, str]] = Counter()
        people: Counter[tuple[str, str, int, str]] = Counter()
        async with connection.pipeline():
            for home_id in home_ids:
                before = known.get(home_id)
                after: dict[str, Any] | None = None
                if home_id in facts:
                    after = self._home(facts[home_id], windows.get(home_id, ()), before, now)
                for found, sign in ((before, -1), (after, 1)):
                    if found is not None:
                        place = (found["area_code"], found["source"], found["partition"], found["state"])
                        counts[place] += sign
                        people[place] += sign * found["residents"]
                if after is None:
                    await connection.execute(_DROP, {"home_id": home_id})
                elif before is None or _differs(before, after):
                    await self._write(connection, before, after, now)
            for place in sorted(place for place in counts if counts[place] or people[place]):
                area_code, source, partition, state = place
                await connection.execute(
                    _COUNT,
                    {
                        "area_code": area_code, "source": source, "partition": partition, "state": state,
                        "homes": counts[place], "residents": people[place],
                    },
                )  # fmt: skip
        return len(due)

    def _home(
        self, rows: Sequence[Row], windows: Sequence[OutOfService], before: Mapping[str, Any] | None, now: datetime
    ) -> dict[str, Any]:
        first = rows[0]
        devices = [row for row in rows if row["device_id"] is not None]
        found = coverage_of([msgspec.convert(row, Device) for row in devices], windows)
        heard = [row for row in devices if row["last_seen_at"] and row["source"]]
        source = max(heard, key=lambda row: row["last_seen_at"])["source"] if heard else ""
        same = before is not None and before["state"] == found.state
        return {
            "home_id": first["home_id"], "area_code": first["area_code"], "source": source,
            "partition": partition_of(first["home_id"], self._partitions), "residents": first["residents"],
            "care_level": first["care_level"], "oldest_year": first["oldest_year"], "state": found.state,
            "cannot_see_since": found.cannot_see_since, "reasons": _plain(found),
            "changed_at": before["changed_at"] if same and before else now,
        }  # fmt: skip

    async def _write(
        self, connection: Connection, before: Mapping[str, Any] | None, after: dict[str, Any], now: datetime
    ) -> None:
        values = after | {"reasons": Jsonb(after["reasons"])}
        await connection.execute(_PUT, values)
        if before is None or (before["state"], before["reasons"]) != (after["state"], after["reasons"]):
            await connection.execute(_CHANGE, values | {"at": now})


def _window(row: Row) -> OutOfService:
    until = f"{row['until_at'].astimezone(ZoneInfo(row['zone'])):%m-%d %H:%M}"
    fields = {name: row[name] for name in ("device_id", "technical_only", "from_at", "substitute")}
    return OutOfService(until=until, **fields)


def _plain(found: Coverage) -> list[dict[str, str]]:
    reasons: list[dict[str, str]] = msgspec.to_builtins(found.reasons)
    return list(reasons)


def _differs(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    return any(before[name] != value for name, value in after.items())
