"""What the writer has to account for beside the rows: numbers stored, devices seen, hours to roll up. Pure: Arrow in, columns out.

Accounts are merged into the database every few seconds, not with each batch, because one row of accounting costs as much as a
reading. Kafka's offsets move only together with them: after a crash the frames since are read again, which is
harmless for the rows and makes the accounts whole.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from contracts.dead_letters import DeadLetter
from contracts.kinds import UNRESOLVED
from storage.columns import SOURCE
from storage.copy_binary import Column, compute

ROLLED_UP = ("vitals", "motion", "contact", "presence", "water", "power", "air", "holding", "status")
"""Kinds with an hourly roll-up."""
HOUR_S = 3600.0
LATE_S = 3600.0
"""A row later than this marks its own home's hour; an earlier one marks the hour of all homes."""
LATE_HOMES = 1000
"""More late homes than this in one hour: the hour is rolled up for all of them at once."""

Columns = dict[str, list[Any]]


class Counts:
    """Collects accounts until they are merged."""

    def __init__(self) -> None:
        self._rows: list[pa.Table] = []
        self._told: dict[tuple[str, str, int], int] = {}
        self._refused: set[tuple[str, str, int, int]] = set()
        self._hours: set[tuple[str, float]] = set()
        self._late: dict[tuple[str, float], set[str]] = {}

    def add(self, tables: Mapping[str, pa.Table], letters: Iterable[DeadLetter] = ()) -> None:
        """Rows by kind, with the column SOURCE, and dead letters."""
        for kind, table in tables.items():
            heard = pa.repeat(pa.scalar(True), len(table))
            if kind == "status":
                # The last will is sent by the broker: it says that the device is away, not that it was heard.
                heard = compute.not_equal(table["online"], False).fill_null(True)
                self._tell(table)
            rows = table.select(["home_id", "boot", "seq", "received_at_s", "device_id", "via", SOURCE])
            self._rows.append(rows.append_column("heard", heard))
            if kind in ROLLED_UP:
                self._mark(kind, table)
        for letter in letters:
            home_id, _, device_id = letter.account.partition(".")
            if home_id and device_id and letter.boot is not None and letter.seq is not None and letter.boot >= 0:
                self._refused.add((home_id, device_id, letter.boot, letter.seq))

    def runs(self) -> Columns:
        """Runs of stored numbers by publisher and boot, as the query ``merge_counts`` takes them."""
        rows = self._joined()
        rows = rows.filter(compute.greater_equal(rows["boot"], 0))
        publisher = compute.coalesce(rows["via"], rows["device_id"])
        codes = _codes(rows["home_id"], publisher, rows["boot"].cast(pa.string()))
        seq = _numbers(rows["seq"]).astype(np.int64)
        order = np.lexsort((seq, codes))
        codes, seq = codes[order], seq[order]
        begins = np.flatnonzero(np.r_[True, (np.diff(codes) != 0) | (np.diff(seq) > 1)][: len(seq)])
        ends = _ends(begins, len(seq))
        at = order[begins]
        last_s = np.maximum.reduceat(_numbers(rows["received_at_s"])[order], begins) if len(begins) else np.empty(0)
        return {
            "home_ids": rows["home_id"].take(at).to_pylist(), "device_ids": publisher.take(at).to_pylist(),
            "boots": rows["boot"].take(at).to_pylist(), "from_seqs": seq[begins].tolist(), "to_seqs": seq[ends].tolist(),
            "last_at_s": last_s.tolist(),
        }  # fmt: skip

    def seen(self) -> Columns:
        """First and last arrival of each device, and of hubs through their children; for the query ``merge_seen``."""
        rows = self._joined()
        rows = rows.filter(rows["heard"])
        relayed = rows.filter(compute.is_valid(rows["via"]))
        homes = pa.chunked_array([*rows["home_id"].chunks, *relayed["home_id"].chunks], type=pa.string())
        devices = pa.chunked_array([*rows["device_id"].chunks, *relayed["via"].chunks], type=pa.string())
        sources = pa.chunked_array([*rows[SOURCE].chunks, *relayed[SOURCE].chunks], type=pa.string())
        at_s = np.r_[_numbers(rows["received_at_s"]), _numbers(relayed["received_at_s"])]
        codes = _codes(homes, devices)
        order = np.lexsort((at_s, codes))
        begins = np.flatnonzero(np.r_[True, np.diff(codes[order]) != 0][: len(order)])
        at = order[_ends(begins, len(order))]
        return {
            "home_ids": homes.take(at).to_pylist(), "device_ids": devices.take(at).to_pylist(),
            "first_at_s": at_s[order[begins]].tolist(), "last_at_s": at_s[at].tolist(), "sources": sources.take(at).to_pylist(),
        }  # fmt: skip

    def told(self) -> Columns:
        """Highest number that each device stated; for the query ``merge_told``."""
        return _columns(("home_ids", "device_ids", "boots", "seqs"), [(*key, seq) for key, seq in self._told.items()])

    def refused(self) -> Columns:
        """Numbers of dead letters; for the query ``merge_refused``."""
        return _columns(("home_ids", "device_ids", "boots", "seqs"), sorted(self._refused))

    def marks(self) -> Columns:
        """Hours to roll up again; for the query ``mark_rollups``."""
        marks = {(kind, "", hour_s) for kind, hour_s in self._hours}
        for (kind, hour_s), homes in self._late.items():
            if (kind, "", hour_s) not in marks:
                marks |= {(kind, home_id, hour_s) for home_id in (homes if len(homes) <= LATE_HOMES else [""])}
        return _columns(("kinds", "home_ids", "hour_at_s"), sorted(marks))

    def _tell(self, table: pa.Table) -> None:
        told = table.filter(compute.and_(compute.is_valid(table["last_seq"]), compute.greater_equal(table["boot"], 0)))
        publisher = compute.coalesce(told["via"], told["device_id"])
        columns: list[list[Any]] = [c.to_pylist() for c in (told["home_id"], publisher, told["boot"], told["last_seq"])]
        for home_id, device_id, boot, seq in zip(*columns, strict=True):
            key = (home_id, device_id, boot)
            self._told[key] = max(seq, self._told.get(key, -1))

    def _mark(self, kind: str, table: pa.Table) -> None:
        event_s = _numbers(table["event_at_s"])
        known = _numbers(table["clock"]) != UNRESOLVED
        hours_s = np.floor(event_s / HOUR_S) * HOUR_S
        late = known & (_numbers(table["received_at_s"]) - event_s > LATE_S)
        self._hours |= {(kind, hour_s) for hour_s in np.unique(hours_s[known & ~late]).tolist()}
        late_homes, late_hours_s = table["home_id"].filter(pa.array(late)), hours_s[late]
        for hour_s in np.unique(late_hours_s).tolist():
            homes = compute.unique(late_homes.filter(pa.array(late_hours_s == hour_s))).to_pylist()
            self._late.setdefault((kind, hour_s), set()).update(homes)

    def _joined(self) -> pa.Table:
        if not self._rows:
            return _NOTHING
        return pa.concat_tables(self._rows).combine_chunks()


_COLUMNS: dict[str, pa.DataType] = {
    "home_id": pa.string(), "boot": pa.int64(), "seq": pa.int64(), "received_at_s": pa.float64(),
    "device_id": pa.string(), "via": pa.string(), SOURCE: pa.string(), "heard": pa.bool_(),
}  # fmt: skip
_NOTHING = pa.schema(_COLUMNS).empty_table()


def _numbers(column: Column) -> npt.NDArray[Any]:
    return np.asarray(column.to_numpy())


def _codes(*columns: Column) -> npt.NDArray[np.int32]:
    """A small integer for each different combination of text columns."""
    joined = compute.binary_join_element_wise(*columns, "/")
    encoded = compute.dictionary_encode(joined)
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    return np.asarray(encoded.indices.to_numpy())


def _ends(begins: npt.NDArray[np.intp], size: int) -> npt.NDArray[np.intp]:
    """Last place of each group, from the groups' first places."""
    ends: npt.NDArray[np.intp] = np.r_[begins[1:], size][: len(begins)] - 1
    return ends


def _columns(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Columns:
    columns: Columns = {name: [] for name in names}
    for row in rows:
        for name, value in zip(names, row, strict=True):
            columns[name].append(value)
    return columns
