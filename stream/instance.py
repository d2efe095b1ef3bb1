"""One detector at work on one lane and source: its state, its episodes, its rounds and ticks, and what happens when it fails.

A detector that raises loses nothing for the others. Its step is undone and tried again in halves until the rows or subjects that
it cannot bear stand alone: those are passed over, each is reported (``Trouble``: a dead letter), and the home gets a technical
detection ``detector_error``, once an hour, so that nobody takes the detector's silence there for calm.
"""

from collections.abc import Callable, Iterable
from typing import Any, Literal

import msgspec
import numpy as np

from contracts.detections import Detection, detection_id
from contracts.kinds import ROLES
from stream.cards import HomeCards, OwnCards, Some, concerns_mask
from stream.detector import Bools, Context, Detector, Ints, State
from stream.episodes import Episodes
from stream.rows import KIND_NAMES, KindRows, Looks
from stream.stream_time import WatchedTime

ERROR = "detector_error"
RETRY_S = 600.0
"""After a tick that failed, its subject is looked at again this much later, s."""
TELL_S = 3600.0
"""A home is told at most once in this time that a detector fails on it, s."""


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """A row or subject that a detector could not bear."""

    detector: str
    home_id: str
    device_id: str | None
    kind: str | None
    """Kind of the row; None in a tick."""
    at_s: float
    boot: int | None = None
    seq: int | None = None
    error: str
    payload: bytes = b""
    """The row alone as a frame, so that it can be tried again."""


