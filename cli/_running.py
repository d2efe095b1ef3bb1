"""Stops, at the end of a command, what the command started, and nothing else."""

import signal
import sys
from types import TracebackType

from deploy.engine import choose
from deploy.services import SERVICES
from deploy.site import Site
from deploy.steps import step
from deploy.supervise import Supervisor


class Running:
    """What ran before the command, so that the rest can be stopped after it; use it in a ``with``.

    ``ours``: processes that belong to this kind of command alone; one that a killed command left behind is stopped and forgotten too.
    """

    def __init__(self, site: Site, *, native: bool, ours: tuple[str, ...] = ()) -> None:
        self._supervisor = Supervisor(site)
        self._site = site
        self._engine = choose(site, native=native)
        self._ours = set(ours)

    def __enter__(self) -> "Running":
        self._services_were_up = any(entry["running"] for entry in self._engine.status(self._site).values())
        self._before = {state.name for state in self._supervisor.states() if state.is_running} - self._ours
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        held = signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not leave half of it running
        try:
            states = self._supervisor.states()
            services = {entry.name for entry in SERVICES}
            came = [state.name for state in states if state.is_running and state.name not in self._before | services]
            if came:
                with step("stop", ", ".join(came)):
                    self._supervisor.stop(*came)
            self._supervisor.remove(*[state.name for state in states if state.name in self._ours])
            if self._services_were_up:
                print("  services     were up before and stay up", file=sys.stderr)
            else:
                self._engine.down(self._site)
        finally:
            signal.signal(signal.SIGINT, held)
