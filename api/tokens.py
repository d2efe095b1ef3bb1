"""Access tokens: who is speaking, signed, for a quarter of an hour. Refresh tokens: random, kept as a hash.

An access token names its session and the user's token epoch; both are looked up at each request, so log-out and a raised
epoch end it at once, whatever its time says.
"""

import hashlib
import secrets
from datetime import UTC, datetime, timedelta

import jwt
import msgspec

from api.errors import NotLoggedIn

_ISSUER = "shouwang"
_ALGORITHM = "HS256"


class Claims(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an access token says. ``exp`` and ``iat`` are epoch seconds."""

    iss: str
    sub: str
    sid: str
    role: str
    epoch: int
    iat: int
    exp: int


def issue(
    *, secret: str, user_name: str, session_id: str, role: str, epoch: int, now: datetime, life_s: float
) -> tuple[str, datetime]:
    """An access token and when it ends."""
    expires_at = now + timedelta(seconds=life_s)
    claims = Claims(
        iss=_ISSUER,
        sub=user_name,
        sid=session_id,
        role=role,
        epoch=epoch,
        iat=int(now.timestamp()),
        exp=int(expires_at.timestamp()),
    )
    token = jwt.encode(msgspec.to_builtins(claims), secret, algorithm=_ALGORITHM)
    return token, instant(claims.exp)


def instant(at_s: int) -> datetime:
    """Epoch seconds of a claim as an instant."""
    return datetime.fromtimestamp(at_s, UTC)


def read(token: str, *, secret: str, now: datetime) -> Claims:
    """Claims of a token that is ours and still lives at ``now``. Raises NotLoggedIn."""
    try:
        # The clock is passed in, so the library must not look at its own.
        options = {"verify_exp": False, "verify_iat": False, "require": ["exp", "sub"]}
        payload = jwt.decode(token, secret, algorithms=[_ALGORITHM], issuer=_ISSUER, options=options)  # type: ignore[arg-type]
        claims = msgspec.convert(payload, Claims)
    except (jwt.InvalidTokenError, msgspec.ValidationError) as error:
        raise NotLoggedIn(detail="the access token is not one of ours") from error
    if now.timestamp() >= claims.exp:
        raise NotLoggedIn(detail="the access token has ended")
    return claims


def new_refresh_token() -> str:
    """256 bits from the system, for the browser's cookie only."""
    return secrets.token_urlsafe(32)


def fingerprint(refresh_token: str) -> str:
    """What the database keeps of a refresh token: SHA-256. The token is random, so a slow hash would add nothing."""
    return hashlib.sha256(refresh_token.encode()).hexdigest()
