"""One run of simulated homes beside the stages: bridge, simulation, progress, check."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from aiokafka.errors import KafkaError
from psycopg import Error as DatabaseError
from rich.console import Console
from rich.live import Live

from cli._progress import SOURCE, Picture, watch_cases, watch_simulation, watch_stream
from contracts.errors import ShouwangError
from contracts.names import AREA_DEMO
from deploy.native.packages import tail
from deploy.site import REPOSITORY, Site
from deploy.stages import PYTHON, another_bridge, process
from deploy.steps import step
from deploy.supervise import Supervisor
from ingest import state_file
from simulators.clock import VirtualClock

SEED = 1
LINE_S = 5.0
"""Without a terminal, one line of progress this often."""
STOP_S = 20.0
"""The simulation waits for what is under way, then ends; after so long it is killed."""

DRAIN_S = 30.0
"""A bridge that has not handed over more of what the homes have sent for so long is not waited for, s."""

STALL_S = 1.0
"""At 60 times the speed of life a hub that beats every 20 s is silent after 1.5 s: a broker that stood still for longer must not look like that."""


class SimulationFailed(ShouwangError):
    """The simulation ended by itself (exit code {code}). The last lines of {log}: {tail}"""


async def simulate(
    site: Site,
    *,
    homes: int,
    virtual_0_s: float,
    speed: float,
    for_s: float | None,
    credentials: Path,
    learned: Path,
    check: bool,
    spare_s: float = 0.0,
    before_check: Callable[[], Awaitable[None]] | None = None,
    settings: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Live until ``for_s`` (wall seconds) have passed or a signal comes; the last figures, with the verdict where ``check``.
    ``spare_s``: so long before the end everything planned is due. ``before_check``: waited for when the homes have ended.
    ``settings``: of the bridge, further ones."""
    folder = site.data / "demo" / "run"
    clock = VirtualClock.parse(str(VirtualClock(time.time(), virtual_0_s, speed)))  # as the others will read it
    picture = Picture(clock, homes)
    words = [
        *("--homes", str(homes), "--seed", str(SEED), "--clock", str(clock), "--folder", str(folder), "--stats"),
        *("--credentials", str(credentials), "--learned", str(learned)),
        # Its health file says that the bridge listens; what came before it could not be watched.
        *("--after", str(state_file.path_of(site.data, SOURCE))),
        *(["--for", str(for_s)] if for_s else []),
        *(["--spare", str(spare_s)] if spare_s else []),
    ]
    simulation = await _start(site, "run", *words)
    watchers: list[asyncio.Task[None]] = []
    own = {
        "SHOUWANG_INGEST_AREAS": AREA_DEMO,
        "SHOUWANG_INGEST_CLOCK": str(clock),
        "SHOUWANG_INGEST_STALL_S": f"{STALL_S:g}",
    }
    bridge = another_bridge(SOURCE, own | dict(settings or {}))
    supervisor = Supervisor(site)
    try:
        assert simulation.stdout is not None
        stopped = _stop_on_signal(simulation)
        # The bridge watches from its first instant on, and at this speed a second is a minute: the homes connect first and wait for it.
        await simulation.stdout.readline()
        await asyncio.to_thread(supervisor.start, process(site, bridge))
        watchers = [
            asyncio.create_task(watch_simulation(picture, simulation.stdout)),
            asyncio.create_task(_keep_up(lambda: watch_stream(picture, site))),
            asyncio.create_task(_keep_up(lambda: watch_cases(picture, site))),
            asyncio.create_task(_show(picture)),
        ]
        code = await simulation.wait()
        if code != 0:
            raise SimulationFailed(code=code, log=_log(site, "run"), tail=tail(_log(site, "run")))
        if before_check is not None and not stopped():
            await before_check()
        if check and not stopped():
            await _drained(site, clock.at(_ended_wall_s(folder)))
        await asyncio.to_thread(_stop_bridge, supervisor, bridge.name)
        verdict = await _check(site, folder) if check and not stopped() else {}
        # The verdict counts readings, the picture messages; `sent` and `stored` are the verdict's where there is one.
        return picture.figures() | verdict
    finally:
        await asyncio.to_thread(_stop_bridge, supervisor, bridge.name)
        if simulation.returncode is None:
            simulation.kill()
            await simulation.wait()  # else its end is told to a loop that is closed
        for watcher in watchers:
            watcher.cancel()
        await asyncio.gather(*watchers, return_exceptions=True)


