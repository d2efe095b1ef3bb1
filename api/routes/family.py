"""What a family reads and says: one word for one's own relative, the day, alerts, and what no sensor knows. Of anybody else not even that they exist.

Everything here asks the database with the consent of the moment (``kin_sees``). A program with a token reads what its token was made for.
"""

import asyncio
import hashlib
import json
import time
import uuid
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Annotated, Any
from urllib.parse import quote, urlsplit

from fastapi import APIRouter, Path
from sse_starlette import EventSourceResponse, ServerSentEvent

from alerts import web_push
from api import day
from api.access import Family, roles
from api.context import Context, Now, Parts
from api.database import AGAIN_S, answering
from api.errors import BadRequest, DatabaseAway, NotFound
from api.feed import Subscriber
from api.kin import Kin, Relation, hash_of, new_token
from api.models import families as models
from api.models.people import Relative, Relatives
from api.models.shape import Done
from api.problems import documented
from api.relatives import SAID, asking, look, look_for
from api.scope import OURSELVES, current, serving
from api.watching import watched
from storage import home_notices, people
from storage.database import Connection, set_local
from storage.queries import execute, fetch_all, fetch_one, query
from storage.records import Contact

router = APIRouter(prefix="/api/v1/family", tags=["family"])

_ALERTS = query("family_alerts")
_RESIDENT = query("family_resident")
_DAY = query("family_day")
_GOING = query("family_going")
_NOT_GOING = query("family_not_going")
_CONTACTS = query("family_contacts")
_DROP_CONTACT = query("drop_contact")
_WAY = query("family_way")
_PUT_WAY = query("put_family_way")
_DROP_WAY = query("drop_family_way")
_PUT_PUSH = query("put_push")
_DROP_OLD_PUSH = query("drop_old_push")
_DROP_PUSH = query("drop_push")
_CONSENTS = query("family_consents")
_PUT_TOKEN = query("put_kin_token")
_TOKENS = query("kin_tokens")
_END_TOKEN = query("end_kin_token")
_AUDIT = query("api_audit")

MOST_BROWSERS = 10
"""Browsers of one user that are told of one relative; the one that subscribed longest ago gives way. Chosen."""
MOST_TOKENS = 10
"""Tokens of one user that hold at the same time. Chosen."""
RESIDENT = Annotated[str, Path(min_length=1, max_length=40, pattern=r"^[a-z0-9-]+$")]
_READS = documented(401, 403, 404, 422, 503)
_OWN = documented(401, 403, 422, 503)
_EXAMPLE = 'event: relatives\ndata: {"relatives": [{"resident_id": "shen-ada", "word": "well", …}], "now": "2026-11-23T04:00:00Z"}\n\nevent: heartbeat\ndata: {"now": "…"}\n\n'


async def _read(
    parts: Context, user: Kin, now: datetime, resident_id: str | None, *, audit: bool = True
) -> tuple[list[Relative], frozenset[str]]:
    """Relatives, and their homes."""
    async with parts.database.transaction(user.scope) as connection:
        (found,) = await look(connection, parts, [user], now, resident_id)
        for row in found.rows if audit else ():
            await _write(connection, user, now, "viewed", row["home_id"], row["resident_id"])
    return found.relatives, found.home_ids


async def _write(
    connection: Connection,
    user: Kin,
    now: datetime,
    action: str,
    home_id: str,
    resident_id: str,
    **facts: Any,
) -> None:
    """A family's reading or word, in the audit."""
    facts |= {"residents": [resident_id], "right": "family"}
    if user.session_id is None:
        facts["by"] = "token"
    await execute(
        connection, _AUDIT, now=now, actor=user.user_name, action=action, case_id=None, home_id=home_id, reason="", facts=json.dumps(facts)
    )  # fmt: skip


async def _resident(connection: Connection, user: Kin, resident_id: str, scope: str) -> dict[str, Any]:
    """The resident, where this may be seen or done. Raises NotFound, whatever the reason: nobody learns that somebody exists."""
    row = await fetch_one(
        connection,
        _RESIDENT,
        user_name=user.user_name,
        resident_id=resident_id,
        scope=scope,
        allowed=list(user.allowed),
    )
    if row is None:
        raise NotFound(what="relative", name=resident_id)
    return row


@asynccontextmanager
async def _on_behalf(
    parts: Context, user: Kin, resident_id: str, scope: str
) -> AsyncGenerator[tuple[Connection, dict[str, Any]]]:
    """What the database lets no family touch (cards, contacts), done for one, in the transaction in which its consent was found. Raises NotFound."""
    async with parts.database.transaction(user.scope) as connection:
        row = await _resident(connection, user, resident_id, scope)
        await set_local(connection, OURSELVES.settings())
        yield connection, row


