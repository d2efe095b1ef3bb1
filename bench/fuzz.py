"""Messages that nobody should send, beside ordinary ones: nothing stops, every one is accounted for, the others are untouched. ``./shouwang bench fuzz``.

First every message is judged here, by the bridge's own intake: each must come to something, and none may be a fault of the program. Then the same
messages go through the broker to the running stages, while an ordinary load goes the whole way beside them.
"""

import asyncio
import contextlib
import secrets
import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bench import flow
from bench.hostile import Spoiler
from bench.load import AREA_BENCH, Load
from bench.pipe import Pipe
from contracts.clocks import WallClock
from contracts.topics import PARTITIONS
from deploy.site import LOOPBACK, Site
from deploy.steps import say, step
from deploy.supervise import Supervisor
from ingest import state_file
from ingest.event_time import EventTimes
from ingest.intake import Intake
from storage.database import Connection, connect
from storage.queries import fetch_one, query

COUNT = 1_000_000
RATE_PER_S = 4000.0
HOMES = 200
VALID_PER_S = 300.0
SOURCE = "main"
QUIET_S = 20.0
"""It has come to rest when no figure moved for so long, s."""
_LETTERS = query("bench_letters")


def judge(seed: int, count: int, prefix: str) -> dict[str, Any]:
    """What the bridge's intake makes of the messages, without a broker."""
    intake = Intake(WallClock(), EventTimes(), PARTITIONS)
    reasons: Counter[str] = Counter()
    found = Counter(rows=0, refused=0, ignored=0, nothing=0)
    for message in Spoiler(seed, AREA_BENCH, prefix).messages(count):
        taken = intake.take(message.topic, message.payload, live=True)
        found["rows"] += len(taken.rows)
        found["refused"] += len(taken.refusals)
        found["ignored"] += bool(taken.ignored)
        found["nothing"] += not (taken.rows or taken.refusals or taken.ignored)
        reasons.update(refusal.reason for refusal in taken.refusals)
    return {**found, "faults": reasons["gate_error"], "reasons": dict(reasons.most_common())}


async def measure(site: Site, count: int, rate_per_s: float, seed: int) -> dict[str, Any]:
    """Run it on a site whose stages run; the figures. ``ok`` says whether all of it held."""
    run = f"f{secrets.token_hex(3)}"
    prefix = f"{run}-x"
    with step("bench", f"judge {count:,} messages", long=True):
        judged = await asyncio.to_thread(judge, seed, count, prefix)
    connection = await connect(site.conninfo(), "bench", lock_s=10, idle_s=600)
    try:
        with step("bench", f"register {HOMES} homes", long=True):
            gateway, desk = await flow.register(connection, site, run, HOMES)
        load = Load(run, HOMES, VALID_PER_S, 1.0, 0.5, 1.0)
        pipe = Pipe(lambda _: None, limit=2_000)
        try:
            await load.connect(LOOPBACK, site.ports.mqtt, f"bench-{run}", gateway, connections=1)
            await pipe.open(LOOPBACK, site.ports.mqtt, f"fuzz-{run}", f"bench-{run}", gateway)
            since = datetime.now(UTC)
            before, pids = await _counts(site, connection, since), _pids(site)
            ordinary = asyncio.create_task(flow.measure_load(site, connection, load, count / rate_per_s, desk))
            await _publish(pipe, Spoiler(seed, AREA_BENCH, prefix), count, rate_per_s)
            figures = await ordinary
            after = await _at_rest(site, connection, since)
        finally:
            pipe.close()
            load.close()
            await flow.unregister(connection, site, run, HOMES)
        return _figures(count, judged, figures, before, after, pids, _pids(site), load)
    finally:
        await connection.close()


