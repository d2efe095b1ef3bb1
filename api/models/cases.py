"""Cases as operators see them."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field, model_validator

from api.models.shape import Asked, CoverageNow, Reason, Said, Sentence
from storage.records import MOBILITY

Order = Literal["priority", "time"]


class CaseRow(Said):
    """A case in a queue: no name, no telephone number."""

    case_id: str
    version: int = Field(description="Counts every change; send it back with what you do")
    home_id: str
    area_code: str
    resident_id: str | None = None
    family: str = Field(examples=["fall"])
    priority: int = Field(ge=1, le=5, description="1 life, 2 urgent, 3 soon, 4 technical, 5 information")
    score: int = Field(ge=0, le=4, description="0-4, how sure we are")
    reasons: list[Reason] = Field(description="What was said, in order; each sentence once, with its newest numbers")
    handling: str = Field(examples=["QUEUED"])
    condition: str = Field(description="What the devices say: on, latched or off")
    raised_at: datetime
    queued_at: datetime | None = None
    deadline_at: datetime | None = Field(default=None, description="When it should have been claimed")
    asking_until_at: datetime | None = Field(
        default=None, description="While the resident is asked: when it goes into the queue unless somebody answers"
    )
    held_until_at: datetime | None = Field(
        default=None, description="On hold, on the shelf or out of service: when it alarms again"
    )
    desk_id: str | None = Field(default=None, description="Who holds it (user name)")
    lease_until_at: datetime | None = Field(
        default=None, description="Until when he holds it without a sign of activity"
    )
    former_desk_id: str | None = None
    rung: int = 0
    signals: int = 1
    test: bool = False


class CasePage(Said):
    """Open cases, in order."""

    cases: list[CaseRow]
    total: int = Field(description="How many there are in all")
    now: datetime


class Lease(Said):
    """The right to act on a case that one has in hand."""

    case_id: str
    lease_id: str


class Leases(Said):
    """What one has in hand under a lease that runs; holds wait without one."""

    leases: list[Lease]


class Contact(Said):
    """Someone to call, in the order of calling."""

    contact_id: int
    rank: int
    name: str = Field(examples=["沈桂芳"])
    relation: str = Field(examples=["女儿"])
    phone: str = Field(examples=["+86 139 0000 0001"])


class HomeRecord(Said):
    """Where it is."""

    home_id: str
    area_code: str
    address: str = Field(examples=["慈溪市浒山街道虞波社区 3 幢 402 室"])
    zone: str
    care_level: int
    site_id: str | None = None
    note: str = ""
    key_at: str | None = Field(
        default=None, description="Who has a key, or where it lies", examples=["对门王家有备用钥匙"]
    )
    pets: str | None = Field(default=None, examples=["一条狗，怕生"])
    away_until: datetime | None = None


class ResidentRecord(Said):
    """Who lives there."""

    resident_id: str
    name: str = Field(examples=["沈阿大"])
    birth_year: int | None = None
    sex: str | None = None
    phone: str = Field(examples=["+86 138 0000 0001"])
    note: str = ""
    conditions: str | None = Field(
        default=None, description="Illnesses and medicines. None, here and below: nobody wrote it down"
    )
    mobility: str | None = Field(default=None, description=f"One of {', '.join(MOBILITY)}")
    dialect: str | None = Field(default=None, examples=["慈溪话，听不懂普通话"])
    oxygen: bool | None = Field(default=None, description="Breathes oxygen at home")


class Signal(Said):
    """One detection that speaks for or against the case."""

    detection_id: str
    detector: str
    device_id: str | None = None
    on: bool
    withdrawn: bool
    score: int
    reason: Sentence
    evidence: dict[str, Any]
    started_at: datetime
    changed_at: datetime
    about: str | None = Field(
        default=None, description="The detection that it supports, or (withdrawn, score 1 or more) contradicts"
    )


class AuditRow(Said):
    """Who did what, when, why."""

    at: datetime
    actor: str
    action: str
    version: int | None = None
    reason: Sentence
    note: str = Field(default="", description="The operator's own words")


class CaseAfter(CaseRow):
    """A case after what was just done with it."""

    lease_id: str | None = Field(default=None, description="The right to act; only for him who holds the case")


class ScriptStep(Said):
    """One step of a family's script."""

    code: str = Field(examples=["spoke"])
    zh: str
    en: str
    required: bool = Field(description="Without it the case cannot be resolved")


class StepDone(Said):
    """A step that stands as done."""

    code: str = Field(examples=["spoke"])
    actor: str
    at: datetime


class CallMade(Said):
    """One attempt to reach somebody."""

    at: datetime
    actor: str
    contact_id: int | None = Field(default=None, description="Of the contacts; that one may be gone by now")
    resident_id: str | None = None
    result: str = Field(examples=["no_answer"], description="A code of GET /api/v1/outcomes")


class CaseDetail(CaseAfter):
    """Everything that a desk needs to act. Each reading of it is in the audit."""

    event_at: datetime = Field(description="When it happened, by its source's clock")
    claimed_at: datetime | None = None
    hold_reason: str | None = None
    outcome: str | None = None
    contact: str | None = Field(default=None, description="Who was reached")
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    follow_up_at: datetime | None = Field(default=None, description="Comes back then, unless somebody looked again")
    looked_by: str | None = Field(default=None, description="Who had the second look at a resolved P1")
    closed_at: datetime | None = None
    after_case_id: str | None = None
    home: HomeRecord | None = Field(default=None, description="None: this home is not registered")
    coverage: CoverageNow | None = Field(
        default=None, description="How well the home is watched at this moment; none: it is not registered"
    )
    residents: list[ResidentRecord]
    contacts: list[Contact]
    signal_list: list[Signal]
    evidence: list[Sentence] = Field(
        description="Why the score is what it is: what counts, adds, takes away, is left aside"
    )
    audit: list[AuditRow]
    script: list[ScriptStep] = Field(description="What a desk goes through with a case of this family")
    steps: list[StepDone] = Field(description="What of it stands as done since the case was last reopened")
    calls: list[CallMade] = Field(description="Who was rung up since then, in order")
    now: datetime


