"""The case store in TimescaleDB: what is shared by the twins, the api and every restart.

A transaction that meets another writer (a row locked for longer than ``lock_timeout``, a deadlock, a case opened a moment ago) is
undone and starts again. Where the database is away psycopg.OperationalError comes through: nothing was changed, or, if the connection
broke during the commit, everything was; whoever repeats with the same version finds out which.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec
import psycopg

from alerts.asking import ASKED_LATELY, Asking, Person, is_asked
from alerts.book import Book, Raced
from alerts.cases import AuditRow, Case, CaseDetail, Timer, TimerKind
from alerts.errors import NoSuchCase
from alerts.link import Connections
from alerts.notices import Announcement, Recipient, Waiting
from alerts.operations import Cases
from alerts.rules import SHIPPED, Rules, Rung
from alerts.sql_book import SqlBook, case_of, detection_of, notice_of, question_of, signal_of
from alerts.store import CaseStore
from contracts import alerts as messages
from contracts import topics
from contracts.alerts import AlertEvent
from contracts.detections import Detection
from storage.database import Connection, set_local
from storage.queries import Row, execute, fetch_all, fetch_one, query

T = TypeVar("T")

LOCK_S = 1.0
"""Longest wait for somebody else's row, s: then the transaction starts again. The pool is opened with it (``storage.database.pool``)."""
IDLE_S = 2.0
"""A process frozen within a transaction loses it after this, s; so its twin waits for it no longer."""
TRANSACTION_S = 2.0
"""Longest transaction, s. Where the freeze falls within a pipeline the server does not count the session as idle (seen: locks held for as long
as the process slept), so only this limit frees its rows. PostgreSQL 17 or later."""
ATTEMPTS = 8
"""How often a transaction is tried while other writers are in its way: longer than a frozen twin can hold a row."""
PAGE = 10_000
"""Recipients read in one transaction."""
RULES_S = 5.0
"""How long the rules are remembered, s."""

IN_THE_WAY = (
    Raced,
    psycopg.errors.LockNotAvailable,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
    psycopg.errors.UniqueViolation,
    psycopg.errors.IdleInTransactionSessionTimeout,
)
"""What another writer causes: trying again helps."""

_LIMIT = f"SET LOCAL transaction_timeout = {round(TRANSACTION_S * 1000)}".encode()
_HELD = query("detections_held")
_DUE = query("due_timers")
_WITHOUT_CASE = query("detections_without_case")
_OF_DESK = query("cases_of_desk")
_WITHOUT_TIMER = query("cases_without_timer")
_OPEN_CASES = query("open_cases")
_CASE = query("case_by_id")
_SIGNALS = query("signals_of_case")
_TIMERS = query("timers_of_case")
_AUDIT = query("audit_of_case")
_OF_HOME = query("cases_of_home")
_PRIORITY_RULES = query("priority_rules")
_RUNGS = query("escalation_rungs")
_ANSWER_TIMES = query("answer_times")
_UNSENT = query("unsent_events")
_ASKING_TIMES = query("asking_times")
_ASKING = query("asking_cases")
_PEOPLE = query("people_to_ask")
_QUESTIONS = query("questions_of_cases")
_REVIEWS = query("open_reviews")
_TO_TELL = query("cases_to_tell_of")
_ASKED = query("asked_of_homes")
_RECIPIENTS = query("recipients_of_homes")
_NOTICES = query("notices_of_cases")
_ANNOUNCED = query("announced_of_cases")
_AREAS = query("areas_of_homes")
_RECORDED = query("recorded_detections")
_PUT_ANNOUNCEMENT = query("put_announcement")


