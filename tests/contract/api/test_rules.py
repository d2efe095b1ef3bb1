"""Priorities, answering times and times of asking: changed for the whole site, by who oversees it, and never into less than people's lives need."""

import pytest

from alerts.rules import SHIPPED
from alerts.timescale import TimescaleCases
from contracts.detections import FAMILIES
from storage import database
from tests.contract.api.office import Office

pytestmark = pytest.mark.services


async def test_as_it_ships_the_page_shows_what_is_in_force(office: Office) -> None:
    chief = await office.desk("chief")
    shown = (await chief.get("/api/v1/rules")).json()
    assert {row["family"]: tuple(row["priorities"]) for row in shown["priorities"]} == SHIPPED.priorities
    assert {row["priority"]: row["answer_s"] for row in shown["answers"]} == SHIPPED.answer_s
    assert {row["family"]: row["wait_s"] for row in shown["asking"] if row["enabled"]} == SHIPPED.asking_s
    assert shown["may_change"]
    assert len(shown["priorities"]) == len(FAMILIES)


async def test_what_is_changed_is_what_cases_go_by_and_stands_in_the_audit(office: Office) -> None:
    chief = await office.desk("chief")
    for path, body in (
        ("priorities/water", {"priorities": [3, 3, 3, 2, 2]}),
        ("answers/3", {"answer_s": 600}),
        ("asking/fall", {"wait_s": 60, "enabled": False}),
        ("asking/water", {"wait_s": 90}),
    ):
        assert (await chief.put(f"/api/v1/rules/{path}", json=body)).status_code == 200, path
    async with database.pool(office.conninfo, "test rules", size=1) as opened:
        rules = await TimescaleCases(opened).rules(office.clock())
    assert rules.priorities["water"] == (3, 3, 3, 2, 2)
    assert rules.answer_s[3] == 600
    assert "fall" not in rules.asking_s
    assert rules.asking_s["water"] == 90
    shown = (await chief.get("/api/v1/rules")).json()
    (water,) = [row for row in shown["priorities"] if row["family"] == "water"]
    assert (water["priorities"], water["changed_by"]) == ([3, 3, 3, 2, 2], "chief")
    assert office.sql("SELECT action, actor FROM audit WHERE action LIKE 'put_%%' ORDER BY audit_id") == [
        ("put_priorities", "chief"), ("put_answer_time", "chief"), ("put_asking_time", "chief"), ("put_asking_time", "chief"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "body", "why"),
    [
        ("priorities/sos", {"priorities": [2, 1, 1, 1, 1]}, "stays one"),
        ("priorities/fall", {"priorities": [3, 3, 2, 2, 1]}, "stays one"),
        ("priorities/water", {"priorities": [2, 3, 3, 3, 3]}, "the surer the more urgent"),
        ("priorities/water", {"priorities": [6, 3, 3, 3, 3]}, "five of 1 to 5"),
        ("answers/1", {"answer_s": 90}, "within 60 s"),
        ("answers/2", {"answer_s": 181}, "within 180 s"),
        ("asking/smoke", {"wait_s": 60}, "at once"),
        ("asking/fall", {"wait_s": 901}, "900"),
    ],
)
async def test_nothing_that_lives_hang_on_can_be_made_less_urgent(
    office: Office, path: str, body: dict[str, object], why: str
) -> None:
    chief = await office.desk("chief")
    refused = await chief.put(f"/api/v1/rules/{path}", json=body)
    assert refused.status_code == 422
    assert why in refused.text
    assert office.sql("SELECT count(*) FROM audit WHERE action LIKE 'put_%%'") == [(0,)]


async def test_who_oversees_a_part_of_the_site_reads_and_changes_nothing(office: Office) -> None:
    office.sql("UPDATE users SET area_prefix = '330282' WHERE user_name = 'chief'")
    chief = await office.desk("chief")
    assert not (await chief.get("/api/v1/rules")).json()["may_change"]
    refused = await chief.put("/api/v1/rules/answers/3", json={"answer_s": 600})
    assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
    desk = await office.desk("desk-1")
    assert (await desk.get("/api/v1/rules")).status_code == 403
