"""In the bathroom for longer than is usual here: moving and unable to get out, or gone in and seen nowhere since.

A stay begins with the first sign of life in a bathroom and ends with a sign anywhere else, or when a radar there says that nobody is left. Signs there
after a silence of break_s begin a new one: he may have been elsewhere unseen, as on the way to bed. Two things are said:
*staying*: signs there (a radar's "present" is one each time) go on beyond the limit; *silent*: no sign since, anywhere, for longer than usual. The second only of
a stay that began by day (at night one motion missed on the way to bed makes a long one) and where other sensors see somebody at times.
``inactivity`` watches the same silence with its own limits by hour and room: its signal and this one are of one family, so of one case.
Limits: the longest usual stay that the nightly learner found (``stream.learning.habits``) x factor + margin_min, else cautious defaults.
What says that somebody lives and not where (the flat's meter, a wearable) changes nothing. Deaf homes, unwatched time: no conclusion.
Source: chosen; no figures on stays were found.
"""

import msgspec
import numpy as np

from contracts.kinds import ROOM_GROUPS, ROOMS, Card
from stream.detector import Bools, Context, Detector, Floats, Ints, Rows, State, StateColumn, Story, fires, quiet
from stream.learning import hearing, signs
from stream.learning.habits import BREAK_S, DAY_H

BATHROOM = ROOM_GROUPS.index("bathroom")
ROOM_NAMES = np.array(ROOMS)


class Params(msgspec.Struct, frozen=True):
    """How long is too long."""

    staying_min: float = 90.0
    """Limit of a stay with signs until something is learned, min. Chosen: a long bath, hair and all, twice."""
    silent_min: float = 120.0
    """Limit of a stay of which nothing more is seen until something is learned, min. Chosen: half of what inactivity waits after a bathroom."""
    factor: float = 1.5
    """Limit as a multiple of the longest usual stay. Chosen: the longest of a month is passed now and then."""
    margin_min: float = 15.0
    """Added to that, min. Chosen."""
    least_min: float = 45.0
    """No limit is shorter, min. Chosen: a bath, with somebody who never took one before."""
    fresh_s: float = 1200.0
    """A sign in the bathroom so long ago still shows that he is there, s. Chosen: shorter than BREAK_S."""
    lived_s: float = 86_400.0
    """Other rooms are seen if somebody was seen there so long before at most, s. Chosen: as in night_door."""
    score: int = 1
    """Score, 0 to 4. Chosen: the centre asks first; inactivity adds when all is silent."""
    again_s: float = 600.0
    """A home that is deaf is looked at again, s. Chosen."""


STATE = {
    "event_s": StateColumn("f8", np.nan),
    "entered_s": StateColumn("f8", np.nan),
    "seen_s": StateColumn("f8", np.nan),
    "elsewhere_s": StateColumn("f8", -np.inf),
    **hearing.STATE,
}
DEVICE_STATE = signs.DEVICE_STATE


def observe(params: Params, state: State, rows: Rows, ctx: Context) -> None:
    """Follow who is seen in the bathroom, and who elsewhere."""
    hearing.hear(state, rows, ctx)
    act, known = signs.acts(rows, state), signs.believable(rows)
    there = np.zeros(len(rows.subject), dtype=bool)
    emptied = there
    if rows.kind == "presence":
        there = rows["present"] == 1
        emptied = act & (rows["present"] == 0)
    bathroom = signs.GROUP_OF_ROOM[rows.room] == BATHROOM
    placed = ~signs.placeless(rows.role, rows.room) & ~hearing.CARRIED[rows.role]
    shown = (act | signs.motions(rows) | (there & bathroom)) & known & placed
    if not shown.any():
        return
    rows, act, bathroom, emptied = rows.where(shown), (act | there)[shown], bathroom[shown], emptied[shown]
    home, at_s = rows.subject, signs.happened_s(rows)
    near_s = at_s - state.event_s[home]
    sure = act | (np.abs(near_s) <= signs.PAIR_S)
    state.event_s[home] = np.fmax(state.event_s[home], at_s)
    _leave(state, rows.where(sure & (~bathroom | emptied)), ctx)
    _stay(params, state, rows.where(sure & bathroom & ~emptied), ctx)


def _leave(state: State, rows: Rows, ctx: Context) -> None:
    home, at_s = rows.subject, signs.happened_s(rows)
    state.elsewhere_s[home] = np.fmax(state.elsewhere_s[home], at_s)
    left = ~(at_s < state.seen_s[home])
    ctx.out.off(
        home[left], event_at_s=at_s[left], reason="long_bathroom.left", evidence={"room": ROOM_NAMES[rows.room[left]]}
    )
    state.entered_s[home[left]] = np.nan