class TimescaleCases(Cases):
    """``alerts.store.CaseStore`` over ``storage.database.pool(…, lock_s=LOCK_S, idle_s=IDLE_S)``, or over one Link of a task.

    ``session``: what the settings of each transaction are (``SET LOCAL``) when it begins, for row security.
    """

    def __init__(self, pool: Connections, session: Callable[[], Mapping[str, str]] = dict) -> None:
        super().__init__()
        self._pool = pool
        self._session = session
        self._rules: Rules | None = None
        self._rules_at: datetime | None = None

    async def _transact(self, work: Callable[[Book], Awaitable[T]]) -> T:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                async with self._pool.connection() as connection, connection.transaction():
                    await self._begin(connection)
                    book = SqlBook(connection)
                    found = await work(book)
                    await book.flush()
                    return found
            except IN_THE_WAY:
                if attempt == ATTEMPTS:
                    raise
                await asyncio.sleep(0.01 * attempt)
        raise AssertionError("unreachable")

    async def _begin(self, connection: Connection) -> None:
        """Settings of this transaction alone."""
        if connection.info.server_version >= 170_000:
            await connection.execute(_LIMIT)
        await set_local(connection, self._session())

    async def rules(self, now: datetime) -> Rules:
        known, at = self._rules, self._rules_at
        if known is not None and at is not None and timedelta() <= now - at < timedelta(seconds=RULES_S):
            return known
        async with self._pool.connection() as connection:
            rules = rules_of(
                await fetch_all(connection, _PRIORITY_RULES),
                await fetch_all(connection, _RUNGS),
                await fetch_all(connection, _ANSWER_TIMES),
                await fetch_all(connection, _ASKING_TIMES),
            )
        self._rules, self._rules_at = rules, now
        return rules

    async def _due(self, now: datetime, limit: int) -> list[tuple[str, list[TimerKind]]]:
        return [(row["case_id"], row["kinds"]) for row in await self._all(_DUE, now=now, limit=limit)]

    async def _without_case(self) -> list[Detection]:
        return [detection_of(row["body"]) for row in await self._all(_WITHOUT_CASE)]

    async def _without_timer(self) -> list[str]:
        return [row["case_id"] for row in await self._all(_WITHOUT_TIMER)]

    async def _of_desk(self, desk_id: str) -> list[str]:
        return [row["case_id"] for row in await self._all(_OF_DESK, desk_id=desk_id)]

    async def held(self, detections: Sequence[Detection]) -> set[tuple[str, str, int]]:
        rows = await self._all(
            _HELD,
            detection_ids=[d.detection_id for d in detections],
            lanes=[d.lane for d in detections],
            revisions=[d.revision for d in detections],
        )
        return {(row["detection_id"], row["lane"], row["revision"]) for row in rows}

    async def asking(self, now: datetime, limit: int = 200) -> list[Asking]:
        cases = [case_of(row) for row in await self._all(_ASKING, limit=limit)]
        if not cases:
            return []
        homes = sorted({case.home_id for case in cases})
        people = await self._all(_PEOPLE, home_ids=homes)
        lately = await self._all(_ASKED, home_ids=homes, since=now - ASKED_LATELY)
        asked = {row["home_id"]: row["asked"] for row in lately}
        browsers = [each for each in await self._recipients(now, home_ids=homes, every=False) if is_asked(each)]
        questions = [question_of(row) for row in await self._all(_QUESTIONS, case_ids=[case.case_id for case in cases])]
        return [
            Asking(
                case=case,
                people=_people_of(case, people),
                questions=tuple(question for question in questions if question.case_id == case.case_id),
                browsers=tuple(each for each in browsers if each.home_id == case.home_id),
                asked_lately=asked.get(case.home_id, 0),
            )
            for case in cases
        ]

    async def waiting(self, now: datetime, limit: int = 200) -> list[Waiting]:
        cases = [case_of(row) for row in await self._all(_TO_TELL, limit=limit)]
        if not cases:
            return []
        ids = [case.case_id for case in cases]
        people = await self._recipients(now, home_ids=sorted({case.home_id for case in cases}), every=False)
        notices = [notice_of(row) for row in await self._all(_NOTICES, case_ids=ids)]
        announced = [(row["case_id"], row["recipient_id"]) for row in await self._all(_ANNOUNCED, case_ids=ids)]
        return [
            Waiting(
                case=case,
                recipients=tuple(each for each in people if each.home_id in (None, case.home_id)),
                notices=tuple(notice for notice in notices if notice.case_id == case.case_id),
                announced=frozenset(name for case_id, name in announced if case_id == case.case_id),
            )
            for case in cases
        ]

    async def _recipients(self, now: datetime, *, home_ids: Sequence[str], every: bool) -> list[Recipient]:
        found: list[Recipient] = []
        # In pages: all kin of a city at once would take longer than a transaction may.
        while True:
            beyond = found[-1].recipient_id if found else ""
            rows = await self._all(
                _RECIPIENTS, now=now, home_ids=list(home_ids), every=every, beyond=beyond, limit=PAGE
            )
            found += [msgspec.convert(row, Recipient) for row in rows]
            if len(rows) < PAGE:
                return found

    async def recipients(self, now: datetime) -> list[Recipient]:
        return await self._recipients(now, home_ids=[], every=True)

    async def areas(self) -> dict[str, str]:
        return {row["home_id"]: row["area_code"] for row in await self._all(_AREAS)}

    async def recorded(self, detection_ids: Sequence[str]) -> set[str]:
        return {row["detection_id"] for row in await self._all(_RECORDED, detection_ids=list(detection_ids))}

    async def keep_announcements(self, told: Sequence[Announcement]) -> None:
        async with self._pool.connection() as connection, connection.transaction():
            await self._begin(connection)
            for each in told:
                await execute(
                    connection, _PUT_ANNOUNCEMENT, **{name: getattr(each, name) for name in each.__struct_fields__}
                )

    async def reviews(self) -> dict[str, float]:
        return {row["case_id"]: row["waited_s"] for row in await self._all(_REVIEWS)}

    async def queue(self, area_prefix: str = "") -> list[Case]:
        return [case_of(row) for row in await self._all(_OPEN_CASES, area_prefix=area_prefix)]

    async def case(self, case_id: str) -> CaseDetail:
        async with self._pool.connection() as connection, connection.transaction():
            # One snapshot for all four: a page never shows a version whose audit row it lacks.
            await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            await self._begin(connection)
            row = await fetch_one(connection, _CASE, case_id=case_id)
            if row is None:
                raise NoSuchCase(case_id=case_id)
            signals = await fetch_all(connection, _SIGNALS, case_id=case_id)
            timers = await fetch_all(connection, _TIMERS, case_id=case_id)
            audit = await fetch_all(connection, _AUDIT, case_id=case_id)
        return CaseDetail(
            case=case_of(row),
            signals=tuple(signal_of(signal) for signal in signals),
            timers=tuple(msgspec.convert({"case_id": case_id, **timer}, Timer) for timer in timers),
            audit=tuple(msgspec.convert(entry, AuditRow) for entry in audit),
        )

    async def cases_of_home(self, home_id: str, limit: int = 50) -> list[Case]:
        return [case_of(row) for row in await self._all(_OF_HOME, home_id=home_id, limit=limit)]

    async def unsent(self, limit: int = 500) -> list[AlertEvent]:
        rows = await self._all(_UNSENT, topic=topics.ALERTS, limit=limit)
        return [messages.decode(bytes(row["value"])) for row in rows]

    async def _all(self, sql: bytes, **values: Any) -> list[Row]:
        async with self._pool.connection() as connection, connection.transaction():
            await self._begin(connection)
            return await fetch_all(connection, sql, **values)


