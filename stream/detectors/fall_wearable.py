"""A fall, from a wearable's motion: an impact whose seconds before and after look like one, then what follows.

An impact is the largest |acceleration| from a second before to 2.5 s after it, of impact_g or more: who stumbles and then hits the ground falls
once, when he hits the ground. 2.5 s later the window around it is judged by a model
(``_fall_model``) for the place where the home card says that it is worn: from one likeness on it is a fall (score 1), from a higher one surely so (score 2).

Then it is followed for 30 s: ten seconds of walking withdraw it, hardly a movement raises the score by one. Where samples are missing
around the impact, or a triggered block ends early, it scores 1 ("unclear") if the rest speaks for a fall, from a lower likeness on. Where the sensor is slower than
any that the model learned from, or stands at the rails of its range for longer than in any fall that it learned from, the likeness is a guess: it is told as unclear and scores 1,
which is asked about. A wearable that says it is not worn says nothing.
Works on continuous blocks and on triggered ones, at 20 to 200 Hz, of any range, with or without rotation (which is not used).

Sources, figures and limits of the model: docs/fall-model.md. All falls that it learned from are acted, by people under 60.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import msgspec
import numpy as np

from contracts.kinds import Card
from stream.detector import Array, Bools, Context, Detector, Floats, Ints, Rows, State, StateColumn, Story, fires, quiet
from stream.detectors import _fall_model as fall_model
from stream.detectors import _motion_bins as motion
from stream.detectors._motion_bins import AFTER, BEFORE, PER_S, SLOTS, STEP, WIDTH, Ring


class Params(msgspec.Struct, frozen=True):
    """What is looked at, and what follows. The model's own numbers stand in its file."""

    impact_g: float = 1.6
    """Least impact that is looked at, g. Chosen: below all but one of the 2,148 acted falls."""
    early_s: float = 1.2
    """A triggered block that ends so long after the impact is judged as it is, s. Chosen: shorter shows no stillness."""
    unclear_less: float = 0.1
    """Where samples are missing a fall is one from so much less likeness on. Chosen on made falls: without its last 1.3 s one loses 0.16, without one second 0.12."""
    slowest_hz: float = 19.0
    """A sensor slower than this is none that the model knows, Hz. Chosen: it learned from 20 to 50, and a clock may be off by 5 %."""
    railed_s: float = 1.0
    """A window that is at the rails of the range for longer is none that the model knows as a fall, s. Chosen on the training side: of the falls that it learned from, seen through a
    sensor of ±2 g, 99.9 % touch them for less, the longest for 1.05 s."""
    walking_g: float = 0.15
    """Deviation in two seconds that is walking, g rms. Chosen: slow walking gives 0.15 to 0.3 at wrist or waist."""
    walking_s: float = 10.0
    """Walking for so long withdraws, s. Chosen: who walks ten seconds is up."""
    lying_g: float = 0.06
    """Deviation in two seconds that is lying still, g rms; of the second before it is judged, stillness. Chosen: breathing and sensor noise are below 0.03."""
    lying_share: float = 0.8
    """Share of the time to 30 s that must be still, 0 to 1. Chosen."""
    apart_s: float = 60.0
    """Impacts closer than this are one fall, s. Chosen."""


LOOK, UNTIL = 2 * PER_S, 30 * PER_S
"""After a fall, windows of 2 s from 4 s to 30 s are looked at (bins)."""
FIRST = 4 * PER_S
STATE = {
    **motion.STATE,
    "judged": StateColumn("i8", -1, SLOTS),
    "loud": StateColumn("i8", -1, SLOTS),
    "fell": StateColumn("i8", -1, SLOTS),
    "looked": StateColumn("i2", 0, SLOTS),
    "walks": StateColumn("i2", 0, SLOTS),
    "lies": StateColumn("i2", 0, SLOTS),
    "started_s": StateColumn("f8", -np.inf),
    "score": StateColumn("i1", 0),
    "impact_g": StateColumn("f8", 0.0),
}
OFFSETS = np.arange(WIDTH)

