"""Inactivity on real homes, through frames and engine."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from cli import _evaluate_inactivity
from cli._offline import detections_of
from contracts.detections import Detection
from simulators.recordings import open_recording
from stream.registry import discover

DATA = Path(__file__).parents[4] / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"needs the recordings in {DATA}")
ZONE = ZoneInfo("Asia/Shanghai")
LEFT = datetime(2016, 7, 13, 11, 8, tzinfo=ZONE).timestamp()
"""From here on the flat of ``tm000`` is empty for 79 hours, and stray motions fire in it all the same (the data's README)."""
BACK = LEFT + 79 * 3600


def said_of_the_empty_flat(away_until_s: float | None) -> list[Detection]:
    recording = open_recording(DATA / "tm000_week_absence.csv.xz")
    (home,) = recording.homes
    card = msgspec.structs.replace(home.card(), away_until_s=away_until_s)
    messages = ((message.topic, message.payload) for message in recording.messages())
    told = detections_of(messages, {home.home_id: card}, {"inactivity": discover()["inactivity"]}, partitions=1)
    return [each for each in told if LEFT <= each.decided_at_s < BACK]


@needs_data
@pytest.mark.recordings
def test_a_flat_that_is_known_to_be_empty_raises_nothing_whatever_stirs_in_it() -> None:
    assert said_of_the_empty_flat(BACK) == []


@needs_data
@pytest.mark.recordings
def test_strays_in_an_empty_flat_that_nobody_announced_bring_nobody_back_to_life() -> None:
    told = said_of_the_empty_flat(None)
    assert [(each.on, each.score) for each in told] == [(True, 1), (True, 2)]
    assert len({each.detection_id for each in told}) == 1


def days_csv(folder: Path, days: int) -> Path:
    """Somebody who stirs twice a half hour from 8 to 22 o'clock, in rooms that nobody knows."""
    lines = ["t,sensor,val"]
    for day in range(1, days + 1):
        for minute in range(8 * 60, 22 * 60, 30):
            place = "xyzzy" if minute % 60 else "plugh"
            for n, value in enumerate(("ON", "OFF", "ON", "OFF")):
                lines.append(f"2026-03-{day:02} {minute // 60:02}:{minute % 60:02}:{n * 10:02}.000,{place},{value}")
    path = folder / "home.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_the_figures_of_a_plain_file_without_absences_have_their_fields(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_evaluate_inactivity, "RATES", (0.5,))
    told = _evaluate_inactivity.evaluate(days_csv(tmp_path, 12), None, 3, 360.0)
    fields = {"false_per_week", "median_min", "p95_min", "active_median_min", "active_p95_min"}
    assert fields <= set(told["shipped"])
    assert [point["per_week"] for point in told["points"]] == [0.25, 0.5]
    assert all(fields <= set(point) for point in told["points"])
    assert told["points"][0]["median_min"] == told["shipped"]["median_min"]
    assert 0 < told["shipped"]["median_min"] < told["shipped"]["desk"]["median_min"]


def test_what_is_too_short_or_has_no_times_of_absence_is_said(tmp_path: Path) -> None:
    with pytest.raises(_evaluate_inactivity.CannotEvaluate, match="shorter than two days"):
        _evaluate_inactivity.evaluate(days_csv(tmp_path, 2), None, 6, 60.0)
    home = days_csv(tmp_path, 3)
    with pytest.raises(_evaluate_inactivity.CannotEvaluate, match="times of absence"):
        _evaluate_inactivity.evaluate(home, home, 6, 60.0)
    away = tmp_path / "away.csv"
    away.write_text("t,end\n2026-01-01 00:00:00,2026-12-01 00:00:00\n")
    with pytest.raises(_evaluate_inactivity.CannotEvaluate, match="nobody is at home"):
        _evaluate_inactivity.evaluate(home, away, 6, 60.0)
