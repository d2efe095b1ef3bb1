"""Out of service: a stretch of time in which alarms of a device, a home or an area are recorded and shown but do not ring. Pure.

Somebody else looks after the people meanwhile: that is the substitute, and it is named wherever a person's alarm would be silent.
"""

from datetime import datetime
from typing import Any

import msgspec

LONGEST_S = 28_800.0
"""Longest window, s. Chosen: one shift of 8 h, as the shelf; whoever has the next one decides anew. So nothing is silent for ever."""
AHEAD_S = 31 * 86_400.0
"""How far ahead one may be planned, s. Chosen: a month of appointments with technicians."""
LEAST_DIGITS = 9
"""Digits of the widest area: a town. Chosen: one hand does not make a whole county silent."""


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """A window in force, as it concerns one detection."""

    window_id: int
    until_at: datetime
    reason: str
    substitute: str = ""
    technical_only: bool = False
    """Only what devices say of themselves does not ring; people's alarms do."""
    device_id: str | None = None

    def covers(self, family: str, device_id: str | None) -> bool:
        """Whether an alarm of this family, from this device, does not ring."""
        return (not self.technical_only or family == "technical") and self.device_id in (None, device_id)

    def facts(self) -> dict[str, Any]:
        """What the history of a case says of it."""
        return {"window_id": self.window_id, "until": f"{self.until_at:%Y-%m-%d %H:%M} UTC", "note": self.words()}

    def words(self) -> str:
        """Why, and who looks after the people meanwhile."""
        return f"{self.reason} / {self.substitute}" if self.substitute else self.reason
