"""Out of bed at night, and not back: perhaps on the floor beside it.

Somebody lay in a bed that senses it for slept_s, left it at night, and is not back after wait_s without a sign of life since, except in the
bed's own room within settle_s: that is the one who gets up. Later signs in that room begin the wait anew. A sign in any other room, or from something carried, shows that he is up: nothing is
concluded then (``inactivity`` and ``long_bathroom`` go on). After the entrance door it is ``night_door``'s. So it is one detection for one trouble; and all
that watch for silence are of one family, so of one case. A home that showed no sign but the bed's for a day has no other eyes: there the
wait is longer, and the score stays low. Deaf homes, time that nobody watched, homes without residents: no conclusion. After to_h he may just be up.
Source: of old people who fall most do so alone, and of those who fall a third lies for an hour and more (Fleming, BMJ 2008; home.md, section 5);
nocturia is usual, so that the way to the toilet and back must fit. Times and scores: chosen.
"""

import msgspec
import numpy as np

from contracts.kinds import ROLES, ROOMS, Card
from stream.detector import Context, Detector, Ints, Rows, State, StateColumn, Story, fires, quiet
from stream.learning import hearing, signs

BED = ROLES.index("bed")
ROOM_NAMES = np.array(ROOMS)


class Params(msgspec.Struct, frozen=True):
    """When, and how long to wait."""

    from_h: float = 22.0
    """Night begins, local hour. Chosen."""
    to_h: float = 6.0
    """Night ends, local hour. Chosen: who gets up later does so for the day."""
    slept_s: float = 1800.0
    """In bed for so long before, s. Chosen: who sits down on the bed to undress has not gone to bed."""
    settle_s: float = 60.0
    """A sign in the bed's room so soon after is the one who gets up, s. Chosen: a motion sensor re-arms within 60 to 90 s."""
    wait_s: float = 1800.0
    """Not back and nowhere seen for so long, s. Chosen: longer than most ways to the toilet and back, and half of what is called a long lie."""
    long_s: float = 3600.0
    """For so long it is more serious, s. Source: a long lie is an hour (Fleming, above)."""
    blind_s: float = 5400.0
    """The wait where the bed is the only thing that sees, s. Chosen: tea in the kitchen is not seen there."""
    score: int = 1
    """Score at first, 0 to 4. Chosen: the centre asks first."""
    long_score: int = 2
    """Score later, where other sensors would have seen him, 0 to 4. Chosen."""
    lived_s: float = 86_400.0
    """Other sensors count as eyes if they saw somebody so long before at most, s. Chosen: as in night_door."""
    again_s: float = 600.0
    """A home that is deaf is looked at again, s. Chosen."""


STATE = {
    "left_s": StateColumn("f8", np.nan),
    "quiet_s": StateColumn("f8", np.nan),
    "bed": StateColumn("i4", -1),
    "room": StateColumn("i1", ROOMS.index("bedroom")),
    "elsewhere_s": StateColumn("f8", -np.inf),
    "level": StateColumn("i1", 0),
    **hearing.STATE,
}
DEVICE_STATE = {**signs.DEVICE_STATE, "in_s": StateColumn("f8", np.nan)}


def observe(params: Params, state: State, rows: Rows, ctx: Context) -> None:
    """Follow the beds, and who is seen after one was left."""
    hearing.hear(state, rows, ctx)
    shown = (signs.acts(rows, state) | signs.motions(rows)) & signs.believable(rows)
    bed = rows.role == BED
    if rows.kind == "presence" and bed.any():
        _beds(params, state, rows.where(bed & ~np.isnan(rows["present"]) & signs.believable(rows)), ctx)
    rows = rows.where(shown & ~bed)
    home, at_s = rows.subject, signs.happened_s(rows)
    if not len(home):
        return
    own_room = (rows.room == state.room[home]) & ~hearing.CARRIED[rows.role]
    state.elsewhere_s[home] = np.fmax(state.elsewhere_s[home], at_s)
    after = at_s > state.left_s[home]
    beside = after & own_room & (at_s > state.left_s[home] + params.settle_s)
    state.quiet_s[home[beside]] = np.fmax(state.quiet_s[home[beside]], at_s[beside])
    seen = after & ~own_room
    ctx.out.off(home[seen | beside], event_at_s=at_s[seen | beside], reason="bed_exit.seen",
                evidence={"room": ROOM_NAMES[rows.room[seen | beside]]})  # fmt: skip
    state.level[home[seen | beside]] = 0
    state.left_s[home[seen]] = np.nan
    waits = home[beside]
    state.due_at_s[waits] = np.minimum(state.due_at_s[waits], rows.received_at_s[beside] + params.wait_s)


