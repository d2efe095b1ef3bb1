"""Motion in twentieths of a second: what a wearable's samples say, in the same shape at any rate, range and block length.

A bin is a twentieth of a second of epoch time, numbered by ``floor(20 t)``: what a sensor of 20 Hz, the slowest that is asked for, still fills. Of each is kept: samples, mean acceleration (g, three axes), variance
around it (g², summed over the axes) and the largest size (g). Two wearables of a home have a ring each (``SLOTS``); ring ``2 home + slot`` is a row
of the state's columns seen as ``[2 homes, WIDTH]``. Half-precision: 0.05 % of a g is far below any threshold.
"""

from typing import NamedTuple

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
        return Bins(np.empty(0, np.int64), np.empty(0, np.int64), nothing, np.empty((0, 3)), nothing, nothing)
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
    return of_samples(row, at_s, g)


def of_samples(row: Ints, at_s: Floats, g: Floats) -> Bins:
    """Bins of samples ``g`` (``[samples, 3]``) of rows, in order of row and time."""
    of_bin = np.floor(at_s * PER_S + 1e-4).astype(np.int64)
    edge = np.flatnonzero((np.diff(row, prepend=-1) != 0) | (np.diff(of_bin, prepend=-1) != 0))
    n = np.diff(np.append(edge, len(g))).astype(np.float64)
    mean = np.add.reduceat(g, edge) / n[:, None]
    square = (g * g).sum(axis=1)
    variance = np.maximum(np.add.reduceat(square, edge) / n - (mean * mean).sum(axis=1), 0.0)
    top = np.sqrt(np.maximum.reduceat(square, edge))
    return Bins(row[edge], of_bin[edge], n, mean, variance, top)


def of_rows(bins: Bins, rows: Ints, size: int) -> Bins:
    """The bins of some of ``size`` rows, their ``row`` counted among those."""
    place = np.full(size, -1)
    place[rows] = np.arange(len(rows))
    mine = place[bins.row] >= 0
    return Bins(
        place[bins.row[mine]], bins.number[mine], bins.n[mine], bins.mean[mine], bins.variance[mine], bins.top[mine]
    )


def slots(state: State, home: Ints, device: Ints) -> Ints:
    """The ring of each row's wearable; a third wearable of a home takes the ring that was silent longest."""
    wearer, head = state.wearer[home], state.head[home]
    mine = wearer == device[:, None]
    slot = np.where(mine.any(axis=1), mine.argmax(axis=1), head.argmin(axis=1))
    new = ~mine.any(axis=1)
    state.wearer[home[new], slot[new]] = device[new]
    state.head[home[new], slot[new]] = -1
    return np.asarray(home * SLOTS + slot)


def load(state: State, rings: Ints) -> Ring:
    """A copy of these rings."""
    return Ring(*(_as_rings(state, name)[rings].astype(np.float32) for name in Ring._fields))


def store(state: State, rings: Ints, ring: Ring) -> None:
    """Write rings back."""
    for name, values in zip(Ring._fields, ring, strict=True):
        column = _as_rings(state, name)
        column[rings] = values.astype(column.dtype)


def flat(state: State, name: str) -> Array:
    """A column of width SLOTS as one entry for each ring; a view."""
    column: Array = getattr(state, name)
    return column.reshape(-1)


def _as_rings(state: State, name: str) -> Array:
    column: Array = getattr(state, name)
    return column.reshape(-1, WIDTH)


def advance(ring: Ring, head: Ints, to: Ints, after: Ints, bins: Bins) -> Ring:
    """Rings moved on from ``head`` to ``to`` (at most STEP bins), with the bins behind ``after``; one of the head itself is merged with what is there."""
    place = np.arange(WIDTH)[None, :] + (to - head)[:, None]
    moved = Ring(
        *(np.where(place < WIDTH, np.take_along_axis(part, np.minimum(place, WIDTH - 1), axis=1), 0) for part in ring)
    )
    take = (bins.number > after[bins.row]) & (bins.number <= to[bins.row])
    row, column = bins.row[take], WIDTH - 1 - (to[bins.row] - bins.number)[take]
    n0, n1 = moved.n[row, column], bins.n[take]
    n = n0 + n1
    share = n1 / n
    mean0 = np.stack((moved.x[row, column], moved.y[row, column], moved.z[row, column]), axis=1)
    step = bins.mean[take] - mean0
    mean = mean0 + step * share[:, None]
    spread = (step * step).sum(axis=1) * share * (1 - share)
    moved.variance[row, column] = moved.variance[row, column] * (1 - share) + bins.variance[take] * share + spread
    for axis, part in enumerate((moved.x, moved.y, moved.z)):
        part[row, column] = mean[:, axis]
    moved.n[row, column] = np.minimum(n, 255)
    moved.top[row, column] = np.maximum(moved.top[row, column], bins.top[take])
    return moved


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
