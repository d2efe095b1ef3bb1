"""No sign of life for longer than is usual here, at this hour, in this place.

A silence is the *watched* time since the last sign of life: an act (door, tap, switch, chair or bed taken or left, steps), or a
motion with another event in the two minutes before it (``stream.learning.signs``). Its limit belongs to the local hour at which it began and to the
place of the last sign: the home's learned line, else cautious defaults (``stream.learning.silences``). A place is what is done there, as
the learner found it: where most rest is had (after a stir there, with lines of its own), where else somebody rests, where nobody does.
The score is 1 at the limit, 2 at 1.5 x, 3 at 2 x if an entrance door on the card shows that nobody has left since.

Away: an entrance-door event with no sign after it means that the resident went out, for away_cap_s; then the silence counts (out and not
back, score 2 at most). ``away_until_s`` on the card counts always. A door that moved while a visitor was announced says neither that the resident went
out nor that nobody did: the limit stays short and the score is 2 at most. Somebody with a pulse or breathing lately may still need help, but is not lifeless: score 1.
Deaf homes (``stream.learning.hearing``), unwatched time and homes without residents conclude nothing. A row speaks for its own time
only, so a late row ends a silence only if the time since *it* is short; a row of unresolved time is no sign.
Sources: design, section 5 (from real recordings): after a door event away for two or three hours only; the last room says more than
the hour; a fixed limit of 245 min gave 0.23 false alarms a week in one home and 11 in another, hence cautious until learned.
"""

import msgspec
import numpy as np

from contracts.kinds import BED, LINES, PASSAGE, PLACES, ROOMS, STIRRED, Card
from stream.detector import Bools, Context, Detector, Floats, Ints, Rows, State, StateColumn, Story, fires, quiet
from stream.learning import hearing
from stream.learning.signs import (
    DEVICE_STATE,
    ENTRANCE,
    GROUP_OF_ROOM,
    KINDS,
    OTHER,
    PAIR_S,
    REST_MIN,
    acts,
    believable,
    happened_s,
    left_by_door,
    motions,
    placeless,
    spots,
)  # fmt: skip
from stream.learning.silences import defaults_min

ROOM_NAMES = np.array(ROOMS)
DEFAULTS_MIN = defaults_min()


class Params(msgspec.Struct, frozen=True):
    """How long is too long."""

    away_cap_s: float = 10_800.0
    """Longest time that a door event excuses, s (3 h). Design, section 5: two or three hours only."""
    rise: tuple[float, float] = (1.5, 2.0)
    """Multiples of the limit at which the score becomes 2 and 3. Chosen."""
    pulse_s: float = 900.0
    """A pulse or breath so long ago still shows life, s. Chosen: supervision time of a worn wearable."""
    visit_over_s: float = 1_800.0
    """A visit may last so much longer than was said, s. Chosen: leave-takings."""
    look_s: float = 600.0
    """A home is looked at this long after a sign, s. Chosen: shorter than the least limit that can be learned (20 min)."""
    again_s: float = 600.0
    """A home that is deaf, or where a pulse is measured, is looked at again, s. Chosen."""


STATE = {
    "sign_s": StateColumn("f8", np.nan),
    "room": StateColumn("i1", OTHER),
    "device": StateColumn("i8", -1),
    "rested": StateColumn("?", False),
    "event_s": StateColumn("f8", np.nan),
    "door_s": StateColumn("f8", np.nan),
    "visit_s": StateColumn("f8", -np.inf),
    "pulse_s": StateColumn("f8", np.nan),
    "level": StateColumn("i1", 0),
    **hearing.STATE,
}


