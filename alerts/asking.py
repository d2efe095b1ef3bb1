"""Asking first: who is asked before a desk hears of it, when again, and what an answer does. Pure.

A case about a person that is P3 at score 0 or 1 begins as ASKING: the resident is rung up (channel ``voice``), kin read the question in the app
(channel ``app``). "I am well" finishes it with an outcome of its own; a call for help makes it a P1; no answer within ``Rules.asking_s`` puts it
into the queue one rung higher; a new or stronger signal puts it there at once. P1 and P2 never ask. Nobody who could be asked: into the queue at once.
An answer may also come late, when a desk has the case or it is over: it is kept in the history, and a call for help is heard all the same.
"""

import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec

from alerts.cases import RESIDENT, Case
from alerts.decisions import off_the_shelf, reopened
from alerts.lifecycle import Move, moved
from alerts.notices import Recipient
from alerts.rules import Rules
from contracts.alerts import Condition
from contracts.detections import NAMESPACE, Family

Channel = Literal["voice", "app"]
Answer = Literal["well", "help", "unsure", "silence"]
"""``silence``: it rang and nobody spoke (a gateway says so); the asking goes on."""

ASKED_PRIORITY = 3
SUREST_ASKED = 1
"""Design, section 6: P3 of a person at score 1. One that is less sure than that is asked about as well."""
ASKED_LATELY = timedelta(hours=24)
ROUND_S = 60.0
"""One attempt: ringing and asking take less, s."""
ASKED_PER_DAY = 6
"""A home is asked about so many cases in 24 h; further ones are a desk's at once. Chosen: a stove that is doubted at each of three meals, twice over. Who is rung up more often stops answering."""
MOST_ROUNDS = 3
"""Nobody is rung up more often for one case. Chosen."""


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who may be asked about a home."""

    channel: Channel
    recipient: str
    """Resident id, or the user name of kin."""
    phone: str = ""


class Asking(msgspec.Struct, frozen=True, kw_only=True):
    """A case about which somebody is asked: who may be, and what was tried."""

    case: Case
    people: tuple[Person, ...]
    questions: tuple["Question", ...]
    browsers: tuple[Recipient, ...] = ()
    """Of kin who agreed to be told: what stands in the app is shown there."""
    asked_lately: int = 0
    """About how many cases of its home somebody was asked in the last 24 h."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt at one person. ``told``: whether the channel took it; None while that is being tried."""

    question_id: str
    case_id: str
    round: int
    channel: Channel
    recipient: str
    phone: str = ""
    token: str = ""
    """What an answer by voice must bring. Kept as it is: the twin that tries again must send the same one. Empty: kin answer as themselves."""
    asked_at: datetime
    taken_until_at: datetime
    """Until then whoever took it is trying; afterwards the twin may."""
    told: bool | None = None
    detail: str = ""
    answer: Answer | None = None
    answered_at: datetime | None = None


def asks(rules: Rules, family: Family, score: int, priority: int) -> float | None:
    """How long is asked before a desk hears of it, s; None: not at all."""
    if priority != ASKED_PRIORITY or score > SUREST_ASKED:
        return None
    return rules.asking_s.get(family)


def is_asked(recipient: Recipient) -> bool:
    """Whether a question that stands in the app is shown there: a browser of somebody who agreed to be told."""
    return recipient.way == "push" and recipient.consented


