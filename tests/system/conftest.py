"""Stages on the test Site, and a Site of one's own for tests that break things.

    stages          function  start, stop, kill and look at stages; whatever it started is stopped after the test
    own_site        function  a new, empty Site with services up and everything prepared; removed after the test
    own_stages      function  ``stages`` on ``own_site``

``site`` is shared and keeps its data between tests: use home ids of your own. ``own_site`` costs about six seconds.
"""

import shutil
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import mkdtemp

import pytest

from deploy import prepare
from deploy.native import engine
from deploy.site import Site
from deploy.stages import Stage, stage, start, wait_ready
from deploy.supervise import State, Supervisor
from tests.conftest import free_base, worker_number


class Stages:
    """Stages of one Site, by name or as a Stage of one's own (``deploy.stages.another_bridge``)."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.supervisor = Supervisor(site)
        self._started: list[str] = []

    def start(self, *entries: str | Stage, settings: Mapping[str, str] | None = None) -> None:
        """Start and wait until ready; ``settings`` are SHOUWANG_* variables for all of them."""
        chosen = [stage(entry) if isinstance(entry, str) else entry for entry in entries]
        if "ingest-main" not in {entry.name for entry in chosen}:
            # Without a bridge no canary would ever come, and after two minutes everybody would be called blind.
            settings = {"SHOUWANG_API_CANARY_S": "0", **(settings or {})}
        self._started += [entry.name for entry in chosen]
        start(self.site, chosen, settings)

    def stop(self, *names: str) -> None:
        """As an operator would: TERM, then KILL after 15 s. Also for services (``kafka``, ``mosquitto``, ``timescale``)."""
        self.supervisor.stop(*names)

    def kill(self, name: str) -> int:
        """SIGKILL, as a crash; the supervisor starts it again. Returns the pid that died. Also for services."""
        return self.supervisor.kill(name)

    def freeze(self, name: str) -> None:
        """SIGSTOP: it keeps its connections and does nothing. ``thaw`` it in a ``finally``."""
        self.supervisor.signal(name, signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """SIGCONT."""
        self.supervisor.signal(name, signal.SIGCONT)

    def state(self, name: str) -> State:
        """What the supervisor knows of it, with its pid."""
        return self.supervisor.state(name)

    def wait_ready(self, name: str, within_s: float = 60) -> None:
        """Until a stage stands (again)."""
        wait_ready(self.site, name, within_s)

    def wait_service(self, name: str, within_s: float = 90) -> None:
        """Until a service answers (again)."""
        engine.wait_ready(self.site, name, within_s)

    def log(self, name: str) -> str:
        """What it has printed."""
        return self.site.log(name).read_text(errors="replace")

    def close(self) -> None:
        """Stop and forget what was started here."""
        held = {state.name for state in self.supervisor.states()}
        self.supervisor.remove(*[name for name in dict.fromkeys(reversed(self._started)) if name in held])


@pytest.fixture
def stages(site: Site) -> Iterator[Stages]:
    """Stages on the shared test Site."""
    opened = Stages(site)
    try:
        yield opened
    finally:
        opened.close()


@pytest.fixture
def free_port_base() -> int:
    """A port base of which a site's ports are free now."""
    return free_base(29000 + 1000 * worker_number(), 10)  # two workers never look at the same one at the same time


@pytest.fixture
def own_site(free_port_base: int) -> Iterator[Site]:
    """A Site that this test has for itself, from nothing."""
    data = Path(mkdtemp(prefix="shouwang-"))
    found = Site.load(data=data, port_base=free_port_base)
    try:
        prepare.everything(found, native=True)
        yield found
    finally:
        engine.down(found)
        shutil.rmtree(data)


@pytest.fixture
def own_stages(own_site: Site) -> Iterator[Stages]:
    """Stages on ``own_site``."""
    opened = Stages(own_site)
    try:
        yield opened
    finally:
        opened.close()
