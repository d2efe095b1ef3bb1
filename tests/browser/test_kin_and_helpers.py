"""Families, helpers and medicine on a running system, what the telephone's first test does not walk through: sealed notices, hours, overdue visits, a bundle."""

import asyncio
import json
from collections.abc import Iterator

import pytest
from fhir.resources.R4B.bundle import Bundle
from playwright.async_api import expect

from tests.browser.room import Room, row_of
from tests.browser.test_phone import grave_faults
from tests.contract.alerts.browser import Browser
from tests.contract.api.other_sides import Clinic, PushService

pytestmark = [pytest.mark.services, pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

SUBSCRIBES = """given => {
  // The browser maker's own service is not reached from here: what it would give, and no more, is given in its place.
  let subscribed = false;
  const subscription = {
    endpoint: given.endpoint,
    toJSON: () => ({ endpoint: given.endpoint, keys: { p256dh: given.p256dh, auth: given.auth } }),
    unsubscribe: async () => { subscribed = false; return true; },
  };
  PushManager.prototype.getSubscription = async () => (subscribed ? subscription : null);
  PushManager.prototype.subscribe = async (asked) => {
    given.key = asked.applicationServerKey;
    subscribed = true;
    return subscription;
  };
  Notification.requestPermission = async () => "granted";
}"""


async def test_a_fall_reaches_a_telephone_whose_page_is_closed_and_only_that_one_reads_it(
    room: Room, push_service: PushService
) -> None:
    push_service.taken.clear()
    keys, phone = Browser(), await room.browser(phone=True, address="/phone")
    to = keys.subscription(f"{push_service.url}/daughter")
    given = json.dumps({"endpoint": to.endpoint, "p256dh": to.p256dh, "auth": to.auth})
    await phone.add_init_script(f"({SUBSCRIBES})({given})")
    await phone.reload()
    await room.log_in(phone, "daughter")
    await phone.get_by_test_id("push-on").click()
    await expect(phone.get_by_test_id("push-off")).to_be_visible()
    assert await grave_faults(phone) == []
    await phone.goto("about:blank")

    await room.happens("fall", score=3)
    for _ in range(150):
        if push_service.taken:
            break
        await asyncio.sleep(0.1)
    ((path, headers, body),) = push_service.taken
    assert (path, headers["content-encoding"]) == ("/send/daughter", "aes128gcm")
    assert "跌倒" in json.loads(keys.opened(body))["title"]
    room.rows("DELETE FROM recipients")


async def test_the_worker_of_the_page_shows_what_was_sent(room: Room) -> None:
    phone = await room.browser(phone=True, address="/phone")
    await phone.context.grant_permissions(["notifications"], origin=room.url)
    await phone.evaluate("navigator.serviceWorker.ready.then(() => true)")
    line = await phone.context.new_cdp_session(phone)
    known: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def registered(event: dict[str, list[dict[str, str]]]) -> None:
        for each in event["registrations"]:
            if each["scopeURL"] == f"{room.url}/phone" and not known.done():
                known.set_result(each["registrationId"])

    line.on("ServiceWorker.workerRegistrationUpdated", registered)
    await line.send("ServiceWorker.enable")
    number = await asyncio.wait_for(known, 10)
    said = json.dumps({"title": "守望：跌倒警情", "body": "正在处理"})
    await line.send("ServiceWorker.deliverPushMessage", {"origin": room.url, "registrationId": number, "data": said})
    shown = "navigator.serviceWorker.ready.then((it) => it.getNotifications()).then((all) => all.map((each) => each.title))"  # fmt: skip
    for _ in range(200):
        if titles := await phone.evaluate(shown):
            break
        await asyncio.sleep(0.1)
    assert titles == ["守望：跌倒警情"]


@pytest.fixture
def as_before(room: Room) -> Iterator[None]:
    """The homes are as they were, whatever became of the test: a higher level of care would change what others' cases are."""
    yield
    for statement in ("DELETE FROM assessments", "DELETE FROM upstream_consents", "UPDATE homes SET care_level = 2 WHERE home_id = 'shen'", "DELETE FROM visits"):  # fmt: skip
        room.rows(statement)


@pytest.mark.usefixtures("as_before")
async def test_an_overdue_visit_turns_up_at_the_desk_and_hours_are_credited(room: Room) -> None:
    room.rows("DELETE FROM visits")
    room.rows("UPDATE homes SET created_at = now() - interval '8 days'")
    room.rows("UPDATE residents SET groups = '{}'")
    chief, mei = await room.desk("chief"), await room.phone("mei")
    await chief.get_by_test_id("nav-residents").click()
    await chief.get_by_text("沈阿大").first.click()
    await chief.get_by_test_id("needs").locator("summary").click()
    await chief.get_by_test_id("needs").get_by_label("独居").check()
    await chief.get_by_test_id("save-groups").click()
    await expect(chief.get_by_test_id("needs-now")).to_contain_text("已逾期")
    await chief.get_by_test_id("assess-level").fill("3")
    await chief.get_by_test_id("assess-day").fill("2026-11-01")
    await chief.get_by_test_id("assess-by").fill("评估中心")
    await chief.get_by_test_id("assess").click()
    await expect(chief.get_by_test_id("assessments")).to_contain_text("评估中心")
    await chief.get_by_test_id("upstream").locator("summary").click()
    await chief.get_by_test_id("upstream-ground").fill("2026-11-23 的纸")
    await chief.get_by_test_id("upstream-record").click()
    await expect(chief.get_by_test_id("upstream-now")).to_contain_text("同意具名上报")

    await chief.get_by_test_id("nav-visits").click()
    await expect(chief.get_by_test_id("due-shen-ada")).to_contain_text("已逾期")
    assert await grave_faults(chief, "[data-testid=visits-page]") == []
    visit = mei.get_by_test_id("visit")
    await visit.locator("summary").click()
    await mei.get_by_test_id("report-visit").click()
    await expect(visit).to_have_attribute("data-overdue", "false")
    await chief.get_by_test_id("nav-residents").click()
    await chief.get_by_test_id("nav-visits").click()
    await expect(chief.get_by_test_id("due-shen-ada")).to_have_count(0)
    await expect(chief.get_by_test_id("hours")).to_contain_text("梅社工")
    async with chief.expect_download() as saved:
        await chief.get_by_test_id("hours-csv").click()
    table = (await (await saved.value).path()).read_text(encoding="utf-8").splitlines()
    assert table[1].startswith("mei,梅社工,community,visit,")


async def test_an_incident_leaves_as_a_bundle_and_is_taken_after_two_failures(room: Room, clinic: Clinic) -> None:
    clinic.asked.clear()
    await room.happens("fall", score=3)
    desk = await room.desk("desk-1")
    await row_of(desk).click()
    await desk.get_by_test_id("medicine").locator("summary").click()
    async with desk.expect_download() as saved:
        await desk.get_by_test_id("fhir-file").click()
    Bundle.model_validate(json.loads((await (await saved.value).path()).read_text(encoding="utf-8")))
    await desk.get_by_test_id("fhir-send").click()
    await expect(desk.get_by_test_id("handover")).to_contain_text("对方已接收", timeout=30_000)
    assert len(clinic.asked) == 3
    Bundle.model_validate(clinic.asked[-1][1])
    room.rows("UPDATE handovers SET sent_at = NULL, attempts = 30, next_at = now()")
    await desk.reload()
    await expect(desk.get_by_test_id("not-taken")).to_contain_text("请电话告知")
    await desk.get_by_test_id("not-taken").get_by_role("button").click()
    await desk.get_by_test_id("medicine").locator("summary").click()
    await desk.get_by_test_id("handover-how").fill("14:05 已致电 120")
    await desk.get_by_test_id("handover-settle").click()
    await expect(desk.get_by_test_id("handover")).to_contain_text("已另行告知")
    await expect(desk.get_by_test_id("not-taken")).to_have_count(0, timeout=30_000)


async def test_twice_as_large_letters_break_nothing(room: Room) -> None:
    for name, mark in (("daughter", "relative"), ("mei", "hours")):
        phone = await room.phone(name)
        await phone.get_by_test_id(mark).first.wait_for()
        before = await phone.evaluate("parseFloat(getComputedStyle(document.querySelector('main p')).fontSize)")
        await phone.evaluate("document.documentElement.style.fontSize = '200%'")
        after = await phone.evaluate("parseFloat(getComputedStyle(document.querySelector('main p')).fontSize)")
        assert (before >= 16, after >= 1.5 * before) == (True, True), (name, before, after)
        assert await phone.evaluate("document.documentElement.scrollWidth") == 390
        assert await grave_faults(phone) == []
