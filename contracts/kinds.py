"""Kinds of reading: one frozen Struct each, with units in names and physical limits in the type.

This is the one definition. A device's native JSON is decoded straight into these; the Arrow schema of a frame and the SQL
columns of a hypertable are derived from, or tested against, them. A field that a device does not measure is None, never 0.
Limits are those of physics or of any living person, not of plausibility: they only keep nonsense out.
"""

from types import UnionType
from typing import Annotated, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

import msgspec
import pyarrow as pa
from msgspec import Meta

Seconds = Annotated[float, Meta(ge=0, le=4_102_444_800)]  # epoch seconds, until the year 2100
Share = Annotated[float, Meta(ge=0, le=100)]
Counter = Annotated[int, Meta(ge=0, le=2**62)]
Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,39}\Z")]


class Reading(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", forbid_unknown_fields=True, gc=False):
    """What every native message carries beside its values; all of it is optional, and what is missing costs certainty."""

    t: Seconds | None = None
    """When it was measured, epoch seconds on the device's clock."""
    sent: Seconds | None = None
    """When it was sent, on the same clock; shows the clock's skew."""
    boot: Counter | None = None
    """Which start of the device (a counter, or the epoch second of its start)."""
    seq: Counter | None = None
    """Number of the reading since ``boot``, without holes. (device, boot, seq) is the reading's identity. Whoever publishes counts: a
    hub has one counter for all that it sends, its children's readings too, so that a number that never came is known."""
    device: Name | None = None
    """A hub names the child that measured."""
    resident: Name | None = None
    """Whom it concerns, where the device knows."""


class Vitals(Reading, frozen=True, kw_only=True, tag="vitals"):
    """One wearable or bed summary, about once a minute."""

    duration_s: Annotated[float, Meta(ge=0, le=86_400)] | None = None
    heart_rate_bpm: Annotated[float, Meta(ge=20, le=300)] | None = None
    spo2_pct: Annotated[float, Meta(ge=30, le=100)] | None = None
    skin_temp_c: Annotated[float, Meta(ge=0, le=50)] | None = None
    body_temp_c: Annotated[float, Meta(ge=25, le=46)] | None = None
    breathing_rate_bpm: Annotated[float, Meta(ge=1, le=100)] | None = None
    systolic_mmhg: Annotated[float, Meta(ge=30, le=320)] | None = None
    diastolic_mmhg: Annotated[float, Meta(ge=10, le=250)] | None = None
    steps: Annotated[int, Meta(ge=0, le=100_000)] | None = None


class Motion(Reading, frozen=True, kw_only=True, tag="motion"):
    """A motion sensor: movement begins or ends. ``cause`` says what sensed it."""

    moving: bool
    cause: Literal["pir", "vibration"] = "pir"
    still_for_s: Annotated[float, Meta(ge=0, le=1e7)] | None = None
    illuminance_lx: Annotated[float, Meta(ge=0, le=200_000)] | None = None


class Contact(Reading, frozen=True, kw_only=True, tag="contact"):
    """A door, window or cupboard opens or closes."""

    open: bool


class Presence(Reading, frozen=True, kw_only=True, tag="presence"):
    """Radar, bed or chair: is someone there, and how."""

    present: bool
    posture: Literal["standing", "sitting", "lying", "low", "walking"] | None = None
    breathing_rate_bpm: Annotated[float, Meta(ge=0, le=100)] | None = None
    heart_rate_bpm: Annotated[float, Meta(ge=0, le=300)] | None = None
    x_m: Annotated[float, Meta(ge=-100, le=100)] | None = None
    y_m: Annotated[float, Meta(ge=-100, le=100)] | None = None


class Water(Reading, frozen=True, kw_only=True, tag="water"):
    """Water used in the ``duration_s`` up to ``t``, or the flow at ``t``."""

    litres: Annotated[float, Meta(ge=0, le=1e5)] | None = None
    duration_s: Annotated[float, Meta(ge=0, le=86_400)] | None = None
    flow_l_min: Annotated[float, Meta(ge=0, le=1_000)] | None = None
    total_m3: Annotated[float, Meta(ge=0, le=1e7)] | None = None


class Power(Reading, frozen=True, kw_only=True, tag="power"):
    """A plug, lamp, burner or appliance: switched on or off, and what it draws."""

    on: bool | None = None
    power_w: Annotated[float, Meta(ge=-50_000, le=50_000)] | None = None
    energy_kwh: Annotated[float, Meta(ge=0, le=1e9)] | None = None


class Air(Reading, frozen=True, kw_only=True, tag="air"):
    """What the air of a room holds."""

    temperature_c: Annotated[float, Meta(ge=-60, le=200)] | None = None
    humidity_pct: Share | None = None
    co_ppm: Annotated[float, Meta(ge=0, le=10_000)] | None = None
    co2_ppm: Annotated[float, Meta(ge=0, le=100_000)] | None = None
    gas_lel_pct: Share | None = None
    smoke_db_m: Annotated[float, Meta(ge=0, le=100)] | None = None
    smoke_ppm: Annotated[float, Meta(ge=0, le=1e6)] | None = None


class Holding(Reading, frozen=True, kw_only=True, tag="holding"):
    """Temperature of food or of the cabinet that holds it."""

    temperature_c: Annotated[float, Meta(ge=-90, le=300)]
    mode: Literal["hot", "cold", "frozen"] | None = None
    door_open: bool | None = None


class Inertial(Reading, frozen=True, kw_only=True, tag="inertial"):
    """A block of motion samples. ``t`` is the first sample's time.

    ``samples``: little-endian int16, row by row, ``channels`` values a row: 3 = acceleration x y z, 6 = and rotation x y z.
    Full scale 32767 = ``range_g`` (acceleration) and ``range_dps`` (rotation). In JSON the bytes are base64.
    """

    rate_hz: Annotated[float, Meta(ge=1, le=1_000)]
    range_g: Annotated[float, Meta(gt=0, le=200)]
    range_dps: Annotated[float, Meta(gt=0, le=10_000)] | None = None
    channels: Literal[3, 6] = 3
    triggered: bool = False
    samples: Annotated[bytes, Meta(min_length=6, max_length=262_144)]


class Position(Reading, frozen=True, kw_only=True, tag="position"):
    """Where a wearable is, WGS 84."""

    lat_deg: Annotated[float, Meta(ge=-90, le=90)]
    lon_deg: Annotated[float, Meta(ge=-180, le=180)]
    accuracy_m: Annotated[float, Meta(ge=0, le=1e6)] | None = None


class Status(Reading, frozen=True, kw_only=True, tag="status"):
    """How the device itself is. ``online: false`` is the last will."""

    online: bool | None = None
    battery_pct: Share | None = None
    battery_low: bool | None = None
    tamper: bool | None = None
    trouble: bool | None = None
    worn: bool | None = None
    rssi_dbm: Annotated[float, Meta(ge=-200, le=50)] | None = None
    firmware: Annotated[str, Meta(max_length=60)] | None = None
    last_seq: Counter | None = None


class Call(Reading, frozen=True, kw_only=True, tag="call"):
    """Somebody asks for help: SOS button, pull cord, pendant, keypad."""

    action: Literal["press", "hold", "voice"] = "press"
    test: bool = False
    lat_deg: Annotated[float, Meta(ge=-90, le=90)] | None = None
    lon_deg: Annotated[float, Meta(ge=-180, le=180)] | None = None
    accuracy_m: Annotated[float, Meta(ge=0, le=1e6)] | None = None


class FallAlarm(Reading, frozen=True, kw_only=True, tag="fall_alarm"):
    """A device's own judgement that somebody fell (fall radar, pendant, watch), or that it is over."""

    alarm: bool
    phase: Literal["warning", "alarm"] = "alarm"
    source: Literal["radar", "wearable", "mat", "other"] = "other"
    test: bool = False


class SmokeAlarm(Reading, frozen=True, kw_only=True, tag="smoke_alarm"):
    """A smoke or heat alarm's own judgement."""

    alarm: bool
    test: bool = False


class GasAlarm(Reading, frozen=True, kw_only=True, tag="gas_alarm"):
    """A combustible-gas alarm's own judgement."""

    alarm: bool
    test: bool = False


class CoAlarm(Reading, frozen=True, kw_only=True, tag="co_alarm"):
    """A carbon-monoxide alarm's own judgement (EN 50291 leaves the dose to the device)."""

    alarm: bool
    test: bool = False


class LeakAlarm(Reading, frozen=True, kw_only=True, tag="leak_alarm"):
    """Water where none should be."""

    alarm: bool
    test: bool = False


class Card(Reading, frozen=True, kw_only=True, tag="card"):
    """A home card: what the stream must know of a home, without names or telephone numbers, under 500 bytes.

    The ``device_*`` tuples run in parallel. Written by the keeper into both lanes, never accepted from a device.
    """

    version: Annotated[int, Meta(ge=1)]
    zone: str = "Asia/Shanghai"
    area_code: str = ""
    care_level: Annotated[int, Meta(ge=0, le=5)] = 0
    residents: tuple[str, ...] = ()
    device_ids: tuple[str, ...] = ()
    device_roles: tuple[str, ...] = ()
    device_rooms: tuple[str, ...] = ()
    device_residents: tuple[str, ...] = ()
    device_worn: tuple[str, ...] = ()
    """Where each is worn, one of WORN; empty where the card says it of none."""
    away_until_s: Seconds | None = None
    visitor_until_s: Seconds | None = None
    """Somebody else may be inside, and come and go, until then."""
    learned_days: Annotated[int, Meta(ge=0)] = 0
    """Days of evidence behind ``silence_min``; 0 = cautious defaults are in force."""
    silence_min: tuple[int, ...] = ()
    """Learned lines: a silence that is passed here so rarely that somebody should ask, minutes. Empty, or LINES values: place
    (see PLACES) x 24 hours of the local day in which it began."""
    device_places: tuple[int, ...] = ()
    """Place that each device stands for, learned with ``silence_min``; -1: not known. Empty: of none."""
    threshold_names: tuple[str, ...] = ()
    threshold_values: tuple[float, ...] = ()
    """Per-home overrides of a detector's parameter, named ``detector.parameter``; ``usual.word@resident``: what the nightly learner
    found usual with a resident."""
    removed: bool = False


class Canary(Reading, frozen=True, kw_only=True, tag="canary"):
    """A signed test alarm (``contracts.canaries``). Taken from a canary under the canaries' own area alone; nobody stores it."""

    lane: Literal["bulk", "urgent"]
    sent_at_ms: Annotated[int, Meta(ge=0, le=4_102_444_800_000)]
    signature: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]


