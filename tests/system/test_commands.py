"""The commands as a newcomer types them, each on a site of its own."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from tempfile import mkdtemp

import psutil
import pytest

from deploy.native import engine
from deploy.site import REPOSITORY, Site

pytestmark = pytest.mark.services


class Commands:
    """Runs ./shouwang's command line on an empty site."""

    def __init__(self, data: Path, port_base: int) -> None:
        self.site = Site.load(data=data, port_base=port_base)
        self._environment = os.environ | {"SHOUWANG_DATA": str(data), "SHOUWANG_PORT_BASE": str(port_base)}

    def _words(self, words):
        return [sys.executable, "-P", "-m", "cli", *words]

    def run(self, *words, within_s=120):
        done = subprocess.run(
            self._words(words),
            env=self._environment,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=within_s,
        )
        return done.returncode, done.stdout, done.stderr

    def json(self, *words):
        code, out, err = self.run(*words, "--json")
        assert code == 0, err
        return json.loads(out)

    def begin(self, *words):
        return subprocess.Popen(
            self._words(words),
            env=self._environment,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.fixture
def shouwang(free_port_base):
    data = Path(mkdtemp(prefix="shouwang-"))
    commands = Commands(data, free_port_base)
    yield commands
    engine.down(commands.site)
    shutil.rmtree(data)


def test_services_go_up_twice_down_and_lose_everything_only_by_a_sure_reset(shouwang):
    first = shouwang.json("services", "up", "--native")
    assert all(entry["ready"] for entry in first.values())
    assert shouwang.json("services", "up", "--native") == first
    code, _, err = shouwang.run("services", "reset")
    assert code == 1
    assert "--yes" in err
    assert shouwang.json("services", "status") == first
    down = shouwang.json("services", "down")
    assert not any(entry["running"] or entry["ready"] or entry["pid"] for entry in down.values())
    assert not any(psutil.pid_exists(entry["pid"]) for entry in first.values())
    assert (shouwang.site.data / "postgres").exists()
    shouwang.json("services", "reset", "--yes")
    assert not (shouwang.site.data / "postgres").exists()
    assert (shouwang.site.data / "secrets.json").exists()


def test_status_of_what_is_down_exits_with_1(shouwang):
    code, out, _ = shouwang.run("services", "status", "--json")
    assert code == 1
    assert set(json.loads(out)) == {"timescale", "kafka", "mosquitto"}


def test_a_port_that_somebody_else_holds_is_named_before_anything_starts(shouwang):
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections of the test before may linger
        other.bind(("127.0.0.1", shouwang.site.ports.kafka))
        other.listen()
        code, _, err = shouwang.run("services", "up", "--native")
    assert code == 1
    assert f"Port {shouwang.site.ports.kafka} of kafka is taken" in err


def test_run_stops_what_it_started_and_leaves_what_was_up(shouwang):
    shouwang.json("services", "up", "--native")
    running = shouwang.begin("run", "writer", "--json")
    told = json.loads(running.stdout.readline())
    pid = told["stages"]["writer"]["pid"]
    assert psutil.pid_exists(pid)
    running.send_signal(signal.SIGINT)
    assert running.wait(60) == 0
    running.communicate()
    assert not psutil.pid_exists(pid)
    assert all(entry["ready"] for entry in shouwang.json("services", "status").values())


def test_run_takes_the_services_down_that_it_brought_up(shouwang):
    running = shouwang.begin("run", "writer", "--native", "--json")
    json.loads(running.stdout.readline())
    running.terminate()
    assert running.wait(60) == 0
    running.communicate()
    code, out, _ = shouwang.run("services", "status", "--json")
    assert code == 1
    assert not any(entry["running"] for entry in json.loads(out).values())


def test_an_unknown_stage_starts_nothing(shouwang):
    code, _, err = shouwang.run("run", "wirter")
    assert code == 1
    assert "writer" in err
    assert not (shouwang.site.data / "postgres").exists()


def test_the_script_answers_from_anywhere_by_link_too(tmp_path):
    link = tmp_path / "shouwang"
    link.symlink_to(REPOSITORY / "shouwang")
    done = subprocess.run([link, "--help"], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0
    assert "services" in done.stdout
