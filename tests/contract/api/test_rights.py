"""Who may call what: every route against every role, drawn from OpenAPI, so that a new route cannot be forgotten."""

from typing import Any

import pytest

from api.app import create
from api.settings import ApiSettings
from tests.contract.api.office import SECRET, Office

pytestmark = pytest.mark.services

PUBLIC = {
    ("post", "/api/v1/session"),
    ("post", "/api/v1/session/refresh"),
    ("delete", "/api/v1/session"),
    ("post", "/api/v1/questions/{question_id}/answer"),
    ("post", "/api/v1/telephony/calls"),
    ("post", "/api/v1/telephony/dials/{dial_id}/result"),
    ("get", "/healthz"),
    ("get", "/readyz"),
    ("get", "/metrics"),
}
"""Routes without roles. An answer brings its question's token, a telephone system a signature (test_telephony.py); /metrics looks at where the request comes from (test_health.py)."""
USERS = {
    "operator": "desk-1",
    "supervisor": "chief",
    "family": "daughter",
    "admin": "root",
    "helper": "lin",
    "platform": "city",
}
ENDLESS = ("/api/v1/stream", "/api/v1/family/stream")


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    document = create(ApiSettings(token_secret=SECRET)).openapi()
    return [
        (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


OPERATIONS = operations()
GUARDED = [(method, path, operation) for method, path, operation in OPERATIONS if "x-roles" in operation]


def test_every_route_says_its_roles_or_is_known_to_be_public() -> None:
    assert {(method, path) for method, path, operation in OPERATIONS if "x-roles" not in operation} == PUBLIC


def address(path: str) -> str:
    return (
        path.replace("{case_id}", "no-such-case")
        .replace("{question_id}", "no-such-question")
        .replace("{resident_id}", "no-one")
        .replace("{user_name}", "no-one")
        .replace("{token_id}", "no-such-token")
        .replace("{handover_id}", "no-such-handover")
        .replace("{notice_id}", "0")
        .replace("{contact_id}", "0")
        .replace("{duty_id}", "0")
        .replace("{priority}", "1")
    )


async def test_matrix_of_routes_and_roles(office: Office) -> None:
    """A role that is not named gets 403 whatever it sends; one that is named gets past the door."""
    wrong: list[str] = []
    for role, user_name in USERS.items():
        desk = await office.desk(user_name)
        for method, path, operation in GUARDED:
            if (method, path) == ("delete", "/api/v1/session/all") or (
                path in ENDLESS and role in operation["x-roles"]
            ):
                continue
            answer = await desk.request(method, address(path), json={})
            refused = answer.status_code == 403
            if refused == (role in operation["x-roles"]) or answer.status_code >= 500:
                wrong.append(f"{role} {method} {path}: {answer.status_code}")
    assert wrong == []


async def test_matrix_without_a_token_every_guarded_route_answers_401(office: Office) -> None:
    stranger = office.stranger()
    answers = {(m, p): (await stranger.request(m, address(p), json={})).status_code for m, p, _ in GUARDED}
    assert set(answers.values()) == {401}


async def test_matrix_of_residents_a_family_sees_its_own_and_learns_of_no_other(office: Office) -> None:
    await office.admit("luo")
    daughter = await office.desk("daughter")
    own = await daughter.get("/api/v1/family/relatives/shen-ada")
    assert (own.status_code, own.json()["name"]) == (200, "沈阿大")
    other = await daughter.get("/api/v1/family/relatives/luo-ying")
    nobody = await daughter.get("/api/v1/family/relatives/does-not-exist")
    assert (other.status_code, nobody.status_code) == (404, 404)
    assert other.json() | {"detail": ""} == nobody.json() | {"detail": ""}
    every = (await daughter.get("/api/v1/family/relatives")).json()["relatives"]
    assert [each["resident_id"] for each in every] == ["shen-ada"]


async def test_a_family_reads_no_address_no_number_and_no_device(office: Office) -> None:
    text = (await (await office.desk("daughter")).get("/api/v1/family/relatives")).text
    for secret in ("虞波", "139 0000", "pir-1", "钥匙"):
        assert secret not in text


async def test_a_withdrawn_link_shows_nothing_any_more(office: Office) -> None:
    daughter = await office.desk("daughter")
    office.sql("UPDATE family_links SET revoked_at = now() WHERE user_name = 'daughter'")
    try:
        assert (await daughter.get("/api/v1/family/relatives/shen-ada")).status_code == 404
    finally:
        office.sql("UPDATE family_links SET revoked_at = NULL WHERE user_name = 'daughter'")


async def test_matrix_of_residents_a_desk_of_one_area_learns_of_no_other(office: Office) -> None:
    desk = await office.desk("desk-cixi")
    listed = (await desk.get("/api/v1/residents")).json()["residents"]
    assert [row["resident_id"] for row in listed] == ["shen-ada"]
    assert (await desk.get("/api/v1/residents?q=罗")).json()["residents"] == []
    assert (await desk.get("/api/v1/residents/luo-ying")).status_code == 404
    assert (await desk.get("/api/v1/residents/shen-ada")).status_code == 200


def test_every_operation_has_models_errors_and_examples() -> None:
    """OpenAPI is the contract: an answer without a model, or an error without an example, is a hole in it."""
    holes: list[str] = []
    for method, path, operation in OPERATIONS:
        name = f"{method} {path}"
        if not operation.get("summary") or not operation.get("description"):
            holes.append(f"{name}: no words")
        for status, answer in operation["responses"].items():
            for media_type, content in answer.get("content", {}).items():
                if not content.get("schema"):
                    holes.append(f"{name} {status} {media_type}: no schema")
                if int(status) >= 400 and (media_type != "application/problem+json" or not content.get("examples")):
                    holes.append(f"{name} {status} {media_type}: not a problem with an example")
            if not answer.get("content"):
                holes.append(f"{name} {status}: no content")
        if "x-roles" in operation and not {"401", "403", "503"} - {"403"} <= operation["responses"].keys():
            holes.append(f"{name}: lacks 401 or 503")
        if "requestBody" in operation and "422" not in operation["responses"]:
            holes.append(f"{name}: a body and no 422")
    assert holes == []


def test_every_reference_of_the_document_leads_somewhere() -> None:
    document = create(ApiSettings(token_secret=SECRET)).openapi()
    schemas = document["components"]["schemas"]
    assert "HTTPValidationError" not in schemas, "the framework's own shape of errors must not appear"

    def references(node: Any) -> list[str]:
        if isinstance(node, dict):
            return [value for key, value in node.items() if key == "$ref"] + [
                each for value in node.values() for each in references(value)
            ]
        return [each for value in node for each in references(value)] if isinstance(node, list) else []

    assert {reference.rsplit("/", 1)[1] for reference in references(document)} <= schemas.keys()
