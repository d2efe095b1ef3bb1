"""Settings and the state file: what a bridge takes, and what it leaves behind."""

from pathlib import Path

import pytest

from contracts.errors import BadSetting
from contracts.names import AREA_DEMO, AREA_REPLAY
from contracts.settings import read
from ingest import state_file
from ingest.settings import IngestSettings
from ingest.state_file import BridgeState


def settings(**given: str) -> IngestSettings:
    return read(
        IngestSettings, "SHOUWANG_INGEST_", {f"SHOUWANG_INGEST_{name.upper()}": value for name, value in given.items()}
    )


def test_the_main_bridge_leaves_the_demo_and_replays_to_their_own() -> None:
    main = settings()
    assert main.takes("330282101")
    assert not main.takes(AREA_DEMO)
    assert not main.takes(AREA_REPLAY)


def test_a_bridge_with_areas_takes_those_and_no_others() -> None:
    demo = settings(areas=f"{AREA_DEMO}, 330282101")
    assert [demo.takes(area) for area in (AREA_DEMO, "330282101", "330282102")] == [True, True, False]


@pytest.mark.parametrize(
    "wrong",
    [
        {"flush_s": "0"},
        {"areas": "33028"},
        {"source": "Not An Id"},
        {"partitions": "0"},
        {"unheard_of": "1"},
        {"mqtt_port": "high"},
    ],
)
def test_settings_that_cannot_work_refuse_to_start(wrong: dict[str, str]) -> None:
    with pytest.raises(BadSetting):
        settings(**wrong)


def test_the_number_of_partitions_is_shared_with_all_stages() -> None:
    assert read(IngestSettings, "SHOUWANG_INGEST_", {"SHOUWANG_PARTITIONS": "4"}).partitions == 4


def test_the_last_word_of_a_bridge_is_read_back(tmp_path: Path) -> None:
    word = BridgeState(
        source="main", state="watching", at_s=1.0, pid=1, clock="wall", now_s=2.0, watched_until_s=3.0, held_until_s=2.5,
        connected={"bulk": True}, in_flight={"bulk": 0},
    )  # fmt: skip
    state_file.write(tmp_path, word)
    assert state_file.read(tmp_path, "main") == word
    assert state_file.read(tmp_path, "other") is None


def test_a_state_file_that_does_not_read_is_none(tmp_path: Path) -> None:
    path = state_file.path_of(tmp_path, "main")
    path.parent.mkdir()
    path.write_bytes(b'{"half":')
    assert state_file.read(tmp_path, "main") is None
