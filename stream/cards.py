"""Homes and devices of one source in one partition: dense indices, and what their cards say, as columns."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import numpy as np

from contracts.kinds import LINES, PLACES, ROLES, ROOMS, WORN, Card
from stream.columns import Array, Columns, Packed, StateColumn, pack, unpack
from stream.detector import Bools, Floats, Ints
from stream.names import NONE, Names, Numbered, as_names

ZONE = "Asia/Shanghai"
"""Zone of a home whose card names none that this machine knows."""
QUARTER_S = 900.0
"""Offsets of all zones change on quarters of an hour at the earliest."""
_ROLE = {name: index for index, name in enumerate(ROLES)}
_ROOM = {name: index for index, name in enumerate(ROOMS)}

_HOMES = {
    "known": StateColumn("?", False),
    "version": StateColumn("i8", 0),
    "care_level": StateColumn("i1", 0),
    "residents": StateColumn("i2", 1),
    "away_until_s": StateColumn("f8", np.nan),
    "visitor_until_s": StateColumn("f8", np.nan),
    "has_entrance_door": StateColumn("?", False),
    "roles": StateColumn("i8", 0),
    "learned_days": StateColumn("i4", 0),
    "lines": StateColumn("i4", -1),
    "zone": StateColumn("i2", 0),
    "newest_device": StateColumn("i4", -1),
}
_DEVICES = {
    "device_role": StateColumn("i1", _ROLE["other"]),
    "device_room": StateColumn("i1", _ROOM["other"]),
    "device_worn": StateColumn("i1", 0),
    "device_place": StateColumn("i1", -1),
    "device_home": StateColumn("i4", -1),
    "device_known": StateColumn("?", False),
    "device_before": StateColumn("i4", -1),
}
_CODES = [list(ROLES), list(ROOMS), list(WORN)]
"""What the codes in the columns mean."""
MOST_MIN, NO_MIN = 65_534, 65_535
"""Longest line of silence that is kept, minutes (45 days: no detector waits so long), and what stands for one that is not known."""


CONCERNS = {**_ROLE, **{f"room:{room}": 32 + place for room, place in _ROOM.items()}}
"""What a detector may name in ``concerns``: a role, or ``room:`` and a room; by the place of its bit."""


def concerns_mask(words: Iterable[str]) -> int:
    """One bit for each of CONCERNS."""
    return sum({1 << CONCERNS[word] for word in words if word in CONCERNS})


def pack_card(card: Card) -> bytes:
    """A card as it is kept: its values in order of CARD_FIELDS, its learned lines as words of two bytes. A third of what it takes with names."""
    lines = np.array(card.silence_min, dtype=np.int64)
    if not len(lines) or lines.min() < 0 or lines.max() > NO_MIN:
        return _ENCODER.encode((msgspec.structs.astuple(card), b""))
    return _ENCODER.encode(
        (msgspec.structs.astuple(msgspec.structs.replace(card, silence_min=())), lines.astype("<u2").tobytes())
    )


CARD_FIELDS = Card.__struct_fields__
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(tuple[list[Any], bytes])


def unpack_card(packed: bytes, fields: Sequence[str] = CARD_FIELDS) -> Card:
    """The card again. ``fields``: those of the program that packed it; what this one does not know is left out, what it knows more has its default."""
    values, lines = _DECODER.decode(packed)
    known = {name: value for name, value in zip(fields, values, strict=True) if name in CARD_FIELDS}
    card = msgspec.convert({"kind": "card", **known}, Card)
    return (
        msgspec.structs.replace(card, silence_min=tuple(np.frombuffer(lines, dtype="<u2").tolist())) if lines else card
    )


def brought_up(packed: bytes, fields: Sequence[str]) -> bytes:
    """A card packed by a program with these fields, as this one keeps it."""
    return packed if tuple(fields) == CARD_FIELDS else pack_card(unpack_card(packed, fields))


class KeptCards:
    """The newest card of each home that the keeper sent, for sources that have not spoken of it yet. What is in force shares its bytes."""

    def __init__(self, lines: bool = True) -> None:
        """``lines``: whether learned lines of silence are kept; nobody asks for them on the urgent lane."""
        self._lines = lines
        self.homes = Names()
        self.packed: list[bytes] = []
        self._versions = Columns({"version": StateColumn("i8", 0)})

    def put(self, cards: Sequence[tuple[str, Card]]) -> None:
        """Keep cards, unless one of the same or a later version is kept already."""
        places = self.homes.add(as_names([home_id for home_id, _ in cards]))
        self.packed.extend([b""] * (len(self.homes) - len(self.packed)))
        self._versions.grow(len(self.homes))
        for place, (_, card) in zip(places.tolist(), cards, strict=True):
            if not self.packed[place] or card.version > self._versions.version[place]:
                self.packed[place] = pack_card(self.cut(card))
                self._versions.version[place] = card.version

    def of(self, home_ids: Array, cards: Sequence[Card]) -> list[bytes]:
        """Cards packed; the kept ones' own bytes where they are those versions."""
        return [
            self.packed[place]
            if place != NONE and self._versions.version[place] == card.version
            else pack_card(self.cut(card))
            for place, card in zip(self.homes.places(home_ids).tolist(), cards, strict=True)
        ]

    def cut(self, card: Card) -> Card:
        """What is kept of a card."""
        return card if self._lines else msgspec.structs.replace(card, silence_min=())

    def dump(self) -> dict[str, Any]:
        """For a snapshot."""
        return {
            "fields": CARD_FIELDS,
            "homes": self.homes.packed(),
            "packed": self.packed,
            "versions": self._versions.packed(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """From a snapshot, into an empty one."""
        self.homes.restore(state["homes"])
        self.packed = [brought_up(each, state["fields"]) for each in state["packed"]]
        self._versions.restore(state["versions"])


class DeviceIds(Sequence[str]):
    """The device_id of each device."""

    def __init__(self, pairs: Numbered, words: Names) -> None:
        self._pairs = pairs
        self._words = words

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, device: Any) -> Any:
        return self._words[int(self._pairs.values[device]) & _WORD]


_WORD = 0xFFFFFFFF
"""A device is known by its home's number and that of its name, 32 bits each: a city has few different names for devices."""


class Lines:
    """Learned lines of silence of homes that have some: ``[homes, LINES]`` minutes, NaN where nothing is learned."""

    def __init__(self, homes: Columns) -> None:
        self._homes = homes
        self._lines = Columns({"min": StateColumn("u2", NO_MIN, LINES)})

    def __getitem__(self, item: Any) -> Any:
        homes, *cells = item if isinstance(item, tuple) else (item,)
        place = np.asarray(self._homes.lines[homes])
        if not self._lines.size:
            return np.full(
                np.broadcast_shapes(place.shape, *(np.shape(cell) for cell in cells)) + (() if cells else (LINES,)),
                np.nan,
            )
        found = self._lines.min[(place, *cells)].astype(np.float64)
        known = place >= 0
        return np.where((found == NO_MIN) | ~(known if cells else known[..., None]), np.nan, found)

    def put(self, home: int, minutes: Sequence[int]) -> None:
        """What is in force for a home; nothing where there are not LINES."""
        place = int(self._homes.lines[home])
        if len(minutes) != LINES:
            if place >= 0:
                self._lines.min[place] = NO_MIN
            return
        if place < 0:
            place = self._homes.lines[home] = self._lines.size
            self._lines.grow(place + 1)
        self._lines.min[place] = np.clip(minutes, 0, MOST_MIN)

    def packed(self) -> dict[str, Any]:
        """For a snapshot."""
        return self._lines.packed()

    def restore(self, packed: dict[str, Any]) -> None:
        """From a snapshot."""
        self._lines.restore(packed)


class HomeCards:
    """Homes and devices by index, and what is in force for them; a snapshot gives the same indices again."""

    def __init__(self, kept: KeptCards | None = None) -> None:
        self._kept = kept if kept is not None else KeptCards()
        self.home_ids = Names()
        self._words = Names()
        self._pairs = Numbered("u8")
        self.device_ids = DeviceIds(self._pairs, self._words)
        self._packed: list[bytes] = []
        """The card in force of each home, or nothing; few are asked for more than their columns, and as objects they take 4 KB each."""
        self._homes = Columns(_HOMES)
        self._devices = Columns(_DEVICES)
        self.silence_min = Lines(self._homes)
        self._thresholds: dict[str, Columns] = {}
        self._usual: dict[str, Columns] = {}
        self._zones: list[ZoneInfo] = [ZoneInfo(ZONE)]
        self._zone_index: dict[str, int] = {ZONE: 0}
        self._offsets: dict[tuple[int, float], float] = {}
        self._attach()

    def home(self, home_id: str) -> int:
        """Index of a home; a new one gets the next."""
        return int(self._add_homes(as_names([home_id]))[0])

    def _add_homes(self, home_ids: Array) -> Ints:
        found = self.home_ids.add(home_ids)
        if (more := len(self.home_ids) - len(self._packed)) > 0:
            self._packed.extend([b""] * more)
            self._homes.grow(len(self.home_ids))
            self._attach()
        return found

    def device(self, home_id: str, device_id: str) -> int:
        """Index of a device; a new one gets the next, bound to no room or role until a card names it."""
        return int(self.add_devices(as_names([home_id]), as_names([device_id]))[0])

    def find_devices(self, home_ids: Array, device_ids: Array) -> Ints:
        """Indices of devices by (home_id, device_id); NONE where one is not known."""
        home, word = self.home_ids.places(home_ids), self._words.places(device_ids)
        found = self._pairs.places(_pair(home, word))
        if min(home.min(initial=0), word.min(initial=0)) < 0:
            found[(home < 0) | (word < 0)] = NONE
        return found

    def add_devices(self, home_ids: Array, device_ids: Array) -> Ints:
        """Indices of devices by (home_id, device_id); new ones get the next, in their order."""
        home = self._add_homes(home_ids)
        before = len(self._pairs)
        found = self._pairs.add(_pair(home, self._words.add(device_ids)))
        if (size := len(self._pairs)) > before:
            self._devices.grow(size)
            self._attach()
            self._bind(before)
        return found

    def _bind(self, before: int) -> None:
        """Give the devices from ``before`` on to their homes."""
        homes = (self._pairs.values[before:] >> np.uint64(32)).astype(np.int64)
        self.device_home[before : len(self._pairs)] = homes
        for device, home in enumerate(homes.tolist(), before):
            self._devices.device_before[device] = self._homes.newest_device[home]
            self._homes.newest_device[home] = device

    def devices(self, keys: Sequence[tuple[str, str]]) -> Ints:
        """Indices of (home_id, device_id) pairs; new ones get the next."""
        return self.add_devices(
            as_names([home_id for home_id, _ in keys]), as_names([device_id for _, device_id in keys])
        )

    def devices_of(self, home: int) -> Ints:
        """Indices of all devices of a home, also of those that its card does not name."""
        found, device = [], int(self._homes.newest_device[home])
        while device >= 0:
            found.append(device)
            device = int(self._devices.device_before[device])
        return np.array(found[::-1], dtype=np.int64)

    def apply(self, home_id: str, card: Card) -> bool:
        """Put a card in force; False if one of this or a later version is in force already."""
        return bool(self.apply_all([(home_id, card)]))

    def apply_all(self, cards: Sequence[tuple[str, Card]]) -> list[tuple[int, Card]]:
        """Put cards of different homes in force; those that are now, with their home's index."""
        homes = self._add_homes(as_names([home_id for home_id, _ in cards])).tolist()
        newer = [place for place, home in enumerate(homes) if cards[place][1].version > self.version[home]]
        if not newer:
            return []
        home_ids = as_names([cards[place][0] for place in newer])
        applied = [(homes[place], cards[place][1]) for place in newer]
        counts = [len(card.device_ids) for _, card in applied]
        names = as_names([device_id for _, card in applied for device_id in card.device_ids])
        bound = self.add_devices(np.repeat(home_ids, counts), names).tolist()
        packed, first = self._kept.of(home_ids, [card for _, card in applied]), 0
        for (home, card), count, each in zip(applied, counts, packed, strict=True):
            self._packed[home] = each
            self._put(home, card, bound[first : first + count])
            first += count
        return applied

    def _put(self, home: int, card: Card, bound: Sequence[int]) -> None:
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
        self.version[home] = card.version
        self.known[home] = not card.removed
        self.care_level[home] = card.care_level
        self.residents[home] = len(card.residents)
        self.away_until_s[home] = np.nan if card.away_until_s is None else card.away_until_s
        self.visitor_until_s[home] = np.nan if card.visitor_until_s is None else card.visitor_until_s
        self.has_entrance_door[home] = bool((self.device_role[everything] == _ROLE["entrance_door"]).any())
        self.roles[home] |= concerns_mask((*card.device_roles, *(f"room:{room}" for room in card.device_rooms)))
        self.learned_days[home] = min(card.learned_days, 2**31 - 1)
        self.silence_min.put(home, self._kept.cut(card).silence_min)
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

    def resident_of(self, home: int, device: int) -> str | None:
        """Whom a device concerns: as its card says, or the only resident; None where it could be several."""
        packed = self._packed[home]
        return self._resident(unpack_card(packed), device) if packed else None

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
        for device in self.devices_of(home).tolist():
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
        self.device_role: Ints = devices.device_role
        self.device_room: Ints = devices.device_room
        self.device_worn: Ints = devices.device_worn
        self.device_place: Ints = devices.device_place
        self.device_home: Ints = devices.device_home
        self.device_known: Bools = devices.device_known

    def packed(self) -> dict[str, Any]:
        """For a snapshot."""
        place = self._kept.homes.places(self.home_ids.values)
        shared = [
            home for home, at in enumerate(place.tolist()) if at != NONE and self._packed[home] is self._kept.packed[at]
        ]
        own = set(range(len(self._packed))).difference(shared)
        return {
            "codes": _CODES,
            "fields": CARD_FIELDS,
            "homes": self.home_ids.packed(),
            "words": self._words.packed(),
            "pairs": self._pairs.packed(),
            "home_columns": self._homes.packed(),
            "device_columns": self._devices.packed(),
            "lines": self.silence_min.packed(),
            "thresholds": {name: column.packed() for name, column in self._thresholds.items()},
            "usual": {name: column.packed() for name, column in self._usual.items()},
            "zones": [zone.key for zone in self._zones],
            "zone_index": self._zone_index,
            "shared": pack(np.array(shared, dtype=np.int32)),
            "own": [(home, self._packed[home]) for home in sorted(own) if self._packed[home]],
        }

    def restore(self, packed: dict[str, Any]) -> None:
        """From a snapshot, into an empty one: the same indices again. A program to which codes or columns mean something else applies its cards anew."""
        self.home_ids.restore(packed["homes"])
        self._words.restore(packed["words"])
        self._pairs.restore(packed["pairs"])
        self._packed = [b""] * len(self.home_ids)
        shared = unpack(packed["shared"])
        for home, at in zip(
            shared.tolist(), self._kept.homes.places(self.home_ids.values[shared]).tolist(), strict=True
        ):
            self._packed[home] = self._kept.packed[at]
        for home, card in packed["own"]:
            self._packed[home] = brought_up(card, packed["fields"])
        whole = self._restore_columns(packed)
        if whole and packed["codes"] == _CODES:
            self._attach()
            return
        had = self._homes.roles[: len(self.home_ids)].copy() if whole else 0
        self._homes, self._devices = Columns(_HOMES), Columns(_DEVICES)
        self._homes.grow(len(self.home_ids))
        self._devices.grow(len(self._pairs))
        self.silence_min = Lines(self._homes)
        self._attach()
        self._bind(0)
        self.apply_all(
            [
                (home_id, unpack_card(card))
                for home_id, card in zip(self.home_ids, list(self._packed), strict=True)
                if card
            ]
        )
        self.roles[: len(self.home_ids)] |= had

    def _restore_columns(self, packed: dict[str, Any]) -> bool:
        self._zone_index = dict(packed["zone_index"])
        self._zones = [ZoneInfo(name) for name in packed["zones"]]
        fits = self._homes.restore(packed["home_columns"]) and self._devices.restore(packed["device_columns"])
        self.silence_min.restore(packed["lines"])
        for known, columns in ((self._thresholds, packed["thresholds"]), (self._usual, packed["usual"])):
            for name, column in columns.items():
                known[name] = Columns({"value": StateColumn("f8", np.nan)})
                known[name].restore(column)
        return fits


def _pair(home: Ints, word: Ints) -> Array:
    return (home.astype(np.uint64) << np.uint64(32)) | word.astype(np.uint64)


class Through:
    """A column of all homes or devices, asked by a detector's own numbers of them."""

    def __init__(self, column: Any, of: Ints) -> None:
        self._column = column
        self._of = of

    def __getitem__(self, item: Any) -> Any:
        if isinstance(item, tuple):
            return self._column[(self._of[item[0]], *item[1:])]
        return self._column[self._of[item]]


class Some:
    """Which subjects (homes or devices) a detector keeps something of: each has a place, in order of arrival."""

    def __init__(self) -> None:
        self._columns = Columns({"subject": StateColumn("i4", -1)})
        self._place = Columns({"place": StateColumn("i4", -1)})

    @property
    def size(self) -> int:
        """How many there are."""
        return self._columns.size

    @property
    def all(self) -> Ints:
        """Subject at each place."""
        return cast(Ints, self._columns.subject[: self._columns.size])

    def places(self, subjects: Ints) -> Ints:
        """Places of subjects; NONE where there is none."""
        try:
            places = self._place.place.take(subjects)
        except IndexError:  # subjects that are new since somebody asked
            self._place.grow(int(subjects.max()) + 1)
            places = self._place.place.take(subjects)
        return cast(Ints, places.astype(np.int64))

    def add(self, subjects: Ints) -> None:
        """Give those a place that have none."""
        new = list(dict.fromkeys(subjects[self.places(subjects) < 0].tolist()))
        if new:
            before = self._columns.size
            self._columns.grow(before + len(new))
            self._columns.subject[before : before + len(new)] = new
            self._place.place[new] = np.arange(before, before + len(new))

    def packed(self) -> Packed:
        """For a snapshot."""
        return pack(self.all)

    def restore(self, packed: Packed) -> None:
        """From a snapshot, into an empty one."""
        self.add(unpack(packed).astype(np.int64))


class OwnCards:
    """Home cards as a detector sees them that keeps something of few homes only: homes and devices have numbers of its own."""

    def __init__(self, cards: HomeCards) -> None:
        self._cards = cards
        self.homes = Some()
        self.devices = Some()

    def packed(self) -> list[Packed]:
        """For a snapshot."""
        return [self.homes.packed(), self.devices.packed()]

    def restore(self, packed: list[Packed]) -> None:
        """From a snapshot, into an empty one."""
        for some, each in zip((self.homes, self.devices), packed, strict=True):
            some.restore(each)

    def __getattr__(self, name: str) -> Any:
        column = getattr(self._cards, name)
        return Through(column, self.devices.all if name.startswith("device_") else self.homes.all)

    def local_hour(self, homes: Ints, at_s: Floats | float) -> Floats:
        """See ``HomeCards.local_hour``."""
        return self._cards.local_hour(self.homes.all[homes], at_s)

    def threshold(self, name: str, homes: Ints, default: float) -> Floats:
        """See ``HomeCards.threshold``."""
        return self._cards.threshold(name, self.homes.all[homes], default)

    def usual(self, name: str, devices: Ints) -> Floats:
        """See ``HomeCards.usual``."""
        return self._cards.usual(name, self.devices.all[devices])
