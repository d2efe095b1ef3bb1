"""What a family reads: one word for one's own relative. Of anybody else not even that they exist."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path

from api.access import Family, Who, roles
from api.context import Context, Now, Parts
from api.coverage import quiet_after_s, word_for_family
from api.errors import NotFound
from api.models.people import Relative, Relatives
from api.models.shape import Sentence
from api.problems import documented
from api.routes.cases import write_view
from api.watching import Watched, watched
from storage.queries import fetch_all, query

router = APIRouter(prefix="/api/v1/family", tags=["family"])

_RELATIVES = query("api_relatives")

_SAID = {
    "well": Sentence(key="relative.well", zh="看护正常，近期有活动", en="Watched well, and lately up and about"),
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
}


def relative_of(row: Mapping[str, Any], home: Watched, now: datetime) -> Relative:
    """The word for one relative (a row of ``api_relatives``) whose home is watched so."""
    last, source_now = home.last_sign_at, home.view.source_now
    silence_s = (source_now - last).total_seconds() if last and source_now else None
    hour = last.astimezone(ZoneInfo(row["zone"])).hour if last else 0
    taken = row["taken"]
    word = word_for_family(
        home.coverage.state,
        alert=None if taken is None else "someone" if taken else "nobody",
        silence_s=silence_s,
        quiet_s=quiet_after_s(row["silence_min"] or (), hour),
    )
    if word == "alert":
        said = _SAID["someone" if taken else "nobody"]
    elif word == "cannot_see":
        said = _SAID["no_sign" if home.coverage.state == "protected" else home.coverage.state]
    else:
        said = _SAID[word]
    return Relative(
        resident_id=row["resident_id"],
        name=row["name"],
        word=word,
        said=said,
        last_sign_at=last,
        cannot_see_since=home.coverage.cannot_see_since,
        taken=taken,
        now=now,
    )


async def _read(parts: Context, user: Who, now: datetime, resident_id: str | None) -> list[Relative]:
    async with parts.database.transaction() as connection:
        found = await fetch_all(connection, _RELATIVES, user_name=user.user_name, resident_id=resident_id)
        homes = await watched(connection, sorted({row["home_id"] for row in found}), parts, now)
        for row in found:
            await write_view(
                connection, user, now, row["area_code"], case_id=None, home_id=row["home_id"], residents=[row["resident_id"]]
            )  # fmt: skip
    return [relative_of(row, homes[row["home_id"]], now) for row in found]


@router.get("/relatives", responses=documented(401, 403, 503), summary="My relatives", openapi_extra=roles("family"))
async def list_relatives(parts: Parts, now: Now, user: Family) -> Relatives:
    """All relatives that one may see."""
    return Relatives(relatives=await _read(parts, user, now, None), now=now)


@router.get(
    "/relatives/{resident_id}",
    responses=documented(401, 403, 404, 422, 503),
    summary="One relative",
    openapi_extra=roles("family"),
)
async def read_relative(
    resident_id: Annotated[str, Path(min_length=1, max_length=40, pattern=r"^[a-z0-9-]+$")],
    parts: Parts,
    now: Now,
    user: Family,
) -> Relative:
    """One's own relative. Another family's is not found, like one who does not exist."""
    found = await _read(parts, user, now, resident_id)
    if not found:
        raise NotFound(what="relative", name=resident_id)
    return found[0]
