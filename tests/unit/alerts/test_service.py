"""No part of the service ends unnoticed, however it ends."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from alerts import service
from alerts.service import EndedByItself, Service
from alerts.settings import AlertsSettings


async def _cancelled() -> None:
    raise asyncio.CancelledError  # as aiokafka lets one out of a consumer's end


async def _over() -> None:
    pass


async def _broken() -> None:
    raise KeyError("nobody foresaw this")


def parts(monkeypatch: pytest.MonkeyPatch, *works: Callable[[], Awaitable[None]]) -> Service:
    made = Service(AlertsSettings(), figures=None)  # type: ignore[arg-type]

    async def tasks(_: object) -> list["asyncio.Task[None]"]:
        return [asyncio.create_task(service._run(each), name=each.__name__) for each in works]

    monkeypatch.setattr(made, "_tasks", tasks)
    return made


async def test_a_part_that_a_library_cancels_ends_the_process_and_one_that_is_done_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = parts(monkeypatch, asyncio.Event().wait, _over, _cancelled)  # type: ignore[arg-type]
    async with asyncio.timeout(10):
        with pytest.raises(EndedByItself, match="_cancelled"):
            await made.run()


async def test_work_that_is_done_is_no_end_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    made = parts(monkeypatch, asyncio.Event().wait, _over)  # type: ignore[arg-type]
    running = asyncio.create_task(made.run())
    await asyncio.sleep(0.1)
    assert not running.done()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_what_a_part_could_not_bear_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    async with asyncio.timeout(10):
        with pytest.raises(KeyError):
            await parts(monkeypatch, _broken).run()


async def test_a_stop_is_no_end_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    made = parts(monkeypatch)

    async def until_told() -> None:
        await made._patience.pause(60)

    async def tasks(_: object) -> list["asyncio.Task[None]"]:
        return [asyncio.create_task(service._run(until_told))]

    monkeypatch.setattr(made, "_tasks", tasks)
    running = asyncio.create_task(made.run())
    await asyncio.sleep(0.05)
    made.stop()
    async with asyncio.timeout(10):
        await running
