"""Carbon monoxide: a CO alarm's own judgement, or how much for how long.

A band is complete when the time between readings at or above its level adds up to its hold time; time below the level is taken off again,
so a flue that blows back in gusts adds up and smoky pans hours apart do not. A gap longer than gap_s adds gap_s: the sensor said nothing, so no
more than that is believed. Below clear_ppm all is forgotten.
Sources (home.md, EN 50291 as restated by nano-sense.com and co-gassafety.co.uk; the clause itself was not read): 30 ppm no alarm before
120 min; 50 ppm within 60 to 90 min; 100 ppm within 10 to 40; 300 ppm within 3. The earliest time of each band is taken, since we only see samples
of what the device saw. GB 15322.2 lets a device alarm at 150 to 300 ppm only (from memory), so numbers may speak before its alarm does.
"""

import msgspec
import numpy as np

from contracts.kinds import Card
from stream.detector import Context, Detector, Floats, Ints, Rows, State, StateColumn, Story, fires, quiet
from stream.detectors._alarm import say, without_tests

BANDS = 4


class Params(msgspec.Struct, frozen=True):
    """The dose bands and what they are worth."""

    level_ppm: tuple[float, ...] = (30.0, 50.0, 100.0, 300.0)
    """Level of each band, ppm by volume. EN 50291."""
    hold_s: tuple[float, ...] = (7200.0, 3600.0, 600.0, 120.0)
    """Time in each band, s. EN 50291: earliest allowed; for 300 ppm 120 s is chosen, inside its 3 min."""
    score: tuple[int, ...] = (2, 3, 3, 4)
    """Score of each band, 0 to 4. Chosen: 30 ppm is no alarm by the standard, only a warning; 300 ppm kills."""
    alarm_score: int = 3
    """Score of a device's own alarm, 0 to 4. Chosen: one device; P1 by family in any case."""
    clear_ppm: float = 25.0
    """Below this it is over, and the bands begin anew, ppm. Chosen: under the lowest band."""
    gap_s: float = 300.0
    """Longest time between two readings that counts in full, s. Chosen."""


STATE = {
    "alarm": StateColumn("b1", False),
    "held_s": StateColumn("f8", 0.0, BANDS),
    "since_s": StateColumn("f8", np.nan),
    "ppm": StateColumn("f8", np.nan),
    "at_s": StateColumn("f8", np.nan),
    "score": StateColumn("i1", 0),
}


def observe(params: Params, state: State, rows: Rows, ctx: Context) -> None:
    """Take the alarm or the measured value; say where CO begins, rises or is gone."""
    if rows.kind == "co_alarm":
        rows = without_tests(rows, ctx, score=params.alarm_score, reason="carbon_monoxide.alarm")
        state.alarm[rows.subject] = rows["alarm"] == 1
    else:
        rows = rows.where(~np.isnan(rows["co_ppm"]))
        _measure(params, state, rows.subject, rows.event_at_s, rows["co_ppm"])
    subject = rows.subject
    done = state.held_s[subject] >= np.array(params.hold_s)
    by_dose = np.where(done, np.array(params.score), 0)
    band = np.where(done.any(axis=1), BANDS - 1 - np.argmax(done[:, ::-1], axis=1), 0)
    by_alarm = np.where(state.alarm[subject], params.alarm_score, 0)
    score = np.maximum(by_dose.max(axis=1), by_alarm)
    risen = score > state.score[subject]
    alarm, dose = by_alarm >= by_dose.max(axis=1), by_alarm < by_dose.max(axis=1)
    reasons = (
        (risen & alarm, "carbon_monoxide.alarm"),
        (risen & dose & (band > 0), "carbon_monoxide.dose"),
        (risen & dose & (band == 0), "carbon_monoxide.raised"),
    )
    evidence = {
        "co_ppm": state.ppm[subject], "level_ppm": np.array(params.level_ppm)[band], "held_min": state.held_s[subject, band] / 60.0,
    }  # fmt: skip
    since_s = np.where(alarm, rows.event_at_s, np.fmin(state.since_s[subject], rows.event_at_s))
    say(ctx, rows, reasons, started_at_s=since_s, score=score, evidence=evidence)
    over = ~state.alarm[subject] & ~(state.ppm[subject] >= params.clear_ppm)
    ctx.out.off(subject[over], event_at_s=rows.event_at_s[over], reason="carbon_monoxide.over")
    state.score[subject] = np.where(over, 0, np.maximum(score, state.score[subject]))


