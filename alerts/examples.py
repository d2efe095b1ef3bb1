"""Worked examples of the evidence score: ``python -m alerts.examples`` writes docs/evidence-score.md, a test compares and checks each."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from alerts.cases import Signal
from alerts.rules import ENDING, SHIPPED
from alerts.scoring import WINDOW_S, priority_of, score_of, why
from contracts.detections import Family
from contracts.reasons import WORDS, sentence

PAGE = Path(__file__).resolve().parent.parent / "docs" / "evidence-score.md"
_AT = datetime(2026, 3, 1, 9, tzinfo=UTC)


class Said(msgspec.Struct, frozen=True):
    """One signal of an example: who says what, how sure, when."""

    detector: str
    score: int
    after_s: float = 0.0
    device: str | None = None
    on: bool = True
    withdrawn: bool = False
    about: int | None = None
    """The place of the signal that it supports or contradicts."""


class Example(msgspec.Struct, frozen=True):
    """A situation and what it must score."""

    name: str
    family: Family
    said: tuple[Said, ...]
    score: int
    was: int | None = None
    """The priority that the case has already; it never falls."""


WATCH, RADAR = "watch-1", "radar-1"
IMPACT = Said("fall_wearable", 2, device=WATCH)
EXAMPLES: tuple[Example, ...] = (
    Example("a watch feels an impact that might be a fall", "fall", (Said("fall_wearable", 1, device=WATCH),), 1),
    Example("a watch is sure of a fall", "fall", (IMPACT,), 2),
    Example("... and then feels no movement for half a minute: it raises its own word", "fall", (Said("fall_wearable", 3, device=WATCH),), 3),
    Example("a watch, and within a minute the bathroom's radar", "fall", (IMPACT, Said("fall_room", 2, 40, RADAR)), 3),
    Example("a watch, and the radar an hour later", "fall", (IMPACT, Said("fall_room", 2, 3600, RADAR)), 2),
    Example("a radar's alarm twice in five minutes", "fall", (Said("fall_room", 2, 0, RADAR), Said("fall_room", 2, 240, RADAR)), 2),
    Example("two detectors on one watch", "fall", (IMPACT, Said("fall_other", 2, 1, WATCH)), 2),
    Example("a sure watch, and a radar that warns without being sure of anything", "fall", (IMPACT, Said("fall_room", 0, 10, RADAR)), 2),
    Example("a fall, and nobody was seen since: the silence that began with it", "fall", (IMPACT, Said("inactivity", 1, 60, about=0)), 3),
    Example(
        "a fall, a radar that agrees, and nobody seen since", "fall",
        (IMPACT, Said("fall_room", 2, 40, RADAR), Said("inactivity", 2, 60, about=0)), 4,
    ),
    Example("the wearer walks again: the watch takes back what it said", "fall", (Said("fall_wearable", 2, device=WATCH, on=False, withdrawn=True),), 0, was=2),
    Example(
        "the same after the radar agreed: the radar's word stands", "fall",
        (Said("fall_wearable", 3, device=WATCH, on=False, withdrawn=True), Said("fall_room", 2, 40, RADAR)), 2, was=1,
    ),
    Example(
        "another detector saw the resident walk about after a radar's alarm", "fall",
        (Said("fall_room", 2, 0, RADAR), Said("walks_again", 2, 120, on=False, withdrawn=True, about=0)), 1, was=2,
    ),
    Example(
        "the same after a P1: less sure, as urgent as before", "fall",
        (Said("fall_wearable", 3, 0, WATCH), Said("walks_again", 2, 120, on=False, withdrawn=True, about=0)), 2, was=1,
    ),
    Example("two doubts leave the last point: only its own detector takes that back", "fall", (
        Said("fall_room", 2, 0, RADAR), Said("walks_again", 1, 120, on=False, withdrawn=True, about=0),
        Said("door_used", 1, 180, on=False, withdrawn=True, about=0)), 1, was=2),
    Example("no sign of life for longer than is usual here", "no_life", (Said("inactivity", 1),), 1),
    Example("no sign of life, and the bed was left: two detectors feel one silence", "no_life", (Said("inactivity", 1), Said("bed_exit", 1, 60, "bed-1")), 1),
    Example("a fast pulse at the watch, and 40 min later little oxygen at another device: both hold now", "vitals", (
        Said("heart_rate", 1, 0, WATCH), Said("spo2", 1, 2400, "oximeter-1")), 2),
    Example("... and the pulse is as usual again", "vitals", (Said("heart_rate", 1, 0, WATCH, on=False), Said("spo2", 1, 2400, "oximeter-1")), 1),
)  # fmt: skip


def signals_of(example: Example) -> list[Signal]:
    """The signals as a case holds them."""
    return [
        Signal(
            detection_id=f"d-{place}", detector=each.detector, device_id=each.device, on=each.on, withdrawn=each.withdrawn,
            score=0 if each.withdrawn and each.about is None else each.score, reason="", started_at=_AT + timedelta(seconds=each.after_s),
            changed_at=_AT, about=None if each.about is None else f"d-{each.about}",
        )
        for place, each in enumerate(example.said)
    ]  # fmt: skip


_HEAD = f"""# The evidence score · 证据评分

