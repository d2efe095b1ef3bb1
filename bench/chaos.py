"""Everything dies, freezes, leaves and comes back while homes live and a load runs; then it is counted what was lost or shown twice.

Two things run beside each other: a simulated neighbourhood at 30 times the speed of life on a bridge of its own, with every scenario in its
ledger, and a load on the wall clock with presses and leaks. ``bench/faults.py`` draws what happens, ``bench/standing.py`` says when all is back.

    kills        processes that were killed (SIGKILL to all of their processes)
    expected     causes in both ledgers; ``raised`` of them have a case
    lost         causes without a case; ``duplicated``: cases or detections beyond the first of one cause
    sent         readings that the MQTT broker acknowledged, each number once; ``stored`` and ``gaps`` (missing numbers) of them
    recovery_s   from the instant at which a fault was taken back (a kill: the kill itself; a restart: the order to stop) until
                 everything stands and has caught up (``bench.standing``). How long something was held frozen or gone is
                 not in it, nor is what a later fault held meanwhile: nobody comes back while the database is gone.
                 The writer accounts every 5 s, so hardly anything can be seen to be back sooner than that.

A cause that was noticed later than it was due is lost too, but the time in which a fault, or the recovery from one, held the way up is
added to what is due: a frozen bridge passes nothing on, and what is promised then is that nothing is lost, not when it comes.
"""

import asyncio
import contextlib
import json
import os
import secrets
import signal
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import psutil

from bench import flow
from bench.faults import ALONE, BROKER, CLOCK, DISK, Fault, plan
from bench.lasting_load import LastingLoad
from bench.load import home_name
from bench.moved_clock import HOUR_S, MovedClock
from bench.small_disk import SmallDisk
from bench.standing import Standing
from cli._neighbourhood import cards_published, prepare
from cli._progress import SOURCE
from cli._simulation import SEED as HOMES_SEED
from cli._simulation import simulate
from contracts.errors import ShouwangError
from deploy.services import SERVICES
from deploy.site import LOOPBACK, Site
from deploy.stages import LATER, STAGES, Stage, process
from deploy.steps import say, step
from deploy.supervise import Supervisor
from ingest import state_file
from simulators.checker import Signal, Verdict, percentile, totals, verdict
from simulators.clock import VirtualClock, next_start_s
from simulators.mqtt import Address
from simulators.neighbourhood import neighbourhood
from storage.database import Connection, connect
from storage.queries import fetch_all, fetch_one, query

SPEED, START_HOUR = 30.0, 10.0
"""Of the simulated homes. A hub is silent after 90 s of its time, which is 3 s here: long enough that a machine short of time does not
look like a city fallen silent. In the hours that follow everything but wandering at night can happen."""
HOMES = 50
LOAD_HOMES_PER_S = 1.5
"""Homes of the load for each second of the run, 200 to 1,000: each rings once at most."""
HOME_PER_S = 2.3
"""Readings a second of one simulated home at that speed, about; the load brings what is missing to the rate."""
LEAD_S = 10.0
"""Everything must stand once before the first fault, and so long the homes live before it at least, s."""
SPARE_S = 20.0
"""After the last fault everything planned is due, and so long the homes go on, s."""
BASELINE_S = 90.0
"""Longest wait for everything to stand before the first fault, s."""
GIVE_UP_S = 180.0
"""Who is not back after this is not coming back, s."""
LOOK_S = 0.5
SETTLE_S = 60.0
FORGETS_S = 6.0
"""What a killed broker may forget: what it acknowledged since it last saved (``autosave_interval``, 5 s), and what it was saving."""
DEMO = f"ingest-{SOURCE}"
GROUPS = ("stream", "stream-urgent-1", "stream-urgent-2")
"""Of the stream's workers: what each says in its progress."""
MORE_WORKERS = tuple(
    Stage(f"stream-{number}", ("stream", "bulk"), {"SHOUWANG_STREAM_INSTANCE": f"stream-{number}"}, 130, LATER)
    for number in (3, 4)
)
OURS = (DEMO, *(worker.name for worker in MORE_WORKERS))
"""Processes that belong to a run of faults alone."""
_SIGNALS, _STORED, _GAPS = query("checker_signals"), query("checker_stored"), query("checker_gaps")


