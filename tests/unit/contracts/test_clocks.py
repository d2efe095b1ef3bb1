"""The time of api and alerts: one clock that no jump of the machine's moves, and nobody reads another. (How it runs: tests/unit/ingest/test_clocks.py.)"""

import re
import time
from datetime import UTC
from pathlib import Path

import pytest

from contracts import clocks

ROOT = Path(__file__).parents[3]
READS = re.compile(r"\b(datetime\.(now|utcnow|today)\(|time\.time\()")
ALLOWED = {"alerts/reader.py": 1, "alerts/web_push.py": 1}
"""A dead letter says when it was written, by the machine's clock as those of other stages do; a signature is judged by a push service's clock."""


def test_it_agrees_with_the_machine_where_nothing_jumped() -> None:
    assert clocks.now().timestamp() == pytest.approx(time.time(), abs=1.0)
    assert clocks.now().tzinfo is UTC
    first = clocks.now()
    assert clocks.now() >= first


@pytest.mark.parametrize("package", ["api", "alerts"])
def test_nobody_sets_or_fires_a_timer_by_another_clock(package: str) -> None:
    found = {
        str(path.relative_to(ROOT)): count
        for path in sorted((ROOT / package).rglob("*.py"))
        if "node_modules" not in path.parts and (count := len(READS.findall(path.read_text())))
    }
    assert found == {path: count for path, count in ALLOWED.items() if path.startswith(package)}
