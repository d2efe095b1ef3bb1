"""The asker at work over both stores, with a real voice gateway on loopback that works, fails, hangs or is not there."""

import asyncio
import time
from datetime import timedelta

import psycopg
import pytest

from alerts.asker import AskingFirst, NoGateway, Told, VoiceGateway
from alerts.asking import ASKED_PER_DAY
from alerts.channels import Result
from alerts.memory import Home, MemoryCases
from alerts.notices import Recipient
from alerts.notifier import Notifier
from alerts.patience import Patience
from alerts.web_push import GONE
from tests.contract.alerts.endpoint import endpoint

HOME = Home("330282999001", phones={"r-1": "+86 138 0000 0001"}, kin=("daughter",))


class StandIn:
    """An asker without a telephone: keeps whom it was to ring up, and says what it is told to."""

    def __init__(self, *said: Told) -> None:
        self.rung = []
        self.said = list(said)

    async def ask(self, question, family, until):
        self.rung.append((question.recipient, question.phone, question.round, family))
        return self.said.pop(0) if self.said else Told(True, "rings")


class Browsers:
    """Push services: what they were to show where, and one that takes nothing any more."""

    def __init__(self, gone=()):
        self.shown = []
        self.gone = gone

    async def send(self, recipient, title, body):
        self.shown.append((recipient.recipient_id, title, body))
        return Result(False, GONE) if recipient.recipient_id in self.gone else Result(True, "taken")


def at_work(centre, asker, channels=None, per_day=ASKED_PER_DAY):
    return AskingFirst(
        centre.store, asker, channels or Browsers(), Patience(asyncio.Event(), 0.01), lambda: None, 0.01, lambda: centre.now, per_day
    )  # fmt: skip


def subscribe(centre, *names, told=True):
    """Browsers of the daughter; ``told``: the resident agreed that she may be told."""
    if isinstance(centre.store, MemoryCases):
        centre.store.known_recipients += [
            Recipient(
                recipient_id=name, kind="kin", url=f"push:{name}", home_id="h-1", user_name="daughter", way="push", consented=told
            )
            for name in names
        ]  # fmt: skip
        return
    with psycopg.connect(centre.homes._conninfo, autocommit=True) as connection:
        scopes = ["alerts", "told"] if told else ["alerts"]
        connection.execute(
            "INSERT INTO consents (resident_id, user_name, scopes, given_by, ground, recorded_by) VALUES ('r-1', 'daughter', %s, 'resident', 'test', 'test')",
            [scopes],
        )
        for name in names:
            connection.execute(
                "INSERT INTO recipients (recipient_id, kind, url, home_id, consented_at, lowest_priority, user_name, resident_id, way, reach)"
                " VALUES (%s, 'kin', %s, 'h-1', to_timestamp(0), 1, 'daughter', 'r-1', 'push', %s)",
                [name, f"push:{name}", name],
            )


async def go_round(asking):
    await asking.once()
    await asking.idle()
    await asking.once()


async def a_doubt(centre, **fields):
    return (await centre.admit("fall", **({"score": 1, "resident_id": "r-1"} | fields))).case


async def test_each_round_rings_up_once_and_the_app_is_asked_once(centre):
    centre.homes["h-1"] = HOME
    case, phone = await a_doubt(centre), StandIn()
    asking = at_work(centre, phone)
    for after_s in (0, 10, 49, 1, 30):
        centre.now += timedelta(seconds=after_s)
        await go_round(asking)
    assert phone.rung == [("r-1", "+86 138 0000 0001", 1, "fall"), ("r-1", "+86 138 0000 0001", 2, "fall")]
    history = [row for row in (await centre.store.case(case.case_id)).audit if row.action == "asked"]
    assert [(row.facts["round"], row.facts["sent"]) for row in history] == [(1, 2), (2, 1)]
    assert "app daughter: stands in the app" in history[0].facts["note"]


async def test_the_question_is_shown_once_at_each_browser_of_kin_and_stands_in_the_history_with_its_result(centre):
    centre.homes["h-1"] = HOME
    subscribe(centre, "push-old", "push-phone")
    case, browsers = await a_doubt(centre), Browsers(gone=("push-old",))
    asking = at_work(centre, StandIn(), browsers)
    for after_s in (0, 10, 50):
        centre.now += timedelta(seconds=after_s)
        await go_round(asking)
    assert sorted(name for name, _, _ in browsers.shown) == ["push-old", "push-phone"]
    assert all("h-1" in body and "r-1" not in title + body for _, title, body in browsers.shown), "it names nobody"
    audit = (await centre.store.case(case.case_id)).audit
    said = sorted((row.reason, row.facts["recipient"], row.facts["note"]) for row in audit if row.action == "notified")
    assert said == [("case.question_not_pushed", "push-old", GONE), ("case.question_pushed", "push-phone", "taken")]
    assert "shown at 1 of 2 browsers" in next(row.facts["note"] for row in audit if row.action == "asked")
    if not isinstance(centre.store, MemoryCases):
        left = [each.recipient_id for each in await centre.store.recipients(centre.now)]
        assert left == ["push-phone"], "who gave the subscription up is tried no more"


async def test_what_was_asked_is_no_p1_that_was_told(centre):
    centre.homes["h-1"] = HOME
    subscribe(centre, "push-phone")
    browsers = Browsers()
    await a_doubt(centre)
    await go_round(at_work(centre, StandIn(), browsers))
    await centre.admit("fall", score=4, revision=2, resident_id="r-1")
    notifier = Notifier(centre.store, browsers, Patience(asyncio.Event(), 0.01), 0.01, lambda: centre.now)
    await notifier.once()
    await notifier.idle()
    assert [title for _, title, _ in browsers.shown] == ["守望：请问是否平安", "守望：跌倒警情"]