def _stay(params: Params, state: State, rows: Rows, ctx: Context) -> None:
    later = ~(signs.happened_s(rows) <= state.elsewhere_s[rows.subject])
    rows = rows.where(later)
    home, at_s = rows.subject, signs.happened_s(rows)
    before_s, said = state.seen_s[home], ctx.out.is_on(home)
    begins = np.isnan(state.entered_s[home]) | (~(at_s - before_s <= BREAK_S) & ~said)
    state.entered_s[home] = np.where(begins, at_s, np.fmin(state.entered_s[home], at_s))
    state.seen_s[home] = np.fmax(before_s, at_s)
    state.deaf_total_s[home[begins]] = 0.0
    long = at_s - state.entered_s[home] >= params.least_min * 60.0
    wait_s = np.where(long, 1.0, params.least_min * 60.0)
    state.due_at_s[home] = np.minimum(state.due_at_s[home], rows.received_at_s + wait_s)


def _limit_s(params: Params, homes: Ints, ctx: Context, word: str, otherwise_min: float) -> Floats:
    usual_min = ctx.cards.threshold(f"usual.bathroom_{word}", homes, np.nan)
    own_min = np.maximum(usual_min * params.factor + params.margin_min, params.least_min)
    limit_s: Floats = np.where(np.isnan(usual_min), otherwise_min, own_min) * 60.0
    return limit_s


def tick(params: Params, state: State, homes: Ints, ctx: Context) -> None:
    """Say whose stay has passed its limit."""
    now_s, watched = ctx.time.now_s, ctx.time.watched_s
    entered_s, seen_s = state.entered_s[homes], state.seen_s[homes]
    waiting = ~np.isnan(entered_s) & (ctx.cards.residents[homes] > 0) & ~ctx.out.is_on(homes)
    deaf = hearing.deaf(state, homes, ctx)
    staying_s = watched(seen_s) - watched(entered_s) - state.deaf_total_s[homes]
    since_s = watched(now_s) - watched(entered_s) - state.deaf_total_s[homes]
    fresh = watched(now_s) - watched(seen_s) <= params.fresh_s
    hour = ctx.cards.local_hour(homes, entered_s)
    day = (hour >= DAY_H[0]) & (hour < DAY_H[1])
    eyes = (entered_s - state.elsewhere_s[homes] <= params.lived_s) & ~(now_s < ctx.cards.away_until_s[homes])
    limits = (
        _limit_s(params, homes, ctx, "seen_min", params.staying_min),
        _limit_s(params, homes, ctx, "day_min", params.silent_min),
    )
    stays = waiting & fresh & (staying_s >= limits[0])
    silent = waiting & ~stays & ~deaf & day & eyes & (since_s >= limits[1])
    _say(params, homes, stays, "long_bathroom.staying", since_s, limits[0], state, ctx)
    _say(params, homes, silent, "long_bathroom.silent", since_s, limits[1], state, ctx)

    next_s = np.where(day & eyes, limits[1] - since_s, np.inf)
    next_s = np.where(deaf & np.isfinite(next_s), np.maximum(next_s, params.again_s), next_s)
    state.due_at_s[homes] = np.where(waiting & ~stays & ~silent, now_s + np.maximum(next_s, 1.0), np.inf)


def _say(
    params: Params, homes: Ints, now: Bools, reason: str, stay_s: Floats, limit_s: Floats, state: State, ctx: Context
) -> None:
    who = homes[now]
    if len(who):
        evidence = {"stay_min": stay_s[now] / 60.0, "limit_min": limit_s[now] / 60.0, "room": "bathroom"}
        ctx.out.on(who, started_at_s=state.entered_s[who], event_at_s=ctx.time.now_s, score=params.score, reason=reason, evidence=evidence)  # fmt: skip


def card(*devices: str, **more: object) -> Card:
    """A home with these of the devices known here."""
    known = {"pir-1": ("motion", "living"), "pir-2": ("motion", "bathroom"), "radar-1": ("radar", "bathroom"), "hub-1": ("hub", "other"),
             "meter-1": ("water_meter", "other"), "door-1": ("door", "bathroom"), "watch-1": ("wearable", "other")}  # fmt: skip
    values: dict[str, object] = {
        "version": 1, "residents": ("r-1",), "device_ids": devices, "device_roles": tuple(known[d][0] for d in devices),
        "device_rooms": tuple(known[d][1] for d in devices), "device_residents": ("",) * len(devices), **more,
    }  # fmt: skip
    return msgspec.convert(values, Card)


HOME = card("pir-1", "pir-2", "radar-1", "hub-1", "meter-1", "door-1", "watch-1")
LEARNED = msgspec.structs.replace(
    HOME, threshold_names=("usual.bathroom_seen_min", "usual.bathroom_day_min"), threshold_values=(24.0, 40.0)
)
LONG = msgspec.structs.replace(
    HOME, threshold_names=("usual.bathroom_seen_min", "usual.bathroom_day_min"), threshold_values=(100.0, 150.0)
)
H, M = 3600.0, 60.0
Row = tuple[float, str, str, dict[str, object]]


