"""What a family may know of its relatives, read for one who asks or for all open feeds together."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from api.context import Context
from api.coverage import Word, quiet_after_s, word_for_family
from api.kin import Kin
from api.models.people import OpenAlert, Relative
from api.models.shape import Sentence
from api.scope import OURSELVES
from api.watching import Watched, watched
from storage.database import Connection
from storage.queries import Row, fetch_all, query

_RELATIVES = query("family_relatives")
_ALERTS = query("family_alerts")
_LIVES = query("kin_lives")

SAID = {
    "well": Sentence(key="relative.well", zh="看护正常，近期有活动", en="Watched well, and lately up and about"),
    "somebody": Sentence(
        key="relative.somebody",
        zh="家中有人活动，但不能确定是不是本人",
        en="Somebody at home was up and about; the sensors cannot tell who",
    ),
    "quiet": Sentence(key="relative.quiet", zh="看护正常，比平时安静", en="Watched well, quieter than usual"),
    "someone": Sentence(key="relative.someone", zh="有警情，已有人处理", en="There is an alert, and someone is on it"),
    "nobody": Sentence(
        key="relative.nobody", zh="有警情，正等待接警", en="There is an alert; it waits for someone to take it"
    ),
    "degraded": Sentence(
        key="relative.degraded",
        zh="部分设备失联，不能确定平安",
        en="Some devices are silent, so we cannot be sure that all is well",
    ),
    "blind": Sentence(key="relative.blind", zh="目前无法看护", en="At this moment we cannot see"),
    "no_sign": Sentence(
        key="relative.no_sign",
        zh="设备正常，但近几日没有看到活动",
        en="The devices work, but no activity was seen in the last days",
    ),
    "away": Sentence(
        key="relative.away", zh="已告知外出，家中的安静不说明什么", en="Announced as away: silence at home says nothing"
    ),
}
EVERY_S = 15.0
"""Feeds look again after so long, s, beside the changes of their own homes: signs of life come without a case."""
AT_ONCE = 200
"""Feeds of one look. Chosen: so many homes are read in a fraction of the limit of a query."""


class Seen(NamedTuple):
    """What one who asks may know now."""

    relatives: list[Relative]
    home_ids: frozenset[str]
    rows: list[Row]
    """Of ``family_relatives``, for the audit."""


def relative_of(row: Mapping[str, Any], home: Watched, alerts: list[OpenAlert], now: datetime) -> Relative:
    """What may be said of one relative (a row of ``family_relatives``) whose home is watched so."""
    scopes, here = row["scopes"], home.view.source_now or now
    away = row["away_until"] if row["away_until"] is not None and row["away_until"] > here else None
    visitor = row["visitor_until"] if row["visitor_until"] is not None and row["visitor_until"] > here else None
    known: dict[str, Any] = {
        "resident_id": row["resident_id"],
        "name": row["name"],
        "scopes": scopes,
        "alerts": alerts,
        "now": now,
    }
    if {"word", "away"} & set(scopes):
        known |= {"away_until": away, "visitor_until": visitor, "home_now": here}
    if "word" not in scopes:
        return Relative(**known)
    last, own, taken = home.last_sign_at, home.last_sign_of(row["resident_id"]), row["taken"]
    word = _word(row, home, last)
    # Where others live or were announced, what a home's sensors saw may have been them: well by what is the resident's own, or it is said of somebody.
    until = row["visitor_until"]
    if word == "well" and not (row["lives_alone"] and (until is None or last is None or last > until)):
        if _word(row, home, own) == "well":
            last = own
        else:
            word = "somebody"
    if word == "alert":
        said = SAID["someone" if taken else "nobody"]
    elif away is not None:
        word, said = "cannot_see", SAID["away"]
    elif word == "cannot_see":
        said = SAID["no_sign" if home.coverage.state == "protected" else home.coverage.state]
    else:
        said = SAID[word]
    return Relative(
        **known, word=word, said=said, last_sign_at=last, cannot_see_since=home.coverage.cannot_see_since, taken=taken
    )  # fmt: skip


def _word(row: Mapping[str, Any], home: Watched, last: datetime | None) -> Word:
    """The word by the newest sign of life, whoever gave it."""
    now, taken = home.view.source_now, row["taken"]
    hour = last.astimezone(ZoneInfo(row["zone"])).hour if last else 0
    return word_for_family(
        home.coverage.state,
        alert=None if taken is None else "someone" if taken else "nobody",
        silence_s=(now - last).total_seconds() if last and now else None,
        quiet_s=quiet_after_s(row["silence_min"] or (), hour),
    )


def asking(users: Sequence[Kin]) -> dict[str, Any]:
    """Who asks, and for what at most, as the queries take it: a list each, ``feed`` is the place in it."""
    return {
        "feeds": list(range(len(users))),
        "user_names": [user.user_name for user in users],
        "allowed": [",".join(user.allowed) for user in users],
    }


async def look(
    connection: Connection, parts: Context, users: Sequence[Kin], now: datetime, resident_id: str | None = None
) -> list[Seen]:
    """What each of them may know, by the consent of this moment. The queries say whose it is; the connection's scope may be wider."""
    found = await fetch_all(connection, _RELATIVES, **asking(users), resident_id=resident_id)
    homes = await watched(connection, sorted({row["home_id"] for row in found}), parts, now)
    alerts: dict[tuple[int, str], list[OpenAlert]] = {}
    for row in await fetch_all(connection, _ALERTS, **asking(users), resident_id=resident_id, case_id=None):
        told = {name: value for name, value in row.items() if name not in ("feed", "resident_id")}
        alerts.setdefault((row["feed"], row["resident_id"]), []).append(OpenAlert.model_validate(told))
    rows: list[list[Row]] = [[] for _ in users]
    for row in found:
        rows[row["feed"]].append(row)
    return [
        Seen(
            [relative_of(row, homes[row["home_id"]], alerts.get((feed, row["resident_id"]), []), now) for row in own],
            frozenset(row["home_id"] for row in own),
            own,
        )
        for feed, own in enumerate(rows)
    ]


async def look_for(parts: Context, users: Sequence[Kin]) -> list[Seen | None]:
    """The same for open feeds; None: the session or token behind it holds no more. Raises DatabaseAway."""
    now = parts.clock()
    async with parts.database.transaction(OURSELVES) as connection:
        living = await fetch_all(
            connection, _LIVES, feeds=list(range(len(users))), session_ids=[user.session_id for user in users],
            token_hashes=[user.token_hash for user in users], now=now,
        )  # fmt: skip
        lives = {row["feed"] for row in living}
        seen: list[Seen | None] = list(await look(connection, parts, users, now))
    return [each if feed in lives else None for feed, each in enumerate(seen)]
