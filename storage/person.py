"""A resident's data: all of it on request, and its erasure, with what must be kept named.

What concerns a home counts as the resident's where nobody else lives there; else only what devices of their own measured. Cases and the audit stay: they
show what was done in an emergency, and by whom, under the resident's id and without name, address or number of the record.
"""

from collections.abc import AsyncIterator
from typing import Any, NamedTuple

from contracts.kinds import FROM_DEVICES
from storage.cards import refresh_cards
from storage.columns import table_of
from storage.database import Connection
from storage.errors import BadRecord
from storage.people import AUDIT_HOMES
from storage.queries import execute, fetch_all, fetch_one, query

WHO = query("person_who")
PARTS = {
    name: query(f"person_{name}")
    for name in (
        "resident", "home", "contacts", "devices", "consents", "upstream", "notices", "cases", "case_signals", "case_history", "calls", "responses", "visits", "learned", "usual", "days", "coverage",
    )
}  # fmt: skip
"""What is given out, in order; the readings follow."""
READINGS = query("person_readings")
DROP_READINGS = query("person_drop_readings")
ERASE = {
    name: query(f"person_erase_{name}")
    for name in ("contacts", "learned", "usual", "days", "coverage", "silences", "notices", "ways", "givers", "links", "devices", "accounts", "home", "resident", "withdraw", "upstream", "upstream_givers", "calls", "dials")
}  # fmt: skip
ALONE = ("dials", "contacts", "learned", "usual", "days", "coverage", "silences", "devices", "accounts", "home")
"""What is erased only where nobody else lives in the home."""
KEPT: tuple[tuple[str, str, str], ...] = (
    ("cases", "警情、信号和处理记录：发生了什么、谁做了什么，事后须能查明；只按编号，不含姓名和地址；备注中可能有人写下姓名",
     "Cases with their signals: what happened and who did what must stay known; by id, without name and address; a note may hold a name that somebody wrote"),
    ("audit", "查看和更改记录：谁看过这些资料", "The audit: who looked at this person's record"),
    ("consents", "授权的历史（撤回之后）：曾经凭什么让谁看过", "The history of consent, withdrawn now: on what ground somebody was shown something"),
    ("visits", "探访和志愿服务时长：计入志愿者的时间", "Visits and hours of helpers: they are credited to the helpers"),
    ("log", "消息日志中的读数，按其保留期自动消失（最长 30 天）", "Readings and alerts in Kafka, until their retention ends by itself (30 days at most)"),
    ("backups", "已有的备份，直到其被删除；恢复之后须再次删除", "Backups made before, until they are deleted; after a restore the erasure has to be done again"),
)  # fmt: skip


class Erased(NamedTuple):
    """How many rows of what were erased."""

    home_id: str
    counts: dict[str, int]


async def export(connection: Connection, resident_id: str, *, readings: bool = True) -> AsyncIterator[dict[str, Any]]:
    """One object a row: ``{"part": name, …}``. Raises BadRecord where nobody is called so."""
    who = await _who(connection, resident_id)
    for name, sql in PARTS.items():
        for row in await fetch_all(connection, sql, **who):
            yield {"part": name, **row}
    for kind in FROM_DEVICES if readings else ():
        sql = READINGS.replace(b"reading_motion", table_of(kind).encode())
        async with connection.transaction(), connection.cursor(name="person_readings") as cursor:
            await cursor.execute(sql, who)
            async for row in cursor:
                yield {"part": f"reading_{kind}", **row[0]}


async def erase(connection: Connection, resident_id: str, *, actor: str, reason: str) -> Erased:
    """Erase what need not be kept, inside the caller's transaction. Raises BadRecord while a case about them is open."""
    who = await _who(connection, resident_id)
    if who.pop("open_cases"):
        raise BadRecord(record=f"erasure of {resident_id}", detail="a case is open; close it first")
    counts: dict[str, int] = {}
    for kind in FROM_DEVICES:
        sql = DROP_READINGS.replace(b"reading_motion", table_of(kind).encode())
        counts[table_of(kind)] = await execute(connection, sql, **who)
    for name, sql in ERASE.items():
        if who["alone"] or name not in ALONE:
            counts[name] = await execute(connection, sql, **who, actor=actor)
    await refresh_cards(connection, [who["home_id"]])
    await execute(
        connection,
        AUDIT_HOMES,
        actor=actor,
        action="resident erased",
        reason=f"{resident_id}: {reason}",
        home_ids=[who["home_id"]],
    )
    return Erased(who["home_id"], {name: count for name, count in counts.items() if count})


async def _who(connection: Connection, resident_id: str) -> dict[str, Any]:
    found = await fetch_one(connection, WHO, resident_id=resident_id)
    if found is None:
        raise BadRecord(record=f"resident {resident_id}", detail="nobody is registered under this id")
    return found
