"""Fire: a smoke or heat alarm, thick smoke, or a room as hot as no room is.

* A device's own alarm counts at once (GB 20517, EN 14604 leave the judgement to the device).
* Density: smoke_db_m >= density_db_m in two readings running. EN 14604 lets a detector answer between 0.05 and 0.20 dB/m; at the
  upper end every certified alarm would have sounded, so this is for devices that report numbers only.
* Heat: temperature_c >= heat_c in two readings running. Static heat detectors of the lowest class answer from 54 °C (EN 54-5 class A1,
  54 to 65 °C, from memory); home.md: heat, not smoke, detectors belong into kitchens. Thermometers on a stove, a fridge or a food holder
  do not count.
"""

import msgspec
import numpy as np

from contracts.kinds import ROLES, Card
from stream.detector import Context, Detector, Rows, State, StateColumn, Story, fires, quiet
from stream.detectors._alarm import say, without_tests

NOT_ROOM_AIR = np.isin(np.array(ROLES), ("stove", "fridge", "holding"))


class Params(msgspec.Struct, frozen=True):
    """Limits and scores."""

    score: int = 3
    """Score of an alarm or of measured smoke or heat, 0 to 4. Chosen: one device; P1 by family in any case."""
    density_db_m: float = 0.20
    """Smoke density, dB/m. EN 14604: 0.05 to 0.20 (home.md, from memory)."""
    heat_c: float = 57.0
    """Air temperature, °C. EN 54-5 A1: 54 to 65 (from memory); 57 is usual on household heat alarms."""
    readings: int = 2
    """Readings running above the limit, count. Chosen: one wild value is no fire."""


STATE = {
    "alarm": StateColumn("b1", False),
    "thick": StateColumn("i2", 0),
    "hot": StateColumn("i2", 0),
    "since_s": StateColumn("f8", np.nan),
}


def observe(params: Params, state: State, rows: Rows, ctx: Context) -> None:
    """Take the device's alarm, or its measured values, and say where fire begins or is over."""
    if rows.kind == "smoke_alarm":
        rows = without_tests(rows, ctx, score=params.score, reason="smoke.alarm")
        state.alarm[rows.subject] = rows["alarm"] == 1
        values = {}
    else:
        density, heat = rows["smoke_db_m"], np.where(NOT_ROOM_AIR[rows.role], np.nan, rows["temperature_c"])
        for column, value, limit in ((state.thick, density, params.density_db_m), (state.hot, heat, params.heat_c)):
            count = np.where(value >= limit, np.minimum(column[rows.subject] + 1, params.readings), 0)
            column[rows.subject] = np.where(np.isnan(value), column[rows.subject], count)
        values = {"smoke_db_m": density, "temperature_c": heat}
    subject = rows.subject
    thick, hot = state.thick[subject] >= params.readings, state.hot[subject] >= params.readings
    alarm = state.alarm[subject]
    burning = alarm | thick | hot
    state.since_s[subject] = np.where(
        burning & np.isnan(state.since_s[subject]), rows.event_at_s, state.since_s[subject]
    )
    new = burning & ~ctx.out.is_on(subject)
    reasons = (
        (new & alarm, "smoke.alarm"),
        (new & thick & ~alarm, "smoke.density"),
        (new & hot & ~thick & ~alarm, "smoke.heat"),
    )
    say(ctx, rows, reasons, started_at_s=state.since_s[subject], score=params.score, evidence=values)
    over = ~burning
    ctx.out.off(subject[over], event_at_s=rows.event_at_s[over], reason="smoke.over")
    state.since_s[subject[over]] = np.nan


CARD = Card(version=1, residents=("r-1",), device_ids=("smoke-1", "air-1", "stove-1"), device_roles=("smoke", "thermometer", "stove"),
            device_rooms=("bedroom", "kitchen", "kitchen"), device_residents=("", "", ""))  # fmt: skip


def _air(device: str, *celsius: float) -> Story:
    return Story(
        [(60.0 * (n + 1), device, "air", {"temperature_c": value}) for n, value in enumerate(celsius)], 600, CARD
    )


DETECTOR = Detector(
    family="smoke",
    kinds=("smoke_alarm", "air"),
    params=Params(),
    observe=observe,
    lanes=("bulk", "urgent"),
    subject="device",
    state=STATE,
    cases=(
        fires("a smoke alarm", Story([(10, "smoke-1", "smoke_alarm", {"alarm": True})], 20, CARD), within_s=(10, 11), last="smoke.alarm"),
        fires("an alarm that ends and begins again is two",
              Story([(10.0 * n, "smoke-1", "smoke_alarm", {"alarm": n % 2 == 1}) for n in range(1, 4)], 60, CARD), episodes=2),
        fires("a kitchen at 60 °C", _air("air-1", 24, 40, 60, 70, 80), within_s=(240, 300), last="smoke.heat"),
        fires("smoke of 0.3 dB/m", Story([(10.0 * n, "smoke-1", "air", {"smoke_db_m": 0.3}) for n in range(3)], 60, CARD), last="smoke.density"),
        fires("a test button is said as a test", Story([(10, "smoke-1", "smoke_alarm", {"alarm": True, "test": True})], 20, CARD)),
        quiet("one wild value", _air("air-1", 24, 99, 24, 24)),
        quiet("the thermometer at the stove", _air("stove-1", 80, 90, 120, 90)),
        quiet("a hot summer", _air("air-1", 38, 39, 41, 40)),
        quiet("the all-clear alone", Story([(10, "smoke-1", "smoke_alarm", {"alarm": False})], 20, CARD)),
    ),
)  # fmt: skip
