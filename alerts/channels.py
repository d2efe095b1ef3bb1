"""The ways by which people are told: Apprise addresses (SMS and voice gateways, WeCom, DingTalk, Feishu, ntfy, mail, webhooks), and browsers by Web Push.

Each message has a thread of its own, so one that hangs or fails delays no other; what hangs is left behind after a limit, and while MOST_UNDER_WAY of
one recipient hang nothing further is sent to it. An address holds a secret: nothing here repeats it, nor what an exception says of it.
"""

import asyncio
import logging
import threading
from typing import NamedTuple, Protocol

import apprise

from alerts import web_push
from alerts.notices import Recipient

LOG = logging.getLogger("alerts")
# It writes addresses into its log where something fails; we say which recipient it was.
logging.getLogger("apprise").setLevel(logging.CRITICAL)


MOST_UNDER_WAY = 4
"""Messages to one recipient at the same time: more would be threads that hang."""


class Result(NamedTuple):
    """Whether somebody was told, and how it went."""

    sent: bool
    detail: str


class Channels(Protocol):
    """Tells one recipient."""

    async def send(self, recipient: Recipient, title: str, body: str) -> Result:
        """Never raises, and ends within its limit."""
        ...


class AppriseChannels:
    """Over the network. ``limit_s``: longest that one message may take. ``push_key``, ``push_contact``: this site's for Web Push."""

    def __init__(self, limit_s: float, push_key: str = "", push_contact: str = "") -> None:
        self._limit_s = limit_s
        self._push_key = push_key
        self._push_contact = push_contact
        self._under_way: dict[str, int] = {}
        self._lock = threading.Lock()
        threading.Thread(target=load_ways, name="loading ways", daemon=True).start()

    async def send(self, recipient: Recipient, title: str, body: str) -> Result:
        with self._lock:
            if self._under_way.get(recipient.recipient_id, 0) >= MOST_UNDER_WAY:
                return Result(False, "earlier messages to it still hang")
            self._under_way[recipient.recipient_id] = self._under_way.get(recipient.recipient_id, 0) + 1
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Result] = loop.create_future()

        def answer(result: Result) -> None:
            if not done.done():
                done.set_result(result)

        def work() -> None:
            try:
                result = self._tell(recipient.url, title, body)
            finally:
                with self._lock:
                    self._under_way[recipient.recipient_id] -= 1
            try:
                loop.call_soon_threadsafe(answer, result)
            except RuntimeError:
                pass  # the process is ending; the notice stays taken and is looked at after the next start

        # Not the loop's own threads: they are few, and what hangs keeps one.
        threading.Thread(target=work, name=f"telling {recipient.recipient_id}", daemon=True).start()
        try:
            async with asyncio.timeout(self._limit_s):
                return await done
        except TimeoutError:
            return Result(False, f"no answer within {self._limit_s:.0f} s")

    def _tell(self, url: str, title: str, body: str) -> Result:
        if not url.startswith(web_push.SCHEME):
            return _tell(url, title, body)
        if not self._push_key:
            return Result(False, "this site has no key for Web Push (SHOUWANG_PUSH_KEY)")
        try:
            sent, detail = web_push.send(
                url, title, body, key=self._push_key, contact=self._push_contact, limit_s=self._limit_s
            )
        except Exception as error:
            return Result(False, f"the push service cannot be reached: {type(error).__name__}")
        return Result(True, "taken") if sent else Result(False, detail)


def load_ways() -> None:
    """Load what Apprise needs for its ways: a second of work, on a busy machine many, that the first message must not wait for."""
    apprise.Apprise.instantiate("json://127.0.0.1")


def _tell(url: str, title: str, body: str) -> Result:
    try:
        way = apprise.Apprise()
        if not way.add(url):
            return Result(False, "its address cannot be used: see docs/notifying.md")
        # As plain text: a service that likes HTML or Markdown must not read either out of what a device said.
        sent = bool(way.notify(body=body, title=title, body_format=apprise.NotifyFormat.TEXT))
    except Exception as error:
        return Result(False, f"the way failed: {type(error).__name__}")
    return Result(True, "taken") if sent else Result(False, "the way refused it or cannot be reached")
