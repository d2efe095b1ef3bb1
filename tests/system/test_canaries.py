"""Canaries on the whole running way: they come back from every partition and lane, one that stays away is seen, and nobody else ever hears of them."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from cli import status
from contracts.canaries import homes
from contracts.names import AREA_CANARY, topic_of
from deploy.site import LOOPBACK, Site
from ingest import state_file
from storage import accounts, people
from storage.database import connect
from storage.records import Device, Home, Resident
from tests.system.api_desks import desk, listening, make_user, rows
from tests.system.conftest import Stages

pytestmark = [pytest.mark.services, pytest.mark.timeout(600)]

EVERY_S, LATE_S = "5", "12"
"""Ten times as fast as in life, so that a test sees one stay away."""
LIMIT_S = 150.0
"""Longest wait for anything, s, on a machine that others use too."""
PATIENT_S = "600"
"""Progress that stands is not said within this test: what is seen here is seen by canaries alone."""
AREA = "330282001"


class Outside:
    """Whoever rings when the ping stays away."""

    def __init__(self) -> None:
        self.asked = 0
        outside = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outside.asked += 1
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://{LOOPBACK}:{self._server.server_port}/"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def outside() -> Iterator[Outside]:
    opened = Outside()
    yield opened
    opened.close()


async def a_home_that_is_seen(site: Site) -> None:
    """One home with a sensor that has just spoken."""
    connection = await connect(site.conninfo(), "test")
    async with connection:
        async with connection.transaction():
            records = [Home("h-1", f"{AREA}001"), Resident("r-1", "h-1", "沈阿大"), Device("h-1", "pir", "motion", "living")]  # fmt: skip
            await people.register(connection, records, actor="test")
            passwords = await accounts.create(connection, [accounts.Account("h-1.pir")])
        await accounts.install(connection, site)
    publish(site, "h-1.pir", passwords["h-1.pir"], topic_of(AREA, "h-1", "pir", "telemetry"),
            {"kind": "motion", "moving": True, "t": time.time(), "sent": time.time(), "boot": 1, "seq": 1})  # fmt: skip


def publish(site: Site, account: str, password: str, topic: str, body: dict[str, Any]) -> None:
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=f"test-{account}")
    client.username_pw_set(account, password)
    client.connect(LOOPBACK, site.ports.mqtt)
    client.loop_start()
    client.publish(topic, json.dumps(body), qos=1).wait_for_publish(20)
    client.disconnect()
    client.loop_stop()


class Watch:
    """What a supervisor's page says."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def _get(self, path: str) -> Any:
        answer = await self._client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def state(self) -> tuple[str, dict[str, int]]:
        """Of the canaries in one word, and homes by coverage."""
        health = await self._get("/api/v1/health")
        total = (await self._get(f"/api/v1/coverage?area={AREA}"))["total"]
        return health["canaries"]["state"], {name: total[name]["homes"] for name in ("protected", "blind")}

    async def until(self, word: str, homes: dict[str, int], within_s: float) -> None:
        found: Any = None
        try:
            async with asyncio.timeout(within_s):
                while found != (word, homes):
                    found = await self.state()
                    await asyncio.sleep(0.5)
        except TimeoutError:
            pass
        assert found == (word, homes)


async def grows(count: Callable[[], int], by: int, within_s: float) -> None:
    before = count()
    async with asyncio.timeout(within_s):
        while count() < before + by:  # noqa: ASYNC110 - it happens in other processes
            await asyncio.sleep(0.1)


