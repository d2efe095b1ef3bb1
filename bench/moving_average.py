"""The one job that is given to peers too: the moving average of a resident's heart rate, with a line. Not shipped; a bench's detector.

It fires when  mean(last window readings) >= line_bpm  once there are so many, and is over when the mean is below. Of what every engine can do,
chosen because it is the smallest job that needs state for each resident. Sums are of whole numbers, so that all answers are exactly equal.
"""

import msgspec
import numpy as np

from contracts.kinds import Card
from stream.detector import Context, Detector, Rows, State, StateColumn, Story, fires, quiet

NAME = "moving_average"


class Params(msgspec.Struct, frozen=True):
    """Window, line and score."""

    window: int = 10
    """Readings that are averaged, count. Chosen: ten minutes of a wearable that reports every minute."""
    line_bpm: float = 110.0
    """Mean from which it fires, beats a minute. Chosen: at rest above NEWS2's 91 to 110 band; for the bench any line would do."""
    score: int = 1
    """Score, 0 to 4. Chosen: a bench's detection goes to nobody."""


PARAMS = Params()

STATE = {
    "bpm": StateColumn("f8", 0.0, PARAMS.window),
    "sum_bpm": StateColumn("f8", 0.0),
    "readings": StateColumn("i8", 0),
}
"""The last readings in a ring, their sum, and how many have come."""


def observe(params: Params, state: State, rows: Rows, ctx: Context) -> None:
    """Put each reading into its resident's ring; say where the mean rises over the line or falls below."""
    bpm = rows["heart_rate_bpm"]
    if (unknown := np.isnan(bpm)).any():
        rows, bpm = rows.where(~unknown), bpm[~unknown]
    subject = rows.subject
    place = state.readings[subject] % params.window
    sum_bpm = state.sum_bpm[subject] + bpm - state.bpm[subject, place]
    state.bpm[subject, place] = bpm
    state.sum_bpm[subject] = sum_bpm
    state.readings[subject] += 1
    high = (state.readings[subject] >= params.window) & (sum_bpm >= params.line_bpm * params.window)
    changed = high != ctx.out.is_on(subject)
    if not changed.any():
        return
    new, over = rows.where(changed & high), changed & ~high
    ctx.out.on(
        new.subject, started_at_s=new.event_at_s, event_at_s=new.event_at_s, score=params.score, reason=f"{NAME}.high",
        evidence={"mean_bpm": sum_bpm[changed & high] / params.window}, rows=new,
    )  # fmt: skip
    ctx.out.off(subject[over], event_at_s=rows.event_at_s[over], reason=f"{NAME}.over")


CARD = Card(
    version=1,
    residents=("r-1",),
    device_ids=("watch",),
    device_roles=("wearable",),
    device_rooms=("other",),
    device_residents=("r-1",),
)


def _beats(*bpm: float) -> Story:
    return Story(
        [(60.0 * (n + 1), "watch", "vitals", {"heart_rate_bpm": each}) for n, each in enumerate(bpm)],
        60.0 * (len(bpm) + 1),
        CARD,
    )


DETECTOR = Detector(
    family="vitals",
    kinds=("vitals",),
    params=PARAMS,
    observe=observe,
    subject="device",
    state=STATE,
    cases=(
        fires("ten readings on the line", _beats(*[110] * 10), within_s=(600, 601), last="moving_average.high"),
        fires("the tenth lifts the mean to the line", _beats(*[100] * 9, 200), within_s=(600, 601)),
        fires("over when the mean is below", _beats(*[120] * 10, 20, 20), last="moving_average.over"),
        fires("twice", _beats(*[110] * 10, *[60] * 10, *[160] * 10), episodes=2),
        quiet("nine readings are no window", _beats(*[200] * 9)),
        quiet("just below the line", _beats(*[110] * 9, 109)),
        quiet("steps without a pulse", Story([(60.0, "watch", "vitals", {"steps": 10})], 120.0, CARD)),
    ),
)  # fmt: skip
