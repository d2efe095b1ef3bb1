"""Cold food that is too warm: above 8 °C for two hours, with a word after one, while there is time to move it.

A defrost cycle, warm shopping, an open door end within the hour (the compressor brings the cabinet back below 8 °C), and one reading below ends
the count; so none of them is said. A cabinet that never was cold holds nothing yet, and one that says nothing is a matter for ``device_silent``.
A fridge that does not say its mode is taken for a cold one.
Sources (home.md): China's drinks standard, at or below 8 °C, 8 to 60 °C for 2 h at most (seen in the press); canteens 0 to 8 °C (from memory);
England's legal limit 8 °C, guidance for homes 5 °C (from memory). Length of defrost cycles: none found, chosen.
"""

import msgspec

from contracts.kinds import Card
from stream.detector import Context, Detector, Rows, State, Story, fires, quiet
from stream.detectors import _holding


class Params(msgspec.Struct, frozen=True):
    """How warm, for how long. The first of each pair warns, the second is the limit."""

    limit_c: tuple[float, float] = (8.0, 8.0)
    """Warmest that cold food may be, °C. Source: home.md (above)."""
    hold_s: tuple[float, float] = (3_600.0, 7_200.0)
    """Time above it, s. Two hours: source above. One: chosen, longer than a defrost cycle (20 to 40 min) and long enough before the limit."""
    score: tuple[int, int] = (1, 2)
    """Score, 0 to 4. Chosen: one thermometer; food does not lie on the floor."""
    gap_s: float = 1_800.0
    """Longest time between two readings that counts in full, s. Chosen: some loggers speak every quarter or half hour."""


STATE = _holding.state_of(2)
REASONS = ("cold_holding.warming", "cold_holding.warm")


def observe(params: Params, state: State, rows: Rows, ctx: Context) -> None:
    """Add up the time above the limit; say where it is too long, and where it is over."""
    rows = _holding.of_mode(rows, "cold")
    if not len(rows.subject):
        return
    warm = rows["temperature_c"][:, None] > params.limit_c
    held = _holding.follow(state, rows, warm, ~warm[:, 0], params.hold_s, params.gap_s)
    _holding.said(ctx, state, held, params.score, params.limit_c, REASONS)
    cold = _holding.fine(state, held.rows)
    ctx.out.off(cold.subject, event_at_s=cold.event_at_s, reason="cold_holding.cold")


CARD = Card(version=1, residents=("r-1",), device_ids=("fridge-1", "cabinet-1"), device_roles=("fridge", "holding"),
            device_rooms=("kitchen", "kitchen"), device_residents=("", ""))  # fmt: skip
Celsius = tuple[float, int]


def _told(*parts: Celsius, device: str = "fridge-1", every_s: float = 300.0, **more: object) -> Story:
    """So many readings of each temperature, one after the other."""
    values = [celsius for celsius, count in parts for _ in range(count)]
    rows = [(every_s * (n + 1), device, "holding", {"temperature_c": value, **more}) for n, value in enumerate(values)]
    return Story(rows, every_s * (len(values) + 1), CARD)


DETECTOR = Detector(
    family="food",
    kinds=("holding",),
    params=Params(),
    observe=observe,
    subject="device",
    state=STATE,
    cases=(
        fires("a fridge that has failed is said after an hour", _told((4.0, 3), (11.0, 15)), within_s=(4_800, 4_801), last="cold_holding.warming"),
        fires("and is beyond the limit after two", _told((4.0, 3), (11.0, 30)), within_s=(4_800, 4_801), last="cold_holding.warm"),
        fires("repaired", _told((4.0, 3), (11.0, 30), (6.0, 2)), last="cold_holding.cold"),
        fires("a salad bar of a canteen", _told((5.0, 3), (9.0, 30), device="cabinet-1", mode="cold"), last="cold_holding.warm"),
        fires("a logger that speaks every half hour", _told((5.0, 3), (12.0, 6), every_s=1_800.0), last="cold_holding.warm"),
        quiet("defrosting twice a day", _told(*((4.0, 60), (13.0, 8)) * 3)),
        quiet("warm shopping: 50 minutes above", _told((4.0, 3), (10.0, 11), (7.5, 10))),
        quiet("exactly at the limit", _told((8.0, 60))),
        quiet("a new fridge that was never cold", _told((22.0, 40))),
        quiet("a freezer and a hot cabinet", _told((20.0, 40), mode="frozen")),
        quiet("a cabinet that does not say what it is", _told((5.0, 3), (20.0, 40), device="cabinet-1")),
        quiet("two warm readings, four hours apart", _told((4.0, 1), (12.0, 2), every_s=14_400.0)),
    ),
)  # fmt: skip
