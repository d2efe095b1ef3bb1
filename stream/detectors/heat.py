"""Heat: a room as hot as no room is, or one that becomes hot so fast that only a fire does it.

* Fixed: temperature_c >= hot_c in two readings running.
* Rise: warmer by rise_k than the coolest reading of the last window_s, and at least floor_c; the reading after it must not be cooler by more
  than slack_k. The floor keeps out what warms fast and harmlessly: a sensor carried in from the cold, a heated bathroom. Balconies
  are left out, for the sun does it there.
Thermometers on a stove, a fridge or a food holder measure no room. Family smoke: a fire that a smoke alarm in the next room hears as well is
one case, and the two are independent signals of it; home.md: heat, not smoke, detectors belong into kitchens.
Sources: EN 54-5 (from memory): class A1 answers from 54 to 65 °C, and in a rise of 10 K/min after one to some four minutes, never in 1 K/min.
Most thermometers speak every few minutes or at a change of a degree, so a rise of 20 K is asked for within five minutes: at least 4 K/min.
"""

import msgspec
import numpy as np

from contracts.kinds import ROLES, ROOMS, Card
from stream.detector import Context, Detector, Floats, Ints, Rows, State, StateColumn, Story, fires, quiet
from stream.detectors._alarm import say

NOT_ROOM_AIR = np.isin(np.array(ROLES), ("stove", "fridge", "holding"))
BALCONY = ROOMS.index("balcony")
SLOTS = 12
"""Readings that are remembered of a thermometer; one every window_s / SLOTS at most, so that they reach back over the whole window."""


class Params(msgspec.Struct, frozen=True):
    """Limits and scores."""

    hot_c: float = 57.0
    """Air temperature that is a fire, °C. EN 54-5 A1: 54 to 65 (from memory); 57 is usual on household heat alarms."""
    rise_k: float = 20.0
    """Rise within the window, K. Chosen: two minutes of the slowest fire that a rate-of-rise detector must find (EN 54-5, 10 K/min)."""
    window_s: float = 330.0
    """Window of the rise, s. Chosen: five minutes, and half a minute for thermometers that speak every five."""
    floor_c: float = 40.0
    """A rise to less than this is no fire, °C. Chosen: above any room that is only warmed or steamed."""
    slack_k: float = 3.0
    """So much cooler the confirming reading may be, K. Chosen: a fire's air flickers, a wild value falls all the way."""
    clear_c: float = 38.0
    """Below this it is over, °C. Chosen: under the floor, so that it does not flutter."""
    hot_score: int = 3
    """Score of the fixed temperature, 0 to 4. Chosen: one device; P1 by family in any case."""
    rise_score: int = 2
    """Score of a rise, 0 to 4. Chosen: an oven door does much of it."""


STATE = {
    "ring_c": StateColumn("f4", np.nan, SLOTS),
    "ring_s": StateColumn("f8", np.nan, SLOTS),
    "value_c": StateColumn("f8", np.nan),
    "at_s": StateColumn("f8", np.nan),
    "fast": StateColumn("b1", False),
    "score": StateColumn("i1", 0),
    "since_s": StateColumn("f8", np.nan),
}


def observe(params: Params, state: State, rows: Rows, ctx: Context) -> None:
    """Follow each thermometer; a reading older than the last one is left out."""
    rows = rows.where(~np.isnan(rows["temperature_c"]) & ~NOT_ROOM_AIR[rows.role])
    rows = rows.where(~(rows.event_at_s <= state.at_s[rows.subject]))
    subject, at_s, value_c = rows.subject, rows.event_at_s, rows["temperature_c"]
    if not len(subject):
        return
    before_c = state.value_c[subject]
    twice = (value_c >= params.hot_c) & (before_c >= params.hot_c)
    low_c, low_s = _coolest(params, state, subject, at_s)
    fast = (value_c - low_c >= params.rise_k) & (value_c >= params.floor_c) & (rows.room != BALCONY)
    stays = state.fast[subject] & (value_c >= before_c - params.slack_k) & (value_c >= params.floor_c)

    score = np.where(twice, params.hot_score, np.where(stays, params.rise_score, 0))
    new = score > state.score[subject]
    burning_since_s = np.where(np.isnan(state.since_s[subject]), at_s, state.since_s[subject])
    state.since_s[subject] = np.where(fast | stays | (value_c >= params.hot_c), burning_since_s, np.nan)
    evidence = {"temperature_c": value_c, "rise_k": value_c - low_c, "rise_min": (at_s - low_s) / 60.0}
    say(ctx, rows, ((new & twice, "heat.hot"), (new & ~twice, "heat.rising")),
        started_at_s=state.since_s[subject], score=score, evidence=evidence)  # fmt: skip
    over = value_c < params.clear_c
    ctx.out.off(subject[over], event_at_s=at_s[over], reason="heat.over")
    state.score[subject] = np.where(over, 0, np.maximum(score, state.score[subject]))
    # Until it is confirmed or not, a rise is a rise from where it began, however old that reading is by then.
    state.fast[subject] = fast | stays
    state.value_c[subject], state.at_s[subject] = value_c, at_s
    _remember(params, state, subject, at_s, value_c)


