"""What a home's devices said in the hours before an event, for a picture beside the case. Pure: rows in, stretches out.

An empty stretch means "nothing was said there" only where somebody listened; where nobody did it is unknown, and said to be.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

STRETCH = timedelta(minutes=10)
"""Chosen: a stay in a room is seen, and six hours are 36 columns, each wide enough to point at."""
BEFORE = timedelta(hours=6)
"""How far back. Chosen: usual silences by day are shorter, so what was usual before the event is in the picture."""
AFTER = timedelta(minutes=30)
"""How far on, where that much is known: whether somebody moved after a fall says much."""

Span = tuple[datetime, datetime]


class Line(msgspec.Struct, frozen=True):
    """One kind of thing in one place. ``minutes``: of each stretch, those in which something happened."""

    kind: str
    role: str
    room: str
    minutes: list[int]


def window(event_at: datetime, known_until: datetime) -> Span:
    """From when to when is shown; the event is always inside."""
    return event_at - BEFORE, max(event_at, min(event_at + AFTER, known_until))


def lines_of(rows: Iterable[Mapping[str, Any]], span: Span) -> list[Line]:
    """Rows of ``activity_of_home`` as lines: rooms first, then doors, then what is used."""
    places = -(-(span[1] - span[0]) // STRETCH) or 1
    found: dict[tuple[str, str, str], list[int]] = {}
    for row in rows:
        # A room is one line however many sensors it has; of two devices in one minute that is counted once a device, and ten is all there is.
        key = (row["kind"], "" if row["kind"] == "motion" else row["role"], row["room"])
        minutes = found.setdefault(key, [0] * places)
        if 0 <= row["place"] < places:
            minutes[row["place"]] = min(10, minutes[row["place"]] + row["minutes"])
    order = ("motion", "presence", "contact", "power", "water")
    return [
        Line(*key, minutes)
        for key, minutes in sorted(found.items(), key=lambda each: (order.index(each[0][0]), each[0]))
    ]


def blind_spans(changes: Sequence[Mapping[str, Any]]) -> list[Span]:
    """When a home was blind, from its kept changes (wall clock), newest first; the last one lasts."""
    spans: list[Span] = []
    until = datetime.max.replace(tzinfo=changes[0]["at"].tzinfo) if changes else None
    for row in changes:
        assert until is not None
        if row["state"] == "blind":
            spans.append((min(row["cannot_see_since"] or row["at"], row["at"]), until))
        until = row["at"]
    return spans


def unknown(
    span: Span, spans: Iterable[Span], *, heard_from: datetime | None, known_until: datetime | None
) -> list[Span]:
    """The parts of ``span`` of which nothing is known, joined and in order. ``heard_from`` None: the home was never heard."""
    if heard_from is None or known_until is None:
        return [span]
    wanted = [*spans, (span[0], heard_from), (known_until, span[1])]
    joined: list[Span] = []
    for begin, end in sorted((max(begin, span[0]), min(end, span[1])) for begin, end in wanted):
        if begin >= end:
            continue
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((begin, end))
    return joined
