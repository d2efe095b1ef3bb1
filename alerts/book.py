"""What a store must be able to do within one transaction; the operations on cases are written once, over this (``alerts.operations``)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from alerts.admission import Situation, Verdict
from alerts.asking import Question
from alerts.calls import Call
from alerts.cases import Case, Place, Signal, summary
from alerts.lifecycle import Move
from alerts.notices import Notice
from alerts.rules import Rules
from contracts.alerts import AlertEvent
from contracts.detections import Detection

MOST_ORIGINS = 50
"""Newest messages that an event names, so that a stuck button does not make events without end."""


class Book(Protocol):
    """One open transaction. A case that was read for change is locked until its end; leaving with an exception undoes everything."""

    async def record(self, detections: Sequence[Detection], now: datetime) -> list[bool]:
        """Keep statements. False: that one was held already."""
        ...

    async def situations(self, detections: Sequence[Detection], now: datetime, since: datetime) -> list[Situation]:
        """What is known around each detection (itself left out) at ``now``; ``since``: how far back a finished case is still followed.

        No two of them may be of one home: the second would not see what the first does.
        """
        ...

    async def settle(self, detection: Detection, verdict: Verdict) -> None:
        """Keep the signal of a verdict, and which case the statement went to. After ``write``."""
        ...

    async def lock(self, case_id: str, *, wait: bool = True) -> Case | None:
        """The case for change. None: there is none, or (``wait`` False) somebody else is changing it."""
        ...

    async def signals(self, case_id: str) -> tuple[Signal, ...]:
        """Signals of a case, oldest first."""
        ...

    async def put_signal(self, case_id: str, signal: Signal) -> None:
        """Keep a signal with a case; only while the case is locked."""
        ...

    async def open_case(self, home_id: str, family: str) -> Case | None:
        """The open case of a home and family."""
        ...

    async def write(self, move: Move, event: AlertEvent, rules: Rules) -> None:
        """Compare-and-swap of the case, its timers, its audit row and its outbox row. Raises Raced."""
        ...

    async def questions(self, case_id: str) -> tuple[Question, ...]:
        """What was asked about a case, in order of rounds."""
        ...

    async def question(self, question_id: str) -> Question | None:
        """One question."""
        ...

    async def put_question(self, question: Question) -> None:
        """Keep a question as it stands; only while its case is locked."""
        ...

    async def notices(self, case_id: str) -> tuple[Notice, ...]:
        """Who was told of a case, and how it went."""
        ...

    async def put_notice(self, notice: Notice) -> None:
        """Keep a notice as it stands; only while its case is locked."""
        ...

    async def log(self, case: Case, at: datetime, action: str, reason: str, facts: dict[str, Any]) -> None:
        """A line in a case's history that changes nothing of the case: no version, no event, so that no page becomes old by it."""
        ...

    async def open_review(self, case_id: str, at: datetime, waited_s: float) -> None:
        """Nobody took a P1 for minutes: somebody has to find out why. Once a case."""
        ...

    async def put_call(self, call: Call, case_id: str, taken_by: str | None, now: datetime) -> None:
        """Keep a telephone call with the case that came of it. ``taken_by``: who took it, None where nobody did; the first stays."""
        ...

    async def set_timers(self, case: Case, rules: Rules) -> None:
        """Bring the timers of a case to what it needs as it stands."""
        ...

    async def move_reader(self, place: Place) -> None:
        """The reader is past ``place``."""
        ...


class Raced(Exception):
    """Somebody wrote the same a moment ago: the transaction starts again and sees it. Never leaves a store."""


def event_of(move: Move, signals: Sequence[Signal]) -> AlertEvent:
    """The event that tells of a move. Its id is (case, version), so a second sending of it is recognised."""
    return AlertEvent(
        event_id=f"{move.after.case_id}/{move.after.version}",
        change=move.change,
        at=move.at,
        actor=move.actor,
        reason=move.reason,
        case=summary(move.after),
        origins=tuple(signal.origin for signal in signals if signal.origin is not None)[-MOST_ORIGINS:],
    )