def observe(params: Params, state: State, rows: Rows, ctx: Context) -> None:
    """Take each row for what it shows of its own time."""
    hearing.hear(state, rows, ctx)
    settles_s = state.settle_s[rows.subject]
    settles_s = np.where(settles_s > rows.received_at_s, settles_s, np.inf)
    state.due_at_s[rows.subject] = np.minimum(state.due_at_s[rows.subject], settles_s)
    act = acts(rows, state)
    shown = (act | motions(rows)) & believable(rows)
    _note_pulse(state, rows)
    if not shown.any():
        return
    act, rows = act[shown], rows.where(shown)
    home, at_s = rows.subject, happened_s(rows)
    near_s = at_s - state.event_s[home]
    sure = act | ((near_s <= PAIR_S) & (near_s >= -PAIR_S))
    state.event_s[home] = np.fmax(state.event_s[home], at_s)
    door = act & (rows.role == ENTRANCE)
    state.door_s[home[door]] = np.fmax(state.door_s[home[door]], at_s[door])
    visit = door & (at_s <= ctx.cards.visitor_until_s[home] + params.visit_over_s)
    state.visit_s[home[visit]] = np.fmax(state.visit_s[home[visit]], at_s[visit])

    newer = sure & ~(at_s <= state.sign_s[home])
    home, at_s, rows = home[newer], at_s[newer], rows.where(newer)
    quiet = at_s - state.sign_s[home] >= REST_MIN * 60.0
    state.sign_s[home] = at_s
    placed = ~placeless(rows.role, rows.room)
    came = placed & (spots(rows.room, rows.device) != spots(state.room[home], state.device[home]))
    state.rested[home] = ~came & (state.rested[home] | quiet)
    state.room[home[placed]] = rows.room[placed]
    state.device[home[placed]] = rows.device[placed]
    hearing.forget_deafness(state, home, at_s)
    state.due_at_s[home] = np.minimum(state.due_at_s[home], at_s + params.look_s)

    raised = ctx.out.is_on(home)
    if raised.any():
        rows, home = rows.where(raised), home[raised]
        silence_s = ctx.time.watched_s(rows.received_at_s) - ctx.time.watched_s(at_s[raised])
        back = silence_s < _limit_s(params, state, home, ctx)
        ctx.out.off(
            home[back],
            event_at_s=at_s[raised][back],
            reason="inactivity.moved",
            evidence={"room": ROOM_NAMES[rows.room[back]]},
        )
        state.level[home[back]] = 0


def _note_pulse(state: State, rows: Rows) -> None:
    if rows.kind not in ("vitals", "presence"):
        return
    measured = (rows["heart_rate_bpm"] > 0) | (rows["breathing_rate_bpm"] > 0)
    measured &= believable(rows)
    home = rows.subject[measured]
    state.pulse_s[home] = np.fmax(state.pulse_s[home], happened_s(rows)[measured])


def _limit_s(params: Params, state: State, homes: Ints, ctx: Context) -> Floats:
    """Limit of the silence that runs, s: of the hour and place with which it began, longer after the entrance door. Where nobody knows in which
    place somebody is (a device that was never learned of, a door by which somebody went or another came), the longest of all places counts."""
    hour = np.nan_to_num(ctx.cards.local_hour(homes, state.sign_s[homes]))
    device = state.device[homes]
    place = np.where(device < 0, -1, ctx.cards.device_place[device])
    place = np.where((place == BED) & state.rested[homes], STIRRED, place)
    line_min = _learned_min(ctx.cards.silence_min[homes], place, _door_last(state, homes, ctx) | (place < 0), hour)
    default_min = DEFAULTS_MIN[GROUP_OF_ROOM[state.room[homes]] * 24 + hour.astype(np.int64) % 24]
    line_min = np.where(np.isnan(line_min), default_min, line_min)
    limit: Floats = line_min * 60.0 + np.where(_away(state, homes, ctx), params.away_cap_s, 0.0)
    return limit


def _learned_min(lines: Floats, place: Ints, anywhere: Bools, hour: Floats) -> Floats:
    """Learned limit of each home, min: on straight lines between the middles of the hours. ``lines``: ``[homes, LINES]``, NaN where not learned."""
    table = lines.reshape(-1, PLACES, 24)
    home = np.arange(len(table))
    before = np.floor(hour - 0.5).astype(np.int64)
    share = hour - 0.5 - before
    own, longest = table[home, place], table.max(axis=1)
    line = np.where(anywhere[:, None], longest, own)
    found: Floats = line[home, before % 24] * (1.0 - share) + line[home, (before + 1) % 24] * share
    return found


def _away(state: State, homes: Ints, ctx: Context) -> np.ndarray:
    return _door_last(state, homes, ctx) & ~(state.visit_s[homes] >= state.door_s[homes])


def _door_last(state: State, homes: Ints, ctx: Context) -> np.ndarray:
    return ctx.cards.has_entrance_door[homes] & left_by_door(state.sign_s[homes], state.door_s[homes])


