"""A night in the centre: two operators and a supervisor from sign-on to the report, each step looked for on the screen and in the database.

With SHOUWANG_SCREENSHOTS=FOLDER it keeps the pictures of the handbooks there (`docs/images/`), each of the size that every desk has.
"""

import asyncio
import os
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.room import PASSWORD, Room, row_of
from tests.browser.test_shifts import claim_next, go, sit

pytestmark = [pytest.mark.browser, pytest.mark.services, pytest.mark.asyncio(loop_scope="module")]

expect.set_options(timeout=30_000)

LARGEST_BYTES = 200_000
"""Of a picture. Chosen: twelve of them are less than two and a half megabytes in the repository, whatever font drew them."""


async def keep(page: Page, name: str) -> None:
    """A picture of this page, where somebody asks for pictures."""
    folder = os.environ.get("SHOUWANG_SCREENSHOTS")
    if folder is None:
        return
    Path(folder).mkdir(parents=True, exist_ok=True)
    picture = await page.screenshot(path=Path(folder, f"{name}.png"), animations="disabled")
    assert len(picture) < LARGEST_BYTES, f"{name} has {len(picture)} bytes"


def of_family(page: Page, family: str) -> Locator:
    """The row of a family, in words, in the list that is open."""
    return page.locator("[data-testid=row]", has_text=family)


async def take(page: Page, family: str) -> None:
    """Claim the case of a family from the list of new ones."""
    await go(page, "desk")
    await page.get_by_test_id("list-new").click()
    await of_family(page, family).get_by_test_id("claim").click()
    await expect(page.get_by_test_id("act-release")).to_be_visible()


async def say(page: Page, act: str, words: str) -> None:
    """An act that wants words."""
    await page.get_by_test_id(f"act-{act}").click()
    await page.get_by_test_id("words").fill(words)
    await page.get_by_test_id("confirm").click()


async def resolve(
    page: Page, outcome: str, contact: str, steps: tuple[str, ...], words: str, picture: str = ""
) -> None:
    await page.get_by_test_id("act-resolve").click()
    await expect(page.get_by_test_id("confirm")).to_be_disabled()
    await page.get_by_test_id(f"outcome-{outcome}").click()
    await page.get_by_test_id(f"contact-{contact}").click()
    for step in steps:
        await page.get_by_test_id(f"step-{step}").click()
    await page.get_by_test_id("words").fill(words)
    if picture:
        await page.get_by_test_id("follow-up").fill("60")
        await keep(page, picture)
    await page.get_by_test_id("confirm").click()
    await expect(page.get_by_test_id("gone")).to_be_visible()


def the_whole_way_works(room: Room) -> None:
    """What bridge, stream and canaries would say, which do not run here: all is well, and the homes' devices speak."""
    for lane in ("bulk", "urgent"):
        room.rows(
            "INSERT INTO pipeline SELECT %s, %s, partition, 'main', 'wall', 'w', now() + interval '1 hour', now() + interval '1 hour', now(), 0, 0"
            " FROM generate_series(0, 15) AS partition",
            lane, lane,
        )  # fmt: skip
    room.rows(
        "INSERT INTO canaries (lane, partition, sent_at, home_id, seen_at) SELECT lane, partition, now(), '', now()"
        " FROM unnest(ARRAY['bulk', 'urgent']) AS lane CROSS JOIN generate_series(0, 15) AS partition"
    )


def case_of(room: Room, home_id: str, family: str, columns: str) -> tuple[object, ...]:
    """Columns of the newest case of a home and family."""
    (row,) = room.rows(
        f"SELECT {columns} FROM cases WHERE home_id = %s AND family = %s ORDER BY raised_at DESC LIMIT 1", home_id, family
    )  # fmt: skip
    return row


