"""The register on a page: a home, who lives there, whom to call, devices; what is written there is what a desk reads."""

import pytest

from tests.contract.api.office import HERE, Office

pytestmark = pytest.mark.services


@pytest.fixture(autouse=True)
def only_known_people(office: Office) -> None:
    for table in ("contacts", "devices", "residents", "homes"):
        office.sql(f"DELETE FROM {table} WHERE home_id = 'page-1'")


async def a_home(office: Office) -> None:
    root = await office.desk("root")
    home = {"area_code": HERE, "address": "页面路 1 号", "care_level": 2, "key_at": "对门王家", "pets": "一条狗"}
    assert (await root.put("/api/v1/homes/page-1", json=home)).status_code == 200
    person = {
        "name": "页阿婆", "birth_year": 1940, "sex": "f", "phone": "13800000077", "conditions": "糖尿病，胰岛素",
        "mobility": "frame", "dialect": "慈溪话", "oxygen": True,
    }  # fmt: skip
    assert (await root.put("/api/v1/homes/page-1/residents/page-ada", json=person)).status_code == 200
    for rank, name in ((1, "页女儿"), (2, "页儿子")):
        body = {"name": name, "phone": f"1390000007{rank}", "relation": "子女", "rank": rank}
        assert (await root.put("/api/v1/homes/page-1/contacts", json=body)).status_code == 200
    device = {"home_id": "page-1", "device_id": "pir-1", "role": "motion", "room": "living"}
    assert (await root.post("/api/v1/devices", json=device)).status_code == 201


async def test_what_is_registered_on_the_page_is_what_a_desk_reads_in_a_case_and_on_paper(office: Office) -> None:
    await a_home(office)
    case = await office.admit("page-1", family="sos", reason="call.press", score=4)
    desk = await office.desk("desk-1")
    found = (await desk.get(f"/api/v1/cases/{case.case_id}")).json()
    (person,) = found["residents"]
    known = ("conditions", "mobility", "dialect", "oxygen")
    assert [person[name] for name in known] == ["糖尿病，胰岛素", "frame", "慈溪话", True]
    assert (found["home"]["key_at"], found["home"]["pets"]) == ("对门王家", "一条狗")
    assert [each["name"] for each in found["contacts"]] == ["页女儿", "页儿子"]
    sheet = (await desk.get("/api/v1/paper/residents.csv")).text
    line = next(each for each in sheet.splitlines() if each.startswith("page-1"))
    for word in ("糖尿病，胰岛素", "助行器", "讲慈溪话", "吸氧", "对门王家", "一条狗"):
        assert word in line


async def test_what_nobody_wrote_down_is_not_known_and_a_table_without_it_takes_nothing_away(office: Office) -> None:
    root = await office.desk("root")
    shen = (await root.get("/api/v1/homes/shen")).json()
    assert [shen["residents"][0][name] for name in ("conditions", "mobility", "dialect", "oxygen")] == [None] * 4
    await a_home(office)
    table = f"record,home_id,area_code,address,resident_id,name\nhome,page-1,{HERE},页面路 2 号,,\nresident,page-1,,,page-ada,页阿婆\n"
    assert (await root.post("/api/v1/homes/import", content=table.encode())).json()["done"]
    again = (await root.get("/api/v1/homes/page-1")).json()
    assert (again["home"]["address"], again["home"]["pets"]) == ("页面路 2 号", "一条狗")
    assert again["residents"][0]["oxygen"] is True
    assert (await root.put("/api/v1/homes/page-1/residents/page-ada", json={"name": "页阿婆", "oxygen": False, "conditions": ""})).status_code == 200  # fmt: skip
    (person,) = (await root.get("/api/v1/homes/page-1")).json()["residents"]
    assert (person["oxygen"], person["conditions"], person["dialect"]) == (False, None, "慈溪话"), (
        "cleared is not known"
    )


async def test_homes_are_listed_in_pages_and_found_by_id_name_and_address(office: Office) -> None:
    await a_home(office)
    root = await office.desk("root")
    listed, after = [], ""
    while True:
        page = (await root.get(f"/api/v1/homes?limit=2&after={after}")).json()
        listed += [each["home_id"] for each in page["homes"]]
        if page["next_after"] is None:
            break
        after = page["next_after"]
    assert listed == sorted(set(listed))
    assert "page-1" in listed
    for words in ("page-", "页阿婆", "页面路", "13800000077"):
        found = (await root.get("/api/v1/homes", params={"q": words})).json()
        assert [each["home_id"] for each in found["homes"]] == ["page-1"], words
    (row,) = found["homes"]
    assert (row["residents"], row["contacts"], row["devices"], row["unbound"]) == (["页阿婆"], 2, 1, 0)


async def test_contacts_devices_and_homes_go_and_each_change_and_view_is_in_the_audit(office: Office) -> None:
    await a_home(office)
    root = await office.desk("root")
    first = (await root.get("/api/v1/homes/page-1")).json()
    contact = first["contacts"][0]["contact_id"]
    assert (await root.delete(f"/api/v1/homes/page-1/contacts/{contact}")).status_code == 200
    assert (await root.delete(f"/api/v1/homes/page-1/contacts/{contact}")).status_code == 404
    assert (await root.delete("/api/v1/homes/page-1/devices/pir-1")).status_code == 200
    assert (await root.delete("/api/v1/homes/page-1/devices/pir-1")).status_code == 404
    now = (await root.get("/api/v1/homes/page-1")).json()
    assert [each["name"] for each in now["contacts"]] == ["页儿子"]
    assert [(each["device_id"], each["bound"]) for each in now["devices"]] == [("pir-1", False)]
    assert (await root.post("/api/v1/homes/page-1/remove", json={"reason": "搬走"})).status_code == 200
    assert (await root.get("/api/v1/homes/page-1")).status_code == 404
    told = office.sql("SELECT action FROM audit WHERE home_id = 'page-1' AND actor = 'root' ORDER BY audit_id")
    actions = [action for (action,) in told]
    assert {"registered", "contact removed", "device unbound", "removed", "viewed"} <= set(actions)
    card = office.sql("SELECT version FROM home_cards WHERE home_id = 'page-1'")
    assert card, "the stream hears of it"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/homes/page-1", {"area_code": "33028200100"}),
        ("/api/v1/homes/page-1", {"area_code": HERE, "zone": "Mars/Base"}),
        ("/api/v1/homes/-page", {"area_code": HERE}),
        ("/api/v1/homes/shen/residents/shen-ada", {"name": "沈阿大", "mobility": "flies"}),
        ("/api/v1/homes/shen/contacts", {"name": "x", "phone": "none"}),
    ],
)
async def test_what_cannot_be_registered_is_refused_with_its_reason(office: Office, path: str, body: dict) -> None:
    answer = await (await office.desk("root")).put(path, json=body)
    assert answer.status_code == 422
    assert answer.json()["detail"]
