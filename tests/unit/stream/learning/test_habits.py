"""What the learner says of stays in the bathroom, of nights and of days."""

import numpy as np

from contracts.kinds import ROOMS
from stream.learning import habits
from stream.learning.habits import Day, Trend, trend

BATHROOM, LIVING, BEDROOM = ROOMS.index("bathroom"), ROOMS.index("living"), ROOMS.index("bedroom")
OFFSET_S = 8 * 3600.0
H, M = 3600.0, 60.0


def signs(*entries):
    """(local s, room) as what ``past.signs_of`` gives; each proves somebody."""
    at_s = np.array([at for at, _ in entries], dtype=float) - OFFSET_S
    room = np.array([room for _, room in entries], dtype=np.int64)
    return at_s, room, np.ones(len(entries), dtype=bool)


def life(days, *, stay_min=10.0, visits=2, longest=()):
    """Each day: rising at 7, four stays, ``visits`` to the bathroom at night, active until 21."""
    entries = []
    for day in range(days):
        start_s = day * 86_400.0
        for hour in range(7, 22):
            entries += [(start_s + hour * H + n * M, LIVING) for n in (0, 1, 2)]
        for n, hour in enumerate((8, 11, 15, 19)):
            lasts_min = longest[day] if n == 0 and day < len(longest) else stay_min
            at_s = start_s + hour * H + 5 * M
            entries += [(at_s + k * 5 * M, BATHROOM) for k in range(int(lasts_min // 5) + 1)]
            entries.append((at_s + lasts_min * M + M, LIVING))
        for n in range(visits):
            at_s = start_s + (1 + 2 * n) * H
            entries += [(at_s, BATHROOM), (at_s + 4 * M, BEDROOM)]
    return sorted(entries)


def test_the_longest_usual_stay_leaves_the_one_record_out():
    found = habits.stays(*signs(*life(10, longest=(25.0, 20.0, 45.0))), OFFSET_S)
    assert (found.seen_min, found.day_min) == (25.0, 26.0)
    assert (found.days, found.stays) == (10, 60)


def test_too_little_teaches_nothing():
    assert habits.stays(*signs(*life(3)), OFFSET_S).seen_min is None
    assert habits.stays(*signs(), OFFSET_S) == habits.Stays()
    assert habits.days(*signs(), OFFSET_S) == []


def test_stays_that_nobody_watched_do_not_count():
    at_s, room, act = signs(*life(10))
    whole = [(at_s[0], at_s[-1])]
    assert habits.stays(at_s, room, act, OFFSET_S, unknown=whole).stays == 0


def test_signs_after_a_long_silence_are_a_new_stay():
    """To bed unseen, and again to the bathroom: two visits, not one of four hours."""
    entries = [
        (20 * H, LIVING),
        (22 * H, BATHROOM),
        (22.1 * H, BATHROOM),
        (26 * H, BATHROOM),
        (26.1 * H, BATHROOM),
        (31 * H, LIVING),
    ]
    found = habits._stays_of(*habits.sure_signs(*signs(*entries)))
    assert np.round((found.seen_s - found.begins_s) / M).tolist() == [6, 6]


def test_a_sign_that_does_not_say_where_ends_no_stay():
    entries = [(20 * H, LIVING), (21 * H, BATHROOM), (21.1 * H, -1), (21.2 * H, BATHROOM), (21.3 * H, LIVING)]
    found = habits._stays_of(*habits.sure_signs(*signs(*entries)))
    assert np.round((found.seen_s - found.begins_s) / M).tolist() == [12]


def test_visits_by_night_belong_to_the_day_on_which_the_night_ends():
    figures = habits.days(*signs(*life(5, visits=3)), OFFSET_S)
    assert [each.night_visits for each in figures] == [None, 3, 3, 3, 3]  # of the first night nobody saw the evening
    assert {each.first_h for each in figures} == {5.0}


def test_a_home_without_eyes_in_the_bathroom_has_no_count_of_visits():
    entries = [
        (day * 86_400.0 + hour * H + n * M, LIVING) for day in range(3) for hour in (8, 12, 19) for n in range(5)
    ]
    assert [each.night_visits for each in habits.days(*signs(*entries), OFFSET_S)] == [None, None, None]


def test_a_trend_compares_the_last_week_with_those_before_and_never_guesses():
    figures = [Day(day, 50, 10 if day < 14 else 5, 7.0, 1 if day < 14 else 3) for day in range(22)]
    assert trend(figures) == Trend(
        nights=21, night_visits=3.0, night_visits_before=1.0, days=21, active_hours=5.0, active_hours_before=10.0
    )
    assert trend(figures[:6]).night_visits_before is None
    assert trend([]) == Trend()
