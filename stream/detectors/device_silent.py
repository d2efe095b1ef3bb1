"""A device that says nothing any more: not an alarm of a person, but somebody is watched less well than is believed.

Each device has a supervision class by its role on the card: the longest silence, in *watched* time, that is still normal. ``online: false`` (the
last will) counts when nothing else was heard for ``offline_s`` after it: a broker that is restarted speaks the will of every hub, and all
are back within the grace that follows, in which watched time stands still. Hearing anything from the device itself ends it; what a hub says of itself counts for the hub alone.
Only devices on a home card are supervised; one that was enrolled and never spoke is silent from its enrolment.
Source: design, section 6, rule 10 (hub or SOS base 90 s, kitchen or mains device 10 min, worn wearable 15 min, battery sensor 25 h).
"""

import msgspec
import numpy as np

from contracts.kinds import FROM_DEVICES, ROLES, Card
from stream.detector import Bools, Context, Detector, Floats, Ints, Rows, State, StateColumn, Story, fires, quiet

ROLE_NAMES = np.array(ROLES)
MAINS = ("stove", "gas", "radar", "fridge", "holding")
"""Roles of kitchen and mains devices that report by themselves. Plugs and lights only speak when switched, so they are
held to the battery sensors' day."""
WEARABLE = ROLES.index("wearable")


class Params(msgspec.Struct, frozen=True):
    """Supervision classes. Source of all: design, section 6, rule 10."""

    hub_s: float = 90.0
    """Hub or SOS base, s."""
    mains_s: float = 600.0
    """Kitchen or mains device, s."""
    worn_s: float = 900.0
    """Wearable that is worn, s."""
    battery_s: float = 90_000.0
    """Battery sensor, and a wearable that is not known to be worn, s (25 h)."""
    offline_s: float = 10.0
    """From a last will to saying so, watched s. Chosen: one grid point, so that it waits out the grace after an outage."""
    score: int = 1
    """Score, 0 to 4. Chosen: technical."""


STATE = {
    "heard_s": StateColumn("f8", np.nan),
    "worn": StateColumn("b1", False),
    "offline_s": StateColumn("f8", np.nan),
}


def limit_s(params: Params, worn: Bools, role: Ints) -> Floats:
    """Longest normal silence by role, watched seconds."""
    by_role = np.array(
        [params.hub_s if name == "hub" else params.mains_s if name in MAINS else params.battery_s for name in ROLES]
    )
    limit: Floats = np.where((role == WEARABLE) & worn, params.worn_s, by_role[role])
    return limit


def enrol(params: Params, state: State, subjects: Ints, ctx: Context) -> None:
    """The clock of a new device begins now."""
    fresh = subjects[np.isnan(state.heard_s[subjects])]
    state.heard_s[fresh] = ctx.time.now_s
    state.due_at_s[fresh] = ctx.time.now_s + limit_s(params, state.worn[fresh], ctx.cards.device_role[fresh])


def observe(params: Params, state: State, rows: Rows, ctx: Context) -> None:
    """Note who spoke and whose last will was spoken; say at once who came back."""
    subject = rows.subject
    if rows.kind == "status":
        offline = rows["online"] == 0
        worn = rows["worn"]
        state.worn[subject] = np.where(np.isnan(worn), state.worn[subject], worn == 1)
    else:
        offline = np.zeros(len(subject), dtype=bool)
        if rows.kind == "vitals":
            state.worn[subject] |= rows["heart_rate_bpm"] > 0
    spoke = subject[~offline]
    state.heard_s[spoke] = np.fmax(state.heard_s[spoke], rows.received_at_s[~offline])
    limit = limit_s(params, state.worn[spoke], rows.role[~offline])
    state.due_at_s[spoke] = np.minimum(state.due_at_s[spoke], rows.received_at_s[~offline] + limit)
    ctx.out.off(spoke, event_at_s=rows.received_at_s[~offline], reason="device_silent.back",
                evidence={"role": ROLE_NAMES[rows.role[~offline]]})  # fmt: skip
    state.offline_s[spoke] = np.nan
    left = offline & np.isnan(state.offline_s[subject])
    gone = subject[left]
    state.offline_s[gone] = rows.received_at_s[left]
    state.due_at_s[gone] = np.minimum(state.due_at_s[gone], rows.received_at_s[left] + params.offline_s)


