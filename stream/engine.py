"""The engine: frames in, detections out, for one partition on one lane. Pure: no I/O, no clock, no Faust.

Delivery: the state after a frame follows from the frames up to it alone. So whoever holds a snapshot and reads on from its
offset says the same again, with the same ids and revisions.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec
import numpy as np

from contracts.detections import Detection
from contracts.frames import Frame, decode
from contracts.kinds import Card
from stream import snapshots
from stream.detector import Detector
from stream.instance import Trouble
from stream.rows import Arrivals
from stream.source import Source

GRID_S = 10.0
GRACE_S = 300.0
STATE_VERSION = 1
KEEPER = ""
"""Source of the keeper's frames: cards of this partition's homes, whatever their source."""


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
        self._cards: dict[str, Card] = {}
        """The newest card that the keeper sent of each home."""

    def apply(self, frame: Frame) -> list[Detection]:
        """Apply one frame, in the log's order. Returns what the detectors say, in order for each subject."""
        with np.errstate(all="ignore"):
            if frame.meta.source == KEEPER:
                for home_id, card in _cards(frame):
                    self.put_card(home_id, card)
                reached = list(self._sources.values())
                for source in reached:
                    source.take_cards(frame)
            else:
                reached = [self._source(frame.meta.source)]
                reached[0].take(frame)
        found: list[Detection] = []
        for source in reached:
            told, troubles = source.taken()
            found.extend(told)
            self.troubles.extend(troubles)
        return found

    def apply_value(self, value: bytes) -> list[Detection]:
        """Apply a Kafka value. Raises FrameError, and then nothing was changed."""
        return self.apply(decode(value, self.kinds))

    def put_card(self, home_id: str, card: Card) -> None:
        """Keep a card for sources that have not spoken yet; a worker without a snapshot begins with all of ``homes.v1``."""
        if home_id not in self._cards or card.version > self._cards[home_id].version:
            self._cards[home_id] = card

    def standings(self) -> list[Standing]:
        """How far each source is."""
        return [Standing(each.name, each.clock, each.watched_until_s, each.held) for each in self._sources.values()]

    def counts(self) -> tuple[int, int]:
        """Rows taken, and how many of them were repeats, since the engine was made."""
        return sum(each.rows for each in self._sources.values()), sum(each.repeats for each in self._sources.values())

    def snapshot(self) -> bytes:
        """All state, as of the last frame applied."""
        return snapshots.dump(
            {
                "version": STATE_VERSION,
                "lane": self.lane,
                "grid_s": self._grid_s,
                "cards": {home_id: msgspec.msgpack.encode(card) for home_id, card in self._cards.items()},
                "sources": {name: source.packed() for name, source in self._sources.items()},
            }
        )

    def restore(self, data: bytes) -> list[str] | None:
        """Take a snapshot into an empty engine. Returns ``source/detector`` of those that start anew; None if it cannot be used."""
        state = snapshots.load(data)
        if state["version"] != STATE_VERSION or state["lane"] != self.lane or state["grid_s"] != self._grid_s:
            return None
        self._cards = {home_id: msgspec.msgpack.decode(card, type=Card) for home_id, card in state["cards"].items()}
        anew: list[str] = []
        for name, packed in state["sources"].items():
            anew.extend(f"{name}/{detector}" for detector in self._source(name).restore(packed))
        return anew

    def _source(self, name: str) -> Source:
        source = self._sources.get(name)
        if source is None:
            source = self._sources[name] = Source(
                name, self.lane, self.detectors, self._cards, self._grid_s, self._grace_s
            )
        return source


def _cards(frame: Frame) -> list[tuple[str, Card]]:
    arrivals = Arrivals({kind: batch for kind, batch in frame.batches.items() if kind == "card"})
    return [(arrivals.keys[at][0], arrivals.card(at)) for at in range(arrivals.size)]