@router.get("/relatives", responses=documented(401, 403, 503), summary="My relatives", openapi_extra=roles("family"))
async def list_relatives(parts: Parts, now: Now, user: Relation) -> Relatives:
    """All relatives of whom one may see something."""
    return Relatives(relatives=(await _read(parts, user, now, None))[0], now=now)


@router.get("/relatives/{resident_id}", responses=_READS, summary="One relative", openapi_extra=roles("family"))
async def read_relative(resident_id: RESIDENT, parts: Parts, now: Now, user: Relation) -> Relative:
    """One's own relative. Another family's is not found, like one who does not exist."""
    found, _ = await _read(parts, user, now, resident_id)
    if not found:
        raise NotFound(what="relative", name=resident_id)
    return found[0]


@router.get("/relatives/{resident_id}/day", responses=_READS, summary="The day so far", openapi_extra=roles("family"))
async def read_day(resident_id: RESIDENT, parts: Parts, now: Now, user: Relation) -> models.Day:
    """Up, meals, out, home, in bed, to the quarter of an hour. ``whole`` says whether everything could be seen."""
    async with parts.database.transaction() as connection:
        row = await _resident(connection, user, resident_id, "day")
        home = (await watched(connection, [row["home_id"]], parts, now))[row["home_id"]]
        here = home.view.source_now or now
        since = day.start_of_day(here, row["zone"])
        rows = await fetch_all(connection, _DAY, home_id=row["home_id"], since=since, until=here)
        await _write(connection, user, now, "viewed", row["home_id"], resident_id, what="day")
    state = home.coverage.state
    return models.Day(
        resident_id=resident_id, since=since, home_now=here, whole=state == "protected", said=None if state == "protected" else SAID[state],
        moments=[models.Moment(what=each.what, at=each.at) for each in day.line(rows, here, row["zone"])],
    )  # fmt: skip


@router.get("/relatives/{resident_id}/notices", responses=_READS, summary="Who is away or visiting", openapi_extra=roles("family"))  # fmt: skip
async def list_notices(resident_id: RESIDENT, parts: Parts, now: Now, user: Relation) -> models.HomeNotices:
    """Notices in force or to come."""
    async with parts.database.connection() as connection:
        row = await _resident(connection, user, resident_id, "away")
        found = await home_notices.of_home(connection, row["home_id"], resident_id, now)
        here = await home_notices.home_now(connection, row["home_id"], now)
    return models.HomeNotices(notices=[models.HomeNotice.model_validate(each) for each in found], home_now=here)


@router.post("/relatives/{resident_id}/notices", status_code=201, responses=_READS, summary="They are away, or a visitor comes", openapi_extra=roles("family"))  # fmt: skip
async def give_notice(resident_id: RESIDENT, body: models.NewNotice, parts: Parts, now: Now, user: Relation) -> Done:
    """The stream follows within seconds: while they are away silence says nothing; while a visitor may be there a door says little.
    A call for help, a fall and a fire are heard as ever."""
    async with _on_behalf(parts, user, resident_id, "away") as (connection, row):
        await home_notices.give(
            connection, home_id=row["home_id"], resident_id=resident_id, kind=body.kind, everybody=body.everybody, from_at=body.from_at,
            until_at=body.until_at, note=body.note, by=user.user_name, now=now,
        )  # fmt: skip
    return Done()


@router.delete("/relatives/{resident_id}/notices/{notice_id}", responses=_READS, summary="It is not so", openapi_extra=roles("family"))  # fmt: skip
async def cancel_notice(resident_id: RESIDENT, notice_id: int, parts: Parts, now: Now, user: Relation) -> Done:
    """They are back, or nobody comes: silence counts from now."""
    async with _on_behalf(parts, user, resident_id, "away") as (connection, row):
        known = await home_notices.of_home(connection, row["home_id"], resident_id, now)
        if notice_id not in {each["notice_id"] for each in known}:
            raise NotFound(what="notice", name=str(notice_id))
        await home_notices.cancel(connection, row["home_id"], notice_id, by=user.user_name, now=now)
    return Done()


