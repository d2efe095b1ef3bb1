"""The operations on cases, written once over a Book: load, decide (pure), write. The stores add only what a transaction is."""

import hmac
import secrets
import uuid
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec

from alerts import asking, calls, decisions, notices, working
from alerts.admission import Situation, Verdict, judge
from alerts.asking import Answer, Asking, Person, Question
from alerts.book import Book, event_of
from alerts.calls import Call, Called
from alerts.cases import Admission, Case, Place, Signal, TimerKind
from alerts.decisions import off_the_shelf
from alerts.errors import NoSuchCase, NoSuchQuestion, OtherCaseOpen
from alerts.lifecycle import Event, Move
from alerts.notices import Notice, Waiting
from alerts.rules import GATHERED, REVIEW, Rules
from alerts.signals import condition_of
from alerts.timers import fire
from alerts.working import Whom
from contracts.alerts import AlertEvent
from contracts.detections import Detection

T = TypeVar("T")
Decide = Callable[[Case], Sequence[Move]]


async def _log_notice(book: Book, case: Case, notice: Notice) -> None:
    facts = {"recipient": notice.recipient_id, "rung": notice.rung, "attempt": notice.attempts, "note": notice.detail}
    await book.log(case, notice.at, "notified", notices.reason_of(notice), facts)


def _not_inherited(waiting: Waiting) -> list[str]:
    """Who heard of the case's detections before they were recorded, and does not stand among those who were told."""
    told = {notice.recipient_id for notice in waiting.notices if notice.rung == notices.KIN}
    return sorted(waiting.announced - told)


async def _inherit(book: Book, case: Case, recipient_id: str, now: datetime) -> None:
    """Who was told before the case was recorded is not told at rung 0 again, and the history says so."""
    notice = Notice(
        case_id=case.case_id, spell=case.spell, priority=case.priority, rung=0, recipient_id=recipient_id, sent=True,
        taken_until_at=now, at=now, detail="before it was recorded",
    )  # fmt: skip
    await book.put_notice(notice)
    await book.log(case, now, "notified", "case.announced", {"recipient": recipient_id, "rung": 0, "note": ""})


def _new_lease() -> str:
    return uuid.uuid4().hex


def _new_token() -> str:
    return secrets.token_urlsafe(24)


def _may_answer(question: Question, token: str | None, kin: str | None) -> bool:
    """A gateway brings the question's token; kin answer what was put to themselves."""
    if question.channel == "app":
        return kin == question.recipient
    return token is not None and hmac.compare_digest(question.token.encode(), token.encode())


def _in_service(case: Case, rules: Rules, now: datetime) -> list[Move]:
    if case.handling != "SUSPENDED":  # somebody took it meanwhile
        return []
    return [off_the_shelf(case, "end_window", "case.window_ended", {}, rules, now)]


async def _locked(book: Book, case_id: str) -> tuple[Case, tuple[Signal, ...]]:
    """The case, nobody else's until the end of the transaction, and its signals. Raises NoSuchCase."""
    case = await book.lock(case_id)
    if case is None:
        raise NoSuchCase(case_id=case_id)
    return case, await book.signals(case_id)


