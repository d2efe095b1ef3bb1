"""Fever: somebody stays warmer than people, or than this person, are.

By ``body_temp_c`` (thermometer, infrared, wearable): fever_c for anybody, high_c for a higher score; when the nightly learner knows the usual
value, so much above it. By ``skin_temp_c`` of a wearable only against the person's own usual highest, for hours: skin follows the room, the blanket and the strap,
so it asks for a thermometer and says no more. Every value is read twice at least; a thermometer that goes round names whom it
measured, and a resident's second reading counts if nobody else was measured in between (else it is not known whose streak it is: silence).
Several residents of one institution within a day become one incident: alerts does that, for partitions do not see each other.
Source: long-term care (High et al., IDSA 2008; from memory): one reading above 37.8 °C, or 1.1 °C above the person's usual. Times: chosen.
"""

import msgspec
import numpy as np

from contracts.kinds import Card
from stream.detector import Context, Detector, Rows, State, Story, fires, quiet
from stream.detectors import _vitals
from stream.detectors._vitals import Line


class Params(msgspec.Struct, frozen=True):
    """What is a fever, and for how long."""

    high_c: float = 39.1
    """High fever, °C. Source: NEWS2, 2 points at 39.1 and above (from memory)."""
    high_score: int = 2
    """Its score, 0 to 4. Chosen: no blanket does that."""
    fever_c: float = 37.8
    """Fever in old people, °C. Source: IDSA 2008, above 37.8 (from memory)."""
    score: int = 1
    """Score of a fever and of what is unusual, 0 to 4. Chosen: somebody asks how he feels."""
    rise_c: float = 1.1
    """So much above the usual value is a fever as well, °C. Source: IDSA 2008 (from memory)."""
    own_c: float = 37.2
    """But only from here on, °C. Source: IDSA 2008, repeated readings above 37.2 (from memory)."""
    hold_s: float = 1800.0
    """How long by the body's temperature, s. Chosen: a hot drink, a bath and a walk in the sun pass sooner."""
    least: int = 2
    """Readings at least, count. Chosen: a thermometer on its round is read no third time."""
    gap_s: float = 43_200.0
    """Two readings so far apart are no longer one stretch, s (12 h). Chosen: rounds are made in the morning and in the evening."""
    skin_rise_c: float = 1.5
    """So much above the usual highest of the skin, °C. Chosen: more than a degree, which a blanket makes."""
    skin_hold_s: float = 10_800.0
    """For so long, s (3 h). Chosen: longer than an afternoon's sleep under a blanket."""
    skin_gap_s: float = 1800.0
    """Two readings of the skin so far apart are no longer one stretch, s. Chosen: a wearable measures every minute to every ten."""
    calm_s: float = 3600.0
    """Within all lines for so long it is over, s. Chosen: fever falls and rises."""


STATE = _vitals.columns(4)


def observe(params: Params, state: State, rows: Rows, ctx: Context) -> None:
    """Follow the temperatures of each device."""
    if rows.kind == "status":
        _vitals.note_worn(state, rows)
        return
    told = ~(np.isnan(rows["body_temp_c"]) & np.isnan(rows["skin_temp_c"]))
    rows = _vitals.counted(state, rows, told, ctx, over="fever.over")
    if not len(rows.subject):
        return
    body_c, skin_c = rows["body_temp_c"], rows["skin_temp_c"]
    usual_c = ctx.cards.usual("usual.body_c", rows.device)
    usual_skin_c = ctx.cards.usual("usual.skin_high_c", rows.device)
    own_c = np.maximum(usual_c + params.rise_c, params.own_c)
    body, skin = ~np.isnan(body_c), ~np.isnan(skin_c)
    hold_s, gap_s, score, least = params.hold_s, params.gap_s, params.score, params.least
    lines = (
        Line(body_c >= params.high_c, body, hold_s, gap_s, params.high_score, "fever.high", least),
        Line(body_c >= params.fever_c, body, hold_s, gap_s, score, "fever.raised", least),
        Line(body_c >= own_c, body, hold_s, gap_s, score, "fever.unusual", least),
        Line(
            skin_c >= usual_skin_c + params.skin_rise_c,
            skin,
            params.skin_hold_s,
            params.skin_gap_s,
            score,
            "fever.skin",
        ),
    )
    evidence = {"body_temp_c": body_c, "usual_c": usual_c, "skin_temp_c": skin_c, "usual_skin_c": usual_skin_c}
    _vitals.judge(state, rows, lines, ctx, calm_s=params.calm_s, over="fever.over", evidence=evidence)


