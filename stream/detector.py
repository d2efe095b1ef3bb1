"""What a detector is: the words that one file in ``stream/detectors/`` is written in. Pure: numpy, no I/O, no clock.

A detector's module holds ``Params`` (a frozen msgspec Struct, every number with unit and source), ``STATE`` (columns), functions
``observe`` and/or ``tick``, ``CASES``, and ``DETECTOR = Detector(...)``. Its file name is its name everywhere. The engine
(``stream/engine.py``) owns indices, episodes, ids, revisions, repeats, ticks and snapshots; a detector only says what is.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from contracts.detections import Family
from contracts.kinds import Card
from stream.columns import Columns
from stream.columns import StateColumn as StateColumn

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Array = npt.NDArray[Any]


class State(Columns):
    """A detector's state: its columns as attributes (``state.last_seen_s[subjects]``), and ``due_at_s`` kept for the engine.

    ``due_at_s[subject]``: stream time at which ``tick`` wants to see the subject next; inf = not until a row sets it.
    A ``tick`` must move it on for every subject that it is given, else it sees them again at every grid point.
    """

    due_at_s: Floats
    devices: "State"
    """Only where a home detector declares ``Detector.device_state``: its columns with one entry for each device, indexed by
    ``rows.device`` (``state.devices.open[rows.device]``). Owned, grown and kept in snapshots by the engine like the rest; its
    ``due_at_s`` means nothing."""

    def __init__(
        self, columns: Mapping[str, StateColumn], device_columns: Mapping[str, StateColumn] | None = None
    ) -> None:
        super().__init__({"due_at_s": StateColumn("f8", np.inf), **columns})
        if device_columns:
            self.devices = State(device_columns)


class Rows(Protocol):
    """Rows of one kind, in which each subject appears at most once. All arrays have shape ``[rows]`` and are read only: others look at them too."""

    kind: str
    subject: Ints
    """Index into the detector's state. For a detector of homes it is ``home`` too; for one of devices only where it is told of all of them (not
    ``Detector.sparse``)."""
    home: Ints
    """Index into the cards' homes."""
    device: Ints
    """Index into the cards' devices."""
    event_at_s: Floats
    received_at_s: Floats
    clock: Ints
    """Index into contracts.kinds.CLOCKS; UNRESOLVED rows are no sign of life."""
    room: Ints
    """Index into contracts.kinds.ROOMS of the device's room."""
    role: Ints
    """Index into contracts.kinds.ROLES."""

    def __getitem__(self, name: str) -> Floats:
        """A numeric or boolean value column as float64, null = NaN."""
        ...

    def objects(self, name: str) -> Sequence[Any]:
        """Any value column as Python objects (bytes of inertial samples, strings)."""
        ...

    def where(self, mask: Bools) -> "Rows":
        """Only the rows where ``mask`` is true, e.g. to hand them to ``out.on(rows.subject, ..., rows=rows)``."""
        ...


class Cards(Protocol):
    """Home cards of this partition and source, as columns; homes without a card have ``known`` False and cautious defaults."""

    known: Bools
    care_level: Ints
    residents: Ints
    """Number of residents (0: a home without residents, e.g. a corridor; 1 where no card says otherwise)."""
    away_until_s: Floats
    """NaN: nobody said that they are away."""
    visitor_until_s: Floats
    """NaN: nobody said that a visitor comes."""
    has_entrance_door: Bools
    learned_days: Ints
    silence_min: Floats
    """Learned lines of silence, ``[homes, LINES]`` minutes (room group x hour), NaN where not learned."""
    device_role: Ints
    device_room: Ints
    device_worn: Ints
    """Index into contracts.kinds.WORN."""
    device_home: Ints
    device_known: Bools
    """Whether the home's card names the device; one that is only seen has role and room ``other``."""

    def local_hour(self, homes: Ints, at_s: Floats | float) -> Floats:
        """Hour of the local day, 0 <= h < 24, fractions included, in each home's zone."""
        ...

    def threshold(self, name: str, homes: Ints, default: float) -> Floats:
        """A per-home override named ``detector.parameter``, else ``default``."""
        ...

    def usual(self, name: str, devices: Ints) -> Floats:
        """What the nightly learner found usual with whomever each device concerns, named ``usual.word``; NaN where it is not known:
        nothing learned yet, a device of nobody, several residents."""
        ...


class StreamTime(Protocol):
    """The clock that the log carries."""

    now_s: float
    """In ``tick``: the grid point. In ``observe``: the last grid point before the rows, so that it does not depend on how rows were
    cut into frames, and NaN where no detector of the lane has a tick; ``rows.received_at_s`` says to the moment when each row came."""

    def watched_s(self, at_s: Floats | float) -> Floats:
        """Watched seconds up to ``at_s``: runs with time, stands still while nobody was watching and in the grace after that.

        A silence is ``watched_s(now_s) - watched_s(last_seen_s)``.
        """
        ...

    def reaches_s(self, watched_s: Floats | float) -> Floats:
        """The first instant by which so many seconds were watched, as far as outages are known: when a silence is due. Ask a moment (1 ms)
        early, for it is rounded, and look again when it comes, for outages may have come to light."""
        ...


