"""Hot food that is not kept hot: below 60 °C for two hours, with a word after one, while it can be heated again.

A cabinet that is warming up, or has been switched off and goes cold, holds no food: nothing is concluded before it was hot once, and what has fallen below
off_c counts from anew. What cannot be told apart: a switched-off, empty cabinet that takes more than an hour to cool to off_c is said once
(score 1); food that was forgotten in one which cools faster is not seen.
Sources (home.md): 8 to 60 °C for 2 h at most (China's drinks standard, seen in the press); canteens hot at or above 60 °C (from memory).
"""

import msgspec

from contracts.kinds import Card
from stream.detector import Context, Detector, Rows, State, Story, fires, quiet
from stream.detectors import _holding


class Params(msgspec.Struct, frozen=True):
    """How cool, for how long. The first of each pair warns, the second is the limit."""

    limit_c: tuple[float, float] = (60.0, 60.0)
    """Coolest that hot food may be, °C. Source: home.md (above)."""
    hold_s: tuple[float, float] = (3_600.0, 7_200.0)
    """Time below it, s. Two hours: source above. One: chosen, half of it."""
    score: tuple[int, int] = (1, 2)
    """Score, 0 to 4. Chosen: one thermometer."""
    off_c: float = 40.0
    """Below this the holder is off or empty, °C. Chosen: no holder is set so low, and food served so cool has been seen by its cook."""
    gap_s: float = 1_800.0
    """Longest time between two readings that counts in full, s. Chosen: some loggers speak every quarter or half hour."""


STATE = _holding.state_of(2)
REASONS = ("hot_holding.cooling", "hot_holding.cool")


def observe(params: Params, state: State, rows: Rows, ctx: Context) -> None:
    """Add up the time below the limit; say where it is too long, and where it is over."""
    rows = _holding.of_mode(rows, "hot")
    if not len(rows.subject):
        return
    cool = rows["temperature_c"][:, None] < params.limit_c
    held = _holding.follow(state, rows, cool, ~cool[:, 0], params.hold_s, params.gap_s)
    off = held.rows["temperature_c"] < params.off_c
    emptied = held.rows.where(off)
    _holding.forget(state, emptied.subject)
    ctx.out.off(emptied.subject, event_at_s=emptied.event_at_s, reason="hot_holding.emptied")
    used = _holding.Held(held.rows.where(~off), held.done[~off])
    _holding.said(ctx, state, used, params.score, params.limit_c, REASONS)
    hot = _holding.fine(state, used.rows)
    ctx.out.off(hot.subject, event_at_s=hot.event_at_s, reason="hot_holding.hot")


CARD = Card(
    version=1,
    residents=(),
    device_ids=("cabinet-1",),
    device_roles=("holding",),
    device_rooms=("kitchen",),
    device_residents=("",),
)
Celsius = tuple[float, int]


def _told(*parts: Celsius, every_s: float = 300.0, mode: str | None = "hot") -> Story:
    """So many readings of each temperature, one after the other."""
    values = [celsius for celsius, count in parts for _ in range(count)]
    rows = [
        (every_s * (n + 1), "cabinet-1", "holding", {"temperature_c": value, "mode": mode})
        for n, value in enumerate(values)
    ]
    return Story(rows, every_s * (len(values) + 1), CARD)


COOLS = tuple((celsius, 1) for celsius in (62.0, 58.0, 54.5, 51.0, 48.0, 45.0, 42.5, 40.5, 38.5, 36.5, *[30.0] * 40))

DETECTOR = Detector(
    family="food",
    kinds=("holding",),
    params=Params(),
    observe=observe,
    subject="device",
    state=STATE,
    cases=(
        fires("a holder that is set too low is said after an hour", _told((65.0, 3), (54.0, 15)), within_s=(4_800, 4_801), last="hot_holding.cooling"),
        fires("and is beyond the limit after two", _told((65.0, 3), (54.0, 30)), last="hot_holding.cool"),
        fires("heated again", _told((65.0, 3), (54.0, 30), (71.0, 2)), last="hot_holding.hot"),
        fires("and then switched off", _told((65.0, 3), (54.0, 30), (39.0, 2)), last="hot_holding.emptied"),
        quiet("lunch is being served: 50 minutes", _told((70.0, 10), (55.0, 11), (66.0, 10))),
        quiet("switched off after lunch", _told((70.0, 5), *COOLS)),
        quiet("warming up in the morning, slowly", _told((22.0, 3), (45.0, 20), (58.0, 20), (64.0, 5))),
        quiet("never switched on", _told((22.0, 60))),
        quiet("exactly at the limit", _told((60.0, 60))),
        quiet("a holder that does not say what it is", _told((65.0, 3), (20.0, 40), mode=None)),
    ),
)  # fmt: skip
