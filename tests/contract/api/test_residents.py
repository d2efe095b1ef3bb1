"""Residents and families: the last sign of life is one, and "well" is never said of somebody whom nobody can see."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from contracts.kinds import DEVICE, LINES, UNRESOLVED
from contracts.partitions import partition_of
from tests.contract.api.office import Office

pytestmark = pytest.mark.services

PARTITION = partition_of("shen", 16)


def heard(office: Office, *, ago_s: float = 5.0, moved_ago_s: float = 1.0, device_id: str = "pir-1") -> None:
    """The bridge is there, the stream moves, the device spoke."""
    now = office.clock()
    office.sql(
        "INSERT INTO sources VALUES ('main', %s, 'wall', %s, %s) ON CONFLICT (source, partition) DO UPDATE SET heard_at = excluded.heard_at",
        PARTITION, now, now,
    )  # fmt: skip
    for lane, group in (("bulk", "stream"), ("urgent", "stream-urgent-1")):
        office.sql(
            "INSERT INTO pipeline VALUES (%s, %s, %s, 'main', 'wall', 'w', %s, %s, %s, 0, 0)"
            " ON CONFLICT (stream_group, partition, source) DO UPDATE SET moved_at = excluded.moved_at, watched_until_at = excluded.watched_until_at",
            group, lane, PARTITION, now, now - timedelta(seconds=moved_ago_s), now,
        )  # fmt: skip
    office.sql(
        "UPDATE devices SET last_seen_at = %s, source = 'main' WHERE home_id = 'shen' AND device_id = %s",
        now - timedelta(seconds=ago_s), device_id,
    )  # fmt: skip


def reading(office: Office, kind: str, device_id: str, ago_s: float, clock: int = DEVICE, **values: Any) -> datetime:
    at = office.clock() - timedelta(seconds=ago_s)
    names, marks = ", ".join(f'"{name}"' for name in values), ", ".join(["%s"] * len(values))
    office.sql(
        f"INSERT INTO reading_{kind} (home_id, device_id, event_at, received_at, clock, boot, seq, {names})"
        f" VALUES ('shen', %s, %s, %s, %s, 1, %s, {marks})",
        device_id, at, at, clock, int(ago_s * 1000), *values.values(),
    )  # fmt: skip
    return at


SILENT: dict[str, Any] = {
    "detector": "device_silent", "family": "technical", "lane": "bulk", "score": 1, "reason": "device_silent.silent", "origin": None,
    "evidence": {"role": "motion", "silent_min": 1500, "limit_min": 1500},
}  # fmt: skip


async def detail(office: Office) -> dict[str, Any]:
    await office.parts.pipeline.look()
    await office.keep_coverage()
    answer = await (await office.desk("desk-1")).get("/api/v1/residents/shen-ada")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def relative(office: Office) -> dict[str, Any]:
    await office.parts.pipeline.look()
    await office.keep_coverage()
    answer = await (await office.desk("daughter")).get("/api/v1/family/relatives/shen-ada")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def both_speak(office: Office) -> None:
    heard(office)
    heard(office, device_id="sos-1")


async def test_two_motions_within_two_minutes_are_a_sign_of_life(office: Office) -> None:
    both_speak(office)
    reading(office, "motion", "pir-1", 3_000, moving=True, cause="pir")
    reading(office, "motion", "pir-1", 700, moving=True, cause="pir")
    at = reading(office, "motion", "pir-1", 600, moving=True, cause="pir")
    (sign,) = (await detail(office))["signs"]
    assert (sign["kind"], sign["room"], datetime.fromisoformat(sign["event_at"])) == ("motion", "living", at)


async def test_a_motion_by_itself_proves_nobody(office: Office) -> None:
    both_speak(office)
    for ago_s in (3_000, 2_000, 1_000):
        reading(office, "motion", "pir-1", ago_s, moving=True, cause="pir")
    assert (await detail(office))["signs"] == []


async def test_a_row_of_unknown_time_brings_nobody_to_life(office: Office) -> None:
    both_speak(office)
    for ago_s in (60, 50, 40):
        reading(office, "motion", "pir-1", ago_s, clock=UNRESOLVED, moving=True, cause="pir")
    assert (await detail(office))["signs"] == []


async def test_a_door_that_repeats_itself_is_no_sign_and_one_that_opens_is(office: Office) -> None:
    both_speak(office)
    for ago_s in (500, 400, 300):
        reading(office, "contact", "pir-1", ago_s, open=False)
    assert (await detail(office))["signs"] == []
    reading(office, "contact", "pir-1", 200, open=True)
    assert [sign["kind"] for sign in (await detail(office))["signs"]] == ["contact"]


async def test_a_pulse_is_shown_but_is_not_being_up_and_about(office: Office) -> None:
    both_speak(office)
    reading(office, "vitals", "pir-1", 60, heart_rate_bpm=61.0, steps=0)
    found = await detail(office)
    assert [sign["kind"] for sign in found["signs"]] == ["pulse"]
    page = (await (await office.desk("desk-1")).get("/api/v1/residents")).json()["residents"]
    assert [row["last_sign_at"] for row in page if row["resident_id"] == "shen-ada"] == [None]


async def test_each_reading_of_a_resident_is_in_the_audit_and_so_is_a_search(office: Office) -> None:
    desk = await office.desk("desk-2")
    await desk.get("/api/v1/residents/shen-ada")
    await desk.get("/api/v1/residents?q=沈")
    rows = office.sql(
        "SELECT actor, action, home_id, facts FROM audit WHERE action IN ('viewed', 'listed_residents') ORDER BY audit_id"
    )
    assert rows == [
        ("desk-2", "viewed", "shen", {"residents": ["shen-ada"], "right": "area *"}),
        ("desk-2", "listed_residents", None, {"words": "沈", "residents": ["shen-ada"], "area": "", "right": "area *"}),
    ]


@pytest.mark.parametrize("words", ["沈", "shen-ada", "虞波", "138 0000", "SHEN", "%", "' OR 1=1 --"])
async def test_residents_are_found_by_what_one_knows_of_them(office: Office, words: str) -> None:
    answer = await (await office.desk("desk-1")).get("/api/v1/residents", params={"q": words})
    found = [row["resident_id"] for row in answer.json()["residents"]]
    assert found == ([] if words in ("%", "' OR 1=1 --") else ["shen-ada"])


@pytest.fixture
def restored(office: Office) -> Iterator[None]:
    """What a test changes of these homes is as it was for the next."""
    homes = office.sql("SELECT home_id, address, area_code, removed_at FROM homes")
    phones = office.sql("SELECT resident_id, phone FROM residents")
    areas = office.sql("SELECT user_name, area_prefix FROM users")
    yield
    for home_id, *facts in homes:
        office.sql("UPDATE homes SET address = %s, area_code = %s, removed_at = %s WHERE home_id = %s", *facts, home_id)
    for resident_id, phone in phones:
        office.sql("UPDATE residents SET phone = %s WHERE resident_id = %s", phone, resident_id)
    for user_name, area in areas:
        office.sql("UPDATE users SET area_prefix = %s WHERE user_name = %s", area, user_name)


async def found_by(office: Office, words: str) -> list[str]:
    answer = await (await office.desk("desk-1")).get("/api/v1/residents", params={"q": words})
    return [row["resident_id"] for row in answer.json()["residents"]]


@pytest.mark.usefixtures("restored")
async def test_a_search_finds_what_is_so_now(office: Office) -> None:
    office.sql("UPDATE homes SET address = '新河街 1 号' WHERE home_id = 'shen'")
    office.sql("UPDATE residents SET phone = '137 5555 0000' WHERE resident_id = 'shen-ada'")
    assert await found_by(office, "新河街") == await found_by(office, "5555") == ["shen-ada"]
    assert await found_by(office, "虞波") == []
    office.sql("UPDATE homes SET removed_at = now() WHERE home_id = 'shen'")
    assert await found_by(office, "沈") == []
    office.sql("UPDATE homes SET removed_at = NULL WHERE home_id = 'shen'")
    assert await found_by(office, "沈") == ["shen-ada"]


@pytest.mark.usefixtures("restored")
async def test_a_search_ends_at_the_border_of_the_area(office: Office) -> None:
    office.sql("UPDATE homes SET area_code = '440305001001' WHERE home_id = 'shen'")
    office.sql("UPDATE users SET area_prefix = '330282' WHERE user_name = 'desk-1'")
    assert await found_by(office, "沈") == []


async def test_residents_come_a_page_at_a_time(office: Office) -> None:
    desk = await office.desk("desk-1")
    first = (await desk.get("/api/v1/residents?limit=1")).json()
    second = (await desk.get("/api/v1/residents", params={"limit": 1, "after": first["next_after"]})).json()
    assert [row["resident_id"] for page in (first, second) for row in page["residents"]] == ["luo-ying", "shen-ada"]
    assert second["next_after"] is None


async def test_who_is_watched_and_was_seen_is_well(office: Office) -> None:
    both_speak(office)
    for ago_s in (100, 60):
        reading(office, "motion", "pir-1", ago_s, moving=True, cause="pir")
    found = await relative(office)
    assert (found["word"], found["cannot_see_since"], found["taken"]) == ("well", None, None)
    assert (await detail(office))["coverage"]["state"] == "protected"


async def test_a_long_silence_is_quieter_than_usual(office: Office) -> None:
    both_speak(office)
    for ago_s in (15 * 3600 + 60, 15 * 3600):
        reading(office, "motion", "pir-1", ago_s, moving=True, cause="pir")
    assert (await relative(office))["word"] == "quiet"


async def test_what_is_learned_says_when_it_is_quiet(office: Office) -> None:
    both_speak(office)
    office.sql(
        "INSERT INTO learned_silences (home_id, learned_at, days, silence_min) VALUES ('shen', now(), 14, %s)",
        [5] * LINES,
    )
    for ago_s in (460, 400):
        reading(office, "motion", "pir-1", ago_s, moving=True, cause="pir")
    assert (await relative(office))["word"] == "quiet"


async def test_with_one_device_silent_nobody_says_well(office: Office) -> None:
    heard(office)
    for ago_s in (100, 60):
        reading(office, "motion", "pir-1", ago_s, moving=True, cause="pir")
    found = await detail(office)
    assert found["coverage"]["state"] == "degraded"
    assert [reason["key"] for reason in found["coverage"]["reasons"]] == ["coverage.silent"]
    assert [device["device_id"] for device in found["devices"] if device["silent"]] == ["sos-1"]
    assert (await relative(office))["word"] == "cannot_see"


async def test_when_all_devices_are_silent_it_is_said_since_when(office: Office) -> None:
    heard(office, ago_s=26 * 3600)
    assert (await detail(office))["coverage"]["state"] == "degraded", "an account may come late; the stream says it"
    since_s = (office.clock() - timedelta(hours=26)).timestamp()
    await office.admit("shen", **SILENT, device_id="pir-1", started_at_s=since_s)
    found = await detail(office)
    assert found["coverage"]["state"] == "blind"
    assert datetime.fromisoformat(found["coverage"]["cannot_see_since"]) == office.clock() - timedelta(hours=26)
    assert (await relative(office))["word"] == "cannot_see"


async def test_when_the_pipeline_stands_still_nobody_can_be_seen(office: Office) -> None:
    both_speak(office)
    heard(office, moved_ago_s=16)
    for ago_s in (100, 60):
        reading(office, "motion", "pir-1", ago_s, moving=True, cause="pir")
    found = await detail(office)
    assert (found["coverage"]["state"], found["coverage"]["reasons"][0]["key"]) == ("blind", "coverage.standing")
    assert found["coverage"]["cannot_see_since"] is not None
    assert (await relative(office))["word"] == "cannot_see"


async def test_a_partition_of_which_nobody_reports_is_not_seen(office: Office) -> None:
    both_speak(office)
    office.sql("DELETE FROM pipeline")
    assert (await detail(office))["coverage"]["state"] == "blind"


async def test_a_home_that_was_never_heard_is_blind(office: Office) -> None:
    found = await detail(office)
    assert (found["coverage"]["state"], found["coverage"]["cannot_see_since"]) == ("blind", None)
    assert (await relative(office))["word"] == "cannot_see"


async def test_an_open_case_is_told_to_the_family_and_whether_somebody_has_it(office: Office) -> None:
    both_speak(office)
    case = await office.admit("shen")
    found = await relative(office)
    assert (found["word"], found["taken"]) == ("alert", False)
    desk = await office.desk("desk-1")
    await desk.post(f"/api/v1/cases/{case.case_id}/claim", json={"version": case.version})
    found = await relative(office)
    assert (found["word"], found["taken"]) == ("alert", True)


async def test_a_device_fault_is_no_alert_for_the_family(office: Office) -> None:
    both_speak(office)
    for ago_s in (100, 60):
        reading(office, "motion", "pir-1", ago_s, moving=True, cause="pir")
    await office.admit("shen", family="technical", reason="device_silent.silent", score=1)
    assert (await relative(office))["word"] == "well"


async def test_habits_are_shown_as_information_and_say_what_is_not_known(office: Office) -> None:
    assert (await detail(office))["habits"] == {
        "usual": [], "days": [], "night_visits": None, "night_visits_before": None, "active_hours": None, "active_hours_before": None
    }  # fmt: skip
    for day in range(28):
        office.sql(
            "INSERT INTO daily_habits VALUES ('shen', '2026-03-01'::date + %s, 90, 15, 6.5, %s)",
            day,
            4 if day >= 20 else 2,
        )
    office.sql("INSERT INTO learned_usual VALUES ('shen', 'shen-ada', 'usual.heart_rest_bpm', 61.5, 12, 900, now())")
    office.sql("INSERT INTO learned_usual VALUES ('shen', 'somebody-else', 'usual.heart_rest_bpm', 77, 12, 900, now())")
    found = (await detail(office))["habits"]
    assert found["usual"] == [{"name": "usual.heart_rest_bpm", "value": 61.5, "days": 12, "counted": 900}]
    assert (found["night_visits"], found["night_visits_before"], found["active_hours"]) == (4.0, 2.0, 15.0)
    assert (len(found["days"]), found["days"][-1]) == (28, {"day": "2026-03-28", "active_hours": 15, "night_visits": 4})


async def test_a_fever_gathered_under_another_room_is_no_well_for_this_one(office: Office) -> None:
    heard(office)
    office.sql(
        "INSERT INTO cases (case_id, home_id, area_code, family, priority, score, handling, condition, condition_at, event_at, raised_at)"
        " SELECT 'c-1', 'room-9', area_code, 'vitals', 2, 2, 'QUEUED', 'on', now(), now(), now() FROM homes WHERE home_id = 'shen'"
    )
    assert [case["case_id"] for case in (await detail(office))["open_cases"]] == []
    assert (await relative(office))["word"] != "alert"
    office.sql(
        'INSERT INTO detections (detection_id, lane, revision, detector, family, home_id, "on", started_at, decided_at, case_id, body)'
        " VALUES ('d-1', 'bulk', 1, 'fever', 'vitals', 'shen', true, now(), now(), 'c-1',"
        ' \'{"reason": "fever.raised", "resident_id": "shen-ada", "evidence": {"body_temp_c": 38.2, "held_min": 31}}\')'
    )
    (case,) = (await detail(office))["open_cases"]
    assert case["case_id"] == "c-1"
    assert (await relative(office))["word"] == "alert"
