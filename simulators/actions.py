"""What is done during one stay, as devices could notice it: movements, doors, stove, plugs, taps. Pure: a stay always gives the same."""

from random import Random

from simulators.residents import Act, Stay

MOVES_PER_MIN: dict[Act, float] = {
    "toilet": 1.5,
    "bath": 1.0,
    "wash": 2.0,
    "walk": 2.5,
    "drink": 2.5,
    "dishes": 3.0,
    "cook": 3.0,
}
"""Movements a minute that a sensor in the room could see, of somebody who is busy."""
STILL_MIN: dict[Act, tuple[float, float, float]] = {
    "sleep": (5, 15, 50), "nap": (4, 12, 35), "doze": (3, 10, 30), "tv": (1, 5, 18), "sit": (1, 4, 15), "balcony": (0.5, 2, 8),
    "eat": (0.3, 1.5, 6), "visit": (0.3, 1, 4),
}  # fmt: skip
"""Minutes of stillness between two bursts of movement, of somebody who sits or lies: least, usual, longest. Bodies do not forget
when they last moved, so this is no Poisson process. These residents are regular ones: the one of ``hh102`` is seen less often at night (a tenth
of her gaps there are longer than three hours), so what a detector does here says nothing about its false alarms among real people."""
BURST_S = (75.0, 180.0)
"""How long somebody moves who turns over, reaches for something, or comes into a room and sits down."""
BURST_GAP_S = 10.0
"""Mean time between two movements of a burst, s."""
_DRAWS: dict[Act, tuple[int, float, float]] = {
    "cook": (4, 20.0, 5.0), "dishes": (3, 50.0, 6.0), "drink": (1, 8.0, 4.0),
}  # fmt: skip
"""At the kitchen tap: how often, for how long (mean, s), at which flow (l/min)."""

Moments = list[tuple[float, float]]
Switches = list[tuple[float, bool]]


def _rng(seed: str, stay: Stay, what: str) -> Random:
    return Random(f"{seed}/{what}/{stay.start_s:.0f}/{stay.act}")


def stirrings(seed: str, stay: Stay) -> list[float]:
    """Instants of movement in the stay's room. Who enters a room moves at once and settles; who lies after a fall does not move."""
    rng = _rng(seed, stay, "stir")
    moments: list[float] = []
    at_s = stay.start_s + rng.uniform(0.5, 3.0)
    if stay.act in MOVES_PER_MIN:
        while at_s < stay.end_s:
            moments.append(at_s)
            at_s += rng.expovariate(MOVES_PER_MIN[stay.act] / 60)
    elif stay.act in STILL_MIN:
        while at_s < stay.end_s:
            still_s = at_s + rng.uniform(*BURST_S)
            while at_s < min(still_s, stay.end_s):
                moments.append(at_s)
                at_s += rng.expovariate(1 / BURST_GAP_S)
            least, usual, longest = STILL_MIN[stay.act]
            at_s = still_s + 60 * rng.triangular(least, longest, usual)
    return moments


def door_uses(seed: str, stay: Stay) -> Switches:
    """The entrance door opens and closes: going out, coming home, a visitor let in and out."""
    if stay.act not in ("out", "visit"):
        return []
    rng = _rng(seed, stay, "door")
    moments = (stay.start_s + 1.0, stay.end_s - 14.0) if stay.duration_s > 60 else (stay.start_s + 1.0,)
    switches: Switches = []
    for at_s in moments:
        switches += [(at_s, True), (at_s + rng.uniform(3, 10), False)]
    return switches


def fridge_uses(seed: str, stay: Stay) -> Switches:
    """The fridge door opens and closes."""
    if stay.act not in ("cook", "drink", "dishes"):
        return []
    rng = _rng(seed, stay, "fridge")
    switches: Switches = []
    for _ in range(rng.choice((1, 2, 3, 4)) if stay.act == "cook" else rng.choice((0, 1))):
        at_s = rng.uniform(stay.start_s + 5, max(stay.start_s + 6, stay.end_s - 30))
        switches += [(at_s, True), (at_s + rng.uniform(5, 25), False)]
    return switches