def _beds(params: Params, state: State, rows: Rows, ctx: Context) -> None:
    home, bed, at_s = rows.subject, rows.device, signs.happened_s(rows)
    lies, lay = rows["present"] == 1, ~np.isnan(state.devices.in_s[bed])
    hour = ctx.cards.local_hour(home, at_s)
    night = (hour >= params.from_h) | (hour < params.to_h)
    leaves = ~lies & lay & night & (at_s - state.devices.in_s[bed] >= params.slept_s) & (ctx.cards.residents[home] > 0)
    who = home[leaves]
    state.left_s[who] = state.quiet_s[who] = at_s[leaves]
    state.bed[who] = bed[leaves]
    state.room[who] = rows.room[leaves]
    state.level[who] = 0
    state.due_at_s[who] = rows.received_at_s[leaves] + params.wait_s
    back = lies & (state.bed[home] == bed) & (at_s >= state.left_s[home])
    ctx.out.off(home[back], event_at_s=at_s[back], reason="bed_exit.back")
    state.left_s[home[back]] = np.nan
    state.level[home[back]] = 0
    state.devices.in_s[bed] = np.where(lies, np.where(lay, state.devices.in_s[bed], at_s), np.nan)


def tick(params: Params, state: State, homes: Ints, ctx: Context) -> None:
    """Say who has not come back."""
    now_s, watched = ctx.time.now_s, ctx.time.watched_s
    waiting = ~np.isnan(state.left_s[homes])
    hour = ctx.cards.local_hour(homes, now_s)
    night = (hour >= params.from_h) | (hour < params.to_h)
    away = now_s < ctx.cards.away_until_s[homes]
    waiting &= (night | (state.level[homes] > 0)) & ~away
    cannot = hearing.deaf(state, homes, ctx)
    eyes = state.left_s[homes] - state.elsewhere_s[homes] <= params.lived_s
    wait_s = np.where(eyes, params.wait_s, params.blind_s)
    gone_s = watched(now_s) - watched(state.quiet_s[homes]) - state.deaf_total_s[homes]
    level = np.where(waiting & ~cannot, (gone_s >= wait_s).astype(np.int64) + (eyes & (gone_s >= params.long_s)), 0)
    higher = level > state.level[homes]
    state.level[homes] = np.maximum(level, state.level[homes])
    for value, reason, score in ((1, "bed_exit.out", params.score), (2, "bed_exit.out_long", params.long_score)):
        now = higher & (level == value)
        if now.any():
            who = homes[now]
            out_min = (watched(now_s) - watched(state.left_s[who])) / 60.0
            ctx.out.on(who, started_at_s=state.left_s[who], event_at_s=now_s, score=score, reason=reason,
                       evidence={"out_min": out_min, "care_level": ctx.cards.care_level[who]}, devices=state.bed[who])  # fmt: skip
    next_s = np.where(level < 1, wait_s, np.where(eyes & (level < 2), params.long_s, np.inf)) - gone_s
    next_s = np.where(cannot, params.again_s, next_s)
    state.due_at_s[homes] = np.where(waiting, now_s + np.maximum(next_s, 1.0), np.inf)


def card(*devices: str, **more: object) -> Card:
    """A home with a bed that senses, and these motion sensors, door and hub."""
    known = {"bed-1": ("bed", "bedroom"), "bed-2": ("bed", "bedroom"), "pir-1": ("motion", "bedroom"), "pir-2": ("motion", "bathroom"),
             "door-1": ("entrance_door", "entrance"), "hub-1": ("hub", "other"), "watch-1": ("wearable", "bedroom")}  # fmt: skip
    values: dict[str, object] = {
        "version": 1, "residents": ("r-1",), "device_ids": devices, "device_roles": tuple(known[d][0] for d in devices),
        "device_rooms": tuple(known[d][1] for d in devices), "device_residents": ("",) * len(devices), **more,
    }  # fmt: skip
    return msgspec.convert(values, Card)


HOME = card("bed-1", "bed-2", "pir-1", "pir-2", "door-1", "hub-1", "watch-1")
H, M = 3600.0, 60.0
Row = tuple[float, str, str, dict[str, object]]


def bed(at_s: float, present: bool, device: str = "bed-1") -> list[Row]:
    """Into the bed, or out of it."""
    return [(at_s, device, "presence", {"present": present})]


def moves(at_s: float, device: str = "pir-2") -> list[Row]:
    """Somebody moves."""
    return [(at_s, device, "motion", {"moving": True})]


