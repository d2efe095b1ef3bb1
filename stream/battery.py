"""The battery: every case of every detector, under every change that must not matter.

``run_story`` plays a story through real frames and a real engine; ``run_case`` also checks what the case says. The changes: other
cuts into frames, ticks between them, a restart from a snapshot in mid-stream, a repeated frame, other homes interleaved (that
live the same, or that lose rows and send others late). What may change an answer but must never raise: late rows, NaN, gaps,
devices on no card.
"""

import math
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec

from contracts.detections import Detection
from contracts.frames import Envelope, FrameBuilder, FrameMeta
from contracts.kinds import DEVICE, KINDS, UNRESOLVED, Card
from stream.detector import Case, Detector, Story
from stream.engine import Engine
from stream.repeats import WINDOW

DAY = (2026, 3, 2)
"""A Monday without a change of clocks in any zone. Stories start at its local midnight."""
YEAR_S = 31_536_000.0
"""An instant below this is counted from a story's zero, s."""
SOURCE = "battery"
OVERRIDES = ("boot", "seq", "resident", "via", "clock")
"""Names that a row's values may hold beside its kind's fields: they go into the envelope."""


class CaseFailed(AssertionError):
    """A detector did not say what its case asks."""


@dataclass(frozen=True)
class Item:
    """One row on its way: when it arrives, whose it is, and what it says."""

    arrives_s: float
    home_id: str
    device_id: str
    kind: str
    event_at_s: float
    seq: int
    values: Mapping[str, Any]


def start_of(story: Story) -> float:
    """Epoch seconds of the story's zero: local midnight in its card's zone."""
    zone = ZoneInfo(story.card.zone if story.card is not None else "Asia/Shanghai")
    return datetime(*DAY, tzinfo=zone).timestamp()


def _dated(card: Card, start_s: float) -> Card:
    """The card with its instants on the story's day: below YEAR_S they count from the story's zero, as the rows' do."""
    visit_s = card.visitor_until_s
    if visit_s is None or visit_s >= YEAR_S:
        return card
    return msgspec.structs.replace(card, visitor_until_s=start_s + visit_s)


def items_of(story: Story, home_id: str) -> list[Item]:
    """The story's rows in order of arrival, until it ends; each device counts from boot 1, seq 0."""
    start_s = start_of(story)
    counted: dict[str, int] = {}
    items = []
    for index, (at_s, device_id, kind, values) in enumerate(story.rows):
        seq = counted[device_id] = counted.get(device_id, -1) + 1
        items.append(Item(start_s + story.late.get(index, at_s), home_id, device_id, kind, start_s + at_s, seq, values))
    return sorted(
        (item for item in items if item.arrives_s <= start_s + story.ends_at_s), key=lambda item: item.arrives_s
    )


def frames_of(
    items: Sequence[Item], story: Story, home_ids: Sequence[str], lane: str, cut: Callable[[int], Sequence[int]] | None = None,
    statements: random.Random | None = None, repeat: bool = False, clock: str = "wall",
) -> Iterator[bytes]:  # fmt: skip
    """The story as frames: a tick and the cards, then the rows, then what brings stream time to the story's end.

    ``cut``: from the number of rows to the places at which frames end (else at every 50 rows and 10 minutes). ``statements``: draws how much of
    what may be stated each frame states, and ticks between frames. ``repeat``: each frame comes twice.
    """
    start_s, end_s = start_of(story), start_of(story) + story.ends_at_s
    waiting = sorted((start_s + a, start_s + b) for a, b in story.unwatched)

    def build(rows: Sequence[Item], until_s: float, unwatched: tuple[tuple[float, float], ...] = ()) -> bytes:
        builder = FrameBuilder()
        for item in rows:
            builder.add(item.kind, _envelope(item), _reading(item))
        return builder.build(
            FrameMeta(source=SOURCE, lane=lane, watched_until_s=until_s, unwatched=unwatched, clock=clock)
        )

    yield build([], start_s)
    if story.card is not None:
        builder = FrameBuilder()
        for home_id in home_ids:
            dated = _dated(story.card, start_s)
            builder.add("card", Envelope(home_id, "card", None, None, start_s, start_s, None, DEVICE, -1, 0), dated)
        yield builder.build(FrameMeta(source=SOURCE, lane=lane, watched_until_s=start_s))
    ends = sorted({*(cut(len(items)) if cut is not None else _usual_cut(items)), len(items)} - {0})
    stated_s, first = start_s, 0
    for end in ends:
        while first < end:
            # Nobody watched: what was known before stands in frames before the interval, and the first frame after states it.
            edge = waiting[0] if waiting else None
            last = end
            if edge is not None:
                before = sum(1 for item in items[first:end] if item.arrives_s <= edge[0])
                last = first + before if before else end
            rows = items[first:last]
            unwatched: tuple[tuple[float, float], ...] = ()
            while waiting and (rows[0].arrives_s > waiting[0][0]):
                unwatched = (*unwatched, waiting.pop(0))
            bound = min([items[last].arrives_s if last < len(items) else end_s, *(a for a, _ in waiting[:1])])
            stated_s = max(
                stated_s, bound if statements is None else stated_s + (bound - stated_s) * statements.random()
            )
            value = build(rows, stated_s, unwatched)
            yield value
            if repeat and max(Counter((row.home_id, row.device_id) for row in rows).values()) <= WINDOW // 2:
                yield value
            if statements is not None and statements.random() < 0.3:
                stated_s = max(stated_s, stated_s + (bound - stated_s) * statements.random())
                yield build([], stated_s)
            first = last
    for a, b in waiting:
        yield build([], max(stated_s, a))
        yield build([], max(stated_s, b), ((a, b),))
        stated_s = max(stated_s, b)
    # The clock has to pass a grid point for it to run.
    yield build([], math.nextafter(max(stated_s, end_s), math.inf))


