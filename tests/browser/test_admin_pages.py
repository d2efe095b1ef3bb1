"""An administrator at the register: a home with everything that hangs on it, and somebody who may log in; a desk reads what was written."""

import re
from collections.abc import Iterator

import pytest
from playwright.async_api import Page, expect

from tests.browser.room import AREA, Room, grave_faults
from tests.system.api_desks import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.services, pytest.mark.asyncio(loop_scope="module")]


@pytest.fixture(autouse=True)
def nobody_else(room: Room) -> Iterator[None]:
    yield
    for table in ("contacts", "devices", "residents", "home_cards", "home_coverage", "coverage_changes", "homes"):
        room.rows(f"DELETE FROM {table} WHERE home_id = 'tao'")
    room.rows("DELETE FROM accounts WHERE starts_with(account, 'tao.')")
    room.rows("DELETE FROM sessions WHERE user_name = 'desk-3'")
    room.rows("DELETE FROM users WHERE user_name = 'desk-3'")


async def register(page: Page) -> None:
    await page.get_by_test_id("home-new").click()
    panel = page.get_by_test_id("home-panel")
    for name, words in (("home_id", "tao"), ("area_code", AREA), ("address", "桃园 2 幢 101 室"), ("key_at", "物业")):
        await panel.get_by_test_id(f"field-{name}").fill(words)
    await panel.get_by_test_id("save-home").click()
    person = page.get_by_test_id("resident-new")
    for name, words in (("resident_id", "tao-yi"), ("name", "陶依"), ("birth_year", "1939"), ("conditions", "心衰")):
        await person.get_by_test_id(f"field-{name}").fill(words)
    await person.get_by_test_id("field-oxygen").click()
    await person.get_by_test_id("save-resident").click()
    await expect(page.get_by_test_id("resident-tao-yi")).to_be_visible()


async def test_a_home_is_registered_on_the_page_and_a_desk_reads_it(room: Room) -> None:
    page = await room.desk("root")
    await register(page)
    panel = page.get_by_test_id("home-panel")
    contact = panel.locator("p.fields", has=page.get_by_test_id("add-contact"))
    await contact.get_by_test_id("field-name").fill("陶女儿")
    await contact.get_by_test_id("field-phone").fill("13900000055")
    await contact.get_by_test_id("add-contact").click()
    await expect(page.get_by_test_id("home-contacts")).to_contain_text("陶女儿")
    device = panel.locator("p.fields", has=page.get_by_test_id("add-device"))
    await device.get_by_test_id("field-device_id").fill("pir-1")
    await device.get_by_test_id("add-device").click()
    await expect(page.get_by_test_id("device-password")).to_contain_text("tao.pir-1")
    await expect(page.get_by_test_id("home-devices")).to_contain_text("pir-1")
    assert room.rows("SELECT address, key_at FROM homes WHERE home_id = 'tao'") == [("桃园 2 幢 101 室", "物业")]
    assert room.rows("SELECT name, conditions, oxygen FROM residents WHERE home_id = 'tao'") == [("陶依", "心衰", True)]
    assert room.rows("SELECT account FROM accounts WHERE starts_with(account, 'tao.')") == [("tao.pir-1",)]

    desk = await room.desk("desk-1")
    await desk.get_by_test_id("nav-residents").click()
    await desk.get_by_test_id("search").fill("陶依")
    await desk.locator("tr", has_text="陶依").click()
    await expect(desk.get_by_test_id("resident-panel")).to_contain_text("心衰")
    for left_empty in ("card.dialect", "card.pets"):
        await expect(desk.get_by_test_id(left_empty)).to_contain_text("未记录")
    await expect(desk.get_by_test_id("contacts")).to_contain_text("陶女儿")

    await page.get_by_test_id("drop-contact").click()
    await expect(page.get_by_test_id("home-contacts")).not_to_contain_text("陶女儿")
    await page.get_by_test_id("unbind").click()
    await expect(page.get_by_test_id("unbind")).to_have_count(0)
    await page.get_by_test_id("remove-why").fill("搬走")
    await page.get_by_test_id("remove-home").click()
    await page.get_by_role("button", name=re.compile("不再看护")).last.click()
    await expect(page.locator("tr", has_text="桃园")).to_have_count(0)
    assert room.rows("SELECT removed_at IS NOT NULL FROM homes WHERE home_id = 'tao'") == [(True,)]


async def test_a_user_is_added_logs_in_is_kept_out_and_gets_a_new_password(room: Room) -> None:
    page = await room.desk("root")
    await page.get_by_test_id("nav-users").click()
    await page.get_by_test_id("user-user_name").fill("desk-3")
    await page.get_by_test_id("user-add").click()
    said = await page.get_by_test_id("user-password").locator("code").inner_text()
    browser = await room.browser()
    await room.log_in(browser, "desk-3", said)
    await browser.get_by_test_id("nav-desk").wait_for()
    mine = page.get_by_test_id("user-desk-3")
    await mine.get_by_test_id("user-active").click()
    await expect(page.locator("tr", has_text="desk-3")).to_contain_text("已停用")
    await browser.reload()
    await browser.get_by_test_id("login").wait_for()
    await mine.get_by_test_id("user-active").click()
    await expect(page.locator("tr", has_text="desk-3")).not_to_contain_text("已停用")
    await mine.get_by_test_id("user-anew").click()
    await expect(page.get_by_test_id("user-password").locator("code")).not_to_have_text(said)
    again = await page.get_by_test_id("user-password").locator("code").inner_text()
    assert again not in (said, PASSWORD)


async def test_an_administrator_sets_up_a_centre_with_desks(room: Room) -> None:
    page = await room.desk("root")
    await page.get_by_test_id("nav-centres").click()
    await page.get_by_test_id("centre-area").fill("330282")
    await page.get_by_test_id("centre-name").fill("慈溪中心")
    await page.get_by_test_id("put-centre").click()
    await expect(page.get_by_test_id("centre")).to_contain_text("慈溪中心")
    await page.get_by_test_id("desk-id").fill("seat-9")
    await page.get_by_test_id("put-desk").click()
    await expect(page.get_by_test_id("desk-seat-9")).to_be_visible()
    await expect(page.get_by_test_id("sit")).to_have_count(0)
    assert room.rows("SELECT desk_id, area_prefix FROM desks") == [("seat-9", "330282")]


async def test_each_page_of_an_administrator_can_be_read_by_all_and_fits(room: Room) -> None:
    page = await room.desk("root")
    names = await page.locator("nav.pages button").evaluate_all("all => all.map((each) => each.dataset.testid)")
    assert names == ["nav-homes", "nav-users", "nav-centres", "nav-told", "nav-system"]
    faults: dict[str, list[str]] = {}
    for each in names:
        await page.get_by_test_id(each).click()
        if each == "nav-homes":
            await page.locator("tr", has_text="沈阿大").click()
            await expect(page.get_by_test_id("home-panel")).to_contain_text("沈桂芳")
        await page.wait_for_timeout(400)
        if found := await grave_faults(page):
            faults[each] = found
        for width, height in ((3840, 2160), (1280, 720)):
            await page.set_viewport_size({"width": width, "height": height})
            assert await page.evaluate("document.documentElement.scrollWidth") == width, f"{each} at {width}"
    assert not faults
