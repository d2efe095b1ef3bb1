"""A short run of faults: something befalls every stage and every service once, and nothing is lost, doubled or unaccounted for."""

import json
from typing import Any

import pytest

from bench import chaos
from deploy.services import SERVICES
from deploy.site import Site
from deploy.stages import STAGES

# test_whole_way.py kills everything once in every run; this takes the machine for three minutes more.
pytestmark = [pytest.mark.services, pytest.mark.long, pytest.mark.timeout(600)]

SECONDS, SEED, RATE_PER_S, HOMES = 100.0, 3, 300.0, 30
"""As short as something can befall everybody. The load is a third of the command's own: this has to pass on a machine that does other things too."""


@pytest.mark.alone
async def test_no_alert_is_lost_or_doubled_and_every_reading_is_accounted_for_whatever_dies(
    own_site: Site, own_stages: Any
) -> None:
    own_stages.start(*STAGES)
    found = await chaos.measure(
        own_site, SECONDS, SEED, rate_per_s=RATE_PER_S, homes=HOMES, broker_kills=False, gone_s=None
    )
    told = json.dumps(found, ensure_ascii=False, indent=1)
    touched = {fault["target"] for fault in found["by_fault"]}
    assert touched >= {*(entry.name for entry in STAGES), *(entry.name for entry in SERVICES)}
    assert found["expected"] > 100
    assert (found["lost"], found["duplicated"]) == (0, 0), told
    assert (found["sent"], found["gaps"]) == (found["stored"], 0), told
    assert found["presses_unanswered"] == 0, told
    assert found["not_back"] == [], told
