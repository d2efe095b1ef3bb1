"""A running site with the api and one of the twins, and browsers at its console: Debian's Chromium, driven by Playwright.

post_box       session   takes what kin are told
clinic         session   takes bundles, after it has refused the first two
push_service   session   takes what is sealed for browsers
console_site   session   a Site of its own: services, alerts-1, api, homes, users
room           function  opens browsers; cases are cleared before, and what a page threw fails the test after
"""

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from deploy import browser as chromium
from deploy import console, prepare
from deploy.native import engine
from deploy.site import Site
from tests.browser.room import PostBox, Room, furnish
from tests.conftest import free_base, worker_number
from tests.contract.api.other_sides import Clinic, PushService
from tests.system.conftest import Stages

TELEPHONY_SECRET = "what the telephone system holds as well"
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=user-gesture-required",
]


@pytest.fixture(scope="session")
def post_box() -> Iterator[PostBox]:
    box = PostBox()
    yield box
    box.close()


@pytest.fixture(scope="session")
def clinic() -> Iterator[Clinic]:
    found = Clinic()
    yield found
    found.close()


@pytest.fixture(scope="session")
def push_service() -> Iterator[PushService]:
    found = PushService()
    yield found
    found.close()


@pytest.fixture(scope="session")
def api_settings(post_box: PostBox, clinic: Clinic, push_service: PushService) -> dict[str, str]:
    """What the api is started with; again too."""
    return {
        "SHOUWANG_API_HEARTBEAT_S": "1",
        "SHOUWANG_API_KIN_WAYS": f"sms={post_box.way}",
        "SHOUWANG_API_FHIR_URL": clinic.url,
        "SHOUWANG_API_PUSH_SERVICES": push_service.url,
        "SHOUWANG_API_TELEPHONY_SECRET": TELEPHONY_SECRET,
        "SHOUWANG_API_TELEPHONY_DIAL_URL": f"{post_box.url}/dial",
        # Longer than a test on a slow machine; what becomes of a call in the end tests/contract asks.
        "SHOUWANG_API_TELEPHONY_RING_S": "300",
        # There is no bridge here, so no canary comes; tests write what is to be known of them, and nobody is blind without.
        "SHOUWANG_API_CANARY_S": "600",
        "SHOUWANG_API_CANARY_BLIND_S": "86400",
        "SHOUWANG_ALERTS_CANARY_BLIND_S": "86400",
    }


@pytest.fixture(scope="session")
def console_site(api_settings: dict[str, str]) -> Iterator[Site]:
    site = Site.load(data=Path(mkdtemp(prefix="shouwang-")), port_base=free_base(31900 + 400 * worker_number(), 4))
    stages = Stages(site)
    try:
        prepare.services(site, native=True)
        console.build(site)
        furnish(site)
        stages.start("alerts-1", "api", settings=api_settings)
        yield site
    finally:
        engine.down(site)
        shutil.rmtree(site.data)


@pytest.fixture(scope="module")
def console_stages(console_site: Site) -> Stages:
    return Stages(console_site)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def chrome(console_site: Site) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=chromium.ensure(console_site), args=ARGUMENTS)
        yield opened
        await opened.close()


@pytest_asyncio.fixture(loop_scope="module")
async def room(console_site: Site, chrome: Browser) -> AsyncIterator[Room]:
    opened = Room(console_site, chrome)
    opened.clear()
    async with opened:
        yield opened
    assert opened.troubles == [], "a page threw or broke its own rules"
