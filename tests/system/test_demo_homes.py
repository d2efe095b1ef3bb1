"""Simulated homes against the real broker: connections that break, last wills, urgent messages until their receipt."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import paho.mqtt.client as paho
import pytest

from contracts.names import AREA_DEMO
from deploy.native import engine
from deploy.site import BRIDGE_ACCOUNT, LOOPBACK, Site
from deploy.supervise import Supervisor
from simulators.clock import VirtualClock, midnight_s
from simulators.mqtt import Address, BrokerRefused, Client
from simulators.neighbourhood import Home, neighbourhood
from simulators.residents import live
from simulators.running import WAVE_S, Credentials, Neighbourhood
from simulators.scenarios import AT_HOME, SCENARIOS, Incident
from simulators.schedule import Schedule
from storage import accounts
from storage.database import connect

pytestmark = pytest.mark.services


class Listener:
    """What comes by at the broker, with the bridge's account."""

    def __init__(self, site: Site, home_prefix: str) -> None:
        self.heard: list[tuple[str, dict[str, Any], bool]] = []
        # A lasting session: what comes while the broker is restarted reaches it afterwards.
        self._client = paho.Client(
            paho.CallbackAPIVersion.VERSION2, client_id=f"listener-{uuid4().hex[:8]}", clean_session=False
        )
        self._client.reconnect_delay_set(1, 1)
        self._client.username_pw_set(BRIDGE_ACCOUNT, site.secrets.bridge_password)
        self._client.on_message = self._on_message
        self._prefix = home_prefix
        self._client.connect(LOOPBACK, site.ports.mqtt)
        self._client.subscribe("shouwang/v1/#", qos=1)
        self._client.loop_start()

    def _on_message(self, client: paho.Client, data: object, message: paho.MQTTMessage) -> None:
        account, channel = message.topic.split("/")[3:5]
        if account.startswith(self._prefix) and not message.retain:
            self.heard.append((channel, json.loads(message.payload), message.retain))

    def say(self, topic: str, body: dict[str, Any]) -> None:
        self._client.publish(topic, json.dumps(body), qos=1)

    def on(self, channel: str) -> list[dict[str, Any]]:
        return [body for heard, body, _ in self.heard if heard == channel and isinstance(body, dict)]

    async def until(self, channel: str, count: int, within_s: float = 20) -> list[dict[str, Any]]:
        async with asyncio.timeout(within_s):
            while True:
                if len(found := self.on(channel)) >= count:
                    return found
                await asyncio.sleep(0.05)

    def close(self) -> None:
        self._client.unsubscribe("shouwang/v1/#")
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def homes() -> list[Home]:
    return list(neighbourhood(8, seed=9, prefix=f"t{uuid4().hex[:6]}"))


@pytest.fixture
def home(homes: list[Home]) -> Home:
    return homes[0]


@pytest.fixture
def listener(site: Site, home: Home) -> Iterator[Listener]:
    opened = Listener(site, home.home_id)
    yield opened
    opened.close()


@pytest.fixture
async def passwords(site: Site, homes: list[Home]) -> AsyncIterator[dict[str, str]]:
    connection = await connect(site.conninfo(), "test")
    wanted = [accounts.Account(f"{home.home_id}.{device}") for home in homes for device in home.own_accounts]
    async with connection.transaction():
        made = await accounts.create(connection, wanted)
    await accounts.install(connection, site)
    await asyncio.sleep(0.5)  # the broker reads its files at a signal
    yield made
    for account in wanted:
        await accounts.revoke(connection, account.name)
    await connection.close()