@router.post("/alerts/{case_id}/going", responses=_READS, summary="I am going there", openapi_extra=roles("family"))
async def going(
    case_id: Annotated[str, Path(min_length=1, max_length=60, pattern=r"^[0-9a-zA-Z-]+$")], body: models.Going, parts: Parts, now: Now, user: Relation,
) -> Done:  # fmt: skip
    """The centre reads it in the case at once. It takes nothing out of the centre's hands."""
    async with parts.database.transaction() as connection:
        rows = await fetch_all(connection, _ALERTS, **asking([user]), resident_id=None, case_id=case_id)
        if not rows:
            raise NotFound(what="alert", name=case_id)
        sql = _GOING if body.going else _NOT_GOING
        changed = await fetch_one(connection, sql, case_id=case_id, user_name=user.user_name, now=now)
    if changed is not None:
        name = user.display_name or user.user_name
        words = (
            f"家属 {name} 正在前往 · {name} (family) is going there"
            if body.going
            else f"家属 {name} 不前往 · {name} (family) is not going"
        )
        with serving(OURSELVES):
            async with answering(parts.settings.query_s):
                await parts.cases.note(case_id, actor=user.user_name, text=words, now=now)
    return Done()


@router.get("/relatives/{resident_id}/contacts", responses=_READS, summary="Whom the centre calls", openapi_extra=roles("family"))  # fmt: skip
async def list_contacts(resident_id: RESIDENT, parts: Parts, now: Now, user: Relation) -> models.KinContacts:
    """In the order of calling."""
    async with _on_behalf(parts, user, resident_id, "contacts") as (connection, row):
        found = await fetch_all(connection, _CONTACTS, home_id=row["home_id"])
        await _write(connection, user, now, "viewed", row["home_id"], resident_id, what="contacts")
    return models.KinContacts(contacts=[models.KinContact.model_validate(each) for each in found])


@router.put("/relatives/{resident_id}/contacts", responses=_READS, summary="Add someone to call", openapi_extra=roles("family"))  # fmt: skip
async def put_contact(resident_id: RESIDENT, body: models.NewContact, parts: Parts, user: Relation) -> Done:
    """The same name and number again changes rank and relation."""
    async with _on_behalf(parts, user, resident_id, "contacts") as (connection, row):
        contact = Contact(row["home_id"], body.name, body.phone, body.relation, body.rank)
        await people.register(connection, [contact], actor=user.user_name, reason="contact given by kin")
    return Done()


@router.delete("/relatives/{resident_id}/contacts/{contact_id}", responses=_READS, summary="Not to be called any more", openapi_extra=roles("family"))  # fmt: skip
async def drop_contact(resident_id: RESIDENT, contact_id: int, parts: Parts, now: Now, user: Relation) -> Done:
    """A number that is old."""
    async with _on_behalf(parts, user, resident_id, "contacts") as (connection, row):
        if await fetch_one(connection, _DROP_CONTACT, home_id=row["home_id"], contact_id=contact_id) is None:
            raise NotFound(what="contact", name=str(contact_id))
        await _write(connection, user, now, "contact removed", row["home_id"], resident_id, contact_id=contact_id)
    return Done()


def _kin(user: Family) -> dict[str, Any]:
    return {"user_name": user.user_name, "scope": "told", "allowed": ["told"]}


@router.get("/relatives/{resident_id}/way", responses=_READS, summary="How I am told of a P1", openapi_extra=roles("family"))  # fmt: skip
async def read_way(resident_id: RESIDENT, parts: Parts, now: Now, user: Family) -> models.Way:
    """What is chosen, what the centre offers, and whether there is consent for it."""
    async with parts.database.connection() as connection:
        consented = await fetch_one(connection, _RESIDENT, resident_id=resident_id, **_kin(user))
        chosen = await fetch_one(connection, _WAY, user_name=user.user_name, resident_id=resident_id) or {}
        if not chosen and resident_id not in current.get().residents:
            raise NotFound(what="relative", name=resident_id)
    return models.Way(
        way=chosen.get("way"), reach=chosen.get("reach"), offered=sorted(parts.settings.ways()), consented=consented is not None
    )  # fmt: skip


@router.put("/relatives/{resident_id}/way", responses=_READS, summary="Tell me of a P1 so", openapi_extra=roles("family"))  # fmt: skip
async def put_way(resident_id: RESIDENT, body: models.NewWay, parts: Parts, now: Now, user: Family) -> Done:
    """At the same moment as the centre, at any hour; what can wait never comes this way. Only with consent (scope *told*)."""
    address = parts.settings.ways().get(body.way)
    if address is None:
        raise BadRequest(
            detail=f"{body.way} is none of {', '.join(sorted(parts.settings.ways())) or 'no way (the site offers none)'}"
        )
    async with parts.database.transaction() as connection:
        row = await fetch_one(connection, _RESIDENT, resident_id=resident_id, **_kin(user))
        if row is None:
            raise NotFound(what="relative", name=resident_id)
        name = hashlib.sha256(f"{user.user_name} {resident_id}".encode()).hexdigest()[:24]
        await execute(
            connection, _PUT_WAY, recipient_id=f"kin-{name}", name=user.display_name, url=address.replace("{to}", quote(body.reach, safe="")),
            language=user.language, home_id=row["home_id"], now=now, user_name=user.user_name, resident_id=resident_id, way=body.way, reach=body.reach,
        )  # fmt: skip
    return Done()


