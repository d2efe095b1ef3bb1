"""A fridge door that stands open: warm food, and a compressor that never stops.

A contact that is said to be open and does not close may also be one that missed the closing (badly glued, an inner drawer, a lost message); in
the recording ``mit_s2`` contacts in and about the fridge stay open for hours, until the next use. So:
* Where the fridge's own thermometer speaks, it decides: the door is open when it is warmer than at the opening by warmer_k; score 2.
* Else the contact must have proved itself: so many openings running that it also saw close. Then an opening longer than open_s is said, score 1.
  One that it did not see close in time costs it the proof. A contact that has not proved itself is not believed, and nothing is said.
The time is *watched* time. A cabinet of an institution that says ``door_open`` with its temperature is taken by the same rules.
Source: chosen; home.md has no number for doors. That recording was known when the proof was made a rule.
"""

import msgspec
import numpy as np

from contracts.kinds import ROLES, Card
from stream.detector import Context, Detector, Ints, Rows, State, StateColumn, Story, fires, quiet
from stream.learning.signs import believable, happened_s

FRIDGES = np.isin(np.array(ROLES), ("fridge", "holding"))


class Params(msgspec.Struct, frozen=True):
    """When a door has been open for too long, and who is believed."""

    open_s: float = 900.0
    """Time open, s. Chosen: shopping is put away in less, and food is not yet warm."""
    proof: int = 10
    """Openings running that a contact saw close in time before it is believed, count. Chosen: a day's use of a fridge."""
    warmer_k: float = 2.0
    """Warmer than at the opening, K. Chosen: the readings of a closed fridge swing by about as much."""
    fresh_s: float = 1_800.0
    """A temperature counts so long, s. Chosen: some devices speak every quarter or half hour."""
    again_s: float = 300.0
    """An open door whose fridge is not warmer is looked at again, s. Chosen."""
    open_score: int = 1
    """Score of a contact alone, 0 to 4. Chosen."""
    warm_score: int = 2
    """Score of a contact and a thermometer, 0 to 4. Chosen: two sensors agree."""


STATE = {
    "at_s": StateColumn("f8", np.nan),
    "opened_s": StateColumn("f8", np.nan),
    "closings": StateColumn("i2", 0),
    "value_c": StateColumn("f8", np.nan),
    "value_s": StateColumn("f8", np.nan),
    "before_c": StateColumn("f8", np.nan),
}


def observe(params: Params, state: State, rows: Rows, ctx: Context) -> None:
    """Follow doors and temperatures."""
    rows = rows.where(FRIDGES[rows.role] & believable(rows))
    if not len(rows.subject):
        return
    if rows.kind == "holding":
        newer = ~(happened_s(rows) <= state.value_s[rows.subject])
        subject = rows.subject[newer]
        state.value_c[subject], state.value_s[subject] = rows["temperature_c"][newer], happened_s(rows)[newer]
        said = rows["door_open"]
    else:
        said = rows["open"]
    known = ~np.isnan(said) & ~(happened_s(rows) <= state.at_s[rows.subject])
    rows, is_open = rows.where(known), said[known] == 1
    subject, at_s = rows.subject, happened_s(rows)
    state.at_s[subject] = at_s
    was_open = ~np.isnan(state.opened_s[subject])

    opens = is_open & ~was_open
    state.opened_s[subject[opens]] = at_s[opens]
    fresh = at_s - state.value_s[subject] <= params.fresh_s
    state.before_c[subject[opens]] = np.where(fresh, state.value_c[subject], np.nan)[opens]
    state.due_at_s[subject[opens]] = rows.received_at_s[opens] + params.open_s

    closes = ~is_open & was_open
    in_time = at_s - state.opened_s[subject] < params.open_s
    counted = np.where(in_time, np.minimum(state.closings[subject] + 1, params.proof), 0)
    state.closings[subject[closes]] = counted[closes]
    state.opened_s[subject[closes]] = np.nan
    state.due_at_s[subject[closes]] = np.inf
    ctx.out.off(subject[closes], event_at_s=at_s[closes], reason="fridge_open.closed")


