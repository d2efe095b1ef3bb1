"""Hostile messages: a seed gives the same ones, they are spoilt in every way, and the intake makes something of each."""

from collections import Counter

from bench.fuzz import judge
from bench.hostile import Spoiler

COUNT = 20_000


def test_a_seed_gives_the_same_messages_under_the_area_and_no_topic_ends_a_connection() -> None:
    first, again = ([*Spoiler(3, "330282998", "x-").messages(2000)] for _ in range(2))
    assert first == again
    assert first != [*Spoiler(4, "330282998", "x-").messages(2000)]
    for message in first:
        assert message.topic.startswith("shouwang/v1/330282998")
        assert len(message.topic.encode()) < 65_536
        assert not set(message.topic) & set("+#\0")


def test_each_comes_to_something_and_none_is_a_fault_of_the_program() -> None:
    found = judge(5, COUNT, "x-")
    assert (found["nothing"], found["faults"]) == (0, 0)
    assert found["rows"] > 0.2 * COUNT, "some are still good"
    reasons = Counter(found["reasons"])
    assert {
        "not_json",
        "wrong_type",
        "out_of_range",
        "bad_id",
        "unknown_channel",
        "unknown_topic",
        "bad_block",
        "oversize",
    } <= reasons.keys()
