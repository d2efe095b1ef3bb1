"""A watch centre as a state machine: hypothesis looks for a sequence of detections, answers, desks and time that breaks a case."""

import asyncio
from typing import Any

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from alerts.asking import Question
from alerts.cases import OWNED, Case
from alerts.memory import Home, MemoryCases
from alerts.scripts import SCRIPTS
from contracts.errors import ShouwangError
from tests.contract.alerts.centre import Centre
from tests.contract.alerts.script import Script

DESKS = st.sampled_from(["desk-1", "desk-2"])


class WatchCentre(RuleBasedStateMachine):
    """``check`` of the script holds after every step: one open case for each home and family, an audit row and an event for each version, the
    timers that the case needs, nothing urgent asked about or shelved."""

    pages = Bundle("pages")
    questions = Bundle("questions")

    @initialize()
    def begin(self) -> None:
        self.loop = asyncio.new_event_loop()
        homes: dict[str, Home] = {}
        self.centre = Centre(MemoryCases(homes), homes)
        self.script = Script(self.centre, 0)
        self.version: dict[str, int] = {}

    def do(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    def attempt(self, work: Any) -> Case | None:
        """An operation that may be refused; one that is changes nothing."""
        before = self.state()
        try:
            found: Case = self.do(work)
        except ShouwangError:
            assert self.state() == before, "what is refused changes nothing"
            return None
        return found

    def state(self) -> list[Any]:
        return [self.do(self.centre.store.case(case_id)) for case_id in self.script.known]

    @rule(
        target=pages, family=st.sampled_from(["sos", "fall", "no_life", "technical", "stove"]), home_id=st.sampled_from(["h-1", "h-3"]),
        episode=st.sampled_from([100, 200]), revision=st.integers(1, 3), score=st.integers(0, 4), on=st.booleans(),
        device_id=st.sampled_from(["d-1", "d-2"]),
    )  # fmt: skip
    def a_detection(self, family, home_id, episode, revision, score, on, device_id):
        admission = self.do(self.centre.admit(
            family, home_id=home_id, started_at_s=episode, revision=revision, event_at_s=1000.0 + revision, score=score, on=on,
            detector=device_id, device_id=device_id,
        ))  # fmt: skip
        if admission.case_id is None:
            return multiple()
        if admission.case_id not in self.script.known:
            self.script.known.append(admission.case_id)
        return self.do(self.centre.see(admission.case_id))

    @rule(target=pages, page=pages, desk=DESKS)
    def claim(self, page, desk):
        return self.attempt(self.centre.claim(page, desk)) or self.do(self.centre.see(page))

    @rule(target=pages, page=pages)
    def look_again(self, page):
        return self.do(self.centre.see(page))

    @rule(
        target=pages, page=pages, desk=st.sampled_from(["desk-1", "desk-2", "guess"]),
        name=st.sampled_from(["verify", "dispatch", "arrive", "release", "hold", "shelve", "resolve"]),
    )  # fmt: skip
    def act(self, page, desk, name):
        extra = {
            "hold": {"reason": "busy", "hold_s": 100}, "shelve": {"reason": "known", "shelf_s": 500},
            "resolve": {"outcome": "sensor_false", "note": "", "contact": "kin", "steps": [s.code for s in SCRIPTS[page.family]]},
        }.get(name, {"note": "Mr Chen"})  # fmt: skip
        fields = extra if page.desk_id == desk else extra | {"desk_id": desk, "lease_id": page.lease_id or "none"}
        before = self.do(self.centre.see(page))
        after = self.attempt(self.centre.act(name, page, **fields))
        if after is not None:
            assert (before.version, before.desk_id) == (page.version, desk), "no stale write, and none by another desk"
            assert before.handling in (*OWNED, "HELD")
        return after or before

    @rule(page=pages, desk=DESKS, name=st.sampled_from(["look", "follow_up", "reopen"]))
    def after_the_end(self, page, desk, name):
        store, known = self.centre.store, {"version": page.version, "actor": desk, "now": self.centre.now}
        call = {
            "look": lambda: store.look(page.case_id, **known),
            "follow_up": lambda: store.follow_up(page.case_id, note="well", **known),
            "reopen": lambda: store.reopen(page.case_id, reason="again", **known),
        }[name]
        self.attempt(call())

    @rule(target=questions, works=st.booleans())
    def ask(self, works):
        found: list[Question] = []
        for asking in self.do(self.centre.store.asking(self.centre.now)):
            taken = self.do(self.centre.store.begin_round(asking.case.case_id, asking.people, self.centre.now, 10))
            went = [msgspec.structs.replace(q, told=works, detail="tried") for q in taken]
            self.do(self.centre.store.told(asking.case.case_id, went, self.centre.now))
            found += taken
        return multiple(*found)

    @rule(question=questions, answer=st.sampled_from(["well", "help", "unsure", "silence"]), honest=st.booleans())
    def answer(self, question, answer, honest):
        kin = question.recipient if question.channel == "app" and honest else None
        before = self.do(self.centre.see(question.case_id))
        after = self.attempt(self.centre.store.answer(
            question.question_id, answer, token=question.token if honest else "guess", kin=kin, now=self.centre.now
        ))  # fmt: skip
        assert (after is None) == (not honest)
        if after is not None and answer == "help" and before.is_open and after.version > before.version:
            assert after.priority == 1, "a call for help is never less than a P1"

    @rule(duration_s=st.sampled_from([1, 30, 60, 90, 120, 300, 3600, 90_000]))
    def time_passes(self, duration_s):
        self.do(self.centre.forward(duration_s))

    @rule(desk=DESKS, handed_over=st.booleans())
    def leave(self, desk, handed_over):
        successor = {"desk-1": "desk-2", "desk-2": "desk-1"}[desk] if handed_over else None
        for case in self.do(self.centre.store.leave(desk, now=self.centre.now, successor=successor)):
            assert case.former_desk_id == desk
            assert case.handling == ("HELD" if case.desk_id else "QUEUED"), "nothing stays in an empty chair"

    @rule()
    def restart(self):
        self.do(self.centre.store.reevaluate(self.centre.now))

    @invariant()
    def whole(self):
        self.do(self.script.check())
        for case_id in self.script.known:
            version = self.do(self.centre.see(case_id)).version
            assert version >= self.version.get(case_id, 0)
            self.version[case_id] = version

    @invariant()
    def nothing_waits_for_ever(self):
        """Whatever is open and not at the top of the ladder has a timer; what is due was fired."""
        for case_id in self.script.known:
            detail = self.do(self.centre.store.case(case_id))
            if detail.case.handling in ("ASKING", "HELD", "SHELVED", "RESOLVED", *OWNED):
                assert detail.timers
            assert all(timer.due_at > self.centre.now for timer in detail.timers if timer.kind == "ask")

    def teardown(self):
        if hasattr(self, "loop"):
            self.loop.close()


WatchCentre.TestCase.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)  # fmt: skip
TestWatchCentre = WatchCentre.TestCase
