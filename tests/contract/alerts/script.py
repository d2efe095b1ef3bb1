"""Random but repeatable work for a watch centre, and what must hold after each step whatever was done."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from random import Random
from typing import Any

import msgspec

from alerts.asking import Question
from alerts.cases import OWNED, Case
from alerts.lifecycle import timers_of
from alerts.memory import Home
from alerts.rules import LATCHING, RESTORABLE
from alerts.windows import Window
from alerts.working import Whom
from contracts.detections import detection_id
from contracts.errors import ShouwangError
from tests.contract.alerts.centre import START, Centre

FAMILIES = ("sos", "fall", "no_life", "technical", "water", "smoke", "stove")
HOMES = ("h-1", "h-2", "h-3")
RECORDS = {
    "h-1": Home("330282999001", phones={"r-1": "+86 138 0000 0001"}, kin=("daughter",)),
    "h-2": Home(
        "330282999001",
        phones={"r-2": "+86 138 0000 0002"},
        windows=(
            (
                START,
                Window(
                    window_id=1,
                    until_at=START + timedelta(hours=8),
                    reason="new hub",
                    substitute="a neighbour",
                    device_id="d-1",
                ),
            ),
        ),
    ),
}
"""Whom one may ask; in h-3 nobody. In h-2 one device is out of service for a while."""
DESKS = ("desk-1", "desk-2")
OUTCOMES_SAID = ("sensor_false", "accidental_press", "assistance", "medical", "duplicate", "test")


class Script:
    """One seeded story. ``step`` does the next thing; the same seed does the same on any store that answers the same."""

    def __init__(self, centre: Centre, seed: int, *, working: bool = False) -> None:
        """``working``: desks also tick steps, call and ask for more people. By dice of their own, so that known stories stay as they are."""
        self.centre = centre
        self.random = Random(seed)
        self.beside = Random(seed + 1) if working else None
        self.known: list[str] = []
        for home_id, home in RECORDS.items():
            centre.homes[home_id] = home
        self.asked: list[Question] = []
        self.pages: dict[str, Case] = {}
        """Cases as some page shows them: often old."""
        self.urgency: dict[str, int] = {}
        self.starts: Sequence[int] = (100, 200)
        """When episodes begin, s: few, so that a story is about few cases."""
        self.homes: Sequence[str] = HOMES
        self.accepted = 0
        self.refused = 0

    async def step(self) -> str:
        """One thing happens; what it was and how it went, in words."""
        what = self.random.choices(
            ("detection", "operator", "time", "look", "restart", "ask", "answer", "leave"),
            (4, 10, 2, 4, 0.3, 1, 1, 0.5),
        )[0]
        said: object = await getattr(self, f"_{what}")()
        if self.beside is not None and self.beside.random() < 0.3:
            said = (said, await self._working(self.beside))
        return f"{what}: {said}"

    async def _working(self, dice: Random) -> object:
        """Something that changes nothing but the history, the lease and who is told."""
        held = sorted(case_id for case_id, page in self.pages.items() if page.desk_id)
        page = self.pages[dice.choice(held)] if held else None
        if page is None:
            return "nobody works"
        store, now = self.centre.store, self.centre.now
        holder: dict[str, Any] = {
            "version": page.version,
            "lease_id": page.lease_id or "",
            "desk_id": page.desk_id,
            "now": now,
        }
        name = dice.choice(("step_done", "call_made", "escalate_now"))
        fields: dict[str, Any] = {
            "step_done": {"step": dice.choice(("spoke", "kin", "none")), "done": dice.random() < 0.8},
            "call_made": {"whom": Whom(contact_id=1, rank=1), "result": dice.choice(("reached", "never"))},
            "escalate_now": {},
        }[name]
        try:
            after = await getattr(store, name)(page.case_id, **holder, **fields)
        except ShouwangError as refused:
            return (name, type(refused).__name__)
        self.pages[page.case_id] = after
        return (name, page.case_id, after.version, after.rung, after.called_rungs)

    async def _detection(self) -> object:
        rnd = self.random
        family, lane, revision = rnd.choice(FAMILIES), rnd.choice(("urgent", "bulk")), rnd.randint(1, 3)
        withdrawn = rnd.random() < 0.15
        home_id, named = rnd.choice(self.homes), (rnd.choice(("one", "two")), float(rnd.choice(self.starts)))
        admission = await self.centre.admit(
            family, home_id=home_id, started_at_s=rnd.choice(self.starts), lane=lane, revision=revision,
            event_at_s=1000.0 + 10 * revision, detector=rnd.choice(("one", "two")), device_id=rnd.choice(("d-1", "d-2", None)),
            on=not withdrawn and rnd.random() < 0.7, withdrawn=withdrawn, score=rnd.randint(0, 4), test=rnd.random() < 0.05,
            about=detection_id(home_id, *named) if rnd.random() < 0.2 else None,
        )  # fmt: skip
        if admission.case_id and admission.case_id not in self.known:
            self.known.append(admission.case_id)
        if admission.case:
            self.pages.setdefault(admission.case_id, admission.case)
        return (admission.result, admission.case_id, admission.change)

    async def _look(self) -> object:
        for case_id in self.known:
            if self.random.random() < 0.7:
                self.pages[case_id] = await self.centre.see(case_id)
        return sorted(self.pages)

    async def _operator(self) -> object:
        if not self.pages:
            return "no page"
        page = self.pages[self.random.choice(sorted(self.pages))]
        desk, now, store = self.random.choice(DESKS), self.centre.now, self.centre.store
        holder: dict[str, Any] = {"version": page.version, "lease_id": page.lease_id or "", "desk_id": desk, "now": now}
        if page.desk_id and self.random.random() < 0.8:
            holder["desk_id"] = desk = page.desk_id
        likely = ["verify", "dispatch", "arrive", "resolve", "renew"]
        if page.handling in ("QUEUED", "ASKING", "SHELVED", "SUSPENDED"):
            likely = ["claim"]
        elif page.handling == "RESOLVED":
            likely = ["look", "follow_up"]
        elif page.family in RESTORABLE:
            likely.append("shelve")
        name = self.random.choice(
            [
                *likely * 3,
                "claim",
                "release",
                "note",
                "verify",
                "dispatch",
                "arrive",
                "hold",
                "resolve",
                "reopen",
                "renew",
                "shelve",
                "merge",
                "look",
                "follow_up",
            ]
        )
        call: Any = {
            "claim": lambda: store.claim(page.case_id, version=page.version, desk_id=desk, now=now),
            "renew": lambda: store.renew(page.case_id, lease_id=holder["lease_id"], desk_id=desk, now=now),
            "note": lambda: store.note(page.case_id, actor=desk, text="rang", now=now),
            "hold": lambda: store.hold(page.case_id, reason="busy", hold_s=100, **holder),
            "shelve": lambda: store.shelve(page.case_id, reason="known", shelf_s=3000, **holder),
            "merge": lambda: store.merge(page.case_id, into=self.random.choice(sorted(self.pages)), **holder),
            "look": lambda: store.look(page.case_id, version=page.version, actor=desk, now=now),
            "follow_up": lambda: store.follow_up(page.case_id, version=page.version, actor=desk, note="well", now=now),
            "resolve": lambda: store.resolve(
                page.case_id,
                outcome=self.random.choice(OUTCOMES_SAID),
                note="",
                contact="kin",
                steps=("spoke", "hurt", "out", "off"),
                follow_up_s=None if now.second % 2 else 3600,
                **holder,
            ),
            "reopen": lambda: store.reopen(page.case_id, version=page.version, actor=desk, reason="again", now=now),
        }.get(name, lambda: getattr(store, name)(page.case_id, note="Mr Chen", **holder))
        try:
            after = await call()
        except ShouwangError as refused:
            self.refused += 1
            return (name, page.case_id, type(refused).__name__, str(refused))
        self.accepted += 1
        self.pages[page.case_id] = after
        return (name, page.case_id, after.version)

    async def _ask(self) -> object:
        """An asker goes round: what it tried, and how that went."""
        store, now, tried = self.centre.store, self.centre.now, []
        for asking in await store.asking(now):
            taken = await store.begin_round(asking.case.case_id, asking.people, now, 10)
            self.asked += taken
            went = [msgspec.structs.replace(q, told=self.random.random() < 0.7, detail="tried") for q in taken]
            if taken or not asking.people:
                after = await store.told(asking.case.case_id, went, now)
                tried.append((asking.case.case_id, [q.question_id for q in taken], after.version))
        return tried

    async def _answer(self) -> object:
        if not self.asked:
            return "nobody was asked"
        question, answer = self.random.choice(self.asked), self.random.choice(("well", "help", "unsure", "silence"))
        token = "guessed" if self.random.random() < 0.2 else question.token
        kin = question.recipient if question.channel == "app" else None
        try:
            after = await self.centre.store.answer(
                question.question_id, answer, token=token, kin=kin, now=self.centre.now
            )
        except ShouwangError as refused:
            return (question.question_id, type(refused).__name__)
        return (question.question_id, answer, after.case_id, after.version)

    async def _leave(self) -> object:
        """Somebody goes: signed off, silent, or with a successor who signed for his promises."""
        desk = self.random.choice(DESKS)
        successor = self.random.choice((None, next(other for other in DESKS if other != desk)))
        before = [await self.centre.see(case_id) for case_id in self.known]
        gone = await self.centre.store.leave(
            desk, now=self.centre.now, successor=successor, silent=successor is None and self.random.random() < 0.5
        )
        assert {case.case_id for case in gone} == {case.case_id for case in before if case.desk_id == desk}
        for case in gone:
            was = next(each for each in before if each.case_id == case.case_id)
            assert case.former_desk_id == desk, "the former owner is noted"
            if was.handling == "HELD" and successor is not None:
                assert (case.handling, case.desk_id, case.held_until_at) == ("HELD", successor, was.held_until_at)
            else:
                assert (case.handling, case.desk_id, case.queued_at) == ("QUEUED", None, was.queued_at)
        return [(case.case_id, case.handling, case.version) for case in gone]

    async def _time(self) -> object:
        await self.centre.forward(duration_s=self.random.choices((1, 10, 45, 90, 3600, 90_000), (6, 5, 3, 2, 1, 1))[0])
        return [(event.event_id, event.change) for event in self.centre.fired]

    async def _restart(self) -> object:
        return [(found.case_id, found.change) for found in await self.centre.store.reevaluate(self.centre.now)]

    async def check(self) -> None:
        """What holds at every moment."""
        store = self.centre.store
        rules = await store.rules(self.centre.now)
        told: dict[str, list[int]] = defaultdict(list)
        for event in await store.unsent(limit=100_000):
            told[event.case.case_id].append(event.case.version)
        opened = set()
        for case_id in self.known:
            detail = await store.case(case_id)
            case = detail.case
            every_version = list(range(1, case.version + 1))
            assert [row.version for row in detail.audit if row.version] == every_version, (
                "each change has its audit row"
            )
            assert told[case_id] == every_version, "each change is told"
            assert case.priority <= self.urgency.get(case_id, 5), "a priority never falls"
            self.urgency[case_id] = case.priority
            assert {timer.kind: timer.due_at for timer in detail.timers} == timers_of(case, rules)
            assert (case.desk_id is not None) == (case.handling in (*OWNED, "HELD"))
            assert (case.lease_id is None) == (case.desk_id is None)
            assert (case.lease_until_at is not None) == (case.handling in OWNED)
            assert not case.called_rungs or case.handling in (*OWNED, "HELD"), (
                "only who has a case asks for more people"
            )
            assert (case.asking_until_at is not None) == (case.handling == "ASKING")
            if case.handling == "ASKING":
                assert case.priority == 3, "a P1 or P2 never waits for an answer"
                assert case.queued_at is None
            if case.handling == "SUSPENDED":
                assert case.held_until_at, "nothing is silent for ever"
                assert case.queued_at is None
            if case.handling == "MERGED" and case.merged_into is not None:
                into = await store.case(case.merged_into)
                assert into.case.home_id == case.home_id
                assert into.case.priority <= case.priority, "nothing gets quieter by it"
                assert {s.detection_id for s in detail.signals} <= {s.detection_id for s in into.signals}
            if case.handling == "SHELVED":
                assert case.priority >= 4, "a P1 or P2 is never shelved"
                assert case.family in RESTORABLE
            if case.is_open and case.handling not in ("ASKING", "SUSPENDED") and not case.test:
                assert case.queued_at is not None, "else no ladder counts"
            if case.handling == "CLOSED":
                assert case.resolved_by or case.family in RESTORABLE, "nothing but a person ends it"
            if case.is_open:
                assert not case.test
                assert (case.home_id, case.family) not in opened, "one open case for each home and family"
                opened.add((case.home_id, case.family))
                if case.family in LATCHING:
                    assert case.condition in ("on", "latched")
            if any(signal.on for signal in detail.signals) and case.handling != "CLOSED" and not case.test:
                assert case.condition == "on"
            if not case.test:
                assert case.signals == len(detail.signals)
