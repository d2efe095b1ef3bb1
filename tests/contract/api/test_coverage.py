"""Coverage: counted by area without counting homes, who is not protected and why, and for how long somebody could not be seen."""

from datetime import timedelta
from typing import Any

import pytest

from contracts.partitions import partition_of
from tests.contract.api.office import ELSEWHERE, HERE, Office
from tests.contract.api.test_residents import SILENT, heard

pytestmark = pytest.mark.services


async def speak(office: Office) -> None:
    """Both devices of shen were heard; its partition moves. Nobody ever heard luo."""
    heard(office)
    heard(office, device_id="sos-1")
    await office.keep_coverage()
    await office.parts.pipeline.look()


async def silence(office: Office, device_id: str, ago_s: float = 100, **fields: Any) -> None:
    started_at_s = office.clock().timestamp() - ago_s
    await office.admit("shen", **(SILENT | {"device_id": device_id, "started_at_s": started_at_s} | fields))
    await office.keep_coverage()


async def counts(office: Office, user: str = "desk-1", **words: str) -> dict[str, Any]:
    answer = await (await office.desk(user)).get("/api/v1/coverage", params=words)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def listed(office: Office, user: str = "desk-1", **words: Any) -> list[tuple[str, str]]:
    answer = await (await office.desk(user)).get("/api/v1/coverage/homes", params=words)
    assert answer.status_code == 200, answer.text
    return [(home["home_id"], home["coverage"]["state"]) for home in answer.json()["homes"]]


def homes(area: dict[str, Any]) -> tuple[int, int, int]:
    return area["protected"]["homes"], area["degraded"]["homes"], area["blind"]["homes"]


async def test_homes_are_counted_by_the_next_level_below(office: Office) -> None:
    await speak(office)
    city = await counts(office, area="3302")
    assert [(area["area"], homes(area)) for area in city["areas"]] == [
        (ELSEWHERE[:6], (0, 0, 1)),
        (HERE[:6], (1, 0, 0)),
    ]
    assert homes(city["total"]) == (1, 0, 1)
    town = await counts(office, area=HERE[:9])
    assert [area["area"] for area in town["areas"]] == [HERE]


async def test_a_silent_device_moves_its_home_from_one_count_to_the_other_and_back(office: Office) -> None:
    await speak(office)
    await silence(office, "sos-1")
    assert homes((await counts(office, area=HERE))["total"]) == (0, 1, 0)
    await silence(office, "pir-1")
    assert homes((await counts(office, area=HERE))["total"]) == (0, 0, 1)
    for device_id in ("sos-1", "pir-1"):
        await silence(office, device_id, revision=2, on=False, reason="device_silent.back")
    assert homes((await counts(office, area=HERE))["total"]) == (1, 0, 0)
    office.sql("UPDATE homes SET removed_at = now() WHERE home_id = 'shen'")
    await office.keep_coverage()
    assert homes((await counts(office, area=HERE))["total"]) == (0, 0, 0)
    office.sql("UPDATE homes SET removed_at = NULL WHERE home_id = 'shen'")
    await office.keep_coverage()
    kept = office.sql(
        "SELECT area_code, source, partition, state, count(*) FROM home_coverage GROUP BY 1, 2, 3, 4 ORDER BY 1"
    )
    told = office.sql(
        "SELECT area_code, source, partition, state, homes FROM coverage_counts WHERE homes <> 0 ORDER BY 1"
    )
    assert kept == told, "what is counted along is what a count would find"


async def test_an_older_word_about_a_device_that_comes_late_changes_nothing(office: Office) -> None:
    await speak(office)
    await silence(office, "sos-1", started_at_s=1_000.0)
    await silence(office, "sos-1", started_at_s=1_000.0, revision=2, on=False, reason="device_silent.back")
    await silence(office, "sos-1", started_at_s=1_000.0, revision=1, lane="urgent")
    assert homes((await counts(office, area=HERE))["total"]) == (1, 0, 0)


async def test_a_standing_place_is_blind_in_counts_list_and_history_and_only_while_it_stands(office: Office) -> None:
    await speak(office)
    office.clock.forward(60)
    await office.parts.pipeline.look()
    await office.keep_coverage()
    assert homes((await counts(office))["total"]) == (0, 0, 2)
    assert sorted(await listed(office)) == [("luo", "blind"), ("shen", "blind")]
    assert await listed(office, state="degraded") == []
    heard(office)
    await office.parts.pipeline.look()
    await office.keep_coverage()
    assert await listed(office) == [("luo", "blind")]
    answer = await (await office.desk("desk-1")).get("/api/v1/residents/shen-ada/coverage", params={"days": 1})
    spans = answer.json()["spans"]
    (outage,) = [span for span in spans if span["coverage"]["reasons"][:1] == [
        {"key": "coverage.standing", "zh": "数据管道停滞", "en": "The pipeline stands still"}]]  # fmt: skip
    assert outage["to_at"] is not None


async def test_a_place_of_which_nobody_reports_is_not_protected(office: Office) -> None:
    await speak(office)
    office.sql("DELETE FROM pipeline")
    await office.parts.pipeline.look()
    assert homes((await counts(office, area=HERE))["total"]) == (0, 0, 1)
    assert await listed(office, area=HERE) == [("shen", "blind")]


