"""Errors of the api: each has a status and a code, and its docstring says what to do. Shown as problem+json (RFC 9457)."""

from typing import ClassVar

from contracts.errors import ShouwangError


class ApiError(ShouwangError):
    """The request could not be served: {detail}"""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"
    title: ClassVar[str] = "Something is wrong on our side"


class NotLoggedIn(ApiError):
    """Nobody is logged in here: {detail}. Refresh the session (POST /api/v1/session/refresh) or log in again."""

    status = 401
    code = "not_logged_in"
    title = "Not logged in"


class LoginRefused(ApiError):
    """Name or password is wrong, or there were too many attempts. Check both; after several failures wait a few minutes and try again, or ask an administrator."""

    status = 401
    code = "login_refused"
    title = "Log-in refused"


class TooManyLogins(ApiError):
    """Too many people log in at this moment. Try again in {wait_s} s; nothing was counted against you."""

    status = 429
    code = "too_many_logins"
    title = "Too many log-ins at once"


class TooOften(ApiError):
    """This was tried too often in a short time. Try again in {wait_s:.0f} s."""

    status = 429
    code = "too_often"
    title = "Too often"


class CrossSite(ApiError):
    """This request was sent by the page of another site, so it was not done. Open the console itself."""

    status = 403
    code = "cross_site"
    title = "Not from this site"


class NotAllowed(ApiError):
    """Role {role} may not do this; it needs {needed}. Ask a supervisor or an administrator."""

    status = 403
    code = "not_allowed"
    title = "Not allowed"


class WrongSignature(ApiError):
    """The password is wrong, or there were too many attempts, so nothing was signed. Check it; after several failures wait a few minutes."""

    status = 422
    code = "wrong_signature"
    title = "Not signed"


class DeskTaken(ApiError):
    """{held} sits at desk {desk_id}. Choose another desk, or take over from {held} with both signatures."""

    status = 409
    code = "desk_taken"
    title = "The desk is taken"


class HandoverOutdated(ApiError):
    """What there is to hand over has changed since this was written, so nothing was signed. Read it again and sign what stands there now."""

    status = 409
    code = "handover_outdated"
    title = "The hand-over is out of date"


class NotFound(ApiError):
    """There is no {what} {name!r} that you may see. Check the spelling, or look for it in the list."""

    status = 404
    code = "not_found"
    title = "Not found"


class StaleChange(ApiError):
    """{detail} Nothing was changed. {held} Reload the case and decide again."""

    status = 409
    code = "stale_change"
    title = "The case has moved on"


class BadChange(ApiError):
    """This cannot be done now: {detail}"""

    status = 422
    code = "bad_change"
    title = "Not possible in this state"


class BadRequest(ApiError):
    """The request cannot be read: {detail}"""

    status = 422
    code = "bad_request"
    title = "The request is not right"


class DatabaseAway(ApiError):
    """The database does not answer, so nothing was read or changed. Nothing is lost; try again in {wait_s} s. If it stays away, look at /readyz and at the services."""

    status = 503
    code = "database_away"
    title = "The database is away"


class NotReady(ApiError):
    """{detail}"""

    status = 503
    code = "not_ready"
    title = "Not ready"
