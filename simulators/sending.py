"""How readings travel from a home's devices to its accounts: order, delay, loss on the air, bundles, a hub without connection. Pure.

Numbers (``seq``) are given when a message leaves, so what is lost on the air before the hub counted it leaves no hole. Holes come only where a
plan says so (``skips``), and the checker must find exactly those.
"""

from collections.abc import Iterable, Iterator, Sequence
from random import Random
from typing import Any, NamedTuple

from simulators.neighbourhood import Home
from simulators.sensing import Sensed

BUNDLE = 20
"""A hub that catches up sends at most this many readings in one message."""
HICCUPS_PER_DAY = 6.0
HICCUP_S = (8.0, 25.0)
"""Short losses of a hub's connection, too short for anybody to be told: what it gathered meanwhile comes late."""
AIR_LOSS = 0.003
"""Share of a battery device's ordinary reports that the hub never hears, after the radio's own repeats. Chosen."""
_LOSSY = ("motion", "vitals", "status")


class Message(NamedTuple):
    """One MQTT message to be: readings of one account, on one channel, at one virtual instant."""

    at_s: float
    home: Home
    account_device: str
    channel: str
    readings: tuple[Sensed, ...]


class Away(NamedTuple):
    """A stretch in which a hub is not connected. ``abrupt``: long enough that the broker speaks its last will."""

    from_s: float
    to_s: float
    abrupt: bool


def absences(home: Home, start_s: float, end_s: float, planned: Sequence[tuple[float, float]]) -> list[Away]:
    """Planned absences of the hub and the small hiccups of every day between them."""
    found = [Away(from_s, to_s, True) for from_s, to_s in planned]
    rng = Random(f"{home.seed}/hiccups/{start_s}")
    at_s = start_s + 60
    while (at_s := at_s + rng.expovariate(HICCUPS_PER_DAY / 86_400)) < end_s:
        to_s = at_s + rng.uniform(*HICCUP_S)
        # A hiccup right beside a planned absence would lengthen it.
        if all(to_s + 90 < away.from_s or at_s > away.to_s + 90 for away in found):
            found.append(Away(at_s, to_s, False))
    return sorted(found)


def messages(home: Home, sensed: Iterable[Sensed], away: Sequence[Away], seed: str = "") -> Iterator[Message]:
    """Messages in the order in which they leave. A device that connects for itself does not share its hub's absences."""
    rng = Random(f"{home.seed}/air/{seed}")
    own = set(home.own_accounts)
    lag_s = rng.uniform(0.05, 0.4)
    gaps = list(away)
    waiting: list[Sensed] = []
    bundle: list[Sensed] = []
    for reading in sensed:
        while gaps and reading.at_s >= gaps[0].to_s:
            yield from _bundles(home, bundle, lag_s)
            bundle.clear()
            yield from _caught_up(home, waiting, gaps.pop(0).to_s + lag_s)
            waiting.clear()
        if bundle and reading.at_s > bundle[0].at_s:
            yield from _bundles(home, bundle, lag_s)
            bundle.clear()
        if reading.kind in _LOSSY and reading.channel == "telemetry" and rng.random() < AIR_LOSS:
            continue
        if reading.device_id in own and reading.device_id != "hub":
            yield Message(reading.at_s + lag_s, home, reading.device_id, reading.channel, (reading,))
        elif gaps and gaps[0].from_s <= reading.at_s:
            if reading.device_id != "hub":  # a hub says that it lives when it can, not afterwards that it did
                waiting.append(reading)
        elif reading.beat:
            bundle.append(reading)
        else:
            yield Message(reading.at_s + lag_s, home, "hub", reading.channel, (reading,))
    yield from _bundles(home, bundle, lag_s)
    if waiting:
        yield from _caught_up(home, waiting, gaps[0].to_s + lag_s)


def _bundles(home: Home, readings: list[Sensed], lag_s: float) -> Iterator[Message]:
    if readings:
        yield Message(readings[0].at_s + lag_s, home, "hub", "telemetry", tuple(readings))


def _caught_up(home: Home, readings: list[Sensed], at_s: float) -> Iterator[Message]:
    urgent = [reading for reading in readings if reading.channel == "event"]
    ordinary = [reading for reading in readings if reading.channel != "event"]
    for reading in urgent:
        yield Message(at_s, home, "hub", reading.channel, (reading,))
    for begin in range(0, len(ordinary), BUNDLE):
        yield Message(at_s + 0.1, home, "hub", "telemetry", tuple(ordinary[begin : begin + BUNDLE]))


class Numbers:
    """Counts each account's readings: its ``boot`` and next ``seq``, from 1. A hub counts for its children, so a number in a receipt is one reading.

    ``skips``: (home, account's device, number) that are left out on purpose.
    """

    def __init__(self, started_at_s: float, skips: Iterable[tuple[str, str, int]] = ()) -> None:
        self.boot = int(started_at_s)
        self._next: dict[tuple[str, str], int] = {}
        self._skips = set(skips)
        self.skipped = 0

    def take(self, message: Message) -> list[int]:
        """``seq`` of each of the message's readings."""
        key = (message.home.home_id, message.account_device)
        seq = self._next.get(key, 1)
        taken = []
        for _ in message.readings:
            while (*key, seq) in self._skips:
                seq += 1
                self.skipped += 1
            taken.append(seq)
            seq += 1
        self._next[key] = seq
        return taken


def native(message: Message, boot: int, numbers: Sequence[int], sent_s: float) -> Any:
    """The message's native JSON content: one reading, or a list of them."""
    found = []
    for reading, seq in zip(message.readings, numbers, strict=True):
        body: dict[str, Any] = {
            "kind": reading.kind,
            "t": reading.at_s,
            "sent": round(sent_s, 3),
            "boot": boot,
            "seq": seq,
        }
        if reading.device_id != message.account_device:
            body["device"] = reading.device_id
        body.update(reading.values)
        found.append(body)
    return found[0] if len(found) == 1 else found
