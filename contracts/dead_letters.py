"""Dead letters: refused payloads with their reason, on ``dead-letters.v1``, so that nothing refused is lost or unexplained."""

from typing import Literal

import msgspec

Reason = Literal[
    "unknown_topic", "unknown_channel", "bad_id", "not_json", "wrong_type", "out_of_range", "oversize", "too_old", "too_far_ahead",
    "bad_block", "not_allowed", "gate_error", "bad_frame", "detector_error", "bad_detection",
]  # fmt: skip
PAYLOAD_LIMIT = 65_536
"""Bytes of a refused payload that are kept."""


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """One refused payload. ``detail`` says what was wrong, where, and what to do."""

    at_s: float
    stage: str
    source: str
    topic: str
    account: str
    reason: Reason
    detail: str
    boot: int | None = None
    seq: int | None = None
    """Number of the refused reading, where it could be read: it is then no gap."""
    size: int = 0
    payload: bytes = b""


_DECODER = msgspec.json.Decoder(DeadLetter)


def encode(letter: DeadLetter) -> bytes:
    return msgspec.json.encode(letter)


def decode(value: bytes) -> DeadLetter:
    return _DECODER.decode(value)
