"""A watch centre for tests: a case store, a clock that only moves when driven, and detections with sensible defaults."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from alerts.cases import Admission, Case
from alerts.operations import Cases
from alerts.scripts import SCRIPTS
from contracts.detections import Detection, Origin, detection_id

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
_DETECTORS = {
    "sos": "call", "fall": "fall_room", "no_life": "inactivity", "smoke": "smoke", "gas": "gas", "co": "carbon_monoxide",
    "stove": "stove_unattended", "water": "water_running", "wandering": "night_door", "technical": "device_silent",
    "vitals": "heart_rate",
}  # fmt: skip


def a_detection(family: str = "fall", **fields: Any) -> Detection:
    """A detection; ``started_at_s`` (default 1000) tells episodes apart."""
    detector = fields.pop("detector", _DETECTORS[family])
    home_id = fields.pop("home_id", "h-1")
    started_at_s = float(fields.pop("started_at_s", 1000.0))
    known: dict[str, Any] = {
        "detection_id": detection_id(home_id, detector, started_at_s), "detector": detector, "family": family, "lane": "urgent",
        "home_id": home_id, "device_id": "dev-1", "started_at_s": started_at_s, "event_at_s": started_at_s,
        "decided_at_s": started_at_s + 1, "score": 3, "reason": f"{detector}.alarm", "evidence": {"down_s": 12.5},
        "origin": Origin(device_id="dev-1", boot=1, seq=7) if family == "sos" else None,
    }  # fmt: skip
    return Detection(**(known | fields))


@dataclass
class Centre:
    """A store and the wall clock it is told."""

    store: Cases
    homes: Any
    now: datetime = START
    fired: list[Any] = field(default_factory=list)
    _episodes: Any = field(default_factory=lambda: count(1000, 100))

    async def admit(self, family: str = "fall", **fields: Any) -> Admission:
        return await self.store.admit(a_detection(family, **fields), self.now)

    async def open(self, family: str = "fall", **fields: Any) -> Case:
        """A case of a home of its own."""
        number = next(self._episodes)
        admission = await self.admit(family, **({"home_id": f"h-{number}", "started_at_s": number} | fields))
        assert admission.case is not None
        return admission.case

    async def claim(self, case: Case, desk: str = "desk-1") -> Case:
        return await self.store.claim(case.case_id, version=case.version, desk_id=desk, now=self.now)

    async def act(self, name: str, case: Case, **fields: Any) -> Case:
        """One of the holder's operations, as the holder."""
        holder = {"version": case.version, "lease_id": case.lease_id, "desk_id": case.desk_id, "now": self.now}
        if name == "resolve":
            fields = {"contact": "resident", "steps": [step.code for step in SCRIPTS[case.family]]} | fields
        operation = getattr(self.store, name)
        found: Case = await operation(case.case_id, **(holder | fields))
        return found

    async def resolve(self, case: Case, outcome: str = "sensor_false") -> Case:
        return await self.act("resolve", case, outcome=outcome, note="called, all is well")

    async def finished(self, family: str = "fall", **fields: Any) -> Case:
        """Resolved; a P1 was looked at by somebody else as well."""
        return await self.looked_at(await self.resolve(await self.claim(await self.open(family, **fields))))

    async def looked_at(self, case: Case) -> Case:
        if case.priority > 1:
            return case
        return await self.store.look(case.case_id, version=case.version, actor="supervisor-1", now=self.now)

    async def see(self, case: Case | str) -> Case:
        return (await self.store.case(case if isinstance(case, str) else case.case_id)).case

    async def forward(self, duration_s: float) -> None:
        """Let time pass in one step, then sweep as the service does."""
        self.now += timedelta(seconds=duration_s)
        await self.sweep()

    async def sweep(self) -> None:
        while events := await self.store.fire_due(self.now):
            self.fired += events
