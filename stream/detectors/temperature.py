"""A body that is too cold, or dangerously hot.

Reads ``body_temp_c`` alone: skin is as cold as the room, and a loose watch as the table, so cold skin says nothing of the person. What is merely
raised is ``fever``; a body as hot as here is more than a fever (heat stroke), and both speak of one case. A thermometer that
is used now and then confirms itself: a second reading half an hour later or on the next round. When the nightly learner knows the
usual range, a fall below it counts too, if the body is cold as well.
Source: hypothermia is below 35 °C (NEWS2: 3 points at 35.0 and below), heat stroke above 40 °C (from memory). Times: chosen.
"""

import msgspec
import numpy as np

from contracts.kinds import Card
from stream.detector import Context, Detector, Rows, State, Story, fires, quiet
from stream.detectors import _vitals
from stream.detectors._vitals import Line


class Params(msgspec.Struct, frozen=True):
    """What is too cold and too hot, and for how long."""

    cold_c: float = 35.0
    """At most so warm is too cold for anybody, °C. Source: NEWS2, 3 points (from memory)."""
    cold_hold_s: float = 1800.0
    """For so long, s. Chosen: a thermometer that was badly placed is read again within it."""
    hot_c: float = 40.0
    """At least so warm is dangerous for anybody, °C. Source: definition of heat stroke (from memory)."""
    hot_hold_s: float = 600.0
    """For so long, s. Chosen: a hot drink passes sooner."""
    hard_score: int = 2
    """Score beyond a hard line, 0 to 4. Chosen: one sensor, read twice."""
    margin_c: float = 0.8
    """So far below the usual lowest it is a departure, °C. Chosen: the body's own daily swing is about 0.5 to 1 (from memory)."""
    own_c: float = 35.5
    """A departure only at or below this, °C. Chosen: between hypothermia and what many old people have in the morning."""
    own_hold_s: float = 3600.0
    """How long a departure must last, s. Chosen: time enough for a second measurement."""
    own_score: int = 1
    """Score of a departure, 0 to 4. Chosen: the centre asks first."""
    least: int = 2
    """Readings at least, count. Chosen: a thermometer on its round is read no third time."""
    gap_s: float = 43_200.0
    """Two readings so far apart are no longer one stretch, s (12 h). Chosen: rounds are made in the morning and in the evening."""
    calm_s: float = 600.0
    """Within all lines for so long it is over, s. Chosen: two good readings."""


STATE = _vitals.columns(3)


def observe(params: Params, state: State, rows: Rows, ctx: Context) -> None:
    """Follow the body's temperature on each device."""
    if rows.kind == "status":
        _vitals.note_worn(state, rows)
        return
    rows = _vitals.counted(state, rows, ~np.isnan(rows["body_temp_c"]), ctx, over="temperature.over")
    if not len(rows.subject):
        return
    body_c = rows["body_temp_c"]
    usual_c = ctx.cards.usual("usual.body_low_c", rows.device)
    own_c = np.minimum(usual_c - params.margin_c, params.own_c)
    told, gap_s, least = np.ones(len(body_c), dtype=bool), params.gap_s, params.least
    lines = (
        Line(body_c >= params.hot_c, told, params.hot_hold_s, gap_s, params.hard_score, "temperature.hot", least),
        Line(body_c <= params.cold_c, told, params.cold_hold_s, gap_s, params.hard_score, "temperature.cold", least),
        Line(body_c <= own_c, told, params.own_hold_s, gap_s, params.own_score, "temperature.unusually_cold", least),
    )
    evidence = {"body_temp_c": body_c, "usual_low_c": usual_c}
    _vitals.judge(state, rows, lines, ctx, calm_s=params.calm_s, over="temperature.over", evidence=evidence)


CARD = Card(
    version=1,
    residents=("r-1",),
    device_ids=("watch-1",),
    device_roles=("wearable",),
    device_rooms=("other",),
    device_residents=("r-1",),
)
KNOWN = msgspec.structs.replace(CARD, threshold_names=("usual.body_low_c@r-1",), threshold_values=(36.1,))
Row = tuple[float, str, str, dict[str, object]]


def body(temp_c: float, readings: int, from_min: float = 0, every_min: float = 5, **more: object) -> list[Row]:
    """So many readings of the body's temperature."""
    return [
        (60.0 * (from_min + n * every_min), "watch-1", "vitals", {"body_temp_c": temp_c, **more})
        for n in range(readings)
    ]


DETECTOR = Detector(
    family="vitals",
    kinds=("vitals", "status"),
    params=Params(),
    observe=observe,
    subject="device",
    state=STATE,
    cases=(
        fires("too cold for half an hour", Story(body(34.2, 10), 3000, CARD), within_s=(1800, 1801), last="temperature.cold"),
        fires("too cold in the morning, and on the next round", Story(body(34.4, 2, every_min=480), 29_000, CARD)),
        fires("dangerously hot", Story(body(40.6, 4), 1500, CARD), within_s=(600, 601), last="temperature.hot"),
        fires("colder than usual", Story(body(35.2, 15), 5000, KNOWN), within_s=(3600, 3601), last="temperature.unusually_cold"),
        fires("warm again", Story([*body(34.2, 10), *body(36.4, 6, 50)], 5000, CARD), last="temperature.over"),
        quiet("one wild value", Story([*body(36.5, 5), *body(30.0, 1, 25), *body(36.5, 5, 30), *body(43.0, 1, 55), *body(36.5, 5, 60)], 6000, CARD)),
        quiet("badly placed, and measured again", Story([*body(34.0, 1), *body(36.6, 1, 40)], 4000, CARD)),
        quiet("a fever is not this", Story(body(38.9, 30), 10_000, CARD)),
        quiet("a cool morning, and nobody knows what is usual", Story(body(35.4, 30), 10_000, CARD)),
        quiet("cold skin is no cold body", Story([(60.0 * n, "watch-1", "vitals", {"skin_temp_c": 22.0}) for n in range(90)], 6000, CARD)),
        quiet("measured once", Story(body(34.0, 1), 90_000, CARD)),
        quiet("twice, a day apart", Story(body(34.0, 2, every_min=1440), 90_000, CARD)),
        quiet("the watch lies on its charger", Story([(0.0, "watch-1", "status", {"worn": False}), *body(33.0, 30, 1)], 10_000, CARD)),
    ),
)  # fmt: skip