def tick(params: Params, state: State, homes: Ints, ctx: Context) -> None:
    """Say where a silence has passed its limit, and how far."""
    now_s, cards, watched = ctx.time.now_s, ctx.cards, ctx.time.watched_s
    excused = now_s < cards.away_until_s[homes]
    ctx.out.off(homes[excused], event_at_s=now_s, reason="inactivity.excused")
    state.level[homes[excused]] = 0
    unknown = np.isnan(state.sign_s[homes]) | (cards.residents[homes] == 0)
    cannot = excused | unknown | hearing.deaf(state, homes, ctx)

    limit_s = _limit_s(params, state, homes, ctx)
    since_s = np.fmax(state.sign_s[homes], cards.away_until_s[homes])
    silence_s = watched(now_s) - watched(since_s) - state.deaf_total_s[homes]
    away = _away(state, homes, ctx)
    inside = cards.has_entrance_door[homes] & ~_door_last(state, homes, ctx)
    share = silence_s / limit_s
    level = (share >= 1).astype(np.int64) + (share >= params.rise[0]) + ((share >= params.rise[1]) & inside)
    alive = watched(now_s) - watched(state.pulse_s[homes]) < params.pulse_s
    level = np.where(alive, np.minimum(level, 1), level)
    level = np.where(cannot, 0, level)
    higher = level > state.level[homes]
    state.level[homes] = np.maximum(level, state.level[homes])
    for which, reason in (
        (away, "inactivity.out_long"),
        (~away & alive, "inactivity.pulse_only"),
        (~away & ~alive & (level == 1), "inactivity.silent"),
        (~away & ~alive & (level == 2), "inactivity.silent_long"),
        (~away & ~alive & (level == 3), "inactivity.silent_inside"),
    ):
        now = higher & which
        if now.any():
            who = homes[now]
            evidence = {
                "silence_min": silence_s[now] / 60.0, "limit_min": limit_s[now] / 60.0, "room": ROOM_NAMES[state.room[who]],
                "learned_days": cards.learned_days[who],
            }  # fmt: skip
            ctx.out.on(
                who,
                started_at_s=state.sign_s[who],
                event_at_s=now_s,
                score=level[now],
                reason=reason,
                evidence=evidence,
            )

    to_next_s = np.select([level >= 2, level == 1], [params.rise[1], params.rise[0]], 1.0) * limit_s - silence_s
    wait_s = np.where(to_next_s > 0, to_next_s, np.inf)  # what is left to say may come with a row
    wait_s = np.where(cannot | alive, np.minimum(wait_s, params.again_s), wait_s)
    due_s = np.where(excused, cards.away_until_s[homes], now_s + np.maximum(wait_s, 1.0))
    state.due_at_s[homes] = np.where(unknown, np.inf, due_s)


DEVICES = {"pir-1": ("motion", "living"), "pir-2": ("motion", "bathroom"), "door-1": ("entrance_door", "entrance"),
           "tap-1": ("tap", "bathroom"), "window-1": ("window", "bedroom"), "watch-1": ("wearable", "other"), "hub-1": ("hub", "other"),
           "meter-1": ("water_meter", "other")}  # fmt: skip


def card(*devices: str, learned: bool = True, **more: object) -> Card:
    """A card with these of DEVICES; learned: the limit is 90 min everywhere."""
    values: dict[str, object] = {
        "version": 1, "residents": ("r-1",), "device_ids": devices, "device_roles": tuple(DEVICES[d][0] for d in devices),
        "device_rooms": tuple(DEVICES[d][1] for d in devices), "device_residents": ("",) * len(devices),
        "learned_days": 14 if learned else 0, "silence_min": (90,) * LINES if learned else (), **more,
    }  # fmt: skip
    return msgspec.convert(values, Card)


HOME, NO_DOOR = card(*DEVICES), card("pir-1", "pir-2", "tap-1")
H, M = 3600.0, 60.0
Row = tuple[float, str, str, dict[str, object]]


def motion(at_s: float, device: str = "pir-1") -> list[Row]:
    """A motion that is believed: two in half a minute."""
    return [(at_s, device, "motion", {"moving": True}), (at_s + 30, device, "motion", {"moving": True})]


def door(at_s: float) -> list[Row]:
    """The entrance door opens and closes (it was closed before)."""
    return [(at_s + n, "door-1", "contact", {"open": n == 5}) for n in (0, 5, 10)]


BED_165_ELSE_90 = (165,) * 24 + (90,) * (LINES - 24)
PASSAGE_30 = (90,) * 24 * PASSAGE + (30,) * 24 * (PLACES - PASSAGE)
PLACED = tuple(PASSAGE if device == "pir-2" else BED for device in DEVICES)
"""The bathroom is a passage, all else the bed."""
UP = [row for n in range(8) for row in motion(9 * H + n * 15 * M)]
"""A morning until 10:45:30."""
LAST_S = 10.75 * H + 30
LIMIT_S = 90 * M

