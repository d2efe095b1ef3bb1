"""What a home's past teaches, and what it does not."""

import numpy as np
import pytest

from contracts.kinds import BED, LINES, PASSAGE, PLACES, ROOM_GROUPS, ROOMS, STIRRED
from stream.detector import Floats
from stream.learning.signs import PAIR_S, left_by_door, proven, rested, spots
from stream.learning.silences import CEILING_MIN, DAYS_BACK, FLOOR_MIN, MIN_DAYS, Learned, defaults_min, learn

LIVING, KITCHEN, BEDROOM, BATHROOM, ENTRANCE, OTHER = (
    ROOMS.index(name) for name in ("living", "kitchen", "bedroom", "bathroom", "entrance", "other")
)
KITCHEN_GROUP, BATHROOM_GROUP = (ROOM_GROUPS.index(name) for name in ("kitchen", "bathroom"))
ZONE_S = 28_800.0
DAY_S, H, M = 86_400.0, 3600.0, 60.0
MIDNIGHT_S = 1_770_000_000.0 // DAY_S * DAY_S - ZONE_S


def lives(
    days: int, *, nap_min: float = 100.0, every_min: float = 15.0, up_h: float = 7.0, bed_h: float = 22.0
) -> list[tuple[float, int]]:
    """A regular life: up at seven, an act every quarter of an hour, a nap at one, to bed at ten."""
    rows = []
    for day in range(days):
        at_s = MIDNIGHT_S + day * DAY_S
        for minute in np.arange(up_h * 60, bed_h * 60 + 1, every_min):
            if not 13 * 60 < minute < 13 * 60 + nap_min:
                rows.append((at_s + minute * M, KITCHEN if minute % 60 == 30 else LIVING))
    return rows


def taught(rows: list[tuple[float, int]], **more: object) -> Learned:
    at_s, room = (np.array(column) for column in zip(*rows, strict=True))
    others: dict[str, object] = {
        "by_itself": np.ones(len(at_s), bool), "entrance": np.zeros(len(at_s), bool), "offset_s": ZONE_S, **more,
    }  # fmt: skip
    return learn(at_s, room, **others)  # type: ignore[arg-type]


def table(learned: Learned) -> Floats:
    return np.array(learned.silence_min, dtype=float).reshape(PLACES, 24)


def test_nothing_is_learned_of_nothing() -> None:
    nothing = np.empty(0)
    assert learn(nothing, nothing, nothing, nothing, ZONE_S).silence_min == ()


def test_less_than_a_week_teaches_nothing() -> None:
    assert taught(lives(MIN_DAYS - 1)).silence_min == ()
    assert len(taught(lives(MIN_DAYS)).silence_min) == LINES


def test_a_sign_that_does_not_say_where_counts_for_the_room_before_it() -> None:
    rows = lives(28)
    told = [(at_s + 30, -1) for at_s, _ in rows]
    said = [(at_s + 30, room) for at_s, room in rows]
    assert taught([*rows, *told]).silence_min == taught([*rows, *said]).silence_min
    assert taught([*rows, *told]).silence_min != taught([*rows, *((at_s, LIVING) for at_s, _ in told)]).silence_min


def test_the_nap_is_known_at_its_hour_and_not_in_the_morning() -> None:
    lines = table(taught(lives(28)))
    assert lines[BED, 13] >= 100
    assert lines[BED, 9] < 100


def test_a_night_reaches_to_the_rising_and_an_hour_without_evidence_keeps_the_default() -> None:
    lines = table(taught(lives(28)))
    assert lines[BED, 22] >= 9 * 60
    assert (lines[:PASSAGE, 3] == defaults_min()[3]).all()


def test_a_room_that_is_a_passage_by_day_is_a_place_of_sleep_by_night() -> None:
    rows = lives(28)
    passing = [(at_s - 60, BEDROOM) for at_s, _ in rows if (at_s - MIDNIGHT_S) % DAY_S < 21 * H]
    to_bed = [(MIDNIGHT_S + day * DAY_S + 22.3 * H, BEDROOM) for day in range(28)]
    learned = taught(rows + passing + to_bed)
    lines = table(learned)
    assert learned.places[BEDROOM] == BED
    assert lines[BED, 10] < 90
    assert lines[BED, 22] >= 8 * 60


