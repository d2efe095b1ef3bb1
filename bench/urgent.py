"""Whether an SOS waits when one of our processes is killed, or when more comes than the machine can take. ``./shouwang bench urgent``.

    kills   presses go on while each of our processes is killed (SIGKILL) once, one after the other. ``press_to_case_ms`` of the presses of the WINDOW_S
            around each kill, beside those of as long a time without one; ``moved_s``: how much later their 99th percentile is. MOVED_S is promised
    flood   ordinary readings are offered at FLOOD_PER_S, on connections of their own, for a while; the presses among them become cases within LATEST_S.
            ``taken_per_s`` is what the broker took: offered at QoS 1, it holds back who sends. What the machine cannot keep up with queues there,
            and beyond the queue's length is lost, and says so by its missing numbers

The kills go through everything; latencies are wall clock on one machine, from the press leaving to the case's raised_at.
"""

import asyncio
import os
import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from bench import flow
from bench.city import CityLoad
from bench.load import Load
from deploy.site import LOOPBACK, Site
from deploy.stages import STAGES, wait_ready
from deploy.steps import say, step
from deploy.supervise import Supervisor
from simulators.checker import percentile
from storage.database import Connection, connect
from storage.queries import fetch_all, query

PRESSES_PER_S = 5.0
ORDINARY_PER_S = 300.0
WINDOW_S = 20.0
"""Presses of so long from the kill on count for it, s: a hundred."""
REST_S = 5.0
"""Between one process standing again and the next kill, s."""
MOVED_S = 1.0
FLOOD_PER_S, FLOOD_S, FLOOD_PRESSES = 40_000.0, 60.0, 20
FLOOD_CONNECTIONS = 8
LATEST_S = 2.0
HOMES = 1_000
WAIT_S = 60.0
"""Longest wait for the last presses' cases, s."""
_CASES = query("bench_cases")


class Window(NamedTuple):
    """A stretch of the run; ``name``: who was killed at its begin, or nobody."""

    name: str
    from_s: float
    until_s: float


async def measure_kills(site: Site, window_s: float = WINDOW_S) -> dict[str, Any]:
    """Kill each of our processes once on a site whose stages run."""
    seconds = (len(STAGES) + 1) * (window_s + REST_S + 20)
    run = f"u{secrets.token_hex(3)}"
    connection = await connect(site.conninfo(), "bench", lock_s=10, idle_s=900)
    try:
        # Each home is pressed for once, so that a case has one press.
        homes = round(seconds * 2 * PRESSES_PER_S)
        with step("bench", f"register {homes} homes", long=True):
            gateway, _ = await flow.register(connection, site, run, homes)
        load = Load(run, homes, ORDINARY_PER_S, PRESSES_PER_S, 0.0, 0.0)
        try:
            await load.connect(LOOPBACK, site.ports.mqtt, f"bench-{run}", gateway)
            with step("bench", "warm up"):
                await load.warm(15.0)
            publishing = asyncio.create_task(load.publish(seconds * 2))
            windows = await _kill_each(site, window_s)
            publishing.cancel()
            await asyncio.gather(publishing, return_exceptions=True)
            await asyncio.sleep(REST_S)
            took_s = await _took_s(connection, run, {home: left.at_wall_s for home, left in load.calls.items()})
        finally:
            load.close()
    finally:
        await connection.close()
    return _of_windows(windows, {home: left.at_wall_s for home, left in load.calls.items()}, took_s)


async def _kill_each(site: Site, window_s: float) -> list[Window]:
    supervisor = Supervisor(site)
    began_s = time.time()
    with step("bench", f"nobody is killed for {window_s:g} s"):
        await asyncio.sleep(window_s)
    windows = [Window("", began_s, time.time())]
    for entry in STAGES:
        await asyncio.sleep(REST_S)
        at_s = time.time()
        await asyncio.to_thread(supervisor.kill, entry.name)
        with step("bench", f"{entry.name} was killed"):
            await asyncio.sleep(window_s)
        windows.append(Window(entry.name, at_s, at_s + window_s))
        await asyncio.to_thread(wait_ready, site, entry.name)
    return windows


async def _took_s(connection: Connection, run: str, pressed_s: Mapping[str, float]) -> dict[str, float]:
    """From press to case, s, by home; waits for those that are missing."""
    limit_s = time.monotonic() + WAIT_S
    while True:
        rows = await fetch_all(connection, _CASES, prefix=f"{run}-")
        raised_s = {row["home_id"]: row["raised_wall_s"] for row in rows if row["family"] == "sos"}
        if raised_s.keys() >= pressed_s.keys() or time.monotonic() > limit_s:
            return {home: raised_s[home] - at_s for home, at_s in pressed_s.items() if home in raised_s}
        await asyncio.sleep(0.5)


