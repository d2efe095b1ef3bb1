"""What the shipped inactivity detector makes of a real home: false alarms on its own days, and minutes from an injected collapse to the alarm.

Everything goes through frames and the engine. Lines are learned on blocks of days and tried on the others. A collapse drops all events behind a
moment; since the detector only remembers the last signs and the door, each collapse is a home of its own that lives the last EVENTS events before
it, moved by whole days onto one day, and then nothing for a day. Nobody collapsed in the recording: every alarm on it is false.
"""

import csv
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from cli._offline import detections_in
from contracts.errors import ShouwangError
from contracts.kinds import ROOMS, Card
from contracts.names import AREA_REPLAY, topic_of
from ingest.offline import OfflineFrame, frames_of
from simulators.recording import Recorded, Recording
from simulators.recordings import open_recording
from stream.detector import Bools, Detector, Floats, Ints
from stream.learning.silences import PER_WEEK, Learned, learn
from stream.registry import discover

EVENTS = 40
"""Events before a collapse that are lived, count."""
DAY_S = 86_400.0
AFTER_S = 30 * 3600.0
"""How long after a collapse an alarm is waited for, s."""
ACTIVE_S = 60.0
"""A collapse so soon after an event befalls somebody active, s."""
DRAWS = 1000
"""Draws for an interval."""
RATES = (0.15, 0.25, 0.3, 0.4, 0.5, 0.7, 1.0, 1.3, 2.0, 3.0)
"""Points of the curve: lines drawn for so many false alarms a week."""
DETECTOR = "inactivity"
STATES = {"contact": "open", "power": "on"}


class CannotEvaluate(ShouwangError):
    """{path} cannot be evaluated: {detail}."""


class Collapses(NamedTuple):
    """Injected ones, each a home of its own; the arrays and ``homes`` run in parallel."""

    day: Ints
    """Local day."""
    active: Bools
    """Within a minute of the last event."""
    block: Ints
    """Block of days that it falls on."""
    homes: Mapping[str, float]
    """When it happens by home_id, epoch s."""
    frames: list[OfflineFrame]


class Home(NamedTuple):
    """A recording in memory: its readings by time, and what a sign of life is among them."""

    recording: Recording
    rows: list[Recorded]
    at_s: Floats
    offset_s: float


def evaluate(path: Path, away: Path | None, blocks: int, every_min: float) -> dict[str, Any]:
    """Figures, fields as ``evaluate inactivity --json`` prints them."""
    home, parts = on_blocks(path, blocks)
    if home.at_s[-1] - home.at_s[0] < 2 * DAY_S:
        raise CannotEvaluate(path=path, detail="it is shorter than two days: one is lived before the first collapse")
    out = _away(away, ZoneInfo(home.recording.homes[0].zone)) if away else []
    shipped = discover()[DETECTOR]
    weeks = (home.at_s[-1] - home.at_s[0]) / (7 * DAY_S)
    lines = {rate: [learned(home, test, rate) for test in parts] for rate in sorted({*RATES, PER_WEEK})}
    lived = [_lived(home, part) for part in parts]
    collapses = _collapses(home, parts, out, every_min)
    curve = {}
    for rate in sorted(lines, key=lambda rate: (rate != PER_WEEK, rate)):
        curve[rate] = _judge(home, shipped, parts, lines[rate], lived, collapses, weeks)
        print(
            f"  {len(curve)} of {len(lines)}: {rate} a week asked for, {_words(curve[rate][0])}",
            file=sys.stderr,
            flush=True,
        )
    asks, desk = curve[PER_WEEK]
    return {
        "weeks": round(float(weeks), 2),
        "days_learned": [each.days for each in lines[PER_WEEK]],
        "points": [{"per_week": rate, **curve[rate][0]} for rate in sorted(curve)],
        "shipped": {**asks, "desk": desk},
    }


def _words(figures: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in figures.items())


def on_blocks(path: Path, blocks: int) -> tuple[Home, list[tuple[float, float]]]:
    """A recorded home, and its blocks of whole local days (from, to; epoch s)."""
    recording = open_recording(path)
    rows = list(recording.read())
    at_s = np.array([row.at_s for row in rows])
    offset = datetime.fromtimestamp(at_s[0], ZoneInfo(recording.homes[0].zone)).utcoffset()
    home = Home(recording, rows, at_s, offset.total_seconds() if offset else 0.0)
    edges = (
        np.linspace(
            np.floor((at_s[0] + home.offset_s) / DAY_S), np.ceil((at_s[-1] + home.offset_s) / DAY_S), blocks + 1
        ).round()
        * DAY_S
    )
    edges = edges - home.offset_s
    parts = [(float(a), float(b)) for a, b in pairwise(edges) if b > a]
    return home, parts