class Instance:
    """A detector's own part of one source's state."""

    def __init__(
        self,
        name: str,
        detector: Detector,
        lane: Literal["bulk", "urgent"],
        source: str,
        cards: HomeCards,
        time: WatchedTime,
        shared: dict[Any, Any],
    ) -> None:
        """``shared``: numbers of their own that detectors of one source have in common, by what makes them equal."""
        self.name = name
        self.detector = detector
        self.lane = lane
        self.source = source
        self._reads = [kind in detector.kinds for kind in KIND_NAMES]
        """By kind's code: whether the detector reads it."""
        self._codes = frozenset(code for code, reads in enumerate(self._reads) if reads)
        begins = begins_mask(detector.begins_with or detector.kinds)
        self._begins = begins
        """By kind's code and role: whether such a row makes its subject one of a sparse detector's."""
        self._of_homes = detector.subject == "home"
        self._concerns = concerns_mask(detector.concerns)
        self._own: OwnCards | None = None
        """A sparse detector of homes has numbers of its own for homes and devices."""
        self._some: Some | None = None
        """Subjects of a sparse detector."""
        if detector.sparse:
            key = (self._of_homes, self._concerns, begins.tobytes())
            if self._of_homes:
                self._own = shared.setdefault(key, OwnCards(cards))
                self._some = self._own.homes
            else:
                self._some = shared.setdefault(key, Some())
        self.state = State(detector.state, detector.device_state)
        self.episodes = Episodes(
            name, detector.family, lane, source, detector.subject, cards, time, self._subject, self._device
        )
        self.troubles: list[Trouble] = []
        self._cards = cards
        self._time = time
        seen: Any = self._own if self._own is not None else cards
        self._context = Context(seen, time, self.episodes)
        self._told_at_s: dict[int, float] = {}
        self._due_s: float | None = None

    def _subject(self, place: int) -> int:
        """Home or device that stands there."""
        return place if self._some is None else int(self._some.all[place])

    def _device(self, device: int) -> int:
        """Device that the detector knows by this number."""
        return device if self._own is None else int(self._own.devices.all[device])

    @property
    def told(self) -> list[Detection]:
        """Detections since they were last taken."""
        return self.episodes.told

    def enrol(self) -> None:
        """Make room for homes and devices that are new, and let the detector know them."""
        if self._some is not None:
            return
        if self.detector.device_state:
            self.state.devices.grow(len(self._cards.device_ids))
        size = len(self._cards.home_ids) if self._of_homes else len(self._cards.device_ids)
        before = self.state.size
        if size == before:
            return
        self._grow(size)
        enrol = self.detector.enrol
        if enrol is not None:
            new = np.arange(before, size)
            self._safely(lambda at: enrol(self.detector.params, self.state, _chosen(new, at), self._context), new, None)
        self._due_s = None

    def _grow(self, size: int) -> None:
        self.state.grow(size)
        self.episodes.grow(size)

    def observe(self, looks: Looks) -> None:
        """Give the detector the rows that concern it, step by step: each subject once a call."""
        if self._codes.isdisjoint(looks.kinds):
            return
        for code, rows in looks.by_home if self._of_homes else looks.by_device:
            if self._reads[code]:
                mine = self._concerned(code, rows)
                if mine is not None:
                    self._look_at(mine)
                    self._due_s = None

    def _concerned(self, code: int, rows: KindRows) -> KindRows | None:
        """The rows of subjects that concern the detector, those that become so by them too, under its own numbers; None where there is none."""
        if self._concerns and not rows.concerns(self._cards) & self._concerns:
            return None
        some = self._some
        if some is None:
            return rows.where((self._cards.roles[rows.home] & self._concerns) != 0) if self._concerns else rows
        subject = rows.subject
        places = some.places(subject)
        if places.min() < 0:
            missing = places < 0
            begin = missing & self._begins[code, rows.role]
            if self._concerns:
                begin &= (self._cards.roles[rows.home] & self._concerns) != 0
            if begin.any():
                some.add(subject[begin])
                places = some.places(subject)
                missing = places < 0
            if missing.any():
                if missing.all():
                    return None
                rows, places = rows.where(~missing), places[~missing]
        if self.state.size < some.size:
            self._grow(some.size)
        if self._own is None:
            return rows.known_as(places, rows.home, rows.device)
        own = self._own.devices
        device = own.places(rows.device)
        if device.min() < 0:
            own.add(rows.device)
            device = own.places(rows.device)
        if self.detector.device_state:
            self.state.devices.grow(own.size)
        return rows.known_as(places, places, device)

    def _look_at(self, rows: KindRows) -> None:
        def look(at: Ints | None) -> None:
            chosen = rows if at is None else rows.pick(at)
            self.episodes.observing(chosen)
            self.detector.observe(self.detector.params, self.state, chosen, self._context)

        try:
            self._safely(look, rows.subject, rows)
        finally:
            self.episodes.observing(None)

    @property
    def due_s(self) -> float:
        """When the detector next wants a tick; inf if never."""
        if self.detector.tick is None:
            return np.inf
        if self._due_s is None:
            self._due_s = float(np.fmin.reduce(self.state.due_at_s[: self.state.size], initial=np.inf))
        return self._due_s

    def tick(self, point_s: float) -> None:
        """Let the detector look at the subjects that are due at this grid point."""
        tick = self.detector.tick
        if tick is None or self.due_s > point_s:
            return
        due = np.flatnonzero(self.state.due_at_s[: self.state.size] <= point_s)
        for at in self._safely(
            lambda at: tick(self.detector.params, self.state, _chosen(due, at), self._context), due, None
        ):
            self.state.due_at_s[due[at]] = point_s + RETRY_S
        self._due_s = None

    def forget(self, home: int) -> None:
        """A home was removed: its timers rest until a row comes."""
        subjects = np.array([home]) if self._of_homes else self._cards.devices_of(home)
        if self._some is not None:
            subjects = self._some.places(subjects)
            subjects = subjects[subjects >= 0]
        self.state.due_at_s[subjects[subjects < self.state.size]] = np.inf
        self._due_s = None

    def _safely(self, step: Callable[[Ints | None], None], subjects: Ints, rows: KindRows | None) -> list[int]:
        """Run ``step`` on all ``subjects`` (None), and where it raises undo and halve (places). Returns the places that were given up."""
        failed: list[int] = []
        waiting: list[Ints | None] = [None]
        while waiting:
            at = waiting.pop(0)
            these = subjects if at is None else subjects[at]
            devices = self._devices_within_reach(these, rows, at)
            kept = self.state.keep(these)
            kept_devices = self.state.devices.keep(devices) if devices is not None else None
            self.episodes.begin()
            try:
                step(at)
            except MemoryError:
                raise  # nothing here can be trusted any more: the process ends and the state is restored
            except Exception as error:
                self.state.put_back(these, kept)
                if devices is not None and kept_devices is not None:
                    self.state.devices.put_back(devices, kept_devices)
                self.episodes.undo()
                places = np.arange(len(subjects)) if at is None else at
                if len(places) > 1:
                    waiting[:0] = [places[: len(places) // 2], places[len(places) // 2 :]]
                else:
                    failed.extend(places.tolist())
                    self._report(int(these[0]), int(places[0]), rows, error)
        return failed

    def _devices_within_reach(self, subjects: Ints, rows: KindRows | None, at: Ints | None) -> Ints | None:
        """Devices whose columns a step may write to; None where there are no such columns."""
        if not self.detector.device_state:
            return None
        if rows is not None:
            return rows.device if at is None else rows.device[at]
        size = self.state.devices.size
        homes = self._cards.device_home[slice(size) if self._own is None else self._own.devices.all[:size]]
        return np.flatnonzero(np.isin(homes, [self._subject(each) for each in subjects.tolist()]))

    def _report(self, subject: int, at: int, rows: KindRows | None, error: Exception) -> None:
        who = self._subject(subject)
        home = who if self._of_homes else int(self._cards.device_home[who])
        device = self._device(int(rows.device[at])) if rows is not None else -1 if self._of_homes else who
        home_id = self._cards.home_ids[home]
        now_s = float(rows.received_at_s[at]) if rows is not None else self._time.now_s
        place = int(rows.at[at]) if rows is not None else 0
        text = f"{type(error).__name__}: {error}"
        self.troubles.append(
            Trouble(
                detector=self.name,
                home_id=home_id,
                device_id=self._cards.device_ids[device] if device >= 0 else None,
                kind=rows.kind if rows is not None else None,
                at_s=now_s,
                boot=int(rows.arrivals.boot[place]) if rows is not None else None,
                seq=int(rows.arrivals.seq[place]) if rows is not None else None,
                error=text,
                payload=rows.arrivals.alone(place, self.source, self.lane) if rows is not None else b"",
            )
        )
        hour_s = now_s // TELL_S * TELL_S
        if not np.isfinite(hour_s) or self._told_at_s.get(home) == hour_s:
            return
        self._told_at_s[home] = hour_s
        self.told.append(
            Detection(
                detection_id=detection_id(f"{home_id}|{self.name}", ERROR, hour_s),
                detector=ERROR,
                family="technical",
                lane=self.lane,
                home_id=home_id,
                started_at_s=hour_s,
                event_at_s=now_s,
                decided_at_s=now_s,
                score=1,
                reason=f"{ERROR}.raised",
                evidence={"detector": self.name, "error": text[:300]},
                source=self.source,
                clock=self.episodes.clock,
                card_version=int(self._cards.version[home]),
            )
        )

    def packed(self) -> dict[str, Any]:
        """For a snapshot."""
        return {
            "version": self.detector.version,
            "state": self.state.packed(),
            "devices": self.state.devices.packed() if self.detector.device_state else None,
            "episodes": self.episodes.packed(),
            "told_at_s": list(self._told_at_s.items()),
        }

    def restore(self, packed: dict[str, Any]) -> bool:
        """From a snapshot. False, and empty, where its state version or columns are not this program's: it then warms up anew."""
        fits = packed["version"] == self.detector.version and self.state.restore(packed["state"])
        fits = fits and self.episodes.restore(packed["episodes"])
        fits = fits and (packed["devices"] is not None) == bool(self.detector.device_state)
        if fits and self.detector.device_state:
            fits = self.state.devices.restore(packed["devices"])
        if fits:
            self._told_at_s = dict(packed["told_at_s"])
        else:
            self.state = State(self.detector.state, self.detector.device_state)
            self.episodes.empty()
        self._due_s = None
        return fits


def begins_mask(words: Iterable[str]) -> Bools:
    """``[kinds, roles]``: what ``Detector.begins_with`` names."""
    found = np.zeros((len(KIND_NAMES), len(ROLES)), dtype=bool)
    for word in words:
        kind, of_role, role = word.partition(":")
        found[KIND_NAMES.index(kind), ROLES.index(role) if of_role else slice(None)] = True
    return found


def _chosen(subjects: Ints, at: Ints | None) -> Ints:
    return subjects if at is None else subjects[at]
