"""Somebody asks for help: SOS button, pull cord, pendant, keypad, voice.

Every press is a detection of its own, at once, whatever else is known; the case that it opens is one (alerts folds presses of the
same home). A press that the device marks as a test is passed on as one. There is no parameter that could keep a call back.
Score 4: a person asked. Source: design, section 6 (P1 whatever the score).
"""

import msgspec
import numpy as np

from contracts.kinds import Card
from stream.detector import Context, Detector, Rows, State, Story, fires, quiet

REASONS = {"press": "call.press", "hold": "call.hold", "voice": "call.voice"}


class Params(msgspec.Struct, frozen=True):
    """What a call is worth."""

    score: int = 4
    """Evidence score, 0 to 4. Source: a person asked, nothing more certain exists."""


def observe(params: Params, state: State, rows: Rows, ctx: Context) -> None:
    """Say each press."""
    action = np.array(rows.objects("action"), dtype=object)
    for word, reason in REASONS.items():
        said = rows.where(action == word)
        if len(said.subject):
            ctx.out.once(
                said.subject,
                event_at_s=said.event_at_s,
                score=params.score,
                reason=reason,
                rows=said,
                test=said["test"] == 1,
            )


CARD = Card(version=1, residents=("r-1",), device_ids=("sos-1", "sos-2"), device_roles=("pendant", "pendant"),
            device_rooms=("bathroom", "bedroom"), device_residents=("r-1", "r-1"))  # fmt: skip

DETECTOR = Detector(
    family="sos",
    kinds=("call",),
    params=Params(),
    observe=observe,
    lanes=("urgent",),
    subject="device",
    cases=(
        fires("one press", Story([(10, "sos-1", "call", {"action": "press"})], 20, CARD), within_s=(10, 11), last="call.press"),
        fires("a button held down in a home without a card", Story([(10, "sos-9", "call", {"action": "hold"})], 20), last="call.hold"),
        fires("a test press is said too, as a test", Story([(10, "sos-1", "call", {"test": True})], 20, CARD)),
        fires(
            "three presses in panic and one from the other room are four",
            Story([*((10 + n, "sos-1", "call", {"action": "press"}) for n in range(3)), (12, "sos-2", "call", {"action": "voice"})], 20, CARD),
            episodes=4,
        ),
        fires("a press that arrives ten hours late is still said", Story([(10, "sos-1", "call", {})], 36_100, CARD, late={0: 36_010})),
        quiet("a button that only reports its battery", Story([(10, "sos-1", "status", {"battery_pct": 80})], 20, CARD)),
    ),
)  # fmt: skip
