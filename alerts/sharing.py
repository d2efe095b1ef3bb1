"""To whom a waiting case is offered first: to each free desk in turn, and a promise to who made it or took it over. Pure.

The queue stays the queue. An offer hides a case from nobody, keeps nobody from claiming it, lasts half a minute, and is made once for each time that
a case waits; after it, and where nobody is free, the case is everybody's. A P1 is everybody's from the first moment: it is offered as a promise only.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec

OFFER_S = 30.0
"""How long a case is one free desk's before it is everybody's, s. Chosen: a sixth of the 180 s in which a P2 is to be answered."""
PROMISE_S = 60.0
"""The same for one that comes back as promised, s. Chosen: longer, since whoever knows the story should go on; less than the 180 s of a P2."""
PROMISES = frozenset({"case.hold_ended", "case.follow_up_due", "case.still_on", "case.left", "case.went_silent"})
"""By what a promised case comes into the queue: a hold that ended, a call-back, what was said to be over and is not, and what somebody had in hand when he left."""


class Seat(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody on duty."""

    user_name: str
    area_prefix: str
    """Whose cases he sees."""
    signed_on_at: datetime
    in_hand: int = 0
    """Cases that he works on; holds not counted, they wait."""
    taken: int = 0
    """Claims in the last hour: the recent load."""
    taken_at: datetime | None = None
    offered: bool = False
    """A case is being offered to him already."""


class Unoffered(msgspec.Struct, frozen=True, kw_only=True):
    """A case that waits and has not been offered in this time of waiting."""

    case_id: str
    spell: int
    priority: int
    area_code: str
    former_desk_id: str | None = None
    came_by: str | None = None
    """Reason of the change that brought it into the queue."""


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A case for one desk, and why that one."""

    case_id: str
    spell: int
    user_name: str
    why: Literal["load", "promise"]
    until_at: datetime


def heir(user_name: str, on_duty: Mapping[str, Seat], successors: Mapping[str, str]) -> str | None:
    """Who answers for somebody's promises now: himself while he is on duty, else who took over from him, and so on. None: nobody who is here."""
    asked: set[str] = set()
    while user_name not in asked:
        if user_name in on_duty:
            return user_name
        asked.add(user_name)
        user_name = successors.get(user_name, user_name)
    return None


def answered_for(user_name: str, successors: Mapping[str, str], on_duty: Mapping[str, Seat]) -> list[str]:
    """Whose promises are this one's: his own, and of those who handed over to him and are not here."""
    found = (other for other in successors if heir(other, on_duty, successors) == user_name)
    return sorted({user_name, *found})


def share(
    cases: Sequence[Unoffered], seats: Sequence[Seat], successors: Mapping[str, str], now: datetime
) -> list[Offer]:
    """Offers for cases in queue order. Each free desk gets one at most; least recent load first, then who has waited longest."""
    on_duty = {seat.user_name: seat for seat in seats}
    free = [seat for seat in seats if seat.in_hand == 0 and not seat.offered]
    free.sort(key=lambda seat: (seat.taken, seat.taken_at or seat.signed_on_at, seat.user_name))
    offers: list[Offer] = []
    for case in cases:
        found = _promised(case, on_duty, successors)
        why: Literal["load", "promise"] = "promise"
        if found is None and case.priority > 1:
            # Not to who has just let go of it, unless nobody else is free.
            there = [seat for seat in free if case.area_code.startswith(seat.area_prefix) or not case.area_code]
            there.sort(key=lambda seat: seat.user_name == case.former_desk_id)
            found, why = (there[0] if there else None), "load"
        if found is None:
            continue
        if found in free:
            free.remove(found)
        until_at = now + timedelta(seconds=PROMISE_S if why == "promise" else OFFER_S)
        offers.append(
            Offer(case_id=case.case_id, spell=case.spell, user_name=found.user_name, why=why, until_at=until_at)
        )
    return offers


def _promised(case: Unoffered, on_duty: Mapping[str, Seat], successors: Mapping[str, str]) -> Seat | None:
    if case.former_desk_id is None or case.came_by not in PROMISES:
        return None
    name = heir(case.former_desk_id, on_duty, successors)
    seat = on_duty.get(name) if name is not None else None
    if seat is None or not (case.area_code.startswith(seat.area_prefix) or not case.area_code):
        return None
    return seat
