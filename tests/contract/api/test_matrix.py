"""Every route, role and level: no read, no write, no count of another area's people, and not even that they exist.

Drawn from OpenAPI: a route that is not in ``matrix.MATRIX`` fails here. ``./shouwang test -k matrix`` runs this alone.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from api import access, scope
from api.routes.stream import StreamView, read_snapshot
from tests.contract.api.matrix import MATRIX, NOBODY, SUBJECTS, Elsewhere, Lists, One
from tests.contract.api.office import Desk, Office, open_office
from tests.contract.api.test_rights import OPERATIONS
from tests.contract.api.world import HOMES, LEVELS, USERS, furnish, people_of_all_levels, visible_to

pytestmark = pytest.mark.services
in_one_loop = pytest.mark.asyncio(loop_scope="module")

ALLOWED = {(method, path): operation.get("x-roles", ()) for method, path, operation in OPERATIONS}
UNTOUCHED = "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname NOT IN ('audit', 'sessions')"
"""What nobody's request about another area may change: everything but the trace that he asked."""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def world(database: str) -> AsyncIterator[Office]:
    # meihome, the farthest, comes later, to see whether anything of it shows where it is not to be seen.
    await people_of_all_levels(database)
    await furnish(database, [home for home in HOMES if home != "meihome"])
    async with open_office(database, kin_ways=("sms=json://127.0.0.1:9/{to}",)) as office:
        yield office


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def desks(world: Office) -> dict[str, Desk]:
    return {user: await world.desk(user) for user in USERS}


def test_matrix_knows_every_route_of_the_api() -> None:
    missing = ALLOWED.keys() - MATRIX.keys()
    assert not missing, f"say in tests/contract/api/matrix.py what these tell about whom: {sorted(missing)}"
    assert not MATRIX.keys() - ALLOWED.keys(), "routes that are gone"
    names = {name for _, path in ALLOWED for name in re.findall(r"\{(\w+)\}", path)}
    assert names <= SUBJECTS.keys(), f"say in SUBJECTS which of these belongs to a home: {names - SUBJECTS.keys()}"


def _users(route: tuple[str, str]) -> list[str]:
    return [user for user in USERS if user.partition("-")[0] in ALLOWED[route]]


async def ask(desk: Desk, route: tuple[str, str], entry: One, home: str) -> httpx.Response:
    method, path = route
    for name, subject in SUBJECTS.items():
        path = path.replace(f"{{{name}}}", subject(home))
    body = entry.body(home)
    return await desk.request(method, path, **({"content": body.encode()} if entry.text else {"json": body}))


def anonymous(answer: httpx.Response, home: str) -> tuple[int, str]:
    """An answer without the names that were asked for."""
    text = answer.text
    for name in (*(subject(home) for subject in SUBJECTS.values()), home):
        text = text.replace(name, "…")
    return answer.status_code, text


def state(office: Office) -> dict[str, str]:
    tables = [name for (name,) in office.sql(UNTOUCHED)]
    return {
        name: office.sql(f"SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {name} AS t")[0][0]
        for name in tables
    }


async def lists_of(desk: Desk, role: str) -> dict[str, Any]:
    """All lists as this user reads them, without the clock."""
    found: dict[str, Any] = {}
    for (method, path), entry in MATRIX.items():
        if isinstance(entry, Lists) and role in ALLOWED[method, path]:
            answer = await desk.get(path + entry.query)
            assert answer.status_code == 200, (path, answer.text)
            told = answer.json() if "json" in answer.headers["content-type"] else {"table": answer.text}
            found[path] = {name: value for name, value in told.items() if name != "now"}
    return found


@in_one_loop
async def test_matrix_of_counts_nothing_shows_when_another_area_has_more(world: Office, desks: dict[str, Desk]) -> None:
    """First of all, because later tests change things. meihome comes into being; only who has the whole site notices."""
    nearer = [user for user in USERS if not user.endswith("-site")]
    before = {user: await lists_of(desks[user], user.partition("-")[0]) for user in nearer}
    whole = await lists_of(desks["operator-site"], "operator")
    await furnish(world.conninfo, ["meihome"])
    assert {user: await lists_of(desks[user], user.partition("-")[0]) for user in nearer} == before
    after = await lists_of(desks["operator-site"], "operator")
    assert after["/api/v1/cases"]["total"] == whole["/api/v1/cases"]["total"] + 2


@in_one_loop
async def test_matrix_of_lists_each_level_reads_its_own_homes_and_no_other(
    world: Office, desks: dict[str, Desk]
) -> None:
    wrong: list[str] = []
    for (method, path), entry in MATRIX.items():
        if not isinstance(entry, Lists):
            continue
        for user in _users((method, path)):
            text = (await desks[user].get(path + entry.query)).text
            shown = {home for home in HOMES if home in text}
            wanted = set(visible_to(user)) if user.partition("-")[0] in entry.shows else set()
            if shown != wanted:
                wrong.append(f"{user} {path}: shows {sorted(shown)}, may see {sorted(wanted)}")
    assert wrong == []


@in_one_loop
async def test_matrix_of_what_is_outside_it_looks_like_what_does_not_exist_and_stays_as_it_is(
    world: Office, desks: dict[str, Desk]
) -> None:
    before, wrong = await asyncio.to_thread(state, world), []
    for route, entry in MATRIX.items():
        if not isinstance(entry, One):
            continue
        for user in _users(route):
            inside = visible_to(user) if user.partition("-")[0] in entry.roles else []
            outside = next((home for home in HOMES if home not in inside), None)
            if outside is None:
                continue
            there = anonymous(await ask(desks[user], route, entry, outside), outside)
            nowhere = anonymous(await ask(desks[user], route, entry, NOBODY), NOBODY)
            refused = there[0] in (404, 422) or (entry.text and '"done":false' in there[1])
            if there != nowhere or not refused:
                wrong.append(f"{user} {route}: {there} of {outside}, {nowhere} of nobody")
    assert wrong == []
    assert await asyncio.to_thread(state, world) == before


@in_one_loop
async def test_matrix_of_what_is_inside_it_is_found(world: Office, desks: dict[str, Desk]) -> None:
    """The same requests about the farthest home that is still one's own: what was refused above was refused for its place."""
    wrong: list[str] = []
    for route, entry in MATRIX.items():
        if not isinstance(entry, One):
            continue
        for user in _users(route):
            if user.partition("-")[0] not in entry.roles:
                continue
            answer = await ask(desks[user], route, entry, visible_to(user)[-1])
            if answer.status_code not in entry.inside:
                wrong.append(f"{user} {route}: {answer.status_code} {answer.text[:200]}")
    assert wrong == []


@in_one_loop
async def test_matrix_of_the_stream_a_snapshot_holds_ones_own_homes(world: Office) -> None:
    assert isinstance(MATRIX["get", "/api/v1/stream"], Elsewhere)
    for level, prefix in LEVELS.items():
        user = access.Who(
            user_name="u", role="operator", display_name="", language="zh", area_prefix=prefix, session_id="",
            token_ends_at=world.clock(), session_ends_at=world.clock(),
        )  # fmt: skip
        with scope.serving(scope.of_user("u", "operator", prefix)):
            found = await read_snapshot(world.parts, user, StreamView())
        assert {case.home_id for case in found.cases} == set(visible_to(f"operator-{level}"))
