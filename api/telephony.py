"""How a telephone system and this site know each other: a secret that both hold signs the body and the time of every message, in both directions.

``Shouwang-Signature: t=SECONDS,v1=HEX`` with HEX = HMAC-SHA256(secret, "SECONDS.BODY"). docs/telephony.md is the other side's page.
"""

import hashlib
import hmac
import re
from datetime import datetime

import httpx

HEADER = "Shouwang-Signature"
LATE_S = 300.0
"""A message that is older, or from further ahead, is refused, s. Chosen: clocks of telephone systems differ by a minute or two, and a repeat changes nothing."""
LIMIT_S = 5.0
"""Longest that a telephone system may take to say that it dials, s. Chosen: as a voice gateway; an operator waits for it."""
MOST_A_MINUTE = 600
"""Messages of one address in a minute. Chosen: ten calls a second with three messages each are more than any centre's lines carry, and a flood ends there."""
_FORM = re.compile(r"t=(\d{1,12}),v1=([0-9a-f]{64})")


def signature(secret: str, body: bytes, at_s: int) -> str:
    """The header's value."""
    digest = hmac.new(secret.encode(), f"{at_s}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at_s},v1={digest}"


def is_signed(secret: str, body: bytes, header: str | None, now: datetime) -> bool:
    """Whether who sent this holds the secret, and sent it now."""
    found = _FORM.fullmatch(header or "")
    if not secret or found is None or abs(now.timestamp() - int(found[1])) > LATE_S:
        return False
    return hmac.compare_digest(signature(secret, body, int(found[1])), header or "")


async def post(url: str, secret: str, body: bytes, now: datetime) -> str | None:
    """Send it signed. None: it was taken; else why not, in words."""
    headers = {"Content-Type": "application/json", HEADER: signature(secret, body, int(now.timestamp()))}
    try:
        async with httpx.AsyncClient(timeout=LIMIT_S, follow_redirects=False) as client:
            answer = await client.post(url, content=body, headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return type(error).__name__
    return None if answer.is_success else f"HTTP {answer.status_code}"
