"""Cases that begin with a telephone call: once however often it is told, joined where one is open, of strangers too, and by themselves where nobody answers."""

import asyncio
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from alerts.calls import Call, Called
from alerts.calls_keeper import CallsKeeper
from alerts.errors import LeaseLost, NotMergeable, NotUnknown
from alerts.memory import Home
from alerts.windows import Window
from storage import database as databases
from tests.contract.alerts.centre import START, Centre

HERE = "330282999001"


def a_call(call_id: str = "c-1", **fields: Any) -> Call:
    known: dict[str, Any] = {"number": "138 0000 0001", "area_prefix": "330282", "home_id": "h-1", "rang_at": START}
    return Call(call_id=call_id, **known | fields)


async def take(centre: Centre, call: Call, desk: str | None = "desk-1") -> Called:
    found: Called = await centre.store.called(call, now=centre.now, desk_id=desk)
    return found


@pytest.fixture(autouse=True)
def a_home(centre: Centre) -> None:
    centre.homes["h-1"] = Home(HERE)


async def test_a_call_opens_a_case_that_its_desk_has_at_once(centre: Centre) -> None:
    found = await take(centre, a_call(family="fall", words="she fell in the bathroom"))
    assert (found.case.handling, found.case.desk_id, found.case.priority) == ("CLAIMED", "desk-1", 1)
    assert found.case.lease_id
    assert not found.joined
    assert not found.repeated
    seen = await centre.store.case(found.case.case_id)
    assert [(row.actor, row.reason) for row in seen.audit] == [
        ("desk-1", "case.opened_by_call"),
        ("desk-1", "case.claimed"),
    ]
    assert seen.audit[0].facts["note"] == "she fell in the bathroom"
    assert "138 0000 0001" not in str(seen), "the number is no part of a case"
    assert (seen.case.detector, seen.case.condition) == ("telephone", "latched")
    assert len(await centre.store.unsent()) == 2


async def test_a_call_told_again_or_by_two_at_once_is_one_case(centre: Centre) -> None:
    both = await asyncio.gather(take(centre, a_call()), take(centre, a_call()), take(centre, a_call(), "desk-2"))
    assert {found.case.case_id for found in both} == {both[0].case.case_id}
    assert [found.repeated for found in both].count(False) == 1
    assert len(await centre.store.cases_of_home("h-1")) == 1
    again = await take(centre, a_call())
    assert again.repeated
    assert again.case.version == 2


async def test_a_call_joins_the_open_case_and_takes_it_where_nobody_has_it(centre: Centre) -> None:
    fall = await centre.open("fall", home_id="h-1", score=2)
    found = await take(centre, a_call(family="fall"))
    assert found.joined
    assert found.case.case_id == fall.case_id
    assert (found.case.handling, found.case.desk_id, found.case.priority) == ("CLAIMED", "desk-1", 1)
    second = await take(centre, a_call("c-2", family="fall"), "desk-2")
    assert second.joined
    assert second.case.desk_id == "desk-1", "who has it keeps it"
    reasons = [row.reason for row in (await centre.store.case(fall.case_id)).audit]
    assert reasons[-1] == "case.call_joined"


async def test_a_call_ends_asking_a_hold_and_nothing_is_silent_because_of_a_window(centre: Centre) -> None:
    asked = await centre.open("fall", home_id="h-1", score=1)
    assert asked.handling == "ASKING"
    found = await take(centre, a_call(family="fall"))
    assert (found.case.case_id, found.case.handling) == (asked.case_id, "CLAIMED")
    await centre.act("hold", found.case, reason="neighbour looks", hold_s=60)
    rings = await take(centre, a_call("c-2", family="fall"), "desk-2")
    assert (rings.case.handling, rings.case.desk_id) == ("CLAIMED", "desk-1")
    window = Window(window_id=2, until_at=START + timedelta(hours=2), reason="new hub", substitute="a neighbour")
    centre.homes["h-9"] = Home(HERE, windows=((START, window),))
    assert (await take(centre, a_call("c-3", home_id="h-9"), None)).case.handling == "QUEUED"


