"""Twenty operators reach for one case at the same instant, each on a connection of their own, again and again: one has it, the others learn who."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from alerts.errors import StaleClaim
from alerts.timescale import IDLE_S, LOCK_S, TimescaleCases
from storage.database import pool
from tests.contract.alerts.centre import Centre
from tests.contract.alerts.conftest import HomesInDatabase

pytestmark = pytest.mark.services

DESKS = 20


@pytest.fixture
async def crowded(database: str) -> AsyncIterator[Centre]:
    async with pool(database, "test claims", size=DESKS, lock_s=LOCK_S, idle_s=IDLE_S) as opened:
        yield Centre(TimescaleCases(opened), HomesInDatabase(database))


async def test_one_of_twenty_wins_fifty_times(crowded):
    await claimed_at_once(crowded, 50)


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_one_of_twenty_wins_a_thousand_times(crowded):
    await claimed_at_once(crowded, 1000)


async def claimed_at_once(centre: Centre, rounds: int) -> None:
    winners = set()
    for round_ in range(rounds):
        case = await centre.open("sos", home_id=f"claimed-{rounds}-{round_}")
        together = asyncio.Barrier(DESKS)

        async def claim(desk: str, case=case, together=together):
            await together.wait()
            return await centre.claim(case, desk)

        results = await asyncio.gather(*(claim(f"desk-{n}") for n in range(DESKS)), return_exceptions=True)
        (winner,) = [found for found in results if not isinstance(found, BaseException)]
        refused = [found for found in results if isinstance(found, BaseException)]
        assert {type(found) for found in refused} == {StaleClaim}, refused
        assert {found.facts["desk_id"] for found in refused} == {winner.desk_id}
        stands = await centre.store.case(case.case_id)
        assert (stands.case.desk_id, stands.case.version) == (winner.desk_id, case.version + 1)
        assert [row.action for row in stands.audit] == ["raised", "claimed"]
        winners.add(winner.desk_id)
    assert len(winners) > 1  # it was a race
