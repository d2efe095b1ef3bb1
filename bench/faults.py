"""The plan of a run of faults: what befalls whom, when and for how long, drawn from a seed. Pure; ``bench/chaos.py`` does it.

One fault holds at a time: the next begins when the one before was taken back, or later. Any two together would have to be survived as well,
but a recovery that belongs to two faults says nothing about either. What may overlap: a fault comes while stages still catch up after the
one before, and beside all of it messages are delivered twice and out of order. Of a doubled stage (alerts, the urgent workers) never both hold a
fault; so what is expected of an urgent message stays what a single failure may cost.

The promise itself is bounded in one place only: a killed MQTT broker may forget what it had acknowledged since it last saved, so kills of
Mosquitto can be left out, and then every message that was sent is stored.
"""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Literal, NamedTuple

from contracts.errors import ShouwangError

Kind = Literal["kill", "freeze", "restart", "gone", "join", "ahead", "behind", "full"]

WORKERS = "stream"
"""Target of ``join``: two more workers of the bulk group come for a while and leave again."""
CLOCK = "clock"
"""Target of ``ahead`` and ``behind``: the wall clock of all our processes is an hour off for a while, and right again."""
DISK = "disk"
"""Target of ``full``: the disk under the database takes no more for a while."""
BROKER = "mosquitto"
ALONE: Mapping[str, tuple[Kind, ...]] = {WORKERS: ("join",), CLOCK: ("ahead", "behind"), DISK: ("full",)}
"""What befalls targets that are neither a stage nor a service."""
LONGEST_FREEZE_S = 60.0
LONGEST_GONE_S = 300.0
FREEZES_IN_A_RUN, GONES_IN_A_RUN = 16, 12
"""A freeze lasts at most this share of a short run, a service is gone for this one."""
LEAST_PAUSE_S = 2.0
"""From one fault's end to the next one's begin at least, s."""
USUAL_PAUSE_S = 15.0
"""More rounds are dealt until no more than this is left between two faults on average, s: most have recovered by then."""


class Fault(NamedTuple):
    """``at_s`` after the begin of the run; ``hold_s`` until it is taken back (a killed or restarted process comes back at once)."""

    at_s: float
    kind: Kind
    target: str
    hold_s: float


class TooShort(ShouwangError):
    """{seconds:g} s are too short for one fault of each of {count} stages and services. Ask for at least {least:.0f} s."""


def kinds_of(target: str, services: Sequence[str], broker_kills: bool) -> tuple[Kind, ...]:
    """What may befall a target."""
    if target in ALONE:
        return ALONE[target]
    if target not in services:
        return ("kill", "freeze", "restart")
    return ("kill", "freeze", "restart", "gone") if target != BROKER or broker_kills else ("freeze", "restart", "gone")


def plan(
    seconds: float,
    seed: int,
    stages: Sequence[str],
    services: Sequence[str],
    *,
    broker_kills: bool = True,
    gone_s: float | None = None,
    alone: Sequence[str] = (WORKERS,),
) -> tuple[Fault, ...]:
    """Rounds of one fault for every stage, every service and each of ``alone`` (of ALONE), each round in another order. Raises TooShort.

    A target's kinds are dealt from a shuffled deck of its own, so that after as many rounds as it has kinds each has befallen it.
    ``gone_s``: how long a service is gone; without it a twelfth of the run, at most five minutes.
    """
    rng = Random(f"chaos/{seed}/{seconds:g}/{broker_kills}")
    targets = [*stages, *services, *alone]
    away_s = min(LONGEST_GONE_S, seconds / GONES_IN_A_RUN) if gone_s is None else gone_s
    decks: dict[str, list[Kind]] = {}
    dealt: list[tuple[Kind, str, float]] = []
    while True:
        held_s = sum(hold_s for *_, hold_s in dealt)
        if dealt and (seconds - held_s) / len(dealt) <= USUAL_PAUSE_S:
            break
        further: list[tuple[Kind, str, float]] = []
        for target in rng.sample(targets, len(targets)):
            deck = decks.setdefault(target, [])
            if not deck:
                deck += kinds_of(target, services, broker_kills)
                rng.shuffle(deck)
            kind = deck.pop()
            further.append((kind, target, _hold_s(kind, seconds, away_s, rng)))
        if (seconds - held_s - sum(hold_s for *_, hold_s in further)) / (len(dealt) + len(further)) < LEAST_PAUSE_S:
            break
        dealt += further
    if not dealt:
        least_s = LEAST_PAUSE_S * len(targets) + sum(hold_s for *_, hold_s in further)
        raise TooShort(seconds=seconds, count=len(targets), least=least_s * 1.2)
    return _placed(dealt, seconds, rng)


def _hold_s(kind: Kind, seconds: float, away_s: float, rng: Random) -> float:
    freeze_s = max(1.0, min(LONGEST_FREEZE_S, seconds / FREEZES_IN_A_RUN))
    match kind:
        case "freeze":
            return rng.uniform(1.0, freeze_s)
        case "join" | "ahead" | "behind" | "full":
            return freeze_s
        case "gone":
            return away_s
    return 0.0


def _placed(dealt: Sequence[tuple[Kind, str, float]], seconds: float, rng: Random) -> tuple[Fault, ...]:
    """In order, with what is left of the time as pauses of different length between them; the last ends before the run does."""
    weights = [rng.uniform(0.5, 1.5) for _ in dealt]
    spare_s = seconds - sum(hold_s for *_, hold_s in dealt) - LEAST_PAUSE_S * len(dealt)
    found: list[Fault] = []
    at_s = 0.0
    for (kind, target, hold_s), weight in zip(dealt, weights, strict=True):
        found.append(Fault(round(at_s, 3), kind, target, round(hold_s, 3)))
        at_s += hold_s + LEAST_PAUSE_S + spare_s * weight / sum(weights)
    return tuple(found)
