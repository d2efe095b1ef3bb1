"""Cases that begin with a telephone call. Pure: what a call says, as a detection; who took it and his words are put into the move that follows.

A call goes the way of every detection (``admission.judge``), so one open case for each home and family, holds, asking and merging hold for it as
they stand; only it does not come through Kafka (docs/decisions/0029). Its id follows from the call's, so a repeat opens nothing twice.
"""

import uuid
from datetime import datetime

import msgspec

from alerts.admission import Situation, Verdict
from alerts.cases import OF_STRANGERS, SYSTEM, Case
from contracts.alerts import Handling
from contracts.detections import NAMESPACE, Detection, Family

DETECTOR = "telephone"
SCORE = 4
"""A person says so. Chosen: the top of the scale, as the help button."""
MISSED: Family = "sos"
"""What a call is that nobody took: its caller cannot be asked, and the number is that of people who need help. Chosen."""
WAITING: frozenset[Handling] = frozenset({"QUEUED", "ASKING", "SHELVED", "SUSPENDED"})
"""Who opens a case by a call takes it, or the one that he meets, where nobody has it."""

_BY_DESK = {
    "case.raised": "case.opened_by_call",
    "case.raised_again": "case.opened_by_call",
    "case.signal": "case.call_joined",
}
_BY_ITSELF = {"case.raised": "case.call_missed", "case.raised_again": "case.call_missed"}


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call, with what is known of it when a case comes of it."""

    call_id: str
    number: str = ""
    """As it was given; empty: withheld. It goes into ``telephone_calls`` and nowhere else."""
    area_prefix: str = ""
    """Whose it is; a stranger's case has this for its area."""
    home_id: str | None = None
    """None: nobody knows yet whose it is."""
    resident_id: str | None = None
    family: Family = MISSED
    words: str = ""
    rang_at: datetime
    key: str = ""
    """The number in its one form (``number_key`` of the database): by it a stranger who rings again is known."""


class Called(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a call. ``joined``: a case of that home and family was open already. ``repeated``: this very call had one."""

    case: Case
    joined: bool = False
    repeated: bool = False


def of_hand(user_name: str, request_id: str) -> str:
    """Id of a call from which somebody opens a case by hand. His own: nobody learns of another's by trying ids."""
    return str(uuid.uuid5(NAMESPACE, f"by hand|{user_name}|{request_id}"))


def home_of(call: Call) -> str:
    """What stands for a home while nobody knows whose number it is: one for each number and area, that does not say the number."""
    if call.home_id is not None:
        return call.home_id
    return f"{OF_STRANGERS}{uuid.uuid5(NAMESPACE, f'{call.area_prefix}|{call.key or call.call_id}').hex}"


def statement(call: Call, now: datetime, missed: bool) -> Detection:
    """What a call says."""
    at_s = call.rang_at.timestamp()
    return Detection(
        detection_id=str(uuid.uuid5(NAMESPACE, f"call|{call.call_id}")), detector=DETECTOR, family=call.family, lane="urgent",
        home_id=home_of(call), resident_id=call.resident_id, started_at_s=at_s, event_at_s=at_s, decided_at_s=now.timestamp(), score=SCORE,
        reason="telephone.missed" if missed else "telephone.call", evidence={"rung_s": now.timestamp() - at_s} if missed else {},
        source=DETECTOR,
    )  # fmt: skip


def around(situation: Situation, call: Call) -> Situation:
    """A person who rings is not out of service, and a stranger is of the area of the desk that was rung up."""
    return msgspec.structs.replace(situation, window=None, area_code=situation.area_code or call.area_prefix)


def told(verdict: Verdict, call: Call, desk_id: str | None) -> Verdict:
    """The verdict with who took the call and what he wrote."""
    move = verdict.move
    if move is None:
        return verdict
    reasons = _BY_ITSELF if desk_id is None else _BY_DESK
    said = {"desk_id": desk_id or "", "note": call.words, "call_id": call.call_id}
    return msgspec.structs.replace(
        verdict,
        move=msgspec.structs.replace(
            move, actor=desk_id or SYSTEM, reason=reasons.get(move.reason, move.reason), facts=move.facts | said
        ),
    )
