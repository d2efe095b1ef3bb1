"""Each page looks as it is kept in ``docs/images/pages``: a page that has lost a part, or whose layout fell apart, is seen here.

Both pictures are cut into squares of 16 px, and the mean colour of each is compared: a letter that is drawn a little differently changes little, a missing panel
much. Instants and ages read alike in all of them, and empty ground does not count. What takes less than MOST of what is drawn is not seen: a row of buttons
on the page of paper is 1.4 %.
Marked ``long`` because other tests leave things in the database that a page then shows: run it by itself, ``./shouwang test -m long tests/browser/test_pictures.py``.
``SHOUWANG_PICTURES=keep`` writes the pictures anew, after somebody has looked at why they differ.
"""

import os
from base64 import b64encode
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from deploy.browser import FAMILY, draws_chinese
from deploy.site import REPOSITORY
from tests.browser.room import Room, row_of

pytestmark = [pytest.mark.long, pytest.mark.browser, pytest.mark.services, pytest.mark.asyncio(loop_scope="module")]

KEPT = REPOSITORY / "docs" / "images" / "pages"
MOST = 0.04
"""Share of the squares with something in them that may differ: what a slow machine has escalated, say. Chosen."""
CHANGED = 24
"""A square differs from here on, of 255 in any colour."""
_COMPARE = """async ([one, other, changed]) => {
  const squares = async (data) => {
    const image = new Image();
    image.src = "data:image/png;base64," + data;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = image.width; canvas.height = image.height;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(image, 0, 0);
    const pixels = context.getImageData(0, 0, image.width, image.height).data;
    const wide = Math.ceil(image.width / 16), high = Math.ceil(image.height / 16);
    const sums = new Float64Array(wide * high * 3), counts = new Float64Array(wide * high);
    for (let y = 0; y < image.height; y++) for (let x = 0; x < image.width; x++) {
      const square = Math.floor(y / 16) * wide + Math.floor(x / 16), at = (y * image.width + x) * 4;
      counts[square]++;
      for (let colour = 0; colour < 3; colour++) sums[square * 3 + colour] += pixels[at + colour];
    }
    return { wide, high, means: sums.map((sum, index) => sum / counts[Math.floor(index / 3)]) };
  };
  const [a, b] = [await squares(one), await squares(other)];
  if (a.wide !== b.wide || a.high !== b.high) return 1;
  const far = (x, y, most) => [0, 1, 2].some((colour) => Math.abs(x[colour] - y[colour]) >= most);
  const at = (picture, square) => picture.means.slice(square * 3, square * 3 + 3);
  const grounds = (picture) => {
    const found = new Map();
    for (let square = 0; square < picture.wide * picture.high; square++) {
      const colour = at(picture, square).map(Math.round).join();
      found.set(colour, (found.get(colour) ?? 0) + 1);
    }
    return [...found].sort((x, y) => y[1] - x[1]).slice(0, 2).map(([colour]) => colour.split(",").map(Number));
  };
  const [ga, gb] = [grounds(a), grounds(b)];
  let different = 0, drawn = 0;
  for (let square = 0; square < a.wide * a.high; square++) {
    const [x, y] = [at(a, square), at(b, square)];
    if (ga.every((ground) => far(x, ground, 3)) || gb.every((ground) => far(y, ground, 3))) drawn++;
    if (far(x, y, changed)) different++;
  }
  return different / Math.max(drawn, 1);
}"""
_SAME_TIMES = """() => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const said = texts.currentNode.nodeValue;
    const same = said.replace(/\\d+(:\\d\\d)+/g, "0:00").replace(/\\d+ (秒|分钟|分|小时)/g, "0 $1").replace(/20\\d\\d-\\d\\d-\\d\\d/g, "2026-01-01");
    if (same !== said) texts.currentNode.nodeValue = same;
  }
}"""


