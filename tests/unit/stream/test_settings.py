"""Settings that would do harm refuse to start."""

import pytest

from contracts.errors import BadSetting
from contracts.settings import read
from stream.settings import StreamSettings, check

GOOD = {"SHOUWANG_KAFKA": "127.0.0.1:1", "SHOUWANG_STREAM_INSTANCE": "stream-1"}


def settings(**more: str) -> StreamSettings:
    return check(
        read(
            StreamSettings,
            "SHOUWANG_STREAM_",
            GOOD | {f"SHOUWANG_STREAM_{name}": value for name, value in more.items()},
        )
    )


def test_what_a_stage_is_given_is_enough() -> None:
    found = settings()
    assert (found.group, found.grid_s, found.grace_s, found.snapshot_s, found.metrics_port) == (
        "stream",
        10.0,
        300.0,
        30.0,
        0,
    )


def test_folders_of_detectors_are_a_list() -> None:
    assert settings(DETECTORS="/a, /b").detectors == ("/a", "/b")


@pytest.mark.parametrize(
    "wrong",
    [
        {"GRID_S": "0"},
        {"SNAPSHOT_S": "-1"},
        {"INSTANCE": "a/b"},
        {"GROUP": "Stream"},
        {"GIRD_S": "10"},
        {"LOG_LEVEL": "crit"},
    ],
)
def test_what_cannot_be_meant_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(BadSetting):
        settings(**wrong)
