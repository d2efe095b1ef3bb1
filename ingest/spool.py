"""The spool: what Kafka does not take waits on disk, in order, until it does. Plain files; no clock, no loop, one caller at a time.

A folder of segments ``00000001.spool``, ``00000002.spool``, …, each a row of records: 4 bytes length, 4 bytes CRC-32 (both little-endian), then
msgpack with the value compressed by zstd. ``hold`` returns when the disk has them (fdatasync). ``position.json`` says how far Kafka has got; it is
not flushed, because a record that is sent twice does no harm. What is found torn at the end of the newest segment was never held and is cut; what
does not read elsewhere is set aside as ``*.damaged``, said, and passed over.
"""

import fcntl
import logging
import os
import shutil
import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

import cramjam
import msgspec

from ingest.errors import SpoolInUse

log = logging.getLogger(__name__)

SEGMENT_BYTES = 16 << 20
"""A segment is closed at this size. Its room is free again when Kafka has all of it, so a full spool of 4 GiB gets room in steps of 0.4 %."""
CHUNK_BYTES = 4 << 20
"""So much is read back at once, compressed; a bridge that is killed sends at most so much twice."""
_HEAD = struct.Struct("<II")
_LEVEL = 1
"""zstd's fastest usual level: a frame of 83 rows shrank from 26 to 3 KB in 0.05 ms (its third level: 2.6 KB in 0.07)."""


class Record(msgspec.Struct, frozen=True, array_like=True):
    """One Kafka record on its way."""

    topic: str
    partition: int | None
    key: bytes | None
    at_s: float
    """When it was put here, wall clock."""
    value: bytes


class Place(NamedTuple):
    """Where a record begins. Later ones are greater."""

    segment: int
    offset: int


_RECORD = msgspec.msgpack.Decoder(Record)
_PLACE = msgspec.json.Decoder(Place)
_START = Place(0, 0)


