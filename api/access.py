"""Who may do what: the user behind a token, his role, and the area that he sees.

A route says its roles with ``Depends(only("operator", …))``; the same words stand in OpenAPI as ``x-roles``, and the matrix test
reads them from there, so that a new route cannot be forgotten. A route without roles is public, and the test names those.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any

import msgspec
from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api import tokens
from api.context import Now, Parts
from api.errors import NotAllowed, NotLoggedIn
from api.scope import BY_NAME, current, of_user
from storage.queries import fetch_one, query

_WHO = query("api_who")
bearer = HTTPBearer(auto_error=False, description="Access token from POST /api/v1/session")

OPERATORS = ("operator", "supervisor")
"""Roles that watch: they see the residents and cases of their area."""
STAFF = ("operator", "supervisor", "admin")
ANYONE = ("operator", "supervisor", "family", "admin", "helper", "platform")


class Who(msgspec.Struct, frozen=True, kw_only=True):
    """The user who speaks, with the rights that hold at this moment."""

    user_name: str
    role: str
    display_name: str
    language: str
    area_prefix: str
    opened_homes: frozenset[str] = frozenset()
    """Homes outside of it that he reads for a while (break-glass)."""
    session_id: str
    token_ends_at: datetime
    session_ends_at: datetime

    def sees_area(self, area_code: str) -> bool:
        """Whether homes of this area are his. A case of an unregistered home has no area: every desk sees it, or nobody would."""
        return not area_code or area_code.startswith(self.area_prefix)

    def narrowed(self, area: str) -> str | None:
        """The narrower of the area that was asked for and his own; None: they have nothing in common."""
        if area.startswith(self.area_prefix):
            return area
        return self.area_prefix if self.area_prefix.startswith(area) else None

    def reads(self, area_code: str, home_id: str) -> bool:
        """Whether he may read of this home: one of his area, or one that he opened."""
        return self.sees_area(area_code) or home_id in self.opened_homes

    def right(self, area_code: str) -> str:
        """By what right he reads of a home there, for the audit."""
        if self.role == "family":
            return "family"
        return f"area {self.area_prefix or '*'}" if self.sees_area(area_code) else "break-glass"


async def who(
    parts: Parts, now: Now, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
) -> Who:
    """The user of the access token. Raises NotLoggedIn, also when the session was ended meanwhile."""
    if credentials is None:
        raise NotLoggedIn(detail="the request carries no access token")
    claims = tokens.read(credentials.credentials, secret=parts.settings.token_secret, now=now)
    async with parts.database.connection() as connection:
        row = await fetch_one(
            connection, _WHO, session_id=claims.sid, user_name=claims.sub, epoch=claims.epoch, now=now
        )
    if row is None:
        raise NotLoggedIn(detail="this session was ended")
    # From here on every transaction of this request sees what this user may see, and nothing else.
    current.set(of_user(row["user_name"], row["role"], row["area_prefix"], row["homes"], row["residents"]))
    return Who(
        user_name=row["user_name"],
        role=row["role"],
        display_name=row["display_name"],
        language=row["language"],
        area_prefix=row["area_prefix"],
        opened_homes=frozenset(() if row["role"] in BY_NAME else row["homes"]),
        session_id=claims.sid,
        token_ends_at=tokens.instant(claims.exp),
        session_ends_at=row["ends_at"],
    )


def only(*roles: str) -> Callable[[Who], Awaitable[Who]]:
    """A dependency that lets these roles pass. Raises NotAllowed before anything is looked up, so nothing is revealed."""

    async def allowed(user: Annotated[Who, Depends(who)]) -> Who:
        if user.role not in roles:
            raise NotAllowed(role=user.role, needed=" or ".join(roles))
        return user

    return allowed


def roles(*names: str) -> dict[str, Any]:
    """``openapi_extra`` of a route: who may call it."""
    return {"x-roles": list(names)}


Operator = Annotated[Who, Depends(only(*OPERATORS))]
Staff = Annotated[Who, Depends(only(*STAFF))]
Overseer = Annotated[Who, Depends(only("supervisor", "admin"))]
Supervisor = Annotated[Who, Depends(only("supervisor"))]
Family = Annotated[Who, Depends(only("family"))]
Helper = Annotated[Who, Depends(only("helper"))]
Platform = Annotated[Who, Depends(only("platform", "supervisor"))]
"""A city's own platform, and who wants to see what it is given."""
Admin = Annotated[Who, Depends(only("admin"))]
Anyone = Annotated[Who, Depends(only(*ANYONE))]
