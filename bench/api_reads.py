"""How long the api's lists and reads take with a city's people and a million past cases. ``./shouwang bench api``.

Every GET route of the running api's OpenAPI is asked, one request at a time, as somebody who may and who sees the whole city; a route that
this bench does not know how to ask is said, not left out. ``p95_ms`` is that of the slowest.
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

import httpx
from psycopg import AsyncConnection

from alerts.coverage_keeper import CoverageKeeper
from contracts.topics import PARTITIONS
from deploy.site import LOOPBACK, Site
from deploy.steps import say, step
from simulators.checker import percentile
from storage import consents, people
from storage.database import connect, pool
from storage.queries import execute, query
from storage.records import User

RESIDENTS = 278_900
CASES = 1_000_000
OPEN_CASES = 10_000
REQUESTS = 100
"""For each way of asking: enough for a 95th percentile, few enough that all take some minutes."""
AREA = "330282"
_STEPS = {
    what: query(f"bench_fill_{what}")
    for what in ("homes", "residents", "contacts", "devices", "cases", "signals", "detections", "audit", "desk_slots")
}
_LEFT_OUT = {
    "/api/v1/stream": "a stream that does not end",
    "/api/v1/family/stream": "a stream that does not end",
    "/api/v1/paper/residents.csv": "all of an area, as long as that takes",
    "/api/v1/helper-hours": "a table of all of a month, as long as that takes",
    "/healthz": "no list and no read",
    "/readyz": "no list and no read",
    "/metrics": "no list and no read",
}


_OF_HELPERS = {what: query(f"bench_fill_{what}") for what in ("visits", "upstream_consents")}
"""What names users, so that they must be there before."""


class Way(NamedTuple):
    """One way of asking a route: as whom, and with which query or ids."""

    name: str
    user: str
    path: Callable[[random.Random], str]


def _any(count: int, rng: random.Random) -> int:
    return rng.randrange(count)


def _month() -> str:
    """A month that is filled whole."""
    last = date.today() - timedelta(days=40)
    return f"from_day={last - timedelta(days=30)}&to_day={last}"


def ways(residents: int, cases: int) -> dict[str, list[Way]]:
    """How each GET route is asked. Ids are those of ``bench_fill_*``."""

    def home(rng: random.Random) -> str:
        return f"a-{_any(residents, rng):06d}"

    def case(rng: random.Random) -> str:
        return f"past-{_any(cases, rng):07d}"

    desk, lead, admin, kin = "bench-desk", "bench-lead", "bench-admin", "bench-kin"
    worker, platform, relative = "bench-worker", "bench-platform", "/api/v1/family/relatives/a-000001-r"
    base = "/api/v1"
    return {
        f"{base}/session": [Way("session", desk, lambda _: f"{base}/session")],
        f"{base}/outcomes": [Way("outcomes", desk, lambda _: f"{base}/outcomes")],
        f"{base}/leases": [Way("leases", desk, lambda _: f"{base}/leases")],
        f"{base}/health": [Way("health", desk, lambda _: f"{base}/health")],
        f"{base}/cases": [
            Way("cases", desk, lambda _: f"{base}/cases"),
            Way("cases, by family", desk, lambda rng: f"{base}/cases?family={rng.choice(('fall', 'sos', 'no_life'))}"),
            Way("cases, mine", desk, lambda _: f"{base}/cases?mine=true"),
        ],
        f"{base}/cases/{{case_id}}": [Way("one past case", desk, lambda rng: f"{base}/cases/{case(rng)}")],
        f"{base}/second-looks": [Way("second looks", lead, lambda _: f"{base}/second-looks")],
        f"{base}/reviews": [Way("reviews", lead, lambda _: f"{base}/reviews")],
        f"{base}/break-glass": [Way("opened records", lead, lambda _: f"{base}/break-glass")],
        f"{base}/views": [
            Way("views", lead, lambda _: f"{base}/views"),
            Way("views of one resident", lead, lambda rng: f"{base}/views?resident_id={home(rng)}-r"),
        ],
        f"{base}/residents": [
            Way("residents, first page", desk, lambda _: f"{base}/residents"),
            Way("residents, a page in the middle", desk, lambda rng: f"{base}/residents?after={home(rng)}-r"),
            Way(
                "residents, by one word of the name", desk, lambda rng: f"{base}/residents?q={rng.choice('沈陈王李张')}"
            ),
            Way("residents, by a whole name", desk, lambda rng: f"{base}/residents?q=沈阿婆{_any(residents, rng)}"),
            Way("residents, by the last four digits", desk, lambda rng: f"{base}/residents?q={_any(9_999, rng):04d}"),
            Way("residents, by telephone", desk, lambda rng: f"{base}/residents?q=1380{_any(residents, rng):07d}"),
            Way(
                "residents, by address", desk, lambda rng: f"{base}/residents?q=新村{_any(500, rng)}幢{_any(20, rng)}室"
            ),
            Way("residents, by what nobody has", desk, lambda _: f"{base}/residents?q=zzzz"),
        ],
        f"{base}/residents/{{resident_id}}": [Way("one resident", desk, lambda rng: f"{base}/residents/{home(rng)}-r")],
        f"{base}/coverage": [
            Way("coverage of the city", desk, lambda _: f"{base}/coverage"),
            Way("coverage of a town", desk, lambda _: f"{base}/coverage?area={AREA}001"),
        ],
        f"{base}/coverage/homes": [
            Way("who is not protected", desk, lambda _: f"{base}/coverage/homes"),
            Way("who is degraded", desk, lambda _: f"{base}/coverage/homes?state=degraded"),
        ],
        f"{base}/residents/{{resident_id}}/coverage": [
            Way("how one was seen", desk, lambda rng: f"{base}/residents/{home(rng)}-r/coverage")
        ],
        f"{base}/cases/{{case_id}}/earlier": [
            Way("last incidents", desk, lambda rng: f"{base}/cases/{case(rng)}/earlier")
        ],
        f"{base}/cases/{{case_id}}/activity": [
            Way("last hours", desk, lambda rng: f"{base}/cases/{case(rng)}/activity")
        ],
        f"{base}/cases/{{case_id}}/homes": [
            Way("homes of an incident", desk, lambda rng: f"{base}/cases/{case(rng)}/homes")
        ],
        f"{base}/family/questions": [Way("family's questions", kin, lambda _: f"{base}/family/questions")],
        f"{base}/family/relatives": [Way("relatives", kin, lambda _: f"{base}/family/relatives")],
        f"{base}/family/relatives/{{resident_id}}": [
            Way("one relative", kin, lambda _: f"{base}/family/relatives/a-000001-r")
        ],
        f"{base}/windows": [Way("out of service", desk, lambda _: f"{base}/windows")],
        f"{base}/telephony/callers": [
            Way(
                "whose number is it",
                desk,
                lambda rng: f"{base}/telephony/callers?number=%2B86 1380{_any(residents, rng):07d}",
            )
        ],
        f"{base}/telephony/ringing": [Way("what rings", desk, lambda _: f"{base}/telephony/ringing")],
        f"{base}/cases/{{case_id}}/calls": [
            Way("calls of a case", desk, lambda rng: f"{base}/cases/{case(rng)}/calls")
        ],
        f"{base}/paper/open-cases": [
            Way("paper, open cases", desk, lambda _: f"{base}/paper/open-cases?limit=100"),
        ],
        f"{base}/paper/residents": [
            Way("paper, residents", desk, lambda rng: f"{base}/paper/residents?limit=100&after={home(rng)}"),
        ],
        f"{base}/report": [
            Way("report of a month", lead, lambda _: f"{base}/report?{_month()}"),
            Way("report of a month of one town", lead, lambda _: f"{base}/report?area={AREA}101&{_month()}"),
        ],
        f"{base}/report.csv": [Way("report of a month, as a table", lead, lambda _: f"{base}/report.csv?{_month()}")],
        f"{base}/devices/unbound": [Way("unbound devices", admin, lambda _: f"{base}/devices/unbound")],
        f"{base}/dead-letters": [Way("dead letters", admin, lambda _: f"{base}/dead-letters")],
        f"{base}/users": [Way("users", admin, lambda _: f"{base}/users")],
        f"{base}/homes": [
            Way("homes, first page", admin, lambda _: f"{base}/homes"),
            Way("homes, by the beginning of an id", admin, lambda rng: f"{base}/homes?q={home(rng)[:6]}"),
            Way("homes, by a name", admin, lambda rng: f"{base}/homes?q=阿婆{_any(residents, rng)}"),
        ],
        f"{base}/homes/{{home_id}}": [Way("one home", admin, lambda rng: f"{base}/homes/{home(rng)}")],
        f"{base}/family/relatives/{{resident_id}}/day": [Way("a relative's day", kin, lambda _: f"{relative}/day")],
        f"{base}/family/relatives/{{resident_id}}/notices": [
            Way("a relative's notices", kin, lambda _: f"{relative}/notices")
        ],
        f"{base}/family/relatives/{{resident_id}}/contacts": [
            Way("a relative's contacts", kin, lambda _: f"{relative}/contacts")
        ],
        f"{base}/family/relatives/{{resident_id}}/way": [Way("how one is told", kin, lambda _: f"{relative}/way")],
        f"{base}/family/push": [Way("key of the push service", kin, lambda _: f"{base}/family/push")],
        f"{base}/family/consents": [Way("what was consented to", kin, lambda _: f"{base}/family/consents")],
        f"{base}/family/tokens": [Way("tokens of kin", kin, lambda _: f"{base}/family/tokens")],
        f"{base}/residents/{{resident_id}}/consents": [
            Way("consents of a resident", desk, lambda rng: f"{base}/residents/{home(rng)}-r/consents")
        ],
        f"{base}/residents/{{resident_id}}/upstream-consent": [
            Way("consent for platforms", desk, lambda rng: f"{base}/residents/{home(rng)}-r/upstream-consent")
        ],
        f"{base}/residents/{{resident_id}}/needs": [
            Way("needs of a resident", desk, lambda rng: f"{base}/residents/{home(rng)}-r/needs")
        ],
        f"{base}/residents/{{resident_id}}/export": [
            Way("all that is kept of one", lead, lambda rng: f"{base}/residents/{home(rng)}-r/export")
        ],
        f"{base}/cases/{{case_id}}/helpers": [
            Way("helpers of a case", desk, lambda rng: f"{base}/cases/{case(rng)}/helpers")
        ],
        f"{base}/cases/{{case_id}}/fhir": [Way("a case as FHIR", desk, lambda rng: f"{base}/cases/{case(rng)}/fhir")],
        f"{base}/cases/{{case_id}}/handovers": [
            Way("what was handed over", desk, lambda rng: f"{base}/cases/{case(rng)}/handovers")
        ],
        f"{base}/handovers/not-taken": [Way("what nobody took", desk, lambda _: f"{base}/handovers/not-taken")],
        f"{base}/helper": [Way("a helper's page", worker, lambda _: f"{base}/helper")],
        f"{base}/visits": [Way("visits that are overdue", desk, lambda _: f"{base}/visits")],
        f"{base}/helper-hours/totals": [Way("hours of helpers", lead, lambda _: f"{base}/helper-hours/totals")],
        f"{base}/upstream/people": [
            Way("upstream, people", platform, lambda rng: f"{base}/upstream/people?after={home(rng)}-r")
        ],
        f"{base}/upstream/visits": [Way("upstream, visits", platform, lambda _: f"{base}/upstream/visits")],
        f"{base}/upstream/cases": [
            Way("upstream, cases", platform, lambda rng: f"{base}/upstream/cases?after={case(rng)}")
        ],
        f"{base}/upstream/figures": [Way("upstream, figures", platform, lambda _: f"{base}/upstream/figures")],
        f"{base}/shift": [Way("the shift", desk, lambda _: f"{base}/shift")],
        f"{base}/shift/handovers": [Way("hand-overs", desk, lambda _: f"{base}/shift/handovers")],
        f"{base}/shift/handovers/draft": [
            Way("what one would hand over", desk, lambda _: f"{base}/shift/handovers/draft")
        ],
        f"{base}/centres": [Way("centres", lead, lambda _: f"{base}/centres")],
        f"{base}/rota": [Way("rota", lead, lambda _: f"{base}/rota")],
        f"{base}/recipients": [Way("who is told", lead, lambda _: f"{base}/recipients")],
        f"{base}/ladders": [Way("ladders", lead, lambda _: f"{base}/ladders")],
        f"{base}/rules": [Way("rules", lead, lambda _: f"{base}/rules")],
    }


async def fill(site: Site, residents: int, cases: int) -> None:
    """People of a city, one to a home, three devices each; past cases with signals, detections and audit, and open ones."""
    async with await AsyncConnection.connect(site.superuser_conninfo("shouwang"), autocommit=True) as connection:
        for what, each in _STEPS.items():
            with step("bench", f"fill: {what}", long=True):
                await execute(connection, each, residents=residents, cases=cases, open_cases=OPEN_CASES, area=AREA)
        with step("bench", "coverage of every home", long=True):
            # As a twin of alerts does; of homes that nobody ever heard all are blind, the longest list there can be.
            async with pool(site.conninfo(), "bench coverage", size=1) as opened:
                await CoverageKeeper(opened, PARTITIONS, standstill_s=15.0).look()
        with step("bench", "vacuum and analyze", long=True):
            await connection.execute("VACUUM ANALYZE")


async def measure(
    site: Site, residents: int = RESIDENTS, cases: int = CASES, requests: int = REQUESTS
) -> dict[str, Any]:
    """Fill an empty site whose api runs, and ask it; the figures."""
    await fill(site, residents, cases)
    passwords = await _users(site)
    async with await AsyncConnection.connect(site.superuser_conninfo("shouwang"), autocommit=True) as connection:
        for what, each in _OF_HELPERS.items():
            with step("bench", f"fill: {what}", long=True):
                await execute(connection, each)
        await connection.execute("VACUUM ANALYZE visits, upstream_consents")
    base = f"http://{LOOPBACK}:{site.ports.api}"
    async with httpx.AsyncClient(base_url=base, timeout=60) as client:
        tokens = {name: await _token(client, name, password) for name, password in passwords.items()}
        routes = [path for path, does in (await client.get("/openapi.json")).json()["paths"].items() if "get" in does]
        known = ways(residents, cases)
        unknown = sorted(set(routes) - known.keys() - _LEFT_OUT.keys())
        found: dict[str, dict[str, float]] = {}
        for path in routes:
            for way in known.get(path, ()):
                found[way.name] = await _ask(client, tokens[way.user], way, requests)
                say("bench", f"{way.name}: p50 {found[way.name]['p50']} ms, p95 {found[way.name]['p95']} ms")
    slowest = max(found, key=lambda name: found[name]["p95"])
    return {
        "residents": residents, "cases": cases, "requests": requests, "p95_ms": found[slowest]["p95"], "slowest": slowest,
        "routes": found, "not_asked": {**_LEFT_OUT, **dict.fromkeys(unknown, "this bench does not know how")},
    }  # fmt: skip


async def _users(site: Site) -> dict[str, str]:
    users: Sequence[User] = (
        User("bench-desk", "operator", "desk", area_prefix=AREA),
        User("bench-lead", "supervisor", "lead", area_prefix=AREA),
        User("bench-admin", "admin", "admin", area_prefix=AREA),
        User("bench-kin", "family", "kin", family_of=("a-000001-r",)),
        User("bench-worker", "helper", "worker", area_prefix=f"{AREA}101001", helper_kind="community"),
        User("bench-platform", "platform", "platform", area_prefix=AREA),
    )
    connection = await connect(site.conninfo(), "bench")
    try:
        async with connection.transaction():
            passwords = {user.user_name: await people.add_user(connection, user, actor="bench") for user in users}
            await consents.record(
                connection, resident_id="a-000001-r", user_name="bench-kin", scopes=list(consents.SCOPES), given_by="resident", ground="a measurement",
                recorded_by="bench",
            )  # fmt: skip
            return passwords
    finally:
        await connection.close()


async def _token(client: httpx.AsyncClient, name: str, password: str) -> str:
    answer = await client.post("/api/v1/session", json={"user_name": name, "password": password})
    answer.raise_for_status()
    return str(answer.json()["access_token"])


async def _ask(client: httpx.AsyncClient, token: str, way: Way, requests: int) -> dict[str, float]:
    rng = random.Random(way.name)
    took_s: list[float] = []
    for _ in range(requests):
        path = way.path(rng)
        began_s = time.perf_counter()
        answer = await client.get(path, headers={"Authorization": f"Bearer {token}"})
        took_s.append(time.perf_counter() - began_s)
        answer.raise_for_status()
    return {name: round((percentile(took_s, share) or 0.0) * 1000, 1) for name, share in (("p50", 0.5), ("p95", 0.95))}


def tell(figures: Mapping[str, Any]) -> None:
    """The figures in words."""
    print(
        f"{figures['residents']:,} residents, {figures['cases']:,} past cases, {OPEN_CASES:,} open ones, {figures['requests']} requests each"
    )
    for name, took in sorted(figures["routes"].items(), key=lambda item: -item[1]["p95"]):
        print(f"  {name:<38} p50 {took['p50']:>8} ms   p95 {took['p95']:>8} ms")
    for path, why in figures["not_asked"].items():
        print(f"  not asked: {path} ({why})")
