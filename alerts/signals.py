"""What the signals of a case say together. Pure, and independent of the order in which detections arrived.

One episode of one detector is one *detection id*; its *statements* come in revisions, counted up in each lane by itself. Within a lane the
highest revision counts. Across lanes the one about the later event counts; of two about the same event the one further
on in its revisions, then the more alarming. So whatever order and however often the statements come, the signal ends the same.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from alerts.cases import CaseReason, Signal
from alerts.rules import GATHERED, LATCHING, MOMENTS
from contracts.alerts import Condition
from contracts.detections import Detection, Family


def newest_by_lane(statements: Iterable[Detection]) -> dict[str, Detection]:
    """The highest revision of each lane."""
    newest: dict[str, Detection] = {}
    for statement in statements:
        known = newest.get(statement.lane)
        if known is None or statement.revision > known.revision:
            newest[statement.lane] = statement
    return newest


def _weight(statement: Detection) -> tuple[float, int, bool, bool, int, float, str]:
    return (
        statement.event_at_s,
        statement.revision,
        not statement.withdrawn,
        statement.on,
        statement.score,
        statement.decided_at_s,
        statement.lane,
    )


def fold(statements: Sequence[Detection], now: datetime) -> Signal:
    """The signal that all statements of one detection id amount to. ``statements`` must not be empty."""
    newest = newest_by_lane(statements)
    counts = max(newest.values(), key=_weight)
    origin = counts.origin or next((s.origin for s in sorted(newest.values(), key=_weight) if s.origin), None)
    return Signal(
        detection_id=counts.detection_id,
        detector=counts.detector,
        device_id=counts.device_id,
        on=counts.on and not counts.withdrawn,
        withdrawn=counts.withdrawn,
        score=0 if counts.withdrawn and counts.about is None else counts.score,
        reason=counts.reason,
        evidence=_evidence(counts),
        started_at=instant(counts.started_at_s),
        changed_at=now,
        origin=origin,
        revisions={lane: statement.revision for lane, statement in sorted(newest.items())},
        about=counts.about,
    )


def _evidence(statement: Detection) -> dict[str, float | str]:
    """Its evidence; where the signals of several residents are gathered in one case each names its own."""
    if statement.detector not in GATHERED:
        return dict(statement.evidence)
    device = f"{statement.home_id}.{statement.device_id}" if statement.device_id else statement.home_id
    return {**statement.evidence, "resident": statement.resident_id or device}


def residents_of(signals: Iterable[Signal]) -> tuple[str, ...]:
    """Whom the gathered signals of a case name, in order of their names; withdrawn ones aside."""
    return tuple(sorted({str(s.evidence["resident"]) for s in signals if s.detector in GATHERED and not s.withdrawn}))


def same_word(one: Signal, other: Signal) -> bool:
    """Whether two states of a signal say the same (the revisions behind them aside)."""
    return (one.on, one.withdrawn, one.score, one.reason, one.evidence, one.about) == (
        other.on,
        other.withdrawn,
        other.score,
        other.reason,
        other.evidence,
        other.about,
    )


def in_order(signals: Iterable[Signal]) -> tuple[Signal, ...]:
    """Signals by the start of their episodes, oldest first."""
    return tuple(sorted(signals, key=lambda signal: (signal.started_at, signal.detection_id)))


def condition_of(family: Family, signals: Iterable[Signal]) -> Condition:
    """What devices say of an unfinished case: on while any signal is; then latched for families that latch, else off. A call is no device's word."""
    if any(signal.on and signal.detector not in MOMENTS for signal in signals):
        return "on"
    return "latched" if family in LATCHING else "off"


def reasons_of(signals: Iterable[Signal]) -> tuple[CaseReason, ...]:
    """Why the case exists, a withdrawal's reason included: each key once, with the newest numbers (a stuck button presses for ever)."""
    reasons: dict[str, CaseReason] = {}
    for signal in in_order(signals):
        reasons[signal.reason] = CaseReason(signal.reason, signal.evidence)
    return tuple(reasons.values())


def instant(at_s: float) -> datetime:
    """UTC instant of epoch seconds."""
    return datetime.fromtimestamp(at_s, UTC)
