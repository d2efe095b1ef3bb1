"""The demonstration as a newcomer runs it: one command, and its check holds."""

import json
import os
import subprocess
import sys

import pytest

from deploy.site import REPOSITORY, Site

pytestmark = [pytest.mark.services, pytest.mark.timeout(600)]


def demo(site: Site, *words: str) -> tuple[int, dict[str, object], str]:
    done = subprocess.run(
        [sys.executable, "-m", "cli", "demo", "--native", "--json", *words],
        cwd=REPOSITORY,
        env=os.environ | {"SHOUWANG_DATA": str(site.data), "SHOUWANG_PORT_BASE": str(site.port_base)},
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.stdout.strip(), done.stderr[-3000:]
    return done.returncode, json.loads(done.stdout.splitlines()[-1]), done.stderr


@pytest.mark.alone
def test_everything_that_happens_in_a_simulated_neighbourhood_becomes_one_case_and_nothing_else_does(
    own_site: Site,
) -> None:
    code, found, said = demo(own_site, "--check", "--for", "60", "--homes", "20")
    assert found["expected"] > 5, said[-3000:]  # type: ignore[operator]
    assert (found["missed"], found["duplicated"], found["unexpected"]) == (0, 0, 0), found["faults"]
    assert found["sent"] == found["stored"]
    assert found["gaps"] == found["gaps_planned"] == 0
    assert code == 0
