"""No water drawn for a day's half, by day, in a home in which somebody should be: unwell, or not drinking, or a valve or meter that has failed.

Information more than alarm: family technical (P4, gone by itself with the next glass of water), because a person who does not move is inactivity's, which
counts water among its signs, and one who moves and draws none is most often a closed valve. It says nothing
* by night, or before the meter (or a tap sensor) has shown a use; while meter and taps are not heard, for then nobody knows;
* of a home known to be empty: registered as away, or left by the entrance door with no sign of life since, however long ago;
* of a home whose other sensors have lately seen nobody: out without a word, or inactivity's.
Somebody seen moving: score 1. A home in which nothing but water ever tells of a person: score 0, for an unregistered journey looks the same.
Source: hours and times are chosen. In the recording ``ampds_water`` (a family, two years) no day at home had a pause of 12 h.
"""

import msgspec
import numpy as np

from contracts.kinds import ROLES, Card
from stream.detector import Context, Detector, Ints, Rows, State, StateColumn, Story, fires, quiet
from stream.learning import signs

METERS = np.isin(np.array(ROLES), ("water_meter", "tap"))


class Params(msgspec.Struct, frozen=True):
    """How long without water, and who is there."""

    dry_s: float = 50_400.0
    """Time without water, s (14 h). Chosen: nine hours of sleep and five of a morning; a toilet is used far sooner."""
    from_h: float = 9.0
    """Day begins, local hour. Chosen: late sleepers are up."""
    to_h: float = 21.0
    """Day ends, local hour. Chosen: nobody is rung for a glass of water at night."""
    heard_s: float = 7_200.0
    """Meter or tap said something so long ago at most, s. Chosen: some meters speak once an hour."""
    seen_s: float = 7_200.0
    """Somebody was seen moving so long ago at most, s. Chosen: at home and up."""
    lived_s: float = 604_800.0
    """Other sensors have seen somebody so long ago at most, s (a week): then the home has eyes, and their silence says something. Chosen."""
    seen_score: int = 1
    """Score where somebody is seen, 0 to 4. Chosen: it says that something is odd, not what."""
    unseen_score: int = 0
    """Score where only water could tell, 0 to 4. Chosen (above)."""
    again_s: float = 600.0
    """A home that has been dry for so long is looked at again, s. Chosen."""


STATE = {
    "used_s": StateColumn("f8", np.nan),
    "heard_s": StateColumn("f8", np.nan),
    "event_s": StateColumn("f8", np.nan),
    "seen_s": StateColumn("f8", np.nan),
    "door_s": StateColumn("f8", np.nan),
}
DEVICE_STATE = {**signs.DEVICE_STATE, "total_m3": StateColumn("f8", np.nan)}


def observe(params: Params, state: State, rows: Rows, ctx: Context) -> None:
    """Follow water, people and the door."""
    act, known = signs.acts(rows, state), signs.believable(rows)
    at_s = signs.happened_s(rows)
    if rows.kind == "water":
        _water(params, state, rows.where(known & METERS[rows.role]), ctx)
        return
    shown = (act | signs.motions(rows)) & known
    home, near_s = rows.subject, at_s - state.event_s[rows.subject]
    sure = shown & (act | ((near_s <= signs.PAIR_S) & (near_s >= -signs.PAIR_S)))
    state.event_s[home[shown]] = np.fmax(state.event_s[home[shown]], at_s[shown])
    door = act & known & (rows.role == signs.ENTRANCE)
    state.door_s[home[door]] = np.fmax(state.door_s[home[door]], at_s[door])
    sure &= ~door  # whoever opens it may be leaving
    state.seen_s[home[sure]] = np.fmax(state.seen_s[home[sure]], at_s[sure])


def _water(params: Params, state: State, rows: Rows, ctx: Context) -> None:
    home, at_s = rows.subject, signs.happened_s(rows)
    before_m3, total_m3 = state.devices.total_m3[rows.device], rows["total_m3"]
    state.devices.total_m3[rows.device] = np.where(np.isnan(total_m3), before_m3, total_m3)
    used = (rows["litres"] > 0) | (rows["flow_l_min"] > 0) | (total_m3 > before_m3)
    state.heard_s[home] = np.fmax(state.heard_s[home], at_s)
    state.used_s[home[used]] = np.fmax(state.used_s[home[used]], at_s[used])
    state.due_at_s[home[used]] = state.used_s[home[used]] + params.dry_s
    ctx.out.off(home[used], event_at_s=at_s[used], reason="water_unused.used")


