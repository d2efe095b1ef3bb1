"""Health: what is away is said to be away, and metrics are for this machine."""

import httpx
import psycopg
import pytest

from tests.contract.api.office import Office, open_office

pytestmark = pytest.mark.services


async def test_the_process_lives_even_when_everything_else_is_away() -> None:
    async with open_office("postgresql://nobody@127.0.0.1:9/none", query_s=0.5) as office:
        stranger = office.stranger()
        assert (await stranger.get("/healthz")).json() == {"alive": True}
        ready = await stranger.get("/readyz")
        assert ready.status_code == 503
        assert "database, feed" in ready.json()["detail"]


async def test_without_the_database_a_page_is_told_so_within_its_time() -> None:
    async with open_office("postgresql://nobody@127.0.0.1:9/none", query_s=0.5) as office:
        answer = await office.stranger().log_in("desk-1")
        assert (answer.status_code, answer.json()["code"]) == (503, "database_away")
        assert answer.headers["retry-after"] == "2"


async def test_a_query_that_hangs_ends_in_503_and_holds_nobody_up(furnished: str) -> None:
    async with open_office(furnished, query_s=0.5) as office:
        desk = await office.desk("desk-1")
        with psycopg.connect(office.conninfo) as blocker:
            blocker.execute("LOCK TABLE cases IN ACCESS EXCLUSIVE MODE")
            answer = await desk.get("/api/v1/cases")
            assert (answer.status_code, answer.json()["code"]) == (503, "database_away")
            assert (await desk.get("/api/v1/session")).status_code == 200, "what needs no case goes on"
        assert (await desk.get("/api/v1/cases")).status_code == 200


async def test_the_pipeline_is_unknown_while_nobody_reports(office: Office) -> None:
    await office.parts.pipeline.look()
    health = (await (await office.desk("chief")).get("/api/v1/health")).json()
    stages = {stage["name"]: stage["state"] for stage in health["stages"]}
    assert (stages["database"], stages["feed"], stages["stream"], stages["writer"]) == (
        "ok",
        "away",
        "unknown",
        "unknown",
    )
    assert (health["state"], health["pipeline"]["state"]) == ("degraded", "unknown")


async def test_a_change_that_nobody_tells_is_noticed(office: Office) -> None:
    await office.admit("shen")
    office.clock.forward(60)
    await office.parts.pipeline.look()
    health = (await (await office.desk("chief")).get("/api/v1/health")).json()
    assert {"name": "alerts", "state": "late"}.items() <= next(
        s for s in health["stages"] if s["name"] == "alerts"
    ).items()


async def test_metrics_are_for_this_machine_and_for_administrators(office: Office) -> None:
    async def ask(client: str, headers: dict[str, str] | None = None) -> int:
        transport = httpx.ASGITransport(office.app, client=(client, 4711))
        async with httpx.AsyncClient(transport=transport, base_url="http://office") as browser:
            return (await browser.get("/metrics", headers=headers)).status_code

    root = {"Authorization": (await office.desk("root")).headers["Authorization"]}
    desk = {"Authorization": (await office.desk("desk-1")).headers["Authorization"]}
    assert await ask("127.0.0.1") == 200
    assert await ask("10.0.0.9") == 401
    assert await ask("127.0.0.1", {"X-Forwarded-For": "10.0.0.9"}) == 401, "passed on by a proxy"
    assert await ask("10.0.0.9", desk) == 403
    assert await ask("10.0.0.9", root) == 200


async def test_metrics_count_routes_and_not_ids(office: Office) -> None:
    await (await office.desk("desk-1")).get("/api/v1/cases/some-case-id")
    text = (await office.stranger().get("/metrics")).text
    assert 'shouwang_api_requests_total{route="/api/v1/cases/{case_id}",status="404"}' in text
    assert "some-case-id" not in text
    assert "shouwang_api_streams_open 0.0" in text


async def test_every_answer_carries_the_headers_that_keep_a_browser_from_harm(office: Office) -> None:
    for path in ("/", "/api/v1/cases", "/healthz", "/no/such/page"):
        headers = (await office.stranger().get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert (await office.stranger().get("/api/v1/cases")).headers["cache-control"] == "no-store"


async def test_an_address_that_nobody_knows_is_the_page_and_under_api_a_problem(office: Office) -> None:
    answer = await office.stranger().get("/api/v1/nothing")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    answer = await office.stranger().request("PATCH", "/api/v1/cases")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert (await office.stranger().get("/residents")).headers["content-type"].startswith("text/html")
