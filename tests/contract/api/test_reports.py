"""Supervision reports: every figure worked out once more from the audit alone, after random work; and what cannot be known is said."""

import csv
import io
import statistics
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.contract.alerts.centre import START, Centre
from tests.contract.alerts.conftest import HomesInDatabase
from tests.contract.alerts.script import HOMES, Script
from tests.contract.api.office import HERE, Desk, Office

pytestmark = pytest.mark.services

# Said once more here, not taken from alerts.outcomes: a code that changes sides must be noticed.
TRUE = {"fall_injured", "fall_not_injured", "medical", "fire_gas", "water", "wandering", "assistance", "no_contact_attended"}  # fmt: skip
FALSE = {"accidental_press", "sensor_false", "wellbeing_call", "away_not_reported", "resident_well", "kin_says_well"}
DESK_DOES = {
    "claimed",
    "renewed",
    "released",
    "stepped",
    "called",
    "verifying",
    "dispatched",
    "on_scene",
    "held",
    "shelved",
    "resolved",
}
BACK = {"released", "lease_lost", "reopened", "unmerged", "queued"}


class Told:
    """One case as its audit tells it."""

    def __init__(self) -> None:
        self.test = False
        self.family = self.home = self.detector = ""
        self.device: str | None = None
        self.priority = 5
        self.raised_at = self.queued_at = self.claimed_at = self.arrived_at = self.ended_at = self.closed_at = None
        self.outcome: str | None = None

    def hear(self, at: datetime, action: str, reason: str, facts: dict[str, Any], home: str) -> None:
        if action == "raised":
            self.raised_at, self.home = at, home
            self.family, self.detector, self.device = facts["family"], facts["detector"], facts["device_id"]
            self.test = reason == "case.test"
        if "priority" in facts:
            self.priority = facts["priority"]
        if reason == "case.help" and (action == "reopened" or self.ended_at is None):
            self.priority = 1
        queued = (
            action in BACK
            or reason == "case.hold_ended"
            or (action == "raised" and reason not in ("case.asking", "case.suspended"))
        )
        if queued and not self.test:
            self.queued_at = self.queued_at or at
        if action == "claimed":
            self.claimed_at = self.claimed_at or at
        if action == "on_scene":
            self.arrived_at = self.arrived_at or at
        if action == "resolved":
            self.ended_at = at
            said = {"resident": "resident_well"}.get(str(facts.get("channel")).replace("voice", "resident"), "kin_says_well")  # fmt: skip
            self.outcome = said if reason == "case.well" else facts["outcome"]
        if action in ("closed", "restored", "merged"):
            self.closed_at = at
        if action == "reopened":
            self.outcome = self.ended_at = self.closed_at = None

    @property
    def alarm_at(self) -> datetime | None:
        return min((at for at in (self.queued_at, self.claimed_at) if at), default=None)


