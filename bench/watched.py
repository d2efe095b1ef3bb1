"""A process that is measured, with all that it starts: CPU by /proc, memory, and its end."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from contracts.errors import ShouwangError
from deploy.native.packages import tail

STOP_S = 20.0
"""From TERM to KILL, s."""


class Ended(ShouwangError):
    """{name} ended by itself (code {code}) while it was measured. The end of {log} says: {tail}"""


class Watched:
    """One process in a group of its own; what it prints goes to ``log``. Use it in a ``with``: at its end the group is gone."""

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], folder: Path, log: Path
    ) -> None:
        self.name, self._command, self._environment, self._folder, self._log = name, command, environment, folder, log

    def __enter__(self) -> "Watched":
        self._log.write_bytes(b"")
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            pass
        self._signal(signal.SIGKILL)
        self._process.wait()

    def _start(self) -> None:
        with self._log.open("ab") as out:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._folder,
                env=dict(self._environment),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill_and_start_again(self) -> None:
        """SIGKILL to all of it, as a crash would, and the same again."""
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._start()

    def check(self) -> None:
        """Raises Ended where it does not run any more."""
        if (code := self._process.poll()) is not None:
            raise Ended(name=self.name, code=code, log=self._log, tail=tail(self._log))

    def is_connected(self, port: int) -> bool:
        """Whether it has a TCP connection to that port."""
        try:
            found = [each for process in _tree(self._process.pid) for each in process.net_connections("tcp4")]
        except psutil.Error:
            return False
        return any(each.status == psutil.CONN_ESTABLISHED and each.raddr and each.raddr.port == port for each in found)

    def cpu_s(self) -> float:
        """CPU seconds, user and system, of it and of all that it started; from nothing again after a kill."""
        return tree_cpu_s(self._process.pid)

    def rss_mb(self) -> float:
        """Resident memory of all of it, MB."""
        return round(tree_rss(self._process.pid) / 1e6, 1)

    def _signal(self, number: signal.Signals) -> None:
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            pass


def tree_cpu_s(pid: int) -> float:
    """CPU seconds of a process and its descendants, those that have ended included."""
    return sum(_cpu_s(process) for process in _tree(pid))


def tree_rss(pid: int) -> int:
    """Resident memory of a process and its descendants, bytes; what they share is counted for each."""
    return sum(_rss(process) for process in _tree(pid))


def _tree(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []


def _cpu_s(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)


def _rss(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0
