"""Many homes of one town that fall silent within minutes are one case, with a list of whom to ring up, the frailest first.

What is folded: technical cases of silent devices that nobody works on (QUEUED). A person's alarm has a case of its own whatever its home's
devices do. The incident's condition follows its homes: off when every device is back, on again if one goes. Who is silent still when it is
closed gets his case back, so nothing is lost with it.

Both twins run this; an advisory lock lets one at a time. Each change is the case's own compare-and-swap, audit row and event.
"""

import uuid
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial

import msgspec

from alerts.book import event_of
from alerts.cases import Case, CaseReason
from alerts.lifecycle import Move, moved
from alerts.link import Connections
from alerts.patience import Patience, Stopping
from alerts.rules import SHIPPED, Rules
from alerts.sql_book import SqlBook
from contracts.detections import NAMESPACE
from storage.database import Connection
from storage.queries import Row, execute, fetch_all, fetch_one, query

PRIORITY = 3
"""Chosen: many people are not seen and nobody is known to be hurt; above a single device (P4), and like every P3 heard by all desks after 15 min.
It cannot be shelved (P4 and P5 alone can), but held."""
TELL_S = 30.0
"""Numbers go into the case no oftener than this, s: each change is a version, and a desk that is about to act must not be outrun by them. Chosen."""
MOST = 50
"""Cases folded in one transaction."""
REASON = "area_offline.homes"

_LOCK = query("lock_incidents")
_AREAS = query("areas_offline")
_PUT = query("put_incident")
_OPEN = query("open_incidents")
_TO_FOLD = query("cases_to_fold")
_COUNT = query("count_incident")
_KEEP = query("keep_incident")
_TO_UNFOLD = query("cases_to_unfold")


Work = Callable[[Connection, SqlBook, datetime], Awaitable[int]]
RulesNow = Callable[[datetime], Awaitable[Rules]]
"""What supervisors have set."""


def home_of(area: str) -> str:
    """What stands for a home in an incident's case: one open incident for each area follows from one open case for each home and family."""
    return f"area-{area}"


def began(area: str, homes: int, event_at: datetime, now: datetime, rules: Rules) -> Move:
    """The incident's case begins, in the queue at once."""
    raised = Case(
        case_id=str(uuid.uuid5(NAMESPACE, f"incident|{area}|{now.isoformat()}")),
        version=0,
        home_id=home_of(area),
        area_code=area,
        family="technical",
        priority=PRIORITY,
        score=1,
        reasons=_reasons(area, homes, homes),
        handling="RAISED",
        condition="on",
        condition_at=now,
        event_at=event_at,
        raised_at=now,
    )
    facts = {"area": area, "homes": homes, "away": homes}
    deadline = now + timedelta(seconds=rules.answer_s[PRIORITY])
    move = moved(
        raised, "queue", "raised", now, reason="case.area_offline", facts=facts, queued_at=now, deadline_at=deadline
    )
    return Move(before=None, after=move.after, change="raised", at=now, reason=move.reason, facts=facts)


def recounted(case: Case, area: str, homes: int, away: int, now: datetime) -> Move:
    """The incident with new numbers; its condition follows them."""
    condition = "on" if away else "off"
    reason = "case.area_back" if condition == "off" else "case.area_offline"
    return moved(
        case, None, "signal", now, reason=reason, facts={"area": area, "homes": homes, "away": away},
        reasons=_reasons(area, homes, away), signals=max(homes, 1), condition=condition,
        condition_at=case.condition_at if condition == case.condition else now,
    )  # fmt: skip


def _reasons(area: str, homes: int, away: int) -> tuple[CaseReason, ...]:
    return (CaseReason(REASON, {"area": area, "homes": homes, "away": away}),)