def _away(path: Path, zone: ZoneInfo) -> list[tuple[float, float]]:
    try:
        with path.open(newline="") as file:
            return [(_instant(row["t"], zone), _instant(row["end"], zone)) for row in csv.DictReader(file)]
    except (OSError, KeyError, ValueError) as error:
        raise CannotEvaluate(path=path, detail=f"times of absence are a csv with t, end ({error!r})") from error


def _instant(text: str, zone: ZoneInfo) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


def learned(
    home: Home, test: tuple[float, float], per_week: float = PER_WEEK, away: Sequence[tuple[float, float]] = ()
) -> Learned:
    """Learned on the days outside ``test``, and outside ``away``, when the resident was registered as away."""
    devices = {device.device_id: device for device in home.recording.homes[0].devices}
    numbers = {device_id: number for number, device_id in enumerate(devices)}
    signs: list[tuple[float, int, int, bool, bool]] = []
    before: dict[str, Any] = {}
    for row in home.rows:
        kind = row.values["kind"]
        device = devices[row.device_id]
        act = kind in STATES and before.get(row.device_id, row.values[STATES[kind]]) != row.values[STATES[kind]]
        if kind in STATES:
            before[row.device_id] = row.values[STATES[kind]]
        if (act or (kind == "motion" and row.values["moving"])) and not test[0] <= row.at_s < test[1]:
            signs.append(
                (
                    row.at_s,
                    ROOMS.index(device.room),
                    numbers[row.device_id],
                    act,
                    act and device.role == "entrance_door",
                )
            )
    return learn(
        np.array([sign[0] for sign in signs], np.float64),
        np.array([sign[1] for sign in signs], np.int64),
        np.array([sign[3] for sign in signs], np.bool_),
        np.array([sign[4] for sign in signs], np.bool_),
        home.offset_s,
        device=np.array([sign[2] for sign in signs], np.int64),
        unknown=[test, *away],
        per_week=per_week,
    )


def card_of(home: Home, learned: Learned) -> Card:
    devices = home.recording.homes[0].devices
    return msgspec.structs.replace(
        home.recording.homes[0].card(),
        silence_min=learned.silence_min,
        device_places=learned.places_of([ROOMS.index(each.room) for each in devices], range(len(devices))),
        learned_days=learned.days,
    )


def _lived(home: Home, part: tuple[float, float]) -> list[OfflineFrame]:
    """Frames of a block, and of the day before it for its last signs."""
    rows = [row for row in home.rows if part[0] - DAY_S <= row.at_s < part[1]]
    lives = Recording(home.recording.name, home.recording.homes, lambda: iter(copies(rows)))
    return _frames((message.topic, message.payload) for message in lives.messages())


def _judge(
    home: Home, detector: Detector, parts: Sequence[tuple[float, float]], learned: Sequence[Learned], lived: Sequence[list[OfflineFrame]],
    collapses: Collapses, weeks: float,
) -> tuple[dict[str, Any], dict[str, Any]]:  # fmt: skip
    """Figures at score 1 (asks first) and at score 2 (reaches a desk)."""
    false = {1: 0, 2: 0}
    for (from_s, to_s), lines, frames in zip(parts, learned, lived, strict=True):
        card = {home.recording.homes[0].home_id: card_of(home, lines)}
        told = [d for d in detections_in(frames, card, {DETECTOR: detector}) if d.on]
        for score in false:
            # What is first said on the day before belongs to the block before.
            first_s: dict[str, float] = {}
            for each in told:
                if each.score >= score:
                    first_s.setdefault(each.detection_id, each.decided_at_s)
            false[score] += sum(from_s <= at_s < to_s for at_s in first_s.values())
    wait_min = _waits_min(home, detector, learned, collapses)
    return tuple(_figures(collapses, wait_min[score], false[score], weeks) for score in (1, 2))  # type: ignore[return-value]


def _figures(collapses: Collapses, wait_min: Floats, false: int, weeks: float) -> dict[str, Any]:
    """Of one score, by minutes from each collapse to its alarm. Intervals: 95 %, the median's by drawing the days again."""
    of_day = [wait_min[collapses.day == day] for day in np.unique(collapses.day)]
    rng = np.random.default_rng(1)
    drawn = [
        np.median(np.concatenate([of_day[n] for n in rng.integers(0, len(of_day), len(of_day))])) for _ in range(DRAWS)
    ]
    return {
        "false_per_week": round(false / weeks, 2),
        "median_ci_min": [round(float(q), 1) for q in np.percentile(drawn, (2.5, 97.5))],
        **{
            f"{which}{name}_min": round(float(np.percentile(wait_min[mask], q)), 1) if mask.any() else None
            for which, mask in (("", np.ones(len(wait_min), dtype=bool)), ("active_", collapses.active))
            for name, q in (("median", 50), ("p95", 95))
        },
    }