class Claim(Asked):
    """Take a case. ``version``: the one that was seen."""

    version: int = Field(ge=1, le=2_147_483_647)


class Act(Asked):
    """Do something with a case that one holds."""

    version: int = Field(ge=1, le=2_147_483_647)
    lease_id: str = Field(min_length=1, max_length=80)
    note: str = Field(default="", max_length=2000, description="Goes into the history")


class Renew(Asked):
    """The operator is active: hold the case for another while."""

    lease_id: str = Field(min_length=1, max_length=80)


class Note(Asked):
    """Something worth knowing about the case. Anybody may write it, at any version."""

    text: str = Field(min_length=1, max_length=2000, examples=["女儿在路上，20 分钟到"])


class Reopen(Asked):
    """It was not over after all."""

    version: int = Field(ge=1, le=2_147_483_647)
    reason: str = Field(min_length=1, max_length=2000)


class Hold(Act):
    """Wait with a reason (``note``) and an end; then it alarms again."""

    hold_s: float = Field(gt=0, le=14_400, description="At most 2 min for P1, 15 min for P2, 4 h for P3")


class Resolve(Act):
    """What it turned out to be."""

    outcome: str = Field(min_length=1, max_length=60, examples=["fall_not_injured"])
    contact: str = Field(
        default="", max_length=40, description="Who was reached; a code of GET /api/v1/outcomes", examples=["resident"]
    )
    steps: list[str] = Field(
        default=[], max_length=50, description="Steps of the case's script that were done", examples=[["spoke", "hurt"]]
    )
    follow_up_s: float | None = Field(
        default=None,
        gt=0,
        le=86_400,
        description="Somebody promised to look again so much later; it comes back then unless that was done",
    )


class Step(Act):
    """A step of the script was done."""

    step: str = Field(min_length=1, max_length=40, examples=["spoke"])
    done: bool = Field(default=True, description="false: ticked by mistake")


class Call(Act):
    """Somebody was rung up: a contact of the home, or a resident."""

    contact_id: int | None = Field(default=None, ge=1, le=9_223_372_036_854_775_807)
    resident_id: str | None = Field(default=None, min_length=1, max_length=40, pattern=r"^[a-z0-9][a-z0-9-]*$")
    result: str = Field(min_length=1, max_length=40, examples=["no_answer"])

    @model_validator(mode="after")
    def _one(self) -> "Call":
        if (self.contact_id is None) == (self.resident_id is None):
            raise ValueError("name a contact or a resident")
        return self


class Escalate(Asked):
    """Tell now who would be told next. Whoever has the case sends his lease; a case that waits needs none."""

    version: int = Field(ge=1, le=2_147_483_647)
    lease_id: str | None = Field(default=None, min_length=1, max_length=80)
    note: str = Field(default="", max_length=2000, description="Goes into the history")


class Merge(Act):
    """Fold it into another open case of the same home."""

    into: str = Field(pattern=r"^[0-9a-f-]{36}$", description="That case's id")


class Shelve(Act):
    """Technical only, P4 or P5: out of the way for a reason (``note``) until an end."""

    shelf_s: float = Field(gt=0, le=28_800, description="At most a shift of 8 h")


class Look(Asked):
    """The second look at how a P1 ended."""

    version: int = Field(ge=1, le=2_147_483_647)
    note: str = Field(default="", max_length=2000)


class FollowUp(Asked):
    """Somebody looked again; ``note`` says what was found."""

    version: int = Field(ge=1, le=2_147_483_647)
    note: str = Field(min_length=1, max_length=2000)


class NotLookedAt(CaseRow):
    """A resolved P1 that waits for its second look."""

    resolved_at: datetime
    resolved_by: str
    outcome: str


class NotLookedAts(Said):
    """All of them, oldest first."""

    cases: list[NotLookedAt]
    now: datetime


class Review(Said):
    """An incident review that opened by itself: nobody took a P1 for minutes."""

    case_id: str
    opened_at: datetime
    waited_s: float = Field(description="Unclaimed for so long when the review opened")
    home_id: str
    area_code: str
    family: str
    priority: int
    handling: str


class Reviews(Said):
    """Reviews that nobody has closed, oldest first."""

    reviews: list[Review]


class Finding(Asked):
    """Why nobody took it, and what will be done about that."""

    finding: str = Field(min_length=1, max_length=4000)


class Outcome(Said):
    """One outcome code in words."""

    code: str
    zh: str
    en: str
    true_alarm: bool = Field(description="Somebody needed help")
    false_alarm: bool = Field(description="Nobody did; neither: it says nothing of who raised it")


class ContactResult(Said):
    """Who was reached, in words."""

    code: str
    zh: str
    en: str


class CallResult(Said):
    """How a call ended, in words."""

    code: str
    zh: str
    en: str


class Outcomes(Said):
    """All that is chosen from while a case is worked on and when it is resolved."""

    outcomes: list[Outcome]
    contacts: list[ContactResult]
    calls: list[CallResult] = Field(description="How a call ended, in the order of the number keys")
