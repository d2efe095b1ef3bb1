"""The console in a real browser on a running system, as two operators, a family and an administrator meet it."""

import asyncio
import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Page, Route, expect

from contracts.partitions import partition_of
from tests.browser.room import AREA, PASSWORD, Room, grave_faults, row_of
from tests.system.conftest import Stages

pytestmark = [pytest.mark.browser, pytest.mark.services, pytest.mark.asyncio(loop_scope="module")]

expect.set_options(timeout=30_000)


async def claim_in(page: Page, home_id: str = "shen") -> None:
    await row_of(page, home_id).get_by_test_id("claim").click()
    await expect(page.get_by_test_id("act-release")).to_be_visible()


async def test_a_wrong_password_is_refused_in_words_and_the_right_one_opens_the_desk(room: Room) -> None:
    page = await room.browser()
    await room.log_in(page, "desk-1", "wrong")
    await expect(page.get_by_test_id("login-refused")).to_contain_text("用户名或密码错误")
    await room.log_in(page, "desk-1")
    await expect(page.get_by_test_id("link")).to_contain_text("实时")
    await expect(page.get_by_test_id("nothing")).to_contain_text("没有待处理警情")


async def test_a_reload_keeps_the_session_and_log_out_ends_it(room: Room) -> None:
    page = await room.desk("desk-1")
    await page.reload()
    await expect(page.get_by_test_id("logout")).to_be_visible()
    stored = await page.evaluate("JSON.stringify(localStorage) + JSON.stringify(sessionStorage) + document.cookie")
    assert "eyJ" not in stored, "no script can read a token"
    await page.get_by_test_id("logout").click()
    await expect(page.get_by_test_id("login")).to_be_visible()
    await page.reload()
    await expect(page.get_by_test_id("login")).to_be_visible()


async def test_a_case_appears_without_a_reload_with_reason_priority_and_countdown(room: Room) -> None:
    page = await room.desk("desk-1")
    await expect(page.get_by_test_id("nothing")).to_be_visible()
    await room.happens("sos", reason="call.press", score=4)
    row = row_of(page)
    await expect(row).to_contain_text("求助")
    await expect(row).to_contain_text("住户按下了求助按钮")
    await expect(row.locator(".priority")).to_contain_text("P1 危及生命")
    await expect(row.locator(".priority text")).to_have_text("!!!")
    await expect(row.get_by_test_id("clock")).to_contain_text(re.compile(r"\d:\d\d"))
    assert "沈阿大" not in await row.inner_text(), "names are for those who open the case"


async def test_the_most_urgent_stands_first(room: Room) -> None:
    page = await room.desk("desk-1")
    await room.happens("water", "shen", score=1)
    await expect(row_of(page, "shen")).to_be_visible()
    await room.happens("sos", "luo", score=4)
    await expect(row_of(page, "luo")).to_be_visible()
    assert [await row.get_attribute("data-home") for row in await page.get_by_test_id("row").all()] == ["luo", "shen"]


async def test_a_claim_is_seen_at_the_other_desk_and_refused_there(room: Room) -> None:
    first, second = await room.desk("desk-1"), await room.desk("desk-2")
    await room.happens("sos", score=4)
    await expect(row_of(second)).to_be_visible()
    go = asyncio.Event()

    async def late(route: Route) -> None:
        await go.wait()
        await route.continue_()

    # The second desk clicks before it can know; its request arrives after the first desk has the case.
    await second.route("**/claim", late)
    await row_of(second).get_by_test_id("claim").click()
    await claim_in(first)
    go.set()
    await expect(second.locator(".ant-message")).to_contain_text("现由 desk-1 处理")
    await second.get_by_test_id("list-others").click()
    await expect(row_of(second).get_by_test_id("holder")).to_contain_text("desk-1 处理中")
    await expect(row_of(second).get_by_test_id("claim")).to_have_count(0)
    holders = room.rows("SELECT desk_id FROM cases WHERE home_id = 'shen'")
    assert holders == [("desk-1",)]


async def test_who_claims_sees_address_numbers_and_contacts_in_order_and_it_is_written_down(room: Room) -> None:
    page = await room.desk("desk-1")
    await room.happens("sos", reason="call.press", score=4)
    await claim_in(page)
    panel = page.get_by_test_id("panel")
    await expect(panel.get_by_test_id("where")).to_contain_text("虞波社区 3 幢 402 室")
    await expect(panel.get_by_test_id("where")).to_contain_text("钥匙在对门邻居处")
    await expect(panel.get_by_test_id("residents")).to_contain_text("沈阿大")
    await expect(panel.get_by_test_id("contacts").locator("li").nth(0)).to_contain_text("沈桂芳")
    await expect(panel.get_by_test_id("contacts").locator("li").nth(1)).to_contain_text("沈国强")
    await expect(panel.get_by_test_id("watched").get_by_test_id("coverage")).to_have_attribute("data-state", "blind")
    await expect(panel.get_by_test_id("watched")).to_contain_text("设备从未有消息")
    numbers = [await link.get_attribute("href") for link in await panel.locator("a.phone").all()]
    assert numbers == ["tel:+8613800000001", "tel:+8613900000001", "tel:+8613900000002"]
    assert room.rows("SELECT DISTINCT actor FROM audit WHERE action = 'viewed' AND home_id = 'shen'") == [("desk-1",)]


async def test_every_row_counts_down_to_what_comes_next_and_what_is_held_has_a_list(room: Room) -> None:
    first, second = await room.desk("desk-1"), await room.desk("desk-2")
    await room.happens("sos", reason="call.press", score=4)
    await expect(row_of(second).get_by_test_id("clock")).to_contain_text("限时")
    await claim_in(first)
    await second.get_by_test_id("list-others").click()
    await expect(row_of(second).get_by_test_id("clock")).to_contain_text("对方占用")
    await first.get_by_test_id("list-mine").click()
    await expect(row_of(first).get_by_test_id("clock")).to_contain_text("占用剩余")
    await first.get_by_test_id("act-hold").click()
    await first.get_by_test_id("words").fill("等女儿回电")
    await first.get_by_test_id("confirm").click()
    for page in (first, second):
        await page.get_by_test_id("list-held").click()
        await expect(row_of(page).get_by_test_id("clock")).to_contain_text("再次鸣响")
        # A P1 is held for two minutes at most.
        await expect(row_of(page).get_by_test_id("clock")).to_contain_text(re.compile("[01]:[0-9]{2}"))
    await expect(second.get_by_test_id("list-others").locator("b")).to_have_text("0")


