"""Gathers what the checker needs: the run's folder, the database; waits until both have come to rest."""

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from contracts.errors import ShouwangError
from simulators.checker import GRACE_WALL_S, Signal, Verdict, totals, verdict
from simulators.clock import VirtualClock
from simulators.running import Counts
from simulators.scenarios import LedgerEntry
from storage.database import Connection, connect
from storage.queries import fetch_all, fetch_one, query

_STORED = query("checker_stored")
_GAPS = query("checker_gaps")
_SIGNALS = query("checker_signals")
_UNWATCHED = query("checker_unwatched")
_PASSED = query("checker_passed")

QUIET_S = 5.0
"""The stream says once a second how far it is; one that has said the same for so long, wall s, has read what there is."""


class NoRun(ShouwangError):
    """There is no finished run in {folder}: {detail}. Start one with `python -m simulators run --folder {folder} …`."""


def read_ledger(folder: Path) -> list[LedgerEntry]:
    """The ledger of a run, in the order of its causes."""
    lines = (folder / "ledger.jsonl").read_bytes().splitlines()
    return [msgspec.json.decode(line, type=LedgerEntry) for line in lines]


def read_counts(folder: Path) -> Counts:
    """What a run published. Raises NoRun."""
    try:
        return msgspec.json.decode((folder / "counts.json").read_bytes(), type=Counts)
    except OSError as error:
        raise NoRun(folder=folder, detail=error.strerror) from error


def read_held(folder: Path) -> list[tuple[float, float]]:
    """``held.json``: wall intervals in which whoever runs the test held something up; nothing where there is no such file."""
    try:
        return msgspec.json.decode((folder / "held.json").read_bytes(), type=list[tuple[float, float]])
    except FileNotFoundError:
        return []


async def gather(connection: Connection, folder: Path) -> Verdict:
    """The verdict as things stand now."""
    counts, ledger = read_counts(folder), read_ledger(folder)
    clock = VirtualClock.parse(counts.clock)
    since = datetime.fromtimestamp(counts.start_wall_s, UTC)
    rows = await fetch_all(connection, _SIGNALS, homes=counts.homes, since=since)
    signals = [msgspec.convert(row, Signal) for row in rows]
    stored_rows = await fetch_all(connection, _STORED, homes=counts.homes, boot=counts.boot)
    stored_by_device = {f"{row['home_id']}.{row['device_id']}": row["readings"] for row in stored_rows}
    gaps = await fetch_one(connection, _GAPS, homes=counts.homes, boot=counts.boot)
    unwatched = await fetch_all(connection, _UNWATCHED, homes=counts.homes)
    sent, stored = totals(counts.acknowledged, stored_by_device)
    return verdict(
        ledger,
        signals,
        clock,
        run_wall_s=(counts.start_wall_s, counts.end_wall_s),
        homes=len(counts.homes),
        sent=sent,
        stored=stored,
        gaps=int(gaps["missing"]) if gaps else 0,
        gaps_planned=counts.skipped,
        unwatched=[(row["from_s"], row["to_s"]) for row in unwatched],
        held_wall_s=read_held(folder),
    )


def rest_wall_s(folder: Path) -> float:
    """Wall instant after which nothing more is due."""
    counts = read_counts(folder)
    clock = VirtualClock.parse(counts.clock)
    due_s = [clock.wall_at(entry.due_at_s) for entry in read_ledger(folder)]
    return max([counts.end_wall_s, *due_s]) + GRACE_WALL_S


async def check(folder: Path, conninfo: str, settle_s: float = 30.0) -> Verdict:
    """The verdict once everything has arrived and the stream has read it, or ``settle_s`` (wall) after nothing more was due and nothing
    more moved. A stream that is minutes behind still comes to what was caused: whether that is late the latencies say, not the ledger."""
    connection = await connect(conninfo, "checker")
    before, moved_wall_s = (-1, -1, -1.0), 0.0
    try:
        while True:
            found = await gather(connection, folder)
            passed = await fetch_one(connection, _PASSED, homes=read_counts(folder).homes)
            state = (found.stored, found.raised, float(passed["passed_s"]) if passed else 0.0)
            if state != before:
                before, moved_wall_s = state, time.time()
            stands_s = time.time() - moved_wall_s
            arrived = found.missed == 0 and found.stored >= found.sent and found.gaps <= found.gaps_planned
            if (arrived and stands_s >= QUIET_S) or time.time() > max(rest_wall_s(folder), moved_wall_s) + settle_s:
                return found
            await asyncio.sleep(1.0)
    finally:
        await connection.close()


def as_json(found: Verdict) -> dict[str, Any]:
    """The fields that others read, and the rest behind them."""
    content: dict[str, Any] = msgspec.to_builtins(found)
    return content
