"""Devices each on a TLS connection of their own: what a connection costs the broker, and how they come back when it was away. ``./shouwang bench tls``.

All stages run. Every device has a home, an account and a session of its own, checks the broker's certificate and says something once a minute
(``bench/tls_fleet.py``). When all are there the broker is stopped and started again: all connections break at once, and buttons go on being pressed
before, while and after; who presses does not wait for its turn to come back.

    memory_kb         resident memory of the broker a connection, with its session, its last will and its retained word
    connect_cpu_ms    of the broker: TLS, the password, the session; a first time and on the way back
    message_cpu_us    of the broker: a reading over TLS, its acknowledgement and its way to the bridge, with the connections' keep-alives
    extrapolated      the same times CITY devices; CPU a reading at one a minute each
    press_to_case_s   from the press to the case; ``after``: pressed when the broker was back already. LATEST_S is promised
"""

import asyncio
import os
import resource
import secrets
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from bench.load import AREA_BENCH, home_name
from bench.tls_fleet import SPREAD_S, Credentials, Fleet
from bench.watched import tree_cpu_s, tree_rss
from deploy import ready
from deploy.services import MOSQUITTO
from deploy.site import LOOPBACK, Site
from deploy.steps import say, step
from deploy.supervise import Supervisor
from simulators.checker import percentile
from storage import accounts, people
from storage.database import Connection, connect
from storage.queries import fetch_all, fetch_one, query
from storage.records import Device, Home, Resident

CONNECTIONS = 20_000
CITY = 278_900
"""Devices to extrapolate to: one for each resident of the city of ``bench/city.py``."""
HOLD_S = 60.0
"""So long all are simply there, s: each speaks once."""
PRESSES = 60
"""At most, one of every so many devices; evenly over the return, the first when the broker goes."""
PRESS_EVERY = 20
LATEST_S = 5.0
"""Nobody's press may become a case later than this, s."""
CONNECT_LIMIT_S, RETURN_LIMIT_S = 900.0, 600.0
SPARE_FILES = 100
"""Of what a process may open, left for other things than connections."""
REGISTER = 5_000
DEVICE = Device("", "sos", "pendant", "other")
_CARDS = query("bench_cards_waiting")
_CASES = query("bench_cases")


class Broker(NamedTuple):
    """What it holds and has used."""

    rss_mb: float
    cpu_s: float


