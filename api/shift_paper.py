"""The document of a hand-over: what somebody has in hand and what he promised, to the letter as two people sign it.

It names homes and cases, no person beside the two; what they wrote into a reason or the note stands as they wrote it.
"""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

from alerts.sharing import Seat, answered_for
from alerts.shifts import INHERITED_S
from api.models import shifts as models
from storage.database import Connection
from storage.queries import Row, fetch_all, query

_IN_HAND = query("api_in_hand")
_CALL_BACKS = query("api_call_backs")
_LOOKS = query("api_second_looks_owed")
_DESKS = query("api_desks")
_SUCCESSORS = query("took_over_from")


async def left_by(connection: Connection, user_name: str, now: datetime) -> models.Left:
    """What somebody leaves: his own, and the promises of those who handed over to him and are not here."""
    rows = await fetch_all(connection, _SUCCESSORS, since=now - timedelta(seconds=INHERITED_S))
    successors = {row["user_name"]: row["successor"] for row in rows}
    here = {
        row["user_name"]: Seat(user_name=row["user_name"], area_prefix="", signed_on_at=row["signed_on_at"])
        for row in await fetch_all(connection, _DESKS)
        if row["user_name"] is not None
    }
    promised_by = answered_for(user_name, successors, here)
    return models.Left(
        in_hand=[models.InHand(**row) for row in await fetch_all(connection, _IN_HAND, user_name=user_name)],
        call_backs=[models.CallBack(**row) for row in await fetch_all(connection, _CALL_BACKS, user_names=promised_by)],
        second_looks=[models.LookOwed(**row) for row in await fetch_all(connection, _LOOKS, user_names=promised_by)],
    )


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def digest_of(document: str) -> str:
    return hashlib.sha256(document.encode()).hexdigest()


def state_of(left: models.Left) -> str:
    """Check sum of what there is to hand over: the same until somebody does something about it."""
    return digest_of(_text(left.model_dump(mode="json")))


def document_of(left: models.Left, *, from_user: str, area_prefix: str, note: str, now: datetime) -> str:
    """The document, as it is kept and signed."""
    return _text(
        {
            "from": from_user,
            "centre": area_prefix,
            "written_at": now.isoformat(),
            "note": note,
            "left": left.model_dump(mode="json"),
        }
    )


def read(row: Row) -> models.ShiftHandover:
    """A row of ``api_shift_handovers``; whether it is still what was signed is reckoned anew."""
    document = json.loads(row["document"])
    digest = digest_of(row["document"])
    signed = [row["digest"], row["given_digest"], row["taken_digest"] or digest]
    return models.ShiftHandover(
        handover_id=row["handover_id"], area_prefix=row["area_prefix"], from_user=row["from_user"], written_at=row["written_at"],
        note=document["note"], left=models.Left.model_validate(document["left"]), digest=row["digest"], to_user=row["to_user"],
        taken_at=row["taken_at"], waits=row["waits"], as_signed=all(each == digest for each in signed),
    )  # fmt: skip
