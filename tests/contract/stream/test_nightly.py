"""The nightly learner on the real database: a home's own past becomes the lines on its card."""

import zoneinfo
from datetime import datetime, timedelta

import numpy as np
import pytest

from contracts import home_cards
from contracts.kinds import BED, LINES, ROOMS, UNRESOLVED
from storage import people
from storage.counts import Counts
from storage.database import connect
from storage.queries import fetch_all, fetch_one, query
from storage.records import Device, Home, Resident
from storage.telemetry import Statement, TelemetryStore
from stream.learning.nightly import learn_all, next_night_s
from stream.learning.silences import learn
from tests.unit.storage.rows import batch, row

pytestmark = pytest.mark.services

ZONE = zoneinfo.ZoneInfo("Asia/Shanghai")
FIRST = datetime(2026, 10, 1, tzinfo=ZONE)
OUTAGE = (FIRST + timedelta(days=3, hours=13), FIRST + timedelta(days=3, hours=16))


def days_of_life(days):
    """Two motions half a minute apart every ten minutes from 7 to 22 o'clock, and nothing in an outage on the fourth day."""
    rows = []
    for day in range(days):
        for minute in range(7 * 60, 22 * 60, 10):
            at = FIRST + timedelta(days=day, minutes=minute)
            if not OUTAGE[0] <= at < OUTAGE[1]:
                rows += [
                    row("motion", seq=len(rows) + n + 1, device="living", at_s=at.timestamp() + 30 * n)
                    for n in range(2)
                ]
    return rows


@pytest.fixture
async def connection(fresh_database):
    opened = await connect(fresh_database, "test")
    async with opened.transaction():
        await people.register(
            opened,
            [
                Home("h-1", "330282001001"),
                Resident("r-1", "h-1", "A"),
                Device("h-1", "living", "motion", "living"),
                Home("h-2", "330282001001"),
            ],
            actor="test",
        )
    yield opened
    await opened.close()


def store(conninfo, rows, unwatched=()):
    opened = TelemetryStore(conninfo)
    held = batch(*rows, unwatched=unwatched)
    opened.store(held)
    counts = Counts()
    counts.add(held.tables)
    last_s = max(each[1].received_at_s for each in rows)
    (statement,) = held.statements
    meta = statement.meta.__class__(source="main", lane="bulk", watched_until_s=last_s)
    opened.account(counts, {("main", 0): Statement(0, last_s, meta)}, {})
    opened.close()


async def card_of(connection):
    found = await fetch_one(connection, b"SELECT card FROM home_cards WHERE home_id = 'h-1'")
    assert found is not None
    return home_cards.decode(bytes(found["card"]))


def what_the_learner_says(rows, unknown=()):
    """The pure learner on the same rows."""
    at_s = np.array([each[1].event_at_s for each in rows])
    never = np.zeros(len(rows), dtype=bool)
    return learn(at_s, np.full(len(rows), ROOMS.index("living")), never, never, 8 * 3600.0, unknown=unknown)


@pytest.mark.parametrize("noticed", [True, False], ids=["the outage is known", "nobody knows of the outage"])
async def test_nine_days_become_lines_on_the_card(connection, fresh_database, noticed):
    rows = days_of_life(9)
    unwatched = ((OUTAGE[0].timestamp(), OUTAGE[1].timestamp()),) if noticed else ()
    store(fresh_database, rows, unwatched=unwatched)
    assert await learn_all(connection) == (1, 1, 1)
    card, wanted = await card_of(connection), what_the_learner_says(rows, unwatched)
    assert (card.version, card.learned_days, card.silence_min) == (2, 9, wanted.silence_min)
    evidence = (await fetch_one(connection, b"SELECT evidence FROM learned_silences WHERE home_id = 'h-1'"))["evidence"]
    assert evidence == wanted.evidence | {"places": {"living": BED}}
    assert card.device_places == (BED,)
    assert await learn_all(connection) == (1, 1, 0)  # the same again is no new card