async def test_the_card_says_what_must_be_known_before_anybody_goes_in_and_what_nobody_wrote_down(room: Room) -> None:
    room.rows(
        "UPDATE residents SET conditions = '慢阻肺', mobility = 'frame', oxygen = true, dialect = '' WHERE resident_id = 'shen-ada'"
    )
    room.rows("UPDATE homes SET key_at = '对门王家', pets = '无' WHERE home_id = 'shen'")
    try:
        page = await room.desk("desk-1")
        await room.happens("sos", reason="call.press", score=4)
        await claim_in(page)
        said = {"conditions": "慢阻肺", "mobility": "助行器", "dialect": "未记录", "oxygen": "远离明火", "key_at": "对门王家", "pets": "无"}  # fmt: skip
        for name, words in said.items():
            await expect(page.get_by_test_id(f"card.{name}")).to_contain_text(words)
        age = datetime.now(UTC).year - 1938
        await expect(page.get_by_test_id("residents")).to_contain_text(f"{age} 岁")
    finally:
        room.rows("UPDATE residents SET conditions = NULL, mobility = NULL, oxygen = NULL, dialect = NULL")
        room.rows("UPDATE homes SET key_at = NULL, pets = NULL")


async def test_a_released_case_comes_back_to_every_queue(room: Room) -> None:
    first, second = await room.desk("desk-1"), await room.desk("desk-2")
    await room.happens("sos", score=4)
    await claim_in(first)
    await expect(row_of(second)).to_have_count(0)
    await first.get_by_test_id("act-release").click()
    await expect(row_of(second)).to_contain_text("desk-1 曾接手")
    await claim_in(second)


async def test_a_case_is_worked_through_and_resolved_only_with_an_outcome(room: Room) -> None:
    first, second = await room.desk("desk-1"), await room.desk("desk-2")
    await room.happens("fall", score=4, reason="fall_room.alarm", evidence={"room": "bathroom"})
    await claim_in(first)
    await first.get_by_test_id("act-verify").click()
    await expect(first.get_by_test_id("handling")).to_contain_text("核实中")
    await first.get_by_test_id("act-dispatch").click()
    await expect(first.get_by_test_id("confirm")).to_be_disabled()
    await first.get_by_test_id("words").fill("社区王医生")
    await first.get_by_test_id("confirm").click()
    await expect(first.get_by_test_id("handling")).to_contain_text("已派人")
    await first.get_by_test_id("act-note").click()
    await first.get_by_test_id("words").fill("电话里人清醒")
    await first.get_by_test_id("confirm").click()
    await expect(first.get_by_test_id("history")).to_contain_text("电话里人清醒")
    await first.get_by_test_id("act-arrive").click()
    await expect(first.get_by_test_id("handling")).to_contain_text("已到场")
    await first.get_by_test_id("act-resolve").click()
    await first.get_by_test_id("words").fill("已扶起")
    await expect(first.get_by_test_id("confirm")).to_be_disabled()
    await first.get_by_test_id("outcome-fall_not_injured").click()
    await first.get_by_test_id("contact-on_site").click()
    await first.get_by_test_id("step-spoke").click()
    await expect(first.get_by_test_id("confirm")).to_be_disabled()
    await first.get_by_test_id("step-hurt").click()
    await first.get_by_test_id("confirm").click()
    await expect(row_of(first)).to_have_count(0)
    await second.get_by_test_id("list-others").click()
    await expect(second.get_by_test_id("nothing")).to_be_visible()
    assert room.rows("SELECT handling, outcome, resolved_by FROM cases") == [("RESOLVED", "fall_not_injured", "desk-1")]
    chief = await room.desk("chief")
    await chief.get_by_test_id("nav-oversight").click()
    await chief.get_by_test_id("agree").click()
    await expect(chief.get_by_test_id("agree")).to_have_count(0)
    assert room.rows("SELECT looked_by FROM cases") == [("chief",)]


async def test_while_kin_are_asked_a_desk_sees_until_when_and_may_take_it_over(room: Room) -> None:
    desk = await room.desk("desk-1")
    await room.happens("fall", score=1, reason="fall_room.warning", evidence={"room": "bathroom"})
    await expect(desk.get_by_test_id("asking")).to_contain_text("询问中，至")
    daughter = await room.desk("daughter")
    await expect(daughter.get_by_test_id("question")).to_contain_text("沈阿大")
    await daughter.get_by_test_id("answer-unsure").click()
    await expect(daughter.get_by_test_id("question")).to_have_count(0)
    await expect(desk.get_by_test_id("asking")).to_have_count(0)
    await expect(row_of(desk)).to_have_count(1)
    await claim_in(desk)
    await expect(desk.get_by_test_id("history")).to_contain_text("听不清")


async def test_the_next_case_is_never_one_that_is_being_asked_about(room: Room) -> None:
    desk = await room.desk("desk-1")
    await room.happens("fall", score=1, reason="fall_room.warning", evidence={"room": "bathroom"})
    await expect(desk.get_by_test_id("asking")).to_have_count(1)
    await desk.keyboard.press("Enter")
    await expect(desk.get_by_test_id("asking")).to_have_count(1)
    await desk.get_by_test_id("claim").click()
    await expect(desk.get_by_test_id("handling")).to_contain_text("已接警")
    assert room.rows("SELECT handling, asking_until_at FROM cases") == [("CLAIMED", None)]


