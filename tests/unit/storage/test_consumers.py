"""A consumer whose broker died is put down without ending the task that read with it."""

import asyncio
from typing import Any

import pytest

from storage.consumers import put_down


class _Client:
    closed = False

    async def close(self) -> None:
        self.closed = True


class _Consumer:
    """Ends as aiokafka's does whose request under way was cancelled, or takes its time."""

    def __init__(self, takes_s: float = 0.0) -> None:
        self._client = _Client()
        self._takes_s = takes_s

    async def stop(self) -> None:
        if self._takes_s:
            await asyncio.sleep(self._takes_s)
        request = asyncio.ensure_future(asyncio.sleep(10))
        request.cancel()
        await request


async def test_a_request_that_was_cancelled_is_not_our_own_end() -> None:
    consumer: Any = _Consumer()
    await put_down(consumer)
    assert consumer._client.closed


async def test_what_went_wrong_before_is_what_is_raised() -> None:
    consumer: Any = _Consumer()

    async def read() -> None:
        try:
            raise ConnectionError
        finally:
            await put_down(consumer)

    with pytest.raises(ConnectionError):
        await read()


async def test_our_own_end_stays_one() -> None:
    consumer: Any = _Consumer(takes_s=10.0)
    task = asyncio.create_task(put_down(consumer))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert consumer._client.closed
