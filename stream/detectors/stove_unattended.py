"""A stove that is on while nobody is in the kitchen: first a warning, then an alert, sooner when everybody has left the home.

A burner is on where its device says so; where it measures power, at on_w or more; where a gas stove has but a thermometer, while that is hot and does not cool (``_flame``). It stays on
through pauses up to pause_s (thermostats pause). Somebody is in the kitchen at a motion there, while a presence or motion sensor there reports
somebody, at a switch, tap or cupboard. Nobody is at home after an entrance-door event with no motion anywhere after it (``stream.learning.signs``).
The empty time is *watched* time. What is missing makes it say less, not nothing:
* A kitchen without eyes (no motion or presence sensor there has seen anybody for eye_s: none, or a dead one), but with things that are touched (fridge,
  cupboards, taps, lights): whoever simmers a soup touches none of them for a while, so the warning comes at alert_s and the alert at untouched_s.
* Neither: only that the stove has been on for on_long_s, score 1.
* A thermometer in place of a burner's own word: score 1 at most. Leaving the home stays an alert.
Sources: iGuardStove cuts after about 5 min without motion (home.md, from memory): a cut-off may be hasty, a call may not, so 15 and 25 min are
chosen, and every forgotten burner is told within half an hour (issue: 30 min). EN 50615 stove guards act on heat instead.
"""

import msgspec
import numpy as np

from contracts.kinds import ROLES, ROOMS, Card
from stream.detector import Bools, Context, Detector, Ints, Rows, State, StateColumn, Story, fires, quiet
from stream.detectors import _flame
from stream.learning import signs

STOVE = ROLES.index("stove")
KITCHEN = ROOMS.index("kitchen")
EYES = np.isin(np.array(ROLES), ("motion", "radar"))
"""Roles that see somebody in a room."""


class Params(msgspec.Struct, frozen=True):
    """What counts as on, and for how long the kitchen may be empty."""

    on_w: float = 50.0
    """Power from which a stove heats, W. Chosen: standby is below 5, the lowest setting draws some 200."""
    pause_s: float = 180.0
    """A burner that comes on again within this was never off, s. Chosen: cycles of hobs last up to two minutes."""
    warn_s: float = 900.0
    """Kitchen empty until the warning (score 1), s. Chosen (above)."""
    alert_s: float = 1500.0
    """Kitchen empty until the alert (score 2), s. Chosen (above)."""
    gone_s: float = 300.0
    """Everybody out of the home until the alert (score 3), s. Chosen: time to notice and turn back; as iGuardStove."""
    seen_s: float = 1800.0
    """A sensor that reports somebody and then nothing more is believed so long, s. Chosen."""
    eye_s: float = 90_000.0
    """A sensor of the kitchen that has seen nobody for so long cannot see, s (25 h). Design, section 6, rule 10: battery sensors' day."""
    untouched_s: float = 3600.0
    """Nothing touched in a kitchen without eyes until the alert (score 2), s. Chosen: a dish may simmer so long beside somebody who reads."""
    on_long_s: float = 10_800.0
    """On for so long where nothing can tell of a person: score 1, s (3 h). Chosen: slow soups take two to three hours."""


STATE = {
    "burners": StateColumn("i2", 0),
    "on_s": StateColumn("f8", np.nan),
    "off_s": StateColumn("f8", np.nan),
    "kitchen_s": StateColumn("f8", np.nan),
    "people": StateColumn("i2", 0),
    "eye_s": StateColumn("f8", np.nan),
    "touch_s": StateColumn("f8", np.nan),
    "sure": StateColumn("i2", 0),
    "door_s": StateColumn("f8", np.nan),
    "event_s": StateColumn("f8", np.nan),
    "level": StateColumn("i1", 0),
}
DEVICE_STATE = {
    **signs.DEVICE_STATE,
    "burning": StateColumn("i1", 0),
    "somebody": StateColumn("i1", 0),
    "says": StateColumn("i1", 0),
    **_flame.DEVICE_STATE,
}


def observe(params: Params, state: State, rows: Rows, ctx: Context) -> None:
    """Follow burners, people in the kitchen, and the door."""
    if rows.kind == "air":
        _burners(params, state, rows.where((rows.role == STOVE) & ~np.isnan(rows["temperature_c"])), ctx)
        return
    act = signs.acts(rows, state)
    motion = signs.motions(rows)
    alive = (act | motion) & signs.believable(rows)
    at_s = signs.happened_s(rows)
    state.event_s[rows.subject[alive]] = np.fmax(state.event_s[rows.subject[alive]], at_s[alive])
    door = act & (rows.role == signs.ENTRANCE)
    state.door_s[rows.subject[door]] = np.fmax(state.door_s[rows.subject[door]], at_s[door])
    _kitchen(params, state, rows, alive, ctx)
    if rows.kind == "power":
        _burners(params, state, rows.where(rows.role == STOVE), ctx)