@router.delete("/relatives/{resident_id}/way", responses=_READS, summary="Do not tell me", openapi_extra=roles("family"))  # fmt: skip
async def drop_way(resident_id: RESIDENT, parts: Parts, user: Family) -> Done:
    """The page still says it."""
    async with parts.database.connection() as connection:
        if await fetch_one(connection, _DROP_WAY, user_name=user.user_name, resident_id=resident_id) is None:
            raise NotFound(what="way to tell you of", name=resident_id)
    return Done()


@router.get("/push", responses=_OWN, summary="What a browser subscribes with", openapi_extra=roles("family"))
async def read_push(parts: Parts, user: Family) -> models.PushKey:
    """The site's public key for Web Push."""
    key = parts.settings.push_key
    return models.PushKey(key=web_push.public_key(web_push.private_key(key)) if key else None)


@router.put("/push", responses=_OWN, summary="Tell this browser of a P1", openapi_extra=roles("family"))
async def put_push(body: models.NewPush, parts: Parts, now: Now, user: Family) -> models.Pushed:
    """Of all relatives who consented to it (scope *told*), beside the way that was chosen. The page says it again at each opening, so that who consented
    meanwhile is among them. What is sent only this browser can read."""
    if not parts.settings.push_key or not _is_push_service(body.endpoint, parts.settings.push_services):
        raise BadRequest(detail="this site sends to no such push service (SHOUWANG_API_PUSH_SERVICES)")
    try:
        to = web_push.Subscription(body.endpoint, body.p256dh, body.auth).checked()
    except ValueError as error:
        raise BadRequest(detail="these are no keys of a subscription") from error
    async with parts.database.transaction() as connection:
        found = await fetch_all(
            connection, _PUT_PUSH, user_name=user.user_name, name=user.display_name, url=to.address(), language=user.language,
            reach=_reach(body.endpoint), now=now,
        )  # fmt: skip
        await execute(connection, _DROP_OLD_PUSH, user_name=user.user_name, most=MOST_BROWSERS)
    return models.Pushed(residents=sorted(row["resident_id"] for row in found))


@router.delete("/push", responses=_OWN, summary="Do not tell this browser", openapi_extra=roles("family"))
async def drop_push(body: models.OldPush, parts: Parts, user: Family) -> Done:
    """It may have been none."""
    async with parts.database.connection() as connection:
        await execute(connection, _DROP_PUSH, user_name=user.user_name, reach=_reach(body.endpoint))
    return Done()


def _reach(endpoint: str) -> str:
    """An endpoint is a secret: who knows it can send to it. What is shown and compared is its hash."""
    return hashlib.sha256(endpoint.encode()).hexdigest()[:24]


def _is_push_service(endpoint: str, services: Sequence[str]) -> bool:
    where = urlsplit(endpoint)
    host = where.hostname or ""
    if any("://" in each and endpoint.startswith(each.rstrip("/") + "/") for each in services):
        return True
    plain = where.scheme == "https" and where.port in (None, 443) and where.username is None
    return plain and any(host == each or (each.startswith(".") and host.endswith(each)) for each in services)


@router.get("/consents", responses=_OWN, summary="What I may see", openapi_extra=roles("family"))
async def list_consents(parts: Parts, user: Family) -> models.OwnConsents:
    """Of whom, since when, and who gave it."""
    async with parts.database.connection() as connection:
        found = await fetch_all(connection, _CONSENTS, user_name=user.user_name)
    return models.OwnConsents(consents=[models.OwnConsent.model_validate(row) for row in found])


@router.get("/tokens", responses=_OWN, summary="My tokens", openapi_extra=roles("family"))
async def list_tokens(parts: Parts, now: Now, user: Family) -> models.KinTokens:
    """Those that hold."""
    async with parts.database.connection() as connection:
        found = await fetch_all(connection, _TOKENS, user_name=user.user_name, now=now)
    return models.KinTokens(tokens=[models.KinToken.model_validate(row) for row in found])


