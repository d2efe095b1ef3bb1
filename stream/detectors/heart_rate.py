"""A heart that beats too slowly or too fast at rest, for so long that it is no wrong reading and no stair.

Hard lines hold from the first day: at most low_bpm or at least high_bpm. The person's own lines come beside them when the nightly learner
knows the usual range at rest (``stream.learning.usual``): beyond it by a margin, for longer, and never within what is nobody's trouble.
A minute with steps counts as well for a fast heart: it ought to be fast. A bed that measures the heart is read as a wearable is.
Source: NEWS2 (Royal College of Physicians, 2017; from memory): 3 points at 40 and below and at 131 and above. How long: chosen.
"""

import msgspec
import numpy as np

from contracts.kinds import Card
from stream.detector import Context, Detector, Rows, State, Story, fires, quiet
from stream.detectors import _vitals
from stream.detectors._vitals import Line
from stream.learning.signs import STEPS


class Params(msgspec.Struct, frozen=True):
    """What is too slow and too fast, and for how long."""

    low_bpm: float = 40.0
    """At most so many beats a minute is too slow for anybody. Source: NEWS2, 3 points (from memory)."""
    low_hold_s: float = 300.0
    """For so long, s. Chosen: a loose watch that counts every second beat is pushed up the arm within minutes."""
    high_bpm: float = 131.0
    """At least so many beats a minute at rest is too fast for anybody. Source: NEWS2, 3 points (from memory)."""
    high_hold_s: float = 600.0
    """For so long without steps, s. Chosen: a heart is slow again some minutes after the stairs."""
    hard_score: int = 2
    """Score beyond a hard line, 0 to 4. Chosen: one optical sensor, which artefacts fool."""
    margin_bpm: float = 15.0
    """Beyond the usual range by so much it is a departure, beats a minute. Chosen: resting heart rates of one person differ by some 10 (from memory)."""
    own_low_bpm: float = 50.0
    """A departure downwards only at or below this. Source: NEWS2, 1 point at 50 and below (from memory)."""
    own_high_bpm: float = 111.0
    """A departure upwards only at or above this. Source: NEWS2, 2 points at 111 and above (from memory)."""
    own_hold_s: float = 1800.0
    """How long a departure must last, s. Chosen: anger and coffee pass sooner."""
    own_score: int = 1
    """Score of a departure, 0 to 4. Chosen: it may be a cold; the centre asks first."""
    gap_s: float = 600.0
    """Two readings so far apart are no longer one stretch, s. Chosen: wearables measure every minute, savers every ten."""
    calm_s: float = 600.0
    """Within all lines for so long it is over, s. Chosen: so that a heart about the line makes one episode."""


STATE = _vitals.columns(4)


def observe(params: Params, state: State, rows: Rows, ctx: Context) -> None:
    """Follow the pulse of each device."""
    if rows.kind == "status":
        _vitals.note_worn(state, rows)
        return
    rows = _vitals.counted(state, rows, rows["heart_rate_bpm"] > 0, ctx, over="heart_rate.over")
    if not len(rows.subject):
        return
    bpm = rows["heart_rate_bpm"]
    still = ~(rows["steps"] >= STEPS) if rows.kind == "vitals" else np.ones(len(bpm), dtype=bool)
    usual_low = ctx.cards.usual("usual.heart_low_bpm", rows.device)
    usual_high = ctx.cards.usual("usual.heart_high_bpm", rows.device)
    own_low = np.minimum(usual_low - params.margin_bpm, params.own_low_bpm)
    own_high = np.maximum(usual_high + params.margin_bpm, params.own_high_bpm)
    told, gap_s, held_s = np.ones(len(bpm), dtype=bool), params.gap_s, params.own_hold_s
    lines = (
        Line(bpm <= params.low_bpm, told, params.low_hold_s, gap_s, params.hard_score, "heart_rate.low"),
        Line(still & (bpm >= params.high_bpm), told, params.high_hold_s, gap_s, params.hard_score, "heart_rate.high"),
        Line(bpm <= own_low, told, held_s, gap_s, params.own_score, "heart_rate.unusually_low"),
        Line(still & (bpm >= own_high), told, held_s, gap_s, params.own_score, "heart_rate.unusually_high"),
    )
    evidence = {"heart_rate_bpm": bpm, "usual_low_bpm": usual_low, "usual_high_bpm": usual_high}
    _vitals.judge(state, rows, lines, ctx, calm_s=params.calm_s, over="heart_rate.over", evidence=evidence)


