"""A watch room: desks that are browsers, and homes in which something happens."""

import asyncio
import json
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import axe_playwright_python
import psycopg
from playwright.async_api import Browser, BrowserContext, Locator, Page

from alerts.rules import SHIPPED
from contracts.detections import Family
from deploy.site import Site
from storage import consents, people
from storage.database import connect
from storage.records import Contact, Device, Home, Resident, User
from tests.contract.alerts.centre import a_detection
from tests.system.alert_traffic import Traffic
from tests.system.api_desks import PASSWORD, base_url, rows

AREA = "330282001001"
RECORDS = [
    Home("shen", AREA, "虞波社区 3 幢 402 室", care_level=2, note="钥匙在对门邻居处"),
    Resident("shen-ada", "shen", "沈阿大", 1938, "m", "+86 138 0000 0001"),
    Contact("shen", "沈桂芳", "+86 139 0000 0001", "女儿", 1),
    Contact("shen", "沈国强", "+86 139 0000 0002", "儿子", 2),
    Device("shen", "pir-1", "motion", "living"),
    Device("shen", "sos-1", "pendant", "bedroom", "shen-ada"),
    Home("luo", AREA, "团圈社区 8 幢 101 室"),
    Resident("luo-ying", "luo", "罗英", 1941, "f", "+86 138 0000 0002"),
    Device("luo", "pir-1", "motion", "living"),
]
USERS = [
    User("desk-1", "operator", "一号席"),
    User("desk-2", "operator", "二号席"),
    User("chief", "supervisor", "值班长"),
    User("desk-jiangbei", "operator", "江北席", area_prefix="330206"),
    User("root", "admin", "管理员"),
    User("lin", "helper", "林志愿", area_prefix="330282", helper_kind="volunteer"),
    User("mei", "helper", "梅社工", area_prefix=AREA, helper_kind="community"),
    User("daughter", "family", "沈桂芳", family_of=("shen-ada",)),
]
SHIFTS = "handover_signatures, shift_handovers, sign_ons, duties, desks, staffing_gaps, centres, case_offers"
CLEARED = (
    "recipients",
    "service_windows",
    "desk_slots",
    "notices",
    "handovers",
    "telephone_dials",
    "telephone_calls",
    "break_glass",
    "incident_reviews",
    "case_questions",
    "outbox",
    "audit",
    "case_timers",
    "case_signals",
    "cases",
    "detections",
    "pipeline",
    "canaries",
    "sessions",
)


def furnish(site: Site) -> None:
    """Homes and users."""

    async def put() -> None:
        connection = await connect(site.conninfo(), "test room")
        async with connection, connection.transaction():
            await people.register(connection, RECORDS, actor="test")
            for user in USERS:
                await people.add_user(connection, user, PASSWORD, actor="test")
                for resident_id in user.family_of:
                    await consents.record(
                        connection, resident_id=resident_id, user_name=user.user_name, scopes=list(consents.SCOPES), given_by="resident",
                        ground="said at enrolment", recorded_by="test",
                    )  # fmt: skip

    asyncio.run(put())


class PostBox:
    """A gateway for messages on loopback: keeps what it is given."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, dict[str, Any]]] = []
        box = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                box.taken.append((self.path, json.loads(body)))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def way(self) -> str:
        """Its address, as a site gives its gateways."""
        return f"json://127.0.0.1:{self._server.server_address[1]}/{{to}}"

    @property
    def url(self) -> str:
        """The same for whoever posts by himself."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


async def grave_faults(page: Page, within: str | None = None) -> list[str]:
    """What axe-core finds serious or critical."""
    await page.evaluate(AXE + "; undefined")
    found = await page.evaluate("within => axe.run(within ?? document)", within)
    return [
        f"{each['id']}: {each['nodes'][0]['html']}"
        for each in found["violations"]
        if each["impact"] in ("serious", "critical")
    ]


AS_SHIPPED: list[tuple[str, tuple[Any, ...]]] = [
    *(
        (
            "UPDATE priority_rules SET priority = %s, changed_by = 'system' WHERE family = %s AND score = %s",
            (priority, family, score),
        )
        for family, priorities in SHIPPED.priorities.items()
        for score, priority in enumerate(priorities)
    ),
    *(
        ("UPDATE answer_times SET answer_s = %s, changed_by = 'system' WHERE priority = %s", (answer_s, priority))
        for priority, answer_s in SHIPPED.answer_s.items()
    ),
    ("DELETE FROM asking_times WHERE changed_by <> 'system'", ()),
]
"""What puts the rules back that a test changes on the page: priorities and answering times; of asking only families that ship without."""


class Room:
    """Browsers at one site. ``troubles``: what pages threw."""

    def __init__(self, site: Site, chrome: Browser) -> None:
        self.site = site
        self.url = base_url(site)
        self.troubles: list[str] = []
        self._chrome = chrome
        self._contexts: list[BrowserContext] = []
        self._traffic = Traffic(site)

    async def __aenter__(self) -> "Room":
        await self._traffic.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        for context in self._contexts:
            await context.close()
        await self._traffic.__aexit__()

    def clear(self) -> None:
        # What was signed is not deleted by a row.
        rows(self.site, f"TRUNCATE {SHIFTS} CASCADE")
        for table in CLEARED:
            self._empty(table)
        for statement, values in AS_SHIPPED:
            rows(self.site, statement, *values)

    def _empty(self, table: str) -> None:
        for _ in range(20):
            try:
                rows(self.site, f"DELETE FROM {table}")
                return
            except psycopg.errors.ForeignKeyViolation:
                rows(self.site, "DELETE FROM notices")  # alerts wrote one meanwhile: a rung that reaches nobody
        raise AssertionError(f"{table} fills faster than it is emptied")

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        return rows(self.site, statement, *values)

    async def browser(self, *, phone: bool = False, address: str = "") -> Page:
        """A browser of its own at the console, of the size that every desk has, or of a telephone's."""
        context = await self._chrome.new_context(
            viewport={"width": 390, "height": 844} if phone else {"width": 1280, "height": 720},
            has_touch=phone, locale="zh-CN", timezone_id="Asia/Shanghai",
        )  # fmt: skip
        self._contexts.append(context)
        page = await context.new_page()
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on(
            "console", lambda said: self.troubles.append(said.text) if "Content Security Policy" in said.text else None
        )
        await page.goto(self.url + address)
        return page

    async def log_in(self, page: Page, user_name: str, password: str = PASSWORD) -> None:
        await page.locator("input[autocomplete=username]").fill(user_name)
        await page.locator("input[autocomplete=current-password]").fill(password)
        await page.get_by_test_id("login").click()

    async def desk(self, user_name: str) -> Page:
        """A browser in which this user is logged in."""
        page = await self.browser()
        await self.log_in(page, user_name)
        await page.get_by_test_id("logout").wait_for()
        return page

    async def phone(self, user_name: str) -> Page:
        """A telephone on which this user is logged in."""
        page = await self.browser(phone=True, address="/phone")
        await self.log_in(page, user_name)
        await page.get_by_test_id("logout").wait_for()
        return page

    async def happens(self, family: Family, home_id: str = "shen", **fields: Any) -> None:
        """A detector says so, now."""
        now_s = datetime.now(UTC).timestamp()
        await self._traffic.say(a_detection(family, home_id=home_id, started_at_s=now_s, **fields))


def row_of(page: Page, home_id: str = "shen") -> Locator:
    """The row of a home in the list that is open."""
    return page.locator(f"[data-testid=row][data-home={home_id}]")