class Cases(ABC):
    """``alerts.store.CaseStore`` over any Book."""

    def __init__(self, new_lease: Callable[[], str] = _new_lease) -> None:
        self._new_lease = new_lease

    @abstractmethod
    async def _transact(self, work: Callable[[Book], Awaitable[T]]) -> T:
        """Run ``work`` in one transaction; again, from the start, where another writer was in its way."""

    @abstractmethod
    async def rules(self, now: datetime) -> Rules:
        """The rules in force, at most some seconds old."""

    @abstractmethod
    async def _due(self, now: datetime, limit: int) -> list[tuple[str, list[TimerKind]]]:
        """Cases with timers due, the most urgent first."""

    @abstractmethod
    async def _without_case(self) -> list[Detection]:
        """Newest statements of each lane that hold and are in no case."""

    @abstractmethod
    async def _without_timer(self) -> list[str]:
        """Unfinished cases that have no timer."""

    @abstractmethod
    async def _of_desk(self, desk_id: str) -> list[str]:
        """Cases that somebody works on or has on hold, the most urgent first."""

    @abstractmethod
    async def asking(self, now: datetime, limit: int = 200) -> list[Asking]:
        """``alerts.store.CaseStore.asking``."""

    # Detections

    async def admit(self, detection: Detection, now: datetime, place: Place | None = None) -> Admission:
        return (await self.admit_many([(detection, place)], now))[0]

    async def admit_many(self, read: Sequence[tuple[Detection, Place | None]], now: datetime) -> list[Admission]:
        rules = await self.rules(now)

        async def work(book: Book) -> list[Admission]:
            new = await book.record([detection for detection, _ in read], now)
            fresh = [detection for (detection, _), is_new in zip(read, new, strict=True) if is_new]
            taken = iter(await self._take(book, fresh, rules, now))
            for _, place in read:
                if place is not None:
                    await book.move_reader(place)
            return [next(taken) if is_new else Admission(result="repeated") for is_new in new]

        if len({detection.home_id for detection, _ in read}) < len(read):
            raise ValueError(
                "detections of one home are not admitted together: each may change what the next one meets"
            )
        if len(read) > 1 and any(detection.detector in GATHERED for detection, _ in read):
            raise ValueError("a detection that may join another home's case is admitted alone")
        return await self._transact(work)

    async def pass_over(self, places: Sequence[Place]) -> None:
        async def work(book: Book) -> None:
            for place in places:
                await book.move_reader(place)

        await self._transact(work)

    async def _take(self, book: Book, detections: Sequence[Detection], rules: Rules, now: datetime) -> list[Admission]:
        situations = (
            await book.situations(detections, now, now - timedelta(seconds=rules.reopen_s)) if detections else []
        )
        admissions = []
        for detection, situation in zip(detections, situations, strict=True):
            verdict = judge(detection, situation, rules, now)
            await self._settle(book, detection, situation, verdict, rules)
            admissions.append(
                Admission(
                    result="older" if verdict.older else "new",
                    case_id=verdict.case_id,
                    change=verdict.move.change if verdict.move else None,
                    case=verdict.move.after if verdict.move else None,
                )
            )
        return admissions

    async def _settle(
        self, book: Book, detection: Detection, situation: Situation, verdict: Verdict, rules: Rules
    ) -> None:
        if verdict.move is not None and verdict.signal is not None:
            held = next(
                (
                    h
                    for h in (situation.own, situation.gathering, situation.open, situation.target)
                    if h and h.case.case_id == verdict.case_id
                ),
                None,
            )
            others = [s for s in (held.signals if held else ()) if s.detection_id != detection.detection_id]
            await book.write(verdict.move, event_of(verdict.move, [*others, verdict.signal]), rules)
        await book.settle(detection, verdict)

    # Telephone calls

    async def called(self, call: Call, *, now: datetime, desk_id: str | None = None) -> Called:
        rules, lease_id = await self.rules(now), self._new_lease()
        detection = calls.statement(call, now, missed=desk_id is None)

        async def work(book: Book) -> Called:
            (new,) = await book.record([detection], now)
            (situation,) = await book.situations([detection], now, now - timedelta(seconds=rules.reopen_s))
            case, joined = situation.own.case if situation.own else None, False
            if new:
                verdict = calls.told(judge(detection, calls.around(situation, call), rules, now), call, desk_id)
                await self._settle(book, detection, situation, verdict, rules)
                if verdict.move is not None:
                    case, joined = verdict.move.after, verdict.move.before is not None
            if case is None:
                raise NoSuchCase(case_id=call.call_id)
            if new or desk_id is not None:
                await book.put_call(call, case.case_id, desk_id, now)
            if desk_id is not None and case.handling in calls.WAITING:
                signals = await book.signals(case.case_id)
                for move in decisions.claim(
                    case, version=case.version, desk_id=desk_id, lease_id=lease_id, now=now, rules=rules
                ):
                    await book.write(move, event_of(move, signals), rules)
                    case = move.after
            return Called(case=case, joined=joined, repeated=not new)

        return await self._transact(work)

    async def tie(
        self, case_id: str, *, version: int, lease_id: str, desk_id: str, home_id: str, area_code: str, now: datetime,
        resident_id: str | None = None, note: str = "",
    ) -> Case:  # fmt: skip
        rules = await self.rules(now)

        async def work(book: Book) -> Case:
            case, signals = await _locked(book, case_id)
            move = decisions.tie(
                case, version=version, desk_id=desk_id, lease_id=lease_id, home_id=home_id, resident_id=resident_id, area_code=area_code,
                note=note, now=now, rules=rules,
            )  # fmt: skip
            other = await book.open_case(home_id, case.family)
            if other is None:
                await book.write(move, event_of(move, signals), rules)
                return move.after
            # The home's open case of this family: they are one matter.
            its_signals = await book.signals(other.case_id)
            there = msgspec.structs.replace(case, home_id=home_id, area_code=area_code)
            ended, took, added = decisions.merge(
                there, other, signals, its_signals, version=version, desk_id=desk_id, lease_id=lease_id, note=note, now=now, rules=rules
            )  # fmt: skip
            await book.write(ended, event_of(ended, signals), rules)
            for signal in added:
                await book.put_signal(other.case_id, signal)
            await book.write(took, event_of(took, [*its_signals, *added]), rules)
            return ended.after

        return await self._transact(work)

    # People

    async def _change(self, case_id: str, now: datetime, decide: Decide) -> Case:
        rules = await self.rules(now)

        async def work(book: Book) -> Case:
            case, signals = await _locked(book, case_id)
            for move in decide(case):
                await book.write(move, event_of(move, signals), rules)
                case = move.after
            return case

        return await self._transact(work)

    async def claim(self, case_id: str, *, version: int, desk_id: str, now: datetime) -> Case:
        rules, lease_id = await self.rules(now), self._new_lease()
        return await self._change(
            case_id,
            now,
            lambda case: decisions.claim(
                case, version=version, desk_id=desk_id, lease_id=lease_id, now=now, rules=rules
            ),
        )

    async def renew(self, case_id: str, *, lease_id: str, desk_id: str, now: datetime) -> Case:
        rules = await self.rules(now)
        return await self._change(
            case_id,
            now,
            lambda case: [decisions.renew(case, desk_id=desk_id, lease_id=lease_id, now=now, rules=rules)],
        )

    async def release(
        self, case_id: str, *, version: int, lease_id: str, desk_id: str, now: datetime, note: str = ""
    ) -> Case:
        return await self._change(
            case_id,
            now,
            lambda case: [
                decisions.release(case, version=version, desk_id=desk_id, lease_id=lease_id, note=note, now=now)
            ],
        )

    async def leave(
        self, desk_id: str, *, now: datetime, successor: str | None = None, silent: bool = False
    ) -> list[Case]:
        rules = await self.rules(now)
        gone: list[Case] = []
        for case_id in await self._of_desk(desk_id):
            lease_id = self._new_lease()

            async def work(book: Book, case_id: str = case_id, lease_id: str = lease_id) -> Case | None:
                case, signals = await _locked(book, case_id)
                move = decisions.leave(
                    case, desk_id=desk_id, successor=successor, lease_id=lease_id, silent=silent, now=now
                )
                if move is None:
                    return None
                await book.write(move, event_of(move, signals), rules)
                return move.after

            after = await self._transact(work)
            if after is not None:
                gone.append(after)
        return gone

    async def note(self, case_id: str, *, actor: str, text: str, now: datetime) -> Case:
        rules = await self.rules(now)
        return await self._change(
            case_id, now, lambda case: [decisions.note(case, actor=actor, text=text, now=now, rules=rules)]
        )

    async def step_done(
        self, case_id: str, *, version: int, lease_id: str, desk_id: str, step: str, done: bool, now: datetime, note: str = ""
    ) -> Case:  # fmt: skip
        rules = await self.rules(now)
        return await self._change(
            case_id,
            now,
            lambda case: [
                working.step_done(
                    case, version=version, desk_id=desk_id, lease_id=lease_id, step=step, done=done, note=note, now=now, rules=rules
                )
            ],
        )  # fmt: skip

    async def call_made(
        self, case_id: str, *, version: int, lease_id: str, desk_id: str, whom: Whom, result: str, now: datetime, note: str = ""
    ) -> Case:  # fmt: skip
        rules = await self.rules(now)
        return await self._change(
            case_id,
            now,
            lambda case: [
                working.call_made(
                    case, version=version, desk_id=desk_id, lease_id=lease_id, whom=whom, result=result, note=note, now=now, rules=rules
                )
            ],
        )  # fmt: skip

    async def escalate_now(
        self, case_id: str, *, version: int, lease_id: str | None, desk_id: str, now: datetime, note: str = ""
    ) -> Case:
        rules = await self.rules(now)
        return await self._change(
            case_id,
            now,
            lambda case: [
                working.escalate_now(
                    case, version=version, desk_id=desk_id, lease_id=lease_id, note=note, now=now, rules=rules
                )
            ],
        )

    async def verify(
        self, case_id: str, *, version: int, lease_id: str, desk_id: str, now: datetime, note: str = ""
    ) -> Case:
        return await self._progress(case_id, "verify", version, lease_id, desk_id, now, note)

    async def dispatch(
        self, case_id: str, *, version: int, lease_id: str, desk_id: str, now: datetime, note: str = ""
    ) -> Case:
        return await self._progress(case_id, "dispatch", version, lease_id, desk_id, now, note)

    async def arrive(
        self, case_id: str, *, version: int, lease_id: str, desk_id: str, now: datetime, note: str = ""
    ) -> Case:
        return await self._progress(case_id, "arrive", version, lease_id, desk_id, now, note)

    async def _progress(
        self, case_id: str, event: Event, version: int, lease_id: str, desk_id: str, now: datetime, note: str
    ) -> Case:
        rules = await self.rules(now)
        return await self._change(
            case_id,
            now,
            lambda case: [
                decisions.progress(
                    case, event, version=version, desk_id=desk_id, lease_id=lease_id, note=note, now=now, rules=rules
                )
            ],
        )

    async def hold(
        self, case_id: str, *, version: int, lease_id: str, desk_id: str, reason: str, hold_s: float, now: datetime
    ) -> Case:
        rules = await self.rules(now)
        return await self._change(
            case_id,
            now,
            lambda case: [
                decisions.hold(
                    case, version=version, desk_id=desk_id, lease_id=lease_id, reason=reason, hold_s=hold_s, now=now, rules=rules
                )
            ],
        )  # fmt: skip

    async def shelve(
        self, case_id: str, *, version: int, lease_id: str, desk_id: str, reason: str, shelf_s: float, now: datetime
    ) -> Case:
        rules = await self.rules(now)
        return await self._change(
            case_id,
            now,
            lambda case: [
                decisions.shelve(
                    case, version=version, desk_id=desk_id, lease_id=lease_id, reason=reason, shelf_s=shelf_s, now=now, rules=rules
                )
            ],
        )  # fmt: skip

    async def resolve(
        self, case_id: str, *, version: int, lease_id: str, desk_id: str, outcome: str, note: str, now: datetime, contact: str = "",
        steps: Sequence[str] = (), follow_up_s: float | None = None,
    ) -> Case:  # fmt: skip
        rules = await self.rules(now)
        return await self._change(
            case_id,
            now,
            lambda case: [
                decisions.resolve(
                    case, version=version, desk_id=desk_id, lease_id=lease_id, outcome=outcome, contact=contact, steps=steps, note=note,
                    follow_up_s=follow_up_s, now=now, rules=rules,
                )
            ],
        )  # fmt: skip

    async def merge(
        self, case_id: str, *, version: int, lease_id: str, desk_id: str, into: str, now: datetime, note: str = ""
    ) -> Case:
        rules = await self.rules(now)

        async def work(book: Book) -> Case:
            # In one order for everybody, so that two desks that fold crosswise do not wait for each other.
            locked = {each: await _locked(book, each) for each in sorted({case_id, into})}
            (case, signals), (target, its_signals) = locked[case_id], locked[into]
            ended, took, added = decisions.merge(
                case, target, signals, its_signals, version=version, desk_id=desk_id, lease_id=lease_id, note=note, now=now, rules=rules
            )  # fmt: skip
            await book.write(ended, event_of(ended, signals), rules)
            for signal in added:
                await book.put_signal(into, signal)
            await book.write(took, event_of(took, [*its_signals, *added]), rules)
            return ended.after

        return await self._transact(work)

    async def look(self, case_id: str, *, version: int, actor: str, now: datetime, note: str = "") -> Case:
        return await self._change(
            case_id, now, lambda case: [decisions.look(case, version=version, actor=actor, note=note, now=now)]
        )

    async def follow_up(self, case_id: str, *, version: int, actor: str, note: str, now: datetime) -> Case:
        return await self._change(
            case_id, now, lambda case: [decisions.follow_up(case, version=version, actor=actor, note=note, now=now)]
        )

    async def reopen(self, case_id: str, *, version: int, actor: str, reason: str, now: datetime) -> Case:
        rules = await self.rules(now)

        async def work(book: Book) -> Case:
            case, signals = await _locked(book, case_id)
            move = decisions.reopen(
                case, version=version, actor=actor, reason=reason, condition=condition_of(case.family, signals), now=now, rules=rules
            )  # fmt: skip
            other = await book.open_case(case.home_id, case.family)
            if other is not None:
                raise OtherCaseOpen(home_id=case.home_id, family=case.family, open_case_id=other.case_id)
            await book.write(move, event_of(move, signals), rules)
            return move.after

        return await self._transact(work)

    # Asking first

    async def begin_round(self, case_id: str, people: Sequence[Person], now: datetime, take_s: float) -> list[Question]:
        async def work(book: Book) -> list[Question]:
            case = await book.lock(case_id, wait=False)
            if case is None:
                return []
            found = asking.wanted(case, people, await book.questions(case_id), _new_token, now, take_s)
            for question in found:
                await book.put_question(question)
            return found

        return await self._transact(work)

    async def told(self, case_id: str, questions: Sequence[Question], now: datetime, enough: int = 0) -> Case:
        rules = await self.rules(now)

        async def work(book: Book) -> Case:
            case, signals = await _locked(book, case_id)
            known = {question.question_id: question for question in await book.questions(case_id)}
            for question in questions:
                before = known.get(question.question_id, question)
                # An answer may have come before the gateway said that it took the question.
                kept = msgspec.structs.replace(before, told=question.told, detail=question.detail)
                known[question.question_id] = kept
                await book.put_question(kept)
            for move in asking.told(case, questions, tuple(known.values()), rules, now, enough):
                await book.write(move, event_of(move, signals), rules)
                case = move.after
            return case

        return await self._transact(work)

    async def answer(
        self, question_id: str, answer: Answer, *, now: datetime, token: str | None = None, kin: str | None = None, note: str = ""
    ) -> Case:  # fmt: skip
        rules = await self.rules(now)

        async def work(book: Book) -> Case:
            asked = await book.question(question_id)
            if asked is None or not _may_answer(asked, token, kin):
                raise NoSuchQuestion(question_id=question_id)
            case, signals = await _locked(book, asked.case_id)
            question = await book.question(question_id) or asked
            if question.answer == answer:  # told again: a gateway repeats until it hears that we have it
                return case
            await book.put_question(msgspec.structs.replace(question, answer=answer, answered_at=now))
            while answer == "help" and case.handling == "MERGED" and case.merged_into is not None:
                # It is one matter with that one: whoever has it must hear it.
                case, signals = await _locked(book, case.merged_into)
            other = None if case.is_open else await book.open_case(case.home_id, case.family)
            if other is not None and answer == "help":  # whoever has the home's open case must hear it
                case, signals = other, await book.signals(other.case_id)
            move = asking.answered(
                case, question, answer, note, condition=condition_of(case.family, signals),
                other_open=other is not None, rules=rules, now=now,
            )  # fmt: skip
            await book.write(move, event_of(move, signals), rules)
            return move.after

        return await self._transact(work)

    # Telling people

    async def take_notices(self, waiting: Waiting, now: datetime, take_s: float) -> list[Notice]:
        rules = await self.rules(now)
        if not notices.due(waiting, rules, now, take_s) and not _not_inherited(waiting):
            return []  # looked at each second, of each case that waits: no lock for what was told

        async def work(book: Book) -> list[Notice]:
            case = await book.lock(waiting.case.case_id, wait=False)
            if case is None:
                return []
            fresh = msgspec.structs.replace(waiting, case=case, notices=await book.notices(case.case_id))
            found = notices.due(fresh, rules, now, take_s)
            for notice in found:
                await book.put_notice(notice)
                if notice.sent is False:
                    await _log_notice(book, case, notice)
            for name in _not_inherited(fresh):
                await _inherit(book, case, name, now)
            return [notice for notice in found if notice.sent is None]

        return await self._transact(work)

    async def noticed(self, told: Sequence[Notice]) -> None:
        async def work(book: Book) -> None:
            for notice in told:
                case, _ = await _locked(book, notice.case_id)
                await book.put_notice(notice)
                await _log_notice(book, case, notice)

        await self._transact(work)

    # Time

    async def fire_due(self, now: datetime, limit: int = 100) -> list[AlertEvent]:
        rules = await self.rules(now)
        events: list[AlertEvent] = []
        for case_id, kinds in await self._due(now, limit):
            events += await self._transact(lambda book, c=case_id, k=kinds: self._fire(book, c, k, rules, now))  # type: ignore[misc]
        return events

    async def _fire(
        self, book: Book, case_id: str, kinds: Sequence[TimerKind], rules: Rules, now: datetime
    ) -> list[AlertEvent]:
        case = await book.lock(case_id, wait=False)
        if case is None:  # the twin or an operator is at it: whatever is still due afterwards is found a second later
            return []
        signals = await book.signals(case_id)
        events: list[AlertEvent] = []
        for kind in kinds:
            other = await book.open_case(case.home_id, case.family) if kind == "close" else None
            move = fire(case, kind, signals, other is not None, rules, now)
            if move is not None:
                event = event_of(move, signals)
                await book.write(move, event, rules)
                if move.change == "escalated" and move.facts["who"] == REVIEW:
                    await book.open_review(case_id, now, move.facts["waited_s"])
                events.append(event)
                case = move.after
        if not events:  # outgrown timers would be found again every second
            await book.set_timers(case, rules)
        return events

    async def reevaluate(self, now: datetime) -> list[Admission]:
        rules = await self.rules(now)
        found: list[Admission] = []
        for detection in await self._without_case():
            (admission,) = await self._transact(lambda book, d=detection: self._take(book, [d], rules, now))  # type: ignore[misc]
            if admission.case_id is not None:
                found.append(admission)
        for case_id in await self._without_timer():
            await self._transact(lambda book, c=case_id: self._rearm(book, c, rules))  # type: ignore[misc]
        return found

    async def end_window(self, case_id: str, now: datetime) -> Case:
        rules = await self.rules(now)
        return await self._change(case_id, now, lambda case: _in_service(case, rules, now))

    async def _rearm(self, book: Book, case_id: str, rules: Rules) -> None:
        case = await book.lock(case_id, wait=False)
        if case is not None:
            await book.set_timers(case, rules)