async def test_a_night_from_sign_on_to_the_report(room: Room) -> None:
    the_whole_way_works(room)
    chief, one, two = await room.desk("chief"), await room.desk("desk-1"), await room.desk("desk-2")
    await both_sit_down(chief, one, two, room)
    await a_call_for_help_is_seen_to_the_end(one, room)
    await a_warning_waits_and_rings_again(two, room)
    await a_fall_is_asked_about_first(one, room)
    await a_press_by_mistake_takes_the_fall_in(one, room)
    await others_look_again(chief, two, room)
    await a_button_is_out_of_service_and_somebody_calls_instead(chief, one, room)
    await the_night_is_handed_over(two, one, room)
    await the_night_is_reported(chief, room)


async def both_sit_down(chief: Page, one: Page, two: Page, room: Room) -> None:
    await go(chief, "shifts")
    await chief.get_by_test_id("centre-area").fill("330282")
    await chief.get_by_test_id("centre-name").fill("慈溪中心")
    await chief.get_by_test_id("put-centre").click()
    for desk_id in ("left", "right"):
        await chief.get_by_test_id("desk-id").fill(desk_id)
        await chief.get_by_test_id("put-desk").click()
        await expect(chief.get_by_test_id(f"desk-{desk_id}")).to_be_visible()
    await sit(one, "left")
    await expect(chief.get_by_test_id("short")).to_contain_text("在岗 1 人")
    await keep(chief, "shifts-too-few")
    await sit(two, "right")
    await expect(chief.get_by_test_id("short")).to_have_count(0)
    assert room.rows("SELECT desk_id, user_name FROM sign_ons ORDER BY desk_id") == [
        ("left", "desk-1"), ("right", "desk-2"),
    ]  # fmt: skip


async def a_call_for_help_is_seen_to_the_end(one: Page, room: Room) -> None:
    await go(one, "desk")
    await room.happens(
        "stove", "luo", score=2, reason="stove_unattended.forgotten", evidence={"on_min": 47.0, "empty_min": 32.0}
    )
    await room.happens("sos", reason="call.press", score=4)
    await expect(row_of(one, "shen")).to_contain_text("住户按下了求助按钮")
    await expect(row_of(one, "luo")).to_contain_text("厨房无人 32 分钟")
    await keep(one, "queue")
    await claim_next(one)
    assert case_of(room, "shen", "sos", "handling, desk_id, priority") == ("CLAIMED", "desk-1", 1)
    await expect(one.get_by_test_id("contacts").locator("li").first).to_contain_text("沈桂芳")
    await one.get_by_test_id("act-verify").click()
    await expect(one.get_by_test_id("handling")).to_contain_text("核实中")
    await say(one, "note", "电话里人清醒，说胸闷")
    await expect(one.get_by_test_id("history")).to_contain_text("电话里人清醒")
    await keep(one, "case")
    await one.get_by_test_id("helpers").locator("summary").click()
    await one.get_by_test_id("ask-lin").click()
    await expect(one.get_by_test_id("helpers")).to_contain_text("已请求")
    assert room.rows("SELECT user_name, state, asked_by FROM responses") == [("lin", "asked", "desk-1")]
    await say(one, "dispatch", "社区王医生，已拨 120")
    await expect(one.get_by_test_id("handling")).to_contain_text("已派人")
    assert case_of(room, "shen", "sos", "handling") == ("DISPATCHED",)
    await one.get_by_test_id("act-arrive").click()
    await expect(one.get_by_test_id("handling")).to_contain_text("已到场")
    await resolve(one, "medical", "on_site", ("spoke", "hurt", "kin"), "医生到场，送慈溪人民医院", picture="resolve")
    assert case_of(
        room, "shen", "sos", "handling, outcome, resolved_by, round(extract(epoch FROM follow_up_at - resolved_at))::integer"
    ) == ("RESOLVED", "medical", "desk-1", 3600)  # fmt: skip
    taken = room.rows("SELECT action FROM audit WHERE home_id = 'shen' AND actor = 'desk-1' AND action NOT IN ('viewed', 'renewed') ORDER BY audit_id")  # fmt: skip
    # The second note is the helper's being asked.
    assert [action for (action,) in taken] == [
        "claimed", "verifying", "noted", "noted", "dispatched", "on_scene", "resolved",
    ]  # fmt: skip