class Lines:
    """A way to the broker on which what every second connection sends takes ``SLOW_S`` longer."""

    SLOW_S = 0.1

    def __init__(self, port: int) -> None:
        self._port = port
        self._opened = 0
        self._passing: set[asyncio.Task[None]] = set()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._opened += 1
        answers, away = await asyncio.open_connection(LOOPBACK, self._port)
        for ways in (self._pass(reader, away, self.SLOW_S * (self._opened % 2)), self._pass(answers, writer, 0.0)):
            self._passing.add(task := asyncio.create_task(ways))
            task.add_done_callback(self._passing.discard)

    @staticmethod
    async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, after_s: float) -> None:
        loop = asyncio.get_running_loop()
        while read := await reader.read(65_536):
            loop.call_later(after_s, writer.write, read)
        loop.call_later(after_s, writer.close)


def address(site: Site) -> Address:
    return Address(LOOPBACK, site.ports.mqtts, str(site.ca))


async def test_what_was_published_while_the_connection_was_cut_arrives_after_it_is_back(
    site: Site, home: Home, passwords: dict[str, str], listener: Listener
) -> None:
    topic = f"shouwang/v1/{AREA_DEMO}/{home.home_id}.hub"
    account = f"{home.home_id}.hub"
    acknowledged: list[int] = []
    client = Client(
        address(site), account, passwords[account], will=(f"{topic}/status", b'{"online":false}'), on_acknowledged=acknowledged.append
    )  # fmt: skip
    await client.open()
    client.publish(f"{topic}/telemetry", b'{"n":0}', 0)
    await listener.until("telemetry", 1)
    assert await client.settled(5)
    client.drop()
    assert await listener.until("status", 1) == [{"online": False}], "the broker speaks the last will"
    for number in range(1, 6):
        client.publish(f"{topic}/telemetry", b'{"n":%d}' % number, number)
    await asyncio.sleep(0.5)
    assert acknowledged == [0]
    await client.revive()
    found = await listener.until("telemetry", 6)
    assert [body["n"] for body in found] == [0, 1, 2, 3, 4, 5]
    assert await client.settled(5)
    assert sorted(acknowledged) == [0, 1, 2, 3, 4, 5]
    await client.close()
    await asyncio.sleep(0.5)
    assert len(listener.on("status")) == 1, "a good-bye is no last will"


async def test_a_broker_that_is_restarted_loses_nothing_of_what_a_device_said_meanwhile(
    site: Site, home: Home, passwords: dict[str, str], listener: Listener
) -> None:
    account = f"{home.home_id}.hub"
    topic = f"shouwang/v1/{AREA_DEMO}/{account}/telemetry"
    acknowledged: list[int] = []
    client = Client(address(site), account, passwords[account], on_acknowledged=acknowledged.append)
    await client.open()

    async def say(numbers: range) -> None:
        for number in numbers:
            client.publish(topic, b'{"n":%d}' % number, number)
            await asyncio.sleep(0.01)

    talking = asyncio.create_task(say(range(500)))
    await listener.until("telemetry", 20)
    await asyncio.to_thread(Supervisor(site).stop, "mosquitto")
    await talking
    away = len(acknowledged)
    assert away < 500
    await asyncio.to_thread(engine.up, site)
    assert await client.settled(30)
    assert client.reconnects >= 1
    assert acknowledged == list(range(500))
    found = [body["n"] for body in await listener.until("telemetry", 500)]
    firsts = list(dict.fromkeys(found))
    assert firsts == list(range(500)), "in order, but for repetitions of what had not been acknowledged"
    await client.close()


async def test_a_wrong_password_is_refused_and_said(site: Site, home: Home, passwords: dict[str, str]) -> None:
    client = Client(address(site), f"{home.home_id}.hub", "wrong")
    with pytest.raises(BrokerRefused, match="password"):
        await client.open()
    await client.close()


