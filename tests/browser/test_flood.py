"""Ten thousand open cases at one desk: what is most urgent is seen, a new alert stands on top, and the end of the list can be reached.

It prints how long things took (`-s`), and asserts no time: figures belong to a machine, and stand in `bench/README.md`.
"""

import time

import pytest
from playwright.async_api import expect

from tests.browser.room import Room, row_of

pytestmark = [pytest.mark.browser, pytest.mark.services, pytest.mark.long, pytest.mark.asyncio(loop_scope="module")]

expect.set_options(timeout=30_000)

CASES = 10_000


def fill(room: Room) -> None:
    """Open cases of as many homes, each with what was said, as the twins leave them."""
    room.rows(
        """INSERT INTO cases (case_id, home_id, area_code, family, priority, score, reasons, handling, condition, event_at, raised_at, queued_at, deadline_at)
           SELECT gen_random_uuid()::text, 'flood-' || n, '330282001001', 'water', 3, 1, '[{"key": "water_running.leak", "evidence": {}}]', 'QUEUED', 'on',
                  now(), now() - n * interval '1 ms', now(), now() + n * interval '1 second'
             FROM generate_series(1, %s) AS n""",
        CASES,
    )
    room.rows(
        """INSERT INTO detections (detection_id, lane, revision, detector, family, home_id, "on", started_at, decided_at, case_id, body)
           SELECT 'd-' || home_id, 'bulk', 1, 'water_running', 'water', home_id, true, now(), now(), case_id,
                  '{"reason": "water_running.leak", "evidence": {"running_min": 31}}' FROM cases"""
    )


async def test_ten_thousand_open_cases_are_a_list_that_can_be_worked(room: Room) -> None:
    fill(room)
    page = await room.desk("desk-1")
    await expect(page.get_by_test_id("list-new").locator("b")).to_have_text(str(CASES))
    begun = time.perf_counter()
    await page.reload()
    await expect(row_of(page, "flood-1")).to_be_visible()
    print(f"\nfrom reload to the first row: {time.perf_counter() - begun:.2f} s")
    drawn = await page.get_by_test_id("row").count()
    assert 5 < drawn < 200, "what is far away is not drawn"

    # Noted in the page, at the moment in which the row is there.
    await page.evaluate(
        """() => { window.seen = {}; const rows = document.querySelector('[data-testid=rows]');
        new MutationObserver(() => { for (const row of rows.querySelectorAll('[data-home^=shen], [data-home^=luo]'))
            window.seen[row.dataset.home] ??= Date.now() / 1000; }).observe(rows, {childList: true}); }"""
    )
    for home_id in ("luo", "shen"):
        at_s = time.time()
        await room.happens("sos", home_id, score=4)
        await expect(page.get_by_test_id("row").first).to_have_attribute("data-home", "luo")
        await expect(row_of(page, home_id)).to_be_visible()
        seen_s = await page.evaluate("home => window.seen[home]", home_id)
        print(f"from detection to screen: {(seen_s - at_s) * 1000:.0f} ms")
    await expect(page.get_by_test_id("list-new").locator("b")).to_have_text(str(CASES + 2))

    frames = await page.evaluate(
        """() => new Promise(done => {
            const list = document.querySelector('section.queue'), longest = []; let before = performance.now();
            const end = list.scrollHeight; let step = 0;
            const next = () => {
                const now = performance.now(); longest.push(now - before); before = now;
                list.scrollTop = end * ++step / 120;
                if (step < 120) requestAnimationFrame(next); else done(longest.sort((a, b) => a - b));
            };
            requestAnimationFrame(next);
        })"""
    )
    print(f"scrolling, ms a frame: median {frames[60]:.0f}, p95 {frames[114]:.0f}, longest {frames[-1]:.0f}")
    await expect(row_of(page, f"flood-{CASES}")).to_be_visible()
    await row_of(page, f"flood-{CASES}").get_by_test_id("claim").click()
    await expect(page.get_by_test_id("act-release")).to_be_visible()
    assert room.rows("SELECT home_id FROM cases WHERE desk_id = 'desk-1'") == [(f"flood-{CASES}",)]