class Incidents:
    """``run`` until stopping; ``look`` once. ``least`` homes within ``within_s`` begin one."""

    def __init__(self, database: Connections, rules: RulesNow, least: int, within_s: float) -> None:
        self._database = database
        self._rules_now = rules
        self._least = least
        self._within = timedelta(seconds=within_s)
        self._rules = SHIPPED

    async def run(
        self, patience: Patience, every_s: float, clock: Callable[[], datetime], changed: Callable[[], None]
    ) -> None:
        """Look until stopping; ``changed`` is called after what changed a case."""
        try:
            while True:
                if await patience.until_done("looking for incidents", lambda: self.look(clock())):
                    changed()
                await patience.pause(every_s)
        except Stopping:
            pass

    async def look(self, now: datetime) -> int:
        """Begin, fold, count and unfold; returns how many cases changed."""
        self._rules = await self._rules_now(now)
        async with self._database.connection() as connection:
            changes = await self._once(connection, now, self._begin)
            for incident in await fetch_all(connection, _OPEN):
                while folded := await self._once(connection, now, partial(self._fold, incident)):
                    changes += folded
                changes += await self._once(connection, now, partial(self._recount, incident))
            return changes + await self._once(connection, now, self._unfold)

    async def _once(self, connection: Connection, now: datetime, work: Work) -> int:
        async with connection.transaction():
            row = await fetch_one(connection, _LOCK)
            if not (row and row["mine"]):
                return 0
            book = SqlBook(connection)
            changes = await work(connection, book, now)
            await book.flush()
            return changes

    async def _begin(self, connection: Connection, book: SqlBook, now: datetime) -> int:
        areas = await fetch_all(connection, _AREAS, since=now - self._within, least=self._least)
        for row in areas:
            move = began(row["area"], row["homes"], row["event_at"], now, self._rules)
            await book.write(move, event_of(move, ()), self._rules)
            await book.flush()
            await execute(connection, _PUT, case_id=move.after.case_id, area=row["area"], now=now)
        return len(areas)

    async def _fold(self, incident: Row, connection: Connection, book: SqlBook, now: datetime) -> int:
        found = await fetch_all(
            connection, _TO_FOLD, area=incident["area"], case_id=incident["case_id"],
            since=incident["joined_at"] - self._within, until=incident["joined_at"] + self._within, most=MOST,
        )  # fmt: skip
        facts = {"area": incident["area"], "into": incident["case_id"]}
        folded = 0
        for row in found:
            case = await book.lock(row["case_id"], wait=False)
            if case is None or case.handling != "QUEUED":
                continue
            move = moved(
                case,
                "fold",
                "merged",
                now,
                facts=facts,
                merged_into=incident["case_id"],
                deadline_at=None,
                closed_at=now,
            )
            await book.write(move, event_of(move, await book.signals(case.case_id)), self._rules)
            folded += 1
        return folded

    async def _recount(self, incident: Row, connection: Connection, book: SqlBook, now: datetime) -> int:
        numbers = await fetch_one(connection, _COUNT, case_id=incident["case_id"])
        case = await book.lock(incident["case_id"], wait=False)
        if numbers is None or case is None:
            return 0
        homes, away = numbers["homes"], numbers["away"]
        joined_at = now if homes > incident["homes"] else incident["joined_at"]
        told: dict[str, float | str] = case.reasons[0].evidence if case.reasons else {}
        turned = (away > 0) != (case.condition == "on")
        waited = now - incident["told_at"] >= timedelta(seconds=TELL_S)
        tell = case.is_open and (turned or (waited and (told.get("homes"), told.get("away")) != (homes, away)))
        if tell:
            move = recounted(case, incident["area"], homes, away, now)
            await book.write(move, event_of(move, ()), self._rules)
        if tell or (homes, away) != (incident["homes"], incident["away"]):
            await execute(
                connection, _KEEP, case_id=case.case_id, homes=homes, away=away, joined_at=joined_at,
                told_at=now if tell else incident["told_at"],
            )  # fmt: skip
        return int(tell)

    async def _unfold(self, connection: Connection, book: SqlBook, now: datetime) -> int:
        found = await fetch_all(connection, _TO_UNFOLD, most=MOST)
        for row in found:
            case = await book.lock(row["case_id"])
            if case is None or case.handling != "MERGED":
                continue
            deadline = now + timedelta(seconds=self._rules.answer_s[case.priority])
            move = moved(
                msgspec.structs.replace(case, condition="on"), "unfold", "unmerged", now, facts={"into": case.merged_into},
                merged_into=None, closed_at=None, queued_at=now, deadline_at=deadline, rung=0,
            )  # fmt: skip
            await book.write(move, event_of(move, await book.signals(case.case_id)), self._rules)
        return len(found)
