"""Snapshots in records: the newest whole one is found, whatever lies beside it."""

import random

from stream.snapshots import SHARD_BYTES, Newest, cut, key_prefix

Records = list[tuple[bytes, bytes]]


def records(size: int, offset: int, worker: str = "w1", slot: int = 0, partition: int = 3) -> Records:
    return cut(
        bytes([offset % 251]) * size,
        format="1",
        group="stream",
        partition=partition,
        worker=worker,
        slot=slot,
        offset=offset,
    )


def compacted(log: Records) -> Records:
    """What the broker keeps in the end: the last value of each key."""
    return list(dict(log).items())


def test_records_stay_under_a_megabyte_and_come_together_again() -> None:
    made = records(int(2.5 * SHARD_BYTES), 7)
    assert len(made) == 3
    assert max(len(value) for _, value in made) < 1_000_000
    found = Newest("1", "stream", 3).read_all(random.Random(1).sample(made, 3))
    assert found is not None
    assert (found.offset, len(found.data)) == (7, int(2.5 * SHARD_BYTES))


def test_a_snapshot_of_which_a_record_is_missing_is_none() -> None:
    assert Newest("1", "stream", 3).read_all(records(2 * SHARD_BYTES, 7)[:1]) is None


def test_a_worker_that_dies_while_it_writes_leaves_its_older_snapshot_whole() -> None:
    log = (
        records(2 * SHARD_BYTES, 7, slot=0)
        + records(2 * SHARD_BYTES, 9, slot=1)
        + records(2 * SHARD_BYTES, 11, slot=0)[:1]
    )
    for kept in (log, compacted(log)):
        found = Newest("1", "stream", 3).read_all(kept)
        assert found is not None
        assert found.offset == 9


def test_a_frozen_twin_that_wakes_up_overwrites_nothing_of_its_successor() -> None:
    first, rest = records(2 * SHARD_BYTES, 7, "w1")[:1], records(2 * SHARD_BYTES, 7, "w1")[1:]
    log = first + records(2 * SHARD_BYTES, 9, "w2") + rest
    found = Newest("1", "stream", 3).read_all(compacted(log))
    assert found is not None
    assert found.offset == 9


def test_the_highest_source_offset_wins_not_the_last_written() -> None:
    found = Newest("1", "stream", 3).read_all(records(10, 9, "w2") + records(10, 7, "w1"))
    assert found is not None
    assert found.offset == 9


def test_snapshots_of_other_groups_and_partitions_and_nonsense_are_passed_over() -> None:
    other = cut(b"x", format="1", group="stream-urgent-1", partition=3, worker="w1", slot=0, offset=99)
    log: list[tuple[bytes | None, bytes | None]] = [
        *records(10, 50, partition=33), *other, (None, b"x"), (key_prefix("stream", 3).encode(), b"nonsense"), (b"stream/3/w1/0/0", None),
    ]  # fmt: skip
    assert Newest("1", "stream", 3).read_all(log) is None


def test_a_snapshot_beyond_the_end_of_the_log_speaks_of_another_log() -> None:
    assert Newest("1", "stream", 3, not_after=5).read_all(records(10, 9)) is None


def test_a_snapshot_of_another_format_is_passed_over() -> None:
    assert Newest("2", "stream", 3).read_all(records(10, 9)) is None