async def a_warning_waits_and_rings_again(two: Page, room: Room) -> None:
    await take(two, "灶具未关")
    await two.get_by_test_id("act-hold").click()
    await two.get_by_test_id("words").fill("邻居去看，五分钟后回电")
    await keep(two, "hold")
    await two.get_by_test_id("confirm").click()
    await expect(two.get_by_test_id("handling")).to_contain_text("挂起")
    assert case_of(room, "luo", "stove", "handling, desk_id, hold_reason") == (
        "HELD",
        "desk-2",
        "邻居去看，五分钟后回电",
    )
    # The minutes are cut short; what happens at their end is the system's own.
    room.rows("UPDATE cases SET held_until_at = now() WHERE family = 'stove'")
    room.rows("UPDATE case_timers SET due_at = now() WHERE kind = 'hold'")
    await two.get_by_test_id("list-new").click()
    await expect(of_family(two, "灶具未关").get_by_test_id("offer")).to_contain_text("您（或您接替的人）的承诺")
    assert case_of(room, "luo", "stove", "handling, former_desk_id") == ("QUEUED", "desk-2")
    await take(two, "灶具未关")
    await say(two, "hold", "邻居说火已关，锅还烫，等女儿回电")
    await expect(two.get_by_test_id("handling")).to_contain_text("挂起")


async def a_fall_is_asked_about_first(one: Page, room: Room) -> None:
    await go(one, "desk")
    await one.get_by_test_id("list-new").click()
    await room.happens("fall", score=1, reason="fall_room.warning", evidence={"room": "bathroom"})
    await expect(one.get_by_test_id("asking")).to_contain_text("询问中，至")
    await keep(one, "asking")
    daughter = await room.phone("daughter")
    await expect(daughter.get_by_test_id("question")).to_contain_text("沈阿大")
    await daughter.get_by_test_id("answer-well").click()
    await expect(of_family(one, "跌倒")).to_have_count(0)
    assert case_of(room, "shen", "fall", "handling, outcome, claimed_at IS NULL") == ("RESOLVED", "kin_says_well", True)
    # Nobody can be asked at the other home: no kin with the page, no voice gateway. So it comes to the desks, unanswered.
    await room.happens("fall", "luo", score=1, reason="fall_room.warning", evidence={"room": "bathroom"})
    row = of_family(one, "跌倒")
    await expect(row).to_be_visible()
    await expect(row.get_by_test_id("asking")).to_have_count(0)
    assert case_of(room, "luo", "fall", "handling, priority") == ("QUEUED", 3)
    await take(one, "跌倒")


async def a_press_by_mistake_takes_the_fall_in(one: Page, room: Room) -> None:
    await room.happens("sos", "luo", reason="call.press", score=4)
    await one.get_by_test_id("merge-sos").click()
    await one.get_by_role("button", name="并入", exact=True).click()
    await expect(one.get_by_test_id("list-mine").locator("b")).to_have_text("0")
    assert case_of(room, "luo", "fall", "handling") == ("MERGED",)
    await take(one, "求助")
    await resolve(one, "accidental_press", "resident", ("spoke", "hurt"), "擦地时碰到按钮，人站着接电话")
    assert case_of(room, "luo", "sos", "handling, outcome") == ("RESOLVED", "accidental_press")


async def others_look_again(chief: Page, two: Page, room: Room) -> None:
    await go(chief, "oversight")
    await expect(chief.get_by_test_id("agree")).to_have_count(2)
    await keep(chief, "second-look")
    await chief.locator("tr", has_text="luo").get_by_test_id("agree").click()
    await go(two, "oversight")
    await two.locator("tr", has_text="shen").get_by_test_id("agree").click()
    await expect(two.get_by_test_id("agree")).to_have_count(0)
    assert room.rows("SELECT home_id, looked_by FROM cases WHERE family = 'sos' ORDER BY home_id") == [
        ("luo", "chief"), ("shen", "desk-2"),
    ]  # fmt: skip


