"""Real recordings as the native messages that their devices would have sent. Labels are never read.

| file | becomes |
|---|---|
| ``.csv`` / ``.csv.xz`` with ``t, sensor, val`` (and perhaps ``sub``) | one home: ON/OFF = motion, of a light = power; OPEN/CLOSE = contact |
| ``.csv`` / ``.csv.xz`` with ``s, e, id, room, obj`` | one home: a thing in use from s to e; a burner, light or appliance = power, any other = contact |
| ``.npz`` with ``t0, step_s, litres_x1000`` | one home with a water meter, one reading a step, zeros too |
| ``.npz`` with ``acc, off, fs`` (and perhaps ``gyr, subject``) | one home a subject: trials as ``inertial`` blocks of a second, PAUSE_S apart |

Naive local times are taken for times of ZONE, which is on the home card too (no summer time, so that every local day has 24
hours, as such recordings were kept).
"""

import csv
import lzma
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, TextIO
from zoneinfo import ZoneInfo

import numpy as np

from simulators.clock import ZONE
from simulators.neighbourhood import Device
from simulators.recorded_devices import role_and_room, slug, thing_in_room
from simulators.recording import NoRecording, Part, Recorded, RecordedHome, Recording

PAUSE_S = 120.0
"""Between the trials of a subject, s: longer than anything that a fall detector remembers of a fall."""
TRIALS_START_S = 1_704_067_200.0
"""2024-01-01T00:00Z. The recordings of trials have no date."""
WATER_ZONE = "America/Vancouver"
"""AMPds2 was recorded in Burnaby; its times are epoch seconds."""
BLOCK_S = 1.0
MILLI_G_RANGE_G, TENTH_DPS_RANGE_DPS = 32.767, 3276.7
"""Full scales in which one count is 1 milli-g and 0.1 deg/s: the recordings' own numbers pass unchanged."""
WHOLE = Part()
INTERVAL_COLUMNS = {"s", "e", "id", "room", "obj"}


def open_recording(path: Path, run: str = "", part: Part = WHOLE) -> Recording:
    """The recording in a file. ``run`` is put before every home id (``run-name``). Raises NoRecording."""
    try:
        if path.name.endswith((".csv", ".csv.xz")):
            return _intervals(path, run, part) if _columns(path) >= INTERVAL_COLUMNS else _home_events(path, run, part)
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as file:
                keys = set(file.files)
            if "litres_x1000" in keys:
                return _water(path, run, part)
            if {"acc", "off", "fs"} <= keys:
                return _trials(path, run)
    except (OSError, ValueError, KeyError, lzma.LZMAError) as error:
        raise NoRecording(path=path, detail=str(error)) from error
    raise NoRecording(path=path, detail="neither its name nor its columns fit")


def _home_id(run: str, name: str) -> str:
    return f"{run}-{name}" if run else name


def _stem(path: Path) -> str:
    return slug(path.name.split(".")[0], 18)


def _columns(path: Path) -> set[str]:
    with _text(path) as file:
        return set(csv.DictReader(file).fieldnames or ())


def _text(path: Path) -> TextIO:
    return lzma.open(path, "rt", newline="") if path.suffix == ".xz" else path.open(newline="")


def _rows(path: Path) -> Iterator[tuple[datetime, str, str]]:
    """``(local naive time, sensor, value)``; the sensor's fixture is part of its name."""
    with _text(path) as file:
        reader = csv.DictReader(file)
        if not {"t", "sensor", "val"} <= set(reader.fieldnames or ()):
            raise NoRecording(path=path, detail=f"its columns are {', '.join(reader.fieldnames or ())}")
        for row in reader:
            fixture = row.get("sub") or row["sensor"]
            sensor = row["sensor"] if fixture == row["sensor"] else f"{row['sensor']}-{fixture}"
            yield datetime.fromisoformat(row["t"]), sensor, row["val"]


