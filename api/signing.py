"""A signature: somebody who is logged in gives his own password once more, for this one thing.

It counts as an attempt to log in, with the same waits, so that an open page is no place to try passwords.
"""

from datetime import datetime

from api.context import Context
from api.errors import WrongSignature
from api.routes.session import FIRST_WAIT_S, FREE_ATTEMPTS, MOST_WAIT_S
from api.scope import NOBODY
from storage.queries import execute, fetch_one, query

_BEGIN = query("api_begin_login")
_SUCCEEDED = query("api_login_succeeded")


async def check(parts: Context, user_name: str, password: str, now: datetime) -> None:
    """Raises WrongSignature, also while the user has to wait, and TooManyLogins."""
    wait = {"free": FREE_ATTEMPTS, "first_s": FIRST_WAIT_S, "most_s": MOST_WAIT_S}
    with parts.passwords.place():
        # A transaction of its own: what is counted stays counted, whatever becomes of the signature.
        async with parts.database.connection(NOBODY) as connection:
            row = await fetch_one(connection, _BEGIN, user_name=user_name, now=now, **wait)
        right = await parts.passwords.matches(password, row["password_hash"] if row else None)
    if row is None or not right:
        raise WrongSignature
    async with parts.database.connection(NOBODY) as connection:
        await execute(connection, _SUCCEEDED, user_name=user_name)
