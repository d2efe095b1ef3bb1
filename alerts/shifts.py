"""Keeps the shifts: who went silent, whose cases go on, whether enough are on duty, and whom a waiting case is offered to.

Both twins run this. An advisory lock lets one at a time decide; the cases of one who left go on by the case store's own transactions, which are
harmless to repeat, and he counts as settled only after them: a crash in between repeats, and nothing stays in an empty chair.
"""

import json
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec

from alerts import sharing
from alerts.channels import Channels
from alerts.link import Connections
from alerts.notices import FIRST_AGAIN_S, LONGEST_AGAIN_S, Recipient, on_duty
from alerts.operations import Cases
from alerts.patience import Patience, Stopping
from alerts.sharing import Seat, Unoffered
from storage.database import Connection
from storage.queries import Row, execute, fetch_all, fetch_one, query

LOG = logging.getLogger("alerts")

SILENT_S = 90.0
"""A desk whose page was heard no more for so long is empty, s. Chosen: the lease of a claim, so that both give up on him together."""
TELL_AFTER_S = 60.0
"""Supervisors are told of too few on duty after this, s; consoles show it at once. Chosen: two who change seats need less."""
TAKE_S = 30.0
"""How long a message is one twin's, s."""
MOST_ATTEMPTS = 5
MOST_OFFERS = 100
"""Cases offered in one look; there are fewer free desks."""
INHERITED_S = 172_800.0
"""How long who took over answers for a promise, s: two days, longer than any hold or call-back."""
FORGET_S = 86_400.0

_LOCK = query("lock_shifts")
_END_SILENT = query("end_silent_desks")
_TO_SETTLE = query("sign_ons_to_settle")
_SETTLE = query("settle_sign_on")
_STAFFING = query("staffing_now")
_OPEN_GAP = query("open_staffing_gap")
_DEEPEN_GAP = query("deepen_staffing_gap")
_END_GAP = query("end_staffing_gap")
_GAPS = query("gaps_to_tell")
_TAKE_NOTICE = query("take_staffing_notice")
_KEEP_NOTICE = query("keep_staffing_notice")
_RECIPIENTS = query("recipients_of_homes")
_SEATS = query("seats_on_duty")
_TO_OFFER = query("cases_to_offer")
_PUT_OFFER = query("put_offer")
_FORGET_OFFERS = query("forget_offers")
_SUCCESSORS = query("took_over_from")
_AUDIT = query("audit_shift")


def words(recipient: Recipient, name: str, area: str, on_duty_now: int, least: int, since: datetime) -> tuple[str, str]:
    """Title and body: the centre, no person."""
    centre = f"{name} {area}".strip() or "*"
    if recipient.language == "zh":
        return (
            "守望：值班人数不足",
            f"{centre}：在岗 {on_duty_now} 人，至少应有 {least} 人（自 {since:%H:%M:%S} UTC）。",
        )
    return (
        "Shouwang: too few on duty",
        f"{centre}: {on_duty_now} on duty, at least {least} should be (since {since:%H:%M:%S} UTC).",
    )


