"""What the shipped kitchen and water detectors make of real homes: alarms on their own days, which are all taken for false, and what they say when
a tap, a burner or a fridge door is forgotten.

Everything goes through frames and the engine. What is forgotten is injected: each moment is a home of its own that lives what was before it, moved by
whole days onto one day, and then the forgotten thing. Of a meter of years, pieces of PIECE_DAYS are lived side by side by homes of their own, each
with LEAD_DAYS before it that do not count: so it takes a minute and not an hour, and what a piece says is what the whole would have said.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from cli._offline import detections_of
from contracts.detections import Detection
from contracts.errors import ShouwangError
from contracts.kinds import Card
from contracts.names import AREA_REPLAY, topic_of
from simulators.clock import ZONE
from simulators.recording import Recorded, RecordedHome, Recording
from simulators.recordings import open_recording
from stream.detector import Detector, Floats
from stream.registry import discover

DAY_S, YEAR_DAYS = 86_400.0, 365.25
BASE_S = 1_704_038_400.0
"""Local midnight of ZONE (2024-01-01) onto which homes of their own are moved."""
PIECE_DAYS, LEAD_DAYS = 14, 3
RUNNING: tuple[Mapping[str, float], ...] = (
    {"running_s": 1800.0}, {"running_s": 2700.0}, {"running_s": 3600.0}, {"running_s": 5400.0}, {"flow_l_min": 0.5}, {"flow_l_min": 2.0},
)  # fmt: skip
UNUSED: tuple[Mapping[str, float], ...] = tuple({"dry_s": hours * 3600.0} for hours in (8, 10, 12, 14, 18, 24))
STOVE: tuple[Mapping[str, float], ...] = tuple({"alert_s": minutes * 60.0} for minutes in (10, 15, 20, 25, 30, 40))
FRIDGE: tuple[Mapping[str, float], ...] = (
    {"open_s": 300.0}, {"open_s": 600.0}, {"open_s": 900.0}, {"open_s": 1800.0}, {"proof": 0}, {"proof": 3},
)  # fmt: skip
COARSER = (2, 5, 10)
"""So many readings of the meter are added up to one: what the same home would look like to a coarser meter."""
TAP_L_MIN = (2.0, 6.0)
"""Flows of a tap that is left running, l/min: half open, and open."""
TAP_EVERY_MIN = 731.0
"""A tap is left running at every so many minutes: at all hours of the day."""
TAP_BEFORE_S, TAP_AFTER_S = 7_200.0, 7_200.0
BURNER_EVERY_MIN = 1.0
KITCHEN_BEFORE_S, KITCHEN_AFTER_S = 26 * 3600.0, 7_200.0
FRIDGE_BEFORE = 40
"""Openings and closings of a door that are lived before it is left open, count."""
CAUGHT_MIN = 30.0


class NothingToJudge(ShouwangError):
    """{path} has neither a water meter nor a stove or fridge, so there is nothing of the kitchen to judge. Known are the recordings of ``detect``."""


class Variant(NamedTuple):
    """A detector as it is tried: under a name of its own."""

    name: str
    detector: str
    changed: Mapping[str, float]
    shipped: bool
    made: Detector


def variants(detector: str, changes: Sequence[Mapping[str, float]]) -> list[Variant]:
    """The shipped detector with each of some parameters changed, one at a time; and as it ships, where no change is that."""
    shipped = discover()[detector]
    found = [
        Variant(
            f"{detector} {' '.join(f'{name}={value:g}' for name, value in change.items())}",
            detector,
            change,
            all(getattr(shipped.params, name) == value for name, value in change.items()),
            replace(shipped, params=msgspec.structs.replace(shipped.params, **change)),
        )
        for change in changes
    ]
    return found if any(each.shipped for each in found) else [Variant(detector, detector, {}, True, shipped), *found]


def evaluate(path: Path) -> dict[str, Any]:
    """Figures, fields as ``evaluate kitchen --json`` prints them."""
    recording = open_recording(path)
    roles = {device.role for device in recording.homes[0].devices}
    if "water_meter" in roles:
        return {"file": path.name, **_water(recording)}
    if roles & {"stove", "fridge"}:
        return {"file": path.name, **_kitchen(recording)}
    raise NothingToJudge(path=path)


class Meter(NamedTuple):
    """Readings of one meter, ``[readings]`` each."""

    at_s: Floats
    litres: Floats
    duration_s: Floats


def _water(recording: Recording) -> dict[str, Any]:
    columns = np.array([(row.at_s, row.values["litres"], row.values["duration_s"]) for row in recording.read()])
    meter = Meter(*columns.T.copy())
    days = (meter.at_s[-1] - meter.at_s[0]) / DAY_S
    tried = [*variants("water_running", RUNNING), *variants("water_unused", UNUSED)]
    alarms = _pieces(recording, meter, {each.name: each.made for each in tried})
    return {
        "years": round(days / YEAR_DAYS, 2),
        "settings": [
            {
                "detector": each.detector, "changed": dict(each.changed), "shipped": each.shipped, "alarms": alarms[each.name],
                "per_year": round(alarms[each.name] / days * YEAR_DAYS, 2),
            }
            for each in tried
        ],
        "tap": [_taps(recording, meter, flow) for flow in TAP_L_MIN],
        "coarser": [_coarser(recording, meter, times, days) for times in COARSER],
    }  # fmt: skip


def _coarser(recording: Recording, meter: Meter, times: int, days: float) -> dict[str, Any]:
    """The shipped detectors, had the meter spoken once where it spoke so many times; and an open tap there."""
    size = len(meter.at_s) // times * times
    added = Meter(
        meter.at_s[:size].reshape(-1, times)[:, -1],
        meter.litres[:size].reshape(-1, times).sum(axis=1),
        meter.duration_s[:size].reshape(-1, times).sum(axis=1),
    )
    names = ("water_running", "water_unused")
    alarms = _pieces(recording, added, {name: discover()[name] for name in names})
    return {
        "every_s": float(added.duration_s[0]),
        **{f"{name}_per_year": round(alarms[name] / days * YEAR_DAYS, 2) for name in names},
        "tap": _taps(recording, added, TAP_L_MIN[-1]),
    }


def _local_midnight_s(at_s: float, zone: str) -> float:
    local = datetime.fromtimestamp(at_s, ZoneInfo(zone))
    return local.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()


def _pieces(recording: Recording, meter: Meter, detectors: Mapping[str, Detector]) -> dict[str, int]:
    """Episodes of each detector over all the time, each counted in the piece in which it was decided."""
    home = recording.homes[0]
    first_s = _local_midnight_s(float(meter.at_s[0]), home.zone)
    starts_s = np.arange(first_s, meter.at_s[-1], PIECE_DAYS * DAY_S)
    homes, lives = [], []
    for number, start_s in enumerate(starts_s.tolist()):
        # One shift for a whole piece: its hours are right but for the days after a change of the clocks.
        shift_s = BASE_S + LEAD_DAYS * DAY_S - _local_midnight_s(start_s + DAY_S / 2, home.zone)
        part = slice(*np.searchsorted(meter.at_s, [start_s - LEAD_DAYS * DAY_S, start_s + PIECE_DAYS * DAY_S]).tolist())
        homes.append(home._replace(home_id=f"p{number}", resident_id=f"p{number}-r1", zone=ZONE))
        lives.append(_readings(number, meter, part, shift_s))
    begin_s, end_s = BASE_S + LEAD_DAYS * DAY_S, BASE_S + (LEAD_DAYS + PIECE_DAYS) * DAY_S
    found = dict.fromkeys(detectors, 0)
    merged = heapq.merge(*lives, key=lambda row: row.at_s)
    for told in _run("pieces", homes, merged, detectors, end_s):
        if told.on and told.revision == 1 and begin_s <= told.decided_at_s < end_s:
            found[told.detector] += 1
    return found


def _readings(number: int, meter: Meter, part: slice, shift_s: float, more: Floats | None = None) -> Iterator[Recorded]:
    """Readings of a part as one home's; ``more``: litres on top."""
    litres = meter.litres[part] if more is None else meter.litres[part] + more
    for at_s, used, duration_s in zip(meter.at_s[part], litres, meter.duration_s[part], strict=True):
        values = {"kind": "water", "litres": round(float(used), 3), "duration_s": float(duration_s)}
        yield Recorded(float(at_s) + shift_s, number, "meter", "telemetry", values)


