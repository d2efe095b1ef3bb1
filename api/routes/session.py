"""Log-in, refresh, log-out.

The access token lives in the page's memory and goes with each request as a header, so another site's page cannot send it. The
refresh token lives in an http-only, same-site cookie for this path alone, so a script in the page cannot read it. It changes at
each use; one that is used again long after was stolen, and its session ends.
"""

import uuid
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Cookie, Request, Response

from api import tokens
from api.access import ANYONE, Anyone, roles
from api.context import Context, Now, Parts
from api.errors import LoginRefused, NotLoggedIn, TooOften
from api.models.session import LanguageChoice, LogIn, Person, Session
from api.models.shape import Done
from api.problems import documented
from storage.queries import execute, fetch_one, query

router = APIRouter(prefix="/api/v1/session", tags=["session"])

COOKIE = "shouwang_refresh"
_PATH = "/api/v1/session"
FREE_ATTEMPTS = 5
"""Wrong passwords before the first wait."""
FIRST_WAIT_S = 5.0
MOST_WAIT_S = 300.0
"""The wait doubles from the first to this. It is short, because whoever knows a desk's name could else keep it out of a night shift."""
WRONG_FROM_ONE_ADDRESS = 20
WRONG_WITHIN_S = 60.0
"""Wrong passwords from one address, over all names, before all from there wait. Chosen: a room of desks behind one address at the change of shifts
does not reach it; one password tried on every name does."""
RACE_S = 10.0
"""Two tabs may refresh at once: the former token is good for so long after its change, but is not changed again."""

_BEGIN = query("api_begin_login")
_SUCCEEDED = query("api_login_succeeded")
_START = query("api_start_session")
_FORGET = query("api_forget_sessions")
_ROTATE = query("api_rotate_session")
_FORMER = query("api_session_of_former_token")
_END = query("api_end_session")
_OF_TOKEN = query("api_session_of_token")
_END_ALL = query("api_end_all_sessions")
_LANGUAGE = query("api_set_language")
_AUDIT = query("api_audit")


def _session(parts: Context, row: dict[str, Any], session_id: str, ends_at: datetime, now: datetime) -> Session:
    life_s = min(parts.settings.access_token_s, (ends_at - now).total_seconds())
    token, expires_at = tokens.issue(
        secret=parts.settings.token_secret,
        user_name=row["user_name"],
        session_id=session_id,
        role=row["role"],
        epoch=row["token_epoch"],
        now=now,
        life_s=life_s,
    )
    user = Person(**{name: row[name] for name in Person.model_fields})
    return Session(access_token=token, expires_at=expires_at, session_ends_at=ends_at, now=now, user=user)


def _set_cookie(parts: Context, response: Response, token: str, ends_at: datetime, now: datetime) -> None:
    response.set_cookie(
        COOKIE,
        token,
        max_age=max(0, int((ends_at - now).total_seconds())),
        path=_PATH,
        httponly=True,
        samesite="strict",
        secure=parts.settings.secure_cookie,
    )
    response.headers["Cache-Control"] = "no-store"


@router.post("", responses=documented(401, 422, 429, 503), summary="Log in")
async def log_in(body: LogIn, parts: Parts, now: Now, request: Request, response: Response) -> Session:
    """Give name and password, get an access token, and the refresh token as a cookie.

    The answer is the same, and takes as long, for an unknown name, a wrong password and a user who has to wait.
    """
    address = request.client.host if request.client else ""
    if (wait_s := parts.logins.wait_s(address, now)) > 0:
        raise TooOften(wait_s=wait_s)
    wait = {"free": FREE_ATTEMPTS, "first_s": FIRST_WAIT_S, "most_s": MOST_WAIT_S}
    with parts.passwords.place():
        async with parts.database.connection() as connection:
            row = await fetch_one(connection, _BEGIN, user_name=body.user_name, now=now, **wait)
        right = await parts.passwords.matches(body.password, row["password_hash"] if row else None)
    if row is None or not right:
        parts.logins.count(address, now)
        raise LoginRefused
    session_id, token = uuid.uuid4().hex, tokens.new_refresh_token()
    ends_at = now + timedelta(seconds=parts.settings.session_s)
    async with parts.database.transaction() as connection:
        await execute(connection, _SUCCEEDED, user_name=row["user_name"])
        await execute(connection, _FORGET, before=now - timedelta(days=30))
        await execute(
            connection,
            _START,
            session_id=session_id,
            user_name=row["user_name"],
            epoch=row["token_epoch"],
            token_hash=tokens.fingerprint(token),
            now=now,
            ends_at=ends_at,
        )
        await _write(connection, row["user_name"], "logged_in", now)
    _set_cookie(parts, response, token, ends_at, now)
    return _session(parts, row, session_id, ends_at, now)


