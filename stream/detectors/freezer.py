"""Frozen food that is not frozen: thawing for an hour, above -12 °C for two, or so long above -15 °C that -18 °C is never reached.

The air of a frost-free freezer is warm for some half an hour once or twice a day while it defrosts, and it may pass 0 °C then; each limit's time is
longer than that, and one reading below ends its count. A cabinet that never was at -12 °C is new, empty or off: nothing is concluded.
Sources (home.md): canteens frozen at or below -12 °C (SAMR 2018 No. 12, GB 31654, from memory); -18 °C is what freezers are commonly set to (from memory).
Length of defrost cycles: none found, chosen.
"""

import msgspec

from contracts.kinds import Card
from stream.detector import Context, Detector, Rows, State, Story, fires, quiet
from stream.detectors import _holding


class Params(msgspec.Struct, frozen=True):
    """How warm, for how long: three limits, the worst last."""

    limit_c: tuple[float, float, float] = (-15.0, -12.0, 0.0)
    """Limits, °C. -12: source above. -15: chosen, 3 °C above -18, beyond the swing of a thermostat. 0: ice melts; source: physics."""
    hold_s: tuple[float, float, float] = (86_400.0, 7_200.0, 3_600.0)
    """Time above each, s. Chosen: a day without once being cold; two hours, as for other food, and longer than defrosting; one hour at 0 °C,
    twice as long as defrosting takes."""
    score: tuple[int, int, int] = (1, 1, 2)
    """Score of each, 0 to 4. Chosen: one thermometer, of the air and not of the food."""
    gap_s: float = 1_800.0
    """Longest time between two readings that counts in full, s. Chosen: some loggers speak every quarter or half hour."""


STATE = _holding.state_of(3)
REASONS = ("freezer.drift", "freezer.warm", "freezer.thawing")
WARM = 1
"""The limit below which a freezer is one."""


def observe(params: Params, state: State, rows: Rows, ctx: Context) -> None:
    """Add up the time above each limit; say where it is too long, and where it is over."""
    rows = _holding.of_mode(rows, "frozen")
    if not len(rows.subject):
        return
    warm = rows["temperature_c"][:, None] > params.limit_c
    held = _holding.follow(state, rows, warm, ~warm[:, WARM], params.hold_s, params.gap_s)
    _holding.said(ctx, state, held, params.score, params.limit_c, REASONS)
    # A drifting freezer is cold again when it is below the lowest limit; one that was warm, when it is a freezer again.
    wrong = state.wrong[held.rows.subject]
    cold = held.rows.where(~wrong[:, WARM] & ~held.done.any(axis=1))
    ctx.out.off(cold.subject, event_at_s=cold.event_at_s, reason="freezer.cold")


CARD = Card(
    version=1,
    residents=(),
    device_ids=("freezer-1",),
    device_roles=("holding",),
    device_rooms=("kitchen",),
    device_residents=("",),
)
Celsius = tuple[float, int]


def _told(*parts: Celsius, every_s: float = 600.0, mode: str = "frozen") -> Story:
    """So many readings of each temperature, one after the other."""
    values = [celsius for celsius, count in parts for _ in range(count)]
    rows = [
        (every_s * (n + 1), "freezer-1", "holding", {"temperature_c": value, "mode": mode})
        for n, value in enumerate(values)
    ]
    return Story(rows, every_s * (len(values) + 1), CARD)


DEFROSTS: tuple[Celsius, ...] = ((-18.5, 66), (-9.0, 1), (1.0, 3), (-8.0, 2))
"""Twelve hours with one defrost cycle of an hour, half of it above 0 °C."""

DETECTOR = Detector(
    family="food",
    kinds=("holding",),
    params=Params(),
    observe=observe,
    subject="device",
    state=STATE,
    cases=(
        fires("a freezer that has failed", _told((-18.0, 3), (-14.0, 2), (-10.0, 4), (-5.0, 10)), within_s=(10_800, 10_801), last="freezer.warm"),
        fires("and thaws", _told((-18.0, 3), (-10.0, 2), (2.0, 15)), within_s=(7_200, 7_201), last="freezer.thawing"),
        fires("frozen again", _told((-18.0, 3), (-8.0, 20), (-13.0, 2)), last="freezer.cold"),
        fires("never cold enough, for a day", _told((-18.0, 3), (-13.5, 150)), within_s=(88_800, 88_801), last="freezer.drift"),
        quiet("defrosting twice a day", _told(*DEFROSTS, *DEFROSTS, *DEFROSTS)),
        quiet("a freezer that is set to -16 °C", _told((-16.0, 200))),
        quiet("filled with warm food: an hour and a half", _told((-18.0, 3), (-7.0, 9), (-13.0, 6), (-17.0, 6))),
        quiet("a new freezer that was never cold", _told((22.0, 40))),
        quiet("a fridge", _told((-18.0, 3), (4.0, 60), mode="cold")),
        quiet("two warm readings, a day apart", _told((-18.0, 1), (-5.0, 2), every_s=86_400.0)),
    ),
)  # fmt: skip
