"""From a device to a case through every stage: backlog after a collapse, a broker that was away for ten hours, and kill after kill.

Each has a Site of its own, because services die here. Time is virtual: a second of wall time is an hour, or a minute.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import paho.mqtt.client as paho
import psycopg
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from cli._neighbourhood import cards_published
from cli._neighbourhood import prepare as prepare_homes
from cli._simulation import SEED, simulate
from contracts.names import AREA_DEMO, topic_of
from deploy.native import engine
from deploy.site import LOOPBACK, Site
from deploy.stages import STAGES, another_bridge
from ingest import state_file
from simulators.clock import VirtualClock, next_start_s
from simulators.neighbourhood import neighbourhood
from storage import accounts, people
from storage.database import connect
from storage.records import Device, Home, Resident

pytestmark = [pytest.mark.services, pytest.mark.timeout(600)]
HOUR_S = 3600.0


class Village:
    """Homes of one gateway account on a virtual clock, an hour a second, without hub: what is published is all there is."""

    def __init__(self, site: Site, clock: VirtualClock, password: str) -> None:
        self.site, self.clock = site, clock
        self._seq = 0
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id="village")
        self._client.username_pw_set("village", password)
        self._client.tls_set(str(site.ca))
        self._client.connect(LOOPBACK, site.ports.mqtts)
        self._client.loop_start()

    @property
    def now_s(self) -> float:
        return self.clock.at(time.time())

    def moves(self, home_id: str, at_s: float, device_id: str = "pir") -> None:
        """Somebody moves, twice within a minute, so that it is believed; sent now, whenever it was."""
        for t in (at_s, at_s + 30):
            self._seq += 1
            body = {"kind": "motion", "moving": True, "t": t, "sent": self.now_s, "boot": 1, "seq": self._seq}
            topic = topic_of(AREA_DEMO, home_id, device_id, "telemetry")
            self._client.publish(topic, json.dumps(body), qos=1).wait_for_publish(20)

    async def tell(self) -> None:
        """Say for ever how far this world is; nothing waits unsent."""
        topic = topic_of(AREA_DEMO, "v-1", "pir", "clock")
        while True:
            self._client.publish(topic, json.dumps({"t": self.now_s}), qos=1)
            await asyncio.sleep(0.05)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
async def village(own_site: Site, own_stages: Any) -> AsyncIterator[Village]:
    """Two homes, all stages, and a bridge on a clock of an hour a second."""
    connection = await connect(own_site.conninfo(), "test")
    try:
        async with connection.transaction():
            records: list[Any] = []
            for number in (1, 2):
                home = f"v-{number}"
                records += [Home(home, f"{AREA_DEMO}001"), Resident(f"r-{number}", home, "沈阿婆")]
                records += [Device(home, device, "motion", "living") for device in ("pir", "pir-2")]
            await people.register(connection, records, actor="test")
            passwords = await accounts.create(connection, [accounts.Account("village", "gateway", AREA_DEMO)])
        await accounts.install(connection, own_site)
    finally:
        await connection.close()
    own_stages.start(*STAGES)
    await cards_published(own_site)
    clock = VirtualClock(time.time(), next_start_s(10.0, [time.time()]), HOUR_S)
    own_stages.start(another_bridge("demo", {"SHOUWANG_INGEST_AREAS": AREA_DEMO, "SHOUWANG_INGEST_CLOCK": str(clock)}))
    opened = Village(own_site, clock, passwords["village"])
    telling = asyncio.create_task(opened.tell())
    # A ready process has not subscribed yet, and nothing is queued for a bridge that the broker has never seen.
    await eventually(lambda: is_watching(own_site), 60, "the bridge does not watch")
    yield opened
    telling.cancel()
    opened.close()


def is_watching(site: Site) -> bool:
    state = state_file.read(site.data, "demo")
    return state is not None and state.state == "watching"


def rows(site: Site, statement: str, *values: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(site.conninfo(), autocommit=True) as connection:
        return connection.execute(statement, values).fetchall()


async def eventually(holds: Callable[[], Any], within_s: float, what: str) -> Any:
    """The first true value of ``holds``, asked four times a second."""
    limit_s = time.monotonic() + within_s
    while time.monotonic() < limit_s:
        try:
            if found := await asyncio.to_thread(holds):
                return found
        except psycopg.OperationalError:
            pass  # the database is being killed; it comes back
        await asyncio.sleep(0.25)
    raise AssertionError(f"not within {within_s:.0f} s: {what}")


def silent_cases(site: Site, home_id: str) -> list[tuple[Any, ...]]:
    return rows(
        site,
        "SELECT case_id, handling, condition, score FROM cases WHERE home_id = %s AND family = 'no_life'",
        home_id,
    )


async def test_ten_hours_of_backlog_after_a_collapse_leave_the_alarm_standing(village: Village) -> None:
    began_s = village.now_s
    village.moves("v-1", began_s)
    await eventually(lambda: silent_cases(village.site, "v-1"), 60, "no sign of life was raised")
    # A second box of the flat had no network: the ten hours that it kept end with the collapse.
    for hour in range(20):
        village.moves("v-1", began_s - 10 * HOUR_S + hour * HOUR_S / 2, "pir-2")
    stored = "SELECT count(*) FROM reading_motion WHERE home_id = 'v-1' AND device_id = 'pir-2'"
    await eventually(lambda: rows(village.site, stored)[0][0] == 40, 30, "the backlog was not stored")
    await asyncio.sleep(3)  # three more hours go by; the stream has long seen what was stored
    (case,) = silent_cases(village.site, "v-1")
    assert case[1] in ("QUEUED", "RAISED")
    assert case[2] in ("on", "latched")
    told = rows(village.site, "SELECT bool_or(NOT \"on\") FROM detections WHERE home_id = 'v-1' AND family = 'no_life'")
    assert told == [(False,)], "the backlog brought the fallen man to life"


async def test_a_broker_away_for_ten_hours_makes_nobody_silent_and_everybody_blind(
    village: Village, own_stages: Any
) -> None:
    for home in ("v-1", "v-2"):
        village.moves(home, village.now_s)
    seen = "SELECT count(DISTINCT home_id) FROM reading_motion"
    await eventually(lambda: rows(village.site, seen)[0][0] == 2, 30, "the first motions were not stored")
    gone_s = village.now_s
    own_stages.stop("mosquitto")
    await asyncio.sleep(10.5)
    back_s = village.now_s
    await asyncio.to_thread(engine.up, own_stages.site)

    def blind() -> list[tuple[Any, ...]]:
        return rows(
            village.site,
            "SELECT extract(epoch FROM max(to_at) - min(from_at)) FROM unwatched WHERE source = 'demo' AND to_at > to_timestamp(%s) "
            "HAVING max(to_at) IS NOT NULL",
            gone_s,
        )

    ((away_s,),) = await eventually(blind, 60, "nothing says that nobody watched")
    assert float(away_s) >= back_s - gone_s - HOUR_S
    # Two more hours pass under watch: with the ten before them they would be far beyond any limit.
    await asyncio.sleep(2)
    assert silent_cases(village.site, "v-1") == []
    assert silent_cases(village.site, "v-2") == []
    told = "SELECT home_id, detector FROM detections WHERE home_id IN ('v-1', 'v-2')"
    assert rows(village.site, told) == []


KILLED = (
    "ingest-demo",
    "ingest-main",
    "stream-1",
    "stream-2",
    "stream-urgent-1",
    "stream-urgent-2",
    "alerts-1",
    "alerts-2",
    "writer",
    "keeper",
    "learner",
    "api",
)
"""Stages in the order of their death; the services follow: Kafka, TimescaleDB, and the MQTT broker last."""


async def _kill_one_by_one(own_stages: Any, names: Sequence[str], pause_s: float) -> None:
    for name in names:
        await asyncio.sleep(pause_s)
        await asyncio.to_thread(own_stages.kill, name)


@pytest.mark.alone
async def test_every_stage_and_service_dies_once_and_no_alert_is_lost_or_doubled(
    own_site: Site, own_stages: Any
) -> None:
    own_stages.start(*STAGES)
    homes = neighbourhood(HOMES, SEED)
    virtual_0_s = next_start_s(10.0, [time.time()])
    prepared = await prepare_homes(own_site, homes, virtual_0_s)
    await cards_published(own_site)
    living = asyncio.create_task(
        simulate(
            own_site, homes=HOMES, virtual_0_s=virtual_0_s, speed=SPEED, for_s=LIVE_S,
            credentials=prepared.credentials, learned=prepared.learned, check=True, spare_s=SPARE_S,
        )
    )  # fmt: skip
    await asyncio.sleep(5)
    await _kill_one_by_one(own_stages, [*KILLED, "kafka", "timescale", "mosquitto"], PAUSE_S)
    found = await living
    print(
        json.dumps(
            {
                name: found[name]
                for name in ("expected", "unseen", "by_scenario", "latency_ms", "sent", "stored", "gaps")
            }
        )
    )
    print(
        rows(own_site, "SELECT source, extract(epoch FROM from_at), extract(epoch FROM to_at - from_at) FROM unwatched")
    )
    assert found["expected"] > 0
    assert (found["missed"], found["duplicated"]) == (0, 0), json.dumps(found["faults"], ensure_ascii=False, indent=1)
    assert found["sent"] / LIVE_S >= RATE_PER_S, found
    assert found["sent"] == found["stored"] + found["gaps"], found
    twice = "SELECT home_id, family, count(*) FROM cases WHERE handling NOT IN ('RESOLVED', 'CLOSED', 'MERGED', 'TEST') GROUP BY 1, 2 HAVING count(*) > 1"
    assert rows(own_site, twice) == []


HOMES, SPEED, LIVE_S, PAUSE_S, RATE_PER_S = 120, 60.0, 125.0, 5.5, 500
SPARE_S = 20.0
"""At this speed every outage takes five seconds more: the grace in which silence does not count."""
