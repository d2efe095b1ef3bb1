"""Sentences that people read: complete in two languages, and never a reason for a crash."""

import inspect
import re
from string import Formatter

import pytest

from contracts.kinds import ROLES, ROOMS
from contracts.reasons import REASONS, WORDS, sentence
from stream.registry import FOLDER, discover


def used() -> set[str]:
    """Keys that stand in the detectors' own code."""
    names = "|".join(discover())
    found: set[str] = set()
    for path in FOLDER.glob("*.py"):
        code = path.read_text(encoding="utf-8")
        found |= set(re.findall(rf'"((?:{names})\.[a-z_]+)"', code))
    return found


def test_every_reason_that_a_detector_gives_has_its_sentences() -> None:
    assert used() - REASONS.keys() == set()


def test_no_sentence_is_left_over() -> None:
    detectors = set(discover())
    left = {key for key in REASONS if key.split(".")[0] in detectors} - used()
    assert left == set()


@pytest.mark.parametrize("key", REASONS)
def test_both_languages_say_the_same_numbers(key: str) -> None:
    zh, en = (
        {name for _, name, _, _ in Formatter().parse(text) if name} for text in (REASONS[key].zh, REASONS[key].en)
    )
    assert zh == en or zh ^ en == {"room"}


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(
    "evidence", [None, {}, {"room": None, "silence_min": "long", "limit_min": float("nan")}, {"on_min": [1]}]
)
def test_odd_evidence_never_raises(language: str, evidence: dict[str, object] | None) -> None:
    for key in (*REASONS, "nobody.knows", "", "{", "inactivity"):
        assert isinstance(sentence(key, evidence, language), str)  # type: ignore[arg-type]


def test_a_sentence_speaks_the_readers_language() -> None:
    evidence = {"silence_min": 95.4, "limit_min": 90.0, "room": "kitchen"}
    assert sentence("inactivity.silent", evidence, "zh") == "已 95 分钟没有生活迹象（厨房，界限 90 分钟）"
    assert sentence("inactivity.silent", evidence, "en") == "No sign of life for 95 min (last: kitchen; limit 90 min)"


def test_every_room_and_role_has_a_chinese_word() -> None:
    assert {*ROOMS, *ROLES} - WORDS.keys() == set()


def test_parameters_name_unit_and_source() -> None:
    for name, detector in discover().items():
        lines = inspect.getsource(type(detector.params))
        for field in type(detector.params).__struct_fields__:
            said = re.search(rf"^    {field}: .*?\n    \"\"\"(.*?)\"\"\"", lines, re.S | re.M)
            assert said is not None, f"{name}: {field} has no text"
            text = said.group(1)
            assert re.search(r"Chosen|chosen|Source|EN |GB |Design|Fitted", text) or "Source of all" in lines, (
                f"{name}: {field} names no source: {text}"
            )


@pytest.mark.parametrize("why", ["gap", "block ended", "saturated", "too slow"])
def test_why_a_fall_is_unclear_is_said_in_the_reader_s_language(why: str) -> None:
    told = {"impact_g": 3.0, "why": why}
    assert not re.search("[a-z]{3,}", sentence("fall_wearable.unclear", told, "zh"))
    assert why in sentence("fall_wearable.unclear", told, "en")
