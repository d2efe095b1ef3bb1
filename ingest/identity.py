"""Which reading a row is: (device, boot, seq) where the device counts, else a hash (docs/decisions/0002)."""

import hashlib
import struct


def hashed(channel: str, kind: str, payload: bytes, place: int, received_at_s: float | None) -> int:
    """63-bit identity of a reading without numbers: channel, payload, place in a list and kind (one payload may give several rows).

    ``received_at_s``: given where the payload carries no time. Two equal payloads are then two readings: counting a repeat twice is
    harmless, while dropping a second press or a second "offline" is not. With a time, equal payloads are one reading sent twice.
    """
    digest = hashlib.blake2b(payload, digest_size=8, person=b"shouwang")
    digest.update(f"|{channel}|{kind}|{place}".encode())
    if received_at_s is not None:
        digest.update(struct.pack("<d", received_at_s))
    return int.from_bytes(digest.digest(), "little") >> 1
