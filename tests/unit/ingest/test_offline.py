"""Offline frames: the same rows however they are cut, and every payload that the gate takes can be framed."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.frames import decode
from contracts.kinds import ENVELOPE
from contracts.partitions import partition_of
from ingest.offline import frames_of
from ingest.refusals import Refusal

AREA = "999999999"


def message(home: str, channel: str, payload: Any) -> tuple[str, bytes]:
    return f"shouwang/v1/{AREA}/{home}.hub/{channel}", json.dumps(payload).encode()


def story() -> list[tuple[str, bytes]]:
    """A day of two homes, with an SOS, a backlog, a refused reading and time running on behind the end."""
    found = []
    for minute in range(200):
        at = 1_700_000_000.0 + 60 * minute
        found.append(message("home-1", "telemetry", {"kind": "motion", "moving": minute % 2 == 0, "t": at}))
        found.append(message("home-2", "z2m/door", {"contact": minute % 3 == 0, "battery": 80, "last_seen": at * 1000}))
        if minute == 100:
            found.append(message("home-1", "event", {"kind": "call", "t": at + 5, "boot": 1, "seq": 1}))
            found.append(
                message(
                    "home-2",
                    "telemetry",
                    [{"kind": "vitals", "t": at - 3_600 + i, "heart_rate_bpm": 70 + i} for i in range(5)],
                )
            )
            found.append(message("home-2", "telemetry", {"kind": "vitals", "heart_rate_bpm": 900}))
    found.append(message("home-1", "clock", {"t": 1_700_000_000.0 + 86_400}))
    return found


def rows_of(cut: int, partitions: int = 16) -> dict[tuple[str, int], list[dict[str, Any]]]:
    rows: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for lane, partition, value in frames_of(story(), "replay-1", partitions, cut=cut):
        frame = decode(value)
        found = [{**row, "kind": kind} for kind, batch in frame.batches.items() for row in batch.to_pylist()]
        found.sort(key=lambda row: row["ordinal"])
        rows.setdefault((lane, partition), []).extend({**row, "ordinal": 0} for row in found)
    return rows


def test_the_cut_changes_no_row_and_no_order() -> None:
    whole = rows_of(100_000)
    assert rows_of(1) == rows_of(7) == whole
    assert sum(map(len, whole.values())) == 200 + 400 + 2 * 1 + 5


def test_urgent_rows_stand_in_both_lanes_and_the_same_row_is_the_same_in_both() -> None:
    rows = rows_of(50)
    partition = partition_of("home-1", 16)
    calls = {lane: [row for row in rows[lane, partition] if row["kind"] == "call"] for lane in ("bulk", "urgent")}
    assert calls["bulk"] == calls["urgent"]
    assert len(calls["bulk"]) == 1
    assert [row["kind"] for row in rows["urgent", partition]] == ["call"]


def test_a_backlog_keeps_its_own_times_and_arrival_never_goes_back() -> None:
    for rows in rows_of(10).values():
        received = [row["received_at_s"] for row in rows]
        assert received == sorted(received)
        assert all(row["event_at_s"] == row["device_at_s"] for row in rows)


def test_time_is_stated_and_reaches_the_end_in_every_partition_with_a_home() -> None:
    last: dict[tuple[str, int], float] = {}
    for lane, partition, value in frames_of(story(), "replay-1", cut=25):
        meta = decode(value).meta
        assert (meta.source, meta.clock, meta.lane, meta.unwatched) == ("replay-1", "recorded", lane, ())
        assert meta.watched_until_s is not None
        assert meta.watched_until_s >= last.get((lane, partition), 0.0)
        last[lane, partition] = meta.watched_until_s
    homes = {partition_of("home-1", 16), partition_of("home-2", 16)}
    assert set(last) == {(lane, partition) for lane in ("bulk", "urgent") for partition in homes}
    assert {round(until) for until in last.values()} == {1_700_000_000 + 86_400}


def test_no_row_stands_behind_a_statement_that_it_was_complete() -> None:
    stated: dict[tuple[str, int], float] = {}
    for lane, partition, value in frames_of(story(), "replay-1", cut=3):
        frame = decode(value)
        for batch in frame.batches.values():
            assert min(batch.column("received_at_s").to_pylist()) > stated.get((lane, partition), 0.0)
        stated[lane, partition] = frame.meta.watched_until_s or 0.0


def test_what_is_refused_is_told() -> None:
    refused: list[tuple[str, Refusal]] = []
    list(frames_of(story(), "replay-1", refused=refused))
    assert [refusal.reason for _, refusal in refused] == ["out_of_range"]


VALUES = st.sampled_from(
    [
        0,
        1,
        -1,
        3.5,
        60,
        2**62,
        2**63,
        1e9,
        1.7e9,
        True,
        False,
        None,
        "press",
        "hold",
        "a\ud83d\ude00b",
        "x\0",
        "pir",
        [1],
        {},
    ]
)
KINDS = st.sampled_from(
    [
        "motion",
        "contact",
        "presence",
        "water",
        "power",
        "air",
        "holding",
        "position",
        "status",
        "call",
        "fall_alarm",
        "smoke_alarm",
        "vitals",
    ]
)
FIELDS = st.sampled_from(
    [
        "t",
        "sent",
        "boot",
        "seq",
        "device",
        "resident",
        "moving",
        "open",
        "present",
        "alarm",
        "temperature_c",
        "steps",
        "lat_deg",
        "lon_deg",
        "firmware",
        "last_seq",
        "online",
        "litres",
        "on",
        "test",
        "cause",
        "action",
    ]
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.builds(lambda kind, rest: {"kind": kind, **rest}, KINDS, st.dictionaries(FIELDS, VALUES, max_size=6)),
        max_size=6,
    )
)
def test_whatever_the_gate_takes_can_be_framed_and_read(readings: list[dict[str, Any]]) -> None:
    refused: list[tuple[str, Refusal]] = []
    values = [
        value
        for lane, _, value in frames_of([message("home-1", "telemetry", readings)], "r", refused=refused)
        if lane == "bulk"
    ]
    rows = [row for value in values for batch in decode(value).batches.values() for row in batch.to_pylist()]
    taken = sum(not refusal.taken for _, refusal in refused)
    assert len(rows) == len(readings) - taken
    assert all(row[column.name] is not None for row in rows for column in ENVELOPE if not column.nullable)