def _kitchen(params: Params, state: State, rows: Rows, alive: Bools, ctx: Context) -> None:
    """Who is in the kitchen; a burner that is switched shows nobody, since thermostats switch too."""
    alive = alive & (rows.role != STOVE)
    if rows.kind in ("motion", "presence"):
        eye = EYES[rows.role] & (rows.room == KITCHEN)
        home, device = rows.subject[eye], rows.device[eye]
        somebody = (rows["moving" if rows.kind == "motion" else "present"][eye] == 1).astype(np.int8)
        before = state.devices.somebody[device]
        state.people[home] += somebody - before
        state.devices.somebody[device] = somebody
        known = signs.believable(rows)[eye]
        seeing = (somebody == 1) & known
        state.eye_s[home[seeing]] = np.fmax(state.eye_s[home[seeing]], signs.happened_s(rows)[eye][seeing])
        alive[eye] |= ((somebody == 1) | (before == 1)) & known  # who is seen no more was there until now
    there = alive & (rows.room == KITCHEN)
    home, at_s = rows.subject[there], signs.happened_s(rows)[there]
    state.kitchen_s[home] = np.fmax(state.kitchen_s[home], at_s)
    touched = ~EYES[rows.role[there]]
    state.touch_s[home[touched]] = np.fmax(state.touch_s[home[touched]], at_s[touched])
    back = ctx.out.is_on(home) & (rows.received_at_s[there] - at_s < params.warn_s)
    ctx.out.off(home[back], event_at_s=at_s[back], reason="stove_unattended.attended")
    state.level[home[back]] = 0
    burning = home[state.burners[home] > 0]
    state.due_at_s[burning] = np.minimum(state.due_at_s[burning], ctx.time.now_s + params.gone_s)


def _burners(params: Params, state: State, rows: Rows, ctx: Context) -> None:
    if rows.kind == "air":
        # A stove that says itself what it does needs no thermometer: from its first word on that is not asked any more.
        rows = rows.where(state.devices.says[rows.device] == 0)
        told, heats = _flame.burns(state, rows)
        word = 0
    else:
        heats = np.where(np.isnan(rows["power_w"]), rows["on"] == 1, rows["power_w"] >= params.on_w)
        told, word = ~(np.isnan(rows["power_w"]) & np.isnan(rows["on"])), 1
    rows, heats = rows.where(told), heats[told].astype(np.int8)
    if not len(rows.subject):
        return
    state.devices.says[rows.device] = word
    state.sure[rows.subject] = np.maximum(state.sure[rows.subject], word)
    home, at_s, before = rows.subject, signs.happened_s(rows), state.burners[rows.subject]
    state.burners[home] += heats - state.devices.burning[rows.device]
    state.devices.burning[rows.device] = heats
    on, off = (before == 0) & (state.burners[home] > 0), (before > 0) & (state.burners[home] == 0)
    started, ended = home[on], home[off]
    paused = at_s[on] - state.off_s[started] <= params.pause_s
    state.on_s[started] = np.where(paused, state.on_s[started], at_s[on])
    state.due_at_s[started] = np.minimum(state.due_at_s[started], rows.received_at_s[on] + params.gone_s)
    state.off_s[ended] = at_s[off]
    state.due_at_s[ended] = np.minimum(state.due_at_s[ended], rows.received_at_s[off] + params.pause_s)


