"""Every detector that is found, every case in its file, under every change that must change nothing."""

import pytest

from contracts.detections import Detection
from contracts.reasons import REASONS, sentence
from stream.battery import HARMLESS, run_case, run_story, spoilt
from stream.detector import Case, Detector
from stream.registry import discover

FOUND = discover()
CASES = [
    pytest.param(name, detector, case, id=f"{name}: {case.name}")
    for name, detector in FOUND.items()
    for case in detector.cases
]
LONG_S = 30_000.0
"""A story of so many seconds is told many times over by the whole run alone."""
CHANGED = [
    pytest.param(
        *case.values, id=case.id, marks=pytest.mark.recordings if case.values[2].story.ends_at_s >= LONG_S else ()
    )  # type: ignore[union-attr]
    for case in CASES
]
pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")


@pytest.mark.parametrize(("name", "detector", "case"), CASES)
def test_what_a_case_asks_is_what_the_detector_says(name: str, detector: Detector, case: Case) -> None:
    told = run_case(name, detector, case)
    for each in told:
        assert each.reason in REASONS
        for language in ("zh", "en"):
            text = sentence(each.reason, each.evidence, language)
            assert "?" not in text, f"{each.reason} lacks a number: {text} of {each.evidence}"
            assert "{" not in text


@pytest.mark.parametrize(("name", "detector", "case"), CHANGED)
def test_what_must_not_matter_changes_nothing(name: str, detector: Detector, case: Case) -> None:
    usual = _sorted(run_story(name, detector, case.story))
    for change, how in HARMLESS.items():
        assert _sorted(run_story(name, detector, case.story, **how)) == usual, change


def _sorted(told: list[Detection]) -> list[Detection]:
    """Two devices of a home may speak in either order when their rows stand in one frame."""
    return sorted(told, key=lambda each: (each.detection_id, each.revision))


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(("name", "detector", "case"), CASES)
def test_late_rows_gaps_and_missing_values_never_raise(name: str, detector: Detector, case: Case, seed: int) -> None:
    run_story(name, detector, spoilt(case.story, seed))


@pytest.mark.parametrize(("name", "detector"), FOUND.items())
def test_a_detector_has_a_case_that_fires_and_one_that_stays_quiet(name: str, detector: Detector) -> None:
    assert any(case.episodes for case in detector.cases)
    assert any(not case.episodes for case in detector.cases)
