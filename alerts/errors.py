"""Errors of the case store. Each changes nothing; ``facts`` holds what a page needs to show (who holds it, current version)."""

from contracts.errors import ShouwangError


class NoSuchCase(ShouwangError):
    """There is no case {case_id}. Look for it in the home's history."""


class StaleClaim(ShouwangError):
    """Case {case_id} stands at version {version} ({handling}) and {holder}; you acted on version {given}. Nothing was changed: reload the case."""


class LeaseLost(StaleClaim):
    """Your lease on case {case_id} is over; it stands at version {version} ({handling}) and {holder}. Nothing was changed: claim it again."""


class NotPossible(ShouwangError):
    """A case that is {handling} cannot {event}; possible now: {possible}. Nothing was changed: reload the case."""


class MissingWords(ShouwangError):
    """{what} is required to {event} a case. Nothing was changed: write it and try again."""


class UnknownOutcome(ShouwangError):
    """{outcome!r} is no outcome code. Choose one of {known}."""


class UnknownContact(ShouwangError):
    """{contact!r} does not say who was reached. Nothing was changed: choose one of {known}."""


class StepsMissing(ShouwangError):
    """A {family} case is over when its script was followed; not done yet: {steps}. Nothing was changed: do them, tick them, and try again."""


class UnknownStep(ShouwangError):
    """{step!r} is no step of the script of {family}. Nothing was changed: choose one of {known}."""


class UnknownResult(ShouwangError):
    """{result!r} does not say how a call ended. Nothing was changed: choose one of {known}."""


class NothingAbove(ShouwangError):
    """Case {case_id} stands at rung {rung}, and the ladder has nobody above it. Nothing was changed: ring up whom you need."""


class BadFollowUp(ShouwangError):
    """A follow-up is due within {limit_s:.0f} s, {asked_s:.0f} s were asked for. Nothing was changed: choose an earlier time, or none."""


class SameEyes(ShouwangError):
    """You ({desk_id}) resolved case {case_id} yourself. Nothing was changed: the second look is somebody else's."""


class NotLookedAt(ShouwangError):
    """Case {case_id} is P1, and nobody but {desk_id} has looked at how it ended. Nothing was changed: have somebody look at it first."""


class NotShelvable(ShouwangError):
    """Case {case_id} ({family}, P{priority}) cannot be shelved: only technical cases of P4 and P5 can. Nothing was changed: hold it instead."""


class NotMergeable(ShouwangError):
    """Case {case_id} ({family}) cannot be folded into {into}: {why}. Nothing was changed: choose another open case of the same home."""


class NotUnknown(ShouwangError):
    """Case {case_id} belongs to home {home_id}, so it cannot be tied to another one. Nothing was changed: write a note."""


class ShelfTooLong(ShouwangError):
    """A case may be shelved for {limit_s:.0f} s at most, {asked_s:.0f} s were asked for. Nothing was changed: choose a shorter time."""


class NoSuchQuestion(ShouwangError):
    """This question is not known, or the token is not the one that was sent with it. Nothing was changed: answer with the id and token of the question."""


class HoldTooLong(ShouwangError):
    """A case of priority {priority} may be held for {limit_s:.0f} s at most, {asked_s:.0f} s were asked for. Choose a shorter hold."""


class TooLateToReopen(ShouwangError):
    """Case {case_id} was finished at {finished_at}; reopening is possible for {reopen_s:.0f} s. A new signal opens a new case."""


class OtherCaseOpen(ShouwangError):
    """Home {home_id} has an open {family} case already: {open_case_id}. Work on that one."""