Judge = Callable[[Array, Ints, Ints], Floats]
"""Likeness of windows ``[n, fall_model.LENGTH, fall_model.FIELDS]`` to falls; also told are their homes and the bins of their impacts."""


class Point(NamedTuple):
    """The model at work: who judges, and from which likeness on it is a fall, and surely one."""

    judge: Judge
    fall: float
    sure: float


class Found(NamedTuple):
    """Falls as they were judged, side by side."""

    impact: Ints
    """Bin."""
    score: Ints
    impact_g: Array
    likeness: Floats
    turn_deg: Floats
    railed_s: Floats
    """Time of the window in which the sensor was at a rail."""
    still: Bools
    """Hardly a movement from 1.5 to 2.5 s after the impact."""
    why: Array
    """Why it is not clear; '': it is."""


def of_model(model: fall_model.Model) -> Point:
    """The point of a model."""
    return Point(lambda windows, home, impact: fall_model.likeness(model, windows), model.fall, model.sure)


def observe(points: Sequence[Point], params: Params, state: State, rows: Rows, ctx: Context) -> None:
    """Add blocks to the rings, step by step, and judge impacts that have been seen for long enough."""
    if rows.kind == "status":
        worn = rows["worn"]
        state.devices.worn[rows.device] = np.where(np.isnan(worn), state.devices.worn[rows.device], worn)
        return
    rows = rows.where(state.devices.worn[rows.device] != 0)
    bins = motion.cut(rows)
    if not len(bins.row):
        return
    rings = motion.slots(state, rows.subject, rows.device)
    all_head, judged, loud, fell = (motion.flat(state, name) for name in ("head", "judged", "loud", "fell"))
    first, last = np.full(len(rings), np.iinfo(np.int64).max), np.full(len(rings), -1)
    np.minimum.at(first, bins.row, bins.number)
    np.maximum.at(last, bins.row, bins.number)
    known = all_head[rings]
    head = np.where(known < 0, first - 1, known)
    motion.empty(state, rings[known < 0])
    met = head.copy()
    ends_early = rows["triggered"] == 1
    # Only rings that still have steps to make are touched: how many others of the call need must not matter to any.
    while (active := last > head).any():
        on = np.flatnonzero(active)
        mine, now, start = rings[on], head[on], first[on] - 1
        # Through a gap the ring runs empty as far as judgements look ahead, then it begins anew.
        jump = (start - known[on] > AFTER + STEP) & (start > now) & (judged[mine] >= known[on])
        motion.empty(state, mine[jump])
        now = np.where(jump, start, now)
        to = np.minimum(now + STEP, last[on])
        to = np.where(start > now, np.minimum(to, start), to)
        # The ring's newest bin is met again where a block begins within it; bins of the step before are not.
        after = np.where(now == met[on], now - 1, now)
        row, number, top = motion.advance(state, mine, now, to, after, motion.of_rows(bins, on, len(rings)))
        hit = top >= params.impact_g
        np.maximum.at(loud, mine[row[hit]], number[hit])
        head[on] = to
        ahead = np.where(ends_early[on] & (to >= last[on]), round(params.early_s * PER_S), AFTER)
        # Most people are still: only where something was loud, or somebody fell, is a ring looked at.
        look = (loud[mine] > judged[mine]) | (fell[mine] >= 0)
        if look.any():
            active[on] = look
            here, ring = rows.where(active), motion.load(state, mine[look], to[look])
            _judge(points, params, state, here, mine[look], ring, to[look], ahead[look], ctx)
            _follow(params, state, here, mine[look], ring, to[look], ctx)
        judged[mine] = np.maximum(judged[mine], to - ahead)
    all_head[rings] = np.maximum(known, last)


