"""The whole way under load: how many messages, how late, at what cost. ``./shouwang bench flow --rate 5000 --seconds 60``.

Everything is real: TLS or loopback listener, Mosquitto, bridge, Kafka, stream, alerts, writer, api. Latencies are wall clock on one machine:

    publish_to_detection  to Kafka's own time of the detection's record; ``urgent``: SOS presses, ``other``: gas readings in the other lane
    publish_to_case       to the case's raised_at
    publish_to_sse        to the event in an operator's open stream
    publish_to_stored     to the row being visible to a reader of the database (asked every 50 ms)
"""

import asyncio
import contextlib
import json
import math
import os
import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import profile
from bench.growth import Growth
from bench.load import AREA_BENCH, DEVICES, Load, home_name
from bench.observing import Costs, Detections, Stream, watch_probes
from deploy.site import LOOPBACK, Site
from deploy.steps import say, step
from deploy.supervise import Supervisor
from simulators.checker import percentile
from storage import accounts, people
from storage.database import Connection, connect
from storage.queries import fetch_all, fetch_one, query
from storage.records import Device, Home, Resident, User

HOMES = 1000
URGENT_SHARE = 0.001
"""SOS presses among the messages, and gas leaks a second: 5 and 2 a second at 5,000/s, some 25,000 alarms an hour, so that a minute gives
enough of them for a 99th percentile. A city of 33,000 homes has tens an hour."""
LEAKS_PER_S = 2.0
PROBES_PER_S = 10.0
WARM_S = 30.0
"""Before the load that counts, the same load uncounted: every home is heard, and Kafka's compiler, which takes as much of a core as the rest
of Kafka in its first half minute, is done."""
SETTLE_S = 20.0
"""It has come to rest when nothing moved for so long, s."""
LOOK_S, LOOKS = 3.0, 60
"""What processes hold is looked at so often in a run, but not more often than every so many seconds: it costs some milliseconds each."""
_CASES = query("bench_cases")
_STORED = query("bench_stored")
_GAPS = query("bench_gaps")
_CARDS = query("checker_cards_waiting")
_LETTERS = query("checker_dead_letters")


async def measure(
    site: Site, rate_per_s: float, seconds: float, homes: int = HOMES, profiles: Path | None = None
) -> dict[str, Any]:
    """Run the load on a site whose stages run; the figures."""
    run = f"b{secrets.token_hex(3)}"
    connection = await connect(site.conninfo(), "bench", lock_s=10, idle_s=600)
    try:
        with step("bench", f"register {homes} homes", long=True):
            gateway, desk = await register(connection, site, run, homes)
        load = Load(run, homes, rate_per_s, rate_per_s * URGENT_SHARE, LEAKS_PER_S, PROBES_PER_S)
        await load.connect(LOOPBACK, site.ports.mqtt, f"bench-{run}", gateway)
        try:
            return await measure_load(site, connection, load, seconds, desk, profiles)
        finally:
            load.close()
            with step("bench", "take the homes away again"):
                await unregister(connection, site, run, homes)
    finally:
        await connection.close()


async def register(connection: Connection, site: Site, run: str, homes: int) -> tuple[str, str]:
    """Homes with devices, a gateway account, a desk; passwords of the two."""
    records: list[Home | Resident | Device] = []
    for number in range(homes):
        home_id = home_name(run, number)
        records += [
            Home(home_id, f"{AREA_BENCH}001", address="负载 load"),
            Resident(f"{home_id}-r1", home_id, "负载 load"),
        ]
        records += [Device(home_id, each.device_id, each.role, each.room) for each in DEVICES]
    account = accounts.Account(f"bench-{run}", "gateway", AREA_BENCH)
    async with connection.transaction():
        await people.register(connection, records, actor="bench", reason="load")
        passwords = await accounts.create(connection, [account])
        desk = await people.add_user(
            connection, User(f"desk-{run}", "operator", "load", area_prefix=AREA_BENCH), actor="bench"
        )
    await accounts.install(connection, site)
    ids = [home_name(run, number) for number in range(homes)]
    async with asyncio.timeout(120):
        while True:
            row = await fetch_one(connection, _CARDS, homes=ids)
            if row is not None and row["waiting"] == 0:
                return passwords[account.name], desk
            await asyncio.sleep(0.2)


async def unregister(connection: Connection, site: Site, run: str, homes: int) -> None:
    """Take away what ``register`` made."""
    async with connection.transaction():
        for number in range(homes):
            await people.remove_home(connection, home_name(run, number), actor="bench", reason="load is over")
        await people.set_active(connection, f"desk-{run}", False, actor="bench")
        await accounts.revoke(connection, f"bench-{run}")
    await accounts.install(connection, site)