CARD = Card(
    version=1,
    residents=("r-1",),
    device_ids=("watch-1",),
    device_roles=("wearable",),
    device_rooms=("other",),
    device_residents=("r-1",),
)
KNOWN = msgspec.structs.replace(
    CARD, threshold_names=("usual.body_c@r-1", "usual.skin_high_c@r-1"), threshold_values=(36.2, 33.5)
)
WARD = Card(version=1, residents=("r-1", "r-2", "r-3"), device_ids=("round-1", "watch-1", "watch-2"), device_roles=("thermometer", "wearable", "wearable"),
            device_rooms=("other",) * 3, device_residents=("", "r-1", "r-2"))  # fmt: skip
Row = tuple[float, str, str, dict[str, object]]


def body(
    temp_c: float, readings: int, from_min: float = 0, every_min: float = 10, device: str = "watch-1", **more: object
) -> list[Row]:
    """So many readings of the body's temperature."""
    return [
        (60.0 * (from_min + n * every_min), device, "vitals", {"body_temp_c": temp_c, **more}) for n in range(readings)
    ]


def skin(temp_c: float, minutes: int, from_min: int = 0) -> list[Row]:
    """One reading of the skin every five minutes."""
    return [(60.0 * n, "watch-1", "vitals", {"skin_temp_c": temp_c}) for n in range(from_min, from_min + minutes, 5)]


def on_the_round(at_min: float, resident: str, temp_c: float) -> list[Row]:
    """The thermometer that goes round measures somebody."""
    return body(temp_c, 1, at_min, device="round-1", resident=resident)


DETECTOR = Detector(
    family="vitals",
    kinds=("vitals", "status"),
    params=Params(),
    observe=observe,
    subject="device",
    state=STATE,
    cases=(
        fires("raised for half an hour", Story(body(38.2, 5), 3000, CARD), within_s=(1800, 1801), last="fever.raised"),
        fires("high", Story(body(39.4, 5), 3000, CARD), last="fever.high"),
        fires("raised, then high", Story([*body(38.2, 5), *body(39.3, 5, 50)], 6500, CARD), last="fever.high"),
        fires("warm for somebody who is usually cool", Story(body(37.5, 5), 3000, KNOWN), within_s=(1800, 1801), last="fever.unusual"),
        fires("morning and evening", Story(body(38.1, 2, every_min=540), 33_000, CARD)),
        fires("warm skin for three hours", Story(skin(35.5, 240), 15_000, KNOWN), within_s=(10_800, 10_801), last="fever.skin"),
        fires("well again", Story([*body(38.2, 5), *body(36.7, 9, 60)], 10_000, CARD), last="fever.over"),
        fires("two residents of one institution", Story([*body(38.3, 5), *body(38.5, 5, device="watch-2")], 3000, WARD), episodes=2),
        fires("one resident, measured twice by the thermometer that goes round",
              Story([*on_the_round(0, "r-1", 36.5), *on_the_round(1, "r-2", 38.4), *on_the_round(32, "r-2", 38.5), *on_the_round(33, "r-3", 36.4)],
                    3000, WARD), last="fever.over"),
        quiet("two residents, each measured once", Story([*on_the_round(0, "r-1", 38.3), *on_the_round(40, "r-2", 38.4)], 3000, WARD)),
        quiet("one wild value", Story([*body(36.5, 5), *body(41.0, 1, 50), *body(36.5, 5, 60)], 7000, CARD)),
        quiet("a hot drink", Story([*body(36.6, 3), *body(38.0, 2, 30), *body(36.8, 5, 50)], 6000, CARD)),
        quiet("a warm day, and nobody knows what is usual", Story(body(37.5, 30), 20_000, CARD)),
        quiet("skin under a blanket", Story([*skin(33, 60), *skin(35.6, 150, 60), *skin(33.2, 60, 210)], 17_000, KNOWN)),
        quiet("warm skin, and nobody knows what is usual", Story(skin(36.5, 400), 25_000, CARD)),
        quiet("the watch lies in the sun, on its charger", Story([(0.0, "watch-1", "status", {"worn": False}), *body(39.5, 10, 1)], 7000, CARD)),
    ),
)  # fmt: skip
