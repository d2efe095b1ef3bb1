"""Detection against peers, and all shipped detectors over a city's mix. ``./shouwang bench detection``.

**One job** (``bench/moving_average.py``): our worker as it runs in life (the process of ``stream/worker.py`` on real Kafka, frames of 100 and of
500 rows, snapshots on, detections to Kafka), beside peers that read the same readings one by one from a topic with as many partitions.
Each is started twice: on the warm part alone, and on the warm part with the readings that count behind it; the difference is theirs. So start,
imports, compilers' first work and empty states cancel, for all alike. CPU is user and system time of the process and its children, when all that is
expected has been said and LINGER_S has passed, in which whatever is saved from time to time was saved.

**Mix**: readings of city homes (``bench/city.py``) in the density of a city's partition, with their cards, through ``python -m stream bulk``.
"""

import asyncio
import os
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from bench import kafka_log, peer
from bench.city import HOMES as CITY_HOMES
from bench.city import devices_of, sorts_of
from bench.job import BEGIN_S, Alarm, Answers, Job, compare, frames, job, rate, records
from bench.kafka_log import Record
from bench.load import home_name
from bench.moving_average import NAME
from bench.store import bare
from bench.watched import Ended, Watched
from contracts import detections, progress
from contracts.admin import partitions
from contracts.frames import Envelope, FrameBuilder, FrameMeta
from contracts.kinds import DEVICE, Card, Reading
from contracts.partitions import partition_of
from contracts.topics import DETECTIONS, PROGRESS, READINGS, STREAM_STATE
from deploy.site import REPOSITORY, Site
from deploy.steps import say, step
from storage.publishing import frames_of
from stream.registry import discover

ROWS = 1_000_000
FRAME_ROWS = (100, 500)
MUST, GOAL = 8.0, 15.0
"""Times the best durable peer, at frames of 500 rows. As asked for."""
SAVE_S = 5.0
"""How often each saves its state or place, s, where that can be set: Quix's own default. Ours is 30 by default, so it saves six times as often here."""
LINGER_S = 7.0
"""Waited after the last answer, s: longer than SAVE_S and a turn of the loop, so that all has been saved once after it."""
START_S = 90.0
LEAST_PER_S = 1_000.0
"""Slower than this many readings a second of wall time on top of START_S nobody is waited for. Faust's table makes 3,000 on a quiet machine."""

CITY_PARTITIONS = 2
"""The mix fills so many of the partitions with their share of a city's homes: what a tick costs a reading depends on homes and rate together."""
MIX_SHARE = 0.5
"""Readings of the mix, as a share of the one job's: they cost ten times as much."""
MIX_FRAME_S = 0.3
"""What gathers in a frame, s (``ingest.settings.flush_s``)."""
DEVICES_A_HOME, MINUTE_S = 3, 60.0
CARDS_AT_ONCE = 400


class Once(NamedTuple):
    """One process from its start to its end."""

    cpu_s: float
    rss_mb: float
    said: list[Alarm]


