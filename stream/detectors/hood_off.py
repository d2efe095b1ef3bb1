"""The stove is on and the hood, which is usually on then, is off: fumes of cooking, and of the gas that burns, stay in the flat.

A hint and no alarm, so it has the lowest score, 0, and the family technical (P4, gone by itself when the hood runs): nobody comes to harm within the hour,
what may (carbon monoxide, gas, a fire, a forgotten stove) has detectors of its own, and a person who never uses the hood must not be told at
every meal. So only a change of habit is said: of a home in which the hood ran at the last habit cookings, once a cooking.
Source: chosen; home.md has no number (GB 50028 asks for a link between gas alarm and exhaust fan, which is the installer's).
"""

import msgspec
import numpy as np

from contracts.kinds import ROLES, Card
from stream.detector import Context, Detector, Ints, Rows, State, StateColumn, Story, fires, quiet
from stream.learning.signs import happened_s

STOVE, HOOD = ROLES.index("stove"), ROLES.index("hood")


class Params(msgspec.Struct, frozen=True):
    """What is cooking, and whose habit it is."""

    on_w: float = 50.0
    """Power from which a stove heats, W. Chosen, as stove_unattended."""
    hood_w: float = 5.0
    """Power from which a hood runs, W. Chosen: standby is below, the lowest step of a fan draws 30 and more."""
    pause_s: float = 180.0
    """A burner that comes on again within this was never off, s. Chosen, as stove_unattended."""
    wait_s: float = 900.0
    """Cooking without the hood until it is said, s. Chosen: boiling an egg needs none."""
    habit: int = 3
    """Cookings running with the hood that make a habit, count. Chosen: a day."""
    score: int = 0
    """Score, 0 to 4. Chosen: a hint (above)."""


STATE = {
    "burners": StateColumn("i2", 0),
    "hoods": StateColumn("i2", 0),
    "on_s": StateColumn("f8", np.nan),
    "off_s": StateColumn("f8", np.nan),
    "hooded": StateColumn("b1", False),
    "habit": StateColumn("i2", 0),
    "told": StateColumn("b1", False),
}
DEVICE_STATE = {"on": StateColumn("i1", 0), "at_s": StateColumn("f8", np.nan)}


def observe(params: Params, state: State, rows: Rows, ctx: Context) -> None:
    """Follow burners and hood."""
    rows = rows.where((rows.role == STOVE) | (rows.role == HOOD))
    least_w = np.where(rows.role == HOOD, params.hood_w, params.on_w)
    known = ~(np.isnan(rows["power_w"]) & np.isnan(rows["on"]))
    known &= ~(happened_s(rows) <= state.devices.at_s[rows.device])
    is_on = np.where(np.isnan(rows["power_w"]), rows["on"] == 1, rows["power_w"] >= least_w)[known].astype(np.int8)
    rows = rows.where(known)
    home, at_s, change = rows.subject, happened_s(rows), is_on - state.devices.on[rows.device]
    state.devices.on[rows.device], state.devices.at_s[rows.device] = is_on, at_s

    hood = rows.role == HOOD
    state.hoods[home[hood]] += change[hood]
    before = state.burners[home]
    state.burners[home] = before + np.where(hood, 0, change)
    starts, ends = (before <= 0) & (state.burners[home] > 0), (before > 0) & (state.burners[home] <= 0)
    anew = starts & ~(at_s - state.off_s[home] <= params.pause_s)
    _close(params, state, home[anew], ctx)
    state.on_s[home[anew]] = at_s[anew]
    state.off_s[home[starts]] = np.nan
    state.off_s[home[ends]] = at_s[ends]
    runs = (state.hoods[home] > 0) & (state.burners[home] > 0)
    state.hooded[home[runs]] = True
    ctx.out.off(home[runs], event_at_s=at_s[runs], reason="hood_off.on")
    state.due_at_s[home[anew]] = rows.received_at_s[anew] + params.wait_s
    state.due_at_s[home[ends]] = np.minimum(state.due_at_s[home[ends]], rows.received_at_s[ends] + params.pause_s)