def _judge(
    points: Sequence[Point], params: Params, state: State, rows: Rows, rings: Ints, ring: Ring, head: Ints, ahead: Ints, ctx: Context
) -> None:  # fmt: skip
    """Find impacts between the last bin that was judged and the newest that can be, and judge them."""
    number = head[:, None] - (WIDTH - 1 - OFFSETS)[None, :]
    open_ = (number > motion.flat(state, "judged")[rings][:, None]) & (number <= (head - ahead)[:, None])
    row, column = np.nonzero(open_ & (ring.top >= params.impact_g))
    if not len(row):
        return
    near = OFFSETS[None, :] - column[:, None]
    around = np.where((near >= -PER_S) & (near <= AFTER), ring.top[row], 0.0)
    peak = around.argmax(axis=1) == column
    row, column, near = row[peak], column[peak], near[peak]
    if not len(row):
        return
    impact = number[row, column]
    windows = windows_at(Ring(*(part[row] for part in ring)), column)
    worn = ctx.cards.device_worn[rows.device[row]]
    likeness, fall, sure = np.empty(len(row)), np.empty(len(row)), np.empty(len(row))
    for which, point in enumerate(points):
        those = (worn == which) | ((worn >= len(points)) & (which == 0))
        if those.any():
            likeness[those] = point.judge(windows[those], rows.subject[row[those]], impact[those])
            fall[those], sure[those] = point.fall, point.sure
    turn_deg, late_g, whole = np.full(len(row), np.nan), np.full(len(row), np.nan), np.ones(len(row), dtype=bool)
    near_it = likeness >= fall - params.unclear_less
    turn_deg[near_it], late_g[near_it], whole[near_it] = _turn(
        Ring(*(part[row[near_it]] for part in ring)), near[near_it]
    )
    falls = likeness >= np.where(whole, fall, fall - params.unclear_less)
    if not falls.any():
        return
    row, column, impact, near = row[falls], column[falls], impact[falls], near[falls]
    likeness, sure, turn_deg, late_g, whole = (part[falls] for part in (likeness, sure, turn_deg, late_g, whole))
    since = head[row] - impact
    looked_at = (near >= -fall_model.BACK) & (near <= fall_model.AHEAD)
    railed_s = (motion.railed(state, rings[row], head[row]) & looked_at).sum(axis=1) / PER_S
    why = np.where(railed_s > params.railed_s, "saturated", "")
    why = np.where(rows["rate_hz"][row] < params.slowest_hz, "too slow", why)
    why = np.where(whole, why, np.where(since < AFTER, "block ended", "gap"))
    score = np.where((why == "") & (likeness >= sure), 2, 1)
    still = late_g <= params.lying_g
    found = Found(impact, score, ring.top[row, column], likeness, turn_deg, railed_s, still, why)
    # Two impacts of one home in one step are rare; then the second waits its turn here.
    for place in _first_of_each(rows.subject[row]):
        these: tuple[Any, ...] = tuple(part[place] for part in found)
        _tell(params, state, rows, rings, row[place], Found(*these), ctx)


def windows_at(ring: Ring, column: Ints) -> Array:
    """What the model sees of the impacts at ``column``; an empty bin is filled by the one before it, the first ones by the first that is not."""
    wanted = column[:, None] + np.arange(-fall_model.BACK, fall_model.AHEAD + 1)[None, :]
    there = np.clip(wanted, 0, ring.n.shape[1] - 1)
    full = (np.take_along_axis(ring.n, there, axis=1) > 0) & (wanted == there)
    place = np.arange(fall_model.LENGTH)
    before = np.maximum.accumulate(np.where(full, place, -1), axis=1)
    source = np.where(before < 0, full.argmax(axis=1)[:, None], before)
    parts = (ring.x, ring.y, ring.z, ring.top)
    at = np.take_along_axis(there, source, axis=1)
    return np.stack([np.take_along_axis(part, at, axis=1) for part in parts], axis=2)


def _first_of_each(subject: Ints) -> list[Ints]:
    """Places split so that each subject appears once in each part, in order."""
    parts: list[Ints] = []
    rest = np.arange(len(subject))
    while len(rest):
        _, first = np.unique(subject[rest], return_index=True)
        parts.append(np.sort(rest[first]))
        rest = np.delete(rest, first)
    return parts


