"""Records of one partition, cut into lots: what goes into one transaction. Pure.

A person's alarm goes alone, so nothing else can hold it up or undo it. Technical ones of different homes go together: when ten thousand
devices fall silent at once, most of the cost is in round trips and commits. Records that the database holds already (the twin was faster) only move the offset.
Canaries go apart, and become no case.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

import msgspec

from contracts import canaries, detections
from contracts.detections import CloudEvent, Detection
from contracts.errors import ShouwangError


class BadDetection(ShouwangError):
    """This record is no detection that can be taken: {detail}. It is kept as a dead letter; correct the detector that sent it."""


class Record(Protocol):
    """What is needed of aiokafka's ConsumerRecord."""

    topic: str
    partition: int
    offset: int
    value: bytes | None


class Lot(msgspec.Struct, frozen=True):
    """Records that are done together: ``known`` ones are passed over, a ``bad`` one becomes a dead letter, ``canary`` ones are told of, the others are admitted."""

    what: Literal["admit", "known", "bad", "canary"]
    records: tuple[Record, ...]
    detections: tuple[Detection, ...] = ()
    detail: str = ""


def read(value: bytes | None) -> Detection:
    """The detection of a Kafka value. Raises BadDetection.

    Lenient where an alarm would otherwise be lost for a trifle: numbers that JSON cannot say (NaN comes as null) are left out of the
    evidence, a score beyond 0 to 4 is brought within, NUL is taken out of texts (PostgreSQL has none).
    """
    try:
        try:
            detection = detections.decode(value or b"")
        except msgspec.ValidationError:
            detection = _mended(value or b"")
        if "\\u0000" in (value or b"").decode():
            detection = msgspec.convert(_without_nul(msgspec.to_builtins(detection)), Detection)
        for at_s in (detection.started_at_s, detection.event_at_s, detection.decided_at_s):
            datetime.fromtimestamp(at_s, UTC)
        if not -(2**31) <= detection.revision < 2**31:
            raise ValueError(f"revision {detection.revision} is out of range")
    except (msgspec.MsgspecError, ValueError, OverflowError, OSError) as error:
        raise BadDetection(detail=str(error) or type(error).__name__) from error
    if not 0 <= detection.score <= 4:
        detection = msgspec.structs.replace(detection, score=min(max(detection.score, 0), 4))
    return detection


def _mended(value: bytes) -> Detection:
    event = msgspec.json.decode(value)
    data = event.get("data") if isinstance(event, dict) else None
    if isinstance(data, dict) and isinstance(data.get("evidence"), dict):
        data["evidence"] = {
            name: found for name, found in data["evidence"].items() if isinstance(found, int | float | str)
        }
    return msgspec.convert(event, CloudEvent, strict=True).data


def _without_nul(thing: Any) -> Any:
    if isinstance(thing, str):
        return thing.replace("\0", "")
    if isinstance(thing, dict):
        return {_without_nul(key): _without_nul(value) for key, value in thing.items()}
    return thing


Decoded = tuple[Record, Detection | BadDetection]


def decoded(records: Iterable[Record]) -> list[Decoded]:
    """Each record with its detection, or with why it is none."""
    found: list[Decoded] = []
    for record in records:
        try:
            found.append((record, read(record.value)))
        except BadDetection as error:
            found.append((record, error))
    return found


def cut(found: Sequence[Decoded], held: set[tuple[str, str, int]], most: int) -> list[Lot]:
    """Lots in the records' order; ``most`` technical detections in one."""
    lots: list[Lot] = []
    for record, detection in found:
        if isinstance(detection, BadDetection):
            lots.append(Lot("bad", (record,), detail=str(detection)))
            continue
        if detection.detector == canaries.DETECTOR:
            if lots and lots[-1].what == "canary":
                lots[-1] = Lot("canary", (*lots[-1].records, record), (*lots[-1].detections, detection))
            else:
                lots.append(Lot("canary", (record,), (detection,)))
            continue
        key = (detection.detection_id, detection.lane, detection.revision)
        what: Literal["known", "admit"] = "known" if key in held else "admit"
        alone = what == "admit" and detection.family != "technical"
        last = lots[-1] if lots else None
        if last is None or alone or last.what != what or not _has_room(last, detection, most):
            lots.append(Lot(what, (record,), (detection,)))
        else:
            lots[-1] = Lot(what, (*last.records, record), (*last.detections, detection))
    return lots


def _has_room(lot: Lot, detection: Detection, most: int) -> bool:
    if lot.what == "known":
        return True
    full = len(lot.records) >= most or lot.detections[-1].family != "technical"
    return not full and all(each.home_id != detection.home_id for each in lot.detections)