*Written from `alerts/scoring.py` and `alerts/examples.py` by `python -m alerts.examples`; a test checks each row. Change these, not this page.*

0 to 4: how sure the centre may be that something has happened. A detector says how sure it is by itself; alerts adds what independent signals
of the same home say.

- **Adds one**: another detector, on another device, that began within {WINDOW_S:.0f} s; in families whose devices say when it is over, also one that holds at
  the same moment; one that says that it is *about* the other (a detection's `about`). At most 4.
- **Takes one away**: another detector that contradicts it (`about`, withdrawn, with a score of its own), never below 1.
- **Does not count**: what its own detector took back, a second word of one detector, a second detector on one device, what is too far apart.
- **Priority** follows the score by a table that supervisors see and change. It rises with the score and never falls by itself, whatever is taken back.
- A silence that began within {WINDOW_S:.0f} s of a fall whose case is open joins that case: nobody was seen since. In any other order, or when a silence's
  case is open already, there are two cases of one home, and neither waits for the other.
- Within a case the order in which detections come changes neither score nor reasons.

Whoever reads a case reads the last column, in Chinese or English (field `evidence` of a case).

"""


def page() -> str:
    """The whole page, Markdown."""
    lines = ["| situation | signals | score | P | why |", "|---|---|---|---|---|"]
    for example in EXAMPLES:
        signals = signals_of(example)
        lasting = example.family in ENDING
        score = score_of(signals, lasting=lasting).value
        priority = min(priority_of(SHIPPED, example.family, score, 0), example.was or 5)
        words = why(signals, lasting=lasting)
        said = "<br>".join(
            "<br>".join(sentence(each.key, each.evidence, language) for each in words) for language in ("zh", "en")
        )
        lines.append(
            f"| {example.name} | {'<br>'.join(map(_word, example.said))} | **{score}** | P{priority} | {said} |"
        )
    return _HEAD + "\n".join(lines) + "\n"


def _word(said: Said) -> str:
    what = f"`{said.detector}`" if said.detector in WORDS else f"*{said.detector.replace('_', ' ')}*"
    if said.withdrawn and said.about is not None:
        return f"{what} says at {said.after_s:.0f} s that it was nothing, sure {said.score}"
    if said.withdrawn:
        return f"{what}, withdrawn"
    over = "" if said.on else ", over"
    about = "" if said.about is None else ", about the first"
    return f"{what} {said.score}, at {said.after_s:.0f} s{' on ' + said.device if said.device else ''}{about}{over}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{PAGE} written")
