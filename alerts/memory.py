"""The case store in memory: for tests, and the second store behind the contract suite.

It cannot outlive its process and cannot be shared by two. Otherwise it answers as the database does, and the suite holds it to that.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar, get_args

import msgspec

from alerts.admission import BEARS_ON, Held, Situation, Verdict
from alerts.asking import ASKED_LATELY, Asking, Person, Question, is_asked
from alerts.book import Book, Raced
from alerts.calls import Call
from alerts.cases import OWNED, SYSTEM, AuditRow, Case, CaseDetail, Place, Signal, Timer, TimerKind
from alerts.errors import NoSuchCase
from alerts.lifecycle import Move, queue_place, timers_of
from alerts.notices import KIN_HEAR, Announcement, Notice, Recipient, Waiting
from alerts.operations import Cases
from alerts.rules import GATHER_S, GATHERED, SHIPPED, Rules
from alerts.signals import in_order, instant, newest_by_lane
from alerts.store import CaseStore
from alerts.windows import Window
from contracts.alerts import AlertEvent
from contracts.detections import Detection

T = TypeVar("T")
Key = tuple[str, str, int]


class Home(NamedTuple):
    """What a case needs of a home's record."""

    area_code: str = ""
    care_level: int = 0
    site_id: str | None = None
    """The institution that it is a room of."""
    phones: Mapping[str, str] = {}
    """Telephones by resident id."""
    kin: tuple[str, ...] = ()
    """User names of kin who have the app; linked to the first resident."""
    windows: tuple[tuple[datetime, Window], ...] = ()
    """When it is out of service: from when, and until when and how far."""


@dataclass
class _Tables:
    """All that is kept. Values are immutable, so a shallow copy of the dicts is a snapshot."""

    detections: dict[Key, Detection] = field(default_factory=dict)
    case_of: dict[Key, str] = field(default_factory=dict)
    cases: dict[str, Case] = field(default_factory=dict)
    signals: dict[tuple[str, str], Signal] = field(default_factory=dict)
    timers: dict[tuple[str, TimerKind], datetime] = field(default_factory=dict)
    audit: dict[str, tuple[AuditRow, ...]] = field(default_factory=dict)
    outbox: tuple[AlertEvent, ...] = ()
    offsets: dict[tuple[str, str, int], int] = field(default_factory=dict)
    questions: dict[str, Question] = field(default_factory=dict)
    reviews: dict[str, float] = field(default_factory=dict)
    notices: dict[tuple[str, int, int, int, str], Notice] = field(default_factory=dict)
    announced: dict[tuple[str, str], bool] = field(default_factory=dict)
    calls: dict[str, tuple[Call, str, str | None]] = field(default_factory=dict)

    def copy(self) -> "_Tables":
        return replace(
            self,
            detections=dict(self.detections),
            case_of=dict(self.case_of),
            cases=dict(self.cases),
            signals=dict(self.signals),
            timers=dict(self.timers),
            audit=dict(self.audit),
            offsets=dict(self.offsets),
            questions=dict(self.questions),
            reviews=dict(self.reviews),
            notices=dict(self.notices),
            announced=dict(self.announced),
            calls=dict(self.calls),
        )


def _key(detection: Detection) -> Key:
    return (detection.detection_id, detection.lane, detection.revision)


