"""Deliveries: acknowledged once all parts are held, many at once, and no more read than can be kept."""

import asyncio
from collections.abc import Sequence

from ingest.deliveries import Deliveries


class Line:
    """A connection that writes down what it is told."""

    def __init__(self) -> None:
        self.name = "bulk"
        self.epoch = 1
        self.acknowledged: list[list[int]] = []
        self.reading = True

    def acknowledge(self, epoch: int, mids: Sequence[int]) -> bool:
        if epoch == self.epoch:
            self.acknowledged.append(list(mids))
        return epoch == self.epoch

    def pause(self) -> None:
        self.reading = False

    def resume(self) -> None:
        self.reading = True


async def test_a_message_is_acknowledged_when_its_last_part_is_held() -> None:
    line, deliveries = Line(), Deliveries(1_000)
    delivery = deliveries.open(line, 7, 10)
    delivery.parts = 2
    deliveries.settle(delivery)
    await asyncio.sleep(0)
    assert line.acknowledged == []
    assert deliveries.messages == {"bulk": 1}
    deliveries.settle(delivery)
    await asyncio.sleep(0)
    assert line.acknowledged == [[7]]
    assert (deliveries.messages, deliveries.bytes, deliveries.acknowledged) == ({"bulk": 0}, {"bulk": 0}, {"bulk": 1})


async def test_what_one_turn_of_the_loop_settles_is_acknowledged_together() -> None:
    line, deliveries = Line(), Deliveries(1_000)
    for mid in (1, 2, 3):
        deliveries.close(deliveries.open(line, mid, 10))
    await asyncio.sleep(0)
    assert line.acknowledged == [[1, 2, 3]]


async def test_messages_of_a_lost_connection_are_not_acknowledged_on_the_next() -> None:
    line, deliveries = Line(), Deliveries(1_000)
    old = deliveries.open(line, 1, 10)
    line.epoch += 2
    deliveries.close(deliveries.open(line, 1, 10))
    deliveries.close(old)
    await asyncio.sleep(0)
    assert line.acknowledged == [[1]]
    assert deliveries.acknowledged == {"bulk": 1}


async def test_reading_stops_while_too_much_is_in_flight_and_goes_on_at_half_of_it() -> None:
    line, deliveries = Line(), Deliveries(100)
    opened = [deliveries.open(line, mid, 30) for mid in range(4)]
    assert not line.reading
    deliveries.close(opened[0])
    deliveries.close(opened[1])
    assert not line.reading, "60 of 100 are still in flight"
    deliveries.close(opened[2])
    assert line.reading


async def test_a_bridge_that_leaves_does_not_read_on() -> None:
    line, deliveries = Line(), Deliveries(100)
    opened = [deliveries.open(line, mid, 60) for mid in range(2)]
    deliveries.leave()
    line.pause()
    for delivery in opened:
        deliveries.close(delivery)
    assert not line.reading
