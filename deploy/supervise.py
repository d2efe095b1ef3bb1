"""The supervisor of one site: starts, restarts and stops services and stages, and nothing else.

supervisord holds one file a process in ``run/supervisor.d``; a process is added by writing its file and asking supervisord to
read again. ``Supervisor`` is what the commands, the demo and the tests use.
"""

import http.client
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import psutil

from deploy.errors import SupervisorFailed, UnknownProcess
from deploy.site import REPOSITORY, Site

STOP_S = 15
"""From TERM to KILL, s. A Faust worker whose broker is away ignores TERM for 45 s."""
_START_S = 20

_ALREADY_STARTED = 60
_NOT_RUNNING = 70
_ALREADY_ADDED = 90
_BAD_NAME = 10


class Process(msgspec.Struct, frozen=True):
    """One supervised program."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = {}
    priority: int = 100
    stop_signal: str = "TERM"
    stop_s: int = STOP_S


class State(msgspec.Struct, frozen=True):
    """What the supervisor knows of a process."""

    name: str
    state: str
    """STOPPED, STARTING, RUNNING, BACKOFF, STOPPING, EXITED, FATAL or UNKNOWN."""
    pid: int
    """0 when it does not run."""
    running_s: float

    @property
    def is_running(self) -> bool:
        """Alive, also in its first second."""
        return self.pid > 0


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=60)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class _Transport(xmlrpc.client.Transport):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        # A new one each time: supervisord closes idle ones, and a stale one costs an error in the middle of a stop.
        return _Connection(self._path)


def _living(groups: set[int]) -> set[int]:
    """Those process groups that still have a member; a zombie holds no file and no port, whoever forgets to reap it."""
    found: set[int] = set()
    for process in psutil.process_iter():
        try:
            if (group := os.getpgid(process.pid)) in groups and process.status() != psutil.STATUS_ZOMBIE:
                found.add(group)
        except (psutil.Error, OSError):
            continue
    return found


def _checked(site: Site, text: str) -> str:
    """supervisord's ini has no escapes but %%: a comment or a quote inside a value would cut it silently."""
    if any(sign in text for sign in ('"', "\n", " ;", " #")):
        raise SupervisorFailed(
            data=site.data, asked=text, detail="a word or setting holds a quote, a line break, ' ;' or ' #'"
        )
    return text.replace("%", "%%")


def _section(site: Site, process: Process) -> str:
    environment = ",".join(f'{name}="{_checked(site, value)}"' for name, value in sorted(process.environment.items()))
    command = " ".join(shlex.quote(_checked(site, word)) for word in process.command)
    return f"""\
[program:{process.name}]
command={command}
directory={str(REPOSITORY).replace("%", "%%")}
environment={environment}
priority={process.priority}
autostart=false
autorestart=true
startsecs=1
startretries=100000
stopsignal={process.stop_signal}
stopwaitsecs={process.stop_s}
stopasgroup=true
killasgroup=true
redirect_stderr=true
stdout_logfile={str(site.log(process.name)).replace("%", "%%")}
stdout_logfile_maxbytes=20MB
stdout_logfile_backups=3
"""


class Supervisor:
    """A handle on the supervisord of ``site``; it need not run yet."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._socket = site.data / "run" / "supervisor.sock"
        self._pid_file = site.data / "run" / "supervisor.pid"
        self._folder = site.data / "run" / "supervisor.d"

    @property
    def _rpc(self) -> Any:
        return xmlrpc.client.ServerProxy("http://localhost/RPC2", transport=_Transport(self._socket)).supervisor

    @property
    def is_up(self) -> bool:
        """Whether supervisord answers."""
        try:
            return bool(self._rpc.getState()["statename"] == "RUNNING")
        except (OSError, http.client.HTTPException, xmlrpc.client.Error):
            return False

    def up(self) -> None:
        """Start supervisord if it does not run. Raises SupervisorFailed."""
        if self.is_up:
            return
        self._end_orphans()
        self._folder.mkdir(exist_ok=True)
        configuration = self._site.data / "run" / "supervisor.ini"
        configuration.touch(mode=0o600)
        configuration.write_text(self._configuration())
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(configuration)]
        started = subprocess.run(command, cwd=REPOSITORY, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        limit_s = time.monotonic() + _START_S
        while not self.is_up:
            if started.returncode != 0 or time.monotonic() > limit_s:
                raise SupervisorFailed(
                    data=self._site.data, asked="start", detail=(started.stdout + started.stderr).strip()
                )
            time.sleep(0.05)

    def _end_orphans(self) -> None:
        """End what a supervisord of this site left behind when it was killed: two copies of a server would share its data."""
        groups: set[int] = set()
        for process in psutil.process_iter():
            try:
                if process.environ().get("SUPERVISOR_SERVER_URL") == f"unix://{self._socket}":
                    groups.add(os.getpgid(process.pid))
            except (psutil.Error, OSError):
                continue
        # A command that was itself started by a stage of this site is no orphan.
        groups = _living(groups - {os.getpgrp()})
        for number, within_s in ((signal.SIGTERM, STOP_S), (signal.SIGKILL, STOP_S)):
            for group in groups:
                os.killpg(group, number)
            limit_s = time.monotonic() + within_s
            while (groups := _living(groups)) and time.monotonic() < limit_s:
                time.sleep(0.1)

    def _configuration(self) -> str:
        run = str(self._site.data / "run").replace("%", "%%")
        log = str(self._site.log("supervisor")).replace("%", "%%")
        user = "user=root\n" if os.geteuid() == 0 else ""
        return f"""\
