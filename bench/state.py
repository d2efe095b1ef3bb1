"""What homes cost in the stream: memory, time of a tick, snapshots, coming back. ``./shouwang bench state``. Without services.

One partition of a city is filled as the workers fill it: cards with learned lines, every device of every home heard once a minute, frames as a bridge makes
them, the shipped detectors. What a partition holds is what the process that runs it grew by; a worker has its share of the PARTITIONS, each of the two urgent
workers has all of them. Each size runs in a process of its own, so that nothing is left of the one before.
"""

import gc
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import msgspec
import numpy as np
import psutil

from bench.city import devices_of, sorts_of
from bench.load import AREA_BENCH, home_name
from contracts.collector import collect_rarely
from contracts.frames import Envelope, FrameBuilder, FrameMeta
from contracts.kinds import DEVICE, KINDS, LINES, Card, Reading
from contracts.topics import PARTITIONS
from deploy.steps import step
from ingest.intake import Lane
from stream import registry, snapshots
from stream.detector import Detector
from stream.engine import GRID_S, Engine
from stream.memory import give_back_large

HOMES = 1_000_000
SHARES = (0.01, 0.1, 0.32, 1.0)
"""Of the homes asked for: whether a home costs the same whatever their number."""
ROUNDS = 2
"""Minutes in which every device is heard, before anything is measured."""
FRAME_ROWS = 610
"""Rows of a frame: those of 0.7 s of a city's partition, for which a full machine waits (``ingest/framing.py``)."""
TICKS = 30
"""Grid points that are timed one by one, and again at once as after an outage of five minutes."""
BEGIN_S = 1_800_000_000.0
MINUTE_S = 60.0
LEARNED_MIN = (30, 720)
"""Learned lines are drawn from these minutes, for each home its own: equal ones would make a snapshot squeeze better than it does in life."""
LANES: tuple[Lane, ...] = ("bulk", "urgent")
URGENT_WORKERS = 2


