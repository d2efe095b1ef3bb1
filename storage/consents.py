"""Consent: who may see what of whom, as the resident or a guardian said it. Nothing is seen by default.

Rows are only ever added: the newest of a resident and a person is in force (the view ``kin_sees``), one without scopes is a withdrawal, and
all of them together are the history. Each function works inside the caller's transaction.
"""

from collections.abc import Sequence
from typing import Any

from storage.database import Connection
from storage.errors import BadRecord, UnknownUser
from storage.people import AUDIT_HOMES, KNOWN_RESIDENTS, LINK_FAMILY
from storage.queries import execute, fetch_all, fetch_one, query

SCOPES: dict[str, tuple[str, str]] = {
    "word": ("一个词：是否平安，最近的活动时间", "one word on how they are, and the last sign of life"),
    "day": ("今天：起床、用餐、外出、回家、就寝", "today: up, meals, out, home, in bed"),
    "alerts": ("有什么警情", "what alert is open"),
    "handler": ("谁在处理警情", "who handles it"),
    "address": ("警情的地址和房间", "where it is: address and room"),
    "contacts": ("看和改联系人", "see and change whom to call"),
    "told": ("一级警情与中心同时通知", "be told of a P1 at the same moment as the centre"),
    "away": ("代报外出和来访", "say that they are away, or that a visitor comes"),
}
"""What may be consented to, in words for the page on which it is asked. The migration holds the same list; a test compares."""
EMERGENCY = ("word", "alerts", "handler", "address", "told")
"""What is proposed for the first emergency contact at enrolment. It is asked, never taken for granted."""

IN_FORCE = query("consents_in_force")
HISTORY = query("consents_history")
PUT = query("put_consent")
KIN = query("consent_user")


async def record(
    connection: Connection, *, resident_id: str, user_name: str, scopes: Sequence[str], given_by: str, ground: str, recorded_by: str,
    giver: str = "",
) -> int:  # fmt: skip
    """What the resident (or the guardian ``giver``) said, from now on; no scopes: withdrawn. Returns its number. Raises BadRecord, UnknownUser."""
    wrong = [f"{each!r} is none of {', '.join(SCOPES)}" for each in scopes if each not in SCOPES]
    if given_by not in ("resident", "guardian"):
        wrong.append("it is given by the resident or a guardian, by nobody else")
    if given_by == "guardian" and not giver.strip():
        wrong.append("a guardian is named")
    if not ground.strip():
        wrong.append("say on what ground: the paper and its day, or when and to whom it was said")
    found = await fetch_all(connection, KNOWN_RESIDENTS, resident_ids=[resident_id])
    if not found:
        wrong.append(f"resident {resident_id} is not registered")
    if wrong:
        raise BadRecord(record=f"consent of {resident_id} for {user_name}", detail="; ".join(wrong))
    if await fetch_one(connection, KIN, user_name=user_name) is None:
        raise UnknownUser(user_name=user_name)
    await execute(connection, LINK_FAMILY, user_name=user_name, resident_id=resident_id)
    row = await fetch_one(
        connection, PUT, resident_id=resident_id, user_name=user_name, scopes=sorted(set(scopes)), given_by=given_by,
        giver=giver.strip(), ground=ground.strip(), recorded_by=recorded_by,
    )  # fmt: skip
    assert row is not None
    action = "consent given" if scopes else "consent withdrawn"
    words = f"{user_name}: {', '.join(sorted(set(scopes))) or 'nothing'} ({given_by}; {ground.strip()})"
    await execute(
        connection, AUDIT_HOMES, actor=recorded_by, action=action, reason=words, home_ids=[found[0]["home_id"]]
    )
    number: int = row["consent_id"]
    return number


async def in_force(connection: Connection, resident_id: str) -> list[dict[str, Any]]:
    """Each linked person with what they may see now, those who may see nothing included."""
    return await fetch_all(connection, IN_FORCE, resident_id=resident_id)


async def history(connection: Connection, resident_id: str) -> list[dict[str, Any]]:
    """All that was ever said, newest first."""
    return await fetch_all(connection, HISTORY, resident_id=resident_id)
