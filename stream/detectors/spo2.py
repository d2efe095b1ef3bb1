"""Too little oxygen in the blood, for so long that it is no cold finger.

The hard line is low_pct. When the nightly learner knows what is usual with a person, a fall below it by a margin counts too, for longer and
only below own_pct. Readings while walking do not count at all: an optical sensor on a moving arm is wrong both ways. Neither do values below
floor_pct, which no wrist sensor measures.
Source: 88 % is the lower end of the target even for people with chronic lung disease (British Thoracic Society, 2017; NEWS2 scale 2; from
memory). Wearables may be wrong by 3 to 4 % (ISO 80601-2-61 allows 4 % r.m.s.; from memory), hence not 91.
"""

import msgspec
import numpy as np

from contracts.kinds import Card
from stream.detector import Context, Detector, Rows, State, Story, fires, quiet
from stream.detectors import _vitals
from stream.detectors._vitals import Line
from stream.learning.signs import STEPS


class Params(msgspec.Struct, frozen=True):
    """What is too little, and for how long."""

    low_pct: float = 87.0
    """At most so much is too little for anybody, %. Source: below 88, the lower end of the BTS target (from memory)."""
    low_hold_s: float = 600.0
    """For so long, s. Chosen: a cold or pinched wrist recovers sooner; so does a breath that stops in sleep."""
    hard_score: int = 2
    """Score beyond the hard line, 0 to 4. Chosen: one optical sensor."""
    margin_pct: float = 4.0
    """So far below the usual lowest it is a departure, %. Chosen: the error that the standard allows a sensor (above)."""
    own_pct: float = 91.0
    """A departure only at or below this, %. Source: NEWS2, 3 points at 91 and below (from memory)."""
    own_hold_s: float = 1800.0
    """How long a departure must last, s. Chosen: half an hour is no posture."""
    own_score: int = 1
    """Score of a departure, 0 to 4. Chosen: the centre asks first."""
    floor_pct: float = 60.0
    """Below this it is no measurement, %. Chosen: wearables are not calibrated below 70 (ISO 80601-2-61, from memory)."""
    gap_s: float = 1200.0
    """Two readings so far apart are no longer one stretch, s. Chosen: many watches measure every ten minutes only."""
    calm_s: float = 900.0
    """Within all lines for so long it is over, s. Chosen: so that a value about the line makes one episode."""


STATE = _vitals.columns(2)


def observe(params: Params, state: State, rows: Rows, ctx: Context) -> None:
    """Follow the oxygen of each device."""
    if rows.kind == "status":
        _vitals.note_worn(state, rows)
        return
    told = (rows["spo2_pct"] >= params.floor_pct) & ~(rows["steps"] >= STEPS)
    rows = _vitals.counted(state, rows, told, ctx, over="spo2.over")
    if not len(rows.subject):
        return
    spo2_pct = rows["spo2_pct"]
    usual_pct = ctx.cards.usual("usual.spo2_low_pct", rows.device)
    told = np.ones(len(spo2_pct), dtype=bool)
    own_pct = np.minimum(usual_pct - params.margin_pct, params.own_pct)
    lines = (
        Line(spo2_pct <= params.low_pct, told, params.low_hold_s, params.gap_s, params.hard_score, "spo2.low"),
        Line(spo2_pct <= own_pct, told, params.own_hold_s, params.gap_s, params.own_score, "spo2.unusually_low"),
    )
    evidence = {"spo2_pct": spo2_pct, "usual_low_pct": usual_pct}
    _vitals.judge(state, rows, lines, ctx, calm_s=params.calm_s, over="spo2.over", evidence=evidence)


CARD = Card(
    version=1,
    residents=("r-1",),
    device_ids=("watch-1",),
    device_roles=("wearable",),
    device_rooms=("other",),
    device_residents=("r-1",),
)
KNOWN = msgspec.structs.replace(CARD, threshold_names=("usual.spo2_low_pct@r-1",), threshold_values=(94.0,))
LUNGS = msgspec.structs.replace(CARD, threshold_names=("usual.spo2_low_pct@r-1",), threshold_values=(89.0,))
Row = tuple[float, str, str, dict[str, object]]


def oxygen(pct: float, readings: int, from_min: int = 0, every_min: int = 1, **more: object) -> list[Row]:
    """So many readings."""
    return [
        (60.0 * (from_min + n * every_min), "watch-1", "vitals", {"spo2_pct": pct, **more}) for n in range(readings)
    ]


DETECTOR = Detector(
    family="vitals",
    kinds=("vitals", "status"),
    params=Params(),
    observe=observe,
    subject="device",
    state=STATE,
    cases=(
        fires("too little for ten minutes", Story(oxygen(84, 15), 1000, CARD), within_s=(600, 601), last="spo2.low"),
        fires("a watch that measures every ten minutes", Story(oxygen(84, 4, every_min=10), 2000, CARD), within_s=(1200, 1201)),
        fires("less than usual for half an hour", Story(oxygen(89, 40), 2500, KNOWN), within_s=(1800, 1801), last="spo2.unusually_low"),
        fires("better again", Story([*oxygen(84, 15), *oxygen(95, 20, 15)], 2200, CARD), last="spo2.over"),
        quiet("one wild value", Story([*oxygen(96, 10), *oxygen(70, 1, 10), *oxygen(96, 10, 11)], 1500, CARD)),
        quiet("a breath that stops in sleep, again and again",
              Story([row for n in range(0, 60, 6) for row in (*oxygen(85, 2, n), *oxygen(94, 4, n + 2))], 3700, CARD)),
        quiet("usual for chronic lungs", Story(oxygen(88, 60), 4000, LUNGS)),
        quiet("a little low, and nobody knows what is usual", Story(oxygen(90, 120), 7300, CARD)),
        quiet("walking", Story(oxygen(80, 30, steps=60), 2000, CARD)),
        quiet("a sensor that sees no blood", Story(oxygen(45, 30), 2000, CARD)),
        quiet("two readings in a day", Story(oxygen(84, 2, every_min=15), 2000, CARD)),
        quiet("the watch lies on its charger", Story([(0.0, "watch-1", "status", {"worn": False}), *oxygen(80, 30, 1)], 2000, CARD)),
    ),
)  # fmt: skip
