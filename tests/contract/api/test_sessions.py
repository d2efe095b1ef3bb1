"""Log-in, refresh, log-out: what an attacker learns, and how fast a token dies."""

import pytest

from api.routes.session import COOKIE, FREE_ATTEMPTS, MOST_WAIT_S, RACE_S
from tests.contract.api.office import PASSWORD, Office

pytestmark = pytest.mark.services


async def test_who_logs_in_is_who_he_is(office: Office) -> None:
    desk = await office.desk("desk-1")
    answer = await desk.get("/api/v1/session")
    assert answer.json() == {
        "user_name": "desk-1",
        "display_name": "一号席",
        "role": "operator",
        "language": "zh",
        "area_prefix": "",
    }


async def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(office: Office) -> None:
    wrong = await office.stranger().log_in("desk-1", "not this one")
    unknown = await office.stranger().log_in("nobody-at-all", "not this one")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()
    assert wrong.json()["code"] == "login_refused"
    assert wrong.headers["content-type"] == "application/problem+json"
    assert "set-cookie" not in wrong.headers


async def test_after_several_failures_even_the_right_password_must_wait(office: Office) -> None:
    stranger = office.stranger()
    for _ in range(FREE_ATTEMPTS):
        assert (await stranger.log_in("desk-2", "wrong")).status_code == 401
    refused = await stranger.log_in("desk-2")
    assert refused.status_code == 401
    assert refused.json()["code"] == "login_refused"
    office.clock.forward(5.0)
    assert (await stranger.log_in("desk-2")).status_code == 200


async def test_the_wait_grows_but_never_keeps_a_desk_out_for_long(office: Office) -> None:
    stranger = office.stranger()
    for _ in range(14):
        await stranger.log_in("desk-2", "wrong")
        office.clock.forward(MOST_WAIT_S)
    office.clock.forward(-1.0)
    assert (await stranger.log_in("desk-2")).status_code == 401
    office.clock.forward(1.0)
    assert (await stranger.log_in("desk-2")).status_code == 200


async def test_somebody_who_is_logged_in_stays_so_while_others_guess_his_password(office: Office) -> None:
    desk = await office.desk("desk-2")
    for _ in range(FREE_ATTEMPTS + 1):
        await office.stranger().log_in("desk-2", "wrong")
    assert (await desk.get("/api/v1/cases")).status_code == 200
    assert (await desk.post("/api/v1/session/refresh")).status_code == 200


async def test_one_who_is_kept_out_is_told_no_more_than_a_stranger(office: Office) -> None:
    office.sql("UPDATE users SET active = false WHERE user_name = 'desk-2'")
    refused = await office.stranger().log_in("desk-2")
    assert (refused.status_code, refused.json()["code"]) == (401, "login_refused")


async def test_an_access_token_ends_after_a_quarter_of_an_hour_to_the_second(office: Office) -> None:
    desk = await office.desk("desk-1")
    office.clock.at = office.clock.at.replace(microsecond=0)
    office.clock.forward(899)
    assert (await desk.get("/api/v1/session")).status_code == 200
    office.clock.forward(2)
    refused = await desk.get("/api/v1/session")
    assert (refused.status_code, refused.json()["code"]) == (401, "not_logged_in")


async def test_a_refresh_gives_a_new_token_and_a_new_cookie(office: Office) -> None:
    desk = await office.desk("desk-1")
    before = desk.cookies[COOKIE]
    office.clock.forward(1000)
    answer = await desk.post("/api/v1/session/refresh")
    assert answer.status_code == 200
    assert desk.cookies[COOKIE] != before
    desk.carry(answer)
    assert (await desk.get("/api/v1/session")).status_code == 200


async def test_the_cookie_is_kept_from_scripts_other_sites_and_other_paths(office: Office) -> None:
    answer = await office.stranger().log_in("desk-1")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "path=/api/v1/session" in cookie
    assert answer.headers["cache-control"] == "no-store"


async def test_two_tabs_that_refresh_at_once_both_stay_logged_in(office: Office) -> None:
    desk = await office.desk("desk-1")
    old = desk.cookies[COOKIE]
    assert (await desk.post("/api/v1/session/refresh")).status_code == 200
    new = desk.cookies[COOKIE]
    office.clock.forward(RACE_S)
    late = await office.stranger().post("/api/v1/session/refresh", headers={"Cookie": f"{COOKIE}={old}"})
    assert late.status_code == 200
    assert "set-cookie" not in late.headers, "only one of the two may change the cookie"
    still = await office.stranger().post("/api/v1/session/refresh", headers={"Cookie": f"{COOKIE}={new}"})
    assert still.status_code == 200


