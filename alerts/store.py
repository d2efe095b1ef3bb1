"""The case store: the one hand by which detections, timers and operators change cases.

Every change is one transaction: compare-and-swap on (case, version, lease), its audit row, its outbox row and its timers together,
or nothing. Nothing here reads a clock: ``now`` is the caller's wall clock (UTC, aware).

Two stores stand behind one contract suite (``tests/contract/alerts``):
``alerts.memory.MemoryCases(homes=…)`` and ``alerts.timescale.TimescaleCases(pool)``.
What the memory store cannot do: survive its process, and be shared by two.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from alerts.asking import Answer, Asking, Person, Question
from alerts.calls import Call, Called
from alerts.cases import Admission, Case, CaseDetail, Place
from alerts.notices import Announcement, Notice, Recipient, Waiting
from alerts.working import Whom
from contracts.alerts import AlertEvent
from contracts.detections import Detection


class CaseStore(Protocol):
    """Operations on cases. Those of a holder name the lease and the version that the page shows; any of them renews the lease.

    Errors (``alerts.errors``), all of which change nothing: NoSuchCase, StaleClaim (its facts: ``desk_id``, ``version``, ``handling``),
    LeaseLost, NotPossible, and where said below.
    """

    async def admit(self, detection: Detection, now: datetime, place: Place | None = None) -> Admission:
        """Take one detection in; harmless to repeat. With ``place`` the reader's offset moves past it in the same transaction."""
        ...

    async def admit_many(self, read: Sequence[tuple[Detection, Place | None]], now: datetime) -> list[Admission]:
        """The same for several, of different homes, in one transaction: all of them or none. Raises ValueError where a home comes twice."""
        ...

    async def held(self, detections: Sequence[Detection]) -> set[tuple[str, str, int]]:
        """Which of these statements are held already, as (detection id, lane, revision)."""
        ...

    async def pass_over(self, places: Sequence[Place]) -> None:
        """Move a reader past records that need nothing."""
        ...

    async def called(self, call: Call, *, now: datetime, desk_id: str | None = None) -> Called:
        """A case of a telephone call, taken by ``desk_id`` with it (None: nobody answered; it waits). Harmless to repeat, by the call's id.

        One that is open in that home and family is joined; it becomes the desk's where nobody has it.
        """
        ...

    async def tie(
        self, case_id: str, *, version: int, lease_id: str, desk_id: str, home_id: str, area_code: str, now: datetime,
        resident_id: str | None = None, note: str = "",
    ) -> Case:  # fmt: skip
        """Say whose call it was, which nobody knew when the case was opened. Where that home has an open case of the family, it is folded into it.

        Raises NotUnknown, NotMergeable.
        """
        ...

    async def claim(self, case_id: str, *, version: int, desk_id: str, now: datetime) -> Case:
        """Give a queued case to one desk. The returned case holds ``lease_id`` and ``lease_until_at``."""
        ...

    async def renew(self, case_id: str, *, lease_id: str, desk_id: str, now: datetime) -> Case:
        """The operator is still there: the lease starts anew."""
        ...

    async def release(
        self, case_id: str, *, version: int, lease_id: str, desk_id: str, now: datetime, note: str = ""
    ) -> Case:
        """Back to the top of the queue; the former owner is noted."""
        ...

    async def leave(
        self, desk_id: str, *, now: datetime, successor: str | None = None, silent: bool = False
    ) -> list[Case]:
        """Somebody is gone, and his cases with him: back to the top of the queue; holds pass to ``successor`` where one signed for them.

        One transaction each, and harmless to repeat: what he does not have any more is left alone.
        """
        ...

    async def note(self, case_id: str, *, actor: str, text: str, now: datetime) -> Case:
        """Write into the history. Anybody may, at any version. Raises MissingWords."""
        ...

    async def step_done(
        self, case_id: str, *, version: int, lease_id: str, desk_id: str, step: str, done: bool, now: datetime, note: str = ""
    ) -> Case:  # fmt: skip
        """A step of the script was done, or was ticked by mistake; it stays with the case, whoever has it. Raises UnknownStep."""
        ...

    async def call_made(
        self, case_id: str, *, version: int, lease_id: str, desk_id: str, whom: Whom, result: str, now: datetime, note: str = ""
    ) -> Case:  # fmt: skip
        """Somebody was rung up; ``result`` is a code of ``alerts.call_results``. Raises UnknownResult."""
        ...

    async def escalate_now(
        self, case_id: str, *, version: int, lease_id: str | None, desk_id: str, now: datetime, note: str = ""
    ) -> Case:
        """Who is told next by the ladder is told now. A case that waits needs no lease. Raises NothingAbove."""
        ...

    async def verify(
        self, case_id: str, *, version: int, lease_id: str, desk_id: str, now: datetime, note: str = ""
    ) -> Case:
        """The desk is calling to learn what is true."""
        ...

    async def dispatch(
        self, case_id: str, *, version: int, lease_id: str, desk_id: str, now: datetime, note: str = ""
    ) -> Case:
        """A responder was sent; ``note`` says who. Raises MissingWords."""
        ...

    async def arrive(
        self, case_id: str, *, version: int, lease_id: str, desk_id: str, now: datetime, note: str = ""
    ) -> Case:
        """The responder is there (ON_SCENE)."""
        ...

    async def hold(
        self, case_id: str, *, version: int, lease_id: str, desk_id: str, reason: str, hold_s: float, now: datetime
    ) -> Case:
        """Wait with a reason and an end; then it alarms again. Raises MissingWords, HoldTooLong (P1 120 s, P2 900 s, else 4 h)."""
        ...

    async def shelve(
        self, case_id: str, *, version: int, lease_id: str, desk_id: str, reason: str, shelf_s: float, now: datetime
    ) -> Case:
        """Technical only, P4 or P5: out of the way until an end, 8 h at most. Raises NotShelvable, MissingWords, ShelfTooLong."""
        ...

    async def resolve(
        self, case_id: str, *, version: int, lease_id: str, desk_id: str, outcome: str, note: str, now: datetime, contact: str = "",
        steps: Sequence[str] = (), follow_up_s: float | None = None,
    ) -> Case:  # fmt: skip
        """It is over: ``outcome`` and ``contact`` are codes of ``alerts.outcomes``, ``steps`` those of ``alerts.scripts`` that were done.

        Closes after a day; with ``follow_up_s`` it comes back then unless ``follow_up`` was made. Raises UnknownOutcome, UnknownContact,
        StepsMissing, BadFollowUp.
        """
        ...

    async def merge(
        self, case_id: str, *, version: int, lease_id: str, desk_id: str, into: str, now: datetime, note: str = ""
    ) -> Case:
        """Fold it into another open case of its home, which takes over its signals; never undone. Raises NotMergeable."""
        ...

    async def look(self, case_id: str, *, version: int, actor: str, now: datetime, note: str = "") -> Case:
        """The second look at a resolved P1; one that nobody had comes back instead of closing. Raises SameEyes."""
        ...

    async def follow_up(self, case_id: str, *, version: int, actor: str, note: str, now: datetime) -> Case:
        """Somebody looked again: a resolved case closes. Raises MissingWords, NotLookedAt."""
        ...

    async def reopen(self, case_id: str, *, version: int, actor: str, reason: str, now: datetime) -> Case:
        """Back into the queue under the same id, within 24 h. Raises MissingWords, TooLateToReopen, OtherCaseOpen."""
        ...

    async def end_window(self, case_id: str, now: datetime) -> Case:
        """What did not ring while out of service rings; harmless where it is not (or no longer) so."""
        ...

    async def asking(self, now: datetime, limit: int = 200) -> list[Asking]:
        """Cases about which somebody is asked, with who may be and what was tried; the next to end first."""
        ...

    async def begin_round(self, case_id: str, people: Sequence[Person], now: datetime, take_s: float) -> list[Question]:
        """Questions to put now, this caller's for ``take_s``; none where another twin is at it, or nothing is due."""
        ...

    async def told(self, case_id: str, questions: Sequence[Question], now: datetime, enough: int = 0) -> Case:
        """What became of an attempt (``told`` and ``detail`` of each); where nobody at all can be asked the case goes into the queue."""
        ...

    async def answer(
        self, question_id: str, answer: Answer, *, now: datetime, token: str | None = None, kin: str | None = None, note: str = ""
    ) -> Case:  # fmt: skip
        """Somebody answered: by voice with the question's ``token``, or ``kin`` by the app. At any time, harmless to repeat. Raises NoSuchQuestion."""
        ...

    async def waiting(self, now: datetime, limit: int = 200) -> list[Waiting]:
        """Cases of which people may have to be told: that nobody has, whose desk asked for more people, and P1 of which kin may not have heard; the most urgent first."""
        ...

    async def take_notices(self, waiting: Waiting, now: datetime, take_s: float) -> list[Notice]:
        """What to send now, this caller's for ``take_s``; none where somebody has taken the case (kin hear of a P1 all the same), or the twin is at it."""
        ...

    async def noticed(self, told: Sequence[Notice]) -> None:
        """How it went (``alerts.notices.after``): kept, and in the history."""
        ...

    async def recipients(self, now: datetime) -> list[Recipient]:
        """Everybody who may be told of anything; remembered for the time when the database is away."""
        ...

    async def areas(self) -> dict[str, str]:
        """Area codes by home, for the same time."""
        ...

    async def recorded(self, detection_ids: Sequence[str]) -> set[str]:
        """Which detections are held."""
        ...

    async def keep_announcements(self, told: Sequence[Announcement]) -> None:
        """Who was told before the database was back: the case that follows does not tell them at rung 0 again."""
        ...

    async def reviews(self) -> dict[str, float]:
        """Open incident reviews: how long the case had waited when it opened, s."""
        ...

    async def queue(self, area_prefix: str = "") -> list[Case]:
        """Open cases of an area (prefix of its code) and of unregistered homes, in queue order: priority, returned ones first, deadline."""
        ...

    async def case(self, case_id: str) -> CaseDetail:
        """A case with its signals, timers and audit."""
        ...

    async def cases_of_home(self, home_id: str, limit: int = 50) -> list[Case]:
        """Cases of one home, newest first."""
        ...

    async def fire_due(self, now: datetime, limit: int = 100) -> list[AlertEvent]:
        """Fire timers with ``due_at <= now``; the changes they made. Call again while it returns ``limit``."""
        ...

    async def reevaluate(self, now: datetime) -> list[Admission]:
        """After a start: take in every stored true detection that no case holds, and set every timer that an open case lacks."""
        ...

    async def unsent(self, limit: int = 500) -> Sequence[AlertEvent]:
        """Events in the outbox that were not sent yet, in order of writing (for tests and status; the relay claims them itself)."""
        ...
