"""Who is told of cases beside the consoles: the list, its rota, a trial, a pause, and the ladder. For supervisors and administrators.

An address holds a secret: it is written and never read back. A trial is therefore sent by alerts, which may read it.
"""

import json
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from urllib.parse import quote

import psycopg
from fastapi import APIRouter, Path, Query

from alerts.notices import KINDS
from api.access import Overseer, Who, roles
from api.context import Context, Now, Parts
from api.errors import BadChange, BadRequest, NotFound, TooOften
from api.models import recipients as models
from api.models.shape import Done
from api.problems import documented
from storage.database import Connection
from storage.queries import Row, execute, fetch_all, fetch_one, query

router = APIRouter(prefix="/api/v1", tags=["who is told"])

PAUSE, LONGEST_PAUSE = timedelta(hours=8), timedelta(days=7)
"""How long a pause lasts where nothing else is said: a shift; and at most: who is not told for longer is taken off the list. Chosen. (``recipients_pause_ends`` asks for an end.)"""
TRIAL_S = 20.0
"""Between two trials of one recipient, s. Chosen: an impatient click must not cost ten messages."""
LATEST_OF_P1_S = {"all_desks": 60.0, "supervisor_wall": 180.0}
"""Steps that no ladder of P1 goes without, and when at the latest, s: the two marks of answering, 60 and 180 s (design, section 6, rule 5)."""

_LIST = query("api_recipients")
_ONE = query("api_recipient")
_PUT = query("api_put_recipient")
_PAUSE = query("api_pause_recipient")
_DROP = query("api_drop_recipient")
_DROP_DUTIES = query("api_drop_duties_of_recipient")
_PUT_DUTY = query("api_put_duty_of_recipient")
_TRIAL = query("api_ask_trial")
_HOME = query("api_home")
_LADDERS = query("api_ladders")
_DROP_LADDER = query("api_drop_ladder")
_PUT_RUNG = query("api_put_rung")
_AUDIT = query("api_audit")

OVERSEERS = ("supervisor", "admin")
_READS = documented(401, 403, 422, 503)
_CHANGES = documented(401, 403, 404, 422, 429, 503)
RecipientId = Annotated[str, Path(min_length=1, max_length=40, pattern=r"^[a-z0-9][a-z0-9-]*$")]


async def _log(
    connection: Connection, user: Who, now: datetime, action: str, recipient_id: str, home_id: str | None, **facts: Any
) -> None:
    await execute(
        connection, _AUDIT, now=now, actor=user.user_name, action=action, case_id=None, home_id=home_id, reason="",
        facts=json.dumps({"recipient": recipient_id} | facts),
    )  # fmt: skip


async def _found(connection: Connection, user: Who, recipient_id: str) -> Row:
    """Raises NotFound, and BadChange where it is a relative's own choice."""
    row = await fetch_one(connection, _ONE, recipient_id=recipient_id, area_prefix=user.area_prefix)
    if row is None:
        raise NotFound(what="recipient", name=recipient_id)
    if row["user_name"] is not None:
        raise BadChange(detail="a relative with a log-in chose this; it is theirs to change, and their consent ends it")
    return row