async def test_enter_takes_the_most_urgent_and_no_single_key_closes_a_case(room: Room) -> None:
    page = await room.desk("desk-1")
    await room.happens("sos", score=4)
    await expect(row_of(page)).to_be_visible()
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("act-release")).to_be_visible()
    await page.get_by_test_id("history").wait_for()
    # A slow machine: what is pressed before the form has settled must not fall on anything else.
    slow = await page.context.new_cdp_session(page)
    await slow.send("Emulation.setCPUThrottlingRate", {"rate": 8})
    # Steps are ticked by these; what the others open is in test_panel.py and test_telephony.py.
    for key in "abfgijklmopqsuwxyz0123456789":
        await page.keyboard.press(key)
    await page.keyboard.press("r")
    await expect(page.get_by_test_id("confirm")).to_be_disabled()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Escape")
    await slow.send("Emulation.setCPUThrottlingRate", {"rate": 1})
    await expect(page.get_by_test_id("handling")).to_contain_text("已接警")
    assert room.rows("SELECT handling FROM cases") == [("CLAIMED",)]


async def test_a_claim_that_overtakes_the_reading_of_the_record_leaves_a_case_that_can_be_worked(room: Room) -> None:
    page = await room.desk("desk-1")
    await room.happens("sos", score=4)
    await expect(row_of(page)).to_be_visible()
    asked, answer = asyncio.Event(), asyncio.Event()

    async def late(route: Route) -> None:
        if asked.is_set():
            return await route.continue_()
        # Read before the claim, answered after everything else: it says that nobody has the case.
        before = await route.fetch()
        asked.set()
        await answer.wait()
        await route.fulfill(response=before)

    await page.route(re.compile(r"/api/v1/cases/[^/]+$"), late)
    await row_of(page).click()
    await asked.wait()
    await row_of(page).get_by_test_id("claim").click()
    await expect(page.get_by_test_id("act-verify")).to_be_visible()
    answer.set()
    await page.wait_for_timeout(500)
    await page.get_by_test_id("act-verify").click()
    await expect(page.get_by_test_id("handling")).to_contain_text("核实中")


async def test_the_language_can_be_changed_and_stays(room: Room) -> None:
    page = await room.desk("desk-1")
    await room.happens("sos", reason="call.press", score=4)
    await expect(row_of(page)).to_contain_text("住户按下了求助按钮")
    await page.get_by_test_id("language").click()
    await expect(row_of(page)).to_contain_text("The help button was pressed")
    await expect(row_of(page).get_by_test_id("claim")).to_have_text("Claim")
    await page.reload()
    await expect(row_of(page)).to_contain_text("The help button was pressed")
    han = re.compile(r"[\u4e00-\u9fff]")
    shown = (await page.locator("body").inner_text()).replace("守望", "").replace("中文", "").replace("一号席", "")
    assert not han.search(shown), f"a word was not translated: {han.findall(shown)}"
    await page.get_by_test_id("language").click()


async def test_the_desk_is_silent_until_enabled_then_sounds_until_somebody_has_the_case(room: Room) -> None:
    page = await room.desk("desk-1")
    sound = page.get_by_test_id("sound")
    await expect(sound).to_have_attribute("data-state", "off")
    await expect(sound).to_contain_text("声音未开启")
    await room.happens("sos", "shen", score=4)
    await expect(row_of(page, "shen")).to_be_visible()
    await sound.click()
    await expect(sound).to_have_attribute("data-state", "on")
    await expect(sound).to_have_attribute("data-sounded", re.compile(r'"1":[1-9]'))
    await sound.click()
    await expect(sound).to_have_attribute("data-state", "muted")
    await expect(sound).to_contain_text(re.compile(r"剩 1:\d\d"))
    await room.happens("sos", "luo", score=4)
    await expect(sound).to_have_attribute("data-state", "on"), "a new life-threatening case ends the mute"
    for home_id in ("shen", "luo"):
        await page.get_by_test_id("list-new").click()
        await claim_in(page, home_id)
    await expect(page.locator("[data-testid=list-new] b")).to_have_text("0")


async def sounded(page: Page) -> dict[str, int]:
    """How often each priority was sounded since the page was opened."""
    return dict(json.loads(await page.get_by_test_id("sound").get_attribute("data-sounded") or "{}"))


async def sounds_again(page: Page, priority: str, before: dict[str, int]) -> None:
    for _ in range(100):
        if (await sounded(page))[priority] > before[priority]:
            return
        await page.wait_for_timeout(100)
    raise AssertionError(f"P{priority} was not sounded again")


async def test_a_signal_that_breaks_a_hold_sounds_at_its_owners_desk_until_it_is_heard(room: Room) -> None:
    page, other = await room.desk("desk-1"), await room.desk("desk-2")
    for each in (page, other):
        await each.get_by_test_id("sound").click()
    await room.happens("sos", reason="call.press", score=4)
    await claim_in(page)
    await page.get_by_test_id("act-hold").click()
    await page.get_by_test_id("words").fill("等女儿回电")
    await page.get_by_test_id("confirm").click()
    await expect(page.get_by_test_id("handling")).to_contain_text("挂起")
    await expect(other.get_by_test_id("list-held").locator("b")).to_have_text("1")
    await page.wait_for_timeout(1_500)
    before, elsewhere = await sounded(page), await sounded(other)
    await room.happens("sos", reason="call.press", score=4)
    await expect(page.get_by_test_id("ring")).to_contain_text("挂起已结束")
    await sounds_again(page, "1", before)
    await page.get_by_test_id("heard").click()
    await expect(page.get_by_test_id("ring")).to_have_count(0)
    # What has been acknowledged is over, also for a page that is loaded anew; longer than a P1 takes to sound twice.
    before = await sounded(page)
    await page.wait_for_timeout(7_000)
    assert await sounded(page) == before
    await page.reload()
    await page.get_by_test_id("list-mine").click()
    await expect(row_of(page)).to_be_visible()
    await expect(row_of(page).get_by_test_id("rings")).to_have_count(0)
    await expect(other.get_by_test_id("list-others").locator("b")).to_have_text("1")
    assert await sounded(other) == elsewhere, "it is nobody else's"


