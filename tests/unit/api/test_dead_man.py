"""The dead man's ping against a real HTTP server: it comes while all is well, and only then."""

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from api.dead_man import DeadMan
from api.models.stages import Health, PipelineNow, Stage
from api.settings import ApiSettings
from contracts import settings
from contracts.errors import BadSetting


class Outside:
    """An address somewhere else."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answer = 200
        outside = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outside.asked.append(self.path)
                self.send_response(outside.answer)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/ping/4711"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    async def hears(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.asked) < count:  # noqa: ASYNC110 - it happens in another thread
                await asyncio.sleep(0.01)


@pytest.fixture
def outside() -> Iterator[Outside]:
    found = Outside()
    yield found
    found.server.shutdown()
    found.server.server_close()


def health(state: str, writer: str = "ok") -> Health:
    now = datetime.now(UTC)
    stages = [Stage.model_validate({"name": "writer", "state": writer})]
    pipeline = PipelineNow(state="running", lanes=[], at=now)
    return Health.model_validate(
        {"state": state, "stages": stages, "pipeline": pipeline, "streams_open": 0, "now": now}
    )


async def test_it_is_asked_for_while_all_is_well_and_no_longer_when_it_is_not(
    outside: Outside, caplog: pytest.LogCaptureFixture
) -> None:
    found = [health("ok")]
    task = asyncio.create_task(DeadMan(outside.url, 0.05, lambda: found[0]).run())
    try:
        await outside.hears(3)
        assert set(outside.asked) == {"/ping/4711"}
        found[0] = health("degraded", "away")
        await asyncio.sleep(0.2)
        until_now = len(outside.asked)
        await asyncio.sleep(0.5)
        assert len(outside.asked) == until_now
        assert caplog.text.count("writer away") == 1
        found[0] = health("ok")
        await outside.hears(until_now + 2)
    finally:
        task.cancel()


async def test_an_address_that_refuses_or_is_gone_is_said_and_asked_again(
    outside: Outside, caplog: pytest.LogCaptureFixture
) -> None:
    outside.answer = 500
    task = asyncio.create_task(DeadMan(outside.url, 0.05, lambda: health("ok")).run())
    try:
        await outside.hears(2)
        assert "it answers 500" in caplog.text
        assert outside.url not in caplog.text.replace("HTTP Request: GET " + outside.url, ""), (
            "whoever reads the log could keep it quiet"
        )
        outside.answer = 200
        await outside.hears(len(outside.asked) + 2)
    finally:
        task.cancel()
    gone = asyncio.create_task(DeadMan("http://127.0.0.1:1/", 0.05, lambda: health("ok")).run())
    await asyncio.sleep(0.3)
    gone.cancel()
    assert "in vain" in caplog.text


def test_only_an_http_address_is_taken() -> None:
    secret = {"SHOUWANG_API_TOKEN_SECRET": "x" * 32}
    assert settings.read(ApiSettings, "SHOUWANG_API_", secret).dead_man_url == ""
    with pytest.raises(BadSetting):
        settings.read(ApiSettings, "SHOUWANG_API_", {**secret, "SHOUWANG_API_DEAD_MAN_URL": "ping.example.org"})
