"""Receipts: what a device hears after an urgent message, on ``.../receipt``."""

from typing import Literal

import msgspec


class Receipt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``ok``: Kafka holds it. ``duplicate``: Kafka held it already. ``invalid``: refused, and why. ``taken``: a person has it."""

    code: Literal["ok", "duplicate", "invalid", "taken"]
    server_time: float
    """Bridge clock, epoch seconds."""
    boot: int | None = None
    seq: int | None = None
    device: str | None = None
    """The child that the hub named; None where the account itself measured."""
    reason: str = ""


def encode(receipt: Receipt) -> bytes:
    return msgspec.json.encode(receipt)