async def _write(connection: Any, user_name: str, action: str, now: datetime) -> None:
    await execute(
        connection, _AUDIT, now=now, actor=user_name, action=action, case_id=None, home_id=None, reason="", facts="{}"
    )


@router.post("/refresh", responses=documented(401, 422, 503), summary="A new access token")
async def refresh(
    parts: Parts, now: Now, response: Response, shouwang_refresh: Annotated[str | None, Cookie()] = None
) -> Session:
    """Change the refresh cookie for a new one and get a new access token."""
    if not shouwang_refresh:
        raise NotLoggedIn(detail="there is no refresh cookie")
    token, token_hash = tokens.new_refresh_token(), tokens.fingerprint(shouwang_refresh)
    async with parts.database.connection() as connection:
        row = await fetch_one(connection, _ROTATE, token_hash=token_hash, new_hash=tokens.fingerprint(token), now=now)
        if row is not None:
            _set_cookie(parts, response, token, row["ends_at"], now)
            return _session(parts, row, row["session_id"], row["ends_at"], now)
        row = await fetch_one(connection, _FORMER, token_hash=token_hash, now=now)
        if row is None:
            raise NotLoggedIn(detail="the session was ended, or lasted its time")
        if (now - row["rotated_at"]).total_seconds() > RACE_S:
            await execute(
                connection, _END, session_id=row["session_id"], now=now, why="a used refresh token came again"
            )
            raise NotLoggedIn(detail="a refresh token came a second time, so its session was ended for safety")
    return _session(parts, row, row["session_id"], row["ends_at"], now)


@router.delete("", responses=documented(422, 503), summary="Log out")
async def log_out(
    parts: Parts, now: Now, response: Response, shouwang_refresh: Annotated[str | None, Cookie()] = None
) -> Done:
    """End this browser's session: its access and refresh tokens are worth nothing from now on."""
    if shouwang_refresh:
        async with parts.database.connection() as connection:
            row = await fetch_one(connection, _OF_TOKEN, token_hash=tokens.fingerprint(shouwang_refresh))
            if row is not None:
                await execute(connection, _END, session_id=row["session_id"], now=now, why="logged out")
    response.delete_cookie(COOKIE, path=_PATH, httponly=True, samesite="strict", secure=parts.settings.secure_cookie)
    return Done()


@router.delete("/all", responses=documented(401, 503), summary="Log out everywhere", openapi_extra=roles(*ANYONE))
async def log_out_everywhere(parts: Parts, now: Now, user: Anyone) -> Done:
    """End every session of one's own."""
    async with parts.database.connection() as connection:
        await execute(connection, _END_ALL, user_name=user.user_name)
        await _write(connection, user.user_name, "ended_all_sessions", now)
    return Done()


@router.get("", responses=documented(401, 503), summary="Who am I", openapi_extra=roles(*ANYONE))
async def who_am_i(user: Anyone) -> Person:
    """The user who is logged in."""
    return Person.model_validate({name: getattr(user, name) for name in Person.model_fields})


@router.put("/language", responses=documented(401, 422, 503), summary="Choose a language", openapi_extra=roles(*ANYONE))
async def choose_language(body: LanguageChoice, parts: Parts, user: Anyone) -> Done:
    """The language that the console and messages use for this user."""
    async with parts.database.connection() as connection:
        await execute(connection, _LANGUAGE, user_name=user.user_name, language=body.language)
    return Done()
