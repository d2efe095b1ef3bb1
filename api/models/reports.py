"""A supervision report: figures of a period, each with how many cases it rests on."""

from datetime import date, datetime

from pydantic import Field

from api.models.shape import Said


class Definition(Said):
    """What a figure is. It is printed with it."""

    key: str = Field(examples=["within_60"])
    zh: str
    en: str
    means_zh: str
    means_en: str


class Share(Said):
    """A share of ``n`` cases; ``pct`` is none where there are none: nothing is known then, and not 100 %."""

    count: int
    n: int
    pct: float | None = Field(description="Per cent, one decimal")


class Arrival(Said):
    """How long it took until somebody was there."""

    n: int = Field(description="Cases of which an arrival was said")
    p50_s: float | None
    p90_s: float | None


class Figures(Said):
    """Figures of some cases."""

    name: str = Field(description="Area prefix, priority, or the first hour of a band; empty: all", examples=["330282"])
    raised: int
    calls: int = Field(description="Of these the ones that a telephone call began")
    alarms: int = Field(description="Of these the ones that came to a desk")
    within_60: Share
    within_180: Share
    unanswered: int
    arrival: Arrival
    false_alarms: Share
    undecided: int = Field(description="Raised, and neither true nor false by now")
    stale: int


class Detector(Said):
    """Cases that one detector began."""

    name: str = Field(description="Empty: an incident, or a case from before this was kept")
    raised: int
    false_alarms: Share
    undecided: int


class Source(Said):
    """One device's cases of one family."""

    home_id: str
    device_id: str | None
    family: str
    alarms: int
    share_pct: float | None = Field(description="Of all alarms")
    false_alarms: Share
    chattering: bool


class Load(Said):
    """How much came to the desks, after ISA-18.2."""

    desk_hours: float
    alarms_per_desk_hour: float | None
    floods: int = Field(description="Stretches of ten minutes")
    worst_10_min: float | None = Field(description="Most alarms a desk in ten minutes")
    unattended: int
    sources: int
    chattering: int


class Report(Said):
    """Everything of one area and period."""

    area: str = Field(description="Prefix of area_code; empty: everything")
    from_day: date
    to_day: date = Field(description="The last day")
    zone: str
    band_h: int
    total: Figures
    areas: list[Figures]
    priorities: list[Figures]
    bands: list[Figures]
    detectors: list[Detector]
    load: Load
    sources: list[Source] = Field(description="Ten at most, the busiest first")
    definitions: list[Definition]
    now: datetime
