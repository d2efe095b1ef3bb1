"""Sends a recording's messages on one connection, in order, as fast as the broker takes them or at a chosen speed."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable

from simulators.mqtt import Client
from simulators.recording import Message

SETTLE_S = 60.0
"""Longest wait for the last acknowledgements, s."""
AHEAD = 20_000
"""Readings that may be sent and not judged yet. A recording's home shares its partition with others, and they wait behind it: so many
are judged in some ten to twenty seconds where each has a moment of its own."""
PATIENCE_S = 60.0
"""A stream that says nothing for so long is not waited for, s."""


class Sent:
    """How many readings were published and how many the broker has acknowledged."""

    def __init__(self) -> None:
        self.published = 0
        self.acknowledged = 0
        self.at_s = 0.0
        """How far the recording's clock is."""
        self._marks: deque[tuple[float, int]] = deque()
        self._judged = 0

    def on_acknowledged(self, mark: int) -> None:
        """A PUBACK came for a message with so many readings."""
        self.acknowledged += mark

    def mark(self) -> None:
        """Remember how much was published by this moment of the recording."""
        self._marks.append((self.at_s, self.published))

    def unjudged(self, judged_until_s: float) -> int:
        """About how many readings were published that a stream which is so far has not seen."""
        while self._marks and self._marks[0][0] <= judged_until_s:
            self._judged = self._marks.popleft()[1]
        return self.published - self._judged


async def send(
    messages: Iterable[Message],
    client: Client,
    sent: Sent,
    *,
    speed: float | None = None,
    until: Callable[[], bool] = lambda: False,
    judged_until_s: Callable[[], float] | None = None,
) -> None:
    """Publish all messages, each when its time has come at ``speed`` times the recording's own (None: at once). Returns when the
    broker has acknowledged all; ``until`` true ends it early. One connection, so that order is kept; the client's limit is the back-pressure.
    ``judged_until_s``: how far the stream is on the recording's clock; it is left behind by no more than about AHEAD readings."""
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
            if judged_until_s is not None:
                sent.mark()
                await _stay_near(sent, judged_until_s, until)
    await client.settled(SETTLE_S)


async def _stay_near(sent: Sent, judged_until_s: Callable[[], float], until: Callable[[], bool]) -> None:
    far_s, since_s = judged_until_s(), time.monotonic()
    while sent.unjudged(far_s) > AHEAD and time.monotonic() - since_s < PATIENCE_S and not until():
        await asyncio.sleep(0.1)
        if judged_until_s() > far_s:
            far_s, since_s = judged_until_s(), time.monotonic()
