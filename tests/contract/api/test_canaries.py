"""The api's end of the canaries on the real database: what is sent, written down and shown, and who is called blind by it."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from alerts.canaries import Canaries as Raising
from alerts.link import Link
from api.canaries import Canaries
from contracts import canaries
from contracts.canaries import Word
from contracts.kinds import Canary
from contracts.names import AREA_CANARY, parse_topic
from contracts.partitions import partition_of
from tests.contract.alerts.test_canaries import a_canary
from tests.contract.api.office import Office, open_office
from tests.contract.api.test_coverage import homes
from tests.contract.api.test_residents import heard

pytestmark = pytest.mark.services
PARTITIONS = 16
PLACES = 2 * PARTITIONS


class Broker:
    """Takes what is published; ``up`` says whether there is a connection."""

    def __init__(self) -> None:
        self.up = True
        self.taken: list[tuple[str, bytes]] = []

    def is_connected(self) -> bool:
        return self.up

    def publish(self, topic: str, payload: bytes, qos: int) -> None:
        assert qos == 1
        self.taken.append((topic, payload))


class Yard:
    """An office that watches canaries, with the end that sends them in the test's hand."""

    def __init__(self, office: Office, link: Link) -> None:
        self.office = office
        self.broker: Any = Broker()
        self.canaries = Canaries(office.parts.settings, office.parts.database, office.clock)
        self._raising = Raising(link, PARTITIONS)

    async def send(self) -> list[Word]:
        """What leaves now."""
        before = len(self.broker.taken)
        await self.canaries.once(self.broker)
        return [word_in(*each) for each in self.broker.taken[before:]]

    async def bring(self, words: list[Word]) -> None:
        """They go the way in between: through alerts, to the judge."""
        for word in words:
            if await self._raising.tell([a_canary(word)], self.office.clock()):
                self.canaries.heard(word)
        await self.canaries.once(self.broker)
        await self.office.parts.pipeline.look()

    async def seen(self) -> dict[str, Any]:
        await self.office.parts.pipeline.look()
        answer = await (await self.office.desk("chief")).get("/api/v1/health")
        found: dict[str, Any] = answer.json()
        return found


def word_in(topic: str, payload: bytes) -> Word:
    place = parse_topic(topic)
    said = msgspec.json.decode(payload, type=Canary)
    assert (place.area, place.channel) == (AREA_CANARY, canaries.CHANNEL[said.lane])
    return Word(home_id=place.home_id, lane=said.lane, sent_at_ms=said.sent_at_ms, signature=said.signature)


@pytest.fixture
async def yard(furnished: str) -> AsyncIterator[Yard]:
    # The api's own end is refused by a port where nobody listens, so nothing leaves but by the test's hand.
    async with open_office(furnished, canary_s=55.0, mqtt_port=9) as office:
        office.sql("TRUNCATE canaries, outbox")
        link = Link(furnished, "test canaries", lock_s=1, idle_s=2)
        yield Yard(office, link)
        await link.close()


async def test_one_leaves_for_each_partition_and_lane_and_stands_in_the_table_before(yard: Yard) -> None:
    words = await yard.send()
    assert {(word.lane, partition_of(word.home_id, PARTITIONS)) for word in words} == {
        (lane, partition) for lane in ("bulk", "urgent") for partition in range(PARTITIONS)
    }
    assert len(words) == PLACES
    assert yard.office.sql("SELECT count(*) FROM canaries WHERE raised_at IS NULL") == [(PLACES,)]
    assert await yard.send() == [], "nothing is due a moment later"


async def test_the_age_is_in_health_from_unknown_over_ok_to_late_and_back(yard: Yard) -> None:
    found = await yard.seen()
    assert (found["canaries"]["state"], found["canaries"]["oldest_age_s"]) == ("unknown", None)
    assert {"name": "canaries", "state": "unknown"}.items() <= found["stages"][-1].items()
    await yard.bring(await yard.send())
    yard.office.clock.forward(60)
    found = (await yard.seen())["canaries"]
    assert (found["state"], round(found["oldest_age_s"]), found["unknown"]) == ("ok", 60, 0)
    await yard.send()
    yard.office.clock.forward(61)
    found = await yard.seen()
    assert (found["canaries"]["state"], round(found["canaries"]["oldest_age_s"])) == ("late", 121)
    assert next(stage for stage in found["stages"] if stage["name"] == "canaries")["state"] == "away"
    assert found["state"] != "ok", "the dead man's ping stops"
    await yard.bring(await yard.send())
    assert (await yard.seen())["canaries"]["state"] == "ok"
    assert yard.office.sql("SELECT count(*) FROM canaries WHERE seen_at IS NOT NULL") == [(2 * PLACES,)]


async def test_a_forged_one_and_a_repeat_keep_no_age_young(yard: Yard) -> None:
    words = await yard.send()
    await yard.bring(words)
    yard.office.clock.forward(121)
    for word in words:
        yard.canaries.heard(word)
        yard.canaries.heard(canaries.signed(b"mine" * 8, word.home_id, word.lane, word.sent_at_ms + 120_000))
    await yard.canaries.once(yard.broker)
    assert (await yard.seen())["canaries"]["state"] == "late"


async def test_without_a_broker_nothing_is_sent_and_nothing_piles_up(yard: Yard) -> None:
    yard.broker.up = False
    assert await yard.send() == []
    yard.office.clock.forward(600)
    assert await yard.send() == []
    yard.broker.up = True
    assert len(await yard.send()) == PLACES


async def test_a_home_is_blind_while_the_canaries_of_its_partition_stay_away(yard: Yard) -> None:
    office = yard.office
    mine = partition_of("shen", PARTITIONS)

    async def counted() -> tuple[int, int, int]:
        heard(office)
        heard(office, device_id="sos-1")
        await office.keep_coverage()
        await office.parts.pipeline.look()
        answer = await (await office.desk("desk-1")).get("/api/v1/coverage", params={"area": "330282001001"})
        return homes(answer.json()["total"])

    await yard.bring(await yard.send())
    assert await counted() == (1, 0, 0)
    for _ in range(3):
        office.clock.forward(56)
        words = await yard.send()
        await yard.bring([word for word in words if partition_of(word.home_id, PARTITIONS) != mine or word.lane != "urgent"])  # fmt: skip
    assert await counted() == (1, 0, 0), "112 s after the first that did not come"
    office.clock.forward(10)
    assert await counted() == (0, 0, 1)
    office.clock.forward(5)
    await yard.bring(await yard.send())
    assert await counted() == (1, 0, 0)


async def test_nobody_hears_of_canaries_in_queue_audit_or_detections(yard: Yard) -> None:
    office = yard.office
    before = office.sql("SELECT count(*) FROM audit WHERE action <> 'login'")
    await yard.bring(await yard.send())
    assert office.sql("SELECT count(*) FROM outbox") == [(PLACES,)]
    for table in ("detections", "cases", "case_signals", "case_timers", "notices", "devices WHERE home_id ~ '^canary-'", "home_coverage WHERE home_id ~ '^canary-'"):  # fmt: skip
        assert office.sql(f"SELECT count(*) FROM {table}") == [(0,)], table
    assert office.sql("SELECT count(*) FROM audit WHERE action <> 'login'") == before
    assert (await (await office.desk("desk-1")).get("/api/v1/cases")).json()["cases"] == []