class Runner(NamedTuple):
    """How one competitor is started on an input, and how what it says is read."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    output: str
    read: Callable[[bytes], Alarm | None]


async def measure(
    site: Site, rows: int = ROWS, homes: int = CITY_HOMES, only: Sequence[str] = (), mix: bool = True
) -> dict[str, Any]:
    """On a site whose services run and on which nothing else does; the figures. ``only``: names of peers (none: all)."""
    run = f"d{secrets.token_hex(3)}"
    count = partitions()
    warm, whole = job(rows, count, warm=True), job(rows, count, warm=False)
    ours = {str(size): await _ours(site, run, warm, whole, size) for size in FRAME_ROWS}
    peers, missing = await _peers(site, run, warm, whole, only)
    best, ratio = ratio_to_best(ours[str(FRAME_ROWS[-1])], peers)
    found: dict[str, Any] = {
        "readings": whole.rows - warm.rows,
        "partitions": count,
        "ours": ours,
        "peers": peers,
        "missing": missing,
        "best_durable_peer": best,
        "ratio_to_best_peer": ratio,
        "must": MUST,
        "goal": GOAL,
        "meets": {"must": ratio is not None and ratio >= MUST, "goal": ratio is not None and ratio >= GOAL},
    }
    if mix:
        found["mix"] = await _mix(site, run, homes, int(rows * MIX_SHARE))
    return {**found, "machine": {"cores": os.cpu_count(), "load_1min": round(os.getloadavg()[0], 1)}}


def ratio_to_best(ours: Mapping[str, Any], peers: Mapping[str, Mapping[str, Any]]) -> tuple[str | None, float | None]:
    """The fastest peer that keeps its state and gave the right answers, and how many times as fast we are; None, None where it cannot be said."""
    able = {
        name: found["readings_per_cpu_s"]
        for name, found in peers.items()
        if found["durable"] and found["equal"] and found["readings_per_cpu_s"]
    }
    if not able or not ours["equal"] or not ours["readings_per_cpu_s"]:
        return None, None
    best = max(able, key=lambda name: able[name])
    return best, round(ours["readings_per_cpu_s"] / able[best], 2)


def figures(warm: tuple[Job, Once], whole: tuple[Job, Once], durable: bool) -> dict[str, Any]:
    """What is told of one competitor."""
    answers = [compare(once.said, of.wanted) for of, once in (warm, whole)]
    per_s = rate(whole[0].rows, whole[1].cpu_s, warm[0].rows, warm[1].cpu_s)
    return {
        "durable": durable,
        "readings_per_cpu_s": None if per_s is None else round(per_s),
        "cpu_s": round(whole[1].cpu_s - warm[1].cpu_s, 2),
        "warm_cpu_s": round(warm[1].cpu_s, 2),
        "rss_mb": whole[1].rss_mb,
        "equal": all(each.equal for each in answers),
        **_told(answers[1]),
    }


def _told(answers: Answers) -> dict[str, int]:
    return {name: getattr(answers, name) for name in ("expected", "missing", "unexpected", "repeated")}


async def _ours(site: Site, run: str, warm: Job, whole: Job, size: int) -> dict[str, Any]:
    found = []
    state = sum((await kafka_log.ends(site.kafka, STREAM_STATE)).values())
    for what, each in (("warm", warm), ("whole", whole)):
        name = f"{run}-{size}-{what}"
        await kafka_log.empty(site.kafka, READINGS)
        with step("bench", f"ours, frames of {size} rows, {each.rows:,} readings", long=True):
            await _publish(site, [((None, value) for value in frames(part, size)) for part in each.parts])
            runner = _worker(site, name, [sys.executable, "-m", "bench.detection_worker"], {"SHOUWANG_STREAM_SNAPSHOT_S": f"{SAVE_S:g}"})  # fmt: skip
            found.append((each, await _run(site, runner, each.wanted, each.rows)))
    state = sum((await kafka_log.ends(site.kafka, STREAM_STATE)).values()) - state
    return {**figures(found[0], found[1], durable=True), "snapshot_records": state}


def _worker(site: Site, name: str, command: Sequence[str], settings: Mapping[str, str]) -> Runner:
    """One of the stream's workers, alone in its group."""
    environment = {**os.environ, **site.environment(name), "SHOUWANG_STREAM_INSTANCE": name, "SHOUWANG_STREAM_GROUP": name, **settings}  # fmt: skip
    return Runner(name, command, environment, REPOSITORY, DETECTIONS, read_ours)


def read_ours(value: bytes) -> Alarm | None:
    """The alarm of a detection; None for its end."""
    found = detections.decode(value)
    return (
        Alarm(found.home_id, found.event_at_s) if found.detector == NAME and found.on and found.revision == 1 else None
    )


class _Said(msgspec.Struct, frozen=True):
    resident: str
    at_s: float


_SAID = msgspec.json.Decoder(_Said)


def read_peer(value: bytes) -> Alarm | None:
    """What every peer writes: ``{"resident", "at_s"}``."""
    said = _SAID.decode(value)
    return Alarm(said.resident, said.at_s)


async def _publish(site: Site, values: Sequence[Iterable[Record]]) -> None:
    await kafka_log.publish(site.kafka, READINGS, values, compression="zstd", alone=True)


async def _peers(
    site: Site, run: str, warm: Job, whole: Job, only: Sequence[str]
) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    found: dict[str, dict[str, Any]] = {}
    missing: dict[str, str] = {}
    ways = peer.chosen(peer.WAYS, only)
    if not ways:
        return found, missing
    jobs = {f"{run}-in-warm": warm, f"{run}-in-whole": whole}
    await kafka_log.make_topics(site.kafka, {name: len(each.parts) for name, each in jobs.items()})
    with step("bench", f"publish {warm.rows + whole.rows:,} single readings", long=True):
        for name, each in jobs.items():
            parts = [records(part) for part in each.parts]
            await kafka_log.publish(site.kafka, name, parts, compression=None, alone=False)
    for way in ways:
        try:
            command = peer.provide(way.peer, site.data / "peers", site.log(f"peer-{way.peer}"))
            runs = []
            for topic, each in jobs.items():
                with step("bench", f"{way.name}, {each.rows:,} readings", long=True):
                    runs.append((each, await _run_peer(site, way, command, topic, each)))
            found[way.name] = figures(runs[0], runs[1], way.durable)
        except (peer.MissingPeer, Ended) as error:
            missing[way.name] = str(error)
            say("bench", f"{way.name}: {error}")
    await kafka_log.remove_topics(site.kafka, run)
    return found, missing


