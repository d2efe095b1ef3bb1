"""How sure a case is, and how urgent. Pure.

**Evidence score**, 0 to 4: one signal's own score, plus one for each further *independent* signal that *agrees* with it and has at least 1, at most 4;
less one for each detector that contradicts it, though not below 1. Of all signals that could stand first, the one that gives most does.

*Independent*: neither its detector nor its device is one already counted: two detectors on one watch have felt the same jolt, and a second
episode of one detector is the same kind of doubt again. Signals that name no device (they fuse several) are independent by detector alone.
Detectors that feel one and the same silence (``SAME_DOUBT``) are one; where the signals of several residents are gathered in one case (``GATHERED``) each
resident, on a device of his own, is independent of the others, and agrees within GATHER_S.
*Agrees*: it began within WINDOW_S of the first; or, in families whose devices say when it is over (``lasting``), both hold at this moment; or one
says that it is ``about`` the other, whenever it began. A fall sensor and a watch an hour apart are two doubts, not one certainty.
*Contradicts*: ``Signal.contradicts``. Another detector's doubt is no proof: it takes one away and never the last.
A withdrawn signal does not count, whatever it said before; so a withdrawal lowers the score.
Signals are counted from the surest down, so neither score nor choice depends on the order of arrival. ``why`` says it in words.

**Priority**: the table ``priority_rules`` (family x score); a high care level raises it by one, never into P1. Once given it may
rise and never falls by itself, whatever is withdrawn or contradicted.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

import msgspec

from alerts.cases import CaseReason, Signal
from alerts.rules import GATHER_S, GATHERED, SAME_DOUBT, Rules
from contracts.detections import Family

TOP = 4
WINDOW_S = 300.0
"""Signals that begin so close together speak of one thing, s. Chosen: a fall sensor waits up to two minutes before its alarm, a watch
decides within seconds, and device clocks that are believed may differ by a minute; longer apart, an old person is up and about again."""


class Score(msgspec.Struct, frozen=True):
    """The score, and which detections made it: the first, then each independent one that added to it."""

    value: int
    counted: tuple[str, ...] = ()


def score_of(signals: Iterable[Signal], *, lasting: bool = False) -> Score:
    """Evidence score of a case from its signals; 0 where all are withdrawn. ``lasting``: its family is one of ``rules.ENDING``."""
    ranked = _ranked(signals)
    group, value = _best(ranked, lasting)
    return Score(value, tuple(signal.detection_id for signal in group))


def why(signals: Iterable[Signal], *, lasting: bool = False) -> tuple[CaseReason, ...]:
    """The score in words, for an operator: what stands first, what adds, what takes away, what does not count (``reasons.EVIDENCE``)."""
    ranked = _ranked(signals)
    group, _ = _best(ranked, lasting)
    said: list[CaseReason] = []
    if group:
        said.append(CaseReason("evidence.first", {"detector": group[0].detector, "score": float(group[0].score)}))
        said += [_agreement(group[0], other) for other in group[1:]]
        said += [CaseReason("evidence.contradicts", {"detector": each}) for each in _doubts(group, ranked)]
    return (*said, *_set_aside(group, ranked, lasting))


def _ranked(signals: Iterable[Signal]) -> list[Signal]:
    return sorted(signals, key=lambda s: (-s.score, s.started_at, s.detection_id))


def _best(ranked: Sequence[Signal], lasting: bool) -> tuple[list[Signal], int]:
    """The signals that count, the first of them first, and what they come to."""
    speaking = [signal for signal in ranked if not signal.withdrawn]
    against = [signal for signal in ranked if signal.contradicts]
    near, kinds = _Near(speaking, lasting), len({_voice(signal) for signal in speaking})
    best: list[Signal] = []
    value = 0
    for first in speaking:
        # What follows is no surer: with all others agreeing it could not come to more.
        if best and value >= min(TOP, max(first.score, 0) + kinds - 1):
            break
        group = _independent(first, near.to(first))
        found = _value(group, against)
        if not best or found > value:
            best, value = group, found
    return best, value


def _value(group: Sequence[Signal], against: Sequence[Signal]) -> int:
    sure = min(max(group[0].score, 0) + len(group) - 1, TOP)
    return max(sure - len(_doubts(group, against)), min(sure, 1))


def _doubts(group: Sequence[Signal], signals: Sequence[Signal]) -> list[str]:
    """Detectors that contradict one of these signals, each once."""
    held = {signal.detection_id for signal in group}
    return list(dict.fromkeys(each.detector for each in signals if each.contradicts and each.about in held))


def _agree(one: Signal, other: Signal, lasting: bool) -> bool:
    if one.about == other.detection_id or other.about == one.detection_id:
        return True
    apart_s = abs((one.started_at - other.started_at).total_seconds())
    if one.detector == other.detector and one.detector in GATHERED:
        return apart_s <= GATHER_S
    return apart_s <= WINDOW_S or (lasting and one.on and other.on)


class _Near:
    """Finds the signals that agree with one, without looking at all: a sensor that flaps makes thousands."""

    def __init__(self, signals: Sequence[Signal], lasting: bool) -> None:
        self._lasting = lasting
        self._by_start = sorted(signals, key=lambda s: s.started_at)
        self._starts = [signal.started_at.timestamp() for signal in self._by_start]
        self._always = [
            signal
            for signal in signals
            if signal.about is not None or (lasting and signal.on) or signal.detector in GATHERED
        ]
        self._by_id = {signal.detection_id: signal for signal in signals}

    def to(self, first: Signal) -> list[Signal]:
        """Others that agree with it, the surest first."""
        at_s = first.started_at.timestamp()
        low = bisect_left(self._starts, at_s - WINDOW_S - 1)
        high = bisect_right(self._starts, at_s + WINDOW_S + 1)
        found = {signal.detection_id: signal for signal in (*self._by_start[low:high], *self._always)}
        if first.about in self._by_id:
            found[first.about] = self._by_id[first.about]
        found.pop(first.detection_id, None)
        agreeing = [signal for signal in found.values() if _agree(first, signal, self._lasting)]
        return sorted(agreeing, key=lambda s: (-s.score, s.started_at, s.detection_id))


def _independent(first: Signal, agreeing: Iterable[Signal]) -> list[Signal]:
    counted = [first]
    voices = {_voice(first)}
    devices = {first.device_id} - {None}
    for signal in agreeing:
        if signal.score >= 1 and _voice(signal) not in voices and signal.device_id not in devices:
            counted.append(signal)
            voices.add(_voice(signal))
            devices |= {signal.device_id} - {None}
    return counted


def _agreement(first: Signal, other: Signal) -> CaseReason:
    apart_s = abs((first.started_at - other.started_at).total_seconds())
    if other.about == first.detection_id or first.about == other.detection_id:
        return CaseReason("evidence.supports", {"detector": other.detector})
    if other.detector == first.detector:
        return CaseReason(
            "evidence.gathered", {"detector": other.detector, "resident": other.evidence.get("resident", "")}
        )
    if apart_s > WINDOW_S:
        return CaseReason("evidence.both_hold", {"detector": other.detector})
    return CaseReason("evidence.agrees", {"detector": other.detector, "apart_s": apart_s})


def _set_aside(counted: Sequence[Signal], ranked: Iterable[Signal], lasting: bool) -> list[CaseReason]:
    """Why the others do not count, each detector and reason once."""
    held = {signal.detection_id for signal in counted}
    voices = {_voice(signal) for signal in counted}
    devices = {signal.device_id for signal in counted} - {None}
    found: dict[tuple[str, str], CaseReason] = {}
    for signal in ranked:
        if signal.detection_id in held or (signal.contradicts and signal.about in held):
            continue
        if signal.withdrawn:
            key = "evidence.withdrawn"
        elif _voice(signal) in voices:
            key = "evidence.again"
        elif signal.device_id in devices:
            key = "evidence.same_device"
        elif not counted or _agree(counted[0], signal, lasting):
            key = "evidence.unsure"
        else:
            key = "evidence.apart"
        found.setdefault((key, signal.detector), CaseReason(key, {"detector": signal.detector}))
    return list(found.values())


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