def _turn(ring: Ring, near: Ints) -> tuple[Floats, Floats, Bools]:
    """Angle between mean acceleration 3.0 to 1.2 s before and 1.0 to 2.5 s after each impact, degrees (NaN: not measured), deviation from 1.5 to 2.5 s
    after it, g rms, and whether both could be measured."""
    bins_before, before, _ = motion.window(ring, (near >= -BEFORE) & (near < -round(1.2 * PER_S)))
    bins_after, after, _ = motion.window(ring, (near >= PER_S) & (near <= AFTER))
    bins_late, _, late_g = motion.window(ring, (near >= round(1.5 * PER_S)) & (near <= AFTER))
    sizes = np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        turn_deg = np.degrees(np.arccos(np.clip((before * after).sum(axis=1) / sizes, -1.0, 1.0)))
    turn_deg = np.where((bins_before >= 0.6 * PER_S) & (bins_after >= 0.5 * PER_S), turn_deg, np.nan)
    return turn_deg, late_g, ~np.isnan(turn_deg) & (bins_late >= 0.5 * PER_S)


def _tell(params: Params, state: State, rows: Rows, rings: Ints, row: Ints, found: Found, ctx: Context) -> None:
    """Say falls, at most one for each home: a new one, or more of the one that is going on."""
    home, at_s, score = rows.subject[row], found.impact / PER_S, found.score
    fresh = at_s - state.started_s[home] > params.apart_s
    ctx.out.off(home[fresh], event_at_s=at_s[fresh], reason="fall_wearable.over")
    state.score[home[fresh]] = 0
    state.started_s[home[fresh]] = at_s[fresh]
    state.impact_g[home] = np.where(fresh, found.impact_g, np.maximum(state.impact_g[home], found.impact_g))
    ring = rings[row]
    for name, value in (("fell", found.impact), ("looked", 0), ("walks", 0), ("lies", 0)):
        column = motion.flat(state, name)
        column[ring] = np.where(fresh, value, column[ring])
    more = score > state.score[home]
    state.score[home] = np.maximum(score, state.score[home])
    clear = found.why == ""
    for which, reason in (
        (clear & found.still, "fall_wearable.impact_still"),
        (clear & ~found.still, "fall_wearable.impact_moving"),
        (~clear, "fall_wearable.unclear"),
    ):
        now = more & which
        if now.any():
            evidence = {
                "impact_g": state.impact_g[home[now]],
                "turn_deg": found.turn_deg[now],
                "likeness": found.likeness[now],
                "railed_s": found.railed_s[now],
            }
            if reason == "fall_wearable.unclear":
                evidence["why"] = found.why[now]
            ctx.out.on(home[now], started_at_s=state.started_s[home[now]], event_at_s=at_s[now], score=score[now], reason=reason,
                       evidence=evidence, rows=_only(rows, row[now]))  # fmt: skip


def _only(rows: Rows, row: Ints) -> Rows:
    mask = np.zeros(len(rows.subject), dtype=bool)
    mask[row] = True
    return rows.where(mask)


def _follow(params: Params, state: State, rows: Rows, rings: Ints, ring: Ring, head: Ints, ctx: Context) -> None:
    """After a fall: one more window of two seconds where it is complete; walking withdraws, lying raises."""
    fell, looked, walks, lies = (motion.flat(state, name) for name in ("fell", "looked", "walks", "lies"))
    begins = fell[rings] + FIRST + looked[rings] * LOOK
    follows = (fell[rings] >= 0) & (head >= begins + LOOK - 1)
    if not follows.any():
        return
    row = np.flatnonzero(follows)
    who, home = rings[row], rows.subject[row]
    number = head[row][:, None] - (WIDTH - 1 - OFFSETS)[None, :]
    within = (number >= begins[row][:, None]) & (number < (begins[row] + LOOK)[:, None])
    seen, _, moves_g = motion.window(Ring(*(part[row] for part in ring)), within)
    enough = seen >= LOOK // 2
    walks[who] = np.where(enough & (moves_g >= params.walking_g), walks[who] + 1, 0)
    lies[who] += enough & (moves_g <= params.lying_g)
    looked[who] += 1
    after_s = (FIRST + looked[who] * LOOK) / PER_S
    walked = walks[who] * LOOK >= params.walking_s * PER_S
    over = walked | (after_s * PER_S >= UNTIL)
    lay = over & ~walked & (lies[who] >= params.lying_share * looked[who])
    event_at_s = (begins[row] + LOOK) / PER_S
    ctx.out.withdraw(
        home[walked], event_at_s=event_at_s[walked], reason="fall_wearable.moved", evidence={"after_s": after_s[walked]}
    )
    if lay.any():
        state.score[home[lay]] += 1
        evidence = {"after_s": after_s[lay], "impact_g": state.impact_g[home[lay]]}
        ctx.out.on(home[lay], started_at_s=state.started_s[home[lay]], event_at_s=event_at_s[lay], score=state.score[home[lay]].astype(np.int64),
                   reason="fall_wearable.lying", evidence=evidence, rows=_only(rows, row[lay]))  # fmt: skip
    fell[who[over]] = -1


