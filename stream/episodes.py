"""Episodes: from what a detector says to detections with ids and revisions."""

from collections.abc import Callable, Mapping
from typing import Any, Literal, cast

import numpy as np

from contracts.detections import Detection, Family, Origin, detection_id
from contracts.kinds import ROOMS
from stream.cards import HomeCards
from stream.columns import Array, Columns, StateColumn
from stream.detector import Bools, Floats, Ints, Rows
from stream.rows import KindRows
from stream.stream_time import WatchedTime

_COLUMNS = {
    "on": StateColumn("?", False),
    "started_at_s": StateColumn("f8", np.nan),
    "revision": StateColumn("i4", 0),
    "score": StateColumn("i2", -1),
    "reason": StateColumn("i2", -1),
    "device": StateColumn("i4", -1),
    "test": StateColumn("?", False),
    "once_at_s": StateColumn("f8", np.nan),
    "once_revision": StateColumn("i4", 0),
}


_PLACES = {"place": StateColumn("i4", 0)}
"""Where each subject's episode stands."""


def _same_start(a_s: float, b_s: float) -> bool:
    """Whether two starts give the same detection id (ids count in ms)."""
    return a_s == a_s and round(a_s * 1000) == round(b_s * 1000)


class Episodes:
    """What ``stream.detector.Out`` promises, for one detector on one lane and source. Detections gather in ``told``."""

    def __init__(
        self, detector: str, family: Family, lane: Literal["bulk", "urgent"], source: str, subject: Literal["home", "device"],
        cards: HomeCards, time: WatchedTime, who: Callable[[int], int] = int, which: Callable[[int], int] = int,
    ) -> None:  # fmt: skip
        """``who``: home or device of a subject, ``which``: device, where the detector has numbers of its own for them."""
        self.detector = detector
        self.family: Family = family
        self.lane: Literal["bulk", "urgent"] = lane
        self.source = source
        self.clock = "wall"
        self.told: list[Detection] = []
        self._of_homes = subject == "home"
        self._cards = cards
        self._time = time
        self._who = who
        self._which = which
        self._columns = Columns(_COLUMNS)
        """Of subjects of whom something was ever said, which are few; the first stands for all others."""
        self._columns.grow(1)
        self._places = Columns(_PLACES)
        self._reasons: list[str] = []
        self._rows: KindRows | None = None
        self._kept: dict[int, list[Array]] = {}
        self._mark = 0

    def grow(self, size: int) -> None:
        """Make room for ``size`` subjects."""
        self._places.grow(size)

    def observing(self, rows: KindRows | None) -> None:
        """The rows that the detector looks at, so that a decision gets the moment of its own row; None in a tick."""
        self._rows = rows

    def on(
        self, subjects: Ints, *, started_at_s: Floats | float, event_at_s: Floats | float, score: Ints | int, reason: str,
        evidence: Mapping[str, Any] | None = None, devices: Ints | None = None, rows: Rows | None = None, test: Bools | bool = False,
    ) -> None:  # fmt: skip
        """See ``stream.detector.Out.on``."""
        columns = self._columns
        code = self._reason(reason)
        subjects, started, event, scores, tests = _parallel(subjects, started_at_s, event_at_s, score, test)
        at = self._places.place[subjects]
        changed = ~columns.on[at] | (columns.score[at] != scores) | (columns.reason[at] != code)
        if not changed.any():
            return
        for place in np.flatnonzero(changed).tolist():
            who = int(subjects[place])
            subject = self._about_to_change(who)
            if not columns.on[subject]:
                columns.revision[subject] = self._said(subject, float(started[place]))
                columns.started_at_s[subject] = started[place]
                columns.device[subject] = -1 if devices is None else np.broadcast_to(devices, subjects.shape)[place]
                columns.test[subject] = tests[place]
                columns.on[subject] = True
            row = self._row(rows, who)
            if row is not None and columns.device[subject] < 0:
                columns.device[subject] = row[0].device[row[1]]
            columns.revision[subject] += 1
            columns.score[subject] = scores[place]
            columns.reason[subject] = code
            self._tell(who, subject, place, event[place], int(scores[place]), reason, evidence, row)

    def off(
        self, subjects: Ints, *, event_at_s: Floats | float, reason: str, evidence: Mapping[str, Any] | None = None
    ) -> None:
        """See ``stream.detector.Out.off``."""
        self._end(subjects, event_at_s, reason, evidence, withdrawn=False)

    def withdraw(
        self, subjects: Ints, *, event_at_s: Floats | float, reason: str, evidence: Mapping[str, Any] | None = None
    ) -> None:
        """See ``stream.detector.Out.withdraw``."""
        self._end(subjects, event_at_s, reason, evidence, withdrawn=True)

    def once(
        self, subjects: Ints, *, event_at_s: Floats | float, score: Ints | int, reason: str,
        evidence: Mapping[str, Any] | None = None, devices: Ints | None = None, rows: Rows | None = None, test: Bools | bool = False,
    ) -> None:  # fmt: skip
        """See ``stream.detector.Out.once``."""
        columns = self._columns
        subjects, event, scores, tests = _parallel(subjects, event_at_s, score, test)
        if not len(subjects):
            return
        for place, who in enumerate(subjects.tolist()):
            subject = self._about_to_change(who)
            columns.once_revision[subject] = self._said(subject, float(event[place])) + 1
            columns.once_at_s[subject] = event[place]
            row = self._row(rows, who)
            device = -1 if devices is None else int(np.broadcast_to(devices, subjects.shape)[place])
            self._tell(
                who, subject, place, event[place], int(scores[place]), reason, evidence, row,
                started_at_s=float(event[place]), revision=int(columns.once_revision[subject]),
                device=int(row[0].device[row[1]]) if row is not None and device < 0 else device, test=bool(tests[place]),
            )  # fmt: skip

    def is_on(self, subjects: Ints) -> Bools:
        """Whether an episode is on for each subject."""
        return cast(Bools, self._columns.on[self._places.place[subjects]])

    def _said(self, subject: int, start_s: float) -> int:
        """Highest revision said of the episode with this start, which has the same id whether it was said by ``on`` or ``once``."""
        columns = self._columns
        before = ((columns.started_at_s, columns.revision), (columns.once_at_s, columns.once_revision))
        return max(int(said[subject]) if _same_start(float(at_s[subject]), start_s) else 0 for at_s, said in before)

    def _end(
        self,
        subjects: Ints,
        event_at_s: Floats | float,
        reason: str,
        evidence: Mapping[str, Any] | None,
        *,
        withdrawn: bool,
    ) -> None:
        columns = self._columns
        if columns.size == 1:
            return  # nothing was ever said of anybody
        (subjects,) = _parallel(subjects)
        is_on = columns.on[self._places.place[subjects]]
        if not np.count_nonzero(is_on):
            return  # nearly always: detectors say of everybody seen that he is well
        code = self._reason(reason)
        event = np.broadcast_to(event_at_s, subjects.shape)
        for place in np.flatnonzero(is_on).tolist():
            who = int(subjects[place])
            subject = self._about_to_change(who)
            columns.on[subject] = False
            columns.revision[subject] += 1
            columns.score[subject] = score = 0 if withdrawn else int(columns.score[subject])
            columns.reason[subject] = code
            self._tell(who, subject, place, event[place], score, reason, evidence, None, on=False, withdrawn=withdrawn)

    def _tell(
        self, whose: int, subject: int, place: int, event_at_s: float, score: int, reason: str, evidence: Mapping[str, Any] | None,
        row: tuple[KindRows, int] | None, *, on: bool = True, withdrawn: bool = False, started_at_s: float | None = None,
        revision: int | None = None, device: int | None = None, test: bool | None = None,
    ) -> None:  # fmt: skip
        columns, cards = self._columns, self._cards
        started = float(columns.started_at_s[subject]) if started_at_s is None else started_at_s
        device = int(columns.device[subject]) if device is None else device
        who = self._who(whose)
        device = who if not self._of_homes else self._which(device) if device >= 0 else device
        home = who if self._of_homes else int(cards.device_home[who])
        home_id = cards.home_ids[home]
        device_id = cards.device_ids[device] if device >= 0 else None
        resident, origin, decided = None, None, self._time.now_s
        looked_at = self._row(self._rows, whose)
        if looked_at is not None:
            decided = float(looked_at[0].received_at_s[looked_at[1]])
        if row is not None:
            rows, index = row
            at = int(rows.at[index])
            batch_row = int(rows.arrivals.row[at])
            resident = rows.arrivals.objects(rows.kind, "resident_id")[batch_row]
            if on and rows.arrivals.boot[at] >= 0:
                via = rows.arrivals.objects(rows.kind, "via")[batch_row]
                origin = Origin(
                    device_id=via or cards.device_ids[self._which(int(rows.device[index]))],
                    boot=int(rows.arrivals.boot[at]),
                    seq=int(rows.arrivals.seq[at]),
                )
        named = f"{home_id}.{device_id}" if not self._of_homes else home_id
        self.told.append(
            Detection(
                detection_id=detection_id(named, self.detector, started),
                detector=self.detector,
                family=self.family,
                lane=self.lane,
                home_id=home_id,
                device_id=device_id,
                resident_id=resident or cards.resident_of(home, device),
                room=ROOMS[int(cards.device_room[device])] if device >= 0 and cards.device_known[device] else None,
                revision=int(columns.revision[subject]) if revision is None else revision,
                on=on,
                withdrawn=withdrawn,
                started_at_s=started,
                event_at_s=_finite(float(event_at_s), started),
                decided_at_s=_finite(decided, started),
                score=score,
                reason=reason,
                evidence=_evidence(evidence, place),
                test=bool(columns.test[subject]) if test is None else test,
                source=self.source,
                clock=self.clock,
                card_version=int(cards.version[home]),
                origin=origin,
            )
        )

    @staticmethod
    def _row(rows: Rows | None, subject: int) -> tuple[KindRows, int] | None:
        """The row of this subject among ``rows``, which need not be parallel to anything: a subject has one at most."""
        if not isinstance(rows, KindRows):
            return None
        found = np.flatnonzero(rows.subject == subject)
        return (rows, int(found[0])) if len(found) else None

    def _reason(self, reason: str) -> int:
        if reason not in self._reasons:
            self._reasons.append(reason)
        return self._reasons.index(reason)

    def empty(self) -> None:
        """Forget all episodes."""
        self._columns, self._places = Columns(_COLUMNS), Columns(_PLACES)
        self._columns.grow(1)
        self._reasons = []

    def begin(self) -> None:
        """A step begins; ``undo`` leads back to here."""
        self._kept.clear()
        self._mark = len(self.told)

    def undo(self) -> None:
        """Take back what was said since ``begin``."""
        for at, kept in self._kept.items():
            self._columns.put_back(np.array([at]), kept)
        self._kept.clear()
        del self.told[self._mark :]

    def _about_to_change(self, subject: int) -> int:
        """Where the subject's episode stands, which is about to change: what it was is kept for the way back."""
        at = int(self._places.place[subject])
        if not at:
            at = self._places.place[subject] = self._columns.size
            self._columns.grow(at + 1)
        if at not in self._kept:
            self._kept[at] = self._columns.keep(np.array([at]))
        return at

    def packed(self) -> dict[str, Any]:
        """For a snapshot."""
        return {"columns": self._columns.packed(), "places": self._places.packed(), "reasons": self._reasons}

    def restore(self, packed: Mapping[str, Any]) -> bool:
        """From a snapshot; False where it does not fit."""
        self._reasons = list(packed["reasons"])
        return self._columns.restore(packed["columns"]) and self._places.restore(packed["places"])


def _parallel(subjects: Ints, *values: Any) -> tuple[Array, ...]:
    """``subjects`` as an index array, and each value broadcast to it."""
    index = np.atleast_1d(np.asarray(subjects)).astype(np.int64, casting="same_kind")
    return (index, *(np.broadcast_to(np.asarray(value), index.shape) for value in values))


def _finite(value: float, otherwise: float) -> float:
    return value if np.isfinite(value) else otherwise


def _evidence(evidence: Mapping[str, Any] | None, place: int) -> dict[str, float | str]:
    """One subject's evidence as plain numbers and words; what is not a number (NaN) is left out, for JSON has none."""
    found: dict[str, float | str] = {}
    for name, values in (evidence or {}).items():
        value = values if isinstance(values, str) or np.ndim(values) == 0 else values[place]
        if isinstance(value, str):
            found[name] = str(value)
        elif value is not None and np.isfinite(float(value)):
            found[name] = float(value)
    return found
