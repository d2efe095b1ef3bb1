"""People are told: over both stores, through Apprise, to real endpoints on loopback that work, fail and hang."""

import asyncio
import time

import psycopg
import pytest

from alerts.channels import AppriseChannels, Result, load_ways
from alerts.memory import Home, MemoryCases
from alerts.notices import Recipient
from alerts.notifier import TAKE_S, Notifier
from alerts.patience import Patience
from tests.contract.alerts.endpoint import endpoint

load_ways()


def register(centre, *recipients):
    if isinstance(centre.store, MemoryCases):
        centre.store.known_recipients += recipients
        return
    with psycopg.connect(centre.homes._conninfo, autocommit=True) as connection:
        for each in recipients:
            connection.execute(
                "INSERT INTO recipients (recipient_id, kind, url, home_id, consented_at, lowest_priority, most_per_hour, cost, most_cost_per_day)"
                " VALUES (%s, %s, %s, %s, CASE WHEN %s THEN now() END, %s, %s, %s, %s)",
                [each.recipient_id, each.kind, each.url, each.home_id, each.consented, each.lowest_priority, each.most_per_hour, each.cost,
                 each.most_cost_per_day],
            )  # fmt: skip


def a_recipient(name, url, kind="desk", **fields):
    return Recipient(recipient_id=name, kind=kind, url=url, **fields)


def json_url(found):
    return f"json://127.0.0.1:{found.port}/ring"


def at_work(centre, channels):
    return Notifier(centre.store, channels, Patience(asyncio.Event(), 0.01), 0.01, lambda: centre.now)


async def go(notifier):
    await notifier.once()
    await notifier.idle()


async def history(centre, case):
    audit = (await centre.store.case(case.case_id)).audit
    return [(row.reason, row.facts["recipient"], row.facts["rung"]) for row in audit if row.action == "notified"]


async def test_kin_hear_of_a_p1_at_once_and_desks_and_supervisors_as_it_climbs(centre):
    centre.homes["h-1"] = Home("330282999001")
    async with endpoint() as one:
        register(
            centre,
            a_recipient("daughter", json_url(one), "kin", home_id="h-1", consented=True),
            a_recipient("desk-phone", json_url(one)),
            a_recipient("chief", json_url(one), "supervisor"),
        )
        case = (await centre.admit("sos")).case
        notifier = at_work(centre, AppriseChannels(8.0))
        for after_s in (0, 29, 1, 30, 0):
            await centre.forward(duration_s=after_s)
            await go(notifier)
    assert await history(centre, case) == [
        ("case.notified", "daughter", 0), ("case.notified", "desk-phone", 1), ("case.notified", "chief", 2),
    ]  # fmt: skip
    assert [post["title"] for post in one.posts] == ["守望：求助警情", "P1 求助", "P1 求助"]
    assert "h-1" in one.posts[1]["message"]
    assert (await centre.see(case)).version == 3, "what is told makes no page old"


async def test_one_that_hangs_and_one_that_fails_delay_no_other(centre):
    async with endpoint() as works, endpoint() as fails, endpoint() as hangs:
        fails.mode, hangs.mode = "fails", "hangs"
        register(
            centre, a_recipient("hangs", json_url(hangs)), a_recipient("fails", json_url(fails)), a_recipient("works", json_url(works)),
            a_recipient("nonsense", "no-such-way://x"),
        )  # fmt: skip
        case = (await centre.admit("sos")).case
        await centre.forward(duration_s=30)
        notifier = at_work(centre, AppriseChannels(1.0))
        began_s = time.monotonic()
        await notifier.once()
        async with asyncio.timeout(5):
            await works.news.wait()
        told_s = time.monotonic() - began_s
        assert told_s < 0.9, "nobody waited for the one that hangs"
        await notifier.idle()
        assert time.monotonic() - began_s < 4
    found = {name: reason for reason, name, _ in await history(centre, case)}
    assert found == {
        "works": "case.notified", "fails": "case.not_notified", "hangs": "case.not_notified", "nonsense": "case.not_notified",
    }  # fmt: skip
    notes = [row.facts["note"] for row in (await centre.store.case(case.case_id)).audit if row.action == "notified"]
    assert not any("127.0.0.1" in note or "://" in note for note in notes), "an address holds a secret"


async def test_what_failed_is_told_when_the_way_works_again(centre):
    async with endpoint() as way:
        way.mode = "fails"
        register(centre, a_recipient("desk-phone", json_url(way)))
        case = (await centre.admit("sos")).case
        await centre.forward(duration_s=30)
        notifier = at_work(centre, AppriseChannels(8.0))
        await go(notifier)
        way.mode = "works"
        await go(notifier)
        assert len(way.posts) == 1, "not before its pause is over"
        await centre.forward(duration_s=2)
        await go(notifier)
        await centre.forward(duration_s=20)
        await go(notifier)
    assert [reason for reason, _, _ in await history(centre, case)] == ["case.not_notified", "case.notified"]


class Counting:
    def __init__(self, sent=True):
        self.told = []
        self.sent = sent

    async def send(self, recipient, title, body):
        self.told.append(recipient.recipient_id)
        await asyncio.sleep(0)
        return Result(self.sent, "")


async def test_never_again_after_somebody_took_it_and_again_when_he_lets_go(centre):
    register(centre, a_recipient("desk-phone", "json://127.0.0.1:1"))
    channels = Counting()
    notifier = at_work(centre, channels)
    await centre.admit("sos")
    await centre.forward(duration_s=30)
    await go(notifier)
    (case,) = await centre.store.queue()
    held = await centre.claim(case)
    centre.now = held.lease_until_at
    await go(notifier)
    assert channels.told == ["desk-phone"]
    await centre.sweep()
    assert (await centre.see(case)).handling == "QUEUED"
    await go(notifier)
    await go(notifier)
    assert channels.told == ["desk-phone", "desk-phone"]


