"""A detector for the engine's own tests, in which everything that could depend on order is remembered."""

from typing import Any

import msgspec
import numpy as np

from contracts.detections import Detection
from contracts.frames import Envelope, FrameBuilder, FrameMeta
from contracts.kinds import DEVICE, KINDS, Card
from stream.detector import Context, Detector, Ints, Rows, State, StateColumn


class Params(msgspec.Struct, frozen=True):
    quiet_s: float = 25.0
    long_s: float = 60.0


STATE = {
    "last_s": StateColumn("f8", np.nan),
    "trail": StateColumn("f8", 0.0),
    "rows": StateColumn("i8", 0),
    "enrolled_s": StateColumn("f8", np.nan),
}


def enrol(params: Params, state: State, subjects: Ints, ctx: Context) -> None:
    state.enrolled_s[subjects] = ctx.time.now_s


def observe(params: Params, state: State, rows: Rows, ctx: Context) -> None:
    """The trail is a number to which the order of all rows and ticks contributes."""
    home = rows.subject
    code = 1.0 if rows.kind == "motion" else 2.0
    state.trail[home] = (state.trail[home] * 31.0 + code + rows.event_at_s % 97.0 + ctx.cards.care_level[home]) % 1e6
    state.rows[home] += 1
    state.last_s[home] = np.fmax(state.last_s[home], rows.received_at_s)
    state.due_at_s[home] = rows.received_at_s + params.quiet_s
    evidence = {
        "trail": state.trail[home],
        "rows": state.rows[home],
        "enrolled_s": state.enrolled_s[home],
        "now_s": ctx.time.now_s,
    }
    ctx.out.off(home, event_at_s=rows.event_at_s, reason="probe.back", evidence=evidence)
    third = rows.where(state.rows[home] % 3 == 0)
    state.devices.seen[rows.device] += 1
    ctx.out.once(third.subject, event_at_s=third.event_at_s, score=2, reason="probe.third", rows=third,
                 evidence={"seen": state.devices.seen[third.device], "card": ctx.cards.known[third.home]})  # fmt: skip


def tick(params: Params, state: State, homes: Ints, ctx: Context) -> None:
    silent_s = ctx.time.watched_s(ctx.time.now_s) - ctx.time.watched_s(state.last_s[homes])
    state.trail[homes] = (state.trail[homes] * 17.0 + ctx.time.now_s % 89.0) % 1e6
    over = silent_s >= params.quiet_s
    ctx.out.on(homes[over], started_at_s=state.last_s[homes[over]], event_at_s=ctx.time.now_s, score=1, reason="probe.silent",
               evidence={"trail": state.trail[homes[over]], "silent_s": silent_s[over]})  # fmt: skip
    very = silent_s >= params.long_s
    ctx.out.on(homes[very], started_at_s=state.last_s[homes[very]], event_at_s=ctx.time.now_s, score=3, reason="probe.silent_long",
               evidence={"trail": state.trail[homes[very]]})  # fmt: skip
    state.due_at_s[homes] = np.where(very, np.inf, ctx.time.now_s + 10.0)


PROBE = Detector(
    family="technical", kinds=("motion", "contact"), params=Params(), observe=observe, tick=tick, enrol=enrol, state=STATE,
    device_state={"seen": StateColumn("i8", 0)}, lanes=("bulk", "urgent"), cases=(),
)  # fmt: skip
"""Homes; ticks."""
PRESS = Detector(
    family="sos", kinds=("call", "contact"), params=None, lanes=("bulk", "urgent"), subject="device", cases=(),
    observe=lambda params, state, rows, ctx: ctx.out.once(
        rows.subject, event_at_s=rows.event_at_s, score=4, reason="press.pressed", rows=rows
    ),
)  # fmt: skip
"""Devices; no tick."""
START_S = 1_772_380_800.0
"""A grid point."""


class Row(msgspec.Struct, frozen=True):
    """One row for a frame; ``at_s`` and ``received_s`` count from START_S."""

    at_s: float
    home: str = "home-1"
    device: str = "d-1"
    kind: str = "motion"
    seq: int = 0
    boot: int = 1
    received_s: float | None = None
    via: str | None = None
    card: Card | None = None


def frame(
    rows: list[Row],
    until_s: float | None = None,
    *,
    source: str = "main",
    unwatched: tuple[tuple[float, float], ...] = (),
    lane: str = "bulk",
    clock: str = "wall",
) -> bytes:
    """A frame of these rows; ``until_s`` counts from START_S."""
    builder = FrameBuilder()
    usual: dict[str, dict[str, Any]] = {"motion": {"moving": True}, "contact": {"open": True}}
    for row in rows:
        received_s = START_S + (row.at_s if row.received_s is None else row.received_s)
        envelope = Envelope(
            row.home,
            row.device,
            row.via,
            None,
            START_S + row.at_s,
            received_s,
            START_S + row.at_s,
            DEVICE,
            row.boot,
            row.seq,
        )
        builder.add(
            row.kind, envelope, row.card if row.card is not None else KINDS[row.kind](**usual.get(row.kind, {}))
        )
    return builder.build(
        FrameMeta(
            source=source,
            lane=lane,
            clock=clock,
            watched_until_s=None if until_s is None else START_S + until_s,
            unwatched=tuple((START_S + a, START_S + b) for a, b in unwatched),
        )
    )


def by_subject(told: list[Detection]) -> dict[tuple[str, str, str | None], list[Detection]]:
    """What was said of each home (and device) by each detector, in order: all that may be asked of an order."""
    found: dict[tuple[str, str, str | None], list[Detection]] = {}
    for each in told:
        found.setdefault(
            (each.home_id, each.detector, each.device_id if each.detector == "press" else None), []
        ).append(each)
    return found
