"""Native JSON: one reading or a list of them, decoded straight into the kinds. A bad element is refused alone."""

import json
import math
from collections.abc import Iterator
from typing import Any, Union

import msgspec

from contracts.dead_letters import Reason
from contracts.kinds import FROM_DEVICES, KINDS, Canary, Inertial, Reading, Status
from ingest.refusals import Refusal, Refused, explain, refuse
from ingest.salvage import salvage

_ANY_KIND: Any = Union[tuple(KINDS[name] for name in FROM_DEVICES)]  # noqa: UP007 - built from the table
_MANY = msgspec.json.Decoder(_ANY_KIND | list[_ANY_KIND])
decode_many = _MANY.decode
"""A reading or a list of them, or one of _BAD_JSON; ``check`` has to follow for some kinds."""
_ONE = msgspec.json.Decoder(_ANY_KIND)
_RAW_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_STATUS = msgspec.json.Decoder(Status)
_INERTIAL = msgspec.json.Decoder(Inertial)
_CANARY = msgspec.json.Decoder(Canary)
_BAD_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Elements(msgspec.Struct, frozen=True, gc=False):
    """What a payload held. ``readings``: (place in the list, reading)."""

    readings: list[tuple[int, Reading]]
    refusals: list[Refusal]


def read_many(payload: bytes) -> Elements:
    """A reading or a list of readings; ``kind`` in each."""
    try:
        found = _MANY.decode(payload)
    except _BAD_JSON as error:
        return _one_by_one(payload, error)
    if isinstance(found, list):
        return _checked(enumerate(found))
    return _checked(((0, found),)) if isinstance(found, (Inertial, Status)) else Elements([(0, found)], [])


def read_status(payload: bytes) -> Elements:
    """One status; ``kind`` may be left out, so that a last will can be as short as ``{"online": false}``."""
    return _read_alone(_STATUS, payload)


def read_inertial(payload: bytes) -> Elements:
    """One block of motion samples; ``kind`` may be left out."""
    return _read_alone(_INERTIAL, payload)


def read_canary(payload: bytes) -> Elements:
    """One canary, and nothing else."""
    return _read_alone(_CANARY, payload)


def _read_alone(decoder: msgspec.json.Decoder[Any], payload: bytes) -> Elements:
    try:
        return _checked(((0, decoder.decode(payload)),))
    except msgspec.ValidationError as error:
        return Elements([], [refuse(*explain(error), payload)])
    except _BAD_JSON as error:
        return _with_constants(payload, error)


def _checked(found: Any) -> Elements:
    """What types cannot say: whole rows of samples, no NUL in text."""
    readings: list[tuple[int, Reading]] = []
    refusals: list[Refusal] = []
    for place, reading in found:
        try:
            check(reading)
        except Refused as refused:
            refusals.append(Refusal(refused.reason, refused.detail, reading.boot, reading.seq, reading.device))
        else:
            readings.append((place, reading))
    return Elements(readings, refusals)


def check(reading: Reading) -> None:
    """Raises Refused for what the Struct's types let pass and the columns must not hold."""
    if isinstance(reading, Inertial):
        row = 2 * reading.channels
        if len(reading.samples) % row:
            detail = f"samples: {len(reading.samples)} bytes are no whole rows of {reading.channels} int16 ({row} bytes each): the block was cut short"
            raise Refused("bad_block", detail)
    elif isinstance(reading, Status) and reading.firmware is not None and "\0" in reading.firmware:
        raise Refused(
            "wrong_type",
            "firmware: text holds a NUL character. End the text before it (a C string's end was sent along)",
        )


def _one_by_one(payload: bytes, error: Exception) -> Elements:
    """The slow way for a payload that does not decode as a whole: keep what is good in it."""
    if not isinstance(error, msgspec.ValidationError):
        return _with_constants(payload, error)
    try:
        raws = [bytes(raw) for raw in _RAW_LIST.decode(payload)]
    except msgspec.ValidationError:  # one object
        elements = Elements([], [])
        _take(elements, 0, payload, "")
        return elements
    except _BAD_JSON as malformed:
        return _with_constants(payload, malformed)  # good JSON up to an element of the wrong type, and none after it
    elements = Elements([], [])
    for place, raw in enumerate(raws):
        _take(elements, place, raw, f"element {place}: ")
    return elements


def _take(elements: Elements, place: int, raw: bytes, where: str) -> None:
    try:
        read = _checked(((place, _ONE.decode(raw)),))
    except _BAD_JSON as error:
        reason, detail = explain(error)
        _refuse(elements, place, raw, refuse(reason, where + detail, raw))
        return
    elements.readings.extend(read.readings)
    elements.refusals.extend(
        msgspec.structs.replace(refusal, detail=where + refusal.detail) for refusal in read.refusals
    )


def _refuse(elements: Elements, place: int, raw: bytes, refusal: Refusal) -> None:
    """Refuse an element, unless it is urgent and what it must say can be read."""
    saved = salvage(raw)
    if saved is None:
        elements.refusals.append(refusal)
        return
    reading, note = saved
    elements.readings.append((place, reading))
    elements.refusals.append(note)


def _with_constants(payload: bytes, error: Exception) -> Elements:
    """NaN and Infinity are no JSON, but some devices write them: refuse the readings that hold them and keep those beside."""
    reason, detail = explain(error)
    whole = Elements([], [refuse(reason, detail, payload)])
    try:
        found = json.loads(payload)
    except UnicodeDecodeError:
        return _not_utf8(payload, whole, reason, detail)
    except (ValueError, RecursionError):
        return whole
    elements = Elements([], [])
    for place, element in enumerate(found if isinstance(found, list) else [found]):
        where = f"element {place}: " if isinstance(found, list) else ""
        fields = list(_not_finite(element))
        finite = (
            element
            if not fields
            else {key: value for key, value in element.items() if key not in fields}
            if isinstance(element, dict)
            else None
        )
        try:
            raw = msgspec.json.encode(finite)
        except UnicodeEncodeError:  # half a surrogate pair
            raw = json.dumps(element).encode()
            _refuse(elements, place, raw, refuse(reason, where + detail, raw))
            continue
        except (ValueError, TypeError, RecursionError, OverflowError):
            return whole
        if fields:
            why = f"{where}{', '.join(fields)}: NaN or infinite, which is no measurement. Leave a field out (or null) where nothing was measured"
            _refuse(elements, place, json.dumps(element).encode(), refuse("out_of_range", why, raw))
        else:
            _take(elements, place, raw, where)
    return elements


def _not_utf8(payload: bytes, whole: Elements, reason: Reason, detail: str) -> Elements:
    """Text that is no UTF-8 is refused, but for urgent readings that can be read all the same."""
    try:
        found = json.loads(payload.decode(errors="replace"))
    except (ValueError, RecursionError):
        return whole
    elements = Elements([], [])
    for place, element in enumerate(found if isinstance(found, list) else [found]):
        raw = json.dumps(element).encode()
        _refuse(elements, place, raw, refuse(reason, detail, raw))
    return elements


def _not_finite(element: Any) -> Iterator[str]:
    """Names of the top fields that hold NaN or an infinity."""
    if isinstance(element, dict):
        for name, value in element.items():
            if _holds_no_number(value):
                yield name
    elif _holds_no_number(element):
        yield "value"


def _holds_no_number(value: Any) -> bool:
    if isinstance(value, float):
        return not math.isfinite(value)
    if isinstance(value, list):
        return any(map(_holds_no_number, value))
    return isinstance(value, dict) and any(map(_holds_no_number, value.values()))
