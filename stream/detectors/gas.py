"""Combustible gas: a gas alarm's own judgement, or the measured share of the lower explosive limit (LEL).

* A device's alarm counts at once; it may end when the device says so.
* Measured: gas_lel_pct >= level_pct held for hold_s, or >= high_pct in two readings running; over below clear_pct.
Sources (home.md): EN 50194-1 set point 3 to 20 % LEL, GB 15322.2-2019 5 to 25 % (both from memory); Aqara's alarm is set to 10 or 15 %
(seen); the new GB 15322.2 wants the alarm no earlier than 15 s and no later than 60 s (seen).
"""

import msgspec
import numpy as np

from contracts.kinds import Card
from stream.detector import Context, Detector, Rows, State, StateColumn, Story, fires, quiet
from stream.detectors._alarm import say, without_tests


class Params(msgspec.Struct, frozen=True):
    """Limits and score."""

    score: int = 3
    """Score, 0 to 4. Chosen: one device; P1 by family in any case."""
    level_pct: float = 10.0
    """Alarm line, % LEL. Inside EN 50194-1 (3-20) and GB 15322.2 (5-25); as Aqara's more sensitive setting."""
    hold_s: float = 30.0
    """Time above the line, s. New GB 15322.2: 15 to 60."""
    high_pct: float = 20.0
    """Above this two readings are enough, % LEL. Upper end of EN 50194-1."""
    clear_pct: float = 5.0
    """Below this it is over, % LEL. Half the alarm line, chosen, so that it does not flutter."""
    gap_s: float = 300.0
    """Readings further apart do not count as held, s. Chosen."""


STATE = {
    "alarm": StateColumn("b1", False),
    "measured": StateColumn("b1", False),
    "above_s": StateColumn("f8", np.nan),
    "high": StateColumn("i2", 0),
    "at_s": StateColumn("f8", np.nan),
}


def observe(params: Params, state: State, rows: Rows, ctx: Context) -> None:
    """Take the alarm or the measured value; say where gas begins or is gone."""
    if rows.kind == "gas_alarm":
        rows = without_tests(rows, ctx, score=params.score, reason="gas.alarm")
        state.alarm[rows.subject] = rows["alarm"] == 1
        value = np.full(len(rows.subject), np.nan)
    else:
        rows = rows.where(~np.isnan(rows["gas_lel_pct"]))
        value = rows["gas_lel_pct"]
        _measure(params, state, rows.subject, rows.event_at_s, value)
    subject, at_s = rows.subject, rows.event_at_s
    alarm = state.alarm[subject]
    present = alarm | state.measured[subject]
    new = present & ~ctx.out.is_on(subject)
    since_s = np.where(alarm, at_s, np.fmin(state.above_s[subject], at_s))
    say(ctx, rows, ((new & alarm, "gas.alarm"), (new & ~alarm, "gas.leak")), started_at_s=since_s, score=params.score,
        evidence={"gas_lel_pct": value, "held_s": at_s - since_s})  # fmt: skip
    ctx.out.off(subject[~present], event_at_s=at_s[~present], reason="gas.over")


def _measure(params: Params, state: State, subject: np.ndarray, at_s: np.ndarray, value: np.ndarray) -> None:
    """Follow the measured value; a reading older than the last one is not counted."""
    newer = ~(at_s <= state.at_s[subject])
    subject, at_s, value = subject[newer], at_s[newer], value[newer]
    gap = at_s - state.at_s[subject] > params.gap_s
    above = value >= params.level_pct
    start_s = np.where(np.isnan(state.above_s[subject]) | gap, at_s, state.above_s[subject])
    state.above_s[subject] = np.where(above, start_s, np.nan)
    state.high[subject] = np.where(
        value >= params.high_pct, np.where(gap, 1, np.minimum(state.high[subject] + 1, 2)), 0
    )
    raised = (above & (at_s - start_s >= params.hold_s)) | (state.high[subject] >= 2)
    state.measured[subject] = raised | (state.measured[subject] & (value >= params.clear_pct))
    state.at_s[subject] = at_s


CARD = Card(
    version=1,
    residents=("r-1",),
    device_ids=("gas-1",),
    device_roles=("gas",),
    device_rooms=("kitchen",),
    device_residents=("",),
)


def _lel(*percent: float, every_s: float = 10.0) -> Story:
    return Story(
        [(every_s * (n + 1), "gas-1", "air", {"gas_lel_pct": v}) for n, v in enumerate(percent)],
        every_s * (len(percent) + 2),
        CARD,
    )


DETECTOR = Detector(
    family="gas",
    kinds=("gas_alarm", "air"),
    params=Params(),
    observe=observe,
    lanes=("bulk", "urgent"),
    subject="device",
    state=STATE,
    cases=(
        fires("a gas alarm", Story([(10, "gas-1", "gas_alarm", {"alarm": True})], 20, CARD), within_s=(10, 11), last="gas.alarm"),
        fires("12 % LEL for half a minute", _lel(2, 12, 12, 12, 12, 12), within_s=(50, 55), last="gas.leak"),
        fires("30 % twice", _lel(2, 30, 30), within_s=(30, 35), last="gas.leak"),
        fires("a leak that is aired out", _lel(0, 12, 13, 14, 15, 9, 7, 3), last="gas.over"),
        fires("a test is said as a test", Story([(10, "gas-1", "gas_alarm", {"alarm": True, "test": True})], 20, CARD)),
        fires("15 % every five minutes", _lel(0, 15, 15, 15, every_s=300.0), within_s=(900, 905), last="gas.leak"),
        fires("a device that alarms below our own line, and is over by its own word",
              Story([(10, "gas-1", "gas_alarm", {"alarm": True}), (40, "gas-1", "air", {"gas_lel_pct": 6.0}), (80, "gas-1", "gas_alarm", {"alarm": False})],
                    100, CARD), last="gas.over"),
        quiet("one wild value of 60 %", _lel(0, 60, 0, 0, 60, 0)),
        quiet("just below the line", _lel(*[9.9] * 40)),
        quiet("the all-clear alone", Story([(10, "gas-1", "gas_alarm", {"alarm": False})], 20, CARD)),
        quiet("lighting the burner", _lel(0, 14, 4, 0, 0, 0)),
        quiet("8 % for minutes", _lel(*[8.0] * 40)),
        quiet("12 % once an hour", _lel(12, 12, 12, every_s=3600)),
    ),
)  # fmt: skip
