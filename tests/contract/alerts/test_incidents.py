"""Many homes of a town that fall silent together are one case; nobody's own alarm is folded away, and nobody is lost with it."""

import psycopg
import pytest

from alerts.coverage_keeper import CoverageKeeper
from alerts.incidents import TELL_S, Incidents
from alerts.link import Link
from alerts.memory import Home
from alerts.timescale import TimescaleCases
from tests.contract.alerts.centre import Centre

pytestmark = pytest.mark.services

TOWN = "330282001"
LEAST = 5


class Town:
    """Homes of one town with a hub each, and what the twins do every second."""

    def __init__(self, centre: Centre, conninfo: str) -> None:
        self.centre = centre
        self._conninfo = conninfo
        self._link = Link(conninfo, "test incidents", lock_s=5, idle_s=30)
        self._incidents = Incidents(self._link, TimescaleCases(self._link).rules, LEAST, 900.0)

    def settle(self, count: int, area: str = TOWN) -> list[str]:
        homes = [f"{area[-3:]}-{number:03}" for number in range(count)]
        with psycopg.connect(self._conninfo, autocommit=True) as connection:
            for number, home_id in enumerate(homes):
                self.centre.homes[home_id] = Home(f"{area}{number % 3 + 1:03}", number % 5)
                connection.execute("INSERT INTO devices (home_id, device_id, role, last_seen_at) VALUES (%s, 'dev-1', 'hub', now())", [home_id])  # fmt: skip
        return homes

    async def fall_silent(self, homes: list[str], at_s: float = 1000.0) -> None:
        for home_id in homes:
            await self.centre.admit(
                "technical", home_id=home_id, started_at_s=at_s, score=1, reason="device_silent.silent"
            )

    async def come_back(self, homes: list[str], at_s: float = 1000.0) -> None:
        for home_id in homes:
            await self.centre.admit(
                "technical",
                home_id=home_id,
                started_at_s=at_s,
                score=1,
                reason="device_silent.back",
                on=False,
                revision=2,
            )

    async def look(self) -> int:
        return await self._incidents.look(self.centre.now)

    async def queue(self) -> list[tuple[str, str]]:
        return [(case.home_id, case.family) for case in await self.centre.store.queue()]

    async def close(self) -> None:
        await self._link.close()


@pytest.fixture
async def town(timescale_centre: Centre, database: str):
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("TRUNCATE devices, device_silences, home_coverage, coverage_due, coverage_counts")
    found = Town(timescale_centre, database)
    yield found
    await found.close()


AREA_CASE = [(f"area-{TOWN}", "technical")]


async def test_a_town_that_goes_dark_is_one_case_and_not_one_for_each_home(town: Town):
    homes = town.settle(60)
    await town.fall_silent(homes)
    assert len(await town.queue()) == 60
    await town.look()
    assert await town.queue() == AREA_CASE
    (incident,) = await town.centre.store.queue()
    assert (incident.priority, incident.condition, incident.area_code) == (3, "on", TOWN)
    assert incident.reasons[0].evidence == {"area": TOWN, "homes": 60, "away": 60}
    assert await town.look() == 0, "nothing changes while nothing happens"


async def test_fewer_than_that_or_long_apart_stay_cases_of_their_own(town: Town):
    homes = town.settle(2 * LEAST - 2)
    await town.fall_silent(homes[: LEAST - 1])
    await town.look()
    town.centre.now += 2 * town._incidents._within
    await town.fall_silent(homes[LEAST - 1 :])
    assert await town.look() == 0
    assert len(await town.queue()) == 2 * LEAST - 2


async def test_another_town_and_one_who_falls_silent_hours_later_are_not_hidden_in_it(town: Town):
    near, far = town.settle(LEAST + 1), town.settle(2, "330282002")
    await town.fall_silent([*near[:LEAST], *far])
    await town.look()
    await town.centre.forward(3 * 3600)
    await town.fall_silent(near[LEAST:])
    await town.look()
    assert sorted(await town.queue()) == sorted([*AREA_CASE, *((home, "technical") for home in [*far, near[LEAST]])])


async def test_a_further_device_of_a_home_in_it_joins_it_whenever_that_is(town: Town):
    homes = town.settle(LEAST)
    await town.fall_silent(homes)
    await town.look()
    await town.centre.forward(3 * 3600)
    await town.centre.admit("technical", home_id=homes[0], device_id="dev-2", started_at_s=9000, score=1, reason="device_silent.silent")  # fmt: skip
    await town.look()
    assert await town.queue() == AREA_CASE


@pytest.mark.parametrize("family", ["sos", "fall", "smoke"])
async def test_a_persons_alarm_is_never_folded_away(town: Town, family: str):
    homes = town.settle(LEAST)
    await town.fall_silent(homes)
    await town.centre.admit(family, home_id=homes[0], score=4)
    await town.look()
    await town.centre.admit(family, home_id=homes[1], score=4)
    await town.look()
    assert sorted(await town.queue()) == sorted([*AREA_CASE, (homes[0], family), (homes[1], family)])


async def test_what_a_desk_works_on_stays_with_it(town: Town):
    homes = town.settle(LEAST + 1)
    await town.fall_silent(homes)
    case = next(case for case in await town.centre.store.queue() if case.home_id == homes[0])
    await town.centre.claim(case)
    await town.look()
    assert sorted(await town.queue()) == sorted([*AREA_CASE, (homes[0], "technical")])


async def test_it_ends_when_all_are_back_and_not_before(town: Town):
    homes = town.settle(LEAST)
    await town.fall_silent(homes)
    await town.look()
    await town.come_back(homes[1:])
    await town.centre.forward(TELL_S + 1)
    await town.look()
    (incident,) = await town.centre.store.queue()
    assert (incident.condition, incident.reasons[0].evidence["away"]) == ("on", 1)
    await town.come_back(homes[:1])
    await town.look()
    await town.centre.forward(61)
    assert await town.queue() == []
    assert (await town.centre.see(incident)).handling == "CLOSED"
    assert await town.look() == 0, "nobody is silent, so nobody comes back"


async def test_who_is_silent_still_when_it_is_closed_has_a_case_again(town: Town):
    homes = town.settle(LEAST)
    await town.fall_silent(homes)
    await town.look()
    await town.come_back(homes[1:])
    (incident,) = await town.centre.store.queue()
    resolved = await town.centre.resolve(await town.centre.claim(incident), outcome="technical_power")
    await town.look()
    assert await town.queue() == [], "a desk has said what it is; it is looked at again when that closes"
    await town.centre.forward(86_401)
    assert (await town.centre.see(resolved)).handling == "CLOSED"
    await town.look()
    assert await town.queue() == [(homes[0], "technical")]


async def test_two_twins_that_look_at_once_begin_one(town: Town, database: str):
    other = Town(town.centre, database)
    try:
        await town.fall_silent(town.settle(LEAST))
        await town.look()
        await other.look()
    finally:
        await other.close()
    assert await town.queue() == AREA_CASE


async def test_the_homes_of_it_are_blind_until_each_is_back(town: Town):
    homes = town.settle(LEAST)
    await town.fall_silent(homes)
    keeper = CoverageKeeper(town._link, 16, 15.0, lambda: town.centre.now)
    await keeper.look()
    with psycopg.connect(town._conninfo) as connection:
        found = connection.execute("SELECT state, count(*) FROM home_coverage GROUP BY 1").fetchall()
    assert found == [("blind", LEAST)]