def _home_events(path: Path, run: str, part: Part) -> Recording:
    rows = sorted(_rows(path), key=lambda row: row[0])
    if not rows:
        raise NoRecording(path=path, detail="it has no rows")
    home_id = _home_id(run, _stem(path))
    values: dict[str, set[str]] = {}
    for _, sensor, value in rows:
        values.setdefault(sensor, set()).add(value)
    devices = {sensor: Device(slug(sensor), *role_and_room(sensor, said)) for sensor, said in sorted(values.items())}
    home = RecordedHome(home_id, ZONE, f"{home_id}-r1", tuple(devices.values()))

    def read() -> Iterator[Recorded]:
        zone = ZoneInfo(ZONE)
        begin_s, end_s = part.window_s(rows[0][0].replace(tzinfo=zone).timestamp(), ZONE)
        for local, sensor, value in rows:
            at_s = local.replace(tzinfo=zone).timestamp()
            if begin_s <= at_s < end_s:
                device = devices[sensor]
                active = value in ("ON", "OPEN")
                if device.role == "light":
                    said: dict[str, Any] = {"kind": "power", "on": active}
                elif value in ("OPEN", "CLOSE"):
                    said = {"kind": "contact", "open": active}
                else:
                    said = {"kind": "motion", "moving": active}
                yield Recorded(round(at_s, 3), 0, device.device_id, "telemetry", said)

    return Recording(path.name, (home,), read)


def _intervals(path: Path, run: str, part: Part) -> Recording:
    """Two readings an interval, at its start and its end. What was on before the first interval of a thing is not known, so each is off at first."""
    with _text(path) as file:
        found = [(row["id"], row["room"], row["obj"], row["s"], row["e"]) for row in csv.DictReader(file)]
    if not found:
        raise NoRecording(path=path, detail="it has no rows")
    home_id = _home_id(run, _stem(path))
    devices = {}
    for number, room, thing, _, _ in sorted(found):
        role, where = thing_in_room(thing, room)
        devices[number] = Device(slug(f"{thing}-{number}"), role, where)
    zone = ZoneInfo(ZONE)
    switched = sorted(
        (datetime.fromisoformat(text).replace(tzinfo=zone).timestamp(), number, is_on)
        for number, _, _, start, end in found
        for text, is_on in ((start, True), (end, False))
    )
    begin_s, end_s = part.window_s(switched[0][0], ZONE)

    def read() -> Iterator[Recorded]:
        first_s = max(switched[0][0], begin_s)
        before = [(first_s - 1.0, number, False) for number in sorted(devices)]
        for at_s, number, is_on in (*before, *(each for each in switched if begin_s <= each[0] < end_s)):
            device = devices[number]
            powered = device.role in ("stove", "light", "plug")
            said: dict[str, Any] = {"kind": "power", "on": is_on} if powered else {"kind": "contact", "open": is_on}
            yield Recorded(round(at_s, 3), 0, device.device_id, "telemetry", said)

    return Recording(path.name, (RecordedHome(home_id, ZONE, f"{home_id}-r1", tuple(devices.values())),), read)