async def measure_load(
    site: Site, connection: Connection, load: Load, seconds: float, desk: str, profiles: Path | None = None
) -> dict[str, Any]:
    """Warm up, publish, wait until all is at rest; the figures. ``profiles``: folder for flame graphs of the stages under this load."""
    detections = Detections(site.kafka, load.run)
    stream = Stream(f"http://{LOOPBACK}:{site.ports.api}", f"desk-{load.run}", desk, load.run)
    probes_seen: dict[int, float] = {}
    looking = await connect(site.conninfo(), "bench probe")
    ready = [asyncio.Event(), asyncio.Event()]
    watchers = [
        asyncio.create_task(detections.run(ready[0])),
        asyncio.create_task(stream.run(ready[1])),
        asyncio.create_task(watch_probes(looking, home_name(load.run, 0), load.boot, probes_seen)),
    ]
    try:
        await _all_ready(ready, watchers)
        with step("bench", f"warm up {WARM_S:g} s"):
            await load.warm(WARM_S)
        pids = {state.name: state.pid for state in Supervisor(site).states() if state.pid}
        costs = Costs({**pids, "generator": os.getpid()})
        before = load.sent
        with step("bench", f"{load.rate_per_s:g} messages/s for {seconds:g} s", long=True) as done:
            growth = Growth(pids)
            looking_on = asyncio.create_task(growth.run(max(LOOK_S, seconds / LOOKS)))
            try:
                with profile.recording(pids, profiles, seconds):
                    await load.publish(seconds)
            finally:
                looking_on.cancel()
            growth.look()
            done.note = f"{load.sent - before} sent, {load.acknowledged} acknowledged"
        stored = await _settled(connection, load, detections, stream)
        used_s, rss_mb = costs.used_s(), costs.rss_mb()
        figures = await _figures(
            connection, load, load.sent - before, stored, used_s, rss_mb, detections, stream, probes_seen
        )
        return figures | {"growth": growth.figures()}
    finally:
        for watcher in watchers:
            watcher.cancel()
        await asyncio.gather(*watchers, return_exceptions=True)
        await looking.close()


async def _all_ready(ready: Sequence[asyncio.Event], watchers: Sequence[asyncio.Task[None]]) -> None:
    waiting = [asyncio.create_task(event.wait()) for event in ready]
    done, _ = await asyncio.wait([*waiting, *watchers], return_when=asyncio.FIRST_COMPLETED, timeout=60)
    while not all(task.done() for task in waiting):
        for task in watchers:
            if task in done:
                task.result()
        done, _ = await asyncio.wait(
            [task for task in (*waiting, *watchers) if not task.done()], return_when=asyncio.FIRST_COMPLETED, timeout=60
        )
        if not done:
            raise TimeoutError("the bench's watchers were not ready within a minute")


async def _settled(connection: Connection, load: Load, detections: Detections, stream: Stream) -> int:
    """Wait until everything is stored and detected, or nothing moves any more; how many rows are stored."""
    seen: tuple[int, ...] = ()
    since_s = time.monotonic()
    wanted = (load.readings_acknowledged, len(load.calls), len(load.calls), len(load.leaks), 0)
    with step("bench", "wait until everything is stored and detected"):
        while seen != wanted and time.monotonic() - since_s < SETTLE_S:
            asked_s = time.monotonic()
            row = await fetch_one(connection, _STORED, prefix=f"{load.run}-", boot=load.boot)
            told = sum((home, "call") in detections.at_wall_s for home in load.calls)
            shown = sum((home, "sos") in stream.at_wall_s for home in load.calls)
            leaks = sum((home, "gas") in detections.at_wall_s for home in load.leaks)
            # Accounts of numbers follow the rows by some seconds.
            gaps = await fetch_one(connection, _GAPS, prefix=f"{load.run}-", boot=load.boot)
            now = (int(row["readings"]) if row else 0, told, shown, leaks, int(gaps["missing"]) if gaps else 0)
            if now != seen:
                seen, since_s = now, time.monotonic()
            # Counting millions of rows takes as long as it takes; the rest of the machine has its turn in between.
            await asyncio.sleep(max(0.2, time.monotonic() - asked_s))
    return seen[0]


