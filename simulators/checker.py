"""Ledger against cases: was everything noticed that had to be, nothing twice, and nothing that was not there? Pure; ``verdict`` decides.

A run passes when nothing was missed or doubled and there is at most one unexpected case in 1,000 home-days. A run shorter than
1,000 home-days cannot show such a rate, so in it no unexpected case at all is let pass; the number of home-days is reported beside it.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from simulators.clock import VirtualClock
from simulators.scenarios import LedgerEntry

GRACE_WALL_S = 10.0
"""A machine busy with everything at once may decide this much later than due, wall s; the latency figures show what it was."""
WATCH_GRACE_S = 300.0
"""After time that nobody watched, silence begins to count again so much later, s (the stream's own grace)."""
BEFORE_S = 1800.0
"""An episode may have begun before its cause: a stove was on before it was forgotten, a silence starts with the last sign."""
HOME_DAYS_FOR_ONE = 1000.0


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """One detection within one case, as the database holds it."""

    case_id: str
    home_id: str
    family: str
    detector: str
    detection_id: str
    lane: str
    device_id: str | None
    started_at_s: float
    decided_at_s: float
    """Both on the clock of the home's source."""
    raised_wall_s: float
    """The case's."""
    read_wall_s: float
    """When this detection was first read by alerts."""
    test: bool = False


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a run."""

    expected: int
    raised: int
    missed: int
    duplicated: int
    unexpected: int
    unseen: int = 0
    """Neither raised nor missed: over before enough of it could be watched, because nobody could see meanwhile."""
    latency_ms: dict[str, float | None]
    """Urgent messages: publish to case, wall clock."""
    sent: int
    stored: int
    gaps: int
    gaps_planned: int
    home_days: float
    ok: bool
    by_scenario: dict[str, dict[str, Any]]
    faults: list[dict[str, Any]]
    """Each missed, doubled or unexpected one, so that it can be looked up."""


def percentile(values: Sequence[float], share: float) -> float | None:
    """Nearest-rank percentile, None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _found(entry: LedgerEntry, signals: Iterable[Signal], due_at_s: float) -> list[Signal]:
    return [
        signal
        for signal in signals
        if signal.home_id == entry.home_id
        and signal.detector in entry.detectors
        and signal.started_at_s >= entry.cause_at_s - BEFORE_S
        and entry.cause_at_s - 60.0 <= signal.decided_at_s <= due_at_s
    ]


def _due_at_s(
    entry: LedgerEntry, unwatched: Sequence[tuple[float, float]], held: Sequence[tuple[float, float]] = ()
) -> float:
    """When a cause must have been noticed: while nobody watches, and in the grace after it, no silence and no absence grows; while a
    fault of the test's own holds the way up, nothing can pass."""
    due_s = entry.due_at_s
    for from_s, to_s in sorted(held):
        if from_s < due_s and to_s > entry.cause_at_s:
            due_s += to_s - max(from_s, entry.cause_at_s)
    if not entry.urgent:
        for from_s, to_s in sorted(unwatched):
            if from_s < due_s and to_s > entry.cause_at_s:
                due_s += to_s - max(from_s, entry.cause_at_s) + WATCH_GRACE_S
    return due_s


def _explained(signal: Signal, entries: Iterable[LedgerEntry]) -> bool:
    return any(
        signal.home_id == entry.home_id
        and (signal.detector in entry.detectors or signal.detector in entry.allowed)
        and signal.decided_at_s >= entry.cause_at_s - 60.0
        for entry in entries
    )


def _copies(found: Sequence[Signal], end_s: float) -> int:
    """Cases and detections beyond the first for one cause: shown, or said, more than once. From ``end_s`` on, when the homes have
    ended and all of them fall silent, a further one has a cause of its own."""
    in_run = [signal for signal in found if signal.decided_at_s <= end_s] or found
    cases = {signal.case_id for signal in in_run}
    said: dict[tuple[str, str, str | None], set[str]] = defaultdict(set)
    for signal in in_run:
        said[(signal.detector, signal.lane, signal.device_id)].add(signal.detection_id)
    return max(0, len(cases) - 1) + sum(len(ids) - 1 for ids in said.values())


def verdict(
    entries: Sequence[LedgerEntry],
    signals: Sequence[Signal],
    clock: VirtualClock,
    *,
    run_wall_s: tuple[float, float],
    homes: int,
    sent: int,
    stored: int,
    gaps: int,
    gaps_planned: int = 0,
    unwatched: Sequence[tuple[float, float]] = (),
    held_wall_s: Sequence[tuple[float, float]] = (),
) -> Verdict:
    """Hold the ledger against the signals. ``run_wall_s``: begin and end; cases raised outside it are nobody's fault here.
    ``unwatched``: intervals (clock of the run) of which the bridge said that it could not see.
    ``held_wall_s``: intervals in which the one who runs the test held a stage or service up. What is promised through them is that no
    alert is lost or doubled, not when it comes: a frozen bridge passes nothing on, and here a frozen second is a minute of the homes'."""
    begin_s, end_s = run_wall_s
    held = [(clock.at(from_s), clock.at(to_s)) for from_s, to_s in held_wall_s]
    missed = doubled = unseen = 0
    latencies_s: list[float] = []
    faults: list[dict[str, Any]] = []
    by_scenario: dict[str, dict[str, Any]] = {}
    for entry in entries:
        row = by_scenario.setdefault(entry.scenario, {"expected": 0, "raised": 0, "after_s": []})
        row["expected"] += 1
        due_s = _due_at_s(entry, unwatched, held)
        found = _found(entry, signals, due_s + GRACE_WALL_S * clock.speed)
        if not found and entry.over_at_s is not None and due_s > max(entry.due_at_s, entry.over_at_s):
            unseen += 1
            continue
        if not found:
            missed += 1
            faults.append({"fault": "missed", **msgspec.to_builtins(entry)})
            continue
        row["raised"] += 1
        row["after_s"].append(round(min(signal.decided_at_s for signal in found) - entry.cause_at_s, 1))
        copies = _copies(found, clock.at(end_s))
        if copies:
            doubled += copies
            faults.append(
                {
                    "fault": "doubled",
                    "copies": copies,
                    **msgspec.to_builtins(entry),
                    "signals": msgspec.to_builtins(found),
                }
            )
        if entry.urgent:
            latencies_s.append(min(_shown_wall_s(signal, entry) for signal in found) - entry.published_wall_s)
    by_case: dict[str, list[Signal]] = defaultdict(list)
    for signal in signals:
        if not signal.test and begin_s <= signal.raised_wall_s <= end_s:
            by_case[signal.case_id].append(signal)
    strange = [of_case for of_case in by_case.values() if not any(_explained(signal, entries) for signal in of_case)]
    faults += [{"fault": "unexpected", **msgspec.to_builtins(of_case[0])} for of_case in strange]
    home_days = homes * clock.speed * max(0.0, end_s - begin_s) / 86_400.0
    ok = missed == 0 and doubled == 0 and len(strange) <= int(home_days / HOME_DAYS_FOR_ONE)
    p50, p99 = percentile(latencies_s, 0.5), percentile(latencies_s, 0.99)
    return Verdict(
        expected=len(entries),
        raised=len(entries) - missed - unseen,
        missed=missed,
        unseen=unseen,
        duplicated=doubled,
        unexpected=len(strange),
        latency_ms={"p50": _ms(p50), "p99": _ms(p99)},
        sent=sent,
        stored=stored,
        gaps=gaps,
        gaps_planned=gaps_planned,
        home_days=round(home_days, 2),
        ok=ok,
        by_scenario=by_scenario,
        faults=faults,
    )


def _shown_wall_s(signal: Signal, entry: LedgerEntry) -> float:
    """When a desk could see it: a case that was open before got it as a further signal."""
    return signal.raised_wall_s if signal.raised_wall_s >= entry.published_wall_s else signal.read_wall_s


def _ms(value_s: float | None) -> float | None:
    return None if value_s is None else round(value_s * 1000, 1)


def totals(acknowledged: Mapping[str, int], stored: Mapping[str, int]) -> tuple[int, int]:
    """Readings sent and acknowledged, and how many of them are stored: no device can make up for another's loss."""
    return sum(acknowledged.values()), sum(min(stored.get(device, 0), count) for device, count in acknowledged.items())