def _people_of(case: Case, rows: Sequence[Row]) -> tuple[Person, ...]:
    """Whom a case concerns is rung up; where that is not known, or he has no telephone, everybody there who has one. Kin once each."""
    here = [row for row in rows if row["home_id"] == case.home_id]
    rung = [row for row in here if row["channel"] == "voice"]
    rung = [row for row in rung if row["resident_id"] == case.resident_id] or rung
    kin = {row["recipient"]: row for row in here if row["channel"] == "app"}
    return tuple(
        Person(channel=row["channel"], recipient=row["recipient"], phone=row["phone"])
        for row in (*rung, *sorted(kin.values(), key=lambda row: str(row["recipient"])))
    )


def rules_of(
    priorities: Sequence[Row], rungs: Sequence[Row], answer_times: Sequence[Row], asking_times: Sequence[Row]
) -> Rules:
    """Rules from their tables."""
    # A row that somebody deleted must not stop an alarm: then what ships is in force.
    by_family = {family: dict(enumerate(shipped)) for family, shipped in SHIPPED.priorities.items()}
    for row in priorities:
        by_family.setdefault(row["family"], {})[row["score"]] = row["priority"]
    return Rules(
        priorities=msgspec.convert(
            {family: tuple(scores[score] for score in range(5)) for family, scores in by_family.items()},
            dict[Any, tuple[int, int, int, int, int]],
        ),
        ladder=tuple(msgspec.convert(row, Rung) for row in rungs),
        # Unlike the others: where no row says so nobody is asked, and a desk hears of it at once.
        asking_s={row["family"]: row["wait_s"] for row in asking_times if row["enabled"]},
        answer_s=SHIPPED.answer_s | {row["priority"]: row["answer_s"] for row in answer_times},
    )


_IS_A_STORE: type[CaseStore] = TimescaleCases