async def _figures(
    connection: Connection,
    load: Load,
    sent: int,
    stored: int,
    used_s: Mapping[str, float],
    rss_mb: Mapping[str, float],
    detections: Detections,
    stream: Stream,
    probes_seen: Mapping[int, float],
) -> dict[str, Any]:
    prefix = f"{load.run}-"
    gaps = await fetch_one(connection, _GAPS, prefix=prefix, boot=load.boot)
    letters = await fetch_one(connection, _LETTERS, prefix=prefix)
    raised = {
        (row["home_id"], row["family"]): row["raised_wall_s"]
        for row in await fetch_all(connection, _CASES, prefix=prefix)
    }
    urgent = _after_s((detections.at_wall_s.get((home, "call")), left.at_wall_s) for home, left in load.calls.items())
    other = _after_s((detections.at_wall_s.get((home, "gas")), left.at_wall_s) for home, left in load.leaks.items())
    case = _after_s((raised.get((home, "sos")), left.at_wall_s) for home, left in load.calls.items())
    sse = _after_s((stream.at_wall_s.get((home, "sos")), left.at_wall_s) for home, left in load.calls.items())
    kept = _after_s((probes_seen.get(seq), at_s) for seq, at_s in load.probes.items())
    dead = int(letters["letters"]) if letters else 0
    return {
        "rate_per_s": round(sent / (load.ended_s - load.began_s), 1),
        "seconds": round(load.ended_s - load.began_s, 1),
        "sent": load.sent,
        "acked": load.acknowledged,
        "stored": stored,
        "dead_letters": dead,
        "gaps": int(gaps["missing"]) if gaps else 0,
        "lost": max(0, load.readings_acknowledged - stored - dead),
        "latency_ms": {
            "publish_to_detection": {**_ms([*urgent, *other]), "urgent": _ms(urgent), "other": _ms(other)},
            "publish_to_case": _ms(case),
            "publish_to_sse": _ms(sse),
            "publish_to_stored": _ms(kept),
        },
        "lag_s": _lag_s(load, probes_seen),
        "cpu_us_per_message": {stage: round(seconds / sent * 1e6, 1) for stage, seconds in sorted(used_s.items())},
        "rss_mb": dict(sorted(rss_mb.items())),
        "watched": {
            "calls": len(load.calls), "calls_detected": len(urgent), "calls_cased": len(case), "calls_shown": len(sse),
            "leaks": len(load.leaks), "leaks_detected": len(other), "probes": len(load.probes), "probes_seen": len(kept),
        },
        "machine": {"cores": os.cpu_count(), "load_1min": round(os.getloadavg()[0], 1)},
    }  # fmt: skip


def _lag_s(load: Load, seen_s: Mapping[int, float]) -> dict[str, float | None]:
    """Median time to a stored row in the first and in the last fifth of the load, s: the same where no lag grows."""
    took = [seen_s[seq] - at_s if seq in seen_s else math.inf for seq, at_s in sorted(load.probes.items())]
    fifth = max(1, len(took) // 5)
    first, last = percentile(took[:fifth], 0.5), percentile(took[-fifth:], 0.5)
    return {"first": None if first is None else round(first, 2), "last": None if last is None else round(last, 2)}


def _after_s(pairs: Iterable[tuple[float | None, float]]) -> list[float]:
    return [at_s - left_s for at_s, left_s in pairs if at_s is not None]


def _ms(values_s: Sequence[float]) -> dict[str, float | None]:
    found = {"p50": percentile(values_s, 0.5), "p99": percentile(values_s, 0.99), "max": max(values_s, default=None)}
    return {name: None if value is None else round(value * 1000, 1) for name, value in found.items()}


GROWTH_HEADINGS = ("process", "MB", "MB an hour", "files", "connections", "flat")
LAG_GROWN_S = 1.0
"""The way to a stored row may take so much longer at the end than at the begin, s."""


def grew(figures: Mapping[str, Any]) -> list[str]:
    """Processes whose memory, files or connections grew, and ``lag`` where the way to the database did."""
    found = [process for process, held in figures["growth"].items() if not held["flat"]]
    first, last = figures["lag_s"]["first"], figures["lag_s"]["last"]
    if first is None or last is None or last - first > LAG_GROWN_S:
        found.append("lag")
    return found


def growth_table(figures: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """A row for each process: settled and at the end."""
    return [
        (
            process,
            *(" to ".join(map(str, held["rss_mb"])), f"{held['rss_mb_an_hour']:+}"),
            *(" to ".join(map(str, held[what])) for what in ("files", "connections")),
            "yes" if held["flat"] else "NO",
        )
        for process, held in figures["growth"].items()
    ]


def tell(figures: Mapping[str, Any]) -> None:
    """The figures in words."""
    print(f"{figures['rate_per_s']:,} messages/s for {figures['seconds']} s: sent {figures['sent']:,}, acknowledged {figures['acked']:,},"
          f" stored {figures['stored']:,}, lost {figures['lost']}, gaps {figures['gaps']}")  # fmt: skip
    for name, values in figures["latency_ms"].items():
        lanes = "".join(
            f"   {lane} p50 {values[lane]['p50']} p99 {values[lane]['p99']}"
            for lane in ("urgent", "other")
            if lane in values
        )
        print(f"  {name:<22} p50 {values['p50']} ms  p99 {values['p99']} ms{lanes}")
    for stage, cost in figures["cpu_us_per_message"].items():
        print(f"  {stage:<22} {cost:>7} µs a message   {figures['rss_mb'].get(stage, 0):>8} MB")
    with contextlib.suppress(BrokenPipeError):
        say("bench", json.dumps(figures["watched"]))
