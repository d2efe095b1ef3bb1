"""Notices of absence and of visitors: given by kin or staff, in force from their beginning on, and brought to the stream by a new home card.

Their instants are on the clock of the home's source, as all that its devices say: a played world has a time of its own. An absence counts for the
home only where nobody stays behind. What is over stays on the card: silence counts from its end.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from storage.cards import refresh_cards
from storage.database import Connection
from storage.errors import BadRecord
from storage.people import AUDIT_HOMES
from storage.queries import Row, execute, fetch_all, fetch_one, query

LONGEST = {"away": timedelta(days=60), "visitor": timedelta(days=14)}
"""Chosen: who is away for longer is not to be watched meanwhile; who stays for longer lives there."""

NOW = query("home_now")
PUT = query("put_home_notice")
CANCEL = query("cancel_home_notice")
OF_HOME = query("home_notices")
APPLY = query("apply_home_notices")
END = query("end_home_notice")


async def home_now(connection: Connection, home_id: str, now: datetime) -> datetime:
    """The time in this home: its source's clock where that is not the wall's."""
    row = await fetch_one(connection, NOW, home_id=home_id, now=now)
    found: datetime = row["at"] if row is not None else now
    return found


async def give(
    connection: Connection, *, home_id: str, resident_id: str, kind: str, everybody: bool, from_at: datetime | None, until_at: datetime, note: str,
    by: str, now: datetime,
) -> int:  # fmt: skip
    """Take a notice, in force at once where it has begun. Returns its number. Raises BadRecord."""
    here = await home_now(connection, home_id, now)
    begins = max(from_at, here) if from_at is not None else here
    wrong = ""
    if until_at <= begins:
        wrong = "it ends before it begins, or is over already"
    elif until_at - begins > LONGEST[kind]:
        wrong = f"it is longer than {LONGEST[kind].days} days; say it again later"
    if wrong:
        raise BadRecord(record=f"notice ({kind}) of {home_id}", detail=wrong)
    row = await fetch_one(
        connection, PUT, home_id=home_id, resident_id=resident_id, kind=kind, everybody=everybody, from_at=begins, until_at=until_at, note=note, by=by,
        now=now,
    )  # fmt: skip
    assert row is not None
    await apply(connection, now, [home_id])
    await execute(
        connection, AUDIT_HOMES, actor=by, action=f"notice: {kind}", reason=f"{begins.isoformat()} to {until_at.isoformat()}", home_ids=[home_id]
    )  # fmt: skip
    number: int = row["notice_id"]
    return number


async def cancel(connection: Connection, home_id: str, notice_id: int, *, by: str, now: datetime) -> bool:
    """It is not so any more: silence counts from this moment. False where there is none in force or to come."""
    if await fetch_one(connection, CANCEL, home_id=home_id, notice_id=notice_id, by=by, now=now) is None:
        return False
    await execute(connection, END, home_id=home_id, here=await home_now(connection, home_id, now))
    await apply(connection, now, [home_id])
    await refresh_cards(connection, [home_id])
    await execute(
        connection, AUDIT_HOMES, actor=by, action="notice cancelled", reason=str(notice_id), home_ids=[home_id]
    )
    return True


async def of_home(connection: Connection, home_id: str, resident_id: str, now: datetime) -> list[Row]:
    """Notices about a resident that are in force or to come."""
    here = await home_now(connection, home_id, now)
    return await fetch_all(connection, OF_HOME, home_id=home_id, resident_id=resident_id, here=here)


async def apply(connection: Connection, now: datetime, home_ids: Sequence[str] | None = None) -> int:
    """Put in force what has begun (of these homes; None: of all). Harmless to repeat. Returns how many homes changed."""
    changed = [
        row["home_id"] for row in await fetch_all(connection, APPLY, home_ids=home_ids and list(home_ids), now=now)
    ]
    if changed:
        await refresh_cards(connection, changed)
    return len(changed)