def rounds_due(case: Case, now: datetime) -> int:
    """How many attempts should have begun by now: evenly over the time of asking, a minute apart at least, MOST_ROUNDS at most."""
    if case.handling != "ASKING" or case.asking_until_at is None or now >= case.asking_until_at:
        return 0
    wait_s = (case.asking_until_at - case.raised_at).total_seconds()
    rounds = min(MOST_ROUNDS, max(1, int(wait_s // ROUND_S)))
    passed_s = max(0.0, (now - case.raised_at).total_seconds())
    return min(rounds, int(passed_s // (wait_s / rounds)) + 1)


def wanted(
    case: Case, people: Iterable[Person], known: Sequence[Question], token: Callable[[], str], now: datetime, take_s: float
) -> list[Question]:  # fmt: skip
    """Questions to try now: those of the round that is due, and those whose asker did not come back. In the app one is enough, it stays there."""
    number = rounds_due(case, now)
    if number == 0:
        return []
    until = now + timedelta(seconds=take_s)
    held = {question.question_id for question in known}
    again = [q for q in known if q.told is None and q.taken_until_at <= now]
    found = [msgspec.structs.replace(question, taken_until_at=until) for question in again]
    for person in people:
        if person.channel == "app" and any((q.channel, q.recipient) == ("app", person.recipient) for q in known):
            continue
        name = question_id(case.case_id, number, person)
        if name not in held:
            found.append(Question(
                question_id=name, case_id=case.case_id, round=number, channel=person.channel, recipient=person.recipient,
                phone=person.phone, token=token() if person.channel == "voice" else "", asked_at=now, taken_until_at=until,
            ))  # fmt: skip
    return found


def question_id(case_id: str, number: int, person: Person) -> str:
    """The same from both twins."""
    return str(uuid.uuid5(NAMESPACE, f"question|{case_id}|{number}|{person.channel}|{person.recipient}"))


def told(
    case: Case, questions: Sequence[Question], known: Sequence[Question], rules: Rules, now: datetime, enough: int = 0
) -> list[Move]:
    """An attempt was made: into the history; and where nobody at all could be asked, into the queue. ``known``: all questions of the case.

    ``enough``: nobody is asked because the home was asked about so many cases in 24 h; 0: that is not why.
    """
    said = "; ".join(f"{q.channel} {q.recipient}: {q.detail or 'sent'}" for q in questions)
    facts = {
        "round": max((q.round for q in questions), default=rounds_due(case, now)), "note": said,
        "sent": sum(q.told is True for q in questions), "failed": sum(q.told is False for q in questions),
    }  # fmt: skip
    moves = [moved(case, None, "asked", now, facts=facts)] if questions else []
    case = moves[-1].after if moves else case
    if case.handling == "ASKING" and all(question.told is False for question in known):
        reason, said_of = ("case.asked_enough", {"asked": enough}) if enough else ("case.cannot_ask", {})
        moves.append(
            moved(case, "cannot_ask", "queued", now, reason=reason, facts=said_of, **_in_queue(case, rules, now))
        )
    return moves


def no_answer(case: Case, rules: Rules, now: datetime) -> Move:
    """The time to answer is over: one rung higher."""
    facts = {"asked_s": (now - case.raised_at).total_seconds(), "rung": case.rung + 1}
    fields = _in_queue(case, rules, now) | {"rung": case.rung + 1}
    return moved(case, "no_answer", "queued", now, reason="case.no_answer", facts=facts, **fields)


def louder_than_asked(
    case: Case, reason: str, fields: dict[str, Any], facts: dict[str, Any], rules: Rules, now: datetime
) -> Move:
    """A new or stronger signal while somebody is asked: nobody waits for the answer any more. ``fields``: what the signal changes."""
    queued = _in_queue(msgspec.structs.replace(case, priority=fields["priority"]), rules, now)
    return moved(case, "sound", "queued", now, reason=reason, facts=facts, **(fields | queued))


def answered(
    case: Case, question: Question, answer: Answer, note: str, *, condition: Condition, other_open: bool, rules: Rules, now: datetime
) -> Move:  # fmt: skip
    """What an answer does. ``condition``: what the signals say now. ``other_open``: a further case of this home and family is open."""
    who = question.recipient
    actor = RESIDENT if question.channel == "voice" else who
    facts: dict[str, Any] = {
        "who": who,
        "answer": answer,
        "channel": question.channel,
        "round": question.round,
        "note": note,
    }
    if answer == "help":
        return _help(case, actor, facts, condition, other_open, rules, now)
    if case.handling == "ASKING" and answer == "well":
        over: dict[str, Any] = {"condition": "off", "condition_at": now} if case.condition == "latched" else {}
        return moved(
            case, "well", "resolved", now, actor=actor, reason="case.well", facts=facts, asking_until_at=None,
            outcome="resident_well" if actor == RESIDENT else "kin_says_well", contact="resident" if actor == RESIDENT else "kin",
            resolved_at=now, resolved_by=actor, **over,
        )  # fmt: skip
    if case.handling == "ASKING" and answer == "unsure":
        fields = _in_queue(case, rules, now) | {"rung": case.rung + 1}
        return moved(case, "unsure", "queued", now, actor=actor, reason="case.unsure", facts=facts, **fields)
    return moved(case, None, "answered", now, actor=actor, reason="case.answered", facts=facts)


def _help(
    case: Case, actor: str, facts: dict[str, Any], condition: Condition, other_open: bool, rules: Rules, now: datetime
) -> Move:  # fmt: skip
    """Words are worth as much as the button: P1."""
    priority = min(case.priority, min(rules.priorities["sos"]))
    risen = msgspec.structs.replace(case, priority=priority)
    if case.handling == "ASKING":
        fields = _in_queue(risen, rules, now) | {"priority": priority}
        return moved(case, "help", "queued", now, actor=actor, reason="case.help", facts=facts, **fields)
    if case.handling in ("RESOLVED", "CLOSED") and not other_open:
        move = reopened(
            risen, actor=actor, reason="case.help", note=facts["note"], condition=condition, now=now, rules=rules
        )
        return msgspec.structs.replace(move, before=case, facts=move.facts | facts)
    if case.handling == "SUSPENDED":
        move = off_the_shelf(risen, "sound", "case.help", facts, rules, now)
        return msgspec.structs.replace(move, before=case, actor=actor)
    fields = {"priority": priority} if case.is_open else {}
    if case.is_open and priority < case.priority:
        sooner = now + timedelta(seconds=rules.answer_s[priority])
        fields |= {"rung": 0, "deadline_at": min(case.deadline_at or sooner, sooner)}
    if case.handling == "HELD":
        fields |= {"lease_until_at": now + timedelta(seconds=rules.lease_s), "held_until_at": None, "hold_reason": None}
        return moved(case, "sound", "answered", now, actor=actor, reason="case.help", facts=facts, **fields)
    return moved(case, None, "answered", now, actor=actor, reason="case.help", facts=facts, **fields)


def _in_queue(case: Case, rules: Rules, now: datetime) -> dict[str, Any]:
    """Columns of a case that goes from asking into the queue."""
    deadline = now + timedelta(seconds=rules.answer_s[case.priority])
    return {"queued_at": now, "deadline_at": deadline, "asking_until_at": None, "rung": 0}
