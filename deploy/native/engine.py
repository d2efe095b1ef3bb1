"""All three services, natively: up, down, status, reset."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from aiokafka.errors import KafkaError
from psycopg import Error as DatabaseError

from deploy.errors import NotReady, PortTaken
from deploy.native import kafka, mosquitto, packages, postgres, root
from deploy.services import KAFKA, MOSQUITTO, SERVICES, TIMESCALE, service
from deploy.site import LOOPBACK, Site
from deploy.steps import step
from deploy.supervise import Process, Supervisor

READY_S = 90
"""A cold start after a crash replays logs; on two busy cores Kafka alone has needed 20 s."""

_CHECKS: dict[str, Callable[[Site], None]] = {TIMESCALE: postgres.check, KAFKA: kafka.check, MOSQUITTO: mosquitto.check}
_NOT_YET = (OSError, DatabaseError, KafkaError, TimeoutError)
_FOLDERS = ("postgres", "postgres.draft", "kafka", "mosquitto")


def processes(site: Site, system: Path) -> list[Process]:
    """The three servers, for the supervisor, in order of start."""
    commands = {
        TIMESCALE: postgres.command(site, system),
        KAFKA: kafka.command(site, system),
        MOSQUITTO: mosquitto.command(site, system),
    }
    # PostgreSQL: INT closes connections and stops at once, TERM would wait for every client to leave.
    stop = {TIMESCALE: ("INT", 60), KAFKA: ("TERM", 30)}
    return [
        Process(entry.name, tuple(commands[entry.name]), {}, entry.priority, *stop.get(entry.name, ("TERM", 15)))
        for entry in SERVICES
    ]


def up(site: Site) -> None:
    """Provide, start and wait for the services; those that run already are left alone."""
    system = root.provide(site)
    kafka.provide(site, system)
    supervisor = Supervisor(site)
    with root.only_one(site.data / "run" / "services.lock"):
        supervisor.up()
        running = {state.name for state in supervisor.states() if state.is_running}
        _refuse_taken_ports(site, running)
        for name, prepare in ((TIMESCALE, postgres.prepare), (KAFKA, kafka.prepare), (MOSQUITTO, mosquitto.prepare)):
            if name not in running:
                prepare(site, system)
        servers = [process for process in processes(site, system) if process.name not in running]
        supervisor.start(*servers)
        for entry in SERVICES:
            wait_ready(site, entry.name)
        postgres.finish(site)


def _refuse_taken_ports(site: Site, running: set[str]) -> None:
    for entry in SERVICES:
        if entry.name in running:
            continue
        for offset in entry.ports.values():
            port = site.port_base + offset
            if any(
                connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
                for connection in psutil.net_connections("tcp4")
                if connection.laddr
            ):
                raise PortTaken(port=port, service=entry.name, base=site.port_base)


def wait_ready(site: Site, name: str, within_s: float = READY_S) -> None:
    """Until the service answers a client that logs in. Raises NotReady with the end of its log."""
    limit_s = time.monotonic() + within_s
    with step(name, "ready") as done:
        while True:
            try:
                _CHECKS[name](site)
                done.note = f"{LOOPBACK}:{site.port_base + next(iter(service(name).ports.values()))}"
                return
            except _NOT_YET as error:
                if time.monotonic() > limit_s:
                    detail = f"{Supervisor(site).state(name).state}, {error}"
                    log = f"{site.log(name)}{packages.tail(site.log(name))}"
                    raise NotReady(service=name, within_s=within_s, detail=detail, log=log) from error
                time.sleep(0.1)


def down(site: Site) -> None:
    """Stop stages, services and the supervisor of this site."""
    supervisor = Supervisor(site)
    if supervisor.is_up:
        with step("services", "stop"):
            supervisor.down()


def status(site: Site) -> dict[str, dict[str, Any]]:
    """For each service: running, ready, port, pid."""
    supervisor = Supervisor(site)
    states = {state.name: state for state in supervisor.states()}
    found: dict[str, dict[str, Any]] = {}
    for entry in SERVICES:
        state = states.get(entry.name)
        running = state is not None and state.is_running
        ready = False
        if running:
            try:
                _CHECKS[entry.name](site)
                ready = True
            except _NOT_YET:
                pass
        found[entry.name] = {
            "running": running,
            "ready": ready,
            "port": site.port_base + next(iter(entry.ports.values())),
            "pid": state.pid if state and running else None,
        }
    return found


def reset(site: Site) -> None:
    """Stop everything and remove the data of all three. They go together: offsets, keys and accounts refer to one another."""
    down(site)
    for name in _FOLDERS:
        shutil.rmtree(site.data / name, ignore_errors=True)