def stove_uses(seed: str, stay: Stay, until_s: float | None = None) -> Moments:
    """Power drawn by the stove, W: a minute after the cook begins until a minute before the end, said every minute.

    ``until_s``: it is forgotten and stays on until then.
    """
    if stay.act != "cook":
        return []
    rng = _rng(seed, stay, "stove")
    on_s = stay.start_s + rng.uniform(40, 90)
    off_s = until_s if until_s is not None else max(on_s + 60, stay.end_s - rng.uniform(20, 60))
    watts = rng.choice((800.0, 1200.0, 1600.0))
    moments = [(on_s, watts)]
    while moments[-1][0] + 60 < off_s:
        moments.append((moments[-1][0] + 60, max(60.0, rng.gauss(watts, watts * 0.06))))
    return [*moments, (off_s, rng.uniform(0, 0.6))]


def plug_uses(seed: str, stay: Stay) -> Moments:
    """Power drawn by the television, W; said at change and every five minutes."""
    if stay.act != "tv":
        return []
    rng = _rng(seed, stay, "tv")
    moments = [(stay.start_s + 6.0, 85.0)]
    while moments[-1][0] + 300 < stay.end_s:
        moments.append((moments[-1][0] + 300, rng.gauss(85, 5)))
    return [*moments, (stay.end_s - 1.0, rng.uniform(0, 0.9))]


def draws(seed: str, stay: Stay) -> list[tuple[float, float, float]]:
    """Uses of the kitchen tap: start, end (s), flow (l/min)."""
    if stay.act not in _DRAWS:
        return []
    count, mean_s, flow = _DRAWS[stay.act]
    rng = _rng(seed, stay, "tap")
    step_s = stay.duration_s / (count + 1)
    found = []
    for number in range(count):
        begin_s = stay.start_s + step_s * (number + rng.uniform(0.2, 0.6))
        end_s = min(
            begin_s + max(3.0, rng.gauss(mean_s, mean_s / 3)),
            begin_s + step_s * 0.7,
            stay.end_s,
        )
        found.append((begin_s, end_s, max(1.0, rng.gauss(flow, 0.8))))
    return found


def running(begin_s: float, end_s: float, flow_l_min: float) -> Moments:
    """What a tap sensor says of one use: the flow at once and every minute, zero at the end."""
    moments = [(begin_s, flow_l_min)]
    while moments[-1][0] + 60 < end_s:
        moments.append((moments[-1][0] + 60, flow_l_min))
    return [*moments, (end_s, 0.0)]


def tap_uses(seed: str, stay: Stay) -> Moments:
    """Flow at the kitchen tap, l/min."""
    return [moment for begin_s, end_s, flow in draws(seed, stay) for moment in running(begin_s, end_s, flow)]


def water_uses(seed: str, stay: Stay) -> Moments:
    """Litres by the home's meter in each minute that used any, and one 0 after the last of a stretch."""
    uses = list(draws(seed, stay))
    rng = _rng(seed, stay, "water")
    if stay.act == "toilet":
        uses.append((stay.end_s - 50, stay.end_s - 5, 8.0))
    elif stay.act == "wash":
        uses += [
            (
                stay.start_s + stay.duration_s * share,
                stay.start_s + stay.duration_s * share + 40,
                5.0,
            )
            for share in (0.25, 0.6)
        ]
    elif stay.act == "bath":
        uses.append(
            (
                stay.start_s + 120,
                max(stay.start_s + 180, stay.end_s - 180),
                rng.uniform(6, 9),
            )
        )
    return metered(uses)


def metered(uses: list[tuple[float, float, float]]) -> Moments:
    """Uses (start, end, l/min) as litres in each metered minute, reported at the minute's end."""
    litres: dict[int, float] = {}
    for begin_s, end_s, flow in uses:
        minute = int(begin_s // 60)
        while minute * 60 < end_s:
            used_s = min(end_s, minute * 60 + 60) - max(begin_s, minute * 60)
            litres[minute] = litres.get(minute, 0.0) + flow * used_s / 60
            minute += 1
    for minute in list(litres):
        litres.setdefault(minute + 1, 0.0)
    return [((minute + 1) * 60.0, amount) for minute, amount in sorted(litres.items())]
