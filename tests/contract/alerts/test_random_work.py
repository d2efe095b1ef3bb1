"""Long random work: what must hold always, and both stores answering alike."""

from itertools import count

import msgspec
import pytest

from tests.contract.alerts.script import Script


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_is_done_the_cases_stay_whole(centre, seed):
    script = Script(centre, seed, working=True)
    for number in range(200):
        await script.step()
        if number % 5 == 4:
            await script.check()
    await script.check()
    assert script.accepted > 10  # else the story did nothing
    assert script.refused > 5


@pytest.mark.services
@pytest.mark.parametrize("seed", range(100, 103))
async def test_both_stores_give_the_same_answers(memory_centre, timescale_centre, seed):
    scripts = []
    for centre in (memory_centre, timescale_centre):
        numbers = count()
        centre.store._new_lease = lambda numbers=numbers: f"lease-{next(numbers)}"
        scripts.append(Script(centre, seed, working=True))
    in_memory, in_database = scripts
    for _ in range(150):
        assert await in_memory.step() == await in_database.step()
    assert in_memory.known == in_database.known
    for case_id in in_memory.known:
        one, other = await memory_centre.store.case(case_id), await timescale_centre.store.case(case_id)
        assert msgspec.to_builtins(one) == msgspec.to_builtins(other)
    assert [c.case_id for c in await memory_centre.store.queue()] == [
        c.case_id for c in await timescale_centre.store.queue()
    ]
