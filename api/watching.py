"""How homes are watched at this moment: devices, coverage and signs of life, for a page of homes at once."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from alerts.coverage import NOT_COUNTED
from api.context import Context
from api.coverage import View, coverage, kept_of
from api.models.people import SignOfLife
from api.models.shape import CoverageNow
from contracts.partitions import partition_of
from storage.database import Connection
from storage.queries import fetch_all, query

_DEVICES = query("api_devices_of_homes")
_SOURCES = query("api_sources")
_SIGNS = query("api_signs_of_life")
_KEPT = query("coverage_of_homes")

LOOK_BACK_S = 3 * 86_400.0
"""How far back signs of life are looked for, s: far beyond any usual silence, and few chunks of the database."""
UP_AND_ABOUT = frozenset({"motion", "contact", "presence", "power", "water", "vitals", "call"})
"""Kinds of sign that show somebody acting. A pulse shows life, but perhaps on the floor."""


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """One home."""

    view: View
    devices: list[Mapping[str, Any]]
    coverage: CoverageNow
    signs: list[SignOfLife]
    """Newest first."""

    @property
    def last_sign_at(self) -> datetime | None:
        """Newest sign of somebody acting."""
        return max((sign.event_at for sign in self.signs if sign.kind in UP_AND_ABOUT), default=None)

    def last_sign_of(self, resident_id: str) -> datetime | None:
        """Newest sign of this resident acting, from what nobody else wears or lies in."""
        own = (sign for sign in self.signs if sign.resident_id == resident_id)
        return max((sign.event_at for sign in own if sign.kind in UP_AND_ABOUT), default=None)


class SourceClock(msgspec.Struct, frozen=True):
    """A bridge's clock as the writer knows it."""

    clock: str
    watched_until_at: datetime | None
    heard_at: datetime

    def now(self, wall: datetime) -> datetime | None:
        """The source's time at this moment: a virtual or recorded clock is only known by what was stated."""
        return wall if self.clock == "wall" else self.watched_until_at


def view_of(
    home_id: str,
    devices: Sequence[Mapping[str, Any]],
    kept: Mapping[str, Any] | None,
    sources: Mapping[str, SourceClock],
    parts: Context,
    now: datetime,
) -> View:
    """What can be seen of one home from its devices (rows of ``api_devices_of_homes``), its coverage as kept, and its source's clock."""
    newest = max(
        (row for row in devices if row["last_seen_at"] and row["source"]),
        key=lambda row: row["last_seen_at"],
        default=None,
    )
    source = sources.get(newest["source"]) if newest else None
    standing, seen_until = False, None
    if newest is not None and source is not None:
        place = (newest["source"], partition_of(home_id, parts.settings.partitions))
        if source.clock == "recorded":
            standing = (now - source.heard_at).total_seconds() > parts.settings.standstill_s
        else:
            # Of a place that nobody reports nothing is known, and what is not known is not seen.
            standing = place in parts.pipeline.standing or place not in parts.pipeline.reported
        seen_until = parts.pipeline.standing.get(place) or source.watched_until_at or newest["last_seen_at"]
    return View(
        kept=NOT_COUNTED if kept is None else kept_of(kept),
        changed_at=kept["changed_at"] if kept else None,
        source_now=source.now(now) if source else None,
        standing=standing,
        seen_until=seen_until,
    )


async def _views(
    connection: Connection, home_ids: Sequence[str], parts: Context, now: datetime
) -> tuple[dict[str, View], dict[str, list[Mapping[str, Any]]]]:
    """What can be seen of each of these homes, and its devices."""
    sources = {
        row["source"]: SourceClock(row["clock"], row["watched_until_at"], row["heard_at"])
        for row in await fetch_all(connection, _SOURCES)
    }
    devices: dict[str, list[Mapping[str, Any]]] = {home_id: [] for home_id in home_ids}
    for row in await fetch_all(connection, _DEVICES, home_ids=list(devices)):
        devices[row["home_id"]].append(row)
    kept = {row["home_id"]: row for row in await fetch_all(connection, _KEPT, home_ids=list(devices))}
    views = {
        home_id: view_of(home_id, rows, kept.get(home_id), sources, parts, now) for home_id, rows in devices.items()
    }
    return views, devices


async def coverage_of(connection: Connection, home_id: str, parts: Context, now: datetime) -> CoverageNow:
    """How one home is watched; its signs of life are not looked for."""
    views, _ = await _views(connection, [home_id], parts, now)
    return coverage(views[home_id])


async def watched(connection: Connection, home_ids: Sequence[str], parts: Context, now: datetime) -> dict[str, Watched]:
    """All of these homes."""
    views, devices = await _views(connection, home_ids, parts, now)
    sinces = [(view.source_now or now) - timedelta(seconds=LOOK_BACK_S) for view in views.values()]
    signs: dict[str, list[SignOfLife]] = {home_id: [] for home_id in views}
    if views:
        for row in await fetch_all(connection, _SIGNS, home_ids=list(views), sinces=sinces, since=min(sinces)):
            signs[row["home_id"]].append(
                SignOfLife(
                    kind=row["kind"],
                    room=row["room"],
                    device_id=row["device_id"],
                    resident_id=row["resident_id"],
                    event_at=row["event_at"],
                )
            )
    return {
        home_id: Watched(
            view=view,
            devices=devices[home_id],
            coverage=coverage(view),
            signs=sorted(signs[home_id], key=lambda sign: sign.event_at, reverse=True),
        )
        for home_id, view in views.items()
    }
