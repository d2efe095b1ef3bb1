"""What stands beside a case: the last incidents of its home, and its devices' last hours."""

from datetime import timedelta

from fastapi import APIRouter

from alerts.outcomes import OUTCOMES
from api.access import OPERATORS, Operator, roles
from api.activity import STRETCH, Line, blind_spans, lines_of, unknown, window
from api.context import Now, Parts
from api.models import record as models
from api.models.shape import Sentence
from api.problems import documented
from api.routes.cases import CaseId, visible, write_view
from contracts.reasons import WORDS
from storage.queries import fetch_all, fetch_one, query

router = APIRouter(prefix="/api/v1", tags=["cases"])

_EARLIER = query("api_earlier_cases")
_CASE = query("case_by_id")
_RESIDENTS = query("api_residents_of_home")
_ACTIVITY = query("activity_of_home")
_HEARD = query("heard_of_home")
_UNWATCHED = query("unwatched_of_home")
_CHANGES = query("coverage_history")
_OUTAGES = query("outages_of_home")

MOST = 10
"""Incidents: what one screen holds. Chosen; the reports count the rest."""
MOST_CHANGES = 500
_READS = documented(401, 403, 404, 422, 503)


@router.get("/cases/{case_id}/earlier", responses=_READS, summary="Last incidents", openapi_extra=roles(*OPERATORS))
async def earlier(case_id: CaseId, parts: Parts, now: Now, user: Operator) -> models.EarlierCases:
    """The home's last ten incidents beside this one. That they were read is written into the audit."""
    home_id, area_code = await visible(parts, user, case_id, reading=True)
    async with parts.database.transaction() as connection:
        found = await fetch_all(connection, _EARLIER, home_id=home_id, case_id=case_id, most=MOST)
        residents = [each["resident_id"] for each in await fetch_all(connection, _RESIDENTS, home_id=home_id)]
        await write_view(
            connection, user, now, area_code, case_id=case_id, home_id=home_id, residents=residents, what="earlier"
        )
    cases = [models.EarlierCase.model_validate(row | {"outcome": _outcome(row["outcome"])}) for row in found]
    return models.EarlierCases(cases=cases, now=now)


def _outcome(code: str | None) -> Sentence | None:
    if code is None:
        return None
    words = OUTCOMES.get(code)
    return Sentence(key=code, zh=words.zh if words else code, en=words.en if words else code)


def _name(line: Line) -> Sentence:
    """A room for who moves there, a device for what is opened or used, both for who lies or sits."""
    words = {"motion": [line.room], "presence": [line.room, line.role]}.get(line.kind, [line.role])
    return Sentence(
        key=f"{line.kind}.{'.'.join(words)}",
        zh="".join(WORDS.get(word, word) for word in words),
        en=" ".join(word.replace("_", " ") for word in words),
    )


@router.get("/cases/{case_id}/activity", responses=_READS, summary="The last hours", openapi_extra=roles(*OPERATORS))
async def activity(case_id: CaseId, parts: Parts, now: Now, user: Operator) -> models.LastHours:
    """What the home's devices said in the six hours before the event, and when nobody listened. That it was read is written into the audit."""
    home_id, area_code = await visible(parts, user, case_id, reading=True)
    async with parts.database.transaction() as connection:
        case = await fetch_one(connection, _CASE, case_id=case_id)
        event_at = case["event_at"] if case else now
        heard = await fetch_one(connection, _HEARD, home_id=home_id)
        on_wall = heard is not None and heard["clock"] == "wall"
        known_until = heard["watched_until_at"] if heard else None
        # Of the last seconds nothing is known yet; they belong to the picture only where the clock is this one.
        span = window(event_at, now if on_wall else known_until or event_at)
        about = {"home_id": home_id, "from_at": span[0], "to_at": span[1]}
        rows = await fetch_all(connection, _ACTIVITY, **about, stretch_s=STRETCH.total_seconds())
        deaf = [(each["from_at"], each["to_at"]) for each in await fetch_all(connection, _UNWATCHED, **about)]
        if on_wall:
            changes = await fetch_all(connection, _CHANGES, home_id=home_id, since=span[0], most=MOST_CHANGES)
            outages = await fetch_all(connection, _OUTAGES, home_id=home_id, since=span[0])
            deaf += blind_spans(changes)
            deaf += [(each["from_at"], each["to_at"] or now + timedelta(days=1)) for each in outages]
        residents = [each["resident_id"] for each in await fetch_all(connection, _RESIDENTS, home_id=home_id)]
        await write_view(
            connection, user, now, area_code, case_id=case_id, home_id=home_id, residents=residents, what="activity"
        )
    heard_from = heard["first_seen_at"] if heard else None
    return models.LastHours(
        from_at=span[0],
        to_at=span[1],
        event_at=event_at,
        stretch_s=STRETCH.total_seconds(),
        lines=[
            models.ActivityLine(kind=line.kind, role=line.role, room=line.room, name=_name(line), minutes=line.minutes)
            for line in lines_of(rows, span)
        ],
        unknown=[
            models.Unknown(from_at=begin, to_at=end)
            for begin, end in unknown(span, deaf, heard_from=heard_from, known_until=known_until)
        ],
        now=now,
    )
