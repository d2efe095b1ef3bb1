"""MQTT accounts: the table ``accounts`` is the truth, the broker's password and ACL files are rendered from it.

Passwords are random, 144 bits, shown once and kept only as mosquitto's PBKDF2-SHA512 hash. Its few rounds (101, the tool's own default)
are enough for them, because nobody guesses 144 bits; so 5,000 devices are made in a second, and a city that reconnects
does not wait for the broker to hash.
"""

import secrets
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from contracts.names import is_id
from deploy.native import mosquitto
from deploy.site import Site
from storage.database import Connection
from storage.errors import BadAccount
from storage.queries import Row, execute, fetch_all, fetch_one, query

PUT = query("put_accounts")
REVOKE = query("revoke_account")
VALID = query("valid_accounts")
INSTALL_LOCK = 0x5348_0003
"""Advisory lock while files are rendered and installed: an older picture must not overwrite a newer one."""

Kind = Literal["device", "gateway", "service"]
PASSWORD_BYTES = 18


class Account(NamedTuple):
    """An account to be made. ``area``: nine digits, what a gateway may write for."""

    name: str
    kind: Kind = "device"
    area: str | None = None


def account_of(home_id: str, device_id: str) -> str:
    return f"{home_id}.{device_id}"


def check_account(account: Account) -> None:
    """Raises BadAccount where the name or the area does not fit the kind."""
    if account.kind == "device":
        home_id, _, device_id = account.name.partition(".")
        if not is_id(home_id) or not is_id(device_id):
            raise BadAccount(account=account.name, detail="a device's account is HOME.DEVICE")
    elif not is_id(account.name):
        raise BadAccount(account=account.name, detail="use lower-case letters, digits and hyphens, at most 40")
    if account.kind == "gateway" and not (account.area and len(account.area) == 9 and account.area.isdecimal()):
        raise BadAccount(
            account=account.name, detail=f"a gateway needs the nine digits of its area, not {account.area!r}"
        )


def _password() -> str:
    while (password := secrets.token_urlsafe(PASSWORD_BYTES))[0] in "-_":
        pass  # on a command line it would look like an option
    return password


async def create(connection: Connection, wanted: Sequence[Account]) -> dict[str, str]:
    """Make accounts, or give existing ones a new password; returns the passwords by name, which nothing keeps. Raises BadAccount.

    The broker learns of them by ``install``, after the caller's transaction has committed.
    """
    passwords: dict[str, str] = {}
    for account in wanted:
        check_account(account)
        passwords[account.name] = _password()
    if wanted:
        await execute(
            connection,
            PUT,
            accounts=[account.name for account in wanted],
            kinds=[account.kind for account in wanted],
            areas=[account.area for account in wanted],
            hashes=[mosquitto.hash_password(passwords[account.name]) for account in wanted],
        )
    return passwords


async def revoke(connection: Connection, name: str) -> bool:
    """End an account; False where there was none. ``install`` closes its connection."""
    return await fetch_one(connection, REVOKE, account=name) is not None


def render(rows: Iterable[Row]) -> tuple[str, str]:
    """Password file and ACL file of these accounts. Devices need no lines of their own in the second: patterns cover them."""
    passwords: list[str] = []
    acl: list[str] = []
    for row in rows:
        passwords.append(f"{row['account']}:{row['password_hash']}\n")
        if row["kind"] == "gateway":
            acl += [
                f"user {row['account']}\n",
                f"topic write shouwang/v1/{row['area']}/#\n",
                f"topic read shouwang/v1/{row['area']}/+/receipt\n",
            ]
        elif row["kind"] == "service":
            acl += [
                f"user {row['account']}\n",
                "topic read shouwang/v1/#\n",
                "topic write shouwang/v1/+/+/receipt\n",
                "topic readwrite shouwang/internal/#\n",
            ]
    return "".join(passwords), "".join(acl)


async def install(connection: Connection, site: Site) -> int:
    """Put the accounts as they stand in the database into the broker; returns how many there are. Safe to repeat."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", [INSTALL_LOCK])
        rows = await fetch_all(connection, VALID)
        mosquitto.install_credentials(site, *render(rows))
    return len(rows)
