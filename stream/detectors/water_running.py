"""Water that runs on: a tap left open, a burst hose, a toilet that never closes; and a leak sensor that is wet.

Running: every reading of a meter shows a flow of at least flow_l_min, without a break, for running_s. The flow is given by the
device, or litres over the interval, or the difference of two counter readings. A gap between readings longer than gap_s ends the run: what was not seen
is not counted. A leak sensor counts at once.
A pause shorter than a reading cannot be seen: where readings are further apart than fine_s, two toilets and a washing machine look like one long run.
There only a strong flow counts, and only from surely_s on.
Source: chosen. A bath is filled in 15 to 20 min (150 to 200 l at 10 l/min), a long shower ends within 30; washing machines draw in pulses.
"""

import msgspec
import numpy as np

from contracts.kinds import Card
from stream.detector import Context, Detector, Floats, Rows, State, StateColumn, Story, fires, quiet
from stream.detectors._alarm import ROOM_NAMES, say, without_tests


class Params(msgspec.Struct, frozen=True):
    """What runs on for too long."""

    flow_l_min: float = 1.0
    """Least flow that counts, l/min. Chosen: an open tap gives 2 to 10, a dripping one far below 0.5."""
    running_s: float = 2700.0
    """Longest usual use without a break, s. Chosen (above), half as long again as a long shower."""
    gap_s: float = 600.0
    """Longest interval of a reading, and longest gap between two, within one run, s. Chosen: an hour's total shows no run."""
    running_score: int = 1
    """Score of a long run, 0 to 4. Chosen: it may be wanted; the centre asks first."""
    fine_s: float = 120.0
    """Longest interval of a reading in which a pause would be seen, s. Chosen: cisterns and machines pause for minutes."""
    coarse_l_min: float = 3.0
    """Least flow that counts with coarser readings, l/min. Chosen: an open tap gives 2 to 10. Known then: in the recording ``ampds_water``, read every
    5 (10) minutes, 1 l/min for 45 min happens 76 (280) times a year, and 3 l/min for 90 min once."""
    surely_s: float = 5400.0
    """From here on nobody wants it, s. Chosen: twice the longest usual use; no tub is so large."""
    surely_score: int = 2
    """Score of such a run, 0 to 4. Chosen: it says just that."""
    leak_score: int = 2
    """Score of a wet leak sensor, 0 to 4. Chosen: it says just that."""


STATE = {
    "since_s": StateColumn("f8", np.nan),
    "litres": StateColumn("f8", 0.0),
    "at_s": StateColumn("f8", np.nan),
    "total_m3": StateColumn("f8", np.nan),
}


def observe(params: Params, state: State, rows: Rows, ctx: Context) -> None:
    """Follow meters and leak sensors."""
    if rows.kind == "leak_alarm":
        _leak(params, rows, ctx)
        return
    subject = rows.subject
    newer = ~(rows.event_at_s <= state.at_s[subject])
    rows = rows.where(newer)
    subject, at_s = rows.subject, rows.event_at_s
    litres, duration_s = _used(state, rows)
    flow = np.where(np.isnan(rows["flow_l_min"]), litres / duration_s * 60.0, rows["flow_l_min"])
    litres = np.where(np.isnan(litres), np.nan_to_num(rows["flow_l_min"] * duration_s / 60.0), litres)

    coarse = duration_s > params.fine_s
    least_l_min = np.where(coarse, params.coarse_l_min, params.flow_l_min)
    running = (flow >= least_l_min) & ~(duration_s > params.gap_s)
    broken = ~(at_s - duration_s - state.at_s[subject] <= params.gap_s) | np.isnan(state.since_s[subject])
    start_s = np.where(
        broken, at_s - np.where(np.isnan(rows["duration_s"]), 0.0, rows["duration_s"]), state.since_s[subject]
    )
    state.litres[subject] = np.where(running, np.where(broken, 0.0, state.litres[subject]) + litres, 0.0)
    state.since_s[subject] = np.where(running, start_s, np.where(np.isnan(flow), state.since_s[subject], np.nan))
    state.at_s[subject] = at_s
    state.total_m3[subject] = np.where(np.isnan(rows["total_m3"]), state.total_m3[subject], rows["total_m3"])

    long = running & (at_s - start_s >= np.where(coarse, params.surely_s, params.running_s))
    said = rows.where(long)
    if len(said.subject):
        evidence = {
            "running_min": (at_s[long] - start_s[long]) / 60.0, "litres": state.litres[said.subject], "flow_l_min": flow[long],
            "room": ROOM_NAMES[said.room],
        }  # fmt: skip
        score = np.where(at_s[long] - start_s[long] >= params.surely_s, params.surely_score, params.running_score)
        ctx.out.on(said.subject, started_at_s=start_s[long], event_at_s=at_s[long], score=score,
                   reason="water_running.running", evidence=evidence, rows=said)  # fmt: skip
    stopped = ~running & ~np.isnan(flow)
    ctx.out.off(subject[stopped], event_at_s=at_s[stopped], reason="water_running.stopped")