async def _run_peer(site: Site, way: peer.Way, command: Sequence[str], topic: str, each: Job) -> Once:
    output, group = f"{topic}-out-{way.name}", f"{topic}-{way.name}"
    folder = site.data / "peers" / "state" / group
    folder.mkdir(parents=True)
    await kafka_log.make_topics(site.kafka, {output: 1})
    words = [*command, site.kafka, topic, output, group, str(folder), way.mode, f"{SAVE_S:g}", str(len(each.parts))]
    runner = Runner(group, words, peer.environment(), folder, output, read_peer)
    try:
        return await _run(site, runner, each.wanted, each.rows)
    finally:
        shutil.rmtree(folder)


async def _run(site: Site, runner: Runner, wanted: set[Alarm], rows: int) -> Once:
    """Start it, wait until all that is expected was said, linger, and end it. Raises Ended."""
    said: list[Alarm] = []
    seen: set[Alarm] = set()
    limit_s = time.monotonic() + START_S + rows / LEAST_PER_S
    async with kafka_log.following(site.kafka, [runner.output], earliest=False) as consumer:

        async def read(timeout_ms: int) -> None:
            for taken in (await consumer.getmany(timeout_ms=timeout_ms)).values():
                for record in taken:
                    if (alarm := runner.read(record.value)) is not None:
                        said.append(alarm)
                        seen.add(alarm)

        log = site.log("bench-competitor")
        with Watched(runner.name, runner.command, runner.environment, runner.folder, log) as process:
            while not wanted <= seen and time.monotonic() < limit_s:
                await read(500)
                process.check()
            await asyncio.sleep(LINGER_S)
            await read(200)
            process.check()
            once = Once(process.cpu_s(), process.rss_mb(), said)
    say("bench", f"{runner.name}: {len(said)} said of {len(wanted)} expected, {once.cpu_s:.1f} s of CPU with its start")
    return once


async def _mix(site: Site, run: str, homes: int, rows: int) -> dict[str, Any]:
    """All shipped detectors: one turn of all devices, then the readings that count behind another such turn."""
    count = partitions()
    mine = [number for number in range(homes) if partition_of(home_name("mix", number), count) < CITY_PARTITIONS]
    turn = DEVICES_A_HOME * len(mine)
    used: list[Once] = []
    told = sum((await kafka_log.ends(site.kafka, DETECTIONS)).values())
    for what, wanted in (("warm", turn), ("whole", turn + rows)):
        name = f"{run}-mix-{what}"
        await kafka_log.empty(site.kafka, READINGS)
        with step("bench", f"all shipped detectors, {len(mine):,} homes, {wanted:,} readings", long=True):
            await _publish(
                site, [[(None, value) for value in mix_frames(mine, wanted, number, count)] for number in range(count)]
            )
            runner = _worker(site, name, [sys.executable, "-m", "stream", "bulk"], {})
            used.append(await _run_to_the_end(site, runner, wanted))
    told = sum((await kafka_log.ends(site.kafka, DETECTIONS)).values()) - told
    per_s = rate(turn + rows, used[1].cpu_s, turn, used[0].cpu_s)
    return {
        "detectors": sum("bulk" in each.lanes for each in discover().values()),
        "homes": len(mine),
        "readings": rows,
        "readings_per_cpu_s": None if per_s is None else round(per_s),
        "us_per_reading": None if per_s is None else round(1e6 / per_s, 1),
        "cpu_s": round(used[1].cpu_s - used[0].cpu_s, 2),
        "warm_cpu_s": round(used[0].cpu_s, 2),
        "rss_mb": used[1].rss_mb,
        "detections": told,
    }