def test_a_room_in_which_nobody_rests_is_a_passage_with_one_short_line() -> None:
    learned = taught(lives(28))
    assert (learned.places[LIVING], learned.places[KITCHEN]) == (BED, PASSAGE)
    assert len(set(table(learned)[PASSAGE])) == 1
    assert table(learned)[PASSAGE, 0] < 45


def test_a_bath_now_and_then_makes_no_place_of_rest() -> None:
    rows = lives(28)
    baths = [(MIDNIGHT_S + day * DAY_S + 20.01 * H, BATHROOM) for day in range(0, 28, 7)]
    still = [(at_s, room) for at_s, room in rows if not any(0 < at_s - began_s < 40 * M for began_s, _ in baths)]
    learned = taught(still + baths)
    assert learned.places[BATHROOM] == PASSAGE
    assert table(learned)[PASSAGE, 12] > 40, "but the passages know of it"


def test_a_spot_that_was_hardly_seen_has_no_place() -> None:
    rows = [*lives(28), (MIDNIGHT_S + 5 * DAY_S + 9.1 * H, BATHROOM)]
    assert taught(rows).places_of([LIVING, KITCHEN, BATHROOM, ENTRANCE]) == (BED, PASSAGE, -1, -1)


def test_sensors_whose_room_nobody_named_are_told_apart() -> None:
    rows = lives(28)
    device = np.array([room for _, room in rows])
    at_s = np.array([at_s for at_s, _ in rows])
    never = np.zeros(len(rows), bool)
    nameless = np.full(len(rows), OTHER)
    learned = learn(at_s, nameless, ~never, never, ZONE_S, device=device)
    assert learned.places_of([OTHER, OTHER], [LIVING, KITCHEN]) == (BED, PASSAGE)
    assert learned.silence_min == taught(rows).silence_min
    assert learn(at_s, nameless, ~never, never, ZONE_S).places_of([OTHER]) == (BED,)


def test_who_turned_over_in_bed_has_slept_a_while_already() -> None:
    rows = [(at_s, room) for at_s, room in lives(28)]
    stirs = [(MIDNIGHT_S + day * DAY_S + 26.0 * H, LIVING) for day in range(28)]
    lines = table(taught(rows + stirs))
    assert lines[STIRRED, 2] < 6 * 60 + 60
    assert (lines[STIRRED, 9:12] == lines[BED, 9:12]).all(), "where nobody stirred the bed's lines hold"


def test_rest_is_quiet_since_coming_and_ends_with_going_elsewhere() -> None:
    at_s = np.array([0, 10, 40, 41, 42, 80, 81]) * M
    spot = np.array([1, 1, 1, 1, 2, 1, 1])
    assert rested(at_s, spot).tolist() == [False, False, True, True, False, False, False]
    assert rested(np.empty(0), np.empty(0, int)).tolist() == []
    assert spots(np.array([LIVING, OTHER, -1]), np.array([4, 4, 4])).tolist() == [LIVING, len(ROOMS) + 4, -1]


def in_waiting(rng: np.random.Generator, days: int, mean_min: float) -> list[tuple[float, int]]:
    """A life without hours: silences of a living room, exponential with this mean."""
    gaps_min = rng.exponential(mean_min, int(days * 1440 / mean_min * 1.2))
    at_s = MIDNIGHT_S + np.cumsum(gaps_min) * M
    return [(float(at), LIVING) for at in at_s if at < MIDNIGHT_S + days * DAY_S]


@pytest.mark.parametrize("per_week", [4.0, 14.0])
def test_the_lines_are_passed_about_as_often_as_was_asked_for(per_week: float) -> None:
    rng, mean_min, days = np.random.default_rng(5), 30.0, DAYS_BACK
    passed = 0.0
    for _ in range(8):
        lines = table(taught(in_waiting(rng, days, mean_min), per_week=per_week))
        fresh_s = np.array([at_s for at_s, _ in in_waiting(rng, 70, mean_min)])
        began_h = ((fresh_s[:-1] + ZONE_S) % DAY_S / H).astype(int)
        passed += float((np.diff(fresh_s) / M > lines[BED, began_h]).sum()) / 10
    assert per_week / 2 < passed / 8 < per_week * 2