def slot(at: datetime) -> datetime:
    return at.replace(minute=at.minute // 10 * 10, second=0, microsecond=0)


def answers(cases: list[Told], limit_s: float, now: datetime) -> dict[str, Any]:
    met = known = 0
    for case in cases:
        if case.family == "technical" or case.queued_at is None:
            continue
        if case.claimed_at is None:
            known += (
                case.ended_at is None and case.closed_at is None and (now - case.queued_at).total_seconds() > limit_s
            )
        elif case.claimed_at >= case.queued_at:
            known += 1
            met += (case.claimed_at - case.queued_at).total_seconds() <= limit_s
    return {"count": met, "n": known, "pct": round(100 * met / known, 1) if known else None}


def falseness(cases: list[Told]) -> dict[str, Any]:
    false, true = sum(c.outcome in FALSE for c in cases), sum(c.outcome in TRUE for c in cases)
    return {"count": false, "n": false + true, "pct": round(100 * false / (false + true), 1) if false + true else None}


def figures(name: str, cases: list[Told], now: datetime) -> dict[str, Any]:
    took = sorted((case.arrived_at - case.raised_at).total_seconds() for case in cases if case.arrived_at)
    people = [case for case in cases if case.family != "technical"]
    open_ones = [c for c in people if c.queued_at and not c.claimed_at and not c.ended_at and not c.closed_at]
    judged = falseness(cases)
    return {
        "name": name, "raised": len(cases), "calls": 0, "alarms": sum(case.alarm_at is not None for case in cases),
        "within_60": answers(cases, 60, now), "within_180": answers(cases, 180, now), "unanswered": len(open_ones),
        "arrival": {"n": len(took), "p50_s": statistics.median_low(took) if took else None, "p90_s": took[-(-len(took) * 9 // 10) - 1] if took else None},
        "false_alarms": judged, "undecided": len(cases) - judged["n"],
        "stale": sum((case.ended_at or case.closed_at or now) - case.raised_at > timedelta(hours=24) for case in cases),
    }  # fmt: skip


async def ask(desk: Desk, words: str = "") -> dict[str, Any]:
    answer = await desk.get(f"/api/v1/report{words}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_every_figure_is_what_the_audit_says_after_random_work(office: Office) -> None:
    script = Script(Centre(office.store, HomesInDatabase(office.conninfo)), 7)
    script.starts = range(100, 6000, 100)
    script.homes = [*HOMES, *(f"h-{number}" for number in range(4, 13))]
    for _ in range(240):
        await script.step()
    now = office.clock()
    last = script.centre.now.date()
    told: dict[str, Told] = defaultdict(Told)
    work: set[tuple[datetime, str]] = set()
    rows = office.sql(
        "SELECT case_id, at, actor, action, reason, facts, home_id FROM audit WHERE version IS NOT NULL ORDER BY audit_id"
    )
    for number, (case_id, at, actor, action, reason, facts, home) in enumerate(rows):
        told[case_id].hear(at.astimezone(UTC), action, reason, facts, home)
        if actor.startswith("desk-") and (
            action in DESK_DOES or (action == "noted" and _holds(rows[:number], case_id, actor))
        ):
            work.add((slot(at.astimezone(UTC)), actor))
    cases = [case for case in told.values() if not case.test and case.outcome != "test"]
    assert len(cases) > 20
    assert any(case.test for case in told.values())
    chief = await office.desk("chief")
    report = await ask(chief, f"?from_day={START.date()}&to_day={last + timedelta(days=1)}&band_h=6")
    assert report["total"] == figures("", cases, now)
    assert report["total"]["within_60"]["n"] > 5
    by_priority = {str(p): [c for c in cases if c.priority == p] for p in range(1, 6)}
    assert report["priorities"] == [figures(name, found, now) for name, found in by_priority.items() if found]
    hours = defaultdict(list)
    for case in cases:
        hours[(case.raised_at + timedelta(hours=8)).hour // 6 * 6].append(case)
    assert report["bands"] == [figures(str(hour), hours[hour], now) for hour in sorted(hours)]
    by_detector = {name: [c for c in cases if c.detector == name] for name in {c.detector for c in cases}}
    assert {row["name"]: (row["raised"], row["false_alarms"]) for row in report["detectors"]} == {
        name: (len(found), falseness(found)) for name, found in by_detector.items()
    }
    check_load(report, cases, work)
    check_sources(report, cases)


def _holds(before: list[Any], case_id: str, actor: str) -> bool:
    """Whether a desk held the case just then: the last change of hands before was its own claim."""
    holder = None
    for other, _, who, action, reason, _, _ in before:
        if other != case_id:
            continue
        if action == "claimed":
            holder = who
        elif action in BACK | {"resolved", "shelved"} or reason == "case.hold_ended":
            holder = None
    return holder == actor


def check_load(report: dict[str, Any], cases: list[Told], work: set[tuple[datetime, str]]) -> None:
    came = Counter(slot(case.alarm_at) for case in cases if case.alarm_at)
    desks = Counter(at for at, _ in work)
    load = report["load"]
    assert load["desk_hours"] == round(len(work) / 6, 2)
    assert load["alarms_per_desk_hour"] == round(sum(came.values()) / (len(work) / 6), 2)
    assert load["floods"] == sum(count > 10 * max(desks[at], 1) for at, count in came.items())
    assert load["worst_10_min"] == pytest.approx(max(count / max(desks[at], 1) for at, count in came.items()))
    assert load["unattended"] == sum(count for at, count in came.items() if at not in desks)


def check_sources(report: dict[str, Any], cases: list[Told]) -> None:
    by_source = defaultdict(list)
    for case in cases:
        if case.alarm_at:
            by_source[case.home, case.device, case.family].append(case)
    chattering = set()
    for source, found in by_source.items():
        times = sorted(case.raised_at for case in found)
        if any(third - first <= timedelta(hours=1) for first, third in zip(times, times[2:], strict=False)):
            chattering.add(source)
    assert (report["load"]["sources"], report["load"]["chattering"]) == (len(by_source), len(chattering))
    shown = {(row["home_id"], row["device_id"], row["family"]): row for row in report["sources"]}
    assert sorted((row["alarms"] for row in report["sources"]), reverse=True) == sorted(map(len, by_source.values()), reverse=True)[:10]  # fmt: skip
    for source, row in shown.items():
        assert row["alarms"] == len(by_source[source])
        assert row["false_alarms"] == falseness(by_source[source])
        assert row["chattering"] == (source in chattering)


async def test_a_month_without_cases_says_none_and_not_a_hundred_per_cent(office: Office) -> None:
    report = await ask(await office.desk("chief"))
    assert report["total"]["within_60"] == {"count": 0, "n": 0, "pct": None}
    assert report["total"]["arrival"] == {"n": 0, "p50_s": None, "p90_s": None}
    assert report["load"]["alarms_per_desk_hour"] is None
    assert report["load"]["worst_10_min"] is None


async def test_one_that_still_waits_is_late_only_when_its_time_is_over(office: Office) -> None:
    chief = await office.desk("chief")
    await office.admit("shen")
    assert (await ask(chief))["total"]["within_60"]["n"] == 0
    office.clock.forward(61)
    total = (await ask(chief))["total"]
    assert (total["within_60"]["count"], total["within_60"]["n"], total["within_180"]["n"]) == (0, 1, 0)


async def test_an_area_of_somebody_else_has_no_figures_and_the_own_has(office: Office) -> None:
    await office.admit("shen")
    await office.admit("luo")
    chief = await office.desk("chief")
    assert (await ask(chief))["total"]["raised"] == 2
    assert [row["name"] for row in (await ask(chief, "?area=3302"))["areas"]] == ["330206", "330282"]  # fmt: skip
    assert (await ask(chief, f"?area={HERE}"))["total"]["raised"] == 1
    office.sql("UPDATE users SET area_prefix = '330206' WHERE user_name = 'chief'")
    try:
        elsewhere = await ask(chief, f"?area={HERE}")
        assert (elsewhere["area"], elsewhere["total"]["raised"], elsewhere["sources"]) == (HERE, 0, [])
        assert (await ask(chief))["total"]["raised"] == 1
    finally:
        office.sql("UPDATE users SET area_prefix = '' WHERE user_name = 'chief'")


async def test_the_table_holds_the_same_figures_each_with_what_it_is(office: Office) -> None:
    await office.admit("shen")
    chief = await office.desk("chief")
    report = await ask(chief)
    rows = list(csv.DictReader(io.StringIO((await chief.get("/api/v1/report.csv")).text)))
    found = {(row["part"], row["name"], row["figure"]): row for row in rows}
    assert found["all", "", "raised"]["value"] == str(report["total"]["raised"]) == "1"
    assert (found["all", "", "within_60_pct"]["value"], found["all", "", "within_60_pct"]["n"]) == ("", "0")
    assert found["source", "shen.sos-1 sos", "alarms"]["value"] == "1"
    assert all(row["meaning_zh"] and row["meaning_en"] for row in rows)


async def test_days_that_make_no_period_are_refused(office: Office) -> None:
    chief = await office.desk("chief")
    for days in ("from_day=2026-01-01", "from_day=2026-02-01&to_day=2026-01-01", "from_day=2020-01-01&to_day=2026-01-01"):  # fmt: skip
        assert (await chief.get(f"/api/v1/report?{days}")).status_code == 422, days
