"""Motion in twentieths of a second: what a wearable's samples say, in the same shape at any rate, range and block length.

A bin is a twentieth of a second of epoch time, numbered by ``floor(20 t)``: what a sensor of 20 Hz, the slowest that is asked for, still fills. Of each is kept: samples, mean acceleration (g, three axes), variance
around it (g², summed over the axes) and the largest size (g), and whether a sample was at the rail of the sensor's range. Two wearables of a home have a ring each (``SLOTS``); ring ``2 home + slot`` is a row
of the state's columns seen as ``[2 homes, WIDTH]``, bin b in its column ``b % WIDTH`` (nothing is moved when time goes on). Half-precision: 0.05 % of a g is far below any threshold.
"""

from typing import Any, NamedTuple

import numpy as np

from stream.detector import Array, Bools, Floats, Ints, Rows, State, StateColumn

PER_S = 20
STEP = 2 * PER_S
"""Bins that are added before the detector looks again."""
BEFORE, AFTER = 3 * PER_S, 5 * PER_S // 2
"""Bins that a judgement looks back and ahead."""
WIDTH = BEFORE + AFTER + STEP + PER_S // 2
AHEAD_S = 5.0
"""A block that ends later than it came by more than this has a clock that is ahead, s: then it ended when it came, lest blocks of
the right time be taken for old ones later. Chosen."""
RAIL = 32_700
"""A sample of so many counts on an axis is at the rail of its range (full scale 32767). Chosen: 0.2 % below it, for what was scaled on its way."""
HELD, RAILED = 127, 128
"""The byte of a bin's samples: how many there are (at 1,000 Hz 50), and whether one of them was at a rail."""
SLOTS = 2
"""Wearables of one home whose motion is followed at a time."""

STATE = {
    "n": StateColumn("u1", 0, SLOTS * WIDTH),
    **{name: StateColumn("f2", 0.0, SLOTS * WIDTH) for name in ("x", "y", "z", "variance", "top")},
    "head": StateColumn("i8", -1, SLOTS),
    "wearer": StateColumn("i4", -1, SLOTS),
}


class Bins(NamedTuple):
    """Bins of many blocks, one after the other: ``row`` of the rows they come from, ``number`` of the bin, and what they hold."""

    row: Ints
    number: Ints
    n: Floats
    mean: Floats
    variance: Floats
    top: Floats
    railed: Bools
    """Whether a sample of it was at the rail of the stated range."""


class Ring(NamedTuple):
    """Rings of some wearables, ``[rings, WIDTH]`` in single precision, the newest bin in the last column."""

    n: Array
    x: Array
    y: Array
    z: Array
    variance: Array
    top: Array


def cut(rows: Rows) -> Bins:
    """Cut blocks of samples into bins. A block's bytes beyond its last whole sample are left out."""
    blocks = rows.objects("samples")
    rate_hz, channels = rows["rate_hz"], rows["channels"].astype(np.int64)
    count = np.array([len(block) for block in blocks], dtype=np.int64) // (2 * channels)
    if not count.any():
        nothing = np.empty(0)
        none = np.empty(0, np.int64)
        return Bins(none, none, nothing, np.empty((0, 3)), nothing, nothing, np.empty(0, bool))
    row = np.repeat(np.arange(len(blocks)), count)
    counts = np.empty((len(row), 3))
    for width in np.unique(channels):
        joined = b"".join(
            blocks[place][: 2 * width * count[place]] for place in np.flatnonzero(channels == width).tolist()
        )
        counts[channels[row] == width] = np.frombuffer(joined, dtype="<i2").reshape(-1, width)[:, :3]
    g = counts * (rows["range_g"] / 32767.0)[row, None]
    full_s = rows.received_at_s - count / rate_hz
    began_s = np.where(rows.event_at_s > full_s + AHEAD_S, full_s, rows.event_at_s)
    at_s = began_s[row] + (np.arange(len(row)) - (np.cumsum(count) - count)[row]) / rate_hz[row]
    # Hardly a second has such samples: they are looked for one by one where there are some.
    loud = counts.max() >= RAIL or counts.min() <= -RAIL
    return of_samples(row, at_s, g, np.asarray((np.abs(counts) >= RAIL).any(axis=1)) if loud else None)


def of_samples(row: Ints, at_s: Floats, g: Floats, railed: Bools | None = None) -> Bins:
    """Bins of samples ``g`` (``[samples, 3]``) of rows, in order of row and time. ``railed``: which are at a rail; None: none of them."""
    of_bin = np.floor(at_s * PER_S + 1e-4).astype(np.int64)
    edge = np.flatnonzero((np.diff(row, prepend=-1) != 0) | (np.diff(of_bin, prepend=-1) != 0))
    n = np.diff(np.append(edge, len(g))).astype(np.float64)
    mean = np.add.reduceat(g, edge) / n[:, None]
    square = (g * g).sum(axis=1)
    variance = np.maximum(np.add.reduceat(square, edge) / n - (mean * mean).sum(axis=1), 0.0)
    top = np.sqrt(np.maximum.reduceat(square, edge))
    at_rail = np.zeros(len(edge), bool) if railed is None else np.logical_or.reduceat(railed, edge)
    return Bins(row[edge], of_bin[edge], n, mean, variance, top, at_rail)


