"""The word of a family over all that coverage can be: "well" is never said of one who is not protected, seen lately and at home."""

from datetime import UTC, datetime, timedelta
from typing import Any, get_args

from hypothesis import given
from hypothesis import strategies as st

from api.coverage import View
from api.models.people import SignOfLife
from api.models.shape import Coverage, CoverageNow
from api.relatives import relative_of
from api.watching import Watched
from storage.consents import SCOPES

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
MINUTES = st.integers(0, 4 * 24 * 60)


@given(
    state=st.sampled_from(get_args(Coverage)), ago=st.none() | MINUTES, taken=st.sampled_from([None, False, True]),
    away=st.none() | st.integers(-600, 600), scopes=st.sets(st.sampled_from(sorted(SCOPES))), clock=st.booleans(),
)  # fmt: skip
def test_well_is_never_said_where_it_cannot_be_known(
    state: Coverage, ago: int | None, taken: bool | None, away: int | None, scopes: set[str], clock: bool
) -> None:
    signs = [] if ago is None else [SignOfLife(kind="motion", device_id="d", event_at=NOW - timedelta(minutes=ago))]
    home = Watched(
        view=View(source_now=NOW if clock else None),
        devices=[],
        coverage=CoverageNow(state=state, reasons=[]),
        signs=signs,
    )
    row: dict[str, Any] = {
        "resident_id": "r", "name": "n", "zone": "Asia/Shanghai", "silence_min": None, "taken": taken, "scopes": sorted(scopes), "visitor_until": None,
        "away_until": None if away is None else NOW + timedelta(minutes=away),
    }  # fmt: skip
    told = relative_of(row, home, [], NOW)
    assert (told.word is None) == ("word" not in scopes)
    if told.word == "well":
        assert state == "protected"
        assert taken is None
        assert ago is not None
        assert clock
        assert away is None or away <= 0
    if "word" in scopes and taken is not None:
        assert told.word == "alert"
    if "word" not in scopes:
        assert (told.said, told.last_sign_at, told.cannot_see_since, told.taken) == (None, None, None, None)
