"""One detector at work on one lane and source: its state, its episodes, its rounds and ticks, and what happens when it fails.

A detector that raises loses nothing for the others. Its step is undone and tried again in halves until the rows or subjects that
it cannot bear stand alone: those are passed over, each is reported (``Trouble``: a dead letter), and the home gets a technical
detection ``detector_error``, once an hour, so that nobody takes the detector's silence there for calm.
"""

from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any, Literal

import msgspec
import numpy as np

from contracts.detections import Detection, detection_id
from contracts.kinds import ROLES
from stream.cards import HomeCards, concerns_mask
from stream.columns import Packed, pack, unpack
from stream.detector import Bools, Context, Detector, Ints, State
from stream.episodes import Episodes
from stream.rows import KIND_NAMES, Arrivals, KindRows
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


class Subjects:
    """Which subject stands where in a sparse detector's state: each that a row came of has a place, in order of arrival."""

    def __init__(self, subjects: Ints | None = None) -> None:
        self.all: list[int] = [] if subjects is None else subjects.tolist()
        """Subject (index of a home or device) at each place."""
        self._place = np.full(max(self.all, default=-1) + 1, -1, dtype=np.int32)
        self._place[self.all] = np.arange(len(self.all))

    def places(self, subjects: Ints) -> Ints:
        """Places of subjects; -1 where there is none."""
        if len(subjects) and (size := int(subjects.max()) + 1) > len(self._place):
            grown = np.full(max(size, len(self._place) + len(self._place) // 4), -1, dtype=np.int32)
            grown[: len(self._place)] = self._place
            self._place = grown
        return self._place[subjects].astype(np.int64)

    def add(self, subjects: Ints) -> None:
        """Give those a place that have none."""
        for subject in dict.fromkeys(subjects[self.places(subjects) < 0].tolist()):
            self._place[subject] = len(self.all)
            self.all.append(subject)


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
    ) -> None:
        self.name = name
        self.detector = detector
        self.lane = lane
        self.source = source
        self._reads = np.array([kind in detector.kinds for kind in KIND_NAMES])
        """By kind's code: whether the detector reads it."""
        self._begins = begins_mask(detector.begins_with or detector.kinds)
        """By kind's code and role: whether such a row makes its subject one of a sparse detector's."""
        self._subjects = Subjects() if detector.sparse else None
        self.state = State(detector.state, detector.device_state)
        self.episodes = Episodes(name, detector.family, lane, source, detector.subject, cards, time, self._subject)
        self.troubles: list[Trouble] = []
        self._cards = cards
        self._time = time
        self._context = Context(cards, time, self.episodes)
        self._of_homes = detector.subject == "home"
        self._concerns = concerns_mask(detector.concerns)
        self._told_at_s: dict[int, float] = {}
        self._due_s: float | None = None

    def _subject(self, place: int) -> int:
        """Home or device that stands there."""
        return place if self._subjects is None else self._subjects.all[place]

    @property
    def told(self) -> list[Detection]:
        """Detections since they were last taken."""
        return self.episodes.told

    def enrol(self) -> None:
        """Make room for homes and devices that are new, and let the detector know them."""
        if self.detector.device_state:
            self.state.devices.grow(len(self._cards.device_ids))
        if self._subjects is not None:
            return
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

    def observe(self, arrivals: Arrivals, at: Ints, home: Ints, device: Ints) -> None:
        """Give the detector rows ``at`` of a frame (their places in order of arrival), in rounds: each subject once a call."""
        kind = arrivals.kind[at]
        mine = self._reads[kind]
        if not mine.all():
            if not mine.any():
                return
            at, home, device, kind = at[mine], home[mine], device[mine], kind[mine]
        if self._concerns:
            mine = (self._cards.roles[home] & self._concerns) != 0
            if not mine.all():
                if not mine.any():
                    return
                at, home, device, kind = at[mine], home[mine], device[mine], kind[mine]
        subject = home if self._of_homes else device
        if self._subjects is not None:
            self._subjects.add(subject[self._begins[kind, self._cards.device_role[device]]])
            self._grow(len(self._subjects.all))
            subject = self._subjects.places(subject)
            if (mine := subject < 0).any():
                mine = ~mine
                at, home, device, kind, subject = at[mine], home[mine], device[mine], kind[mine], subject[mine]
                if not len(at):
                    return
        # One number for each call to make: rounds in order, in a round kind by kind.
        call = rounds(subject, kind) * len(KIND_NAMES) + kind
        order = np.argsort(call, kind="stable")
        edges = [0, *(np.flatnonzero(np.diff(call[order])) + 1).tolist(), len(order)]
        for first, last in pairwise(edges):
            these = order[first:last]
            self._look_at(self._rows(arrivals, at[these], subject[these], home[these], device[these]))
        self._due_s = None

    def _rows(self, arrivals: Arrivals, at: Ints, subject: Ints, home: Ints, device: Ints) -> KindRows:
        room, role = self._cards.device_room[device], self._cards.device_role[device]
        return KindRows(KIND_NAMES[arrivals.kind[at[0]]], arrivals, at, subject, home, device, room, role)

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
        if self._subjects is not None:
            subjects = self._subjects.places(subjects)
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
            kept_devices = self.state.devices.keep(devices) if devices is not None else {}
            self.episodes.begin(these)
            try:
                step(at)
            except MemoryError:
                raise  # nothing here can be trusted any more: the process ends and the state is restored
            except Exception as error:
                self.state.put_back(these, kept)
                if devices is not None:
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
        homes = self._cards.device_home[: self.state.devices.size]
        return np.flatnonzero(np.isin(homes, [self._subject(each) for each in subjects.tolist()]))

    def _report(self, subject: int, at: int, rows: KindRows | None, error: Exception) -> None:
        home = subject if self._of_homes else int(self._cards.device_home[subject])
        device = int(rows.device[at]) if rows is not None else -1 if self._of_homes else subject
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
            "size": self.state.size,
            "subjects": pack(np.array(self._subjects.all, dtype=np.int32)) if self._subjects is not None else None,
            "state": self.state.packed(),
            "device_size": self.state.devices.size if self.detector.device_state else 0,
            "devices": self.state.devices.packed() if self.detector.device_state else {},
            "episodes": self.episodes.packed(),
            "told_at_s": list(self._told_at_s.items()),
        }

    def restore(self, packed: dict[str, Any]) -> bool:
        """From a snapshot. False, and empty, where its state version or columns are not this program's: it then warms up anew."""
        size = int(packed["size"])
        columns: dict[str, Packed] = packed["state"]
        fits = packed["version"] == self.detector.version and self.state.restore(columns, size)
        fits = fits and (packed["subjects"] is None) == (self._subjects is None)
        fits = fits and self.episodes.restore(packed["episodes"], size)
        if fits and self.detector.device_state:
            fits = self.state.devices.restore(packed["devices"], int(packed["device_size"]))
        if fits:
            self._told_at_s = dict(packed["told_at_s"])
            if self._subjects is not None:
                self._subjects = Subjects(unpack(packed["subjects"]))
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


def rounds(subject: Ints, kind: Ints) -> Ints:
    """In which round each row has its turn. A round goes through the kinds in order of their codes; so a subject's row goes into the same
    round as the one before if its kind comes later, else into the next. Fewer calls than one round for each row of a subject."""
    size = len(subject)
    if len(set(subject.tolist())) == size:
        return np.zeros(size, dtype=np.int64)
    order = np.argsort(subject, kind="stable")
    subjects, kinds = subject[order], kind[order]
    same = subjects[1:] == subjects[:-1]
    steps = np.concatenate(([0], np.cumsum(same & (kinds[1:] <= kinds[:-1]))))
    starts = np.concatenate(([0], np.flatnonzero(~same) + 1))
    found = np.empty(size, dtype=np.int64)
    found[order] = steps - np.repeat(steps[starts], np.diff(np.append(starts, size)))
    return found


def _chosen(subjects: Ints, at: Ints | None) -> Ints:
    return subjects if at is None else subjects[at]
