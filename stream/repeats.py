"""Rows that came before: a window of identities for each device.

A device that counts is known by (kind, boot, seq), whenever a repeat arrives. One that counts nothing is known by a hash of its
payload, and says the same thing again in earnest: only an identical payload within REPEAT_S of the accepted one is a repeat.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from stream.columns import Columns, Packed, StateColumn
from stream.detector import Bools, Floats, Ints

WINDOW = 64
"""Rows of a device that are remembered, its repeats included."""
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
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    first = np.ones(size, dtype=bool)
    first[1:] = ordered[1:] != ordered[:-1]
    starts = np.flatnonzero(first)
    lengths = np.diff(np.append(starts, size))
    found = np.empty(size, dtype=np.int64)
    found[order] = np.arange(size) - np.repeat(starts, lengths)
    return found


class Repeats:
    """The last WINDOW identities of each device, in a ring. Exact however rows are cut into calls."""

    def __init__(self) -> None:
        self._rings = Columns(
            {
                "key": StateColumn("u8", 0, WINDOW),
                "at_s": StateColumn("f8", -np.inf, WINDOW),
                "next": StateColumn("i8", 0),
            }
        )

    def fresh(self, device: Ints, kind: Ints, boot: Ints, seq: Ints, received_s: Floats) -> Bools:
        """True where a row is new. Rows are in order of arrival; all are remembered, the repeats too."""
        if not len(device):
            return np.zeros(0, dtype=bool)
        self._rings.grow(int(device.max()) + 1)
        key = identities(kind, boot, seq, device)
        hashed = boot < 0
        rank = ranks(device)
        repeat, accepted_s = self._in_ring(device, key, hashed, rank, received_s)
        self._among_themselves(key, hashed, rank, received_s, repeat, accepted_s)
        slot = (self._rings.next[device] + rank) % WINDOW
        self._rings.key[device, slot] = key
        self._rings.at_s[device, slot] = accepted_s
        np.maximum.at(self._rings.next, device, self._rings.next[device] + rank + 1)
        return ~repeat

    def _in_ring(self, device: Ints, key: Keys, hashed: Bools, rank: Ints, received_s: Floats) -> tuple[Bools, Floats]:
        """Which rows the rings hold already, and when each row's identity was accepted."""
        repeat = np.zeros(len(device), dtype=bool)
        accepted_s = received_s.copy()
        rows, slots = np.nonzero(self._rings.key[device] == key[:, None])
        if len(rows):
            of = device[rows]
            age = (self._rings.next[of] - 1 - slots) % WINDOW + rank[rows]
            at_s = self._rings.at_s[of, slots]
            alive = (age < WINDOW) & (~hashed[rows] | (np.abs(received_s[rows] - at_s) <= REPEAT_S))
            repeat[rows[alive]] = True
            np.minimum.at(accepted_s, rows[alive], at_s[alive])
        return repeat, accepted_s

    @staticmethod
    def _among_themselves(
        key: Keys, hashed: Bools, rank: Ints, received_s: Floats, repeat: Bools, accepted_s: Floats
    ) -> None:
        """Mark rows of this call that repeat an earlier one of it."""
        order = np.argsort(key, kind="stable")
        again = np.flatnonzero(key[order][1:] == key[order][:-1])
        for place in again.tolist():  # repeats only, so rare
            earlier, later = order[place], order[place + 1]
            if repeat[later] or rank[later] - rank[earlier] > WINDOW:
                continue
            if not hashed[later] or abs(received_s[later] - accepted_s[earlier]) <= REPEAT_S:
                repeat[later] = True
                accepted_s[later] = accepted_s[earlier]

    def packed(self) -> dict[str, Packed]:
        """For a snapshot."""
        return self._rings.packed()

    def restore(self, packed: dict[str, Any], size: int) -> None:
        """From a snapshot."""
        self._rings.restore(packed, size)

    @property
    def size(self) -> int:
        return self._rings.size