async def test_one_more_press_sounds_at_its_owners_desk_also_after_a_reload_until_the_case_is_opened(
    room: Room,
) -> None:
    page = await room.desk("desk-1")
    await room.happens("sos", reason="call.press", score=4)
    await claim_in(page)
    await page.keyboard.press("Escape")
    await room.happens("sos", reason="call.press", score=4)
    await expect(row_of(page).get_by_test_id("rings")).to_contain_text("再次按下求助")
    await page.reload()
    await page.get_by_test_id("sound").click()
    await expect(page.get_by_test_id("sound")).to_have_attribute("data-sounded", re.compile(r'"1":[1-9]'))
    await page.get_by_test_id("list-mine").click()
    await expect(row_of(page).get_by_test_id("rings")).to_be_visible()
    await page.keyboard.press("k")
    await expect(page.get_by_test_id("panel")).to_be_visible()
    await expect(row_of(page).get_by_test_id("rings")).to_have_count(0)


async def test_a_case_in_hand_that_rises_to_p1_sounds_at_its_owners_desk(room: Room) -> None:
    page = await room.desk("desk-1")
    await page.get_by_test_id("sound").click()
    await room.happens("fall", score=2, reason="fall_room.warning", evidence={"room": "bathroom"})
    await claim_in(page)
    assert (await sounded(page))["1"] == 0
    await room.happens("fall", score=4, reason="fall_room.alarm", evidence={"room": "bathroom"})
    await expect(page.get_by_test_id("ring")).to_contain_text("升为 P1")
    await expect(page.get_by_test_id("sound")).to_have_attribute("data-sounded", re.compile(r'"1":[1-9]'))
    # Whoever goes on working on it has heard it.
    await page.get_by_test_id("act-verify").click()
    await expect(page.get_by_test_id("ring")).to_have_count(0)


async def test_enter_takes_the_most_urgent_also_where_the_list_is_sorted_by_time(room: Room) -> None:
    page = await room.desk("desk-1")
    await room.happens("technical", "shen", lane="bulk", score=1, reason="device_silent.silent")
    await expect(row_of(page, "shen")).to_be_visible()
    await room.happens("sos", "luo", reason="call.press", score=4)
    await expect(row_of(page, "luo")).to_be_visible()
    await page.get_by_test_id("order").click()
    assert [await row.get_attribute("data-home") for row in await page.get_by_test_id("row").all()] == ["shen", "luo"]
    # The button that was clicked last would take the key.
    await page.evaluate("document.activeElement.blur()")
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("act-release")).to_be_visible()
    assert room.rows("SELECT home_id FROM cases WHERE desk_id = 'desk-1'") == [("luo",)]


async def test_two_cases_of_a_home_are_said_to_be_so_and_go_to_one_pair_of_hands(room: Room) -> None:
    first, second = await room.desk("desk-1"), await room.desk("desk-2")
    await room.happens("fall", "shen", score=4, reason="fall_room.alarm", evidence={"room": "bathroom"})
    await claim_in(first, "shen")
    await first.get_by_test_id("list-new").click()
    await room.happens("sos", "shen", reason="call.press", score=4)
    await expect(row_of(second, "shen").get_by_test_id("same-home")).to_have_text("同户由 desk-1 处理")
    await expect(row_of(first, "shen").get_by_test_id("same-home")).to_have_text("同户由您处理")
    await room.happens("sos", "luo", reason="call.press", score=4)
    await expect(row_of(second, "luo")).to_be_visible()
    await expect(row_of(second, "luo").get_by_test_id("same-home")).to_have_count(0)
    # Of equals the older one would be next; at the other desk it is not.
    await second.keyboard.press("Enter")
    await expect(second.get_by_test_id("act-release")).to_be_visible()
    assert room.rows("SELECT home_id FROM cases WHERE desk_id = 'desk-2'") == [("luo",)]
    await room.happens("fall", "luo", score=4, reason="fall_room.alarm", evidence={"room": "bathroom"})
    await second.get_by_test_id("list-new").click()
    await expect(row_of(second, "luo").get_by_test_id("same-home")).to_have_text("同户由您处理")
    await second.keyboard.press("Enter")
    await expect(second.get_by_test_id("list-mine").locator("b")).to_have_text("2")
    assert set(room.rows("SELECT home_id, family FROM cases WHERE desk_id = 'desk-2'")) == {("luo", "sos"), ("luo", "fall")}  # fmt: skip


async def test_a_lost_connection_is_said_at_once_and_heals_without_a_reload(
    room: Room, console_stages: Stages, api_settings: dict[str, str]
) -> None:
    page = await room.desk("desk-1")
    await room.happens("sos", "shen", score=4)
    await expect(row_of(page, "shen")).to_be_visible()
    await asyncio.to_thread(console_stages.stop, "api")
    await expect(page.get_by_test_id("lost")).to_contain_text("连接中断")
    await expect(row_of(page, "shen")).to_be_visible(), "what was known stays, marked as old"
    await row_of(page, "shen").get_by_test_id("claim").click()
    await expect(page.locator(".ant-message")).to_contain_text("无法连接服务器")
    await room.happens("sos", "luo", score=4)
    await asyncio.to_thread(console_stages.start, "api", settings=api_settings)
    await expect(page.get_by_test_id("lost")).to_have_count(0)
    await expect(row_of(page, "luo")).to_be_visible()


async def test_the_state_of_the_pipeline_is_in_the_header_and_a_standstill_is_a_banner(room: Room) -> None:
    page = await room.desk("desk-1")
    lamp = page.get_by_test_id("pipeline")
    await expect(lamp).to_have_attribute("data-state", "unknown")
    put = (
        "INSERT INTO pipeline VALUES ('stream', 'bulk', 0, 'main', 'wall', 'w', %(at)s, %(at)s, %(at)s, 0, 0)"
        " ON CONFLICT (stream_group, partition, source) DO UPDATE SET moved_at = %(at)s, watched_until_at = %(at)s"
    )

    def moved(seconds: float) -> None:
        import psycopg

        with psycopg.connect(room.site.conninfo(), autocommit=True) as connection:
            connection.execute(put, {"at": datetime.now(UTC) + timedelta(seconds=seconds)})

    moved(30)
    await expect(lamp).to_have_attribute("data-state", "running")
    await expect(page.get_by_test_id("pipeline-standing")).to_have_count(0)
    sound = page.get_by_test_id("sound")
    await sound.click()
    await expect(sound).to_have_attribute("data-state", "on")
    await page.wait_for_timeout(1_500)
    assert (await sounded(page))["2"] == 0, "a pipeline that runs is quiet"
    moved(-120)
    await expect(lamp).to_have_attribute("data-state", "standing")
    await expect(page.get_by_test_id("pipeline-standing")).to_contain_text("数据管道停滞")
    await expect(sound).to_have_attribute("data-sounded", re.compile(r'"2":[1-9]'))
    await sound.click()
    await expect(sound).to_contain_text(re.compile(r"剩 1:\d\d"))


