"""Who asks as family: somebody who is logged in, or a program of theirs with a token of limited scope.

What anybody may see is decided in the query itself (the view ``kin_sees``): the consent of this moment, and no more of it than the token was made for.
"""

import hashlib
import secrets
from datetime import datetime
from typing import Annotated

import msgspec
from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials

from api.access import bearer, only, who
from api.context import Now, Parts
from api.errors import NotLoggedIn
from api.scope import OURSELVES, Scope, current, of_user
from storage.consents import SCOPES
from storage.queries import fetch_one, query

PREFIX = "kin_"
"""A family's token begins so; an access token of a session never does."""
_TOKEN = query("kin_token_used")


class Kin(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, and of what at most. ``session_id`` is None for a program with a token."""

    user_name: str
    display_name: str
    allowed: tuple[str, ...]
    session_id: str | None
    token_hash: str | None
    ends_at: datetime
    scope: Scope
    """What the database shows on behalf of it; a feed that stays open carries it on."""


def new_token() -> str:
    """A token that nobody can guess (256 bits)."""
    return PREFIX + secrets.token_urlsafe(32)


def hash_of(token: str) -> str:
    """What is kept of it."""
    return hashlib.sha256(token.encode()).hexdigest()


async def kin(
    parts: Parts, now: Now, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
) -> Kin:
    """The family user of a session or of a token. Raises NotLoggedIn, NotAllowed."""
    if credentials is None or not credentials.credentials.startswith(PREFIX):
        user = await only("family")(await who(parts, now, credentials))
        return Kin(
            user_name=user.user_name, display_name=user.display_name, allowed=tuple(SCOPES), session_id=user.session_id, token_hash=None,
            ends_at=user.token_ends_at, scope=current.get(),
        )  # fmt: skip
    hashed = hash_of(credentials.credentials)
    # Before it is known whose it is nobody's scope would find it.
    async with parts.database.transaction(OURSELVES) as connection:
        row = await fetch_one(connection, _TOKEN, token_hash=hashed, now=now)
    if row is None:
        raise NotLoggedIn(detail="this token is unknown, over, or was ended")
    scope = of_user(row["user_name"], "family", "", row["homes"], row["residents"])
    current.set(scope)
    return Kin(
        user_name=row["user_name"], display_name=row["display_name"], allowed=tuple(row["scopes"]), session_id=None, token_hash=hashed,
        ends_at=row["ends_at"], scope=scope,
    )  # fmt: skip


Relation = Annotated[Kin, Depends(kin)]
