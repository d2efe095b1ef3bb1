"""The stream of changes on the real services: whole from the first word, in order, never twice, and honest in an outage."""

import asyncio
import time
from datetime import UTC, datetime

import httpx
import pytest
from aiokafka import AIOKafkaProducer

from contracts import alerts, topics
from contracts.alerts import AlertEvent, CaseSummary
from deploy.native import engine
from deploy.site import Site
from tests.system.alert_traffic import Traffic
from tests.system.api_desks import Stream, desk, listening, make_user
from tests.system.conftest import Stages

pytestmark = pytest.mark.services

SETTINGS = {"SHOUWANG_API_HEARTBEAT_S": "0.5"}


@pytest.fixture
def api(stages: Stages) -> Stages:
    """The api and one of the twins."""
    stages.start("alerts-1", "api", settings=SETTINGS)
    return stages


def versions_of(stream: Stream, case_id: str) -> list[int]:
    told = [
        case["version"]
        for snapshot in stream.all("snapshot")[:1]
        for case in snapshot["cases"]
        if case["case_id"] == case_id
    ]
    return told + [data["case"]["version"] for data in stream.all("case") if data["case"]["case_id"] == case_id]


async def test_a_call_for_help_reaches_every_open_desk_and_then_its_claim(site: Site, api: Stages) -> None:
    async with (
        Traffic(site) as traffic,
        desk(site, await make_user(site)) as first,
        desk(site, await make_user(site)) as second,
        listening(first) as one,
        listening(second) as two,
    ):
        home = traffic.home("sos")
        await traffic.say(traffic.detection("sos", "sos"))

        def shown(stream: Stream) -> dict[str, object] | None:
            return next((case for case in stream.cases().values() if case["home_id"] == home), None)

        case = await one.until(shown)
        assert await two.until(shown)
        answer = await first.post(f"/api/v1/cases/{case['case_id']}/claim", json={"version": case["version"]})
        assert answer.status_code == 200
        await two.until(lambda stream: (shown(stream) or {}).get("desk_id"))
        refused = await second.post(f"/api/v1/cases/{case['case_id']}/claim", json={"version": case["version"]})
        assert (refused.status_code, refused.json()["held_by"]) == (409, answer.json()["desk_id"])
        done = answer.json()
        body = {
            "version": done["version"],
            "lease_id": done["lease_id"],
            "outcome": "accidental_press",
            "contact": "resident",
            "steps": ["spoke", "hurt"],
            "note": "误按",
        }
        assert (await first.post(f"/api/v1/cases/{case['case_id']}/resolve", json=body)).status_code == 200
        await two.until(lambda stream: shown(stream) is None)
        for stream in (one, two):
            told = versions_of(stream, case["case_id"])
            assert told == sorted(set(told)), "in order, each once"


async def test_desks_that_connect_in_the_middle_of_a_flood_miss_nothing(site: Site, api: Stages) -> None:
    name = await make_user(site)
    async with Traffic(site) as traffic, desk(site, name) as client:
        prefix = f"t{traffic.run}-"
        streams: list[Stream] = []

        async def connect_late(after_s: float) -> None:
            await asyncio.sleep(after_s)
            stream = Stream()
            streams.append(stream)
            tasks.append(asyncio.create_task(stream.read(client)))

        tasks: list[asyncio.Task[None]] = []
        connecting = [asyncio.create_task(connect_late(n * 0.1)) for n in range(12)]
        for n in range(60):
            await traffic.say(traffic.detection("sos", n))
            await asyncio.sleep(0.02)
        await asyncio.gather(*connecting)
        try:
            for stream in streams:
                await stream.until(
                    lambda heard: sum(case["home_id"].startswith(prefix) for case in heard.cases().values()) == 60
                )
            for stream in streams:
                for case_id in stream.cases():
                    told = versions_of(stream, case_id)
                    assert told == sorted(set(told))
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def an_event(case_id: str, version: int, area_code: str = "", reason: str = "") -> AlertEvent:
    now = datetime.now(UTC)
    case = CaseSummary(
        case_id=case_id, version=version, home_id="elsewhere", area_code=area_code, family="technical", priority=4, score=1,
        reasons=("device_silent.silent",), handling="QUEUED", condition="on", raised_at=now, queued_at=now, deadline_at=now,
    )  # fmt: skip
    return AlertEvent(
        event_id=f"{case_id}/{version}", change="raised", at=now, actor="system", reason=reason, case=case
    )


