"""Sends a recording's messages on one connection, in order, as fast as the broker takes them or at a chosen speed."""

import asyncio
import time
from collections.abc import Callable, Iterable

from simulators.mqtt import Client
from simulators.recording import Message

SETTLE_S = 60.0
"""Longest wait for the last acknowledgements, s."""


class Sent:
    """How many readings were published and how many the broker has acknowledged."""

    def __init__(self) -> None:
        self.published = 0
        self.acknowledged = 0
        self.at_s = 0.0
        """How far the recording's clock is."""

    def on_acknowledged(self, mark: int) -> None:
        """A PUBACK came for a message with so many readings."""
        self.acknowledged += mark


async def send(
    messages: Iterable[Message],
    client: Client,
    sent: Sent,
    *,
    speed: float | None = None,
    until: Callable[[], bool] = lambda: False,
) -> None:
    """Publish all messages, each when its time has come at ``speed`` times the recording's own (None: at once). Returns when the
    broker has acknowledged all; ``until`` true ends it early. One connection, so that order is kept; the client's limit is the back-pressure."""
    began_wall_s, began_at_s = time.monotonic(), None
    for count, message in enumerate(messages, 1):
        if until():
            break
        if began_at_s is None:
            began_at_s = message.at_s
        if speed is not None:
            while not until():
                wait_s = (message.at_s - began_at_s) / speed - (time.monotonic() - began_wall_s)
                if wait_s <= 0:
                    break
                await asyncio.sleep(min(wait_s, 0.5))
        await client.room()
        client.publish(message.topic, message.payload, message.readings)
        sent.published += message.readings
        sent.at_s = message.at_s
        if count % 200 == 0:
            await asyncio.sleep(0)  # acknowledgements are heard in between
    await client.settled(SETTLE_S)
