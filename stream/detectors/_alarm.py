"""What detectors of devices that judge for themselves share: a test is said as a test, and what is new is said with its room."""

from collections.abc import Iterable, Mapping

import numpy as np

from contracts.kinds import ROOMS
from stream.detector import Array, Bools, Context, Floats, Ints, Rows

ROOM_NAMES = np.array(ROOMS)


def without_tests(rows: Rows, ctx: Context, *, score: int, reason: str) -> Rows:
    """The rows of an alarm that are meant. Somebody who tried the alarm is told so; it begins and ends nothing."""
    test = rows["test"] == 1
    if not test.any():
        return rows
    tried = rows.where(test & (rows["alarm"] == 1))
    ctx.out.once(tried.subject, event_at_s=tried.event_at_s, score=score, reason=reason,
                 evidence={"room": ROOM_NAMES[tried.room]}, rows=tried, test=True)  # fmt: skip
    return rows.where(~test)


def say(
    ctx: Context,
    rows: Rows,
    reasons: Iterable[tuple[Bools, str]],
    *,
    started_at_s: Floats,
    score: Ints | int,
    evidence: Mapping[str, Array],
) -> None:
    """For each reason the rows that it holds for: the condition is on. All arrays have shape ``[rows]``; the room is added."""
    for which, reason in reasons:
        said = rows.where(which)
        if len(said.subject):
            ctx.out.on(
                said.subject,
                started_at_s=started_at_s[which],
                event_at_s=said.event_at_s,
                score=score if isinstance(score, int) else score[which],
                reason=reason,
                evidence={"room": ROOM_NAMES[said.room], **{name: value[which] for name, value in evidence.items()}},
                rows=said,
            )
