"""The engine: frames in, detections out, for one partition on one lane. Pure: no I/O, no clock, no Faust.

Delivery: the state after a frame follows from the frames up to it alone. So whoever holds a snapshot and reads on from its
offset says the same again, with the same ids and revisions.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Literal

import msgspec
import numpy as np

from contracts.detections import Detection
from contracts.frames import Frame, decode
from contracts.kinds import Card
from stream import snapshots
from stream.cards import KeptCards
from stream.detector import Detector
from stream.instance import Trouble
from stream.rows import Arrivals
from stream.source import Source

GRID_S = 10.0
GRACE_S = 300.0
STATE_VERSION = 3
FORGET_FRAMES = 100_000
"""A recorded source that has sent nothing in so many frames of its partition is over."""
CARDS_AT_ONCE = 500
"""Cards that are kept in one step: as objects they take 4 KB each."""
KEEPER = ""
"""Source of the keeper's frames: cards of this partition's homes, whatever their source."""


def snapshot_format(lane: str, grid_s: float) -> str:
    """Name of the format of an engine's snapshots."""
    return f"{STATE_VERSION}/{lane}/{grid_s:g}"


class Standing(msgspec.Struct, frozen=True):
    """How far a source is in this partition."""

    source: str
    clock: str
    watched_until_s: float | None
    held: int


class Engine:
    """Detectors of one lane over one partition; a state for each source that speaks in it."""

    def __init__(
        self, partition: int, lane: Literal["bulk", "urgent"], detectors: Mapping[str, Detector], *,
        grid_s: float = GRID_S, grace_s: float = GRACE_S,
    ) -> None:  # fmt: skip
        self.partition = partition
        self.lane: Literal["bulk", "urgent"] = lane
        self.detectors = {name: detector for name, detector in detectors.items() if lane in detector.lanes}
        self.kinds = frozenset({"card", *(kind for detector in self.detectors.values() for kind in detector.kinds)})
        """Kinds that a frame need be decoded for."""
        self.troubles: list[Trouble] = []
        """What detectors could not bear since the list was last cleared."""
        self._grid_s = grid_s
        self._grace_s = grace_s
        self._sources: dict[str, Source] = {}
        self._frames = 0
        self._spoke: dict[str, int] = {}
        """Number of the last frame of each source."""
        self._gone = (0, 0)
        """Rows and repeats of sources that were forgotten."""
        self._cards = KeptCards(lines=lane == "bulk")
        """The newest card that the keeper sent of each home."""

    def apply(self, frames: Sequence[Frame]) -> list[Detection]:
        """Apply frames that follow one another in the log. Returns what the detectors say, in order for each subject.

        Many at once say the same as one by one and cost less: frames of one source are taken together.
        """
        reached: dict[str, Source] = {}
        together: dict[str, list[Frame]] = {}
        with np.errstate(all="ignore"):
            for frame in frames:
                meta = frame.meta
                self._frames += 1
                if meta.source == KEEPER:
                    self._take(together, reached)
                    self._cards.put(_cards(frame))
                    for source in self._sources.values():
                        source.take_cards(frame)
                    reached.update(self._sources)
                    continue
                before = together.get(meta.source)
                if before and (meta.unwatched or meta.clock != before[-1].meta.clock):
                    self._take({meta.source: together.pop(meta.source)}, reached)
                if meta.source not in self._sources:
                    self._forget_ended_recordings()
                    self._sources[meta.source] = self._new(meta.source)
                together.setdefault(meta.source, []).append(frame)
                self._spoke[meta.source] = self._frames
            self._take(together, reached)
        found: list[Detection] = []
        for source in reached.values():
            told, troubles = source.taken()
            found.extend(told)
            self.troubles.extend(troubles)
        return found

    def _take(self, together: dict[str, list[Frame]], reached: dict[str, Source]) -> None:
        for name, frames in together.items():
            reached[name] = self._sources[name]
            reached[name].take(frames)
        together.clear()

    def decode(self, value: bytes) -> Frame:
        """A Kafka value as far as this engine's detectors read it. Raises FrameError."""
        return decode(value, self.kinds)

    def apply_value(self, value: bytes) -> list[Detection]:
        """Apply one Kafka value. Raises FrameError, and then nothing was changed."""
        return self.apply([self.decode(value)])

    def put_cards(self, cards: Iterable[tuple[str, Card]]) -> None:
        """Keep cards for sources that have not spoken yet; a worker without a snapshot begins with all of ``homes.v1``."""
        waiting = iter(cards)
        while some := list(islice(waiting, CARDS_AT_ONCE)):
            self._cards.put(some)

    def standings(self) -> list[Standing]:
        """How far each source is."""
        return [Standing(each.name, each.clock, each.watched_until_s, each.held) for each in self._sources.values()]

    def counts(self) -> tuple[int, int]:
        """Rows taken, and how many of them were repeats, since the engine was made."""
        rows, repeats = self._gone
        for each in self._sources.values():
            rows, repeats = rows + each.rows, repeats + each.repeats
        return rows, repeats

    def snapshot(self) -> bytes:
        """All state, as of the last frame applied."""
        return snapshots.dump(
            {
                "cards": self._cards.dump(),
                "frames": self._frames,
                "spoke": self._spoke,
                "sources": {name: source.packed() for name, source in self._sources.items()},
            }
        )

    @property
    def format(self) -> str:
        """What a snapshot of this engine is a snapshot of; one of another format cannot be restored."""
        return snapshot_format(self.lane, self._grid_s)

    def restore(self, data: bytes) -> list[str]:
        """Take a snapshot of the same format into an empty engine. Returns ``source/detector`` of those that start anew: their own state
        version or columns have changed."""
        state = snapshots.load(data)
        self._cards.restore(state["cards"])
        anew: list[str] = []
        self._frames, self._spoke = state["frames"], state["spoke"]
        for name, packed in state["sources"].items():
            self._sources[name] = self._new(name)
            anew.extend(f"{name}/{detector}" for detector in self._sources[name].restore(packed))
        return anew

    def _new(self, name: str) -> Source:
        return Source(name, self.lane, self.detectors, self._cards, self._grid_s, self._grace_s)

    def _forget_ended_recordings(self) -> None:
        """Each replay is a source of its own, and when it is over nobody asks any more. A bridge that is only away is never forgotten."""
        for name, spoke in list(self._spoke.items()):
            source = self._sources[name]
            if source.clock == "recorded" and self._frames - spoke > FORGET_FRAMES:
                self._gone = (self._gone[0] + source.rows, self._gone[1] + source.repeats)
                del self._sources[name], self._spoke[name]


def _cards(frame: Frame) -> list[tuple[str, Card]]:
    arrivals = Arrivals({kind: batch for kind, batch in frame.batches.items() if kind == "card"})
    return [(arrivals.home_id(at), arrivals.card(at)) for at in range(arrivals.size)]
