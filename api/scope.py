"""The scope of a transaction: whom it serves, and so which people's records exist for it. The database holds to it (row security).

``api.access.who`` puts the user's scope here, and every transaction of that request carries it; a route need not think of it and cannot
forget it. Where nobody was recognised nothing is seen. Queries filter by area all the same: that is the first wall, this is the second.
"""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

import msgspec

_AFTER_DIGITS = ":"
"""The character after 9: an area code begins with a prefix where it is not below it, and below it with this behind."""
BY_NAME = ("family", "helper")
"""Roles that see single homes and no area."""
LEVELS = {0: "site", 4: "city", 6: "county", 9: "town", 12: "community"}
"""Level of a user by the length of his area prefix, digits of the statistical division code."""


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of a transaction (storage/migrations/0018_row_security.sql). As it stands by itself it sees nothing."""

    role: str = ""
    user_name: str = ""
    area_from: str = ""
    area_to: str = ""
    homes: tuple[str, ...] = ()
    """Single homes beside the area."""
    residents: tuple[str, ...] = ()
    """Single residents beside the area."""

    def settings(self) -> dict[str, str]:
        return {
            "shouwang.role": self.role,
            "shouwang.user": self.user_name,
            "shouwang.area_from": self.area_from,
            "shouwang.area_to": self.area_to,
            "shouwang.homes": ",".join(self.homes),
            "shouwang.residents": ",".join(self.residents),
        }


def of_user(
    user_name: str, role: str, area_prefix: str, homes: Sequence[str] = (), residents: Sequence[str] = ()
) -> Scope:
    """What a user may see: staff an area and what they opened; a family its own and a helper where he was asked to go, and no area, whatever their prefix says."""
    area_from, area_to = ("", "") if role in BY_NAME else bounds(area_prefix)
    return Scope(
        role=role, user_name=user_name, area_from=area_from, area_to=area_to, homes=tuple(homes), residents=tuple(residents)
    )  # fmt: skip


def bounds(area_prefix: str) -> tuple[str, str]:
    """Area codes from the first and below the second begin with ``area_prefix``; '' is every area."""
    return area_prefix or "0", area_prefix + _AFTER_DIGITS


def visiting(user_name: str, area_prefix: str) -> Scope:
    """A worker of the community, while it is about visits: homes and residents of the area, and no cases."""
    area_from, area_to = bounds(area_prefix)
    return Scope(role="helper", user_name=user_name, area_from=area_from, area_to=area_to)


NOBODY = Scope()
OURSELVES = Scope(role="process", area_from="0", area_to=_AFTER_DIGITS)
"""The api's own work for everybody at once (the feed of changes), and what a token of its own allows (an answer to a question)."""

current: ContextVar[Scope] = ContextVar("scope", default=NOBODY)


@contextmanager
def serving(scope: Scope) -> Generator[None]:
    """Transactions that begin inside serve this scope."""
    before = current.set(scope)
    try:
        yield
    finally:
        current.reset(before)
