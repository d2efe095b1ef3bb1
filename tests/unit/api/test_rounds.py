"""One look for many feeds."""

import time

from api.errors import DatabaseAway
from api.rounds import Rounds


async def test_a_round_asks_for_all_feeds_together_in_portions_and_each_gets_its_own():
    asked: list[list[int]] = []

    async def look(who):
        asked.append(list(who))
        return [each * 10 for each in who]

    rounds = Rounds(15.0, 2, look)
    with rounds.joined(1) as one, rounds.joined(2) as two, rounds.joined(3) as three:
        await rounds.once()
        assert [place.found for place in (one, two, three)] == [10, 20, 30]
        assert sorted(len(each) for each in asked) == [1, 2]
    asked.clear()
    await rounds.once()
    assert asked == [], "who left is not looked for"


async def test_what_began_before_a_feed_read_by_itself_does_not_take_its_place():
    read_s = 0.0

    async def look(who):
        nonlocal read_s
        read_s = time.monotonic()  # a change comes while the round is under way, and the feed reads it by itself
        return list(who)

    rounds = Rounds(15.0, 10, look)
    with rounds.joined("r") as place:
        assert not place.newer_than(0.0)
        await rounds.once()
        assert not place.newer_than(read_s)
        before_s = time.monotonic()
        await rounds.once()
        assert place.newer_than(before_s)


async def test_without_the_database_every_feed_of_the_look_knows_and_the_next_round_mends_it():
    away = True

    async def look(who):
        if away:
            raise DatabaseAway(wait_s=2.0)
        return [None for _ in who]

    rounds = Rounds(15.0, 10, look)
    with rounds.joined("r") as place:
        await rounds.once()
        assert place.away
        away = False
        await rounds.once()
        assert (place.away, place.found) == (False, None)
        assert place.newer_than(0.0), "nothing is an answer too: it holds no more"
