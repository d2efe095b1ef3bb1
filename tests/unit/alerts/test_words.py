"""Every change of a case can be said in Chinese and in English, with its numbers."""

import re
from pathlib import Path

import alerts
from contracts.reasons import CHANGES, sentence

SOURCE = "\n".join(path.read_text(encoding="utf-8") for path in Path(alerts.__path__[0]).glob("*.py"))


def test_every_reason_that_a_decision_gives_has_its_sentences():
    given = set(re.findall(r'"(case\.[a-z_]+)"', SOURCE))
    # ``moved`` makes "case.<change>" where a decision names none.
    given |= {f"case.{change}" for change in re.findall(r'moved\(\s*case, [^,]+, "([a-z_]+)"', SOURCE)}
    given |= {
        "case.answered",
        "case.asked",
        "case.looked",
        "case.shelved",
        "case.verifying",
        "case.dispatched",
        "case.on_scene",
        "case.escalated",
        "case.closed",
        "case.restored",
    }
    given -= {"case.queued"}  # whoever makes it names one
    assert given <= set(CHANGES)


def test_no_sentence_is_left_over():
    words = {key.removeprefix("case.") for key in CHANGES}
    assert {word for word in words if f'"{word}"' not in SOURCE and f'"case.{word}"' not in SOURCE} == set()


def test_a_lost_claim_is_told_in_both_languages():
    facts = {"waited_s": 61.2, "rung": 1, "who": "all_desks", "after_s": 30.0}
    assert sentence("case.escalated", facts, "zh") == "61 秒无人受理，升级至第 1 级：全部坐席"
    assert sentence("case.escalated", facts, "en") == "Unclaimed for 61 s: rung 1, all desks (due at 30 s)"