def mix_frames(homes: Sequence[int], rows: int, partition: int, partitions: int) -> Iterator[bytes]:
    """One partition's log: cards of its homes, then readings in the order and at the pace of a city of as many homes, each device once a minute."""
    mine = [number for number in homes if partition_of(home_name("mix", number), partitions) == partition]
    for first in range(0, len(mine), CARDS_AT_ONCE):
        cards = [(home_name("mix", number), _card(number)) for number in mine[first : first + CARDS_AT_ONCE]]
        yield from (value for topic, _, value in frames_of(cards, partitions, BEGIN_S) if topic == READINGS)
    pace_s = MINUTE_S / (DEVICES_A_HOME * len(homes)) if homes else 0.0
    builder, until_s, at_s = FrameBuilder(), BEGIN_S + MIX_FRAME_S, BEGIN_S
    belongs = set(mine)
    for place in range(rows):
        turn, index = divmod(place, len(homes))
        at_s = BEGIN_S + place * pace_s
        if at_s >= until_s:
            yield from _frame(builder, at_s)
            until_s = at_s + MIX_FRAME_S
        if (number := homes[index]) not in belongs:
            continue
        kind, device_id, reading = _reading(number, turn)
        seq = turn // DEVICES_A_HOME + 1
        builder.add(
            kind, Envelope(home_name("mix", number), device_id, None, None, at_s, at_s, at_s, DEVICE, 1, seq), reading
        )
    yield from _frame(builder, at_s)


def _frame(builder: FrameBuilder, at_s: float) -> Iterator[bytes]:
    if builder.rows:
        yield builder.build(FrameMeta(source="bench", lane="bulk", watched_until_s=at_s))


def _card(number: int) -> Card:
    devices = devices_of(number)
    resident = f"{home_name('mix', number)}-r1"
    return Card(
        version=1,
        residents=(resident,),
        device_ids=tuple(each.device_id for each in devices),
        device_roles=tuple(each.role for each in devices),
        device_rooms=tuple(each.room for each in devices),
        device_residents=("",) * len(devices),
    )


_READINGS: dict[tuple[str, bytes], Reading] = {}


def _reading(number: int, turn: int) -> tuple[str, str, Reading]:
    sort = sorts_of(number)[turn % DEVICES_A_HOME]
    value = sort.values[(turn // DEVICES_A_HOME + number // 4) % 2]
    if (sort.kind, value) not in _READINGS:
        _READINGS[sort.kind, value] = msgspec.json.decode(b"{" + value + b"}", type=bare(sort.kind))
    return sort.kind, sort.device.device_id, _READINGS[sort.kind, value]


async def _run_to_the_end(site: Site, runner: Runner, rows: int) -> Once:
    """As ``_run``, until the worker's own progress has come to the end of the log."""
    wanted = {
        number: end for number, end in (await kafka_log.ends(site.kafka, READINGS)).items() if number < CITY_PARTITIONS
    }
    reached: dict[int, int] = {}
    limit_s = time.monotonic() + START_S + rows / LEAST_PER_S
    async with kafka_log.following(site.kafka, [PROGRESS], earliest=False) as consumer:
        log = site.log("bench-competitor")
        with Watched(runner.name, runner.command, runner.environment, runner.folder, log) as process:
            while any(reached.get(number, 0) < end for number, end in wanted.items()):
                if time.monotonic() > limit_s:
                    raise TimeoutError(f"{runner.name} has come to {reached} of {wanted}")
                process.check()
                for taken in (await consumer.getmany(timeout_ms=500)).values():
                    for found in (progress.decode(record.value) for record in taken):
                        if found.group == runner.name:
                            reached[found.partition] = found.offset + 1
            await asyncio.sleep(LINGER_S)
            return Once(process.cpu_s(), process.rss_mb(), [])


def tell(found: Mapping[str, Any]) -> None:
    """The figures in words."""
    rows = [(f"ours, frames of {size}", each) for size, each in found["ours"].items()] + list(found["peers"].items())
    for name, each in rows:
        kind = "durable" if each["durable"] else "in memory"
        right = "equal" if each["equal"] else f"NOT EQUAL ({each['missing']} missing, {each['unexpected']} unexpected)"
        print(f"  {name:<24} {each['readings_per_cpu_s'] or '-':>10} readings per CPU second   {kind:<10} {right}")
    for name, why in found["missing"].items():
        print(f"  {name:<24} missing: {why}")
    print(
        f"  {found['ratio_to_best_peer']} times the best durable peer ({found['best_durable_peer']}); must {MUST:g}, goal {GOAL:g}"
    )
    if mix := found.get("mix"):
        print(
            f"  all {mix['detectors']} shipped detectors: {mix['readings_per_cpu_s']} readings a second on one core ({mix['us_per_reading']} µs each)"
        )