class Spool:
    """``limit_bytes``: most on disk; 0 = nothing new is taken. ``leave_bytes``: so much of the disk stays free for others.

    Raises SpoolInUse where another process has the folder open, and OSError where the disk does not let us.
    """

    def __init__(self, folder: Path, limit_bytes: int, leave_bytes: int) -> None:
        self.folder = folder
        self.limit_bytes = limit_bytes
        self._leave_bytes = leave_bytes
        self._segment_bytes = max(1 << 16, min(SEGMENT_BYTES, limit_bytes // 16))
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = (folder / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise SpoolInUse(folder=folder) from None
        self._writing: BinaryIO | None = None
        self._sizes: dict[int, int] = {}
        """Segment -> bytes in it that are held, in order."""
        self._read = _START
        """Where what the last ``next`` gave ends."""
        self.damaged = 0
        """Segments set aside since the start."""
        self.bytes = 0
        """On disk and not known to be in Kafka."""
        self.records = 0
        """Held here and not known to be in Kafka."""
        self.oldest_at_s: float | None = None
        """About when the oldest of them was put here, wall clock, from below; None = nothing is here."""
        self._at = self._position()
        self._open()

    def _open(self) -> None:
        found = sorted(int(path.stem) for path in self.folder.glob("*.spool") if path.stem.isdigit())
        self._next = max([*found, self._at.segment]) + 1
        for segment in found:
            if segment < self._at.segment:
                self._path(segment).unlink()
            else:
                self._sizes[segment] = self._path(segment).stat().st_size
        if self._sizes:
            self._cut(max(self._sizes))
            self.records = self._count()
        head = self.next(1)
        self.oldest_at_s = head[0][1].at_s if head else None
        self._weigh()

    def _position(self) -> Place:
        try:
            return _PLACE.decode((self.folder / "position.json").read_bytes())
        except (OSError, msgspec.DecodeError):
            return _START  # none yet, or lost with the machine: all that is here is sent (again)

    def _cut(self, segment: int) -> None:
        """The newest segment may end in a record that was being written when its writer died."""
        data = self._path(segment).read_bytes()
        good = 0
        while (record := _record_at(data, good)) is not None:
            good = record[1]
        if good < len(data):
            log.warning(
                "%s: %d bytes at the end were not yet held when their bridge died, cut",
                self._path(segment),
                len(data) - good,
            )
            with self._path(segment).open("r+b") as file:
                file.truncate(good)
                os.fdatasync(file.fileno())
            self._sizes[segment] = good

    def _places(self, segment: int) -> Iterator[Place]:
        """Of each record of a segment that is not in Kafka, without reading it."""
        size = self._sizes[segment]
        with self._path(segment).open("rb") as file:
            offset = self._at.offset if segment == self._at.segment else 0
            while offset + _HEAD.size <= size:
                yield Place(segment, offset)
                file.seek(offset)
                offset += _HEAD.size + _HEAD.unpack(file.read(_HEAD.size))[0]

    def _count(self) -> int:
        try:
            return sum(1 for segment in self._sizes for _ in self._places(segment))
        except OSError as error:
            log.warning("%s: cannot be counted: %s", self.folder, error)
            return 0

    def _path(self, segment: int) -> Path:
        return self.folder / f"{segment:08}.spool"

    def _weigh(self) -> None:
        self.bytes = sum(self._sizes.values()) - (self._at.offset if self._at.segment in self._sizes else 0)

    # Behind

    def hold(self, records: Sequence[Record]) -> list[Place]:
        """Append as many as there is room for, from the first on; returns where each of those stands, once the disk has them. Raises OSError."""
        written, places = bytearray(), []
        room = self._room()
        segment, begin = self._next - 1, self._sizes.get(self._next - 1, 0)
        if self._writing is None or begin >= self._segment_bytes:
            segment, begin = self._next, 0
        for record in records:
            packed = _packed(record)
            if len(written) + len(packed) > room:
                break
            places.append(Place(segment, begin + len(written)))
            written += packed
        if places:
            self._write(segment, begin, written)
            self._weigh()
            self.records += len(places)
            if self.oldest_at_s is None:
                self.oldest_at_s = records[0].at_s
        return places

    def _room(self) -> int:
        on_disk = sum(self._sizes.values())
        return min(self.limit_bytes - on_disk, shutil.disk_usage(self.folder).free - self._leave_bytes)

    def _write(self, segment: int, begin: int, data: bytearray) -> None:
        try:
            if self._writing is None or segment == self._next:
                self._close_segment()
                self._writing = self._path(segment).open("xb", buffering=0)
                self._next = segment + 1
                _flush_folder(self.folder)
            view = memoryview(data)
            while view:
                view = view[self._writing.write(view) :]
            os.fdatasync(self._writing.fileno())
        except OSError:
            self._abandon(segment, begin)
            raise
        self._sizes[segment] = begin + len(data)

    def _abandon(self, segment: int, good: int) -> None:
        """After a failed flush nobody knows what of it is on the disk: what was held before stays, the next try has a segment of its own."""
        self._next = max(self._next, segment + 1)
        try:
            if self._writing is not None:
                os.ftruncate(self._writing.fileno(), good)
        except OSError as error:
            log.warning("%s: what was not held cannot be cut: %s", self._path(segment), error)
        self._close_segment()

    def _close_segment(self) -> None:
        writing, self._writing = self._writing, None
        if writing is not None:
            try:
                writing.close()
            except OSError as error:
                log.warning("%s: %s", self.folder, error)

    # In front

    def next(self, limit_bytes: int = CHUNK_BYTES) -> list[tuple[Place, Record]]:
        """The oldest records, of at most about ``limit_bytes`` (but at least one); none = all that reads is in Kafka."""
        while self._sizes:
            segment = min(self._sizes)
            at = max(self._at, Place(segment, 0))
            if at.offset >= self._sizes[segment]:
                self._drop(segment)
                continue
            try:
                found, why = self._read_from(at, limit_bytes), "its check sum is wrong"
            except OSError as error:
                found, why = [], str(error)
            if found:
                return found
            self._set_aside(at, why)
        self.records, self.bytes, self.oldest_at_s = 0, 0, None
        return []

    def _read_from(self, at: Place, limit_bytes: int) -> list[tuple[Place, Record]]:
        size = self._sizes[at.segment]
        with self._path(at.segment).open("rb") as file:
            file.seek(at.offset)
            data = file.read(min(max(limit_bytes, 1 << 16), size - at.offset))
            if len(data) >= _HEAD.size:  # one record may be longer
                data += file.read(max(0, min(_HEAD.size + _HEAD.unpack_from(data)[0], size - at.offset) - len(data)))
        found: list[tuple[Place, Record]] = []
        here = 0
        while (record := _record_at(data, here)) is not None and (here < limit_bytes or not found):
            found.append((Place(at.segment, at.offset + here), record[0]))
            here = record[1]
        self._read = Place(at.segment, at.offset + here)
        return found

    def done(self, records: Sequence[tuple[Place, Record]]) -> None:
        """Kafka holds what the last ``next`` gave. Raises OSError where that cannot be written down; it counts nevertheless."""
        self._at = self._read
        self._weigh()
        self.records -= len(records)
        self.oldest_at_s = records[-1][1].at_s
        draft = self.folder / "position.draft"
        draft.write_bytes(msgspec.json.encode(self._at))
        draft.replace(self.folder / "position.json")

    def _drop(self, segment: int) -> None:
        """Kafka has all of it."""
        self._forget(segment)
        try:
            self._path(segment).unlink(missing_ok=True)
        except OSError as error:
            log.warning("%s: Kafka has all of it, but it cannot be removed: %s", self._path(segment), error)

    def _set_aside(self, at: Place, why: str) -> None:
        path = self._path(at.segment)
        log.error(
            "%s: does not read from byte %d on: %s. What follows there was acknowledged and is not in Kafka. It is kept as %s.damaged; look at the disk",
            path, at.offset, why, path.name,
        )  # fmt: skip
        self.damaged += 1
        self._forget(at.segment)
        self.records = self._count()
        self._weigh()
        try:
            path.replace(path.with_name(f"{path.name}.damaged"))
        except OSError as error:
            log.error("%s: cannot be renamed: %s", path, error)

    def _forget(self, segment: int) -> None:
        if segment == self._next - 1:
            self._close_segment()
        del self._sizes[segment]

    def close(self) -> None:
        """Leave the folder to the next one."""
        self._close_segment()
        self._lock.close()


def is_left(folder: Path) -> bool:
    """Whether an earlier bridge left something in this folder."""
    return any(folder.glob("*.spool"))


def _packed(record: Record) -> bytes:
    small = msgspec.structs.replace(record, value=bytes(cramjam.zstd.compress(record.value, level=_LEVEL)))
    body = msgspec.msgpack.encode(small)
    return _HEAD.pack(len(body), zlib.crc32(body)) + body


def _record_at(data: bytes, offset: int) -> tuple[Record, int] | None:
    """(record, where the next begins); None where no whole, sound one begins."""
    body = offset + _HEAD.size
    if body > len(data):
        return None
    length, crc = _HEAD.unpack_from(data, offset)
    packed = memoryview(data)[body : body + length]
    if length == 0 or len(packed) < length or zlib.crc32(packed) != crc:
        return None
    record = _RECORD.decode(packed)
    return msgspec.structs.replace(record, value=bytes(cramjam.zstd.decompress(record.value))), body + length


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