async def _publish(pipe: Pipe, spoiler: Spoiler, count: int, rate_per_s: float) -> None:
    began_s = time.monotonic()
    for number, message in enumerate(spoiler.messages(count)):
        pipe.publish(message.topic.encode(), message.payload)
        if number % 100 == 0:
            await pipe.room()
            await asyncio.sleep(max(0.0, number / rate_per_s - (time.monotonic() - began_s)))
        if number and number % 100_000 == 0:
            say("bench", f"{number:,} of {count:,} hostile messages")
    if not await pipe.settled(120):
        raise ConnectionError("the broker did not acknowledge every message")


async def _counts(site: Site, connection: Connection, since: datetime) -> dict[str, int]:
    """What the bridge and the database count by now."""
    said = state_file.read(site.data, SOURCE)
    assert said is not None
    letters = await fetch_one(connection, _LETTERS, since=since)
    return {
        # Everything comes over the bulk connection once, our own receipts too.
        "received": said.messages.get("bulk", 0) - sum(said.receipts.values()),
        "refused": said.refused,
        "readings": said.readings,
        "letters": int(letters["letters"]) if letters else 0,
    }


async def _at_rest(site: Site, connection: Connection, since: datetime) -> dict[str, int]:
    seen, since_s = await _counts(site, connection, since), time.monotonic()
    with step("bench", "wait until every refusal is a dead letter"):
        while time.monotonic() - since_s < QUIET_S:
            await asyncio.sleep(1.0)
            with contextlib.suppress(AssertionError):
                now = await _counts(site, connection, since)
                if now != seen:
                    seen, since_s = now, time.monotonic()
    return seen


def _pids(site: Site) -> dict[str, int]:
    return {state.name: state.pid for state in Supervisor(site).states() if state.pid}


def _figures(
    count: int,
    judged: Mapping[str, Any],
    ordinary: Mapping[str, Any],
    before: Mapping[str, int],
    after: Mapping[str, int],
    pids_before: Mapping[str, int],
    pids_after: Mapping[str, int],
    load: Load,
) -> dict[str, Any]:
    moved = {name: after[name] - before[name] for name in after}
    watched = ordinary["watched"]
    crashes = sum(pids_after.get(name) != pid for name, pid in pids_before.items())
    valid = {name: ordinary[name] for name in ("sent", "stored", "lost", "gaps")}
    valid |= {"calls": watched["calls"], "calls_cased": watched["calls_cased"]}
    held = {
        "each came to something": judged["nothing"] == judged["faults"] == 0,
        "nothing crashed": crashes == 0,
        "all came to the bridge": moved["received"] == count + load.sent,
        "each refusal is a dead letter": moved["refused"] == moved["letters"] > 0,
        "ordinary ones are untouched": valid["lost"] == valid["gaps"] == 0 and watched["calls"] == watched["calls_cased"],
    }  # fmt: skip
    return {
        "messages": count, "ok": all(held.values()), "held": held, "crashes": crashes, "judged": dict(judged), **moved, "valid": valid,
        "latency_ms": ordinary["latency_ms"], "rss_mb": ordinary["rss_mb"],
    }  # fmt: skip


def tell(figures: Mapping[str, Any]) -> None:
    """The figures in words."""
    judged, valid = figures["judged"], figures["valid"]
    print(f"{figures['messages']:,} hostile messages: {judged['rows']:,} readings taken, {judged['refused']:,} refused, {judged['ignored']:,} ignored,"
          f" {judged['nothing']} came to nothing, {judged['faults']} faults of the program")  # fmt: skip
    print(f"  through the bridge: {figures['received']:,} received (ordinary ones too), {figures['refused']:,} refused, {figures['letters']:,} dead letters,"
          f" {figures['crashes']} crashes")  # fmt: skip
    print(f"  beside them: {valid['sent']:,} ordinary, {valid['stored']:,} stored, {valid['lost']} lost, {valid['calls']} presses, {valid['calls_cased']} cases")  # fmt: skip
    for what, held in figures["held"].items():
        print(f"  {'yes' if held else 'NO '}  {what}")
