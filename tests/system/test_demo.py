"""The demonstration as a newcomer runs it: one command, and its check holds."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread

import pytest

from deploy.site import REPOSITORY, Site

pytestmark = [pytest.mark.services, pytest.mark.timeout(600)]


def demo(site: Site, *words: str) -> tuple[int, dict[str, object], str]:
    """A demonstration whose simulation stands still for three seconds, which are three minutes of its homes' lives."""
    running = subprocess.Popen(
        [sys.executable, "-m", "cli", "demo", "--native", "--json", *words],
        cwd=REPOSITORY,
        env=os.environ | {"SHOUWANG_DATA": str(site.data), "SHOUWANG_PORT_BASE": str(site.port_base)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    freezing = Thread(target=freeze, args=(site, running))
    freezing.start()
    said, errors = running.communicate(timeout=500)
    freezing.join()
    assert said.strip(), errors[-3000:]
    return running.returncode, json.loads(said.splitlines()[-1]), errors


def freeze(site: Site, demo: subprocess.Popen[str], after_s: float = 20.0, for_s: float = 3.0) -> None:
    counts = site.data / "demo" / "run" / "counts.json"
    while not counts.exists():
        if demo.poll() is not None:
            return
        time.sleep(0.2)
    time.sleep(after_s)
    children = Path(f"/proc/{demo.pid}/task/{demo.pid}/children").read_text().split()
    (simulation,) = [int(pid) for pid in children if b"simulators\0run" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    os.kill(simulation, signal.SIGSTOP)
    time.sleep(for_s)
    os.kill(simulation, signal.SIGCONT)


@pytest.mark.alone
def test_everything_that_happens_in_a_simulated_neighbourhood_becomes_one_case_and_nothing_else_does(
    own_site: Site,
) -> None:
    code, found, said = demo(own_site, "--check", "--for", "45", "--homes", "20")
    assert found["expected"] > 5, said[-3000:]  # type: ignore[operator]
    assert (found["missed"], found["duplicated"], found["unexpected"]) == (0, 0, 0), found["faults"]
    assert found["sent"] == found["stored"]
    assert found["gaps"] == found["gaps_planned"] == 0
    assert code == 0
