"""What a family asks and reads beside the word itself: the day, notices, contacts, ways to be told, tokens; and consents, as the centre records them."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from api.models.shape import Asked, Said, Sentence

Scope = Literal["word", "day", "alerts", "handler", "address", "contacts", "told", "away"]
Scopes = Annotated[list[Scope], Field(max_length=8)]
Name = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[a-z0-9._-]+$")]


class Moment(Said):
    """One thing of the day, to the quarter of an hour."""

    what: Literal["up", "meal", "out", "home", "in_bed"]
    at: datetime


class Day(Said):
    """A relative's day so far. No rooms and no minutes."""

    resident_id: str
    moments: list[Moment]
    since: datetime = Field(description="Local midnight, on the home's clock")
    home_now: datetime
    whole: bool = Field(description="False: not everything could be seen, so what is missing here may have happened")
    said: Sentence | None = Field(default=None, description="Why not everything could be seen")


class NewNotice(Asked):
    """They will be away, or a visitor comes."""

    kind: Literal["away", "visitor"]
    from_at: datetime | None = Field(default=None, description="On the home's clock (home_now); none: from now on")
    until_at: datetime
    everybody: bool = Field(default=False, description="Away: nobody stays behind in a home of several residents")
    note: str = Field(default="", max_length=200)


class HomeNotice(Said):
    """A notice in force or to come."""

    notice_id: int
    kind: Literal["away", "visitor"]
    from_at: datetime
    until_at: datetime
    everybody: bool
    note: str
    made_by: str


class HomeNotices(Said):
    """Notices about one relative."""

    notices: list[HomeNotice]
    home_now: datetime = Field(description="The time in the home: a played world has its own")


class Going(Asked):
    """I am going there, or not any more."""

    going: bool = True


class KinContact(Said):
    """Someone to call, as kin see it."""

    contact_id: int
    rank: int
    name: str
    relation: str
    phone: str


class KinContacts(Said):
    """Whom the centre calls, in order."""

    contacts: list[KinContact]


class NewContact(Asked):
    """Someone to call; the same name and number again only changes rank and relation."""

    name: str = Field(min_length=1, max_length=60)
    phone: str = Field(min_length=3, max_length=30)
    relation: str = Field(default="", max_length=60)
    rank: int = Field(default=1, ge=1, le=20)


class NewWay(Asked):
    """How I want to be told of a P1."""

    way: str = Field(min_length=1, max_length=20, examples=["sms"])
    reach: str = Field(min_length=3, max_length=80, pattern=r"^[0-9A-Za-z@._+-]+$", description="My number or address on that way", examples=["+8613900000001"])  # fmt: skip


class Way(Said):
    """How I am told of a P1, and what the centre offers."""

    way: str | None = None
    reach: str | None = None
    offered: list[str]
    consented: bool = Field(description="Without consent for it nobody is told, whatever is chosen here")


class NewPush(Asked):
    """What the browser gave when it subscribed (``PushSubscription.toJSON()``)."""

    endpoint: str = Field(min_length=12, max_length=1000, pattern=r"^https?://[!-~]+$")
    p256dh: str = Field(min_length=80, max_length=100, pattern=r"^[A-Za-z0-9_=-]+$")
    auth: str = Field(min_length=16, max_length=40, pattern=r"^[A-Za-z0-9_=-]+$")


class OldPush(Asked):
    """The browser that is to be told no more."""

    endpoint: str = Field(min_length=12, max_length=1000)


class PushKey(Said):
    """What a browser subscribes with."""

    key: str | None = Field(description="The site's public key (VAPID, base64url); none: this site does not offer it")


class Pushed(Said):
    """Of whom this browser is told now."""

    residents: list[str]


class OwnConsent(Said):
    """What I may see of a relative."""

    resident_id: str
    name: str
    scopes: list[Scope]
    given_by: str
    recorded_at: datetime


class OwnConsents(Said):
    """What I may see of whom."""

    consents: list[OwnConsent]


class NewToken(Asked):
    """A token for a program of one's own."""

    name: str = Field(min_length=1, max_length=60, examples=["kitchen tablet"])
    scopes: Scopes = Field(min_length=1)
    days: int = Field(default=90, ge=1, le=365)


class KinToken(Said):
    """A token that holds."""

    token_id: str
    name: str
    scopes: list[Scope]
    made_at: datetime
    ends_at: datetime
    used_at: datetime | None = None


class KinTokens(Said):
    """My tokens."""

    tokens: list[KinToken]


class MadeToken(Said):
    """A new token. It is said once and kept nowhere."""

    token_id: str
    token: str
    ends_at: datetime


class NewConsent(Asked):
    """What the resident or a guardian said. No scopes: withdrawn."""

    user_name: Name
    scopes: Scopes
    given_by: Literal["resident", "guardian"]
    giver: str = Field(default="", max_length=60, description="The guardian's name")
    ground: str = Field(min_length=1, max_length=300, examples=["paper of 2026-11-23"])


class ConsentNow(Said):
    """Somebody linked to a resident, and what they may see now."""

    user_name: str
    display_name: str
    scopes: list[Scope]
    given_by: str | None = None
    giver: str | None = None
    ground: str | None = None
    recorded_by: str | None = None
    recorded_at: datetime | None = None


class ConsentRow(Said):
    """What was said once."""

    consent_id: int
    user_name: str
    scopes: list[Scope]
    given_by: str
    giver: str
    ground: str
    recorded_by: str
    recorded_at: datetime


class ScopeWords(Said):
    """What may be consented to, in words to be read to the resident."""

    scope: Scope
    zh: str
    en: str
    emergency: bool = Field(description="Proposed for the first emergency contact; asked, never taken for granted")


class Consents(Said):
    """Who may see what of a resident, and how that came about."""

    now: list[ConsentNow]
    history: list[ConsentRow]
    scopes: list[ScopeWords]