def of_rows(bins: Bins, rows: Ints, size: int) -> Bins:
    """The bins of some of ``size`` rows, their ``row`` counted among those."""
    place = np.full(size, -1)
    place[rows] = np.arange(len(rows))
    mine = place[bins.row] >= 0
    rest: tuple[Any, ...] = tuple(part[mine] for part in bins[1:])
    return Bins(place[bins.row[mine]], *rest)


def slots(state: State, home: Ints, device: Ints) -> Ints:
    """The ring of each row's wearable; a third wearable of a home takes the ring that was silent longest."""
    wearer, head = state.wearer[home], state.head[home]
    mine = wearer == device[:, None]
    slot = np.where(mine.any(axis=1), mine.argmax(axis=1), head.argmin(axis=1))
    new = ~mine.any(axis=1)
    state.wearer[home[new], slot[new]] = device[new]
    state.head[home[new], slot[new]] = -1
    return np.asarray(home * SLOTS + slot)


def load(state: State, rings: Ints, head: Ints) -> Ring:
    """A copy of these rings as they stand with ``head`` as their newest bin; empty bins hold 0."""
    cell = _of_rings(rings, head)
    held = _cells(state, "n")[cell]
    rest = (np.where(held > 0, _cells(state, name)[cell], 0).astype(np.float32) for name in Ring._fields[1:])
    return Ring((held & HELD).astype(np.float32), *rest)


def railed(state: State, rings: Ints, head: Ints) -> Bools:
    """Which bins of these rings hold a sample at a rail, ``[rings, WIDTH]`` as ``load`` gives them."""
    return np.asarray(_cells(state, "n")[_of_rings(rings, head)] >= RAILED)


def _of_rings(rings: Ints, head: Ints) -> Ints:
    """Cells of these rings, the one of ``head`` last."""
    return np.asarray(rings[:, None] * WIDTH + (head[:, None] + np.arange(1 - WIDTH, 1)[None, :]) % WIDTH)


def empty(state: State, rings: Ints) -> None:
    """Let rings hold nothing."""
    _cells(state, "n").reshape(-1, WIDTH)[rings] = 0


def flat(state: State, name: str) -> Array:
    """A column of width SLOTS as one entry for each ring; a view."""
    column: Array = getattr(state, name)
    return column.reshape(-1)


def _cells(state: State, name: str) -> Array:
    """A column of the rings as one entry for each bin; a view."""
    column: Array = getattr(state, name)
    return column.reshape(-1)


def advance(state: State, rings: Ints, head: Ints, to: Ints, after: Ints, bins: Bins) -> tuple[Ints, Ints, Array]:
    """Move rings on from ``head`` to ``to`` (at most STEP bins), with the bins behind ``after``; one of the head itself is merged with what is there.
    Of each bin that was taken: which of the rings, its number and its largest size (g)."""
    n, variance, top = (_cells(state, name) for name in ("n", "variance", "top"))
    gone = head[:, None] + np.arange(1, STEP + 1)[None, :]
    base = rings * WIDTH
    n[(base[:, None] + gone % WIDTH)[gone <= to[:, None]]] = 0
    take = (bins.number > after[bins.row]) & (bins.number <= to[bins.row])
    row, number, new, mean = bins.row[take], bins.number[take], bins.n[take], bins.mean[take]
    cell = base[row] + number % WIDTH
    # Only a ring's newest bin can hold something already.
    met = np.flatnonzero(n[cell] > 0)
    largest, spread, at_rail = bins.top[take], bins.variance[take], bins.railed[take]
    if len(met):
        at = cell[met]
        held = n[at] & HELD
        share = new[met] / (held + new[met])
        before = np.stack([_cells(state, axis)[at] for axis in "xyz"], axis=1).astype(np.float64)
        step = mean[met] - before
        mean[met] = before + step * share[:, None]
        spread[met] = variance[at] * (1 - share) + spread[met] * share + (step * step).sum(axis=1) * share * (1 - share)
        new[met] += held
        at_rail[met] |= n[at] >= RAILED
        largest[met] = np.maximum(largest[met], top[at])
    n[cell], variance[cell], top[cell] = np.minimum(new, HELD) + RAILED * at_rail, spread, largest
    for axis, name in enumerate("xyz"):
        _cells(state, name)[cell] = mean[:, axis]
    return row, number, top[cell]


def window(ring: Ring, inside: Bools) -> tuple[Ints, Floats, Floats]:
    """Of the bins ``inside`` (mask ``[rings, WIDTH]``): how many hold samples, mean acceleration ``[rings, 3]`` (g), and the
    root-mean-square deviation from it (g). NaN where there are none."""
    weight = np.where(inside, ring.n, 0.0).astype(np.float64)
    total = weight.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.stack([(weight * part).sum(axis=1) / total for part in (ring.x, ring.y, ring.z)], axis=1)
        square = (weight * (ring.variance + ring.x**2 + ring.y**2 + ring.z**2)).sum(axis=1) / total
        deviation = np.sqrt(np.maximum(square - (mean * mean).sum(axis=1), 0.0))
    return (weight > 0).sum(axis=1), mean, deviation
