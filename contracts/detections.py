"""Detections: what the stream says to alerts, as CloudEvents 1.0 (structured mode, JSON)."""

import uuid
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

NAMESPACE = uuid.UUID("5f0c2f0e-8a55-5d0c-9d5a-5a1d4b1e7a10")
TYPE = "shouwang.detection.v1"

Family = Literal[
    "sos", "fall", "no_life", "smoke", "gas", "co", "stove", "water", "wandering", "vitals", "food", "technical"
]
FAMILIES: tuple[str, ...] = Family.__args__  # type: ignore[attr-defined]
"""Alarm families: one open case for each (home, family)."""


def detection_id(subject: str, detector: str, started_at_s: float) -> str:
    """uuid5 of (subject, detector, episode start in ms): the same from both lanes, both workers and every replay."""
    return str(uuid.uuid5(NAMESPACE, f"{subject}|{detector}|{round(started_at_s * 1000)}"))


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """The message that caused a detection, so that its device can be told that a person has taken it."""

    device_id: str
    """The account's device part (the hub, if one relayed it)."""
    boot: int
    seq: int


class Detection(msgspec.Struct, frozen=True, kw_only=True):
    """One statement of a detector about one episode."""

    detection_id: str
    detector: str
    family: Family
    lane: Literal["bulk", "urgent"]
    home_id: str
    device_id: str | None = None
    resident_id: str | None = None
    room: str | None = None
    revision: int = 1
    """Counts up per (detection_id, lane); an older one that arrives later is ignored."""
    on: bool = True
    """The condition: true, or over (for a latching family that only is shown), or withdrawn (``withdrawn``)."""
    withdrawn: bool = False
    """What followed shows that it was nothing (rose and walked): lowers the score, is shown, closes nothing."""
    started_at_s: float
    """Start of the episode, event time; frozen at first firing."""
    event_at_s: float
    """Event time of what led to this revision."""
    decided_at_s: float
    """Stream time of the decision (the bridge's clock)."""
    score: int
    """0-4: how sure the detector is of this by itself."""
    reason: str
    """Key of the sentence that an operator reads, e.g. ``inactivity.silent``; its numbers stand in ``evidence``."""
    evidence: dict[str, float | str] = {}
    about: str | None = None
    """Another detection of the same home. This one supports it; or, ``withdrawn`` with a score of 1 or more, contradicts it: somebody else
    saw that it was nothing, and is so sure. The engine's own ``withdraw`` takes back what was said, with score 0."""
    test: bool = False
    source: str = ""
    """Source (bridge) of the home; ``clock`` is that source's."""
    clock: str = "wall"
    card_version: int = 0
    origin: Origin | None = None
    """Set where a device asked for help by a message of its own."""


class CloudEvent(msgspec.Struct, frozen=True, kw_only=True):
    """CloudEvents 1.0 envelope. ``id`` is detection id / lane / revision."""

    specversion: Literal["1.0"] = "1.0"
    id: str
    source: str
    type: str = TYPE
    subject: str
    time: datetime
    datacontenttype: str = "application/json"
    data: Detection


_DECODER = msgspec.json.Decoder(CloudEvent)


def encode(detection: Detection) -> bytes:
    """Kafka value of a detection."""
    return msgspec.json.encode(
        CloudEvent(
            id=f"{detection.detection_id}/{detection.lane}/{detection.revision}",
            source=f"/shouwang/stream/{detection.detector}",
            subject=f"home/{detection.home_id}",
            time=datetime.fromtimestamp(detection.decided_at_s, UTC),
            data=detection,
        )
    )


def decode(value: bytes) -> Detection:
    """Detection of a Kafka value. Raises msgspec.ValidationError or msgspec.DecodeError."""
    return _DECODER.decode(value).data


def as_line(detection: Detection) -> dict[str, Any]:
    """What ``detect`` writes for one detection: detector, home, onset, decided at, score, reasons."""
    return {
        "detector": detection.detector, "home": detection.home_id, "device": detection.device_id, "onset": detection.started_at_s,
        "decided_at": detection.decided_at_s, "on": detection.on, "withdrawn": detection.withdrawn, "revision": detection.revision,
        "lane": detection.lane, "score": detection.score, "reasons": [detection.reason], "evidence": detection.evidence, "id": detection.detection_id,
    }  # fmt: skip
