"""Out at night: the entrance door opens between 23:00 and 05:00 and nobody is seen inside afterwards.

The wait begins with the door's last event; a sign inside ends it: an act, or a motion at least settle_s after the door. It is shorter, and the
score higher, where the assessed need is higher (wandering belongs to dementia). Quiet: a home that was already away when the door opened (somebody comes home), somebody who
is known to lie in bed, a visitor who was announced, a home in which nobody was seen for a day before.
Source: hours, waits and scores are chosen; no verified numbers on wandering hours were found (home.md, section 5).
"""

import msgspec
import numpy as np

from contracts.kinds import ROLES, Card
from stream.detector import Bools, Context, Detector, Floats, Ints, Rows, State, StateColumn, Story, fires, quiet
from stream.learning import signs

BED = ROLES.index("bed")


class Params(msgspec.Struct, frozen=True):
    """When, and how long to wait."""

    from_h: float = 23.0
    """Night begins, local hour. Chosen."""
    to_h: float = 5.0
    """Night ends, local hour. Chosen: many old people go out early."""
    wait_s: float = 1800.0
    """Nobody seen inside for so long, s: score 1. Chosen: rubbish, a neighbour, a cigarette."""
    care_level: int = 2
    """From this care level on the shorter wait holds, 0 to 5. Chosen: moderate need and above (GB/T 42195, from memory)."""
    care_wait_s: float = 600.0
    """The wait at that care level, s: score 2. Chosen: far enough to be lost, near enough to be found."""
    settle_s: float = 30.0
    """A motion so soon after the door is the one who leaves, s. Chosen: a sensor in the hall re-arms within it."""
    visit_over_s: float = 1_800.0
    """A visit may last so much longer than was said, s. Chosen: as in inactivity."""
    lived_s: float = 86_400.0
    """Somebody was seen inside so long before at most, s. Chosen: else the home is empty or cannot see."""


STATE = {
    "event_s": StateColumn("f8", np.nan),
    "door_s": StateColumn("f8", np.nan),
    "opened_s": StateColumn("f8", np.nan),
    "in_bed": StateColumn("i2", 0),
}
DEVICE_STATE = {**signs.DEVICE_STATE, "lies": StateColumn("i1", 0)}


def observe(params: Params, state: State, rows: Rows, ctx: Context) -> None:
    """Follow the door, and who is seen inside after it."""
    act, known = signs.acts(rows, state), signs.believable(rows)
    at_s = signs.happened_s(rows)
    if rows.kind == "presence":
        bed = rows.where(rows.role == BED)
        state.in_bed[bed.subject] += (bed["present"] == 1).astype(np.int16) - state.devices.lies[bed.device]
        state.devices.lies[bed.device] = bed["present"] == 1
    door = act & known & (rows.role == signs.ENTRANCE)
    inside = (act | signs.motions(rows)) & known & ~door
    home, seen_s = rows.subject[inside], at_s[inside]
    state.event_s[home] = np.fmax(state.event_s[home], seen_s)
    back = seen_s >= state.door_s[home] + np.where(act[inside], 0.0, params.settle_s)
    ctx.out.off(home[back], event_at_s=seen_s[back], reason="night_door.returned")
    state.opened_s[home[back]] = np.nan
    if door.any():
        _door(params, state, rows.where(door), ctx)


def _door(params: Params, state: State, rows: Rows, ctx: Context) -> None:
    home, at_s = rows.subject, signs.happened_s(rows)
    hour = ctx.cards.local_hour(home, at_s)
    night = (hour >= params.from_h) | (hour < params.to_h)
    # Already out (nobody seen since the door before): whoever opens it now comes home.
    lived = (at_s - state.event_s[home] <= params.lived_s) & ~signs.left_by_door(
        state.event_s[home], state.door_s[home]
    )
    opens = (rows["open"] == 1) & night & lived & ~(at_s <= ctx.cards.visitor_until_s[home] + params.visit_over_s)
    opens &= (state.in_bed[home] <= 0) & np.isnan(state.opened_s[home])
    state.opened_s[home[opens]] = at_s[opens]
    state.door_s[home] = np.fmax(state.door_s[home], at_s)
    waiting = home[~np.isnan(state.opened_s[home])]
    state.due_at_s[waiting] = state.door_s[waiting] + _wait_s(params, waiting, ctx)


