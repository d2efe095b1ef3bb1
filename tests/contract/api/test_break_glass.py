"""Breaking the glass: one record, for a reason and a while, seen by both areas' supervisors; and who looked at whom."""

from collections.abc import Iterator

import pytest

from api.routes.oversight import OPENINGS_AN_HOUR
from storage import database, people
from storage.records import User
from tests.contract.api.office import HERE, PASSWORD, Desk, Office

pytestmark = pytest.mark.services

WHY = "他打到我们中心求救，本区无人接听"


@pytest.fixture(autouse=True)
async def supervisors(office: Office) -> None:
    """Of the two counties, and of a third that has nothing to do with it."""
    if not office.sql("SELECT 1 FROM users WHERE user_name = 'chief-cixi'"):
        async with database.pool(office.conninfo, "test", size=1) as pool, pool.connection() as connection:
            for name, prefix in (("chief-cixi", "330282"), ("chief-jiangbei", "330206"), ("chief-yuyao", "330281")):
                await people.add_user(connection, User(name, "supervisor", area_prefix=prefix), PASSWORD, actor="test")
    office.sql("DELETE FROM break_glass")


async def break_in(desk: Desk, resident: str = "luo-ying", **more: object) -> dict[str, object]:
    answer = await desk.post("/api/v1/break-glass", json={"resident": resident, "reason": WHY} | more)
    assert answer.status_code == 201, answer.text
    found: dict[str, object] = answer.json()
    return found


async def test_the_record_is_read_for_its_time_and_not_a_second_longer(office: Office) -> None:
    case = await office.admit("luo")
    desk = await office.desk("desk-cixi")
    assert (await desk.get("/api/v1/residents/luo-ying")).status_code == 404
    opening = await break_in(desk, minutes=10)
    assert (opening["name"], opening["living"]) == ("罗英", True)
    found = (await desk.get("/api/v1/residents/luo-ying")).json()
    assert (found["resident"]["name"], found["home"]["address"]) == ("罗英", "另一个区 1 号")
    assert [each["case_id"] for each in found["open_cases"]] == [case.case_id]
    assert (await desk.get(f"/api/v1/cases/{case.case_id}")).status_code == 200
    office.clock.forward(599)
    assert (await desk.get("/api/v1/residents/luo-ying")).status_code == 200
    office.clock.forward(1)
    assert (await desk.get("/api/v1/residents/luo-ying")).status_code == 404
    assert (await desk.get(f"/api/v1/cases/{case.case_id}")).status_code == 404


async def test_it_opens_one_record_no_list_no_queue_and_lets_nobody_act(office: Office) -> None:
    case = await office.admit("luo")
    desk = await office.desk("desk-cixi")
    await break_in(desk)
    listed = (await desk.get("/api/v1/residents")).json()["residents"]
    assert [row["resident_id"] for row in listed] == ["shen-ada"]
    assert (await desk.get("/api/v1/cases")).json()["total"] == 0
    claim = await desk.post(f"/api/v1/cases/{case.case_id}/claim", json={"version": case.version})
    assert (claim.status_code, claim.json()["code"]) == (404, "not_found")
    other = await office.desk("desk-1")
    assert (await other.post(f"/api/v1/cases/{case.case_id}/claim", json={"version": case.version})).status_code == 200


async def test_it_is_opened_by_telephone_number_however_it_is_written(office: Office) -> None:
    office.sql("UPDATE residents SET phone = '+86 138 0000 7777' WHERE resident_id = 'luo-ying'")
    opening = await break_in(await office.desk("desk-cixi"), "138-0000-7777")
    assert opening["resident_id"] == "luo-ying"


async def test_the_same_again_is_the_same_opening(office: Office) -> None:
    desk = await office.desk("desk-cixi")
    assert (await break_in(desk))["opening_id"] == (await break_in(desk, minutes=60))["opening_id"]
    assert office.sql("SELECT count(*) FROM break_glass") == [(1,)]


@pytest.mark.parametrize(("resident", "status"), [("nobody-at-all", 404), ("shen-ada", 422)])
async def test_nobody_and_ones_own_are_refused_and_the_attempt_stays_in_the_audit(
    office: Office, resident: str, status: int
) -> None:
    desk = await office.desk("desk-cixi")
    answer = await desk.post("/api/v1/break-glass", json={"resident": resident, "reason": WHY})
    assert answer.status_code == status
    ((facts,),) = office.sql("SELECT facts FROM audit WHERE action = 'glass_refused' AND actor = 'desk-cixi'")
    assert (facts["asked"], facts["note"]) == (resident, WHY)