def measure(homes: int) -> dict[str, Any]:
    """Figures of each size: ``homes``, ``all_workers_mb``, ``bytes_a_home`` and those of one partition in each lane."""
    detectors = registry.discover()
    found: list[dict[str, Any]] = []
    for share in SHARES:
        size = max(PARTITIONS, round(homes * share))
        with step("bench", f"{size:,} homes, {size // PARTITIONS:,} in a partition", long=True):
            lanes = {lane: _apart(size // PARTITIONS, lane) for lane in LANES}
        held_mb = PARTITIONS * (lanes["bulk"]["rss_mb"] + URGENT_WORKERS * lanes["urgent"]["rss_mb"])
        found.append({
            "homes": size, "all_workers_mb": round(held_mb), "bytes_a_home": round(held_mb * 1e6 / size),
            "partition": {"homes": size // PARTITIONS, **lanes},
        })  # fmt: skip
    return {"detectors": len(detectors), "partitions": PARTITIONS, "urgent_workers": URGENT_WORKERS, "sizes": found}


def _apart(homes: int, lane: Lane) -> dict[str, Any]:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(partition, (homes, lane))


def partition(homes: int, lane: Lane) -> dict[str, Any]:
    """Fill one partition; its figures: ``rss_mb rows_us tick_ms{p50,max} catch_up_ms snapshot_mb snapshot_squeezed_mb snapshot_s restore_s``."""
    detectors = registry.discover()
    collect_rarely()
    give_back_large()
    before = _rss()
    engine = Engine(0, lane, detectors)
    engine.put_cards((home_name("state", number), _card(number)) for number in range(homes))
    rows = ROUNDS * homes * len(sorts_of(0))
    began_s = time.process_time()
    for frame in _frames(homes, lane):
        engine.apply_value(frame)
    rows_us = (time.process_time() - began_s) / rows * 1e6
    gc.collect()
    held = _rss() - before
    now_s = BEGIN_S + ROUNDS * MINUTE_S
    ticks_ms = sorted(_moved_on(engine, lane, now_s + (place + 1) * GRID_S) for place in range(TICKS))
    catch_up_ms = _moved_on(engine, lane, now_s + 2 * TICKS * GRID_S)
    snapshot_s, data = _took(engine.snapshot)
    squeeze_s, squeezed = _took(lambda: snapshots.squeeze(data))
    restore_s = _restored(detectors, lane, squeezed)
    return {
        "rss_mb": round(held / 1e6, 2), "rows_us": round(rows_us, 1), "tick_ms": {"p50": round(ticks_ms[TICKS // 2], 2), "max": round(ticks_ms[-1], 2)},
        "catch_up_ms": round(catch_up_ms, 1), "snapshot_mb": round(len(data) / 1e6, 2), "snapshot_squeezed_mb": round(len(squeezed) / 1e6, 2),
        "snapshot_s": round(snapshot_s + squeeze_s, 3), "restore_s": round(restore_s, 3),
    }  # fmt: skip


def _card(number: int) -> Card:
    devices = devices_of(number)
    resident = f"{home_name('state', number)}-r1"
    return Card(
        version=1, area_code=f"{AREA_BENCH}001", residents=(resident,),
        device_ids=tuple(each.device_id for each in devices), device_roles=tuple(each.role for each in devices),
        device_rooms=tuple(each.room for each in devices),
        device_residents=tuple(resident if each.role in ("wearable", "pendant") else "" for each in devices),
        learned_days=30, silence_min=tuple(np.random.default_rng(number).integers(*LEARNED_MIN, LINES).tolist()),
    )  # fmt: skip


def _frames(homes: int, lane: Lane) -> Iterator[bytes]:
    """Every device heard once a minute, and the time that passes; the urgent lane has the time alone."""
    said: dict[tuple[str, bytes], Reading] = {}
    places = chain.from_iterable(((minute, turn, number) for turn in range(3) for number in range(homes)) for minute in range(ROUNDS))  # fmt: skip
    builder, step_s = FrameBuilder(), MINUTE_S / (3 * homes)
    for place, (minute, turn, number) in enumerate(places, 1):
        at_s = BEGIN_S + place * step_s
        if lane == "bulk":
            sort = sorts_of(number)[turn]
            value = sort.values[(minute + number) % 2]
            reading = said.get((sort.kind, value))
            if reading is None:
                reading = said[sort.kind, value] = msgspec.json.decode(b'{"kind":"%b",%b}' % (sort.kind.encode(), value), type=KINDS[sort.kind])  # fmt: skip
            envelope = Envelope(
                home_name("state", number), sort.device.device_id, None, None, at_s, at_s, at_s, DEVICE, 1, minute + 1
            )
            builder.add(sort.kind, envelope, reading)
        if place % FRAME_ROWS == 0 or place == ROUNDS * 3 * homes:
            yield builder.build(FrameMeta(source="main", lane=lane, watched_until_s=at_s, sent_wall_s=at_s))


def _moved_on(engine: Engine, lane: Lane, to_s: float) -> float:
    """Milliseconds that the engine takes for the grid points up to ``to_s``, at which nothing has come."""
    frame = FrameBuilder().build(FrameMeta(source="main", lane=lane, watched_until_s=to_s, sent_wall_s=to_s))
    return 1000.0 * _took(lambda: engine.apply_value(frame))[0]


def _restored(detectors: dict[str, Detector], lane: Lane, squeezed: bytes) -> float:
    """Seconds that another engine takes to come back from a snapshot."""
    engine = Engine(0, lane, detectors)
    return _took(lambda: engine.restore(snapshots.unsqueeze(squeezed)))[0]


def _took(do: Any) -> tuple[float, Any]:
    began_s = time.process_time()
    found = do()
    return time.process_time() - began_s, found


def _rss() -> int:
    return int(psutil.Process().memory_info().rss)


HEADINGS = (
    "homes",
    "all workers",
    "a home",
    "row",
    "tick p50, max",
    "5 min at once",
    "snapshot, squeezed",
    "taken in",
    "back in",
)


def table(found: dict[str, Any]) -> Sequence[Sequence[str]]:
    """A line for each size: memory of all workers; the rest of one partition of the bulk lane."""
    return [
        [
            f"{size['homes']:,}", f"{size['all_workers_mb']:,} MB", f"{size['bytes_a_home']:,} B", f"{bulk['rows_us']} µs",
            f"{bulk['tick_ms']['p50']}, {bulk['tick_ms']['max']} ms", f"{bulk['catch_up_ms']} ms",
            f"{bulk['snapshot_mb']}, {bulk['snapshot_squeezed_mb']} MB", f"{bulk['snapshot_s']} s", f"{bulk['restore_s']} s",
        ]
        for size in found["sizes"] for bulk in (size["partition"]["bulk"],)
    ]  # fmt: skip
