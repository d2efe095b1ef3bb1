"""Identifiers and the MQTT topics built from them (design: names and keys)."""

import re

import msgspec

from contracts.errors import BadName

ID_RULE = "[a-z0-9][a-z0-9-]{0,39}"
_ID = re.compile(ID_RULE)
_AREA = re.compile(r"[0-9]{9}")
TOPIC_ROOT = "shouwang/v1"
_TOPIC = re.compile(rf"{TOPIC_ROOT}/([0-9]{{9}})/({ID_RULE})\.({ID_RULE})/([^/]*)(?:/(.*))?", re.DOTALL)
MARKER_ROOT = "shouwang/internal/marker"

CHANNELS = ("telemetry", "event", "inertial", "status", "z2m", "clock", "receipt")
"""Channels of a device. ``receipt`` goes to the device; ``clock`` moves a recorded clock and is refused elsewhere."""

AREA_DEMO = "330282999"
"""Area of the demo's simulated homes: its bridge runs on a virtual clock, so the main bridge leaves it alone."""
AREA_REPLAY = "999999999"
"""Area of replayed recordings: each replay brings a bridge that runs on the recording's own clock."""


AREA_CANARY = "000000000"
"""Area of the canaries (``contracts.canaries``): no code of a real place begins so, and nobody lives there."""


class Topic(msgspec.Struct, frozen=True, gc=False):
    """A device's topic, taken apart. ``rest`` is what follows the channel (``z2m/<friendly name>``), else empty."""

    area: str
    home_id: str
    device_id: str
    channel: str
    rest: str

    @property
    def account(self) -> str:
        return f"{self.home_id}.{self.device_id}"


def is_id(value: str) -> bool:
    return _ID.fullmatch(value) is not None


def check_id(value: str, what: str) -> str:
    """The id itself, or BadName."""
    if not is_id(value):
        raise BadName(what=what, value=value, rule=ID_RULE)
    return value


def parse_topic(topic: str) -> Topic:
    """Take ``shouwang/v1/{area}/{home_id}.{device_id}/{channel}[/rest]`` apart. Raises BadName."""
    if (found := _TOPIC.fullmatch(topic)) is not None:
        return Topic(*found.groups(default=""))
    parts = topic.split("/", 5)
    if len(parts) < 5 or parts[0] != "shouwang" or parts[1] != "v1":
        raise BadName(what="topic", value=topic, rule=f"{TOPIC_ROOT}/AREA/HOME.DEVICE/CHANNEL")
    if not _AREA.fullmatch(parts[2]):
        raise BadName(what="area", value=parts[2], rule="[0-9]{9}")
    raise BadName(what="account", value=parts[3], rule=f"{ID_RULE}.{ID_RULE}")


def topic_of(area: str, home_id: str, device_id: str, channel: str) -> str:
    return f"{TOPIC_ROOT}/{area}/{home_id}.{device_id}/{channel}"
