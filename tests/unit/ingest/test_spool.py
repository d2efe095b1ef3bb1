"""The spool's files: in order, bounded, and what a crash tore is cut and nothing else."""

import os
import random
from pathlib import Path

import pytest

from ingest.errors import SpoolInUse
from ingest.spool import Record, Spool, is_left

ROOM = 1 << 30


def record(number: int, size: int = 100) -> Record:
    return Record("readings.v1", number % 4, None, float(number), random.Random(number).randbytes(size))


def drain(spool: Spool, limit_bytes: int = 1 << 20) -> list[Record]:
    found: list[Record] = []
    while chunk := spool.next(limit_bytes):
        found += [each for _, each in chunk]
        spool.done(chunk)
    return found


def test_what_is_held_comes_out_in_order_and_nothing_is_left_on_disk(tmp_path: Path) -> None:
    spool = Spool(tmp_path, ROOM, 0)
    records = [record(number) for number in range(500)]
    for begin in range(0, 500, 50):
        assert len(spool.hold(records[begin : begin + 50])) == 50
    assert (spool.records, spool.oldest_at_s) == (500, 0.0)
    assert spool.bytes > 500 * 100
    assert drain(spool, 3_000) == records
    assert (spool.records, spool.bytes, spool.oldest_at_s) == (0, 0, None)
    assert not is_left(tmp_path)


def test_places_name_the_records_that_come_out_later(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 2 << 20, 0)  # segments of 128 KiB
    records = [record(number, 3_000) for number in range(200)]
    places = [place for begin in range(0, 200, 7) for place in spool.hold(records[begin : begin + 7])]
    assert places == sorted(places)
    assert len({place.segment for place in places}) > 3
    found = []
    while chunk := spool.next():
        found += chunk
        spool.done(chunk)
    assert found == list(zip(places, records, strict=True))


def test_the_next_process_goes_on_where_this_one_was(tmp_path: Path) -> None:
    records = [record(number) for number in range(100)]
    first = Spool(tmp_path, ROOM, 0)
    first.hold(records[:60])
    chunk = first.next(2_000)
    first.done(chunk)
    first.next(2_000)  # on its way when it dies: sent again
    first.close()
    second = Spool(tmp_path, ROOM, 0)
    assert second.records == 60 - len(chunk)
    assert second.oldest_at_s == len(chunk)
    second.hold(records[60:])
    assert drain(second) == records[len(chunk) :]
    second.close()
    third = Spool(tmp_path, ROOM, 0)
    third.hold(records[:3])
    assert drain(third) == records[:3]


@pytest.mark.parametrize("cut", [1, 7, 8, 9, 60, 107])
def test_a_torn_tail_is_cut_and_all_before_it_is_there(tmp_path: Path, cut: int) -> None:
    spool = Spool(tmp_path, ROOM, 0)
    records = [record(number) for number in range(10)]
    spool.hold(records)
    (segment,) = tmp_path.glob("*.spool")
    spool.close()
    os.truncate(segment, segment.stat().st_size - cut)
    again = Spool(tmp_path, ROOM, 0)
    assert again.records == 9
    again.hold([record(10)])
    assert drain(again) == [*records[:9], record(10)]
    assert again.damaged == 0


def test_garbage_at_the_end_is_cut(tmp_path: Path) -> None:
    spool = Spool(tmp_path, ROOM, 0)
    spool.hold([record(1)])
    (segment,) = tmp_path.glob("*.spool")
    spool.close()
    with segment.open("ab") as file:
        file.write(bytes(4_096))  # a file system that knew the new length and not yet the bytes
    again = Spool(tmp_path, ROOM, 0)
    assert drain(again) == [record(1)]


def test_a_lost_position_means_that_all_of_it_goes_again(tmp_path: Path) -> None:
    spool = Spool(tmp_path, ROOM, 0)
    records = [record(number) for number in range(10)]
    spool.hold(records)
    spool.done(spool.next(300))
    spool.close()
    (tmp_path / "position.json").write_bytes(b"")
    assert drain(Spool(tmp_path, ROOM, 0)) == records


def test_a_segment_that_does_not_read_is_set_aside_and_those_behind_it_come(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 2 << 20, 0)
    records = [record(number, 30_000) for number in range(20)]
    for each in records:
        spool.hold([each])
    first, second, *_ = sorted(tmp_path.glob("*.spool"))
    data = bytearray(first.read_bytes())
    data[35_000] ^= 1  # in its second record
    first.write_bytes(data)
    found = drain(spool)
    assert found[0] == records[0]
    behind = found[1].at_s
    assert behind > 1
    assert found[1:] == records[int(behind) :]
    assert spool.damaged == 1
    assert (first.with_name(f"{first.name}.damaged")).read_bytes() == data
    assert not second.exists()
    assert (spool.records, spool.bytes) == (0, 0)


def test_full_takes_as_many_as_there_is_room_for_and_more_when_kafka_took_some(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 1 << 20, 0)
    records = [record(number, 20_000) for number in range(100)]
    held = spool.hold(records[:10])
    assert len(held) == 10
    held += spool.hold(records[10:])
    assert 45 < len(held) < 53
    assert sum(path.stat().st_size for path in tmp_path.glob("*.spool")) <= 1 << 20
    assert spool.hold(records[len(held) :]) == []
    chunk = spool.next(1 << 20)
    spool.done(chunk)
    taken = [each for _, each in chunk]
    next_one = spool.next(1)  # what is done leaves the disk with the next look
    assert len(held) + len(spool.hold(records[len(held) :])) == 50 or next_one
    taken += drain(spool)
    assert taken == records[: len(taken)]


def test_the_disk_keeps_room_for_others(tmp_path: Path) -> None:
    free = os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize
    assert Spool(tmp_path / "a", ROOM, 2 * free).hold([record(1)]) == []
    assert len(Spool(tmp_path / "b", ROOM, free // 2).hold([record(1)])) == 1


def test_without_a_limit_nothing_is_taken_but_what_is_there_comes_out(tmp_path: Path) -> None:
    spool = Spool(tmp_path, ROOM, 0)
    spool.hold([record(1)])
    spool.close()
    off = Spool(tmp_path, 0, 0)
    assert off.hold([record(2)]) == []
    assert drain(off) == [record(1)]


def test_two_bridges_do_not_share_a_spool(tmp_path: Path) -> None:
    first = Spool(tmp_path, ROOM, 0)
    with pytest.raises(SpoolInUse, match="SHOUWANG_INGEST_SOURCE"):
        Spool(tmp_path, ROOM, 0)
    first.close()
    Spool(tmp_path, ROOM, 0)


def test_a_disk_that_fails_says_so_and_the_next_try_begins_a_file_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path, ROOM, 0)
    spool.hold([record(1)])

    def fails(_: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", fails)
        with pytest.raises(OSError, match="Input/output"):
            spool.hold([record(2)])
    spool.hold([record(2), record(3)])
    assert drain(spool) == [record(1), record(2), record(3)]