async def test_a_case_that_was_taken_in_the_same_moment_is_told_to_nobody(centre):
    register(centre, a_recipient("desk-phone", "json://127.0.0.1:1"))
    case = (await centre.admit("sos")).case
    await centre.forward(duration_s=30)
    (waiting,) = await centre.store.waiting(centre.now)
    await centre.claim(await centre.see(case))
    assert await centre.store.take_notices(waiting, centre.now, TAKE_S) == []


async def test_a_case_that_becomes_a_p1_at_a_desk_reaches_kin_once_and_nobody_else(centre):
    centre.homes["h-1"] = Home("330282999001")
    register(
        centre, a_recipient("daughter", "json://127.0.0.1:1", "kin", home_id="h-1", consented=True),
        a_recipient("son", "json://127.0.0.1:1", "kin", home_id="h-1"), a_recipient("desk-phone", "json://127.0.0.1:1"),
    )  # fmt: skip
    channels = Counting()
    notifier = at_work(centre, channels)
    case = (await centre.admit("fall", score=2)).case
    await centre.claim(case)
    await go(notifier)
    assert channels.told == []
    await centre.admit("fall", score=4, revision=2)
    risen = await centre.see(case)
    assert (risen.handling, risen.priority) == ("CLAIMED", 1)
    await go(notifier)
    await go(notifier)
    assert channels.told == ["daughter"], "the son has not agreed; the desk knows"
    centre.now = risen.lease_until_at
    await centre.sweep()
    assert (await centre.see(case)).handling == "QUEUED"
    await go(notifier)
    found = [rung for _, name, rung in await history(centre, case) if name == "daughter"]
    assert found == [0, 3], "nothing new at once; at 90 s nobody has it, and kin hear of that"


async def test_a_p1_that_a_desk_takes_before_anybody_looked_reaches_kin_and_is_tried_until_it_does(centre):
    centre.homes["h-1"] = Home("330282999001")
    register(centre, a_recipient("daughter", "json://127.0.0.1:1", "kin", home_id="h-1", consented=True))
    channels = Counting(sent=False)
    notifier = at_work(centre, channels)
    case = (await centre.admit("sos")).case
    await centre.claim(case)
    await go(notifier)
    channels.sent = True
    await centre.forward(duration_s=2)
    await go(notifier)
    await centre.forward(duration_s=20)
    await go(notifier)
    assert [reason for reason, _, _ in await history(centre, case)] == ["case.not_notified", "case.notified"]
    assert await centre.store.waiting(centre.now) == [] or isinstance(centre.store, MemoryCases)


async def test_a_rung_that_reaches_nobody_stands_in_the_history_once(centre):
    register(centre, a_recipient("chief", "json://127.0.0.1:1", "supervisor"))
    channels = Counting()
    notifier = at_work(centre, channels)
    case = (await centre.admit("sos")).case
    for after_s in (30, 30, 30):
        await centre.forward(duration_s=after_s)
        await go(notifier)
        await go(notifier)
    found = await history(centre, case)
    assert sorted(found) == [
        ("case.nobody_to_tell", "", 1),
        ("case.nobody_to_tell", "", 3),
        ("case.notified", "chief", 2),
    ]


async def test_both_twins_together_tell_once(centre):
    register(centre, *(a_recipient(f"desk-{number}", "json://127.0.0.1:1") for number in range(5)))
    await centre.admit("sos")
    await centre.forward(duration_s=30)
    one, other = Counting(), Counting()
    first, second = at_work(centre, one), at_work(centre, other)
    await asyncio.gather(first.once(), second.once())
    await asyncio.gather(first.idle(), second.idle())
    assert sorted(one.told + other.told) == [f"desk-{number}" for number in range(5)]


@pytest.mark.parametrize(("score", "again"), [(4, ["desk-phone"]), (2, [])])
async def test_a_crash_in_mid_send_may_repeat_a_p1_and_never_drops_it(centre, score, again):
    register(centre, a_recipient("desk-phone", "json://127.0.0.1:1"))
    case = (await centre.admit("fall", score=score)).case
    await centre.forward(duration_s=30 if case.priority == 1 else 180)
    (waiting,) = await centre.store.waiting(centre.now)
    (taken,) = await centre.store.take_notices(waiting, centre.now, TAKE_S)  # ... and then nothing more comes from it
    channels = Counting()
    notifier = at_work(centre, channels)
    await go(notifier)
    assert channels.told == []
    centre.now = taken.taken_until_at
    await go(notifier)
    assert channels.told == again


async def test_beyond_its_limit_a_recipient_hears_of_nothing_but_a_p1(centre):
    register(centre, a_recipient("desk-phone", "json://127.0.0.1:1", most_per_hour=1))
    channels = Counting()
    notifier = at_work(centre, channels)
    cases = [(await centre.admit("fall", score=2, home_id=f"h-{number}")).case for number in (1, 2)]
    await centre.forward(duration_s=180)
    await go(notifier)
    await go(notifier)
    # Both fell due in the same look, so the limit counts from the next one on.
    third = (await centre.admit("fall", score=2, home_id="h-3")).case
    await centre.forward(duration_s=180)
    await go(notifier)
    assert channels.told == ["desk-phone"] * len(cases)
    assert [reason for reason, _, _ in await history(centre, third)] == ["case.notice_limited"]
    await centre.admit("sos", home_id="h-4")
    await centre.forward(duration_s=30)
    await go(notifier)
    assert len(channels.told) == 3
