"""What the writer has to account for beside the rows: numbers stored, devices seen, hours to roll up. Pure: Arrow in, columns out.

Accounts are merged into the database every few seconds, with a city's devices every few minutes, not with each batch, because one row
of accounting costs as much as a reading. The offsets of accounts move only together with them: after a crash the frames since are
counted again, which makes the accounts whole.
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

COMPACT_ROWS = 50_000
"""Rows that are kept as they came before they are put together: of a device that speaks each minute one row is left of many."""

Columns = dict[str, list[Any]]


class Counts:
    """Collects accounts until they are merged."""

    def __init__(self) -> None:
        self._runs: list[pa.Table] = []
        self._seen: list[pa.Table] = []
        self._loose = 0
        """Rows since all was put together."""
        self._told: dict[tuple[str, str, int], int] = {}
        self._refused: set[tuple[str, str, int, int]] = set()
        self._hours: set[tuple[str, float]] = set()
        self._late: dict[tuple[str, float], set[str]] = {}

    def add(self, tables: Mapping[str, pa.Table], letters: Iterable[DeadLetter] = ()) -> None:
        """Rows by kind, with the column SOURCE, and dead letters."""
        for kind, table in tables.items():
            heard = table
            if kind == "status":
                # The last will is sent by the broker: it says that the device is away, not that it was heard.
                heard = table.filter(compute.not_equal(table["online"], False).fill_null(True))
                self._tell(table)
            self._note_runs(table)
            self._note_seen(heard)
            if kind in ROLLED_UP:
                self._mark(kind, table)
            self._loose += len(table)
        for letter in letters:
            home_id, _, device_id = letter.account.partition(".")
            if home_id and device_id and letter.boot is not None and letter.seq is not None and letter.boot >= 0:
                self._refused.add((home_id, device_id, letter.boot, letter.seq))
        if self._loose > COMPACT_ROWS:
            self._runs, self._seen, self._loose = [self._put_together()], [self._all_seen()], 0

    def runs(self) -> Columns:
        """Runs of stored numbers by publisher and boot, as the query ``merge_counts`` takes them."""
        return self._put_together().to_pydict()

    def seen(self) -> Columns:
        """First and last arrival of each device, and of hubs through their children; for the query ``merge_seen``."""
        return self._all_seen().to_pydict()

    def _note_runs(self, table: pa.Table) -> None:
        rows = table.filter(compute.greater_equal(table["boot"], 0))
        publisher = compute.coalesce(rows["via"], rows["device_id"])
        seq = rows["seq"].cast(pa.int64())
        columns = [rows["home_id"], publisher, rows["boot"].cast(pa.int64()), seq, seq, rows["received_at_s"]]
        self._runs.append(pa.Table.from_arrays(columns, schema=_RUNS))

    def _note_seen(self, heard: pa.Table) -> None:
        relayed = heard.filter(compute.is_valid(heard["via"]))
        for rows, device in ((heard, "device_id"), (relayed, "via")):
            if len(rows):
                at_s = rows["received_at_s"]
                self._seen.append(
                    pa.Table.from_arrays([rows["home_id"], rows[device], at_s, at_s, rows[SOURCE]], schema=_SEEN)
                )

    def _put_together(self) -> pa.Table:
        """Runs that meet as one."""
        rows = _joined(self._runs, _RUNS)
        codes = _codes(rows["home_ids"], rows["device_ids"], rows["boots"].cast(pa.string()))
        first, last, at_s = (_numbers(rows[name]) for name in ("from_seqs", "to_seqs", "last_at_s"))
        order = np.lexsort((first, codes))
        codes, first, last, at_s = codes[order], first[order], last[order], at_s[order]
        begins = np.flatnonzero(np.r_[True, (np.diff(codes) != 0) | (first[1:] > last[:-1] + 1)][: len(order)])
        found = rows.take(order[begins])
        if not len(begins):
            return found
        ends, newest = np.maximum.reduceat(last, begins), np.maximum.reduceat(at_s, begins)
        return pa.Table.from_arrays(
            [*(found[name] for name in _RUNS.names[:4]), pa.array(ends), pa.array(newest)], schema=_RUNS
        )

    def _all_seen(self) -> pa.Table:
        """One row for each device."""
        rows = _joined(self._seen, _SEEN)
        codes = _codes(rows["home_ids"], rows["device_ids"])
        first_s, last_s = _numbers(rows["first_at_s"]), _numbers(rows["last_at_s"])
        order = np.lexsort((last_s, codes))
        begins = np.flatnonzero(np.r_[True, np.diff(codes[order]) != 0][: len(order)])
        found = rows.take(order[_ends(begins, len(order))])
        if not len(begins):
            return found
        earliest = np.minimum.reduceat(first_s[order], begins)
        return found.set_column(_SEEN.names.index("first_at_s"), "first_at_s", pa.array(earliest))

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


_RUN_COLUMNS: dict[str, pa.DataType] = {
    "home_ids": pa.string(), "device_ids": pa.string(), "boots": pa.int64(), "from_seqs": pa.int64(), "to_seqs": pa.int64(),
    "last_at_s": pa.float64(),
}  # fmt: skip
_SEEN_COLUMNS: dict[str, pa.DataType] = {
    "home_ids": pa.string(), "device_ids": pa.string(), "first_at_s": pa.float64(), "last_at_s": pa.float64(), "sources": pa.string(),
}  # fmt: skip
_RUNS, _SEEN = pa.schema(_RUN_COLUMNS), pa.schema(_SEEN_COLUMNS)


def _joined(tables: Sequence[pa.Table], schema: pa.Schema) -> pa.Table:
    return pa.concat_tables([schema.empty_table(), *tables]).combine_chunks()


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
