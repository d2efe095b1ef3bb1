"""Why a payload is refused, in words that say what was wrong, where, and what to do."""

from typing import Any

import msgspec

from contracts.dead_letters import Reason


class Refusal(msgspec.Struct, frozen=True):
    """A payload, or one element of it, that is no reading. ``boot``, ``seq``, ``device``: where they could be read all the same."""

    reason: Reason
    detail: str
    boot: int | None = None
    seq: int | None = None
    device: str | None = None
    taken: bool = False
    """The reading itself was taken, without what is told here; its numbers are then left out."""


class Refused(Exception):
    """Carries a Refusal out of the function that found it."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason: Reason = reason
        self.detail = detail


class _Numbers(msgspec.Struct):
    boot: Any = None
    seq: Any = None
    device: Any = None


_NUMBERS = msgspec.json.Decoder(_Numbers)
_NOT_MEASURED = "leave a field out (or null) where nothing was measured"


def refuse(reason: Reason, detail: str, element: bytes | memoryview | None = None) -> Refusal:
    """A Refusal, with the numbers of the reading if ``element`` (its JSON) shows them."""
    boot = seq = device = None
    if element is not None:
        try:
            numbers = _NUMBERS.decode(element)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass
        else:
            boot, seq = _counter(numbers.boot), _counter(numbers.seq)
            device = numbers.device if isinstance(numbers.device, str) and len(numbers.device) <= 40 else None
    return Refusal(reason, detail, boot, seq, device)


def _counter(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 2**62 else None


def explain(error: Exception) -> tuple[Reason, str]:
    """Reason and detail of what msgspec found in a payload."""
    text = str(error)
    if not isinstance(error, msgspec.ValidationError):
        return "not_json", f"{text}. Send one JSON object, or a list of them, in UTF-8"
    what, at, path = text.partition(" - at `")
    field = path.rstrip("`").removeprefix("$").lstrip(".") if at else ""
    where = f"{field}: " if field else ""
    if "matching regex" in what:
        return "bad_id", f"{where}ids are 1 to 40 of a-z, 0-9 and hyphen, not beginning with a hyphen"
    if field == "samples" and ("base64" in what or "length" in what):
        return "bad_block", f"samples: {what}. Send 6 to 262,144 bytes of little-endian int16 as base64"
    if "out of range" in what or " >= " in what or " <= " in what or " > " in what or " < " in what:
        return "out_of_range", f"{where}{what}. Beyond what is physically possible; {_NOT_MEASURED}"
    if field == "kind" and "'card'" in what:
        return "not_allowed", "kind: home cards are written by the site itself, never by a device"
    if field == "kind" or "field `kind`" in what:
        return "wrong_type", f"{where}{what}. `kind` must name one of the kinds in the device maker's guide"
    if "unknown field" in what:
        return "wrong_type", f"{where}{what}. Names carry their unit: see the kinds in the device maker's guide"
    return "wrong_type", f"{where}{what}. Correct the type; {_NOT_MEASURED}"