def _ended_wall_s(folder: Path) -> float:
    return float(json.loads((folder / "counts.json").read_bytes())["end_wall_s"])


def _stop_bridge(supervisor: Supervisor, name: str) -> None:
    if supervisor.state(name).pid:
        supervisor.stop(name)


async def _drained(site: Site, until_s: float) -> None:
    """Until the bridge has stated, and Kafka holds, all that its broker had at virtual instant ``until_s``."""
    before_s, limit_s = None, time.monotonic() + DRAIN_S
    while time.monotonic() < limit_s:
        said = state_file.read(site.data, SOURCE)
        held_s = (
            said.held_until_s if said is not None and not any(lane.records for lane in said.spool.values()) else None
        )
        if held_s is not None and held_s >= until_s:
            return
        if held_s != before_s:
            before_s, limit_s = held_s, time.monotonic() + DRAIN_S
        await asyncio.sleep(0.05)


def _log(site: Site, word: str) -> Path:
    return site.log(f"simulators-{word}")


async def _start(site: Site, word: str, *words: str) -> Process:
    with _log(site, word).open("wb") as errors:
        return await asyncio.create_subprocess_exec(
            *(PYTHON, "-m", "simulators", word, *words),
            cwd=REPOSITORY,
            env=os.environ | site.environment("simulators"),
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=errors,
            # Ctrl-C in a terminal reaches the whole group; it is ours to pass on, so that the homes end before the stages do.
            start_new_session=True,
        )


def _stop_on_signal(simulation: Process) -> Callable[[], bool]:
    """Ctrl-C and TERM end the simulation. Returns whether one came."""
    loop = asyncio.get_running_loop()
    came: list[int] = []

    def stop(number: int) -> None:
        came.append(number)
        if len(came) == 1 and simulation.returncode is None:
            simulation.terminate()
            loop.call_later(STOP_S, kill)
        else:
            kill()

    def kill() -> None:
        if simulation.returncode is None:
            simulation.kill()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number)
    return lambda: bool(came)


async def _keep_up(watch: Callable[[], Awaitable[None]]) -> None:
    """Figures come back by themselves after a service was away; the pipeline does not need them."""
    while True:
        try:
            await watch()
        except (KafkaError, DatabaseError, OSError):
            await asyncio.sleep(1.0)


async def _show(picture: Picture) -> None:
    """A table that is drawn anew on a terminal, a line every few seconds elsewhere; on stderr."""
    out = Console(stderr=True, highlight=False)
    with _display(out, picture) as draw:
        while True:
            await asyncio.sleep(0.5 if out.is_terminal else LINE_S)
            draw()


@contextlib.contextmanager
def _display(out: Console, picture: Picture) -> Iterator[Callable[[], None]]:
    if out.is_terminal:
        with Live(picture.table(), console=out, auto_refresh=False) as live:
            yield lambda: live.update(picture.table(), refresh=True)
    else:
        yield lambda: print(picture.line(), file=sys.stderr, flush=True)


async def _check(site: Site, folder: Path) -> dict[str, Any]:
    """What the checker says once everything has come to rest."""
    with step("check", "wait until nothing more is due, then ledger against cases", long=True) as done:
        checker = await _start(site, "check", "--folder", str(folder))
        said, _ = await checker.communicate()
        try:
            found: dict[str, Any] = json.loads(said)
        except ValueError as error:
            raise SimulationFailed(
                code=checker.returncode, log=_log(site, "check"), tail=tail(_log(site, "check"))
            ) from error
        done.note = "met" if found["ok"] else "NOT MET"
    return found