def _taps(recording: Recording, meter: Meter, flow_l_min: float) -> dict[str, Any]:
    """A tap that is left running at many moments, on top of what the home really used."""
    home = recording.homes[0]
    moments = np.arange(meter.at_s[0] + TAP_BEFORE_S, meter.at_s[-1] - TAP_AFTER_S, TAP_EVERY_MIN * 60.0)
    homes, lives = [], []
    for number, moment in enumerate(moments.tolist()):
        part = slice(*np.searchsorted(meter.at_s, [moment - TAP_BEFORE_S, moment + TAP_AFTER_S]).tolist())
        runs_s = np.clip(meter.at_s[part] - moment, 0.0, meter.duration_s[part])
        homes.append(home._replace(home_id=f"t{number}", resident_id=f"t{number}-r1"))
        lives.append(_readings(number, meter, part, BASE_S - moment, runs_s / 60.0 * flow_l_min))
    merged = heapq.merge(*lives, key=lambda row: row.at_s)
    told = _run("taps", homes, merged, {"water_running": discover()["water_running"]}, BASE_S + TAP_AFTER_S)
    waits_min = _waits_min(told, dict.fromkeys((each.home_id for each in homes), BASE_S))[1]
    return {"flow_l_min": flow_l_min, **_summary(waits_min)}


