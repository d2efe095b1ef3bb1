"""One transaction on TimescaleDB, as ``alerts.book.Book``. Reads go out together and so do writes (pipeline mode): each is one round trip."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from alerts.admission import BEARS_ON, Held, Situation, Verdict
from alerts.asking import Question
from alerts.book import Raced
from alerts.calls import Call
from alerts.cases import SYSTEM, Case, Place, Signal
from alerts.lifecycle import Move, timers_of
from alerts.notices import Notice
from alerts.rules import GATHER_S, GATHERED, Rules
from alerts.signals import in_order, instant
from alerts.windows import Window
from contracts import alerts as messages
from contracts import topics
from contracts.alerts import AlertEvent
from contracts.detections import Detection
from storage.database import Connection
from storage.queries import Row, fetch_all, fetch_one, query

_RECORD = query("record_detection")
_STATEMENTS = query("other_statements")
_OWN = query("case_of_detection")
_OPEN = query("open_case_of_home")
_TARGET = query("case_that_is_meant")
_FINISHED = query("finished_case_of_home")
_HOME = query("home_for_case")
_SIGNALS_AROUND = query("signals_around_detection")
_SIGNALS = query("signals_of_case")
_LOCK_SITE = query("lock_institution")
_GATHERING = query("gathering_case")
_PUT_SIGNAL = query("put_signal")
_ATTACH = query("attach_detection")
_INSERT = query("insert_case")
_CHANGE = query("change_case")
_LOCK = query("lock_case")
_LOCK_IF_FREE = query("lock_case_if_free")
_PUT_TIMERS = query("put_timers")
_DROP_TIMERS = query("drop_timers")
_AUDIT = query("audit_case")
_OUTBOX = query("put_in_outbox")
_MOVE_READER = query("move_reader")
_QUESTIONS = query("questions_of_cases")
_QUESTION = query("question_by_id")
_PUT_QUESTION = query("put_question")
_NOTICES = query("notices_of_cases")
_PUT_NOTICE = query("put_notice")
_OPEN_REVIEW = query("open_review")
_DESK_SLOT = query("put_desk_slot")
_PUT_CALL = query("put_call")


def _json(value: object) -> Jsonb:
    return Jsonb(value, dumps=lambda thing: msgspec.json.encode(thing).decode())


_KEPT = ("detection_id", "lane", "revision", "detector", "family", "home_id", "on", "withdrawn", "test")
_SITUATION = (_OWN, _OPEN, _TARGET, _STATEMENTS, _FINISHED, _HOME, _SIGNALS_AROUND)
"""The locking reads come first: what follows sees what others committed while we waited."""


def _around(detection: Detection, now: datetime, since: datetime) -> dict[str, Any]:
    names = ("detection_id", "lane", "revision", "test", "home_id", "family", "device_id")
    meant = None if detection.about is not None else BEARS_ON.get(detection.family)
    return {name: getattr(detection, name) for name in names} | {
        "now": now,
        "since": since,
        "about": detection.about,
        "meant": meant,
    }


def _situation(
    detection: Detection, own: list[Row], opened: list[Row], target: list[Row], statements: list[Row], finished: list[Row], home: list[Row],
    signals: list[Row],
) -> Situation:  # fmt: skip
    def held(rows: list[Row]) -> Held | None:
        if not rows:
            return None
        case = case_of(rows[0])
        return Held(case, in_order(signal_of(row) for row in signals if row["case_id"] == case.case_id))

    return Situation(
        statements=tuple(detection_of(row["body"]) for row in statements),
        own=held(own),
        open=None if detection.test else held(opened),
        target=None if detection.test else held(target),
        finished=case_of(finished[0]) if finished else None,
        area_code=home[0]["area_code"] if home else "",
        care_level=home[0]["care_level"] if home else 0,
        window=msgspec.convert(home[0], Window) if home and home[0]["window_id"] is not None else None,
    )


def case_of(row: Row) -> Case:
    """A row of ``cases``."""
    return msgspec.convert(row, Case)


def signal_of(row: Row) -> Signal:
    """A row of ``case_signals``."""
    return msgspec.convert(row, Signal)


def notice_of(row: Row) -> Notice:
    """A row of ``notices``."""
    return msgspec.convert(row, Notice)


def question_of(row: Row) -> Question:
    """A row of ``case_questions``."""
    return msgspec.convert(row, Question)


def detection_of(body: object) -> Detection:
    """The ``body`` of a stored statement."""
    return msgspec.convert(body, Detection)


class SqlBook:
    """The book of one open transaction. Writes wait in order until the next read, or ``flush``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._waiting: list[tuple[bytes, dict[str, Any], bool]] = []

    def _later(self, sql: bytes, *, must_return: bool = False, **values: Any) -> None:
        self._waiting.append((sql, values, must_return))

    async def flush(self) -> None:
        """Send the waiting writes in one round trip. Raises Raced where one that must return a row did not."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        async with self._connection.pipeline():
            cursors = [await self._connection.execute(sql, values) for sql, values, _ in waiting]
        for cursor, (_, _, must_return) in zip(cursors, waiting, strict=True):
            if must_return and await cursor.fetchone() is None:
                raise Raced

    async def record(self, detections: Sequence[Detection], now: datetime) -> list[bool]:
        await self.flush()
        values = [
            {name: getattr(detection, name) for name in _KEPT}
            | {
                "started_at": instant(detection.started_at_s),
                "decided_at": instant(detection.decided_at_s),
                "now": now,
                "body": _json(detection),
            }
            for detection in detections
        ]
        return [len(rows) == 1 for rows in await self._rows([(_RECORD, each) for each in values])]

    async def situations(self, detections: Sequence[Detection], now: datetime, since: datetime) -> list[Situation]:
        await self.flush()
        gathered = [each for each in detections if each.detector in GATHERED and not each.test]
        if gathered:  # before everything else: two of one institution at once would each find no case, and begin one
            await self._rows([(_LOCK_SITE, {"home_id": each.home_id}) for each in gathered])
        found = await self._rows([(sql, _around(each, now, since)) for each in detections for sql in _SITUATION])
        parts = [found[start : start + len(_SITUATION)] for start in range(0, len(found), len(_SITUATION))]
        situations = [_situation(detection, *part) for detection, part in zip(detections, parts, strict=True)]
        return [
            msgspec.structs.replace(situation, gathering=await self._gathering(detection))
            if detection in gathered
            else situation
            for detection, situation in zip(detections, situations, strict=True)
        ]

    async def _gathering(self, detection: Detection) -> Held | None:
        values = {
            "home_id": detection.home_id, "family": detection.family, "detector": detection.detector,
            "from_at": instant(detection.started_at_s - GATHER_S), "to_at": instant(detection.started_at_s + GATHER_S),
        }  # fmt: skip
        row = await fetch_one(self._connection, _GATHERING, **values)
        return None if row is None else Held(case_of(row), await self.signals(row["case_id"]))

    async def _rows(self, reads: Sequence[tuple[bytes, dict[str, Any]]]) -> list[list[Row]]:
        """The rows of each statement, all in one round trip."""
        cursors = []
        async with self._connection.pipeline():
            for sql, values in reads:
                cursor = self._connection.cursor(row_factory=dict_row)
                await cursor.execute(sql, values)
                cursors.append(cursor)
        return [await cursor.fetchall() for cursor in cursors]

    async def settle(self, detection: Detection, verdict: Verdict) -> None:
        if verdict.case_id is None:
            return
        if verdict.signal is not None:
            await self.put_signal(verdict.case_id, verdict.signal)
        self._later(
            _ATTACH,
            case_id=verdict.case_id,
            detection_id=detection.detection_id,
            lane=detection.lane,
            revision=detection.revision,
        )

    async def put_signal(self, case_id: str, signal: Signal) -> None:
        values = {name: getattr(signal, name) for name in signal.__struct_fields__}
        for name in ("evidence", "revisions", "origin"):
            values[name] = None if values[name] is None else _json(values[name])
        self._later(_PUT_SIGNAL, case_id=case_id, **values)

    async def lock(self, case_id: str, *, wait: bool = True) -> Case | None:
        await self.flush()
        row = await fetch_one(self._connection, _LOCK if wait else _LOCK_IF_FREE, case_id=case_id)
        return None if row is None else case_of(row)

    async def signals(self, case_id: str) -> tuple[Signal, ...]:
        await self.flush()
        return tuple(signal_of(row) for row in await fetch_all(self._connection, _SIGNALS, case_id=case_id))

    async def open_case(self, home_id: str, family: str) -> Case | None:
        await self.flush()
        row = await fetch_one(self._connection, _OPEN, home_id=home_id, family=family)
        return None if row is None else case_of(row)

    async def questions(self, case_id: str) -> tuple[Question, ...]:
        await self.flush()
        return tuple(question_of(row) for row in await fetch_all(self._connection, _QUESTIONS, case_ids=[case_id]))

    async def question(self, question_id: str) -> Question | None:
        await self.flush()
        row = await fetch_one(self._connection, _QUESTION, question_id=question_id)
        return None if row is None else question_of(row)

    async def put_question(self, question: Question) -> None:
        self._later(_PUT_QUESTION, **{name: getattr(question, name) for name in question.__struct_fields__})

    async def notices(self, case_id: str) -> tuple[Notice, ...]:
        await self.flush()
        return tuple(notice_of(row) for row in await fetch_all(self._connection, _NOTICES, case_ids=[case_id]))

    async def put_notice(self, notice: Notice) -> None:
        self._later(_PUT_NOTICE, **{name: getattr(notice, name) for name in notice.__struct_fields__})

    async def log(self, case: Case, at: datetime, action: str, reason: str, facts: dict[str, Any]) -> None:
        self._later(
            _AUDIT, at=at, actor=SYSTEM, action=action, case_id=case.case_id, home_id=case.home_id, version=None,
            reason=reason, facts=_json(facts),
        )  # fmt: skip

    async def put_call(self, call: Call, case_id: str, taken_by: str | None, now: datetime) -> None:
        names = ("call_id", "area_prefix", "number", "home_id", "resident_id", "rang_at")
        self._later(
            _PUT_CALL, **{name: getattr(call, name) for name in names}, case_id=case_id, taken_by=taken_by, now=now
        )

    async def open_review(self, case_id: str, at: datetime, waited_s: float) -> None:
        self._later(_OPEN_REVIEW, case_id=case_id, at=at, waited_s=waited_s)

    async def write(self, move: Move, event: AlertEvent, rules: Rules) -> None:
        after = move.after
        values = {name: getattr(after, name) for name in after.__struct_fields__}
        values["reasons"] = _json(after.reasons)
        values["called_rungs"] = list(after.called_rungs)
        if move.before is None:
            self._later(_INSERT, **values)  # a unique violation is met by trying again
        else:
            values |= {"version_before": move.before.version, "lease_id_before": move.before.lease_id}
            self._later(_CHANGE, must_return=True, **values)
        if move.before is None or timers_of(move.before, rules) != timers_of(after, rules):
            await self.set_timers(after, rules, fresh=move.before is None)
        self._later(
            _AUDIT,
            at=move.at,
            actor=move.actor,
            action=move.change,
            case_id=after.case_id,
            home_id=after.home_id,
            version=after.version,
            reason=move.reason,
            facts=_json(move.facts),
        )
        if move.actor in (after.desk_id, move.before.desk_id if move.before else None):
            self._later(_DESK_SLOT, at=move.at, area_code=after.area_code, actor=move.actor)
        self._later(
            _OUTBOX,
            topic=topics.ALERTS,
            key=after.case_id,
            value=messages.encode(event),
            now=move.at,
            priority=after.priority,
        )

    async def set_timers(self, case: Case, rules: Rules, *, fresh: bool = False) -> None:
        timers = timers_of(case, rules)
        if not fresh:
            self._later(_DROP_TIMERS, case_id=case.case_id, kinds=list(timers))
        if timers:
            self._later(_PUT_TIMERS, case_id=case.case_id, kinds=list(timers), dues=list(timers.values()))

    async def move_reader(self, place: Place) -> None:
        self._later(
            _MOVE_READER,
            consumer=place.consumer,
            topic=place.topic,
            partition=place.partition,
            next_offset=place.offset + 1,
        )