@pytest.mark.alone
async def test_they_come_back_from_everywhere_and_a_worker_that_stands_makes_them_stay_away(
    own_site: Site, own_stages: Stages, outside: Outside, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    settings = {
        "SHOUWANG_API_CANARY_S": EVERY_S, "SHOUWANG_API_CANARY_LATE_S": LATE_S, "SHOUWANG_API_CANARY_BLIND_S": LATE_S,
        "SHOUWANG_ALERTS_CANARY_BLIND_S": LATE_S, "SHOUWANG_API_STANDSTILL_S": PATIENT_S, "SHOUWANG_ALERTS_STANDSTILL_S": PATIENT_S,
        "SHOUWANG_API_DEAD_MAN_URL": outside.url, "SHOUWANG_API_DEAD_MAN_S": "0.5", "SHOUWANG_WRITER_ACCOUNT_S": "0.5",
    }  # fmt: skip
    stages = ("alerts-1", "api", "writer", "stream-urgent-1", "stream-urgent-2", "stream-1", "ingest-main")
    own_stages.start(*stages, settings=settings)
    async with asyncio.timeout(LIMIT_S):  # nothing is queued for a bridge that the broker has never seen
        while (bridge := state_file.read(own_site.data, "main")) is None or bridge.state != "watching":  # noqa: ASYNC110
            await asyncio.sleep(0.2)
    await a_home_that_is_seen(own_site)
    supervisor = await make_user(own_site, "supervisor")
    async with desk(own_site, supervisor) as client, listening(client) as console:
        watch = Watch(client)
        await watch.until("ok", {"protected": 1, "blind": 0}, LIMIT_S)
        await grows(lambda: outside.asked, 3, LIMIT_S)
        forge(own_site)

        own_stages.freeze("stream-1")
        try:
            await watch.until("late", {"protected": 0, "blind": 1}, LIMIT_S)
            asked = outside.asked
            await grows(lambda: int(seen(own_site, "urgent")), 32, LIMIT_S)
            assert outside.asked <= asked + 1, "one may have been under way"
            ((partitions,),) = rows(own_site, "SELECT count(*) FROM place_outages WHERE to_at IS NULL AND source = 'main'")  # fmt: skip
            assert partitions == 16
        finally:
            own_stages.thaw("stream-1")
        await watch.until("ok", {"protected": 1, "blind": 0}, LIMIT_S)
        await grows(lambda: outside.asked, 3, LIMIT_S)
        ((standing,),) = rows(own_site, "SELECT count(*) FROM place_outages WHERE to_at IS NULL")
        assert standing == 0

        assert console.all("case") == [], "no console hears of a canary"
        assert console.cases() == {}
    monkeypatch.setenv("SHOUWANG_DATA", str(own_site.data))
    monkeypatch.setenv("SHOUWANG_PORT_BASE", str(own_site.port_base))
    said = await asyncio.to_thread(as_the_command_says, capsys)
    assert (said["state"], said["unknown"]) == ("ok", 0)
    nobody_else_heard(own_site)


def forge(site: Site) -> None:
    """One that is not signed as the others: whoever can publish in the canaries' area cannot feign a living way."""
    now_ms = round(time.time() * 1000)
    publish(site, "canary", site.secrets.canary_password, topic_of(AREA_CANARY, homes(16)[0], "canary", "telemetry"),
            {"kind": "canary", "t": now_ms / 1000, "sent": now_ms / 1000, "lane": "bulk", "sent_at_ms": now_ms, "signature": "0" * 64})  # fmt: skip


def seen(site: Site, lane: str) -> int:
    ((found,),) = rows(site, "SELECT count(*) FROM canaries WHERE lane = %s AND seen_at IS NOT NULL", lane)
    return int(found)


def as_the_command_says(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    capsys.readouterr()
    words = type("Words", (), {"native": True, "partitions": 16, "json": True})()
    assert status.run(words) == 1, "the keeper and others were never started"  # type: ignore[arg-type]
    found: dict[str, Any] = json.loads(capsys.readouterr().out)["canaries"]
    return found


def nobody_else_heard(site: Site) -> None:
    """No detection, case, notice, device, count, reading or dead letter came from any of them."""
    ((sent, whole),) = rows(site, "SELECT count(*), count(*) FILTER (WHERE sent_at < detected_at + interval '1 second' AND detected_at <= raised_at + interval '1 second' AND raised_at <= seen_at) FROM canaries WHERE seen_at IS NOT NULL")  # fmt: skip
    assert sent > 64
    assert whole == sent, "each step has its time, in order"
    tables = ["detections", "cases", "case_signals", "case_timers", "notices", "announcements", "incident_reviews", "dead_letters", "device_silences"]  # fmt: skip
    for table in tables:
        assert rows(site, f"SELECT count(*) FROM {table}") == [(0,)], table
    for table in ("devices", "device_counts", "home_coverage", "reading_motion", "audit"):
        assert rows(site, f"SELECT count(*) FROM {table} WHERE home_id ~ '^canary'") == [(0,)], table