class Out(Protocol):
    """Where a detector says what it found. All arrays run parallel to ``subjects``; scalars are broadcast.

    ``score`` 0-4: how sure the detector is by itself. ``reason``: key of a sentence in ``contracts/reasons.py``, by
    convention ``<detector>.<word>``. ``evidence``: numbers (or words) with units in their names.
    """

    def on(
        self,
        subjects: Ints,
        *,
        started_at_s: Floats | float,
        event_at_s: Floats | float,
        score: Ints | int,
        reason: str,
        evidence: Mapping[str, Any] | None = None,
        devices: Ints | None = None,
        rows: Rows | None = None,
        test: Bools | bool = False,
    ) -> None:
        """The condition holds. First time: a new episode that began at ``started_at_s`` (then frozen). Later: a new revision, only if
        score or reason changed. ``rows``: the rows (parallel to subjects) that caused it; gives device and origin."""
        ...

    def off(
        self, subjects: Ints, *, event_at_s: Floats | float, reason: str, evidence: Mapping[str, Any] | None = None
    ) -> None:
        """The condition is over: a last revision with ``on`` false. Nothing happens where no episode was on."""
        ...

    def withdraw(
        self, subjects: Ints, *, event_at_s: Floats | float, reason: str, evidence: Mapping[str, Any] | None = None
    ) -> None:
        """What followed shows that it was nothing: a last revision, withdrawn, score 0."""
        ...

    def once(
        self,
        subjects: Ints,
        *,
        event_at_s: Floats | float,
        score: Ints | int,
        reason: str,
        evidence: Mapping[str, Any] | None = None,
        devices: Ints | None = None,
        rows: Rows | None = None,
        test: Bools | bool = False,
    ) -> None:
        """Something happened at a moment (a press): a detection of its own, each time, that has no end."""
        ...

    def is_on(self, subjects: Ints) -> Bools:
        """Whether an episode is on for each subject."""
        ...


@dataclass
class Context:
    """What ``observe``, ``tick`` and ``enrol`` are given beside parameters and state."""

    cards: Cards
    time: StreamTime
    out: Out


Observe = Callable[[Any, Any, Rows, Context], None]
Tick = Callable[[Any, Any, Ints, Context], None]
Enrol = Callable[[Any, Any, Ints, Context], None]


@dataclass(frozen=True)
class Story:
    """Rows of one home for a case: ``(at_s, device_id, kind, values)``, its card, and when the story ends (stream time, s).

    ``at_s`` counts from an arbitrary start (the engine's battery adds a real epoch at local midnight of the card's zone).
    ``late``: rows that arrive later than measured: index of row -> arrival, s. ``unwatched``: intervals nobody watched.
    """

    rows: Sequence[tuple[float, str, str, Mapping[str, Any]]]
    ends_at_s: float
    card: Card | None = None
    late: Mapping[int, float] = field(default_factory=dict)
    unwatched: Sequence[tuple[float, float]] = ()


@dataclass(frozen=True)
class Case:
    """A story with what the detector must say: how many episodes it raises (0 = quiet), and optionally when, score, reason."""

    name: str
    episodes: int
    story: Story
    decided_within_s: tuple[float, float] | None = None
    """Window of ``decided_at_s`` of the first detection, in the story's time."""
    last: str | None = None
    """Reason key of the last revision."""


def fires(
    name: str, story: Story, *, episodes: int = 1, within_s: tuple[float, float] | None = None, last: str | None = None
) -> Case:
    """The detector must raise ``episodes`` episodes in this story."""
    return Case(name, episodes, story, within_s, last)


def quiet(name: str, story: Story) -> Case:
    """The detector must say nothing in this story."""
    return Case(name, 0, story)


@dataclass(frozen=True)
class Detector:
    """One detector as the engine runs it."""

    family: Family
    kinds: tuple[str, ...]
    params: Any
    """An instance of the module's Params with the values that ship."""
    observe: Observe
    cases: tuple[Case, ...]
    lanes: tuple[Literal["bulk", "urgent"], ...] = ("bulk",)
    """Lanes it runs on; one instance with its own state for each."""
    concerns: tuple[str, ...] = ()
    """Roles, or rooms (``room:bathroom``), of which a home must have, or have had, a device for anything to be found there; rows of other homes
    are not looked at. None: every home. (For a home detector.)"""
    subject: Literal["home", "device"] = "home"
    state: Mapping[str, StateColumn] = field(default_factory=dict)
    device_state: Mapping[str, StateColumn] = field(default_factory=dict)
    """For a home detector that must also remember something of each device (is this burner on, did this door say the same
    before): columns of ``state.devices``, indexed by ``rows.device``."""
    tick: Tick | None = None
    enrol: Enrol | None = None
    """Called with subjects that appear for the first time (by card or by row), before anything else; may set ``due_at_s``."""
    begins_with: tuple[str, ...] = ()
    """For a home detector that most homes have nothing for: the kinds with which a home first concerns it, or ``status:wearable``, that kind from
    that role. Other rows are not looked at before that, and nothing is kept."""
    version: int = 1
    """State version: a snapshot of another version starts empty."""

    @property
    def sparse(self) -> bool:
        """Whether something is kept only of subjects of which a row came that concerns it. So it is for detectors of devices that enrol none (who looks
        at thermometers keeps nothing of a door) and for those of homes that name what concerns them or what begins it. The homes and devices
        of the latter have numbers of their own, in rows, cards, ticks and ``out`` alike."""
        return bool(self.begins_with) or (self.enrol is None and (self.subject == "device" or bool(self.concerns)))