DEVICE_STATE = {"worn": StateColumn("i1", -1)}
CARD = Card(version=1, residents=("r-1", "r-2"), device_ids=("watch-1", "watch-2"), device_roles=("wearable", "wearable"),
            device_rooms=("other", "other"), device_residents=("r-1", "r-2"))  # fmt: skip
Row = tuple[float, str, str, dict[str, object]]
DOWN, SIDE = (0.0, -1.0, 0.1), (0.9, 0.1, 0.4)


def still(seconds: float, way: tuple[float, float, float] = DOWN, shake_g: float = 0.01, beat_hz: float = 1.8) -> Array:
    """``[samples, 3]`` at 50 Hz: gravity along ``way``, with a movement of rms ``shake_g``."""
    t_s = np.arange(round(seconds * 50)) / 50
    swing = np.stack([np.sin(2 * np.pi * beat_hz * t_s + phase) for phase in (0.0, 1.0, 2.5)], axis=1)
    return np.asarray(np.array(way) + swing * shake_g * np.sqrt(2 / 3))


def blow(size_g: float, way: tuple[float, float, float] = SIDE) -> Array:
    """0.3 s of losing weight, then 0.4 s of a blow that rings out."""
    t_s = np.arange(20) / 50
    ring = np.exp(-t_s / 0.08) * np.cos(2 * np.pi * 7 * t_s) * (size_g - 1.0)
    return np.concatenate([np.array(DOWN) * np.linspace(0.9, 0.2, 15)[:, None], np.array(way) * (1 + ring)[:, None]])


def tumble(size_g: float) -> Array:
    """A blow as people take it: the arm is thrown about before it and for half a second after it."""
    g = np.concatenate([blow(size_g), still(0.5, SIDE)])
    since_s = np.arange(len(g)) / 50 - 0.3
    size = 0.4 * np.where(since_s < 0, np.exp(since_s / 0.3), np.exp(-since_s / 0.4))
    way = np.stack([np.sin(2 * np.pi * rate_hz * since_s) for rate_hz in (3.1, 4.3, 5.2)], axis=1)
    return np.asarray(g + size[:, None] * way)


def worn(*parts: Array, device: str = "watch-1", begins_s: float = 100.0, rate: int = 50, range_g: float = 16.0,
         block_s: float = 1.0, triggered: bool = False, missing: tuple[float, float] = (0.0, 0.0), turning: bool = False) -> list[Row]:  # fmt: skip
    """The parts one after the other as blocks of a wearable, ``turning``: with rotation; blocks that begin within ``missing`` (s from the beginning) are lost."""
    whole = np.concatenate(parts)
    at_s = np.arange(int(len(whole) * rate / 50)) / rate
    g = np.stack([np.interp(at_s, np.arange(len(whole)) / 50, axis) for axis in whole.T], axis=1)
    counts = np.clip(np.rint(g / range_g * 32767), -32768, 32767).astype("<i2")
    more: dict[str, object] = {}
    if turning:
        counts, more = np.hstack([counts, counts[:, ::-1]]), {"channels": 6, "range_dps": 2000.0}
    size = round(block_s * rate)
    return [
        (begins_s + min(first + size, len(g)) / rate, device, "inertial", {
            "t": begins_s + first / rate, "rate_hz": float(rate), "range_g": range_g, "triggered": triggered,
            "samples": counts[first : first + size].tobytes(), **more,
        })
        for first in range(0, len(g), size)
        if not missing[0] <= first / rate < missing[1]
    ]  # fmt: skip


