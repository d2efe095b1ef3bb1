"""Frames and batches for tests, in few words."""

from collections.abc import Sequence
from typing import Any

from contracts.frames import Envelope, Frame, FrameBuilder, FrameMeta, decode
from contracts.kinds import DEVICE, KINDS
from storage.telemetry import Batch, Statement, batch_of

T0 = 1_790_000_000.0
"""An instant inside an hour of the year 2026."""


def row(
    kind: str = "vitals", *, seq: int, at_s: float = T0, home: str = "h-1", device: str = "watch", boot: int = 1, clock: int = DEVICE,
    received_at_s: float | None = None, device_at_s: float | str | None = "same", via: str | None = None, **values: Any,
) -> tuple[str, Envelope, dict[str, Any]]:  # fmt: skip
    """One row; by default measured at T0 on a good clock and received a tenth of a second later."""
    told = at_s if device_at_s == "same" else device_at_s
    arrived = at_s + 0.1 if received_at_s is None else received_at_s
    envelope = Envelope(home, device, via, None, at_s, arrived, told, clock, boot, seq)  # type: ignore[arg-type]
    defaults: dict[str, dict[str, Any]] = {
        "motion": {"moving": True}, "contact": {"open": True}, "presence": {"present": True}, "call": {}, "fall_alarm": {"alarm": True},
    }  # fmt: skip
    return kind, envelope, defaults.get(kind, {}) | values


def frame(
    rows: Sequence[tuple[str, Envelope, dict[str, Any]]], *, source: str = "main", until_s: float | None = T0,
    unwatched: tuple[tuple[float, float], ...] = (),
) -> bytes:  # fmt: skip
    """A bulk frame with these rows, as Kafka carries it."""
    builder = FrameBuilder()
    for kind, envelope, values in rows:
        builder.add(kind, envelope, KINDS[kind](**values))
    return builder.build(FrameMeta(source=source, lane="bulk", watched_until_s=until_s, unwatched=unwatched))


def batch(*rows: tuple[str, Envelope, dict[str, Any]], source: str = "main", **stated: Any) -> Batch:
    """The rows as the store takes them."""
    found: Frame = decode(frame(rows, source=source, **stated))
    return batch_of([(Statement(0, T0, found.meta), found.batches)])
