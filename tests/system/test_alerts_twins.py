"""The doubled pair on real Kafka and TimescaleDB: killed, frozen, without its database, without its broker."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any

import pytest

from contracts import progress, topics
from contracts.progress import Progress
from deploy.site import Site
from tests.system.alert_traffic import Traffic, events_told, eventually, letters_about
from tests.system.conftest import Stages

pytestmark = pytest.mark.services
TWINS = ("alerts-1", "alerts-2")


@pytest.fixture
def twins(stages: Stages) -> Stages:
    stages.start(*TWINS)
    return stages


@pytest.fixture
async def traffic(site: Site) -> AsyncIterator[Traffic]:
    async with Traffic(site) as opened:
        yield opened


async def whole(traffic: Traffic, expected: int, within_s: float = 60) -> list[dict[str, Any]]:
    """Every home has its one case, and every change of each was told; nothing twice, nothing missing."""

    def told() -> bool:
        cases = traffic.cases()
        ids = [case["case_id"] for case in cases]
        unsent = traffic.rows("SELECT 1 FROM outbox WHERE sent_at IS NULL AND key = ANY(%s)", ids)
        return len(cases) >= expected and not unsent

    await eventually(told, within_s)
    cases = traffic.cases()
    assert len(cases) == expected
    assert len({(case["home_id"], case["family"]) for case in cases}) == expected
    versions = defaultdict(set)
    for event in await events_told(traffic.site, [case["case_id"] for case in cases]):
        versions[event.case.case_id].add(event.case.version)
    for case in cases:
        every = list(range(1, case["version"] + 1))
        assert versions[case["case_id"]] >= set(every)
        audit = traffic.rows("SELECT version FROM audit WHERE case_id = %s ORDER BY audit_id", case["case_id"])
        # The ladder may have gone on meanwhile: what stands behind is the next version, and none twice.
        assert [row["version"] for row in audit] == list(range(1, max(len(audit), len(every)) + 1))
    return cases


async def test_both_twins_read_everything_and_each_case_exists_once(twins, traffic):
    for number in range(40):
        urgent = traffic.detection("fall", number)
        await traffic.say(urgent, traffic.detection("fall", number, lane="bulk"), urgent)
    cases = await whole(traffic, 40)
    assert {case["handling"] for case in cases} == {"QUEUED"}
    assert {case["signals"] for case in cases} == {1}
    read = traffic.rows(
        "SELECT consumer, sum(next_offset) AS records FROM consumer_offsets WHERE consumer = ANY(%s) GROUP BY consumer",
        list(TWINS),
    )
    assert {row["consumer"] for row in read} == set(TWINS)


async def test_an_urgent_case_is_there_within_a_second_of_its_detection(twins, traffic):
    waits_s = []
    for number in range(20):
        said_s = time.time()
        await traffic.say(traffic.detection("sos", number))
        case = await eventually(lambda n=number: traffic.case_of(n))
        waits_s.append(case["raised_at"].timestamp() - said_s)
    assert sorted(waits_s)[len(waits_s) // 2] < 1.0


async def test_a_killed_twin_delays_nothing(twins, traffic):
    twins.kill("alerts-1")
    for number in range(20):
        await traffic.say(traffic.detection("sos", number))
    assert await eventually(lambda: len(traffic.cases()) == 20, within_s=15)
    twins.wait_ready("alerts-1")
    await whole(traffic, 20)


async def test_a_frozen_twin_stalls_nothing_and_wakes_up_harmless(twins, traffic):
    async def talk(first: int, last: int) -> None:
        for number in range(first, last):
            await traffic.say(traffic.detection("fall", number), traffic.detection("sos", f"s{number}"))
            await asyncio.sleep(0.01)

    talking = asyncio.create_task(talk(0, 150))
    await asyncio.sleep(0.3)
    twins.freeze("alerts-1")
    try:
        await talking
        await talk(150, 200)
        assert await eventually(lambda: len(traffic.cases()) == 400, within_s=30)
    finally:
        twins.thaw("alerts-1")
    await whole(traffic, 400)


@pytest.mark.parametrize("silent", [1500, pytest.param(10_000, marks=[pytest.mark.long, pytest.mark.timeout(900)])])
async def test_a_flood_of_silent_devices_does_not_keep_a_fall_waiting(twins, traffic, silent):
    flood = [traffic.detection("technical", f"quiet-{number}", lane="bulk") for number in range(silent)]
    await traffic.say(*flood)
    said_s = time.time()
    await traffic.say(traffic.detection("fall", "fallen"))
    case = await eventually(lambda: traffic.case_of("fallen"))
    assert len(traffic.cases()) < silent  # it did not wait for the flood
    assert case["raised_at"].timestamp() - said_s < 2
    assert await eventually(lambda: len(traffic.cases()) == silent + 1, within_s=silent / 12)


async def test_what_is_no_detection_becomes_a_dead_letter_and_its_neighbours_become_cases(twins, traffic):
    home = traffic.home("beside")
    await (await traffic.send(topics.DETECTIONS_URGENT, f"no detection {home}".encode(), home))
    await traffic.say(traffic.detection("sos", "beside"))
    assert await eventually(lambda: traffic.case_of("beside"))
    letters = await letters_about(traffic.site, home.encode())
    assert {(letter.reason, letter.stage) for letter in letters} == {("bad_detection", "alerts")}
    assert len({letter.source for letter in letters}) == 1


async def test_the_stream_s_progress_is_kept_for_the_health_page(twins, traffic):
    source = f"source-{traffic.run}"

    async def say() -> bool:
        now_s = time.time()
        said = Progress(
            group="stream", worker="stream-1", lane="bulk", partition=5, source=source, watched_until_s=now_s, clock="wall",
            offset=41, lag=2, frames=1, rows=1, at_wall_s=now_s,
        )  # fmt: skip
        await (await traffic.send(topics.PROGRESS, progress.encode(said), "", partition=0))
        return bool(traffic.rows("SELECT 1 FROM pipeline WHERE source = %s AND next_offset = 42 AND lag = 2", source))

    async with asyncio.timeout(20):
        while not await say():  # noqa: ASYNC110 - what is waited for is in another process
            await asyncio.sleep(0.2)


async def test_an_unclaimed_sos_reaches_all_desks_and_an_orderly_stop_is_quick(twins, traffic):
    await traffic.say(traffic.detection("sos", "alone"))
    case = await eventually(lambda: traffic.case_of("alone"))
    traffic.rows(
        "UPDATE cases SET queued_at = queued_at - interval '30 s' WHERE case_id = %s RETURNING 1", case["case_id"]
    )
    # Last, for a sweep between the two would find that nothing is due yet.
    traffic.rows("UPDATE case_timers SET due_at = now() WHERE case_id = %s RETURNING 1", case["case_id"])
    assert await eventually(lambda: traffic.case_of("alone")["rung"] == 1)
    before = len(twins.log("alerts-1"))
    began_s = time.monotonic()
    await asyncio.to_thread(twins.stop, *TWINS)
    assert time.monotonic() - began_s < 14  # the supervisor kills after 15 s; ours take 4 at most, each
    assert "broken off" not in twins.log("alerts-1")[before:]


async def test_what_burnt_before_a_restart_burns_after_it_and_its_timers_go_on(twins, traffic):
    await traffic.say(traffic.detection("smoke", "fire"))
    case = await eventually(lambda: traffic.case_of("fire"))
    await asyncio.to_thread(twins.stop, *TWINS)
    traffic.rows("DELETE FROM case_timers WHERE case_id = %s RETURNING 1", case["case_id"])
    traffic.rows(
        "UPDATE cases SET queued_at = queued_at - interval '1 h' WHERE case_id = %s RETURNING 1", case["case_id"]
    )
    await traffic.say(traffic.detection("sos", "meanwhile"))
    await asyncio.to_thread(twins.start, *TWINS)
    burning = await eventually(lambda: (found := traffic.case_of("fire"))["rung"] == 4 and found)
    assert (burning["case_id"], burning["handling"], burning["condition"]) == (case["case_id"], "QUEUED", "on")
    assert await eventually(lambda: traffic.case_of("meanwhile"))


async def test_no_detection_is_lost_when_the_database_dies_and_comes_back(own_stages):
    own_stages.start(*TWINS)
    async with Traffic(own_stages.site) as traffic:
        await traffic.say(*[traffic.detection("fall", number) for number in range(50)])
        await eventually(lambda: traffic.cases())
        pids = {own_stages.state(twin).pid for twin in TWINS}
        own_stages.kill("timescale")
        for number in range(50, 100):
            await traffic.say(
                traffic.detection("sos", number), traffic.detection("technical", f"t{number}", lane="bulk")
            )
        await asyncio.to_thread(own_stages.wait_service, "timescale")
        await whole(traffic, 150)
        assert {own_stages.state(twin).pid for twin in TWINS} == pids  # they waited; they did not die


async def test_an_sos_while_the_database_is_away_is_a_case_within_five_seconds_of_its_return(own_stages):
    own_stages.start(*TWINS)
    async with Traffic(own_stages.site) as traffic:
        await traffic.say(traffic.detection("sos", "before"))
        await eventually(lambda: traffic.case_of("before"))
        await asyncio.to_thread(own_stages.stop, "timescale")
        for number in range(10):
            await traffic.say(traffic.detection("sos", number))
            await asyncio.sleep(1.0)  # long enough for the longest pause between two tries
        own_stages.supervisor.again("timescale")
        await asyncio.to_thread(own_stages.wait_service, "timescale")
        returned_s = time.time()
        cases = await whole(traffic, 11)
        raised_s = [case["raised_at"].timestamp() - returned_s for case in cases]
        assert max(raised_s) < 5, raised_s


async def test_every_change_is_told_when_the_broker_dies_and_comes_back(own_stages):
    own_stages.start(*TWINS)
    async with Traffic(own_stages.site) as traffic:
        await traffic.say(*[traffic.detection("fall", number) for number in range(30)])
        await eventually(lambda: traffic.cases())
        own_stages.kill("kafka")
        await asyncio.to_thread(own_stages.wait_service, "kafka")
    async with Traffic(own_stages.site) as after:
        after.run = traffic.run
        await after.say(*[after.detection("sos", f"later-{number}") for number in range(30)])
        await whole(after, 60, within_s=90)