def tick(params: Params, state: State, subjects: Ints, ctx: Context) -> None:
    """Say who has been silent for longer than its class allows, or gone since its last will."""
    role = ctx.cards.device_role[subjects]
    limit = limit_s(params, state.worn[subjects], role)
    heard_s = ctx.time.watched_s(state.heard_s[subjects])
    silent_s = ctx.time.watched_s(ctx.time.now_s) - heard_s
    offline_s = ctx.time.watched_s(state.offline_s[subjects])
    gone = ctx.time.watched_s(ctx.time.now_s) - offline_s >= params.offline_s
    over = silent_s >= limit
    new = ctx.cards.device_known[subjects] & ~ctx.out.is_on(subjects)
    if (which := new & gone).any():
        ctx.out.on(subjects[which], started_at_s=state.offline_s[subjects[which]], event_at_s=ctx.time.now_s, score=params.score,
                   reason="device_silent.offline", evidence={"role": ROLE_NAMES[role[which]]})  # fmt: skip
    if (which := new & over & ~gone).any():
        evidence = {
            "role": ROLE_NAMES[role[which]],
            "silent_min": silent_s[which] / 60.0,
            "limit_min": limit[which] / 60.0,
        }
        ctx.out.on(subjects[which], started_at_s=state.heard_s[subjects[which]], event_at_s=ctx.time.now_s, score=params.score,
                   reason="device_silent.silent", evidence=evidence)  # fmt: skip
    # Where watched time stands still nothing can come due: after a day in which nobody watched, that is most of its grid points.
    next_s = np.fmin(
        ctx.time.reaches_s(heard_s + limit - 1e-3), ctx.time.reaches_s(offline_s + params.offline_s - 1e-3)
    )
    state.due_at_s[subjects] = np.where(
        over | gone | np.isnan(next_s), np.inf, np.maximum(next_s, ctx.time.now_s + 1.0)
    )


DEVICES = {"hub-1": "hub", "stove-1": "stove", "watch-1": "wearable", "door-1": "door", "plug-1": "plug"}
CARD = Card(version=1, residents=("r-1",), device_ids=tuple(DEVICES), device_roles=tuple(DEVICES.values()),
            device_rooms=("living", "kitchen", "other", "bedroom", "living"), device_residents=("", "", "r-1", "", ""))  # fmt: skip
ONE_HUB = Card(
    version=1,
    residents=("r-1",),
    device_ids=("hub-1",),
    device_roles=("hub",),
    device_rooms=("living",),
    device_residents=("",),
)
ONE_WATCH = Card(
    version=1,
    residents=("r-1",),
    device_ids=("watch-1",),
    device_roles=("wearable",),
    device_rooms=("other",),
    device_residents=("r-1",),
)
ONE_DOOR = Card(
    version=1,
    residents=("r-1",),
    device_ids=("door-1",),
    device_roles=("door",),
    device_rooms=("other",),
    device_residents=("",),
)


def _beats(
    device: str, every_s: float, until_s: float, **status: object
) -> list[tuple[float, str, str, dict[str, object]]]:
    return [
        (float(at), device, "status", {"online": True, **status}) for at in np.arange(every_s, until_s + 1, every_s)
    ]


DETECTOR = Detector(
    family="technical",
    kinds=FROM_DEVICES,
    params=Params(),
    observe=observe,
    tick=tick,
    enrol=enrol,
    subject="device",
    state=STATE,
    cases=(
        fires("a hub stops", Story(_beats("hub-1", 30, 600), 900, ONE_HUB), within_s=(690, 711), last="device_silent.silent"),
        fires("a hub stops and comes back", Story([*_beats("hub-1", 30, 600), (800, "hub-1", "status", {"online": True})], 820, ONE_HUB),
              last="device_silent.back"),
        fires("the last will of a hub", Story([*_beats("hub-1", 30, 600), (605, "hub-1", "status", {"online": False})], 640, ONE_HUB),
              within_s=(615, 621), last="device_silent.offline"),
        fires("a hub that does not come back after the broker was restarted", Story([*_beats("hub-1", 30, 600), (606, "hub-1", "status", {"online": False})],
              960, ONE_HUB, unwatched=[(601, 607)]), within_s=(915, 931), last="device_silent.offline"),
        fires("a watch that is worn", Story(_beats("watch-1", 60, 600, worn=True), 1_800, ONE_WATCH), within_s=(1500, 1521)),
        fires("a door sensor, after a day and an hour", Story([(60, "door-1", "contact", {"open": False})], 91_000, ONE_DOOR)),
        fires("one that was enrolled and never spoke", Story([], 200, ONE_HUB), within_s=(80, 101)),
        quiet("a hub that beats twice a minute", Story(_beats("hub-1", 30, 3600), 3_600, ONE_HUB)),
        quiet("a watch that lies on the charger", Story(_beats("watch-1", 60, 600, worn=False), 7_200, ONE_WATCH)),
        quiet("a door sensor that is quiet for a day", Story([(60, "door-1", "contact", {"open": False})], 86_400, ONE_DOOR)),
        quiet("a broker that is restarted speaks every hub's will, and they come back", Story([*_beats("hub-1", 30, 600),
              (606, "hub-1", "status", {"online": False}), (625, "hub-1", "status", {"online": True}), *[(at, "hub-1", "status", {"online": True})
              for at in range(650, 1300, 30)]], 1_300, ONE_HUB, unwatched=[(601, 607)])),
        quiet("a will that a hub's own return overtakes", Story([*_beats("hub-1", 30, 600), (605, "hub-1", "status", {"online": False}),
              (606, "hub-1", "status", {"online": True})], 640, ONE_HUB)),
        quiet("a device on no card", Story([(60, "radar-9", "presence", {"present": True})], 7_200)),
        quiet("nobody watched for ten hours", Story([*_beats("hub-1", 30, 600), (36_700, "hub-1", "status", {"online": True})], 36_760,
              ONE_HUB, unwatched=[(610, 36_610)])),
    ),
)  # fmt: skip