async def test_a_stranger_who_rings_again_is_known_by_the_number_and_not_in_another_area(centre: Centre) -> None:
    first = await take(centre, a_call(home_id=None, key="13912345678"))
    assert (first.case.area_code, first.case.handling) == ("330282", "CLAIMED")
    assert "13912345678" not in str(first.case)
    again = await take(centre, a_call("c-2", home_id=None, key="13912345678"))
    assert again.joined
    assert again.case.case_id == first.case.case_id
    elsewhere = await take(centre, a_call("c-3", home_id=None, key="13912345678", area_prefix="330206"))
    assert elsewhere.case.case_id != first.case.case_id
    withheld = [await take(centre, a_call(name, home_id=None)) for name in ("c-4", "c-5")]
    assert len({found.case.case_id for found in withheld}) == 2


async def tie(centre: Centre, found: Called, home_id: str = "h-1", **fields: Any) -> Any:
    case = found.case
    known = {"version": case.version, "lease_id": case.lease_id, "desk_id": "desk-1", "area_code": HERE} | fields
    return await centre.store.tie(case.case_id, home_id=home_id, now=centre.now, **known)


async def test_a_stranger_s_case_is_tied_to_a_home_once_and_by_who_has_it(centre: Centre) -> None:
    found = await take(centre, a_call(home_id=None, key="13912345678"))
    with pytest.raises(LeaseLost):
        await tie(centre, found, desk_id="desk-2")
    after = await tie(centre, found, resident_id=None)
    assert (after.home_id, after.area_code, after.desk_id, after.version) == ("h-1", HERE, "desk-1", 3)
    press = await centre.admit("sos", home_id="h-1")
    assert press.case_id == after.case_id, "what the home's devices say belongs to it from then on"
    with pytest.raises(NotUnknown):
        await tie(centre, found, version=4)


async def test_tied_to_a_home_with_an_open_case_of_the_kind_it_is_folded_into_that(centre: Centre) -> None:
    press = await centre.open("sos", home_id="h-1")
    found = await take(centre, a_call(home_id=None, key="1"))
    after = await tie(centre, found)
    assert (after.handling, after.merged_into) == ("MERGED", press.case_id)
    assert len((await centre.store.case(press.case_id)).signals) == 2
    assert [case.case_id for case in await centre.store.queue()] == [press.case_id]


async def test_what_cannot_be_folded_stays_as_it_was(centre: Centre) -> None:
    held = await centre.claim(await centre.open("sos", home_id="h-1"), desk="desk-2")
    await centre.act("hold", held, reason="kin call back", hold_s=60)
    found = await take(centre, a_call(home_id=None, key="1"))
    with pytest.raises(NotMergeable):
        await tie(centre, found)
    assert (await centre.store.case(found.case.case_id)).case == found.case


async def test_a_call_holds_no_condition_so_nothing_comes_back_because_of_it(centre: Centre) -> None:
    found = await take(centre, a_call(family="water"))
    assert found.case.condition == "off"
    done = await centre.resolve(found.case)
    await centre.forward(86_400 + 60)
    assert (await centre.store.case(done.case_id)).case.handling == "CLOSED"


@pytest.mark.services
async def test_a_call_that_nobody_takes_becomes_a_case_by_itself_once_and_a_desk_that_takes_it_then_gets_that_case(
    timescale_centre: Centre, database: str
) -> None:
    centre = timescale_centre
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("DELETE FROM telephone_calls")
        for call_id, due_s, answered in (("r-1", 30, None), ("r-2", 30, START), ("r-3", 90, None)):
            connection.execute(
                "INSERT INTO telephone_calls (call_id, area_prefix, number, home_id, rang_at, due_at, answered_at) VALUES (%s, '330282', '1', NULL, %s, %s, %s)",
                [call_id, START, START + timedelta(seconds=due_s), answered],
            )
        async with databases.pool(database, "test calls", size=2) as pool:
            keepers = [CallsKeeper(pool, centre.store) for _ in range(2)]
            assert await keepers[0].look(START + timedelta(seconds=29)) == 0
            now = START + timedelta(seconds=31)
            await asyncio.gather(*(keeper.look(now) for keeper in keepers))
            assert await keepers[0].look(now) == 0
        (case,) = await centre.store.queue()
        assert (case.handling, case.family, case.priority) == ("QUEUED", "sos", 1)
        late = await take(centre, a_call("r-1", home_id=None, key="1", family="fall"))
        assert late.repeated
        assert (late.case.case_id, late.case.desk_id) == (case.case_id, "desk-1")
        rows = connection.execute("SELECT call_id, case_id, taken_by FROM telephone_calls ORDER BY 1").fetchall()
    assert rows == [("r-1", case.case_id, "desk-1"), ("r-2", None, None), ("r-3", None, None)]