def _kitchen(recording: Recording) -> dict[str, Any]:
    rows = list(recording.read())
    home = recording.homes[0]
    days = (rows[-1].at_s - rows[0].at_s) / DAY_S
    tried = [*variants("stove_unattended", STOVE), *variants("fridge_open", FRIDGE)]
    reached: dict[str, dict[str, int]] = {each.name: {} for each in tried}
    for told in _run("as it was", [home], iter(rows), {each.name: each.made for each in tried}, rows[-1].at_s):
        if told.on:
            episodes = reached[told.detector]
            episodes[told.detection_id] = max(told.score, episodes.get(told.detection_id, 0))
    return {
        "days": round(days, 1),
        "settings": [
            {
                "detector": each.detector, "changed": dict(each.changed), "shipped": each.shipped, "alarms": len(reached[each.name]),
                "score_2": sum(score >= 2 for score in reached[each.name].values()),
            }
            for each in tried
        ],
        "burner": _burners(home, rows),
        "fridge": _fridges(home, rows),
    }  # fmt: skip


def _switched(rows: Sequence[Recorded], device_id: str, word: str) -> list[tuple[float, float]]:
    """From when to when a thing was on or open."""
    found, since_s = [], None
    for row in rows:
        if row.device_id == device_id:
            if row.values[word] and since_s is None:
                since_s = row.at_s
            elif not row.values[word] and since_s is not None:
                found.append((since_s, row.at_s))
                since_s = None
    return found


def _burners(home: RecordedHome, rows: Sequence[Recorded]) -> dict[str, Any]:
    """At every minute of every burner: the person leaves the kitchen and never touches anything there again; the rest of the home lives on."""
    rooms = {device.device_id: device.room for device in home.devices}
    burners = [device.device_id for device in home.devices if device.role == "stove"]
    moments = sorted(
        moment
        for burner in burners
        for on_s, off_s in _switched(rows, burner, "on")
        for moment in np.arange(on_s + 60.0, off_s, BURNER_EVERY_MIN * 60.0).tolist()
    )

    def lives_on(moment: float, row: Recorded) -> bool:
        return row.at_s <= moment or rooms[row.device_id] != "kitchen"

    told, begun_s = _injected("b", home, rows, moments, KITCHEN_BEFORE_S, lives_on, "stove_unattended")
    waits_min = _waits_min(told, begun_s)
    return {**_summary(waits_min[1]), "score_2": _summary(waits_min[2])}


def _fridges(home: RecordedHome, rows: Sequence[Recorded]) -> list[dict[str, Any]]:
    """Every opening of every fridge door, as if it had never been closed again; by door, for not every contact is believed."""
    found = []
    for device in home.devices:
        if device.role != "fridge":
            continue
        own = [row for row in rows if row.device_id == device.device_id]
        moments = [opened_s for opened_s, _ in _switched(own, device.device_id, "open")]

        def lives_on(moment: float, row: Recorded) -> bool:
            return row.at_s <= moment

        told, begun_s = _injected("f", home, own, moments, FRIDGE_BEFORE, lives_on, "fridge_open")
        closed_min = [(closed_s - opened_s) / 60.0 for opened_s, closed_s in _switched(own, device.device_id, "open")]
        found.append({"door": device.device_id, "longest_open_min": round(max(closed_min, default=0.0), 1),
                      **_summary(_waits_min(told, begun_s)[1])})  # fmt: skip
    return found