async def test_without_consent_to_be_told_nothing_is_shown_and_the_question_stands_in_the_app(centre):
    centre.homes["h-1"] = HOME
    subscribe(centre, "push-phone", told=False)
    browsers = Browsers()
    await a_doubt(centre)
    await go_round(at_work(centre, StandIn(), browsers))
    assert browsers.shown == []
    (asking,) = await centre.store.asking(centre.now)
    assert ("app", True) in {(question.channel, question.told) for question in asking.questions}


async def test_a_home_that_was_asked_often_enough_is_a_desk_s_at_once_and_asked_again_a_day_later(centre):
    centre.homes["h-1"] = HOME
    phone = StandIn()
    asking = at_work(centre, phone, per_day=1)
    first = await a_doubt(centre)
    await go_round(asking)
    second = (await centre.admit("vitals", score=1, resident_id="r-1")).case
    assert second.handling == "ASKING"
    await go_round(asking)
    assert [(await centre.see(each)).handling for each in (first, second)] == ["ASKING", "QUEUED"]
    said = [row.facts for row in (await centre.store.case(second.case_id)).audit if row.reason == "case.asked_enough"]
    assert said == [{"asked": 1}]
    assert [family for _, _, _, family in phone.rung] == ["fall"]
    centre.now += timedelta(seconds=60)
    await go_round(asking)
    assert [family for _, _, _, family in phone.rung] == ["fall", "fall"], "what is being asked goes on"
    centre.now += timedelta(hours=24, seconds=1)
    third = (await centre.admit("stove", score=1, resident_id="r-1")).case
    await go_round(asking)
    assert (await centre.see(third)).handling == "ASKING"


async def test_the_round_of_one_twin_is_not_the_other_s(centre):
    centre.homes["h-1"] = HOME
    await a_doubt(centre)
    one, other = StandIn(), StandIn()
    first, second = at_work(centre, one), at_work(centre, other)
    await asyncio.gather(first.once(), second.once())
    await asyncio.gather(first.idle(), second.idle())
    assert len(one.rung) + len(other.rung) == 1


async def test_without_a_gateway_and_without_kin_it_is_in_the_queue_at_once(centre):
    centre.homes["h-1"] = Home("330282999001", phones={"r-1": "+86 138 0000 0001"})
    case = await a_doubt(centre)
    elsewhere = await a_doubt(centre, home_id="h-3", resident_id=None)
    await go_round(at_work(centre, NoGateway()))
    for each in (case, elsewhere):
        assert (await centre.see(each)).handling == "QUEUED"
    assert "no voice gateway is set" in (await centre.store.case(case.case_id)).audit[1].facts["note"]


async def test_a_gateway_gets_the_number_the_words_and_where_the_answer_goes(centre):
    centre.homes["h-1"] = HOME
    case = await a_doubt(centre)
    async with endpoint() as gateway:
        voice = VoiceGateway(gateway.url, "a word", "http://127.0.0.1:1/api/v1/questions/", 2.0)
        await go_round(at_work(centre, voice))
        await voice.close()
    ((body,), (headers,)) = gateway.posts, gateway.headers
    assert headers["authorization"] == "Bearer a word"
    assert (body["phone"], body["family"], body["round"]) == ("+86 138 0000 0001", "fall", 1)
    assert body["answer_url"] == f"http://127.0.0.1:1/api/v1/questions/{body['question_id']}/answer"
    assert body["until"] == case.asking_until_at.isoformat()
    assert set(body["text"]) == {"zh", "en"}
    for secret in ("r-1", "h-1", case.case_id, "330282"):
        assert secret not in str(body), "a gateway learns a number and no more"
    done = await centre.store.answer(body["question_id"], "well", token=body["token"], now=centre.now)
    assert done.outcome == "resident_well"


@pytest.mark.parametrize("mode", ["fails", "gone", "hangs"])
async def test_a_gateway_that_does_not_work_leaves_a_desk_to_look(centre, mode):
    centre.homes["h-1"] = Home("330282999001", phones={"r-1": "+86 138 0000 0001"})
    case = await a_doubt(centre)
    async with endpoint() as gateway:
        gateway.mode = mode
        voice = VoiceGateway(gateway.url, "", "http://127.0.0.1:1", 0.3)
        await go_round(at_work(centre, voice))
        await voice.close()
    assert (await centre.see(case)).handling == "QUEUED"
    assert [row.reason for row in (await centre.store.case(case.case_id)).audit][1:] == [
        "case.asked",
        "case.cannot_ask",
    ]


async def test_a_question_that_hangs_delays_no_other(centre):
    centre.homes["h-1"] = HOME
    centre.homes["h-2"] = Home("330282999001", phones={"r-2": "+86 138 0000 0002"})
    slow, quick = await a_doubt(centre), await a_doubt(centre, home_id="h-2", resident_id="r-2")

    class Uneven(StandIn):
        async def ask(self, question, family, until):
            if question.recipient == "r-1":
                await asyncio.sleep(3600)
            return await super().ask(question, family, until)

    asking = at_work(centre, Uneven())
    began_s = time.monotonic()
    await asking.once()
    while (await centre.see(quick)).version == quick.version:
        await asyncio.sleep(0.01)
        assert time.monotonic() - began_s < 5
    assert (await centre.see(slow)).handling == "ASKING"
    stopping = asking._patience.stopping
    stopping.set()
    await asking.run()
