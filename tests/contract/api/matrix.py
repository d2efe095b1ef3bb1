"""The matrix: for every route of the api, what it takes to ask it about one home, and so whom it may tell what.

A new route needs one line in MATRIX; until then test_matrix.py fails and says so.

    Plain(why)                 says nothing about people: the same for everybody whose role may call it
    Lists(query, shows)        a list: homes of one's area are in it (for the roles in ``shows``), others neither as rows nor in a count
    One(body, inside, …)       about one thing of a home, named in the path or by ``body``: of another area it answers, word for word,
                               as it does for one that does not exist, and changes nothing
    Elsewhere(test)            cannot be asked so; the test that does it

Names in paths ({case_id} …) are looked up in SUBJECTS; a new one needs a line there.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from alerts.outcomes import CONTACTS
from storage.consents import SCOPES
from tests.contract.api.world import (
    NOBODY,
    area_of,
    call_of,
    case_of,
    desk_of,
    glass_of,
    handover_of,
    question_of,
    recipient_of,
    resident_of,
    token_of,
    user_of,
)

SUBJECTS: dict[str, Callable[[str], str]] = {
    "case_id": case_of,
    "question_id": question_of,
    "resident_id": resident_of,
    "user_name": user_of,
    "opening_id": glass_of,
    "notice_id": glass_of,
    "contact_id": glass_of,
    "token_id": token_of,
    "desk_id": desk_of,
    "handover_id": handover_of,
    "duty_id": glass_of,
    "recipient_id": recipient_of,
    "priority": lambda home: "1",
    "family": lambda home: "water",
    "window_id": glass_of,
    "call_id": call_of,
    "dial_id": call_of,
    "home_id": lambda home: home,
    "device_id": lambda home: "pir-1",
}
"""Name in a path -> the one that belongs to a home (``NOBODY``: one that does not exist)."""

Body = Callable[[str], Any]


class Plain(NamedTuple):
    """Says nothing about people."""

    why: str


class Lists(NamedTuple):
    """A list of things in one's area."""

    query: str = ""
    shows: tuple[str, ...] = ("operator", "supervisor", "admin", "family", "helper", "platform")


class One(NamedTuple):
    """About one thing of a home."""

    body: Body = lambda home: {}
    inside: tuple[int, ...] = (200,)
    """How it answers where the home is the user's: a change may be refused for its version, but not as unknown or unreadable."""
    roles: tuple[str, ...] = ("operator", "supervisor", "admin", "family", "helper", "platform")
    """For whom of those whom it lets in the area decides; for the others everything is outside."""
    text: bool = False
    """The body is a table (CSV), not JSON."""


class Elsewhere(NamedTuple):
    """Another test asks it."""

    test: str


def _act(**more: Any) -> Body:
    """A step by who read another version: inside it is refused as stale, after the case was found."""
    return lambda home: {"version": 999, "lease_id": "none", "note": "matrix"} | more


def _version(**more: Any) -> Body:
    return lambda home: {"version": 999} | more


def _user(home: str) -> dict[str, Any]:
    return {
        "user_name": f"new-{home}",
        "role": "operator",
        "area_prefix": area_of(home),
        "password": "long enough words",
    }


def _consent(home: str) -> dict[str, Any]:
    # The same for a home of whoever is asked about; what the family saw before it still sees.
    return {"user_name": f"family-{home}", "scopes": list(SCOPES), "given_by": "resident", "ground": "matrix"}


def _notice(home: str) -> dict[str, Any]:
    return {"kind": "visitor", "until_at": (datetime.now(UTC) + timedelta(hours=2)).isoformat()}


def _visit(home: str) -> dict[str, Any]:
    return {"resident_id": resident_of(home), "how": "door", "minutes": 5, "result": "well"}


def _outage(home: str) -> dict[str, Any]:
    return {"home_id": home, "reason": "matrix", "substitute": "a neighbour", "hours": 1}


def _called(home: str) -> dict[str, Any]:
    return {"request_id": f"matrix-{home}", "home_id": home, "family": "food", "words": "matrix"}


