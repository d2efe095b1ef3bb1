"""The picture of a home's last hours: what is drawn, and above all what is said to be unknown."""

from datetime import UTC, datetime, timedelta

from api.activity import blind_spans, lines_of, unknown, window

EVENT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def at(hours: float) -> datetime:
    """So long before the event."""
    return EVENT - timedelta(hours=hours)


SPAN = (at(6), at(-0.5))


def test_the_window_ends_where_knowledge_does_and_never_before_the_event() -> None:
    assert window(EVENT, at(-2)) == SPAN
    assert window(EVENT, at(-0.1)) == (at(6), at(-0.1))
    assert window(EVENT, at(3)) == (at(6), EVENT)


def test_sensors_of_a_room_are_one_line_and_a_stretch_has_ten_minutes_at_most() -> None:
    rows = [
        {"kind": "power", "role": "stove", "room": "kitchen", "place": 0, "minutes": 3},
        {"kind": "motion", "role": "motion", "room": "living", "place": 35, "minutes": 8},
        {"kind": "motion", "role": "radar", "room": "living", "place": 35, "minutes": 7},
        {"kind": "motion", "role": "motion", "room": "living", "place": 40, "minutes": 7},
    ]
    living, stove = lines_of(rows, SPAN)
    assert (living.kind, living.room, len(living.minutes), living.minutes[35]) == ("motion", "living", 39, 10)
    assert (stove.role, stove.minutes[0], sum(stove.minutes)) == ("stove", 3, 3)


def test_what_was_blind_is_so_until_the_next_word_and_begins_with_the_last_sight() -> None:
    changes = [
        {"at": at(1), "state": "blind", "cannot_see_since": at(1.5)},
        {"at": at(3), "state": "protected", "cannot_see_since": None},
        {"at": at(5), "state": "blind", "cannot_see_since": None},
    ]
    newest, oldest = blind_spans(changes)
    assert newest[0] == at(1.5)
    assert newest[1] > EVENT
    assert oldest == (at(5), at(3))
    assert blind_spans([]) == []


def test_a_home_that_nobody_ever_heard_is_unknown_from_end_to_end() -> None:
    assert unknown(SPAN, [], heard_from=None, known_until=EVENT) == [SPAN]
    assert unknown(SPAN, [], heard_from=at(9), known_until=None) == [SPAN]


def test_unknown_stretches_are_joined_and_cut_to_the_window() -> None:
    deaf = [(at(4), at(3)), (at(3.5), at(2)), (at(9), at(8)), (at(1), at(1))]
    assert unknown(SPAN, deaf, heard_from=at(5.5), known_until=at(-0.25)) == [
        (at(6), at(5.5)), (at(4), at(2)), (at(-0.25), at(-0.5)),
    ]  # fmt: skip
    assert unknown(SPAN, [], heard_from=at(9), known_until=at(-1)) == []
