"""The pipeline as the desk must see it: does everything on the way from a device to an alert move on?

Read from what others write: ``pipeline`` (alerts, of the stream's progress), ``sources`` (the writer) and ``outbox``. What has not
moved for longer than the settings allow stands still, whoever is to blame, and its residents cannot be seen.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec

from alerts.coverage import standing_places, without_canary
from api.database import Database
from api.errors import DatabaseAway
from api.models.stages import CanariesNow, Health, Lane, PipelineNow, Stage
from contracts.canaries import LOOK_BACK_S
from storage.queries import fetch_all, fetch_one, query

_PIPELINE = query("api_pipeline")
_WRITER = query("api_writer")
_OUTBOX = query("api_outbox")
_CANARIES = query("canary_places")

FORGET_S = 86_400.0
"""A source that has been silent for longer is history (a demo of last week); its residents are still shown as blind."""
LATE_S = 10.0
"""Wall clock minus ``watched_until`` from which on the pipeline counts as late, s: three times what a busy site shows."""
TOLD_S = 5.0
"""Longest that a change may wait to be told, s."""
_LOG = logging.getLogger(__name__)

Rows = Iterable[Mapping[str, Any]]
Home = tuple[str, int]
"""(source, partition): where a home's readings go."""


def lanes_of(rows: Rows, now: datetime, standstill_s: float) -> list[Lane]:
    """Rows of ``api_pipeline``, one Lane for each (group, lane, source)."""
    found: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault((row["stream_group"], row["lane"], row["source"]), []).append(row)
    lanes: list[Lane] = []
    for (group, lane, source), parts in found.items():
        standing = [part for part in parts if _age_s(part["moved_at"], now) > standstill_s]
        behind = [
            _age_s(part["watched_until_at"], now)
            for part in parts
            if part["clock"] == "wall" and part["watched_until_at"] is not None
        ]
        lanes.append(
            Lane(
                group=group,
                lane=lane,
                source=source,
                partitions=len(parts),
                standing=[part["partition"] for part in standing],
                lag=sum(part["lag"] for part in parts),
                age_s=max(_age_s(part["moved_at"], now) for part in parts),
                watched_lag_s=max(behind) if behind else None,
                since=min((part["moved_at"] for part in standing), default=None),
            )
        )
    return lanes


def _age_s(instant: datetime, now: datetime) -> float:
    return max(0.0, (now - instant).total_seconds())


def pipeline_of(rows: list[Mapping[str, Any]], now: datetime, standstill_s: float) -> PipelineNow:
    """The state in one word: standing where anybody cannot be seen, late where it lags or a twin stands, unknown where nobody reports."""
    lanes = lanes_of(rows, now, standstill_s)
    if not lanes:
        return PipelineNow(state="unknown", lanes=[], at=now)
    if standing_places(rows, now, standstill_s):
        return PipelineNow(state="standing", lanes=lanes, at=now)
    late = any(lane.standing or (lane.watched_lag_s or 0.0) > LATE_S for lane in lanes)
    return PipelineNow(state="late" if late else "running", lanes=lanes, at=now)


class CanaryLimits(msgspec.Struct, frozen=True):
    """What is asked of canaries, where there are any."""

    partitions: int
    late_s: float
    blind_s: float


def canaries_of(rows: Rows, now: datetime, late_s: float) -> CanariesNow:
    """Rows of ``canary_places`` in one word: late where any proof is too old, else unknown where there never was one."""
    known = [(_age_s(row["seen_sent_at"], now), row) for row in rows if row["seen_sent_at"] is not None]
    unknown = sum(row["seen_sent_at"] is None for row in rows)
    if not known:
        return CanariesNow(state="unknown", oldest_age_s=None, unknown=unknown, late_s=late_s)
    age_s, worst = max(known, key=lambda found: found[0])
    return CanariesNow(
        state="late" if age_s > late_s else "unknown" if unknown else "ok", oldest_age_s=age_s, lane=worst["lane"],
        partition=worst["partition"], unknown=unknown, late_s=late_s,
    )  # fmt: skip


def canary_stage(canaries: CanariesNow) -> Stage:
    """The canaries as one of the parts."""
    if canaries.oldest_age_s is None:
        return Stage(name="canaries", state="unknown", detail="none has come through yet")
    detail = (
        f"the oldest proof is {canaries.oldest_age_s:.0f} s old: lane {canaries.lane}, partition {canaries.partition}"
    )
    if canaries.unknown:
        detail += f"; of {canaries.unknown} places there is none"
    return Stage.model_validate(
        {"name": "canaries", "state": {"ok": "ok", "late": "away", "unknown": "unknown"}[canaries.state], "detail": detail}
    )  # fmt: skip


