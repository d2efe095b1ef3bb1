"""Fire: a smoke or heat alarm, or thick smoke. A thermometer that shows heat is ``heat``'s, which shares the family, so they are one case.

* A device's own alarm counts at once (GB 20517, EN 14604 leave the judgement to the device).
* Density: smoke_db_m >= density_db_m in two readings running. EN 14604 lets a detector answer between 0.05 and 0.20 dB/m; at the
  upper end every certified alarm would have sounded, so this is for devices that report numbers only.
"""

import msgspec
import numpy as np

from contracts.kinds import Card
from stream.detector import Context, Detector, Rows, State, StateColumn, Story, fires, quiet
from stream.detectors._alarm import say, without_tests


class Params(msgspec.Struct, frozen=True):
    """Limits and scores."""

    score: int = 3
    """Score of an alarm or of measured smoke, 0 to 4. Chosen: one device; P1 by family in any case."""
    density_db_m: float = 0.20
    """Smoke density, dB/m. EN 14604: 0.05 to 0.20 (home.md, from memory)."""
    readings: int = 2
    """Readings running above the limit, count. Chosen: one wild value is no fire."""


STATE = {
    "alarm": StateColumn("b1", False),
    "thick": StateColumn("i2", 0),
    "since_s": StateColumn("f8", np.nan),
}


def observe(params: Params, state: State, rows: Rows, ctx: Context) -> None:
    """Take the device's alarm, or its measured values, and say where fire begins or is over."""
    if rows.kind == "smoke_alarm":
        rows = without_tests(rows, ctx, score=params.score, reason="smoke.alarm")
        state.alarm[rows.subject] = rows["alarm"] == 1
        values = {}
    else:
        rows = rows.where(~np.isnan(rows["smoke_db_m"]))
        density = rows["smoke_db_m"]
        thicker = np.minimum(state.thick[rows.subject] + 1, params.readings)
        state.thick[rows.subject] = np.where(density >= params.density_db_m, thicker, 0)
        values = {"smoke_db_m": density}
    subject = rows.subject
    thick = state.thick[subject] >= params.readings
    alarm = state.alarm[subject]
    burning = alarm | thick
    state.since_s[subject] = np.where(
        burning & np.isnan(state.since_s[subject]), rows.event_at_s, state.since_s[subject]
    )
    new = burning & ~ctx.out.is_on(subject)
    reasons = (
        (new & alarm, "smoke.alarm"),
        (new & thick & ~alarm, "smoke.density"),
    )
    say(ctx, rows, reasons, started_at_s=state.since_s[subject], score=params.score, evidence=values)
    over = ~burning
    ctx.out.off(subject[over], event_at_s=rows.event_at_s[over], reason="smoke.over")
    state.since_s[subject[over]] = np.nan


CARD = Card(version=1, residents=("r-1",), device_ids=("smoke-1", "air-1"), device_roles=("smoke", "thermometer"),
            device_rooms=("bedroom", "kitchen"), device_residents=("", ""))  # fmt: skip


def _air(*density_db_m: float) -> Story:
    return Story(
        [(10.0 * (n + 1), "smoke-1", "air", {"smoke_db_m": value}) for n, value in enumerate(density_db_m)], 600, CARD
    )


DETECTOR = Detector(
    family="smoke",
    kinds=("smoke_alarm", "air"),
    params=Params(),
    observe=observe,
    lanes=("bulk", "urgent"),
    subject="device",
    state=STATE,
    version=2,
    cases=(
        fires("a smoke alarm", Story([(10, "smoke-1", "smoke_alarm", {"alarm": True})], 20, CARD), within_s=(10, 11), last="smoke.alarm"),
        fires("an alarm that ends and begins again is two",
              Story([(10.0 * n, "smoke-1", "smoke_alarm", {"alarm": n % 2 == 1}) for n in range(1, 4)], 60, CARD), episodes=2),
        fires("smoke of 0.3 dB/m", _air(0.02, 0.3, 0.3, 0.3), within_s=(30, 31), last="smoke.density"),
        fires("smoke that clears", _air(0.02, 0.3, 0.3, 0.1), last="smoke.over"),
        fires("a test button is said as a test", Story([(10, "smoke-1", "smoke_alarm", {"alarm": True, "test": True})], 20, CARD)),
        quiet("one wild value", _air(0.02, 0.9, 0.02, 0.9, 0.02)),
        quiet("frying: 0.15 dB/m for a while", _air(*[0.15] * 30)),
        quiet("a thermometer", Story([(60.0 * n, "air-1", "air", {"temperature_c": 80.0}) for n in range(9)], 600, CARD)),
        quiet("the all-clear alone", Story([(10, "smoke-1", "smoke_alarm", {"alarm": False})], 20, CARD)),
    ),
)  # fmt: skip
