"""The table of our own processes."""

from importlib.util import find_spec

import pytest

from deploy.errors import UnknownProcess
from deploy.services import SERVICES
from deploy.site import Site
from deploy.stages import STAGES, another_bridge, process, stage


def test_names_are_unique_and_apart_from_those_of_services():
    names = [entry.name for entry in STAGES] + [entry.name for entry in SERVICES]
    assert len(names) == len(set(names))


def test_every_stage_is_a_package_that_can_be_run():
    for entry in STAGES:
        assert find_spec(f"{entry.words[0]}.__main__"), entry.name


def test_the_urgent_way_and_alerts_are_doubled_with_names_of_their_own():
    for prefix, variable in (("alerts-", "SHOUWANG_ALERTS_INSTANCE"), ("stream-urgent-", "SHOUWANG_STREAM_INSTANCE")):
        pair = [entry for entry in STAGES if entry.name.startswith(prefix)]
        assert len({entry.environment[variable] for entry in pair}) == 2


def test_stages_start_after_services_and_stop_before_them():
    assert min(entry.priority for entry in STAGES) > max(entry.priority for entry in SERVICES)


def test_what_an_urgent_message_passes_gives_way_to_nothing_else(tmp_path):
    site = Site.load(data=tmp_path)
    nice = {entry.name: process(site, entry).command[:3] for entry in STAGES if entry.niceness}
    assert nice == {
        "stream-1": ("nice", "-n", "5"),
        "stream-2": ("nice", "-n", "5"),
        "writer": ("nice", "-n", "5"),
        "keeper": ("nice", "-n", "5"),
        "learner": ("nice", "-n", "15"),
    }


def test_another_bridge_is_a_source_of_its_own(tmp_path):
    demo = another_bridge("demo", {"SHOUWANG_INGEST_CLOCK": "virtual:0:0:60"})
    found = process(Site.load(data=tmp_path), demo)
    assert found.name == "ingest-demo"
    assert found.environment["SHOUWANG_INGEST_SOURCE"] == "demo"
    assert found.environment["SHOUWANG_INGEST_CLOCK"] == "virtual:0:0:60"
    assert found.command[1:] == ("-m", "ingest")


def test_an_unknown_stage_is_answered_with_the_known_ones():
    with pytest.raises(UnknownProcess, match="stream-urgent-1"):
        stage("strem-1")