async def test_an_urgent_message_is_repeated_with_its_number_until_its_receipt(
    site: Site, home: Home, passwords: dict[str, str], listener: Listener, tmp_path: Path
) -> None:
    start_s = midnight_s(20_000) + 10 * 3600
    clock = VirtualClock(time.time(), start_s, 60.0)
    stay = next(stay for stay in live(home.seed, start_s + 120, start_s + 7200) if stay.act in AT_HOME)
    press = Incident(scenario="sos", home=home, at_s=start_s + 150, stay=stay, due_s=SCENARIOS["sos"].due_s)
    living = Neighbourhood([home], clock, Credentials(accounts=passwords), address(site), tmp_path)
    await living.connect()
    running = asyncio.create_task(living.live(start_s + 7200, Schedule((press,), ())))
    try:
        calls = await listener.until("event", 3)
        assert {call["kind"] for call in calls} == {"call"}
        assert len({(call["boot"], call["seq"], call["t"]) for call in calls}) == 1
        assert calls[0]["sent"] < calls[1]["sent"] < calls[2]["sent"]
        topic = f"shouwang/v1/{AREA_DEMO}/{home.home_id}.hub/receipt"
        listener.say(topic, {"code": "ok", "server_time": 0, "boot": calls[0]["boot"], "seq": calls[0]["seq"]})
        await asyncio.sleep(1.0)
        assert living.stats()["waiting_for_receipt"] == 0
        ledger = [json.loads(line) for line in (tmp_path / "ledger.jsonl").read_text().splitlines()]
        assert [entry["scenario"] for entry in ledger] == ["sos"]
        assert ledger[0]["published_wall_s"] == pytest.approx(clock.wall_at(press.at_s), abs=5)
    finally:
        living.stop()
        await running
        await living.close(settle_s=2)
    counts = json.loads((tmp_path / "counts.json").read_text())
    assert counts["complete"]
    assert counts["repeats"] >= 2
    assert counts["unanswered"] == 0
    # Whether the button tells of its battery just then depends on the home's habits.
    heard = [
        row for message in listener.on("telemetry") for row in (message if isinstance(message, list) else [message])
    ]
    beats = sum(row.get("device") == "sos" for row in heard)
    assert counts["acknowledged"][f"{home.home_id}.sos"] == 1 + beats


async def test_what_is_said_of_the_world_is_true_even_where_the_simulation_gets_no_processor(
    site: Site, homes: list[Home], passwords: dict[str, str], tmp_path: Path
) -> None:
    listener = Listener(site, homes[0].home_id.split("-")[0])
    start_s = midnight_s(20_000) + 10 * 3600
    clock = VirtualClock(time.time(), start_s, 60.0)
    lines = await asyncio.start_server(Lines(site.ports.mqtts).accept, LOOPBACK)
    way = Address(LOOPBACK, lines.sockets[0].getsockname()[1], str(site.ca))
    living = Neighbourhood(homes, clock, Credentials(accounts=passwords), way, tmp_path)
    await living.connect()
    running = asyncio.create_task(living.live(start_s + 7200, Schedule((), ())))
    try:
        for awake_s, asleep_s in ((2.0, 1.5), (2.0, 3.0), (2.0, 0.0)):
            await asyncio.sleep(awake_s)
            time.sleep(asleep_s)  # noqa: ASYNC251 - that nothing else runs meanwhile is what is tried
    finally:
        living.stop()
        await running
        await living.close(settle_s=5)
        listener.close()
        lines.close()
    played_s, said, beats, latest_s = 0.0, 0, 0, 0.0
    for channel, body, _ in listener.heard:
        if channel == "clock":
            assert body["t"] > played_s
            played_s, said = body["t"], said + 1
            continue
        for reading in body if isinstance(body, list) else [body]:
            assert reading["sent"] >= played_s - 0.001, "what was said to be all was not all"
            latest_s = max(latest_s, reading["sent"])
            assert reading["sent"] >= latest_s - 2 * WAVE_S, "one account has overtaken another by a minute"
            beats += reading["kind"] == "status"
    assert said > 20
    assert beats > 20, "the sleep was made up for"
    assert played_s == pytest.approx(clock.at(living.counts.end_wall_s), abs=60), "and to the end"