def run_story(
    name: str, detector: Detector, story: Story, *, homes: int = 1, cut: Callable[[int], Sequence[int]] | None = None,
    statements: int | None = None, restart_at: Sequence[int] = (), repeat: bool = False, apart_s: float = 0.0, spoil: int | None = None,
) -> list[Detection]:  # fmt: skip
    """Play a story and return what the detector says of ``home-1``, in the story's own time (s from its start).

    ``homes``: as many homes live the same story, interleaved, each ``apart_s`` later than the one before (not ``home-1``). ``spoil``: seed from
    which the other homes' stories are ``spoilt``, each its own way, so that they ask other work of a call than ``home-1`` does. ``restart_at``:
    frames after which the engine is thrown away and made anew from its snapshot; -1: after each. ``statements``: seed of what frames state.
    """
    lane: Literal["bulk", "urgent"] = "bulk" if "bulk" in detector.lanes else "urgent"
    home_ids = [f"home-{index + 1}" for index in range(homes)]
    items = [
        replace(item, arrives_s=item.arrives_s + index * apart_s, event_at_s=item.event_at_s + index * apart_s)
        for index, home_id in enumerate(home_ids)
        for item in items_of(story if spoil is None or not index else spoilt(story, spoil + index), home_id)
    ]
    items.sort(key=lambda item: item.arrives_s)
    engine = Engine(0, lane, {name: detector})
    told: list[Detection] = []
    draw = random.Random(statements) if statements is not None else None
    for number, value in enumerate(frames_of(items, story, home_ids, lane, cut, draw, repeat)):
        told.extend(engine.apply_value(value))
        if number in restart_at or -1 in restart_at:
            snapshot = engine.snapshot()
            engine = Engine(0, lane, {name: detector})
            if engine.restore(snapshot):
                raise CaseFailed(f"{name}: its own snapshot does not fit it")
        if engine.troubles:
            raise CaseFailed(f"{name} raised on {engine.troubles[0]}")
    start_s = start_of(story)
    return [in_story_time(each, start_s) for each in told if each.home_id == "home-1"]


def in_story_time(detection: Detection, start_s: float) -> Detection:
    """The detection with its instants counted from the story's start."""
    return Detection(
        **{
            **{name: getattr(detection, name) for name in Detection.__struct_fields__},
            "started_at_s": detection.started_at_s - start_s,
            "event_at_s": detection.event_at_s - start_s,
            "decided_at_s": detection.decided_at_s - start_s,
        }
    )


def run_case(name: str, detector: Detector, case: Case, **changes: Any) -> list[Detection]:
    """Play a case and check it. Raises CaseFailed with what was said instead."""
    told = run_story(name, detector, case.story, **changes)
    check(name, case, told)
    return told


