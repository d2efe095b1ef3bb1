"""The services as set up here: who gets in, what survives, and that nothing listens beyond this machine."""

import asyncio
import os
import signal
import threading
import time
import uuid
from pathlib import Path

import psutil
import psycopg
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from deploy.native import engine, kafka, mosquitto, root
from deploy.site import BRIDGE_ACCOUNT, Site
from deploy.supervise import Supervisor

pytestmark = pytest.mark.services


class Device:
    """A client that remembers what it got."""

    def __init__(self, site: Site, account: str, password: str, *, tls: bool = False) -> None:
        self.received: list[tuple[str, bytes]] = []
        self._changed = threading.Condition()
        self._answers: list[str] = []
        self.client = Client(CallbackAPIVersion.VERSION2, client_id=f"test-{account}-{os.urandom(4).hex()}")
        self.client.username_pw_set(account, password)
        if tls:
            self.client.tls_set(ca_certs=str(site.ca))
        self.client.on_connect = lambda _c, _d, _f, code, _p: self._note(self._answers, str(code))
        # What the broker kept for whoever comes later is other tests' (the site is shared).
        self.client.on_message = lambda _c, _d, message: (
            None if message.retain else self._note(self.received, (message.topic, message.payload))
        )
        self.client.on_subscribe = lambda _c, _d, _m, codes, _p: self._note(self._answers, str(codes[0]))
        self.client.connect("localhost" if tls else "127.0.0.1", site.ports.mqtts if tls else site.ports.mqtt)
        self.client.loop_start()

    def _note(self, where: list, what: object) -> None:
        with self._changed:
            where.append(what)
            self._changed.notify_all()

    def answer(self) -> str:
        """The broker's next word on a CONNECT or SUBSCRIBE."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._answers, timeout=10)
            return self._answers.pop(0)

    def subscribe(self, topic: str) -> str:
        self.client.subscribe(topic, qos=1)
        return self.answer()

    def publish(self, topic: str, payload: bytes) -> None:
        self.client.publish(topic, payload, qos=1).wait_for_publish(10)

    def waits_for(self, count: int) -> list[tuple[str, bytes]]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.received) >= count, timeout=10)
        return self.received

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def device(site: Site):
    """Makes clients; all are closed after the test."""
    made: list[Device] = []

    def make(account: str, password: str, *, tls: bool = False) -> Device:
        made.append(Device(site, account, password, tls=tls))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def accounts(site: Site):
    """Two devices' accounts, known to the broker for the time of one test."""
    folder = site.data / "mosquitto"
    before = (folder / "passwords").read_text(), (folder / "acl").read_text()
    words = {"h1.door": "word-1", "h2.door": "word-2"}
    lines = "".join(f"{name}:{mosquitto.hash_password(word)}\n" for name, word in words.items())
    mosquitto.install_credentials(site, before[0] + lines, before[1])
    time.sleep(0.3)  # the broker reads again on its next turn of the loop; nothing tells when it has
    yield words
    mosquitto.install_credentials(site, *before)


def test_every_service_says_ready_with_its_port_and_pid(site):
    found = engine.status(site)
    assert set(found) == {"timescale", "kafka", "mosquitto"}
    for entry in found.values():
        assert entry["running"]
        assert entry["ready"]
        assert psutil.pid_exists(entry["pid"])
        assert site.port_base < entry["port"] < site.port_base + 100


def test_nothing_listens_beyond_this_machine(site):
    groups = {entry["pid"] for entry in engine.status(site).values()}
    listening = []
    for pid in groups:
        for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
            listening += [entry.laddr for entry in process.net_connections() if entry.status == psutil.CONN_LISTEN]
    assert len(listening) >= 5
    assert {address.ip.removeprefix("::ffff:") for address in listening} == {"127.0.0.1"}


def test_no_server_has_any_capability_or_sees_the_machines_files(site):
    for name, entry in engine.status(site).items():
        server = psutil.Process(entry["pid"]).children()[0]
        status = Path(f"/proc/{server.pid}/status").read_text()
        assert "CapEff:\t0000000000000000" in status, name
        assert not Path(f"/proc/{server.pid}/root/home").exists(), name


def test_the_bridge_logs_in_and_reads_all_areas(site, device):
    bridge = device(BRIDGE_ACCOUNT, site.secrets.bridge_password)
    assert bridge.answer() == "Success"
    assert bridge.subscribe("shouwang/v1/#") == "Granted QoS 1"


def test_a_device_logs_in_over_tls_trusting_only_our_ca(site, device, accounts):
    assert device("h1.door", accounts["h1.door"], tls=True).answer() == "Success"


def test_nobody_gets_in_without_a_name_or_with_a_wrong_word(site, device, accounts):
    assert device("h1.door", "wrong").answer() == "Not authorized"
    assert device("nobody", "wrong").answer() == "Not authorized"
    stranger = Client(CallbackAPIVersion.VERSION2)
    said = []
    stranger.on_connect = lambda _c, _d, _f, code, _p: said.append(str(code))
    stranger.connect("127.0.0.1", site.ports.mqtt)
    for _ in range(50):
        if said:
            break
        stranger.loop(0.1)
    assert said == ["Not authorized"]


