"""Out to a city's platforms: only who agreed, only from then on, and of all others no more than figures that tell of nobody."""

from datetime import timedelta
from typing import Any

import pytest

from storage import upstream
from tests.contract.api.office import HERE, Desk, Office

pytestmark = pytest.mark.services


@pytest.fixture(autouse=True)
def nothing_said(office: Office) -> None:
    for table in ("upstream_consents", "visits"):
        office.sql(f"DELETE FROM {table}")
    office.sql("DELETE FROM residents WHERE resident_id ~ '^extra-'")
    office.sql("DELETE FROM homes WHERE home_id ~ '^extra-'")


async def agree(office: Office, agreed: bool = True, resident_id: str = "shen-ada") -> None:
    body = {"agreed": agreed, "given_by": "resident", "ground": "said on the telephone"}
    answer = await (await office.desk("desk-1")).post(f"/api/v1/residents/{resident_id}/upstream-consent", json=body)
    assert answer.status_code == 201, answer.text


async def read(desk: Desk, what: str, **asked: Any) -> dict[str, Any]:
    answer = await desk.get(f"/api/v1/upstream/{what}", params=asked)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_nobody_goes_out_until_they_agree_and_never_again_after_they_withdrew(office: Office) -> None:
    city = await office.desk("city")
    assert (await read(city, "people"))["people"] == []
    await agree(office)
    page = await read(city, "people")
    (person,) = page["people"]
    assert (person["resident_id"], person["name"], person["area_code"], person["gone"]) == ("shen-ada", "沈阿大", HERE, False)  # fmt: skip
    assert (page["form"], page["area"], page["next_after"]) == (upstream.SCHEMA, "330282", None)
    assert "+86" not in str(page), "no telephone number"
    await agree(office, agreed=False)
    assert (await read(city, "people"))["people"] == []
    (gone,) = (await read(city, "people", since=page["as_of"]))["people"]
    assert (gone["resident_id"], gone["gone"], gone["name"], gone["care_level"]) == ("shen-ada", True, None, None)
    history = (await (await office.desk("chief")).get("/api/v1/residents/shen-ada/upstream-consent")).json()
    assert (history["agreed"], [each["agreed"] for each in history["history"]]) == (False, [False, True])


async def test_a_case_and_a_visit_from_before_the_yes_stay_here(office: Office) -> None:
    city = await office.desk("city")
    before = (office.clock() - timedelta(days=2)).isoformat()
    for at in (before, (office.clock() + timedelta(minutes=10)).isoformat()):
        office.sql("INSERT INTO visits (resident_id, user_name, at, left_at, how, result) VALUES ('shen-ada', 'mei', %s, %s, 'door', 'well')", at, at)  # fmt: skip
    old = await office.admit("shen")
    office.sql("UPDATE cases SET raised_at = %s WHERE case_id = %s", before, old.case_id)
    await agree(office)
    assert (await read(city, "cases"))["cases"] == []
    (visit,) = (await read(city, "visits"))["visits"]
    assert (visit["helper_kind"], "mei" in str(visit)) == ("community", False)
    office.sql("UPDATE cases SET raised_at = now() + interval '1 s' WHERE case_id = %s", old.case_id)
    (case,) = (await read(city, "cases"))["cases"]
    assert (case["case_id"], case["resident_id"], case["family"], case["priority"]) == (old.case_id, "shen-ada", "sos", 1)  # fmt: skip
    assert "虞波社区" not in str(case), "no address"


async def test_a_case_that_may_be_about_somebody_else_of_the_home_is_not_listed(office: Office) -> None:
    office.sql("INSERT INTO homes (home_id, area_code) VALUES ('extra-1', %s)", HERE)
    for name in ("a", "b"):
        office.sql("INSERT INTO residents (resident_id, home_id, name) VALUES (%s, 'extra-1', %s)", f"extra-{name}", name)  # fmt: skip
    await agree(office, resident_id="extra-a")
    case = await office.admit("extra-1")
    office.sql("UPDATE cases SET raised_at = now() + interval '1 s'")
    city = await office.desk("city")
    assert (await read(city, "cases"))["cases"] == []
    office.sql("UPDATE cases SET resident_id = 'extra-a' WHERE case_id = %s", case.case_id)
    assert [each["resident_id"] for each in (await read(city, "cases"))["cases"]] == ["extra-a"]