async def test_a_page_that_hears_nothing_any_more_sounds_as_p2(
    room: Room, console_stages: Stages, api_settings: dict[str, str]
) -> None:
    page = await room.desk("desk-1")
    await page.get_by_test_id("sound").click()
    await expect(page.get_by_test_id("sound")).to_have_attribute("data-state", "on")
    await expect(page.get_by_test_id("link")).to_contain_text("实时")
    assert await sounded(page) == {"1": 0, "2": 0, "3": 0, "4": 0}
    await asyncio.to_thread(console_stages.stop, "api")
    try:
        await expect(page.get_by_test_id("sound")).to_have_attribute("data-sounded", re.compile(r'"2":[1-9]'))
        await expect(page.get_by_test_id("lost")).to_be_visible()
    finally:
        await asyncio.to_thread(console_stages.start, "api", settings=api_settings)
    await expect(page.get_by_test_id("lost")).to_have_count(0)


async def test_a_database_that_is_away_sounds_as_p2(room: Room) -> None:
    page = await room.desk("desk-1")
    await page.get_by_test_id("sound").click()
    now = datetime.now(UTC).isoformat()
    health = {
        "state": "away", "stages": [{"name": "database", "state": "away", "detail": ""}], "canaries": None, "streams_open": 1,
        "pipeline": {"state": "unknown", "lanes": [], "at": now}, "now": now,
    }  # fmt: skip
    said = f"event: snapshot\ndata: {json.dumps({'cases': [], 'health': health, 'now': now})}\n\n"
    await page.route("**/api/v1/stream", lambda route: route.fulfill(content_type="text/event-stream", body=said))
    await page.reload()
    await page.get_by_test_id("sound").click()
    await expect(page.get_by_test_id("database-away")).to_be_visible()
    await expect(page.get_by_test_id("sound")).to_have_attribute("data-sounded", re.compile(r'"2":[1-9]'))


async def test_residents_are_found_and_one_whom_nobody_can_see_is_said_to_be_blind(room: Room) -> None:
    page = await room.desk("desk-1")
    await page.get_by_test_id("nav-residents").click()
    await page.get_by_test_id("search").fill("沈")
    await expect(page.get_by_text("罗英")).to_have_count(0)
    line = page.locator("tr", has_text="沈阿大")
    await expect(line.get_by_test_id("coverage")).to_have_attribute("data-state", "blind")
    await line.click()
    panel = page.get_by_test_id("resident-panel")
    await expect(panel).to_contain_text("虞波社区 3 幢 402 室")
    await expect(panel).to_contain_text("设备从未有消息")


async def test_how_many_nobody_can_see_stands_in_the_header_and_opens_the_list(room: Room) -> None:
    page = await room.desk("desk-1")
    lamp = page.get_by_test_id("blind")
    [(blind,)] = room.rows("SELECT sum(residents) FROM coverage_counts WHERE state = 'blind'")
    assert blind >= 2
    await expect(lamp).to_contain_text(f"看不见 {blind} 人")
    await lamp.click()
    await expect(page.get_by_test_id("coverage-page")).to_be_visible()
    await page.route("**/api/v1/coverage?area=", lambda route: route.fulfill(status=503, json={}))
    await page.reload()
    await expect(lamp).to_contain_text("看不见 ? 人")


async def test_what_is_usual_with_a_resident_is_information_on_the_page_in_both_languages(room: Room) -> None:
    for day in range(28):
        room.rows(
            "INSERT INTO daily_habits VALUES ('shen', '2026-03-01'::date + %s, 90, 15, 6.5, %s)",
            day,
            4 if day >= 20 else 2,
        )
    room.rows("INSERT INTO learned_usual VALUES ('shen', 'shen-ada', 'usual.heart_rest_bpm', 61.5, 12, 900, now())")
    try:
        page = await room.desk("desk-1")
        await page.get_by_test_id("nav-residents").click()
        await page.locator("tr", has_text="沈阿大").click()
        await expect(page.get_by_test_id("habit-nights")).to_contain_text("近 7 天平均 4，此前几周 2")
        await expect(page.get_by_test_id("usual.heart_rest_bpm")).to_contain_text("静息心率 61.5 bpm 学自 12 天")
        await expect(page.get_by_test_id("habits")).to_contain_text("不是警情")
        await page.get_by_test_id("language").click()
        await expect(page.get_by_test_id("habit-days")).to_contain_text("mean of the last 7 days 15")
        await page.get_by_test_id("language").click()
        await page.locator("tr", has_text="罗英").click()
        await expect(page.get_by_test_id("habit-nights")).to_contain_text("近 7 天平均 不知道")
    finally:
        room.rows("DELETE FROM daily_habits")
        room.rows("DELETE FROM learned_usual")


