"""Homes and devices of one source in one partition: dense indices, and what their cards say, as columns."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, NamedTuple, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import numpy as np

from contracts.kinds import LINES, PLACES, ROLES, ROOMS, WORN, Card
from stream.columns import Columns, StateColumn, pack, unpack
from stream.detector import Bools, Floats, Ints

ZONE = "Asia/Shanghai"
"""Zone of a home whose card names none that this machine knows."""
QUARTER_S = 900.0
"""Offsets of all zones change on quarters of an hour at the earliest."""
_ROLE = {name: index for index, name in enumerate(ROLES)}
_ROOM = {name: index for index, name in enumerate(ROOMS)}

_HOMES = {
    "known": StateColumn("?", False),
    "version": StateColumn("i8", 0),
    "care_level": StateColumn("i8", 0),
    "residents": StateColumn("i8", 1),
    "away_until_s": StateColumn("f8", np.nan),
    "visitor_until_s": StateColumn("f8", np.nan),
    "has_entrance_door": StateColumn("?", False),
    "roles": StateColumn("i8", 0),
    "learned_days": StateColumn("i8", 0),
    "silence_min": StateColumn("f4", np.nan, LINES),
    "zone": StateColumn("i8", 0),
}
_DEVICES = {
    "device_role": StateColumn("i8", _ROLE["other"]),
    "device_room": StateColumn("i8", _ROOM["other"]),
    "device_worn": StateColumn("i8", 0),
    "device_place": StateColumn("i1", -1),
    "device_home": StateColumn("i8", -1),
    "device_known": StateColumn("?", False),
}


CONCERNS = {**_ROLE, **{f"room:{room}": 32 + place for room, place in _ROOM.items()}}
"""What a detector may name in ``concerns``: a role, or ``room:`` and a room; by the place of its bit."""


def concerns_mask(words: Iterable[str]) -> int:
    """One bit for each of CONCERNS."""
    return sum({1 << CONCERNS[word] for word in words if word in CONCERNS})


def pack_card(card: Card) -> bytes:
    """A card as it is kept."""
    return msgspec.msgpack.encode(card)


_DECODER = msgspec.msgpack.Decoder(Card)


def unpack_card(packed: bytes) -> Card:
    """The card again."""
    return _DECODER.decode(packed)


class KeptCard(NamedTuple):
    """A card of a home that has not spoken yet."""

    version: int
    packed: bytes


class HomeCards:
    """What ``stream.detector.Cards`` promises, and the indices behind it. A home without a card has cautious defaults.

    ``kept``: cards that somebody else in this process keeps packed; the same one is not kept twice (half a kilobyte a home).
    """

    def __init__(self, kept: Mapping[str, KeptCard] = MappingProxyType({})) -> None:
        self._kept = kept
        self.home_ids: list[str] = []
        self.device_ids: list[str] = []
        self.home_index: dict[str, int] = {}
        self.device_index: dict[tuple[str, str], int] = {}
        self._packed: dict[int, bytes] = {}
        """The card in force of each home that has one; few are asked for more than their columns, and as objects they take 4 KB each."""
        self._homes = Columns(_HOMES)
        self._devices = Columns(_DEVICES)
        self._devices_of: dict[int, list[int]] = {}
        self._thresholds: dict[str, Columns] = {}
        self._usual: dict[str, Columns] = {}
        self._zones: list[ZoneInfo] = [ZoneInfo(ZONE)]
        self._zone_index: dict[str, int] = {ZONE: 0}
        self._offsets: dict[tuple[int, float], float] = {}
        self._attach()

    def home(self, home_id: str) -> int:
        """Index of a home; a new one gets the next."""
        index = self.home_index.get(home_id)
        if index is None:
            index = self.home_index[home_id] = len(self.home_ids)
            self.home_ids.append(home_id)
            self._homes.grow(index + 1)
            self._devices_of[index] = []
            self._attach()
        return index

    def device(self, home_id: str, device_id: str) -> int:
        """Index of a device; a new one gets the next, bound to no room or role until a card names it."""
        key = (home_id, device_id)
        index = self.device_index.get(key)
        if index is None:
            home = self.home(home_id)
            device_id = sys.intern(device_id)  # a city has few different ones, and a key of its own for every device
            index = self.device_index[self.home_ids[home], device_id] = len(self.device_ids)
            self.device_ids.append(device_id)
            self._devices.grow(index + 1)
            self._devices_of[home].append(index)
            self._attach()
            self.device_home[index] = home
        return index

    def devices(self, keys: Sequence[tuple[str, str]]) -> Ints:
        """Indices of (home_id, device_id) pairs."""
        known = self.device_index
        return np.array([known[key] if key in known else self.device(*key) for key in keys], dtype=np.int64)

    def devices_of(self, home: int) -> Ints:
        """Indices of all devices of a home, also of those that its card does not name."""
        return np.array(self._devices_of[home], dtype=np.int64)

    def apply(self, home_id: str, card: Card) -> bool:
        """Put a card in force; False if one of this or a later version is in force already."""
        home = self.home(home_id)
        if card.version <= self.version[home]:
            return False
        bound = [self.device(home_id, device_id) for device_id in card.device_ids]
        everything = self.devices_of(home)
        self.device_known[everything] = False
        self.device_role[everything] = _ROLE["other"]
        self.device_room[everything] = _ROOM["other"]
        self.device_worn[everything] = 0
        self.device_place[everything] = -1
        for index, role, room in zip(bound, card.device_roles, card.device_rooms, strict=False):
            self.device_known[index] = not card.removed
            self.device_role[index] = _ROLE.get(role, _ROLE["other"])
            self.device_room[index] = _ROOM.get(room, _ROOM["other"])
        for index, worn in zip(bound, card.device_worn, strict=False):
            self.device_worn[index] = WORN.index(worn) if worn in WORN else 0
        for index, place in zip(bound, card.device_places, strict=False):
            self.device_place[index] = place if 0 <= place < PLACES else -1
        kept = self._kept.get(home_id)
        self._packed[home] = kept.packed if kept is not None and kept.version == card.version else pack_card(card)
        self.version[home] = card.version
        self.known[home] = not card.removed
        self.care_level[home] = card.care_level
        self.residents[home] = len(card.residents)
        self.away_until_s[home] = np.nan if card.away_until_s is None else card.away_until_s
        self.visitor_until_s[home] = np.nan if card.visitor_until_s is None else card.visitor_until_s
        self.has_entrance_door[home] = bool((self.device_role[everything] == _ROLE["entrance_door"]).any())
        self.roles[home] |= concerns_mask((*card.device_roles, *(f"room:{room}" for room in card.device_rooms)))
        self.learned_days[home] = card.learned_days
        self.silence_min[home] = card.silence_min if len(card.silence_min) == LINES else np.nan
        self._homes.zone[home] = self._zone(card.zone)
        for column in self._thresholds.values():
            column.grow(home + 1)
            column.value[home] = np.nan
        for column in self._usual.values():
            column.grow(len(self.device_ids))
            column.value[everything] = np.nan
        for name, value in zip(card.threshold_names, card.threshold_values, strict=False):
            name, of_resident, resident = name.partition("@")
            if of_resident:
                self._put_usual(home, card, name, resident, value)
                continue
            column = self._thresholds.setdefault(name, Columns({"value": StateColumn("f8", np.nan)}))
            column.grow(home + 1)
            column.value[home] = value
        return True

    def resident_of(self, home: int, device: int) -> str | None:
        """Whom a device concerns: as its card says, or the only resident; None where it could be several."""
        packed = self._packed.get(home)
        return None if packed is None else self._resident(unpack_card(packed), device)

    def _resident(self, card: Card, device: int) -> str | None:
        if device >= 0:
            bound = dict(zip(card.device_ids, card.device_residents, strict=False)).get(self.device_ids[device])
            if bound:
                return bound
        return card.residents[0] if len(card.residents) == 1 else None

    def local_hour(self, homes: Ints, at_s: Floats | float) -> Floats:
        """Hour of the local day, 0 <= h < 24, fractions included, in each home's zone; NaN where ``at_s`` is no instant."""
        at, zone = np.broadcast_arrays(np.asarray(at_s, dtype=np.float64), self._homes.zone[homes])
        hours = np.full(at.shape, np.nan)
        good = np.isfinite(at) & (np.abs(at) < 1e11)
        quarter = np.floor(at / QUARTER_S, where=good, out=np.zeros(at.shape)) * QUARTER_S
        for key in set(zip(zone[good].tolist(), quarter[good].tolist(), strict=True)):
            here = good & (zone == key[0]) & (quarter == key[1])
            hours[here] = ((at[here] + self._offset(*key)) % 86_400.0) / 3600.0
        return hours

    def threshold(self, name: str, homes: Ints, default: float) -> Floats:
        """The home's override of ``detector.parameter``, else ``default``."""
        column = self._thresholds.get(name)
        if column is None:
            return np.full(np.shape(homes), default, dtype=np.float64)
        column.grow(len(self.home_ids))
        own = column.value[homes]
        return cast(Floats, np.where(np.isnan(own), default, own))

    def usual(self, name: str, devices: Ints) -> Floats:
        """What is usual with whomever each device concerns (``name@resident`` among the card's thresholds); NaN where nobody knows."""
        column = self._usual.get(name)
        if column is None:
            return np.full(np.shape(devices), np.nan)
        column.grow(len(self.device_ids))
        return cast(Floats, column.value[devices])

    def _put_usual(self, home: int, card: Card, name: str, resident: str, value: float) -> None:
        column = self._usual.setdefault(name, Columns({"value": StateColumn("f8", np.nan)}))
        column.grow(len(self.device_ids))
        for device in self._devices_of[home]:
            if self._resident(card, device) == resident:
                column.value[device] = value

    def _zone(self, name: str) -> int:
        if name not in self._zone_index:
            try:
                self._zones.append(ZoneInfo(name))
                self._zone_index[name] = len(self._zones) - 1
            except (ZoneInfoNotFoundError, ValueError, OSError):
                self._zone_index[name] = 0
        return self._zone_index[name]

    def _offset(self, zone: int, at_s: float) -> float:
        key = (zone, at_s)
        offset = self._offsets.get(key)
        if offset is None:
            if len(self._offsets) > 10_000:
                self._offsets.clear()
            delta = datetime.fromtimestamp(at_s, UTC).astimezone(self._zones[zone]).utcoffset()
            offset = self._offsets[key] = delta.total_seconds() if delta is not None else 0.0
        return offset

    def _attach(self) -> None:
        """The columns under their own names: growing replaces the arrays."""
        homes, devices = self._homes, self._devices
        self.known: Bools = homes.known
        self.version: Ints = homes.version
        self.care_level: Ints = homes.care_level
        self.residents: Ints = homes.residents
        self.away_until_s: Floats = homes.away_until_s
        self.visitor_until_s: Floats = homes.visitor_until_s
        self.has_entrance_door: Bools = homes.has_entrance_door
        self.roles: Ints = homes.roles
        """Which roles and rooms devices of the home have or had, as ``concerns_mask``."""
        self.learned_days: Ints = homes.learned_days
        self.silence_min: Floats = homes.silence_min
        self.device_role: Ints = devices.device_role
        self.device_room: Ints = devices.device_room
        self.device_worn: Ints = devices.device_worn
        self.device_place: Ints = devices.device_place
        self.device_home: Ints = devices.device_home
        self.device_known: Bools = devices.device_known

    def packed(self) -> dict[str, Any]:
        """For a snapshot."""
        return {
            "homes": self.home_ids,
            "devices": [(self.device_home[index].item(), device_id) for index, device_id in enumerate(self.device_ids)],
            "cards": {self.home_ids[home]: card for home, card in self._packed.items()},
            "roles": pack(self.roles[: len(self.home_ids)]),
        }

    def restore(self, packed: dict[str, Any]) -> None:
        """From a snapshot, into an empty one: the same indices again."""
        for home_id in packed["homes"]:
            self.home(home_id)
        for home, device_id in packed["devices"]:
            self.device(self.home_ids[home], device_id)
        for home_id, card in packed["cards"].items():
            self.apply(home_id, unpack_card(card))
        if "roles" in packed:  # a snapshot from before there were any has only the cards' own
            self.roles[: len(self.home_ids)] = unpack(packed["roles"])