def _collapses(
    home: Home, parts: Sequence[tuple[float, float]], out: Sequence[tuple[float, float]], every_min: float
) -> Collapses:
    """A collapse at every ``every_min``, at home."""
    moments = np.arange(home.at_s[0] + DAY_S, home.at_s[-1], every_min * 60.0)
    at_home = np.ones(len(moments), dtype=bool)
    for from_s, to_s in out:
        at_home &= ~((moments >= from_s) & (moments <= to_s))
    moments = moments[at_home]
    if not len(moments):
        raise CannotEvaluate(path=Path(home.recording.name), detail="nobody is at home at any moment of it")
    first_day = float(np.floor((home.at_s[0] + home.offset_s) / DAY_S))
    base, collapse_s, since_s, block = home.recording.homes[0], {}, [], []
    rows: list[Recorded] = []
    homes = []
    for number, moment in enumerate(moments.tolist()):
        end = int(np.searchsorted(home.at_s, moment, side="right"))
        shift_s = float((first_day - np.floor((moment + home.offset_s) / DAY_S)) * DAY_S)
        homes.append(base._replace(home_id=f"c{number}", resident_id=f"c{number}-r1"))
        block.append(next((place for place, (a, b) in enumerate(parts) if a <= moment < b), len(parts) - 1))
        collapse_s[f"c{number}"] = moment + shift_s
        since_s.append(moment - home.at_s[end - 1])
        rows.extend(row._replace(at_s=row.at_s + shift_s, home=number) for row in _last(home, end))
    rows.sort(key=lambda row: row.at_s)
    lives = Recording("collapses", tuple(homes), lambda: iter(copies(rows)))
    # Homes of other partitions than the recorder's hear of the clock too: the bridge's clock is one.
    closing = [
        (
            topic_of(AREA_REPLAY, homes[0].home_id, "recorder", "clock"),
            b'{"t":%f}' % (max(collapse_s.values()) + AFTER_S),
        )
    ]
    told = ((message.topic, message.payload) for message in lives.messages())
    return Collapses(
        np.floor((moments + home.offset_s) / DAY_S).astype(np.int64),
        np.array(since_s) <= ACTIVE_S,
        np.array(block, dtype=np.int64),
        collapse_s,
        _frames(chain(told, closing)),
    )


def _waits_min(home: Home, detector: Detector, learned: Sequence[Learned], collapses: Collapses) -> dict[int, Floats]:
    """Minutes from each collapse to its alarm, by score."""
    of_block = [card_of(home, lines) for lines in learned]
    cards = {home_id: of_block[which] for home_id, which in zip(collapses.homes, collapses.block.tolist(), strict=True)}
    wait = {score: dict.fromkeys(collapses.homes, AFTER_S / 60) for score in (1, 2)}
    running: dict[str, int] = {}
    for found in detections_in(collapses.frames, cards, {DETECTOR: detector}):
        begin_s = collapses.homes[found.home_id]
        if found.decided_at_s <= begin_s:
            running[found.home_id] = found.score if found.on else 0
        for score in (1, 2):
            if found.on and found.score >= score and found.decided_at_s > begin_s:
                wait[score][found.home_id] = min(wait[score][found.home_id], (found.decided_at_s - begin_s) / 60)
            if running.get(found.home_id, 0) >= score:
                wait[score][found.home_id] = 0.0
    return {score: np.array(list(found.values())) for score, found in wait.items()}


def _last(home: Home, end: int) -> Iterator[Recorded]:
    """The last events before place ``end``, and before them what doors and switches said."""
    first = max(0, end - EVENTS)
    open_ = {row.device_id for row in home.rows[first:end] if row.values["kind"] in STATES}
    for row in reversed(home.rows[:first]):
        if not open_:
            break
        if row.device_id in open_:
            open_.discard(row.device_id)
            yield row._replace(at_s=home.rows[first].at_s)
    yield from home.rows[first:end]


def copies(rows: Iterable[Recorded]) -> Iterator[Recorded]:
    for row in rows:
        yield row._replace(values=dict(row.values))


def _frames(messages: Iterable[tuple[str, bytes]]) -> list[OfflineFrame]:
    return list(frames_of(messages, "offline", 1))