def _coolest(params: Params, state: State, subject: Ints, at_s: Floats) -> tuple[Floats, Floats]:
    """The coolest reading of the window, and when it was; NaN where there is none."""
    inside = at_s[:, None] - state.ring_s[subject] <= params.window_s
    ring_c = np.where(inside, state.ring_c[subject], np.inf)
    place = ring_c.argmin(axis=1)
    row = np.arange(len(subject))
    low_c = ring_c[row, place].astype(np.float64)
    return np.where(np.isinf(low_c), np.nan, low_c), state.ring_s[subject][row, place]


def _remember(params: Params, state: State, subject: Ints, at_s: Floats, value_c: Floats) -> None:
    """Put a reading into the ring, in the newest one's place if that is younger than a slot and not cooler."""
    ring_s, ring_c = state.ring_s[subject], state.ring_c[subject]
    slot = np.floor(at_s / (params.window_s / SLOTS))
    same = np.floor(ring_s[:, -1] / (params.window_s / SLOTS)) == slot
    cooler = ~(ring_c[:, -1] <= value_c)
    moved_s = np.where(same[:, None], ring_s, np.roll(ring_s, -1, axis=1))
    moved_c = np.where(same[:, None], ring_c, np.roll(ring_c, -1, axis=1))
    takes = ~same | cooler
    moved_s[takes, -1], moved_c[takes, -1] = at_s[takes], value_c[takes]
    state.ring_s[subject], state.ring_c[subject] = moved_s, moved_c


CARD = Card(version=1, residents=("r-1",), device_ids=("air-1", "stove-1", "air-2"), device_roles=("thermometer", "stove", "thermometer"),
            device_rooms=("kitchen", "kitchen", "balcony"), device_residents=("", "", ""))  # fmt: skip


def _air(device: str, *celsius: float, every_s: float = 60.0) -> Story:
    """One reading after the other."""
    rows = [(every_s * (n + 1), device, "air", {"temperature_c": value}) for n, value in enumerate(celsius)]
    return Story(rows, every_s * (len(celsius) + 2), CARD)


DETECTOR = Detector(
    family="smoke",
    kinds=("air",),
    params=Params(),
    observe=observe,
    lanes=("bulk", "urgent"),
    subject="device",
    state=STATE,
    cases=(
        fires("a kitchen at 60 °C, slowly", _air("air-1", *np.arange(24.0, 64.0, 1.0).tolist()), within_s=(2_100, 2_101), last="heat.hot"),
        fires("a pan on fire: 10 °C a minute", _air("air-1", 24, 24, 34, 44, 54, 64, 74), within_s=(300, 301), last="heat.hot"),
        fires("a thermometer that speaks every five minutes", _air("air-1", 24, 24, 50, 55, every_s=300), within_s=(1_200, 1_201), last="heat.rising"),
        fires("put out and aired", _air("air-1", 24, 24, 44, 54, 60, 50, 36), last="heat.over"),
        fires("a reading every five seconds", _air("air-1", *np.arange(24.0, 60.0, 0.5).tolist(), every_s=5), last="heat.hot"),
        quiet("one wild value", _air("air-1", 24, 99, 24, 24, 0, 24, 24)),
        quiet("the oven door: 35 °C for minutes", _air("air-1", 24, 30, 35, 35, 33, 30)),
        quiet("one reading beside the oven", _air("air-1", 24, 24, 45, 30, 26)),
        quiet("a hot summer and a stir-fry", _air("air-1", 36, 38, 41, 44, 47, 48, 47, 45)),
        quiet("carried in from the cold", _air("air-1", -8, 10, 22, 23, 23)),
        quiet("readings hours apart", _air("air-1", 20, 45, 45, 20, 45, every_s=7_200)),
        quiet("the sun on the balcony", _air("air-2", 20, 30, 42, 48, 52, 50)),
        quiet("the thermometer at the stove", _air("stove-1", 80, 90, 120, 90)),
    ),
)  # fmt: skip