async def test_all_that_is_in_hand_is_renewed_by_activity_but_not_what_rings_unheard(room: Room) -> None:
    page = await room.desk("desk-1")

    def leases() -> dict[str, datetime]:
        return dict(room.rows("SELECT home_id, lease_until_at FROM cases"))

    async def active() -> dict[str, datetime]:
        """The leases after somebody was at the desk for longer than the page waits."""
        for place in range(23):
            await page.mouse.move(600 + place, 400)
            await page.wait_for_timeout(1_000)
        return leases()

    for home_id in ("shen", "luo"):
        await room.happens("sos", home_id, reason="call.press", score=4)
        await page.get_by_test_id("list-new").click()
        await claim_in(page, home_id)
    claimed = leases()
    renewed = await active()
    assert renewed["luo"] > claimed["luo"]
    assert renewed["shen"] > claimed["shen"], "it is in hand, though the panel shows another"
    await room.happens("sos", "shen", reason="call.press", score=4)
    await expect(row_of(page, "shen").get_by_test_id("rings")).to_be_visible()
    unheard = await active()
    assert unheard["luo"] > renewed["luo"]
    assert unheard["shen"] - renewed["shen"] < timedelta(seconds=20), "what its owner does not hear goes back to all"


async def test_a_page_that_finds_a_case_in_hand_renews_it_only_when_it_was_opened_there(room: Room) -> None:
    first = await room.desk("desk-1")
    await room.happens("sos", "shen", reason="call.press", score=4)
    await claim_in(first, "shen")
    await first.context.close()
    page = await room.desk("desk-1")  # another machine: what was heard at the first one is not known here
    await page.get_by_test_id("list-mine").click()
    await expect(row_of(page, "shen")).to_be_visible()

    async def lease_after_activity() -> datetime:
        for place in range(23):
            await page.mouse.move(600 + place, 400)
            await page.wait_for_timeout(1_000)
        return room.rows("SELECT lease_until_at FROM cases WHERE home_id = 'shen'")[0][0]

    before = room.rows("SELECT lease_until_at FROM cases WHERE home_id = 'shen'")[0][0]
    assert await lease_after_activity() == before
    await row_of(page, "shen").click()
    assert await lease_after_activity() > before


async def test_a_family_reads_one_word_of_its_own_relative(room: Room) -> None:
    page = await room.desk("daughter")
    card = page.get_by_test_id("relative")
    await expect(card).to_have_count(1)
    await expect(card).to_have_attribute("data-word", "cannot_see")
    await expect(card).to_contain_text("沈阿大")
    await expect(page.get_by_test_id("nav-desk")).to_have_count(0)
    assert "虞波" not in await page.locator("body").inner_text()


async def test_an_administrator_sees_what_runs_and_no_cases(room: Room) -> None:
    page = await room.desk("root")
    await page.get_by_test_id("nav-system").click()
    await expect(page.get_by_test_id("stages")).to_contain_text("database: 正常")
    await expect(page.get_by_test_id("nav-desk")).to_have_count(0)


@pytest.mark.parametrize("user_name", ["desk-1", "chief"])
async def test_everything_fits_on_the_desk_of_1280_by_720(room: Room, user_name: str) -> None:
    page = await room.desk(user_name)
    await room.happens("sos", reason="call.press", score=4)
    await claim_in(page)
    for language in ("zh", "en"):
        width = await page.evaluate("document.documentElement.scrollWidth")
        height = await page.evaluate("document.documentElement.scrollHeight")
        assert (width, height) == (1280, 720), language
        for each in ("act-resolve", "act-release", "sound", "logout"):
            box = await page.get_by_test_id(each).bounding_box()
            assert box is not None
            assert box["x"] + box["width"] <= 1280
            assert box["y"] + box["height"] <= 720
        await page.get_by_test_id("language").click()
    assert PASSWORD not in await page.content()


async def test_a_desk_of_another_county_opens_one_record_for_a_reason_and_a_supervisor_sees_and_shuts_it(
    room: Room,
) -> None:
    desk = await room.desk("desk-jiangbei")
    await expect(desk.locator(".who")).to_contain_text("县级 330206")
    await desk.get_by_test_id("nav-residents").click()
    await expect(desk.get_by_text("没有找到")).to_be_visible()
    await desk.get_by_test_id("break-glass").click()
    await desk.get_by_test_id("glass-whom").fill("13800000001")
    await desk.get_by_test_id("glass-why").fill("求救")
    await expect(desk.get_by_test_id("glass-open")).to_be_disabled()
    await desk.get_by_test_id("glass-why").fill("打到我们中心求救，本区无人接听")
    await desk.get_by_test_id("glass-open").click()
    await expect(desk.get_by_test_id("resident-panel")).to_contain_text("沈阿大")
    await expect(desk.get_by_test_id("contacts")).to_contain_text("沈桂芳")
    await expect(desk.get_by_test_id("glass-broken")).to_contain_text("自动关闭")

    chief = await room.desk("chief")
    await chief.get_by_test_id("nav-oversight").click()
    await expect(chief.get_by_test_id("openings")).to_contain_text("本区无人接听")
    await expect(chief.get_by_test_id("views")).to_contain_text("break-glass")
    await chief.get_by_test_id("glass-end").click()
    await expect(chief.get_by_test_id("glass-end")).to_have_count(0)
    assert room.rows("SELECT user_name, resident_id, ended_by FROM break_glass") == [
        ("desk-jiangbei", "shen-ada", "chief")
    ]
    viewed = room.rows("SELECT facts->>'right' FROM audit WHERE action = 'viewed' AND actor = 'desk-jiangbei'")
    assert set(viewed) == {("break-glass",)}
    await desk.get_by_test_id("glass-end").click()
    await expect(desk.get_by_test_id("glass-broken")).to_have_count(0)


async def test_coverage_is_counted_from_the_city_down_and_names_the_frailest_first(room: Room) -> None:
    page = await room.desk("desk-1")
    await page.get_by_test_id("nav-coverage").click()
    for digits in (4, 6, 9, 12):
        area = AREA[:digits]
        await expect(page.get_by_test_id(f"blind-{area}")).to_contain_text("2 户")
        await page.get_by_test_id(f"area-{area}").click()
    listed = page.get_by_test_id("coverage-page").locator("tbody tr", has_text="设备从未有消息")
    await expect(listed.first).to_contain_text("沈阿大")
    room.rows("UPDATE devices SET last_seen_at = now(), source = 'main' WHERE home_id = 'luo'")
    for lane in ("bulk", "urgent"):
        room.rows(
            "INSERT INTO pipeline VALUES (%s, %s, %s, 'main', 'wall', 'w', now() + interval '1 hour', now() + interval '1 hour', now(), 0, 0)",
            lane, lane, partition_of("luo", 16),
        )  # fmt: skip
    await expect(page.get_by_test_id(f"protected-{AREA}")).to_contain_text("1 户")
    await expect(page.get_by_test_id(f"blind-{AREA}")).to_contain_text("1 户")
    room.rows("UPDATE devices SET last_seen_at = NULL, source = NULL WHERE home_id = 'luo'")