DETECTOR = Detector(
    family="no_life",
    kinds=(*KINDS, "status", "air"),
    params=Params(),
    observe=observe,
    tick=tick,
    state=STATE,
    device_state=DEVICE_STATE,
    cases=(
        fires("a collapse in the morning", Story(UP, 13.1 * H, HOME), within_s=(LAST_S + LIMIT_S, LAST_S + LIMIT_S + 15), last="inactivity.silent_long"),
        fires("nobody left, so somebody is inside", Story(UP, 15 * H, HOME), last="inactivity.silent_inside"),
        fires("without a door nobody can say that", Story(UP, 15 * H, NO_DOOR), last="inactivity.silent_long"),
        fires("before anything is learned, after eight hours", Story(UP, 20 * H, card("pir-1", learned=False)),
              within_s=(LAST_S + 8 * H, LAST_S + 8 * H + 15)),
        fires("one stray motion does not reset the clock", Story([*UP, (12 * H, "pir-1", "motion", {"moving": True})], 13 * H, HOME),
              within_s=(LAST_S + LIMIT_S, LAST_S + LIMIT_S + 15)),
        fires("a door that says again that it is closed is no sign",
              Story([*UP, *((10.8 * H + n * 20 * M, "door-1", "contact", {"open": False}) for n in range(6))], 13 * H, HOME),
              within_s=(LAST_S + LIMIT_S, LAST_S + LIMIT_S + 15)),
        fires("ten hours of backlog do not bring a fallen man to life",
              Story([*UP, *motion(13 * H), *motion(13.5 * H)], 21 * H, HOME, late={16: 20 * H, 17: 20 * H, 18: 20 * H + 1, 19: 20 * H + 1}),
              last="inactivity.silent_inside"),
        fires("out by the door and not back for hours", Story([*UP, *door(10.8 * H)], 15.5 * H, HOME),
              within_s=(15.25 * H, 15.4 * H), last="inactivity.out_long"),
        fires("the visitor has left, not the resident", Story([*UP, *door(10.8 * H)], 13.5 * H, card(*DEVICES, visitor_until_s=11 * H)),
              within_s=(10.8 * H + LIMIT_S, 10.8 * H + LIMIT_S + 30)),
        fires("whether the resident left with the visitor nobody knows", Story([*UP, *door(10.8 * H)], 15 * H, card(*DEVICES, visitor_until_s=11 * H)),
              last="inactivity.silent_long"),
        fires("a pulse without activity asks first", Story([*UP, *((11 * H + n * 10 * M, "watch-1", "vitals", {"heart_rate_bpm": 60.0})
              for n in range(28))], 15.5 * H, HOME), last="inactivity.pulse_only"),
        fires("the meter of the flat does not move whoever is in the bathroom",
              Story([*UP, *motion(11 * H, "pir-2"), (11 * H + 50, "meter-1", "water", {"litres": 4.0, "duration_s": 60})], 14 * H,
                    card(*DEVICES, silence_min=BED_165_ELSE_90, device_places=PLACED)), within_s=(11 * H + 50 + LIMIT_S, 11 * H + 50 + LIMIT_S + 15)),
        fires("in a place where nobody rests, after half an hour",
              Story([*UP, *motion(11 * H, "pir-2")], 12 * H, card(*DEVICES, silence_min=PASSAGE_30, device_places=PLACED)),
              within_s=(11 * H + 30 + 30 * M, 11 * H + 45 + 30 * M)),
        fires("found again", Story([*UP, *motion(13 * H)], 13.5 * H, HOME), last="inactivity.moved"),
        quiet("an ordinary morning", Story(UP, 12 * H, HOME)),
        quiet("two hours in town, by the door", Story([*UP, *door(10.8 * H), *door(12.8 * H), *motion(12.9 * H)], 14 * H, HOME)),
        quiet("a night's sleep, before anything is learned",
              Story([*UP, *motion(15 * H), *motion(22 * H), *motion(31 * H)], 32 * H, card("pir-1", learned=False))),
        quiet("a long bath while the water runs",
              Story([*UP, *((11.0 * H + n * 5 * M, "tap-1", "water", {"litres": 20.0 * (n < 6), "duration_s": 300}) for n in range(7))], 12.8 * H, NO_DOOR)),
        quiet("a visitor has left by a door after which nobody rests, and the resident sits down where he was",
              Story([*UP, *door(10.8 * H)], 12.2 * H, card(*DEVICES, silence_min=PASSAGE_30, device_places=(PASSAGE,) * len(DEVICES),
                                                          visitor_until_s=11 * H))),
        quiet("registered as away", Story(UP, 20 * H, card(*DEVICES, away_until_s=4e9))),
        quiet("a home without residents", Story(UP, 20 * H, card(*DEVICES, residents=()))),
        quiet("nobody watched", Story([*UP, *motion(20.2 * H)], 21 * H, HOME, unwatched=[(11 * H, 20 * H)])),
        quiet("a hub that has stopped", Story([*UP, *((9 * H + n * 6 * M, "hub-1", "status", {"online": True}) for n in range(20))], 20 * H, HOME)),
        quiet("a hub that was away and comes back with what it kept",
              Story([*((9 * H + n * 6 * M, "hub-1", "status", {"online": True}) for n in range(20)), *UP, *motion(12 * H), *motion(13 * H),
                     *motion(14 * H), *motion(15 * H), (15.5 * H, "hub-1", "status", {"online": True})], 16 * H, HOME,
                    late={36 + n: 15.5 * H + 2 for n in range(8)})),
        quiet("a home of which nothing was ever seen", Story([(9 * H, "pir-1", "motion", {"moving": False})], 30 * H, HOME)),
    ),
)  # fmt: skip