KINDS: dict[str, type[Reading]] = {
    "vitals": Vitals, "motion": Motion, "contact": Contact, "presence": Presence, "water": Water, "power": Power,
    "air": Air, "holding": Holding, "inertial": Inertial, "position": Position, "status": Status,
    "call": Call, "fall_alarm": FallAlarm, "smoke_alarm": SmokeAlarm, "gas_alarm": GasAlarm, "co_alarm": CoAlarm,
    "leak_alarm": LeakAlarm, "card": Card, "canary": Canary,
}  # fmt: skip
URGENT = frozenset({"call", "fall_alarm", "smoke_alarm", "gas_alarm", "co_alarm", "leak_alarm"})
"""Kinds that take the urgent lane whatever adapter they come from."""
OURS = frozenset({"card", "canary"})
"""Kinds that we send ourselves: no device may, and no table holds them."""
FROM_DEVICES = tuple(name for name in KINDS if name not in OURS)

ROLES = (
    "motion", "entrance_door", "door", "window", "radar", "bed", "chair", "stove", "plug", "light", "tap", "water_meter",
    "wearable", "pendant", "smoke", "gas", "co", "leak", "thermometer", "fridge", "holding", "hub", "other", "hood",
)  # fmt: skip
"""What a device is for in its home. New ones stand at the end: snapshots remember roles by their place."""
WORN = ("", "wrist", "waist")
"""Where a wearable is worn; the first is unknown."""
ROOMS = ("entrance", "living", "bedroom", "kitchen", "bathroom", "dining", "corridor", "balcony", "other")
ROOM_GROUPS = ("other", "kitchen", "bathroom", "bedroom")
"""Groups of the last room for cautious defaults: after a kitchen or bathroom event real silences are short."""
PLACES = 6
BED, STIRRED, PASSAGE = 0, 1, 5
"""Places of a home by what is learned of them: where most rest is had; the same after a stir; 2 to 4: where else somebody rests; where nobody does."""
LINES = 24 * PLACES
"""Values of ``Card.silence_min``: place x 24 + hour of the local day in which a silence began."""

