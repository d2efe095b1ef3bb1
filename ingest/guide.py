"""The table of kinds in the device maker's guide, made from the contract: ``python -m ingest.guide`` writes it anew."""

import sys
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from contracts.kinds import FROM_DEVICES, KINDS, URGENT, VALUES

GUIDE = Path(__file__).resolve().parent.parent / "docs" / "device-makers.md"
BEGIN, END = "<!-- kinds: made by python -m ingest.guide -->", "<!-- end of kinds -->"
_WORDS = {float: "number", int: "whole number", bool: "true / false", str: "text", bytes: "base64"}


def _words(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        return _words(next(argument for argument in arguments if argument is not type(None)))
    if origin is Literal:
        return " / ".join(map(str, arguments))
    if origin is not Annotated:
        return _WORDS[annotation]
    base, meta = _words(arguments[0]), arguments[1]
    low = meta.ge if meta.ge is not None else meta.gt
    if low is not None:
        return f"{base} {low:,.10g} to {meta.le:,.10g}" if meta.le < 1e12 else f"{base} from {low:,.10g}"
    unit = " bytes" if base == "base64" else " characters"
    return f"{base}, at most {meta.max_length:,}{unit}" if meta.max_length else base


def kinds_table() -> str:
    """One row a kind: its fields with their limits; what must be there in bold."""
    rows = ["| `kind` | what | fields (**required**) |", "|---|---|---|"]
    for name in FROM_DEVICES:
        kind = KINDS[name]
        hints = get_type_hints(kind, include_extras=True)
        required = {field.name for field in msgspec.structs.fields(kind) if field.required}
        fields = []
        for column in VALUES[name]:
            label = f"**`{column.name}`**" if column.name in required else f"`{column.name}`"
            fields.append(f"{label} {_words(hints[column.name])}")
        what = (kind.__doc__ or "").strip().splitlines()[0].replace("``", "`")
        rows.append(f"| `{name}`{' **urgent**' if name in URGENT else ''} | {what} | {'; '.join(fields)} |")
    return "\n".join(rows)


def with_table(guide: str) -> str:
    """The guide's text with the present table between its marks. Raises ValueError where a mark is missing."""
    before, _, rest = guide.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"{GUIDE.name} lacks the mark {BEGIN!r} or {END!r}")
    return f"{before}{BEGIN}\n{kinds_table()}\n{END}{after}"


if __name__ == "__main__":
    text = GUIDE.read_text()
    renewed = with_table(text)
    GUIDE.write_text(renewed)
    sys.exit(print("docs/device-makers.md:", "as it was" if renewed == text else "table of kinds written"))
