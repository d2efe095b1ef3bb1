"""The load that outlives its broker: every reading passes the gate, numbers have no holes, and disorder is what was said."""

import asyncio
import json
from collections import Counter, defaultdict
from typing import Any

from bench import lasting_load
from bench.lasting_load import LastingLoad
from contracts.names import parse_topic
from ingest import gate


class Line:
    """Stands where a connection would: takes everything, acknowledges at once, answers a press when it comes for the second time."""

    def __init__(self, load: LastingLoad) -> None:
        self.load = load
        self.unacknowledged = 0
        self.deaf = False
        self.taken: list[tuple[str, bytes]] = []
        self.presses: Counter[bytes] = Counter()

    def publish(self, topic: str, payload: bytes, mark: str | None) -> None:
        self.taken.append((topic, payload))
        self.load._on_acknowledged(mark)
        if topic.endswith("/event") and not self.deaf:
            body = json.loads(payload)
            self.presses[topic.encode()] += 1
            if self.presses[topic.encode()] == 2:
                receipt = {"code": "ok", "boot": body["boot"], "seq": body["seq"]}
                self.load._on_receipt(topic.replace("/event", "/receipt"), json.dumps(receipt).encode())


async def test_what_it_sends_can_be_counted_and_what_it_causes_is_in_the_ledger(monkeypatch: Any) -> None:
    monkeypatch.setattr(lasting_load, "AGAIN_S", 0.2)
    monkeypatch.setattr(lasting_load, "LATER_S", 0.3)
    monkeypatch.setattr(lasting_load, "LEAK_S", 0.5)
    monkeypatch.setattr(lasting_load, "LEAK_EVERY_S", 0.2)
    monkeypatch.setattr(lasting_load, "PRESSES_PER_S", 20.0)
    load = LastingLoad("c123456", 60, 2000.0, 1)
    line: Any = Line(load)
    load._clients = [line] * lasting_load.CONNECTIONS
    await load.publish(1.5)
    assert await load.settled(5)

    seen: dict[str, Counter[int]] = defaultdict(Counter)
    order: dict[str, list[int]] = defaultdict(list)
    for topic, payload in line.taken:
        (part,) = gate.judge(topic, payload).parts
        assert part.reading.seq is not None
        account = parse_topic(topic).account
        seen[account][part.reading.seq] += 1
        order[account].append(part.reading.seq)
    for account, numbers in seen.items():
        assert sorted(numbers) == list(range(1, len(numbers) + 1)), account
        assert len(numbers) == load.acknowledged[account]
    assert sum(map(len, seen.values())) == load.sent == load.acknowledged.total()

    twice = sum(count - 1 for numbers in seen.values() for count in numbers.values())
    assert twice == load.repeated + load.pressed_again
    assert load.repeated > 0
    assert load.held_back > 0
    assert any(numbers != sorted(numbers) for numbers in order.values()), "nothing came out of order"

    causes = Counter(entry.scenario for entry in load.ledger)
    assert causes["press"] >= 15
    assert causes["leak"] >= 5
    assert max(Counter(entry.home_id for entry in load.ledger).values()) == 1, "a case has one cause"
    leaks = Counter(parse_topic(topic).home_id for topic, payload in line.taken if b"gas_lel_pct" in payload)
    assert min(leaks.values()) >= 2, "two readings are what the detector asks for"
    await asyncio.sleep(0)


async def test_a_press_without_receipt_is_repeated_and_said_to_be_unanswered(monkeypatch: Any) -> None:
    monkeypatch.setattr(lasting_load, "AGAIN_S", 0.05)
    load = LastingLoad("c123456", 3, 10.0, 1)
    line: Any = Line(load)
    line.deaf = True
    load._clients = [line] * lasting_load.CONNECTIONS
    load._press(1)
    assert not await load.settled(2.0)
    assert load.unanswered == 1
    assert load.pressed_again >= 2
