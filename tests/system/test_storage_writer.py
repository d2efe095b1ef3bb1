"""The writer as it runs: killed, without its database, behind a backlog; at the end everything is stored once."""

import asyncio
import time
import uuid

import psycopg
import pytest
from aiokafka import AIOKafkaProducer

from contracts import dead_letters
from contracts.dead_letters import DeadLetter
from contracts.partitions import partition_of
from contracts.topics import DEAD_LETTERS, READINGS
from storage.queries import query
from tests.unit.storage.rows import T0, frame, row

pytestmark = pytest.mark.services

DEVICES = 20
SETTINGS = {"SHOUWANG_WRITER_ACCOUNT_S": "0.5", "SHOUWANG_WRITER_BACK_OFF_S": "1"}


class Load:
    """Sends numbered readings of homes of its own and knows what it sent."""

    def __init__(self, site):
        self.site = site
        self.prefix = f"w{uuid.uuid4().hex[:8]}-"
        self.homes = [f"{self.prefix}{n}" for n in range(DEVICES)]
        self.sent = 0

    async def __aenter__(self):
        self.producer = AIOKafkaProducer(bootstrap_servers=self.site.kafka, acks="all", compression_type="zstd")
        await self.producer.start()
        return self

    async def __aexit__(self, *_):
        await self.producer.stop()

    async def send(self, rounds):
        """One reading of each home in each round, a frame for each home."""
        for _ in range(rounds):
            self.sent += 1
            await asyncio.gather(
                *[
                    self.producer.send_and_wait(
                        READINGS,
                        frame([row(seq=self.sent, home=home, at_s=T0 + self.sent)], source=self.prefix + "s"),
                        partition=partition_of(home, 16),
                    )
                    for home in self.homes
                ]
            )

    def stored(self):
        """(rows, rows of different identity, numbers counted, numbers missing)."""
        with psycopg.connect(self.site.conninfo(), autocommit=True) as connection:
            rows = connection.execute(
                "SELECT count(*), count(DISTINCT (home_id, seq)) FROM reading_vitals WHERE starts_with(home_id, %s)",
                [self.prefix],
            ).fetchone()
            counted = connection.execute(query("counted_total"), {"home_prefix": self.prefix}).fetchone()
        return (*rows, counted[0], counted[2])

    async def all_stored(self, within_s=60):
        wanted = self.sent * DEVICES
        ends_s = time.monotonic() + within_s
        while (found := self.stored()) != (wanted, wanted, wanted, 0):
            assert time.monotonic() < ends_s, f"{found} of {wanted}"
            await asyncio.sleep(0.3)


async def test_killed_again_and_again_it_stores_everything_once(site, stages):
    async with Load(site) as load:
        await load.send(5)
        stages.start("writer", settings=SETTINGS)
        for _ in range(3):
            await load.send(20)
            stages.kill("writer")
            await load.send(5)
            stages.wait_ready("writer")
        await load.all_stored()


async def test_the_database_goes_away_under_load_and_nothing_is_lost_or_doubled(site, stages):
    stages.start("writer", settings=SETTINGS)
    async with Load(site) as load:
        await load.send(20)
        stages.kill("timescale")
        await load.send(40)
        stages.wait_service("timescale")
        await load.send(10)
        await load.all_stored(within_s=90)


async def test_a_stopped_writer_has_accounted_for_everything_it_stored(site, stages):
    stages.start("writer", settings=SETTINGS | {"SHOUWANG_WRITER_ACCOUNT_S": "600"})
    async with Load(site) as load:
        await load.send(10)
        ends_s = time.monotonic() + 30
        while load.stored()[0] < 10 * DEVICES:
            assert time.monotonic() < ends_s
            await asyncio.sleep(0.2)
        assert load.stored()[2] == 0
        stages.stop("writer")
        assert load.stored() == (200, 200, 200, 0)


async def test_a_spoiled_frame_between_good_ones_is_found_in_the_dead_letters(site, stages):
    stages.start("writer", settings=SETTINGS)
    async with Load(site) as load:
        await load.send(1)
        spoiled = bytearray(frame([row(seq=1, home=load.homes[0])]))
        spoiled[-30] ^= 0x55
        place = await load.producer.send_and_wait(READINGS, bytes(spoiled), partition=3)
        refused = DeadLetter(
            at_s=T0,
            stage="ingest",
            source="main",
            topic="t",
            account=f"{load.homes[0]}.watch",
            reason="out_of_range",
            detail="d",
            boot=1,
            seq=3,
        )
        await load.producer.send_and_wait(DEAD_LETTERS, dead_letters.encode(refused), partition=1)
        await load.send(1)
        await load.all_stored()
    with psycopg.connect(site.conninfo(), autocommit=True) as connection:
        own = connection.execute(
            "SELECT reason, detail FROM dead_letters WHERE letter_id = %s", [f"{READINGS}/3/{place.offset}"]
        ).fetchone()
        device = connection.execute(
            "SELECT reason FROM dead_letters WHERE account = %s", [f"{load.homes[0]}.watch"]
        ).fetchone()
    assert own[0] == "bad_frame"
    assert "check sum" in own[1]
    assert device == ("out_of_range",)


async def test_a_frozen_writer_does_not_keep_others_from_registering(site, stages):
    stages.start("writer", settings=SETTINGS)
    async with Load(site) as load:
        sending = asyncio.create_task(load.send(60))
        await asyncio.sleep(1)
        stages.freeze("writer")
        try:
            with psycopg.connect(site.conninfo(), autocommit=True, options="-c lock_timeout=40s") as connection:
                connection.execute("UPDATE devices SET role = 'wearable' WHERE starts_with(home_id, %s)", [load.prefix])
        finally:
            stages.thaw("writer")
        await sending
        await load.all_stored()