class _MemoryBook:
    """alerts.book.Book on a draft of the tables."""

    def __init__(self, tables: _Tables, homes: Mapping[str, Home]) -> None:
        self._tables = tables
        self._homes = homes

    async def record(self, detections: Sequence[Detection], now: datetime) -> list[bool]:
        await asyncio.sleep(0)  # as a database would: others get a turn
        kept = []
        for detection in detections:
            kept.append(_key(detection) not in self._tables.detections)
            self._tables.detections.setdefault(_key(detection), detection)
        return kept

    async def situations(self, detections: Sequence[Detection], now: datetime, since: datetime) -> list[Situation]:
        return [await self._situation(detection, now, since) for detection in detections]

    async def _situation(self, detection: Detection, now: datetime, since: datetime) -> Situation:
        tables = self._tables
        others = [
            known
            for key, known in tables.detections.items()
            if known.detection_id == detection.detection_id and known.test == detection.test and key != _key(detection)
        ]
        holding = [
            case
            for (case_id, detection_id) in tables.signals
            if detection_id == detection.detection_id and (case := tables.cases[case_id]).test == detection.test
        ]
        own = min(holding, key=lambda case: (not case.is_open, *_newest_first(case)), default=None)
        opened = None if detection.test else await self.open_case(detection.home_id, detection.family)
        finished = [
            case
            for case in tables.cases.values()
            if (case.home_id, case.family) == (detection.home_id, detection.family)
            and not case.test
            and case.handling in ("RESOLVED", "CLOSED")
            and (case.resolved_at or case.closed_at or since) >= since
        ]
        home = self._homes.get(detection.home_id, Home())
        gathering = None
        if detection.detector in GATHERED and not detection.test:
            gathering = await self._gathering(detection)
        return Situation(
            statements=tuple(newest_by_lane(others).values()),
            own=await self._with_signals(own),
            open=await self._with_signals(opened),
            target=await self._with_signals(self._target(detection)),
            gathering=await self._with_signals(gathering),
            finished=min(finished, key=_newest_first, default=None),
            area_code=home.area_code,
            care_level=home.care_level,
            window=next(
                (
                    window
                    for from_at, window in sorted(home.windows, key=lambda each: each[1].until_at)
                    if from_at <= now < window.until_at and window.covers(detection.family, detection.device_id)
                ),
                None,
            ),
        )

    def _target(self, detection: Detection) -> Case | None:
        meant = None if detection.about is not None else BEARS_ON.get(detection.family)
        found = [
            case
            for case in self._tables.cases.values()
            if case.home_id == detection.home_id
            and case.is_open
            and not detection.test
            and (case.family == meant or (case.case_id, detection.about) in self._tables.signals)
        ]
        return min(found, key=_newest_first, default=None)

    async def _gathering(self, detection: Detection) -> Case | None:
        own = self._homes.get(detection.home_id, Home())
        joined = {detection.home_id}
        if own.site_id:
            here = (own.site_id, own.area_code)
            joined |= {home_id for home_id, home in self._homes.items() if (home.site_id, home.area_code) == here}
        holding = [
            case
            for (case_id, _), signal in self._tables.signals.items()
            if signal.detector == detection.detector
            and not signal.withdrawn
            and abs((signal.started_at - instant(detection.started_at_s)).total_seconds()) <= GATHER_S
            and (case := self._tables.cases[case_id]).is_open
            and case.home_id in joined
            and case.family == detection.family
        ]
        return min(holding, key=lambda case: (case.raised_at, case.case_id), default=None)

    async def _with_signals(self, case: Case | None) -> Held | None:
        return None if case is None else Held(case, await self.signals(case.case_id))

    async def settle(self, detection: Detection, verdict: Verdict) -> None:
        if verdict.case_id is None:
            return
        self._tables.case_of[_key(detection)] = verdict.case_id
        if verdict.signal is not None:
            self._tables.signals[(verdict.case_id, detection.detection_id)] = verdict.signal

    async def put_signal(self, case_id: str, signal: Signal) -> None:
        self._tables.signals[(case_id, signal.detection_id)] = signal

    async def lock(self, case_id: str, *, wait: bool = True) -> Case | None:
        await asyncio.sleep(0)
        return self._tables.cases.get(case_id)

    async def signals(self, case_id: str) -> tuple[Signal, ...]:
        return in_order(signal for (holder, _), signal in self._tables.signals.items() if holder == case_id)

    async def open_case(self, home_id: str, family: str) -> Case | None:
        return next(
            (c for c in self._tables.cases.values() if (c.home_id, c.family) == (home_id, family) and c.is_open), None
        )

    async def write(self, move: Move, event: AlertEvent, rules: Rules) -> None:
        tables, after = self._tables, move.after
        stored = tables.cases.get(after.case_id)
        expected = None if move.before is None else (move.before.version, move.before.lease_id)
        if (None if stored is None else (stored.version, stored.lease_id)) != expected:
            raise Raced
        if after.is_open:
            other = await self.open_case(after.home_id, after.family)
            if other is not None and other.case_id != after.case_id:
                raise Raced
        tables.cases[after.case_id] = after
        row = AuditRow(
            at=move.at,
            actor=move.actor,
            action=move.change,
            version=after.version,
            reason=move.reason,
            facts=move.facts,
        )
        tables.audit[after.case_id] = (*tables.audit.get(after.case_id, ()), row)
        tables.outbox = (*tables.outbox, event)
        await self.set_timers(after, rules)

    async def set_timers(self, case: Case, rules: Rules) -> None:
        for kind in get_args(TimerKind):
            self._tables.timers.pop((case.case_id, kind), None)
        for kind, due_at in timers_of(case, rules).items():
            self._tables.timers[(case.case_id, kind)] = due_at

    async def questions(self, case_id: str) -> tuple[Question, ...]:
        return _of_case(self._tables, case_id)

    async def question(self, question_id: str) -> Question | None:
        return self._tables.questions.get(question_id)

    async def put_question(self, question: Question) -> None:
        self._tables.questions[question.question_id] = question

    async def notices(self, case_id: str) -> tuple[Notice, ...]:
        return tuple(notice for notice in self._tables.notices.values() if notice.case_id == case_id)

    async def put_notice(self, notice: Notice) -> None:
        self._tables.notices[notice.key] = notice

    async def log(self, case: Case, at: datetime, action: str, reason: str, facts: dict[str, Any]) -> None:
        row = AuditRow(at=at, actor=SYSTEM, action=action, version=None, reason=reason, facts=facts)
        self._tables.audit[case.case_id] = (*self._tables.audit.get(case.case_id, ()), row)

    async def open_review(self, case_id: str, at: datetime, waited_s: float) -> None:
        self._tables.reviews.setdefault(case_id, waited_s)

    async def put_call(self, call: Call, case_id: str, taken_by: str | None, now: datetime) -> None:
        before = self._tables.calls.get(call.call_id)
        self._tables.calls[call.call_id] = (call, case_id, (before[2] if before else None) or taken_by)

    async def move_reader(self, place: Place) -> None:
        self._tables.offsets[(place.consumer, place.topic, place.partition)] = place.offset + 1