async def test_a_stolen_refresh_token_ends_the_session_for_the_thief_and_the_owner(office: Office) -> None:
    desk = await office.desk("desk-1")
    stolen = desk.cookies[COOKIE]
    desk.carry(await desk.post("/api/v1/session/refresh"))
    office.clock.forward(RACE_S + 1)
    thief = await office.stranger().post("/api/v1/session/refresh", headers={"Cookie": f"{COOKIE}={stolen}"})
    assert thief.status_code == 401
    assert (await desk.get("/api/v1/session")).status_code == 401
    assert (await desk.post("/api/v1/session/refresh")).status_code == 401


async def test_log_out_ends_the_access_token_at_once(office: Office) -> None:
    desk = await office.desk("desk-1")
    other = await office.desk("desk-1")
    assert (await desk.delete("/api/v1/session")).status_code == 200
    assert (await desk.get("/api/v1/session")).status_code == 401
    assert (await other.get("/api/v1/session")).status_code == 200, (
        "another browser of the same user is another session"
    )


async def test_log_out_everywhere_ends_every_session(office: Office) -> None:
    desk, other = await office.desk("desk-1"), await office.desk("desk-1")
    assert (await desk.delete("/api/v1/session/all")).status_code == 200
    for browser in (desk, other):
        assert (await browser.get("/api/v1/session")).status_code == 401
        assert (await browser.post("/api/v1/session/refresh")).status_code == 401


async def test_a_raised_epoch_ends_all_tokens_of_a_user(office: Office) -> None:
    desk = await office.desk("desk-1")
    office.sql("UPDATE users SET token_epoch = token_epoch + 1 WHERE user_name = 'desk-1'")
    assert (await desk.get("/api/v1/cases")).status_code == 401
    assert (await desk.post("/api/v1/session/refresh")).status_code == 401
    assert (await (await office.desk("desk-1")).get("/api/v1/cases")).status_code == 200


async def test_a_session_ends_with_the_shift_however_often_it_is_refreshed(office: Office) -> None:
    desk = await office.desk("desk-1")
    for _ in range(12):
        office.clock.forward(3_590)
        desk.carry(await desk.post("/api/v1/session/refresh"))
    office.clock.forward(200)
    assert (await desk.get("/api/v1/session")).status_code == 401
    assert (await desk.post("/api/v1/session/refresh")).status_code == 401


async def test_a_new_role_holds_from_the_next_request_on(office: Office) -> None:
    desk = await office.desk("desk-2")
    office.sql("UPDATE users SET role = 'admin' WHERE user_name = 'desk-2'")
    try:
        assert (await desk.get("/api/v1/cases")).status_code == 403
    finally:
        office.sql("UPDATE users SET role = 'operator' WHERE user_name = 'desk-2'")


@pytest.mark.parametrize("token", ["", "x", "Bearer", "Bearer x.y.z", "Basic ZGVzay0xOng="])
async def test_what_is_no_token_is_refused(office: Office, token: str) -> None:
    answer = await office.stranger().get("/api/v1/cases", headers={"Authorization": token})
    assert (answer.status_code, answer.json()["code"]) == (401, "not_logged_in")


@pytest.mark.parametrize(
    "body",
    [
        "not json",
        "[]",
        "{}",
        '{"user_name": "desk-1"}',
        '{"user_name": 7, "password": "x"}',
        '{"user_name": "desk-1", "password": "x", "role": "admin"}',
    ],
)
async def test_a_log_in_that_cannot_be_read_says_what_is_wrong(office: Office, body: str) -> None:
    answer = await office.stranger().post("/api/v1/session", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_request")
    assert answer.json()["faults"]
    assert PASSWORD not in answer.text


async def test_a_nul_in_a_name_is_refused_and_harms_nobody(office: Office) -> None:
    answer = await office.stranger().log_in("desk\x00-1")
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_request")
    assert (await office.stranger().log_in("desk-1")).status_code == 200


async def test_passwords_and_tokens_are_nowhere_in_the_database_as_they_are(office: Office) -> None:
    desk = await office.desk("desk-1")
    ((stored,),) = office.sql("SELECT password_hash FROM users WHERE user_name = 'desk-1'")
    assert stored.startswith("$argon2id$")
    assert not office.sql("SELECT 1 FROM sessions WHERE token_hash = %s", desk.cookies[COOKIE])