@router.post("/tokens", status_code=201, responses=_OWN, summary="A token for a program of mine", openapi_extra=roles("family"))  # fmt: skip
async def make_token(body: models.NewToken, parts: Parts, now: Now, user: Family) -> models.MadeToken:
    """It reads what it was made for, and never more than the consent of the moment. A new password ends it."""
    token, token_id, ends_at = new_token(), uuid.uuid4().hex[:12], now + timedelta(days=body.days)
    async with parts.database.transaction() as connection:
        if len(await fetch_all(connection, _TOKENS, user_name=user.user_name, now=now)) >= MOST_TOKENS:
            raise BadRequest(detail=f"there are {MOST_TOKENS} tokens already; end one first")
        await execute(
            connection, _PUT_TOKEN, token_id=token_id, user_name=user.user_name, name=body.name, token_hash=hash_of(token),
            scopes=sorted(set(body.scopes)), now=now, ends_at=ends_at,
        )  # fmt: skip
    return models.MadeToken(token_id=token_id, token=token, ends_at=ends_at)


@router.delete("/tokens/{token_id}", responses=_READS, summary="End a token", openapi_extra=roles("family"))
async def end_token(token_id: Annotated[str, Path(min_length=1, max_length=40)], parts: Parts, now: Now, user: Family) -> Done:  # fmt: skip
    """From the next request on it holds no more."""
    async with parts.database.connection() as connection:
        if await fetch_one(connection, _END_TOKEN, token_id=token_id, user_name=user.user_name, now=now) is None:
            raise NotFound(what="token", name=token_id)
    return Done()


def _event(name: str, data: str) -> ServerSentEvent:
    return ServerSentEvent(event=name, data=data)


async def tell(
    parts: Context, user: Kin, subscriber: Subscriber, first: list[Relative]
) -> AsyncGenerator[ServerSentEvent]:
    """What one's relatives are like now, again at each change of it, and a heartbeat. A change of a case is looked at at once; everything else comes
    with the rounds of all feeds."""
    known, beat_s = first, parts.settings.heartbeat_s
    read_s = time.monotonic()
    yield _event("relatives", Relatives(relatives=known, now=parts.clock()).model_dump_json())
    with parts.rounds.joined(user) as place:
        while subscriber.ended is None:
            woken = False
            try:
                async with asyncio.timeout(beat_s):
                    await subscriber.changes.get()
                    woken = True
            except TimeoutError:
                pass
            now = parts.clock()
            if now >= user.ends_at:
                yield _event("end", json.dumps({"why": "token"}))
                return
            try:
                if woken:
                    read_s = time.monotonic()
                    (seen,) = await look_for(parts, [user])
                elif place.away:
                    raise DatabaseAway(wait_s=AGAIN_S)
                elif place.newer_than(read_s):
                    read_s, seen = place.began_s, place.found
                else:
                    yield _event("heartbeat", json.dumps({"now": now.isoformat()}))
                    continue
            except DatabaseAway:
                yield _event("end", json.dumps({"why": "database"}))
                return
            if seen is None:
                yield _event("end", json.dumps({"why": "session"}))
                return
            subscriber.home_ids = seen.home_ids
            if woken or _told(seen.relatives) != _told(known):
                known = seen.relatives
                yield _event("relatives", Relatives(relatives=known, now=now).model_dump_json())
            else:
                yield _event("heartbeat", json.dumps({"now": now.isoformat()}))
    yield _event("end", json.dumps({"why": subscriber.ended}))


def _told(relatives: list[Relative]) -> list[dict[str, Any]]:
    """What is worth telling: clocks go on by themselves."""
    return [each.model_dump(exclude={"now", "home_now"}) for each in relatives]


@router.get(
    "/stream",
    responses=documented(401, 403, 503)
    | {
        200: {
            "description": "Events: relatives, heartbeat, end",
            "content": {"text/event-stream": {"schema": {"type": "string"}, "example": _EXAMPLE}},
        }
    },
    response_class=EventSourceResponse,
    summary="What changes, as it changes",
    openapi_extra=roles("family"),
)
async def stream(parts: Parts, now: Now, user: Relation) -> EventSourceResponse:
    """*relatives* first and at each change of a case or word; *heartbeat* in between. After *end*, or after silence for 6 s, come back; and
    say meanwhile that nothing is known."""
    _, homes = await _read(parts, user, now, None)

    async def events() -> AsyncGenerator[ServerSentEvent]:
        with parts.feed.subscribe("", homes) as subscriber:
            # What happened between reading and subscribing would be missed: once more.
            again, subscriber.home_ids = await _read(parts, user, parts.clock(), None, audit=False)
            async for event in tell(parts, user, subscriber, again):
                yield event

    return EventSourceResponse(events(), ping=3600, send_timeout=parts.settings.stream_send_s)
