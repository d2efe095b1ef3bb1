"""Coverage as people read it: what ``alerts.coverage`` worked out of the devices, under the pipeline's own standstill, in words. Pure.

What cannot be seen is never called well.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

from alerts.coverage import MAINS, NOT_COUNTED, Reason
from alerts.coverage import Coverage as Kept
from api.models.people import DeviceState
from api.models.people import Word as Word
from api.models.shape import Coverage, CoverageNow, Sentence
from contracts.kinds import LINES
from contracts.reasons import WORDS

HUB_S = 90.0
"""Hub or SOS base, s. Design, section 6, rule 10, as are the next. For people to read; it is the stream that supervises (a test compares)."""
MAINS_S = 600.0
WEARABLE_S = 900.0
BATTERY_S = 90_000.0
STANDING = Sentence(key="coverage.standing", zh="数据管道停滞", en="The pipeline stands still")
_SAID = {
    "no_device": Sentence(
        key="coverage.no_device",
        zh="没有登记能看到生活迹象的设备",
        en="No device that could show a sign of life is registered",
    ),
    "never_heard": Sentence(key="coverage.never_heard", zh="设备从未有消息", en="No device has ever been heard"),
    "not_counted": Sentence(
        key="coverage.not_counted", zh="看护状态尚未算出", en="It has not been worked out yet how this home is watched"
    ),
}


class View(msgspec.Struct, frozen=True, kw_only=True):
    """What of a home can be seen from here."""

    kept: Kept = NOT_COUNTED
    """What its devices allow."""
    changed_at: datetime | None = None
    """Since when that is so, wall clock."""
    source_now: datetime | None = None
    """The source's clock at this moment; None: no source of this home is known."""
    standing: bool = False
    """The pipeline stands still for this home."""
    seen_until: datetime | None = None
    """Where it stands: until then the home was seen."""


def kept_of(row: Mapping[str, Any]) -> Kept:
    """A row of ``home_coverage``."""
    return msgspec.convert({name: row[name] for name in Kept.__struct_fields__}, Kept)


def coverage(view: View) -> CoverageNow:
    """Protected, degraded or blind, with reasons. ``cannot_see_since`` is on the source's clock, ``since_at`` on the wall's."""
    if view.standing:
        return CoverageNow(state="blind", cannot_see_since=view.seen_until, reasons=[STANDING])
    if view.source_now is None and view.kept.state != "blind":
        return CoverageNow(state="blind", reasons=[_SAID["never_heard"]])
    return CoverageNow(
        state=view.kept.state,
        cannot_see_since=view.kept.cannot_see_since,
        since_at=view.changed_at,
        reasons=[sentence_of(reason) for reason in view.kept.reasons],
    )


def sentence_of(reason: Reason) -> Sentence:
    """Why, in both languages."""
    if reason.key == "out_of_service":
        what = (f"设备 {reason.device_id} ", f"{reason.device_id} is ") if reason.device_id else ("", "")
        instead = (f"，替代措施：{reason.substitute}", f", substitute: {reason.substitute}") if reason.substitute else ("", "")  # fmt: skip
        return Sentence(
            key="coverage.out_of_service",
            zh=f"{what[0]}停用至 {reason.until}{instead[0]}",
            en=f"{what[1]}out of service until {reason.until}{instead[1]}",
        )
    if reason.key != "silent":
        return _SAID[reason.key]
    role, room = WORDS.get(reason.role, reason.role), WORDS.get(reason.room, reason.room)
    return Sentence(
        key="coverage.silent",
        zh=f"{room}的{role}（{reason.device_id}）失联",
        en=f"{reason.device_id} ({reason.role.replace('_', ' ')}, {reason.room}) is silent",
    )


def limit_s(role: str, worn: bool = False) -> float:
    """Longest silence that is still normal for a device, s; ``worn``: a wearable that is known to be worn."""
    if role == "hub":
        return HUB_S
    if role in MAINS:
        return MAINS_S
    return WEARABLE_S if role == "wearable" and worn else BATTERY_S


def device_states(devices: Sequence[Mapping[str, Any]]) -> list[DeviceState]:
    """Each device (a row of ``api_devices_of_homes``), and whether it is silent. One that never spoke is silent."""
    return [
        DeviceState(
            device_id=row["device_id"],
            role=row["role"],
            room=row["room"],
            bound=row["bound"],
            last_seen_at=row["last_seen_at"],
            limit_s=limit_s(row["role"], row["worn"]),
            silent=row["silent"] or row["last_seen_at"] is None,
        )
        for row in devices
    ]


QUIET_DAY_S = 4 * 3600.0
QUIET_NIGHT_S = 10 * 3600.0
"""Without learned lines: a silence that began by day or by night and is longer than this is called quiet, s. Chosen, cautious."""
Taken = Literal["nobody", "someone"] | None


def quiet_after_s(silence_min: Sequence[int], local_hour: int) -> float:
    """From which silence on someone is quieter than usual, s, for a silence that began in this local hour (0-23).

    ``silence_min``: the learned lines (``contracts.kinds.LINES``), or empty. The longest over the places counts.
    """
    if len(silence_min) == LINES:
        learned_min = max(silence_min[local_hour::24])
        if learned_min > 0:
            return learned_min * 60.0
    return QUIET_DAY_S if 7 <= local_hour < 19 else QUIET_NIGHT_S


def word_for_family(state: Coverage, *, alert: Taken, silence_s: float | None, quiet_s: float) -> Word:
    """One word for a relative. An open alert goes first; "well" only for one who is protected and was seen lately."""
    if alert is not None:
        return "alert"
    if state != "protected" or silence_s is None:
        return "cannot_see"
    return "well" if silence_s <= quiet_s else "quiet"