async def differ(page: Page, one: bytes, other: bytes) -> float:
    """Share of squares in which two pictures differ, of those with something in them."""
    blank = await page.context.new_page()
    try:
        share: float = await blank.evaluate(_COMPARE, [b64encode(each).decode() for each in (one, other)] + [CHANGED])
        return share
    finally:
        await blank.close()


async def picture(page: Page) -> bytes:
    # Letters as wide as on every other machine; nothing blinks and no notice is on its way out while it is taken.
    await page.add_style_tag(content=f"* {{ font-family: '{FAMILY}' !important }}")
    await page.wait_for_timeout(600)
    await page.evaluate(_SAME_TIMES)
    return await page.screenshot(animations="disabled", caret="hide")


class Gallery:
    """What was kept, what is seen now, and where they differ."""

    def __init__(self) -> None:
        self.wrong: dict[str, str] = {}
        self.seen: set[str] = set()

    async def look(self, page: Page, name: str) -> None:
        now, kept = await picture(page), KEPT / f"{name}.png"
        self.seen.add(kept.name)
        if os.environ.get("SHOUWANG_PICTURES") == "keep":
            KEPT.mkdir(parents=True, exist_ok=True)
            kept.write_bytes(now)
        elif not kept.exists():
            self.wrong[name] = "no picture of it is kept"
        elif (share := await differ(page, now, kept.read_bytes())) > MOST:
            place = Path(os.environ.get("SHOUWANG_PICTURES_NOW", "/tmp")) / f"shouwang-{name}.png"
            place.write_bytes(now)
            self.wrong[name] = f"{share:.1%} of it looks different; as it is now: {place}"


@pytest.fixture
def gallery() -> Gallery:
    # Not skipped: where nobody reads what was skipped the pages would never be looked at.
    assert draws_chinese(), (
        f"this machine has no {FAMILY}; every picture would differ. Install fonts-wqy-microhei fontconfig"
    )
    return Gallery()


async def _case(page: Page) -> None:
    await row_of(page).click()
    await expect(page.get_by_test_id("reasons")).to_be_visible()


async def _first(page: Page, text: str) -> None:
    await page.locator("tr", has_text=text).first.click()


BEFORE: dict[str, Callable[[Page], Awaitable[None]]] = {
    "nav-desk": _case,
    "nav-residents": lambda page: _first(page, "沈阿大"),
    "nav-homes": lambda page: _first(page, "沈阿大"),
}
"""What is opened on a page before it is looked at."""


async def test_each_page_looks_as_it_is_kept(room: Room, gallery: Gallery) -> None:
    await room.happens("sos", reason="call.press", score=4)
    await room.happens("fall", "luo", score=3, reason="fall_room.alarm", evidence={"room": "bathroom"})
    await gallery.look(await room.browser(), "login")
    for user in ("chief", "root"):
        page = await room.desk(user)
        if user == "chief":
            await expect(row_of(page, "luo")).to_be_visible()
        names = await page.locator("nav.pages button[data-testid^=nav-]").evaluate_all("all => all.map((each) => each.dataset.testid)")  # fmt: skip
        assert len(names) >= 5
        for name in names:
            await page.get_by_test_id(name).click()
            if name in BEFORE:
                await BEFORE[name](page)
            await gallery.look(page, f"{user}-{name.removeprefix('nav-')}")
    for user in ("daughter", "mei"):
        await gallery.look(await room.phone(user), f"phone-{user}")
    assert gallery.wrong == {}
    assert gallery.seen == {each.name for each in KEPT.glob("*.png")}, "a picture of a page that is gone"


async def test_a_page_that_has_lost_a_part_is_noticed(room: Room, gallery: Gallery) -> None:
    await room.happens("sos", reason="call.press", score=4)
    page = await room.desk("desk-1")
    await _case(page)
    whole = await picture(page)
    assert await differ(page, whole, await picture(page)) <= MOST, "the same page a second later is the same"
    await page.add_style_tag(content=".panel .record { display: none }")
    assert await differ(page, whole, await picture(page)) > MOST
