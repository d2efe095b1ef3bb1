"""A home card is a function of what is registered and learned; it carries no name and goes into both lanes."""

from contracts import home_cards
from contracts.frames import decode
from contracts.kinds import LINES
from contracts.partitions import partition_of
from contracts.topics import EVENTS, READINGS
from storage.cards import card_of
from storage.publishing import frames_of

FACTS = {
    "home_id": "h-1", "zone": "Asia/Shanghai", "area_code": "330282001001", "care_level": 3, "away_until_s": None, "visitor_until_s": None, "removed": False,
    "residents": ["r-1"], "device_ids": ["door", "watch"], "device_roles": ["entrance_door", "wearable"],
    "device_rooms": ["entrance", "other"], "device_residents": ["", "r-1"], "learned_days": 14, "silence_min": list(range(LINES)),
    "learned_places": {"door": 5, "gone": 1},
    "device_worn": ["", "wrist"], "usual_names": ["usual.heart_high_bpm@r-1"], "usual_values": [84.0],
}  # fmt: skip


def test_the_card_says_what_the_stream_must_know():
    card = card_of(FACTS, 7)
    assert (card.version, card.care_level, card.residents, card.learned_days) == (7, 3, ("r-1",), 14)
    assert (card.device_roles, card.device_worn) == (("entrance_door", "wearable"), ("", "wrist"))
    assert len(card.silence_min) == LINES
    assert card.device_places == (5, -1), "of the watch nothing was learned"
    assert (card.threshold_names, card.threshold_values) == (("usual.heart_high_bpm@r-1",), (84.0,))


def test_a_home_with_nothing_in_it_has_a_card_too():
    empty = dict.fromkeys(
        (
            "residents",
            "device_ids",
            "device_roles",
            "device_rooms",
            "device_residents",
            "learned_days",
            "silence_min",
            "learned_places",
            "usual_names",
            "usual_values",
        )
    )
    card = card_of(FACTS | empty, 1)
    assert (card.residents, card.device_ids, card.learned_days, card.silence_min, card.device_places) == (
        (),
        (),
        0,
        (),
        (),
    )


def test_a_card_survives_its_way_over_the_topic():
    card = card_of(FACTS, 7)
    assert home_cards.decode(home_cards.encode(card)) == card


def test_cards_travel_in_both_lanes_in_their_home_s_partition_from_no_source():
    cards = [(f"h-{i}", card_of(FACTS, i + 1)) for i in range(20)]
    found = frames_of(cards, 16, 1_790_000_000.0)
    assert {topic for topic, _, _ in found} == {READINGS, EVENTS}
    seen = {READINGS: {}, EVENTS: {}}
    for topic, partition, value in found:
        frame = decode(value)
        assert (frame.meta.source, frame.meta.watched_until_s, frame.meta.unwatched) == ("", None, ())
        for row in frame.batches["card"].to_pylist():
            assert partition_of(row["home_id"], 16) == partition
            seen[topic][row["home_id"]] = (row["boot"], row["seq"], row["version"])
    assert seen[READINGS] == seen[EVENTS] == {f"h-{i}": (0, i + 1, i + 1) for i in range(20)}


def test_a_usual_home_s_card_stays_small():
    cards = [(f"h-{i}", card_of(FACTS, 1)) for i in range(100)]
    batch = decode(frames_of(cards, 1, 0.0)[0][2]).batches["card"]
    # Before zstd. 144 learned minutes at 8 bytes are most of it.
    assert batch.nbytes / 100 < 1500