@pytest.mark.parametrize(
    "body", [{"reason": "短"}, {"reason": "          "}, {"minutes": 61}, {"minutes": 1}, {"reason": None}]
)
async def test_without_a_reason_or_for_too_long_it_stays_shut(office: Office, body: dict[str, object]) -> None:
    desk = await office.desk("desk-cixi")
    answer = await desk.post("/api/v1/break-glass", json={"resident": "luo-ying", "reason": WHY} | body)
    assert answer.status_code == 422
    assert office.sql("SELECT count(*) FROM break_glass") == [(0,)]


async def test_who_tries_one_after_the_other_has_to_wait(office: Office) -> None:
    desk = await office.desk("desk-cixi")
    for number in range(OPENINGS_AN_HOUR):
        await desk.post("/api/v1/break-glass", json={"resident": f"guess-{number}", "reason": WHY})
    refused = await desk.post("/api/v1/break-glass", json={"resident": "luo-ying", "reason": WHY})
    assert (refused.status_code, refused.json()["code"]) == (429, "too_often")
    office.clock.forward(3600)
    await desk.post("/api/v1/session/refresh")
    again = await office.desk("desk-cixi")
    assert (await again.get("/api/v1/residents/luo-ying")).status_code == 404
    await break_in(again)


async def test_supervisors_of_both_areas_see_it_and_may_end_it_and_others_learn_nothing(office: Office) -> None:
    opening = await break_in(await office.desk("desk-cixi"))
    for name, residents_name in (("chief-cixi", None), ("chief-jiangbei", "罗英"), ("chief", "罗英")):
        (found,) = (await (await office.desk(name)).get("/api/v1/break-glass")).json()["openings"]
        assert (found["user_name"], found["reason"], found["name"]) == ("desk-cixi", WHY, residents_name)
    stranger = await office.desk("chief-yuyao")
    assert (await stranger.get("/api/v1/break-glass")).json()["openings"] == []
    assert (await stranger.delete(f"/api/v1/break-glass/{opening['opening_id']}")).status_code == 404
    ended = await (await office.desk("chief-jiangbei")).delete(f"/api/v1/break-glass/{opening['opening_id']}")
    assert ended.status_code == 200
    assert (await (await office.desk("desk-cixi")).get("/api/v1/residents/luo-ying")).status_code == 404
    actions = office.sql("SELECT action, actor FROM audit WHERE action LIKE '%%glass' ORDER BY audit_id")
    assert actions == [("broke_glass", "desk-cixi"), ("closed_glass", "chief-jiangbei")]


async def test_who_looked_at_whom_when_and_by_what_right_is_listed_for_the_area(office: Office) -> None:
    desk = await office.desk("desk-cixi")
    await break_in(desk)
    await desk.get("/api/v1/residents/luo-ying")
    await desk.get("/api/v1/residents/shen-ada")
    await (await office.desk("daughter")).get("/api/v1/family/relatives")
    await desk.get("/api/v1/residents?q=沈")

    async def views(name: str, **asked: str) -> list[tuple[str, list[str], str]]:
        answer = await (await office.desk(name)).get("/api/v1/views", params=asked)
        return [(each["actor"], each["residents"], each["by_right"]) for each in answer.json()["views"]]

    assert sorted(await views("chief-jiangbei")) == [("desk-cixi", ["luo-ying"], "break-glass")]
    own = [("daughter", ["shen-ada"], "family"), ("desk-cixi", ["shen-ada"], "area 330282")]
    assert sorted(await views("chief-cixi", resident_id="shen-ada")) == sorted([*own, own[1]]), "the list as well"
    assert await views("chief-yuyao") == []
    assert len(await views("chief", actor="desk-cixi")) == 3


async def test_views_come_in_pages(office: Office) -> None:
    desk = await office.desk("desk-1")
    for _ in range(5):
        office.clock.forward(1)
        await desk.get("/api/v1/residents/shen-ada")
    chief = await office.desk("chief")
    first = (await chief.get("/api/v1/views?limit=3")).json()
    rest = (await chief.get("/api/v1/views", params={"limit": 3, "before": first["next_before"]})).json()
    at = [each["at"] for each in (*first["views"], *rest["views"])]
    assert (len(at), at, rest["next_before"]) == (5, sorted(set(at), reverse=True), None)


def test_the_two_counties_of_these_tests_are_two() -> None:
    assert HERE.startswith("330282")


@pytest.fixture(autouse=True)
def as_it_was(office: Office) -> Iterator[None]:
    yield
    office.sql("DELETE FROM break_glass")
    office.sql("UPDATE residents SET phone = '' WHERE resident_id = 'luo-ying'")
