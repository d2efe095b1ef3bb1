"""An SOS with a broken GPS is still an SOS: urgent readings are taken without their bad fields, and the bad fields are told."""

import json
import re
from typing import Any

import msgspec

from contracts.kinds import KINDS, URGENT, Reading
from ingest.refusals import Refusal, explain

_AT = re.compile(r"at `\$\.([a-z0-9_]+)")
_UNKNOWN = re.compile(r"unknown field `(.*)`")


def salvage(element: bytes) -> tuple[Reading, Refusal] | None:
    """The urgent reading in ``element`` without the fields that cannot be used, and what was wrong with them.

    None where it is not of an urgent kind, or what it must say (that there is an alarm) does not read.
    """
    try:
        # Bytes that are no UTF-8, and half a surrogate pair that no UTF-8 can hold: a question mark takes their place.
        text = json.dumps(json.loads(element.decode(errors="replace")), ensure_ascii=False)
        fields = json.loads(text.encode(errors="replace"))
    except (ValueError, RecursionError):
        return None
    kind = fields.get("kind") if isinstance(fields, dict) else None
    if not isinstance(kind, str) or kind not in URGENT:
        return None
    return _without_bad_fields(KINDS[kind], fields)


def _without_bad_fields(kind: type[Reading], fields: dict[str, Any]) -> tuple[Reading, Refusal] | None:
    required = {field.name for field in msgspec.structs.fields(kind) if field.required}
    left: list[str] = []
    first: Exception | None = None
    for _ in range(len(fields) + 1):
        try:
            reading = msgspec.convert(fields, kind)
        except msgspec.ValidationError as error:
            found = _AT.search(str(error)) or _UNKNOWN.search(str(error))
            if found is None or found[1] not in fields or found[1] in required or found[1] == "kind":
                return None
            first = first or error
            left.append(found[1])
            del fields[found[1]]
        else:
            if first is None:
                return None  # nothing was wrong: the caller need not have asked
            reason, detail = explain(first)
            return reading, Refusal(reason, f"taken without {', '.join(left)}. {detail}", taken=True)
    return None