async def send(site: Site, *events: AlertEvent) -> None:
    async with AIOKafkaProducer(bootstrap_servers=site.kafka, acks="all") as producer:
        await asyncio.gather(
            *[
                await producer.send(topics.ALERTS, alerts.encode(event), key=event.case.case_id.encode())
                for event in events
            ]
        )


async def test_events_that_come_twice_and_backwards_are_told_once_and_forwards(site: Site, api: Stages) -> None:
    async with Traffic(site) as traffic, desk(site, await make_user(site)) as client, listening(client) as stream:
        case_id = f"case-{traffic.run}"
        await send(site, *[an_event(case_id, version) for version in (1, 2, 1, 2, 4, 3, 5)])
        await stream.until(lambda heard: 5 in versions_of(heard, case_id))
        assert versions_of(stream, case_id) == [1, 2, 4, 5]


async def test_a_record_that_cannot_be_read_holds_nothing_up(site: Site, api: Stages) -> None:
    async with Traffic(site) as traffic, desk(site, await make_user(site)) as client, listening(client) as stream:
        case_id = f"case-{traffic.run}"
        async with AIOKafkaProducer(bootstrap_servers=site.kafka) as producer:
            for value in (b"not json", b"{}", None):
                await producer.send_and_wait(topics.ALERTS, value, key=case_id.encode())
        await send(site, an_event(case_id, 1))
        await stream.until(lambda heard: versions_of(heard, case_id))


async def test_a_desk_hears_of_its_own_area_only(site: Site, api: Stages) -> None:
    name = await make_user(site, area_prefix="330282")
    async with Traffic(site) as traffic, desk(site, name) as client, listening(client) as stream:
        here, there, nowhere = (f"case-{traffic.run}-{place}" for place in ("here", "there", "nowhere"))
        await send(
            site, an_event(there, 1, "330206001001"), an_event(nowhere, 1, ""), an_event(here, 1, "330282001001")
        )
        await stream.until(lambda heard: versions_of(heard, here) and versions_of(heard, nowhere))
        assert versions_of(stream, there) == []


async def test_a_console_that_does_not_read_is_dropped_and_the_others_hear_everything(
    site: Site, stages: Stages
) -> None:
    stages.start("api", settings=SETTINGS | {"SHOUWANG_API_STREAM_QUEUE": "200", "SHOUWANG_API_STREAM_SEND_S": "1"})
    async with Traffic(site) as traffic, desk(site, await make_user(site)) as client, listening(client) as stream:
        _, writer = await asyncio.open_connection("127.0.0.1", site.ports.api, limit=1024)
        token = client.headers["Authorization"]
        writer.write(f"GET /api/v1/stream HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n\r\n".encode())
        await writer.drain()

        async def streams_open() -> int:
            text = (await client.get("/metrics")).text
            return int(
                float(
                    next(line.split()[1] for line in text.splitlines() if line.startswith("shouwang_api_streams_open"))
                )
            )

        async def streams_are(wanted: int) -> None:
            async with asyncio.timeout(30):
                while await streams_open() != wanted:  # noqa: ASYNC110 - it is asked of another process
                    await asyncio.sleep(0.1)

        await streams_are(2)
        try:
            # Far more than socket buffers, and the queue behind them, can hold.
            for start in range(0, 4_000, 50):
                numbers = range(start, start + 50)
                await send(site, *[an_event(f"case-{traffic.run}-{n}", 1, reason="x" * 6_000) for n in numbers])
                await stream.until(lambda heard, told=numbers.stop: len(heard.all("case")) >= told)
            await streams_are(1)
        finally:
            writer.close()
        assert len({data["case"]["case_id"] for data in stream.all("case")}) == 4_000


