"""Administration: the same operations as the command line, and what was refused can be read."""

import pytest

from tests.contract.api.office import HERE, Office

pytestmark = pytest.mark.services

TABLE = f"""record,home_id,area_code,address,resident_id,name,phone,contact_name,contact_relation,contact_phone,device_id,role,room
home,new-1,{HERE},新村 1 号,,,,,,,,,
resident,new-1,,,new-resident,新阿婆,13800000009,,,,,,
contact,new-1,,,,,,新小妹,女儿,13900000009,,,
device,new-1,,,,,,,,,door-1,entrance_door,entrance
"""


@pytest.fixture(autouse=True)
def only_known_people(office: Office) -> None:
    office.sql("DELETE FROM residents WHERE home_id = 'new-1'")
    office.sql("DELETE FROM contacts WHERE home_id = 'new-1'")
    office.sql("DELETE FROM devices WHERE home_id IN ('new-1', 'ghost') OR device_id = 'smoke-9'")
    office.sql("DELETE FROM homes WHERE home_id = 'new-1'")
    office.sql("DELETE FROM users WHERE user_name = 'desk-9'")


async def test_a_table_of_homes_is_taken_in(office: Office) -> None:
    root = await office.desk("root")
    answer = await root.post("/api/v1/homes/import", content=TABLE.encode(), headers={"Content-Type": "text/csv"})
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "done": True,
        "homes": 1,
        "residents": 1,
        "contacts": 1,
        "devices": 1,
        "cards_changed": 1,
        "bad": [],
    }
    found = (await (await office.desk("desk-1")).get("/api/v1/residents/new-resident")).json()
    assert (found["home"]["address"], found["contacts"][0]["name"], found["devices"][0]["role"]) == (
        "新村 1 号",
        "新小妹",
        "entrance_door",
    )
    assert office.sql("SELECT version FROM home_cards WHERE home_id = 'new-1'"), "the stream gets its card"


async def test_a_table_with_a_bad_line_changes_nothing_and_names_the_line(office: Office) -> None:
    root = await office.desk("root")
    bad = TABLE + "device,no-such-home,,,,,,,,,pir-1,motion,living\n"
    answer = (await root.post("/api/v1/homes/import", content=bad.encode())).json()
    assert answer["done"] is False
    assert [line["line"] for line in answer["bad"]] == [6]
    assert "no-such-home" in answer["bad"][0]["problem"]
    assert not office.sql("SELECT 1 FROM homes WHERE home_id = 'new-1'")
    answer = (await root.post("/api/v1/homes/import?skip_bad=true", content=bad.encode())).json()
    assert (answer["done"], answer["homes"], len(answer["bad"])) == (True, 1, 1)


@pytest.mark.parametrize("body", [b"", b"\xff\xfe\x00\x81", b"name,age\nx,1\n"])
async def test_what_is_no_table_is_refused(office: Office, body: bytes) -> None:
    answer = await (await office.desk("root")).post("/api/v1/homes/import", content=body)
    assert answer.status_code == 422
    assert answer.json()["detail"]


