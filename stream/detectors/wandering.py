"""Restless at the entrance door: it opens again and again at night.

``night_door`` says that somebody left and has not come back; this says that somebody goes to and fro, home or not, and so stands beside it: who
goes out once and stays out makes no second detection here, and both are of one family, so of one case.
Going out and coming home opens the door twice. Openings within settle_s of the one before are one. Quiet while somebody is known to lie in bed
(then it is somebody else's errand), and in a home in which nobody was seen for a day. Two residents may open it twice as often.
Source: hours, counts and scores are chosen; no verified numbers on wandering were found (home.md, section 5).
"""

import msgspec
import numpy as np

from contracts.kinds import ROLES, Card
from stream.detector import Bools, Context, Detector, Ints, Rows, State, StateColumn, Story, fires, quiet
from stream.learning import signs

BED = ROLES.index("bed")
MOST = 12
"""Openings remembered, count: what is too many for two residents."""


class Params(msgspec.Struct, frozen=True):
    """How often is too often."""

    from_h: float = 23.0
    """Night begins, local hour. Chosen: as in night_door."""
    to_h: float = 5.0
    """Night ends, local hour. Chosen: as in night_door."""
    within_s: float = 3600.0
    """Openings within so long belong together, s. Chosen."""
    settle_s: float = 30.0
    """An opening so soon after the one before is the same, s. Chosen: a door that did not latch, an umbrella fetched."""
    crossings: int = 6
    """So many are too many, count. Chosen: three ways out and back in an hour; rubbish and a visitor who leaves make four."""
    care_level: int = 2
    """From this care level on fewer are too many, 0 to 5. Chosen: as in night_door."""
    care_crossings: int = 4
    """So many at that care level, count. Chosen: two ways out and back."""
    score: int = 1
    """Score, 0 to 4. Chosen: it may be a visit or an ambulance crew."""
    lived_s: float = 86_400.0
    """Somebody was seen inside so long before at most, s. Chosen: as in night_door."""


STATE = {
    "event_s": StateColumn("f8", np.nan),
    "opened_s": StateColumn("f8", -np.inf, MOST),
    "open_s": StateColumn("f8", -np.inf),
    "in_bed": StateColumn("i2", 0),
}
DEVICE_STATE = {**signs.DEVICE_STATE, "lies": StateColumn("i1", 0)}


def observe(params: Params, state: State, rows: Rows, ctx: Context) -> None:
    """Count the door's openings."""
    act, known = signs.acts(rows, state), signs.believable(rows)
    if rows.kind == "presence":
        bed = rows.where((rows.role == BED) & ~np.isnan(rows["present"]))
        state.in_bed[bed.subject] += (bed["present"] == 1).astype(np.int16) - state.devices.lies[bed.device]
        state.devices.lies[bed.device] = bed["present"] == 1
    door = act & known & (rows.role == signs.ENTRANCE)
    inside = rows.where((act | signs.motions(rows)) & known & ~door)
    state.event_s[inside.subject] = np.fmax(state.event_s[inside.subject], signs.happened_s(inside))
    if door.any():
        _open(params, state, rows.where(door), ctx)


def _open(params: Params, state: State, rows: Rows, ctx: Context) -> None:
    home, at_s = rows.subject, signs.happened_s(rows)
    hour = ctx.cards.local_hour(home, at_s)
    night = (hour >= params.from_h) | (hour < params.to_h)
    lived = at_s - state.event_s[home] <= params.lived_s
    counts = (rows["open"] == 1) & night & lived & (state.in_bed[home] <= 0) & (ctx.cards.residents[home] > 0)
    opens = rows["open"] == 1
    counts &= at_s - state.open_s[home] > params.settle_s
    state.open_s[home[opens]] = np.maximum(state.open_s[home[opens]], at_s[opens])
    rows, home, at_s = rows.where(counts), home[counts], at_s[counts]
    if not len(home):
        return
    state.opened_s[home] = np.column_stack((at_s, state.opened_s[home, :-1]))
    state.due_at_s[home] = rows.received_at_s + params.within_s
    crossings = (at_s[:, None] - state.opened_s[home] <= params.within_s).sum(axis=1)
    over = crossings >= _too_many(params, home, ctx)
    who = rows.where(over)
    if over.any():
        first_s = state.opened_s[home[over], crossings[over] - 1]
        evidence = {
            "crossings": crossings[over],
            "within_min": (at_s[over] - first_s) / 60.0,
            "care_level": ctx.cards.care_level[home[over]],
        }
        ctx.out.on(home[over], started_at_s=first_s, event_at_s=at_s[over], score=params.score, reason="wandering.crossings",
                   evidence=evidence, rows=who)  # fmt: skip