def tick(params: Params, state: State, homes: Ints, ctx: Context) -> None:
    """Say where the kitchen has been empty for too long."""
    now_s, watched = ctx.time.now_s, ctx.time.watched_s
    on = state.burners[homes] > 0
    off = ~on & (now_s - state.off_s[homes] >= params.pause_s)
    ctx.out.off(homes[off], event_at_s=state.off_s[homes[off]], reason="stove_unattended.off")
    state.level[homes[off]] = 0

    on_s = state.on_s[homes]
    staying = (state.people[homes] > 0) & (watched(now_s) - watched(state.kitchen_s[homes]) < params.seen_s)
    left_s = np.fmax(on_s, state.kitchen_s[homes])
    empty_s = np.where(staying, 0.0, watched(now_s) - watched(left_s))
    out = ctx.cards.has_entrance_door[homes] & signs.left_by_door(state.event_s[homes], state.door_s[homes])
    out &= state.door_s[homes] >= on_s
    out_s = np.where(out, watched(now_s) - watched(state.door_s[homes]), 0.0)
    sees = watched(now_s) - watched(state.eye_s[homes]) <= params.eye_s
    touches = ~sees & (watched(now_s) - watched(state.touch_s[homes]) <= params.eye_s)
    lit_s = watched(now_s) - watched(on_s)
    first_s = np.select([sees, touches], [params.warn_s, params.alert_s], params.on_long_s)
    second_s = np.select([sees, touches], [params.alert_s, params.untouched_s], np.inf)
    empty_s = np.where(sees | touches, empty_s, lit_s)
    level = (empty_s >= first_s).astype(np.int64) + (empty_s >= second_s)
    level = np.where(state.sure[homes] > 0, level, np.minimum(level, 1))
    level = np.where(out_s >= params.gone_s, 3, level)
    level = np.where(on, level, 0)
    higher = level > state.level[homes]
    state.level[homes] = np.where(higher, level, state.level[homes])
    for value, which, reason in (
        (1, sees, "stove_unattended.warning"),
        (2, sees, "stove_unattended.forgotten"),
        (1, touches, "stove_unattended.untouched"),
        (2, touches, "stove_unattended.untouched"),
        (1, ~sees & ~touches, "stove_unattended.on_long"),
        (3, on, "stove_unattended.nobody_home"),
    ):
        now = higher & which & (level == value)
        if now.any():
            evidence = {"on_min": (now_s - on_s[now]) / 60, "empty_min": empty_s[now] / 60, "out_min": out_s[now] / 60}
            ctx.out.on(
                homes[now], started_at_s=left_s[now], event_at_s=now_s, score=value, reason=reason, evidence=evidence
            )

    next_s = np.where(empty_s < first_s, first_s, second_s) - empty_s
    next_s = np.where(next_s > 0, next_s, np.inf)
    next_s = np.where(staying, params.gone_s, next_s)
    next_s = np.where(out & (out_s < params.gone_s), np.minimum(next_s, params.gone_s - out_s), next_s)
    next_s = np.minimum(next_s, params.gone_s)  # the door may open at any time, and somebody may leave by it
    pause_s = np.where(off | np.isnan(state.off_s[homes]), np.inf, state.off_s[homes] + params.pause_s - now_s)
    state.due_at_s[homes] = now_s + np.maximum(np.where(on, next_s, pause_s), 1.0)


CARD = Card(version=1, residents=("r-1",), device_ids=("stove-1", "stove-2", "pir-1", "pir-2", "door-1"),
            device_roles=("stove", "stove", "motion", "motion", "entrance_door"),
            device_rooms=("kitchen", "kitchen", "kitchen", "living", "entrance"), device_residents=("",) * 5)  # fmt: skip
NO_EYES = Card(
    version=1,
    residents=("r-1",),
    device_ids=("stove-1",),
    device_roles=("stove",),
    device_rooms=("kitchen",),
    device_residents=("",),
)
TOUCHED = Card(version=1, residents=("r-1",), device_ids=("stove-1", "cupboard-1", "pir-2"), device_roles=("stove", "door", "motion"),
               device_rooms=("kitchen", "kitchen", "living"), device_residents=("",) * 3)  # fmt: skip
NOON, M = 12 * 3600.0, 60.0
Row = tuple[float, str, str, dict[str, object]]


def stove(at_s: float, on: bool, device: str = "stove-1") -> Row:
    """A burner is switched."""
    return (at_s, device, "power", {"on": on})


def walks(from_s: float, to_s: float, device: str = "pir-1") -> list[Row]:
    """Somebody moves about: motion every two minutes, each for half a minute."""
    return [
        (t + n * 30, device, "motion", {"moving": n == 0})
        for t in np.arange(from_s, to_s, 120.0).tolist()
        for n in (0, 1)
    ]


def door(at_s: float) -> list[Row]:
    """Open and closed again."""
    return [(at_s + n, "door-1", "contact", {"open": n == 5}) for n in (0, 5, 10)]


def touches(*at_min: float) -> list[Row]:
    """A cupboard of the kitchen is opened and closed, so many minutes after noon (it was closed before)."""
    opened: list[Row] = [
        (NOON + at * M + n, "cupboard-1", "contact", {"open": n == 0}) for at in at_min for n in (0, 3)
    ]
    return [(NOON - 60 * M, "cupboard-1", "contact", {"open": False}), *opened]


def flame(from_min: float, until_min: float, to_min: float) -> list[Row]:
    """A thermometer on a gas stove, every two minutes: it warms and simmers while the flame burns, and cools slowly after (to 1/e in 40 min)."""

    def celsius(m: float) -> float:
        burnt = 25.0 + 75.0 * (1 - np.exp(-max(0.0, min(m, until_min) - from_min) / 4.0))
        return float(round(25.0 + (burnt - 25.0) * np.exp(-max(0.0, m - until_min) / 40.0), 1))

    return [
        (NOON + m * M, "stove-1", "air", {"temperature_c": celsius(m)})
        for m in np.arange(from_min - 4, to_min, 2.0).tolist()
    ]