def _used(state: State, rows: Rows) -> tuple[Floats, Floats]:
    """Litres used and the seconds that they took; from the counter where the device gives no more."""
    since_last_s = rows.event_at_s - state.at_s[rows.subject]
    duration_s = np.where(rows["duration_s"] > 0, rows["duration_s"], since_last_s)
    counted = (rows["total_m3"] - state.total_m3[rows.subject]) * 1000.0
    counted = np.where(counted >= 0, counted, np.nan)  # a new or reset counter says nothing about the time before
    litres = np.where(np.isnan(rows["litres"]), counted, rows["litres"])
    return litres, np.where(duration_s > 0, duration_s, np.nan)


def _leak(params: Params, rows: Rows, ctx: Context) -> None:
    rows = without_tests(rows, ctx, score=params.leak_score, reason="water_running.leak")
    wet = (rows["alarm"] == 1, "water_running.leak")
    say(ctx, rows, (wet,), started_at_s=rows.event_at_s, score=params.leak_score, evidence={})
    dry = rows.where(rows["alarm"] == 0)
    ctx.out.off(dry.subject, event_at_s=dry.event_at_s, reason="water_running.dry")


CARD = Card(version=1, residents=("r-1",), device_ids=("meter-1", "leak-1"), device_roles=("water_meter", "leak"),
            device_rooms=("kitchen", "bathroom"), device_residents=("", ""))  # fmt: skip


def _flow(minutes: int, every_s: float = 60.0, litres: float = 6.0, then: float = 0.0) -> Story:
    """``litres`` a minute for so long, then ``then``."""
    n = int(minutes * 60 / every_s)
    rows = [
        (every_s * (k + 1), "meter-1", "water", {"litres": litres * every_s / 60, "duration_s": every_s})
        for k in range(n)
    ]
    return Story(
        [*rows, (every_s * (n + 1), "meter-1", "water", {"litres": then, "duration_s": every_s})],
        every_s * (n + 2),
        CARD,
    )


DETECTOR = Detector(
    family="water",
    kinds=("water", "leak_alarm"),
    params=Params(),
    observe=observe,
    lanes=("bulk", "urgent"),
    subject="device",
    state=STATE,
    cases=(
        fires("a tap left open for an hour", _flow(60), within_s=(2700, 2761), last="water_running.stopped"),
        fires("a meter that counts, read every five minutes",
              Story([(300.0 * n, "meter-1", "water", {"total_m3": 10 + 0.03 * n}) for n in range(21)], 6_100, CARD),
              within_s=(5_400, 5_701)),
        fires("a flow meter", Story([(60.0 * n, "meter-1", "water", {"flow_l_min": 4.0}) for n in range(50)], 3_100, CARD)),
        fires("a wet floor", Story([(10, "leak-1", "leak_alarm", {"alarm": True})], 20, CARD), within_s=(10, 11), last="water_running.leak"),
        fires("a tap that is never closed is surer after an hour and a half", _flow(100), within_s=(2700, 2761)),
        fires("a toilet that never closes, 1.2 l/min", _flow(60, litres=1.2), within_s=(2700, 2761)),
        quiet("a bath and a shower one after the other, 44 minutes", _flow(44)),
        quiet("the meter was not heard for a quarter of an hour in between",
              Story([(60.0 * n, "meter-1", "water", {"litres": 6.0, "duration_s": 60.0}) for n in (*range(1, 31), *range(46, 76))], 5_000, CARD)),
        quiet("a counter that was exchanged", Story([(300.0 * n, "meter-1", "water", {"total_m3": 10.0 if n < 5 else 0.0}) for n in range(14)], 4_500, CARD)),
        quiet("an hour of cisterns and a washing machine, read every five minutes", _flow(60, every_s=300, litres=1.6)),
        quiet("a long shower", _flow(30)),
        quiet("a dripping tap", _flow(70, litres=0.2)),
        quiet("one reading an hour", _flow(600, every_s=3600, litres=2)),
        quiet("washing machine: pulses all afternoon",
              Story([(60.0 * n, "meter-1", "water", {"litres": 8.0 * (n % 10 < 3), "duration_s": 60.0}) for n in range(80)], 5_000, CARD)),
    ),
)  # fmt: skip