def _too_many(params: Params, homes: Ints, ctx: Context) -> Ints:
    cares: Bools = ctx.cards.care_level[homes] >= params.care_level
    each = np.where(cares, params.care_crossings, params.crossings)
    return np.asarray(np.minimum(each * np.maximum(ctx.cards.residents[homes], 1), MOST))


def tick(params: Params, state: State, homes: Ints, ctx: Context) -> None:
    """It is over when the door has been quiet for as long as openings belong together."""
    quiet_s = ctx.time.watched_s(ctx.time.now_s) - ctx.time.watched_s(state.opened_s[homes, 0])
    calm = quiet_s >= params.within_s
    ctx.out.off(
        homes[calm], event_at_s=ctx.time.now_s, reason="wandering.calm", evidence={"calm_min": quiet_s[calm] / 60.0}
    )
    state.due_at_s[homes] = np.where(calm, np.inf, ctx.time.now_s + np.maximum(params.within_s - quiet_s, 1.0))


def card(care_level: int, residents: tuple[str, ...] = ("r-1",)) -> Card:
    """A home with a door, a motion sensor, a bed."""
    return Card(version=1, care_level=care_level, residents=residents, device_ids=("door-1", "pir-1", "bed-1"),
                device_roles=("entrance_door", "motion", "bed"), device_rooms=("entrance", "living", "bedroom"), device_residents=("",) * 3)  # fmt: skip


H, M = 3600.0, 60.0
Row = tuple[float, str, str, dict[str, object]]
EVENING: list[Row] = [(21 * H + 60.0 * n, "pir-1", "motion", {"moving": True}) for n in range(30)]


def doors(from_s: float, times: int, every_s: float = 5 * M) -> list[Row]:
    """Open and closed again, so many times; somebody moves inside in between."""
    rows: list[Row] = [(from_s - 5, "door-1", "contact", {"open": False})]
    for n in range(times):
        at_s = from_s + n * every_s
        rows += [(at_s, "door-1", "contact", {"open": True}), (at_s + 10, "door-1", "contact", {"open": False})]
        rows.append((at_s + 60, "pir-1", "motion", {"moving": True}))
    return rows


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
        fires("to and fro at two in the morning", Story([*EVENING, *doors(26 * H, 7)], 27 * H, card(0)), within_s=(26 * H + 25 * M, 26 * H + 25 * M + 1)),
        fires("sooner where the need is known", Story([*EVENING, *doors(26 * H, 5)], 27 * H, card(3)), within_s=(26 * H + 15 * M, 26 * H + 15 * M + 1)),
        fires("quiet again", Story([*EVENING, *doors(26 * H, 7)], 28.5 * H, card(0)), last="wandering.calm"),
        fires("two nights, two episodes", Story([*EVENING, *doors(26 * H, 5), (45 * H, "pir-1", "motion", {"moving": True}), *doors(50 * H, 5)],
                                                53 * H, card(3)), episodes=2),
        quiet("rubbish, and a visitor who leaves", Story([*EVENING, *doors(24 * H, 4)], 26 * H, card(0))),
        quiet("out once and not back: night_door says it", Story([*EVENING, *doors(26 * H, 1)], 29 * H, card(3))),
        quiet("a door that does not latch", Story([*EVENING, *doors(26 * H, 9, every_s=20)], 27 * H, card(3))),
        quiet("spread over the night", Story([*EVENING, *doors(24 * H, 5, every_s=H)], 30 * H, card(3))),
        quiet("a busy afternoon", Story(doors(15 * H, 12), 18 * H, card(3))),
        quiet("carers come and go, the resident lies in bed",
              Story([*EVENING, (22 * H, "bed-1", "presence", {"present": True}), *doors(26 * H, 7)], 27 * H, card(3))),
        quiet("two residents", Story([*EVENING, *doors(26 * H, 7)], 27 * H, card(0, ("r-1", "r-2")))),
        quiet("a corridor's door", Story([*EVENING, *doors(26 * H, 9)], 27 * H, card(0, ()))),
    ),
)  # fmt: skip
