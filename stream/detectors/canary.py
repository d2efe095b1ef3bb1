"""A canary: a signed test alarm that shows that this lane of this partition is alive from a device to an operator's page.

Each one is said as it is, at once, as a test, with its signature in the evidence. Alerts raises it without a case, and the api, which sent it, judges it there
(`contracts/canaries.py`). A canary that is not said is noticed by the one who waits for it, so there is no parameter that could keep one back.
"""

import msgspec
import numpy as np

from stream.detector import Context, Detector, Rows, State, Story, fires, quiet


class Params(msgspec.Struct, frozen=True):
    """What a canary is worth."""

    score: int = 0
    """Evidence score, 0 to 4. Chosen: it is evidence of nothing but the way that it came."""


def observe(params: Params, state: State, rows: Rows, ctx: Context) -> None:
    """Say each one."""
    ctx.out.once(
        rows.subject,
        event_at_s=rows.event_at_s,
        score=params.score,
        reason="canary.heard",
        evidence={
            "lane": np.array(rows.objects("lane"), dtype=object),
            "sent_at_ms": rows["sent_at_ms"],
            "signature": np.array(rows.objects("signature"), dtype=object),
        },
        rows=rows,
        test=True,
    )


SIGNATURE = "0123456789abcdef" * 4


def _sung(at_s: float, lane: str = "bulk") -> tuple[float, str, str, dict[str, object]]:
    return (at_s, "canary", "canary", {"lane": lane, "sent_at_ms": round(at_s * 1000), "signature": SIGNATURE})


DETECTOR = Detector(
    family="technical",
    kinds=("canary",),
    params=Params(),
    observe=observe,
    lanes=("bulk", "urgent"),
    subject="device",
    cases=(
        fires("one canary", Story([_sung(10)], 20), within_s=(10, 11), last="canary.heard"),
        fires("one a minute, and each is one of its own", Story([_sung(at) for at in (10.0, 65.0, 120.0)], 130), episodes=3),
        fires("one of the urgent lane", Story([_sung(10, "urgent")], 20), last="canary.heard"),
        quiet("a home in which somebody lives", Story([(10, "pir-1", "motion", {"moving": True})], 20)),
    ),
)  # fmt: skip
