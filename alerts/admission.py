"""What one detection does to the cases of its home. Pure: the situation in, a verdict out.

A signal belongs to the case that holds its detection id; a new one to the open case of its home and family; else to the open case of the home that it
is *about* (``_bears_on``); else a case begins. What contradicts another detection never begins one.
A case's id is uuid5 of the detection that began it (and of the case it follows), so both twins choose the same.
"""

import uuid
from datetime import datetime, timedelta
from typing import Any

import msgspec

from alerts.asking import asks, louder_than_asked
from alerts.cases import Case, Signal
from alerts.decisions import off_the_shelf
from alerts.lifecycle import Move, moved
from alerts.rules import ENDING, LATCHING, RESTORABLE, Rules
from alerts.scoring import WINDOW_S, Score, priority_of, score_of, why
from alerts.signals import condition_of, fold, in_order, instant, newest_by_lane, reasons_of, residents_of, same_word
from alerts.windows import Window
from contracts.detections import NAMESPACE, Detection, Family

BEARS_ON: dict[Family, Family] = {"no_life": "fall"}
"""Families whose detections are about another family's open case of the home where nothing is named. Design, section 5: alerts fuses by home and time."""


class Held(msgspec.Struct, frozen=True):
    """A case with its signals."""

    case: Case
    signals: tuple[Signal, ...]


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """What a store knows when a detection comes. Tests live apart: for a test detection only test cases are looked at, and vice versa."""

    statements: tuple[Detection, ...] = ()
    """Other stored statements of the same detection id and the same ``test``: at least the newest of each lane."""
    own: Held | None = None
    """The newest case that holds this detection id."""
    open: Held | None = None
    """The open case of this home and family (may be the same as ``own``)."""
    target: Held | None = None
    """The open case of this home that holds the detection which this one names in ``about``; for a silence that names none, the open fall."""
    gathering: Held | None = None
    """For a detection of ``rules.GATHERED``: the open case of its family, in any home of its institution, that holds such a signal of the same day."""
    finished: Case | None = None
    """The newest finished case of this home and family, if it ended within ``rules.reopen_s``."""
    area_code: str = ""
    care_level: int = 0
    window: Window | None = None
    """Its device, home or area is out of service, and for this family too."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What to do: write ``move`` (None: the case does not change) and keep ``signal`` in ``case_id`` (None: no case concerns it)."""

    older: bool = False
    case_id: str | None = None
    signal: Signal | None = None
    move: Move | None = None


def first_case_id(detection: Detection, after_case_id: str | None) -> str:
    """Id of the case that a detection begins; a test never shares one with the real thing."""
    kind = "test" if detection.test else "case"
    return str(uuid.uuid5(NAMESPACE, f"{kind}|{detection.detection_id}|{after_case_id or ''}"))


def judge(detection: Detection, situation: Situation, rules: Rules, now: datetime) -> Verdict:
    """Decide on one detection that was not held before."""
    own = situation.own
    known = newest_by_lane(situation.statements).get(detection.lane)
    if known is not None and known.revision >= detection.revision:
        return Verdict(older=True, case_id=own.case.case_id if own else None)
    signal = _still_about(own, fold((*situation.statements, detection), now))
    if detection.test:
        return _take_test(detection, situation, signal, rules, now)
    if own is not None and own.case.is_open:
        return _append(own, detection, signal, situation, rules, now)
    if own is not None and not _grew(own, signal):
        return _record(own, signal, now)
    about = _bears_on(signal, detection, situation)
    if about is not None and situation.target is not None:
        return _append(situation.target, detection, msgspec.structs.replace(signal, about=about), situation, rules, now)
    if signal.contradicts:
        return Verdict()  # of what it speaks nobody has a case
    if situation.gathering is not None:
        return _append(situation.gathering, detection, signal, situation, rules, now)
    if situation.open is not None:
        return _append(situation.open, detection, signal, situation, rules, now)
    if signal.on or detection.family in LATCHING:
        return _begin(detection, situation, signal, rules, now)
    # Over before anybody heard of it, and nothing that stays latched: kept, and nobody's case.
    return Verdict()


def _bears_on(signal: Signal, detection: Detection, situation: Situation) -> str | None:
    """The detection of ``situation.target`` that this one is about, if it belongs into that case.

    A contradiction always does. A support does where its own family has no case open (else that one hears it), and never one that latches into
    a case that ends by itself. A silence that began within WINDOW_S of a fall is about that fall, without naming it: nobody was seen since.
    """
    if situation.target is None:
        return None
    if signal.contradicts:
        return signal.about
    if situation.open is not None or (detection.family in LATCHING and situation.target.case.family not in LATCHING):
        return None
    if signal.about is not None or detection.family not in BEARS_ON:
        return signal.about
    near = [
        (abs((signal.started_at - known.started_at).total_seconds()), known.detection_id)
        for known in situation.target.signals
        if not known.withdrawn
    ]
    apart_s, named = min(near, default=(WINDOW_S + 1, ""))
    return named if apart_s <= WINDOW_S and signal.on else None


