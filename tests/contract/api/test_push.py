"""Web Push: a browser subscribes, and a P1 reaches it, sealed, at the moment when it is due; opened here with the browser's own key."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from alerts import web_push
from alerts.channels import AppriseChannels
from alerts.notices import due, words
from alerts.rules import SHIPPED
from tests.contract.alerts.browser import Browser
from tests.contract.api.office import Office
from tests.contract.api.other_sides import PushService

pytestmark = pytest.mark.services

KEY = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"


@pytest.fixture
def service(office: Office) -> Iterator[PushService]:
    found = PushService()
    office.sql("DELETE FROM recipients")
    msgspec.structs.force_setattr(office.parts.settings, "push_key", KEY)
    msgspec.structs.force_setattr(office.parts.settings, "push_services", (found.url, "push.example"))
    yield found
    found.close()


def body_of(to: web_push.Subscription) -> dict[str, Any]:
    return {"endpoint": to.endpoint, "p256dh": to.p256dh, "auth": to.auth}


async def send_what_is_due(office: Office) -> list[bool]:
    (waiting,) = await office.store.waiting(office.clock())
    people = {each.recipient_id: each for each in waiting.recipients}
    channels = AppriseChannels(5.0, KEY, "mailto:watch@example.org")
    results = []
    for notice in await office.store.take_notices(waiting, office.clock(), 30.0):
        to = people[notice.recipient_id]
        result = await channels.send(to, *words(waiting.case, to, notice.rung))
        results.append(result.sent)
        await office.store.noticed([msgspec.structs.replace(notice, sent=result.sent, detail=result.detail)])
    return results


async def test_a_p1_reaches_the_browser_that_subscribed_and_nobody_between_reads_it(
    office: Office, service: PushService
) -> None:
    daughter, phone = await office.desk("daughter"), Browser()
    assert (await daughter.get("/api/v1/family/push")).json()["key"] == web_push.public_key(web_push.private_key(KEY))
    to = phone.subscription(f"{service.url}/1")
    for _ in range(2):
        assert (await daughter.put("/api/v1/family/push", json=body_of(to))).json() == {"residents": ["shen-ada"]}
    await office.admit("shen")
    assert await send_what_is_due(office) == [True]
    ((path, headers, body),) = service.taken
    assert (path, headers["content-encoding"], headers["ttl"], headers["urgency"]) == ("/send/1", "aes128gcm", "300", "high")  # fmt: skip
    assert headers["authorization"].startswith("vapid t=")
    assert b"shen" not in body
    assert json.loads(phone.opened(body))["title"] == "守望：求助警情"
    assert await send_what_is_due(office) == [], "once"


async def test_beside_the_way_that_was_chosen_and_only_while_there_is_consent(
    office: Office, service: PushService
) -> None:
    msgspec.structs.force_setattr(office.parts.settings, "kin_ways", ("sms=json://127.0.0.1:9/{to}",))
    daughter = await office.desk("daughter")
    way = "/api/v1/family/relatives/shen-ada/way"
    assert (await daughter.put(way, json={"way": "sms", "reach": "12345"})).status_code == 200
    await daughter.put("/api/v1/family/push", json=body_of(Browser().subscription(f"{service.url}/1")))
    await daughter.put("/api/v1/family/push", json=body_of(Browser().subscription(f"{service.url}/2")))
    assert (await daughter.get(way)).json()["way"] == "sms"
    await office.admit("shen")

    async def told() -> int:
        (waiting,) = await office.store.waiting(office.clock())
        return len(due(waiting, SHIPPED, office.clock(), 30.0))

    assert await told() == 3
    assert (await daughter.request("DELETE", "/api/v1/family/push", json={"endpoint": f"{service.url}/2"})).status_code == 200  # fmt: skip
    assert await told() == 2
    desk = await office.desk("desk-1")
    consent = {"user_name": "daughter", "given_by": "resident", "ground": "said"}
    try:
        await desk.post("/api/v1/residents/shen-ada/consents", json=consent | {"scopes": ["word"]})
        assert await told() == 0
        assert (await daughter.put("/api/v1/family/push", json=body_of(Browser().subscription(f"{service.url}/3")))).json() == {"residents": []}  # fmt: skip
    finally:
        await desk.post("/api/v1/residents/shen-ada/consents", json=consent | {"scopes": ["word", "alerts", "handler", "address", "told", "day", "contacts", "away"]})  # fmt: skip


async def test_a_browser_that_is_gone_is_not_tried_again_until_it_subscribes_anew(
    office: Office, service: PushService
) -> None:
    daughter, phone = await office.desk("daughter"), Browser()
    service.status = 410
    to = body_of(phone.subscription(f"{service.url}/1"))
    await daughter.put("/api/v1/family/push", json=to)
    await office.admit("shen")
    office.clock.forward(1)
    assert await send_what_is_due(office) == [False]
    office.clock.forward(120)
    assert await send_what_is_due(office) == []
    service.status = 201
    await daughter.put("/api/v1/family/push", json=to)
    assert await send_what_is_due(office) == [True]


@pytest.mark.parametrize("endpoint", [
    "http://push.example/1", "https://push.example:8443/1", "https://push.example.evil.net/1", "https://x@push.example/1", "https://127.0.0.1/1",
    "http://127.0.0.1:9/send",
])  # fmt: skip
async def test_this_machine_is_sent_to_push_services_alone(office: Office, service: PushService, endpoint: str) -> None:
    daughter = await office.desk("daughter")
    answer = await daughter.put("/api/v1/family/push", json=body_of(Browser().subscription(endpoint)))
    assert answer.status_code == 422
    assert office.sql("SELECT count(*) FROM recipients") == [(0,)]


async def test_the_eleventh_browser_takes_the_place_of_the_oldest(office: Office, service: PushService) -> None:
    daughter = await office.desk("daughter")
    for number in range(11):
        office.clock.forward(1)
        await daughter.put("/api/v1/family/push", json=body_of(Browser().subscription(f"{service.url}/{number}")))
    left = office.sql("SELECT count(*), count(*) FILTER (WHERE consented_at = (SELECT max(consented_at) FROM recipients)) FROM recipients")  # fmt: skip
    assert left == [(10, 1)]