def _table(home: str) -> str:
    return f"record,home_id,resident_id,name\nresident,{home},new-{home},新人\n"


def _duty(home: str) -> dict[str, Any]:
    begin = datetime.now(UTC) + timedelta(days=30)
    return {
        "user_name": user_of(home),
        "area_prefix": area_of(home),
        "from_at": begin.isoformat(),
        "to_at": (begin + timedelta(hours=8)).isoformat(),
    }


def _kin(home: str) -> dict[str, Any]:
    return {"recipient_id": f"new-{home}", "kind": "kin", "home_id": home, "ground": "matrix", "url": "json://x"}


MATRIX: dict[tuple[str, str], Plain | Lists | One | Elsewhere] = {
    ("post", "/api/v1/session"): Plain("log-in"),
    ("post", "/api/v1/session/refresh"): Plain("one's own session"),
    ("delete", "/api/v1/session"): Plain("one's own session"),
    ("delete", "/api/v1/session/all"): Plain("one's own sessions"),
    ("get", "/api/v1/session"): Plain("oneself"),
    ("put", "/api/v1/session/language"): Plain("oneself"),
    ("get", "/api/v1/stream"): Elsewhere("test_matrix_of_the_stream"),
    ("get", "/api/v1/cases"): Lists("?limit=500"),
    ("get", "/api/v1/cases/{case_id}"): One(),
    ("get", "/api/v1/cases/{case_id}/earlier"): One(),
    ("get", "/api/v1/cases/{case_id}/activity"): One(),
    ("get", "/api/v1/outcomes"): Plain("codes"),
    ("post", "/api/v1/cases/{case_id}/claim"): One(_version(), (409,)),
    ("get", "/api/v1/leases"): Elsewhere("test_cases.py: what one has in hand, and nobody else's"),
    ("post", "/api/v1/cases/{case_id}/renew"): One(lambda home: {"lease_id": "none"}, (409,)),
    ("post", "/api/v1/cases/{case_id}/release"): One(_act(), (409,)),
    ("post", "/api/v1/cases/{case_id}/note"): One(lambda home: {"text": "matrix"}),
    ("post", "/api/v1/cases/{case_id}/step"): One(_act(step="spoke"), (409,)),
    ("post", "/api/v1/cases/{case_id}/call"): One(
        lambda home: _act(result="reached")(home) | {"resident_id": resident_of(home)}, (409,)
    ),
    ("post", "/api/v1/cases/{case_id}/escalate"): One(_version(), (409,)),
    ("post", "/api/v1/cases/{case_id}/verify"): One(_act(), (409,)),
    ("post", "/api/v1/cases/{case_id}/dispatch"): One(_act(), (409,)),
    ("post", "/api/v1/cases/{case_id}/arrive"): One(_act(), (409,)),
    ("post", "/api/v1/cases/{case_id}/hold"): One(_act(hold_s=60), (409,)),
    ("post", "/api/v1/cases/{case_id}/resolve"): One(
        _act(outcome="false_alarm", contact=next(iter(CONTACTS)), steps=[]), (409,)
    ),
    ("post", "/api/v1/cases/{case_id}/shelve"): One(_act(shelf_s=60), (409,)),
    ("post", "/api/v1/cases/{case_id}/merge"): One(lambda home: _act()(home) | {"into": case_of(home)}, (409,)),
    ("get", "/api/v1/second-looks"): Lists(),
    ("post", "/api/v1/cases/{case_id}/second-look"): One(_version(), (409,)),
    ("post", "/api/v1/cases/{case_id}/follow-up"): One(_version(note="matrix"), (409,)),
    ("get", "/api/v1/reviews"): Lists(),
    ("post", "/api/v1/reviews/{case_id}/close"): One(lambda home: {"finding": "matrix"}),
    ("post", "/api/v1/cases/{case_id}/reopen"): One(_version(reason="matrix"), (409,)),
    ("post", "/api/v1/questions/{question_id}/answer"): Elsewhere("test_asking.py: the question's token is the right"),
    ("get", "/api/v1/family/questions"): Lists(),
    ("post", "/api/v1/family/questions/{question_id}/answer"): One(lambda home: {"answer": "unsure"}),
    ("get", "/api/v1/residents"): Lists("?limit=200"),
    ("get", "/api/v1/residents/{resident_id}"): One(),
    ("get", "/api/v1/residents/{resident_id}/coverage"): One(),
    ("get", "/api/v1/coverage"): Lists(shows=()),
    ("get", "/api/v1/coverage/homes"): Lists("?limit=200"),
    ("get", "/api/v1/cases/{case_id}/homes"): One(),
    ("post", "/api/v1/cases/{case_id}/homes/{home_id}/call"): Elsewhere("test_coverage.py: of homes in an incident"),
    ("post", "/api/v1/break-glass"): Elsewhere("test_break_glass.py: it is for what is outside"),
    ("get", "/api/v1/break-glass"): Lists(shows=("supervisor",)),
    ("delete", "/api/v1/break-glass/{opening_id}"): One(roles=("supervisor",)),
    ("get", "/api/v1/views"): Lists("?actor=viewer"),
    ("get", "/api/v1/family/relatives"): Lists(),
    ("get", "/api/v1/family/relatives/{resident_id}"): One(),
    ("get", "/api/v1/family/relatives/{resident_id}/day"): One(),
    ("get", "/api/v1/family/relatives/{resident_id}/notices"): One(),
    ("post", "/api/v1/family/relatives/{resident_id}/notices"): One(_notice, (201,)),
    ("delete", "/api/v1/family/relatives/{resident_id}/notices/{notice_id}"): One(),
    ("post", "/api/v1/family/alerts/{case_id}/going"): One(lambda home: {"going": False}),
    ("get", "/api/v1/family/relatives/{resident_id}/contacts"): One(),
    ("put", "/api/v1/family/relatives/{resident_id}/contacts"): One(lambda home: {"name": "新人", "phone": "12345"}),
    ("delete", "/api/v1/family/relatives/{resident_id}/contacts/{contact_id}"): One(),
    ("put", "/api/v1/family/relatives/{resident_id}/way"): One(lambda home: {"way": "sms", "reach": "12345"}),
    ("get", "/api/v1/family/relatives/{resident_id}/way"): One(),
    ("delete", "/api/v1/family/relatives/{resident_id}/way"): One(),
    ("get", "/api/v1/family/push"): Plain("a key of the site"),
    # Of whom a browser is told is said, and those are one's own; asked with and without consent.
    ("put", "/api/v1/family/push"): Elsewhere("test_push.py"),
    ("delete", "/api/v1/family/push"): Plain("a browser of one's own"),
    ("get", "/api/v1/family/consents"): Lists(),
    ("get", "/api/v1/family/tokens"): Lists(),
    ("post", "/api/v1/family/tokens"): Plain("a token of one's own"),
    ("delete", "/api/v1/family/tokens/{token_id}"): One(),
    ("get", "/api/v1/family/stream"): Elsewhere("test_families.py: it tells what /family/relatives lists"),
    ("get", "/api/v1/residents/{resident_id}/consents"): One(),
    ("post", "/api/v1/residents/{resident_id}/consents"): One(_consent, (201,)),
    ("get", "/api/v1/residents/{resident_id}/export"): One(),
    ("get", "/api/v1/residents/{resident_id}/needs"): One(),
    ("put", "/api/v1/residents/{resident_id}/groups"): One(lambda home: {"groups": ["alone"]}),
    ("post", "/api/v1/residents/{resident_id}/assessments"): One(
        lambda home: {"level": 1, "assessed_on": "2026-11-01", "assessor": "matrix"}, (201,)
    ),
    ("get", "/api/v1/cases/{case_id}/helpers"): One(),
    # Asked already.
    ("post", "/api/v1/cases/{case_id}/helpers"): One(lambda home: {"user_name": f"helper-{home}"}, (422,)),
    ("get", "/api/v1/cases/{case_id}/fhir"): One(),
    # The site of these tests has no endpoint.
    ("post", "/api/v1/cases/{case_id}/fhir"): One(inside=(422,)),
    ("get", "/api/v1/cases/{case_id}/handovers"): One(),
    ("get", "/api/v1/handovers/not-taken"): Lists(),
    ("post", "/api/v1/cases/{case_id}/handovers/{handover_id}/again"): One(),
    ("post", "/api/v1/cases/{case_id}/handovers/{handover_id}/settle"): One(lambda home: {"how": "matrix"}),
    ("get", "/api/v1/upstream/people"): Lists("?limit=2000"),
    ("get", "/api/v1/upstream/visits"): Lists("?limit=2000"),
    ("get", "/api/v1/upstream/cases"): Lists("?limit=2000"),
    ("get", "/api/v1/upstream/figures"): Lists(shows=()),
    ("get", "/api/v1/residents/{resident_id}/upstream-consent"): One(),
    ("post", "/api/v1/residents/{resident_id}/upstream-consent"): One(
        lambda home: {"agreed": True, "given_by": "resident", "ground": "matrix"}, (201,)
    ),
    ("get", "/api/v1/helper"): Lists(),
    ("post", "/api/v1/helper/tasks/{case_id}"): One(lambda home: {"state": "accepted"}),
    ("post", "/api/v1/helper/visits"): One(_visit, (201,)),
    ("get", "/api/v1/visits"): Lists("?overdue=false"),
    ("get", "/api/v1/helper-hours"): Lists(),
    ("get", "/api/v1/helper-hours/totals"): Lists(),
    ("get", "/api/v1/shift"): Lists(),
    ("post", "/api/v1/shift/here"): Plain("one's own seat; it tells what GET /shift does"),
    # Somebody sits there.
    ("post", "/api/v1/shift/sign-on"): One(lambda home: {"desk_id": desk_of(home)}, (409,)),
    ("post", "/api/v1/shift/sign-off"): Plain("one's own seat"),
    ("get", "/api/v1/shift/handovers"): Lists(),
    ("get", "/api/v1/shift/handovers/draft"): Plain("one's own cases"),
    ("post", "/api/v1/shift/handovers"): Plain("one's own cases"),
    # The password is another one.
    ("post", "/api/v1/shift/handovers/{handover_id}/take"): One(
        lambda home: {"digest": "none", "password": "wrong"}, (422,)
    ),
    ("get", "/api/v1/centres"): Lists(),
    ("post", "/api/v1/centres"): One(lambda home: {"area_prefix": area_of(home), "name": f"centre {home}"}),
    ("post", "/api/v1/desks"): One(lambda home: {"desk_id": f"new-{home}", "area_prefix": area_of(home)}, (201,)),
    # Somebody sits there.
    ("delete", "/api/v1/desks/{desk_id}"): One(inside=(422,)),
    ("get", "/api/v1/rota"): Lists(),
    # The second supervisor finds him planned already.
    ("post", "/api/v1/rota"): One(_duty, (201, 422)),
    ("delete", "/api/v1/rota/{duty_id}"): One(inside=(200, 404)),
    ("get", "/api/v1/recipients"): Lists(),
    ("post", "/api/v1/recipients"): One(_kin, (201, 422)),
    ("put", "/api/v1/recipients/{recipient_id}/paused"): One(lambda home: {"paused": True}),
    ("put", "/api/v1/recipients/{recipient_id}/duties"): One(lambda home: {"duties": []}),
    ("post", "/api/v1/recipients/{recipient_id}/trial"): One(inside=(200, 429)),
    ("delete", "/api/v1/recipients/{recipient_id}"): One(inside=(200, 404)),
    ("get", "/api/v1/ladders"): Lists(shows=()),
    ("get", "/api/v1/rules"): Lists(shows=()),
    ("put", "/api/v1/rules/priorities/{family}"): Elsewhere("test_rules.py: of the whole site, not of homes"),
    ("put", "/api/v1/rules/answers/{priority}"): Elsewhere("test_rules.py: of the whole site, not of homes"),
    ("put", "/api/v1/rules/asking/{family}"): Elsewhere("test_rules.py: of the whole site, not of homes"),
    ("put", "/api/v1/ladders/{priority}"): Elsewhere("test_recipients.py: of areas, not of homes"),
    ("get", "/api/v1/windows"): Lists(),
    ("post", "/api/v1/windows"): One(_outage, (201,)),
    ("delete", "/api/v1/windows/{window_id}"): One(),
    # A contact of every home has this number.
    ("get", "/api/v1/telephony/callers"): Lists("?number=13900000003"),
    ("post", "/api/v1/telephony/cases"): One(_called, (201,)),
    ("get", "/api/v1/telephony/ringing"): Lists(),
    # The second of a level finds it put aside.
    ("post", "/api/v1/telephony/calls/{call_id}/aside"): One(lambda home: {"note": "matrix"}, (200, 404)),
    ("post", "/api/v1/telephony/calls"): Elsewhere("test_telephony.py: the signature is the right"),
    # Somebody else has it, or nobody.
    ("post", "/api/v1/telephony/dial"): One(lambda home: {"case_id": case_of(home), "number": "1"}, (422,)),
    ("post", "/api/v1/telephony/dials/{dial_id}/result"): Elsewhere("test_telephony.py: the signature is the right"),
    ("get", "/api/v1/cases/{case_id}/calls"): One(),
    ("post", "/api/v1/cases/{case_id}/home"): One(
        lambda home: {"version": 999, "lease_id": "none", "home_id": home}, (409,)
    ),
    ("get", "/api/v1/paper/open-cases"): Lists("?limit=1000"),
    ("get", "/api/v1/paper/residents"): Lists("?limit=1000"),
    ("get", "/api/v1/paper/residents.csv"): Lists(),
    ("get", "/api/v1/report"): Lists(shows=("supervisor",)),
    ("get", "/api/v1/report.csv"): Lists(shows=("supervisor",)),
    ("get", "/api/v1/homes"): Lists("?limit=200"),
    ("get", "/api/v1/homes/{home_id}"): One(),
    ("put", "/api/v1/homes/{home_id}"): One(lambda home: {"area_code": area_of(home)}),
    ("put", "/api/v1/homes/{home_id}/residents/{resident_id}"): One(lambda home: {"name": "新人"}),
    ("put", "/api/v1/homes/{home_id}/contacts"): One(lambda home: {"name": "新人", "phone": "12345"}),
    ("delete", "/api/v1/homes/{home_id}/contacts/{contact_id}"): One(inside=(200, 404)),
    ("delete", "/api/v1/homes/{home_id}/devices/{device_id}"): One(inside=(200, 404)),
    ("post", "/api/v1/homes/import"): One(_table, text=True),
    ("post", "/api/v1/devices"): One(lambda home: {"home_id": home, "device_id": "matrix-1"}, (201,)),
    ("get", "/api/v1/devices/unbound"): Lists("?limit=1000"),
    ("get", "/api/v1/dead-letters"): Lists("?limit=500"),
    ("get", "/api/v1/users"): Lists(),
    ("post", "/api/v1/users"): One(_user, (201,)),
    ("put", "/api/v1/users/{user_name}/password"): One(lambda home: {"password": "long enough words"}),
    ("put", "/api/v1/users/{user_name}/active"): One(lambda home: {"active": False}),
    # The last of all: what is removed is not found any more.
    ("post", "/api/v1/homes/{home_id}/remove"): One(lambda home: {"reason": "matrix"}),
    ("get", "/healthz"): Plain("the process"),
    ("get", "/readyz"): Plain("the process"),
    ("get", "/api/v1/health"): Plain("the pipeline"),
    ("get", "/metrics"): Plain("figures of the process, for this machine and administrators"),
}
__all__ = ["MATRIX", "NOBODY", "SUBJECTS", "Elsewhere", "Lists", "One", "Plain"]