async def test_a_device_gets_its_account_and_a_password_that_is_said_once(office: Office) -> None:
    root = await office.desk("root")
    body = {"home_id": "shen", "device_id": "smoke-9", "role": "smoke", "room": "kitchen"}
    first = await root.post("/api/v1/devices", json=body)
    assert first.status_code == 201, first.text
    told = first.json()
    assert (told["account"], told["topic"]) == ("shen.smoke-9", f"shouwang/v1/{HERE[:9]}/shen.smoke-9/telemetry")
    ((stored,),) = office.sql("SELECT password_hash FROM accounts WHERE account = 'shen.smoke-9'")
    assert stored.startswith("$7$")
    assert told["password"] not in stored
    again = (await root.post("/api/v1/devices", json=body)).json()
    assert again["password"] != told["password"], "the same again is a new password"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"home_id": "no-such-home", "device_id": "x"}, 404),
        ({"home_id": "shen", "device_id": "Has Spaces"}, 422),
        ({"home_id": "shen", "device_id": "x", "role": "toaster"}, 422),
        ({"home_id": "shen", "device_id": "x", "resident_id": "luo-ying"}, 422),
        ({"home_id": "shen"}, 422),
    ],
)
async def test_a_device_that_cannot_be_is_refused_with_its_reason(
    office: Office, body: dict[str, str], status: int
) -> None:
    answer = await (await office.desk("root")).post("/api/v1/devices", json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json()["detail"]


async def test_a_new_user_can_log_in_with_the_password_that_was_said(office: Office) -> None:
    root = await office.desk("root")
    told = await root.post("/api/v1/users", json={"user_name": "desk-9", "role": "operator", "display_name": "九号席"})
    assert told.status_code == 201
    assert (await office.stranger().log_in("desk-9", told.json()["password"])).status_code == 200
    assert (await root.post("/api/v1/users", json={"user_name": "desk-9", "role": "operator"})).status_code == 422
    users = (await root.get("/api/v1/users")).json()["users"]
    assert "desk-9" in [user["user_name"] for user in users]
    assert "password" not in (await root.get("/api/v1/users")).text


async def test_a_new_password_and_being_kept_out_end_all_sessions(office: Office) -> None:
    root = await office.desk("root")
    told = (await root.post("/api/v1/users", json={"user_name": "desk-9", "role": "operator"})).json()
    desk = office.stranger()
    await desk.log_in("desk-9", told["password"])
    new = (await root.put("/api/v1/users/desk-9/password", json={})).json()["password"]
    assert (await desk.get("/api/v1/cases")).status_code == 401
    await desk.log_in("desk-9", new)
    assert (await desk.get("/api/v1/cases")).status_code == 200
    assert (await root.put("/api/v1/users/desk-9/active", json={"active": False})).status_code == 200
    assert (await desk.get("/api/v1/cases")).status_code == 401
    assert (await office.stranger().log_in("desk-9", new)).status_code == 401


async def test_dead_letters_say_what_was_wrong(office: Office) -> None:
    for n, payload in enumerate((b'{"kind": "vitals", "heart_rate_bpm": 900}', b"\xff\x00not json")):
        office.sql(
            "INSERT INTO dead_letters (at, letter_id, stage, source, topic, account, reason, detail, size, payload)"
            " VALUES (now() - %s * interval '1 minute', %s, 'ingest', 'main', 't', 'shen.band-1', 'out_of_range', 'heart_rate_bpm is above 300', %s, %s)",
            n, f"dead-letters.v1/0/{n}", len(payload), payload,
        )  # fmt: skip
    chief = await office.desk("chief")
    letters = (await chief.get("/api/v1/dead-letters?account=shen.band-1")).json()["letters"]
    assert [letter["letter_id"] for letter in letters] == ["dead-letters.v1/0/0", "dead-letters.v1/0/1"], "newest first"
    assert letters[0]["detail"] == "heart_rate_bpm is above 300"
    assert letters[1]["payload"].endswith("not json")
    page = (await chief.get("/api/v1/dead-letters?limit=1")).json()
    rest = (await chief.get("/api/v1/dead-letters", params={"limit": 1, "before": page["next_before"]})).json()
    assert rest["letters"][0]["letter_id"] == "dead-letters.v1/0/1"
    assert (await chief.get("/api/v1/dead-letters?reason=oversize")).json()["letters"] == []


async def test_devices_that_nobody_registered_are_listed(office: Office) -> None:
    office.sql(
        "INSERT INTO devices (home_id, device_id, bound, last_seen_at) VALUES ('shen', 'smoke-9', false, now()), ('ghost', 'x', false, now())"
    )
    devices = (await (await office.desk("root")).get("/api/v1/devices/unbound")).json()["devices"]
    assert {(each["home_id"], each["device_id"], each["home_known"]) for each in devices} == {
        ("shen", "smoke-9", True),
        ("ghost", "x", False),
    }
