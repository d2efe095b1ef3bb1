"""Settings, and the shipped rules."""

import pytest

from alerts.progress import newest_of
from alerts.rules import SHIPPED
from alerts.settings import AlertsSettings
from contracts import progress
from contracts.errors import BadSetting
from contracts.progress import Progress
from contracts.settings import read


def test_settings_come_from_the_environment():
    settings = read(
        AlertsSettings, "SHOUWANG_ALERTS_", {"SHOUWANG_ALERTS_INSTANCE": "alerts-2", "SHOUWANG_KAFKA": "k:1", "SHOUWANG_DATABASE": "d"}
    )  # fmt: skip
    assert (settings.instance, settings.kafka, settings.database) == ("alerts-2", "k:1", "d")


@pytest.mark.parametrize(
    ("name", "value"), [("INSTANCE", "a/b"), ("SWEEP_S", "0"), ("BATCH", "many"), ("NOT_A_SETTING", "1")]
)
def test_a_setting_that_cannot_be_used_refuses_to_start(name, value):
    with pytest.raises(BadSetting):
        read(AlertsSettings, "SHOUWANG_ALERTS_", {f"SHOUWANG_ALERTS_{name}": value})


def test_the_whole_ladder_is_enabled():
    assert [rung.who for rung in SHIPPED.rungs(1)] == [
        "all_desks",
        "supervisor_wall",
        "backup_centre_kin",
        "incident_review",
    ]
    assert [rung.after_s for rung in SHIPPED.ladder if rung.priority == 1] == [30, 60, 90, 180]


def said(partition, watched_until_s, group="stream"):
    return progress.encode(Progress(
        group=group, worker="stream-1", lane="bulk", partition=partition, source="main", watched_until_s=watched_until_s, clock="wall",
        offset=1, lag=0, frames=1, rows=1, at_wall_s=1000.0,
    ))  # fmt: skip


def test_of_each_worker_s_statements_the_last_counts_and_nonsense_is_passed_over():
    newest = newest_of(
        [said(1, 10.0), said(1, 11.0), said(2, None), b"nonsense", said(1, 1e300), said(1, 5.0, "other")]
    )
    assert {key: value.watched_until_s for key, value in newest.items()} == {
        ("stream", 1, "main"): 11.0, ("stream", 2, "main"): None, ("other", 1, "main"): 5.0,
    }  # fmt: skip
