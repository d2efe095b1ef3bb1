"""The gate: topic and payload in, readings and refusals out. Pure; time and identity come after it (``intake``)."""

import msgspec

from contracts import canaries
from contracts.errors import BadName
from contracts.kinds import KINDS, URGENT, Inertial, Reading
from contracts.names import AREA_CANARY, CHANNELS, Topic, parse_topic
from ingest.adapters import zigbee2mqtt
from ingest.native import Elements, read_canary, read_inertial, read_many, read_status
from ingest.refusals import Refusal, explain, refuse

PAYLOAD_LIMIT = 524_288
"""Largest payload, bytes: a full inertial block in base64 (349,528) and its head fit, a megabyte does not."""
KIND_OF: dict[type[Reading], str] = {kind: name for name, kind in KINDS.items()}
ON_EVENT = URGENT | {"inertial", "position"}
"""Kinds that the channel ``event`` takes; an inertial block only if triggered."""


class Part(msgspec.Struct, frozen=True, gc=False):
    """One accepted reading. ``place``: its place in the payload's list. ``arrival_is_event``: an adapter's message, sent when it happens."""

    device_id: str
    via: str | None
    kind: str
    reading: Reading
    urgent: bool
    place: int = 0
    arrival_is_event: bool = False


class Judgement(msgspec.Struct, frozen=True, gc=False):
    """What a message is. ``ignored``: a word saying why nothing was to be taken from it (it is no refusal)."""

    topic: Topic | None
    parts: list[Part]
    refusals: list[Refusal]
    moves_clock_to_s: float | None = None
    ignored: str = ""

    @property
    def wants_receipt(self) -> bool:
        """Whether the sender waits to hear even of a refusal: urgent messages are repeated until their receipt."""
        return self.topic is not None and self.topic.channel == "event"


class _ClockMessage(msgspec.Struct, frozen=True):
    t: float


_CLOCK = msgspec.json.Decoder(_ClockMessage)


def read_topic(topic: str) -> Topic | Refusal:
    """The topic taken apart, or why it is none of ours. Not remembered: a city has more topics than a cache that looks at them in turn can hold."""
    try:
        parsed = parse_topic(topic)
    except BadName as error:
        return Refusal("unknown_topic" if error.facts.get("what") == "topic" else "bad_id", str(error)[:400])
    if parsed.channel not in CHANNELS or (parsed.rest and parsed.channel != "z2m"):
        known = ", ".join(channel for channel in CHANNELS if channel not in ("clock", "receipt"))
        channel = f"{parsed.channel}/{parsed.rest}" if parsed.rest else parsed.channel
        return Refusal("unknown_channel", f"channel {channel[:80]!r} is not known. Publish to one of {known}")
    return parsed


def judge(topic: str | Topic | Refusal, payload: bytes, *, led: bool = False) -> Judgement:
    """Judge one message. ``topic``: as it came, or what ``read_topic`` made of it. Never raises for what a device can send. ``led``: the channel ``clock`` is allowed."""
    found = read_topic(topic) if isinstance(topic, str) else topic
    if isinstance(found, Refusal):
        return Judgement(None, [], [found])
    if len(payload) > PAYLOAD_LIMIT:
        detail = (
            f"{len(payload)} bytes, the limit is {PAYLOAD_LIMIT}. Send fewer readings in one list, or shorter blocks"
        )
        return Judgement(found, [], [Refusal("oversize", detail)])
    if found.area == AREA_CANARY and found.device_id == canaries.DEVICE_ID and found.channel in ("telemetry", "event"):
        return _canary(found, payload)
    match found.channel:
        case "telemetry":
            return _native(found, read_many(payload))
        case "event":
            return _event(found, payload)
        case "inertial":
            return _native(found, read_inertial(payload))
        case "status":
            return (
                _native(found, read_status(payload))
                if payload
                else Judgement(found, [], [], ignored="retained status cleared")
            )
        case "z2m":
            return _zigbee2mqtt(found, payload)
        case "clock":
            return _clock(found, payload, led)
        case _:  # receipt: our own words to the device
            return Judgement(found, [], [], ignored="receipt")


def _native(topic: Topic, elements: Elements) -> Judgement:
    parts: list[Part] = []
    for place, reading in elements.readings:
        kind = KIND_OF[type(reading)]
        child = reading.device
        urgent = kind in URGENT or (isinstance(reading, Inertial) and reading.triggered)
        if child is None or child == topic.device_id:
            parts.append(Part(topic.device_id, None, kind, reading, urgent, place))
        else:
            parts.append(Part(child, topic.device_id, kind, reading, urgent, place))
    return Judgement(topic, parts, elements.refusals, ignored="" if parts or elements.refusals else "empty list")


def _canary(topic: Topic, payload: bytes) -> Judgement:
    """A canary, and nothing else. What another device publishes under their area by mistake is read as anywhere else: it may be an SOS."""
    judgement = _native(topic, read_canary(payload))
    urgent = topic.channel == "event"
    parts = [msgspec.structs.replace(part, urgent=urgent) for part in judgement.parts]
    return msgspec.structs.replace(judgement, parts=parts)


def _event(topic: Topic, payload: bytes) -> Judgement:
    judgement = _native(topic, read_many(payload))
    parts: list[Part] = []
    for part in judgement.parts:
        if part.kind in ON_EVENT and (part.kind != "inertial" or part.urgent):
            parts.append(msgspec.structs.replace(part, urgent=True))
            continue
        what = "an inertial block that is not triggered" if part.kind == "inertial" else f"kind {part.kind}"
        where = "inertial" if part.kind == "inertial" else "telemetry"
        detail = f"{what} is not urgent. Publish it on the channel {where}"
        judgement.refusals.append(
            Refusal("not_allowed", detail, part.reading.boot, part.reading.seq, part.reading.device)
        )
    return msgspec.structs.replace(judgement, parts=parts)


def _zigbee2mqtt(topic: Topic, payload: bytes) -> Judgement:
    found = zigbee2mqtt.read(topic.rest, payload)
    if found.ignored:
        return Judgement(topic, [], [], ignored=found.ignored)
    hub = topic.device_id
    device = found.device_id or hub
    via = None if device == hub else hub
    parts = [
        Part(device, via, KIND_OF[type(reading)], reading, KIND_OF[type(reading)] in URGENT, 0, True)
        for reading in found.readings
    ]
    return Judgement(topic, parts, found.refusals)


def _clock(topic: Topic, payload: bytes, led: bool) -> Judgement:
    if not led:
        detail = (
            "channel clock leads the clock of a replay or a simulation and nothing else. Publish readings on telemetry"
        )
        return Judgement(topic, [], [Refusal("not_allowed", detail)])
    try:
        return Judgement(topic, [], [], moves_clock_to_s=_CLOCK.decode(payload).t)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Judgement(topic, [], [refuse(*explain(error), payload)])


def failed(topic: str | Topic | Refusal, error: Exception) -> Judgement:
    """What becomes of a message on which the program itself failed: a dead letter, so that it does not stop those behind it."""
    found = read_topic(topic) if isinstance(topic, str) else topic
    detail = f"the program failed on this payload ({type(error).__name__}: {error}). Please report it with the payload"
    refusal = Refusal("gate_error", detail[:600])
    return Judgement(found if isinstance(found, Topic) else None, [], [refusal])