async def test_pages_and_since_miss_nothing(office: Office) -> None:
    city = await office.desk("city")
    office.sql("INSERT INTO homes (home_id, area_code, changed_at) SELECT 'extra-' || n, %s, now() - interval '1 day' FROM generate_series(1, 7) AS n", HERE)  # fmt: skip
    office.sql("INSERT INTO residents (resident_id, home_id, name, changed_at) SELECT 'extra-' || n, 'extra-' || n, 'x', now() - interval '1 day' FROM generate_series(1, 7) AS n")  # fmt: skip
    office.sql("INSERT INTO upstream_consents (resident_id, agreed, given_by, ground, recorded_by, recorded_at) SELECT 'extra-' || n, true, 'resident', 'said', 'test', now() - interval '1 day' FROM generate_series(1, 7) AS n")  # fmt: skip
    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        page = await read(city, "people", after=after, limit=3)
        assert len(page["people"]) <= 3
        seen += [each["resident_id"] for each in page["people"]]
        after = page["next_after"]
    assert seen == [f"extra-{n}" for n in range(1, 8)]
    assert (await read(city, "people", since=page["as_of"]))["people"] == []
    office.sql("UPDATE homes SET care_level = 3 WHERE home_id = 'extra-4'")
    (changed,) = (await read(city, "people", since=page["as_of"]))["people"]
    assert (changed["resident_id"], changed["care_level"]) == ("extra-4", 3)


async def test_figures_count_who_is_not_listed_and_withhold_what_is_small(office: Office) -> None:
    city = await office.desk("city")
    office.sql("INSERT INTO homes (home_id, area_code) SELECT 'extra-' || n, %s FROM generate_series(1, 8) AS n", HERE)
    office.sql("INSERT INTO residents (resident_id, home_id, name, groups) SELECT 'extra-' || n, 'extra-' || n, 'x', CASE WHEN n < 7 THEN '{alone}'::text[] ELSE '{}' END FROM generate_series(1, 8) AS n")  # fmt: skip
    office.sql("INSERT INTO upstream_consents (resident_id, agreed, given_by, ground, recorded_by) VALUES ('extra-1', true, 'resident', 'said', 'test')")  # fmt: skip

    async def told() -> dict[tuple[str, str], int | None]:
        found = await read(city, "figures")
        return {(each["dimension"], each["value"]): each["number"] for each in found["figures"] if each["topic"] == "people"}  # fmt: skip

    # Not listed: seven of level 0 and Shen of level 2; five alone, and three of no group.
    assert await told() == {
        ("care_level", "0"): None, ("care_level", "2"): None, ("group", "alone"): None, ("group", "none"): None,
        ("visit", "in_time"): None, ("visit", "not_regular"): None,
    }  # fmt: skip
    office.sql("UPDATE homes SET care_level = 0 WHERE home_id = 'shen'")
    office.sql("UPDATE residents SET groups = '{alone}' WHERE home_id IN ('shen', 'extra-7', 'extra-8')")
    try:
        assert await told() == {("care_level", "0"): 8, ("group", "alone"): 8, ("visit", "in_time"): 8}
        assert (await read(city, "figures", area=HERE))["figures"] == [], "nothing of less than a town"
    finally:
        office.sql("UPDATE homes SET care_level = 2 WHERE home_id = 'shen'")
        office.sql("UPDATE residents SET groups = '{}'")


async def test_figures_of_events_are_of_finished_months(office: Office) -> None:
    office.sql("INSERT INTO homes (home_id, area_code) SELECT 'extra-' || n, %s FROM generate_series(1, 5) AS n", HERE)
    for month, case in ((office.clock().replace(day=1) - timedelta(days=3), "past"), (office.clock(), "now")):
        office.sql("""INSERT INTO cases (case_id, home_id, area_code, family, priority, score, handling, condition, event_at, raised_at, claimed_at, outcome)
                      SELECT %s || n, 'extra-' || n, %s, 'fall', 2, 2, 'CLOSED', 'off', now(), %s, %s, 'false_alarm' FROM generate_series(1, 5) AS n""",
                   case, HERE, month, month + timedelta(seconds=70))  # fmt: skip
    found = (await read(await office.desk("city"), "figures"))["figures"]
    told = {(each["month"], each["dimension"], each["value"]): each["number"] for each in found if each["topic"] == "cases"}  # fmt: skip
    month = f"{office.clock().replace(day=1) - timedelta(days=3):%Y-%m}"
    assert told == {
        (month, "family", "fall"): 5, (month, "priority", "2"): 5, (month, "outcome", "false_alarm"): 5, (month, "answered", "within_180_s"): 5,
    }  # fmt: skip


async def test_what_a_platform_fetched_stands_in_the_audit_and_the_area_is_its_own(office: Office) -> None:
    await agree(office)
    await agree(office, resident_id="luo-ying")
    city = await office.desk("city")
    assert [each["resident_id"] for each in (await read(city, "people", area=""))["people"]] == ["shen-ada"]
    assert (await read(city, "people", area="3302"))["area"] == "330282", "no wider than its own"
    assert (await read(city, "people", area="330206"))["people"] == []
    views = (await (await office.desk("chief")).get("/api/v1/views", params={"actor": "city"})).json()
    assert "shen-ada" in str(views)
    assert "luo-ying" not in str(views)
