"""Rows that came before: a window of identities for each device.

A device that counts is known by (kind, boot, seq), whenever a repeat arrives. One that counts nothing is known by a hash of its
payload, and says the same thing again in earnest: only an identical payload within REPEAT_S of the accepted one is a repeat.
"""

from typing import Any, cast

import numpy as np
import numpy.typing as npt

from stream.columns import Columns, StateColumn
from stream.detector import Bools, Floats, Ints

WINDOW = 32
"""Rows of a device that are remembered, its repeats included. What comes again comes soon: a message not acknowledged, a frame sent twice."""
REPEAT_S = 60.0
"""Longest distance of arrival at which an identical payload of a device that counts nothing is taken for a repeat, s."""

Keys = npt.NDArray[np.uint64]


def _mixed(value: Keys) -> Keys:
    """splitmix64's finaliser: close numbers become far ones."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


def identities(kind: Ints, boot: Ints, seq: Ints, device: Ints) -> Keys:
    """64 bits that stand for (device, kind, boot, seq); never 0."""
    key: Keys = _mixed(seq.astype(np.uint64))
    key = _mixed(key ^ boot.astype(np.uint64))
    whose: Keys = (device * 256 + kind).astype(np.uint64)
    key = _mixed(key ^ whose)
    return np.maximum(key, np.uint64(1))


def ranks(values: Ints) -> Ints:
    """For each entry, how many entries before it hold the same value."""
    size = len(values)
    if len(set(values.tolist())) == size:
        return np.zeros(size, dtype=np.int64)
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    first = np.ones(size, dtype=bool)
    first[1:] = ordered[1:] != ordered[:-1]
    starts = np.flatnonzero(first)
    lengths = np.diff(np.append(starts, size))
    found = np.empty(size, dtype=np.int64)
    found[order] = np.arange(size) - np.repeat(starts, lengths)
    return found


def _soon(first_ds: Ints, then_ds: Ints) -> Bools:
    """Whether two instants, in tenths of a second modulo 2^32, lie within REPEAT_S."""
    apart = (then_ds - first_ds) & 0xFFFFFFFF
    return cast(Bools, np.minimum(apart, 0x100000000 - apart) <= REPEAT_S * 10)


class Repeats:
    """The last WINDOW identities of each device, in a ring. Exact however rows are cut into calls."""

    def __init__(self) -> None:
        self._rings = Columns(
            {"key": StateColumn("u8", 0, WINDOW), "moment": StateColumn("i4", 0), "next": StateColumn("u1", 0)}
        )
        """``moment``: where the moments of a device's ring stand, if it ever sent something that it did not count; the first stand for all others."""
        self._moments = Columns({"at_ds": StateColumn("u4", 0, WINDOW)})
        self._moments.grow(1)

    def fresh(self, device: Ints, kind: Ints, boot: Ints, seq: Ints, received_s: Floats) -> Bools:
        """True where a row is new. Rows are in order of arrival; all are remembered, the repeats too."""
        if not len(device):
            return np.zeros(0, dtype=bool)
        rings = self._rings
        rings.grow(int(device.max()) + 1)
        key = identities(kind, boot, seq, device)
        hashed = boot < 0
        rank = ranks(device)
        at_ds = (np.nan_to_num(received_s) * 10.0).astype(np.int64) & 0xFFFFFFFF
        repeat = self._in_ring(device, key, hashed, rank, at_ds)
        self._among_themselves(key, hashed, rank, at_ds, repeat)
        place = rings.next[device] + rank
        slot = place % WINDOW
        rings.key[device, slot] = key
        rings.next[device] = (place + 1) % WINDOW  # of a device's rows the last one stands
        if hashed.any():
            self._remember_moments(device[hashed], slot[hashed], at_ds[hashed])
        return ~repeat

    def _remember_moments(self, device: Ints, slot: Ints, at_ds: Ints) -> None:
        new = list(dict.fromkeys(device[self._rings.moment[device] == 0].tolist()))
        if new:
            before = self._moments.size
            self._moments.grow(before + len(new))
            self._rings.moment[new] = np.arange(before, before + len(new))
        self._moments.at_ds[self._rings.moment[device], slot] = at_ds

    def _in_ring(self, device: Ints, key: Keys, hashed: Bools, rank: Ints, at_ds: Ints) -> Bools:
        """Which rows the rings hold already; their ``at_ds`` becomes that of the accepted row."""
        repeat = np.zeros(len(device), dtype=bool)
        rows, slots = np.nonzero(self._rings.key[device] == key[:, None])
        if len(rows):
            of = device[rows]
            age = (self._rings.next[of].astype(np.int64) - 1 - slots) % WINDOW + rank[rows]
            known_ds = self._moments.at_ds[self._rings.moment[of], slots].astype(np.int64)
            alive = (age < WINDOW) & (~hashed[rows] | _soon(known_ds, at_ds[rows]))
            repeat[rows[alive]] = True
            at_ds[rows[alive]] = known_ds[alive]
        return repeat

    @staticmethod
    def _among_themselves(key: Keys, hashed: Bools, rank: Ints, at_ds: Ints, repeat: Bools) -> None:
        """Mark rows of this call that repeat an earlier one of it."""
        if len(set(key.tolist())) == len(key):
            return
        order = np.argsort(key, kind="stable")
        again = np.flatnonzero(key[order][1:] == key[order][:-1])
        for place in again.tolist():  # repeats only, so rare
            earlier, later = order[place], order[place + 1]
            if repeat[later] or rank[later] - rank[earlier] > WINDOW:
                continue
            if not hashed[later] or _soon(at_ds[earlier], at_ds[later]):
                repeat[later] = True
                at_ds[later] = at_ds[earlier]

    def packed(self) -> list[dict[str, Any]]:
        """For a snapshot."""
        return [self._rings.packed(), self._moments.packed()]

    def restore(self, packed: list[dict[str, Any]]) -> None:
        """From a snapshot."""
        self._rings.restore(packed[0])
        self._moments.restore(packed[1])