def tick(params: Params, state: State, homes: Ints, ctx: Context) -> None:
    """Say which have drawn no water although somebody should be there."""
    now_s, watched, cards = ctx.time.now_s, ctx.time.watched_s, ctx.cards

    def ago_s(at_s: np.ndarray) -> np.ndarray:
        return np.asarray(watched(now_s) - watched(at_s))

    dry_s = ago_s(state.used_s[homes])
    hour = cards.local_hour(homes, now_s)
    out = cards.has_entrance_door[homes] & signs.left_by_door(
        np.fmax(state.seen_s[homes], state.used_s[homes]), state.door_s[homes]
    )
    out |= (now_s < cards.away_until_s[homes]) | (cards.residents[homes] == 0)
    ctx.out.off(homes[out], event_at_s=now_s, reason="water_unused.excused")
    dry = (dry_s >= params.dry_s) & ~out & (hour >= params.from_h) & (hour < params.to_h)
    dry &= ago_s(state.heard_s[homes]) <= params.heard_s
    has_eyes = ago_s(state.seen_s[homes]) <= params.lived_s
    seen = ago_s(state.seen_s[homes]) <= params.seen_s
    for which, score, reason in (
        (dry & seen, params.seen_score, "water_unused.seen"),
        (dry & ~has_eyes, params.unseen_score, "water_unused.unseen"),
    ):
        who = homes[which & ~ctx.out.is_on(homes)]
        if len(who):
            ctx.out.on(who, started_at_s=state.used_s[who], event_at_s=now_s, score=score, reason=reason,
                       evidence={"dry_h": ago_s(state.used_s[who]) / 3600.0})  # fmt: skip
    wait_s = np.maximum(params.dry_s - dry_s, params.again_s)
    state.due_at_s[homes] = np.where(np.isnan(dry_s), np.inf, now_s + wait_s)


DEVICES = {"meter-1": ("water_meter", "other"), "pir-1": ("motion", "living"), "door-1": ("entrance_door", "entrance")}


def card(*devices: str, **more: object) -> Card:
    """A home with these of DEVICES."""
    values: dict[str, object] = {
        "version": 1, "residents": ("r-1",), "device_ids": devices, "device_roles": tuple(DEVICES[d][0] for d in devices),
        "device_rooms": tuple(DEVICES[d][1] for d in devices), "device_residents": ("",) * len(devices), **more,
    }  # fmt: skip
    return msgspec.convert(values, Card)


HOME, METER = card(*DEVICES), card("meter-1")
H, M = 3600.0, 60.0
Row = tuple[float, str, str, dict[str, object]]


def meter(to_h: float, *uses_h: float) -> list[Row]:
    """A reading every half hour, 0 but at the given hours (each the half hour up to it)."""
    return [
        (n * 30 * M, "meter-1", "water", {"litres": 6.0 * (n / 2 in uses_h), "duration_s": 1_800.0})
        for n in range(1, int(to_h * 2) + 1)
    ]


def moves(*at_h: float) -> list[Row]:
    """Somebody moves about in the living room: two motions in half a minute."""
    return [(h * H + n * 30, "pir-1", "motion", {"moving": True}) for h in at_h for n in (0, 1)]


def door(at_h: float) -> list[Row]:
    """Open and closed again."""
    return [(at_h * H + n, "door-1", "contact", {"open": n == 5}) for n in (0, 5, 10)]


def day(*parts: list[Row]) -> list[Row]:
    """Rows in order of time."""
    return sorted((row for part in parts for row in part), key=lambda row: row[0])


HOURS = [float(h) for h in range(7, 24)]

DETECTOR = Detector(
    family="technical",
    kinds=signs.KINDS,
    concerns=("water_meter", "tap"),
    params=Params(),
    observe=observe,
    tick=tick,
    state=STATE,
    device_state=DEVICE_STATE,
    cases=(
        fires("moving about since the evening, and not a drop", Story(day(meter(38, 20.0), moves(*HOURS, 31, 32, 33, 34, 35)), 36 * H, HOME),
              within_s=(34 * H, 34 * H + 15), last="water_unused.seen"),
        fires("and then a glass", Story(day(meter(38, 20.0, 36.5), moves(*HOURS, 31, 32, 33, 34, 35)), 38 * H, HOME), last="water_unused.used"),
        fires("a home of which only the meter tells", Story(meter(38, 20.0), 38 * H, METER), last="water_unused.unseen"),
        fires("it waits for the day", Story(day(meter(38, 18.0), moves(*HOURS, 31, 32, 33, 34, 35)), 36 * H, HOME), within_s=(33 * H, 33 * H + 611)),
        fires("and then goes out", Story(day(meter(40, 20.0), moves(*HOURS, 31, 32, 33, 34, 34.4), door(34.5)), 40 * H, HOME), last="water_unused.excused"),
        quiet("a long night", Story(day(meter(36, 20.5, 33.0), moves(*HOURS, 33)), 36 * H, HOME)),
        quiet("left by the door, for a journey", Story(day(meter(90, 17.0), moves(*HOURS[:11]), door(18)), 90 * H, HOME)),
        quiet("registered as away", Story(meter(90, 17.0), 90 * H, card("meter-1", away_until_s=4e9))),
        quiet("gone without a word: the sensors see nobody", Story(day(meter(60, 17.0), moves(*HOURS[:11])), 60 * H, card("meter-1", "pir-1"))),
        quiet("a stray in the empty home proves nobody", Story(day(meter(38, 17.0), moves(*HOURS[:11]), moves(34)[:1], moves(36)[:1]), 38 * H,
                                                              card("meter-1", "pir-1"))),
        quiet("a meter that has died", Story(day(meter(20, 20.0), moves(*HOURS, 31, 32, 33, 34, 35)), 38 * H, HOME)),
        quiet("a meter that has never shown a use", Story(day(meter(60), moves(*HOURS)), 60 * H, HOME)),
        quiet("an empty flat of the institution", Story(meter(60, 17.0), 60 * H, card("meter-1", residents=()))),
        quiet("nobody watched", Story(day(meter(60, 20.0, 36.5), moves(*HOURS, 34, 35)), 40 * H, HOME, unwatched=[(22 * H, 33 * H)])),
    ),
)  # fmt: skip