def _told(rows: list[Row], **more: object) -> Story:
    """Blocks come when they are full and speak of their beginning."""
    moved = [
        (float(str(values.get("t", at_s))), device, kind, {k: v for k, v in values.items() if k != "t"})
        for at_s, device, kind, values in rows
    ]
    return Story(moved, rows[-1][0] + 10, CARD, late={n: row[0] for n, row in enumerate(rows)})


WALK = still(8, shake_g=0.25)
FALL = (WALK, tumble(5.0))
LIES = still(32, SIDE)

CASES = (
    fires("walking, falling, lying", _told(worn(*FALL, still(6, SIDE))), within_s=(110.8, 112.4), last="fall_wearable.impact_still"),
    fires("and still lying half a minute later", _told(worn(*FALL, LIES)), last="fall_wearable.lying"),
    fires("gets up and walks: withdrawn", _told(worn(*FALL, still(4, SIDE), still(30, shake_g=0.3))), last="fall_wearable.moved"),
    fires("one triggered window", _told(worn(*FALL, still(6, SIDE), block_s=20, triggered=True))),
    fires("a triggered window that ends early is unclear", _told(worn(*FALL, still(0.7, SIDE), block_s=20, triggered=True)),
          last="fall_wearable.unclear"),
    fires("and still moving when it is judged", _told(worn(*FALL, still(6, SIDE, shake_g=0.12))), last="fall_wearable.impact_moving"),
    fires("20 Hz and ±2 g", _told(worn(*FALL, still(6, SIDE), rate=20, range_g=2.0)), last="fall_wearable.impact_still"),
    fires("200 Hz and rotation", _told(worn(*FALL, still(6, SIDE), rate=200, turning=True)), last="fall_wearable.impact_still"),
    fires("slower than any that was learned from: unclear", _told(worn(*FALL, still(6, SIDE), rate=12)), last="fall_wearable.unclear"),
    fires("a second is missing after the impact", _told(worn(*FALL, still(8, SIDE), missing=(9.5, 12.0))), last="fall_wearable.unclear"),
    fires("two falls, five minutes apart", _told([*worn(*FALL, still(6, SIDE)), *worn(*FALL, still(6, SIDE), begins_s=400.0)]), episodes=2),
    fires("of two who live together one falls", _told(sorted([*worn(*FALL, still(6, SIDE)), *worn(still(14), device="watch-2")]))),
    quiet("walking", _told(worn(still(30, shake_g=0.4)))),
    quiet("a clap", _told(worn(still(8), blow(3.0, DOWN), still(8)))),
    quiet("running", _told(worn(still(20, shake_g=1.2, beat_hz=2.7), still(5)))),
    quiet("sitting down hard", _told(worn(still(8), blow(1.9, DOWN), still(8, DOWN)))),
    quiet("a watch that falls from the table", _told([(99.0, "watch-1", "status", {"worn": False}), *worn(*FALL, still(6, SIDE))])),
)  # fmt: skip


def detector(*points: Point) -> Detector:
    """The detector with these judges in it: for each of contracts.kinds.WORN, the first also where there is none of its own."""
    return Detector(
        family="fall",
        kinds=("inertial", "status"),
        begins_with=("inertial", "status:wearable"),
        params=Params(),
        observe=partial(observe, points),
        lanes=("bulk", "urgent"),
        state=STATE,
        device_state=DEVICE_STATE,
        cases=CASES,
    )


DETECTOR = detector(*(of_model(fall_model.load(position)) for position in fall_model.POSITIONS))