CLOCKS = ("device", "corrected", "received", "unresolved")
"""How ``event_at_s`` was found: the device's clock; shifted by its skew; the bridge's clock, good because the adapter's
messages are live; or unresolved: the bridge's clock stands in for an unknown time, never a sign of life."""
DEVICE, CORRECTED, RECEIVED, UNRESOLVED = range(4)


class Column(NamedTuple):
    """One column of a kind: its name, Arrow type, and whether it may be null."""

    name: str
    type: pa.DataType
    nullable: bool


ENVELOPE = (
    Column("home_id", pa.utf8(), False),
    Column("device_id", pa.utf8(), False),
    Column("via", pa.utf8(), True),
    Column("resident_id", pa.utf8(), True),
    Column("event_at_s", pa.float64(), False),
    Column("received_at_s", pa.float64(), False),
    Column("device_at_s", pa.float64(), True),
    Column("clock", pa.uint8(), False),
    Column("boot", pa.int64(), False),
    Column("seq", pa.int64(), False),
    Column("ordinal", pa.int32(), False),
)
"""Columns before the values. ``via`` is the hub that relayed the reading, if any: (home_id, via or device_id) is the account
that published it. ``boot`` is -1 where the device counts nothing; ``seq`` is then a 63-bit hash of channel and payload.
``ordinal`` is the row's place of arrival in its frame, over all kinds; it is not stored."""

