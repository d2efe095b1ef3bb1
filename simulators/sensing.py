"""What the devices of a home notice of the stays in it: readings in time order, before anything happens to them on their way.

Intervals and noise are those of ordinary Zigbee and mains devices. A sensor that clears itself (PIR, 90 s as Zigbee2MQTT does),
reports at change and at a steady beat, and misses a little, as real ones do. Beats are what tells a quiet device from a dead one.
"""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from random import Random
from typing import Any, NamedTuple

from simulators.actions import (
    door_uses,
    fridge_uses,
    plug_uses,
    stirrings,
    stove_uses,
    tap_uses,
    water_uses,
)
from simulators.neighbourhood import Home
from simulators.residents import Stay
from simulators.vitals import bed_reading, radar_reading, vitals_reading, wears_at

PIR_CLEARS_S = 90.0
PIR_REPEATS_S = 30.0
"""While movement goes on, occupancy is said again no more often than this."""
PIR_MISSES = 0.02
"""Share of movements that a PIR does not see."""
STRAY_PER_DAY = 0.17
"""Stray motion events a day of one sensor: in the empty home of ``tm000`` 12 were seen by 22 sensors in 79 h."""
MAINS_BEAT_S = 300.0
HUB_BEAT_S = 20.0
BATTERY_BEAT_S = 4 * 3600.0
WATCH_BEAT_S = 60.0
_BATTERY_ROLES = ("motion", "entrance_door", "pendant", "smoke")


class Sensed(NamedTuple):
    """One reading at its device. ``channel`` is where it will be published."""

    at_s: float
    device_id: str
    kind: str
    values: dict[str, Any]
    channel: str = "telemetry"
    beat: bool = False
    """A periodic report that may travel together with others."""