CARD = Card(version=1, residents=("r-1",), device_ids=("watch-1", "bed-1"), device_roles=("wearable", "bed"), device_rooms=("other", "bedroom"),
            device_residents=("r-1", "r-1"))  # fmt: skip
KNOWN = msgspec.structs.replace(
    CARD, threshold_names=("usual.heart_low_bpm@r-1", "usual.heart_high_bpm@r-1"), threshold_values=(58.0, 84.0)
)
TWO = msgspec.structs.replace(KNOWN, residents=("r-1", "r-2"), device_residents=("r-2", ""))
Row = tuple[float, str, str, dict[str, object]]


def pulse(bpm: float, minutes: int, from_min: int = 0, **more: object) -> list[Row]:
    """One reading a minute."""
    return [
        (60.0 * (from_min + n), "watch-1", "vitals", {"heart_rate_bpm": bpm, "duration_s": 60.0, **more})
        for n in range(minutes)
    ]


def off_the_wrist(at_s: float, worn: bool = False) -> Row:
    """The watch is taken off, or put on."""
    return (at_s, "watch-1", "status", {"worn": worn})


DETECTOR = Detector(
    family="vitals",
    kinds=("vitals", "presence", "status"),
    params=Params(),
    observe=observe,
    subject="device",
    state=STATE,
    cases=(
        fires("a heart that races at rest", Story(pulse(140, 15), 1000, CARD), within_s=(600, 601), last="heart_rate.high"),
        fires("a very slow heart", Story(pulse(36, 10), 700, CARD), within_s=(300, 301), last="heart_rate.low"),
        fires("it settles again", Story([*pulse(140, 15), *pulse(80, 20, 15)], 2200, CARD), last="heart_rate.over"),
        fires("the bed measures it as well",
              Story([(60.0 * n, "bed-1", "presence", {"present": True, "heart_rate_bpm": 34.0}) for n in range(10)], 700, CARD)),
        fires("fast for this person, for half an hour", Story(pulse(115, 40), 2500, KNOWN), within_s=(1800, 1801), last="heart_rate.unusually_high"),
        fires("slow for this person", Story(pulse(42, 40), 2500, KNOWN), within_s=(1800, 1801), last="heart_rate.unusually_low"),
        fires("first fast for this person, then for anybody", Story([*pulse(118, 35), *pulse(138, 15, 35)], 3100, KNOWN), last="heart_rate.high"),
        fires("a step now and then is no walk", Story(pulse(140, 15, steps=2), 1000, CARD)),
        quiet("one wild value", Story([*pulse(70, 10), *pulse(220, 1, 10), *pulse(70, 10, 11), *pulse(25, 1, 21), *pulse(70, 5, 22)], 2000, CARD)),
        quiet("wild values with good ones between", Story([row for n in range(40) for row in pulse((180, 72)[n % 2], 1, n)], 2500, CARD)),
        quiet("a walk", Story(pulse(140, 30, steps=60), 2000, CARD)),
        quiet("the stairs, and some minutes after", Story([*pulse(145, 5, steps=80), *pulse(135, 8, 5), *pulse(95, 20, 13)], 2200, CARD)),
        quiet("fast, but nobody knows what is usual here", Story(pulse(118, 120), 7300, CARD)),
        quiet("fast for him, and not fast", Story(pulse(104, 120), 7300, KNOWN)),
        quiet("two values an hour apart say nothing of the time between",
              Story([row for n in (0, 40, 80, 120) for row in pulse(140, 1, n)], 7300, CARD)),
        quiet("the watch lies on its charger", Story([off_the_wrist(0), *pulse(150, 30, 1)], 2000, CARD)),
        quiet("taken off in between", Story([*pulse(140, 8), off_the_wrist(490), off_the_wrist(500, True), *pulse(140, 8, 9)], 1100, CARD)),
        quiet("another resident's habits do not count", Story(pulse(115, 60), 4000, TWO)),
        quiet("readings of an unknown time", Story(pulse(140, 30, clock=3), 2000, CARD)),
        quiet("no value is no zero", Story([(60.0 * n, "bed-1", "presence", {"present": True, "heart_rate_bpm": 0.0}) for n in range(30)], 2000, CARD)),
    ),
)  # fmt: skip