def _water(path: Path, run: str, part: Part) -> Recording:
    home_id = _home_id(run, _stem(path))
    home = RecordedHome(home_id, WATER_ZONE, f"{home_id}-r1", (Device("meter", "water_meter", "other"),))

    def read() -> Iterator[Recorded]:
        with np.load(path, allow_pickle=False) as file:
            start_s, step_s, litres = float(file["t0"]), float(file["step_s"]), file["litres_x1000"]
        begin_s, end_s = part.window_s(start_s, WATER_ZONE)
        first = max(0, int((begin_s - start_s) // step_s))
        last = len(litres) if end_s == float("inf") else min(len(litres), int((end_s - start_s) // step_s))
        for place in range(first, last):
            # A step's litres are known at its end.
            at_s = start_s + (place + 1) * step_s
            yield Recorded(
                at_s,
                0,
                "meter",
                "telemetry",
                {"kind": "water", "litres": int(litres[place]) / 1000, "duration_s": step_s},
            )

    return Recording(path.name, (home,), read)


class Trial(NamedTuple):
    """Where a trial stands in its recording. ``number`` is its place in the file's ``off``."""

    number: int
    home: int
    start_s: float
    end_s: float


def trials(offsets: Sequence[int], rate_hz: float, homes: Sequence[int]) -> list[Trial]:
    """Times of all trials, in the file's order: a home's one after the other, each from a whole second on, PAUSE_S apart. ``homes``: each trial's home."""
    free_s: dict[int, float] = {}
    found = []
    for number, home in enumerate(homes):
        start_s = free_s.get(home, TRIALS_START_S)
        end_s = start_s + (offsets[number + 1] - offsets[number]) / rate_hz
        found.append(Trial(number, home, start_s, end_s))
        free_s[home] = float(np.ceil(end_s)) + PAUSE_S
    return found


def trials_of(path: Path) -> list[Trial]:
    """Where the trials of a file stand in its recording, their homes numbered as the recording's; none in a file of another kind. No label is read."""
    if path.suffix != ".npz":
        return []
    with np.load(path, allow_pickle=False) as file:
        if not {"acc", "off", "fs"} <= set(file.files):
            return []
        offsets, rate_hz, subjects = _plan(file)
    names = sorted(set(subjects))
    return trials(offsets, rate_hz, [names.index(subject) for subject in subjects])


def _plan(file: Mapping[str, Any]) -> tuple[list[int], float, list[str]]:
    """Offsets of trials, rate, and whose each is."""
    offsets = [int(place) for place in file["off"]]
    subjects = [str(subject) for subject in file["subject"]] if "subject" in file else ["all"] * (len(offsets) - 1)
    return offsets, float(file["fs"]), subjects


def _trials(path: Path, run: str) -> Recording:
    with np.load(path, allow_pickle=False) as file:
        offsets, rate_hz, subjects = _plan(file)
    names = sorted(set(subjects))
    wearer = Device("watch", "wearable", "other")
    short = [slug(name, 8) for name in names]
    if len(set(short)) < len(names):
        # Long names that begin alike would be one home, their trials laid over each other.
        short = [f"s{place}" for place in range(len(names))]
    homes = []
    for name in short:
        home_id = _home_id(run, f"{_stem(path)}-{name}")
        homes.append(RecordedHome(home_id, ZONE, f"{home_id}-r1", (wearer._replace(resident_id=f"{home_id}-r1"),)))
    plan = trials(offsets, rate_hz, [names.index(subject) for subject in subjects])

    def read() -> Iterator[Recorded]:
        with np.load(path, allow_pickle=False) as file:
            columns = [file["acc"]] + ([file["gyr"]] if "gyr" in file.files else [])
        samples = np.ascontiguousarray(np.hstack(columns).astype("<i2"))
        size = round(BLOCK_S * rate_hz)
        blocks = []
        for trial in plan:
            row, end_row = offsets[trial.number], offsets[trial.number + 1]
            for first in range(row, end_row, size):
                last = min(first + size, end_row)
                blocks.append(
                    (
                        trial.start_s + (last - row) / rate_hz,
                        trial.home,
                        trial.start_s + (first - row) / rate_hz,
                        first,
                        last,
                    )
                )
        for full_s, home, start_s, first, last in sorted(blocks):
            said: dict[str, Any] = {
                "kind": "inertial", "t": round(start_s, 3), "rate_hz": rate_hz, "range_g": MILLI_G_RANGE_G,
                "channels": samples.shape[1], "samples": samples[first:last].tobytes(),
            }  # fmt: skip
            if samples.shape[1] == 6:
                said["range_dps"] = TENTH_DPS_RANGE_DPS
            yield Recorded(round(full_s, 3), home, "watch", "inertial", said)

    return Recording(path.name, tuple(homes), read)
