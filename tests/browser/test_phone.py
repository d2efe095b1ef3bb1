"""The telephone's page in a real browser of that size on a running system: a daughter, a volunteer, a worker of the community."""

import asyncio

import pytest
from playwright.async_api import expect

from tests.browser.room import PostBox, Room, grave_faults, row_of
from tests.system.conftest import Stages

pytestmark = [pytest.mark.services, pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

FIRST_VIEW_BYTES = 200_000


async def test_the_page_is_small_and_can_be_installed_and_read_by_all(room: Room) -> None:
    sizes: list[int] = []
    page = await room.browser(phone=True)
    page.on("response", lambda answer: sizes.append(int(answer.headers.get("content-length", "0"))))
    await page.goto(room.url + "/phone")
    await page.get_by_test_id("login").wait_for()
    assert 5_000 < sum(sizes) < FIRST_VIEW_BYTES
    assert await grave_faults(page) == []
    await room.log_in(page, "daughter")
    await page.get_by_test_id("relative").wait_for()
    assert sum(sizes) < FIRST_VIEW_BYTES
    manifest = await page.evaluate(
        "fetch(document.querySelector('link[rel=manifest]').href).then((answer) => answer.json())"
    )
    assert (manifest["start_url"], manifest["display"], len(manifest["icons"])) == ("/phone", "standalone", 1)
    assert (
        await page.evaluate("navigator.serviceWorker.ready.then((worker) => new URL(worker.scope).pathname)")
        == "/phone"
    )
    for each in ("notices", "contacts", "way"):
        await page.get_by_test_id(each).locator("summary").click()
    await page.get_by_test_id("choose-way").wait_for()
    assert await grave_faults(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth") == 390
    await page.get_by_test_id("language").click()
    await expect(page.get_by_test_id("relative")).to_contain_text("Cannot see")
    assert await grave_faults(page) == []
    await page.get_by_test_id("language").click()
    await expect(page.get_by_test_id("relative")).to_contain_text("无法看护")


async def test_a_daughter_says_they_are_away_is_told_of_a_fall_and_goes(
    room: Room, post_box: PostBox, console_stages: Stages
) -> None:
    room.rows("DELETE FROM home_notices")
    post_box.taken.clear()
    phone, desk = await room.phone("daughter"), await room.desk("desk-1")
    card = phone.get_by_test_id("relative")
    await expect(card).to_have_count(1)
    await phone.get_by_test_id("notices").locator("summary").click()
    await phone.get_by_test_id("give-notice").click()
    await expect(phone.get_by_test_id("notices").locator("li")).to_have_count(1)
    assert room.rows("SELECT away_until > now() FROM homes WHERE home_id = 'shen'") == [(True,)]
    await expect(phone.get_by_test_id("day")).to_be_visible()
    await phone.get_by_test_id("way").locator("summary").click()
    await phone.get_by_test_id("reach").fill("+8613900000001")
    await phone.get_by_test_id("choose-way").click()
    await expect(phone.get_by_test_id("way-now")).to_contain_text("+8613900000001")

    await room.happens("fall", score=3)
    await expect(phone.get_by_test_id("alert")).to_contain_text("跌倒")
    await expect(card).to_have_attribute("data-word", "alert")
    await expect(row_of(desk)).to_be_visible()
    for _ in range(100):
        if post_box.taken:
            break
        await asyncio.sleep(0.1)
    ((path, message),) = post_box.taken
    assert path.startswith(("/+86139", "/%2B86139"))
    assert "跌倒" in message["title"]
    assert "沈" not in message["message"], "it goes through other people's machines"

    await phone.get_by_test_id("going").click()
    await expect(phone.get_by_test_id("alert")).to_contain_text("沈桂芳")
    await row_of(desk).click()
    await expect(desk.get_by_text("正在前往", exact=False).first).to_be_visible()
    await expect(phone.get_by_text("罗英")).to_have_count(0)

    console_stages.freeze("api")
    try:
        await expect(card).to_have_attribute("data-word", "cannot_see", timeout=30_000)
    finally:
        console_stages.thaw("api")
    await expect(card).to_have_attribute("data-word", "alert", timeout=30_000)
    room.rows("DELETE FROM recipients")
    room.rows("UPDATE homes SET away_until = NULL")


async def test_a_volunteer_goes_and_the_community_sees_who_was_not_visited(room: Room) -> None:
    room.rows("UPDATE homes SET created_at = now() - interval '8 days'")
    room.rows("UPDATE residents SET groups = '{alone}' WHERE resident_id = 'shen-ada'")
    lin, mei = await room.phone("lin"), await room.phone("mei")
    visit = mei.get_by_test_id("visit")
    await expect(visit).to_have_attribute("data-overdue", "true")
    await visit.locator("summary").click()
    assert await grave_faults(mei) == []
    await mei.get_by_test_id("report-visit").click()
    await expect(visit).to_have_attribute("data-overdue", "false")
    await expect(mei.get_by_test_id("hours")).to_contain_text("0.25")

    await room.happens("sos", reason="call.press", score=4)
    desk = await room.desk("desk-1")
    await row_of(desk).click()
    await desk.get_by_test_id("helpers").locator("summary").click()
    await desk.get_by_test_id("ask-lin").click()
    task = lin.get_by_test_id("task")
    for state in ("accepted", "on_way", "arrived"):
        await lin.get_by_test_id(f"to-{state}").click()
        await expect(task).to_have_attribute("data-state", state)
    assert await grave_faults(lin) == []
    await lin.get_by_test_id("to-left").click()
    await expect(task).to_have_count(0)
    await expect(desk.get_by_text("林志愿 已离开", exact=False).first).to_be_visible()
