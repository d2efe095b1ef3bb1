"""The dead man's ping on the whole running way: it comes while everything moves, and stops with any of it."""

import asyncio
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from deploy.site import Site
from tests.system.conftest import Stages

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]


async def test_the_outside_hears_every_moment_until_the_bridge_stands_and_again_when_it_moves(
    own_site: Site, own_stages: Stages
) -> None:
    asked: list[str] = []

    class Outside(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    async def until(true: Callable[[], bool], within_s: float) -> None:
        async with asyncio.timeout(within_s):
            while not true():  # noqa: ASYNC110 - it happens in other processes
                await asyncio.sleep(0.1)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Outside)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings = {
        "SHOUWANG_API_DEAD_MAN_URL": f"http://127.0.0.1:{server.server_port}/here",
        "SHOUWANG_API_DEAD_MAN_S": "0.5",
    }
    try:
        own_stages.start(
            "alerts-1",
            "api",
            "writer",
            "stream-urgent-1",
            "stream-urgent-2",
            "stream-1",
            "ingest-main",
            settings=settings,
        )
        await until(lambda: len(asked) >= 5, 120)
        own_stages.freeze("ingest-main")
        try:
            async with asyncio.timeout(90):
                before = -1
                while before != len(asked):
                    before = len(asked)
                    await asyncio.sleep(4)  # eight times as long as between two
            assert "not asked for: " in own_stages.log("api")
        finally:
            own_stages.thaw("ingest-main")
        await until(lambda: len(asked) >= before + 5, 120)
        assert set(asked) == {"/here"}
        assert "/here" not in own_stages.log("api"), "the address is as good as a key"
    finally:
        server.shutdown()
        server.server_close()