async def a_button_is_out_of_service_and_somebody_calls_instead(chief: Page, one: Page, room: Room) -> None:
    await go(chief, "windows")
    await chief.get_by_test_id("window-home").fill("shen")
    await chief.get_by_test_id("window-device").fill("sos-1")
    await chief.get_by_test_id("window-reason").fill("更换按钮电池")
    await chief.get_by_test_id("window-substitute").fill("二号席每小时电话")
    await chief.get_by_test_id("window-do").click()
    await expect(chief.get_by_test_id("window-in_force")).to_be_visible()
    await keep(chief, "out-of-service")
    await room.happens("sos", device_id="sos-1", reason="call.press", score=4)
    await expect(one.get_by_test_id("list-held").locator("b")).to_have_text("2"), "this one and the one on hold"
    await expect(one.get_by_test_id("list-new").locator("b")).to_have_text("0")
    assert case_of(room, "shen", "sos", "handling, desk_id") == ("SUSPENDED", None)
    await chief.get_by_test_id("window-end").click()
    await take(one, "求助")
    await resolve(one, "test", "not_tried", (), "换电池后试按")
    assert case_of(room, "shen", "sos", "handling, outcome") == ("RESOLVED", "test")
    assert room.rows("SELECT substitute, planned_by, ended_by FROM service_windows") == [
        ("二号席每小时电话", "chief", "chief"),
    ]  # fmt: skip


async def the_night_is_handed_over(gives: Page, takes: Page, room: Room) -> None:
    await go(gives, "shifts")
    await gives.get_by_test_id("hand-over").click()
    await expect(gives.get_by_test_id("paper")).to_contain_text("等女儿回电")
    await gives.get_by_test_id("handover-note").fill("罗家的锅，女儿八点前回电")
    await gives.get_by_test_id("signature").fill(PASSWORD)
    await keep(gives, "hand-over")
    await gives.get_by_test_id("sign").click()
    await expect(gives.get_by_test_id("waiting")).to_contain_text("等待他人接班签字")
    assert case_of(room, "luo", "stove", "desk_id") == ("desk-2",), "one signature changes nothing"
    await go(takes, "shifts")
    await takes.get_by_test_id("read-and-take").click()
    await expect(takes.get_by_test_id("paper")).to_contain_text("八点前回电")
    await takes.get_by_test_id("signature").fill(PASSWORD)
    await takes.get_by_test_id("sign").click()
    await expect(gives.get_by_test_id("not-seated")).to_be_visible()
    await expect(takes.get_by_test_id("past")).to_contain_text("与签字时一致")
    # The alerts process passes holds on, after the signature.
    for _ in range(100):
        if case_of(room, "luo", "stove", "desk_id") == ("desk-1",):
            break
        await asyncio.sleep(0.1)
    assert case_of(room, "luo", "stove", "handling, desk_id, former_desk_id") == ("HELD", "desk-1", "desk-2")
    assert room.rows("SELECT part, user_name FROM handover_signatures ORDER BY part") == [
        ("gives", "desk-2"), ("takes", "desk-1"),
    ]  # fmt: skip


async def the_night_is_reported(chief: Page, room: Room) -> None:
    await go(chief, "reports")
    total = chief.get_by_test_id("report-total").locator("tbody td")
    # SOS, stove, a fall asked about, a fall merged, a press by mistake; the trial of the new battery never counts.
    await expect(total.nth(1)).to_have_text("5")
    assert room.rows("SELECT count(*) FROM cases") == [(6,)]
    await keep(chief, "report")
    await go(chief, "coverage")
    await expect(chief.get_by_test_id("coverage-page")).to_be_visible()