COOKING = [*walks(NOON, NOON + 20 * M), stove(NOON + 61, True)]
LEFT_S = NOON + 18 * M + 30

DETECTOR = Detector(
    family="stove",
    kinds=(*signs.KINDS, "air"),
    concerns=("stove",),
    params=Params(),
    observe=observe,
    tick=tick,
    state=STATE,
    device_state=DEVICE_STATE,
    version=2,
    cases=(
        fires("forgotten for half an hour", Story(COOKING, NOON + 50 * M, CARD), within_s=(LEFT_S + 900, LEFT_S + 915), last="stove_unattended.forgotten"),
        fires("noticed after the warning", Story([*COOKING, *walks(NOON + 35 * M, NOON + 40 * M), stove(NOON + 40 * M, False)], NOON + 70 * M, CARD),
              last="stove_unattended.attended"),
        fires("switched off from afar", Story([*COOKING, stove(NOON + 36 * M, False)], NOON + 70 * M, CARD),
              last="stove_unattended.off"),
        fires("everybody has left", Story([*COOKING, *door(NOON + 20 * M)], NOON + 28 * M, CARD), last="stove_unattended.nobody_home",
              within_s=(NOON + 25 * M, NOON + 26 * M)),
        fires("one of two burners is forgotten",
              Story([*COOKING, stove(NOON + 100, True, "stove-2"), stove(NOON + 600, False, "stove-2")], NOON + 50 * M, CARD)),
        fires("a hob that cycles",
              Story([*walks(NOON, NOON + 10 * M), *((NOON + 60.0 * n, "stove-1", "power", {"power_w": 400.0 * (n % 3 > 0)}) for n in range(60))],
                    NOON + 60 * M, CARD), last="stove_unattended.forgotten"),
        fires("a kitchen without eyes: nothing was touched", Story([*touches(2, 9, 16), stove(NOON + 61, True)], NOON + 50 * M, TOUCHED),
              within_s=(NOON + 41 * M, NOON + 41 * M + 15), last="stove_unattended.untouched"),
        fires("and then touched again", Story([*touches(2, 9, 16, 50), stove(NOON + 61, True)], NOON + 60 * M, TOUCHED), last="stove_unattended.attended"),
        fires("a kitchen in which nothing tells of a person, after hours", Story([stove(NOON, True)], NOON + 200 * M, NO_EYES),
              within_s=(NOON + 180 * M, NOON + 180 * M + 15), last="stove_unattended.on_long"),
        fires("a sensor that has seen nobody since the day before yesterday sees nobody now",
              Story([*walks(NOON, NOON + 10 * M), stove(NOON + 48 * 60 * M, True)], NOON + 52 * 60 * M, CARD), last="stove_unattended.on_long"),
        fires("a gas flame that only a thermometer feels", Story([*walks(NOON, NOON + 20 * M), *flame(4, 90, 90)], NOON + 90 * M, CARD),
              last="stove_unattended.warning"),
        fires("everybody has left a gas flame", Story([*walks(NOON, NOON + 20 * M), *flame(4, 60, 60), *door(NOON + 20 * M)], NOON + 60 * M, CARD),
              last="stove_unattended.nobody_home"),
        quiet("a gas flame that is put out: the pot is hot for an hour", Story([*walks(NOON, NOON + 20 * M), *flame(4, 20, 120)], NOON + 120 * M, CARD)),
        quiet("a soup simmers in a kitchen without eyes, for 23 minutes untouched",
              Story([*touches(2, 9, 32, 55), stove(NOON + 61, True), stove(NOON + 56 * M, False)], NOON + 120 * M, TOUCHED)),
        quiet("cooking", Story([*walks(NOON, NOON + 60 * M), stove(NOON + 60, True), stove(NOON + 59 * M, False)], NOON + 90 * M, CARD)),
        quiet("looking into the living room for ten minutes",
              Story([*COOKING, *walks(NOON + 20 * M, NOON + 29 * M, "pir-2"), *walks(NOON + 29 * M, NOON + 35 * M), stove(NOON + 35 * M, False)],
                    NOON + 90 * M, CARD)),
        quiet("a plug that is on but draws nothing",
              Story([*walks(NOON, NOON + 5 * M), *((NOON + 60.0 * n, "stove-1", "power", {"on": True, "power_w": 1.0}) for n in range(60))], NOON + 70 * M, CARD)),
        quiet("a kitchen into which no sensor looks", Story([stove(NOON, True)], NOON + 90 * M, NO_EYES)),
        quiet("a stove that is off while everybody is out", Story([*COOKING, stove(NOON + 19 * M, False), *door(NOON + 20 * M)], NOON + 60 * M, CARD)),
    ),
)  # fmt: skip
