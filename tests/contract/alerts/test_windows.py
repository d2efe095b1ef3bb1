"""Out of service: an alarm meanwhile is recorded and shown and does not ring; at the end it does, and nothing is silent for ever."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from alerts.coverage_keeper import CoverageKeeper
from alerts.link import Link
from alerts.memory import Home
from alerts.windows import Window
from alerts.windows_keeper import Windows
from tests.contract.alerts.centre import START, Centre

HOUR_S = 3600.0


def close_for(centre: Centre, home_id: str = "h-1", *, after_s: float = 0.0, hours: float = 1.0, **fields: Any) -> None:
    begin = START + timedelta(seconds=after_s)
    window = Window(
        **({"window_id": 1, "until_at": begin + timedelta(hours=hours), "reason": "new hub", "substitute": "a neighbour"} | fields)
    )  # fmt: skip
    centre.homes[home_id] = Home(
        "330282999001", phones={f"r-{home_id}": "+86 138 0000 0001"}, windows=((begin, window),)
    )


async def raised(centre: Centre, family: str = "fall", **fields: Any) -> Any:
    return (await centre.admit(family, **fields)).case


async def test_an_alarm_meanwhile_is_recorded_and_shown_and_rings_at_the_end(centre: Centre) -> None:
    close_for(centre)
    case = await raised(centre, "sos")
    assert (case.handling, case.priority, case.queued_at) == ("SUSPENDED", 1, None)
    assert [shown.case_id for shown in await centre.store.queue()] == [case.case_id]
    await centre.forward(HOUR_S - 1)
    assert (await centre.see(case)).handling == "SUSPENDED"
    assert await centre.store.waiting(centre.now) == []
    await centre.forward(1)
    after = await centre.see(case)
    assert (after.handling, after.queued_at, after.deadline_at) == ("QUEUED", centre.now, centre.now + timedelta(seconds=60))  # fmt: skip
    assert after.first_queued_at == centre.now
    told = [(row.action, row.reason) for row in (await centre.store.case(case.case_id)).audit]
    assert told == [("raised", "case.suspended"), ("queued", "case.window_ended")]


async def test_what_latched_rings_at_the_end_though_its_device_is_quiet_again(centre: Centre) -> None:
    close_for(centre)
    case = await raised(centre, "smoke")
    await centre.admit("smoke", on=False, revision=2)
    await centre.forward(HOUR_S)
    assert (await centre.see(case)).handling == "QUEUED"


async def test_another_device_of_the_home_rings_at_once(centre: Centre) -> None:
    close_for(centre, device_id="d-1")
    case = await raised(centre, "smoke", device_id="d-1")
    assert case.handling == "SUSPENDED"
    assert (await raised(centre, "sos", device_id="d-2")).handling == "QUEUED"
    again = await raised(centre, "smoke", device_id="d-2", started_at_s=1500)
    assert (again.case_id, again.handling) == (case.case_id, "QUEUED")


async def test_a_second_alarm_of_what_is_out_of_service_does_not_ring_either(centre: Centre) -> None:
    close_for(centre, device_id="d-1")
    await raised(centre, "smoke", device_id="d-1")
    assert (await raised(centre, "smoke", device_id="d-1", started_at_s=1500)).handling == "SUSPENDED"


async def test_where_only_technical_alarms_are_silent_a_call_for_help_rings(centre: Centre) -> None:
    close_for(centre, technical_only=True)
    assert (await raised(centre, "technical")).handling == "SUSPENDED"
    assert (await raised(centre, "sos")).handling == "QUEUED"


async def test_before_its_begin_and_from_its_end_on_everything_rings(centre: Centre) -> None:
    close_for(centre, after_s=10)
    assert (await raised(centre, "sos")).handling == "QUEUED"
    await centre.forward(HOUR_S + 10)
    assert (await raised(centre, "smoke")).handling == "QUEUED"


async def test_somebody_may_take_it_all_the_same_and_it_stays_his(centre: Centre) -> None:
    close_for(centre)
    mine = await centre.claim(await raised(centre, "sos"))
    assert (mine.handling, mine.held_until_at) == ("CLAIMED", None)
    assert {timer.kind for timer in (await centre.store.case(mine.case_id)).timers} == {"lease"}


async def test_a_device_that_comes_back_meanwhile_ends_its_case_by_restoral(centre: Centre) -> None:
    close_for(centre)
    case = await raised(centre, "technical")
    await centre.admit("technical", on=False, revision=2)
    await centre.forward(61)
    assert (await centre.see(case)).handling == "CLOSED"


async def test_a_fall_that_would_be_asked_about_is_not_asked_about_meanwhile(centre: Centre) -> None:
    close_for(centre)
    case = await raised(centre, "fall", score=1)
    assert case.handling == "SUSPENDED"
    assert await centre.store.asking(centre.now) == []


async def test_a_word_that_help_is_needed_rings_whatever_is_out_of_service(centre: Centre) -> None:
    close_for(centre, after_s=100)
    asked = await raised(centre, "no_life", score=1)
    (asking,) = await centre.store.asking(centre.now)
    (question,) = await centre.store.begin_round(asked.case_id, asking.people, centre.now, 10)
    await centre.store.answer(question.question_id, "well", token=question.token, now=centre.now)
    await centre.forward(100)
    silent = await raised(centre, "no_life", score=1, started_at_s=5000)
    assert silent.handling == "SUSPENDED"
    after = await centre.store.answer(question.question_id, "help", token=question.token, now=centre.now)
    assert (after.case_id, after.handling, after.priority) == (silent.case_id, "QUEUED", 1)


class Twins:
    """What the twins do every second, over the database alone."""

    def __init__(self, centre: Centre, conninfo: str) -> None:
        self.centre, self.conninfo = centre, conninfo
        self._links = [Link(conninfo, f"test windows {number}", lock_s=5, idle_s=30) for number in range(2)]
        self._windows = Windows(self._links[0], centre.store)
        self._coverage = CoverageKeeper(self._links[1], 16, 15.0, lambda: centre.now)

    async def look(self) -> int:
        changed = await self._windows.look(self.centre.now)
        await self._coverage.look()
        return changed

    def sql(self, statement: str, *values: Any) -> list[Any]:
        with psycopg.connect(self.conninfo, autocommit=True) as connection:
            cursor = connection.execute(statement, values)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    def coverage(self, home_id: str = "h-1") -> tuple[str, list[str]]:
        ((state, reasons),) = self.sql("SELECT state, reasons FROM home_coverage WHERE home_id = %s", home_id)
        return state, [reason["key"] for reason in reasons]

    async def close(self) -> None:
        for link in self._links:
            await link.close()


@pytest.fixture
async def twins(timescale_centre: Centre, database: str) -> Any:
    found = Twins(timescale_centre, database)
    yield found
    await found.close()


def hear(twins: Twins, home_id: str = "h-1") -> None:
    twins.sql("INSERT INTO devices (home_id, device_id, role, last_seen_at, source) VALUES (%s, 'd-1', 'motion', now(), 'main')", home_id)  # fmt: skip


@pytest.mark.services
async def test_coverage_is_never_well_meanwhile_and_says_until_when_and_who_instead(twins: Twins) -> None:
    close_for(twins.centre, after_s=60)
    hear(twins)
    await twins.look()
    assert twins.coverage() == ("protected", [])
    await twins.centre.forward(60)
    await twins.look()
    assert twins.coverage() == ("blind", ["out_of_service"])
    ((reasons,),) = twins.sql("SELECT reasons FROM home_coverage WHERE home_id = 'h-1'")
    assert (reasons[0]["until"], reasons[0]["substitute"]) == ("03-01 21:01", "a neighbour")
    await twins.centre.forward(HOUR_S)
    await twins.look()
    assert twins.coverage() == ("protected", [])


@pytest.mark.services
async def test_one_device_out_of_two_degrades_its_home_and_a_technical_window_as_well(twins: Twins) -> None:
    close_for(twins.centre, device_id="d-2")
    hear(twins)
    twins.sql("INSERT INTO devices (home_id, device_id, role, last_seen_at, source) VALUES ('h-1', 'd-2', 'bed', now(), 'main')")  # fmt: skip
    await twins.look()
    assert twins.coverage() == ("degraded", ["out_of_service"])
    close_for(twins.centre, "h-2", window_id=2, technical_only=True, substitute="")
    hear(twins, "h-2")
    await twins.look()
    assert twins.coverage("h-2") == ("degraded", ["out_of_service"])


@pytest.mark.services
async def test_a_window_that_nobody_ended_alarms_once(twins: Twins) -> None:
    close_for(twins.centre)
    await twins.look()
    await twins.centre.forward(HOUR_S)
    assert await twins.look() == 1
    assert await twins.look() == 0
    twins.sql("UPDATE service_windows SET over = false")  # as if the process had died in between
    await twins.look()
    ((family, priority, handling, signals),) = twins.sql("SELECT family, priority, handling, signals FROM cases")
    assert (family, priority, handling, signals) == ("technical", 4, "QUEUED", 1)
    assert twins.sql("SELECT reason FROM case_signals") == [("window.over",)]


@pytest.mark.services
async def test_what_somebody_ended_before_its_time_rings_at_once_and_does_not_alarm_by_itself(twins: Twins) -> None:
    close_for(twins.centre)
    case = await raised(twins.centre, "sos")
    await twins.look()
    assert (await twins.centre.see(case)).handling == "SUSPENDED"
    twins.sql("UPDATE service_windows SET ended_at = %s, ended_by = 'chief'", twins.centre.now)
    assert await twins.look() == 1
    assert (await twins.centre.see(case)).handling == "QUEUED"
    assert twins.sql("SELECT count(*) FROM cases") == [(1,)]


@pytest.mark.services
async def test_an_area_out_of_service_is_all_its_homes_and_no_other(twins: Twins) -> None:
    twins.centre.homes["h-1"] = Home("330282001001")
    twins.centre.homes["h-2"] = Home("330282002001")
    twins.sql(
        """INSERT INTO service_windows (area_code, technical_only, reason, substitute, from_at, until_at, planned_by, planned_at)
           VALUES ('330282001', false, 'works', 'patrol', %s, %s, 'test', %s)""",
        START, START + timedelta(hours=1), START,
    )  # fmt: skip
    inside, outside = await raised(twins.centre, "sos"), await raised(twins.centre, "sos", home_id="h-2")
    assert (inside.handling, outside.handling) == ("SUSPENDED", "QUEUED")
    hear(twins)
    await twins.look()
    assert twins.coverage() == ("blind", ["out_of_service"])
    await twins.centre.forward(HOUR_S)
    await twins.look()
    assert (await twins.centre.see(inside)).handling == "QUEUED"
    assert twins.sql("SELECT count(*) FROM cases WHERE family = 'technical'") == [(1,)]