class NeverStood(ShouwangError):
    """Before the first fault the system did not stand within {within_s:g} s: {lacks}. Nothing was done to it. Look at the logs in {log}."""


class NeverBack(ShouwangError):
    """{name} did not run again within {within_s:g} s of its last fault. See {log}."""


class InContainers(ShouwangError):
    """Services in containers are not under the supervisor, which is what this kills and freezes them with. Run it with --native."""


class Interrupted(ShouwangError):
    """The run was stopped before its end, so there is no verdict."""


class Done(msgspec.Struct, kw_only=True):
    """One fault as it was done."""

    at_s: float
    kind: str
    target: str
    held_s: float
    back_wall_s: float
    """When it was taken back."""
    recovery_s: float | None = None
    """None: had not come back within GIVE_UP_S."""
    lacked: str = ""
    """What was missing last."""


def _family(pid: int) -> list[psutil.Process]:
    """A process and all that it started: PostgreSQL gives each of its own a process group, which a signal to the first one's does not reach."""
    first = psutil.Process(pid)
    return [first, *first.children(recursive=True)]


def _tell(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        for each in _family(pid):
            with contextlib.suppress(psutil.NoSuchProcess):
                each.send_signal(number)


class Havoc:
    """Does the faults of a plan to one site, one after the other, and watches each recovery."""

    def __init__(
        self, site: Site, standing: Standing, clock: MovedClock | None = None, disk: SmallDisk | None = None
    ) -> None:
        self._site, self._standing, self._clock, self._disk = site, standing, clock, disk
        self._supervisor = Supervisor(site)
        self._frozen: int | None = None
        self._holding = False
        """Whether a fault holds now."""
        self.done: list[Done] = []
        self.held_wall_s: list[tuple[float, float]] = []

    async def run(self, faults: Sequence[Fault]) -> None:
        """Do them at their instants, or as soon as the one before was taken back; returns when all have recovered."""
        began_s = time.monotonic()
        watching: list[asyncio.Task[None]] = []
        try:
            for fault in faults:
                await asyncio.sleep(max(0.0, began_s + fault.at_s - time.monotonic()))
                begin_wall_s = time.time()
                at_s = time.monotonic() - began_s
                self._holding = True
                try:
                    back_wall_s = await self._do(fault)
                finally:
                    self._holding = False
                done = Done(
                    at_s=round(at_s, 1), kind=fault.kind, target=fault.target, held_s=round(time.time() - begin_wall_s, 1), back_wall_s=back_wall_s,
                )  # fmt: skip
                self.done.append(done)
                watching.append(asyncio.create_task(self._recovers(done, begin_wall_s)))
            await asyncio.gather(*watching)
        finally:
            for task in watching:
                task.cancel()
            if self._frozen is not None:
                _tell(self._frozen, signal.SIGCONT)

    async def _do(self, fault: Fault) -> float:
        """The wall instant at which it was taken back."""
        match fault.kind:
            case "kill":
                pid = await self._pid(fault.target)
                await asyncio.to_thread(_tell, pid, signal.SIGKILL)
                return time.time()
            case "freeze":
                self._frozen = await self._pid(fault.target)
                try:
                    await asyncio.to_thread(_tell, self._frozen, signal.SIGSTOP)
                    await asyncio.sleep(fault.hold_s)
                finally:
                    _tell(self._frozen, signal.SIGCONT)
                    self._frozen = None
                return time.time()
            case "restart" | "gone":
                began_s = time.time()
                await asyncio.to_thread(self._supervisor.stop, fault.target)
                try:
                    await asyncio.sleep(fault.hold_s)
                finally:
                    back_s = time.time() if fault.kind == "gone" else began_s
                    await asyncio.to_thread(self._supervisor.again, fault.target)
                return back_s
            case "join":
                more = [process(self._site, worker) for worker in MORE_WORKERS]
                await asyncio.to_thread(self._supervisor.start, *more)
                try:
                    await asyncio.sleep(fault.hold_s)
                finally:
                    left_s = time.time()
                    await asyncio.to_thread(self._supervisor.stop, *(worker.name for worker in MORE_WORKERS))
                return left_s
            case "ahead" | "behind":
                assert self._clock is not None
                try:
                    self._clock.move(HOUR_S if fault.kind == "ahead" else -HOUR_S)
                    await asyncio.sleep(fault.hold_s)
                finally:
                    self._clock.move(0)
                return time.time()
            case "full":
                assert self._disk is not None
                until_s = time.monotonic() + fault.hold_s
                try:
                    # A database that comes back from its log gives room back; a disk that somebody else fills does not.
                    while time.monotonic() < until_s:
                        await asyncio.to_thread(self._disk.fill)
                        await asyncio.sleep(1.0)
                finally:
                    await asyncio.to_thread(self._disk.empty)
                return time.time()

    async def _pid(self, name: str) -> int:
        """Of a process that may be about to be started again after the fault before."""
        limit_s = time.monotonic() + GIVE_UP_S
        while not (pid := (await asyncio.to_thread(self._supervisor.state, name)).pid):
            if time.monotonic() > limit_s:
                raise NeverBack(name=name, within_s=GIVE_UP_S, log=self._site.log(name))
            await asyncio.sleep(0.1)
        return pid

    async def _recovers(self, done: Done, begin_wall_s: float) -> None:
        now_s = time.time()
        took_s = max(0.0, now_s - done.back_wall_s)
        while took_s < GIVE_UP_S:
            done.lacked = await self._standing.lacks(done.back_wall_s)
            before_s, now_s = now_s, time.time()
            took_s += 0.0 if self._holding else now_s - before_s
            if not done.lacked:
                done.recovery_s = round(took_s, 1)
                break
            await asyncio.sleep(LOOK_S)
        self.held_wall_s.append((begin_wall_s, now_s))
        how = f"back after {done.recovery_s} s" if done.recovery_s is not None else f"NOT BACK: {done.lacked}"
        say("chaos", f"{done.at_s:6.1f} s  {done.kind:<8}{done.target:<16} held {done.held_s:5.1f} s  {how}")


async def measure(
    site: Site,
    seconds: float,
    seed: int,
    *,
    rate_per_s: float,
    homes: int,
    broker_kills: bool,
    gone_s: float | None,
    clock: MovedClock | None = None,
    disk: SmallDisk | None = None,
) -> dict[str, Any]:
    """Run the faults on a site whose stages run; the report. Raises TooShort, InContainers, NeverStood, NeverBack, Interrupted.

    ``clock``: the stages were started with its settings. ``disk``: the database has moved in. Without one its faults are left out, and named so.
    """
    stages, services = [*(entry.name for entry in STAGES), DEMO], [entry.name for entry in SERVICES]
    made = {CLOCK: clock is not None, DISK: disk is not None}
    alone = [target for target in ALONE if made.get(target, True)]
    faults = plan(seconds, seed, stages, services, broker_kills=broker_kills, gone_s=gone_s, alone=alone)
    if not {*services} <= {state.name for state in Supervisor(site).states()}:
        raise InContainers
    lasts_s = LEAD_S + seconds + SPARE_S
    before = state_file.read(site.data, SOURCE)  # of an earlier run on the same data: a source's clock may not go back
    virtual_0_s = next_start_s(START_HOUR, [time.time(), *([before.now_s] if before else [])])
    with step("homes", f"register {homes}; simulated days of each through the learner", long=True):
        prepared = await prepare(site, neighbourhood(homes, HOMES_SEED), virtual_0_s)
    load = await _load(site, seconds, seed, rate_per_s - homes * HOME_PER_S)
    await cards_published(site)
    standing = Standing(site, [*stages, *services], {"main": 1.0, SOURCE: SPEED}, GROUPS)
    havoc = Havoc(site, standing, clock, disk)
    folder = site.data / "demo" / "run"
    (folder / "held.json").unlink(missing_ok=True)

    async def live() -> dict[str, Any]:
        found = await simulate(
            site, homes=homes, virtual_0_s=virtual_0_s, speed=SPEED, for_s=lasts_s, credentials=prepared.credentials,
            learned=prepared.learned, check=True, spare_s=SPARE_S, before_check=recovered,
            settings=clock.settings if clock else {},
        )  # fmt: skip
        if "ok" not in found:
            raise Interrupted
        return found

    async def recovered() -> None:
        standing.ended(SOURCE)  # on a slow machine the faults began late, and outlast the homes
        await doing
        (folder / "held.json").write_text(json.dumps(havoc.held_wall_s))

    async def do() -> None:
        await _stands(site, standing)
        await havoc.run(faults)

    doing = asyncio.create_task(do())
    living, publishing = asyncio.create_task(live()), asyncio.create_task(load.publish(lasts_s))
    tasks: tuple[asyncio.Task[Any], ...] = (doing, living, publishing)
    try:
        await asyncio.gather(*tasks)
        with step("load", "wait for acknowledgements and receipts"):
            await load.settled(SETTLE_S)
        with step("load", "wait until everything is stored, then ledger against cases"):
            mine = await _judged(site, load, havoc.held_wall_s)
        found = report(seconds, seed, lasts_s, living.result(), mine, load, havoc.done)
        return found | {"left_out": [target for target in ALONE if target not in alone]}
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await load.close()


async def _load(site: Site, seconds: float, seed: int, rate_per_s: float) -> LastingLoad:
    """A load with homes of its own, connected."""
    run = f"c{secrets.token_hex(3)}"
    homes = round(min(1000, max(200, LOAD_HOMES_PER_S * seconds)))
    connection = await connect(site.conninfo(), "chaos", lock_s=10, idle_s=600)
    try:
        with step("load", f"register {homes} homes"):
            gateway, _ = await flow.register(connection, site, run, homes)
    finally:
        await connection.close()
    load = LastingLoad(run, homes, max(10.0, rate_per_s), seed)
    await load.connect(Address(LOOPBACK, site.ports.mqtts, str(site.ca)), f"bench-{run}", gateway)
    return load


async def _stands(site: Site, standing: Standing) -> None:
    """Until all is well once: what did not stand before a fault cannot recover from it. Raises NeverStood."""
    began_s = time.time()
    with step("chaos", "everything stands without a fault"):
        await asyncio.sleep(LEAD_S / 2)
        while lacks := await standing.lacks(began_s):
            if time.time() - began_s > BASELINE_S:
                raise NeverStood(within_s=BASELINE_S, lacks=lacks, log=site.data / "log")
            await asyncio.sleep(LOOK_S)


async def _judged(site: Site, load: LastingLoad, held_wall_s: Sequence[tuple[float, float]]) -> Verdict:
    """The load's ledger against cases and rows, once all have come, or nothing more has for SETTLE_S."""
    seen: tuple[int, int, int] | None = None
    limit_s = 0.0
    connection = await connect(site.conninfo(), "chaos", lock_s=10, idle_s=600)
    try:
        while True:
            found = await _verdict(connection, load, held_wall_s)
            if found.missed == 0 and found.sent - found.stored == found.gaps:
                return found
            if (now := (found.missed, found.stored, found.gaps)) != seen:
                seen, limit_s = now, time.monotonic() + SETTLE_S
            elif time.monotonic() > limit_s:
                return found
            await asyncio.sleep(1.0)
    finally:
        await connection.close()


async def _verdict(connection: Connection, load: LastingLoad, held_wall_s: Sequence[tuple[float, float]]) -> Verdict:
    homes = [home_name(load.run, number) for number in range(load.homes)]
    began_s = float(load.boot)
    rows = await fetch_all(connection, _SIGNALS, homes=homes, since=datetime.fromtimestamp(began_s, UTC))
    stored = await fetch_all(connection, _STORED, homes=homes, boot=load.boot)
    gaps = await fetch_one(connection, _GAPS, homes=homes, boot=load.boot)
    sent, kept = totals(load.acknowledged, {f"{row['home_id']}.{row['device_id']}": row["readings"] for row in stored})
    return verdict(
        load.ledger,
        [msgspec.convert(row, Signal) for row in rows],
        VirtualClock(began_s, began_s, 1.0),
        run_wall_s=(began_s, time.time()),
        homes=load.homes,
        sent=sent,
        stored=kept,
        gaps=int(gaps["missing"]) if gaps else 0,
        held_wall_s=held_wall_s,
    )


def report(
    seconds: float,
    seed: int,
    lasts_s: float,
    homes: Mapping[str, Any],
    mine: Verdict,
    load: LastingLoad,
    done: Sequence[Done],
) -> dict[str, Any]:
    """The figures of both together, and whether what is promised was kept."""
    recoveries_s = [each.recovery_s for each in done if each.recovery_s is not None]
    broker_kills = sum(each.kind == "kill" and each.target == BROKER for each in done)
    sent, stored, gaps = homes["sent"] + mine.sent, homes["stored"] + mine.stored, homes["gaps"] + mine.gaps
    lost, duplicated = homes["missed"] + mine.missed, homes["duplicated"] + mine.duplicated
    rate_per_s = sent / lasts_s
    gaps_allowed = round(broker_kills * FORGETS_S * rate_per_s)
    return {
        "seconds": seconds,
        "seed": seed,
        "rate_per_s": round(rate_per_s, 1),
        "kills": sum(each.kind == "kill" for each in done),
        "faults": dict(Counter(each.kind for each in done)),
        "expected": homes["expected"] + mine.expected,
        "raised": homes["raised"] + mine.raised,
        "lost": lost,
        "duplicated": duplicated,
        "unexpected": homes["unexpected"] + mine.unexpected,
        "sent": sent,
        "stored": stored,
        "gaps": gaps,
        "gaps_allowed": gaps_allowed,
        "delivered_twice": load.repeated,
        "out_of_order": load.held_back,
        "presses_again": load.pressed_again,
        "presses_unanswered": load.unanswered,
        "recovery_s": {"p50": percentile(recoveries_s, 0.5), "max": max(recoveries_s, default=None)},
        "not_back": [f"{each.kind} {each.target}: {each.lacked}" for each in done if each.recovery_s is None],
        "kept": {
            "alerts": lost == duplicated == 0,
            "readings": sent == stored + gaps and gaps <= gaps_allowed,
            "recovery": len(recoveries_s) == len(done),
            "receipts": load.unanswered == 0,
        },
        "by_fault": msgspec.to_builtins(list(done)),
        "homes": {name: homes[name] for name in ("expected", "raised", "sent", "stored", "gaps", "latency_ms", "by_scenario")},
        "load": {"expected": mine.expected, "raised": mine.raised, "sent": mine.sent, "stored": mine.stored, "gaps": mine.gaps, "latency_ms": mine.latency_ms},
        "wrong": [*homes["faults"], *mine.faults],
        "machine": {"cores": os.cpu_count(), "load_1min": round(os.getloadavg()[0], 1)},
    }  # fmt: skip


def tell(found: Mapping[str, Any]) -> None:
    """The report in words."""
    faults = ", ".join(f"{count} {kind}" for kind, count in sorted(found["faults"].items()))
    print(
        f"{faults} in {found['seconds']:g} s, seed {found['seed']}, {found['rate_per_s']:,} readings/s\n"
        f"alerts: expected {found['expected']}  raised {found['raised']}  lost {found['lost']}  duplicated {found['duplicated']}"
        f"  unexpected {found['unexpected']}\n"
        f"readings: sent {found['sent']:,}  stored {found['stored']:,}  gaps {found['gaps']} (at most {found['gaps_allowed']})"
        f"  delivered twice {found['delivered_twice']:,}  out of order {found['out_of_order']:,}\n"
        f"recovery: p50 {found['recovery_s']['p50']} s, max {found['recovery_s']['max']} s"
    )
    for target in found["left_out"]:
        print(f"  LEFT OUT: faults of {target}, see above why")
    for line in found["not_back"]:
        print(f"  not back: {line}")
    for fault in found["wrong"]:
        print(f"  {json.dumps(fault, ensure_ascii=False)}")
    broken = [name for name, good in found["kept"].items() if not good]
    print(f"NOT KEPT: {', '.join(broken)}" if broken else "kept: nothing lost, nothing doubled, everything back")
