"""A process that is measured: its children's CPU is its own, its end is noticed, and nothing of it is left behind."""

import socket
import sys
import time
from pathlib import Path

import psutil
import pytest

from bench.watched import Ended, Watched

WORKING = "import time\nend = time.process_time() + {cpu_s}\nwhile time.process_time() < end: pass\n"
PARENT = f"""
import subprocess, sys, time
subprocess.run([sys.executable, "-c", {WORKING.format(cpu_s=0.3)!r}])
print("done", flush=True)
time.sleep(60)
"""


def _watched(tmp_path: Path, program: str) -> Watched:
    return Watched("somebody", [sys.executable, "-c", program], {}, tmp_path, tmp_path / "log")


def _until(tmp_path: Path, said: int) -> None:
    limit_s = time.monotonic() + 60
    while (tmp_path / "log").read_text().count("done") < said:
        assert time.monotonic() < limit_s
        time.sleep(0.02)


def test_what_a_child_used_counts_after_its_end_and_a_killed_one_begins_again(tmp_path: Path) -> None:
    with _watched(tmp_path, PARENT) as process:
        _until(tmp_path, 1)
        assert process.cpu_s() >= 0.3
        assert process.rss_mb() > 1
        first = process._process.pid
        process.kill_and_start_again()
        _until(tmp_path, 2)
        process.check()
        assert process._process.pid != first
        assert not psutil.pid_exists(first)
        second = process._process.pid
    assert not psutil.pid_exists(second)


def test_one_that_ends_by_itself_is_told_with_its_last_words(tmp_path: Path) -> None:
    with _watched(tmp_path, "import sys\nsys.exit('no such broker')") as process:
        process._process.wait(30)
        with pytest.raises(Ended, match="no such broker"):
            process.check()


def test_it_is_connected_while_it_or_a_child_has_a_connection_to_that_port(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        program = f"import socket, time\nopen = socket.create_connection(('127.0.0.1', {port}))\nprint('done', flush=True)\ntime.sleep(60)"
        with _watched(tmp_path, program) as process:
            _until(tmp_path, 1)
            assert process.is_connected(port)
            assert not process.is_connected(port + 1)
