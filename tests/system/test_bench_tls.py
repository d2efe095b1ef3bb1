"""Two hundred devices on TLS connections of their own lose their broker together, and come back together, while buttons are pressed."""

import json
from typing import Any

import pytest

from bench import tls
from deploy.site import Site
from deploy.stages import STAGES

pytestmark = [pytest.mark.services, pytest.mark.timeout(600)]


async def test_all_come_back_and_every_press_becomes_a_case(own_site: Site, own_stages: Any) -> None:
    own_stages.start(*STAGES)
    found = await tls.measure(own_site, 200, hold_s=5.0, spread_s=10.0)
    told = json.dumps(found, indent=1)
    assert (found["came"], found["back"]) == (200, 200), told
    assert found["presses"] == found["receipts"] == found["cases"] == 10, told
    assert found["memory_kb"] > 1, told
    assert found["connect_cpu_ms"]["first"] > 0, told
    # The five seconds are the command's to hold on a machine of its own; here nobody may have been forgotten.
    assert found["press_to_case_s"]["max"] < 60, told
