"""The readings of the one job, and what every engine must say of them. Pure.

Residents report once a minute, in turn; some have a quarter of an hour that lifts the mean over the line. The readings are the same for all:
as frames for our own worker, as one JSON record a reading (``{"resident", "at_s", "bpm"}``, keyed by the resident) for its peers, each resident
in the partition of the same number. The last readings of each partition are those of a *closing* resident, who must be told of: as order within
a partition is kept everywhere, whoever has said all that is expected has read everything.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bench.moving_average import PARAMS
from contracts.frames import FrameMeta, encode
from contracts.kinds import DEVICE, SCHEMAS, VALUES
from contracts.partitions import partition_of

BEGIN_S = 1_800_000_000.0
EVERY_S = 60.0
ROUNDS = 100
"""Readings of each resident in the part that counts. Chosen: so that a million are those of 10,000 residents, some 600 in a partition."""
WARM_ROUNDS = 10
"""Readings of each before that. Chosen: a window full, so that every state exists."""
RISEN_SHARE, RISEN_ROUNDS, RISEN_BPM = 0.03, 20, 60
"""How many residents have a risen pulse once, for how many readings, by how much. Chosen: some 300 alarms in a million readings."""
CLOSING_BPM = 200
KIND = "vitals"
DEVICE_ID = "watch"

Ints = npt.NDArray[np.int64]


class Alarm(NamedTuple):
    """The moment at which a resident's mean rose over the line."""

    resident: str
    at_s: float


class Part(NamedTuple):
    """What one partition holds, in order of arrival."""

    residents: list[str]
    """Of whom each reading is."""
    at_s: npt.NDArray[np.float64]
    bpm: Ints
    seq: Ints


class Job(NamedTuple):
    """The readings of one run by partition."""

    parts: list[Part]
    wanted: set[Alarm]
    """What is to be said of them."""

    @property
    def rows(self) -> int:
        """Readings of all partitions."""
        return sum(len(part.residents) for part in self.parts)


def job(rows: int, partitions: int, *, warm: bool, seed: int = 1) -> Job:
    """The warm part alone, or with the ``rows`` that count behind it (rounded to whole rounds); both end with the closing residents."""
    residents = max(1, rows // ROUNDS)
    rng = np.random.default_rng(seed)
    rounds = WARM_ROUNDS + ROUNDS
    bpm = rng.integers(60, 91, residents)[None, :] + rng.integers(-5, 6, (rounds, residents))
    risen = np.flatnonzero(rng.random(residents) < RISEN_SHARE)
    for resident, first in zip(
        risen.tolist(), rng.integers(0, rounds - RISEN_ROUNDS, len(risen)).tolist(), strict=True
    ):
        bpm[first : first + RISEN_ROUNDS, resident] += RISEN_BPM
    if warm:
        bpm = bpm[:WARM_ROUNDS]
    names = [f"r-{number:06d}" for number in range(residents)]
    places = np.array([partition_of(name, partitions) for name in names])
    parts = [_part(bpm, names, np.flatnonzero(places == number), number, partitions) for number in range(partitions)]
    return Job(parts, expected(parts))


def _part(bpm: Ints, names: Sequence[str], mine: Ints, partition: int, partitions: int) -> Part:
    rounds, closing = len(bpm), closing_resident(partition, partitions)
    at = np.repeat(np.arange(rounds), len(mine))
    window = np.arange(PARAMS.window)
    return Part(
        [names[number] for number in mine.tolist()] * rounds + [closing] * PARAMS.window,
        BEGIN_S + EVERY_S * np.concatenate([at, rounds + window]),
        np.concatenate([bpm[:, mine].ravel(), np.full(PARAMS.window, CLOSING_BPM)]),
        np.concatenate([at, window]) + 1,
    )


def closing_resident(partition: int, partitions: int) -> str:
    """The first name of its kind that belongs there."""
    return next(name for number in count() if partition_of(name := f"end-{number}", partitions) == partition)


def expected(parts: Iterable[Part]) -> set[Alarm]:
    """What is to be said, by the plainest program that says it."""
    found: set[Alarm] = set()
    for part in parts:
        last: dict[str, list[int]] = defaultdict(list)
        high: set[str] = set()
        for resident, at_s, bpm in zip(part.residents, part.at_s.tolist(), part.bpm.tolist(), strict=True):
            window = last[resident]
            window.append(bpm)
            del window[: -PARAMS.window]
            if len(window) < PARAMS.window or sum(window) < PARAMS.line_bpm * PARAMS.window:
                high.discard(resident)
            elif resident not in high:
                high.add(resident)
                found.add(Alarm(resident, at_s))
    return found


class Answers(NamedTuple):
    """What somebody said, against what was expected."""

    expected: int
    missing: int
    unexpected: int
    repeated: int
    """Alarms that were said more than once; at-least-once allows it, and none should come without a fault."""

    @property
    def equal(self) -> bool:
        """Whether the same residents were told of, at the same instants."""
        return not self.missing and not self.unexpected


def compare(said: Iterable[Alarm], wanted: set[Alarm]) -> Answers:
    """``said`` in any order, repeats too."""
    everything = list(said)
    once = set(everything)
    return Answers(len(wanted), len(wanted - once), len(once - wanted), len(everything) - len(once))


def records(part: Part) -> Iterator[tuple[bytes, bytes]]:
    """Key and value of each reading of a partition, for peers."""
    for resident, at_s, bpm in zip(part.residents, part.at_s.tolist(), part.bpm.tolist(), strict=True):
        yield resident.encode(), b'{"resident":"%b","at_s":%d,"bpm":%d}' % (resident.encode(), at_s, bpm)


def frames(part: Part, rows: int) -> Iterator[bytes]:
    """The same as our bridge would send it, ``rows`` a frame. A home of one for each resident."""
    for first in range(0, len(part.residents), rows):
        these = slice(first, first + rows)
        at_s = part.at_s[these]
        meta = FrameMeta(source="bench", lane="bulk", watched_until_s=float(at_s[-1]))
        yield encode(meta, {KIND: _batch(part.residents[these], at_s, part.bpm[these], part.seq[these])})


def _batch(residents: list[str], at_s: npt.NDArray[np.float64], bpm: Ints, seq: Ints) -> pa.RecordBatch:
    size, schema = len(residents), SCHEMAS[KIND]
    known: dict[str, Any] = {
        "home_id": residents,
        "device_id": [DEVICE_ID] * size,
        "event_at_s": at_s,
        "received_at_s": at_s,
        "device_at_s": at_s,
        "clock": np.full(size, DEVICE),
        "boot": np.ones(size, dtype=np.int64),
        "seq": seq,
        "ordinal": np.arange(size),
        "heart_rate_bpm": bpm.astype(np.float64),
    }
    assert known.keys() - {column.name for column in VALUES[KIND]} < set(schema.names)
    columns = [
        pa.array(known[field.name], type=field.type) if field.name in known else pa.nulls(size, field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def rate(rows: int, cpu_s: float, warm_rows: int, warm_cpu_s: float) -> float | None:
    """Readings per CPU second of what the whole run had beyond the warm one: start, imports and compilers stand in both and cancel. None
    where the difference is lost in the noise (a run too short)."""
    more_s = cpu_s - warm_cpu_s
    return (rows - warm_rows) / more_s if more_s > 0 else None
