"""The api ends when it is told to, whatever its tasks do with the word."""

import asyncio

from api.app import _end


async def test_a_task_that_loses_its_cancellation_is_ended_all_the_same() -> None:
    """A client library that is cancelled in its clean-up may raise an error of its own instead."""
    lost = 0

    async def work() -> None:
        nonlocal lost
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                if lost == 0:
                    lost += 1
                    continue
                raise

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    await _end([task])
    assert task.cancelled()
    assert lost == 1