def tick(params: Params, state: State, doors: Ints, ctx: Context) -> None:
    """Say which have stood open, if somebody is to be believed."""
    now_s, watched = ctx.time.now_s, ctx.time.watched_s
    opened_s, value_c = state.opened_s[doors], state.value_c[doors]
    open_s = watched(now_s) - watched(opened_s)
    long = open_s >= params.open_s
    measured = (watched(now_s) - watched(state.value_s[doors]) <= params.fresh_s) & ~np.isnan(state.before_c[doors])
    warmer = measured & (value_c - state.before_c[doors] >= params.warmer_k)
    proved = ~measured & (state.closings[doors] >= params.proof)
    for which, score, reason in (
        (long & warmer, params.warm_score, "fridge_open.warming"),
        (long & proved, params.open_score, "fridge_open.open"),
    ):
        if which.any():
            evidence = {"open_min": open_s[which] / 60.0, "temperature_c": value_c[which]}
            ctx.out.on(doors[which], started_at_s=opened_s[which], event_at_s=now_s, score=score, reason=reason,
                       evidence=evidence)  # fmt: skip
    waits_s = np.where(long, params.again_s, np.maximum(params.open_s - open_s, 1.0))
    # A thermometer may still speak, or fall silent: an open door is looked at until it closes or all is said.
    told = long & (warmer | np.isnan(opened_s))
    state.due_at_s[doors] = np.where(np.isnan(opened_s) | told, np.inf, now_s + waits_s)


CARD = Card(version=1, residents=("r-1",), device_ids=("fridge-1", "cabinet-1", "door-1"), device_roles=("fridge", "holding", "door"),
            device_rooms=("kitchen", "kitchen", "bedroom"), device_residents=("", "", ""))  # fmt: skip
Row = tuple[float, str, str, dict[str, object]]
M = 60.0


def uses(count: int, from_s: float = 0.0, device: str = "fridge-1", open_s: float = 20.0) -> list[Row]:
    """So many openings, one every two minutes, and closed again after ``open_s``."""
    return [
        (from_s + n * 120.0 + (0.0 if is_open else open_s), device, "contact", {"open": is_open})
        for n in range(count)
        for is_open in (True, False)
    ]


def cools(from_s: float, to_s: float, celsius: float, per_min: float = 0.0, device: str = "fridge-1") -> list[Row]:
    """The thermometer every five minutes, warmer by ``per_min`` each minute."""
    return [
        (at_s, device, "holding", {"temperature_c": celsius + per_min * (at_s - from_s) / M, "mode": "cold"})
        for at_s in np.arange(from_s, to_s, 300.0).tolist()
    ]


PROVED = uses(10)
LEFT: Row = (30 * M, "fridge-1", "contact", {"open": True})

DETECTOR = Detector(
    family="food",
    kinds=("contact", "holding"),
    params=Params(),
    observe=observe,
    tick=tick,
    subject="device",
    state=STATE,
    cases=(
        fires("left open", Story([*PROVED, LEFT], 60 * M, CARD), within_s=(45 * M, 45 * M + 11), last="fridge_open.open"),
        fires("left open and closed", Story([*PROVED, LEFT, (70 * M, "fridge-1", "contact", {"open": False})], 80 * M, CARD), last="fridge_open.closed"),
        fires("a fridge that becomes warm needs no proof", Story([*cools(5.0, 30 * M, 4.0), LEFT, *cools(31 * M, 60 * M, 4.5, 0.2)], 60 * M, CARD),
              within_s=(45 * M, 50 * M), last="fridge_open.warming"),
        fires("a cabinet that says so itself",
              Story([(5 * M * n, "cabinet-1", "holding", {"temperature_c": 4.0 + 0.5 * max(0, n - 3), "mode": "cold", "door_open": n >= 3}) for n in range(14)],
                    70 * M, CARD), last="fridge_open.warming"),
        fires("one that missed a closing is not believed again at once",
              Story([*PROVED, *uses(1, 30 * M, open_s=16 * M), *uses(5, 60 * M), (80 * M, "fridge-1", "contact", {"open": True})], 120 * M, CARD),
              within_s=(45 * M, 45 * M + 11), last="fridge_open.closed"),
        quiet("a day's use", Story(uses(60), 130 * M, CARD)),
        quiet("shopping is put away", Story([*PROVED, LEFT, (44 * M, "fridge-1", "contact", {"open": False})], 70 * M, CARD)),
        quiet("a contact that misses its closings", Story([*uses(3), *uses(6, 10 * M, open_s=118.0), LEFT], 120 * M, CARD)),
        quiet("said to be open, but the fridge stays cold", Story([*PROVED, *cools(5.0, 120 * M, 4.0), LEFT], 120 * M, CARD)),
        quiet("another door", Story([*uses(10, device="door-1"), (30 * M, "door-1", "contact", {"open": True})], 60 * M, CARD)),
        quiet("nobody watched", Story([*PROVED, LEFT, (100 * M, "fridge-1", "contact", {"open": False})], 101 * M, CARD, unwatched=[(32 * M, 99 * M)])),
    ),
)  # fmt: skip
