"""A source's clock: wall, virtual or recorded. It never goes back, and a jump of the machine's clock moves nothing."""

import math
from typing import Protocol

from contracts.clocks import WallClock
from contracts.errors import BadSetting


class Clock(Protocol):
    """What stamps ``received_at_s``."""

    name: str
    """``wall``, ``virtual`` or ``recorded``; stands in every frame."""
    speed: float
    """Clock seconds in a second of life."""

    def now_s(self) -> float:
        """Epoch seconds, never less than before."""
        ...

    def complete_until_s(self) -> float | None:
        """Up to when everything that there is to say has been sent, as far as this clock can tell; None = it cannot yet."""
        ...


class VirtualClock:
    """v = v0 + (wall - w0) * speed, on a wall clock that cannot jump. Processes that share w0, v0 and speed share the time.

    Whoever plays the world says on the channel ``clock`` how far it has been played: at 60 times the speed of life a simulation that gets no
    processor for 1.5 s has left all its homes silent for 90 s, and that is no home's silence.
    """

    name = "virtual"

    def __init__(self, w0_s: float, v0_s: float, speed: float, base: WallClock | None = None) -> None:
        self.speed = speed
        self._w0_s = w0_s
        self._v0_s = v0_s
        self._base = base or WallClock()
        self._played_s: float | None = None

    def now_s(self) -> float:
        return self._v0_s + (self._base.now_s() - self._w0_s) * self.speed

    def observe(self, t: float) -> None:
        """The broker holds everything that the simulated world had to say until ``t``."""
        self._played_s = max(t, self._played_s or t)

    def arrival_s(self, t: float | None, sent: float | None) -> float:
        """When a reading that came now comes in the world as it is played: as soon as it is sent."""
        return self.now_s() if sent is None else min(sent, self.now_s())

    def complete_until_s(self) -> float | None:
        """As far as the world has been played; None until that was said for the first time."""
        return None if self._played_s is None else min(self._played_s, self.now_s())


class RecordedClock:
    """The recording's own time: the latest ``t`` seen so far."""

    name = "recorded"
    speed = 1.0

    def __init__(self) -> None:
        self._at_s = 0.0

    def observe(self, t: float | None) -> float:
        """Move to ``t`` if that is later; returns the time it is now."""
        if t is not None and t > self._at_s:
            self._at_s = t
        return self._at_s

    def now_s(self) -> float:
        return self._at_s

    def arrival_s(self, t: float | None, sent: float | None) -> float:
        """When a reading that came now came then: a recording has no delays."""
        return self.observe(t)

    def complete_until_s(self) -> float | None:
        """Just before now: another row of this very instant may follow. None before the first time was seen."""
        return math.nextafter(self._at_s, -math.inf) if self._at_s else None


def read_clock(setting: str, not_before_s: float = 0.0) -> Clock:
    """The clock that ``setting`` names: ``wall``, ``virtual:<w0>:<v0>:<speed>``, ``recorded``. Raises BadSetting."""
    if setting == "wall":
        return WallClock(not_before_s)
    if setting == "recorded":
        return RecordedClock()
    name, *numbers = setting.split(":")
    if name == "virtual" and len(numbers) == 3:
        try:
            w0_s, v0_s, speed = map(float, numbers)
        except ValueError:
            speed = math.nan
        if 0 < speed <= 10_000 and math.isfinite(w0_s) and math.isfinite(v0_s):
            return VirtualClock(w0_s, v0_s, speed)
    raise BadSetting(
        name="SHOUWANG_INGEST_CLOCK", detail=f"{setting!r} is none of wall, virtual:<w0>:<v0>:<speed>, recorded"
    )