async def test_coverage_says_that_it_does_not_know_while_its_list_does_not_come(room: Room) -> None:
    page = await room.desk("chief")
    await page.route("**/api/v1/coverage/homes**", lambda route: route.fulfill(status=503, json={}))
    await page.get_by_test_id("nav-coverage").click()
    await expect(page.get_by_test_id("coverage-page").get_by_role("alert")).to_be_visible()
    await expect(page.get_by_test_id("coverage-page")).to_contain_text("尚不清楚")
    await expect(page.get_by_test_id("coverage-page")).not_to_contain_text("这里所有住户看护正常")
    await page.unroute("**/api/v1/coverage/homes**")
    await page.get_by_test_id("nav-desk").click()
    await page.get_by_test_id("nav-coverage").click()
    await expect(page.get_by_test_id("coverage-page")).not_to_contain_text("尚不清楚")


async def test_a_town_that_goes_dark_is_one_row_with_a_list_of_whom_to_ring_up(room: Room) -> None:
    page = await room.desk("desk-1")

    async def goes_dark(home_id: str) -> None:
        room.rows("INSERT INTO homes (home_id, area_code) VALUES (%s, '330282007001') ON CONFLICT DO NOTHING", home_id)
        room.rows(
            "INSERT INTO residents (resident_id, home_id, name, phone) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
            home_id, home_id, f"住户{home_id}", f"0574 6300 00{home_id[-2:]}",
        )  # fmt: skip
        await room.happens("technical", home_id, lane="bulk", score=1, reason="device_silent.silent")

    for number in range(20):
        await goes_dark(f"dark-{number:02}")
    row = row_of(page, "area-330282007")
    await expect(row).to_contain_text("330282007 区域内 20 户先后失联")
    await expect(row_of(page, "dark-00")).to_have_count(0)
    await row.click()
    await expect(page.get_by_test_id("incident").locator("li")).to_have_count(20)
    await expect(page.get_by_test_id("incident").locator("a.phone").first).to_have_attribute(
        "href", re.compile(r"tel:057463000\d+")
    )
    await page.get_by_test_id("not_reached-dark-03").click()
    await expect(page.get_by_test_id("called-dark-03")).to_contain_text("未接通")
    other = await room.desk("desk-2")
    await row_of(other, "area-330282007").click()
    await expect(other.get_by_test_id("called-dark-03")).to_contain_text("desk-1")
    await other.get_by_test_id("reached-dark-03").click()
    await expect(other.get_by_test_id("called-dark-03")).to_contain_text("已接通")
    await expect(page.get_by_test_id("called-dark-03")).to_contain_text("desk-2")
    # Who joins later is in the list long before the case's own numbers are told anew.
    await goes_dark("dark-20")
    await expect(page.get_by_test_id("incident").locator("li")).to_have_count(21, timeout=15_000)
    await room.happens("sos", "dark-07", reason="call.press", score=4)
    await expect(row_of(page, "dark-07")).to_be_visible()


async def test_what_is_out_of_service_does_not_ring_until_a_supervisor_says_that_it_works_again(room: Room) -> None:
    chief, desk = await room.desk("chief"), await room.desk("desk-1")
    await chief.get_by_test_id("nav-windows").click()
    await chief.get_by_test_id("window-home").fill("shen")
    await chief.get_by_test_id("window-reason").fill("更换网关")
    await chief.get_by_test_id("window-do").click()
    await expect(chief.get_by_test_id("window-refused")).to_be_visible()
    await chief.get_by_test_id("window-substitute").fill("社工每 2 小时电话")
    await chief.get_by_test_id("window-do").click()
    await expect(chief.get_by_test_id("window-in_force")).to_be_visible()
    await room.happens("sos", reason="call.press", score=4)
    await expect(desk.get_by_test_id("list-held").locator("b")).to_have_text("1")
    await expect(desk.get_by_test_id("list-new").locator("b")).to_have_text("0")
    await desk.get_by_test_id("list-held").click()
    await expect(row_of(desk)).to_contain_text("停用期内，不鸣响")
    await expect(row_of(desk).get_by_test_id("clock")).to_contain_text("再次鸣响")
    await chief.get_by_test_id("window-end").click()
    await expect(chief.get_by_test_id("window-over")).to_be_visible()
    await desk.get_by_test_id("list-new").click()
    await expect(row_of(desk).get_by_test_id("claim")).to_be_visible()
    assert room.rows("SELECT handling FROM cases") == [("QUEUED",)]


async def test_a_supervisor_reads_a_month_saves_it_and_prints_it_with_what_each_figure_is(room: Room) -> None:
    await room.happens("sos", reason="call.press", score=4)
    desk, chief = await room.desk("desk-1"), await room.desk("chief")
    await expect(desk.get_by_test_id("nav-reports")).to_have_count(0)
    await claim_in(desk)
    await chief.get_by_test_id("nav-reports").click()
    await expect(chief.get_by_test_id("report-total")).to_contain_text("100 %（1/1）")
    await expect(chief.get_by_test_id("report-total").locator("td").nth(7)).to_have_text("无")
    await expect(chief.get_by_test_id("report-sources")).to_contain_text("shen")
    async with chief.expect_download() as saving:
        await chief.get_by_test_id("report-csv").click()
    table = (await (await saving.value).path()).read_text(encoding="utf-8")
    assert "within_60_pct,100.0,1," in table
    await chief.emulate_media(media="print")
    await expect(chief.get_by_test_id("logout")).to_be_hidden()
    await expect(chief.get_by_test_id("report-print")).to_be_hidden()
    await expect(chief.get_by_test_id("report-definitions")).to_contain_text(
        "From first coming into the queue to the first claim"
    )
    await chief.emulate_media(media="screen")
    await chief.get_by_test_id("report-month").fill("2020-01")
    await expect(chief.get_by_test_id("report-total").locator("td").nth(4)).to_have_text("无")


