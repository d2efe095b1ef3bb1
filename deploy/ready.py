"""Whether a service answers a client that logs in: the same question natively and in containers."""

import time
from collections.abc import Callable
from typing import Any

from aiokafka.errors import KafkaError
from psycopg import Error as DatabaseError

from deploy.errors import NotReady
from deploy.native import kafka, mosquitto, packages, postgres
from deploy.services import KAFKA, MOSQUITTO, SERVICES, TIMESCALE, service
from deploy.site import LOOPBACK, Site
from deploy.steps import step

READY_S = 90
"""A cold start after a crash replays logs; on two busy cores Kafka alone has needed 20 s."""

_CHECKS: dict[str, Callable[[Site], None]] = {TIMESCALE: postgres.check, KAFKA: kafka.check, MOSQUITTO: mosquitto.check}
_NOT_YET = (OSError, DatabaseError, KafkaError, TimeoutError)


def port(site: Site, name: str) -> int:
    """The port that clients of this service use."""
    return site.port_base + next(iter(service(name).ports.values()))


def is_ready(site: Site, name: str) -> bool:
    """Whether it answers now."""
    try:
        _CHECKS[name](site)
    except _NOT_YET:
        return False
    return True


def wait(site: Site, name: str, state: Callable[[], str], within_s: float = READY_S) -> None:
    """Until it answers. Raises NotReady with ``state()`` and the end of its log."""
    limit_s = time.monotonic() + within_s
    with step(name, "ready") as done:
        while True:
            try:
                _CHECKS[name](site)
                done.note = f"{LOOPBACK}:{port(site, name)}"
                return
            except _NOT_YET as error:
                if time.monotonic() > limit_s:
                    log = f"{site.log(name)}{packages.tail(site.log(name))}"
                    raise NotReady(service=name, within_s=within_s, detail=f"{state()}, {error}", log=log) from error
                time.sleep(0.1)


def table(site: Site, pids: dict[str, int | None]) -> dict[str, dict[str, Any]]:
    """running, ready, port, pid for each service; ``pids`` holds those that run."""
    return {
        entry.name: {
            "running": entry.name in pids,
            "ready": entry.name in pids and is_ready(site, entry.name),
            "port": port(site, entry.name),
            "pid": pids.get(entry.name),
        }
        for entry in SERVICES
    }