def test_a_device_writes_under_its_own_name_only_and_reads_its_receipts_only(site, device, accounts):
    bridge = device(BRIDGE_ACCOUNT, site.secrets.bridge_password)
    one, two = (device(name, word) for name, word in accounts.items())
    assert [bridge.answer(), one.answer(), two.answer()] == ["Success"] * 3
    bridge.subscribe("shouwang/v1/#")
    one.subscribe("shouwang/v1/+/+/receipt")
    two.subscribe("#")
    one.publish("shouwang/v1/330282001/h2.door/telemetry", b"forged")
    one.publish("shouwang/v1/330282001/h1.door/telemetry", b"mine")
    assert bridge.waits_for(1) == [("shouwang/v1/330282001/h1.door/telemetry", b"mine")]
    bridge.publish("shouwang/v1/330282001/h1.door/receipt", b"for one")
    bridge.publish("shouwang/v1/330282001/h2.door/receipt", b"for two")
    bridge.waits_for(3)
    assert one.waits_for(1) == [("shouwang/v1/330282001/h1.door/receipt", b"for one")]
    assert two.waits_for(1) == [("shouwang/v1/330282001/h2.door/receipt", b"for two")]


def test_accounts_of_others_stay_when_the_bridges_line_is_left_out(site, device, accounts):
    folder = site.data / "mosquitto"
    mosquitto.install_credentials(site, f"h9.door:{mosquitto.hash_password('x')}\n", "")
    assert (folder / "passwords").read_text().startswith(f"{BRIDGE_ACCOUNT}:$7$")
    assert f"user {BRIDGE_ACCOUNT}" in (folder / "acl").read_text()
    assert "pattern write shouwang/v1/+/%u/#" in (folder / "acl").read_text()


def test_one_mebibyte_passes_the_broker_so_that_ingest_can_say_why_it_is_refused(site, device, accounts):
    bridge = device(BRIDGE_ACCOUNT, site.secrets.bridge_password)
    bridge.answer()
    bridge.subscribe("shouwang/v1/#")
    one = device("h1.door", accounts["h1.door"])
    one.answer()
    one.publish("shouwang/v1/330282001/h1.door/telemetry", b"x" * (1 << 20))
    assert len(bridge.waits_for(1)[0][1]) == 1 << 20


def test_a_killed_broker_comes_back_with_its_accounts(site, device, accounts):
    supervisor = Supervisor(site)
    time.sleep(1.5)  # the supervisor counts a start as good after a second
    killed = supervisor.kill("mosquitto")
    engine.wait_ready(site, "mosquitto")
    assert supervisor.state("mosquitto").pid != killed
    assert device("h1.door", accounts["h1.door"]).answer() == "Success"


def test_nobody_is_thrown_out_when_sessions_from_before_a_restart_come_back_after_accounts_were_read_anew(own_site):
    lost: list[str] = []

    def kept(name: str, *, clean: bool = False) -> Client:
        client = Client(CallbackAPIVersion.VERSION2, client_id=f"test-{name}", clean_session=clean)
        client.username_pw_set(BRIDGE_ACCOUNT, own_site.secrets.bridge_password)
        client.on_disconnect = lambda *_: lost.append(name)
        client.connect("127.0.0.1", own_site.ports.mqtt)
        client.loop_start()
        return client

    def leave(clients: list[Client]) -> None:
        for client in clients:
            client.disconnect()
            client.loop_stop()

    old = [kept(f"old-{number}") for number in range(4)]
    time.sleep(0.5)
    leave(old)
    Supervisor(own_site).stop("mosquitto")
    engine.up(own_site)
    os.kill(int((own_site.data / "mosquitto" / "mosquitto.pid").read_text()), signal.SIGHUP)
    time.sleep(1)
    lost.clear()
    here = [kept(f"old-{number}") for number in range(4)] + [kept(f"new-{number}", clean=True) for number in range(24)]
    time.sleep(3)
    assert lost == []
    leave(here)


def test_a_killed_database_comes_back_with_what_was_committed(site, fresh_database):
    with psycopg.connect(fresh_database, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 17 AS number")
    Supervisor(site).kill("timescale")
    engine.wait_ready(site, "timescale")
    with psycopg.connect(fresh_database) as connection:
        assert connection.execute("SELECT number FROM kept").fetchone() == (17,)


def test_the_application_is_no_superuser_and_the_database_has_timescale(site, fresh_database):
    with psycopg.connect(fresh_database) as connection:
        row = connection.execute("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user").fetchone()
        assert row == (False, False)
        assert connection.execute("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'").fetchone() == (1,)
        assert connection.execute("SHOW timescaledb.telemetry_level").fetchone() == ("off",)
        assert connection.execute("SHOW synchronous_commit").fetchone() == ("on",)


async def test_a_topic_that_was_not_made_is_not_made_by_writing_to_it(site):
    producer = AIOKafkaProducer(bootstrap_servers=site.kafka, request_timeout_ms=2000)
    await producer.start()
    try:
        with pytest.raises((KafkaError, asyncio.TimeoutError)):
            await asyncio.wait_for(producer.send_and_wait("test-never-made", b"x"), 5)
    finally:
        await producer.stop()


async def test_records_carry_the_brokers_time_not_the_producers(site, fresh_topic):
    topic = await fresh_topic()
    producer = AIOKafkaProducer(bootstrap_servers=site.kafka)
    await producer.start()
    try:
        sent = await producer.send_and_wait(topic, b"x", timestamp_ms=1_000)
    finally:
        await producer.stop()
    assert sent.timestamp > 1_600_000_000_000


def test_kafka_takes_an_identifier_that_begins_with_a_dash(tmp_path, free_port_base, monkeypatch):
    """One in 64 does, and as a word of its own the format tool took it for an option."""
    site = Site.load(data=tmp_path, port_base=free_port_base)
    monkeypatch.setattr(uuid, "uuid4", lambda: uuid.UUID(bytes=b"\xf8" * 16))
    kafka.prepare(site, root.provide(site))
    assert "cluster.id=-Pj4" in (tmp_path / "kafka" / "log" / "meta.properties").read_text()
