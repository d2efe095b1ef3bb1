"""The word of a family over all that coverage can be: "well" is never said of one who is not protected, seen lately and at home."""

from datetime import UTC, datetime, timedelta
from typing import Any, get_args

from hypothesis import example, given
from hypothesis import strategies as st

from api.coverage import View
from api.models.people import SignOfLife
from api.models.shape import Coverage, CoverageNow
from api.relatives import relative_of
from api.watching import Watched
from storage.consents import SCOPES

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
MINUTES = st.integers(0, 4 * 24 * 60)


AGO = st.none() | st.integers(0, 12 * 60)


def row_of(**more: Any) -> dict[str, Any]:
    return {
        "resident_id": "r", "name": "n", "zone": "Asia/Shanghai", "silence_min": None, "taken": None, "scopes": ["word"], "visitor_until": None,
        "lives_alone": True, "away_until": None,
    } | more  # fmt: skip


def home_of(*signs: SignOfLife, state: Coverage = "protected", clock: bool = True) -> Watched:
    return Watched(
        view=View(source_now=NOW if clock else None),
        devices=[],
        coverage=CoverageNow(state=state, reasons=[]),
        signs=list(signs),
    )


def sign(ago: int, kind: str = "motion", whose: str | None = None) -> SignOfLife:
    return SignOfLife(kind=kind, device_id="d", resident_id=whose, event_at=NOW - timedelta(minutes=ago))


@given(
    state=st.sampled_from(get_args(Coverage)), ago=st.none() | MINUTES, taken=st.sampled_from([None, False, True]),
    away=st.none() | st.integers(-600, 600), scopes=st.sets(st.sampled_from(sorted(SCOPES))), clock=st.booleans(), alone=st.booleans(),
)  # fmt: skip
def test_well_is_never_said_where_it_cannot_be_known(
    state: Coverage, ago: int | None, taken: bool | None, away: int | None, scopes: set[str], clock: bool, alone: bool
) -> None:
    home = home_of(*([] if ago is None else [sign(ago)]), state=state, clock=clock)
    until = None if away is None else NOW + timedelta(minutes=away)
    told = relative_of(row_of(taken=taken, scopes=sorted(scopes), away_until=until, lives_alone=alone), home, [], NOW)
    assert (told.word is None) == ("word" not in scopes)
    if told.word in ("well", "somebody"):
        assert state == "protected"
        assert taken is None
        assert ago is not None
        assert clock
        assert away is None or away <= 0
        assert (told.word == "well") == alone
    if "word" in scopes and taken is not None:
        assert told.word == "alert"
    if "word" not in scopes:
        assert (told.said, told.last_sign_at, told.cannot_see_since, told.taken) == (None, None, None, None)


@given(anybody=AGO, own=AGO, another_s=AGO, residents=st.integers(1, 3), visitor=st.none() | st.integers(-12 * 60, 600))
@example(anybody=5, own=None, another_s=None, residents=2, visitor=None)
@example(anybody=5, own=None, another_s=None, residents=1, visitor=60)
@example(anybody=15, own=None, another_s=None, residents=1, visitor=-10)
@example(anybody=None, own=None, another_s=5, residents=2, visitor=None)
@example(anybody=5, own=10, another_s=None, residents=2, visitor=None)
def test_somebody_else_s_steps_make_nobody_well(
    anybody: int | None, own: int | None, another_s: int | None, residents: int, visitor: int | None
) -> None:
    """``visitor``: minutes until the announced one leaves, or since; signs in minutes ago."""
    if residents == 1:
        another_s = None
    seen = ((anybody, "motion", None), (own, "vitals", "r"), (another_s, "vitals", "s"))
    home = home_of(*(sign(ago, kind, whose) for ago, kind, whose in seen if ago is not None))
    until = None if visitor is None else NOW + timedelta(minutes=visitor)
    told = relative_of(row_of(visitor_until=until, lives_alone=residents == 1), home, [], NOW)
    hers_if_of_the_home = residents == 1 and (visitor is None or anybody is None or -anybody > visitor)
    hers = [ago for ago in (own, anybody if hers_if_of_the_home else None) if ago is not None]
    everybody_s = [ago for ago in (anybody, own, another_s) if ago is not None]
    last = told.last_sign_at and (NOW - told.last_sign_at).total_seconds() / 60
    assert told.said is not None
    if told.word == "well":
        assert last in hers, "by what she did, and not by another's steps"
        assert last is not None
        assert last <= 10 * 60
    elif told.word == "somebody":
        assert residents > 1 or visitor is not None
        assert told.said.key == "relative.somebody"
        assert last == min(everybody_s)
    elif told.word == "quiet":
        assert last == min(everybody_s)
    else:
        assert everybody_s == []
    if hers and min(hers) <= 4 * 60:
        assert told.word == "well", "what she did herself says so wherever she lives"
