"""Tells of urgent detections that nobody has recorded: the database is away, so there is no case and no console shows it.

Each twin reads ``detections.urgent.v1`` by itself. What the database does not hold ``wait_s`` after it was read is told to those who were remembered while it
was there, once for each detection id. The second twin waits longer, and tells only where it has not heard from the first (``announcements.v1``, written when
the first is done: one that dies in between has said nothing). If they cannot hear each other both tell: twice, never not at all.
The case that follows inherits it: who was told is not told at rung 0 again, and its history says so.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

import msgspec

from alerts import notices
from alerts.channels import Channels
from alerts.notices import Announcement, Recipient
from alerts.store import CaseStore
from contracts.detections import Detection, Family

LOG = logging.getLogger("alerts")
UNRECORDED_S = 2.0
"""So long after it was read an urgent detection that nobody recorded is told, s. Design, section 4."""
SECOND_S = 3.0
"""So much longer the second twin waits, s: a message is out by then, or the first one is in trouble."""
LOOK_S = 1.0
"""Longest that the database may take to say what it holds, s; longer is away."""
REMEMBER_S = 300.0
"""How often it is remembered whom to tell if the database goes away, s: all kin of a city are some 100 MB to read."""
REMEMBERING_S = 60.0
"""Longest that this may take, s."""
FORGET_S = 86_400.0
ATTEMPTS, AGAIN_S = 5, 3.0
"""A message that fails is tried so often, so far apart, s."""
ALWAYS_P1: frozenset[Family] = frozenset({"sos", "smoke", "gas", "co"})
SURE_FALL = 3
"""Score from which a fall is a P1; what is less can wait for the database."""


class _Read(msgspec.Struct, frozen=True):
    detection: Detection
    at: datetime


class Unrecorded:
    """``hear`` each detection, ``heard`` what the twin told; ``once``, again and again, looks and tells. ``tell_twin``: may fail.

    ``memory``: the store by which is remembered whom to tell, where that takes long and must hold up nothing else.
    """

    def __init__(
        self, store: CaseStore, channels: Channels, clock: Callable[[], datetime], *, wait_s: float = UNRECORDED_S,
        tell_twin: Callable[[Announcement], Awaitable[None]] | None = None, memory: CaseStore | None = None,
    ) -> None:  # fmt: skip
        self._store = store
        self._memory = store if memory is None else memory
        self._channels = channels
        self._clock = clock
        self._wait_s = wait_s
        self._tell_twin = tell_twin
        self._read: dict[str, _Read] = {}
        self._told: dict[str, datetime] = {}
        self._to_keep: list[Announcement] = []
        self._recipients: Sequence[Recipient] = ()
        self._areas: dict[str, str] = {}
        self._remembered_at: datetime | None = None
        self._remembering: asyncio.Task[None] | None = None
        self._under_way: set[asyncio.Task[None]] = set()

    def hear(self, detection: Detection) -> None:
        """One was read from the log."""
        urgent = detection.family in ALWAYS_P1 or (detection.family == "fall" and detection.score >= SURE_FALL)
        if urgent and detection.on and not detection.test and detection.detection_id not in self._told:
            self._read.setdefault(detection.detection_id, _Read(detection, self._clock()))

    def heard(self, announcement: Announcement) -> None:
        """The twin told somebody (or this one did)."""
        self._read.pop(announcement.detection_id, None)
        self._told[announcement.detection_id] = announcement.at
        self._to_keep.append(announcement)

    async def once(self) -> None:
        """Forget what is recorded, begin to tell what is not; nothing waits for a message here."""
        if self._remembering is None or self._remembering.done():
            self._remembering = asyncio.create_task(self._remember())
            self._under_way.add(self._remembering)
            self._remembering.add_done_callback(self._under_way.discard)
        now = self._clock()
        due = [name for name, read in self._read.items() if (now - read.at).total_seconds() >= self._wait_s]
        held = await self._held(due) if due else set()
        for name in due:
            read = self._read.pop(name, None)  # the twin may have told it while the database was asked
            if read is None or name in held:
                continue
            self._told[name] = now
            task = asyncio.create_task(self._tell(read.detection))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        self._told = {name: at for name, at in self._told.items() if (now - at).total_seconds() < FORGET_S}

    async def idle(self) -> None:
        """When everything under way is done."""
        while self._under_way:
            await asyncio.gather(*self._under_way)

    async def stop(self) -> None:
        """Break off."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def keep(self) -> None:
        """Write down who was told, as soon as the database is back."""
        if not self._to_keep:
            return
        kept, self._to_keep = self._to_keep, []
        try:
            async with asyncio.timeout(LOOK_S):
                await self._store.keep_announcements(kept)
        except Exception:
            self._to_keep = [*kept, *self._to_keep]  # still away
            raise

    async def _held(self, names: Sequence[str]) -> set[str]:
        try:
            async with asyncio.timeout(LOOK_S):
                return await self._store.recorded(names)
        except Exception as error:
            LOG.warning(
                "the database does not say what it holds (%s): urgent detections are told as not yet recorded",
                type(error).__name__,
            )
            return set()

    async def _remember(self) -> None:
        now = self._clock()
        if self._remembered_at is not None and now - self._remembered_at < timedelta(seconds=REMEMBER_S):
            return
        try:
            async with asyncio.timeout(REMEMBERING_S):
                self._recipients, self._areas = await self._memory.recipients(now), await self._memory.areas()
            self._remembered_at = now
        except Exception as error:
            LOG.debug("whom to tell is as it was remembered: %s", type(error).__name__)

    async def _tell(self, detection: Detection) -> None:
        if self._remembered_at is None and self._remembering is not None:
            await asyncio.wait([self._remembering], timeout=LOOK_S)  # just started: it may know in a moment
        people = notices.people_for(self._recipients, self._areas, detection.home_id, self._clock())
        LOG.error(
            "%s of %s is not yet recorded; %d recipients are told", detection.family, detection.home_id, len(people)
        )
        await asyncio.gather(*(self._announce(detection, recipient) for recipient in people))

    async def _announce(self, detection: Detection, recipient: Recipient) -> None:
        title, body = notices.unrecorded_words(detection.family, detection.home_id, recipient)
        for attempt in range(1, ATTEMPTS + 1):
            result = await self._channels.send(recipient, title, body)
            if result.sent:
                break
            LOG.warning("%s was not told (attempt %d): %s", recipient.recipient_id, attempt, result.detail)
            await asyncio.sleep(AGAIN_S)
        told = Announcement(
            detection_id=detection.detection_id, recipient_id=recipient.recipient_id, at=self._clock(), sent=result.sent, detail=result.detail
        )  # fmt: skip
        self._to_keep.append(told)
        if result.sent and self._tell_twin is not None:
            try:
                await self._tell_twin(told)
            except Exception as error:
                LOG.warning("the twin does not hear that somebody was told: %s", type(error).__name__)