def _injected(
    prefix: str, home: RecordedHome, rows: Sequence[Recorded], moments: Sequence[float], before: float,
    lives_on: Callable[[float, Recorded], bool], detector: str,
) -> tuple[list[Detection], dict[str, float]]:  # fmt: skip
    """What a detector says to homes in which something was forgotten at each moment, and when that was by home. ``before``: what is lived
    until then, in s, or a count of readings."""
    at_s = np.array([row.at_s for row in rows])
    homes: list[RecordedHome] = []
    lives: list[Recorded] = []
    begun_s: dict[str, float] = {}
    for number, moment in enumerate(moments):
        end = int(np.searchsorted(at_s, moment, side="right"))
        first = max(0, end - before) if isinstance(before, int) else int(np.searchsorted(at_s, moment - before))
        last = int(np.searchsorted(at_s, moment + KITCHEN_AFTER_S))
        shift_s = BASE_S - _local_midnight_s(moment, home.zone)
        homes.append(home._replace(home_id=f"{prefix}{number}", resident_id=f"{prefix}{number}-r1"))
        begun_s[homes[-1].home_id] = moment + shift_s
        standing = {
            row.device_id: row._replace(at_s=rows[first].at_s) for row in rows[:first]
        }  # what each thing said last
        lives.extend(
            row._replace(at_s=row.at_s + shift_s, home=number)
            for row in (*standing.values(), *rows[first:last])
            if lives_on(moment, row)
        )
    lives.sort(key=lambda row: row.at_s)
    end_s = max(begun_s.values(), default=BASE_S) + KITCHEN_AFTER_S
    return list(_run(prefix, homes, lives, {detector: discover()[detector]}, end_s)), begun_s


def _waits_min(told: Iterable[Detection], begun_s: Mapping[str, float]) -> dict[int, Floats]:
    """Minutes from what was forgotten to the first word of at least score 1, and 2; infinite where none came, 0 where it was being said."""
    waits = {score: dict.fromkeys(begun_s, np.inf) for score in (1, 2)}
    running: dict[str, int] = {}
    for found in told:
        begin_s = begun_s[found.home_id]
        if found.decided_at_s <= begin_s:
            running[found.home_id] = found.score if found.on else 0
        for score in (1, 2):
            if running.get(found.home_id, 0) >= score:
                waits[score][found.home_id] = 0.0
            elif found.on and found.score >= score and found.decided_at_s > begin_s:
                waits[score][found.home_id] = min(waits[score][found.home_id], (found.decided_at_s - begin_s) / 60.0)
    return {score: np.array(list(each.values())) for score, each in waits.items()}


def _summary(waits_min: Floats) -> dict[str, Any]:
    """How many moments, which share was noticed within CAUGHT_MIN and at all, and after how many minutes those."""
    caught = waits_min[np.isfinite(waits_min)]
    return {
        "moments": len(waits_min),
        "within_30_min": round(float((waits_min <= CAUGHT_MIN).mean()), 4) if len(waits_min) else None,
        "noticed": round(len(caught) / len(waits_min), 4) if len(waits_min) else None,
        "median_min": round(float(np.median(caught)), 1) if len(caught) else None,
        "p95_min": round(float(np.percentile(caught, 95)), 1) if len(caught) else None,
    }  # fmt: skip


def _run(
    name: str, homes: Sequence[RecordedHome], rows: Iterable[Recorded], detectors: Mapping[str, Detector], end_s: float
) -> Iterator[Detection]:
    """What the detectors say to these homes; their clock runs on until ``end_s``."""
    copies = (row._replace(values=dict(row.values)) for row in rows)
    messages = Recording(name, tuple(homes), lambda: copies).messages()
    cards: dict[str, Card] = {home.home_id: home.card() for home in homes}

    def both() -> Iterator[tuple[str, bytes]]:
        yield from ((message.topic, message.payload) for message in messages)
        yield topic_of(AREA_REPLAY, homes[0].home_id, "recorder", "clock"), b'{"t":%f}' % (end_s + 60.0)

    return detections_of(both(), cards, detectors, partitions=1)


def lines(told: Mapping[str, Any]) -> Iterator[str]:
    """The figures for a person."""
    span = f"{told['years']} years" if "years" in told else f"{told['days']} days"
    yield f"  {told['file']}: {span}; every alarm is taken for false"
    for each in told["settings"]:
        changed = ", ".join(f"{name} {value:g}" for name, value in each["changed"].items()) or "as it ships"
        rate = f"{each['per_year']} a year" if "per_year" in each else f"{each['score_2']} of score 2"
        mark = "  <- ships" if each["shipped"] else ""
        yield f"    {each['detector']:<17} {changed:<18} {each['alarms']:>4} alarms, {rate}{mark}"
    for name in ("tap", "coarser", "burner", "fridge"):
        parts = told.get(name, [])
        for each in parts if isinstance(parts, list) else [parts]:
            yield f"    {'coarser meter' if name == 'coarser' else f'forgotten {name}'}: " + ", ".join(
                f"{key} {value}" for key, value in each.items()
            )