async def test_two_cases_of_one_matter_become_one_at_the_desk_that_has_one_of_them(room: Room) -> None:
    desk = await room.desk("desk-1")
    await room.happens("fall", score=4, reason="fall_room.alarm", evidence={"room": "bathroom"})
    await claim_in(desk)
    await room.happens("sos", reason="call.press", score=4)
    await expect(desk.get_by_test_id("list-new").locator("b")).to_have_text("1")
    await desk.get_by_test_id("merge-sos").click()
    await desk.get_by_role("button", name="并入", exact=True).click()
    await expect(desk.get_by_test_id("list-mine").locator("b")).to_have_text("0")
    states = dict(room.rows("SELECT family, handling FROM cases"))
    assert states == {"fall": "MERGED", "sos": "QUEUED"}
    await desk.get_by_test_id("list-new").click()
    # What it took in comes by the stream; a claim of it as it was before would be refused.
    await expect(row_of(desk)).to_contain_text("2 个信号")
    await claim_in(desk)
    await expect(desk.get_by_test_id("history")).to_contain_text("desk-1 将另一件警情")


async def test_the_age_of_the_oldest_canary_is_in_every_header_and_one_that_is_late_is_red_said_and_heard(
    room: Room,
) -> None:
    page = await room.desk("chief")
    lamp, banner, sound = page.get_by_test_id("canary"), page.get_by_test_id("canary-late"), page.get_by_test_id("sound")  # fmt: skip
    await expect(lamp).to_have_attribute("data-state", "unknown")
    await expect(lamp).to_contain_text("尚无结果")
    await sound.click()

    def came(ago_s: int) -> None:
        room.rows("DELETE FROM canaries")
        room.rows(
            "INSERT INTO canaries (lane, partition, sent_at, home_id, seen_at) SELECT lane, partition, now() - %s * interval '1 second', '', now()"
            " FROM unnest(ARRAY['bulk', 'urgent']) AS lane CROSS JOIN generate_series(0, 15) AS partition",
            ago_s,
        )  # fmt: skip

    came(30)
    await expect(lamp).to_have_attribute("data-state", "ok")
    await expect(lamp).to_contain_text("秒前")
    await expect(banner).to_have_count(0)
    for each in (
        "residents",
        "coverage",
        "visits",
        "shifts",
        "windows",
        "oversight",
        "paper",
        "reports",
        "told",
        "rules",
        "system",
        "desk",
    ):
        await page.get_by_test_id(f"nav-{each}").click()
        await expect(lamp).to_be_visible()
    came(300)
    await expect(lamp).to_have_attribute("data-state", "late")
    await expect(lamp).to_have_class(re.compile("bad"))
    await expect(banner).to_contain_text("可能到不了值守台")
    await expect(sound).to_have_attribute("data-sounded", re.compile(r'"2":[1-9]'))
    admin = await room.desk("root")
    await expect(admin.get_by_test_id("canary")).to_have_attribute("data-state", "late")
    room.rows("UPDATE canaries SET sent_at = now() - interval '10 seconds'")
    await expect(lamp).to_have_attribute("data-state", "ok")
    await expect(banner).to_have_count(0)
    await expect(admin.get_by_test_id("canary")).to_have_attribute("data-state", "ok")


async def test_a_supervisor_changes_a_priority_and_a_time_and_no_p1_can_be_lowered(room: Room) -> None:
    chief = await room.desk("chief")
    await chief.get_by_test_id("nav-rules").click()
    await expect(chief.get_by_test_id("priority-sos-0")).to_have_class(re.compile("disabled"))
    # The surer the more urgent: what is raised at score 1 is as urgent at 2.
    await chief.get_by_test_id("priority-water-1").click()
    await chief.locator(".ant-select-dropdown:visible").get_by_text("P2", exact=True).click()
    await expect(chief.get_by_test_id("priority-water-2")).to_contain_text("P2")
    await expect(chief.get_by_test_id("priority-water-0")).to_contain_text("P3")
    await chief.get_by_test_id("answer-3").fill("600")
    await chief.get_by_test_id("save-answer-3").click()
    await expect(chief.get_by_test_id("save-answer-3")).to_have_count(0)
    await chief.get_by_test_id("asked-water").click()
    await expect(chief.get_by_test_id("wait-water")).to_have_value("120")
    await expect(chief.get_by_test_id("rules-refused")).to_have_count(0)
    assert room.rows("SELECT priority FROM priority_rules WHERE family = 'water' ORDER BY score") == [(3,), (2,), (2,), (2,), (2,)]  # fmt: skip
    assert room.rows("SELECT answer_s, changed_by FROM answer_times WHERE priority = 3") == [(600.0, "chief")]
    assert room.rows("SELECT wait_s, enabled FROM asking_times WHERE family = 'water'") == [(120.0, True)]


async def test_each_page_can_be_read_by_all_and_fits_a_desk_and_a_wall(room: Room) -> None:
    await room.happens("sos", reason="call.press", score=4)
    chief = await room.desk("chief")
    await row_of(chief).click()
    await expect(chief.get_by_test_id("reasons")).to_be_visible()
    pages = await chief.locator("nav.pages button").evaluate_all("all => all.map((each) => each.dataset.testid)")
    assert len(pages) > 10
    faults: dict[str, list[str]] = {}
    for each in pages:
        await chief.get_by_test_id(each).click()
        await chief.wait_for_timeout(400)
        if found := await grave_faults(chief):
            faults[each] = found
        for width, height in ((3840, 2160), (1280, 720)):
            await chief.set_viewport_size({"width": width, "height": height})
            assert await chief.evaluate("document.documentElement.scrollWidth") == width, f"{each} at {width}"
    assert not faults, json.dumps(faults, indent=1)
