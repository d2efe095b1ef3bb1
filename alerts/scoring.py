"""How sure a case is, and how urgent. Pure.

**Evidence score**, 0 to 4: the best signal's own score, plus one for each further *independent* signal that has at least 1, at most 4.
Signals are independent when neither their detector nor their device is one already counted: two detectors on one watch have felt the same
jolt, and a second episode of one detector is the same kind of doubt again. Signals that name no device (they fuse several) are
independent by detector alone. Detectors that feel one and the same silence (``SAME_DOUBT``) are one, and where the signals of several residents are gathered
in one case (``GATHERED``) each resident, on a device of his own, is independent of the others. Signals are counted from the surest down, so the choice does not depend on the order of arrival.
A withdrawn signal does not count, whatever it said before; so a withdrawal lowers the score.

**Priority**: the table ``priority_rules`` (family x score); a high care level raises it by one, never into P1. Once given it may
rise and never falls by itself, whatever is withdrawn.
"""

from collections.abc import Iterable

import msgspec

from alerts.cases import Signal
from alerts.rules import GATHERED, SAME_DOUBT, Rules
from contracts.detections import Family

TOP = 4


class Score(msgspec.Struct, frozen=True):
    """The score, and which detections made it: the best first, then each independent one that added to it."""

    value: int
    counted: tuple[str, ...] = ()


def score_of(signals: Iterable[Signal]) -> Score:
    """Evidence score of a case from its signals; 0 where all are withdrawn."""
    counted: list[Signal] = []
    for signal in sorted(signals, key=lambda s: (-s.score, s.started_at, s.detection_id)):
        if signal.withdrawn or (counted and signal.score < 1):
            continue
        voices = {_voice(known) for known in counted}
        devices = {known.device_id for known in counted if known.device_id is not None}
        if _voice(signal) not in voices and signal.device_id not in devices:
            counted.append(signal)
    if not counted:
        return Score(0)
    best = min(max(counted[0].score, 0), TOP)
    return Score(min(TOP, best + len(counted) - 1), tuple(signal.detection_id for signal in counted))


def _voice(signal: Signal) -> str:
    """What may be heard once only."""
    if signal.detector in SAME_DOUBT:
        return "silence"
    if signal.detector in GATHERED:
        return f"{signal.detector} {signal.evidence.get('resident', '')}"
    return signal.detector


def priority_of(rules: Rules, family: Family, score: int, care_level: int) -> int:
    """Priority 1-5 of a new case."""
    priority = rules.priorities[family][score]
    if care_level >= rules.high_care_level and priority > 2:
        return priority - 1
    return priority