ASLEEP = [*moves(21.5 * H), *bed(22 * H, True)]
UP_S = 26 * H
DETECTOR = Detector(
    family="no_life",
    kinds=(*signs.KINDS, "status", "air"),
    concerns=("bed",),
    params=Params(),
    observe=observe,
    tick=tick,
    state=STATE,
    device_state=DEVICE_STATE,
    cases=(
        fires("not back after half an hour", Story([*ASLEEP, *bed(UP_S, False)], UP_S + 45 * M, HOME), within_s=(UP_S + 30 * M, UP_S + 30 * M + 21),
              last="bed_exit.out"),
        fires("not back after an hour", Story([*ASLEEP, *bed(UP_S, False)], UP_S + 70 * M, HOME), last="bed_exit.out_long"),
        fires("seen to get up, and then no more", Story([*ASLEEP, *bed(UP_S, False), *moves(UP_S + 20, "pir-1")], UP_S + 45 * M, HOME)),
        fires("moves on the floor beside the bed, then no more",
              Story([*ASLEEP, *bed(UP_S, False), *moves(UP_S + 10 * M, "pir-1")], UP_S + 50 * M, HOME), within_s=(UP_S + 40 * M, UP_S + 40 * M + 21)),
        fires("helped back into bed", Story([*ASLEEP, *bed(UP_S, False), *bed(UP_S + 50 * M, True)], UP_S + 70 * M, HOME), last="bed_exit.back"),
        fires("found elsewhere", Story([*ASLEEP, *bed(UP_S, False), *moves(UP_S + 50 * M)], UP_S + 70 * M, HOME), last="bed_exit.seen"),
        fires("only the bed sees", Story([*bed(22 * H, True), *bed(UP_S, False)], UP_S + 3 * H, card("bed-1")),
              within_s=(UP_S + 90 * M, UP_S + 90 * M + 21), last="bed_exit.out"),
        fires("the other one sleeps on", Story([*ASLEEP, *bed(22 * H, True, "bed-2"), *bed(UP_S, False)], UP_S + 45 * M, HOME)),
        quiet("to the toilet and back", Story([*ASLEEP, *bed(UP_S, False), *moves(UP_S + 90), *bed(UP_S + 8 * M, True)], UP_S + 2 * H, HOME)),
        quiet("to the toilet and back, unseen on the way", Story([*ASLEEP, *bed(UP_S, False), *bed(UP_S + 20 * M, True)], UP_S + 2 * H, HOME)),
        quiet("up for good, in another room", Story([*ASLEEP, *bed(UP_S, False), *moves(UP_S + 5 * M)], UP_S + 3 * H, HOME)),
        quiet("a wearable walks", Story([*ASLEEP, *bed(UP_S, False), (UP_S + 300, "watch-1", "vitals", {"steps": 30})], UP_S + 3 * H, HOME)),
        quiet("out by the door: night_door says it",
              Story([*ASLEEP, (UP_S - 9, "door-1", "contact", {"open": False}), *bed(UP_S, False), (UP_S + 200, "door-1", "contact", {"open": True})],
                    UP_S + 3 * H, HOME)),
        quiet("up in the morning", Story([*ASLEEP, *bed(30.5 * H, False)], 34 * H, HOME)),
        quiet("up shortly before morning", Story([*ASLEEP, *bed(29.7 * H, False)], 34 * H, HOME)),
        quiet("sat on the bed for a while", Story([*moves(21 * H), *bed(22 * H, True), *bed(22.2 * H, False)], 25 * H, HOME)),
        quiet("turned over on the edge of the mat", Story([*ASLEEP, *bed(UP_S, False), *bed(UP_S + 40, True)], UP_S + 2 * H, HOME)),
        quiet("a nap in the afternoon", Story([*moves(12 * H), *bed(13 * H, True), *bed(15 * H, False)], 18 * H, HOME)),
        quiet("nobody watched", Story([*ASLEEP, *bed(UP_S, False), *bed(UP_S + 2 * H, True)], UP_S + 3 * H, HOME,
                                      unwatched=[(UP_S + 10 * M, UP_S + 110 * M)])),
        quiet("a hub that has stopped",
              Story([*ASLEEP, *((22 * H + n * 6 * M, "hub-1", "status", {"online": True}) for n in range(40)), *bed(UP_S - M, False)], UP_S + 3 * H, HOME)),
        quiet("a home without residents", Story([*ASLEEP, *bed(UP_S, False)], UP_S + 3 * H, msgspec.structs.replace(HOME, residents=()))),
        quiet("registered as away", Story([*ASLEEP, *bed(UP_S, False)], UP_S + 3 * H, msgspec.structs.replace(HOME, away_until_s=4e9))),
    ),
)  # fmt: skip