def _cares(params: Params, homes: Ints, ctx: Context) -> Bools:
    return np.asarray(ctx.cards.care_level[homes] >= params.care_level)


def _wait_s(params: Params, homes: Ints, ctx: Context) -> Floats:
    return np.where(_cares(params, homes, ctx), params.care_wait_s, params.wait_s)


def tick(params: Params, state: State, homes: Ints, ctx: Context) -> None:
    """Say who has not come back."""
    out_s = ctx.time.watched_s(ctx.time.now_s) - ctx.time.watched_s(state.door_s[homes])
    wait_s = _wait_s(params, homes, ctx)
    waiting = ~np.isnan(state.opened_s[homes])
    over = waiting & (out_s >= wait_s)
    who = homes[over]
    if len(who):
        opened_s = state.opened_s[who]
        evidence = {
            "door_hour": np.floor(ctx.cards.local_hour(who, opened_s)),
            "out_min": out_s[over] / 60.0,
            "care_level": ctx.cards.care_level[who],
        }
        score = np.where(_cares(params, who, ctx), 2, 1)
        ctx.out.on(
            who,
            started_at_s=opened_s,
            event_at_s=ctx.time.now_s,
            score=score,
            reason="night_door.left",
            evidence=evidence,
        )
    state.due_at_s[homes] = np.where(waiting & ~over, ctx.time.now_s + np.maximum(wait_s - out_s, 1.0), np.inf)


def card(care_level: int) -> Card:
    """A home with a door, a motion sensor, a bed."""
    return Card(version=1, care_level=care_level, residents=("r-1",), device_ids=("door-1", "pir-1", "bed-1"),
                device_roles=("entrance_door", "motion", "bed"), device_rooms=("entrance", "living", "bedroom"), device_residents=("",) * 3)  # fmt: skip


H = 3600.0
Row = tuple[float, str, str, dict[str, object]]
EVENING: list[Row] = [(21 * H + 60.0 * n, "pir-1", "motion", {"moving": True}) for n in range(30)]


def door(at_s: float) -> list[Row]:
    """Open and closed again."""
    return [(at_s + n, "door-1", "contact", {"open": n == 5}) for n in (0, 5, 10)]


def moves(at_s: float) -> list[Row]:
    """A motion in the living room."""
    return [(at_s, "pir-1", "motion", {"moving": True})]


DETECTOR = Detector(
    family="wandering",
    kinds=signs.KINDS,
    concerns=("entrance_door",),
    params=Params(),
    observe=observe,
    tick=tick,
    state=STATE,
    device_state=DEVICE_STATE,
    cases=(
        fires("out at two in the morning", Story([*EVENING, *door(26 * H)], 27 * H, card(0)), within_s=(26.5 * H, 26.5 * H + 21)),
        fires("sooner where the need is known", Story([*EVENING, *door(26 * H)], 27 * H, card(3)), within_s=(26 * H + 600, 26 * H + 621)),
        fires("and found again", Story([*EVENING, *door(26 * H), *door(26.8 * H), *moves(26.82 * H)], 27 * H, card(0)), last="night_door.returned"),
        fires("the hall sensor sees the one who leaves", Story([*EVENING, *moves(26 * H - 5), *door(26 * H), *moves(26 * H + 15)], 27 * H, card(0))),
        quiet("rubbish at midnight", Story([*EVENING, *door(24 * H), *door(24.1 * H), *moves(24.12 * H)], 26 * H, card(0))),
        quiet("late home from the opera",
              Story([*moves(18 * H), *moves(18 * H + 40), *door(18.1 * H), *door(23.5 * H), *moves(23.51 * H)], 26 * H, card(3))),
        quiet("out at six in the morning", Story([*EVENING, *moves(29.9 * H), *door(30 * H)], 32 * H, card(3))),
        quiet("a carer leaves, the resident lies in bed",
              Story([*EVENING, (23 * H, "bed-1", "presence", {"present": False}), (23.1 * H, "bed-1", "presence", {"present": True}),
                     *door(23.5 * H)], 26 * H, card(3))),
        quiet("an announced visitor leaves late", Story([*EVENING, *door(23.4 * H)], 26 * H, msgspec.structs.replace(card(3), visitor_until_s=23.25 * H))),
        quiet("a home that sees nobody", Story([*door(26 * H)], 28 * H, card(3))),
    ),
)  # fmt: skip
