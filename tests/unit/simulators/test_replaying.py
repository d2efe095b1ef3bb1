"""How far a replay may be ahead of the stream that judges it."""

from typing import Any

import pytest

from simulators import replaying
from simulators.recording import Message
from simulators.replaying import Sent, send

RECORDING = [Message(float(second), "topic", b"{}", 1) for second in range(5_000)]


class Broker:
    """Acknowledges at once."""

    def __init__(self, sent: Sent) -> None:
        self.sent = sent

    async def room(self) -> None:
        pass

    def publish(self, topic: bytes, payload: bytes, mark: Any) -> None:
        self.sent.on_acknowledged(mark)

    async def settled(self, timeout_s: float) -> bool:
        return True


async def test_it_stays_near_what_the_stream_has_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replaying, "AHEAD", 1_000)
    sent, judged_s, ahead = Sent(), 0.0, []

    def judged_until_s() -> float:
        nonlocal judged_s
        ahead.append(sent.published - judged_s)
        judged_s = min(judged_s + 150.0, sent.at_s)
        return judged_s

    await send(RECORDING, Broker(sent), sent, judged_until_s=judged_until_s)  # type: ignore[arg-type]
    assert sent.acknowledged == len(RECORDING)
    assert max(ahead) <= 1_000 + 400


async def test_a_stream_that_says_nothing_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replaying, "AHEAD", 1_000)
    monkeypatch.setattr(replaying, "PATIENCE_S", 0.0)
    sent = Sent()
    await send(RECORDING, Broker(sent), sent, judged_until_s=lambda: 0.0)  # type: ignore[arg-type]
    assert sent.acknowledged == len(RECORDING)


async def test_who_stops_it_does_not_wait_for_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replaying, "AHEAD", 1_000)
    sent, asked = Sent(), 0

    def judged_until_s() -> float:
        nonlocal asked
        asked += 1
        return 0.0

    await send(RECORDING, Broker(sent), sent, until=lambda: asked > 10, judged_until_s=judged_until_s)  # type: ignore[arg-type]
    assert sent.published <= 1_400
