"""The clock that a simulation and its bridge share: ``virtual:<w0>:<v0>:<speed>``, wall instant w0 = virtual instant v0, both epoch seconds."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

ZONE = "Asia/Shanghai"
"""Time zone of all simulated homes; it has no summer time, so a local day is always 86,400 s."""
DAY_S = 86_400.0
_UTC_OFFSET_S = 8 * 3600.0


class VirtualClock(NamedTuple):
    """Virtual time runs ``speed`` times as fast as wall time: v = v0 + (wall - w0) * speed."""

    wall_0_s: float
    virtual_0_s: float
    speed: float

    def at(self, wall_s: float) -> float:
        """Virtual instant, s."""
        return self.virtual_0_s + (wall_s - self.wall_0_s) * self.speed

    def wall_at(self, virtual_s: float) -> float:
        """Wall instant, s."""
        return self.wall_0_s + (virtual_s - self.virtual_0_s) / self.speed

    def __str__(self) -> str:
        return f"virtual:{self.wall_0_s:.3f}:{self.virtual_0_s:.3f}:{self.speed:g}"

    @classmethod
    def parse(cls, text: str) -> "VirtualClock":
        """From the words of the setting SHOUWANG_INGEST_CLOCK. Raises ValueError."""
        name, wall_0_s, virtual_0_s, speed = text.split(":")
        if name != "virtual" or float(speed) <= 0:
            raise ValueError(f"{text!r} is not virtual:<w0>:<v0>:<speed>")
        return cls(float(wall_0_s), float(virtual_0_s), float(speed))


def local_day(at_s: float) -> int:
    """Number of the local day (days since 1970-01-01 in ZONE)."""
    return int((at_s + _UTC_OFFSET_S) // DAY_S)


def midnight_s(day: int) -> float:
    """Epoch second at which local day ``day`` begins."""
    return day * DAY_S - _UTC_OFFSET_S


def local_hour(at_s: float) -> float:
    """Hour of the local day, 0 <= h < 24, fractions included."""
    return ((at_s + _UTC_OFFSET_S) % DAY_S) / 3600.0


def is_weekend(day: int) -> bool:
    """Saturday or Sunday; day 0 was a Thursday."""
    return (day + 3) % 7 >= 5


def next_start_s(hour: float, after_s: Iterable[float]) -> float:
    """The next instant at local ``hour`` that is later than all of ``after_s``: where a demonstration's virtual clock may begin.

    A site whose earlier demonstrations ran ahead of the wall clock goes on from there, so that no source's clock ever goes back.
    """
    latest = datetime.fromtimestamp(max(after_s), ZoneInfo(ZONE))
    start = latest.replace(hour=int(hour), minute=round(hour % 1 * 60), second=0, microsecond=0)
    return (start if start > latest else start + timedelta(days=1)).timestamp()
