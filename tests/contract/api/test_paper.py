"""Lists for the day the system is down, by the api and as files; and residents found by the last digits of a number."""

import csv
import io
import stat
from pathlib import Path

import pytest

from cli import paper as verb
from storage import paper
from storage.database import connect
from tests.contract.api.office import Desk, Office

pytestmark = pytest.mark.services


async def test_open_cases_come_in_the_queue_s_order_with_all_that_a_sheet_must_say(office: Office) -> None:
    await office.admit("shen", family="water", detector="water_running", score=1, reason="water_running.long")
    press = await office.admit("shen")
    await office.admit("luo")
    desk = await office.desk("desk-cixi")
    found = (await desk.get("/api/v1/paper/open-cases")).json()
    assert next((each["case_id"], each["family"]) for each in found["cases"]) == (press.case_id, "sos")
    assert [each["home_id"] for each in found["cases"]] == ["shen", "shen"]
    first = found["cases"][0]
    assert (first["address"], first["note"]) == ("虞波社区 3 幢 402 室", "钥匙在邻居处")
    assert [each["name"] for each in first["contacts"]] == ["沈桂芳", "沈国强"]
    assert (found["made_by"], found["more"]) == ("desk-cixi", False)
    page = (await desk.get("/api/v1/paper/open-cases", params={"limit": 1})).json()
    assert (len(page["cases"]), page["more"]) == (1, True)
    views = office.sql(
        "SELECT facts->>'words', facts->'residents' FROM audit WHERE actor = 'desk-cixi' AND action = 'listed_residents'"
    )
    assert views[0] == ("paper: open cases", ["shen-ada"])


async def test_everybody_of_one_s_area_comes_page_by_page_and_as_a_table(office: Office) -> None:
    desk = await office.desk("desk-1")
    first = (await desk.get("/api/v1/paper/residents", params={"limit": 1})).json()
    assert ([each["home_id"] for each in first["homes"]], first["next_after"]) == (["luo"], "luo")
    second = (await desk.get("/api/v1/paper/residents", params={"limit": 1, "after": "luo"})).json()
    assert ([each["home_id"] for each in second["homes"]], second["next_after"]) == (["shen"], None)
    rows = list(csv.reader(io.StringIO((await desk.get("/api/v1/paper/residents.csv")).text)))
    assert (rows[0][3], rows[1], len(rows)) == ("desk-1", list(paper.HOMES), 4)
    assert rows[3][-1] == "1. 沈桂芳 女儿 +86 139 0000 0001; 2. 沈国强 儿子 +86 139 0000 0002"
    beyond = (await (await office.desk("desk-cixi")).get("/api/v1/paper/residents", params={"area": "330206"})).json()
    assert beyond["homes"] == []


async def test_the_table_of_many_pages_serves_the_same_scope_to_its_end(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.routes.paper.PAGE", 1)
    for user, homes in (("desk-1", ["luo", "shen"]), ("desk-cixi", ["shen"])):
        text = (await (await office.desk(user)).get("/api/v1/paper/residents.csv")).text
        assert [row[0] for row in list(csv.reader(io.StringIO(text)))[2:]] == homes


async def test_as_files_they_are_whole_for_their_owner_only_and_replace_the_old_ones(
    office: Office, tmp_path: Path
) -> None:
    await office.admit("shen")
    connection = await connect(office.conninfo, "test paper")
    async with connection:
        for _ in range(2):
            told = await verb.write(connection, tmp_path, "330282", office.clock(), "cli:test")
    assert (told["cases"], told["homes"]) == (1, 1)
    names = ["open-cases.csv", "open-cases.html", "residents.csv", "residents.html"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}
    sheet = (tmp_path / "open-cases.html").read_text()
    assert "<thead>" in sheet
    for words in (
        "沈阿大",
        "钥匙在邻居处",
        "1. 沈桂芳 女儿 +86 139 0000 0001",
        "cli:test",
        "display:table-header-group",
    ):
        assert words in sheet
    assert "罗英" not in (tmp_path / "residents.html").read_text()
    assert office.sql("SELECT actor, facts->'rows' FROM audit WHERE reason = 'paper'")[0] == (
        "cli:test",
        {"cases": 1, "homes": 1},
    )


@pytest.mark.parametrize(
    ("words", "found"),
    [("0001", ["shen-ada"]), ("0000 0002", ["shen-ada"]), ("13800000001", ["shen-ada"]), ("+86-138-0000-0001", ["shen-ada"]), ("9999", []), ("----", []), ("阿大", ["shen-ada"]),
     ("虞波", ["shen-ada"]), ("001", ["shen-ada"])],
)  # fmt: skip
async def test_a_resident_is_found_by_part_of_a_name_or_address_and_by_the_end_of_a_number(
    office: Office, words: str, found: list[str]
) -> None:
    """Also by a contact's number."""
    desk: Desk = await office.desk("desk-cixi")
    answer = (await desk.get("/api/v1/residents", params={"q": words})).json()
    assert [each["resident_id"] for each in answer["residents"]] == found


async def test_another_area_s_numbers_are_not_found(office: Office) -> None:
    office.sql("UPDATE residents SET phone = '0574-63012345' WHERE resident_id = 'luo-ying'")
    seen = {}
    for user in ("desk-1", "desk-cixi"):
        answer = await (await office.desk(user)).get("/api/v1/residents", params={"q": "2345"})
        seen[user] = [each["resident_id"] for each in answer.json()["residents"]]
    office.sql("UPDATE residents SET phone = '' WHERE resident_id = 'luo-ying'")
    assert seen == {"desk-1": ["luo-ying"], "desk-cixi": []}
