"""Which incident befalls whom and when: drawn from a seed, so that each is possible there and can be noticed before the end. Pure."""

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import NamedTuple

from simulators.actions import water_uses
from simulators.clock import local_hour
from simulators.neighbourhood import Home
from simulators.residents import Stay, live
from simulators.scenarios import SCENARIOS, Effect, Incident, Scenario, alter
from simulators.sensing import Sensed, Senses
from simulators.vitals import wears_at

SilentDue = Callable[[Home, float, str], float]
"""Seconds within which a silence that begins in (home, instant, room) must be noticed."""


class Schedule(NamedTuple):
    """What will happen, in time order, and what found no home or no time in the stretch that was asked for."""

    incidents: tuple[Incident, ...]
    impossible: tuple[str, ...]


def _in_hours(at_s: float, hours: tuple[float, float]) -> bool:
    first, last = hours
    hour = local_hour(at_s)
    return first <= hour < last if first <= last else hour >= first or hour < last


def _fits(kind: Scenario, home: Home, stay: Stay) -> bool:
    role = kind.needs.lstrip("!")
    has = any(device.role == role for device in home.devices)
    if role and has == kind.needs.startswith("!"):
        return False
    if kind.needs == "wearable" and not wears_at(home.seed, stay):
        return False
    return stay.act in kind.acts and stay.room != "entrance"


def _meters_later(home: Home, stay: Stay, at_s: float) -> bool:
    """Whether the home's meter, which stands in no room, would tell of used water after the collapse: then its word would be the last sign."""
    return any(litres > 0 and told_s > at_s for told_s, litres in water_uses(home.seed, stay._replace(end_s=at_s)))


def _moments(
    name: str, home: Home, start_s: float, end_s: float, rng: Random, silent_due: SilentDue
) -> Iterator[Incident]:
    """One possible incident for each stay that allows one."""
    kind = SCENARIOS[name]
    for stay in live(home.seed, start_s, end_s):
        if not _fits(kind, home, stay):
            continue
        # A cook is called away while the stove is on, so not in the first minutes; what must go on has to go on.
        # A silence must not begin on the doorstep: it would look like somebody who has gone out.
        first_s = stay.start_s + (180 if stay.act == "cook" else 120 if name == "silent" else 10)
        last_s = stay.end_s - max(kind.least_s, 5.0)
        if first_s >= last_s:
            continue
        at_s = rng.uniform(first_s, last_s)
        if name == "silent" and _meters_later(home, stay, at_s):
            continue
        due_s = kind.due_s or silent_due(home, at_s, stay.room)
        if _in_hours(at_s, kind.hours) and at_s + due_s < end_s:
            yield Incident(scenario=name, home=home, at_s=at_s, stay=stay, due_s=due_s)


def schedule(
    homes: Sequence[Home],
    start_s: float,
    end_s: float,
    seed: int,
    silent_due: SilentDue,
    *,
    rounds: int = 1,
    stretch_s: float = 7200.0,
    scenarios: Sequence[str] = tuple(SCENARIOS),
) -> Schedule:
    """``rounds`` of each scenario in every ``stretch_s`` between two virtual instants, each in a home of its own and due before the end.

    Homes that had an incident have no second one, so a long schedule of few homes thins out; what found none is told in ``impossible``.
    """
    rng = Random(f"schedule/{seed}/{start_s:.0f}")
    free = list(homes)
    rng.shuffle(free)
    found: list[Incident] = []
    impossible: list[str] = []
    # The hardest to place choose first: a night, a cook, a silence whose line is short.
    order = sorted(scenarios, key=lambda name: (SCENARIOS[name].hours == (0.0, 24.0), len(SCENARIOS[name].acts), name))
    begin_s = start_s
    while begin_s < end_s:
        until_s = min(begin_s + stretch_s, end_s)
        for name in order * rounds:
            for home in free:
                moments = [i for i in _moments(name, home, begin_s, end_s, rng, silent_due) if i.at_s < until_s]
                if moments:
                    found.append(rng.choice(moments))
                    free.remove(home)
                    break
            else:
                impossible.append(name)
        begin_s = until_s
    return Schedule(tuple(sorted(found, key=lambda incident: incident.at_s)), tuple(impossible))


class Story(NamedTuple):
    """All that the devices of one home sense, and when its hub has no connection."""

    sensed: Iterator[Sensed]
    away: tuple[tuple[float, float], ...]


def story(home: Home, start_s: float, end_s: float, incidents: Sequence[Incident] = ()) -> Story:
    """What the home's devices sense between two instants, in time order, with its incidents in it."""
    effects = [SCENARIOS[i.scenario].effect(i) for i in incidents if i.home.home_id == home.home_id]
    away = tuple(effect.away for effect in effects if effect.away is not None)
    return Story(_sensed(home, start_s, end_s, effects), away)


def _sensed(home: Home, start_s: float, end_s: float, effects: Sequence[Effect]) -> Iterator[Sensed]:
    # A day beforehand is not needed: devices' states settle within the stay that the start falls into.
    stays: Iterator[Stay] = live(home.seed, start_s, end_s)
    for effect in effects:
        stays = alter(stays, effect.stays)
    mutes = [mute for effect in effects for mute in effect.mutes]
    senses = Senses(home, start_s, mutes)
    for effect in effects:
        for sensed in effect.says:
            senses.push(sensed)
    for stay in stays:
        for sensed in senses.through(stay):
            if sensed.at_s >= end_s:
                return
            yield sensed