def _still_about(own: Held | None, signal: Signal) -> Signal:
    """A later word of a signal that was found to be about another is about that one still."""
    before = next((s for s in own.signals if s.detection_id == signal.detection_id), None) if own else None
    if before is None or signal.about is not None:
        return signal
    return msgspec.structs.replace(signal, about=before.about)


def _score(family: Family, signals: tuple[Signal, ...]) -> Score:
    return score_of(signals, lasting=family in ENDING)


def _why(family: Family, signals: tuple[Signal, ...]) -> Any:
    return list(msgspec.to_builtins(why(signals, lasting=family in ENDING)))


def _grew(held: Held, signal: Signal) -> bool:
    """Whether a signal of a finished case says more than when the case was finished: then somebody has to look again."""
    before = next((s for s in held.signals if s.detection_id == signal.detection_id), None)
    return signal.on and (before is None or signal.score > before.score or not before.on)


def _take_test(detection: Detection, situation: Situation, signal: Signal, rules: Rules, now: datetime) -> Verdict:
    if situation.own is not None:
        return Verdict(case_id=situation.own.case.case_id, signal=signal)
    return _begin(detection, situation, signal, rules, now)


def _begin(detection: Detection, situation: Situation, signal: Signal, rules: Rules, now: datetime) -> Verdict:
    """A case begins: RAISED, and at once in the queue; or the resident is asked first; or, for a test, apart."""
    signals = (signal,)
    score = _score(detection.family, signals)
    priority = priority_of(rules, detection.family, score.value, situation.care_level)
    # Its own finished case is followed however long ago that was: else both would have one id.
    followed = situation.finished or (situation.own.case if situation.own else None)
    after = None if detection.test or followed is None else followed.case_id
    raised = Case(
        case_id=first_case_id(detection, after),
        version=0,
        home_id=detection.home_id,
        area_code=situation.area_code,
        resident_id=detection.resident_id,
        family=detection.family,
        priority=priority,
        score=score.value,
        reasons=reasons_of(signals),
        handling="RAISED",
        condition=condition_of(detection.family, signals),
        condition_at=now,
        test=detection.test,
        event_at=instant(detection.started_at_s),
        raised_at=now,
        after_case_id=after,
        detector=detection.detector,
        device_id=detection.device_id,
    )
    facts: dict[str, Any] = {
        "family": detection.family,
        "detector": detection.detector,
        "device_id": detection.device_id,
        "priority": priority,
        "score": score.value,
        "counted": list(score.counted),
        "why": _why(detection.family, signals),
    }
    if detection.test:
        move = moved(raised, "test", "raised", now, reason="case.test", facts=facts)
    else:
        facts |= {"care_level": situation.care_level, "after_case_id": after}
        wait_s = asks(rules, detection.family, score.value, priority)
        deadline = now + timedelta(seconds=(wait_s or 0.0) + rules.answer_s[priority])
        reason = "case.raised" if after is None else "case.raised_again"
        if situation.window is not None:
            facts |= situation.window.facts()
            move = moved(
                raised, "suspend", "raised", now, reason="case.suspended", facts=facts, deadline_at=deadline,
                held_until_at=situation.window.until_at, hold_reason=situation.window.words(),
            )  # fmt: skip
        elif wait_s is None:
            move = moved(
                raised, "queue", "raised", now, reason=reason, facts=facts, queued_at=now, deadline_at=deadline
            )
        else:
            until = now + timedelta(seconds=wait_s)
            facts["wait_s"] = wait_s
            move = moved(
                raised, "ask", "raised", now, reason="case.asking", facts=facts, asking_until_at=until, deadline_at=deadline
            )  # fmt: skip
    return Verdict(
        case_id=raised.case_id, signal=signal, move=Move(
            before=None, after=move.after, change="raised", at=now, reason=move.reason, facts=move.facts
        )
    )  # fmt: skip


def _with(held: Held, signal: Signal) -> tuple[Signal | None, tuple[Signal, ...]]:
    """The signal's former state in the case, and all signals with the new one in its place."""
    before = next((s for s in held.signals if s.detection_id == signal.detection_id), None)
    others = tuple(s for s in held.signals if s.detection_id != signal.detection_id)
    return before, in_order((*others, signal))