def test_fewer_days_and_rarer_alarms_make_longer_lines() -> None:
    rows = lives(28)
    morning = table(taught(rows))[:, 8:11]
    assert (table(taught([row for row in rows if row[0] < MIDNIGHT_S + 10 * DAY_S]))[:, 8:11] > morning).all()
    assert (table(taught(rows, per_week=0.01))[:, 8:11] > morning).all()


def test_an_outing_by_the_door_is_no_silence_at_home() -> None:
    rows = lives(28, nap_min=0)
    quiet = [(at_s, room) for at_s, room in rows if not 14 * H < (at_s - MIDNIGHT_S) % DAY_S < 17 * H]
    at_home = table(taught(quiet))
    leaves = [(MIDNIGHT_S + day * DAY_S + 14 * H + 1, ENTRANCE) for day in range(28)]
    door = np.array([False] * len(quiet) + [True] * len(leaves))
    out = taught(quiet + leaves, entrance=door)
    assert at_home[0, 14] >= 180
    assert table(out)[0, 14] < 100
    assert out.evidence["outings"] == 28


def test_a_time_that_nobody_watched_is_no_silence() -> None:
    rows = lives(28, nap_min=0)
    lost = (MIDNIGHT_S + 5 * DAY_S + 9 * H, MIDNIGHT_S + 5 * DAY_S + 13 * H)
    seen = [(at_s, room) for at_s, room in rows if not lost[0] < at_s < lost[1]]
    assert table(taught(seen))[0, 9] > table(taught(seen, unknown=[lost]))[0, 9] + 30
    assert table(taught(seen, unknown=[lost]))[0, 9] == pytest.approx(table(taught(rows))[0, 9], abs=2)


def test_a_lone_stray_motion_does_not_shorten_a_silence() -> None:
    rows = lives(28)
    strays = [(MIDNIGHT_S + day * DAY_S + 13.8 * H, LIVING) for day in range(28)]
    by_itself = np.array([True] * len(rows) + [False] * len(strays))
    learned = taught(rows + strays, by_itself=by_itself)
    assert table(learned)[0, 13] >= 100
    assert learned.evidence["lone_motions"] == 28


def test_values_stay_between_floor_and_ceiling_in_whole_minutes() -> None:
    for learned in (taught(lives(28)), taught(lives(14, every_min=1)), taught(lives(28, nap_min=400, every_min=40))):
        lines = table(learned)
        assert (lines >= FLOOR_MIN).all()
        assert (lines <= CEILING_MIN).all()
        assert all(isinstance(value, int) for value in learned.silence_min)


@pytest.mark.parametrize("shift", [0.0, 3.0, 12.0])
def test_hours_are_those_of_the_home(shift: float) -> None:
    rows = [(at_s - shift * H, room) for at_s, room in lives(28)]
    here = taught(rows, offset_s=ZONE_S + shift * H)
    as_array = taught(rows, offset_s=np.full(len(rows), ZONE_S + shift * H))
    assert here.silence_min == taught(lives(28)).silence_min == as_array.silence_min


def test_the_order_of_rows_does_not_matter() -> None:
    rows = lives(20)
    assert taught(rows[::-1]).silence_min == taught(rows).silence_min


def test_defaults_are_hours_by_day_and_a_long_sleep_by_night() -> None:
    defaults = defaults_min().reshape(-1, 24)
    assert defaults[0, 10] == 480
    assert (defaults[:, 23] == 720).all()
    assert (defaults[KITCHEN_GROUP : BATHROOM_GROUP + 1, 10] < defaults[0, 10]).all()


def test_a_motion_is_believed_only_near_another_event() -> None:
    at_s = np.array([0.0, PAIR_S, 1000.0, 2000.0, 2000.0 + PAIR_S + 1])
    assert proven(at_s, np.zeros(5, bool)).tolist() == [False, True, False, False, False]
    assert proven(at_s, np.array([True] + [False] * 4)).tolist() == [True, True, False, False, False]


def test_away_is_a_door_with_nothing_after_it_but_who_leaves() -> None:
    sign_s, door_s = np.array([100.0, 130.0, 500.0, 100.0]), np.array([100.0, 100.0, 100.0, np.nan])
    assert left_by_door(sign_s, door_s).tolist() == [True, True, False, False]