async def test_log_out_ends_the_stream_of_that_browser(site: Site, api: Stages) -> None:
    async with desk(site, await make_user(site)) as client, listening(client) as stream:
        assert (await client.delete("/api/v1/session")).status_code == 200
        async with asyncio.timeout(20):
            await stream.ended.wait()
        assert stream.told[-1] == ("end", {"why": "session"})


async def test_the_api_stops_at_once_although_consoles_are_open(site: Site, api: Stages) -> None:
    async with desk(site, await make_user(site)) as client, listening(client) as stream:
        began = time.monotonic()
        await asyncio.to_thread(api.stop, "api")
        async with asyncio.timeout(10):
            await stream.ended.wait()
        assert time.monotonic() - began < 8, "before the supervisor has to kill it"
        with pytest.raises(httpx.HTTPError):
            await client.get("/healthz")


async def test_while_the_database_is_away_desks_are_told_and_nothing_is_changed(
    own_site: Site, own_stages: Stages
) -> None:
    own_stages.start("alerts-1", "api", settings=SETTINGS)
    async with (
        Traffic(own_site) as traffic,
        desk(own_site, await make_user(own_site)) as client,
        listening(client) as stream,
    ):
        await traffic.say(traffic.detection("sos", "before"))
        case = (await stream.until(lambda heard: list(heard.cases().values())))[0]

        def database(heard: Stream) -> str:
            return next(stage["state"] for stage in heard.all("heartbeat")[-1]["stages"] if stage["name"] == "database")

        await asyncio.to_thread(own_stages.stop, "timescale")
        await stream.until(lambda heard: heard.all("heartbeat") and database(heard) == "away", within_s=30)
        for call in (
            client.get("/api/v1/cases"),
            client.post(f"/api/v1/cases/{case['case_id']}/claim", json={"version": case["version"]}),
        ):
            answer = await call
            assert (answer.status_code, answer.json()["code"]) == (503, "database_away")
        assert (await client.get("/healthz")).status_code == 200
        assert stream.cases()[case["case_id"]] == case, "what is known stays on the page"
        await asyncio.to_thread(engine.up, own_site)
        await stream.until(lambda heard: database(heard) == "ok", within_s=60)
        # It has escalated meanwhile, so its version is another.
        case = (await client.get("/api/v1/cases")).json()["cases"][0]
        answer = await client.post(f"/api/v1/cases/{case['case_id']}/claim", json={"version": case["version"]})
        assert answer.status_code == 200
        await stream.until(lambda heard: heard.cases()[case["case_id"]]["desk_id"], within_s=60)


async def test_while_kafka_is_away_the_page_is_renewed_as_a_whole(own_site: Site, own_stages: Stages) -> None:
    own_stages.start("alerts-1", "api", settings=SETTINGS)
    async with (
        Traffic(own_site) as traffic,
        desk(own_site, await make_user(own_site)) as client,
        listening(client) as stream,
    ):
        await traffic.say(traffic.detection("sos", "before"))
        case = (await stream.until(lambda heard: list(heard.cases().values())))[0]

        def feed(heard: Stream) -> str:
            return next(stage["state"] for stage in heard.all("heartbeat")[-1]["stages"] if stage["name"] == "feed")

        await asyncio.to_thread(own_stages.stop, "kafka")
        await stream.until(lambda heard: heard.all("heartbeat") and feed(heard) == "away", within_s=30)
        answer = await client.post(f"/api/v1/cases/{case['case_id']}/claim", json={"version": case["version"]})
        assert answer.status_code == 200, "desks can go on working"
        await stream.until(lambda heard: heard.cases()[case["case_id"]]["desk_id"], within_s=30)
        await asyncio.to_thread(engine.up, own_site)
        await stream.until(lambda heard: feed(heard) == "ok", within_s=60)