def _measure(params: Params, state: State, subject: Ints, at_s: Floats, ppm: Floats) -> None:
    """Add to the time in each band, or take off; a reading older than the last one does nothing."""
    newer = ~(at_s <= state.at_s[subject])
    subject, at_s, ppm = subject[newer], at_s[newer], ppm[newer]
    since_last_s = np.nan_to_num(np.clip(at_s - state.at_s[subject], 0.0, params.gap_s))[:, None]
    level = np.array(params.level_ppm)
    above = ppm[:, None] >= level
    above_before = state.ppm[subject][:, None] >= level
    change_s = np.where(above & above_before, since_last_s, np.where(above, 0.0, -since_last_s))
    held_s = np.maximum(state.held_s[subject] + change_s, 0.0)
    state.held_s[subject] = np.where((ppm < params.clear_ppm)[:, None], 0.0, held_s)
    start_s = np.where(np.isnan(state.since_s[subject]), at_s, state.since_s[subject])
    counting = above.any(axis=1) | (state.held_s[subject] > 0).any(axis=1)
    state.since_s[subject] = np.where(counting, start_s, np.nan)
    state.ppm[subject], state.at_s[subject] = ppm, at_s


CARD = Card(
    version=1,
    residents=("r-1",),
    device_ids=("co-1",),
    device_roles=("co",),
    device_rooms=("kitchen",),
    device_residents=("",),
)


def _steady(ppm: float, minutes: float, every_s: float = 60.0, then: float = 0.0) -> Story:
    count = int(minutes * 60 / every_s) + 1
    rows = [(every_s * n, "co-1", "air", {"co_ppm": ppm}) for n in range(count)]
    return Story([*rows, (every_s * count, "co-1", "air", {"co_ppm": then})], every_s * (count + 2), CARD)


DETECTOR = Detector(
    family="co",
    kinds=("co_alarm", "air"),
    params=Params(),
    observe=observe,
    lanes=("bulk", "urgent"),
    subject="device",
    state=STATE,
    version=2,
    cases=(
        fires("a CO alarm", Story([(10, "co-1", "co_alarm", {"alarm": True})], 20, CARD), within_s=(10, 11), last="carbon_monoxide.alarm"),
        fires("100 ppm for a quarter of an hour", _steady(100, 15), within_s=(600, 661), last="carbon_monoxide.over"),
        fires("300 ppm for three minutes, every 20 s", _steady(300, 3, 20), within_s=(120, 141)),
        fires("55 ppm for an hour and a half", _steady(55, 90), within_s=(3600, 3661)),
        fires("35 ppm all afternoon is a warning", _steady(35, 150, 240), within_s=(7200, 7441)),
        fires("a rising dose stays one episode",
              Story([(60.0 * n, "co-1", "air", {"co_ppm": 60.0 + 2 * n}) for n in range(90)], 5_500, CARD), last="carbon_monoxide.dose"),
        fires("a test is said as a test", Story([(10, "co-1", "co_alarm", {"alarm": True, "test": True})], 20, CARD)),
        fires("gusts: 60 ppm for eight minutes of ten, two hours long",
              Story([(60.0 * n, "co-1", "air", {"co_ppm": 60.0 if n % 10 < 8 else 45.0}) for n in range(130)], 7_800, CARD),
              within_s=(5_400, 7_140), last="carbon_monoxide.dose"),
        fires("aired out and back again is two",
              Story([(60.0 * n, "co-1", "air", {"co_ppm": 110.0 if n % 20 < 15 else 5.0}) for n in range(36)], 2_200, CARD), episodes=2),
        quiet("a smoky pan, 200 ppm for four minutes", _steady(200, 4)),
        quiet("a smoky pan every hour", Story([(60.0 * n, "co-1", "air", {"co_ppm": 200.0 if n % 60 < 5 else 26.0}) for n in range(200)], 12_100, CARD)),
        quiet("just below every band for its whole time: 29 ppm all day", _steady(29, 1_000, 300)),
        quiet("49 ppm for an hour and fifty minutes", _steady(49, 110)),
        quiet("99 ppm for fifty minutes", _steady(99, 50)),
        quiet("299 ppm for nine minutes", _steady(299, 9)),
        quiet("350 ppm for a minute and a half", _steady(350, 1.5, 15)),
        quiet("40 ppm for an hour", _steady(40, 60)),
        quiet("two readings of 100 ppm, three hours apart", _steady(100, 180, 10_800)),
    ),
)  # fmt: skip
