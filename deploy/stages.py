"""The one table of our own processes: what runs under the supervisor beside the services."""

import http.client
import time
from collections.abc import Iterable, Mapping

import msgspec

from deploy.errors import NotReady, UnknownProcess
from deploy.native.packages import tail
from deploy.site import LOOPBACK, REPOSITORY, Site
from deploy.steps import step
from deploy.supervise import Process, Supervisor

PYTHON = str(REPOSITORY / ".venv" / "bin" / "python")
READY_S = 60
STANDS_S = 2.0
"""A stage that cannot work (no topic, bad setting) ends itself within this time of its start, s."""

LATER, LAST = 5, 15
"""Niceness: 5 is a third of the weight of 0, and gives way when one at 0 wakes up; 15 gets what is left."""

FIRST_PRIORITY = 100
"""Stages start after all services, whose priorities are lower."""


class Stage(msgspec.Struct, frozen=True):
    """One process of ours: ``python -m`` and its words, with settings over those of the site."""

    name: str
    words: tuple[str, ...]
    environment: Mapping[str, str] = {}
    priority: int = FIRST_PRIORITY
    """Order of start."""
    niceness: int = 0
    """On a machine that is short of time, what can wait a second makes room for the way of an urgent message, which is at 0 from end to end."""


# Readers before writers, so that nothing waits longer than it must on a fresh start: a detection finds alerts there,
# a reading finds a detector. None depends on the order; each waits for what it needs.
STAGES = (
    Stage("alerts-1", ("alerts",), {"SHOUWANG_ALERTS_INSTANCE": "alerts-1"}, 110),
    Stage(
        "alerts-2", ("alerts",), {"SHOUWANG_ALERTS_INSTANCE": "alerts-2", "SHOUWANG_ALERTS_SECOND_TWIN": "true"}, 110
    ),
    Stage("api", ("api",), {}, 110),
    Stage("writer", ("storage", "writer"), {}, 120, LATER),
    Stage("keeper", ("storage", "keeper"), {}, 120, LATER),
    Stage("learner", ("stream.learning",), {}, 120, LAST),
    Stage("stream-urgent-1", ("stream", "urgent"), {"SHOUWANG_STREAM_INSTANCE": "stream-urgent-1"}, 130),
    Stage("stream-urgent-2", ("stream", "urgent"), {"SHOUWANG_STREAM_INSTANCE": "stream-urgent-2"}, 130),
    Stage("stream-1", ("stream", "bulk"), {"SHOUWANG_STREAM_INSTANCE": "stream-1"}, 130, LATER),
    Stage("stream-2", ("stream", "bulk"), {"SHOUWANG_STREAM_INSTANCE": "stream-2"}, 130, LATER),
    Stage("ingest-main", ("ingest",), {"SHOUWANG_INGEST_SOURCE": "main"}, 140),
)


def another_bridge(source: str, settings: Mapping[str, str]) -> Stage:
    """A bridge beside ingest-main, named ``ingest-SOURCE``; ``settings`` names its areas and clock (SHOUWANG_INGEST_*)."""
    return Stage(f"ingest-{source}", ("ingest",), {"SHOUWANG_INGEST_SOURCE": source, **settings}, 140)


def stage(name: str) -> Stage:
    """The stage of that name. Raises UnknownProcess."""
    for entry in STAGES:
        if entry.name == name:
            return entry
    raise UnknownProcess(name=name, known=", ".join(entry.name for entry in STAGES))


def process(site: Site, entry: Stage, settings: Mapping[str, str] | None = None) -> Process:
    """The stage as the supervisor runs it, on ``site``; ``settings`` go over those of the table."""
    environment = site.environment(entry.name) | dict(entry.environment) | dict(settings or {})
    # Without this, what a stage prints stays in its buffer and is lost when it is killed.
    environment["PYTHONUNBUFFERED"] = "1"
    nice = ("nice", "-n", str(entry.niceness)) if entry.niceness else ()
    return Process(entry.name, (*nice, PYTHON, "-m", *entry.words), environment, entry.priority)


def start(site: Site, entries: Iterable[Stage], settings: Mapping[str, str] | None = None) -> None:
    """Start stages that do not run, restart those that run with other settings; returns when each is ready. Raises NotReady."""
    chosen = sorted(entries, key=lambda entry: entry.priority)
    supervisor = Supervisor(site)
    supervisor.start(*[process(site, entry, settings) for entry in chosen])
    for entry in chosen:
        with step(entry.name, "ready") as done:
            wait_ready(site, entry.name)
            done.note = f"pid {supervisor.state(entry.name).pid}"


def wait_ready(site: Site, name: str, within_s: float = READY_S) -> None:
    """Until the stage has stood for STANDS_S, and the api answers. Raises NotReady with the end of its log."""
    supervisor = Supervisor(site)
    limit_s = time.monotonic() + within_s
    while True:
        state = supervisor.state(name)
        if state.state == "RUNNING" and state.running_s >= STANDS_S and (name != "api" or _answers(site.ports.api)):
            return
        if time.monotonic() > limit_s:
            log = site.log(name)
            raise NotReady(service=name, within_s=within_s, detail=state.state, log=f"{log}{tail(log)}")
        time.sleep(0.1)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=2)
    try:
        connection.request("GET", "/openapi.json")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
