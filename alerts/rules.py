"""The numbers by which cases are ranked, escalated and timed.

Priorities, ladder, answering times and how long somebody is asked first stand in the database, where supervisors see and change them
(``priority_rules``, ``escalation_rungs``, ``answer_times``, ``asking_times``); ``SHIPPED`` is what the migration seeds, and a test compares the two. The others are
fixed here, with their sources. "Chosen" means: no source, our own judgement.
"""

from typing import get_args

import msgspec

from contracts.detections import FAMILIES, Family

LATCHING: frozenset[Family] = frozenset({"sos", "fall", "smoke", "gas", "co", "no_life"})
"""Stay latched until a person closes them; condition off never does (watch.md 6.1; IEC 60601-1-8 calls it latching)."""
RESTORABLE: frozenset[Family] = frozenset({"technical"})
"""May close by restoral, as central stations do with line faults."""
ENDING: frozenset[Family] = frozenset(get_args(Family)) - {"sos", "fall", "wandering"}
"""Families whose devices say when it is over. The others happen at a moment, so that ``on`` stays for ever and proves nothing."""

GATHERED: frozenset[str] = frozenset({"fever"})
"""Detectors whose signals of one institution (homes of one ``site_id``, residents of one home) go into one case: one incident."""
GATHER_S = 86_400.0
"""So far apart at most, event time, s. Chosen: a ward that falls ill does so within days, and the next fever within a day of any of them still joins."""
MOMENTS: frozenset[str] = frozenset({"telephone"})
"""What is said once and never taken back, so that it cannot hold a condition on."""
SAME_DOUBT: frozenset[str] = frozenset({"inactivity", "long_bathroom", "bed_exit"})
"""Detectors that feel one and the same silence: together they are no surer than the surest."""


class Rung(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the escalation ladder: who hears of a case that nobody took for ``after_s``."""

    priority: int
    rung: int
    after_s: float
    who: str
    enabled: bool = True
    """False: this centre has nobody there, so the step is passed over."""
    area_prefix: str = ""
    """Whose ladder it belongs to; empty: the whole site's."""


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a decision needs beside the case and the time."""

    priorities: dict[Family, tuple[int, int, int, int, int]]
    """Priority 1-5 by family and evidence score 0-4."""
    ladder: tuple[Rung, ...]
    answer_s: dict[int, float]
    """Time in which a case of a priority should be claimed, s."""
    asking_s: dict[Family, float] = {}
    """How long the resident and kin are asked first, s, by family; one that is not named goes into the queue at once."""
    high_care_level: int = 3
    """From this care level (0-5) on, priority rises by one, never into P1. Chosen; the level's scale is that of the home card."""
    lease_s: float = 90.0
    """Lease of a claim, s, renewed by the operator's activity. Chosen in design 6.4."""
    hold_limit_s: tuple[float, float, float, float, float] = (120.0, 900.0, 14_400.0, 14_400.0, 14_400.0)
    """Longest hold, s, of priority 1 to 5. Design 6.6 (P1 to P3); P4 and P5 as P3."""
    follow_up_s: float = 86_400.0
    """From RESOLVED to CLOSED, s. Chosen: the day in which reopening keeps the id."""
    reopen_s: float = 86_400.0
    """How long a finished case can be reopened, s. Design 6.7."""
    shelf_limit_s: float = 28_800.0
    """Longest time on the shelf, s. Chosen: one shift of 8 h; the next one decides anew."""
    restoral_s: float = 60.0
    """How long a technical condition must stay off before its case closes by itself, s. Chosen: a device that flaps makes one case."""

    def rungs(self, priority: int, area_code: str = "") -> tuple[Rung, ...]:
        """Enabled rungs of a priority, in order: of the narrowest area around this one that has a ladder for it, at last the site's."""
        around = [r for r in self.ladder if r.priority == priority and area_code.startswith(r.area_prefix)]
        narrowest = max((r.area_prefix for r in around), key=len, default="")
        found = (r for r in around if r.area_prefix == narrowest and r.enabled)
        return tuple(sorted(found, key=lambda r: (r.after_s, r.rung)))


REVIEW = "incident_review"
"""At this rung an incident review opens by itself."""
_ALWAYS_P1 = (1, 1, 1, 1, 1)
SHIPPED = Rules(
    priorities={
        "sos": _ALWAYS_P1,
        "smoke": _ALWAYS_P1,
        "gas": _ALWAYS_P1,
        "co": _ALWAYS_P1,
        "fall": (3, 3, 2, 1, 1),
        "no_life": (3, 3, 2, 1, 1),
        # At 1 it is a warning, "nobody in the kitchen", not yet the forgotten stove that design 6 makes P2: the resident is asked.
        "stove": (3, 3, 2, 2, 2),
        "wandering": (3, 2, 2, 2, 2),
        "vitals": (3, 3, 2, 2, 2),
        "water": (3, 3, 3, 3, 3),
        "food": (3, 3, 3, 3, 3),
        "technical": (4, 4, 4, 4, 4),
    },
    ladder=(
        # Design 6.5.
        Rung(priority=1, rung=1, after_s=30, who="all_desks"),
        Rung(priority=1, rung=2, after_s=60, who="supervisor_wall"),
        Rung(priority=1, rung=3, after_s=90, who="backup_centre_kin"),
        Rung(priority=1, rung=4, after_s=180, who=REVIEW),
        # Their deadline passed: every desk hears it. Chosen.
        Rung(priority=2, rung=1, after_s=180, who="all_desks"),
        Rung(priority=3, rung=1, after_s=900, who="all_desks"),
        Rung(priority=4, rung=1, after_s=14_400, who="all_desks"),
    ),
    # P1 60 s and P2 180 s: the two marks of UK TSA (97.5 % in 60 s, 99 % in 180 s). P3 to P5 chosen.
    answer_s={1: 60, 2: 180, 3: 900, 4: 14_400, 5: 86_400},
    # Chosen. A call that rings 25 s, is taken and asks its question is over within a minute. Where minutes count (a fall, a stove) there is time
    # for two, and it is less than the 180 s in which a desk would answer a P2. A silence has lasted an hour or more before it is noticed, and a person
    # may be in the garden: three calls within 5 min.
    asking_s={"fall": 120, "stove": 120, "no_life": 300, "vitals": 300},
)
assert set(SHIPPED.priorities) == set(FAMILIES)
