"""A shift in real browsers: two operators and a supervisor, from the empty room to the hand-over; and whom the supervisor lets be told."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.room import PASSWORD, PostBox, Room, row_of

pytestmark = [pytest.mark.browser, pytest.mark.services, pytest.mark.asyncio(loop_scope="module")]

expect.set_options(timeout=30_000)


async def go(page: Page, where: str) -> None:
    await page.get_by_test_id(f"nav-{where}").click()


async def sit(page: Page, desk_id: str) -> None:
    await go(page, "shifts")
    await page.get_by_test_id(f"desk-{desk_id}").get_by_test_id("sit").click()
    await expect(page.get_by_test_id("hand-over")).to_be_visible()


async def claim_next(page: Page) -> None:
    await go(page, "desk")
    await page.locator("body").click(position={"x": 640, "y": 700})
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("act-release")).to_be_visible()


async def test_two_operators_hand_over_before_a_supervisor_s_eyes(room: Room) -> None:
    chief, one, two = await room.desk("chief"), await room.desk("desk-1"), await room.desk("desk-2")

    # The supervisor sets up a centre with two desks; one alone there is too few, and everybody is told so.
    await go(chief, "shifts")
    await chief.get_by_test_id("centre-area").fill("330282")
    await chief.get_by_test_id("centre-name").fill("慈溪中心")
    await chief.get_by_test_id("put-centre").click()
    for desk_id in ("left", "right"):
        await chief.get_by_test_id("desk-id").fill(desk_id)
        await chief.get_by_test_id("put-desk").click()
        await expect(chief.get_by_test_id(f"desk-{desk_id}")).to_be_visible()
    await sit(one, "left")
    for page in (chief, one, two):
        await expect(page.get_by_test_id("short")).to_contain_text("在岗 1 人，至少应有 2 人")
    await sit(two, "right")
    for page in (chief, one, two):
        await expect(page.get_by_test_id("short")).to_have_count(0)

    # The next case is offered to whose turn it is; he takes it and has to wait for somebody.
    await room.happens("stove", score=2)
    for page in (one, two):
        await go(page, "desk")
    await expect(row_of(one).get_by_test_id("offer")).to_contain_text("轮到您")
    await expect(row_of(two).get_by_test_id("offer")).to_contain_text("轮到 desk-1")
    await claim_next(one)
    await one.get_by_test_id("act-hold").click()
    await one.get_by_test_id("words").fill("女儿十分钟后回电")
    await one.get_by_test_id("confirm").click()
    await expect(one.get_by_test_id("handling")).to_contain_text("挂起")

    # He hands over: a wrong password signs nothing, his own does.
    await go(one, "shifts")
    await one.get_by_test_id("hand-over").click()
    await expect(one.get_by_test_id("paper")).to_contain_text("女儿十分钟后回电")
    await one.get_by_test_id("handover-note").fill("炉子那家已经关火")
    await one.get_by_test_id("signature").fill("guessed")
    await one.get_by_test_id("sign").click()
    await expect(one.get_by_test_id("not-signed")).to_be_visible()
    assert room.rows("SELECT count(*) FROM shift_handovers") == [(0,)]
    await one.get_by_test_id("signature").fill(PASSWORD)
    await one.get_by_test_id("sign").click()
    await expect(one.get_by_test_id("waiting")).to_contain_text("等待他人接班签字")

    # The other one is told, reads, and signs; with the second signature the promise is hers.
    await expect(two.get_by_test_id("handover-waits")).to_contain_text("desk-1")
    await go(two, "shifts")
    await two.get_by_test_id("read-and-take").click()
    await expect(two.get_by_test_id("paper")).to_contain_text("炉子那家已经关火")
    await two.get_by_test_id("signature").fill(PASSWORD)
    await two.get_by_test_id("sign").click()
    await expect(two.get_by_test_id("handover-waits")).to_have_count(0)
    await expect(one.get_by_test_id("not-seated")).to_be_visible()
    await go(two, "desk")
    await two.get_by_test_id("list-held").click()
    await expect(row_of(two)).to_contain_text("挂起")
    assert room.rows("SELECT handling, desk_id, former_desk_id FROM cases") == [("HELD", "desk-2", "desk-1")]

    # The supervisor sees both signatures, and that one is alone again.
    await expect(chief.get_by_test_id("short")).to_contain_text("在岗 1 人")
    await expect(chief.get_by_test_id("past")).to_contain_text("与签字时一致")
    await expect(chief.get_by_test_id("past")).to_contain_text("desk-2")
    assert room.rows("SELECT part, user_name FROM handover_signatures ORDER BY part") == [
        ("gives", "desk-1"), ("takes", "desk-2"),
    ]  # fmt: skip
    assert room.rows("SELECT actor, action FROM audit WHERE action LIKE 'handover%%' ORDER BY audit_id") == [
        ("desk-1", "handover_written"), ("desk-2", "handover_taken"),
    ]  # fmt: skip


async def test_who_resolves_promises_to_look_again_and_another_desk_takes_the_second_look(room: Room) -> None:
    one, two = await room.desk("desk-1"), await room.desk("desk-2")
    await room.happens("sos", score=4)
    await expect(row_of(one)).to_be_visible()
    await claim_next(one)
    await one.get_by_test_id("act-resolve").click()
    await one.get_by_test_id("outcome-accidental_press").click()
    await one.get_by_test_id("contact-resident").click()
    for step in ("spoke", "hurt"):
        await one.get_by_test_id(f"step-{step}").click()
    await one.get_by_test_id("follow-up").fill("60")
    await one.get_by_test_id("words").fill("一小时后再打一次")
    await one.get_by_test_id("confirm").click()
    await expect(row_of(one)).to_have_count(0)
    assert room.rows("SELECT round(extract(epoch FROM follow_up_at - resolved_at))::integer FROM cases") == [(3600,)]
    for page in (one, two):
        await go(page, "oversight")
    await expect(two.get_by_test_id("agree")).to_be_visible()
    await expect(one.get_by_text("shen", exact=False).first).to_be_visible()
    await expect(one.get_by_test_id("agree")).to_have_count(0), "not by who resolved it"
    await two.get_by_test_id("agree").click()
    await expect(two.get_by_test_id("agree")).to_have_count(0)
    assert room.rows("SELECT looked_by FROM cases") == [("desk-2",)]


async def test_a_supervisor_adds_tries_and_pauses_who_is_told(room: Room, post_box: PostBox) -> None:
    chief = await room.desk("chief")
    await go(chief, "told")
    await chief.get_by_test_id("new-recipient_id").fill("desk-phone")
    await chief.get_by_test_id("new-area_prefix").fill("330282")
    await chief.get_by_test_id("new-url").fill(post_box.way.replace("{to}", "desk-phone"))
    await chief.get_by_test_id("add-recipient").click()
    row = chief.get_by_test_id("recipient-desk-phone")
    await row.get_by_test_id("try").click()
    await expect(chief.get_by_test_id("recipients")).to_contain_text("●")
    assert [body["title"] for path, body in post_box.taken if path == "/desk-phone"] == ["守望：测试消息"]
    await row.get_by_test_id("pause").click()
    await expect(chief.get_by_test_id("paused")).to_contain_text("chief")
    assert post_box.way.partition("//")[2].split("/")[0] not in await chief.get_by_test_id("told").inner_text()
