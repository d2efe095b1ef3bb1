"""A recording through MQTT, bridge, Kafka, stream and database: everything arrives, and what is found is what ``detect`` finds."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cli.__main__ import main
from cli._replaying import Replay
from contracts.detections import as_line
from deploy.site import REPOSITORY, Site
from deploy.stages import STAGES
from simulators.recording import Part
from simulators.recordings import WHOLE
from tests.system.conftest import Stages

pytestmark = [pytest.mark.services, pytest.mark.timeout(900)]

RECORDINGS = REPOSITORY.parent / "shared" / "data"
ALL = [entry.name for entry in STAGES]


def found(lines: list[dict[str, Any]], run: str = "") -> set[tuple[Any, ...]]:
    """What was said, without the run in the home's name."""
    return {
        (
            line["home"].removeprefix(f"{run}-"),
            line["detector"],
            line["onset"],
            line["on"],
            line["device"],
            line["score"],
            line["decided_at"],
        )
        for line in lines
    }


def detected(path: Path, tmp_path: Path, *words: str) -> set[tuple[Any, ...]]:
    """What ``detect`` says, by its own command."""
    out = tmp_path / f"{path.name}.jsonl"
    assert main(["detect", str(path), "--out", str(out), *words]) == 0
    return found([json.loads(line) for line in out.read_text().splitlines()])


@pytest.fixture
def a_home(tmp_path: Path) -> Path:
    """Two days with motion, a door that is used, and an end without a sign of life."""
    rng = np.random.default_rng(5)
    rows = []
    for day in (1, 2):
        for minute in np.sort(rng.uniform(6.5 * 60, 21 * 60, 260)):
            room = rng.choice(["Kitchen", "Bedroom", "Bathroom", "LivingRoom"])
            for second, value in ((0, "ON"), (30, "ON"), (45, "OFF")):
                at = int(minute * 60) + second
                rows.append((f"2024-03-0{day} {at // 3600:02d}:{at // 60 % 60:02d}:{at % 60:02d}.250", room, value))
        rows.append((f"2024-03-0{day} 21:05:00.000", "FrontDoor", "OPEN"))
        rows.append((f"2024-03-0{day} 21:05:07.000", "FrontDoor", "CLOSE"))
        rows.append((f"2024-03-0{day} 21:20:00.000", "Bedroom", "ON"))
        rows.append((f"2024-03-0{day} 21:21:00.000", "Bedroom", "ON"))
    rows.append(("2024-03-04 20:00:00.000", "Bedroom", "OFF"))
    path = tmp_path / "made_home.csv"
    path.write_text("t,sensor,val\n" + "".join(f"{t},{sensor},{value}\n" for t, sensor, value in sorted(rows)))
    return path


@pytest.fixture
def some_falls(tmp_path: Path) -> Path:
    """A tenth of the recorded falls and activities, as they are."""
    source = RECORDINGS / "weda_wrist.npz"
    if not source.exists():
        pytest.skip(f"the recordings are not there ({source})")
    with np.load(source) as file:
        offsets, chosen = file["off"], range(0, len(file["off"]) - 1, 10)
        rows = np.concatenate([np.arange(offsets[n], offsets[n + 1]) for n in chosen])
        lengths = [offsets[n + 1] - offsets[n] for n in chosen]
        path = tmp_path / "some_falls.npz"
        np.savez(
            path,
            acc=file["acc"][rows],
            gyr=file["gyr"][rows],
            off=np.cumsum([0, *lengths]),
            fs=file["fs"],
            subject=file["subject"][list(chosen)],
        )
    return path


async def played(site: Site, path: Path, part: Part = WHOLE) -> tuple[dict[str, Any], set[tuple[Any, ...]]]:
    replay = Replay(site, path, part, live=False)
    figures = await replay.play(None, 120.0, lambda: False)
    return figures, found([as_line(each) for each in replay.found.values()], replay.run)


async def test_a_replay_stores_all_that_was_sent_and_finds_what_detect_finds_each_time(
    site: Site, stages: Stages, a_home: Path, tmp_path: Path
) -> None:
    stages.start(*ALL)
    wanted = detected(a_home, tmp_path)
    assert any(detector == "inactivity" and on for _, detector, _, on, *_ in wanted)
    for _ in range(2):
        figures, said = await played(site, a_home)
        assert figures["sent"] == figures["stored"] == len(a_home.read_text().splitlines()) - 1
        assert figures["dead_letters"] == 0
        assert said == wanted


async def test_recorded_falls_are_found_on_the_way_as_they_are_offline(
    site: Site, stages: Stages, some_falls: Path, tmp_path: Path
) -> None:
    stages.start(*ALL)
    wanted = detected(some_falls, tmp_path, "--detector", "fall_wearable")
    assert len(wanted) > 30
    figures, said = await played(site, some_falls)
    assert figures["sent"] == figures["stored"]
    assert {line for line in said if line[1] == "fall_wearable"} == wanted


async def test_days_of_a_real_home_go_the_whole_way(site: Site, stages: Stages, tmp_path: Path) -> None:
    path = RECORDINGS / "tm000_week_absence.csv.xz"
    if not path.exists():
        pytest.skip(f"the recordings are not there ({path})")
    stages.start(*ALL)
    wanted = detected(path, tmp_path, "--days", "1.5")
    figures, said = await played(site, path, Part(None, 1.5))
    assert figures["sent"] == figures["stored"] > 1500
    assert said == wanted
