"""A case worked on by the keyboard: steps, calls, asking for help; what was before, the home's last hours, and the wall at the front."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Page, expect

from tests.browser.room import AREA, Room, grave_faults, row_of
from tests.browser.test_night_shift import keep

pytestmark = [pytest.mark.browser, pytest.mark.services, pytest.mark.asyncio(loop_scope="module")]

expect.set_options(timeout=30_000)


async def take_next(page: Page) -> None:
    await page.get_by_test_id("list-new").click()
    await expect(page.get_by_test_id("row").first).to_be_visible()
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("act-release")).to_be_visible()


async def test_steps_and_calls_are_made_by_key_and_the_next_desk_goes_on_from_there(room: Room) -> None:
    one, two = await room.desk("desk-1"), await room.desk("desk-2")
    await room.happens("fall", score=4, reason="fall_room.alarm", evidence={"room": "bathroom"})
    await take_next(one)
    await one.keyboard.press("1")
    await one.keyboard.press("3")
    await expect(one.get_by_test_id("tick-spoke")).to_have_attribute("aria-checked", "true")
    await expect(one.get_by_test_id("tick-kin")).to_have_attribute("aria-checked", "true")
    await one.get_by_test_id("tick-kin").click()
    await expect(one.get_by_test_id("tick-kin")).to_have_attribute("aria-checked", "false")
    # The resident first, then the contacts in order; a number says how it went.
    await one.keyboard.press("c")
    await expect(one.get_by_test_id("calling")).to_contain_text("沈阿大")
    await one.keyboard.press("2")
    await expect(one.get_by_test_id("residents").get_by_test_id("tried")).to_contain_text("无人接听")
    await one.keyboard.press("c")
    await expect(one.get_by_test_id("calling")).to_contain_text("沈桂芳")
    await one.keyboard.press("Escape")
    await expect(one.get_by_test_id("calling")).to_have_count(0)
    await expect(one.get_by_test_id("panel")).to_be_visible()
    await one.get_by_test_id("contacts").locator("a.phone").first.click()
    await one.get_by_test_id("call-reached").click()
    await expect(one.get_by_test_id("contacts").locator("li").first.get_by_test_id("tried")).to_contain_text("已接通")
    # The site's telephone system dials, and nothing is said of a call that was broken off.
    dialled = ["+8613800000001", "+8613900000001", "+8613900000001"]
    assert [re.sub(r"[^+\d]", "", number) for (number,) in room.rows("SELECT number FROM telephone_dials ORDER BY asked_at")] == dialled  # fmt: skip
    assert await grave_faults(one) == []
    await expect(one.get_by_test_id("history")).to_contain_text("拨打第 1 联系人 (女儿)：已接通")
    assert room.rows("SELECT facts->>'step', facts->>'done' FROM audit WHERE action = 'stepped' ORDER BY audit_id") == [
        ("spoke", "true"), ("kin", "true"), ("kin", "false"),
    ]  # fmt: skip
    await one.get_by_test_id("act-release").click()
    await take_next(two)
    await expect(two.get_by_test_id("tick-spoke")).to_have_attribute("aria-checked", "true")
    await expect(two.get_by_test_id("script")).to_contain_text("desk-1")
    await two.keyboard.press("2")
    await expect(two.get_by_test_id("tick-hurt")).to_have_attribute("aria-checked", "true")
    await two.keyboard.press("r")
    await two.get_by_test_id("outcome-fall_not_injured").click()
    await two.get_by_test_id("contact-resident").click()
    await expect(two.get_by_test_id("step-spoke")).to_be_checked()
    await expect(two.get_by_test_id("confirm")).to_be_enabled()
    await two.get_by_test_id("words").press("Control+Enter")
    await expect(two.get_by_test_id("gone")).to_be_visible()
    assert room.rows("SELECT handling, resolved_by FROM cases") == [("RESOLVED", "desk-2")]


async def test_forms_open_by_key_a_key_that_does_nothing_says_why_and_the_help_lists_all(room: Room) -> None:
    page = await room.desk("desk-1")
    said = page.locator(".ant-message")
    await page.keyboard.press("r")
    await expect(said).to_contain_text("没有打开的警情")
    await room.happens("sos", score=4)
    await row_of(page).click()
    await expect(page.get_by_test_id("panel")).to_be_visible()
    await page.keyboard.press("d")
    await expect(said).to_contain_text("接警后才能处置")
    # Whoever sees a case that waits may tell the next now; a form is between the key and the people.
    await page.keyboard.press("e")
    await page.get_by_test_id("confirm").click()
    await expect(row_of(page)).to_contain_text("已升级 1 级")
    await page.locator("body").press("Enter")
    await expect(page.get_by_test_id("act-release")).to_be_visible()
    for key, act in (("d", "派人"), ("h", "挂起"), ("n", "记录"), ("e", "请求支援"), ("r", "处置完毕")):
        await page.keyboard.press(key)
        dialog = page.get_by_role("dialog").filter(has_text=act)
        await expect(dialog).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)
        await expect(page.locator(".ant-modal-wrap:visible")).to_have_count(0)
    await page.keyboard.press("e")
    await page.get_by_test_id("words").fill("两人被困")
    await page.get_by_test_id("confirm").click()
    await expect(page.get_by_test_id("history")).to_contain_text("desk-1 请求支援，升级至第 2 级：值班长与大屏")
    assert room.rows("SELECT handling, rung, called_rungs FROM cases") == [("CLAIMED", 2, [2])]
    await page.keyboard.press("?")
    keys = page.get_by_test_id("keys")
    for each in ("ENTER", "1", "2", "3", "C", "N", "V", "H", "E", "D", "R", "M", "ESCAPE", "?"):
        await expect(keys.locator("dt", has_text=re.compile(f"^{re.escape(each)}$", re.IGNORECASE))).to_have_count(1)
    await expect(keys.locator("div", has_text="接最紧急的一条")).to_contain_text("没有待处理警情")


async def test_what_is_over_can_be_read_reopened_and_followed_up_where_it_is_seen(room: Room) -> None:
    page = await room.desk("desk-1")
    await room.happens("water", score=1, reason="water_running.leak")
    await take_next(page)
    for key in ("v", "r"):
        await expect(page.get_by_test_id("act-resolve")).to_be_visible()
        await page.keyboard.press(key)
    await page.get_by_test_id("outcome-water").click()
    await page.get_by_test_id("contact-resident").click()
    await page.get_by_test_id("words").fill("水龙头已关")
    await page.get_by_test_id("follow-up").fill("60")
    await page.get_by_test_id("confirm").click()
    await expect(page.get_by_test_id("afterwards")).to_contain_text("约定于")
    await expect(page.get_by_test_id("reopen")).to_be_disabled()
    await page.get_by_test_id("after-words").fill("邻居说又在漏")
    await page.get_by_test_id("reopen").click()
    await expect(page.get_by_test_id("panel-claim")).to_be_visible()
    assert room.rows("SELECT handling FROM cases") == [("QUEUED",)]
    await page.get_by_test_id("panel-claim").click()
    await page.get_by_test_id("act-resolve").click()
    await page.get_by_test_id("outcome-water").click()
    await page.get_by_test_id("contact-resident").click()
    await page.get_by_test_id("words").fill("总阀已关")
    await page.get_by_test_id("confirm").click()
    await expect(page.get_by_test_id("afterwards")).to_be_visible()

    await room.happens("sos", score=4)
    await take_next(page)
    line = page.get_by_test_id("earlier-case")
    await expect(line).to_contain_text("用水异常")
    await expect(line).to_contain_text("漏水或水患")
    await line.click()
    await expect(page.get_by_test_id("read-only")).to_contain_text("总阀已关")
    await page.get_by_test_id("read-only").get_by_test_id("after-words").fill("已回电，干了")
    await page.get_by_test_id("followed-up").click()
    await expect(page.get_by_test_id("read-only")).to_have_count(0)
    await expect(page.get_by_test_id("handling")).to_contain_text("已接警"), "the case in hand stayed in hand"
    assert room.rows("SELECT family, handling FROM cases ORDER BY family") == [("sos", "CLAIMED"), ("water", "CLOSED")]


async def test_the_last_hours_show_what_moved_and_hatch_what_nobody_heard(room: Room) -> None:
    now = datetime.now(UTC)

    def ago(minutes: float) -> datetime:
        return now - timedelta(minutes=minutes)

    for number, minutes in enumerate((155, 154, 95, 65)):
        room.rows(
            "INSERT INTO reading_motion (home_id, device_id, event_at, received_at, clock, boot, seq, moving, cause)"
            " VALUES ('shen', 'pir-1', %s, now(), 0, 1, %s, true, 'pir')",
            ago(minutes), number,
        )  # fmt: skip
    room.rows(
        "UPDATE devices SET first_seen_at = %s, last_seen_at = %s, source = 'main' WHERE home_id = 'shen'",
        ago(900),
        now,
    )
    room.rows("DELETE FROM coverage_changes")
    room.rows("INSERT INTO sources VALUES ('main', 0, 'wall', %s, now()) ON CONFLICT DO NOTHING", ago(-60))
    room.rows("INSERT INTO unwatched VALUES ('main', %s, %s)", ago(240), ago(200))
    try:
        page = await room.desk("desk-1")
        await room.happens("sos", score=4)
        await take_next(page)
        chart = page.get_by_test_id("activity")
        await expect(chart.get_by_test_id("line-motion-living").locator("rect.bar")).to_have_count(3)
        await expect(chart.get_by_test_id("event")).to_have_count(1)
        await expect(chart.get_by_test_id("unknown").first).to_be_attached()
        await expect(chart.locator("svg")).to_have_attribute("aria-label", re.compile("不知道"))
    finally:
        room.rows("UPDATE devices SET first_seen_at = NULL, last_seen_at = NULL, source = NULL WHERE home_id = 'shen'")
        for table in ("reading_motion", "unwatched", "sources"):
            room.rows(f"DELETE FROM {table}")


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (3840, 2160)])
async def test_the_wall_shows_how_many_wait_and_names_nobody_at_either_size(
    room: Room, width: int, height: int
) -> None:
    room.rows("INSERT INTO centres (area_prefix, name) VALUES ('330282', '慈溪中心')")
    room.rows("INSERT INTO desks (desk_id, area_prefix, name) VALUES ('left', '330282', '左席')")
    wall = await room.browser(address="/?wall")
    await wall.set_viewport_size({"width": width, "height": height})
    await room.log_in(wall, "chief")
    await expect(wall.get_by_test_id("wall-p1").locator("> b")).to_have_text("0")
    await room.happens("sos", "shen", score=4)
    await room.happens("technical", "luo", lane="bulk", score=1, reason="device_silent.silent")
    await expect(wall.get_by_test_id("wall-p1").locator("> b")).to_have_text("1")
    await expect(wall.get_by_test_id("wall-p4").locator("> b")).to_have_text("1")
    first = wall.get_by_test_id("wall-oldest").locator("li").first
    await expect(first).to_contain_text(AREA)
    await expect(first).to_contain_text(re.compile(r"\d:\d\d"))
    await expect(wall.get_by_test_id("wall-duty")).to_contain_text("在岗 0，至少 2")
    await expect(wall.get_by_test_id("wall-coverage")).to_contain_text("3302")
    await expect(wall.get_by_test_id("canary")).to_be_visible()
    text = await wall.locator("body").inner_text()
    assert await grave_faults(wall) == []
    if width == 1280:
        await keep(wall, "wall")
    assert not {"沈", "罗", "shen", "luo", "求助", "+86"} & {
        word for word in ("沈", "罗", "shen", "luo", "求助", "+86") if word in text
    }
    assert await wall.locator("button, a, input").count() == 0, "nothing can be pressed"
    size = await wall.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
    assert size == [width, height]
    for each in ("wall-p1", "wall-p5", "wall-oldest", "wall-duty", "wall-coverage"):
        box = await wall.get_by_test_id(each).bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= width
        assert box["y"] + box["height"] <= height
    letters = await wall.evaluate(
        "parseFloat(getComputedStyle(document.querySelector('[data-testid=wall-oldest] li b')).fontSize)"
    )
    assert letters >= height / 50, "read from the back of a room"
    beats = await wall.evaluate("document.getAnimations().map(each => each.effect.getTiming().duration)")
    assert beats
    assert min(beats) >= 1000 / 3, "nothing flashes faster than 3 Hz"


async def test_a_wall_that_hears_nothing_counts_nothing_and_says_so(room: Room) -> None:
    page = await room.desk("desk-1")
    await room.happens("sos", score=4)
    await page.route("**/api/v1/stream", lambda route: route.abort())
    await page.reload()
    await page.get_by_test_id("nav-wall").click()
    await expect(page.get_by_test_id("wall-old")).to_contain_text("不代表没有警情")
    await expect(page.get_by_test_id("wall-p1").locator("> b")).to_have_text("?")
    await page.unroute("**/api/v1/stream")
    await expect(page.get_by_test_id("wall-old")).to_have_count(0)
    await expect(page.get_by_test_id("wall-p1").locator("> b")).to_have_text("1")
