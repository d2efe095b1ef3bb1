"""All three services, natively: up, down, status, reset."""

import shutil
from pathlib import Path
from typing import Any

import psutil

from deploy import ready
from deploy.errors import PortTaken
from deploy.native import kafka, mosquitto, postgres, root
from deploy.services import KAFKA, MOSQUITTO, SERVICES, TIMESCALE
from deploy.site import Site
from deploy.steps import step
from deploy.supervise import Process, Supervisor

_FOLDERS = ("postgres", "postgres.draft", "kafka", "mosquitto", "ingest", "demo")


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
        if TIMESCALE not in running:
            postgres.prepare(site, system)
        if KAFKA not in running:
            kafka.prepare(site, system)
        if MOSQUITTO not in running:
            mosquitto.prepare(site)
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


def wait_ready(site: Site, name: str, within_s: float = ready.READY_S) -> None:
    """Until the service answers (again). Raises NotReady with the end of its log."""
    ready.wait(site, name, lambda: Supervisor(site).state(name).state, within_s)


def down(site: Site) -> None:
    """Stop stages, services and the supervisor of this site."""
    supervisor = Supervisor(site)
    if supervisor.is_up:
        with step("services", "stop"):
            supervisor.down()


def status(site: Site) -> dict[str, dict[str, Any]]:
    """For each service: running, ready, port, pid."""
    return ready.table(site, {state.name: state.pid for state in Supervisor(site).states() if state.is_running})


def reset(site: Site) -> None:
    """Stop everything and remove the data of all three. They go together: offsets, keys and accounts refer to one another."""
    down(site)
    for name in _FOLDERS:
        shutil.rmtree(site.data / name, ignore_errors=True)
