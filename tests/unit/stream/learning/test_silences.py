"""What a home's past teaches, and what it does not."""

import numpy as np
import pytest

from contracts.kinds import ROOMS
from stream.detector import Floats
from stream.learning.signs import PAIR_S, left_by_door, proven
from stream.learning.silences import CEILING_MIN, FLOOR_MIN, MIN_DAYS, Learned, defaults_min, learn

LIVING, KITCHEN, BATHROOM, ENTRANCE = (ROOMS.index(name) for name in ("living", "kitchen", "bathroom", "entrance"))
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
    return np.array(learned.silence_min, dtype=float).reshape(3, 24)


def test_nothing_is_learned_of_nothing() -> None:
    nothing = np.empty(0)
    assert learn(nothing, nothing, nothing, nothing, ZONE_S).silence_min == ()


def test_less_than_a_week_teaches_nothing() -> None:
    assert taught(lives(MIN_DAYS - 1)).silence_min == ()
    assert len(taught(lives(MIN_DAYS)).silence_min) == 72


def test_a_sign_that_does_not_say_where_counts_for_the_room_before_it() -> None:
    rows = lives(28)
    told = [(at_s + 30, -1) for at_s, _ in rows]
    said = [(at_s + 30, room) for at_s, room in rows]
    assert taught([*rows, *told]).silence_min == taught([*rows, *said]).silence_min
    assert taught([*rows, *told]).silence_min != taught([*rows, *((at_s, LIVING) for at_s, _ in told)]).silence_min


def test_the_nap_is_known_at_its_hour_and_not_in_the_morning() -> None:
    lines = table(taught(lives(28)))
    assert lines[0, 13] >= 100
    assert lines[0, 9] == FLOOR_MIN[0]


def test_a_night_reaches_to_the_latest_rising() -> None:
    lines = table(taught(lives(28)))
    assert lines[0, 22] >= 9 * 60
    assert lines[0, 2] >= 5 * 60, "also where he was seen at two: from there it is not far to seven"
    assert lines[0, 2] < lines[0, 22]


def test_an_outing_by_the_door_is_no_silence_at_home() -> None:
    rows = lives(28, nap_min=0)
    quiet = [(at_s, room) for at_s, room in rows if not 14 * H < (at_s - MIDNIGHT_S) % DAY_S < 17 * H]
    at_home = table(taught(quiet))
    leaves = [(MIDNIGHT_S + day * DAY_S + 14 * H + 1, ENTRANCE) for day in range(28)]
    door = np.array([False] * len(quiet) + [True] * len(leaves))
    out = taught(quiet + leaves, entrance=door)
    assert at_home[0, 14] >= 180
    assert table(out)[0, 14] == FLOOR_MIN[0]
    assert out.evidence["outings"] == 28


def test_a_time_that_nobody_watched_is_no_silence() -> None:
    rows = lives(28, nap_min=0)
    lost = (MIDNIGHT_S + 5 * DAY_S + 9 * H, MIDNIGHT_S + 5 * DAY_S + 13 * H)
    seen = [(at_s, room) for at_s, room in rows if not lost[0] < at_s < lost[1]]
    assert table(taught(seen))[0, 9] >= 240
    assert table(taught(seen, unknown=[lost]))[0, 9] == FLOOR_MIN[0]


def test_a_lone_stray_motion_does_not_shorten_a_silence() -> None:
    rows = lives(28)
    strays = [(MIDNIGHT_S + day * DAY_S + 13.8 * H, LIVING) for day in range(28)]
    by_itself = np.array([True] * len(rows) + [False] * len(strays))
    learned = taught(rows + strays, by_itself=by_itself)
    assert table(learned)[0, 13] >= 100
    assert learned.evidence["lone_motions"] == 28


def test_a_kitchen_that_was_left_seldom_is_doubted() -> None:
    often = [*lives(28)]
    seldom = [
        (at_s, LIVING if room == KITCHEN and (at_s - MIDNIGHT_S) % DAY_S > 12 * H else room) for at_s, room in often
    ]
    assert table(taught(often))[1, 18] <= table(taught(seldom))[1, 18]


def test_values_stay_between_floor_and_ceiling_in_whole_minutes() -> None:
    for learned in (taught(lives(28)), taught(lives(14, every_min=1)), taught(lives(28, nap_min=400, every_min=40))):
        lines = table(learned)
        assert (lines >= np.array(FLOOR_MIN)[:, None]).all()
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
    defaults = defaults_min().reshape(3, 24)
    assert defaults[0, 10] == 480
    assert (defaults[:, 23] == 720).all()
    assert (defaults[1:, 10] < defaults[0, 10]).all()


def test_a_motion_is_believed_only_near_another_event() -> None:
    at_s = np.array([0.0, PAIR_S, 1000.0, 2000.0, 2000.0 + PAIR_S + 1])
    assert proven(at_s, np.zeros(5, bool)).tolist() == [False, True, False, False, False]
    assert proven(at_s, np.array([True] + [False] * 4)).tolist() == [True, True, False, False, False]


def test_away_is_a_door_with_nothing_after_it_but_who_leaves() -> None:
    sign_s, door_s = np.array([100.0, 130.0, 500.0, 100.0]), np.array([100.0, 100.0, 100.0, np.nan])
    assert left_by_door(sign_s, door_s).tolist() == [True, True, False, False]