async def test_too_few_days_teach_nothing_and_leave_what_was_learned(connection, fresh_database):
    store(fresh_database, days_of_life(3))
    assert await learn_all(connection) == (1, 0, 1)
    assert (await card_of(connection)).silence_min == ()
    await connection.execute("UPDATE learned_silences SET days = 14, silence_min = %s", [[90] * LINES])
    await learn_all(connection)
    assert (await fetch_one(connection, b"SELECT days FROM learned_silences"))["days"] == 14


async def test_rows_whose_time_nobody_knows_teach_nothing(connection, fresh_database):
    rows = [
        row("motion", seq=each[1].seq, device="living", at_s=each[1].event_at_s, clock=UNRESOLVED)
        for each in days_of_life(9)
    ]
    store(fresh_database, rows)
    assert (await learn_all(connection)).learned == 0


def a_pulse(days):
    """A wearable for eight hours a day, at rest between 60 and 80; once in a while a wild value, and a walk."""
    rows = []
    for day in range(days):
        for minute in range(0, 480, 2):
            at_s = (FIRST + timedelta(days=day, hours=8, minutes=minute)).timestamp()
            wild, walks = minute % 100 == 50, 200 <= minute < 260
            bpm = 200.0 if wild else 120.0 if walks else 60.0 + 20.0 * minute / 480
            rows.append(
                row(
                    "vitals", seq=len(rows) + 1, device="watch", at_s=at_s, heart_rate_bpm=bpm, steps=60 if walks else 0
                )
            )
    return rows


async def test_what_is_usual_with_a_resident_stands_on_the_card_with_its_evidence(connection, fresh_database):
    rows = [*days_of_life(9), *a_pulse(9)]
    store(fresh_database, rows)
    await learn_all(connection)
    card = await card_of(connection)
    said = dict(zip(card.threshold_names, card.threshold_values, strict=True))
    assert set(said) == {"usual.heart_low_bpm@r-1", "usual.heart_rest_bpm@r-1", "usual.heart_high_bpm@r-1"}
    assert 60 <= said["usual.heart_low_bpm@r-1"] < 61 < said["usual.heart_rest_bpm@r-1"] < 64
    assert 78 < said["usual.heart_high_bpm@r-1"] <= 80
    (kept,) = await fetch_all(
        connection, b"SELECT days, counted FROM learned_usual WHERE name = 'usual.heart_high_bpm'"
    )
    assert (kept["days"], kept["counted"]) == (9, 9 * 42)  # without the hour of the walk


async def test_days_are_counted_for_people_to_read_and_counting_again_changes_nothing(connection, fresh_database):
    store(fresh_database, days_of_life(9))
    for _ in range(2):
        await learn_all(connection)
        days = await fetch_all(connection, query("habits_of_home"), home_id="h-1")
        assert [each["active_hours"] for each in days] == [15, 15, 15, 12, 15, 15, 15, 15, 15]
        assert {each["night_visits"] for each in days} == {None}  # nothing looks into the bathroom
    trend = await fetch_one(connection, query("habit_trend_of_home"), home_id="h-1")
    assert trend["active_hours"] == 14.6  # of the seven days before the last, which may not be over
    assert (trend["active_hours_before"], trend["night_visits"]) == (None, None)  # one day, and nobody can know


async def test_only_the_homes_that_are_named(connection, fresh_database):
    store(fresh_database, days_of_life(9))
    assert await learn_all(connection, ["h-2"]) == (0, 0, 0)


def test_the_next_night_is_by_the_zone_s_clock():
    noon_s = datetime(2026, 10, 1, 12, tzinfo=ZONE).timestamp()
    assert next_night_s(noon_s, 3, 30, "Asia/Shanghai") == datetime(2026, 10, 2, 3, 30, tzinfo=ZONE).timestamp()
    assert (
        next_night_s(noon_s - 9 * 3600, 3, 30, "Asia/Shanghai") == datetime(2026, 10, 1, 3, 30, tzinfo=ZONE).timestamp()
    )
