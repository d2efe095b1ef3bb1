"""The supervisor: starts what is asked for, starts again what died, stops that and nothing else."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from deploy.errors import SupervisorFailed, UnknownProcess
from deploy.site import Site
from deploy.supervise import Process, Supervisor

pytestmark = pytest.mark.services

# A program that writes its environment and its start into a file, and takes its time to end on TERM.
PROGRAM = """\
import os, signal, sys, time
def end(*_):
    print("ending", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print(os.environ.get("WORD"), os.getpid(), flush=True)
while True:
    time.sleep(0.05)
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """Makes processes that run PROGRAM."""
    file = tmp_path_factory.mktemp("program") / "program.py"
    file.write_text(PROGRAM)

    def make(name: str, word: str = "one", priority: int = 100, stop_s: int = 15) -> Process:
        return Process(name, (sys.executable, str(file)), {"WORD": word}, priority, "TERM", stop_s)

    return make


@pytest.fixture
def supervisor(tmp_path_factory, monkeypatch):
    monkeypatch.delenv("SHOUWANG_DATA", raising=False)
    opened = Supervisor(Site.load(data=tmp_path_factory.mktemp("s"), port_base=28700))
    yield opened
    opened.down()


def until(true, within_s: float = 15.0) -> None:
    limit_s = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < limit_s
        time.sleep(0.05)


def test_a_started_process_runs_with_its_environment_even_with_awkward_characters(supervisor, program):
    supervisor.start(program("a", "per%cent 'quote' semi; colon, back\\slash"))
    log = supervisor._site.log("a")
    until(lambda: log.exists() and log.read_text())
    assert log.read_text().startswith("per%cent 'quote' semi; colon, back\\slash")


def test_a_setting_that_supervisord_would_cut_is_refused(supervisor, program):
    for word in ('a "quote"', "a line\nbreak", "a ; comment", "a # comment"):
        with pytest.raises(SupervisorFailed):
            supervisor.start(program("a", word))


def test_a_killed_process_is_started_again_with_another_pid(supervisor, program):
    supervisor.start(program("a"))
    until(lambda: supervisor.state("a").state == "RUNNING")
    killed = supervisor.kill("a")
    until(lambda: supervisor.state("a").pid not in (0, killed))


def test_starting_twice_leaves_it_alone_and_other_settings_restart_it(supervisor, program):
    supervisor.start(program("a", "one"))
    first = supervisor.state("a").pid
    supervisor.start(program("a", "one"))
    assert supervisor.state("a").pid == first
    supervisor.start(program("a", "two"))
    assert supervisor.state("a").pid not in (0, first)


def test_stop_is_asked_for_politely_and_waited_for(supervisor, program):
    supervisor.start(program("a"))
    until(lambda: "one" in supervisor._site.log("a").read_text())
    pid = supervisor.state("a").pid
    supervisor.stop("a")
    assert not psutil.pid_exists(pid)
    assert "ending" in supervisor._site.log("a").read_text()


def test_a_process_that_was_removed_is_no_longer_known(supervisor, program):
    supervisor.start(program("a"), program("b"))
    supervisor.remove("a")
    assert [state.name for state in supervisor.states()] == ["b"]
    with pytest.raises(UnknownProcess, match="called a"):
        supervisor.stop("a")


def test_a_frozen_process_is_killed_when_its_time_is_over(supervisor, program):
    supervisor.start(program("a", stop_s=1))
    pid = supervisor.signal("a", signal.SIGSTOP)
    supervisor.stop("a")
    assert not psutil.pid_exists(pid)


def test_down_stops_its_own_children_and_nobody_elses(supervisor, program):
    own = subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.DEVNULL)
    try:
        supervisor.start(program("a", priority=1), program("b", priority=2))
        pids = [supervisor.state(name).pid for name in "ab"]
        supervisor.down()
        assert not any(psutil.pid_exists(pid) for pid in pids)
        assert own.poll() is None
        assert not supervisor.is_up
    finally:
        own.kill()
        own.wait()


def test_a_killed_supervisor_leaves_no_way_to_start_a_second_copy_of_what_still_runs(supervisor, program):
    supervisor.start(program("a"))
    orphan = supervisor.state("a").pid
    os.kill(supervisor._rpc.getPID(), signal.SIGKILL)
    until(lambda: not supervisor.is_up)
    assert psutil.pid_exists(orphan)
    supervisor.start(program("a"))
    assert not psutil.pid_exists(orphan) or psutil.Process(orphan).status() == psutil.STATUS_ZOMBIE
    assert supervisor.state("a").pid not in (0, orphan)