class Senses:
    """The devices of one home; feed stays in order, get readings in order."""

    def __init__(
        self, home: Home, start_s: float, mutes: Sequence[tuple[str, float, float]] = (), beats: bool = True
    ) -> None:
        """``mutes``: device and interval in which what the stays would make it say is left out. ``beats``: with periodic reports."""
        self.home = home
        self.start_s = start_s
        self._mutes = mutes
        self._with_beats = beats
        self._rng = Random(f"{home.seed}/senses/{start_s}")
        self._heap: list[tuple[float, int, Sensed]] = []
        self._pushed = 0
        self._pirs = {device.room: device.device_id for device in home.devices if device.role == "motion"}
        self._clears: dict[str, float] = {}
        self._said: dict[str, float] = {}
        self._roles = {device.role: device.device_id for device in home.devices}
        self._worn: bool | None = None
        self._announced = False
        # Every home beats at a phase of its own, so that a neighbourhood does not speak in chorus.
        self._phase = Random(f"{home.seed}/phase").random()
        self._battery = {
            d.device_id: self._rng.uniform(35, 100)
            for d in home.devices
            if d.role in _BATTERY_ROLES or d.role == "wearable"
        }

    def push(self, sensed: Sensed) -> None:
        """Add a reading that the stays do not explain (an incident's)."""
        self._pushed += 1
        heapq.heappush(self._heap, (sensed.at_s, self._pushed, sensed))

    def _say(
        self,
        at_s: float,
        device_id: str,
        kind: str,
        beat: bool = False,
        channel: str = "telemetry",
        **values: Any,
    ) -> None:
        if at_s < self.start_s:
            return
        if not any(muted == device_id and from_s <= at_s < to_s for muted, from_s, to_s in self._mutes):
            self.push(Sensed(round(at_s, 3), device_id, kind, values, channel, beat))

    def through(self, stay: Stay) -> Iterator[Sensed]:
        """Readings up to the end of ``stay``; what belongs later (a PIR that clears) comes with the next stay."""
        if not self._announced:
            self._announce()
        self._motion(stay)
        self._doors(stay)
        self._kitchen(stay)
        self._water(stay)
        self._body(stay)
        if self._with_beats:
            self._beats(stay)
        while self._heap and self._heap[0][0] < stay.end_s:
            yield heapq.heappop(self._heap)[2]

    def _announce(self) -> None:
        """A hub that starts tells how its doors stand; without that, the first opening could be a repeat of something older."""
        self._announced = True
        for device in self.home.devices:
            if device.role in ("entrance_door", "fridge"):
                self._say(self.start_s + 2 + self._phase * HUB_BEAT_S, device.device_id, "contact", open=False)

    def _motion(self, stay: Stay) -> None:
        for room, device_id in self._pirs.items():
            if room == stay.room:
                continue
            if self._clears.get(room, stay.end_s) < stay.end_s:
                self._say(self._clears.pop(room), device_id, "motion", moving=False)
            at_s = stay.start_s + PIR_CLEARS_S
            while (at_s := at_s + self._rng.expovariate(STRAY_PER_DAY / 86_400)) < stay.end_s:
                if at_s + PIR_CLEARS_S < stay.end_s:
                    self._say(at_s, device_id, "motion", moving=True)
                    self._say(at_s + PIR_CLEARS_S, device_id, "motion", moving=False)
        room, pir = stay.room, self._pirs.get(stay.room)
        if pir is None:
            return
        for at_s in stirrings(self.home.seed, stay):
            clear_s = self._clears.get(room)
            if clear_s is not None and at_s > clear_s:
                self._say(clear_s, pir, "motion", moving=False)
                del self._clears[room]
                clear_s = None
            if self._rng.random() < PIR_MISSES:
                continue
            if clear_s is None or at_s - self._said.get(room, 0.0) >= PIR_REPEATS_S:
                self._say(at_s, pir, "motion", moving=True)
                self._said[room] = at_s
            self._clears[room] = at_s + PIR_CLEARS_S
        if self._clears.get(room, stay.end_s) < stay.end_s:
            self._say(self._clears.pop(room), pir, "motion", moving=False)

    def _doors(self, stay: Stay) -> None:
        for at_s, is_open in door_uses(self.home.seed, stay):
            self._say(at_s, "door", "contact", open=is_open)
        if "fridge" in self._roles:
            for at_s, is_open in fridge_uses(self.home.seed, stay):
                self._say(at_s, self._roles["fridge"], "contact", open=is_open)

    def _kitchen(self, stay: Stay) -> None:
        for at_s, watts in stove_uses(self.home.seed, stay):
            self._say(at_s, "stove", "power", on=watts > 5, power_w=round(watts, 1))
        if "plug" in self._roles:
            for at_s, watts in plug_uses(self.home.seed, stay):
                self._say(
                    at_s,
                    self._roles["plug"],
                    "power",
                    on=watts > 5,
                    power_w=round(watts, 1),
                )

    def _water(self, stay: Stay) -> None:
        for at_s, flow in tap_uses(self.home.seed, stay):
            self._say(at_s, "tap", "water", flow_l_min=round(flow, 2))
        for at_s, litres in water_uses(self.home.seed, stay):
            self._say(at_s, "water", "water", litres=round(litres, 2), duration_s=60.0)

    def _body(self, stay: Stay) -> None:
        if "radar" in self._roles:
            for at_s, values in radar_reading(self.home.seed, stay):
                self._say(at_s, self._roles["radar"], "presence", **values)
        if "bed" in self._roles:
            for at_s, values in bed_reading(self.home.seed, stay):
                self._say(at_s, self._roles["bed"], "presence", **values)
        wearable = self._roles.get("wearable")
        if wearable is None:
            return
        worn = wears_at(self.home.seed, stay)
        if worn != self._worn:
            self._say(
                stay.start_s + 1.0,
                wearable,
                "status",
                worn=worn,
                battery_pct=round(self._battery[wearable], 1),
            )
            self._worn = worn
        for at_s in self._grid(stay, WATCH_BEAT_S if worn else MAINS_BEAT_S):
            if worn:
                self._say(
                    at_s,
                    wearable,
                    "vitals",
                    **vitals_reading(self.home.seed, self._rng, stay),
                )
            else:
                self._say(
                    at_s,
                    wearable,
                    "status",
                    worn=False,
                    battery_pct=round(self._battery[wearable], 1),
                )

    def _grid(self, stay: Stay, every_s: float, phase: float = 0.0) -> Iterable[float]:
        """Instants of a beat within the stay; ``phase`` (share of the beat) on top of the home's own."""
        phase_s = (self._phase + phase) % 1.0 * every_s
        first = int((stay.start_s - phase_s) // every_s) + 1
        last = int((stay.end_s - phase_s) // every_s)
        return [phase_s + number * every_s for number in range(first, last + 1)]

    def _beats(self, stay: Stay) -> None:
        rng = self._rng
        for at_s in self._grid(stay, HUB_BEAT_S):
            self._say(
                at_s,
                "hub",
                "status",
                channel="status",
                online=True,
                rssi_dbm=round(rng.gauss(-58, 3)),
            )
        cooking = stay.act == "cook"
        for at_s in self._grid(stay, MAINS_BEAT_S):
            self._say(
                at_s,
                "gas",
                "air",
                beat=True,
                gas_lel_pct=round(abs(rng.gauss(0.1, 0.1)) + (0.4 if cooking else 0.0), 2),
            )
            self._say(
                at_s, "co", "air", beat=True, co_ppm=round(abs(rng.gauss(0.5, 0.5)) + (2.0 if cooking else 0.0), 1),
                temperature_c=round(rng.gauss(21 + 2 * cooking, 0.3), 1),
            )  # fmt: skip
            if not cooking:
                self._say(
                    at_s,
                    "stove",
                    "power",
                    beat=True,
                    on=False,
                    power_w=round(rng.uniform(0, 0.6), 1),
                )
            if "fridge" in self._roles:
                self._say(
                    at_s,
                    self._roles["fridge"],
                    "holding",
                    beat=True,
                    temperature_c=round(rng.gauss(4.2, 0.5), 1),
                    mode="cold",
                )
            if stay.act not in ("cook", "dishes", "drink"):
                self._say(at_s, "tap", "water", beat=True, flow_l_min=0.0)
                self._say(at_s, "water", "water", beat=True, litres=0.0, duration_s=60.0)
            if "plug" in self._roles and stay.act != "tv":
                self._say(
                    at_s,
                    self._roles["plug"],
                    "power",
                    beat=True,
                    on=False,
                    power_w=round(rng.uniform(0, 0.9), 1),
                )
            if "radar" in self._roles and stay.room != "bathroom":
                self._say(at_s, self._roles["radar"], "presence", beat=True, present=False)
            if "bed" in self._roles and stay.act not in ("sleep", "nap"):
                self._say(at_s, self._roles["bed"], "presence", beat=True, present=False)
        battery = [device.device_id for device in self.home.devices if device.role in _BATTERY_ROLES]
        for place, device_id in enumerate(battery):
            for at_s in self._grid(stay, BATTERY_BEAT_S, place / len(battery)):
                left = self._battery[device_id] = max(3.0, self._battery[device_id] - rng.uniform(0, 0.06))
                self._say(
                    at_s, device_id, "status", battery_pct=round(left, 1), battery_low=left < 12, rssi_dbm=round(rng.gauss(-70, 6))
                )  # fmt: skip
