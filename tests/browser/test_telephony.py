"""Telephone calls at a desk in a real browser: by hand, by a telephone system that rings, by a stranger, and a number that is dialled."""

import json
import time

import httpx
import pytest
from playwright.async_api import Page, expect

from api.telephony import HEADER, signature
from tests.browser.conftest import TELEPHONY_SECRET
from tests.browser.room import PostBox, Room, row_of

pytestmark = [pytest.mark.browser, pytest.mark.services, pytest.mark.asyncio(loop_scope="module")]


expect.set_options(timeout=30_000)


async def rings(room: Room, number: str, call_id: str) -> None:
    raw = json.dumps({"call_id": call_id, "event": "ringing", "number": number}).encode()
    headers = {"Content-Type": "application/json", HEADER: signature(TELEPHONY_SECRET, raw, int(time.time()))}
    async with httpx.AsyncClient() as client:
        answer = await client.post(f"{room.url}/api/v1/telephony/calls", content=raw, headers=headers)
    assert answer.status_code == 200, answer.text


async def opens(page: Page) -> None:
    """By the keyboard, as somebody with a receiver in the other hand."""
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_test_id("act-release")).to_be_visible()


async def test_a_call_by_hand_opens_one_case_that_is_the_desk_s_and_a_second_one_joins_it(room: Room) -> None:
    page = await room.desk("desk-1")
    await page.get_by_test_id("nothing").wait_for()
    await page.keyboard.press("t")
    await expect(page.get_by_test_id("call-number")).to_be_focused()
    await page.keyboard.type("138-0000-0001")
    await expect(page.locator(".homes")).to_contain_text("虞波社区 3 幢 402 室")
    await expect(page.get_by_test_id("call-home-shen")).to_be_checked()
    await page.get_by_test_id("call-family-fall").click()
    await page.get_by_test_id("call-words").fill("在卫生间摔倒了")
    await opens(page)
    panel = page.get_by_test_id("panel")
    await expect(panel.get_by_test_id("residents")).to_contain_text("沈阿大")
    await expect(panel.get_by_test_id("history")).to_contain_text("在卫生间摔倒了")
    await expect(panel.get_by_test_id("calls")).to_contain_text("138-0000-0001")
    await page.get_by_test_id("telephone").click()
    await page.get_by_test_id("call-number").fill("013900000001")
    await expect(page.locator(".homes")).to_contain_text("沈桂芳")
    await page.get_by_test_id("call-family-fall").click()
    await page.get_by_test_id("call-do").click()
    await expect(page.locator(".ant-message")).to_contain_text("未重复开案")
    assert room.rows("SELECT desk_id, handling, family FROM cases") == [("desk-1", "CLAIMED", "fall")]


async def test_who_rings_is_said_at_every_desk_and_t_opens_the_case(room: Room) -> None:
    first, second = await room.desk("desk-1"), await room.desk("desk-2")
    await rings(room, "13800000002", "pbx-1")
    for page in (first, second):
        await expect(page.get_by_test_id("ringing")).to_contain_text("罗英")
    await first.keyboard.press("t")
    await expect(first.get_by_test_id("call-home-luo")).to_be_checked()
    await opens(first)
    for page in (first, second):
        await expect(page.get_by_test_id("ringing")).to_have_count(0)
    assert room.rows("SELECT home_id, desk_id FROM cases") == [("luo", "desk-1")]
    await rings(room, "057410086", "pbx-2")
    await second.get_by_test_id("ring-aside").click()
    await second.get_by_test_id("aside-why").fill("推销")
    await second.get_by_test_id("aside-do").click()
    await expect(first.get_by_test_id("ringing")).to_have_count(0)
    assert room.rows("SELECT taken_by, note FROM telephone_calls WHERE call_id = 'ring-pbx-2'") == [("desk-2", "推销")]


async def test_a_stranger_s_case_is_tied_to_a_home_and_a_contact_is_dialled(room: Room, post_box: PostBox) -> None:
    page = await room.desk("desk-1")
    await page.get_by_test_id("nothing").wait_for()
    await page.keyboard.press("t")
    await page.get_by_test_id("call-number").fill("0574 6666 5555")
    await expect(page.get_by_test_id("call-unknown")).to_be_checked()
    await opens(page)
    await expect(page.get_by_test_id("calls")).to_contain_text("0574 6666 5555")
    await page.get_by_test_id("tie-search").fill("沈阿")
    await expect(page.get_by_test_id("call-home-shen")).to_be_checked()
    await page.get_by_test_id("tie-do").click()
    await expect(page.get_by_test_id("residents")).to_contain_text("沈阿大")
    await expect(row_of(page, "shen")).to_be_visible()
    await page.get_by_test_id("contacts").locator("a.phone").first.click()
    await expect(page.locator(".ant-message")).to_contain_text("正在拨打 +86 139 0000 0001")
    path, said = post_box.taken[-1]
    assert (path, said["number"], said["user_name"]) == ("/dial", "+86 139 0000 0001", "desk-1")


async def test_the_lists_for_the_day_the_system_is_down_say_who_made_them_on_every_page(room: Room) -> None:
    page = await room.desk("desk-1")
    await room.happens("sos", score=4)
    await expect(row_of(page)).to_be_visible()
    await page.get_by_test_id("nav-paper").click()
    await page.get_by_test_id("paper-cases").click()
    sheet = page.get_by_test_id("sheet")
    for words in ("虞波社区 3 幢 402 室", "钥匙在对门邻居处", "+86 138 0000 0001", "1. 沈桂芳 女儿 +86 139 0000 0001"):
        await expect(sheet).to_contain_text(words)
    await page.get_by_test_id("paper-homes").click()
    await expect(sheet).to_contain_text("罗英")
    await page.emulate_media(media="print")
    await expect(page.get_by_test_id("nav-paper")).to_be_hidden()
    await expect(sheet.locator("thead")).to_contain_text("由 desk-1 生成")
    assert await sheet.locator("thead").evaluate("head => getComputedStyle(head).display") == "table-header-group"
    said = {
        words
        for (words,) in room.rows(
            "SELECT facts->>'words' FROM audit WHERE actor = 'desk-1' AND action = 'listed_residents'"
        )
    }
    assert {"paper: open cases", "paper: residents"} <= said
    await page.emulate_media(media="screen")
    await page.get_by_test_id("find").fill("13800000002")
    await page.keyboard.press("Enter")
    await expect(page.locator("tbody")).to_contain_text("罗英")
