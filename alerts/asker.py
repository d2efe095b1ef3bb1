"""Puts questions to people: by telephone through a voice gateway, to kin by the app, which their browsers show (Web Push). ``docs/voice-gateway.md`` is the gateway's side.

Both twins go round; a question is taken in the database before it is put (``CaseStore.begin_round``), so one twin rings. What a dead one had taken the
other puts again when its time is over: somebody may be rung up twice, never not at all. Whatever fails here, the timer of the case ends the asking.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple, Protocol

import httpx
import msgspec

from alerts.asking import ASKED_PER_DAY, Asking, Question, rounds_due
from alerts.channels import Channels
from alerts.notices import Recipient, after, of_question, question_words
from alerts.patience import Patience, Stopping
from alerts.store import CaseStore
from contracts.clocks import now
from contracts.detections import Family
from contracts.questions import of_resident

LOG = logging.getLogger("alerts")
TAKE_S = 15.0
"""How long a question is one twin's, s: longer than a gateway may take to say that it has it."""
AT_ONCE = 50
"""Questions under way at the same time; what hangs holds one place for the gateway's time limit."""


class Told(NamedTuple):
    """Whether the channel took a question, and its own words."""

    sent: bool
    detail: str


class Asker(Protocol):
    """Puts a question by telephone. The answer comes by another way (``POST /api/v1/questions/{id}/answer``)."""

    async def ask(self, question: Question, family: Family, until: datetime) -> Told:
        """Never raises."""
        ...


class NoGateway:
    """No voice gateway is set: nobody can be rung up."""

    async def ask(self, question: Question, family: Family, until: datetime) -> Told:
        return Told(False, "no voice gateway is set (SHOUWANG_ALERTS_VOICE_URL)")


class VoiceGateway:
    """Any program that takes an HTTP POST and rings people up."""

    def __init__(self, url: str, secret: str, answer_url: str, limit_s: float) -> None:
        self._url = url
        self._answer_url = answer_url.rstrip("/")
        headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        self._limit_s = limit_s
        self._client = httpx.AsyncClient(timeout=limit_s, headers=headers, follow_redirects=False)

    async def ask(self, question: Question, family: Family, until: datetime) -> Told:
        said = of_resident(family)
        body = {
            "question_id": question.question_id,
            "round": question.round,
            "phone": question.phone,
            "family": family,
            "text": {"zh": said.zh, "en": said.en},
            "answers": ["well", "help", "unsure", "silence"],
            "until": until.isoformat(),
            "answer_url": f"{self._answer_url}/{question.question_id}/answer",
            "token": question.token,
        }
        try:
            # httpx limits each read, not the whole: a gateway that drips a byte a second must not hold this place.
            async with asyncio.timeout(self._limit_s):
                answer = await self._client.post(self._url, json=body)
        except TimeoutError:
            return Told(False, f"the gateway did not answer within {self._limit_s:.0f} s")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return Told(False, f"the gateway cannot be reached: {str(error).strip() or type(error).__name__}")
        if answer.is_success:
            return Told(True, "the gateway rings")
        return Told(False, f"the gateway answered {answer.status_code}")

    async def close(self) -> None:
        await self._client.aclose()


class AskingFirst:
    """One twin's round over the cases about which somebody is asked. ``changed`` is called after each change; ``channels`` show kin's browsers the question;
    a home is asked about ``per_day`` cases in 24 h, and a desk hears of further ones at once."""

    def __init__(
        self, store: CaseStore, asker: Asker, channels: Channels, patience: Patience, changed: Callable[[], None], every_s: float,
        clock: Callable[[], datetime] = now, per_day: int = ASKED_PER_DAY,
    ) -> None:  # fmt: skip
        self._store = store
        self._asker = asker
        self._channels = channels
        self._per_day = per_day
        self._patience = patience
        self._changed = changed
        self._every_s = every_s
        self._clock = clock
        self._places = asyncio.Semaphore(AT_ONCE)
        self._under_way: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Until stopping."""
        try:
            while True:
                await self._patience.until_done("asking first", self.once)
                await self._patience.pause(self._every_s)
        except Stopping:
            pass
        finally:
            for task in self._under_way.values():
                task.cancel()
            await asyncio.gather(*self._under_way.values(), return_exceptions=True)

    async def once(self) -> None:
        """Begin whatever is due; nothing waits for a gateway here."""
        for case_id, task in list(self._under_way.items()):
            if task.done():
                del self._under_way[case_id]
        for asking in await self._store.asking(self._clock()):
            case_id = asking.case.case_id
            if case_id in self._under_way or not _due(asking, self._clock()):
                continue
            self._under_way[case_id] = asyncio.create_task(self._round(asking), name=f"asking about {case_id}")

    async def idle(self) -> None:
        """When every question under way has got its word."""
        await asyncio.gather(*self._under_way.values())

    async def _round(self, asking: Asking) -> None:
        case_id = asking.case.case_id
        try:
            if not asking.questions and asking.asked_lately >= self._per_day:
                await self._patience.until_done(
                    "not asking again", lambda: self._store.told(case_id, (), self._clock(), asking.asked_lately)
                )
                self._changed()
                return
            taken = await self._patience.until_done(
                "taking questions", lambda: self._store.begin_round(case_id, asking.people, self._clock(), TAKE_S)
            )
            if not taken and asking.people:
                return  # the twin is at it
            tried = await asyncio.gather(*(self._put(question, asking) for question in taken))
            await self._patience.until_done(
                "keeping what became of questions", lambda: self._store.told(case_id, tried, self._clock())
            )
            self._changed()
        except Stopping:
            pass
        except Exception:
            # The timer of the case ends the asking whatever happens here; the others go on.
            LOG.exception("asking about case %s failed", case_id)

    async def _put(self, question: Question, asking: Asking) -> Question:
        if question.channel == "app":
            said = Told(True, await self._in_the_app(question, asking))
        else:
            async with self._places:
                until = asking.case.asking_until_at or self._clock()
                said = await self._asker.ask(question, asking.case.family, until)
        return msgspec.structs.replace(question, told=said.sent, detail=said.detail)

    async def _in_the_app(self, question: Question, asking: Asking) -> str:
        """It stands there whatever becomes of showing it; who is asked may have several browsers, and one for each resident of a home."""
        browsers = {each.url: each for each in asking.browsers if each.user_name == question.recipient}
        shown = await asyncio.gather(*(self._show(each, asking) for each in browsers.values()))
        return f"stands in the app, shown at {sum(shown)} of {len(shown)} browsers"

    async def _show(self, browser: Recipient, asking: Asking) -> bool:
        """A notice as any other: with its result in the history."""
        notice = of_question(asking.case, browser, self._clock(), TAKE_S)
        if notice.sent is None:
            result = await self._channels.send(browser, *question_words(asking.case, browser))
            notice = after(notice, result.sent, result.detail, self._clock())
        await self._patience.until_done("keeping who was shown a question", lambda: self._store.noticed([notice]))
        return bool(notice.sent)


def _due(asking: Asking, now: datetime) -> bool:
    """Whether a round has to begin: nobody was asked in it yet, or what was taken did not come back. Nobody at all: that has to be said."""
    number = rounds_due(asking.case, now)
    if number == 0:
        return False
    if any(question.told is None and question.taken_until_at <= now for question in asking.questions):
        return True
    if not asking.people:
        return not asking.questions
    if any(person.channel == "voice" for person in asking.people):
        return not any(q.channel == "voice" and q.round >= number for q in asking.questions)
    return not asking.questions
