"""The keeper as it runs: cards into the log and accounts into the broker, by themselves, also after it was killed."""

import asyncio
import ssl
import time
import uuid

import paho.mqtt.client as mqtt
import pytest
from aiokafka import AIOKafkaConsumer

from contracts import home_cards
from contracts.frames import decode
from contracts.topics import EVENTS, HOMES, READINGS
from storage import accounts, people
from storage.accounts import Account
from storage.database import connect
from storage.places import places_of
from storage.records import Device, Home

pytestmark = pytest.mark.services

AREA = "330282001"


@pytest.fixture
async def connection(site):
    opened = await connect(site.conninfo(), "test", lock_s=10)
    yield opened
    await opened.close()


@pytest.fixture
def home():
    return f"k{uuid.uuid4().hex[:10]}"


async def register(connection, *records):
    async with connection.transaction():
        await people.register(connection, records, actor="test")


@pytest.fixture
async def log(site):
    """Versions of a home's card by topic, from now on."""
    consumer = AIOKafkaConsumer(bootstrap_servers=site.kafka, enable_auto_commit=False)
    await consumer.start()
    places = await places_of(site.kafka, (HOMES, READINGS, EVENTS))
    consumer.assign(places)
    await consumer.seek_to_end()
    found = {}

    async def versions(home_id, wanted, within_s=20):
        ends_s = time.monotonic() + within_s
        while any(wanted not in found.get((topic, home_id), []) for topic in (HOMES, READINGS, EVENTS)):
            assert time.monotonic() < ends_s, found
            for records in (await consumer.getmany(timeout_ms=200)).values():
                for record in records:
                    if record.topic == HOMES:
                        found.setdefault((HOMES, record.key.decode()), []).append(
                            home_cards.decode(record.value).version
                        )
                    elif "card" in (frame := decode(record.value)).batches:
                        for each in frame.batches["card"].to_pylist():
                            found.setdefault((record.topic, each["home_id"]), []).append(each["version"])
        return {topic: versions for (topic, of), versions in found.items() if of == home_id}

    yield versions
    await consumer.stop()


async def test_every_change_of_a_home_reaches_both_lanes_and_the_compacted_topic(site, stages, connection, home, log):
    stages.start("keeper")
    await register(connection, Home(home, f"{AREA}001"))
    await log(home, 1)
    await register(connection, Device(home, "door", "entrance_door"))
    assert await log(home, 2) == {HOMES: [1, 2], READINGS: [1, 2], EVENTS: [1, 2]}


async def test_what_changed_while_it_was_dead_is_published_by_its_successor(stages, connection, home, log):
    stages.start("keeper")
    stages.kill("keeper")
    await register(connection, Home(home, f"{AREA}001"))
    await log(home, 1)


def log_in(site, account, password, within_s=5.0):
    """A connected client over TLS, or None where the broker refuses."""
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=uuid.uuid4().hex)
    client.username_pw_set(account, password)
    client.tls_set(str(site.ca), tls_version=ssl.PROTOCOL_TLS_CLIENT)
    answers, messages, granted = [], [], []
    client.on_connect = lambda _c, _d, _f, code, _p: answers.append(code)
    client.on_message = lambda _c, _d, message: messages.append((message.topic, message.payload))
    client.on_subscribe = lambda _c, _d, _m, codes, _p: granted.extend(codes)
    client.connect("127.0.0.1", site.ports.mqtts)
    client.loop_start()
    ends_s = time.monotonic() + within_s
    while not answers and time.monotonic() < ends_s:
        time.sleep(0.02)
    if not answers or answers[0].is_failure:
        client.loop_stop()
        return None
    client.user_data_set((messages, granted))
    return client


def subscribe(client, *topics):
    """Subscribe and wait for the broker's word; returns the list that messages go into."""
    messages, granted = client.user_data_get()
    client.subscribe([(topic, 1) for topic in topics])
    ends_s = time.monotonic() + 5
    while not granted and time.monotonic() < ends_s:
        time.sleep(0.02)
    return messages


def close(*clients):
    for client in clients:
        client.disconnect()
        client.loop_stop()


async def account(connection, site, *wanted):
    async with connection.transaction():
        made = await accounts.create(connection, wanted)
    await accounts.install(connection, site)
    await asyncio.sleep(0.3)  # the broker reads its files on a signal
    return made


def heard(site, publishers):
    """What the bridge's own account hears of these publications: {topic: payloads}."""
    bridge = log_in(site, "bridge", site.secrets.bridge_password)
    messages = subscribe(bridge, "shouwang/v1/#")
    for client, topic, payload in publishers:
        client.publish(topic, payload, qos=1).wait_for_publish(5)
    time.sleep(0.5)
    close(bridge)
    return {topic: payload for topic, payload in messages if payload.startswith(b"try-")}


async def test_a_device_logs_in_with_its_password_and_writes_its_own_topics_only(site, connection, home):
    name = f"{home}.watch"
    password = (await account(connection, site, Account(name)))[name]
    assert log_in(site, name, "wrong") is None
    assert log_in(site, f"{home}.other", password) is None
    device = log_in(site, name, password)
    own, other = f"shouwang/v1/{AREA}/{name}/telemetry", f"shouwang/v1/{AREA}/{home}.other/telemetry"
    internal = "shouwang/internal/marker/main/bulk"
    found = heard(site, [(device, own, b"try-1"), (device, other, b"try-2"), (device, internal, b"try-3")])
    close(device)
    assert found == {own: b"try-1"}


async def test_a_gateway_writes_for_its_area_and_no_other(site, connection, home):
    name = f"g-{home}"
    password = (await account(connection, site, Account(name, "gateway", AREA)))[name]
    gateway = log_in(site, name, password)
    inside, outside = f"shouwang/v1/{AREA}/{home}.watch/telemetry", f"shouwang/v1/330282002/{home}.watch/telemetry"
    found = heard(site, [(gateway, inside, b"try-1"), (gateway, outside, b"try-2")])
    close(gateway)
    assert found == {inside: b"try-1"}


async def test_a_device_hears_its_own_receipts_and_nobody_else_s(site, connection, home):
    names = [f"{home}.{device}" for device in ("one", "two")]
    passwords = await account(connection, site, *map(Account, names))
    one = log_in(site, names[0], passwords[names[0]])
    receipts = [f"shouwang/v1/{AREA}/{name}/receipt" for name in names]
    messages = subscribe(one, receipts[0], "shouwang/v1/#", receipts[1])
    bridge = log_in(site, "bridge", site.secrets.bridge_password)
    for topic in receipts:
        bridge.publish(topic, b"ok", qos=1).wait_for_publish(5)
    await asyncio.sleep(0.5)
    close(one, bridge)
    assert messages == [(receipts[0], b"ok")]


async def test_a_revoked_account_is_thrown_out_and_the_keeper_alone_brings_a_new_one_in(site, stages, connection, home):
    stages.start("keeper")
    name = f"{home}.watch"
    async with connection.transaction():
        password = (await accounts.create(connection, [Account(name)]))[name]
    ends_s = time.monotonic() + 20
    while (device := log_in(site, name, password)) is None:
        assert time.monotonic() < ends_s
        await asyncio.sleep(0.3)
    async with connection.transaction():
        await accounts.revoke(connection, name)
    while device.is_connected():
        assert time.monotonic() < ends_s + 20
        await asyncio.sleep(0.1)
    close(device)
    assert log_in(site, name, password) is None
