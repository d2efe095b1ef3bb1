"""Random work on the memory store, many stories: what must hold always (the database gets fewer of them in the contract suite)."""

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from alerts.memory import Home, MemoryCases
from tests.contract.alerts.centre import Centre
from tests.contract.alerts.script import Script


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**32), st.integers(1, 60))
@example(15036948, 15)  # another family's signal went off and made the case P2 while the resident was being asked
@example(22998, 60)  # a case and the one after it began in the same instant
@example(2675, 40)  # ... and while it lay on the shelf
def test_whatever_is_done_the_cases_stay_whole(seed, length):
    import asyncio

    async def story():
        homes: dict[str, Home] = {}
        script = Script(Centre(MemoryCases(homes), homes), seed)
        for _ in range(length):
            await script.step()
            await script.check()

    asyncio.run(story())
