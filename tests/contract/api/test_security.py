"""What keeps others out: a second bar against pages of other sites, headers, a limit for who guesses, and logs without secrets."""

import logging
from urllib.parse import urlsplit

import httpx
import pytest

from api.guard import HEADERS
from api.routes.session import COOKIE, WRONG_FROM_ONE_ADDRESS, WRONG_WITHIN_S
from tests.contract.api.office import PASSWORD, SECRET, Desk, Office, of_api, open_office

pytestmark = pytest.mark.services


def from_address(office: Office, address: str) -> Desk:
    transport = httpx.ASGITransport(office.app, raise_app_exceptions=False, client=(address, 4711))
    return Desk(transport=transport, base_url="http://office")


@pytest.mark.parametrize("headers", [
    {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "http://elsewhere"}, {"Origin": "null"},
    {"Origin": "http://office.elsewhere"}, {"Sec-Fetch-Site": "cross-site", "Origin": "http://office"},
])  # fmt: skip
async def test_what_another_sites_page_sends_is_not_done(office: Office, headers: dict[str, str]) -> None:
    desk = await office.desk("desk-1")
    before = desk.cookies[COOKIE]
    for method, path in (
        ("POST", "/api/v1/session/refresh"),
        ("DELETE", "/api/v1/session"),
        ("PUT", "/api/v1/session/language"),
    ):
        answer = await desk.request(method, path, headers=headers, json={"language": "en"} if method == "PUT" else None)
        assert (answer.status_code, answer.json()["code"]) == (403, "cross_site"), (method, path)
    assert desk.cookies[COOKIE] == before
    assert (await desk.get("/api/v1/session", headers=headers)).json()["language"] == "zh"


@pytest.mark.parametrize(
    "headers", [{}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}, {"Origin": "http://office"}]
)
async def test_the_consoles_own_page_and_other_clients_are_served(office: Office, headers: dict[str, str]) -> None:
    desk = await office.desk("desk-1")
    assert (await desk.post("/api/v1/session/refresh", headers=headers)).status_code == 200


async def test_a_log_in_that_is_no_json_is_refused_so_that_no_form_can_send_one(office: Office) -> None:
    body = '{"user_name": "desk-1", "password": "' + PASSWORD + '"}'
    answer = await office.stranger().post("/api/v1/session", content=body, headers={"Content-Type": "text/plain"})
    assert (answer.status_code, "set-cookie" in answer.headers) == (422, False)


@pytest.mark.parametrize("path", ["/", "/api/v1/cases", "/api/v1/nothing", "/healthz"])
async def test_every_answer_carries_the_headers_that_keep_a_browser_from_harm(office: Office, path: str) -> None:
    answer = await office.stranger().get(path)
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    policy = dict(part.strip().partition(" ")[::2] for part in answer.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'self'"
    assert "script-src" not in policy, "scripts come from here alone, by default-src"
    assert policy["frame-ancestors"] == policy["object-src"] == policy["base-uri"] == "'none'"
    assert "Strict-Transport-Security" not in answer.headers, "on loopback there is no TLS to insist on"


async def test_behind_tls_browsers_are_told_to_stay_there(furnished: str) -> None:
    async with open_office(furnished, secure_cookie=True) as office:
        answer = await office.stranger().log_in("desk-1")
        assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
        assert "; Secure" in answer.headers["set-cookie"]


async def test_one_password_tried_on_every_name_is_slowed_down_where_it_comes_from(office: Office) -> None:
    guesser, room = from_address(office, "192.0.2.9"), from_address(office, "192.0.2.10")
    for number in range(WRONG_FROM_ONE_ADDRESS):
        name = ("desk-2", "desk-cixi", "chief", "root", "daughter")[
            number % 5
        ]  # of each fewer than would make that name wait
        assert (await guesser.log_in(name, "Spring2026!")).status_code == 401
    refused = await guesser.log_in("desk-1")
    assert (refused.status_code, refused.json()["code"], "set-cookie" in refused.headers) == (429, "too_often", False)
    assert int(refused.headers["Retry-After"]) > 0
    assert (await room.log_in("desk-1")).status_code == 200, "elsewhere nobody waits"
    office.clock.forward(WRONG_WITHIN_S)
    assert (await guesser.log_in("desk-1")).status_code == 200


async def test_a_room_of_desks_behind_one_address_logs_in_as_often_as_it_likes(office: Office) -> None:
    desk = from_address(office, "192.0.2.11")
    for _ in range(WRONG_FROM_ONE_ADDRESS + 5):
        assert (await desk.log_in("desk-1")).status_code == 200


async def test_no_secret_stands_in_a_log(
    furnished: str, office: Office, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything that people and programs of ours show to prove who they are, at the most talkative setting, also when things fail."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.WARNING, "httpx")  # the browsers of this test, not the api
    secrets = {PASSWORD, SECRET, "the wrong word", "a new pass phrase", urlsplit(of_api(furnished)).password or ""}
    desk = await office.desk("desk-1")
    secrets |= {desk.cookies[COOKIE], desk.headers["Authorization"].removeprefix("Bearer ")}
    await office.stranger().log_in("desk-1", "the wrong word")
    desk.carry(await desk.post("/api/v1/session/refresh"))
    secrets |= {desk.cookies[COOKIE], desk.headers["Authorization"].removeprefix("Bearer ")}
    root = await office.desk("root")
    await root.put("/api/v1/users/nobody/password", json={"password": "a new pass phrase"})
    await root.post("/api/v1/devices", json={"home_id": "shen", "device_id": "log-1"})
    await desk.get("/api/v1/cases?token=" + desk.cookies[COOKIE])
    monkeypatch.setattr("api.routes.session.Person", None)
    assert (await desk.get("/api/v1/session")).status_code == 500
    wrong = of_api(furnished).replace("shouwang_api:", "shouwang_api:not")
    async with open_office(wrong, query_s=0.5) as broken:
        assert (await broken.stranger().log_in("desk-1")).status_code == 503
    text = caplog.text
    assert "unforeseen error" in text
    assert [secret for secret in secrets if secret and secret in text] == []
