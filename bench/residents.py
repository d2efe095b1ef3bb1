"""The shipped detectors over days of simulated homes, without services: is every incident noticed, and how often is there nothing to notice?

    python -m bench.residents --homes 50 --days 4 [--seed 1] [--json]

Messages go through frames and the engine as in ``detect``; cards carry lines learned from 14 days beforehand. Cases are formed as alerts
does it at the least: one for each home and family while anything of it is on. The verdict is the checker's.
"""

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from heapq import merge

import msgspec

from cli._learned import learned_lines
from cli._offline import detections_of
from contracts.detections import Detection
from contracts.kinds import ROOMS, Card
from contracts.names import topic_of
from simulators.checker import Signal, Verdict, verdict
from simulators.clock import ZONE, VirtualClock, midnight_s
from simulators.due import silent_due
from simulators.neighbourhood import Home, neighbourhood
from simulators.schedule import Schedule, schedule, story
from simulators.sending import Numbers, absences, messages, native
from stream.learning.silences import Learned
from stream.registry import discover

FIRST_DAY = 20_600
START_H = 10.0
"""Local hour at which the stretch begins; the demonstration's."""


def card_of(home: Home, learned: Learned | None) -> Card:
    """The home card that ``home import`` and the learner would make."""
    return Card(
        version=1,
        zone=ZONE,
        area_code=home.area_code,
        care_level=home.care_level,
        residents=(home.resident_id,),
        device_ids=tuple(device.device_id for device in home.devices),
        device_roles=tuple(device.role for device in home.devices),
        device_rooms=tuple(device.room for device in home.devices),
        device_residents=tuple(device.resident_id for device in home.devices),
        learned_days=learned.days if learned else 0,
        silence_min=learned.silence_min if learned else (),
        device_places=learned.places_of([ROOMS.index(device.room) for device in home.devices]) if learned else (),
    )


def told(homes: Sequence[Home], start_s: float, end_s: float, plan: Schedule) -> Iterator[tuple[str, bytes]]:
    """All messages of the homes in the order in which they leave, as topic and payload."""
    streams = []
    for home in homes:
        own = story(home, start_s, end_s, plan.incidents)
        streams.append(messages(home, own.sensed, absences(home, start_s, end_s, own.away), str(start_s)))
    numbers = Numbers(start_s)
    for message in merge(*streams, key=lambda item: item.at_s):
        home = message.home
        payload = msgspec.json.encode(native(message, numbers.boot, numbers.take(message), message.at_s))
        # The recorded clock moves with what was measured; a message that was kept arrives when it is sent.
        yield topic_of(home.area, home.home_id, "recorder", "clock"), b'{"t":%.3f}' % message.at_s
        yield topic_of(home.area, home.home_id, message.account_device, message.channel), payload


def signals_of(detections: Sequence[Detection]) -> list[Signal]:
    """Detections as signals of cases."""
    on: dict[tuple[str, str], set[str]] = defaultdict(set)
    count: dict[tuple[str, str], int] = defaultdict(int)
    known: set[tuple[str, str]] = set()
    found = []
    for each in sorted(detections, key=lambda d: d.decided_at_s):
        key = (each.home_id, each.family)
        if not each.on:
            on[key].discard(each.detection_id)
            continue
        if not on[key]:
            count[key] += 1
        on[key].add(each.detection_id)
        if (each.detection_id, each.lane) in known:
            continue
        known.add((each.detection_id, each.lane))
        found.append(
            Signal(
                case_id=f"{each.home_id}/{each.family}/{count[key]}", home_id=each.home_id, family=each.family, detector=each.detector,
                detection_id=each.detection_id, lane=each.lane, device_id=each.device_id, started_at_s=each.started_at_s,
                decided_at_s=each.decided_at_s, raised_wall_s=each.decided_at_s, read_wall_s=each.decided_at_s, test=each.test,
            )
        )  # fmt: skip
    return found


def measure(
    homes_count: int, days: float, seed: int, rounds: int = 1, start_h: float = START_H, partitions: int = 1
) -> tuple[Verdict, int]:
    """The verdict on a stretch of simulated life, and the number of messages in it."""
    homes = neighbourhood(homes_count, seed)
    start_s = midnight_s(FIRST_DAY) + start_h * 3600
    end_s = start_s + days * 86_400
    learned = learned_lines(homes, start_s)
    lines = {home_id: each.silence_min for home_id, each in learned.items()}
    plan = schedule(homes, start_s + 60, end_s - 600, seed, silent_due(lines), rounds=rounds)
    cards = {home.home_id: card_of(home, learned[home.home_id]) for home in homes}
    count = 0

    def counted() -> Iterator[tuple[str, bytes]]:
        nonlocal count
        for message in told(homes, start_s, end_s, plan):
            count += 1
            yield message

    found = list(detections_of(counted(), cards, discover(), partitions=partitions))
    entries = [incident.entry(incident.at_s) for incident in plan.incidents]
    judged = verdict(
        entries, signals_of(found), VirtualClock(start_s, start_s, 1.0), run_wall_s=(start_s, end_s), homes=homes_count, sent=0, stored=0,
        gaps=0,
    )  # fmt: skip
    return judged, count // 2


def main() -> int:
    """Print the verdict; exit code 1 if it is not ok."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.residents", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--homes", type=int, default=50)
    parser.add_argument("--days", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--rounds", type=int, default=1, help="of each scenario in every two hours, while homes are free"
    )
    parser.add_argument("--hour", type=float, default=START_H, help=f"local hour at which it begins ({START_H:g})")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    began_s = time.monotonic()
    judged, count = measure(args.homes, args.days, args.seed, args.rounds, args.hour)
    seconds = round(time.monotonic() - began_s, 1)
    if args.json:
        print(json.dumps({**msgspec.to_builtins(judged), "messages": count, "seconds": seconds}))
    else:
        print(f"{judged.home_days} home-days, {count} messages, {seconds} s: expected {judged.expected}, raised {judged.raised},"
              f" missed {judged.missed}, duplicated {judged.duplicated}, unexpected {judged.unexpected}")  # fmt: skip
        for name, row in sorted(judged.by_scenario.items()):
            print(f"  {name:<12} {row['raised']}/{row['expected']}  after {row['after_s']} s")
        for fault in judged.faults:
            print(f"  {fault}")
    return 0 if judged.ok else 1


if __name__ == "__main__":
    sys.exit(main())
