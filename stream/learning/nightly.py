"""The nightly learner: what each home's last weeks say about its usual silences, stays and residents goes onto its card. ``python -m stream.learning``.

Beside that it counts each day's figures (visits to the bathroom by night, hours with activity) for people to read; nothing is alarmed from them.

Reads TimescaleDB, not the stream, because it looks back for weeks and is in no hurry. A home's past ends at the instant up to which its own
source was watched, so a simulated home learns on its simulated clock. May be repeated and interrupted at any time.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import psycopg
from psycopg.types.json import Jsonb

from contracts.kinds import ROLES, ROOMS
from storage.cards import refresh_card
from storage.database import Connection
from storage.queries import Row, execute, fetch_all, query
from stream.learning import habits, usual
from stream.learning.past import Device, Past, deaf_times, signs_of
from stream.learning.signs import GROUP_OF_ROOM, KINDS
from stream.learning.silences import DAYS_BACK, MIN_DAYS, Learned, learn

LOG = logging.getLogger("stream.learning")
HOMES = query("homes_to_learn")
DEVICES = query("devices_of_home")
UNWATCHED = query("unwatched_of_source")
ARRIVALS = query("past_arrivals")
PAST = {kind: query(f"past_{kind}") for kind in KINDS}
MEDIANS = query("past_vitals_medians")
PUT = query("put_learned")
PUT_USUAL = query("put_usual")
FORGET_USUAL = query("forget_usual")
PUT_HABITS = query("put_daily_habits")
STALE = timedelta(days=60)
"""A line learned so long ago no longer holds when the last weeks teach nothing."""


class Night(NamedTuple):
    """What one round did."""

    homes: int
    learned: int
    """Homes whose past sufficed."""
    cards_changed: int


class Lesson(NamedTuple):
    """What the last weeks teach about one home."""

    silences: Learned
    usual: list[usual.Usual]
    days: list[habits.Day]


async def learn_home(connection: Connection, home_id: str, zone: str, source: str, now_s: float) -> Lesson:
    """What the DAYS_BACK days before ``now_s`` teach about one home."""
    window = {"home_id": home_id, "from_s": now_s - DAYS_BACK * 86_400.0, "to_s": now_s}
    devices: list[Device] = []
    index: dict[str, int] = {}
    for row in await fetch_all(connection, DEVICES, home_id=home_id):
        index[row["device_id"]] = len(devices)
        role, room = row["role"], row["room"]
        devices.append(
            Device(ROLES.index(role if role in ROLES else "other"), ROOMS.index(room if room in ROOMS else "other"))
        )
    stranger = len(devices)
    devices.append(Device())
    rows: dict[str, dict[str, Any]] = {}
    for kind, sql in PAST.items():
        if found := await fetch_all(connection, sql, **window):
            rows[kind] = _columns(found, index, stranger)
    hubs = {device_id for device_id, at in index.items() if devices[at].role == ROLES.index("hub")}
    arrivals = await fetch_all(connection, ARRIVALS, **window)
    received_s = np.array([row["received_s"] for row in arrivals], dtype=np.float64)
    is_beat = np.array([row["is_beat"] for row in arrivals], dtype=bool)
    hub_away = np.array([row["away"] and row["device_id"] in hubs for row in arrivals], dtype=bool)
    unwatched = await fetch_all(connection, UNWATCHED, source=source, from_s=window["from_s"], to_s=now_s)
    unknown = [(row["from_s"], row["to_s"]) for row in unwatched] + deaf_times(received_s, is_beat, hub_away)
    past = await asyncio.to_thread(signs_of, rows, devices)
    offset_s = _offsets_s(past.at_s, zone)
    silences = await asyncio.to_thread(
        learn, past.at_s, past.room, past.by_itself, past.entrance, offset_s, device=past.device, unknown=unknown
    )
    places = silences.places_of([each.room for each in devices], range(len(devices)))
    silences.evidence["places"] = {device_id: places[at] for device_id, at in index.items()}
    seen = _with_presence(past, rows.get("presence"), devices)
    stays = habits.stays(seen.at_s, seen.room, seen.by_itself, offset_s, unknown=unknown)
    usually = [
        usual.Usual("", f"usual.bathroom_{word}", value, stays.days, stays.stays)
        for word, value in (("seen_min", stays.seen_min), ("day_min", stays.day_min))
        if value is not None
    ]
    medians = await fetch_all(connection, MEDIANS, **window)
    days = habits.days(past.at_s, past.room, past.by_itself, offset_s)
    from_s = np.array([window["from_s"]])
    first_day = float(
        np.floor((from_s + _offsets_s(from_s, zone)) / 86_400.0)[0]
    )  # begun before: its figures would be too small
    return Lesson(
        silences,
        usually + _usual_of(medians, zone),
        [each for each in days if each.day > first_day],
    )


def _with_presence(past: Past, presence: dict[str, Any] | None, devices: Sequence[Device]) -> Past:
    """The signs, and beside them each "present" of a radar in a bathroom, as ``long_bathroom`` counts it; its "nobody is left" is told by no room."""
    if presence is None:
        return past
    room = np.array([each.room for each in devices], dtype=np.int64)[presence["device"].astype(np.int64)]
    there = (presence["present"] == 1) & (GROUP_OF_ROOM[room] == habits.BATHROOM)
    more, never = int(there.sum()), np.zeros(int(there.sum()), dtype=bool)
    return Past(
        np.concatenate((past.at_s, presence["at_s"][there])),
        np.concatenate((past.room, room[there])),
        np.concatenate((past.by_itself, np.ones(more, dtype=bool))),
        np.concatenate((past.entrance, never)),
        np.concatenate((past.device, presence["device"][there].astype(np.int64))),
    )


def _usual_of(medians: Sequence[Row], zone: str) -> list[usual.Usual]:
    if not medians:
        return []
    at_s = np.array([row["at_s"] for row in medians], dtype=np.float64)
    day = np.floor((at_s + _offsets_s(at_s, zone)) / 86_400.0).astype(np.int64)
    columns = {
        name: np.array([np.nan if row[name] is None else row[name] for row in medians], dtype=np.float64)
        for name in ("heart_rate_bpm", "spo2_pct", "skin_temp_c", "body_temp_c")
    }
    return usual.learn([row["resident_id"] for row in medians], day, columns)


async def learn_all(connection: Connection, home_ids: Sequence[str] | None = None) -> Night:
    """Learn about these homes, or about all that were heard; each home is its own transaction."""
    homes = await fetch_all(connection, HOMES, home_ids=list(home_ids) if home_ids is not None else None)
    enough = changed = 0
    for home in homes:
        try:
            lesson = await learn_home(connection, home["home_id"], home["zone"], home["source"], home["now_s"])
        except psycopg.OperationalError:
            raise
        except Exception:  # one home's odd data must not cost the others their night
            LOG.exception("home %s was left out", home["home_id"])
            continue
        enough += lesson.silences.days >= MIN_DAYS
        async with connection.transaction():
            if not _keeps_former(lesson.silences, home):
                await _put_silences(connection, home["home_id"], lesson.silences)
            await _put_person(connection, home["home_id"], lesson)
            changed += await refresh_card(connection, home["home_id"])
    return Night(len(homes), enough, changed)


async def _put_silences(connection: Connection, home_id: str, learned: Learned) -> None:
    await execute(
        connection,
        PUT,
        home_id=home_id,
        learned_at=datetime.now(UTC),
        days=learned.days,
        silence_min=list(learned.silence_min),
        evidence=Jsonb(learned.evidence),
    )


async def _put_person(connection: Connection, home_id: str, lesson: Lesson) -> None:
    """What is usual (what was found before stays for a while where the last weeks teach nothing), and the figures of the days."""
    await execute(connection, FORGET_USUAL, home_id=home_id, before=datetime.now(UTC) - STALE)
    found = lesson.usual
    await execute(
        connection,
        PUT_USUAL,
        home_id=home_id,
        learned_at=datetime.now(UTC),
        resident_ids=[each.resident_id for each in found],
        names=[each.name for each in found],
        values=[each.value for each in found],
        days=[each.days for each in found],
        counted=[each.counted for each in found],
    )
    figures = lesson.days
    await execute(
        connection,
        PUT_HABITS,
        home_id=home_id,
        days=[each.day for each in figures],
        signs=[each.signs for each in figures],
        active_hours=[each.active_hours for each in figures],
        first_h=[each.first_h for each in figures],
        night_visits=[each.night_visits for each in figures],
    )


def _keeps_former(learned: Learned, home: Row) -> bool:
    """Too few days teach nothing, so what was learned before stays in force for a while."""
    former: datetime | None = home["learned_at"]
    return learned.days < MIN_DAYS and former is not None and datetime.now(UTC) - former < STALE


def _columns(rows: Sequence[Row], index: dict[str, int], stranger: int) -> dict[str, Any]:
    columns = {
        name: np.array([np.nan if row[name] is None else row[name] for row in rows], dtype=np.float64)
        for name in rows[0]
        if name != "device_id"
    }
    columns["device"] = np.array([index.get(row["device_id"], stranger) for row in rows], dtype=np.float64)
    return columns


def _offsets_s(at_s: np.ndarray[Any, np.dtype[np.float64]], zone: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The zone's offset from UTC at each instant, s."""
    place = ZoneInfo(zone)
    quarters, which = np.unique(np.floor(at_s / 900.0), return_inverse=True)
    offsets = [
        place.utcoffset(datetime.fromtimestamp(quarter * 900.0, place)) or timedelta() for quarter in quarters.tolist()
    ]
    return np.array([offset.total_seconds() for offset in offsets], dtype=np.float64)[which]


