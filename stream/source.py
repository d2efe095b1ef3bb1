"""All that one partition knows of one source: homes, identities, stream time, rows that wait, and the detectors' parts.

Order (so that an answer never depends on how rows were cut into frames): rows are taken in order of arrival, slot by slot of the
grid; a grid point runs when ``watched_until`` has passed it and every row before it was taken. Where no detector has a tick
nothing ever waits.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal, cast

import numpy as np

from contracts.detections import Detection
from contracts.frames import Frame, FrameMeta, decode, encode
from contracts.kinds import Card
from stream.cards import HomeCards, KeptCards, OwnCards, Some, brought_up, unpack_card
from stream.columns import pack, unpack
from stream.detector import Detector, Floats, Ints
from stream.instance import Instance, Trouble
from stream.names import as_names
from stream.repeats import Repeats
from stream.rows import CARD, Arrivals, Looks
from stream.stream_time import WatchedTime, grid_before, grid_from

HELD_LIMIT = 50_000
"""Rows of a source that may wait for its clock in one partition. Beyond, their own arrival is taken for the clock, so that a
bridge whose marker never returns delays its homes' detectors but does not silence them."""


class Source:
    """State of one source in one partition on one lane."""

    def __init__(
        self, name: str, lane: Literal["bulk", "urgent"], detectors: Mapping[str, Detector], cards: KeptCards,
        grid_s: float, grace_s: float,
    ) -> None:  # fmt: skip
        self.name = name
        self.clock = "wall"
        self.watched_until_s: float | None = None
        self.rows = 0
        self.repeats = 0
        self.cards = HomeCards(cards)
        self._kept = cards
        self._unclaimed: list[bytes] = list(cards.packed)
        """Cards from the keeper of homes that have not spoken on this source, by the homes' numbers among the kept ones; nothing for the others."""
        self._unclaimed_count = len(self._unclaimed)
        self._time = WatchedTime(grace_s)
        self._shared: dict[Any, OwnCards | Some] = {}
        self.instances = [
            Instance(each, detectors[each], lane, name, self.cards, self._time, self._shared)
            for each in sorted(detectors)
        ]
        self._lane = lane
        self._grid = grid_s
        self._ticking = any(detector.tick is not None for detector in detectors.values())
        self._seen = Repeats()
        self._held: deque[Arrivals] = deque()
        self._arrived_s = -np.inf
        self._passed_s: float | None = None
        """The last grid point that was run; None until the source has said what time it is."""

    def take(self, frames: Sequence[Frame]) -> None:
        """Apply what frames that follow one another state and hold, as if they were one. Only the first may state unwatched time."""
        first = frames[0].meta
        if first.clock != self.clock:
            self.clock = first.clock
            for instance in self.instances:
                instance.episodes.clock = first.clock
        for from_s, to_s in first.unwatched:
            self._time.unwatched(from_s, to_s)
        stated = [frame.meta.watched_until_s for frame in frames]
        stated = [each if each is not None and np.isfinite(each) else None for each in stated]
        self._append(Arrivals(*[frame.batches for frame in frames]), stated)
        for each in stated:
            if each is not None and (self.watched_until_s is None or each > self.watched_until_s):
                self.watched_until_s = each
        self._advance()

    def take_cards(self, frame: Frame) -> None:
        """Apply the keeper's cards, behind the rows that came before them."""
        self._append(Arrivals(frame.batches, from_keeper=True))
        self._advance()

    def _append(self, arrivals: Arrivals, stated_s: Sequence[float | None] = ()) -> None:
        self._arrived_s = arrivals.place(self._arrived_s, stated_s)
        if arrivals.size:
            self._held.append(arrivals)

    @property
    def held(self) -> int:
        """Rows that wait for the clock."""
        return sum(arrivals.size - arrivals.taken for arrivals in self._held)

    def taken(self) -> tuple[list[Detection], list[Trouble]]:
        """Detections and troubles since the last call."""
        told: list[Detection] = []
        troubles: list[Trouble] = []
        for instance in self.instances:
            if instance.told:
                told.extend(instance.told)
                instance.told.clear()
            if instance.troubles:
                troubles.extend(instance.troubles)
                instance.troubles.clear()
        return told, troubles

    def _advance(self) -> None:
        """Run all that may run by now."""
        if not self._ticking:
            self._time.now_s = np.nan
            self._release(np.inf)
            return
        if self._passed_s is None and not self._begin():
            return
        passed = cast(float, self._passed_s)
        while True:
            self._time.now_s = passed
            self._release(passed + self._grid)
            head_s = self._head_s()
            until = grid_before(head_s, self._grid) if np.isfinite(head_s) else np.inf
            watched_s = self.watched_until_s if self.watched_until_s is not None else -np.inf
            if self._held and self.held > HELD_LIMIT:
                watched_s = max(watched_s, head_s)
            if not np.isfinite(watched_s):
                break
            until = min(until, grid_before(watched_s, self._grid))
            if until <= passed:
                break
            due_s = min(instance.due_s for instance in self.instances)
            # Points at which nothing is due cost nothing, be it 40 hours of them.
            point = np.inf if due_s == np.inf else max(grid_from(max(due_s, passed), self._grid), passed + self._grid)
            self._passed_s = passed = min(point, until)
            if point <= until:
                self._time.now_s = point
                for instance in self.instances:
                    instance.tick(point)

    def _begin(self) -> bool:
        """The source's first instant, from a row or from its clock; False while there is none."""
        known = [arrivals.place_s[np.isfinite(arrivals.place_s)] for arrivals in self._held]
        first = next((float(places[0]) for places in known if len(places)), self.watched_until_s)
        if first is None:
            return False
        self._passed_s = grid_before(first, self._grid)
        return True

    def _head_s(self) -> float:
        """Place of the first row that waits; inf if none does."""
        return float(self._held[0].place_s[self._held[0].taken]) if self._held else np.inf

    def _release(self, until_s: float) -> None:
        """Take the rows that stand at ``until_s`` or before."""
        while self._held:
            arrivals = self._held[0]
            end = int(np.searchsorted(arrivals.place_s, until_s, side="right"))
            if end <= arrivals.taken:
                return
            self._take_rows(arrivals, arrivals.taken, end)
            arrivals.taken = end
            if end < arrivals.size:
                return
            self._held.popleft()

    def _take_rows(self, arrivals: Arrivals, start: int, end: int) -> None:
        """Rows ``start`` to ``end`` of a frame, all of one slot: a card is in force for the rows after it."""
        is_card = arrivals.kind[start:end] == CARD
        if not is_card.any():
            self._observe(arrivals, start, end)
            return
        edges = [start, *(np.flatnonzero(np.diff(is_card)) + 1 + start).tolist(), end]
        for first, last in pairwise(edges):
            if arrivals.kind[first] == CARD:
                for at in range(first, last):
                    home_id, card = arrivals.home_id(at), arrivals.card(at)
                    if arrivals.from_keeper and home_id not in self.cards.home_ids:
                        self._put_by(home_id, card)
                    else:
                        self._claim([home_id])
                        self._apply_cards([(home_id, card)])
                self._enrol()
            else:
                self._observe(arrivals, first, last)

    def _apply_cards(self, cards: Sequence[tuple[str, Card]]) -> None:
        for home, card in self.cards.apply_all(cards):
            if card.removed:
                for instance in self.instances:
                    instance.forget(home)

    def _put_by(self, home_id: str, card: Card) -> None:
        """Keep the card of a home that has not spoken on this source; it is in force before its first row."""
        self._kept.put([(home_id, card)])
        place = self._kept.homes.place(home_id)
        self._unclaimed.extend([b""] * (place + 1 - len(self._unclaimed)))
        before = self._unclaimed[place]
        if not before or card.version > unpack_card(before).version:
            (self._unclaimed[place],) = self._kept.of(as_names([home_id]), [card])
            self._unclaimed_count += not before

    def _claim(self, home_ids: Sequence[str]) -> None:
        """Put the cards of homes that speak for the first time in force."""
        cards = []
        for home_id, place in zip(home_ids, self._kept.homes.places(as_names(home_ids)).tolist(), strict=True):
            if 0 <= place < len(self._unclaimed) and (packed := self._unclaimed[place]):
                self._unclaimed[place] = b""
                self._unclaimed_count -= 1
                cards.append((home_id, unpack_card(packed)))
        if cards:
            self._apply_cards(cards)

    def _devices(self, arrivals: Arrivals, start: int, end: int) -> Ints:
        """Device of each row. Whoever was not heard before gets his number, and his home its card."""
        home_ids, device_ids = arrivals.home_ids[start:end], arrivals.device_ids[start:end]
        device = self.cards.find_devices(home_ids, device_ids)
        new = np.flatnonzero(device < 0)
        if len(new):
            if self._unclaimed_count:
                self._claim(list(dict.fromkeys(name.decode() for name in home_ids[new].tolist())))
            device[new] = self.cards.add_devices(home_ids[new], device_ids[new])
        return device

    def _enrol(self) -> None:
        for instance in self.instances:
            instance.enrol()

    def _observe(self, arrivals: Arrivals, start: int, end: int) -> None:
        device = self._devices(arrivals, start, end)
        at = np.arange(start, end)
        fresh = self._seen.fresh(
            device,
            arrivals.kind[start:end],
            arrivals.boot[start:end],
            arrivals.seq[start:end],
            arrivals.received_at_s[start:end],
        )
        self.rows += len(at)
        if not fresh.all():
            at, device = at[fresh], device[fresh]
            self.repeats += int((~fresh).sum())
        self._enrol()
        if not len(at):
            return
        home, room, role = (
            column[device].astype(np.int64)
            for column in (self.cards.device_home, self.cards.device_room, self.cards.device_role)
        )
        looks = Looks(arrivals, at, home, device, room, role)
        for instance in self.instances:
            instance.observe(looks)

    def packed(self) -> dict[str, Any]:
        """For a snapshot: everything, with the rows that wait."""
        meta = FrameMeta(source=self.name, lane=self._lane, watched_until_s=None)
        return {
            "clock": self.clock,
            "watched_until_s": self.watched_until_s,
            "arrived_s": self._arrived_s,
            "passed_s": self._passed_s,
            "time": self._time.packed(),
            "cards": self.cards.packed(),
            "seen": self._seen.packed(),
            "held": [
                (encode(meta, each.rest()), pack(each.place_s[each.taken :]), each.from_keeper) for each in self._held
            ],
            **self._packed_unclaimed(),
            "shared": [(key, own.packed()) for key, own in self._shared.items()],
            "detectors": {instance.name: instance.packed() for instance in self.instances},
        }

    def _packed_unclaimed(self) -> dict[str, Any]:
        kept = self._kept.packed
        places = [place for place, packed in enumerate(self._unclaimed) if packed]
        own = [place for place in places if self._unclaimed[place] is not kept[place]]
        return {
            "unclaimed": pack(np.array(places, dtype=np.int32)),
            "unclaimed_own": [(place, self._unclaimed[place]) for place in own],
        }

    def restore(self, packed: dict[str, Any]) -> list[str]:
        """From a snapshot, into an empty one. Returns the detectors that start anew because theirs did not fit."""
        self.clock = packed["clock"]
        self.watched_until_s = packed["watched_until_s"]
        self._arrived_s = packed["arrived_s"]
        self._passed_s = packed["passed_s"]
        self._time.restore(packed["time"])
        self.cards.restore(packed["cards"])
        self._seen.restore(packed["seen"])
        places = unpack(packed["unclaimed"]).tolist()
        self._unclaimed = [b""] * (max(places, default=-1) + 1)
        for place in places:
            self._unclaimed[place] = self._kept.packed[place]
        for place, card in packed["unclaimed_own"]:
            self._unclaimed[place] = brought_up(card, packed["cards"]["fields"])
        self._unclaimed_count = len(places)
        for key, state in packed["shared"]:
            if (own := self._shared.get(tuple(key))) is not None:
                own.restore(state)
        for value, place, from_keeper in packed["held"]:
            arrivals = Arrivals(decode(value).batches, from_keeper=from_keeper)
            arrivals.place_s = cast(Floats, unpack(place))
            self._held.append(arrivals)
        anew = []
        for instance in self.instances:
            instance.episodes.clock = self.clock
            if instance.name not in packed["detectors"] or not instance.restore(packed["detectors"][instance.name]):
                anew.append(instance.name)
        self._enrol()
        return anew