def _close(params: Params, state: State, homes: Ints, ctx: Context) -> None:
    """A cooking is over: it adds to the habit, or breaks it."""
    cooked = homes[~np.isnan(state.on_s[homes])]
    long = state.off_s[cooked] - state.on_s[cooked] >= params.wait_s
    kept = np.minimum(state.habit[cooked] + 1, params.habit)
    # One omission costs one cooking of the habit, so that who no longer uses the hood is soon left in peace.
    left = np.where(long, np.maximum(state.habit[cooked] - 1, 0), state.habit[cooked])
    state.habit[cooked] = np.where(state.hooded[cooked], kept, left)
    state.on_s[cooked] = np.nan
    state.hooded[cooked] = False
    state.told[cooked] = False


def tick(params: Params, state: State, homes: Ints, ctx: Context) -> None:
    """Say where the hood is missed, and close what is cooked."""
    now_s, watched = ctx.time.now_s, ctx.time.watched_s
    over = (state.burners[homes] <= 0) & (now_s - state.off_s[homes] >= params.pause_s)
    ctx.out.off(homes[over], event_at_s=state.off_s[homes[over]], reason="hood_off.over")
    _close(params, state, homes[over], ctx)
    on_s = watched(now_s) - watched(state.on_s[homes])
    cooking = state.burners[homes] > 0
    missed = cooking & (on_s >= params.wait_s) & ~state.hooded[homes] & ~state.told[homes]
    missed &= state.habit[homes] >= params.habit
    ctx.out.on(homes[missed], started_at_s=state.on_s[homes[missed]], event_at_s=now_s, score=params.score, reason="hood_off.off",
               evidence={"on_min": on_s[missed] / 60.0})  # fmt: skip
    state.told[homes[missed]] = True
    left_s = np.where(cooking & (on_s < params.wait_s), params.wait_s - on_s, np.inf)
    pause_s = np.where(cooking | over, np.inf, state.off_s[homes] + params.pause_s - now_s)
    wait_s = np.fmin(left_s, pause_s)
    state.due_at_s[homes] = now_s + np.maximum(np.where(np.isnan(wait_s), np.inf, wait_s), 1.0)


CARD = Card(version=1, residents=("r-1",), device_ids=("stove-1", "hood-1"), device_roles=("stove", "hood"),
            device_rooms=("kitchen", "kitchen"), device_residents=("", ""))  # fmt: skip
Row = tuple[float, str, str, dict[str, object]]
M = 60.0


def cooks(from_min: float, minutes: float = 25.0, hood: bool = True) -> list[Row]:
    """A meal: the stove, and two minutes later the hood."""
    stove: list[Row] = [
        ((from_min + n) * M, "stove-1", "power", {"power_w": 900.0}) for n in np.arange(minutes).tolist()
    ]
    fan: list[Row] = [((from_min + at) * M + 1, "hood-1", "power", {"on": at == 2}) for at in (2, minutes + 2) if hood]
    return sorted(
        [*stove, ((from_min + minutes) * M, "stove-1", "power", {"power_w": 0.5}), *fan], key=lambda row: row[0]
    )


HABIT = [row for n in range(3) for row in cooks(60.0 * n)]

DETECTOR = Detector(
    family="technical",
    kinds=("power",),
    begins_with=("power",),
    concerns=("hood",),
    params=Params(),
    observe=observe,
    tick=tick,
    state=STATE,
    device_state=DEVICE_STATE,
    cases=(
        fires("forgotten this once", Story([*HABIT, *cooks(180, 25, False)], 230 * M, CARD), within_s=(195 * M, 195 * M + 11), last="hood_off.over"),
        fires("switched on later", Story([*HABIT, *cooks(180, 25, False), (200 * M + 1, "hood-1", "power", {"on": True})], 230 * M, CARD), last="hood_off.on"),
        fires("who stops using it is told once", Story([*HABIT, *(row for n in range(3, 8) for row in cooks(60.0 * n, 25, False))], 540 * M, CARD)),
        quiet("every meal with the hood", Story([row for n in range(6) for row in cooks(60.0 * n)], 400 * M, CARD)),
        quiet("who never uses it is never told", Story([row for n in range(8) for row in cooks(60.0 * n, 25, False)], 500 * M, CARD)),
        quiet("an egg", Story([*HABIT, *cooks(180, 10, False)], 230 * M, CARD)),
        quiet("a hob that cycles is one cooking", Story([*HABIT, *((180 * M + 60 * n, "stove-1", "power", {"power_w": 900.0 * (n % 3 > 0)}) for n in range(10))],
                                                         230 * M, CARD)),
    ),
)  # fmt: skip