class ShiftKeeper:
    """One twin's. ``cases`` and ``database`` may share a connection: neither is held while the other is asked."""

    def __init__(
        self, database: Connections, cases: Cases, channels: Channels, clock: Callable[[], datetime],
        changed: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        self._database = database
        self._cases = cases
        self._channels = channels
        self._clock = clock
        self._changed = changed

    async def run(self, patience: Patience, every_s: float) -> None:
        """Look until stopping."""
        try:
            while True:
                await patience.until_done("keeping the shifts", self.look)
                await patience.pause(every_s)
        except Stopping:
            pass

    async def tell(self, patience: Patience, every_s: float) -> None:
        """Tell supervisors until stopping. By itself: an address that hangs holds up no case."""
        try:
            while True:
                await patience.until_done("telling of too few on duty", self.tell_once)
                await patience.pause(every_s)
        except Stopping:
            pass

    async def look(self) -> None:
        """Once: the silent, the cases of who left, the staffing, the offers."""
        now = self._clock()
        async with self._database.connection() as connection, connection.transaction():
            if await self._mine(connection):
                await self._end_silent(connection, now)
        await self._settle(now)
        async with self._database.connection() as connection, connection.transaction():
            if await self._mine(connection):
                await self._staffing(connection, now)
                await self._offer(connection, now)

    async def _mine(self, connection: Connection) -> bool:
        row = await fetch_one(connection, _LOCK)
        return bool(row and row["mine"])

    async def _end_silent(self, connection: Connection, now: datetime) -> None:
        for row in await fetch_all(connection, _END_SILENT, now=now, before=now - timedelta(seconds=SILENT_S)):
            await _log(connection, now, row["user_name"], "went_silent", row["area_prefix"], desk_id=row["desk_id"])

    async def _settle(self, now: datetime) -> None:
        async with self._database.connection() as connection:
            left = await fetch_all(connection, _TO_SETTLE)
        for row in left:
            # Who only changed his seat keeps what he has.
            if row["ended_why"] != "moved":
                gone = await self._cases.leave(
                    row["user_name"], now=now, successor=row["successor"], silent=row["ended_why"] == "silent"
                )
                if gone:
                    self._changed()
            async with self._database.connection() as connection:
                await execute(connection, _SETTLE, sign_on_id=row["sign_on_id"], now=now)

    async def _staffing(self, connection: Connection, now: datetime) -> None:
        for row in await fetch_all(connection, _STAFFING):
            facts = {"on_duty": row["on_duty"], "least": row["least"]}
            few = row["has_desks"] and row["on_duty"] < row["least"]
            if few and row["gap_id"] is None:
                await execute(connection, _OPEN_GAP, area_prefix=row["area_prefix"], now=now, **facts)
                await _log(connection, now, "system", "understaffed", row["area_prefix"], **facts)
            elif few:
                await execute(connection, _DEEPEN_GAP, gap_id=row["gap_id"], on_duty=row["on_duty"])
            elif row["gap_id"] is not None:
                await execute(connection, _END_GAP, gap_id=row["gap_id"], now=now)
                await _log(connection, now, "system", "staffed", row["area_prefix"], **facts)

    async def _offer(self, connection: Connection, now: datetime) -> None:
        seats = [msgspec.convert(row, Seat) for row in await fetch_all(connection, _SEATS, now=now)]
        if not seats:
            return
        waiting = [msgspec.convert(row, Unoffered) for row in await fetch_all(connection, _TO_OFFER, most=MOST_OFFERS)]
        successors = await self.successors(connection, now) if waiting else {}
        for offer in sharing.share(waiting, seats, successors, now):
            await execute(
                connection, _PUT_OFFER, case_id=offer.case_id, spell=offer.spell, user_name=offer.user_name, why=offer.why, now=now,
                until=offer.until_at,
            )  # fmt: skip
        await execute(connection, _FORGET_OFFERS, before=now - timedelta(seconds=FORGET_S))

    @staticmethod
    async def successors(connection: Connection, now: datetime) -> dict[str, str]:
        """Who took over from whom."""
        rows = await fetch_all(connection, _SUCCESSORS, since=now - timedelta(seconds=INHERITED_S))
        return {row["user_name"]: row["successor"] for row in rows}

    async def tell_once(self) -> int:
        """Tell each supervisor of each gap that lasts, once; returns how many were tried."""
        now = self._clock()
        async with self._database.connection() as connection:
            gaps = await fetch_all(connection, _GAPS, before=now - timedelta(seconds=TELL_AFTER_S))
            if not gaps:
                return 0
            rows = await fetch_all(connection, _RECIPIENTS, now=now, home_ids=[], every=False, beyond="", limit=1_000)
        people = [msgspec.convert(row, Recipient) for row in rows]
        tried = 0
        for gap in gaps:
            for each in people:
                if (
                    each.kind == "supervisor"
                    and gap["area_prefix"].startswith(each.area_prefix)
                    and on_duty(each, now)
                    and not any(n["recipient_id"] == each.recipient_id and n["sent"] for n in gap["notices"])
                ):
                    tried += await self._tell(gap, each, now)
        return tried

    async def _tell(self, gap: Row, recipient: Recipient, now: datetime) -> int:
        key = {"gap_id": gap["gap_id"], "recipient_id": recipient.recipient_id}
        async with self._database.connection() as connection:
            until = now + timedelta(seconds=TAKE_S)
            taken = await fetch_one(connection, _TAKE_NOTICE, **key, now=now, until=until, most=MOST_ATTEMPTS)
        if taken is None:
            return 0
        title, body = words(recipient, gap["name"], gap["area_prefix"], gap["on_duty"], gap["least"], gap["from_at"])
        result = await self._channels.send(recipient, title, body)
        if not result.sent:
            LOG.warning("%s was not told of too few on duty: %s", recipient.recipient_id, result.detail)
        again_s = min(LONGEST_AGAIN_S, FIRST_AGAIN_S * 2 ** (taken["attempts"] - 1))
        async with self._database.connection() as connection, connection.transaction():
            at = self._clock()
            await execute(
                connection, _KEEP_NOTICE, **key, sent=result.sent, detail=result.detail, now=at,
                again_at=at if result.sent else at + timedelta(seconds=again_s),
            )  # fmt: skip
            await _log(
                connection, at, "system", "told_of_staffing", gap["area_prefix"], recipient=recipient.recipient_id,
                sent=result.sent, note=result.detail,
            )  # fmt: skip
        return 1


async def _log(connection: Connection, now: datetime, actor: str, action: str, area: str, **facts: Any) -> None:
    await execute(connection, _AUDIT, now=now, actor=actor, action=action, facts=json.dumps({"area": area} | facts))