def room_for() -> int:
    """Connections that one process can hold on this machine; the limit is raised as far as it may be."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard - SPARE_FILES


async def measure(site: Site, connections: int, hold_s: float = HOLD_S, spread_s: float = SPREAD_S) -> dict[str, Any]:
    """Run it on a site whose stages run; the figures. ``ok``: all came, all came back, and no press was late."""
    room = room_for()
    if connections > room:
        say(
            "bench",
            f"a process may open {room + SPARE_FILES} files on this machine: {room} connections instead of {connections}",
        )
        connections = room
    run = f"t{secrets.token_hex(3)}"
    connection = await connect(site.conninfo(), "bench", lock_s=60, idle_s=900)
    try:
        devices = await _register(connection, site, run, connections)
        fleet = Fleet(LOOPBACK, site.ports.mqtts, str(site.ca), devices, spread_s)
        try:
            found = await asyncio.to_thread(_live, site, fleet, connections, hold_s, spread_s)
        finally:
            fleet.close()
        with step("bench", "wait for the cases of all presses"):
            raised = await _raised(connection, run, fleet)
    finally:
        await connection.close()
    back_wall_s = found.pop("back_wall_s")
    return _figures(connections, found, fleet, raised, back_wall_s) | {"spread_s": spread_s}


async def _register(connection: Connection, site: Site, run: str, count: int) -> list[Credentials]:
    """A home, a resident, a button and an account each; the cards are in the log when it returns."""
    found: list[Credentials] = []
    with step("bench", f"register {count:,} homes, each with a device of its own", long=True):
        for first in range(0, count, REGISTER):
            homes = [home_name(run, number) for number in range(first, min(count, first + REGISTER))]
            records: list[Home | Resident | Device] = []
            for home_id in homes:
                records += [
                    Home(home_id, f"{AREA_BENCH}001", address="负载 load"),
                    Resident(f"{home_id}-r1", home_id, "负载 load"),
                ]
                records.append(Device(home_id, DEVICE.device_id, DEVICE.role, DEVICE.room))
            async with connection.transaction():
                await people.register(connection, records, actor="bench", reason="load")
                names = [accounts.Account(accounts.account_of(home_id, DEVICE.device_id)) for home_id in homes]
                passwords = await accounts.create(connection, names)
            found += [
                Credentials(home, DEVICE.device_id, passwords[name.name])
                for home, name in zip(homes, names, strict=True)
            ]
        await accounts.install(connection, site)
    with step("bench", "their cards are in the log", long=True):
        async with asyncio.timeout(1800):
            while True:
                row = await fetch_one(connection, _CARDS, prefix=f"{run}-")
                if row is not None and row["waiting"] == 0:
                    return found
                await asyncio.sleep(1.0)


def _live(site: Site, fleet: Fleet, count: int, hold_s: float, spread_s: float) -> dict[str, Any]:
    """Come, stay, lose the broker, come back."""
    supervisor = Supervisor(site)
    empty = _broker(supervisor)
    with step("bench", f"{count:,} devices connect", long=True):
        began_s = time.monotonic()
        fleet.connect()
        fleet.run(lambda: fleet.up == count, CONNECT_LIMIT_S)
        connect_s, came, full = time.monotonic() - began_s, fleet.up, _broker(supervisor)
    with step("bench", f"they are there for {hold_s:g} s", long=True):
        said = fleet.acknowledged
        fleet.run(lambda: False, hold_s)
        held, said = _broker(supervisor), fleet.acknowledged - said
    presses = min(PRESSES, max(1, count // PRESS_EVERY))
    attempts = fleet.attempts
    with step("bench", "the broker is stopped and started again", long=True) as done:
        for number in range(presses):
            fleet.press_at(spread_s * 1.2 * number / presses, number * (count // presses))
        gone_s, gone_wall_s = time.monotonic(), time.time()
        back_wall_s = _restart(site, supervisor, fleet)
        fleet.run(lambda: fleet.up == count and len(fleet.receipt_wall_s) == presses, RETURN_LIMIT_S)
        return_s, returned = time.monotonic() - gone_s, _broker(supervisor)
        done.note = f"{fleet.up:,} back after {return_s:.1f} s, {len(fleet.receipt_wall_s)} of {presses} receipts"
    return {
        "came": came, "connect_s": round(connect_s, 1), "empty": empty, "full": full, "held": held, "said": said,
        "back": fleet.up, "return_s": round(return_s, 1), "returned": returned, "attempts": fleet.attempts - attempts,
        "away_s": round(back_wall_s - gone_wall_s, 1), "back_wall_s": back_wall_s,
    }  # fmt: skip


def _restart(site: Site, supervisor: Supervisor, fleet: Fleet) -> float:
    """Stop and start while the devices go on; the wall instant from which the broker answered."""
    answered_s: list[float] = []

    def again() -> None:
        supervisor.stop(MOSQUITTO)
        supervisor.again(MOSQUITTO)
        while not ready.is_ready(site, MOSQUITTO):
            time.sleep(0.05)
        answered_s.append(time.time())

    doing = threading.Thread(target=again)
    doing.start()
    fleet.run(lambda: bool(answered_s), RETURN_LIMIT_S)
    doing.join()
    return answered_s[0]


def _broker(supervisor: Supervisor) -> Broker:
    pid = supervisor.state(MOSQUITTO).pid
    return Broker(tree_rss(pid) / 1e6, tree_cpu_s(pid))


async def _raised(connection: Connection, run: str, fleet: Fleet) -> dict[str, float]:
    """When each press became a case, by home; waits for a while for those that did not."""
    limit_s = time.monotonic() + 30.0
    while True:
        rows = await fetch_all(connection, _CASES, prefix=f"{run}-")
        found = {row["home_id"]: row["raised_wall_s"] for row in rows if row["family"] == "sos"}
        if len(found) == len(fleet.pressed_wall_s) or time.monotonic() > limit_s:
            return found
        await asyncio.sleep(0.5)


def _figures(
    count: int, found: Mapping[str, Any], fleet: Fleet, raised: Mapping[str, float], back_wall_s: float
) -> dict[str, Any]:
    empty, full, held, returned = (found[name] for name in ("empty", "full", "held", "returned"))
    took_s = {home: raised[home] - at_s for home, at_s in fleet.pressed_wall_s.items() if home in raised}
    after = [took_s[home] for home, at_s in fleet.pressed_wall_s.items() if home in took_s and at_s >= back_wall_s]
    # Counted from the press where the broker was there, else from its return: a device cannot be heard by a broker that is not there.
    late = [
        home
        for home, at_s in fleet.pressed_wall_s.items()
        if raised.get(home, float("inf")) - max(at_s, back_wall_s) > LATEST_S
    ]
    memory_kb = (held.rss_mb - empty.rss_mb) * 1000 / count
    connect_ms = (full.cpu_s - empty.cpu_s) * 1000 / count
    return_ms = returned.cpu_s * 1000 / count
    message_us = (held.cpu_s - full.cpu_s) * 1e6 / max(1, found["said"])
    return {
        "connections": count, "came": found["came"], "back": found["back"],
        "ok": found["came"] == found["back"] == count and len(took_s) == len(fleet.pressed_wall_s) and not late,
        "connect_s": found["connect_s"], "away_s": found["away_s"], "return_s": found["return_s"],
        "attempts_back": found["attempts"],
        "memory_kb": round(memory_kb, 1), "memory_back_kb": round((returned.rss_mb - empty.rss_mb) * 1000 / count, 1),
        "connect_cpu_ms": {"first": round(connect_ms, 3), "back": round(return_ms, 3)},
        "message_cpu_us": round(message_us, 1), "messages": found["said"],
        "extrapolated": {
            "connections": CITY, "memory_gb": round(memory_kb * CITY / 1e6, 2),
            "return_cpu_s": round(return_ms * CITY / 1000, 1), "cores_at_a_reading_a_minute": round(message_us * CITY / 60 / 1e6, 2),
        },
        "presses": len(fleet.pressed_wall_s), "receipts": len(fleet.receipt_wall_s), "cases": len(took_s), "late": len(late),
        "press_to_case_s": {**_spread(list(took_s.values())), "after": _spread(after)},
        "machine": {"cores": os.cpu_count(), "load_1min": round(os.getloadavg()[0], 1)},
    }  # fmt: skip


def _spread(values_s: Sequence[float]) -> dict[str, float | None]:
    found = {"p50": percentile(values_s, 0.5), "p99": percentile(values_s, 0.99), "max": max(values_s, default=None)}
    return {name: None if value is None else round(value, 2) for name, value in found.items()}


def tell(found: Mapping[str, Any]) -> None:
    """The figures in words."""
    more, press = found["extrapolated"], found["press_to_case_s"]
    print(
        f"{found['came']:,} of {found['connections']:,} devices came within {found['connect_s']} s; the broker was away for {found['away_s']} s,"
        f" {found['back']:,} were back {found['return_s']} s after it went\n"
        f"  {found['memory_kb']} kB a connection ({found['memory_back_kb']} after the return), {found['connect_cpu_ms']['first']} ms of CPU to connect,"
        f" {found['connect_cpu_ms']['back']} to come back, {found['message_cpu_us']} µs a reading\n"
        f"  for {more['connections']:,}: {more['memory_gb']} GB, {more['return_cpu_s']} s of CPU until all are back, {more['cores_at_a_reading_a_minute']} cores\n"
        f"  {found['presses']} presses: {found['cases']} cases, {found['late']} later than {LATEST_S:g} s; press to case p50 {press['p50']} s, max {press['max']} s;"
        f" pressed when it was back: max {press['after']['max']} s"
    )
