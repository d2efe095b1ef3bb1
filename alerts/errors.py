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


class HoldTooLong(ShouwangError):
    """A case of priority {priority} may be held for {limit_s:.0f} s at most, {asked_s:.0f} s were asked for. Choose a shorter hold."""


class TooLateToReopen(ShouwangError):
    """Case {case_id} was finished at {finished_at}; reopening is possible for {reopen_s:.0f} s. A new signal opens a new case."""


class OtherCaseOpen(ShouwangError):
    """Home {home_id} has an open {family} case already: {open_case_id}. Work on that one."""
