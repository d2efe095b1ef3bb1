"""What happens to residents that somebody must hear of, and the ledger of it.

A scenario changes the day of one home from its cause on, mutes what the change contradicts and adds what devices then say. Its
ledger line names which detectors may find it and by when; the checker holds it against the cases. Times by which something is due
repeat, with room to spare, what the detectors' parameters allow (a test compares them).
"""

from collections.abc import Callable, Iterable, Iterator
from random import Random
from typing import Any, NamedTuple

import msgspec

from contracts.detections import Family
from simulators.actions import metered, running
from simulators.neighbourhood import Home
from simulators.residents import Act, Stay
from simulators.sensing import Sensed
from simulators.waveforms import IMPACT_AT_S, RANGE_DPS, RANGE_G, RATE_HZ, WINDOW_S, as_int16, fall


class LedgerEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the ledger: what was caused, where, and who must have noticed it by when."""

    scenario: str
    home_id: str
    resident_id: str
    family: Family
    detectors: tuple[str, ...]
    """Any of these may be the one that notices."""
    allowed: tuple[str, ...] = ()
    """Detectors that may rightly raise something more in this home because of the same cause."""
    cause_at_s: float
    """Virtual instant."""
    due_at_s: float
    """Virtual instant; urgent ones are judged on the wall clock as well (``latency_ms``)."""
    urgent: bool
    over_at_s: float | None = None
    """Virtual instant at which the condition ends by itself: whoever could not watch until then can never know of it. None: it lasts."""
    published_wall_s: float
    """Wall instant at which the deciding message first left its device; without one, at which the cause came."""


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """A scenario in one home. ``stay`` is what the resident was doing."""

    scenario: str
    home: Home
    at_s: float
    stay: Stay
    due_s: float
    """Seconds after ``at_s`` by which it must have been noticed."""

    @property
    def is_urgent(self) -> bool:
        return SCENARIOS[self.scenario].urgent

    def entry(self, published_wall_s: float) -> LedgerEntry:
        kind = SCENARIOS[self.scenario]
        return LedgerEntry(
            scenario=self.scenario,
            home_id=self.home.home_id,
            resident_id=self.home.resident_id,
            family=kind.family,
            detectors=kind.detectors,
            allowed=kind.allowed,
            cause_at_s=round(self.at_s, 3),
            due_at_s=round(self.at_s + self.due_s, 3),
            urgent=kind.urgent,
            over_at_s=None if kind.lasts_s is None else round(self.at_s + kind.lasts_s, 3),
            published_wall_s=published_wall_s,
        )


class Effect(NamedTuple):
    """What an incident does to its home."""

    stays: tuple[Stay, ...] = ()
    """Replace the day from the cause to the end of the last of these; later stays are cut."""
    mutes: tuple[tuple[str, float, float], ...] = ()
    """Device and interval in which its ordinary readings are left out."""
    says: tuple[Sensed, ...] = ()
    away: tuple[float, float] | None = None
    """The hub has no connection; what it gathers is sent afterwards."""


class Scenario(NamedTuple):
    """A kind of incident. ``hours``: local hours of its cause; ``acts``: what the resident is doing then."""

    family: Family
    detectors: tuple[str, ...]
    due_s: float
    effect: Callable[[Incident], Effect]
    urgent: bool = False
    allowed: tuple[str, ...] = ()
    acts: frozenset[str] = frozenset()
    needs: str = ""
    """Role of a device that the home must have, or with ``!`` must not have."""
    hours: tuple[float, float] = (0.0, 24.0)
    least_s: float = 0.0
    """The stay goes on for at least this long after the cause."""
    lasts_s: float | None = None
    """The condition is over so long after its cause, whatever anybody does; None: it lasts for longer than any outage of a test."""


def _alarm(incident: Incident, device_id: str, kind: str, over_after_s: float, **values: Any) -> tuple[Sensed, ...]:
    at_s, end_s = incident.at_s, incident.at_s + over_after_s
    return (
        Sensed(at_s, device_id, kind, {"alarm": True, **values}, "event"),
        Sensed(end_s, device_id, kind, {"alarm": False, **values}, "event"),
    )


def _air(incident: Incident, device_id: str, field: str, level: float, duration_s: float) -> tuple[Sensed, ...]:
    """The measured value climbs to ``level`` in two minutes around the cause and stays for ``duration_s``."""
    rng = Random(f"{incident.home.seed}/{field}/{incident.at_s}")
    found = []
    for step in range(int(duration_s // 30)):
        at_s = incident.at_s - 60 + step * 30
        share = min(1.0, (step + 1) / 4)
        found.append(Sensed(at_s, device_id, "air", {field: round(max(0.0, level * share * rng.gauss(1, 0.03)), 1)}))
    return tuple(found)


def _press(incident: Incident) -> Effect:
    return Effect(says=(Sensed(incident.at_s, "sos", "call", {"action": "press"}, "event"),))


def _lie(incident: Incident, minutes: float) -> tuple[Stay, ...]:
    """Lying until somebody comes and helps; then a long sit."""
    stay, found_s = incident.stay, incident.at_s + minutes * 60
    return (
        Stay(incident.at_s, found_s, stay.room, "lying"),
        Stay(found_s, found_s + 45 * 60, "living", "visit"),
    )


def _fall_radar(incident: Incident) -> Effect:
    says = _alarm(incident, "radar", "fall_alarm", 22 * 60, source="radar")
    return Effect(stays=_lie(incident, 20), says=says)


def _fall_watch(incident: Incident) -> Effect:
    watch = next(device.device_id for device in incident.home.devices if device.role == "wearable")
    samples = as_int16(fall(Random(f"{incident.home.seed}/fall/{incident.at_s}")))
    values = {
        "rate_hz": RATE_HZ, "range_g": RANGE_G, "range_dps": RANGE_DPS, "channels": 6, "triggered": True, "samples": samples,
    }  # fmt: skip
    # Measured from its first sample on; the watch sends when the window is full.
    window = Sensed(
        incident.at_s + WINDOW_S - IMPACT_AT_S, watch, "inertial", {"t": incident.at_s - IMPACT_AT_S, **values}, "event"
    )
    return Effect(stays=_lie(incident, 15), says=(window,))


def _gas(incident: Incident) -> Effect:
    return Effect(
        mutes=(("gas", incident.at_s - 90, incident.at_s + 14 * 60),),
        says=(*_alarm(incident, "gas", "gas_alarm", 13 * 60), *_air(incident, "gas", "gas_lel_pct", 14.0, 13 * 60)),
    )


def _co(incident: Incident) -> Effect:
    return Effect(
        mutes=(("co", incident.at_s - 90, incident.at_s + 26 * 60),),
        says=(*_alarm(incident, "co", "co_alarm", 25 * 60), *_air(incident, "co", "co_ppm", 160.0, 25 * 60)),
    )


def _smoke(incident: Incident) -> Effect:
    return Effect(says=_alarm(incident, "smoke", "smoke_alarm", 6 * 60))


def _stove(incident: Incident) -> Effect:
    """Called away from the pan: the stove stays on, the evening goes on in front of the television."""
    on_s, off_s = incident.stay.start_s + 60, incident.at_s + 80 * 60
    rng = Random(f"{incident.home.seed}/forgotten/{incident.at_s}")
    powers = [(at_s, rng.gauss(1200, 60)) for at_s in _every(on_s, off_s, 60)]
    says = [Sensed(at_s, "stove", "power", {"on": True, "power_w": round(watts, 1)}) for at_s, watts in powers]
    says.append(Sensed(off_s, "stove", "power", {"on": False, "power_w": 0.4}))
    return Effect(
        stays=(
            Stay(incident.at_s, incident.at_s + 60 * 60, "living", "sit"),
            Stay(incident.at_s + 3600, off_s + 300, "kitchen", "dishes"),
        ),
        mutes=(("stove", incident.stay.start_s, off_s + 60),),
        says=tuple(says),
    )


def _tap(incident: Incident) -> Effect:
    """The tap is left open; the resident is in the living room."""
    end_s = incident.at_s + 100 * 60
    says = [Sensed(at_s, "tap", "water", {"flow_l_min": flow}) for at_s, flow in running(incident.at_s, end_s, 6.2)]
    says += [
        Sensed(at_s, "water", "water", {"litres": round(litres, 2), "duration_s": 60.0})
        for at_s, litres in metered([(incident.at_s, end_s, 6.2)])
    ]
    return Effect(
        stays=(Stay(incident.at_s, end_s - 60, "living", "sit"), Stay(end_s - 60, end_s + 300, "kitchen", "dishes")),
        mutes=(("tap", incident.at_s, end_s), ("water", incident.at_s, end_s + 60)),
        says=tuple(says),
    )


def _silent(incident: Incident) -> Effect:
    return Effect(stays=(Stay(incident.at_s, incident.at_s + 30 * 86_400, incident.stay.room, "lying"),))


def _wander(incident: Incident) -> Effect:
    """Gets up, walks about in the bedroom, and goes out by the door."""
    at_s = incident.at_s
    # A stray in the empty home would look like the one who came back: then nobody could know, and nothing could be asked of a detector.
    motion = [device.device_id for device in incident.home.devices if device.role == "motion"]
    return Effect(
        stays=(
            Stay(at_s - 240, at_s - 30, "bedroom", "walk"),
            Stay(at_s - 30, at_s, "entrance", "walk"),
            Stay(at_s, at_s + 55 * 60, "outside", "out"),
            Stay(at_s + 55 * 60, at_s + 60 * 60, "bedroom", "walk"),
        ),
        mutes=tuple((device_id, at_s + 60, at_s + 54 * 60) for device_id in motion),
    )


def _offline(incident: Incident) -> Effect:
    return Effect(away=(incident.at_s, incident.at_s + OFFLINE_S))


def _every(start_s: float, end_s: float, step_s: float) -> Iterator[float]:
    at_s = start_s
    while at_s < end_s:
        yield at_s
        at_s += step_s


AT_HOME: frozenset[Act] = frozenset({"sit", "tv", "eat", "drink", "dishes", "cook", "walk"})
OFFLINE_S = 14 * 60.0
"""A hub is away for so long."""
SLACK_S = 120.0
"""Room in every due time, s of stream time: framing, grid, and a machine that is busy."""

SCENARIOS: dict[str, Scenario] = {
    "sos": Scenario("sos", ("call",), SLACK_S, _press, urgent=True, acts=AT_HOME),
    "fall_radar": Scenario(
        "fall", ("fall_room",), SLACK_S, _fall_radar, True, ("inactivity", "fall_room"), frozenset({"toilet", "wash", "bath"}), "radar",
        least_s=20,
    ),
    "fall_watch": Scenario(
        "fall", ("fall_wearable",), SLACK_S, _fall_watch, True, ("inactivity",), AT_HOME, "wearable", least_s=20
    ),
    "gas": Scenario("gas", ("gas",), SLACK_S, _gas, True, acts=AT_HOME, least_s=30),
    "co": Scenario("co", ("carbon_monoxide",), SLACK_S, _co, True, acts=AT_HOME, least_s=30),
    "smoke": Scenario("smoke", ("smoke",), SLACK_S, _smoke, True, acts=AT_HOME),
    "stove": Scenario("stove", ("stove_unattended",), 30 * 60 + SLACK_S, _stove, acts=frozenset({"cook"}), least_s=120),
    "tap": Scenario("water", ("water_running",), 45 * 60 + SLACK_S, _tap, False, ("inactivity",), frozenset({"dishes", "drink"}), least_s=30),
    "silent": Scenario("no_life", ("inactivity",), 0.0, _silent, acts=AT_HOME, needs="!wearable", least_s=60),
    "wander": Scenario("wandering", ("night_door",), 30 * 60 + SLACK_S, _wander, acts=frozenset({"sleep"}), needs="!wearable", hours=(23.0, 5.0), least_s=3600),
    "hub_offline": Scenario("technical", ("device_silent",), 5 * 60 + SLACK_S, _offline, acts=AT_HOME, lasts_s=OFFLINE_S),
}  # fmt: skip


def alter(stays: Iterable[Stay], changed: tuple[Stay, ...]) -> Iterator[Stay]:
    """The day with ``changed`` (adjoining stays in order) in the place of what it would have been."""
    if not changed:
        yield from stays
        return
    from_s, to_s = changed[0].start_s, changed[-1].end_s
    told = False
    for stay in stays:
        if stay.start_s < from_s:
            yield stay._replace(end_s=min(stay.end_s, from_s))
        if not told and stay.end_s >= from_s:
            yield from changed
            told = True
        if stay.end_s > to_s:
            yield stay._replace(start_s=max(stay.start_s, to_s))