class PipelineWatch:
    """Looks once a second and remembers, so that a hundred consoles cost no more than one."""

    def __init__(
        self,
        database: Database,
        clock: Callable[[], datetime],
        standstill_s: float,
        every_s: float = 1.0,
        canaries: CanaryLimits | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._standstill_s = standstill_s
        self._every_s = every_s
        self._limits = canaries
        self._canaries: list[Mapping[str, Any]] = []
        self._answers = False
        self._answered_at: datetime | None = None
        self._stages: list[Stage] = []
        self._pipeline: PipelineNow | None = None
        self.standing: dict[Home, datetime | None] = {}
        self.reported: frozenset[Home] = frozenset()
        """(source, partition) of which anything is known."""

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(self._every_s)

    async def look(self) -> None:
        """Look once; the database may be away."""
        now = self._clock()
        try:
            async with self._database.connection() as connection:
                rows = await fetch_all(connection, _PIPELINE, since=now - timedelta(seconds=FORGET_S))
                writer = await fetch_one(connection, _WRITER)
                outbox = await fetch_one(connection, _OUTBOX)
                if self._limits is not None:
                    since = now - timedelta(seconds=LOOK_BACK_S + self._limits.blind_s)
                    self._canaries = [
                        *await fetch_all(connection, _CANARIES, partitions=self._limits.partitions, since=since)
                    ]
        except DatabaseAway as error:
            if self._answers:
                _LOG.warning("%s", error)
            self._answers = False
            return
        self._answers, self._answered_at = True, now
        self._pipeline = pipeline_of([*rows], now, self._standstill_s)
        missing = without_canary(self._canaries, now, self._limits.blind_s) if self._limits else {}
        self.standing = standing_places(rows, now, self._standstill_s, missing)
        self.reported = frozenset((row["source"], row["partition"]) for row in rows)
        self._stages = [
            _aged("writer", writer["heard_at"] if writer else None, now, self._standstill_s, "stored what was stated"),
            _told(outbox["made_at"] if outbox else None, now),
        ]

    def health(self, now: datetime, *, feed_ready: bool, streams_open: int) -> Health:
        """What is known at ``now``. Without the database nothing is known of the pipeline, and that is said."""
        database = Stage(name="database", state="ok" if self._answers else "away", detail=self._last_answer(now))
        feed = Stage(name="feed", state="ok" if feed_ready else "away", detail="changes of cases, from Kafka")
        pipeline = (
            self._pipeline if self._answers and self._pipeline else PipelineNow(state="unknown", lanes=[], at=now)
        )
        stream_state = {"running": "ok", "late": "late", "standing": "away", "unknown": "unknown"}[pipeline.state]
        stages = [database, feed, Stage.model_validate({"name": "stream", "state": stream_state})]
        if self._answers:
            stages += self._stages
        canaries = self.canaries(now)
        if canaries is not None:
            stages.append(canary_stage(canaries))
        bad = [stage for stage in stages if stage.state != "ok"]
        state: Literal["ok", "degraded", "away"] = "away" if database.state == "away" else "degraded" if bad else "ok"
        return Health(
            state=state, stages=stages, pipeline=pipeline, canaries=canaries, streams_open=streams_open, now=now
        )

    def canaries(self, now: datetime) -> CanariesNow | None:
        """How old the proof is that the whole way works; without the database it grows older by itself. None: nobody sends any."""
        return None if self._limits is None else canaries_of(self._canaries, now, self._limits.late_s)

    def _last_answer(self, now: datetime) -> str:
        if self._answered_at is None:
            return "has not answered yet"
        return f"last answered {_age_s(self._answered_at, now):.0f} s ago"


def _aged(name: str, at: datetime | None, now: datetime, limit_s: float, what: str) -> Stage:
    if at is None:
        return Stage(name=name, state="unknown", detail=f"never {what}")
    age_s = _age_s(at, now)
    return Stage(name=name, state="ok" if age_s <= limit_s else "away", detail=f"{what} {age_s:.0f} s ago")


def _told(oldest: datetime | None, now: datetime) -> Stage:
    if oldest is None or _age_s(oldest, now) <= TOLD_S:
        return Stage(name="alerts", state="ok", detail="every change of a case was told")
    return Stage(name="alerts", state="late", detail=f"a change of a case waits {_age_s(oldest, now):.0f} s to be told")