def _newest_first(case: Case) -> tuple[float, str]:
    return (-case.raised_at.timestamp(), case.case_id)


def _of_case(tables: _Tables, case_id: str) -> tuple[Question, ...]:
    found = [question for question in tables.questions.values() if question.case_id == case_id]
    return tuple(sorted(found, key=lambda q: (q.round, q.channel != "voice", q.recipient)))


class MemoryCases(Cases):
    """``alerts.store.CaseStore`` in memory. ``homes``: area and care level of registered homes; may be changed at any time."""

    def __init__(self, homes: Mapping[str, Home] | None = None, rules: Rules = SHIPPED) -> None:
        super().__init__()
        self._homes: Mapping[str, Home] = {} if homes is None else homes
        self._rules = rules
        self._tables = _Tables()
        self._one_at_a_time = asyncio.Lock()
        self.known_recipients: list[Recipient] = []

    @asynccontextmanager
    async def _draft(self) -> AsyncIterator[Book]:
        async with self._one_at_a_time:
            draft = self._tables.copy()
            yield _MemoryBook(draft, self._homes)
            self._tables = draft

    async def _transact(self, work: Callable[[Book], Awaitable[T]]) -> T:
        async with self._draft() as book:
            return await work(book)

    async def rules(self, now: datetime) -> Rules:
        return self._rules

    async def _due(self, now: datetime, limit: int) -> list[tuple[str, list[TimerKind]]]:
        due: dict[str, list[tuple[datetime, TimerKind]]] = {}
        for (case_id, kind), due_at in self._tables.timers.items():
            if due_at <= now:
                due.setdefault(case_id, []).append((due_at, kind))
        urgent = sorted(due, key=lambda case_id: (self._tables.cases[case_id].priority, min(due[case_id])[0], case_id))
        return [(case_id, [kind for _, kind in sorted(due[case_id])]) for case_id in urgent[:limit]]

    async def _without_case(self) -> list[Detection]:
        tables = self._tables
        newest = {
            (known.detection_id, known.lane): known
            for known in sorted(tables.detections.values(), key=lambda known: known.revision)
        }
        return [d for d in newest.values() if d.on and not d.withdrawn and _key(d) not in tables.case_of]

    async def _without_timer(self) -> list[str]:
        timed = {case_id for case_id, _ in self._tables.timers}
        return [c.case_id for c in self._tables.cases.values() if c.case_id not in timed]

    async def _of_desk(self, desk_id: str) -> list[str]:
        found = [c for c in self._tables.cases.values() if c.desk_id == desk_id and c.handling in (*OWNED, "HELD")]
        return [case.case_id for case in sorted(found, key=lambda case: (case.priority, case.case_id))]

    async def held(self, detections: Sequence[Detection]) -> set[Key]:
        return {_key(detection) for detection in detections} & self._tables.detections.keys()

    async def asking(self, now: datetime, limit: int = 200) -> list[Asking]:
        cases = [case for case in self._tables.cases.values() if case.handling == "ASKING"]
        found = []
        for case in sorted(cases, key=lambda case: (case.asking_until_at, case.case_id))[:limit]:
            home = self._homes.get(case.home_id, Home())
            chosen = {
                name: home.phones[name] for name in home.phones if case.resident_id in (None, name)
            } or home.phones
            voice = [
                Person(channel="voice", recipient=name, phone=phone) for name, phone in sorted(chosen.items()) if phone
            ]
            kin = [Person(channel="app", recipient=name) for name in sorted(home.kin)]
            browsers = [each for each in await self.recipients(now) if is_asked(each) and each.home_id == case.home_id]
            lately = {
                question.case_id
                for question in self._tables.questions.values()
                if question.asked_at > now - ASKED_LATELY
                and self._tables.cases[question.case_id].home_id == case.home_id
            }
            found.append(
                Asking(
                    case=case, people=(*voice, *kin), questions=_of_case(self._tables, case.case_id),
                    browsers=tuple(browsers), asked_lately=len(lately),
                )
            )  # fmt: skip
        return found

    async def waiting(self, now: datetime, limit: int = 200) -> list[Waiting]:
        tables = self._tables
        cases = [
            c
            for c in tables.cases.values()
            if not c.test
            and (
                c.called_rungs
                or (c.handling in KIN_HEAR and c.priority == 1)
                or (c.handling == "QUEUED" and c.rung > 0)
            )
        ]
        cases.sort(key=lambda case: (case.priority, case.queued_at, case.case_id))
        found = []
        for case in cases[:limit]:
            signals = {detection_id for (holder, detection_id) in tables.signals if holder == case.case_id}
            told = {name for (detection_id, name), sent in tables.announced.items() if sent and detection_id in signals}
            notices = tuple(notice for notice in tables.notices.values() if notice.case_id == case.case_id)
            people = [each for each in await self.recipients(now) if each.home_id in (None, case.home_id)]
            found.append(Waiting(case=case, recipients=tuple(people), notices=notices, announced=frozenset(told)))
        return found

    async def recipients(self, now: datetime) -> list[Recipient]:
        return [self._with_sent(each, now) for each in self.known_recipients]

    def _with_sent(self, recipient: Recipient, now: datetime) -> Recipient:
        sent = [n for n in self._tables.notices.values() if n.recipient_id == recipient.recipient_id and n.sent]
        hour, day = now - timedelta(hours=1), now - timedelta(days=1)
        return msgspec.structs.replace(
            recipient,
            sent_last_hour=sum(notice.at > hour for notice in sent),
            cost_last_day=sum(notice.cost for notice in sent if notice.at > day),
        )

    async def areas(self) -> dict[str, str]:
        return {home_id: home.area_code for home_id, home in self._homes.items()}

    async def recorded(self, detection_ids: Sequence[str]) -> set[str]:
        return {known.detection_id for known in self._tables.detections.values()} & set(detection_ids)

    async def keep_announcements(self, told: Sequence[Announcement]) -> None:
        for each in told:
            key = (each.detection_id, each.recipient_id)
            self._tables.announced[key] = self._tables.announced.get(key, False) or each.sent

    async def reviews(self) -> dict[str, float]:
        return dict(self._tables.reviews)

    async def queue(self, area_prefix: str = "") -> list[Case]:
        seen = (c for c in self._tables.cases.values() if not c.area_code or c.area_code.startswith(area_prefix))
        return sorted((case for case in seen if case.is_open), key=queue_place)

    async def case(self, case_id: str) -> CaseDetail:
        case = self._tables.cases.get(case_id)
        if case is None:
            raise NoSuchCase(case_id=case_id)
        timers = sorted((due_at, kind) for (holder, kind), due_at in self._tables.timers.items() if holder == case_id)
        return CaseDetail(
            case=case,
            signals=await _MemoryBook(self._tables, self._homes).signals(case_id),
            timers=tuple(Timer(case_id=case_id, kind=kind, due_at=due_at) for due_at, kind in timers),
            audit=self._tables.audit[case_id],
        )

    async def cases_of_home(self, home_id: str, limit: int = 50) -> list[Case]:
        of_home = [case for case in self._tables.cases.values() if case.home_id == home_id]
        return sorted(of_home, key=_newest_first)[:limit]

    async def unsent(self, limit: int = 500) -> list[AlertEvent]:
        return list(self._tables.outbox[:limit])


_IS_A_STORE: type[CaseStore] = MemoryCases