[unix_http_server]
file={run}/supervisor.sock
chmod=0600
[supervisord]
{user}pidfile={run}/supervisor.pid
logfile={log}
logfile_maxbytes=5MB
logfile_backups=2
directory={str(REPOSITORY).replace("%", "%%")}
umask=077
minfds=4096
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[include]
files={run}/supervisor.d/*.ini
"""

    def down(self) -> None:
        """Stop every process, last started first, then supervisord itself."""
        if not self.is_up:
            return
        pid = int(self._rpc.getPID())
        self.stop(*[state.name for state in self.states()])
        self._rpc.shutdown()
        try:
            psutil.Process(pid).wait(timeout=STOP_S)
        except psutil.NoSuchProcess:
            pass
        except psutil.TimeoutExpired as error:
            raise SupervisorFailed(
                data=self._site.data, asked="shutdown", detail=f"pid {pid} is still there"
            ) from error

    def states(self) -> list[State]:
        """Every process that the supervisor holds, in order of start; empty when it is not up."""
        if not self.is_up:
            return []
        found = [
            State(
                entry["name"],
                entry["statename"],
                entry["pid"],
                float(entry["now"] - entry["start"]) if entry["pid"] else 0.0,
            )
            for entry in self._rpc.getAllProcessInfo()
        ]
        order = {name: self._priority(name) for name in (state.name for state in found)}
        return sorted(found, key=lambda state: (order[state.name], state.name))

    def state(self, name: str) -> State:
        """One process; UNKNOWN, without a pid, when the supervisor does not hold it."""
        return next((state for state in self.states() if state.name == name), State(name, "UNKNOWN", 0, 0.0))

    def _priority(self, name: str) -> int:
        try:
            text = (self._folder / f"{name}.ini").read_text()
        except OSError:
            return 0
        return int(next(line for line in text.splitlines() if line.startswith("priority=")).partition("=")[2])

    def start(self, *processes: Process) -> None:
        """See that each runs with just this command and environment: add it, restart it if it was another, start it. In order."""
        self.up()
        for process in processes:
            self._declare(process)
            state = self.state(process.name)
            if state.state not in ("RUNNING", "STARTING"):
                self._call("startProcess", process.name, False, unless=_ALREADY_STARTED)

    def again(self, name: str) -> None:
        """Start again what was stopped, just as it was."""
        self._call("startProcess", name, False, unless=_ALREADY_STARTED)

    def _declare(self, process: Process) -> None:
        file = self._folder / f"{process.name}.ini"
        text = _section(self._site, process)
        known = {state.name for state in self.states()}
        if process.name in known and file.exists() and file.read_text() == text:
            return
        draft = file.with_suffix(".draft")
        draft.touch(mode=0o600)
        draft.write_text(text)
        if process.name in known:
            self._forget(process.name)
        draft.rename(file)
        self._call("reloadConfig")
        self._call("addProcessGroup", process.name, unless=_ALREADY_ADDED)

    def _forget(self, name: str) -> None:
        self.stop(name)
        self._call("removeProcessGroup", name, unless=_BAD_NAME)

    def stop(self, *names: str) -> None:
        """Ask each to stop, kill it after its time, and wait. Together within one priority, highest priority first."""
        held = {state.name: state for state in self.states()}
        for name in names:
            if name not in held:
                raise UnknownProcess(name=name, known=", ".join(held) or "none")
        for level in sorted({self._priority(name) for name in names}, reverse=True):
            together = [name for name in names if self._priority(name) == level]
            for name in together:
                self._call("stopProcess", name, False, unless=_NOT_RUNNING)
            self._wait_stopped(together)

    def _wait_stopped(self, names: Iterable[str]) -> None:
        wanted = set(names)
        limit_s = time.monotonic() + 120
        while left := [
            state.name for state in self.states() if state.name in wanted and (state.pid or state.state == "STOPPING")
        ]:
            if time.monotonic() > limit_s:
                raise SupervisorFailed(
                    data=self._site.data, asked="stop", detail=f"{', '.join(left)} still run after 120 s"
                )
            time.sleep(0.05)

    def remove(self, *names: str) -> None:
        """Stop each and forget it."""
        for name in names:
            self._forget(name)
            (self._folder / f"{name}.ini").unlink(missing_ok=True)
        self._call("reloadConfig")

    def kill(self, name: str) -> int:
        """SIGKILL to the whole process group, as a crash would; the supervisor starts it again. Returns the pid that died."""
        return self.signal(name, signal.SIGKILL)

    def signal(self, name: str, number: signal.Signals) -> int:
        """Send a signal to the process group of ``name``. Raises UnknownProcess when it does not run."""
        pid = self.state(name).pid
        if not pid:
            raise UnknownProcess(
                name=name, known=", ".join(state.name for state in self.states() if state.pid) or "none"
            )
        # supervisord gives each child a group of its own, so this reaches the server inside the sandbox and nobody else.
        os.killpg(pid, number)
        return pid

    def _call(self, method: str, *arguments: object, unless: int | None = None) -> Any:
        try:
            return getattr(self._rpc, method)(*arguments)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode == unless:
                return None
            asked = f"{method} {' '.join(map(str, arguments))}"
            raise SupervisorFailed(data=self._site.data, asked=asked, detail=fault.faultString) from fault
        except OSError as error:
            raise SupervisorFailed(data=self._site.data, asked=method, detail=f"{error} (is it up?)") from error