_HEADER = {field.name for field in msgspec.structs.fields(Reading)}
_SCALARS: dict[object, pa.DataType] = {
    float: pa.float64(), int: pa.int64(), bool: pa.bool_(), str: pa.utf8(), bytes: pa.binary(),
}  # fmt: skip


def _arrow(annotation: object) -> tuple[pa.DataType, bool]:
    """Arrow type and nullability of a Struct field's annotation."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _arrow(get_args(annotation)[0])
    if origin in (Union, UnionType):
        inner = [arg for arg in get_args(annotation) if arg is not type(None)]
        return _arrow(inner[0])[0], True
    if origin is Literal:
        return _SCALARS[type(get_args(annotation)[0])], False
    if origin is tuple:
        return pa.list_(_arrow(get_args(annotation)[0])[0]), False
    return _SCALARS[annotation], False


def _values(kind: type[Reading]) -> tuple[Column, ...]:
    hints = get_type_hints(kind, include_extras=True)
    names = [field.name for field in msgspec.structs.fields(kind) if field.name not in _HEADER]
    return tuple(Column(name, *_arrow(hints[name])) for name in names)


VALUES: dict[str, tuple[Column, ...]] = {name: _values(kind) for name, kind in KINDS.items()}
"""Value columns of each kind, in the Struct's order."""
DEFAULTS: dict[str, dict[str, object]] = {
    name: {field.name: field.default for field in msgspec.structs.fields(kind)
           if field.name not in _HEADER and field.default is not msgspec.NODEFAULT}
    for name, kind in KINDS.items()
}  # fmt: skip
"""Values of a kind's columns in a reading that does not name them; the others must be there."""
SCHEMAS: dict[str, pa.Schema] = {
    name: pa.schema([pa.field(c.name, c.type, nullable=c.nullable) for c in (*ENVELOPE, *values)])
    for name, values in VALUES.items()
}
"""Arrow schema of each kind: envelope, then values."""