@router.get("/recipients", responses=_READS, summary="Who is told", openapi_extra=roles(*OVERSEERS))
async def list_recipients(
    parts: Parts,
    now: Now,
    user: Overseer,
    after: Annotated[str, Query(max_length=40, description="``next_after`` of the page before")] = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> models.Recipients:
    """Desks, supervisors, walls and backup centres of one's area, and kin of its homes; without their addresses."""
    async with parts.database.connection() as connection:
        rows = await fetch_all(connection, _LIST, area_prefix=user.area_prefix, after=after, most=limit, now=now)
    return models.Recipients(
        recipients=[models.RecipientRow.model_validate(row) for row in rows],
        ways=sorted(parts.settings.ways()),
        next_after=rows[-1]["recipient_id"] if len(rows) == limit else None,
        now=now,
    )


def _address(body: models.NewRecipient, parts: Context) -> str:
    """Raises BadRequest."""
    if body.url and body.way:
        raise BadRequest(detail="body.way: give an address (url), or one of the site's ways with a number, not both")
    if body.way:
        address = parts.settings.ways().get(body.way)
        if address is None or not body.reach:
            raise BadRequest(detail="body.way: give one of the site's ways, and the number or address on it (reach)")
        # As for a relative's own choice: what somebody types must not become another part of the address.
        return address.replace("{to}", quote(body.reach, safe=""))
    if "://" not in body.url:
        raise BadRequest(detail="body.url: write an Apprise address, for example ntfys://our-topic (docs/notifying.md)")
    return body.url


@router.post(
    "/recipients", status_code=201, responses=_CHANGES, summary="Tell somebody", openapi_extra=roles(*OVERSEERS)
)
async def add_recipient(body: models.NewRecipient, parts: Parts, now: Now, user: Overseer) -> Done:
    """A desk's telephone, a supervisor, a wall, a backup centre for an area; or kin without a log-in, of one home and with the ground on which they agreed."""
    kin = body.kind == "kin"
    if kin and (not body.home_id or not body.ground):
        raise BadRequest(detail="body.ground: of kin say which home (home_id) and how they agreed")
    if not kin and not body.area_prefix.startswith(user.area_prefix):
        raise BadRequest(detail=f"body.area_prefix: write an area within {user.area_prefix}, which is yours")
    values = body.model_dump() | {
        "url": _address(body, parts),
        "area_prefix": "" if kin else body.area_prefix,
        "home_id": body.home_id if kin else None,
        "consented_at": now if kin else None,
    }
    async with parts.database.transaction() as connection:
        if kin and await fetch_one(connection, _HOME, home_id=body.home_id) is None:
            raise NotFound(what="home", name=body.home_id or "")
        try:
            # By itself: an id that is taken out of sight is refused as one that is taken in sight.
            async with connection.transaction():
                await execute(connection, _PUT, **values)
        except psycopg.errors.UniqueViolation as error:
            raise BadChange(detail="this id cannot be used; choose another") from error
        await _log(
            connection, user, now, "added_recipient", body.recipient_id, values["home_id"], kind=body.kind, area=values["area_prefix"],
            ground=body.ground,
        )  # fmt: skip
    return Done()


@router.put("/recipients/{recipient_id}/paused", responses=_CHANGES, summary="Pause, or tell again", openapi_extra=roles(*OVERSEERS))  # fmt: skip
async def pause_recipient(
    recipient_id: RecipientId, body: models.Paused, parts: Parts, now: Now, user: Overseer
) -> Done:
    """A pause ends by itself, or when somebody ends it; the list says who began it and how long it lasts."""
    until_at = (body.until_at or now + PAUSE) if body.paused else None
    if until_at is not None and not now < until_at <= now + LONGEST_PAUSE:
        raise BadRequest(
            detail=f"body.until_at: a pause ends within {LONGEST_PAUSE.days} days; who is not to be told for longer is taken off the list"
        )
    async with parts.database.transaction() as connection:
        row = await _found(connection, user, recipient_id)
        await execute(
            connection, _PAUSE, recipient_id=recipient_id, until_at=until_at, paused_by=user.user_name if body.paused else None
        )  # fmt: skip
        if until_at is None:
            await _log(connection, user, now, "resumed_recipient", recipient_id, row["home_id"])
        else:
            await _log(
                connection, user, now, "paused_recipient", recipient_id, row["home_id"], until_at=until_at.isoformat()
            )
    return Done()


@router.put("/recipients/{recipient_id}/duties", responses=_CHANGES, summary="When somebody is told", openapi_extra=roles(*OVERSEERS))  # fmt: skip
async def put_duties(
    recipient_id: RecipientId, body: models.RecipientDuties, parts: Parts, now: Now, user: Overseer
) -> Done:
    """The whole rota of one; nothing: at any time. Kin are told at any time whatever it says."""
    starts = [(each.weekday, each.from_minute) for each in body.duties]
    if len(starts) != len(set(starts)):
        raise BadRequest(detail="body.duties: two begin at the same minute of the same day")
    async with parts.database.transaction() as connection:
        row = await _found(connection, user, recipient_id)
        await execute(connection, _DROP_DUTIES, recipient_id=recipient_id)
        for each in body.duties:
            await execute(connection, _PUT_DUTY, recipient_id=recipient_id, **each.model_dump())
        duties = [each.model_dump() for each in body.duties]
        await _log(connection, user, now, "put_duties", recipient_id, row["home_id"], duties=duties)
    return Done()


@router.post("/recipients/{recipient_id}/trial", responses=_CHANGES, summary="Send a trial", openapi_extra=roles(*OVERSEERS))  # fmt: skip
async def try_recipient(recipient_id: RecipientId, parts: Parts, now: Now, user: Overseer) -> Done:
    """A message that says it is a trial, within seconds; how it went stands in the list. It counts towards no limit, so not more than one in 20 s."""
    async with parts.database.transaction() as connection:
        row = await _found(connection, user, recipient_id)
        asked = await fetch_one(
            connection, _TRIAL, recipient_id=recipient_id, asked_by=user.user_name, now=now, since=now - timedelta(seconds=TRIAL_S)
        )  # fmt: skip
        if asked is None:
            raise TooOften(wait_s=TRIAL_S)
        await _log(connection, user, now, "tried_recipient", recipient_id, row["home_id"])
    return Done()


@router.delete("/recipients/{recipient_id}", responses=_CHANGES, summary="Tell somebody no more", openapi_extra=roles(*OVERSEERS))  # fmt: skip
async def drop_recipient(recipient_id: RecipientId, parts: Parts, now: Now, user: Overseer) -> Done:
    """The address is forgotten; what was sent stays in the cases."""
    async with parts.database.transaction() as connection:
        row = await _found(connection, user, recipient_id)
        await execute(connection, _DROP, recipient_id=recipient_id)
        await _log(connection, user, now, "dropped_recipient", recipient_id, row["home_id"], kind=row["kind"])
    return Done()


@router.get("/ladders", responses=_READS, summary="Who hears when nobody takes a case", openapi_extra=roles(*OVERSEERS))
async def list_ladders(parts: Parts, now: Now, user: Overseer) -> models.Ladders:
    """The site's, those of areas around one's own, and those within it."""
    async with parts.database.connection() as connection:
        rows = await fetch_all(connection, _LADDERS, area_prefix=user.area_prefix, now=now)
    rungs = [models.LadderRung(reaches=_reaches(row["who"], row.pop("kinds")), **row) for row in rows]
    return models.Ladders(rungs=rungs, now=now)


def _reaches(who: str, kinds: dict[str, bool]) -> Literal["all", "part", "nobody"]:
    """``kinds``: who could be told now, and whether of each home of the area."""
    found = [kinds[kind] for kind in KINDS[who] if kind in kinds]
    return "all" if any(found) else "part" if found else "nobody"


@router.put("/ladders/{priority}", responses=_CHANGES, summary="Change a ladder", openapi_extra=roles(*OVERSEERS))
async def put_ladder(
    priority: Annotated[int, Path(ge=1, le=5)], body: models.NewLadder, parts: Parts, now: Now, user: Overseer
) -> Done:
    """Of one priority in an area of one's own. A P1 keeps all desks within 60 s and supervisors within 180 s. For cases that come into the queue from now on; one that waits keeps the time of its next step."""
    if not body.area_prefix.startswith(user.area_prefix):
        raise BadRequest(detail=f"body.area_prefix: write an area within {user.area_prefix}, which is yours")
    if not body.rungs and not body.area_prefix:
        raise BadRequest(
            detail="body.rungs: the whole site's ladder is what holds where nothing else does; it needs a step"
        )
    times = [rung.after_s for rung in body.rungs]
    if sorted(set(times)) != times:
        raise BadRequest(detail="body.rungs: each step comes later than the one before")
    for who, latest_s in LATEST_OF_P1_S.items() if priority == 1 and body.rungs else ():
        if not any(rung.who == who and rung.after_s <= latest_s for rung in body.rungs):
            raise BadRequest(detail=f"body.rungs: a P1 reaches {who} within {latest_s:.0f} s")
    async with parts.database.transaction() as connection:
        await execute(connection, _DROP_LADDER, area_prefix=body.area_prefix, priority=priority)
        for number, rung in enumerate(body.rungs, start=1):
            await execute(
                connection, _PUT_RUNG, area_prefix=body.area_prefix, priority=priority, rung=number, after_s=rung.after_s, who=rung.who,
                changed_by=user.user_name, now=now,
            )  # fmt: skip
        await execute(
            connection, _AUDIT, now=now, actor=user.user_name, action="put_ladder", case_id=None, home_id=None, reason="",
            facts=json.dumps({"area": body.area_prefix, "priority": priority, "rungs": [rung.model_dump() for rung in body.rungs]}),
        )  # fmt: skip
    return Done()