def check(name: str, case: Case, told: Sequence[Detection]) -> None:
    """Whether what was told is what the case asks. Raises CaseFailed."""
    about = f"{name}: {case.name!r}"
    said = "\n".join(f"  {each.decided_at_s:.1f} s: {each.reason} {each}" for each in told) or "  nothing"
    episodes = {each.detection_id for each in told}
    if len(episodes) != case.episodes:
        raise CaseFailed(f"{about} asks for {case.episodes} episodes, {len(episodes)} were raised:\n{said}")
    if case.decided_within_s is not None and told:
        low, high = case.decided_within_s
        if not low <= told[0].decided_at_s <= high:
            raise CaseFailed(
                f"{about} asks for a decision within {low} to {high} s, it came at {told[0].decided_at_s:.1f} s:\n{said}"
            )
    if case.last is not None and (not told or told[-1].reason != case.last):
        raise CaseFailed(f"{about} asks for {case.last!r} at last:\n{said}")
    for each in told:
        if each.revision < 1 or each.detector != name or not each.reason:
            raise CaseFailed(f"{about}: a detection without revision, name or reason:\n{said}")


def random_cut(seed: int) -> Callable[[int], Sequence[int]]:
    """Frames of 1 to 60 rows, drawn."""

    def cut(rows: int) -> Sequence[int]:
        draw, ends, at = random.Random(seed), [], 0
        while at < rows:
            at += draw.choice((1, 1, 2, 3, 7, 20, 60))
            ends.append(min(at, rows))
        return ends

    return cut


HARMLESS: dict[str, Mapping[str, Any]] = {
    "in one frame": {"cut": lambda rows: [rows]},
    "row by row": {"cut": lambda rows: range(1, rows + 1)},
    "cut anyhow, clock and all": {"cut": random_cut(1), "statements": 1},
    "cut another way": {"cut": random_cut(2), "statements": 2},
    "restarted after each frame": {"cut": random_cut(3), "statements": 3, "restart_at": (-1,)},
    "each frame twice": {"cut": random_cut(4), "repeat": True},
    "among other homes at the same moments": {"homes": 3},
    "among other homes a little later": {"homes": 3, "apart_s": 3.7, "cut": random_cut(5), "statements": 5},
    "among homes that lose rows": {"homes": 4, "spoil": 6},
    "among homes that lose rows, cut anyhow": {
        "homes": 4,
        "spoil": 7,
        "apart_s": 0.4,
        "cut": random_cut(6),
        "statements": 6,
    },
}
"""Changes that must change nothing, by name: arguments of ``run_story``."""


def spoilt(story: Story, seed: int) -> Story:
    """The story with gaps, values missing, rows hours late or of an unresolved time, and strangers: an answer may change, nothing may raise."""
    draw = random.Random(seed)
    rows: list[tuple[float, str, str, Mapping[str, Any]]] = []
    late: dict[int, float] = {}
    for at_s, device_id, kind, values in story.rows:
        if draw.random() < 0.15:
            continue
        fate = draw.random()
        optional = {field.name for field in msgspec.structs.fields(KINDS[kind]) if not field.required}
        if fate < 0.2:
            values = {name: value for name, value in values.items() if name not in optional}
        elif fate < 0.35:
            values = {name: float("nan") if isinstance(value, float) else value for name, value in values.items()}
        elif fate < 0.45:
            values = {**values, "clock": UNRESOLVED}
        elif fate < 0.5:
            device_id = "stranger-1"
        if draw.random() < 0.2:
            late[len(rows)] = at_s + draw.choice((5.0, 400.0, 40_000.0))
        rows.append((at_s, device_id, kind, values))
    return replace(story, rows=rows, late=late)


def _usual_cut(items: Sequence[Item]) -> list[int]:
    """A frame ends after 50 rows or 10 minutes."""
    ends, first = [], 0
    for index, item in enumerate(items):
        if index - first >= 50 or item.arrives_s - items[first].arrives_s > 600:
            ends.append(index)
            first = index
    return ends


def _envelope(item: Item) -> Envelope:
    own = item.values
    return Envelope(
        item.home_id, item.device_id, own.get("via"), own.get("resident"), item.event_at_s, item.arrives_s, item.event_at_s,
        own.get("clock", DEVICE), own.get("boot", 1), own.get("seq", item.seq),
    )  # fmt: skip


def _reading(item: Item) -> Any:
    return KINDS[item.kind](**{name: value for name, value in item.values.items() if name not in OVERRIDES})


def a_card(**fields: Any) -> Card:
    """A card of version 1 with the given fields, for tests."""
    return Card(version=1, **fields)