def moves(from_s: float, to_s: float, device: str = "pir-2", every_s: float = 90.0) -> list[Row]:
    """Motion every minute and a half."""
    return [(at_s, device, "motion", {"moving": True}) for at_s in np.arange(from_s, to_s, every_s).tolist()]


def radar(at_s: float, present: bool, posture: str | None = None) -> list[Row]:
    """What the radar in the bathroom says."""
    return [(at_s, "radar-1", "presence", {"present": present, "posture": posture})]


UP = moves(9 * H, 9.5 * H, "pir-1")
IN_S = 9.5 * H
DETECTOR = Detector(
    family="no_life",
    kinds=(*signs.KINDS, "status", "air"),
    concerns=("room:bathroom",),
    params=Params(),
    observe=observe,
    tick=tick,
    state=STATE,
    device_state=DEVICE_STATE,
    cases=(
        fires("moving, and does not come out", Story([*UP, *moves(IN_S, IN_S + 110 * M)], 12 * H, HOME), within_s=(IN_S + 90 * M, IN_S + 94 * M),
              last="long_bathroom.staying"),
        fires("longer than ever here", Story([*UP, *moves(IN_S, IN_S + 70 * M)], 12 * H, LEARNED), within_s=(IN_S + 51 * M, IN_S + 54 * M),
              last="long_bathroom.staying"),
        fires("gone in, and seen nowhere since", Story([*UP, *moves(IN_S, IN_S + 5 * M)], 13 * H, HOME), within_s=(IN_S + 120 * M, IN_S + 122 * M),
              last="long_bathroom.silent"),
        fires("gone in, and silent for longer than ever here", Story([*UP, *moves(IN_S, IN_S + 5 * M)], 13 * H, LEARNED),
              within_s=(IN_S + 75 * M, IN_S + 77 * M), last="long_bathroom.silent"),
        fires("comes out at last", Story([*UP, *moves(IN_S, IN_S + 110 * M), *moves(IN_S + 111 * M, IN_S + 115 * M, "pir-1")], 12 * H, HOME),
              last="long_bathroom.left"),
        fires("the radar sees somebody all the time, at night",
              Story([*moves(21 * H, 22 * H, "pir-1"), *(row for n in range(100) for row in radar(26 * H + n * M, True, "low"))], 28 * H, HOME),
              within_s=(27.5 * H, 27.6 * H), last="long_bathroom.staying"),
        fires("one stray motion elsewhere proves nobody",
              Story([*UP, *moves(IN_S, IN_S + 5 * M), (IN_S + 60 * M, "pir-1", "motion", {"moving": True})], 13 * H, HOME)),
        fires("the flat's meter and a watch say nothing of the place",
              Story([*UP, *moves(IN_S, IN_S + 5 * M), (IN_S + 40 * M, "meter-1", "water", {"litres": 3.0, "duration_s": 60}),
                     (IN_S + 50 * M, "watch-1", "vitals", {"steps": 12})], 13 * H, HOME)),
        quiet("a bath", Story([*UP, *moves(IN_S, IN_S + 50 * M), *moves(IN_S + 51 * M, 12 * H, "pir-1")], 12.5 * H, HOME)),
        quiet("a long bath, as usual here", Story([*UP, *moves(IN_S, IN_S + 120 * M), *moves(IN_S + 121 * M, 13 * H, "pir-1")], 13 * H, LONG)),
        quiet("a short visit", Story([*UP, *moves(IN_S, IN_S + 6 * M), *moves(IN_S + 7 * M, 12 * H, "pir-1")], 13 * H, LEARNED)),
        quiet("to bed unseen, and again to the bathroom at night",
              Story([*moves(21 * H, 22 * H, "pir-1"), *moves(22 * H, 22.1 * H), *moves(26 * H, 26.1 * H), *moves(29 * H, 29.1 * H)], 30 * H, HOME)),
        quiet("the radar says that nobody is left", Story([*UP, *radar(IN_S, True), *radar(IN_S + 10 * M, False)], 15 * H, HOME)),
        quiet("a home of which only the bathroom is seen", Story(moves(IN_S, IN_S + 5 * M), 15 * H, HOME)),
        quiet("nobody watched", Story([*UP, *moves(IN_S, IN_S + 5 * M), *moves(14 * H, 14.2 * H, "pir-1")], 15 * H, HOME,
                                      unwatched=[(IN_S + 6 * M, 13.9 * H)])),
        quiet("a hub that has stopped",
              Story([*((8 * H + n * 6 * M, "hub-1", "status", {"online": True}) for n in range(16)), *UP, *moves(IN_S, IN_S + 5 * M)], 15 * H, HOME)),
        quiet("a home without residents", Story([*UP, *moves(IN_S, IN_S + 110 * M)], 12 * H, msgspec.structs.replace(HOME, residents=()))),
        quiet("readings of an unknown time", Story([(at, d, k, {**v, "clock": 3}) for at, d, k, v in moves(IN_S, IN_S + 110 * M)], 12 * H, HOME)),
    ),
)  # fmt: skip