def next_night_s(now_s: float, hour: int, minute: int, zone: str) -> float:
    """The next instant at which it is ``hour``:``minute`` in the zone, epoch s."""
    now = datetime.fromtimestamp(now_s, ZoneInfo(zone))
    at = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    if at.timestamp() <= now_s:
        at += timedelta(days=1)
    return at.timestamp()


async def every_night(
    connect: Callable[[], Awaitable[Connection]], hour: int, minute: int, zone: str, stop: asyncio.Event
) -> None:
    """Learn about all homes each night until ``stop``. ``connect``: makes a database connection. A night that fails is tried again."""
    while not stop.is_set():
        due_s = next_night_s(time.time(), hour, minute, zone)
        LOG.info("next round at %s", datetime.fromtimestamp(due_s, ZoneInfo(zone)).isoformat())
        if await _until(due_s, stop):
            return
        while not stop.is_set():
            try:
                connection = await connect()
                try:
                    LOG.info("learned: %s", await learn_all(connection))
                finally:
                    await connection.close()
                break
            except psycopg.OperationalError as error:
                LOG.warning("the round failed and begins again in a minute: %s", error)
                if await _until(time.time() + 60.0, stop):
                    return


async def _until(due_s: float, stop: asyncio.Event) -> bool:
    """Wait until an instant of the wall clock, which may jump, or until ``stop``; True when that came."""
    while (left_s := due_s - time.time()) > 0:
        try:
            await asyncio.wait_for(stop.wait(), min(left_s, 60.0))
            return True
        except TimeoutError:
            continue
    return stop.is_set()