async def test_the_frailest_stand_first_a_page_at_a_time(office: Office) -> None:
    await speak(office)
    await silence(office, "pir-1")
    await silence(office, "sos-1")
    desk = await office.desk("desk-1")
    first = (await desk.get("/api/v1/coverage/homes", params={"limit": 1})).json()
    second = (await desk.get("/api/v1/coverage/homes", params={"limit": 1, "after": first["next_after"]})).json()
    assert [page["homes"][0]["home_id"] for page in (first, second)] == ["shen", "luo"], "care level 2 before 0"
    assert first["homes"][0]["residents"][0]["phone"] == "+86 138 0000 0001"
    assert second["next_after"] is None


async def test_nobody_sees_another_county(office: Office) -> None:
    await speak(office)
    assert homes((await counts(office, "desk-cixi"))["total"]) == (1, 0, 0)
    assert (await counts(office, "desk-cixi", area="330206"))["areas"] == []
    assert await listed(office, "desk-cixi") == []
    assert await listed(office, "desk-cixi", area="330206") == []
    assert (await (await office.desk("desk-cixi")).get("/api/v1/residents/luo-ying/coverage")).status_code == 404


async def test_history_says_for_how_long_somebody_could_not_be_seen(office: Office) -> None:
    await speak(office)
    office.clock.forward(600)
    heard(office)
    await silence(office, "pir-1", ago_s=90)
    office.clock.forward(3_600)
    heard(office)
    await silence(office, "pir-1", ago_s=3_690, revision=2, on=False, reason="device_silent.back")
    office.clock.forward(60)
    rows = office.sql("SELECT state FROM coverage_changes WHERE home_id = 'shen' ORDER BY at DESC LIMIT 3")
    assert [state for (state,) in rows] == ["protected", "blind", "protected"]
    answer = (await (await office.desk("desk-1")).get("/api/v1/residents/shen-ada/coverage?days=1")).json()
    blind = [
        span
        for span in answer["spans"]
        if span["coverage"]["reasons"][:1] and span["coverage"]["reasons"][0]["key"] == "coverage.silent"
    ]
    assert len(blind) == 1
    assert answer["complete"]
    before_the_first_word_s = timedelta(days=1).total_seconds() - 600 - 3_600 - 60
    assert answer["blind_s"] == pytest.approx(before_the_first_word_s + 3_600, abs=1)


async def test_a_homes_partition_is_the_one_that_its_readings_have(office: Office) -> None:
    await office.keep_coverage()
    assert office.sql("SELECT partition FROM home_coverage WHERE home_id = 'shen'") == [(partition_of("shen", 16),)]


async def test_an_incident_lists_the_homes_that_are_not_back_and_another_case_none(office: Office) -> None:
    await speak(office)
    await silence(office, "pir-1")
    office.sql(
        "INSERT INTO cases (case_id, home_id, area_code, family, priority, score, handling, condition, event_at, raised_at)"
        " VALUES ('i-1', %s, %s, 'technical', 3, 1, 'QUEUED', 'on', now(), now())",
        f"area-{HERE[:9]}", HERE[:9],
    )  # fmt: skip
    office.sql("UPDATE cases SET handling = 'MERGED', merged_into = 'i-1' WHERE home_id = 'shen'")
    desk = await office.desk("desk-1")
    page = (await desk.get("/api/v1/cases/i-1/homes")).json()
    assert [(home["home_id"], home["coverage"]["state"]) for home in page["homes"]] == [("shen", "blind")]
    assert page["homes"][0]["called"] is None
    other = await office.admit("luo")
    assert (await desk.get(f"/api/v1/cases/{other.case_id}/homes")).json()["homes"] == []
    for result in ("not_reached", "reached"):
        assert (await desk.post("/api/v1/cases/i-1/homes/shen/call", json={"result": result})).status_code == 200
    chief = await office.desk("chief")
    [home] = (await chief.get("/api/v1/cases/i-1/homes")).json()["homes"]
    assert (home["called"]["actor"], home["called"]["result"]) == ("desk-1", "reached"), "the last word, seen by others"
    assert office.sql("SELECT actor, facts->>'result' FROM audit WHERE action = 'called_home' ORDER BY audit_id") == [
        ("desk-1", "not_reached"), ("desk-1", "reached")
    ]  # fmt: skip
    for path in ("i-1/homes/luo", f"{other.case_id}/homes/luo", "i-1/homes/nobody", "none/homes/shen"):
        assert (await desk.post(f"/api/v1/cases/{path}/call", json={"result": "reached"})).status_code == 404, path
    office.sql("UPDATE cases SET handling = 'MERGED', merged_into = 'i-1' WHERE home_id = 'luo'")
    cixi, there = await office.desk("desk-cixi"), "/api/v1/cases/i-1/homes/luo/call"
    assert (await cixi.post(there, json={"result": "reached"})).status_code == 404, "a home of another county"
    assert (await desk.post(there, json={"result": "reached"})).status_code == 200
    assert (await (await office.desk("desk-cixi")).get(f"/api/v1/cases/{other.case_id}/homes")).status_code == 404