def _of_windows(
    windows: Sequence[Window], pressed_s: Mapping[str, float], took_s: Mapping[str, float]
) -> dict[str, Any]:
    by_window: dict[str, list[float]] = {
        window.name: [took_s[home] for home, at_s in pressed_s.items() if home in took_s and window.from_s <= at_s < window.until_s]
        for window in windows
    }  # fmt: skip
    usual_s = percentile(by_window[""], 0.99) or 0.0
    by_kill: dict[str, dict[str, Any]] = {
        name: {"presses": len(found), "press_to_case_ms": _ms(found), "moved_s": round((percentile(found, 0.99) or 0.0) - usual_s, 2)}
        for name, found in by_window.items() if name
    }  # fmt: skip
    lost = len(pressed_s) - len(took_s)
    moved = [name for name, found in by_kill.items() if found["moved_s"] >= MOVED_S]
    return {
        "ok": not lost and not moved, "presses": len(pressed_s), "lost": lost, "moved": moved,
        "without_kills": {"presses": len(by_window[""]), "press_to_case_ms": _ms(by_window[""])}, "by_kill": by_kill,
    }  # fmt: skip


async def measure_flood(site: Site, rate_per_s: float = FLOOD_PER_S, seconds: float = FLOOD_S) -> dict[str, Any]:
    """Offer more than can be taken on a site whose stages run, with presses among it."""
    run = f"o{secrets.token_hex(3)}"
    connection = await connect(site.conninfo(), "bench", lock_s=10, idle_s=900)
    try:
        with step("bench", f"register {HOMES} homes", long=True):
            gateway, _ = await flow.register(connection, site, run, HOMES)
        flood = CityLoad(run, HOMES, rate_per_s, 1)
        presses = Load(run, HOMES, 0.0, FLOOD_PRESSES / seconds, 0.0, 0.0)
        try:
            await flood.connect(LOOPBACK, site.ports.mqtt, f"bench-{run}", gateway, FLOOD_CONNECTIONS)
            await presses.connect(LOOPBACK, site.ports.mqtt, f"bench-{run}", gateway, 1, first=FLOOD_CONNECTIONS)
            began_s = time.monotonic()
            with step("bench", f"{rate_per_s:g} readings/s are offered for {seconds:g} s", long=True) as done:
                await asyncio.gather(flood.warm(seconds), presses.publish(seconds))
                taken_per_s = flood.acknowledged / (time.monotonic() - began_s)
                done.note = f"{flood.acknowledged:,} of {rate_per_s * seconds:,.0f} were taken"
            pressed_s = {home: left.at_wall_s for home, left in presses.calls.items()}
            took_s = await _took_s(connection, run, pressed_s)
        finally:
            flood.close()
            presses.close()
    finally:
        await connection.close()
    late = sum(took_s.get(home, float("inf")) > LATEST_S for home in pressed_s)
    return {
        "ok": not late, "offered_per_s": rate_per_s, "seconds": seconds, "sent": flood.sent, "taken_per_s": round(taken_per_s, 1),
        "presses": len(pressed_s), "cases": len(took_s), "late": late, "press_to_case_ms": _ms(list(took_s.values())),
    }  # fmt: skip


def machine() -> dict[str, Any]:
    return {"cores": os.cpu_count(), "load_1min": round(os.getloadavg()[0], 1)}


def _ms(values_s: Sequence[float]) -> dict[str, float | None]:
    found = {"p50": percentile(values_s, 0.5), "p99": percentile(values_s, 0.99), "max": max(values_s, default=None)}
    return {name: None if value is None else round(value * 1000, 1) for name, value in found.items()}


def tell(found: Mapping[str, Any]) -> None:
    """The figures in words."""
    if kills := found.get("kills"):
        usual = kills["without_kills"]["press_to_case_ms"]
        print(
            f"{kills['presses']} presses, {kills['lost']} without a case; press to case without kills p50 {usual['p50']} ms, p99 {usual['p99']} ms"
        )
        for name, each in kills["by_kill"].items():
            ms = each["press_to_case_ms"]
            print(
                f"  {name:<16} killed: p50 {ms['p50']} ms, p99 {ms['p99']} ms, max {ms['max']} ms, moved by {each['moved_s']} s"
            )
    if flood := found.get("flood"):
        ms = flood["press_to_case_ms"]
        print(
            f"{flood['offered_per_s']:,.0f} readings/s offered for {flood['seconds']:g} s, {flood['taken_per_s']:,} taken; {flood['presses']} presses,"
            f" {flood['cases']} cases, {flood['late']} later than {LATEST_S:g} s; p50 {ms['p50']} ms, max {ms['max']} ms"
        )
    say("bench", "kept" if found["ok"] else "NOT KEPT")