def _append(
    held: Held, detection: Detection, signal: Signal, situation: Situation, rules: Rules, now: datetime
) -> Verdict:
    """A new signal of an open case, or a new word of one it holds."""
    case = held.case
    before, signals = _with(held, signal)
    if before is not None and same_word(before, signal):
        kept = msgspec.structs.replace(signal, changed_at=before.changed_at)
        return Verdict(case_id=case.case_id, signal=kept)
    score = _score(case.family, signals)
    condition = condition_of(case.family, signals)
    # Never lowered: neither by a withdrawal, nor by a contradiction, nor by a condition that ended.
    priority = min(case.priority, priority_of(rules, case.family, score.value, situation.care_level))
    if detection.family != case.family and not signal.withdrawn:
        # In another family's case it is as urgent as in one of its own.
        priority = min(priority, priority_of(rules, detection.family, signal.score, situation.care_level))
    fields: dict[str, Any] = {
        "score": score.value,
        "priority": priority,
        "reasons": reasons_of(signals),
        "signals": len(signals),
        "condition": condition,
        "condition_at": case.condition_at if condition == case.condition else now,
        # What was not known when the case began: whom it concerns, and where the home is (it may have been registered since).
        "resident_id": case.resident_id or detection.resident_id,
        "area_code": case.area_code or situation.area_code,
    }
    if priority < case.priority:
        sooner = now + timedelta(seconds=rules.answer_s[priority])
        fields["deadline_at"] = sooner if case.deadline_at is None else min(case.deadline_at, sooner)
        fields["rung"] = 0
    facts = {
        "detection_id": signal.detection_id, "detector": signal.detector, "signal": signal.reason, "on": signal.on,
        "withdrawn": signal.withdrawn, "score": score.value, "score_before": case.score, "counted": list(score.counted),
        "why": _why(case.family, signals), "priority": priority, "priority_before": case.priority, "condition": condition,
    }  # fmt: skip
    residents = residents_of(signals)
    if len(residents) > 1:
        facts |= {"residents": len(residents), "who": ", ".join(residents)}
    louder = signal.on and (before is None or not before.on or priority < case.priority)
    gathered = before is None and signal.on and len(residents) > len(residents_of(held.signals)) > 0
    # Also a word that something is off may find the case more urgent: another family's signal, a resident who needs more care by now.
    risen = priority < case.priority
    if case.handling == "ASKING" and (louder or risen or score.value > case.score):
        reason = "case.gathered" if gathered else "case.asking_broken"
        move = louder_than_asked(case, reason, fields, facts, rules, now)
        return Verdict(case_id=case.case_id, signal=signal, move=move)
    if case.handling == "SHELVED" and (louder or risen):
        move = off_the_shelf(case, "sound", "case.shelf_broken", facts, rules, now, **fields)
        return Verdict(case_id=case.case_id, signal=signal, move=move)
    if case.handling == "SUSPENDED" and situation.window is None and (louder or risen):
        move = off_the_shelf(case, "sound", "case.window_broken", facts, rules, now, **fields)
        return Verdict(case_id=case.case_id, signal=signal, move=move)
    if case.handling == "HELD" and louder:
        return Verdict(case_id=case.case_id, signal=signal, move=_sound(case, fields, facts, rules, now))
    change, reason = _word_for(case, before, signal, priority, condition)
    if gathered:
        reason = "case.gathered"
    return Verdict(
        case_id=case.case_id, signal=signal, move=moved(case, None, change, now, reason=reason, facts=facts, **fields)
    )


def _word_for(case: Case, before: Signal | None, signal: Signal, priority: int, condition: str) -> tuple[Any, str]:
    if priority < case.priority:
        return "priority", "case.priority"
    if signal.contradicts:
        return "signal", "case.contradicted"
    if signal.withdrawn:
        return "signal", "case.withdrawn"
    if case.family in RESTORABLE and condition == "off" and case.condition != "off":
        return "signal", "case.off"
    if not signal.on:
        return "signal", "case.signal_off"
    return ("signal", "case.signal") if before is None else ("signal", "case.revised")


def _sound(case: Case, fields: dict[str, Any], facts: dict[str, Any], rules: Rules, now: datetime) -> Move:
    """A new episode ends the hold and sounds at the owner's desk, who has one lease's time to react."""
    return moved(
        case, "sound", "hold_ended", now, reason="case.hold_broken", facts=facts | {"desk_id": case.desk_id, "note": case.hold_reason},
        **fields, lease_until_at=now + timedelta(seconds=rules.lease_s), held_until_at=None, hold_reason=None,
    )  # fmt: skip


def _record(held: Held, signal: Signal, now: datetime) -> Verdict:
    """A finished case hears the end (or the withdrawal) of its own signal: shown, and nothing is opened."""
    case = held.case
    before, signals = _with(held, signal)
    if before is not None and same_word(before, signal):
        return Verdict(case_id=case.case_id, signal=msgspec.structs.replace(signal, changed_at=before.changed_at))
    still_on = any(s.on for s in signals)
    condition = "on" if still_on else "off"
    return Verdict(
        case_id=case.case_id, signal=signal, move=moved(
            case, None, "signal", now, reason="case.after", facts={"detection_id": signal.detection_id, "signal": signal.reason},
            score=_score(case.family, signals).value, reasons=reasons_of(signals), condition=condition,
            condition_at=case.condition_at if condition == case.condition else now,
        )
    )  # fmt: skip
